//! A scenario, run in many schedules.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use shuttle::scheduler::{
    PctScheduler, RandomScheduler, ReplayScheduler, Scheduler, UncontrolledNondeterminismCheckScheduler,
};
use shuttle::{Config, Runner};

use crate::forwarder::Plane;
use crate::violations::Violations;

/// How many schedules of each scheduler, unless `MGM_SCHEDULES` says otherwise.
pub(crate) const SCHEDULES: usize = 10_000;

/// Every run tries the same schedules, so that none fails by chance.
const SEED: u64 = 2715;

/// PCT finds what takes so many orderings, at a rate that can be computed; few errors take more.
const DEPTH: usize = 3;

/// How many schedules are run twice, to see that a schedule alone decides what happens: else none could be replayed.
const TWICE: usize = 100;

/// What is left of a scenario, when the manager and its clients are gone.
#[must_use]
pub(crate) struct Outcome {
    pub(crate) violations: Arc<Violations>,
    pub(crate) plane: Arc<Plane>,
}

impl Outcome {
    /// Fails the run. Nothing of it is left, so that its schedule ends here.
    fn assert_good(self) {
        self.violations.check(self.plane.entries().is_empty(), "FW-12: the forwarder is emptied");
        self.violations.assert_none();
    }
}

pub(crate) fn check(scenario: fn() -> Outcome) {
    if let Ok(schedule) = env::var("MGM_SCHEDULE") {
        return run("replay", ReplayScheduler::new_from_encoded(&schedule), scenario);
    }
    let schedules = env::var("MGM_SCHEDULES").map_or(SCHEDULES, |text| text.parse().unwrap());
    run("random", RandomScheduler::new_from_seed(SEED, schedules), scenario);
    run("PCT", PctScheduler::new_from_seed(SEED, DEPTH, schedules), scenario);
    let again = RandomScheduler::new_from_seed(SEED, TWICE);
    run("twice", UncontrolledNondeterminismCheckScheduler::new(again), scenario);
}

fn run(name: &str, scheduler: impl Scheduler + 'static, scenario: fn() -> Outcome) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024; // a build without optimisation takes more than the default
    config.silence_warnings = true; // of orderings that are weaker than what is tried here: `src/lock.rs` says so
    let begun = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&begun);
    let start = Instant::now();
    let counted = move || {
        counts.fetch_add(1, Relaxed);
        scenario().assert_good();
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, config).run(counted)));
    println!("{name}: {} schedules in {:?}", begun.load(Relaxed), start.elapsed());
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
