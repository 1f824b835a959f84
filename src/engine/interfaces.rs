//! The interfaces that somebody is on, or that are changing hands.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Bound;

use foldhash::quality::RandomState;
use slab::Slab;

use super::clients::ClientKey;
use super::key::Key;
use super::membership::Held;
use super::ownership::Handover;
use super::table::Table;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// A small number for an interface, stable while anybody is on it.
pub(super) type Slot = u32;

/// One interface: who is on it, and what they hold there.
#[derive(Debug)]
pub(super) struct Port<A: Address> {
    pub(super) interface: Interface<A>,
    pub(super) protocol: Option<ClientKey>,
    pub(super) igmp: Option<ClientKey>,
    pub(super) handover: Option<Handover>,
    pub(super) held: Table<Key<A>, Held>,
    /// Memberships and blocks here: each client's counts.
    pub(super) holds: usize,
}

impl<A: Address> Port<A> {
    fn new(interface: Interface<A>, hasher: RandomState) -> Self {
        let held = Table::new(hasher);
        Self { interface, protocol: None, igmp: None, handover: None, held, holds: 0 }
    }

    /// The routing protocol that took it, or else IGMP where only IGMP is on it.
    pub(super) fn owner(&self) -> Option<ClientKey> {
        self.protocol.or(self.igmp)
    }

    fn is_unused(&self) -> bool {
        self.owner().is_none() && self.handover.is_none()
    }
}

#[derive(Debug)]
pub(super) struct Interfaces<A: Address> {
    ports: Slab<Port<A>>,
    slots: BTreeMap<Interface<A>, Slot>,
}

impl<A: Address> Interfaces<A> {
    pub(super) const fn new() -> Self {
        Self { ports: Slab::new(), slots: BTreeMap::new() }
    }

    pub(super) fn slot(&self, interface: Interface<A>) -> Option<Slot> {
        self.slots.get(&interface).copied()
    }

    pub(super) fn port(&self, slot: Slot) -> Option<&Port<A>> {
        self.ports.get(position(slot))
    }

    pub(super) fn port_mut(&mut self, slot: Slot) -> Option<&mut Port<A>> {
        self.ports.get_mut(position(slot))
    }

    pub(super) fn find(&self, interface: Interface<A>) -> Option<&Port<A>> {
        self.port(self.slot(interface)?)
    }

    pub(super) fn find_mut(&mut self, interface: Interface<A>) -> Option<&mut Port<A>> {
        self.port_mut(self.slot(interface)?)
    }

    pub(super) fn find_or_add(
        &mut self,
        interface: Interface<A>,
        hasher: &RandomState,
    ) -> Option<&mut Port<A>> {
        if !self.slots.contains_key(&interface) {
            let slot = Slot::try_from(self.ports.insert(Port::new(interface, hasher.clone()))).ok()?;
            self.slots.insert(interface, slot);
        }
        self.find_mut(interface)
    }

    /// Forgets an interface that nobody is on.
    pub(super) fn tidy(&mut self, interface: Interface<A>) {
        let unused = self.slot(interface).filter(|slot| self.port(*slot).is_some_and(Port::is_unused));
        if let Some(slot) = unused {
            let _port = self.ports.try_remove(position(slot));
            self.slots.remove(&interface);
        }
    }

    /// All links of one index.
    pub(super) fn with_index(&self, index: NonZeroU32) -> Vec<Interface<A>> {
        let from = (Bound::Included(Interface::new(index)), Bound::Unbounded);
        self.slots
            .range(from)
            .map(|(interface, _)| *interface)
            .take_while(|link| link.index() == index)
            .collect()
    }

    /// In the order of index, then next hop.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Port<A>> {
        self.slots.values().filter_map(|slot| self.port(*slot))
    }
}

#[expect(clippy::as_conversions, reason = "usize has at least 32 bits wherever a router runs")]
const fn position(slot: Slot) -> usize {
    slot as usize
}
