//! The multicast view of the routing table.

#[cfg(feature = "route-table")]
mod table;

use std::net::Ipv4Addr;
use std::sync::Arc;

#[cfg(feature = "route-table")]
pub use table::RouteTable;

use crate::types::address::{Address, SourceAddr};
use crate::types::route::Route;

/// The multicast view of the routing table (MGM: RIB; RFC 7761: MRIB).
///
/// The manager keeps what it was answered for each source, until it is told with
/// [`routes_changed`](crate::Mgm::routes_changed) that the answer may have changed.
///
/// # When it is called
///
/// When the first entry of a source is made, when an entry is made or renewed, and for each source that
/// `routes_changed` covers.
///
/// # Thread and locks
///
/// Any thread, several at once; the manager holds no lock.
///
/// # What you may call from here
///
/// Anything.
///
/// # If it panics
///
/// The panic is caught, reported at error level and counted; there is no route.
pub trait Rib<A: Address = Ipv4Addr>: Send + Sync {
    /// The best route toward `source`: the longest match, over an interface that is up.
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>>;
}

impl<A: Address, T: Rib<A> + ?Sized> Rib<A> for Arc<T> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        T::lookup(self, source)
    }
}
