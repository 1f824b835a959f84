//! A loop that would call `expire` when it was last told to (FW-16).

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::violations::{Violations, pause};

pub(crate) struct Alarm {
    violations: Arc<Violations>,
    is_busy: AtomicBool,
    due: Mutex<Option<Instant>>,
}

impl Alarm {
    pub(crate) fn new(violations: Arc<Violations>) -> Self {
        Self { violations, is_busy: AtomicBool::new(false), due: Mutex::default() }
    }

    pub(crate) fn set(&self, due: Instant) {
        self.violations.check(!self.is_busy.swap(true, SeqCst), "FW-16: on_due on two threads at once");
        pause();
        *self.due.lock().unwrap() = Some(due);
        pause();
        self.is_busy.store(false, SeqCst);
    }

    /// Fails if it would sleep for too long.
    pub(crate) fn check(&self, next_due: Option<Instant>) {
        let set = *self.due.lock().unwrap();
        let is_late = next_due.is_some_and(|due| set.is_none_or(|set| set > due));
        self.violations.check(!is_late, "FW-16: it became due sooner, and nobody was called");
    }
}
