//! Who may do what on an interface, and when (MB-1, MB-5, HO-2, HO-7).

use super::Engine;
use super::held::Party;
use super::interfaces::{InterfaceId, InterfaceRecord, Stage, Transition};
use super::key::ClientKey;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// A client that may change what it holds on an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) client: ClientKey,
    pub(super) id: InterfaceId,
    pub(super) party: Party,
}

impl<A: Address> InterfaceRecord<A> {
    /// HO-7: a client that leaves can add nothing there any more, from the moment that its release is granted.
    pub(super) fn refuse_while_leaving(&self, party: Party) -> Result<(), Error<A>> {
        let leaves =
            |transition: &Transition| transition.transfer.apply(self.parties)[party] != self.parties[party];
        if self.transition.as_deref().is_some_and(leaves) {
            return Err(Error::HandoverInProgress { interface: self.interface });
        }
        Ok(())
    }
}

impl<A: Address> Engine<A> {
    /// MB-1, HO-2: a protocol speaks for the interfaces that it owns, IGMP for those that it is on.
    pub(super) fn holder(&self, client: ClientKey, interface: Interface<A>) -> Result<Holder, Error<A>> {
        self.active(client)?;
        self.seat(client, interface)
    }

    /// The same of a client of which it is known that it may still ask.
    pub(super) fn seat(&self, client: ClientKey, interface: Interface<A>) -> Result<Holder, Error<A>> {
        let (id, party) = self.party(client, interface)?;
        self.refuse_while_disabled(id, party)?;
        Ok(Holder { client, id, party })
    }

    /// As whom a client acts on an interface (MB-1).
    pub(super) fn party(
        &self,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<(InterfaceId, Party), Error<A>> {
        let id = self.interfaces.id(interface);
        let record = id.and_then(|id| Some((id, self.interfaces.get(id)?)));
        let party = record.and_then(|(id, record)| Some((id, record.parties.party(client)?)));
        party.ok_or_else(|| {
            let owner = record.and_then(|(_, record)| record.owner()).map(ClientKey::name);
            Error::NotOnInterface { interface, client: client.name(), owner }
        })
    }

    pub(crate) fn is_in_transition(&self, interface: Interface<A>) -> bool {
        self.interfaces.find(interface).is_some_and(|record| record.transition.is_some())
    }

    pub(super) fn refuse_in_transition(&self, interface: Interface<A>) -> Result<(), Error<A>> {
        if self.is_in_transition(interface) { Err(Error::HandoverInProgress { interface }) } else { Ok(()) }
    }

    /// HO-2: refuses IGMP from before step 1 until step 3 begins.
    pub(super) fn refuse_while_disabled(&self, id: InterfaceId, party: Party) -> Result<(), Error<A>> {
        let Some(record) = self.interfaces.get(id) else { return Ok(()) };
        let is_disabled = record.transition.as_ref().is_some_and(|change| {
            change.transfer.is_by_protocol() && matches!(change.stage, Stage::Granted | Stage::BringingOver)
        });
        match party {
            Party::Igmp if is_disabled => Err(Error::IgmpDisabled { interface: record.interface }),
            Party::Igmp | Party::Protocol => Ok(()),
        }
    }

    /// The interface, if `client` owns it and may change what goes over it: IGMP, only where no routing protocol does.
    pub(super) fn owned(&self, client: ClientKey, interface: Interface<A>) -> Result<InterfaceId, Error<A>> {
        let (id, party) = self.party(client, interface)?;
        if self.interfaces.get(id).and_then(InterfaceRecord::owner) != Some(client) {
            return Err(self.not_owner(client, id, interface));
        }
        self.refuse_while_disabled(id, party)?;
        Ok(id)
    }

    /// IF-9: to whom an interface is offered. An offer ends when either of the two deregisters.
    pub(super) fn offer_of(&self, record: &InterfaceRecord<A>) -> Option<ClientKey> {
        let owner = record.parties.protocol.filter(|owner| self.active(*owner).is_ok());
        owner.and(record.offer).filter(|client| self.active(*client).is_ok())
    }

    pub(super) fn not_owner(&self, client: ClientKey, id: InterfaceId, interface: Interface<A>) -> Error<A> {
        let owner = self.interfaces.get(id).and_then(InterfaceRecord::owner).map(ClientKey::name);
        Error::NotOwner { interface, client: client.name(), owner: owner.unwrap_or_else(|| client.name()) }
    }
}
