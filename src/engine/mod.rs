//! All state and all rules, as a plain state machine.
//!
//! No lock, no callback, no clock, no I/O, no tracing: a call changes the state and leaves what follows
//! from it in [`Effects`]. Each file is one noun, and says which statements it keeps.

mod backlog;
mod clients;
mod creation;
mod effect;
mod enumerate;
mod forwarding;
mod interest;
mod interfaces;
mod key;
mod membership;
mod mfe;
mod ownership;
mod routes;
mod table;
mod time;

use foldhash::quality::RandomState;

use crate::types::address::{Address, GroupAddr};
use backlog::Backlog;
pub(crate) use backlog::Command;
use clients::Clients;
use creation::Creating;
pub(crate) use creation::{Creation, Draft};
pub(crate) use effect::{Alert, Effects};
pub(crate) use enumerate::{GroupsCursor, PAGE};
use forwarding::Mfes;
use interest::Interests;
pub(crate) use interfaces::Hold;
use interfaces::Interfaces;
pub(crate) use key::{ClientKey, Key};
pub(crate) use ownership::{Start, Transfer};
use routes::Routes;
pub(crate) use routes::{Reroute, Stamp, Way};
use time::Clock;

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
    mfes: Mfes<A>,
    creating: Creating<A>,
    routes: Routes<A>,
    backlog: Backlog<A>,
    pub(crate) clock: Clock,
    hasher: RandomState,
}

impl<A: Address> Engine<A> {
    pub(crate) fn new(limits: Limits, ssm: Vec<A::Net>, has_rib: bool) -> Self {
        let hasher = RandomState::default();
        Self {
            clients: Clients::new(),
            interfaces: Interfaces::new(),
            interests: Interests::new(hasher.clone()),
            holds: 0,
            limits,
            ssm,
            mfes: Mfes::new(hasher.clone()),
            creating: Creating::new(),
            routes: Routes::new(has_rib),
            backlog: Backlog::new(),
            clock: Clock::default(),
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

    fn is_ssm(&self, key: Key<A>) -> bool {
        self.ssm.iter().any(|range| key.group.is_in(range))
    }
}
