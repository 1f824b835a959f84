//! The forwarding entries: made, changed, deleted, and who is told (FW-4 to FW-8, MB-5).

use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use foldhash::quality::RandomState;

use super::Engine;
use super::creation::Expired;
use super::effect::{Alert, Effects};
use super::interfaces::Slot;
use super::key::{ClientKey, Hashed, Key};
use super::mfe::Mfe;
use super::table::Table;
use super::time::Tick;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::alert::AlertCause;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Change, ForwardState};

/// All forwarding entries.
#[derive(Debug)]
pub(super) struct Mfes<A: Address> {
    table: Table<Key<A>, Box<Mfe<A>>>,
    /// In the order of group, then source (EN-2).
    ordered: BTreeSet<Key<A>>,
    /// How many there are of each group (MB-7); none is zero.
    of_group: BTreeMap<A, usize>,
    due: BTreeSet<(Tick, Key<A>)>,
}

impl<A: Address> Mfes<A> {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self {
            table: Table::new(hasher),
            ordered: BTreeSet::new(),
            of_group: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, at: Hashed<Key<A>>) -> Option<&Mfe<A>> {
        self.table.get(at).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, at: Hashed<Key<A>>) -> Option<&mut Mfe<A>> {
        self.table.get_mut(at).map(Box::as_mut)
    }

    pub(super) fn len(&self) -> usize {
        self.ordered.len()
    }

    pub(super) fn len_of_group(&self, group: A) -> usize {
        self.of_group.get(&group).copied().unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<A>, &Mfe<A>)> {
        self.table.iter().map(|(key, mfe)| (key, mfe.as_ref()))
    }

    /// Those after `last`, in order.
    pub(super) fn after(&self, last: Option<Key<A>>) -> impl Iterator<Item = Key<A>> {
        self.ordered.range((last.map_or(Unbounded, Excluded), Unbounded)).copied()
    }

    /// Those that an entry covers, but for the SSM range.
    pub(super) fn covered(&self, entry: Key<A>) -> impl Iterator<Item = Key<A>> {
        let of_one_group = entry != Key::all_groups();
        self.ordered.range(entry..).copied().take_while(move |key| !of_one_group || key.group == entry.group)
    }

    pub(super) fn due(&self, now: Tick, after: Option<Expired<A>>) -> impl Iterator<Item = Expired<A>> {
        let after = after.map_or(Unbounded, Excluded);
        self.due.range((after, Unbounded)).copied().take_while(move |(due, _)| *due <= now)
    }

    pub(super) fn next_due(&self) -> Option<Tick> {
        self.due.first().map(|(due, _)| *due)
    }

    fn insert(&mut self, at: Hashed<Key<A>>, mfe: Box<Mfe<A>>) {
        self.ordered.insert(at.key);
        *self.of_group.entry(at.key.group).or_default() += 1;
        self.due.insert((mfe.expires, at.key));
        self.table.insert(at, mfe);
    }

    fn remove(&mut self, at: Hashed<Key<A>>) -> Option<Box<Mfe<A>>> {
        let mfe = self.table.remove(at)?;
        self.ordered.remove(&at.key);
        if let btree_map::Entry::Occupied(mut count) = self.of_group.entry(at.key.group) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        self.due.remove(&(mfe.expires, at.key));
        Some(mfe)
    }

    /// The entry expires then, and not when it was to before.
    fn expire_at(&mut self, at: Hashed<Key<A>>, expires: Tick) {
        let Some(mfe) = self.table.get_mut(at) else { return };
        self.due.remove(&(mfe.expires, at.key));
        mfe.expires = expires;
        self.due.insert((expires, at.key));
    }
}

impl<A: Address> Engine<A> {
    /// Puts an entry in place of the one of the same key, if there is one: no gap in the forwarder.
    pub(super) fn put_mfe(&mut self, at: Hashed<Key<A>>, mut mfe: Box<Mfe<A>>) {
        let mut old_iif = None;
        mfe.sync = match self.take_mfe(at) {
            Some(old) => {
                old_iif = Some(old.iif);
                mfe.quiet_until = old.quiet_until;
                old.sync
            }
            None => self.adopt(at.key),
        };
        if let Some(port) = self.interfaces.port_mut(mfe.iif) {
            port.iif_of.insert(at, ());
        }
        for slot in mfe.states.iter().flat_map(|states| states.keys()) {
            if let Some(port) = self.interfaces.port_mut(*slot) {
                port.states_of.insert(at.key);
            }
        }
        self.mfes.insert(at, mfe);
        if let Some(slot) = old_iif {
            self.interfaces.tidy_slot(slot);
        }
        self.track(at.key);
        self.sync(at.key);
    }

    pub(super) fn delete_mfe(&mut self, at: Hashed<Key<A>>) {
        if let Some(mfe) = self.take_mfe(at) {
            self.interfaces.tidy_slot(mfe.iif);
            self.disown(at.key, mfe.sync);
            self.untrack(at.key);
        }
    }

    fn take_mfe(&mut self, at: Hashed<Key<A>>) -> Option<Box<Mfe<A>>> {
        let mfe = self.mfes.remove(at)?;
        for slot in mfe.states.iter().flat_map(|states| states.keys()) {
            if let Some(port) = self.interfaces.port_mut(*slot) {
                port.states_of.remove(&at.key);
            }
        }
        if let Some(port) = self.interfaces.port_mut(mfe.iif) {
            port.iif_of.remove(at);
        }
        Some(mfe)
    }

    /// FW-5: what a membership or block on an interface covers, forwards there or no more.
    pub(super) fn refresh_covered(&mut self, slot: Slot, entry: Key<A>, effects: &mut Effects<A>) {
        if self.mfes.len() == 0 {
            return;
        }
        if entry.names_source() {
            return self.refresh(slot, entry, effects);
        }
        let covered: Vec<_> = self.mfes.covered(entry).collect();
        for key in covered {
            self.refresh(slot, key, effects);
        }
    }

    /// Brings one interface of one entry up to date. FW-6: the owner of the iif hears when another client's
    /// interface made the oifs empty, or not empty.
    pub(super) fn refresh(&mut self, slot: Slot, key: Key<A>, effects: &mut Effects<A>) {
        let at = Hashed::new(&self.hasher, key);
        let Some(mfe) = self.mfes.get(at) else { return };
        let forwards = self.forwards(slot, key, Some(mfe.iif), mfe.state(slot));
        if forwards == mfe.has_oif(slot) {
            return;
        }
        let owner = self.mfe_owner(mfe);
        let counts_for = self.interfaces.port(slot).and_then(super::interfaces::Port::owner);
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        let was_empty = mfe.oifs.is_empty();
        mfe.set_oif(slot, forwards);
        let is_empty = mfe.oifs.is_empty();
        if let Some(owner) = owner.filter(|owner| was_empty != is_empty && counts_for != Some(*owner)) {
            effects.tell_upstream(owner, key.into(), !is_empty);
        }
        self.sync(key);
    }

    /// FW-6, RFC 2715 §2 rules 4 and 5: an entry made or made anew. At most one alert.
    pub(super) fn tell_of_creation(&self, key: Key<A>, effects: &mut Effects<A>) {
        let Some(mfe) = self.mfes.get(Hashed::new(&self.hasher, key)) else { return };
        let Some(owner) = self.mfe_owner(mfe) else { return };
        let is_others =
            |slot: &Slot| self.interfaces.port(*slot).is_some_and(|port| port.owner() != Some(owner));
        if mfe.oifs.is_empty() {
            effects.tell_upstream(owner, key.into(), false);
        } else if mfe.oifs.iter().any(is_others) {
            effects.tell_upstream(owner, key.into(), true);
        }
    }

    /// Moves the iif: the new one leaves the oifs, the old one may enter.
    pub(super) fn move_iif(&mut self, at: Hashed<Key<A>>, iif: Slot) {
        let Some(mfe) = self.mfes.get_mut(at) else { return };
        let old = std::mem::replace(&mut mfe.iif, iif);
        if old == iif {
            return;
        }
        mfe.set_oif(iif, false);
        if let Some(port) = self.interfaces.port_mut(old) {
            port.iif_of.remove(at);
        }
        if let Some(port) = self.interfaces.port_mut(iif) {
            port.iif_of.insert(at, ());
        }
        if let Some(mfe) = self.mfes.get(at) {
            let forwards = self.forwards(old, at.key, Some(iif), mfe.state(old));
            if let Some(mfe) = self.mfes.get_mut(at) {
                mfe.set_oif(old, forwards);
            }
        }
        self.interfaces.tidy_slot(old);
        self.sync(at.key);
    }

    /// MB-5: forward state goes when the interface changes hands.
    pub(super) fn clear_states(&mut self, slot: Slot, effects: &mut Effects<A>) {
        let Some(port) = self.interfaces.port_mut(slot) else { return };
        for key in std::mem::take(&mut port.states_of) {
            let Some(mfe) = self.mfes.get_mut(Hashed::new(&self.hasher, key)) else { continue };
            mfe.set_state(slot, None);
            self.refresh(slot, key, effects);
        }
    }

    /// IF-7: the entries that come in by an interface go when a protocol takes or releases it.
    pub(super) fn delete_incoming(&mut self, slot: Slot) {
        let Some(port) = self.interfaces.port(slot) else { return };
        let coming_in: Vec<_> = port.iif_of.iter().map(|(key, ())| key).collect();
        for key in coming_in {
            self.delete_mfe(Hashed::new(&self.hasher, key));
        }
    }

    /// MB-5: sets or clears the forward state of an entry on an interface that `client` owns.
    pub(crate) fn set_forward_state(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        key: Key<A>,
        state: Option<ForwardState>,
        effects: &mut Effects<A>,
    ) -> Result<Change, Error<A>> {
        self.active(client)?;
        let slot = self.owned_slot(client, interface)?;
        let at = Hashed::new(&self.hasher, key);
        let mfe = self.mfes.get_mut(at).ok_or_else(|| no_such_mfe(key))?;
        let old = mfe.set_state(slot, state);
        if let Some(port) = self.interfaces.port_mut(slot) {
            if state.is_some() {
                port.states_of.insert(key);
            } else {
                port.states_of.remove(&key);
            }
        }
        self.refresh(slot, key, effects);
        Ok(if old == state { Change::Unchanged } else { Change::Changed })
    }

    /// FW-8: changes the upstream neighbour, and the iif to another interface of the caller, who must own it.
    pub(crate) fn set_mfe(
        &mut self,
        client: ClientKey,
        key: Key<A>,
        iif: Interface<A>,
        upstream: Option<A>,
    ) -> Result<(), Error<A>> {
        self.owned_mfe(client, key)?;
        let slot = self.owned_slot(client, iif)?;
        let at = Hashed::new(&self.hasher, key);
        if let Some(mfe) = self.mfes.get_mut(at) {
            mfe.upstream = upstream;
        }
        self.move_iif(at, slot);
        Ok(())
    }

    /// FW-7: another time to live, from when the entry was made or renewed.
    pub(crate) fn set_mfe_timeout(
        &mut self,
        client: ClientKey,
        key: Key<A>,
        timeout: Duration,
    ) -> Result<(), Error<A>> {
        let made = self.owned_mfe(client, key)?.made;
        self.mfes.expire_at(Hashed::new(&self.hasher, key), made.after(timeout));
        Ok(())
    }

    /// The entry, if `client` owns its iif.
    fn owned_mfe(&self, client: ClientKey, key: Key<A>) -> Result<&Mfe<A>, Error<A>> {
        self.active(client)?;
        let mfe = self.mfes.get(Hashed::new(&self.hasher, key)).ok_or_else(|| no_such_mfe(key))?;
        let owner = self.mfe_owner(mfe);
        if owner == Some(client) {
            return Ok(mfe);
        }
        Err(Error::NotIncoming {
            entry: key.into(),
            client: client.name(),
            owner: owner.map(ClientKey::name),
        })
    }

    /// The slot of an interface that `client` owns: IGMP, only where no routing protocol does.
    pub(super) fn owned_slot(&self, client: ClientKey, interface: Interface<A>) -> Result<Slot, Error<A>> {
        let slot = self.interfaces.slot(interface);
        let owner = slot.and_then(|slot| self.interfaces.port(slot)?.owner());
        slot.filter(|_| owner == Some(client)).ok_or_else(|| Error::NotOnInterface {
            interface,
            client: client.name(),
            owner: owner.map(ClientKey::name),
        })
    }
}

impl<A: Address> Effects<A> {
    /// RFC 2715 §2, rules 4 and 5: the owner of the iif is to pull the entry, or need not.
    pub(super) fn tell_upstream(&mut self, owner: ClientKey, entry: Entry<A>, wanted: bool) {
        let cause = AlertCause::ForwardingEntry;
        let alert = if wanted { Alert::Join(entry, cause) } else { Alert::Prune(entry, cause) };
        self.forwarding.push((owner, alert));
    }
}

pub(super) fn no_such_mfe<A: Address>(key: Key<A>) -> Error<A> {
    Error::NoSuchMfe { entry: key.into() }
}
