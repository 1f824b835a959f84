//! A routing table of a default route and host routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use mgm::{Interface, Rib, Route, SourceAddr};
use parking_lot::Mutex;

use super::Log;
use super::names::{Family, name};

type Hook = dyn Fn(u16) + Send + Sync;

pub(crate) struct Routes<A: Family> {
    log: Log,
    routes: Mutex<BTreeMap<A::Net, Route<A>>>,
    hook: Mutex<Option<Arc<Hook>>>,
}

impl<A: Family> Routes<A> {
    pub(crate) fn new(log: Log) -> Self {
        Self { log, routes: Mutex::default(), hook: Mutex::default() }
    }

    /// The neighbour of a route has the number 1000 and the index of its interface.
    pub(crate) fn set(&self, prefix: A::Net, interface: Interface<A>) {
        let route = Route { prefix, interface, upstream: Some(neighbour(interface)) };
        self.routes.lock().insert(prefix, route);
    }

    pub(crate) fn remove(&self, prefix: A::Net) {
        self.routes.lock().remove(&prefix);
    }

    /// Does this inside every lookup, given the number of the source.
    pub(crate) fn hook(&self, hook: impl Fn(u16) + Send + Sync + 'static) {
        *self.hook.lock() = Some(Arc::new(hook));
    }

    /// Does this inside the next lookup.
    pub(crate) fn once(&self, hook: impl FnOnce() + Send + 'static) {
        let hook = Mutex::new(Some(hook));
        self.hook(move |_| {
            let hook = hook.lock().take();
            hook.into_iter().for_each(|hook| hook());
        });
    }
}

impl<A: Family> Rib<A> for Routes<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let number = source.address().number();
        let routes = self.routes.lock();
        let route = routes.get(&source.address().host()).or_else(|| routes.get(&A::everything())).copied();
        drop(routes);
        let via = route.map_or_else(|| "nowhere".to_owned(), |route| name(route.interface));
        self.log.note(format!("rib: S{number} via {via}"));
        let hook = self.hook.lock().clone();
        if let Some(hook) = hook {
            hook(number);
        }
        route
    }
}

pub(crate) fn neighbour<A: Family>(interface: Interface<A>) -> A {
    A::source(1000 + u16::try_from(interface.index().get()).unwrap()).address()
}
