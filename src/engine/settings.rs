//! What clients set of forwarding entries, and of the packets that miss them (MB-5, FW-7, FW-8, FW-10).

use std::time::Duration;

use super::Engine;
use super::held::Party;
use super::interfaces::InterfaceId;
use super::key::{ClientKey, Hashed, Key};
use super::mfe::{MfeRecord, StateRecord, no_such_mfe};
use super::oifs::Incoming;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::interface::Interface;
use crate::view::{Change, ForwardState};

impl<A: Address> Engine<A> {
    /// MB-5: sets or clears the forward state of an entry on an interface that `client` owns.
    pub(crate) fn set_forward_state(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        key: Key<A>,
        state: Option<ForwardState>,
    ) -> Result<Change, Error<A>> {
        self.active(client)?;
        let id = self.owned(client, interface)?;
        let at = self.at(key);
        if self.mfes.get(at).is_none() {
            return Err(no_such_mfe(key));
        }
        self.drop_past_states(at);
        let set = self.next_number();
        let old = self.write_state(id, at, state, set);
        self.renew_oifs(at);
        self.tell_of_oifs(at);
        Ok(if old == state { Change::Unchanged } else { Change::Changed })
    }

    /// Writes the forward state of one interface of an entry, and says what it was in this tenure.
    pub(super) fn write_state(
        &mut self,
        id: InterfaceId,
        at: Hashed<Key<A>>,
        state: Option<ForwardState>,
        set: u64,
    ) -> Option<ForwardState> {
        let record = self.interfaces.get_mut(id)?;
        let by = record.owner()?;
        let mfe = self.mfes.get_mut(at)?;
        let record_of_state = StateRecord { state, by, tenure: record.tenure, set };
        let old = mfe.states.get_or_insert_default().insert(id, record_of_state);
        record.states_of.insert(at.key);
        old.and_then(|old| old.state)
    }

    /// Forward state of the owners of past tenures ends, and what they kept out or in is decided anew.
    pub(super) fn end_past_states(&mut self, at: Hashed<Key<A>>) {
        self.drop_past_states(at);
        self.renew_oifs(at);
        self.tell_of_oifs(at);
    }

    /// Forward state of the owners of past tenures ends with the step that changes the entry (HO-15, HO-16). The oifs are
    /// the caller's to renew.
    pub(super) fn drop_past_states(&mut self, at: Hashed<Key<A>>) {
        let Some(states) = self.mfes.get(at).and_then(|mfe| mfe.states.as_ref()) else { return };
        let is_past = |(id, state): (&InterfaceId, &StateRecord)| {
            let tenure = self.interfaces.get(*id).map(|record| record.tenure);
            (tenure != Some(state.tenure)).then_some(*id)
        };
        let past: Vec<_> = states.iter().filter_map(is_past).collect();
        for id in past {
            if let Some(past) = self.interfaces.get_mut(id).and_then(|record| record.past.as_mut()) {
                past.states_of.remove(&at.key);
            }
            if let Some(mfe) = self.mfes.get_mut(at)
                && let Some(states) = &mut mfe.states
            {
                states.remove(&id);
                if states.is_empty() {
                    mfe.states = None;
                }
            }
        }
    }

    /// FW-8: changes the upstream neighbour, and the iif to another interface of the caller, who must own it.
    pub(crate) fn set_mfe(
        &mut self,
        client: ClientKey,
        key: Key<A>,
        iif: Interface<A>,
        upstream: Option<A>,
    ) -> Result<(), Error<A>> {
        let id = self.owned(client, iif)?;
        self.owned_mfe(client, key)?;
        let at = self.at(key);
        let learned = self.next_number();
        if let Some(mfe) = self.mfes.get_mut(at) {
            mfe.upstream = upstream;
            mfe.learned = learned;
        }
        if let Some(making) = self.makings.get_mut(&key) {
            making.is_way_set = true;
        }
        self.move_iif(at, id);
        self.tell_of_oifs(at);
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
        if let Some(making) = self.makings.get_mut(&key) {
            making.timeout = Some(timeout);
        }
        self.mfes.expire_at(self.at(key), made.after(timeout));
        Ok(())
    }

    /// FW-10.
    pub(crate) fn set_wrong_interface_alerts(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        on: bool,
    ) -> Result<(), Error<A>> {
        self.active(client)?;
        let id = self.owned(client, interface)?;
        if let Some(record) = self.interfaces.get_mut(id) {
            record.wrong_interface_alerts = on;
        }
        Ok(())
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

    /// The entry, if `client` owns the interface toward its source. HO-16: one that is still of the past is brought to it
    /// in the same step.
    fn owned_mfe(&mut self, client: ClientKey, key: Key<A>) -> Result<&mut MfeRecord<A>, Error<A>> {
        self.active(client)?;
        let at = self.at(key);
        let mfe = self.mfes.get(at).ok_or_else(|| no_such_mfe(key))?;
        let owner = self.upstream(key.source).owner;
        if owner != Some(client) {
            let (client, owner) = (client.name(), owner.map(ClientKey::name));
            return Err(Error::NotIncoming { entry: key.into(), client, owner });
        }
        if client.is_igmp() {
            // HO-2: not while IGMP is disabled where the entry comes in.
            self.refuse_while_disabled(mfe.iif, Party::Igmp)?;
        }
        self.bring_mfe_over(at);
        self.mfes.get_mut(at).ok_or_else(|| no_such_mfe(key))
    }
}
