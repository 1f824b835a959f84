//! What clients set of forwarding entries, and of the packets that miss them (MB-5, FW-7, FW-8, FW-10).

use std::time::Duration;

use super::Engine;
use super::held::Party;
use super::key::{ClientKey, Key};
use super::mfe::{MfeRecord, no_such_mfe};
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

    /// FW-8: changes the upstream neighbour, and the iif to another interface of the caller, who must own it.
    pub(crate) fn set_mfe(
        &mut self,
        client: ClientKey,
        key: Key<A>,
        iif: Interface<A>,
        upstream: Option<A>,
    ) -> Result<(), Error<A>> {
        self.active(client)?;
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
