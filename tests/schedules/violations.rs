//! What did not hold in one run.

use std::collections::BTreeSet;
use std::sync::Mutex;

use shuttle::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[derive(Default)]
pub(crate) struct Violations(Mutex<BTreeSet<String>>);

impl Violations {
    /// Notes `statement` unless it holds.
    pub(crate) fn check(&self, holds: bool, statement: &str) {
        if !holds {
            self.0.lock().unwrap().insert(statement.to_owned());
        }
    }

    /// Fails the run if anything has been noted.
    pub(crate) fn assert_none(&self) {
        let violations = self.0.lock().unwrap().clone();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Lets another thread go on here, if the schedule says so.
///
/// Unlike `yield_now` it does not ask for that, which the PCT scheduler would take as a reason.
pub(crate) fn pause() {
    AtomicBool::new(false).load(SeqCst);
}
