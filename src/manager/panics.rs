//! Panics of foreign code, caught and counted (CB-5).

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::lock::{AtomicU64, Ordering};

/// How many panics have been caught.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Runs foreign code; a panic ends here.
    pub(crate) fn catch<R>(
        &self,
        whose: &dyn Display,
        callback: &'static str,
        call: impl FnOnce() -> R,
    ) -> Option<R> {
        let panic = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(result) => return Some(result),
            Err(panic) => panic,
        };
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::error!(target: "mgm", client = %whose, callback, panic = message(&*panic), "a callback panicked");
        // What was thrown is foreign too, and may panic again when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        None
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}
