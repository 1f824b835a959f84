//! A table of routes for a daemon that has none of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use parking_lot::RwLock;
use prefix_trie::PrefixMap;

use super::Rib;
use crate::types::address::{Address, SourceAddr};
use crate::types::route::Route;

/// Routes by prefix, and the interfaces that are down.
///
/// A change here is not noticed by the manager: tell it with [`Mgm::routes_changed`](crate::Mgm::routes_changed)
/// and what the method returns.
///
/// # Example: the longest match whose interface is up
///
/// ```
/// use mgm::{Interface, Rib, Route, RouteTable};
///
/// let routes: RouteTable = RouteTable::new();
/// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
/// routes.insert(Route::new("0.0.0.0/0".parse()?, eth0));
/// routes.insert(Route::new("10.0.0.0/8".parse()?, eth1));
/// let source = "10.1.1.1".parse()?;
/// assert_eq!(routes.lookup(source).unwrap().interface, eth1);
/// routes.set_down(eth1.index());
/// assert_eq!(routes.lookup(source).unwrap().interface, eth0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RouteTable<A: Address = Ipv4Addr> {
    tables: RwLock<Tables<A>>,
}

struct Tables<A: Address> {
    routes: PrefixMap<A::Net, Route<A>>,
    down: BTreeSet<NonZeroU32>,
}

impl<A: Address> RouteTable<A> {
    /// A table without routes.
    #[must_use]
    pub fn new() -> Self {
        Self { tables: RwLock::new(Tables { routes: PrefixMap::new(), down: BTreeSet::new() }) }
    }

    /// All routes, in the order of their prefixes; also those over interfaces that are down.
    #[must_use]
    pub fn routes(&self) -> Vec<Route<A>> {
        self.tables.read().routes.values().copied().collect()
    }

    /// Adds a route, or replaces the one of the same prefix. Sources in `route.prefix` are affected.
    pub fn insert(&self, route: Route<A>) -> Option<Route<A>> {
        self.tables.write().routes.insert(route.prefix, route)
    }

    /// Removes the route of a prefix. Sources in `prefix` are affected.
    pub fn remove(&self, prefix: A::Net) -> Option<Route<A>> {
        self.tables.write().routes.remove(&prefix)
    }

    /// Routes over this interface do not count while it is down. Returns their prefixes: those are affected.
    pub fn set_down(&self, index: NonZeroU32) -> Vec<A::Net> {
        let mut tables = self.tables.write();
        tables.down.insert(index);
        tables.over(index)
    }

    /// Routes over this interface count again. Returns their prefixes: those are affected.
    pub fn set_up(&self, index: NonZeroU32) -> Vec<A::Net> {
        let mut tables = self.tables.write();
        tables.down.remove(&index);
        tables.over(index)
    }
}

impl<A: Address> Tables<A> {
    fn over(&self, index: NonZeroU32) -> Vec<A::Net> {
        let over = self.routes.values().filter(|route| route.interface.index() == index);
        over.map(|route| route.prefix).collect()
    }
}

impl<A: Address> Rib<A> for RouteTable<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let tables = self.tables.read();
        let covering = tables.routes.cover(&A::host(source.address()));
        covering
            .map(|(_, route)| *route)
            .filter(|route| !tables.down.contains(&route.interface.index()))
            .last()
    }
}

impl<A: Address> Default for RouteTable<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// Of two routes of one prefix the last stays.
impl<A: Address> FromIterator<Route<A>> for RouteTable<A> {
    fn from_iter<I: IntoIterator<Item = Route<A>>>(routes: I) -> Self {
        let table = Self::new();
        for route in routes {
            table.insert(route);
        }
        table
    }
}

impl<A: Address> fmt::Debug for RouteTable<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.tables.read().routes.iter().map(|(prefix, route)| (prefix, *route)))
            .finish()
    }
}
