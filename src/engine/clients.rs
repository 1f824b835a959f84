//! Who is registered, and what each is on (CL-1 to CL-6).

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::Bound;

use super::Engine;
use super::key::{ClientKey, Hearing};
use crate::error::Error;
use crate::types::address::Address;
use crate::types::alert::AlertMode;
use crate::types::client::{ClientId, ClientName};
use crate::types::creation::CreationMode;
use crate::types::interface::Interface;

/// What a client chose when it registered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Modes {
    /// Of a protocol (FW-3).
    pub(crate) creation: CreationMode,
    /// Of IGMP (CL-6); a protocol is told of all that others want.
    pub(crate) alerts: AlertMode,
    pub(crate) hearing: Hearing,
}

/// Numbers the takes of all clients.
pub(crate) type Turn = u64;

#[derive(Debug)]
pub(super) struct ClientRecord<A: Address> {
    /// What it is on, from the moment a take is granted until the last of what it held there has gone; with the turn
    /// in which each was taken.
    turns: BTreeMap<Interface<A>, Turn>,
    /// The same in the order of taking.
    interfaces: BTreeMap<Turn, Interface<A>>,
    /// Memberships and blocks that it added.
    pub(super) holds: usize,
    pub(super) modes: Modes,
    /// Its handle has been dropped: it is called no more, and goes when it is on nothing.
    leaving: bool,
}

impl<A: Address> ClientRecord<A> {
    fn is_told(&self, client: ClientKey) -> bool {
        !client.is_igmp() || self.modes.alerts == AlertMode::JoinsAndPrunes
    }

    pub(super) fn interfaces(&self) -> impl Iterator<Item = Interface<A>> {
        self.interfaces.values().copied()
    }

    pub(super) fn taken_after(&self, last: Option<Turn>) -> impl Iterator<Item = (Turn, Interface<A>)> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.interfaces.range((after, Bound::Unbounded)).map(|(turn, interface)| (*turn, *interface))
    }
}

/// The registered clients, in the order of registration.
#[derive(Debug)]
pub(super) struct Clients<A: Address> {
    records: BTreeMap<ClientKey, ClientRecord<A>>,
    by_name: BTreeMap<ClientName, ClientKey>,
    /// Those that are told of what others want (CL-6), in the order of registration.
    told: Vec<ClientKey>,
    next_number: u32,
    next_turn: Turn,
}

impl<A: Address> Clients<A> {
    pub(super) const fn new() -> Self {
        Self {
            records: BTreeMap::new(),
            by_name: BTreeMap::new(),
            told: Vec::new(),
            next_number: 0,
            next_turn: 0,
        }
    }

    pub(super) fn get(&self, client: ClientKey) -> Option<&ClientRecord<A>> {
        self.records.get(&client)
    }

    pub(super) fn get_mut(&mut self, client: ClientKey) -> Option<&mut ClientRecord<A>> {
        self.records.get_mut(&client)
    }

    pub(super) fn protocols(&self) -> impl Iterator<Item = ClientKey> {
        self.records.keys().copied().filter(|client| !client.is_igmp())
    }

    /// Those after `last`, in the order of registration.
    pub(super) fn after(&self, last: Option<ClientKey>) -> impl Iterator<Item = ClientKey> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.records.range((after, Bound::Unbounded)).map(|(client, _)| *client)
    }

    /// Those that are told of what others want (CL-6).
    pub(super) fn told(&self) -> impl Iterator<Item = ClientKey> {
        self.told.iter().copied()
    }

    pub(super) fn is_told(&self, client: ClientKey) -> bool {
        !client.is_igmp() || self.told.binary_search(&client).is_ok()
    }

    /// Its handle has been dropped: it is called no more.
    pub(super) fn is_leaving(&self, client: ClientKey) -> bool {
        self.get(client).is_none_or(|record| record.leaving)
    }

    /// The client is on `interface` from now on.
    pub(super) fn enter(&mut self, client: ClientKey, interface: Interface<A>) {
        if let Some(record) = self.records.get_mut(&client) {
            record.turns.insert(interface, self.next_turn);
            record.interfaces.insert(self.next_turn, interface);
            self.next_turn += 1;
        }
    }

    /// The client of this name, if it may still ask.
    pub(super) fn find(&self, id: ClientId) -> Option<ClientKey> {
        let client = self.by_name.get(&ClientName::Protocol(id)).copied()?;
        self.get(client).filter(|record| !record.leaving).map(|_| client)
    }
}

impl<A: Address> Engine<A> {
    pub(crate) fn register(&mut self, name: ClientName, modes: Modes) -> Result<ClientKey, Error<A>> {
        let btree_map::Entry::Vacant(vacant) = self.clients.by_name.entry(name) else {
            return Err(match name {
                ClientName::Igmp => Error::IgmpAlreadyRegistered,
                ClientName::Protocol(id) => Error::AlreadyRegistered { id },
            });
        };
        let client = ClientKey::new(self.clients.next_number, name, modes.hearing);
        vacant.insert(client);
        self.clients.next_number += 1;
        let record = ClientRecord {
            turns: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            holds: 0,
            modes,
            leaving: false,
        };
        if record.is_told(client) {
            self.clients.told.push(client);
        }
        self.clients.records.insert(client, record);
        if client.is_polled() {
            self.effects.polled.open(client);
        }
        Ok(client)
    }

    /// Those that may ask, in the order of registration.
    pub(crate) fn clients(&self) -> Vec<ClientName> {
        let clients = self.clients.records.iter().filter(|(_, record)| !record.leaving);
        clients.map(|(client, _)| client.name()).collect()
    }

    /// CL-3: only a client that is on nothing can deregister.
    pub(crate) fn deregister(&mut self, client: ClientKey) -> Result<(), Error<A>> {
        let record = self.active(client)?;
        if !record.interfaces.is_empty() {
            let interfaces = record.interfaces().collect();
            return Err(Error::StillOnInterfaces { client: client.name(), interfaces });
        }
        self.forget_client(client);
        Ok(())
    }

    /// CL-4: the handle is dropped. Says what is to be released, in the order of taking.
    pub(crate) fn begin_leaving(&mut self, client: ClientKey) -> Vec<Interface<A>> {
        let Some(record) = self.clients.get_mut(client) else { return Vec::new() };
        record.leaving = true;
        let interfaces = record.interfaces().collect();
        self.effects.polled.close(client);
        interfaces
    }

    /// Completes the going away of a client whose handle is dropped and that is on nothing any more.
    pub(crate) fn finish_leaving(&mut self, client: ClientKey) {
        if self.clients.get(client).is_some_and(|record| record.leaving && record.interfaces.is_empty()) {
            self.forget_client(client);
        }
    }

    /// The client is on `interface` no more: all that it held there has gone.
    pub(super) fn leave_interface(&mut self, client: ClientKey, interface: Interface<A>) {
        if let Some(record) = self.clients.get_mut(client)
            && let Some(turn) = record.turns.remove(&interface)
        {
            record.interfaces.remove(&turn);
        }
        self.finish_leaving(client);
    }

    fn forget_client(&mut self, client: ClientKey) {
        self.clients.records.remove(&client);
        self.clients.by_name.remove(&client.name());
        self.effects.polled.close(client);
        if let Ok(place) = self.clients.told.binary_search(&client) {
            self.clients.told.remove(place);
        }
        self.effects.gone(client);
    }

    /// The record of a client that may still ask.
    pub(super) fn active(&self, client: ClientKey) -> Result<&ClientRecord<A>, Error<A>> {
        self.clients
            .get(client)
            .filter(|record| !record.leaving)
            .ok_or_else(|| Error::Deregistered { client: client.name() })
    }
}
