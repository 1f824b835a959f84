//! The sources in use, the routes to them, and who is told when those change (CT-5, CT-8, FW-9).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::effect::{Alert, Effects};
use super::interfaces::Slot;
use super::key::{ClientKey, Hashed, Key};
use crate::types::address::Address;
use crate::types::alert::AlertCause;
use crate::types::interface::Interface;
use crate::types::route::Route;

/// What the RIB said of every source that an (S,G) membership or a forwarding entry has.
#[derive(Debug)]
pub(super) struct Routes<A: Address> {
    /// Without a RIB there is nothing to keep.
    has_rib: bool,
    known: BTreeMap<A, Known<A>>,
    stamp: Stamp,
}

#[derive(Debug)]
struct Known<A: Address> {
    route: Option<Route<A>>,
    /// The change of routes that is to find out: an answer that comes with an older stamp came too late.
    stamp: Stamp,
    /// Those of the (S,G) that are wanted or have a forwarding entry.
    groups: Groups<A>,
}

/// The groups of one source: one is usual, and needs no memory of its own.
#[derive(Debug)]
enum Groups<A> {
    Few(Option<A>),
    #[expect(clippy::box_collection, reason = "a third of the size for the sources that have one group")]
    Many(Box<BTreeSet<A>>),
}

/// Counts the changes of routes.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stamp(u64);

/// An entry whose route has changed, and what its owner is to be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reroute<A: Address> {
    pub(crate) key: Key<A>,
    pub(crate) iif: Interface<A>,
    pub(crate) way: Way<A>,
}

/// The way to a source: the route, and the protocol that owns the interface that it leads over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Way<A: Address> {
    pub(crate) route: Option<Route<A>>,
    pub(crate) owner: Option<ClientKey>,
}

impl<A: Address> Routes<A> {
    pub(super) const fn new(has_rib: bool) -> Self {
        Self { has_rib, known: BTreeMap::new(), stamp: Stamp(0) }
    }

    fn groups_of(&self, source: A) -> impl Iterator<Item = Key<A>> {
        let groups = self.known.get(&source).into_iter().flat_map(|known| known.groups.iter());
        groups.map(move |group| Key { group, source })
    }
}

impl<A: Address> Groups<A> {
    fn iter(&self) -> impl Iterator<Item = A> {
        let (few, many) = match self {
            Self::Few(few) => (*few, None),
            Self::Many(many) => (None, Some(many.iter().copied())),
        };
        few.into_iter().chain(many.into_iter().flatten())
    }

    const fn is_empty(&self) -> bool {
        matches!(self, Self::Few(None))
    }

    fn insert(&mut self, group: A) {
        match self {
            Self::Few(None) => *self = Self::Few(Some(group)),
            Self::Few(Some(other)) if *other == group => {}
            Self::Few(Some(other)) => *self = Self::Many(Box::new(BTreeSet::from([*other, group]))),
            Self::Many(many) => {
                many.insert(group);
            }
        }
    }

    fn remove(&mut self, group: A) {
        match self {
            Self::Few(few) => *few = few.filter(|other| *other != group),
            Self::Many(many) => {
                many.remove(&group);
                if many.len() == 1 {
                    *self = Self::Few(many.first().copied());
                }
            }
        }
    }
}

impl<A: Address> Engine<A> {
    /// The stamp to look up the route to `source` with, unless it is known or there is no RIB to ask.
    pub(crate) fn unknown_route(&self, source: A) -> Option<Stamp> {
        let routes = &self.routes;
        (routes.has_rib && !routes.known.contains_key(&source)).then_some(routes.stamp)
    }

    /// Notes what the RIB said of a source of which nothing was known; no, if something is, or routes have changed
    /// since.
    pub(crate) fn learn_route(&mut self, source: A, route: Option<Route<A>>, stamp: Stamp) -> bool {
        let learns = self.unknown_route(source) == Some(stamp);
        if learns {
            self.routes.known.insert(source, Known { route, stamp, groups: Groups::Few(None) });
            self.index_route(source, route, true);
        }
        learns
    }

    /// Knows again what was forgotten in a change that is taken back.
    pub(crate) fn restore_route(&mut self, source: A, (route, stamp): (Option<Route<A>>, Stamp)) {
        if let Entry::Vacant(unknown) = self.routes.known.entry(source) {
            unknown.insert(Known { route, stamp, groups: Groups::Few(None) });
            self.index_route(source, route, true);
        }
    }

    /// Which change is to find out the route to `source`; nothing without a RIB.
    pub(crate) fn route_stamp(&self, source: A) -> Option<Stamp> {
        self.routes.known.get(&source).map(|known| known.stamp)
    }

    /// The route to `source`, and the owner of the interface that it leads over.
    pub(crate) fn way(&self, source: A) -> Way<A> {
        let route = self.routes.known.get(&source).and_then(|known| known.route);
        let port = route.and_then(|route| self.interfaces.find(route.interface));
        Way { route, owner: port.and_then(|port| port.protocol) }
    }

    /// Routes have changed: the sources of the prefix from `first` to `last` that are in use are to be looked
    /// up again, with the stamp that this returns.
    pub(crate) fn routes_changed(&mut self, (first, last): (A, A)) -> (Vec<A>, Stamp) {
        self.routes.stamp.0 += 1;
        let stamp = self.routes.stamp;
        let covered = self.routes.known.range_mut(first..=last).map(|(source, known)| {
            known.stamp = stamp;
            *source
        });
        (covered.collect(), stamp)
    }

    /// The forwarding entries of a source, with what their owner is to be asked if the route is `route`.
    pub(crate) fn reroutes(&self, source: A, route: Option<Route<A>>, into: &mut Vec<Reroute<A>>) {
        let owner = route.and_then(|route| self.interfaces.find(route.interface)?.protocol);
        for key in self.routes.groups_of(source) {
            into.extend(self.reroute(key, Way { route, owner }));
        }
    }

    fn reroute(&self, key: Key<A>, way: Way<A>) -> Option<Reroute<A>> {
        let mfe = self.mfes.get(Hashed::new(&self.hasher, key))?;
        Some(Reroute { key, iif: self.interfaces.port(mfe.iif)?.interface, way })
    }

    /// Sets the route to a source, unless a later change is to find out. CT-8: tells who has to pull the memberships.
    pub(crate) fn set_route(
        &mut self,
        source: A,
        route: Option<Route<A>>,
        stamp: Stamp,
        effects: &mut Effects<A>,
    ) {
        let old = self.way(source).owner;
        let Some(known) = self.routes.known.get_mut(&source).filter(|known| known.stamp == stamp) else {
            return;
        };
        let left = std::mem::replace(&mut known.route, route);
        self.index_route(source, left, false);
        self.index_route(source, route, true);
        let new = self.way(source).owner;
        self.tell_upstream_moved(source, old, new, effects);
    }

    /// FW-9: moves an entry to its new route, with what its owner answered; no, if it has to be asked again.
    pub(crate) fn move_mfe(
        &mut self,
        reroute: &Reroute<A>,
        answer: Option<Route<A>>,
        effects: &mut Effects<A>,
    ) -> Option<Reroute<A>> {
        let Reroute { key, way, .. } = *reroute;
        let now = self.way(key.source);
        if now != way || answer.is_some_and(|answer| !self.may_answer(way, answer.interface)) {
            return self.reroute(key, now);
        }
        let at = Hashed::new(&self.hasher, key);
        let old = self.mfe_owner(self.mfes.get(at)?);
        let iif = answer.and_then(|answer| self.interfaces.find_or_add_slot(answer.interface, &self.hasher));
        let mfe = self.mfes.get_mut(at)?;
        (mfe.routed, mfe.prefix) = (answer.is_some(), answer.map(|answer| answer.prefix));
        mfe.upstream = answer.and_then(|answer| answer.upstream);
        // FW-4: without a route, the packets that still arrive do so where they did.
        let iif = iif.unwrap_or(mfe.iif);
        self.move_iif(at, iif);
        if old != way.owner {
            if let Some(old) = old {
                effects.tell_upstream(old, key.into(), false);
            }
            let is_wanted = self.mfes.get(at).is_some_and(|mfe| !mfe.oifs.is_empty());
            if let Some(new) = way.owner.filter(|_| is_wanted) {
                effects.tell_upstream(new, key.into(), true);
            }
        }
        None
    }

    /// FW-1: whoever is asked answers with an interface of his own; where nobody is asked it is the RIB's.
    pub(crate) fn may_answer(&self, way: Way<A>, interface: Interface<A>) -> bool {
        match way.owner {
            Some(owner) => self.interfaces.find(interface).is_some_and(|port| port.protocol == Some(owner)),
            None => way.route.is_some_and(|route| route.interface == interface),
        }
    }

    /// An (S,G) is wanted, or has a forwarding entry.
    pub(super) fn track(&mut self, key: Key<A>) {
        if key.names_source()
            && let Some(known) = self.routes.known.get_mut(&key.source)
        {
            known.groups.insert(key.group);
        }
    }

    /// An (S,G) is no longer wanted, or has no forwarding entry any more.
    pub(super) fn untrack(&mut self, key: Key<A>) {
        if !self.routes.has_rib || !key.names_source() {
            return;
        }
        let at = Hashed::new(&self.hasher, key);
        if self.mfes.get(at).is_none()
            && !self.is_wanted_by_others(at, None)
            && let Some(known) = self.routes.known.get_mut(&key.source)
        {
            known.groups.remove(key.group);
            self.forget_source(key.source);
        }
    }

    /// Forgets the route to a source that has nothing in use or in the making.
    pub(crate) fn forget_source(&mut self, source: A) {
        if self.routes.known.get(&source).is_some_and(|known| known.groups.is_empty())
            && !self.creating.iter().any(|making| making.source == source)
            && let Some(known) = self.routes.known.remove(&source)
        {
            self.index_route(source, known.route, false);
        }
    }

    /// CT-8: who owns the interface toward a source changes with the owner of an interface. Its sources, for
    /// [`upstream_changed_hands`](Self::upstream_changed_hands).
    pub(super) fn upstream_changed_hands(
        &mut self,
        slot: Slot,
        old: Option<ClientKey>,
        new: Option<ClientKey>,
        effects: &mut Effects<A>,
    ) {
        if old == new {
            return;
        }
        let Some(port) = self.interfaces.port(slot) else { return };
        let mut sources: Vec<A> = port.upstream_of.iter().map(|(source, ())| source).collect();
        sources.sort_unstable();
        for source in sources {
            self.tell_upstream_moved(source, old, new, effects);
            // An owner who answered rpf with another interface of his is the owner of the iif no more.
            let entries: Vec<_> = self.routes.groups_of(source).collect();
            for key in entries {
                self.delete_mfe(Hashed::new(&self.hasher, key));
            }
        }
    }

    /// CT-8: the old owner of the interface toward a source need not pull what others want, the new one has to.
    fn tell_upstream_moved(
        &self,
        source: A,
        old: Option<ClientKey>,
        new: Option<ClientKey>,
        effects: &mut Effects<A>,
    ) {
        if old == new {
            return;
        }
        for key in self.routes.groups_of(source) {
            let at = Hashed::new(&self.hasher, key);
            let cause = AlertCause::Membership;
            if let Some(old) = old.filter(|old| self.is_wanted_by_others(at, Some(*old))) {
                effects.alert(old, Alert::Prune(key.into(), cause));
            }
            if let Some(new) = new.filter(|new| self.is_wanted_by_others(at, Some(*new))) {
                effects.alert(new, Alert::Join(key.into(), cause));
            }
        }
    }

    fn is_wanted_by_others(&self, at: Hashed<Key<A>>, client: Option<ClientKey>) -> bool {
        self.interests.is_wanted_by_others(&self.interfaces, at, client)
    }

    fn index_route(&mut self, source: A, route: Option<Route<A>>, add: bool) {
        let Some(route) = route else { return };
        let Some(slot) = self.interfaces.find_or_add_slot(route.interface, &self.hasher) else { return };
        if let Some(port) = self.interfaces.port_mut(slot) {
            let at = Hashed::new(&self.hasher, source);
            if add {
                port.upstream_of.insert(at, ());
            } else {
                port.upstream_of.remove(at);
            }
        }
        self.interfaces.tidy_slot(slot);
    }
}
