//! What is not done, and what goes wrong: counted for each interface, shown, and logged so that no flood drowns it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde::Serialize;

/// The counts of all interfaces.
#[derive(Debug, Default)]
pub(crate) struct Tallies(BTreeMap<(NonZeroU32, &'static str), Tally>);

#[derive(Debug)]
struct Tally {
    count: u64,
    last: String,
    /// Since when lines are counted, how many were logged since, and how many were not.
    since: Instant,
    logged: u32,
    unlogged: u64,
}

/// One kind of refusal or trouble on one interface.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct TallyView {
    pub(crate) what: &'static str,
    pub(crate) count: u64,
    pub(crate) last: String,
}

/// How many lines one kind on one interface may log in [`PERIOD`].
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

impl Tallies {
    /// Counts what happened `count` times, and logs the last of it.
    pub(crate) fn note(
        &mut self,
        place: Place<'_>,
        what: &'static str,
        count: u64,
        last: &impl Display,
        now: Instant,
    ) {
        let new = || Tally { count: 0, last: String::new(), since: now, logged: 0, unlogged: 0 };
        let tally = self.0.entry((place.index, what)).or_insert_with(new);
        tally.count += count;
        tally.last = last.to_string();
        if now.saturating_duration_since(tally.since) >= PERIOD {
            (tally.since, tally.logged) = (now, 0);
        }
        if tally.logged < LINES {
            tally.logged += 1;
            let unlogged = std::mem::take(&mut tally.unlogged);
            tracing::warn!(interface = place.name, count = tally.count, unlogged, "{what}: {last}");
        } else {
            tally.unlogged += count;
        }
    }

    pub(crate) fn of(&self, index: NonZeroU32) -> Vec<TallyView> {
        let here = self.0.iter().filter(|((at, _), _)| *at == index);
        here.map(|((_, what), tally)| TallyView { what, count: tally.count, last: tally.last.clone() })
            .collect()
    }

    /// The interface is gone.
    pub(crate) fn forget(&mut self, index: NonZeroU32) {
        self.0.retain(|(at, _), _| *at != index);
    }
}

/// The interface on which something happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) index: NonZeroU32,
    pub(crate) name: &'a str,
}
