//! A RIB or a forwarder whose drop panics: CB-5.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mgm::{
    Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MemoryForwarder, MfeStats, Mgm, Rib, Route,
    SourceAddr,
};

use crate::kit::*;

/// Panics when it is dropped, and not on a thread that panics already.
#[derive(Default)]
struct Bomb(MemoryForwarder);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            resume_unwind(Box::new("boom"));
        }
    }
}

impl Rib for Bomb {
    fn lookup(&self, _: SourceAddr) -> Option<Route> {
        Some(via(1))
    }
}

impl Forwarder for Bomb {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.0.add(entry)
    }

    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.0.change(entry)
    }

    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.0.delete(source, group)
    }

    fn stats(&self, source: SourceAddr, group: GroupAddr) -> Result<MfeStats, ForwarderError> {
        self.0.stats(source, group)
    }
}

#[test]
fn cb_5_a_rib_whose_drop_panics_harms_nobody() {
    let mgm = Mgm::builder().rib(Bomb::default()).build();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(mgm))).is_ok());
}

#[test]
fn cb_5_a_forwarder_whose_drop_panics_harms_nobody() {
    let mgm = Mgm::builder().forwarder(Bomb::default()).build();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(mgm))).is_ok());
}
