//! A RIB with one route, which a thread may change while another looks it up.

use std::sync::Mutex;

use mgm::{Mgm, Rib, Route, SourceAddr};

use crate::names::via;
use crate::violations::pause;

pub(crate) struct OneRoute(Mutex<Route>);

impl OneRoute {
    pub(crate) fn new(index: u32) -> Self {
        Self(Mutex::new(via(index)))
    }

    pub(crate) fn route(&self) -> Route {
        *self.0.lock().unwrap()
    }

    /// Changes the route, and then says so, as a daemon has to.
    pub(crate) fn change(&self, mgm: &Mgm, index: u32) {
        *self.0.lock().unwrap() = via(index);
        pause();
        mgm.routes_changed(&via(index).prefix);
    }
}

impl Rib for OneRoute {
    fn lookup(&self, _: SourceAddr) -> Option<Route> {
        pause();
        let route = self.route();
        pause();
        Some(route)
    }
}
