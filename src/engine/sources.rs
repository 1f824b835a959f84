//! The sources in use, the route to each as the RIB gave it, and its groups (FW-1, FW-9, FW-13).
//!
//! The RIB is asked without the lock. So a question carries the stamp of the last change of routes that covers its
//! source; the answer is worth something only while that is still the last one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::ops::RangeInclusive;

use super::Engine;
use super::interfaces::TenureId;
use super::key::{ClientKey, Hashed, Key, Number};
use crate::types::address::{Address, SourceAddr};
use crate::types::route::Route;

/// What the RIB said of every source that an (S,G) membership or a forwarding entry has.
#[derive(Debug)]
pub(super) struct Sources<A: Address> {
    /// Without a RIB there is nothing to keep.
    has_rib: bool,
    known: BTreeMap<Number<A>, Known<A>>,
    /// (S,G) of sources whose upstream owner has changed, until they are told under the new one (CT-8).
    pub(super) moving: BTreeMap<Number<A>, Vec<Moving<A>>>,
    /// Sources of which nothing is known, and about which the RIB is being asked.
    asked: BTreeMap<Number<A>, Asked>,
    last_change: Stamp,
    /// While several entries are changed in one step: sources that are to be looked at when all are, as the next entry may
    /// need what the last one no longer does.
    kept: Option<Vec<A>>,
}

#[derive(Debug)]
struct Known<A: Address> {
    route: Option<Route<A>>,
    /// The last change of routes that covers the source.
    stamp: Stamp,
    /// The route was looked up since that change.
    is_verified: bool,
    /// The number of the question that the route answers: one that was asked before came too late.
    learned: u64,
    /// Those of the (S,G) that are wanted or have a forwarding entry, but for those that are moving.
    groups: GroupsOfSource<A>,
}

/// The groups of a source that are still told under an upstream owner of the past.
#[derive(Debug)]
pub(super) struct Moving<A: Address> {
    pub(super) owner: Option<ClientKey>,
    groups: GroupsOfSource<A>,
}

/// A source about which the RIB is being asked.
#[derive(Debug)]
struct Asked {
    stamp: Stamp,
    /// How many threads ask.
    threads: usize,
}

/// The groups of one source: one is usual, and needs no memory of its own.
#[derive(Debug)]
enum GroupsOfSource<A: Address> {
    Few(Option<A>),
    #[expect(clippy::box_collection, reason = "a third of the size for the sources that have one group")]
    Many(Box<BTreeSet<Number<A>>>),
}

/// Counts the changes of routes.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Stamp(u64);

/// What the RIB is to be asked, and under which change of routes.
#[derive(Debug)]
#[must_use = "the answer has to be learned, or the source counts as being asked about for ever"]
pub(crate) struct RouteQuestion<A: Address> {
    source: A,
    stamp: Stamp,
    /// Later questions have a larger one.
    number: u64,
    /// Nothing was known of the source when it was asked, so it counts as being asked about.
    is_of_unknown: bool,
}

/// What the RIB answered. Only [`RouteQuestion::answered`] makes one, so an old answer cannot have a new stamp.
#[derive(Debug)]
#[must_use = "it has to be learned"]
pub(crate) struct RouteAnswer<A: Address> {
    question: RouteQuestion<A>,
    route: Option<Route<A>>,
}

impl<A: Address> RouteQuestion<A> {
    pub(crate) const fn source(&self) -> SourceAddr<A> {
        SourceAddr::trusted(self.source)
    }

    pub(crate) const fn answered(self, route: Option<Route<A>>) -> RouteAnswer<A> {
        RouteAnswer { question: self, route }
    }
}

impl<A: Address> RouteAnswer<A> {
    pub(crate) const fn source(&self) -> A {
        self.question.source
    }
}

/// What became of the RIB's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Learned {
    /// The route is as it was.
    Same,
    /// The route is another: what goes by it has to follow.
    Moved,
    /// Routes that cover the source have changed since the RIB was asked: the answer counts for nothing.
    Outdated,
}

/// Whether the RIB's answer is taken although routes have changed since it was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    IfCurrent,
    /// They change whenever it is asked: so as not to ask for ever, its last answer serves (FW-13).
    Anyhow,
}

/// The interface toward a source by the RIB, and who owns it, in which tenure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Upstream<A: Address> {
    pub(crate) route: Option<Route<A>>,
    pub(crate) owner: Option<ClientKey>,
    tenure: Option<TenureId>,
}

/// An [`Upstream`], and under which change of routes it was looked up. [`Engine::verified`] alone makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Verified<A: Address> {
    pub(crate) upstream: Upstream<A>,
    stamp: Option<Stamp>,
}

impl<A: Address> Sources<A> {
    pub(super) const fn new(has_rib: bool) -> Self {
        Self {
            has_rib,
            known: BTreeMap::new(),
            moving: BTreeMap::new(),
            asked: BTreeMap::new(),
            last_change: Stamp(0),
            kept: None,
        }
    }

    pub(super) const fn has_rib(&self) -> bool {
        self.has_rib
    }

    pub(super) fn route(&self, source: A) -> Option<Route<A>> {
        self.known.get(&Number(source))?.route
    }

    /// The (S,G) of a source, those after the group `last`: a page asks for the first few.
    pub(super) fn groups_of(&self, source: A, last: Option<A>) -> impl Iterator<Item = Key<A>> {
        let known = self.known.get(&Number(source)).map(|known| &known.groups);
        let moving = self.moving.get(&Number(source)).into_iter().flatten().map(|moving| &moving.groups);
        let groups = known.into_iter().chain(moving).flat_map(move |groups| groups.after(last));
        groups.map(move |group| Key { group, source })
    }

    /// Takes all groups of a source that are told under its present upstream owner into the past, in O(1).
    pub(super) fn begin_moving(&mut self, source: A, owner: Option<ClientKey>) {
        let Some(known) = self.known.get_mut(&Number(source)) else { return };
        let groups = std::mem::replace(&mut known.groups, GroupsOfSource::Few(None));
        if !groups.is_empty() {
            self.moving.entry(Number(source)).or_default().push(Moving { owner, groups });
        }
    }

    pub(super) fn is_moving(&self, source: A) -> bool {
        !self.moving.is_empty() && self.moving.contains_key(&Number(source))
    }

    /// One (S,G) that is still told under an owner of the past.
    pub(super) fn next_moving(&self, source: A) -> Option<Key<A>> {
        let group = self.moving.get(&Number(source))?.first()?.groups.after(None).next()?;
        Some(Key { group, source })
    }

    /// The past owner under which an (S,G) is still told; absent if it is told under the present one.
    #[expect(clippy::option_option, reason = "that nobody owned the interface is an answer too")]
    pub(super) fn moving_owner(&self, key: Key<A>) -> Option<Option<ClientKey>> {
        let moving = self.moving.get(&Number(key.source))?;
        moving.iter().find(|moving| moving.groups.contains(key.group)).map(|moving| moving.owner)
    }

    /// The (S,G) is told under the present owner from now on.
    pub(super) fn end_moving(&mut self, key: Key<A>) {
        let Entry::Occupied(mut moving) = self.moving.entry(Number(key.source)) else { return };
        if let Some(at) = moving.get().iter().position(|moving| moving.groups.contains(key.group))
            && let Some(of_owner) = moving.get_mut().get_mut(at)
        {
            of_owner.groups.remove(key.group);
            if of_owner.groups.is_empty() {
                moving.get_mut().remove(at);
            }
            if let Some(known) = self.known.get_mut(&Number(key.source)) {
                known.groups.insert(key.group);
            }
        }
        if moving.get().is_empty() {
            moving.remove();
        }
    }

    /// The (S,G) is wanted, or has a forwarding entry. One that is moving is tracked already, and must not be twice: it would
    /// be told twice.
    pub(super) fn track(&mut self, key: Key<A>) {
        if self.moving_owner(key).is_none()
            && let Some(known) = self.known.get_mut(&Number(key.source))
        {
            known.groups.insert(key.group);
        }
    }

    fn untrack(&mut self, key: Key<A>) {
        if let Some(known) = self.known.get_mut(&Number(key.source)) {
            known.groups.remove(key.group);
        }
    }
}

impl<A: Address> GroupsOfSource<A> {
    /// Those after `last`, in order.
    fn after(&self, last: Option<A>) -> impl Iterator<Item = A> {
        let after = last.map_or(Unbounded, |last| Excluded(Number(last)));
        let (few, many) = match self {
            Self::Few(few) => (few.filter(|few| last.is_none_or(|last| Number(*few) > Number(last))), None),
            Self::Many(many) => (None, Some(many.range((after, Unbounded)).map(|group| group.0))),
        };
        few.into_iter().chain(many.into_iter().flatten())
    }

    const fn is_empty(&self) -> bool {
        matches!(self, Self::Few(None))
    }

    fn contains(&self, group: A) -> bool {
        match self {
            Self::Few(few) => *few == Some(group),
            Self::Many(many) => many.contains(&Number(group)),
        }
    }

    fn insert(&mut self, group: A) {
        match self {
            Self::Few(None) => *self = Self::Few(Some(group)),
            Self::Few(Some(other)) if *other == group => {}
            Self::Few(Some(other)) => {
                *self = Self::Many(Box::new(BTreeSet::from([Number(*other), Number(group)])));
            }
            Self::Many(many) => {
                many.insert(Number(group));
            }
        }
    }

    fn remove(&mut self, group: A) {
        match self {
            Self::Few(few) => *few = few.filter(|other| *other != group),
            Self::Many(many) => {
                many.remove(&Number(group));
                if many.len() == 1 {
                    *self = Self::Few(many.first().map(|group| group.0));
                }
            }
        }
    }
}

impl<A: Address> Engine<A> {
    /// What to ask the RIB before a source can be used, unless its route is known or there is no RIB.
    pub(crate) fn unknown_route(&mut self, source: A) -> Option<RouteQuestion<A>> {
        let is_unknown = self.sources.has_rib && !self.sources.known.contains_key(&Number(source));
        is_unknown.then(|| self.ask_unknown_route(source))
    }

    /// Whether anything that is wanted, forwarded or in the making has this source.
    pub(crate) fn is_in_use(&self, source: A) -> bool {
        self.sources.known.contains_key(&Number(source))
    }

    /// What to ask the RIB about a source, known or not.
    pub(crate) fn ask_route(&mut self, source: A) -> RouteQuestion<A> {
        if let Some(stamp) = self.sources.known.get(&Number(source)).map(|known| known.stamp) {
            return RouteQuestion { source, stamp, number: self.next_number(), is_of_unknown: false };
        }
        self.ask_unknown_route(source)
    }

    fn ask_unknown_route(&mut self, source: A) -> RouteQuestion<A> {
        let number = self.next_number();
        let Sources { asked, last_change, .. } = &mut self.sources;
        let asked = asked.entry(Number(source)).or_insert(Asked { stamp: *last_change, threads: 0 });
        asked.threads += 1;
        RouteQuestion { source, stamp: asked.stamp, number, is_of_unknown: true }
    }

    /// Learns what the RIB answered, if it was asked since the last change of routes that covers the source.
    ///
    /// CT-8: the (S,G) of a source that has another upstream owner now begin to move; [`move_source`](Self::move_source)
    /// tells who has to pull them.
    pub(crate) fn learn_route(&mut self, answer: RouteAnswer<A>, trust: Trust) -> Learned {
        let RouteAnswer { question: RouteQuestion { source, stamp, number, is_of_unknown }, route } = answer;
        let asked = if is_of_unknown { self.end_asking(source) } else { None };
        let is_outdated = |current: Option<Stamp>| {
            trust == Trust::IfCurrent && current.is_some_and(|current| current != stamp)
        };
        let mut known = match self.sources.known.entry(Number(source)) {
            Entry::Occupied(known) if is_outdated(Some(known.get().stamp)) => return Learned::Outdated,
            Entry::Occupied(known) => known,
            Entry::Vacant(_) if is_outdated(asked) => return Learned::Outdated,
            Entry::Vacant(unknown) => {
                if is_of_unknown {
                    let stamp = asked.unwrap_or(stamp);
                    let groups = GroupsOfSource::Few(None);
                    unknown.insert(Known { route, stamp, is_verified: true, learned: number, groups });
                    self.index_route(source, route);
                }
                // Else it has been forgotten meanwhile: nothing goes by it any more.
                return Learned::Same;
            }
        };
        let known = known.get_mut();
        if number < known.learned {
            return Learned::Same;
        }
        (known.is_verified, known.learned) = (true, number);
        if known.route == route {
            return Learned::Same;
        }
        let old = self.told_upstream_of(source);
        if let Some(known) = self.sources.known.get_mut(&Number(source)) {
            let left = std::mem::replace(&mut known.route, route);
            self.unindex_route(source, left);
            self.index_route(source, route);
        }
        if old != self.upstream(source).owner {
            self.sources.begin_moving(source, old);
        }
        Learned::Moved
    }

    /// The owner under which the (S,G) of `source` are told, but for those that are moving.
    pub(super) fn told_upstream_of(&self, source: A) -> Option<ClientKey> {
        let route = self.sources.route(source)?;
        let record = self.interfaces.find(route.interface)?;
        let at = Hashed::new(&self.hasher, source);
        let past = record.past.as_ref().filter(|past| past.upstream_of.get(at).is_some());
        past.map_or_else(|| record.owner(), |past| past.parties.owner())
    }

    /// One thread less asks about a source of which nothing is known. Says under which change it is to be answered.
    fn end_asking(&mut self, source: A) -> Option<Stamp> {
        let Entry::Occupied(mut asked) = self.sources.asked.entry(Number(source)) else { return None };
        let stamp = asked.get().stamp;
        asked.get_mut().threads -= 1;
        if asked.get().threads == 0 {
            asked.remove();
        }
        Some(stamp)
    }

    /// FW-9: routes to the sources from `first` to `last` have changed. What is being asked about those of which
    /// nothing is known counts for nothing.
    pub(crate) fn begin_routes_change(&mut self, sources: &RangeInclusive<A>) {
        self.sources.last_change.0 += 1;
        let (first, last) = (Number(*sources.start()), Number(*sources.end()));
        for (_, asked) in self.sources.asked.range_mut(first..=last) {
            asked.stamp = self.sources.last_change;
        }
    }

    /// FW-9: a page of the sources in use that the change covers, those after `last`. They are to be looked up again.
    pub(crate) fn sources_to_look_up(
        &mut self,
        sources: &RangeInclusive<A>,
        last: Option<A>,
    ) -> Vec<RouteQuestion<A>> {
        let end = Number(*sources.end());
        let after = match last.map(Number) {
            None => Included(Number(*sources.start())),
            // The range would be empty, which a map does not allow.
            Some(last) if last >= end => return Vec::new(),
            Some(last) => Excluded(last),
        };
        let stamp = self.sources.last_change;
        let number = self.next_number();
        let question = |(source, known): (&Number<A>, &mut Known<A>)| {
            (known.stamp, known.is_verified) = (stamp, false);
            RouteQuestion { source: source.0, stamp, number, is_of_unknown: false }
        };
        let covered = self.sources.known.range_mut((after, Included(end)));
        covered.take(self.page.size().changes).map(question).collect()
    }

    /// The interface toward `source` by the route that is known, and its present owner.
    pub(crate) fn upstream(&self, source: A) -> Upstream<A> {
        let route = self.sources.route(source);
        let record = route.and_then(|route| self.interfaces.find(route.interface));
        Upstream {
            route,
            owner: record.and_then(|record| record.owner()),
            tenure: record.map(|record| record.tenure),
        }
    }

    /// The interface toward `source`, if its route was looked up since the last change of routes that covers it.
    pub(crate) fn verified(&self, source: A) -> Option<Verified<A>> {
        let known = self.sources.known.get(&Number(source));
        let is_verified = known.map_or(!self.sources.has_rib, |known| known.is_verified);
        is_verified
            .then(|| Verified { upstream: self.upstream(source), stamp: known.map(|known| known.stamp) })
    }

    /// The same, although routes change whenever they are looked up (FW-13).
    pub(crate) fn unverified(&self, source: A) -> Verified<A> {
        let known = self.sources.known.get(&Number(source));
        Verified { upstream: self.upstream(source), stamp: known.map(|known| known.stamp) }
    }

    /// Whether it still is as it was read.
    pub(super) fn holds(&self, source: A, verified: &Verified<A>) -> bool {
        self.unverified(source) == *verified
    }

    /// An (S,G) is no longer wanted, or has no forwarding entry any more.
    pub(super) fn untrack(&mut self, key: Key<A>) {
        if !self.sources.has_rib || !key.names_source() {
            return;
        }
        let at = self.at(key);
        let is_wanted = || self.interests.wanting(&self.interfaces, at) != super::interest::Wanting::Nobody;
        if self.mfes.get(at).is_none() && !is_wanted() {
            self.sources.end_moving(key);
            self.sources.untrack(key);
            self.forget_source(key.source);
        }
    }

    /// Forgets no source until [`forget_sources`](Self::forget_sources).
    pub(super) fn keep_sources(&mut self) {
        self.sources.kept = Some(Vec::new());
    }

    pub(super) fn forget_sources(&mut self) {
        for source in self.sources.kept.take().into_iter().flatten() {
            self.forget_source(source);
        }
    }

    /// Forgets the route to a source that has nothing in use or in the making.
    pub(crate) fn forget_source(&mut self, source: A) {
        if let Some(kept) = &mut self.sources.kept {
            return kept.push(source);
        }
        let Sources { known, moving, .. } = &mut self.sources;
        if let Entry::Occupied(known) = known.entry(Number(source))
            && known.get().groups.is_empty()
            && !moving.contains_key(&Number(source))
            && !self.makings.keys().any(|making| making.source == source)
        {
            let route = known.remove().route;
            self.unindex_route(source, route);
        }
    }

    fn index_route(&mut self, source: A, route: Option<Route<A>>) {
        let Some(route) = route else { return };
        let at = Hashed::new(&self.hasher, source);
        let id = self.interfaces.find_or_add(route.interface, &self.hasher);
        if let Some(record) = id.and_then(|id| self.interfaces.get_mut(id)) {
            record.upstream_of.insert(at, ());
        }
    }

    fn unindex_route(&mut self, source: A, route: Option<Route<A>>) {
        let Some(id) = route.and_then(|route| self.interfaces.id(route.interface)) else { return };
        let at = Hashed::new(&self.hasher, source);
        if let Some(record) = self.interfaces.get_mut(id) {
            record.upstream_of.remove(at);
            if let Some(past) = &mut record.past {
                past.upstream_of.remove(at);
            }
        }
        self.interfaces.tidy(id);
    }
}
