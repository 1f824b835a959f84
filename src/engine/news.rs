//! What clients that poll have to know, and have not taken yet (CB-8).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::Engine;
use super::interfaces::{Interfaces, TenureId};
use super::key::{ClientKey, Key};
use super::pull::{Look, Pulled, Told};
use crate::types::address::Address;
use crate::types::alert::{Alert, AlertCause, RANKS};
use crate::types::interface::Interface;
use crate::view::MembershipKind;

/// The clients that poll, each with what it has not taken.
#[derive(Debug)]
pub(crate) struct Polled<A: Address> {
    clients: BTreeMap<ClientKey, Untaken<A>>,
    /// Those that have begun to have news in this step, or that are no more.
    woken: Vec<ClientKey>,
    /// What those had not taken that are no more: to be dropped outside the lock, as that takes as long as there is.
    left: Vec<Untaken<A>>,
}

/// What one client has to know and has not taken yet.
///
/// Alerts tell of changes, so none may be lost, and they wait in a queue. News tell of what is: they are level-triggered,
/// where alerts are edge-triggered. Of each [`Thing`] that begins and ends there is what *holds* now, and what the client has
/// last *taken* of it; where the two differ is news. Both together are the [`Level`] of the thing.
///
/// **What is kept.** The alerts about one thing begin and end it in turn. So where nothing is kept of it, what holds has
/// been taken; and there is a [`Level`] only where the two differ, or may come to differ by FW-6. A beginning and its end
/// that nobody took leave no level behind. Whatever differs either holds or has been taken, so a client that takes nothing
/// is kept no more than there is. (CL-5: what others want when a client registers counts as taken.)
///
/// **Forwarding entries** are told by FW-6, and that tells of what was made or renewed, or has a new owner, whatever it told
/// before. So a level can be *anew*, and is then judged by what FW-6 would say now, where "told" is what was taken: a join
/// if the entry is to be pulled; a prune if it is not and was, or if it has no oif at all; else nothing, which later
/// changes of oifs may turn into something. When the client has found nothing more to take, it has taken that as well.
/// An entry that is deleted takes with it what its owner is told (FW-6): what holds and was not taken is no news any more.
/// But a client that has taken a join, and that was told to stop before the entry went, has still to hear that.
///
/// **Tenures.** What IGMP holds on an interface is told to its owner in each tenure. So what begins in another tenure than
/// that in which it was taken is anew. What was taken in an earlier tenure and holds no more ends once, as for whoever is
/// alerted (CT-7).
///
/// **Order.** News are taken in the order of CT-6. What comes while a client takes them waits until it has taken all that
/// was there before: else whoever begins things faster than the client takes them would keep all ends from it. That an
/// interface is gone comes last, but before whatever began there since.
#[derive(Debug)]
pub(crate) struct Untaken<A: Address> {
    levels: BTreeMap<Thing<A>, Level>,
    /// FW-10: the last packet on the wrong interface, for each forwarding entry.
    packets: BTreeMap<Key<A>, Packet<A>>,
    /// What is left to take of what was there when the client began to take.
    now: BTreeSet<Place<A>>,
    /// What has come since.
    later: BTreeSet<Place<A>>,
}

/// What begins and ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Thing<A: Address> {
    /// The client is to pull an entry.
    Pull(Key<A>, AlertCause),
    /// IGMP holds an entry on an interface of the client's.
    Local(Interface<A>, Key<A>, MembershipKind),
}

/// What holds of a thing, against what was taken of it.
#[derive(Clone, Copy, Debug)]
struct Level {
    holds: bool,
    /// The client has taken that it began, in this tenure, and not that it ended.
    taken: Option<TenureId>,
    /// It has begun or was made since, whatever was taken before.
    is_anew: bool,
    /// Of a forwarding entry.
    has_oifs: bool,
}

/// A packet that came in on the wrong interface, in this tenure of the client's.
#[derive(Debug)]
struct Packet<A: Address> {
    interface: Interface<A>,
    tenure: TenureId,
    alert: Alert<A>,
}

/// A piece of news, and where it stands among the others: CT-6 first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place<A: Address> {
    rank: usize,
    piece: Piece<A>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Piece<A: Address> {
    Thing(Thing<A>),
    WrongInterface(Key<A>),
    InterfaceRemoved(NonZeroU32),
}

/// What became of an attempt to take a piece of news.
#[derive(Debug)]
pub(crate) enum Taken<A: Address> {
    News(Alert<A>),
    /// There is none. What was kept without being news is to be dropped outside the lock.
    Nothing(Untaken<A>),
    /// A page has been looked at that has become no news, and there is more.
    NotYet,
    /// The client is no more, or is heard by nobody.
    Over,
}

impl Level {
    /// What holds has been taken.
    fn settled(holds: bool, tenure: TenureId) -> Self {
        Self { holds, taken: holds.then_some(tenure), is_anew: false, has_oifs: true }
    }

    const fn is_settled(self) -> bool {
        self.holds == self.taken.is_some() && !self.is_anew
    }

    /// What is told of all things, is told of them by the rule of FW-6.
    const fn news(self) -> Option<Told> {
        let pulled = Pulled { was_told: self.taken.is_some(), is_told: self.holds, has_oifs: self.has_oifs };
        pulled.told(if self.is_anew { Look::Making } else { Look::Oifs })
    }
}

impl<A: Address> Thing<A> {
    const fn mfe(key: Key<A>) -> Self {
        Self::Pull(key, AlertCause::ForwardingEntry)
    }

    fn alert(self, told: Told) -> Alert<A> {
        match self {
            Self::Pull(key, cause) => {
                let entry = key.into();
                match told {
                    Told::Pull => Alert::Join { entry, cause },
                    Told::Stop => Alert::Prune { entry, cause },
                }
            }
            Self::Local(interface, key, MembershipKind::Joined) => {
                let entry = key.into();
                match told {
                    Told::Pull => Alert::LocalJoin { interface, entry },
                    Told::Stop => Alert::LocalLeave { interface, entry },
                }
            }
            Self::Local(interface, key, MembershipKind::Blocked) => {
                let (source, group) = key.pair();
                match told {
                    Told::Pull => Alert::LocalBlock { interface, source, group },
                    Told::Stop => Alert::LocalUnblock { interface, source, group },
                }
            }
        }
    }

    fn place(self, told: Told) -> Place<A> {
        Place { rank: self.alert(told).rank(), piece: Piece::Thing(self) }
    }
}

impl<A: Address> Place<A> {
    /// Behind everything that begins or ends.
    const fn last(piece: Piece<A>) -> Self {
        Self { rank: RANKS - 1, piece }
    }
}

impl<A: Address> Default for Untaken<A> {
    fn default() -> Self {
        Self {
            levels: BTreeMap::new(),
            packets: BTreeMap::new(),
            now: BTreeSet::new(),
            later: BTreeSet::new(),
        }
    }
}

impl<A: Address> Untaken<A> {
    fn has_news(&self) -> bool {
        !self.now.is_empty() || !self.later.is_empty()
    }

    /// The level of a thing of which it is known whether it held before.
    fn level(&self, thing: Thing<A>, held: bool, tenure: TenureId) -> Level {
        self.levels.get(&thing).copied().unwrap_or_else(|| Level::settled(held, tenure))
    }

    /// Keeps the level if anything may come of it, and finds the place of what is news.
    fn set(&mut self, thing: Thing<A>, level: Level) {
        let old =
            if level.is_settled() { self.levels.remove(&thing) } else { self.levels.insert(thing, level) };
        let (old, new) = (old.and_then(Level::news), level.news());
        if old == new {
            return;
        }
        if let Some(told) = old {
            self.forget(thing.place(told));
        }
        if let Some(told) = new {
            self.later.insert(thing.place(told));
        }
    }

    fn forget(&mut self, place: Place<A>) {
        if !self.now.remove(&place) {
            self.later.remove(&place);
        }
    }

    fn begins(&mut self, thing: Thing<A>, tenure: TenureId) {
        let level = self.level(thing, false, tenure);
        let is_anew = level.taken.is_some_and(|taken| taken != tenure);
        self.set(thing, Level { holds: true, is_anew, ..level });
    }

    fn ends(&mut self, thing: Thing<A>, tenure: TenureId) {
        let level = self.level(thing, true, tenure);
        self.set(thing, Level { holds: false, is_anew: false, ..level });
    }

    /// FW-6: the level of a forwarding entry that stands so with its owner.
    fn pull(&self, key: Key<A>, pulled: Pulled) -> Level {
        let level = self.level(Thing::mfe(key), pulled.was_told, TenureId::default());
        Level { holds: pulled.is_told, has_oifs: pulled.has_oifs, ..level }
    }

    /// Follows an alert, but for those of FW-6.
    fn note(&mut self, tenure: TenureId, alert: Alert<A>) {
        use MembershipKind::{Blocked, Joined};
        match alert {
            Alert::Join { entry, cause } => self.begins(Thing::Pull(entry.into(), cause), tenure),
            Alert::Prune { entry, cause } => self.ends(Thing::Pull(entry.into(), cause), tenure),
            Alert::LocalJoin { interface, entry } => {
                self.begins(Thing::Local(interface, entry.into(), Joined), tenure);
            }
            Alert::LocalLeave { interface, entry } => {
                self.ends(Thing::Local(interface, entry.into(), Joined), tenure);
            }
            Alert::LocalBlock { interface, source, group } => {
                self.begins(Thing::Local(interface, Key::of(source, group), Blocked), tenure);
            }
            Alert::LocalUnblock { interface, source, group } => {
                self.ends(Thing::Local(interface, Key::of(source, group), Blocked), tenure);
            }
            Alert::WrongInterface { interface, source, group, .. } => {
                let key = Key::of(source, group);
                if self.packets.insert(key, Packet { interface, tenure, alert }).is_none() {
                    self.later.insert(Place::last(Piece::WrongInterface(key)));
                }
            }
            Alert::InterfaceRemoved { index } => {
                let place = Place::last(Piece::InterfaceRemoved(index));
                if !self.now.contains(&place) {
                    self.later.insert(place);
                }
            }
        }
    }

    /// What is next, if anything is.
    fn next(&mut self) -> Option<Place<A>> {
        if self.now.is_empty() {
            std::mem::swap(&mut self.now, &mut self.later);
        }
        let first = *self.now.first()?;
        Some(self.removal_before(first).unwrap_or(first))
    }

    /// The alert that says it. What came in on an interface that is the client's no more is no news.
    fn take(&mut self, place: Place<A>, interfaces: &Interfaces<A>) -> Option<Alert<A>> {
        self.forget(place);
        match place.piece {
            Piece::Thing(thing) => {
                self.levels.remove(&thing).and_then(Level::news).map(|told| thing.alert(told))
            }
            Piece::WrongInterface(key) => {
                let is_current = |packet: &Packet<A>| {
                    interfaces.find(packet.interface).is_some_and(|record| record.tenure == packet.tenure)
                };
                self.packets.remove(&key).filter(is_current).map(|packet| packet.alert)
            }
            Piece::InterfaceRemoved(index) => Some(Alert::InterfaceRemoved { index }),
        }
    }

    /// Whether it has to come first that the interface was gone before this began there.
    fn removal_before(&self, place: Place<A>) -> Option<Place<A>> {
        let interface = match place.piece {
            Piece::Thing(thing @ Thing::Local(interface, ..)) if place == thing.place(Told::Pull) => {
                interface
            }
            Piece::WrongInterface(key) => self.packets.get(&key)?.interface,
            Piece::Thing(_) | Piece::InterfaceRemoved(_) => return None,
        };
        let removal = Place::last(Piece::InterfaceRemoved(interface.index()));
        (self.now.contains(&removal) || self.later.contains(&removal)).then_some(removal)
    }
}

impl<A: Address> Polled<A> {
    pub(super) const fn new() -> Self {
        Self { clients: BTreeMap::new(), woken: Vec::new(), left: Vec::new() }
    }

    pub(super) const fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// Who is to be woken after this step: those that have begun to have news, and still have, and those that are no more.
    pub(crate) fn take_woken(&mut self) -> Vec<ClientKey> {
        let mut woken = std::mem::take(&mut self.woken);
        woken.retain(|client| self.clients.get(client).is_none_or(Untaken::has_news));
        woken
    }

    pub(crate) fn has_ended(&self, client: ClientKey) -> bool {
        !self.clients.contains_key(&client)
    }

    /// What those had not taken that are no more.
    pub(crate) fn take_left(&mut self) -> Vec<Untaken<A>> {
        std::mem::take(&mut self.left)
    }

    pub(super) fn open(&mut self, client: ClientKey) {
        self.clients.insert(client, Untaken::default());
    }

    /// The client is no more: nobody has to know anything.
    pub(super) fn close(&mut self, client: ClientKey) {
        if let Some(untaken) = self.clients.remove(&client) {
            self.left.push(untaken);
            self.woken.push(client);
        }
    }

    /// Follows an alert, but for those of FW-6.
    pub(super) fn note(&mut self, client: ClientKey, tenure: TenureId, alert: Alert<A>) {
        self.change(client, |untaken| untaken.note(tenure, alert));
    }

    /// FW-6: the client owns the iif of a forwarding entry.
    pub(super) fn note_pull(&mut self, owner: ClientKey, key: Key<A>, pulled: Pulled, look: Look) {
        self.change(owner, |untaken| {
            let level = untaken.pull(key, pulled);
            untaken.set(Thing::mfe(key), Level { is_anew: level.is_anew || look == Look::Making, ..level });
        });
    }

    /// FW-6: a forwarding entry has another owner than this one.
    pub(super) fn note_loss(&mut self, owner: ClientKey, key: Key<A>, was_told: bool) {
        let thing = Thing::mfe(key);
        self.change(owner, |untaken| {
            let level = untaken.level(thing, was_told, TenureId::default());
            untaken.set(thing, Level { holds: false, is_anew: false, ..level });
        });
    }

    /// FW-6: a forwarding entry is deleted, and takes with it what its owner was told, and the packets that missed it.
    pub(super) fn note_deletion(&mut self, owner: Option<ClientKey>, key: Key<A>, was_told: bool) {
        if let Some(owner) = owner {
            let thing = Thing::mfe(key);
            self.change(owner, |untaken| match untaken.levels.get(&thing).copied() {
                Some(_) if was_told => untaken.set(thing, Level::settled(false, TenureId::default())),
                Some(level) => untaken.set(thing, Level { is_anew: false, ..level }),
                None => {}
            });
        }
        for untaken in self.clients.values_mut() {
            if untaken.packets.remove(&key).is_some() {
                untaken.forget(Place::last(Piece::WrongInterface(key)));
            }
        }
    }

    /// Whoever has no news before and some after is to be woken.
    fn change(&mut self, client: ClientKey, change: impl FnOnce(&mut Untaken<A>)) {
        let Some(untaken) = self.clients.get_mut(&client) else { return };
        let had_news = untaken.has_news();
        change(untaken);
        if !had_news && untaken.has_news() {
            self.woken.push(client);
        }
    }
}

impl<A: Address> Engine<A> {
    pub(crate) fn has_news(&self, client: ClientKey) -> bool {
        self.effects.polled.clients.get(&client).is_some_and(Untaken::has_news)
    }

    /// Hands the client that polls the next piece of news.
    pub(crate) fn take_news(&mut self, client: ClientKey) -> Taken<A> {
        let Some(untaken) = self.effects.polled.clients.get_mut(&client) else { return Taken::Over };
        for _ in 0..self.page.size().looks {
            let Some(place) = untaken.next() else { return Taken::Nothing(std::mem::take(untaken)) };
            if let Some(alert) = untaken.take(place, &self.interfaces) {
                return Taken::News(alert);
            }
        }
        Taken::NotYet
    }

    /// CB-8: nobody listens to the news of the client any more.
    pub(crate) fn end_news(&mut self, client: ClientKey) {
        self.effects.polled.close(client);
    }
}
