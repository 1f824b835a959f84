//! The routing table that the manager asks.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ipnet::Ipv4Net;
use mgm::{Rib, Route, SourceAddr};

#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(BTreeMap<Ipv4Net, Route>);

impl Routes {
    pub(crate) fn set(&mut self, prefix: Ipv4Net, route: Option<Route>) {
        self.0.remove(&prefix);
        self.0.extend(route.map(|route| (prefix, route)));
    }

    pub(crate) fn find(&self, source: SourceAddr) -> Option<Route> {
        let covering = self.0.values().filter(|route| route.prefix.contains(&source.address()));
        covering.max_by_key(|route| route.prefix.prefix_len()).copied()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Table(pub(crate) Mutex<Routes>);

impl Rib for Table {
    fn lookup(&self, source: SourceAddr) -> Option<Route> {
        self.0.lock().unwrap().find(source)
    }
}
