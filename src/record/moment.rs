//! A time that means something outside the process.

use std::time::{Duration, Instant};

/// A time that the manager was told, or that it answered: in nanoseconds after the first that it was told.
///
/// An [`Instant`] cannot be written down. Times before the first one are negative, and those more than 292 years away
/// from it are as far as can be said.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moment(i64);

impl Moment {
    pub(crate) fn between(first: Instant, time: Instant) -> Self {
        let nanoseconds = |since: Duration| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        match time.checked_duration_since(first) {
            Some(after) => Self(nanoseconds(after)),
            None => Self(-nanoseconds(first.saturating_duration_since(time))),
        }
    }

    /// Nanoseconds after the first time that the manager was told.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The same time, if the first one was `first`; none if the clock cannot say it.
    #[must_use]
    pub fn after(self, first: Instant) -> Option<Instant> {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        if self.0 < 0 { first.checked_sub(distance) } else { first.checked_add(distance) }
    }
}
