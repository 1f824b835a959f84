//! A multicast protocol without a protocol: it owns the interfaces that it is given.

use mgm::{Address, AlertCause, ClientRef, Entry, GroupAddr, Interface, ProtocolCallbacks, SourceAddr};

/// Forwards where hosts have joined, and has no neighbours to tell.
///
/// What hosts join on its interfaces counts for it, so the manager does the forwarding; a join or prune alert would
/// go on to the neighbours of a protocol that has some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaticProtocol;

impl<A: Address> ProtocolCallbacks<A> for StaticProtocol {
    fn join_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        tracing::debug!(%entry, %cause, "wanted elsewhere");
    }

    fn prune_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        tracing::debug!(%entry, %cause, "no longer wanted elsewhere");
    }

    fn local_join(&self, _: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {
        tracing::debug!(%interface, %entry, "joined");
    }

    fn local_leave(&self, _: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {
        tracing::debug!(%interface, %entry, "left");
    }

    fn local_block(
        &self,
        _: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        tracing::debug!(%interface, %source, %group, "blocked");
    }

    fn local_unblock(
        &self,
        _: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        tracing::debug!(%interface, %source, %group, "no longer blocked");
    }
}
