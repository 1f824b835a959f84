//! Making forwarding entries, and making them anew: what becomes of the answers (FW-1, FW-4, FW-6, FW-7, FW-9, FW-13).
//!
//! Clients are asked without the lock, and meanwhile anything can change. So each question is numbered, and carries what it
//! was asked under; and [`install`](Engine::install) takes an answer only if
//! - the route was looked up since the last change of routes that covers the source, and the interface toward the source
//!   has the same owner in the same tenure as when the question was asked: else all is asked again;
//! - nothing was learned by a question asked later, and nothing was set since: else what is newer stays.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Engine;
use super::interfaces::InterfaceId;
use super::key::{ClientKey, Hashed, Key};
use super::mfe::MfeRecord;
use super::pull::{Look, Pulled};
use super::question::{CreationAnswer, Occasion, RpfAnswer, RpfQuestion};
use super::sources::Trust;
use super::time::Tick;
use crate::error::{Error, Limit};
use crate::types::address::{Address, GroupAddr};
use crate::types::interface::Interface;

/// MGM: an MFE lives 900 s.
pub(super) const LIFETIME: Duration = Duration::from_secs(900);

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

/// Where an entry comes in, and where it came in before, if it was there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Installation<A> {
    pub(crate) was: Option<Interface<A>>,
    pub(crate) iif: Interface<A>,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Installed<A> {
    Done(Installation<A>),
    /// What it was asked under has changed: all is to be asked again.
    Outdated,
    /// There is no such entry any more, and no packet has asked for it.
    Gone,
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

    pub(super) fn begin_making(&mut self, key: Key<A>) -> MakingId {
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
        if let Some(iif) = self.present_iif(self.at(key)) {
            return Some(iif);
        }
        match occasion {
            Occasion::Packet { arrival } => Some(arrival),
            Occasion::Renewal { .. } | Occasion::Route | Occasion::Tenure { .. } => {
                self.makings.get(&key).and_then(|making| making.reported)
            }
        }
    }

    fn present_iif(&self, at: Hashed<Key<A>>) -> Option<Interface<A>> {
        self.interfaces.get(self.mfes.get(at)?.iif).map(|record| record.interface)
    }

    /// Installs an entry, or replaces it in place: no gap in the forwarder. FW-13: its making ends in the same step, so that
    /// no packet is reported to a making that serves nobody any more.
    pub(crate) fn install(&mut self, draft: Draft<A>, now: Tick) -> Installed<A> {
        let (key, making) = (draft.key, draft.making);
        let installed = self.try_install(draft, now);
        if let Some(making) = making.filter(|_| installed != Installed::Outdated) {
            self.end_making(key, making);
        }
        installed
    }

    fn try_install(&mut self, draft: Draft<A>, now: Tick) -> Installed<A> {
        let Draft { key, mut occasion, mut rpf, answers, trust, .. } = draft;
        let at = self.at(key);
        if self.mfes.get(at).is_none() && !matches!(occasion, Occasion::Packet { .. }) {
            // FW-13: a packet was reported when the entry had gone, and this making is to serve it.
            let reported = self.makings.get(&key).and_then(|making| making.reported);
            let Some(arrival) = reported else { return Installed::Gone };
            occasion = Occasion::Packet { arrival };
            if rpf.is_none() {
                return Installed::Outdated;
            }
        }
        if let Some(answer) = &rpf {
            let is_current = self.holds(key.source, &answer.question.verified)
                && answer.route.is_none_or(|route| self.may_answer(&answer.question, &route));
            match trust {
                Trust::IfCurrent if !is_current => return Installed::Outdated,
                Trust::IfCurrent => {}
                Trust::Anyhow => rpf = self.ask_rpf(key, trust).map(RpfQuestion::answered_by_rib),
            }
        }
        let was = self.present_iif(at);
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
        match self.present_iif(at) {
            Some(iif) => Installed::Done(Installation { was, iif }),
            None => Installed::Gone,
        }
    }

    /// Where the entry comes in, and who is told of it. An answer never replaces what was learned, or set, after it was
    /// asked for, unless the owner has changed since.
    fn set_way(&mut self, at: Hashed<Key<A>>, iif: InterfaceId, rpf: &RpfAnswer<A>) {
        let owner = rpf.question.verified.upstream.owner;
        let number = rpf.question.number;
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        mfe.prefix = rpf.route.map(|route| route.prefix);
        mfe.origin = rpf.route.and_then(|route| route.origin);
        if mfe.learned > number && mfe.owner == owner {
            return;
        }
        mfe.owner = owner;
        mfe.learned = number;
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
        if let Some(counted) = counted {
            mfe.packets = counted;
            mfe.is_count_lost = false;
        }
        self.mfes.expire_at(at, now.after(timeout));
    }

    /// FW-6, RFC 2715 §2 rules 4 and 5: an entry was made, or made anew, or has another owner. To each of the owners at
    /// most one alert.
    fn tell_of_making(&mut self, at: Hashed<Key<A>>, before: Option<Before>, occasion: Occasion<A>) {
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        let owner = mfe.owner;
        let is_wanted = mfe.is_wanted_by_others();
        let has_oifs = mfe.oif_count() > 0;
        mfe.is_told = owner.is_some() && is_wanted;
        let was_told = before.is_some_and(|before| before.is_told);
        let old = before.and_then(|before| before.owner);
        let has_other_owner = before.is_none() || old != owner;
        if let Some(old) = old.filter(|_| has_other_owner) {
            self.tell_of_loss(old, was_told, at.key);
        }
        let Some(owner) = owner else { return };
        let is_renewed = matches!(occasion, Occasion::Packet { .. } | Occasion::Renewal { .. });
        let pulled = Pulled { was_told: was_told && !has_other_owner, is_told: is_wanted, has_oifs };
        let look = if has_other_owner || is_renewed { Look::Making } else { Look::Oifs };
        self.tell_of_pull(owner, at.key, pulled, look);
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
        self.effects.polled.note_deletion(mfe.owner, at.key, mfe.is_told);
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

    /// A page of the entries of a source, those after the last of the page before.
    pub(crate) fn mfes_of(&self, source: A, last: Option<Key<A>>) -> Vec<Key<A>> {
        let keys = self.sources.groups_of(source, last.map(|key| key.group));
        let page: Vec<_> = keys.take(self.page.size().looks).collect();
        page
    }

    pub(crate) fn has_mfe(&self, key: Key<A>) -> bool {
        self.mfes.get(self.at(key)).is_some()
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

/// Who owned an entry before it was made anew, and whether it had been told to pull it.
#[derive(Clone, Copy, Debug)]
struct Before {
    owner: Option<ClientKey>,
    is_told: bool,
}
