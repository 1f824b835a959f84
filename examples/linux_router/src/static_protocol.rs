//! A multicast protocol without a protocol: it owns the interfaces that it is given.

use std::fmt;
use std::sync::Arc;

use mgm::{Address, AlertCause, ClientRef, Entry, GroupAddr, Interface, ProtocolCallbacks, SourceAddr};
use tracing::Level;

use crate::names::Names;

/// Forwards where hosts have joined, and has no neighbours to tell.
///
/// What hosts join on its interfaces counts for it, so the manager does the forwarding; a join or prune alert would
/// go on to the neighbours of a protocol that has some.
#[derive(Debug)]
pub(crate) struct StaticProtocol {
    pub(crate) names: Arc<Names>,
}

impl StaticProtocol {
    fn log<A: Address>(&self, interface: Interface<A>, what: fmt::Arguments<'_>) {
        // A name costs more than a line that nobody wants.
        if tracing::enabled!(Level::DEBUG) {
            tracing::debug!(interface = self.names.get(interface.index()), "{what}");
        }
    }
}

impl<A: Address> ProtocolCallbacks<A> for StaticProtocol {
    fn join_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        tracing::debug!(%entry, %cause, "wanted elsewhere");
    }

    fn prune_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        tracing::debug!(%entry, %cause, "no longer wanted elsewhere");
    }

    fn local_join(&self, _: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {
        self.log(interface, format_args!("{entry} joined"));
    }

    fn local_leave(&self, _: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {
        self.log(interface, format_args!("{entry} left"));
    }

    fn local_block(
        &self,
        _: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.log(interface, format_args!("({source}, {group}) blocked"));
    }

    fn local_unblock(
        &self,
        _: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.log(interface, format_args!("({source}, {group}) no longer blocked"));
    }
}
