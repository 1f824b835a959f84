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
use self::ops::{Max, Op, Sequence};
use crate::ops::Verb;
use crate::{cases, check, check_with, config};

#[test]
fn every_entry_is_what_the_model_computes() {
    check(&ops::sequences(), |sequence| world::run(&sequence, |_, _| Ok(())).map_err(TestCaseError::fail));
}

/// An interface on which nobody is was forgotten, with the take that was going on, when the last entry that came in
/// by it was deleted.
#[test]
fn an_interface_is_taken_from_under_its_entries() {
    let steps = vec![
        Op::Register(1),
        Op::Route(1, Some((0, true)), true),
        Op::Packet(0, 0),
        Op::Take(1, 0),
        Op::Packet(0, 0),
    ];
    assert_eq!(run(steps), Ok(()));
}

/// An entry that was made anew forgot when its last packet on the wrong interface was told of.
#[test]
fn an_entry_made_anew_is_no_reason_for_more_wrong_interface_alerts() {
    let mut steps = start();
    steps.extend([Op::Take(1, 1), Op::WrongAlerts(1, 1, true), Op::Packet(0, 1), Op::Packet(0, 0)]);
    steps.extend([Op::Timeout(1, 0, Some(0)), Op::Expire(0), Op::Packet(0, 1)]);
    assert_eq!(run(steps), Ok(()));
}

/// Drawn once in some thousand sequences: what is made anew first moves the route, and its owner then gives the other
/// entry more time; that one was made anew all the same.
#[test]
fn an_entry_is_given_more_time_when_its_time_is_over() {
    let mut steps = vec![Op::Register(0), Op::Register(1), Op::Take(0, 3), Op::Set(Verb::Add, 0, 3, 0)];
    steps.extend([Op::Route(1, Some((0, true)), true), Op::Take(1, 1)]);
    steps.extend([Op::Packet(2, 0), Op::Packet(2, 0), Op::Packet(4, 0), Op::Packet(4, 0)]);
    steps.extend([Op::Route(1, Some((1, true)), false), Op::Expire(901)]);
    assert_eq!(run(steps), Ok(()));
}

/// A protocol that owns the interface toward the sources.
fn start() -> Vec<Op> {
    vec![Op::Register(1), Op::Take(1, 0), Op::Route(1, Some((0, true)), true)]
}

fn run(steps: Vec<Op>) -> Result<(), String> {
    let sequence = Sequence { max: Max::default(), always: false, patient: true, steps };
    world::run(&sequence, |_, _| Ok(()))
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
