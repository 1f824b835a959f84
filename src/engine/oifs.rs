//! Where an entry forwards, and whether the owner of its iif has to pull it (FW-2, FW-5, FW-6).

use smallvec::SmallVec;

use super::Engine;
use super::effects::Walk;
use super::held::{Held, Parties, Party};
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Hashed, Key};
use super::mfe::{Oif, StateRecord, States};
use super::pull::{Look, Pulled, Told};
use crate::types::address::Address;
use crate::types::alert::AlertCause;
use crate::view::{ForwardState, MembershipKind};

/// An (S,G), and what else an interface can be wanted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Covering<A> {
    exact: Hashed<Key<A>>,
    /// (\*,G) and (\*,\*). RFC 4607 §5.1: none in the SSM range, where only those who name the source get its packets.
    wildcards: Option<[Hashed<Key<A>>; 2]>,
}

/// What an entry is to be, as far as its oifs depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) iif: Option<InterfaceId>,
    pub(super) owner: Option<ClientKey>,
}

impl<A: Address> Covering<A> {
    pub(super) fn keys(&self) -> impl Iterator<Item = Hashed<Key<A>>> {
        [self.exact].into_iter().chain(self.wildcards.into_iter().flatten())
    }
}

impl<A: Address> Engine<A> {
    pub(super) fn covering(&self, key: Key<A>) -> Covering<A> {
        let wildcards = || [self.at(key.any_source()), self.at(Key::all_groups())];
        Covering { exact: self.at(key), wildcards: (!self.is_ssm(key)).then(wildcards) }
    }

    /// FW-2: every interface on which (S,G) or what covers it is held, or forward state is on; but the iif.
    pub(super) fn oifs(
        &self,
        covering: &Covering<A>,
        incoming: Incoming,
        states: &States,
    ) -> SmallVec<[Oif; 4]> {
        let mut ids: SmallVec<[InterfaceId; 8]> = SmallVec::new();
        for at in covering.keys() {
            ids.extend(self.interests.holders(at).into_iter().flat_map(|holders| holders.interfaces()));
        }
        ids.extend(states.iter().flat_map(|states| states.keys().copied()));
        ids.sort_unstable();
        ids.dedup();
        let state = |id| states.as_ref().and_then(|states| states.get(&id));
        ids.into_iter().filter_map(|id| self.oif(id, covering, incoming, state(id))).collect()
    }

    /// FW-2, for one interface: whether it is an oif, and FW-6: whether it counts for another than the owner.
    pub(super) fn oif(
        &self,
        id: InterfaceId,
        covering: &Covering<A>,
        incoming: Incoming,
        state: Option<&StateRecord>,
    ) -> Option<Oif> {
        if Some(id) == incoming.iif {
            return None;
        }
        let is_other = |client: Option<ClientKey>| client.is_some() && client != incoming.owner;
        match state.and_then(|record| Some((record.state?, record.by))) {
            Some((ForwardState::On, by)) => Some(Oif::new(id, is_other(Some(by)))),
            Some((ForwardState::Off, _)) => None,
            None => {
                let record = self.interfaces.get(id)?;
                let mut is_wanted = false;
                let counts_for_others = wishes(record, covering).fold(false, |others, owner| {
                    is_wanted = true;
                    others || is_other(owner)
                });
                is_wanted.then(|| Oif::new(id, counts_for_others))
            }
        }
    }

    /// FW-5: what is held of an entry on an interface has changed; the forwarding entries that it covers learn of it, as
    /// many as the page has room for.
    pub(super) fn refresh_covered(&mut self, interface: InterfaceId, entry: Key<A>) {
        if self.mfes.len() == 0 {
            return;
        }
        if entry.names_source() {
            self.refresh(interface, entry);
        } else {
            self.walk(Walk { interface, entry, last: None });
        }
    }

    /// Goes on with the forwarding entries that a change covers, and notes what the page has no room for.
    pub(crate) fn walk(&mut self, mut walk: Walk<A>) {
        loop {
            let Some(key) = self.mfes.covered(walk.entry, walk.last).next() else { return };
            if self.page.is_full() {
                return self.effects.walk(walk);
            }
            self.refresh(walk.interface, key);
            walk.last = Some(key);
        }
    }

    /// Brings one interface of one forwarding entry up to date.
    pub(super) fn refresh(&mut self, id: InterfaceId, key: Key<A>) {
        self.page.look();
        let at = self.at(key);
        let Some((was, is)) = self.oif_before_and_after(id, at) else { return };
        if was == is {
            return;
        }
        self.page.change();
        if let Some(mfe) = self.mfes.get_mut(at) {
            mfe.set_oif(id, is);
        }
        if was.is_some() != is.is_some() {
            self.queue_for_forwarder(key);
        }
        self.tell_of_oifs(at);
    }

    /// Brings all interfaces of one forwarding entry up to date, and tells nobody.
    pub(super) fn renew_oifs(&mut self, at: Hashed<Key<A>>) {
        let Some(mfe) = self.mfes.get(at) else { return };
        let incoming = Incoming { iif: Some(mfe.iif), owner: mfe.owner };
        let oifs = self.oifs(&self.covering(at.key), incoming, &mfe.states);
        let is_same = oifs.iter().map(|oif| oif.interface()).eq(mfe.oifs());
        if let Some(mfe) = self.mfes.get_mut(at) {
            mfe.set_oifs(oifs);
        }
        if !is_same {
            self.queue_for_forwarder(at.key);
        }
    }

    /// Moves the iif: the new one leaves the oifs, the old one may enter.
    pub(super) fn move_iif(&mut self, at: Hashed<Key<A>>, iif: InterfaceId) {
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        let old = std::mem::replace(&mut mfe.iif, iif);
        if old == iif {
            return;
        }
        mfe.set_oif(iif, None);
        if let Some(record) = self.interfaces.get_mut(old) {
            record.iif_of.remove(at);
        }
        if let Some(record) = self.interfaces.get_mut(iif) {
            record.iif_of.insert(at, ());
        }
        if let Some(mfe) = self.mfes.get(at) {
            let incoming = Incoming { iif: Some(iif), owner: mfe.owner };
            let oif = self.oif(old, &self.covering(at.key), incoming, mfe.state(old));
            if let Some(mfe) = self.mfes.get_mut(at) {
                mfe.set_oif(old, oif);
            }
        }
        self.interfaces.tidy(old);
        self.queue_for_forwarder(at.key);
    }

    fn oif_before_and_after(
        &self,
        id: InterfaceId,
        at: Hashed<Key<A>>,
    ) -> Option<(Option<Oif>, Option<Oif>)> {
        let mfe = self.mfes.get(at)?;
        let incoming = Incoming { iif: Some(mfe.iif), owner: mfe.owner };
        Some((mfe.oif(id), self.oif(id, &self.covering(at.key), incoming, mfe.state(id))))
    }

    /// FW-6: the owner of the iif hears when the first oif comes that counts for another client, and when the last goes.
    ///
    /// It does not while it is no longer the owner of the interface toward the source: the entry is to be brought to the
    /// new owner then, who is told of all that has become of it (HO-15, FW-9).
    pub(super) fn tell_of_oifs(&mut self, at: Hashed<Key<A>>) {
        let Some(mfe) = self.mfes.get(at) else { return };
        let pulled = mfe.pulled();
        let is_news = pulled.is_told != pulled.was_told;
        let Some(owner) = mfe.owner.filter(|owner| is_news || owner.is_polled()) else { return };
        if self.upstream(at.key.source).owner != Some(owner) {
            return;
        }
        if let Some(mfe) = self.mfes.get_mut(at) {
            mfe.is_told = pulled.is_told;
        }
        self.tell_of_pull(owner, at.key, pulled, Look::Oifs);
    }

    /// FW-6; RFC 2715 §2, rules 4 and 5: the owner of an iif is to pull an entry, or need not.
    pub(super) fn tell_of_pull(&mut self, owner: ClientKey, key: Key<A>, pulled: Pulled, look: Look) {
        if !self.clients.is_told(owner) {
            return;
        }
        if owner.is_polled() {
            self.effects.polled.note_pull(owner, key, pulled, look);
        } else if let Some(told) = pulled.told(look) {
            self.effects.tell(owner, told, key.into(), AlertCause::ForwardingEntry);
        }
    }

    /// FW-6: an entry has another owner than this one, which need not pull it any more.
    pub(super) fn tell_of_loss(&mut self, owner: ClientKey, was_told: bool, key: Key<A>) {
        if !self.clients.is_told(owner) {
            return;
        }
        if owner.is_polled() {
            self.effects.polled.note_loss(owner, key, was_told);
        } else if was_told {
            self.effects.tell(owner, Told::Stop, key.into(), AlertCause::ForwardingEntry);
        }
    }

    /// Who would be told by FW-6 of what is held of an entry on an interface now, and of which MFE, by the first page of
    /// what it covers.
    pub(super) fn told_of_covered(&self, id: InterfaceId, entry: Key<A>) -> Vec<(Key<A>, ClientKey)> {
        let exact = entry.names_source().then_some(entry);
        let covered = (!entry.names_source()).then(|| self.mfes.covered(entry, None)).into_iter().flatten();
        let told = |key: Key<A>| {
            let at = self.at(key);
            let (_, is) = self.oif_before_and_after(id, at)?;
            let mfe = self.mfes.get(at)?;
            let owner = mfe.owner.filter(|_| mfe.would_be_wanted_by_others(id, is) != mfe.is_told)?;
            let is_present = self.upstream(key.source).owner == Some(owner);
            (is_present && self.clients.is_told(owner)).then_some((key, owner))
        };
        exact.into_iter().chain(covered).take(self.page.size().changes).filter_map(told).collect()
    }
}

/// For each wish that makes an interface an oif, the client that it counts for.
///
/// MB-6: a block takes away only what its own client wants by a wildcard. Clients are compared, not parties: of two
/// protocols of which one has taken over from the other, both may still have something here (IF-9).
pub(super) fn wishes<A: Address>(
    record: &InterfaceRecord<A>,
    covering: &Covering<A>,
) -> impl Iterator<Item = Option<ClientKey>> {
    use MembershipKind::{Blocked, Joined};
    let look = |at| {
        let held: Held = record.held(at);
        (held, *record.parties_of(held))
    };
    let (exact, exact_parties) = look(covering.exact);
    let is_blocked = move |client: Option<ClientKey>| {
        let blocks = |party| exact.of(party) == Some(Blocked) && exact_parties[party] == client;
        Party::ALL.into_iter().any(blocks)
    };
    let by_wildcard = move |(held, parties): (Held, Parties)| {
        let wants = |party| held.of(party) == Some(Joined) && !is_blocked(parties[party]);
        Party::ALL.into_iter().any(wants).then(|| parties.owner())
    };
    let by_source = exact.is_wanted().then(|| exact_parties.owner());
    let by_wildcards = covering.wildcards.map(|wildcards| wildcards.map(look).map(by_wildcard));
    by_source.into_iter().chain(by_wildcards.into_iter().flatten().flatten())
}
