//! Who is on an interface: taking, releasing, offering, removing, and the engine's half of the hand-over (IF-1 to IF-9,
//! HO-1 to HO-16).
//!
//! A change of who is on an interface is a [`Transfer`]. It is granted, and from then on the interface has a
//! [`Transition`] that keeps others out (HO-7). Then
//! 1. [`change_owner`](Engine::change_owner) changes who is on it, in O(1): all that is attached is of the [`Past`] now;
//! 2. [`bring_over`](Engine::bring_over) brings it into the present, a page at a time: what is held there, then the
//!    sources behind it;
//! 3. [`past_mfes`](Engine::past_mfes) does the same for forwarding entries, of which somebody may have to be asked;
//! 4. [`end_past`](Engine::end_past) lets the past go, and who has left the interface with it;
//! 5. [`enable_igmp`](Engine::enable_igmp) and [`sweep`](Engine::sweep), where IGMP is told (HO-1);
//! 6. [`settle`](Engine::settle) ends the transition, and begins what was deferred meanwhile (HO-10).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::Engine;
use super::held::{Held, Parties, Party};
use super::interfaces::{
    Deferred, HeldWalk, InterfaceId, InterfaceRecord, MfeWalk, Past, Stage, SweepWalk, TenureId, Transfer,
    Transition,
};
use super::key::ClientKey;
use super::table::{Cursor, Table};
use crate::error::Error;
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::client::ClientId;
use crate::types::interface::Interface;
use crate::view::Change;

/// What became of a request that was not refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Granted {
    /// IGMP has no part in it. It has begun, and is to be carried on page by page.
    Change,
    /// IGMP is on the interface: nothing of it is done yet, and it is to be done inside the bracket of HO-1.
    HandOver,
}

/// Links of one index that are going (IF-8), and who is to hear of it when the last of them has gone.
#[derive(Debug, Default)]
pub(super) struct Removal {
    links: usize,
    clients: BTreeSet<ClientKey>,
}

/// The removals that are going on, by index.
pub(super) type Removals = BTreeMap<NonZeroU32, Removal>;

impl<A: Address> Engine<A> {
    /// IF-2, IF-3, IF-9: asks to take `interface`.
    pub(crate) fn take(&mut self, client: ClientKey, interface: Interface<A>) -> Result<Granted, Error<A>> {
        self.active(client)?;
        self.refuse_in_transition(interface)?;
        let record = self.interfaces.find(interface);
        let parties = record.map(|record| record.parties).unwrap_or_default();
        if parties.party(client).is_some() {
            return Err(Error::AlreadyTaken { interface, client: client.name() });
        }
        let is_offered = record.and_then(|record| self.offer_of(record)) == Some(client);
        if let Some(owner) = parties.protocol.filter(|_| !client.is_igmp() && !is_offered) {
            return Err(Error::OwnedByAnother { interface, owner: owner.name() });
        }
        self.clients.enter(client, interface);
        Ok(self.start(Transfer::Take(client), interface))
    }

    /// IF-4, IF-7: asks to release `interface`.
    pub(crate) fn release(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<Granted, Error<A>> {
        self.active(client)?;
        self.refuse_in_transition(interface)?;
        self.party(client, interface)?;
        Ok(self.start(Transfer::Release(client), interface))
    }

    /// Releases `interface` for a client that has been dropped, which cannot be refused.
    ///
    /// Nothing starts where the interface is in transition, and the thread that makes that one carries the release out
    /// after it (HO-10); nor where the client is on it no more.
    pub(crate) fn release_dropped(&mut self, client: ClientKey, interface: Interface<A>) -> Option<Granted> {
        let record = self.interfaces.find_mut(interface)?;
        if let Some(transition) = record.transition.as_mut() {
            transition.deferred.push(Deferred::Release(client));
            return None;
        }
        record.parties.party(client)?;
        Some(self.start(Transfer::Release(client), interface))
    }

    /// IF-8: all links of an interface are gone. Says which there are.
    pub(crate) fn begin_removal(&mut self, index: NonZeroU32) -> Vec<Interface<A>> {
        let links = self.interfaces.with_index(index);
        if !links.is_empty() {
            self.removals.entry(index).or_default().links += links.len();
        }
        links
    }

    /// One of the links of [`begin_removal`](Self::begin_removal); deferred where it is in transition.
    pub(crate) fn remove(&mut self, interface: Interface<A>) -> Option<Granted> {
        let Some(record) = self.interfaces.find_mut(interface) else {
            self.link_removed(interface, []);
            return None;
        };
        if let Some(transition) = record.transition.as_mut() {
            transition.deferred.push(Deferred::Removal);
            return None;
        }
        Some(self.start(Transfer::Remove, interface))
    }

    /// IF-9: the owner of an interface offers it to another protocol.
    pub(crate) fn offer(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        to: ClientId,
    ) -> Result<(), Error<A>> {
        let id = self.offered_by(client, interface)?;
        let taker = self.clients.find(to).ok_or(Error::NotRegistered { id: to })?;
        if taker == client {
            return Err(Error::OfferedToItself { interface, client: client.name() });
        }
        let offer = self.interfaces.get(id).and_then(|record| self.offer_of(record));
        if let Some(offer) = offer {
            return Err(Error::AlreadyOffered { interface, to: offer.name() });
        }
        if let Some(record) = self.interfaces.get_mut(id) {
            record.offer = Some(taker);
        }
        Ok(())
    }

    /// IF-9: takes an offer back.
    pub(crate) fn withdraw_offer(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<Change, Error<A>> {
        let id = self.offered_by(client, interface)?;
        let stood = self.interfaces.get(id).and_then(|record| self.offer_of(record)).is_some();
        if let Some(record) = self.interfaces.get_mut(id) {
            record.offer = None;
        }
        Ok(if stood { Change::Changed } else { Change::Unchanged })
    }

    /// The interface, if `client` is the protocol that owns it and may offer it now.
    fn offered_by(&self, client: ClientKey, interface: Interface<A>) -> Result<InterfaceId, Error<A>> {
        self.active(client)?;
        self.refuse_in_transition(interface)?;
        match self.party(client, interface)? {
            (id, Party::Protocol) => Ok(id),
            (id, Party::Igmp) => match self.interfaces.get(id).and_then(|record| record.parties.protocol) {
                Some(_) => Err(self.not_owner(client, id, interface)),
                None => Err(Error::NotOffered { interface, client: client.name() }),
            },
        }
    }

    /// HO-1, HO-5: opens the hand-over, if a routing protocol asks and IGMP is there; else makes the change.
    fn start(&mut self, transfer: Transfer, interface: Interface<A>) -> Granted {
        let id = self.interfaces.find_or_add(interface, &self.hasher);
        let Some(record) = id.and_then(|id| self.interfaces.get_mut(id)) else { return Granted::Change };
        record.transition = Some(Box::new(Transition {
            transfer,
            from: record.owner(),
            to: transfer.apply(record.parties).owner(),
            stage: Stage::Granted,
            deferred: Vec::new(),
        }));
        if transfer.is_by_protocol() && record.parties.igmp.is_some() {
            return Granted::HandOver;
        }
        self.change_owner(interface);
        self.bring_over(interface);
        Granted::Change
    }

    /// Makes the change that was granted, unless it has been made: all that is attached is of the past from now on
    /// (HO-16), and what IGMP holds is stale if the interface has another owner (HO-3, HO-11).
    pub(crate) fn change_owner(&mut self, interface: Interface<A>) {
        let Some(id) = self.interfaces.id(interface) else { return };
        let tenure = TenureId(self.next_number());
        let Some(record) = self.interfaces.get_mut(id) else { return };
        let Some(transition) = record.transition.as_mut().filter(|change| change.stage == Stage::Granted)
        else {
            return;
        };
        transition.stage = Stage::BringingOver;
        let transfer = transition.transfer;
        let old = record.parties;
        let new = transfer.apply(old);
        record.parties = new;
        let igmp_adds_again = old.protocol != new.protocol && old.igmp == new.igmp && new.igmp.is_some();
        let has_other_owner = old.owner() != new.owner();
        record.marks.next_generation();
        if igmp_adds_again {
            record.stale.igmp = record.holds.igmp;
        }
        let hasher = self.hasher.clone();
        let taken = |table: &mut Table<A, ()>| std::mem::replace(table, Table::new(hasher));
        record.past = Some(Box::new(Past {
            parties: old,
            igmp_adds_again,
            walk: HeldWalk::AllButEndingBlocks(Cursor::default()),
            upstream_of: if has_other_owner {
                taken(&mut record.upstream_of)
            } else {
                Table::new(self.hasher.clone())
            },
            sources: has_other_owner.then(Cursor::default),
            opened: Vec::new(),
            states_of: if has_other_owner { std::mem::take(&mut record.states_of) } else { BTreeSet::new() },
            mfes: if has_other_owner || transfer == Transfer::Remove {
                MfeWalk::Incoming(Cursor::default())
            } else {
                MfeWalk::Done
            },
            mfe_page: Vec::new(),
        }));
        if has_other_owner {
            record.tenure = tenure;
            record.wrong_interface_alerts = false;
            record.offer = None;
        }
        for party in Party::ALL {
            let leaves = old[party] != new[party];
            if leaves {
                self.stop_counting(id, party, old);
            }
            if leaves || party == Party::Igmp && igmp_adds_again {
                self.forget_refresh(id, party);
            }
        }
    }

    /// HO-16: what a party that leaves held only waits to be withdrawn, and counts under no limit any more.
    fn stop_counting(&mut self, id: InterfaceId, party: Party, parties: Parties) {
        let Some(record) = self.interfaces.get_mut(id) else { return };
        let holds = std::mem::take(&mut record.holds[party]);
        record.stale[party] = 0;
        record.reserved[party] = 0;
        self.holds -= holds;
        if let Some(client) = parties[party].and_then(|client| self.clients.get_mut(client)) {
            client.holds -= holds;
        }
    }

    /// HO-16, CB-7: brings a page of what is held, and of the sources behind the interface, into the present. Says
    /// whether all has been brought over.
    ///
    /// Memberships that end go before blocks that end: in any other order a blocked source would flow for a moment (IF-7).
    pub(crate) fn bring_over(&mut self, interface: Interface<A>) -> bool {
        let Some(id) = self.interfaces.id(interface) else { return true };
        loop {
            let past = self.interfaces.get(id).and_then(|record| record.past.as_ref());
            let Some(walk) = past.map(|past| past.walk) else { return true };
            if self.page.is_full() {
                return false;
            }
            let next = match walk {
                HeldWalk::AllButEndingBlocks(cursor) => {
                    let pick = |record: &InterfaceRecord<A>, held: Held| {
                        held.is_past(record.marks) && !record.ends_a_block(held)
                    };
                    let next = self.step_page(id, cursor, pick, InterfaceRecord::present);
                    next.map_or_else(|| HeldWalk::Rest(Cursor::default()), HeldWalk::AllButEndingBlocks)
                }
                HeldWalk::Rest(cursor) => {
                    let pick = |record: &InterfaceRecord<A>, held: Held| held.is_past(record.marks);
                    let next = self.step_page(id, cursor, pick, InterfaceRecord::present);
                    next.map_or(HeldWalk::Done, HeldWalk::Rest)
                }
                HeldWalk::Done => return self.move_sources_behind(id),
            };
            if let Some(past) = self.interfaces.get_mut(id).and_then(|record| record.past.as_mut()) {
                past.walk = next;
            }
        }
    }

    /// The past has been brought over whole. Whoever has left the interface is off it now, and hears of it if it is gone.
    pub(crate) fn end_past(&mut self, interface: Interface<A>) {
        let Some(id) = self.interfaces.id(interface) else { return };
        let Some(record) = self.interfaces.get_mut(id) else { return };
        let Some(past) = record.past.take() else { return };
        let is_removed = record.transition.as_ref().is_some_and(|change| change.transfer == Transfer::Remove);
        let left = |party| past.parties[party].filter(|client| record.parties[party] != Some(*client));
        let left: Vec<_> = Party::ALL.into_iter().filter_map(left).collect();
        if is_removed {
            self.link_removed(interface, left.iter().copied());
        }
        for client in left {
            self.leave_interface(client, interface);
        }
    }

    /// IF-8: one link of an index has gone. With the last of them, everybody who was on one of them hears of it.
    fn link_removed(&mut self, interface: Interface<A>, clients: impl IntoIterator<Item = ClientKey>) {
        let index = interface.index();
        let Some(removal) = self.removals.get_mut(&index) else { return };
        removal.links -= 1;
        removal.clients.extend(clients);
        if removal.links == 0
            && let Some(removal) = self.removals.remove(&index)
        {
            for client in removal.clients {
                self.effects.alert(client, Alert::InterfaceRemoved { index });
            }
        }
    }

    pub(crate) fn igmp_on(&self, interface: Interface<A>) -> Option<ClientKey> {
        self.interfaces.find(interface)?.parties.igmp
    }

    /// HO-2: step 3 begins.
    pub(crate) fn enable_igmp(&mut self, interface: Interface<A>) {
        self.set_stage(interface, Stage::Enabled);
    }

    fn set_stage(&mut self, interface: Interface<A>, stage: Stage) {
        let record = self.interfaces.find_mut(interface);
        if let Some(transition) = record.and_then(|record| record.transition.as_mut()) {
            transition.stage = stage;
        }
    }

    /// HO-14: `enable_igmp` has returned. Deletes a page of what is still stale, unless IGMP has begun a refresh for it
    /// (HO-17). Says whether none is left.
    pub(crate) fn sweep(&mut self, interface: Interface<A>) -> bool {
        let Some(id) = self.interfaces.id(interface) else { return true };
        let Some(record) = self.interfaces.get(id) else { return true };
        let walk = match record.transition.as_ref().map(|change| change.stage) {
            Some(Stage::Sweeping(walk)) => walk,
            Some(_) if record.refreshes.igmp.is_none() => SweepWalk::default(),
            Some(_) | None => return true,
        };
        let walk = self.sweep_page(id, Party::Igmp, walk);
        self.set_stage(interface, Stage::Sweeping(walk));
        walk == SweepWalk::Done
    }

    /// How much of IGMP's on an interface it has not added again.
    pub(crate) fn stale_of_igmp(&self, interface: Interface<A>) -> usize {
        self.interfaces.find(interface).map_or(0, |record| record.stale[Party::Igmp])
    }

    /// HO-7: the interface is settled. HO-10: begins the first of what was deferred meanwhile that still applies, and hands
    /// the rest on to it. Says what has begun, and is to be carried out.
    pub(crate) fn settle(&mut self, interface: Interface<A>) -> Option<(Granted, Transfer)> {
        let id = self.interfaces.id(interface)?;
        let transition = self.interfaces.get_mut(id)?.transition.take()?;
        let mut deferred = transition.deferred.into_iter();
        while let Some(next) = deferred.next() {
            let (granted, transfer) = match next {
                Deferred::Release(client) => {
                    (self.release_dropped(client, interface), Transfer::Release(client))
                }
                Deferred::Removal => (self.remove(interface), Transfer::Remove),
            };
            if let Some(granted) = granted {
                let record = self.interfaces.find_mut(interface);
                if let Some(transition) = record.and_then(|record| record.transition.as_mut()) {
                    transition.deferred.extend(deferred);
                }
                return Some((granted, transfer));
            }
        }
        self.interfaces.tidy(id);
        None
    }
}
