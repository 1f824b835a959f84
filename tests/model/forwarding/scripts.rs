//! What the RIB and the clients answer when they are asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ipnet::Ipv4Net;
use mgm::{CreationOif, Rib, Route, SourceAddr};

use super::ops::{Creation, OTHER_UPSTREAM, Rpf, bit, interface};
use crate::ops::SLOTS;

/// A routing table.
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

/// The routing table that the manager asks.
#[derive(Debug, Default)]
pub(crate) struct Table(pub(crate) Mutex<Routes>);

impl Rib for Table {
    fn lookup(&self, source: SourceAddr) -> Option<Route> {
        self.0.lock().unwrap().find(source)
    }
}

/// What each client answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripts {
    pub(crate) rpf: [Rpf; SLOTS],
    pub(crate) creation: [Creation; SLOTS],
}

impl Rpf {
    /// Nothing, where the client panics instead.
    pub(crate) fn answer(self, route: Route) -> Option<Route> {
        match self {
            Self::AsRib => Some(route),
            Self::Interface(on) => Some(Route { interface: interface(on), ..route }),
            Self::Neighbour => Some(Route { upstream: Some(OTHER_UPSTREAM), ..route }),
            Self::WrongPrefix => Some(Route { prefix: "203.0.113.0/24".parse().unwrap(), ..route }),
            Self::Panics => None,
        }
    }
}

impl Creation {
    pub(crate) fn answer(self, oifs: &mut [CreationOif]) {
        for oif in oifs {
            if self.disables & bit(oif.interface()) != 0 && oif.is_enabled() {
                oif.set_enabled(false);
            } else if self.enables & bit(oif.interface()) != 0 {
                oif.set_enabled(true);
            }
        }
    }
}
