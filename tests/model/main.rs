//! Random sequences of all calls against a naive model of the specification, and the same calls from many threads.
//!
//! Each property runs `MGM_MODEL_CASES` sequences (an environment variable; 2000 unless it is set), and
//! the threads a quarter as many rounds. With fewer than 500 not every error need occur.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail by panicking, and names what it looks at"
)]

mod follow;
mod forwarding;
mod invariant;
mod naive;
mod ops;
mod threads;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;

use mgm::{Error, Limit};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::invariant::Ledger;
use crate::ops::{Max, Op, Sequence, Verb, Where, Who};

#[test]
fn every_call_does_what_the_model_does() {
    check(&ops::sequences(), |sequence| match world::run(&sequence).mismatch {
        None => Ok(()),
        Some(mismatch) => Err(TestCaseError::fail(mismatch)),
    });
}

/// Drawn once in some ten thousand sequences: a join alert for IGMP, which has no such callback, was counted.
#[test]
fn no_alert_waits_for_igmp_when_it_is_the_only_one_that_wanted() {
    let take = |slot, on| Op::Take(Who::Slot(slot), Where::Fixed(on));
    let add = |slot, on| Op::Set(Verb::Add, Who::Slot(slot), Where::Fixed(on), 1);
    let sequence = Sequence {
        limits: Max { waiting_alerts: Some(0), ..Max::default() },
        igmp_adds_again: false,
        steps: vec![Op::Register(0), take(0, 0), add(0, 0), Op::Register(1), take(1, 1), add(1, 1)],
        in_calls: Vec::new(),
        in_alerts: Vec::new(),
    };
    assert_eq!(world::run(&sequence).mismatch, None);
}

#[test]
fn every_refusal_changes_nothing() {
    let seen = RefCell::new(BTreeSet::new());
    check(&ops::sequences(), |sequence| {
        for refusal in world::run(&sequence).refusals {
            prop_assert_eq!(&refusal.before, &refusal.after, "{:?}: {}", refusal.call, refusal.error);
            prop_assert_eq!(refusal.callbacks, 0, "{:?}: {}", refusal.call, refusal.error);
            seen.borrow_mut().insert(kind(&refusal.error));
        }
        Ok(())
    });
    let never: Vec<_> = KINDS.iter().filter(|kind| !seen.borrow().contains(*kind)).collect();
    assert!(never.is_empty() || cases() < 500, "no sequence led to {never:?}");
}

#[test]
fn a_protocol_is_told_to_pull_what_others_want_and_nothing_else() {
    check(&ops::quiet_sequences(), |sequence| {
        let mut ledger = Ledger::default();
        for event in world::run(&sequence).events {
            ledger.enter(&event).map_err(|broken| TestCaseError::fail(format!("{event:?}: {broken}")))?;
        }
        Ok(())
    });
}

#[test]
fn many_threads_break_no_statement() {
    let alive = threads::watchdog();
    // What the threads did is not done again the same way, so there is nothing to shrink.
    let config = ProptestConfig { cases: cases().div_ceil(4), max_shrink_iters: 0, ..config() };
    check_with(config, &ops::brawls(), |brawl| {
        alive.send(()).unwrap();
        threads::run(brawl).map_err(TestCaseError::fail)
    });
}

fn check<S: Strategy<Value: Debug>>(all: &S, judge: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    check_with(config(), all, judge);
}

fn check_with<S: Strategy<Value: Debug>>(
    config: ProptestConfig,
    all: &S,
    judge: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    match TestRunner::new(config).run(all, judge) {
        Ok(()) => {}
        Err(TestError::Fail(why, least)) => panic!("{why}\nin {least:?}"),
        Err(abort) => panic!("{abort}"),
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: cases(), source_file: Some(file!()), ..ProptestConfig::default() }
}

fn cases() -> u32 {
    std::env::var("MGM_MODEL_CASES").map_or(2000, |cases| cases.parse().unwrap())
}

const KINDS: [&str; 14] = [
    "AlreadyRegistered",
    "IgmpAlreadyRegistered",
    "Deregistered",
    "StillOnInterfaces",
    "OwnedByAnother",
    "AlreadyTaken",
    "NotOnInterface",
    "HandoverInProgress",
    "IgmpDisabled",
    "SourceRequired",
    "Memberships",
    "MembershipsOnInterface",
    "MembershipsOfClient",
    "WaitingAlerts",
];

fn kind(error: &Error) -> &'static str {
    match error {
        Error::AlreadyRegistered { .. } => "AlreadyRegistered",
        Error::IgmpAlreadyRegistered => "IgmpAlreadyRegistered",
        Error::Deregistered { .. } => "Deregistered",
        Error::StillOnInterfaces { .. } => "StillOnInterfaces",
        Error::OwnedByAnother { .. } => "OwnedByAnother",
        Error::AlreadyTaken { .. } => "AlreadyTaken",
        Error::NotOnInterface { .. } => "NotOnInterface",
        Error::HandoverInProgress { .. } => "HandoverInProgress",
        Error::IgmpDisabled { .. } => "IgmpDisabled",
        Error::SourceRequired { .. } => "SourceRequired",
        Error::LimitReached(Limit::Memberships { .. }) => "Memberships",
        Error::LimitReached(Limit::MembershipsOnInterface { .. }) => "MembershipsOnInterface",
        Error::LimitReached(Limit::MembershipsOfClient { .. }) => "MembershipsOfClient",
        Error::LimitReached(Limit::WaitingAlerts { .. }) => "WaitingAlerts",
        _ => "another",
    }
}
