//! What has been counted: under the lock what happens there, and in atomics what happens outside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Shared;
use super::panics::Panics;
use crate::counters::{CallbackCounters, Counters};
use crate::types::address::Address;
use crate::types::client::ClientName;

/// The time since some moment, as the manager was given it.
pub(crate) type CallbackClock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// What is counted under the lock.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) handovers: u64,
    pub(super) forwarder_calls: u64,
    pub(super) forwarder_failures: u64,
    pub(super) refusals: BTreeMap<&'static str, u64>,
}

/// What is counted outside the lock. Nothing depends on it, so it orders nothing.
#[derive(Debug, Default)]
pub(super) struct Meter(AtomicU64);

impl Meter {
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The callbacks of one client.
pub(crate) struct CallbackMeter {
    count: Meter,
    nanoseconds: Meter,
    clock: Option<CallbackClock>,
}

impl CallbackMeter {
    pub(super) fn new(clock: Option<CallbackClock>) -> Self {
        Self { count: Meter::default(), nanoseconds: Meter::default(), clock }
    }

    /// Whoever goes last drops the clock.
    pub(super) const fn take_clock(&mut self) -> Option<CallbackClock> {
        self.clock.take()
    }

    /// Makes a callback, and counts it.
    pub(super) fn count<R>(&self, panics: &Panics, call: impl FnOnce() -> R) -> R {
        self.count.add(1);
        let Some(clock) = &self.clock else { return call() };
        let now = || panics.catch(&"clock", "callback_clock", || clock());
        let begun = now();
        let result = call();
        if let (Some(begun), Some(ended)) = (begun, now()) {
            let time = ended.saturating_sub(begun).as_nanos();
            self.nanoseconds.add(u64::try_from(time).unwrap_or(u64::MAX));
        }
        result
    }

    pub(super) fn read(&self, client: ClientName) -> CallbackCounters {
        let time = self.clock.as_ref().map(|_| Duration::from_nanos(self.nanoseconds.read()));
        CallbackCounters { client, count: self.count.read(), time }
    }
}

impl<A: Address> Shared<A> {
    pub(crate) fn counters(&self) -> Counters {
        let state = self.lock();
        let Counted { handovers, forwarder_calls, forwarder_failures, ref refusals } = state.counted;
        let refusals = refusals.clone();
        let alerts = state.outboxes.alerts();
        let registrations = state.outboxes.recipients();
        drop(state);
        Counters {
            calls: self.calls.read(),
            refusals,
            alerts,
            handovers,
            forwarder_calls,
            forwarder_failures,
            lookups: self.lookups.read(),
            wrong_answers: self.wrong_answers.load(Ordering::Relaxed),
            caught_panics: self.panics.count(),
            callbacks: registrations.iter().map(|registration| registration.counters()).collect(),
        }
    }
}
