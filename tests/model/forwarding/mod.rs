//! Forwarding: random sequences of all calls, packets, moves of routes and faults of the forwarder, against a
//! naive model that computes every entry from first principles.

mod naive;
mod ops;
mod plane;
mod scripts;
mod world;

use proptest::prelude::*;

use crate::check;

#[test]
fn every_entry_is_what_the_model_computes() {
    check(&ops::sequences(), |sequence| world::run(&sequence, |_, _| Ok(())).map_err(TestCaseError::fail));
}
