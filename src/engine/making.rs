//! Making forwarding entries, and making them anew: what is asked, and what becomes of the answers (FW-1, FW-3, FW-4, FW-6,
//! FW-7, FW-9, FW-13, FW-14, HO-15).
//!
//! The owner of the interface toward the source is asked `rpf`, and protocols are asked `creation_alert`, without the
//! lock. Meanwhile anything can change. So each question is numbered, and carries what it was asked under; and
//! [`install`](Engine::install) takes an answer only if
//! - the route was looked up since the last change of routes that covers the source, and the interface toward the source
//!   has the same owner in the same tenure as when the question was asked: else all is asked again;
//! - nothing was learned by a question asked later, and nothing was set since: else what is newer stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Engine;
use super::effects::Told;
use super::interfaces::{InterfaceId, MfeWalk, TenureId, Transfer};
use super::key::{ClientKey, Hashed, Key};
use super::mfe::{Due, MfeRecord, StateRecord, States, no_such_mfe};
use super::oifs::Incoming;
use super::sources::{Trust, Verified};
use super::table::Cursor;
use super::time::Tick;
use crate::error::{Error, Limit};
use crate::types::address::{Address, GroupAddr};
use crate::types::creation::{CreationMode, CreationOif, Enabled};
use crate::types::interface::Interface;
use crate::types::route::Route;
use crate::view::ForwardState;

/// MGM: an MFE lives 900 s.
const LIFETIME: Duration = Duration::from_secs(900);

/// An entry that is being made or renewed.
#[derive(Debug)]
pub(super) struct Making<A> {
    /// Where a packet came in that was reported meanwhile: this making serves it (FW-13).
    reported: Option<Interface<A>>,
    /// The time that the owner has given the entry meanwhile, which is kept (FW-7).
    pub(super) timeout: Option<Duration>,
    /// The owner has set the iif or the neighbour meanwhile, which is kept too.
    pub(super) is_way_set: bool,
    id: MakingId,
}

/// Names a making: it ends itself, and no later one of the same entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MakingId(u64);

pub(super) type Makings<A> = BTreeMap<Key<A>, Making<A>>;

/// What to do about a packet without a forwarding entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Beginning {
    /// Make one; it counts as being in the making from now on.
    Begun(MakingId),
    /// There is one.
    Exists,
    /// Another thread is making it.
    InProgress,
}

/// Why an entry is made, or made anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Occasion<A> {
    /// A packet came in here.
    Packet { arrival: Interface<A> },
    /// FW-7: its time is over, and it carried packets; what the forwarder has counted by now, if that could be read.
    Renewal { counted: Option<u64> },
    /// FW-9: the route to its source may have changed.
    Route,
    /// HO-15: the interface has changed hands.
    Tenure { interface: Interface<A> },
}

/// What to do about an entry when an interface has changed hands (HO-15).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Anew {
    /// Its source is looked up, and the new owner is asked `rpf`.
    Incoming,
    /// The old owner's forward state on the interface ends; it keeps its iif and its neighbour.
    StateOnly,
}

/// What the owner of the interface toward a source is asked, and under what.
#[derive(Debug)]
pub(crate) struct RpfQuestion<A: Address> {
    key: Key<A>,
    verified: Verified<A>,
    number: u64,
}

/// What it answered. Only [`RpfQuestion::answered`] makes one.
#[derive(Debug)]
pub(crate) struct RpfAnswer<A: Address> {
    question: RpfQuestion<A>,
    route: Option<Route<A>>,
}

impl<A: Address> RpfQuestion<A> {
    /// The RIB's route.
    pub(crate) const fn route(&self) -> Option<Route<A>> {
        self.verified.upstream.route
    }

    /// Who is to be asked. FW-4: without a route nobody is; CL-6: nor is IGMP.
    pub(crate) fn asked(&self) -> Option<(ClientKey, Route<A>)> {
        let owner = self.verified.upstream.owner.filter(|owner| !owner.is_igmp())?;
        Some((owner, self.route()?))
    }

    pub(crate) const fn answered(self, route: Option<Route<A>>) -> RpfAnswer<A> {
        RpfAnswer { question: self, route }
    }

    /// Nobody was asked, or nobody has another answer than the RIB.
    pub(crate) const fn answered_by_rib(self) -> RpfAnswer<A> {
        let route = self.route();
        self.answered(route)
    }
}

impl<A: Address> RpfAnswer<A> {
    /// FW-4: without a route nobody is asked about the entry, or told of it.
    pub(crate) const fn has_route(&self) -> bool {
        self.route.is_some()
    }
}

/// What one protocol is asked about an entry, and under what.
#[derive(Debug)]
pub(crate) struct CreationQuestion<A: Address> {
    pub(crate) client: ClientKey,
    pub(crate) oifs: Vec<CreationOif<A>>,
    tenures: Vec<(Interface<A>, TenureId)>,
    number: u64,
}

/// An interface that a protocol enabled or disabled. Only [`CreationQuestion::answered`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CreationAnswer<A> {
    interface: Interface<A>,
    tenure: TenureId,
    state: ForwardState,
    number: u64,
}

impl<A: Address> CreationQuestion<A> {
    /// The interfaces for which the answer differs from what was asked. The client may have moved them about: what counts
    /// is the interface that each names.
    pub(crate) fn answered(&self, answer: &[CreationOif<A>]) -> impl Iterator<Item = CreationAnswer<A>> {
        answer.iter().filter_map(|answer| {
            let asked = self.oifs.iter().find(|asked| asked.interface() == answer.interface())?;
            let (interface, tenure) = *self.tenures.iter().find(|(on, _)| *on == answer.interface())?;
            let state = if answer.is_enabled() { ForwardState::On } else { ForwardState::Off };
            let differs = asked.is_enabled() != answer.is_enabled();
            differs.then_some(CreationAnswer { interface, tenure, state, number: self.number })
        })
    }
}

/// An entry as everybody answered, to be installed if nothing has changed meanwhile.
#[derive(Debug)]
pub(crate) struct Draft<A: Address> {
    pub(crate) key: Key<A>,
    pub(crate) occasion: Occasion<A>,
    /// The making that ends with it, if it is one that serves packets (FW-13).
    pub(crate) making: Option<MakingId>,
    /// None if it keeps its iif and its neighbour.
    pub(crate) rpf: Option<RpfAnswer<A>>,
    pub(crate) answers: Vec<CreationAnswer<A>>,
    pub(crate) trust: Trust,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Installed {
    Done,
    /// What it was asked under has changed: all is to be asked again.
    Stale,
    /// There is no such entry any more, and no packet has asked for it.
    Gone,
}

/// The forwarding entries that are still of the past of an interface.
#[derive(Debug)]
pub(crate) enum PastMfes<A> {
    /// A page has been looked at. These of it are to be made anew; what nobody has to be asked about has been brought over.
    Ask(Vec<Key<A>>),
    /// None is left.
    None,
}

impl<A: Address> Engine<A> {
    /// FW-1, FW-13: a packet has no forwarding entry.
    pub(crate) fn begin_creation(
        &mut self,
        key: Key<A>,
        arrival: Interface<A>,
    ) -> Result<Beginning, Error<A>> {
        if self.mfes.get(self.at(key)).is_some() {
            return Ok(Beginning::Exists);
        }
        if let Some(making) = self.makings.get_mut(&key) {
            making.reported = Some(arrival);
            return Ok(Beginning::InProgress);
        }
        self.refuse_mfe_at_limit(key)?;
        Ok(Beginning::Begun(self.begin_making(key)))
    }

    /// FW-7: begins to make an entry anew, unless that is going on, or it was given more time meanwhile.
    pub(crate) fn begin_renewal(&mut self, key: Key<A>, now: Tick) -> Option<MakingId> {
        let is_due = self.mfes.get(self.at(key)).is_some_and(|mfe| mfe.expires <= now);
        (is_due && !self.makings.contains_key(&key)).then(|| self.begin_making(key))
    }

    fn begin_making(&mut self, key: Key<A>) -> MakingId {
        let id = MakingId(self.next_number());
        self.makings.insert(key, Making { reported: None, timeout: None, is_way_set: false, id });
        id
    }

    /// The entry has been made, or its making given up; unless that has ended before.
    pub(crate) fn end_making(&mut self, key: Key<A>, id: MakingId) {
        if self.makings.get(&key).is_some_and(|making| making.id == id) {
            self.makings.remove(&key);
            self.forget_source(key.source);
        }
    }

    /// What to ask about the way of an entry, if its route is looked up, or if that is to serve anyhow.
    pub(crate) fn ask_rpf(&mut self, key: Key<A>, trust: Trust) -> Option<RpfQuestion<A>> {
        let verified = match trust {
            Trust::IfCurrent => self.verified(key.source)?,
            Trust::Anyhow => self.unverified(key.source),
        };
        Some(RpfQuestion { key, verified, number: self.next_number() })
    }

    /// FW-1: whoever is asked answers with an interface of its own; where nobody is asked it is the RIB's.
    pub(crate) fn may_answer(&self, question: &RpfQuestion<A>, route: &Route<A>) -> bool {
        if question.route().as_ref() == Some(route) {
            return true;
        }
        let (source, _) = question.key.pair();
        let Some((owner, _)) = question.asked() else { return false };
        let record = self.interfaces.find(route.interface);
        source.address().is_in(&route.prefix)
            && record.is_some_and(|record| record.parties.protocol == Some(owner))
    }

    /// Where an entry comes in by this answer: FW-4, without a route, where it does already, or where the packet came in.
    pub(crate) fn iif(
        &self,
        key: Key<A>,
        rpf: Option<&RpfAnswer<A>>,
        occasion: Occasion<A>,
    ) -> Option<Interface<A>> {
        if let Some(route) = rpf.and_then(|rpf| rpf.route) {
            return Some(route.interface);
        }
        if let Some(mfe) = self.mfes.get(self.at(key)) {
            return self.interfaces.get(mfe.iif).map(|record| record.interface);
        }
        match occasion {
            Occasion::Packet { arrival } => Some(arrival),
            Occasion::Renewal { .. } | Occasion::Route | Occasion::Tenure { .. } => {
                self.makings.get(&key).and_then(|making| making.reported)
            }
        }
    }

    /// FW-3: the protocols to ask, in the order of registration, and about which interfaces; HO-15: the new owner of an
    /// interface alone, and about that interface only.
    pub(crate) fn ask_about_creation(
        &mut self,
        key: Key<A>,
        iif: Interface<A>,
        occasion: Occasion<A>,
    ) -> Vec<CreationQuestion<A>> {
        let (only, owner) = match occasion {
            Occasion::Packet { .. } | Occasion::Renewal { .. } => (None, None),
            Occasion::Route => return Vec::new(),
            Occasion::Tenure { interface } => {
                let record = self.interfaces.find(interface);
                let Some(owner) = record.and_then(|record| record.parties.protocol) else {
                    return Vec::new();
                };
                (Some(interface), Some(owner))
            }
        };
        let number = self.next_number();
        let iif = self.interfaces.id(iif);
        let states = self.present_states(key);
        let oifs = self.oifs(&self.covering(key), Incoming { iif, owner: None }, &states);
        let enabled: BTreeSet<InterfaceId> = oifs.iter().map(|oif| oif.interface()).collect();
        let question = |client: ClientKey| {
            let record = self.clients.get(client)?;
            let is_asked_always = record.modes.creation == CreationMode::Always;
            let ids: Vec<InterfaceId> = if is_asked_always {
                record.interfaces().filter_map(|interface| self.interfaces.id(interface)).collect()
            } else {
                enabled.iter().copied().collect()
            };
            let mut question = CreationQuestion { client, oifs: Vec::new(), tenures: Vec::new(), number };
            for id in ids.into_iter().filter(|id| Some(*id) != iif) {
                let Some(record) = self.interfaces.get(id) else { continue };
                let is_asked = only.is_none_or(|only| only == record.interface);
                if record.parties.protocol == Some(client) && is_asked {
                    let igmp = record.parties.igmp.is_some();
                    let enabled = if enabled.contains(&id) { Enabled::Yes } else { Enabled::No };
                    question.oifs.push(CreationOif::new(record.interface, igmp, enabled));
                    question.tenures.push((record.interface, record.tenure));
                }
            }
            let is_asked = is_asked_always && only.is_none() || !question.oifs.is_empty();
            is_asked.then_some(question)
        };
        let asked = self.clients.protocols().filter(|client| owner.is_none_or(|owner| owner == *client));
        asked.filter_map(question).collect()
    }

    /// Installs an entry, or replaces it in place: no gap in the forwarder. FW-13: its making ends in the same step, so that
    /// no packet is reported to a making that serves nobody any more.
    pub(crate) fn install(&mut self, draft: Draft<A>, now: Tick) -> Installed {
        let (key, making) = (draft.key, draft.making);
        let installed = self.try_install(draft, now);
        if let Some(making) = making.filter(|_| installed != Installed::Stale) {
            self.end_making(key, making);
        }
        installed
    }

    fn try_install(&mut self, draft: Draft<A>, now: Tick) -> Installed {
        let Draft { key, mut occasion, mut rpf, answers, trust, .. } = draft;
        let at = self.at(key);
        if self.mfes.get(at).is_none() && !matches!(occasion, Occasion::Packet { .. }) {
            // FW-13: a packet was reported when the entry had gone, and this making is to serve it.
            let reported = self.makings.get(&key).and_then(|making| making.reported);
            let Some(arrival) = reported else { return Installed::Gone };
            occasion = Occasion::Packet { arrival };
            if rpf.is_none() {
                return Installed::Stale;
            }
        }
        if let Some(answer) = &rpf {
            let is_current = self.holds(key.source, &answer.question.verified)
                && answer.route.is_none_or(|route| self.may_answer(&answer.question, &route));
            match trust {
                Trust::IfCurrent if !is_current => return Installed::Stale,
                Trust::IfCurrent => {}
                Trust::Anyhow => rpf = self.ask_rpf(key, trust).map(RpfQuestion::answered_by_rib),
            }
        }
        let iif = self.iif(key, rpf.as_ref(), occasion);
        let Some(iif) = iif.and_then(|iif| self.interfaces.find_or_add(iif, &self.hasher)) else {
            return Installed::Gone;
        };
        self.drop_past_states(at);
        let before = self.mfes.get(at).map(|mfe| Before { owner: mfe.owner, is_told: mfe.is_told });
        if before.is_none() {
            let mfe = MfeRecord::new(iif, None, now, now.after(LIFETIME));
            self.insert_mfe(at, Box::new(mfe));
            self.queue_for_forwarder(key);
        }
        let is_way_set = self.makings.get(&key).is_some_and(|making| making.is_way_set);
        if let Some(rpf) = rpf.filter(|_| before.is_none() || !is_way_set) {
            self.set_way(at, iif, &rpf);
        }
        for answer in answers {
            self.set_answer(at, &answer);
        }
        self.set_life(at, occasion, now);
        self.renew_oifs(at);
        self.tell_of_making(at, before, occasion);
        Installed::Done
    }

    /// Where the entry comes in, and who is told of it. An answer never replaces what was learned, or set, after it was
    /// asked for, unless the owner has changed since.
    fn set_way(&mut self, at: Hashed<Key<A>>, iif: InterfaceId, rpf: &RpfAnswer<A>) {
        let owner = rpf.question.verified.upstream.owner;
        let number = rpf.question.number;
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        if mfe.learned > number && mfe.owner == owner {
            return;
        }
        mfe.owner = owner;
        mfe.learned = number;
        mfe.prefix = rpf.route.map(|route| route.prefix);
        mfe.upstream = rpf.route.and_then(|route| route.upstream);
        self.move_iif(at, iif);
    }

    /// FW-3: an answer is forward state of whoever still has the interface in the same tenure, unless it was set since.
    fn set_answer(&mut self, at: Hashed<Key<A>>, answer: &CreationAnswer<A>) {
        let Some(id) = self.interfaces.id(answer.interface) else { return };
        let is_of_tenure = self.interfaces.get(id).is_some_and(|record| record.tenure == answer.tenure);
        let set = self.mfes.get(at).and_then(|mfe| mfe.state(id)).map(|state| state.set);
        if is_of_tenure && set.is_none_or(|set| set < answer.number) {
            self.write_state(id, at, Some(answer.state), answer.number);
        }
    }

    /// FW-7: how long the entry lives. HO-15, FW-9: its time and its statistics stay.
    fn set_life(&mut self, at: Hashed<Key<A>>, occasion: Occasion<A>, now: Tick) {
        let Occasion::Renewal { counted } = occasion else { return };
        let timeout = self.makings.get(&at.key).and_then(|making| making.timeout).unwrap_or(LIFETIME);
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        mfe.made = now;
        mfe.packets = counted.unwrap_or(mfe.packets);
        self.mfes.expire_at(at, now.after(timeout));
    }

    /// FW-6, RFC 2715 §2 rules 4 and 5: an entry was made, or made anew, or has another owner. To each of the owners at
    /// most one alert.
    fn tell_of_making(&mut self, at: Hashed<Key<A>>, before: Option<Before>, occasion: Occasion<A>) {
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        let (owner, is_wanted, has_oifs) = (mfe.owner, mfe.is_wanted_by_others(), mfe.oif_count() > 0);
        let was_told = before.is_some_and(|before| before.is_told);
        let old = before.and_then(|before| before.owner);
        let has_other_owner = before.is_none() || old != owner;
        let is_renewed = matches!(occasion, Occasion::Packet { .. } | Occasion::Renewal { .. });
        mfe.is_told = owner.is_some() && is_wanted;
        if let Some(old) = old.filter(|_| has_other_owner && was_told) {
            self.tell_owner(old, Told::Stop, at.key);
        }
        let Some(owner) = owner else { return };
        let was_told = was_told && !has_other_owner;
        if is_wanted && (has_other_owner || is_renewed || !was_told) {
            self.tell_owner(owner, Told::Pull, at.key);
        } else if !is_wanted && (was_told || !has_oifs && (has_other_owner || is_renewed)) {
            self.tell_owner(owner, Told::Stop, at.key);
        }
    }

    /// Brings an entry to the present owner of the interface toward its source, of which nobody is asked: for that owner
    /// it is new, for everybody else it never went (IF-7).
    pub(super) fn bring_mfe_over(&mut self, at: Hashed<Key<A>>) {
        let owner = self.upstream(at.key.source).owner;
        let Some(mfe) = self.mfes.get_mut(at).filter(|mfe| mfe.owner != owner) else { return };
        let before = Before { owner: mfe.owner, is_told: mfe.is_told };
        mfe.owner = owner;
        self.page.change();
        self.drop_past_states(at);
        self.renew_oifs(at);
        self.tell_of_making(at, Some(before), Occasion::Route);
    }

    /// The forward state of an entry in the present tenures (MB-5).
    fn present_states(&self, key: Key<A>) -> States {
        let states = self.mfes.get(self.at(key))?.states.as_ref()?;
        let is_present = |(id, state): &(&InterfaceId, &StateRecord)| {
            self.interfaces.get(**id).is_some_and(|record| record.tenure == state.tenure)
        };
        let present: BTreeMap<_, _> =
            states.iter().filter(is_present).map(|(id, state)| (*id, *state)).collect();
        (!present.is_empty()).then(|| Box::new(present))
    }

    /// Puts a new entry where there is none.
    fn insert_mfe(&mut self, at: Hashed<Key<A>>, mut mfe: Box<MfeRecord<A>>) {
        mfe.standing = self.adopt(at.key);
        if let Some(record) = self.interfaces.get_mut(mfe.iif) {
            record.iif_of.insert(at, ());
        }
        self.mfes.insert(at, mfe);
        self.sources.track(at.key);
    }

    /// The owner hears nothing: the source may send again (FW-6).
    pub(super) fn delete_mfe(&mut self, at: Hashed<Key<A>>) {
        self.page.change();
        let Some(mfe) = self.mfes.remove(at) else { return };
        for id in mfe.states.iter().flat_map(|states| states.keys()) {
            if let Some(record) = self.interfaces.get_mut(*id) {
                record.states_of.remove(&at.key);
                if let Some(past) = &mut record.past {
                    past.states_of.remove(&at.key);
                }
            }
        }
        if let Some(record) = self.interfaces.get_mut(mfe.iif) {
            record.iif_of.remove(at);
        }
        self.interfaces.tidy(mfe.iif);
        self.disown(at.key, mfe.standing);
        self.untrack(at.key);
    }

    /// FW-7: an entry has had its time and was idle. It is deleted, unless it was given more time meanwhile, or others want
    /// it and its owner does not pull it: then it lives on, so that the owner hears of the next member (FW-14).
    pub(crate) fn end_idle(&mut self, key: Key<A>, now: Tick) {
        let at = self.at(key);
        let Some(mfe) = self.mfes.get(at).filter(|mfe| mfe.expires <= now) else { return };
        let is_kept = mfe.owner.is_some_and(|owner| {
            let covering = self.covering(key);
            !mfe.is_told && covering.keys().any(|at| self.is_wanted_besides(at, owner))
        });
        if is_kept {
            self.mfes.expire_at(at, now.after(LIFETIME));
        } else {
            self.delete_mfe(at);
        }
    }

    /// What the forwarder had counted for an entry when it was made or renewed.
    pub(crate) fn counted_before(&self, key: Key<A>) -> Result<u64, Error<A>> {
        self.mfes.get(self.at(key)).map(|mfe| mfe.packets).ok_or_else(|| no_such_mfe(key))
    }

    /// A page of the entries whose time is over, those after the last of the page before.
    pub(crate) fn expired(&self, now: Tick, last: Option<Due<A>>) -> Vec<Due<A>> {
        self.mfes.due(now, last).take(self.page.size().changes).collect()
    }

    /// When anything is next due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = [self.mfes.next_due(), self.next_retry()].into_iter().flatten().min();
        let due = due.and_then(|due| self.clock.instant(due));
        due.into_iter().chain(self.next_refresh_due()).min()
    }

    /// A page of the entries of a source, those after the last of the page before.
    pub(crate) fn mfes_of(&self, source: A, last: Option<Key<A>>) -> Vec<Key<A>> {
        let keys = self.sources.groups_of(source, last.map(|key| key.group));
        let page: Vec<_> = keys.take(self.page.size().looks).collect();
        page
    }

    pub(crate) fn has_mfe(&self, key: Key<A>) -> bool {
        self.mfes.get(self.at(key)).is_some()
    }

    /// HO-15: a page of the forwarding entries of an interface that are still of the past.
    ///
    /// An entry is of the past if the interface toward its source has another owner than was asked about it, or if it has
    /// forward state that the old owner of the interface set.
    pub(crate) fn past_mfes(&mut self, interface: Interface<A>) -> PastMfes<A> {
        let Some(id) = self.interfaces.id(interface) else { return PastMfes::None };
        let record = self.interfaces.get(id);
        let Some(transfer) = record.and_then(|record| Some(record.transition.as_ref()?.transfer)) else {
            return PastMfes::None;
        };
        let mut to_ask = Vec::new();
        while !self.page.is_full() && to_ask.len() < self.page.size().changes {
            let key = match self.next_past_mfe(id) {
                NextMfe::This(key) => key,
                NextMfe::FillPage => continue,
                NextMfe::None if to_ask.is_empty() => return PastMfes::None,
                NextMfe::None => break,
            };
            self.page.look();
            let at = self.at(key);
            match transfer {
                Transfer::Remove => self.remove_past_mfe(at, id, interface),
                // IF-2: IGMP's own take and release make no entry anew.
                Transfer::Take(client) | Transfer::Release(client) if client.is_igmp() => {
                    self.bring_mfe_over(at);
                    self.end_past_states(at);
                }
                Transfer::Take(_) | Transfer::Release(_) if self.begin_anew(key, interface).is_some() => {
                    to_ask.push(key);
                }
                Transfer::Take(_) | Transfer::Release(_) => {}
            }
        }
        PastMfes::Ask(to_ask)
    }

    /// IF-7: what comes in by an interface that is gone, or by a route over it, goes with it.
    fn remove_past_mfe(&mut self, at: Hashed<Key<A>>, id: InterfaceId, interface: Interface<A>) {
        let comes_in = self.mfes.get(at).is_some_and(|mfe| mfe.iif == id);
        let lies_behind = self.sources.route(at.key.source).is_some_and(|route| route.interface == interface);
        if comes_in || lies_behind { self.delete_mfe(at) } else { self.end_past_states(at) }
    }

    /// What to do about one of them; nothing if it is of the present by now.
    pub(crate) fn begin_anew(&self, key: Key<A>, interface: Interface<A>) -> Option<Anew> {
        let at = self.at(key);
        let mfe = self.mfes.get(at)?;
        let id = self.interfaces.id(interface)?;
        let comes_in_elsewhere = mfe.iif != id || mfe.owner.is_none();
        let owns_iif = self.interfaces.get(id).is_some_and(|record| record.owner() == mfe.owner);
        if mfe.owner != self.upstream(key.source).owner || !comes_in_elsewhere && !owns_iif {
            return Some(Anew::Incoming);
        }
        let tenure = self.interfaces.get(id)?.tenure;
        mfe.state(id).is_some_and(|state| state.tenure != tenure).then_some(Anew::StateOnly)
    }

    /// The next (S,G) that may be a forwarding entry of the past.
    fn next_past_mfe(&mut self, id: InterfaceId) -> NextMfe<A> {
        let size = self.page.size();
        let Some(record) = self.interfaces.get_mut(id) else { return NextMfe::None };
        let Some(past) = record.past.as_mut() else { return NextMfe::None };
        if let Some(key) = past.mfe_page.pop() {
            return NextMfe::This(key);
        }
        match &mut past.mfes {
            MfeWalk::Incoming(cursor) => {
                let (page, next) = record.iif_of.page(*cursor);
                past.mfe_page.extend(page.map(|(key, ())| key));
                past.mfes = next.map_or_else(|| MfeWalk::Behind(Cursor::default()), MfeWalk::Incoming);
            }
            MfeWalk::Behind(cursor) => {
                let (page, next) = record.upstream_of.page(*cursor);
                let sources = page.map(|(source, ())| source).collect();
                past.mfes = MfeWalk::Sources { sources, last: None, next };
            }
            MfeWalk::Sources { sources, last, next } => match sources.last().copied() {
                Some(source) => {
                    past.mfe_page.extend(self.sources.groups_of(source, *last).take(size.changes));
                    *last = past.mfe_page.last().map(|key| key.group);
                    if last.is_none() {
                        sources.pop();
                    }
                }
                None => past.mfes = next.map_or(MfeWalk::States, MfeWalk::Behind),
            },
            MfeWalk::States => match past.states_of.pop_first() {
                Some(key) => return NextMfe::This(key),
                None => past.mfes = MfeWalk::Done,
            },
            MfeWalk::Done => return NextMfe::None,
        }
        self.page.look();
        NextMfe::FillPage
    }

    /// MB-7: entries in the making count as well; those that are made anew count once.
    fn refuse_mfe_at_limit(&self, key: Key<A>) -> Result<(), Error<A>> {
        let is_new = |making: &Key<A>| self.mfes.get(self.at(*making)).is_none();
        let making = self.makings.keys().filter(|making| is_new(making)).count();
        if let Some(max) = self.limits.mfes.filter(|max| self.mfes.len() + making >= *max) {
            return Err(Error::LimitReached(Limit::Mfes { max }));
        }
        let of_group = self.makings.range(key.any_source()..).map(|(making, _)| making);
        let of_group = of_group.take_while(|making| making.group == key.group);
        let count = of_group.filter(|making| is_new(making)).count() + self.mfes.len_of_group(key.group);
        match self.limits.mfes_per_group.filter(|max| count >= *max) {
            Some(max) => {
                let group = GroupAddr::trusted(key.group);
                Err(Error::LimitReached(Limit::MfesOfGroup { group, max }))
            }
            None => Ok(()),
        }
    }
}

/// A step of the walk over the forwarding entries of the past.
enum NextMfe<A> {
    This(Key<A>),
    /// The next page of keys has been read.
    FillPage,
    None,
}

/// Who owned an entry before it was made anew, and whether it had been told to pull it.
#[derive(Clone, Copy, Debug)]
struct Before {
    owner: Option<ClientKey>,
    is_told: bool,
}
