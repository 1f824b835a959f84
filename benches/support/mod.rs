//! What the benches share: entries that were never used before, and a summary with the targets.

mod entries;

use std::time::{Duration, Instant};

pub(crate) use entries::{Fresh, add, interface, is_measured};

/// The size to run at: a small one where the benches are only tried.
pub(crate) fn sized(size: usize) -> usize {
    if is_measured() { size } else { size / 1000 }
}

/// How long `run` takes.
pub(crate) fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

pub(crate) const MEDIAN: usize = 5_000;

/// What was measured beside criterion's own numbers, with the targets.
#[derive(Default)]
pub(crate) struct Summary(Vec<(String, f64, Option<f64>)>);

impl Summary {
    /// One of `samples`, after so many in ten thousand of the others; nothing if the bench was filtered out.
    pub(crate) fn quantile(
        &mut self,
        what: impl Into<String>,
        mut samples: Vec<f64>,
        per_ten_thousand: usize,
        target: Option<f64>,
    ) {
        samples.sort_by(f64::total_cmp);
        if let Some(sample) = samples.get((samples.len() * per_ten_thousand / 10_000).saturating_sub(1)) {
            self.0.push((what.into(), *sample, target));
        }
    }

    /// Prints them all, if they mean anything.
    pub(crate) fn print(&self) {
        for (what, value, target) in self.0.iter().filter(|_| is_measured()) {
            let verdict = target.map_or_else(String::new, |target| {
                format!("at most {target:.1}: {}", if *value <= target { "met" } else { "MISSED" })
            });
            println!("{what:<60} {value:>9.2}   {verdict}");
        }
    }
}
