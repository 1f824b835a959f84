//! What follows from a change: the news for the clients.

use std::sync::Arc;

use super::key::ClientKey;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::AlertCause;
use crate::types::entry::Entry;
use crate::types::interface::Interface;

/// News for one client, as its queue keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Alert<A> {
    Join(Entry<A>, AlertCause),
    Prune(Entry<A>, AlertCause),
    LocalJoin(Interface<A>, Entry<A>),
    LocalLeave(Interface<A>, Entry<A>),
    LocalBlock(Interface<A>, SourceAddr<A>, GroupAddr<A>),
    LocalUnblock(Interface<A>, SourceAddr<A>, GroupAddr<A>),
    WrongInterface(Interface<A>, SourceAddr<A>, GroupAddr<A>, Arc<[u8]>),
    InterfaceRemoved(Interface<A>),
}

impl<A> Alert<A> {
    /// The callback that brings it.
    pub(crate) const fn callback(&self) -> &'static str {
        match self {
            Self::Join(..) => "join_alert",
            Self::Prune(..) => "prune_alert",
            Self::LocalJoin(..) => "local_join",
            Self::LocalLeave(..) => "local_leave",
            Self::LocalBlock(..) => "local_block",
            Self::LocalUnblock(..) => "local_unblock",
            Self::WrongInterface(..) => "wrong_interface",
            Self::InterfaceRemoved(..) => "interface_removed",
        }
    }
}

/// All that follows from one call, in order. The buffers are reused from call to call.
#[derive(Debug)]
pub(crate) struct Effects<A: Address> {
    /// CT-6: these come first.
    pub(crate) forwarding: Vec<(ClientKey, Alert<A>)>,
    pub(crate) alerts: Vec<(ClientKey, Alert<A>)>,
    /// Clients whose going away is complete: what they own can be dropped, outside every lock.
    pub(crate) gone: Vec<ClientKey>,
}

impl<A: Address> Default for Effects<A> {
    fn default() -> Self {
        Self { forwarding: Vec::new(), alerts: Vec::new(), gone: Vec::new() }
    }
}

impl<A: Address> Effects<A> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.forwarding.is_empty() && self.alerts.is_empty() && self.gone.is_empty()
    }

    pub(crate) fn alert(&mut self, client: ClientKey, alert: Alert<A>) {
        self.alerts.push((client, alert));
    }
}
