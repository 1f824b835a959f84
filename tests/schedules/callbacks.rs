//! The callbacks of all clients: how many there were, and which threads are inside one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use shuttle::thread::{ThreadId, current};

use crate::violations::Violations;

pub(crate) struct Callbacks {
    violations: Arc<Violations>,
    begun: AtomicU64,
    /// A thread is listed once for every callback that it is inside of.
    inside: Mutex<Vec<ThreadId>>,
}

/// This thread is inside a callback, until this is dropped.
#[must_use]
pub(crate) struct Inside<'a>(&'a Callbacks);

impl Callbacks {
    pub(crate) fn new(violations: Arc<Violations>) -> Self {
        Self { violations, begun: AtomicU64::new(0), inside: Mutex::default() }
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(SeqCst)
    }

    /// A call begins. It is made at once, inside another callback too.
    pub(crate) fn call(&self) -> Inside<'_> {
        self.begun.fetch_add(1, SeqCst);
        self.inside.lock().unwrap().push(current().id());
        Inside(self)
    }

    /// An alert begins.
    pub(crate) fn alert(&self) -> Inside<'_> {
        let is_inside = self.inside.lock().unwrap().contains(&current().id());
        self.violations
            .check(!is_inside, "CB-4: alerts caused inside a callback are delivered after that returns");
        self.call()
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut inside = self.0.inside.lock().unwrap();
        let innermost = inside.iter().rposition(|thread| *thread == current().id());
        innermost.map(|at| inside.remove(at));
    }
}
