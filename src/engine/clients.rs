//! Who is registered, and what each is on (CL-1 to CL-4).

use std::collections::BTreeMap;

use super::Engine;
use super::effect::Effects;
use super::key::ClientKey;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;

#[derive(Debug)]
pub(super) struct Client<A: Address> {
    /// What it is on, in the order of taking; from the moment a take is granted, hand-over included.
    pub(super) on: Vec<Interface<A>>,
    /// Memberships and blocks that it added.
    pub(super) holds: usize,
    /// FW-3: it is asked about every new forwarding entry, with all its interfaces.
    pub(super) asked_always: bool,
    /// Its handle has been dropped: it is called no more, and goes when it is on nothing.
    leaving: bool,
}

/// The registered clients, in the order of registration.
#[derive(Debug)]
pub(super) struct Clients<A: Address> {
    records: BTreeMap<ClientKey, Client<A>>,
    next: u64,
}

impl<A: Address> Clients<A> {
    pub(super) const fn new() -> Self {
        Self { records: BTreeMap::new(), next: 0 }
    }

    pub(super) fn get(&self, client: ClientKey) -> Option<&Client<A>> {
        self.records.get(&client)
    }

    pub(super) fn get_mut(&mut self, client: ClientKey) -> Option<&mut Client<A>> {
        self.records.get_mut(&client)
    }

    pub(super) fn protocols(&self) -> impl Iterator<Item = ClientKey> {
        self.records.keys().copied().filter(|client| !client.is_igmp())
    }
}

impl<A: Address> Engine<A> {
    pub(crate) fn register(&mut self, name: ClientName, asked_always: bool) -> Result<ClientKey, Error<A>> {
        if self.clients.records.keys().any(|client| client.name == name) {
            return Err(match name {
                ClientName::Igmp => Error::IgmpAlreadyRegistered,
                ClientName::Protocol(id) => Error::AlreadyRegistered { id },
            });
        }
        let key = ClientKey { serial: self.clients.next, name };
        self.clients.next += 1;
        self.clients.records.insert(key, Client { on: Vec::new(), holds: 0, asked_always, leaving: false });
        Ok(key)
    }

    /// CL-3: only a client that is on nothing can deregister.
    pub(crate) fn deregister(&mut self, client: ClientKey, effects: &mut Effects<A>) -> Result<(), Error<A>> {
        let record = self.active(client)?;
        if !record.on.is_empty() {
            return Err(Error::StillOnInterfaces { client: client.name, interfaces: record.on.clone() });
        }
        self.clients.records.remove(&client);
        effects.gone.push(client);
        Ok(())
    }

    /// CL-4: the handle is dropped. Says what is to be released, in the order of taking.
    pub(crate) fn leave(&mut self, client: ClientKey) -> Vec<Interface<A>> {
        let Some(record) = self.clients.get_mut(client) else { return Vec::new() };
        record.leaving = true;
        record.on.clone()
    }

    /// Completes the going away of a client whose handle is dropped and that is on nothing any more.
    pub(crate) fn finish_leaving(&mut self, client: ClientKey, effects: &mut Effects<A>) {
        if self.clients.get(client).is_some_and(|record| record.leaving && record.on.is_empty()) {
            self.clients.records.remove(&client);
            effects.gone.push(client);
        }
    }

    /// The record of a client that may still ask.
    pub(super) fn active(&self, client: ClientKey) -> Result<&Client<A>, Error<A>> {
        self.clients
            .get(client)
            .filter(|record| !record.leaving)
            .ok_or(Error::Deregistered { client: client.name })
    }
}
