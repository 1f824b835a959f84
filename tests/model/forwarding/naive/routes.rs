//! Routes, and what follows when they change.

use ipnet::Ipv4Net;
use mgm::{AlertCause, Route, SourceAddr};

use super::{Key, Model, of};

impl Model {
    /// FW-9.
    pub(crate) fn routes_changed(&mut self, prefix: &Ipv4Net) {
        let sources = self.known.keys().copied().filter(|source| prefix.contains(&source.address()));
        for source in sources.collect::<Vec<_>>() {
            self.follow(source, self.rib.find(source));
        }
    }

    /// The RIB is asked whenever an entry is made; what it says anew is followed at once.
    pub(super) fn look_up_again(&mut self, source: SourceAddr) {
        let route = self.rib.find(source);
        if *self.known.entry(source).or_insert(route) != route {
            self.follow(source, route);
            self.end_step();
        }
    }

    pub(super) fn follow(&mut self, source: SourceAddr, route: Option<Route>) {
        let old = self.upstream_owner(source);
        self.known.insert(source, route);
        let new = self.upstream_owner(source);
        self.upstream_moves(source, old, new);
        let keys: Vec<_> = self.mfes.keys().copied().filter(|(_, of)| *of == source).collect();
        keys.into_iter().for_each(|key| self.move_mfe(key));
    }

    /// FW-9.
    pub(super) fn move_mfe(&mut self, key: Key) {
        let old = self.mfe_owner(key);
        let iif = self.mfes[&key].iif;
        let route = self.ask_rpf(key, iif, &[]);
        self.mfes.entry(key).and_modify(|mfe| {
            mfe.route = route;
            mfe.upstream = route.and_then(|route| route.upstream);
            mfe.iif = route.map_or(iif, |route| route.interface);
        });
        let new = self.mfe_owner(key);
        if old != new {
            self.tell_upstream(old, of(key), false, AlertCause::ForwardingEntry);
            let new = new.filter(|_| !self.oifs(key).is_empty());
            self.tell_upstream(new, of(key), true, AlertCause::ForwardingEntry);
        }
    }
}
