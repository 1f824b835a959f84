//! The interfaces that somebody is on, or that are changing hands.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::Bound;

use foldhash::quality::RandomState;
use slab::Slab;

use super::key::{ClientKey, Key};
use super::table::Table;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// A small number for an interface, stable while anybody is on it.
pub(super) type Slot = u32;

/// What one client holds of one entry on one interface. Setting one replaces the other (MB-6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Hold {
    #[default]
    Nothing,
    Wanted,
    Blocked,
}

/// As whom a client acts on an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Party {
    Igmp,
    Protocol,
}

/// What both parties hold of one entry on one interface.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held {
    pub(super) igmp: Hold,
    pub(super) protocol: Hold,
}

impl Held {
    /// MB-3: the interface is wanted while either wants it.
    pub(super) fn is_wanted(self) -> bool {
        self.igmp == Hold::Wanted || self.protocol == Hold::Wanted
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    pub(super) const fn of(self, party: Party) -> Hold {
        match party {
            Party::Igmp => self.igmp,
            Party::Protocol => self.protocol,
        }
    }

    pub(super) const fn with(self, party: Party, hold: Hold) -> Self {
        match party {
            Party::Igmp => Self { igmp: hold, ..self },
            Party::Protocol => Self { protocol: hold, ..self },
        }
    }
}

/// A hand-over in progress.
#[derive(Debug, Default)]
pub(super) struct Handover {
    /// HO-2: step 3 has begun, so IGMP may add and delete again.
    pub(super) igmp_enabled: bool,
    pub(super) noted: Vec<Noted>,
}

/// HO-10: what could not be refused, and has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Noted {
    Release(ClientKey),
    Removal,
}

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
    /// FW-10: its owner wants to hear of packets on the wrong interface.
    pub(super) wrong_interface_alerts: bool,
    /// The forwarding entries that come in here.
    pub(super) iif_of: Table<Key<A>, ()>,
    /// The forwarding entries in which its owner set forward state here.
    pub(super) states_of: BTreeSet<Key<A>>,
    /// The sources to which a route leads over this interface.
    pub(super) upstream_of: Table<A, ()>,
}

impl<A: Address> Port<A> {
    fn new(interface: Interface<A>, hasher: RandomState) -> Self {
        Self {
            interface,
            protocol: None,
            igmp: None,
            handover: None,
            held: Table::new(hasher.clone()),
            holds: 0,
            wrong_interface_alerts: false,
            iif_of: Table::new(hasher.clone()),
            states_of: BTreeSet::new(),
            upstream_of: Table::new(hasher),
        }
    }

    /// The routing protocol that took it, or else IGMP where only IGMP is on it.
    pub(super) fn owner(&self) -> Option<ClientKey> {
        self.protocol.or(self.igmp)
    }

    pub(super) const fn client(&self, party: Party) -> Option<ClientKey> {
        match party {
            Party::Igmp => self.igmp,
            Party::Protocol => self.protocol,
        }
    }

    fn is_unused(&self) -> bool {
        self.owner().is_none()
            && self.handover.is_none()
            && self.iif_of.is_empty()
            && self.upstream_of.is_empty()
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

    pub(super) fn find_or_add_slot(&mut self, interface: Interface<A>, hasher: &RandomState) -> Option<Slot> {
        if let Some(slot) = self.slot(interface) {
            return Some(slot);
        }
        let slot = Slot::try_from(self.ports.insert(Port::new(interface, hasher.clone()))).ok()?;
        self.slots.insert(interface, slot);
        Some(slot)
    }

    /// Forgets an interface that nobody is on, and that nothing goes over.
    pub(super) fn tidy(&mut self, interface: Interface<A>) {
        if let Some(slot) = self.slot(interface) {
            self.tidy_slot(slot);
        }
    }

    pub(super) fn tidy_slot(&mut self, slot: Slot) {
        if let Some(interface) = self.port(slot).filter(|port| port.is_unused()).map(|port| port.interface) {
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
