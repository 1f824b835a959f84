//! Where an entry forwards, and what owners set in it.

use std::net::Ipv4Addr;
use std::time::Duration;

use mgm::{AlertCause, Change, Entry, Error, ForwardState, Interface, MembershipKind};

use super::super::ops::interfaces;
use super::{Answer, Key, Mfe, Model, Seen, Slot, is_ssm, of};
use crate::ops::{SLOTS, name};

impl Model {
    /// FW-2.
    pub(super) fn oifs(&self, key: Key) -> Vec<Interface> {
        let Some(mfe) = self.mfes.get(&key) else { return Vec::new() };
        let mut oifs: Vec<_> = interfaces().filter(|on| self.forwards(*on, key, mfe)).collect();
        oifs.sort();
        oifs
    }

    pub(super) fn forwards(&self, on: Interface, key: Key, mfe: &Mfe) -> bool {
        let wanted = (0..SLOTS).any(|client| self.is_wanted_by(client, on, key));
        on != mfe.iif
            && match mfe.states.get(&on) {
                Some(ForwardState::On) => true,
                Some(ForwardState::Off) => false,
                None => wanted,
            }
    }

    /// MB-6: a block takes away the client's own (\*,G) and (\*,\*), and nobody else's.
    pub(super) fn is_wanted_by(&self, client: Slot, on: Interface, (group, source): Key) -> bool {
        let held = |entry| self.held.get(&(on, client, entry)).copied();
        match held(Entry::SourceGroup(source, group)) {
            Some(kind) => kind == MembershipKind::Joined,
            None => {
                !is_ssm(group) && (held(Entry::Group(group)).is_some() || held(Entry::AllGroups).is_some())
            }
        }
    }

    /// FW-6: what changes on an interface that counts for another client is told to the owner of the iif.
    pub(super) fn change(&mut self, on: Interface, change: impl FnOnce(&mut Self)) {
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

    pub(super) fn clear_states(&mut self, on: Interface) {
        self.mfes.values_mut().for_each(|mfe| mfe.states.retain(|at, _| *at != on));
    }

    pub(super) fn mfe_owner(&self, key: Key) -> Option<Slot> {
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

    pub(super) fn refuse_unless_owner(&self, slot: Slot, on: Interface) -> Vec<Error> {
        if self.owner(on) == Some(slot) { Vec::new() } else { vec![self.not_on(slot, on)] }
    }

    pub(super) fn refuse_without_mfe(&self, key: Key) -> Vec<Error> {
        if self.mfes.contains_key(&key) { Vec::new() } else { vec![Error::NoSuchMfe { entry: of(key) }] }
    }

    pub(super) fn refuse_unless_incoming(&self, slot: Slot, key: Key) -> Vec<Error> {
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
