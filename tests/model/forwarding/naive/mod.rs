//! The naive model: plain maps, everything computed anew from them. No callback calls back but to set a
//! time, so that a call is done before the next begins; hand-overs are the other model's matter.

mod creation;
mod membership;
mod mfe;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use mgm::{
    AlertCause, Change, ClientName, Entry, Error, ForwardState, GroupAddr, Interface, MembershipKind, Route,
    SourceAddr,
};

use super::ops::{Max, PATIENCE, PATIENT, interfaces};
use super::scripts::{Routes, Scripts};
use crate::ops::{SLOTS, name};

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

fn of((group, source): Key) -> Entry {
    Entry::SourceGroup(source, group)
}

fn is_ssm(group: GroupAddr) -> bool {
    group.address().octets()[0] == 232
}
