//! The naive model: plain maps, everything computed anew from them. No callback calls back but to set a
//! time, so that a call is done before the next begins; hand-overs are the other model's matter.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use mgm::{
    AlertCause, Change, ClientName, Entry, Error, ForwardState, GroupAddr, Interface, Limit, MembershipKind,
    Route, SourceAddr,
};

use super::ops::{ALWAYS, Creation, Max, PATIENCE, PATIENT, bit, interfaces};
use super::scripts::{Routes, Scripts};
use crate::ops::{SLOTS, Verb, name};

/// A client, by slot; IGMP is in slot 0.
pub(crate) type Slot = usize;
/// In the order in which entries are enumerated (EN-2).
pub(crate) type Key = (GroupAddr, SourceAddr);
/// Where more than one statement refuses, any of them may be named.
pub(crate) type Answer = Result<Option<Change>, Vec<Error>>;

const IGMP: Slot = 0;

/// What a client is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Alert {
    Join(Entry, AlertCause),
    Prune(Entry, AlertCause),
    LocalJoin(Interface, Entry),
    LocalLeave(Interface, Entry),
    LocalBlock(Interface, Entry),
    LocalUnblock(Interface, Entry),
    WrongInterface(Interface, Key, Vec<u8>),
    Removed(Interface),
}

/// What a client is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Question {
    /// Client, entry, arrival interface, header, route.
    Rpf(Slot, Key, Interface, Vec<u8>, Route),
    /// Client, entry, iif, and the interfaces: whether IGMP is there, and whether it is enabled.
    Creation(Slot, Key, Interface, BTreeSet<(Interface, bool, bool)>),
}

#[derive(Clone, Debug, Default)]
struct Place {
    protocol: Option<Slot>,
    igmp: bool,
    wrong_interface_alerts: bool,
}

#[derive(Clone, Debug)]
struct Mfe {
    iif: Interface,
    /// There is a route: without one nobody is asked or told (FW-4).
    route: Option<Route>,
    upstream: Option<Ipv4Addr>,
    states: BTreeMap<Interface, ForwardState>,
    made: Instant,
    expires: Option<Instant>,
    carried: bool,
    /// FW-10.
    quiet_until: Instant,
}

/// What can be read of a forwarding entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    pub(crate) iif: Interface,
    pub(crate) owner: Option<ClientName>,
    pub(crate) upstream: Option<Ipv4Addr>,
    pub(crate) prefix: Option<Ipv4Net>,
    pub(crate) oifs: Vec<Interface>,
    pub(crate) made: Instant,
    pub(crate) expires: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Model {
    max: Max,
    always: bool,
    patient: bool,
    registered: [bool; SLOTS],
    /// What each client is on, in the order of taking.
    on: [Vec<Interface>; SLOTS],
    places: BTreeMap<Interface, Place>,
    held: BTreeMap<(Interface, Slot, Entry), MembershipKind>,
    pub(crate) rib: Routes,
    /// What the RIB answered for every source in use.
    known: BTreeMap<SourceAddr, Option<Route>>,
    mfes: BTreeMap<Key, Mfe>,
    pub(crate) now: Instant,
    pub(crate) scripts: Scripts,
    /// What the last call makes the manager ask.
    pub(crate) asked: Vec<Question>,
    /// What it makes the manager tell, step by step; the order within a step is open but for CT-6.
    pub(crate) told: Vec<Vec<(Slot, Alert)>>,
    step: Vec<(Slot, Alert)>,
    pub(crate) wrong_answers: u64,
    pub(crate) caught_panics: u64,
}

impl Model {
    pub(crate) fn new(max: Max, (always, patient): (bool, bool), now: Instant) -> Self {
        Self {
            max,
            always,
            patient,
            registered: Default::default(),
            on: Default::default(),
            places: BTreeMap::new(),
            held: BTreeMap::new(),
            rib: Routes::default(),
            known: BTreeMap::new(),
            mfes: BTreeMap::new(),
            now,
            scripts: Scripts::default(),
            asked: Vec::new(),
            told: Vec::new(),
            step: Vec::new(),
            wrong_answers: 0,
            caught_panics: 0,
        }
    }

    /// A call: what it changes is one step, unless it says otherwise; what is no longer in use is forgotten.
    pub(crate) fn call<R>(&mut self, call: impl FnOnce(&mut Self) -> R) -> R {
        self.asked.clear();
        self.told.clear();
        let answer = call(self);
        self.end_step();
        let in_use: BTreeSet<_> = self.mfes.keys().map(|(_, source)| *source).collect();
        let wanted: BTreeSet<_> = self.wanted_from_source().map(|(source, _)| source).collect();
        self.known.retain(|source, _| in_use.contains(source) || wanted.contains(source));
        answer
    }

    /// The alerts of the step are delivered; some clients set a time inside theirs (FW-7).
    fn end_step(&mut self) {
        let step = std::mem::take(&mut self.step);
        for (to, alert) in &step {
            let (Alert::Join(entry, cause) | Alert::Prune(entry, cause)) = alert else { continue };
            let Entry::SourceGroup(source, group) = *entry else { continue };
            if self.patient && *to == PATIENT && *cause == AlertCause::ForwardingEntry {
                let _refused = self.set_timeout(*to, (group, source), Duration::from_secs(PATIENCE));
            }
        }
        self.told.push(step);
    }

    fn tell(&mut self, to: Slot, alert: Alert) {
        let hears = to != IGMP || matches!(alert, Alert::Removed(_));
        if self.registered[to] && hears {
            self.step.push((to, alert));
        }
    }

    fn tell_upstream(&mut self, to: Option<Slot>, entry: Entry, pull: bool, cause: AlertCause) {
        let alert = if pull { Alert::Join(entry, cause) } else { Alert::Prune(entry, cause) };
        to.into_iter().for_each(|to| self.tell(to, alert.clone()));
    }
}

/// Who is registered, and on what.
impl Model {
    pub(crate) fn register(&mut self, slot: Slot) -> Answer {
        if std::mem::replace(&mut self.registered[slot], true) {
            return Err(vec![match name(slot) {
                ClientName::Igmp => Error::IgmpAlreadyRegistered,
                ClientName::Protocol(id) => Error::AlreadyRegistered { id },
            }]);
        }
        Ok(None)
    }

    pub(crate) fn deregister(&mut self, slot: Slot) -> Answer {
        if !self.on[slot].is_empty() {
            let interfaces = self.on[slot].clone();
            return Err(vec![Error::StillOnInterfaces { client: name(slot), interfaces }]);
        }
        self.registered[slot] = false;
        Ok(None)
    }

    /// CL-4.
    pub(crate) fn drop_client(&mut self, slot: Slot) {
        self.registered[slot] = false;
        for on in self.on[slot].clone() {
            self.leave(slot, on);
            self.end_step();
        }
    }

    pub(crate) fn take(&mut self, slot: Slot, on: Interface) -> Answer {
        if self.on[slot].contains(&on) {
            return Err(vec![Error::AlreadyTaken { interface: on, client: name(slot) }]);
        }
        if let Some(owner) = self.protocol(on).filter(|_| slot != IGMP) {
            return Err(vec![Error::OwnedByAnother { interface: on, owner: name(owner) }]);
        }
        self.on[slot].push(on);
        if slot == IGMP {
            self.places.entry(on).or_default().igmp = true;
            return Ok(None);
        }
        // HO-3: withdrawn under the old owner, and only then it changes.
        self.change(on, |model| {
            model.withdraw(on, IGMP);
            model.clear_states(on);
        });
        self.change_hands(on, Some(slot));
        Ok(None)
    }

    pub(crate) fn release(&mut self, slot: Slot, on: Interface) -> Answer {
        if !self.on[slot].contains(&on) {
            return Err(vec![self.not_on(slot, on)]);
        }
        self.leave(slot, on);
        Ok(None)
    }

    /// IF-7.
    fn leave(&mut self, slot: Slot, on: Interface) {
        let was_owner = self.owner(on) == Some(slot);
        self.change(on, |model| {
            model.withdraw(on, slot);
            if slot != IGMP {
                model.withdraw(on, IGMP);
            }
            if was_owner {
                model.clear_states(on);
            }
        });
        self.on[slot].retain(|at| *at != on);
        if slot == IGMP {
            self.places.entry(on).or_default().igmp = false;
        } else {
            self.change_hands(on, None);
        }
    }

    /// IF-8.
    pub(crate) fn remove(&mut self, on: Interface) {
        for link in interfaces().filter(|link| link.index() == on.index()) {
            for client in (0..SLOTS).filter(|client| self.on[*client].contains(&link)).collect::<Vec<_>>() {
                self.leave(client, link);
                self.tell(client, Alert::Removed(link));
            }
            self.mfes.retain(|_, mfe| mfe.iif != link);
        }
    }

    /// IF-7: entries go with their iif, and with the interface toward their source. CT-8: (S,G) that others want
    /// are pulled by the new owner.
    fn change_hands(&mut self, on: Interface, new: Option<Slot>) {
        let place = self.places.entry(on).or_default();
        place.wrong_interface_alerts = false;
        let old = std::mem::replace(&mut place.protocol, new);
        let leads_there = |route: &Option<Route>| route.is_some_and(|route| route.interface == on);
        let known = self.known.iter().filter(|(_, route)| leads_there(route));
        let behind: Vec<_> = known.map(|(source, _)| *source).collect();
        self.mfes.retain(|(_, source), mfe| mfe.iif != on && !behind.contains(source));
        behind.into_iter().for_each(|source| self.upstream_moves(source, old, new));
    }

    /// CT-8.
    fn upstream_moves(&mut self, source: SourceAddr, old: Option<Slot>, new: Option<Slot>) {
        if old == new {
            return;
        }
        let wanted: BTreeSet<_> = self.wanted_from_source().filter(|(from, _)| *from == source).collect();
        for (source, group) in wanted {
            let entry = Entry::SourceGroup(source, group);
            let others_want =
                |model: &Self, than| model.wanting(entry).iter().any(|client| Some(*client) != than);
            let (old, new) = (old.filter(|_| others_want(self, old)), new.filter(|_| others_want(self, new)));
            self.tell_upstream(old, entry, false, AlertCause::Membership);
            self.tell_upstream(new, entry, true, AlertCause::Membership);
        }
    }

    fn protocol(&self, on: Interface) -> Option<Slot> {
        self.places.get(&on)?.protocol
    }

    fn igmp(&self, on: Interface) -> bool {
        self.places.get(&on).is_some_and(|place| place.igmp)
    }

    fn owner(&self, on: Interface) -> Option<Slot> {
        self.protocol(on).or_else(|| self.igmp(on).then_some(IGMP))
    }

    fn not_on(&self, slot: Slot, on: Interface) -> Error {
        Error::NotOnInterface { interface: on, client: name(slot), owner: self.owner(on).map(name) }
    }
}

/// Memberships and blocks.
impl Model {
    pub(crate) fn set(&mut self, verb: Verb, slot: Slot, on: Interface, entry: Entry) -> Answer {
        if let Entry::Group(group) = entry
            && is_ssm(group)
        {
            return Err(vec![Error::SourceRequired { group, range: "232.0.0.0/8".parse().unwrap() }]);
        }
        if !self.on[slot].contains(&on) {
            return Err(vec![self.not_on(slot, on)]);
        }
        let old = self.held.get(&(on, slot, entry)).copied();
        let new = match (verb, old) {
            (Verb::Add, _) => Some(MembershipKind::Joined),
            (Verb::Block, _) => Some(MembershipKind::Blocked),
            (Verb::Delete, Some(MembershipKind::Joined)) | (Verb::Unblock, Some(MembershipKind::Blocked)) => {
                None
            }
            (Verb::Delete | Verb::Unblock, old) => old,
        };
        if new == old {
            return Ok(Some(Change::Unchanged));
        }
        if let Some(source) = entry.source() {
            let route = self.rib.find(source);
            self.known.entry(source).or_insert(route);
        }
        self.change(on, |model| model.hold((on, slot, entry), new));
        Ok(Some(Change::Changed))
    }

    fn withdraw(&mut self, on: Interface, slot: Slot) {
        let held = self.held.keys().filter(|(at, by, _)| (*at, *by) == (on, slot));
        held.copied().collect::<Vec<_>>().into_iter().for_each(|at| self.hold(at, None));
    }

    /// CT-1 to CT-5, CT-7.
    fn hold(&mut self, at: (Interface, Slot, Entry), new: Option<MembershipKind>) {
        let (on, client, entry) = at;
        let before = self.wanting(entry);
        let old = match new {
            Some(kind) => self.held.insert(at, kind),
            None => self.held.remove(&at),
        };
        let after = self.wanting(entry);
        if let Some(owner) = self.protocol(on).filter(|_| client == IGMP) {
            let ended = old.map(|kind| match kind {
                MembershipKind::Joined => Alert::LocalLeave(on, entry),
                _ => Alert::LocalUnblock(on, entry),
            });
            let begun = new.map(|kind| match kind {
                MembershipKind::Joined => Alert::LocalJoin(on, entry),
                _ => Alert::LocalBlock(on, entry),
            });
            ended.into_iter().chain(begun).for_each(|alert| self.tell(owner, alert));
        }
        // CT-3 to CT-5: told to pull, exactly while some other client wants it.
        for protocol in 1..SLOTS {
            let is_told = entry.source().is_none_or(|source| self.upstream_owner(source) == Some(protocol));
            let by_others = |wanting: &BTreeSet<Slot>| wanting.iter().any(|client| *client != protocol);
            if is_told && by_others(&before) != by_others(&after) {
                self.tell_upstream(Some(protocol), entry, by_others(&after), AlertCause::Membership);
            }
        }
    }

    /// The clients that want `entry`: each interface counts for its owner.
    fn wanting(&self, entry: Entry) -> BTreeSet<Slot> {
        let held = self.held.iter().filter(|((.., held), _)| *held == entry);
        held.filter(|(_, kind)| **kind == MembershipKind::Joined)
            .filter_map(|((on, ..), _)| self.owner(*on))
            .collect()
    }

    fn wanted_from_source(&self) -> impl Iterator<Item = (SourceAddr, GroupAddr)> {
        let joined = self.held.iter().filter(|(_, kind)| **kind == MembershipKind::Joined);
        joined.filter_map(|((.., entry), _)| Some((entry.source()?, entry.group()?)))
    }

    fn upstream_owner(&self, source: SourceAddr) -> Option<Slot> {
        self.protocol(self.known.get(&source).copied().flatten()?.interface)
    }
}

/// Where an entry forwards.
impl Model {
    /// FW-2.
    fn oifs(&self, key: Key) -> Vec<Interface> {
        let Some(mfe) = self.mfes.get(&key) else { return Vec::new() };
        let mut oifs: Vec<_> = interfaces().filter(|on| self.forwards(*on, key, mfe)).collect();
        oifs.sort();
        oifs
    }

    fn forwards(&self, on: Interface, key: Key, mfe: &Mfe) -> bool {
        let wanted = (0..SLOTS).any(|client| self.is_wanted_by(client, on, key));
        on != mfe.iif
            && match mfe.states.get(&on) {
                Some(ForwardState::On) => true,
                Some(ForwardState::Off) => false,
                None => wanted,
            }
    }

    /// MB-6: a block takes away the client's own (\*,G) and (\*,\*), and nobody else's.
    fn is_wanted_by(&self, client: Slot, on: Interface, (group, source): Key) -> bool {
        let held = |entry| self.held.get(&(on, client, entry)).copied();
        match held(Entry::SourceGroup(source, group)) {
            Some(kind) => kind == MembershipKind::Joined,
            None => {
                !is_ssm(group) && (held(Entry::Group(group)).is_some() || held(Entry::AllGroups).is_some())
            }
        }
    }

    /// FW-6: what changes on an interface that counts for another client is told to the owner of the iif.
    fn change(&mut self, on: Interface, change: impl FnOnce(&mut Self)) {
        let counts_for = self.owner(on);
        let before: Vec<_> = self.mfes.keys().map(|key| (*key, self.oifs(*key).is_empty())).collect();
        change(self);
        for (key, was_empty) in before {
            let is_empty = self.oifs(key).is_empty();
            let owner = self.mfe_owner(key).filter(|owner| Some(*owner) != counts_for);
            if was_empty != is_empty {
                self.tell_upstream(owner, of(key), !is_empty, AlertCause::ForwardingEntry);
            }
        }
    }

    fn clear_states(&mut self, on: Interface) {
        self.mfes.values_mut().for_each(|mfe| mfe.states.retain(|at, _| *at != on));
    }

    fn mfe_owner(&self, key: Key) -> Option<Slot> {
        let mfe = self.mfes.get(&key)?;
        mfe.route?;
        self.protocol(mfe.iif)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        let see = |(key, mfe): (&Key, &Mfe)| Seen {
            key: *key,
            iif: mfe.iif,
            owner: self.mfe_owner(*key).map(name),
            upstream: mfe.upstream,
            prefix: mfe.route.map(|route| route.prefix),
            oifs: self.oifs(*key),
            made: mfe.made,
            expires: mfe.expires,
        };
        self.mfes.iter().map(see).collect()
    }
}

/// Entries are made, made anew, and go.
impl Model {
    /// FW-1, and FW-10 for the packet.
    pub(crate) fn packet_received(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Answer {
        if self.mfes.contains_key(&key) {
            return Ok(None);
        }
        let of_group = self.mfes.keys().filter(|(group, _)| *group == key.0).count();
        let full = self.max.mfes.filter(|max| self.mfes.len() >= *max).map(|max| Limit::Mfes { max });
        let group_full = self.max.per_group.filter(|max| of_group >= *max);
        let group_full = group_full.map(|max| Limit::MfesOfGroup { group: key.0, max });
        let limits: Vec<_> = full.into_iter().chain(group_full).map(Error::LimitReached).collect();
        if !limits.is_empty() {
            return Err(limits);
        }
        self.make(key, arrival, header);
        self.wrong_interface(key, arrival, header);
        Ok(None)
    }

    fn make(&mut self, key: Key, arrival: Interface, header: &[u8]) {
        self.look_up_again(key.1);
        let route = self.ask_rpf(key, arrival, header);
        let mfe = Mfe {
            iif: route.map_or(arrival, |route| route.interface),
            route,
            upstream: route.and_then(|route| route.upstream),
            states: BTreeMap::new(),
            made: self.now,
            expires: Some(self.now + Duration::from_secs(900)),
            carried: false,
            quiet_until: self.mfes.get(&key).map_or(self.now, |old| old.quiet_until),
        };
        self.mfes.insert(key, mfe);
        self.ask_about_creation(key);
        // FW-6: at most one alert.
        let (owner, oifs) = (self.mfe_owner(key), self.oifs(key));
        if oifs.is_empty() || oifs.iter().any(|on| self.owner(*on) != owner) {
            self.tell_upstream(owner, of(key), !oifs.is_empty(), AlertCause::ForwardingEntry);
        }
        self.end_step();
    }

    /// FW-1: the owner of the interface toward the source says where the packets are to come from.
    fn ask_rpf(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Option<Route> {
        let route = self.known.get(&key.1).copied().flatten()?;
        let Some(owner) = self.protocol(route.interface) else { return Some(route) };
        self.asked.push(Question::Rpf(owner, key, arrival, header.to_vec(), route));
        let Some(answer) = self.scripts.rpf[owner].answer(route) else {
            self.caught_panics += 1;
            return Some(route);
        };
        let is_right =
            self.protocol(answer.interface) == Some(owner) && answer.prefix.contains(&key.1.address());
        if !is_right {
            self.wrong_answers += 1;
        }
        Some(if is_right { answer } else { route })
    }

    /// FW-3. Answers become forward state. FW-4: without a route nobody is asked.
    fn ask_about_creation(&mut self, key: Key) {
        let mfe = self.mfes[&key].clone();
        if mfe.route.is_none() {
            return;
        }
        let mut states = BTreeMap::new();
        for client in (1..SLOTS).filter(|client| self.registered[*client]) {
            let always = self.always && client == ALWAYS;
            let own = self.on[client].iter().copied().filter(|on| *on != mfe.iif);
            let shown: BTreeSet<_> = own
                .map(|on| (on, self.igmp(on), self.forwards(on, key, &mfe)))
                .filter(|(.., enabled)| *enabled || always)
                .collect();
            if shown.is_empty() && !always {
                continue;
            }
            self.asked.push(Question::Creation(client, key, mfe.iif, shown.clone()));
            let Creation { disables, enables, panics } = self.scripts.creation[client];
            if panics {
                self.caught_panics += 1;
                continue;
            }
            for (on, _, enabled) in shown {
                if enabled && disables & bit(on) != 0 {
                    states.insert(on, ForwardState::Off);
                } else if !enabled && enables & bit(on) != 0 {
                    states.insert(on, ForwardState::On);
                }
            }
        }
        self.mfes.entry(key).and_modify(|mfe| mfe.states = states);
    }

    /// FW-10.
    pub(crate) fn wrong_interface(&mut self, key: Key, arrival: Interface, header: &[u8]) {
        let place = self.places.get(&arrival).cloned().unwrap_or_default();
        let Some(mfe) = self.mfes.get_mut(&key) else { return };
        let Some(owner) = place.protocol.filter(|_| place.wrong_interface_alerts) else { return };
        if mfe.iif != arrival && self.now >= mfe.quiet_until {
            mfe.quiet_until = self.now + Duration::from_secs(3);
            self.tell(owner, Alert::WrongInterface(arrival, key, header.to_vec()));
        }
    }

    /// The forwarder counted a packet.
    pub(crate) fn carried(&mut self, key: Key) {
        self.mfes.entry(key).and_modify(|mfe| mfe.carried = true);
    }

    /// FW-7. Says when the next entry has had its time.
    pub(crate) fn expire(&mut self, now: Instant, stats_fail: bool) -> Option<Instant> {
        self.now = now;
        let is_due = |mfe: &Mfe| mfe.expires.is_some_and(|expires| expires <= now);
        let due = self.mfes.iter().filter(|(_, mfe)| is_due(mfe));
        let due: BTreeSet<_> = due.map(|(key, mfe)| (mfe.expires, *key)).collect();
        for (_, key) in due {
            let Some(mfe) = self.mfes.get(&key).filter(|mfe| is_due(mfe)) else { continue };
            if mfe.carried && !stats_fail {
                let iif = mfe.iif;
                self.make(key, iif, &[]);
            } else {
                self.mfes.remove(&key);
            }
        }
        self.mfes.values().filter_map(|mfe| mfe.expires).min()
    }
}

/// Routes.
impl Model {
    /// FW-9.
    pub(crate) fn routes_changed(&mut self, prefix: &Ipv4Net) {
        let sources = self.known.keys().copied().filter(|source| prefix.contains(&source.address()));
        for source in sources.collect::<Vec<_>>() {
            self.follow(source, self.rib.find(source));
        }
    }

    /// The RIB is asked whenever an entry is made; what it says anew is followed at once.
    fn look_up_again(&mut self, source: SourceAddr) {
        let route = self.rib.find(source);
        if *self.known.entry(source).or_insert(route) != route {
            self.follow(source, route);
            self.end_step();
        }
    }

    fn follow(&mut self, source: SourceAddr, route: Option<Route>) {
        let old = self.upstream_owner(source);
        self.known.insert(source, route);
        let new = self.upstream_owner(source);
        self.upstream_moves(source, old, new);
        let keys: Vec<_> = self.mfes.keys().copied().filter(|(_, of)| *of == source).collect();
        keys.into_iter().for_each(|key| self.move_mfe(key));
    }

    /// FW-9.
    fn move_mfe(&mut self, key: Key) {
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

/// What an owner sets.
impl Model {
    /// MB-5.
    pub(crate) fn set_state(
        &mut self,
        slot: Slot,
        on: Interface,
        key: Key,
        state: Option<ForwardState>,
    ) -> Answer {
        let mut errors = self.refuse_unless_owner(slot, on);
        errors.extend(self.refuse_without_mfe(key));
        if !errors.is_empty() {
            return Err(errors);
        }
        let old = self.mfes[&key].states.get(&on).copied();
        self.change(on, |model| {
            model.mfes.entry(key).and_modify(|mfe| {
                mfe.states.remove(&on);
                mfe.states.extend(state.map(|state| (on, state)));
            });
        });
        Ok(Some(if old == state { Change::Unchanged } else { Change::Changed }))
    }

    /// FW-8.
    pub(crate) fn set_mfe(
        &mut self,
        slot: Slot,
        key: Key,
        iif: Interface,
        upstream: Option<Ipv4Addr>,
    ) -> Answer {
        let mut errors = self.refuse_unless_incoming(slot, key);
        errors.extend(self.refuse_unless_owner(slot, iif));
        if !errors.is_empty() {
            return Err(errors);
        }
        self.mfes.entry(key).and_modify(|mfe| (mfe.iif, mfe.upstream) = (iif, upstream));
        Ok(None)
    }

    /// FW-7.
    pub(crate) fn set_timeout(&mut self, slot: Slot, key: Key, timeout: Duration) -> Answer {
        let errors = self.refuse_unless_incoming(slot, key);
        if !errors.is_empty() {
            return Err(errors);
        }
        self.mfes.entry(key).and_modify(|mfe| mfe.expires = mfe.made.checked_add(timeout));
        Ok(None)
    }

    pub(crate) fn set_wrong_interface_alerts(&mut self, slot: Slot, on: Interface, wanted: bool) -> Answer {
        let errors = self.refuse_unless_owner(slot, on);
        if !errors.is_empty() {
            return Err(errors);
        }
        self.places.entry(on).or_default().wrong_interface_alerts = wanted;
        Ok(None)
    }

    fn refuse_unless_owner(&self, slot: Slot, on: Interface) -> Vec<Error> {
        if self.owner(on) == Some(slot) { Vec::new() } else { vec![self.not_on(slot, on)] }
    }

    fn refuse_without_mfe(&self, key: Key) -> Vec<Error> {
        if self.mfes.contains_key(&key) { Vec::new() } else { vec![Error::NoSuchMfe { entry: of(key) }] }
    }

    fn refuse_unless_incoming(&self, slot: Slot, key: Key) -> Vec<Error> {
        let owner = self.mfe_owner(key);
        match (self.mfes.contains_key(&key), owner == Some(slot)) {
            (false, _) => self.refuse_without_mfe(key),
            (true, true) => Vec::new(),
            (true, false) => {
                vec![Error::NotIncoming { entry: of(key), client: name(slot), owner: owner.map(name) }]
            }
        }
    }
}

fn of((group, source): Key) -> Entry {
    Entry::SourceGroup(source, group)
}

fn is_ssm(group: GroupAddr) -> bool {
    group.address().octets()[0] == 232
}
