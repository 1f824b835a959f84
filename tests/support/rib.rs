//! A routing table of a default route and host routes, with something to do inside look-ups.

use std::collections::BTreeMap;
use std::sync::Arc;

use mgm::{Interface, Rib, Route, SourceAddr};
use parking_lot::Mutex;

use super::Family;

type Hook = dyn Fn() + Send + Sync;

pub(crate) struct Routes<A: Family> {
    routes: Mutex<BTreeMap<A::Net, Route<A>>>,
    hook: Mutex<Option<Arc<Hook>>>,
}

impl<A: Family> Routes<A> {
    pub(super) fn new() -> Self {
        Self { routes: Mutex::default(), hook: Mutex::default() }
    }

    pub(crate) fn set(&self, prefix: A::Net, interface: Interface<A>) {
        self.routes.lock().insert(prefix, route(prefix, interface));
    }

    pub(crate) fn remove(&self, prefix: A::Net) {
        self.routes.lock().remove(&prefix);
    }

    /// Does this inside every look-up, after it has found its answer.
    pub(crate) fn inside_lookups(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.hook.lock() = Some(Arc::new(hook));
    }

    /// Does this inside the next look-up, after it has found its answer.
    pub(crate) fn inside_lookup(&self, hook: impl FnOnce() + Send + 'static) {
        let hook = Mutex::new(Some(hook));
        self.inside_lookups(move || {
            let hook = hook.lock().take();
            hook.into_iter().for_each(|hook| hook());
        });
    }
}

impl<A: Family> Rib<A> for Routes<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let routes = self.routes.lock();
        let route = routes.get(&source.address().host()).or_else(|| routes.get(&A::every_source())).copied();
        drop(routes);
        let hook = self.hook.lock().clone();
        if let Some(hook) = hook {
            hook();
        }
        route
    }
}

/// A route by the neighbour on this interface.
pub(crate) fn route<A: Family>(prefix: A::Net, interface: Interface<A>) -> Route<A> {
    Route::new(prefix, interface).upstream(neighbour(interface))
}

/// The neighbour on an interface by which routes lead; its number is 1000 and the index of the interface.
pub(crate) fn neighbour<A: Family>(interface: Interface<A>) -> A {
    A::source(1000 + u16::try_from(interface.index().get()).unwrap()).address()
}
