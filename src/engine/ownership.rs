//! Taking and releasing interfaces, and the engine's half of the hand-over (IF-1 to IF-8, HO-1 to HO-10).

use std::fmt;
use std::num::NonZeroU32;

use super::Engine;
use super::effect::{Alert, Effects};
use super::interfaces::{Handover, Noted, Party, Port, Slot};
use super::key::ClientKey;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// What a client asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transfer {
    Take(ClientKey),
    Release(ClientKey),
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Take(client) => write!(f, "taken by {}", client.name()),
            Self::Release(client) => write!(f, "released by {}", client.name()),
        }
    }
}

/// What became of a request that was not refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Start {
    /// It is done: IGMP has no part in it.
    Done,
    /// IGMP is on the interface: to be carried out inside the bracket of HO-1. IGMP's adds are refused from now on.
    HandOver,
}

impl<A: Address> Engine<A> {
    /// IF-2, IF-3: asks to take `interface`.
    pub(crate) fn take(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        effects: &mut Effects<A>,
    ) -> Result<Start, Error<A>> {
        self.active(client)?;
        self.refuse_during_handover(interface)?;
        let (owner, igmp) =
            self.interfaces.find(interface).map_or((None, None), |port| (port.protocol, port.igmp));
        if [owner, igmp].contains(&Some(client)) {
            return Err(Error::AlreadyTaken { interface, client: client.name() });
        }
        if let Some(owner) = owner.filter(|_| !client.is_igmp()) {
            return Err(Error::OwnedByAnother { interface, owner: owner.name() });
        }
        if let Some(record) = self.clients.get_mut(client) {
            record.on.push(interface);
        }
        Ok(self.start(Transfer::Take(client), interface, effects))
    }

    /// IF-4, IF-7: asks to release `interface`.
    pub(crate) fn release(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        effects: &mut Effects<A>,
    ) -> Result<Start, Error<A>> {
        self.active(client)?;
        self.refuse_during_handover(interface)?;
        self.party(client, interface)?;
        Ok(self.start(Transfer::Release(client), interface, effects))
    }

    /// Releases `interface` for a client that has been dropped: this cannot be refused.
    ///
    /// Nothing starts where the interface is being handed over, and the thread that does that carries the
    /// release out after (HO-10); nor where the client is on it no more.
    pub(crate) fn release_dropped(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        effects: &mut Effects<A>,
    ) -> Option<Start> {
        if let Some(handover) = self.interfaces.find_mut(interface)?.handover.as_mut() {
            handover.noted.push(Noted::Release(client));
            return None;
        }
        self.party(client, interface).ok()?;
        Some(self.start(Transfer::Release(client), interface, effects))
    }

    /// IF-8: the interface is gone, with all its next hops.
    pub(crate) fn remove(&mut self, index: NonZeroU32, effects: &mut Effects<A>) {
        for interface in self.interfaces.with_index(index) {
            match self.interfaces.find_mut(interface).and_then(|port| port.handover.as_mut()) {
                Some(handover) => handover.noted.push(Noted::Removal),
                None => self.remove_now(interface, effects),
            }
        }
    }

    /// Step 2 of HO-1, and all of a change in which IGMP has no part.
    pub(crate) fn change_owner(
        &mut self,
        transfer: Transfer,
        interface: Interface<A>,
        effects: &mut Effects<A>,
    ) {
        let Some(slot) = self.interfaces.slot(interface) else { return };
        // HO-3: withdrawn as deletes under the old owner, then the owner changes.
        match transfer {
            Transfer::Take(client) if client.is_igmp() => self.set_on(slot, |port| port.igmp = Some(client)),
            Transfer::Take(client) => {
                self.withdraw(slot, Party::Igmp, effects);
                self.set_protocol(slot, Some(client), effects);
            }
            Transfer::Release(client) if client.is_igmp() => {
                self.withdraw(slot, Party::Igmp, effects);
                if self.interfaces.port(slot).is_some_and(|port| port.owner() == Some(client)) {
                    self.clear_states(slot, effects);
                }
                self.set_on(slot, |port| port.igmp = None);
                self.leave_interface(client, interface, effects);
            }
            Transfer::Release(client) => {
                self.withdraw(slot, Party::Igmp, effects);
                self.withdraw(slot, Party::Protocol, effects);
                self.set_protocol(slot, None, effects);
                self.leave_interface(client, interface, effects);
            }
        }
        self.interfaces.tidy(interface);
    }

    /// The interface changes hands: IF-7 for what comes in by it, CT-8 for the sources behind it.
    fn set_protocol(&mut self, slot: Slot, protocol: Option<ClientKey>, effects: &mut Effects<A>) {
        self.clear_states(slot, effects);
        let Some(port) = self.interfaces.port_mut(slot) else { return };
        port.wrong_interface_alerts = false;
        let old = std::mem::replace(&mut port.protocol, protocol);
        // The new owner is in place: an interface that only these entries speak of would be forgotten with them.
        self.delete_incoming(slot);
        self.upstream_changed_hands(slot, old, protocol, effects);
    }

    pub(crate) fn igmp_on(&self, interface: Interface<A>) -> Option<ClientKey> {
        self.interfaces.find(interface)?.igmp
    }

    /// HO-2: step 3 begins.
    pub(crate) fn enable_igmp(&mut self, interface: Interface<A>) {
        if let Some(handover) = self.interfaces.find_mut(interface).and_then(|port| port.handover.as_mut()) {
            handover.igmp_enabled = true;
        }
    }

    /// HO-7: `enable_igmp` has returned. HO-10: carries out what was noted meanwhile, up to the next
    /// release that needs a bracket of its own, which it returns.
    pub(crate) fn end_handover(
        &mut self,
        interface: Interface<A>,
        effects: &mut Effects<A>,
    ) -> Option<Transfer> {
        let handover = self.interfaces.find_mut(interface)?.handover.take()?;
        let mut noted = handover.noted.into_iter();
        if noted.as_slice().contains(&Noted::Removal) {
            self.remove_now(interface, effects);
            return None;
        }
        while let Some(Noted::Release(client)) = noted.next() {
            if self.release_dropped(client, interface, effects) == Some(Start::HandOver) {
                if let Some(handover) =
                    self.interfaces.find_mut(interface).and_then(|port| port.handover.as_mut())
                {
                    handover.noted.extend(noted);
                }
                return Some(Transfer::Release(client));
            }
        }
        self.interfaces.tidy(interface);
        None
    }

    /// HO-1, HO-5: does it, or opens the hand-over, if a routing protocol asks and IGMP is there.
    fn start(&mut self, transfer: Transfer, interface: Interface<A>, effects: &mut Effects<A>) -> Start {
        let (Transfer::Take(client) | Transfer::Release(client)) = transfer;
        let slot = self.interfaces.find_or_add_slot(interface, &self.hasher);
        let Some(port) = slot.and_then(|slot| self.interfaces.port_mut(slot)) else { return Start::Done };
        if port.igmp.is_some() && !client.is_igmp() {
            port.handover = Some(Handover::default());
            return Start::HandOver;
        }
        self.change_owner(transfer, interface, effects);
        Start::Done
    }

    fn remove_now(&mut self, interface: Interface<A>, effects: &mut Effects<A>) {
        let Some(slot) = self.interfaces.slot(interface) else { return };
        self.withdraw(slot, Party::Igmp, effects);
        self.withdraw(slot, Party::Protocol, effects);
        let Some(port) = self.interfaces.port(slot) else { return };
        let on = [port.protocol, port.igmp];
        self.set_protocol(slot, None, effects);
        self.set_on(slot, |port| port.igmp = None);
        for client in on.into_iter().flatten() {
            effects.alert(client, Alert::InterfaceRemoved(interface));
            self.leave_interface(client, interface, effects);
        }
        self.interfaces.tidy(interface);
    }

    fn leave_interface(&mut self, client: ClientKey, interface: Interface<A>, effects: &mut Effects<A>) {
        if let Some(record) = self.clients.get_mut(client) {
            record.on.retain(|on| *on != interface);
        }
        self.finish_leaving(client, effects);
    }

    fn set_on(&mut self, slot: Slot, set: impl FnOnce(&mut Port<A>)) {
        if let Some(port) = self.interfaces.port_mut(slot) {
            set(port);
        }
    }

    fn refuse_during_handover(&self, interface: Interface<A>) -> Result<(), Error<A>> {
        match self.interfaces.find(interface) {
            Some(port) if port.handover.is_some() => Err(Error::HandoverInProgress { interface }),
            Some(_) | None => Ok(()),
        }
    }
}

impl<A: Address> Port<A> {
    /// HO-2: refuses IGMP from before step 1 until step 3 begins.
    pub(super) fn refuse_while_disabled(&self, party: Party) -> Result<(), Error<A>> {
        match (party, &self.handover) {
            (Party::Igmp, Some(handover)) if !handover.igmp_enabled => {
                Err(Error::IgmpDisabled { interface: self.interface })
            }
            (Party::Igmp | Party::Protocol, _) => Ok(()),
        }
    }
}
