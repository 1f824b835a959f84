//! Time as it is passed in.

use std::time::{Duration, Instant};

/// Milliseconds since the manager was first told the time: half the size of an `Instant`.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Tick(u64);

/// Later times count as this one. So what is to come after a time that is passed in comes later than that, and whoever
/// waits for all that is due comes to an end.
const LAST: Tick = Tick(u64::MAX / 2);

impl Tick {
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What ticks mean. The first instant that it is shown becomes tick 0; earlier ones count as that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    start: Option<Instant>,
    latest: Tick,
    latest_instant: Option<Instant>,
}

impl Clock {
    pub(crate) fn now(&mut self, now: Instant) -> Tick {
        let start = *self.start.get_or_insert(now);
        let tick = Tick::default().after(now.saturating_duration_since(start)).min(LAST);
        self.latest = self.latest.max(tick);
        self.latest_instant = self.latest_instant.max(Some(now));
        tick
    }

    /// The latest time that was passed in.
    pub(crate) const fn latest(&self) -> Tick {
        self.latest
    }

    /// The latest time that was passed in, if any was.
    pub(crate) const fn latest_instant(&self) -> Option<Instant> {
        self.latest_instant
    }

    /// What a tick means; of a time that the clock cannot say, the latest that was passed in.
    pub(crate) fn instant_or_latest(&self, tick: Tick) -> Option<Instant> {
        self.instant(tick).or(self.latest_instant)
    }

    /// None for what comes after the last time that can be passed in.
    pub(crate) fn instant(&self, tick: Tick) -> Option<Instant> {
        self.start.filter(|_| tick <= LAST)?.checked_add(tick.since(Tick::default()))
    }
}
