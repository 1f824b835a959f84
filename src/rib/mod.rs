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
///
/// # Example: a few static routes
///
/// ```
/// use mgm::{Mgm, Rib, Route, SourceAddr};
///
/// struct Static(Vec<Route>);
///
/// impl Rib for Static {
///     fn lookup(&self, source: SourceAddr) -> Option<Route> {
///         let covering = self.0.iter().filter(|route| route.prefix.contains(&source.address()));
///         covering.max_by_key(|route| route.prefix.prefix_len()).copied()
///     }
/// }
///
/// let uplink = Route::new("0.0.0.0/0".parse()?, 1.try_into()?).upstream("192.0.2.1".parse()?);
/// let mgm = Mgm::builder().rib(Static(vec![uplink])).build();
/// # drop::<Mgm>(mgm);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rib<A: Address = Ipv4Addr>: Send + Sync {
    /// The best route toward `source`: the longest match, over an interface that is up.
    ///
    /// *If the answer is wrong*, the protocol on the wrong interface is asked and told, and the packets, which come
    /// in elsewhere, are dropped; with no route where there is one, nobody pulls the source, and it is forwarded from
    /// wherever it comes in. An answer that has become wrong is used until
    /// [`routes_changed`](crate::Mgm::routes_changed) covers it, or an entry of the source is made or renewed. A slow
    /// answer holds up the call that needs it, and nobody else.
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>>;
}

/// A closure is a RIB. (So a `Box` and a reference are RIBs only as `Box<dyn Rib>`: of a closure they are closures.)
///
/// # Example: no routes at all
///
/// ```
/// use mgm::{Mgm, SourceAddr};
///
/// let mgm = Mgm::builder().rib(|_: SourceAddr| None).build();
/// assert_eq!(mgm.mfes().count(), 0);
/// ```
impl<A: Address, F: Fn(SourceAddr<A>) -> Option<Route<A>> + Send + Sync> Rib<A> for F {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        self(source)
    }
}

impl<A: Address> Rib<A> for Box<dyn Rib<A>> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        self.as_ref().lookup(source)
    }
}

impl<A: Address, T: Rib<A> + ?Sized> Rib<A> for Arc<T> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        T::lookup(self, source)
    }
}
