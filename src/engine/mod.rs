//! All state and all rules, as a plain state machine.
//!
//! No lock, no callback, no clock, no I/O, no tracing: a call changes the state and leaves what follows
//! from it in [`Effects`]. Each file is one noun, and says which statements it keeps.

mod clients;
mod effect;
mod enumerate;
mod interest;
mod interfaces;
mod key;
mod membership;
mod ownership;
mod table;

use foldhash::quality::RandomState;

use crate::types::address::{Address, GroupAddr};
pub(crate) use clients::ClientKey;
use clients::Clients;
pub(crate) use effect::{Alert, Effects};
pub(crate) use enumerate::GroupsCursor;
use interest::Interests;
use interfaces::Interfaces;
pub(crate) use membership::Hold;
pub(crate) use ownership::{Start, Transfer};

use crate::limits::Limits;

/// The state of a manager.
#[derive(Debug)]
pub(crate) struct Engine<A: Address> {
    clients: Clients<A>,
    interfaces: Interfaces<A>,
    interests: Interests<A>,
    /// Memberships and blocks of all clients on all interfaces.
    holds: usize,
    limits: Limits,
    ssm: Vec<A::Net>,
    hasher: RandomState,
}

impl<A: Address> Engine<A> {
    pub(crate) fn new(limits: Limits, ssm: Vec<A::Net>) -> Self {
        let hasher = RandomState::default();
        Self {
            clients: Clients::new(),
            interfaces: Interfaces::new(),
            interests: Interests::new(hasher.clone()),
            holds: 0,
            limits,
            ssm,
            hasher,
        }
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    /// The source-specific range that `group` is in.
    fn ssm_range(&self, group: GroupAddr<A>) -> Option<A::Net> {
        self.ssm.iter().find(|range| group.address().is_in(range)).copied()
    }
}
