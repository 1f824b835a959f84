//! One multicast forwarding entry, and where it is to forward (FW-2).

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Engine;
use super::backlog::Sync;
use super::interfaces::{Held, Hold, Party, Port, Slot};
use super::key::{ClientKey, Hashed, Key};
use super::time::Tick;
use crate::types::address::Address;
use crate::view::ForwardState;

/// Forward state by interface; absent where nobody set any, which is usual.
pub(super) type States = Option<Box<BTreeMap<Slot, ForwardState>>>;

/// A forwarding entry. Its key is an (S,G).
#[derive(Debug)]
pub(super) struct Mfe<A: Address> {
    pub(super) iif: Slot,
    /// There is a route to the source, so that whoever owns the iif is asked and told (FW-4).
    pub(super) routed: bool,
    pub(super) upstream: Option<A>,
    pub(super) prefix: Option<A::Net>,
    /// Sorted.
    pub(super) oifs: SmallVec<[Slot; 4]>,
    /// MB-5.
    pub(super) states: States,
    pub(super) made: Tick,
    pub(super) expires: Tick,
    /// What the forwarder had counted when the entry was made or renewed (FW-7).
    pub(super) packets: u64,
    /// FW-10: until then nobody hears of another packet on the wrong interface.
    pub(super) quiet_until: Tick,
    pub(super) sync: Sync,
}

impl<A: Address> Mfe<A> {
    pub(super) fn state(&self, slot: Slot) -> Option<ForwardState> {
        self.states.as_ref()?.get(&slot).copied()
    }

    /// Sets or clears the forward state of one interface, and says what it was.
    pub(super) fn set_state(&mut self, slot: Slot, state: Option<ForwardState>) -> Option<ForwardState> {
        let states = self.states.get_or_insert_default();
        let old = match state {
            Some(state) => states.insert(slot, state),
            None => states.remove(&slot),
        };
        if states.is_empty() {
            self.states = None;
        }
        old
    }

    pub(super) fn has_oif(&self, slot: Slot) -> bool {
        self.oifs.binary_search(&slot).is_ok()
    }

    pub(super) fn set_oif(&mut self, slot: Slot, on: bool) {
        match (self.oifs.binary_search(&slot), on) {
            (Ok(at), false) => {
                self.oifs.remove(at);
            }
            (Err(at), true) => self.oifs.insert(at, slot),
            (Ok(_), true) | (Err(_), false) => {}
        }
    }
}

impl<A: Address> Engine<A> {
    /// The client that is asked and told about an entry: the owner of its iif.
    pub(super) fn mfe_owner(&self, mfe: &Mfe<A>) -> Option<ClientKey> {
        self.interfaces.port(mfe.iif).filter(|_| mfe.routed)?.protocol
    }

    /// FW-2: every interface on which (S,G) or what covers it is held, or forward state is on; but the iif.
    pub(super) fn oifs(
        &self,
        key: Key<A>,
        iif: Option<Slot>,
        states: Option<&BTreeMap<Slot, ForwardState>>,
    ) -> SmallVec<[Slot; 4]> {
        let mut oifs: SmallVec<[Slot; 4]> = SmallVec::new();
        for covering in [key, key.any_source(), Key::all_groups()] {
            if let Some(place) = self.interests.place(Hashed::new(&self.hasher, covering)) {
                oifs.extend(place.slots());
            }
        }
        oifs.extend(states.into_iter().flat_map(|states| states.keys().copied()));
        oifs.sort_unstable();
        oifs.dedup();
        oifs.retain(|slot| {
            self.forwards(*slot, key, iif, states.and_then(|states| states.get(slot).copied()))
        });
        oifs
    }

    /// FW-2, for one interface.
    pub(super) fn forwards(
        &self,
        slot: Slot,
        key: Key<A>,
        iif: Option<Slot>,
        state: Option<ForwardState>,
    ) -> bool {
        Some(slot) != iif
            && match state {
                Some(ForwardState::On) => true,
                Some(ForwardState::Off) => false,
                None => self.interfaces.port(slot).is_some_and(|port| self.wants(port, key)),
            }
    }

    /// Whether some client wants (S,G) on an interface: MB-6 lets a block take away only its own client's wildcards.
    fn wants(&self, port: &Port<A>, key: Key<A>) -> bool {
        let held = |key| port.held.get(Hashed::new(&self.hasher, key)).copied().unwrap_or_default();
        let exact: Held = held(key);
        // RFC 4607 §5.1: in the SSM range only those who name the source get its packets.
        let wildcards = if self.is_ssm(key) {
            [Held::default(); 2]
        } else {
            [held(key.any_source()), held(Key::all_groups())]
        };
        [Party::Igmp, Party::Protocol].into_iter().any(|party| match exact.of(party) {
            Hold::Wanted => true,
            Hold::Blocked => false,
            Hold::Nothing => wildcards.iter().any(|wildcard| wildcard.of(party) == Hold::Wanted),
        })
    }
}
