//! The handle of a refresh.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::{ClientKey, RefreshId};
use crate::manager::{Recorder, Shared};
use crate::record::Call;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// A refresh that a client has begun: see [`begin_refresh`](crate::ClientRef::begin_refresh).
///
/// Dropping it ends nothing: a refresh that ended by accident would lose members. So only [`end`](Self::end) sweeps,
/// or the deadline. It can be sent to the thread or task that does the work.
pub struct Refresh<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    client: ClientKey,
    interface: Interface<A>,
    id: RefreshId,
}

impl<A: Address> Refresh<A> {
    pub(crate) const fn new(
        shared: Arc<Shared<A>>,
        client: ClientKey,
        interface: Interface<A>,
        id: RefreshId,
    ) -> Self {
        Self { shared, client, interface, id }
    }

    /// The interface on which it was begun.
    #[must_use]
    pub const fn interface(&self) -> Interface<A> {
        self.interface
    }

    /// Ends the refresh: what the client has not added again is deleted, with all the alerts of deletes
    /// ([HO-14](crate::specification#ho-14), [HO-17](crate::specification#ho-17)).
    ///
    /// Ending one that is over, by its deadline, or because the interface has changed hands, changes nothing; nor does it
    /// end a newer one. Inside `enable_igmp`, what is left is deleted when that has returned.
    pub fn end(self) {
        let Self { shared, client, interface, id } = self;
        let call = |_: &Recorder<A>| Call::EndRefresh { interface, refresh: id.number() };
        shared.recorded(Some(client), call, || shared.end_refresh(interface, id));
    }
}

#[cfg(feature = "replay")]
impl<A: Address> Refresh<A> {
    /// Counts what the manager numbers.
    pub(crate) const fn number(&self) -> u64 {
        self.id.number()
    }
}

impl<A: Address> fmt::Debug for Refresh<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh").field("interface", &self.interface).finish_non_exhaustive()
    }
}
