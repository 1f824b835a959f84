//! Forwarding: random sequences of all calls, packets, moves of routes and faults of the forwarder, against a
//! naive model that computes every entry from first principles.

mod invariant;
mod naive;
mod ops;
mod plane;
mod race;
mod scripts;
mod threads;
mod world;

use proptest::prelude::*;

use self::invariant::Ledger;
use crate::{cases, check, check_with, config};

#[test]
fn every_entry_is_what_the_model_computes() {
    check(&ops::sequences(), |sequence| world::run(&sequence, |_, _| Ok(())).map_err(TestCaseError::fail));
}

#[test]
fn who_lies_toward_a_source_is_told_what_others_want_of_it() {
    check(&ops::announced_sequences(), |sequence| {
        let mut ledger = Ledger::default();
        world::run(&sequence, |world, event| ledger.enter(world, event)).map_err(TestCaseError::fail)
    });
}

#[test]
fn many_threads_leave_every_entry_as_it_should_be() {
    let alive = crate::threads::watchdog();
    // What the threads did is not done again the same way, so there is nothing to shrink.
    let config = ProptestConfig { cases: cases().div_ceil(4), max_shrink_iters: 0, ..config() };
    check_with(config, &threads::brawls(), |brawl| {
        alive.send(()).unwrap();
        threads::run(brawl).map_err(TestCaseError::fail)
    });
}

/// Found by the threads: it stayed on the old route.
#[test]
fn an_entry_that_is_made_while_routes_change_follows_too() {
    assert_eq!(race::made_while_routes_change(), Some(ops::interface(1)));
}
