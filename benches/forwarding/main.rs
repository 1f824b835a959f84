//! Forwarding entries: found, made, walked over, and changed with memberships and routes.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

mod creation;
mod lookup;
mod membership;
mod pairs;
mod router;
mod routes;
mod sources;
#[path = "../support/mod.rs"]
mod support;
mod walk;

use std::cell::LazyCell;
use std::time::Duration;

use criterion::Criterion;
use pairs::{Pair, Pairs, Spread};
use router::Router;
use support::{Fresh, MEDIAN, Summary, sized};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let mut summary = Summary::default();
    {
        let million = LazyCell::new(|| Million::new(Router::new(true)));
        lookup::run(&mut criterion, &mut summary, &million);
        walk::run(&mut criterion, &mut summary, &million);
        membership::run(&mut criterion, &mut summary, &million);
    }
    creation::run(&mut criterion, &mut summary);
    routes::run(&mut criterion, &mut summary);
    sources::run(&mut criterion, &mut summary);
    criterion.final_summary();
    summary.print();
}

/// A router with a million entries; fewer where the benches are only tried. Made when it is first needed.
struct Million {
    router: Router,
    made: Vec<Pair>,
    /// Pairs of which nothing is made.
    fresh: Pairs,
}

impl Million {
    fn new(router: Router) -> Self {
        let mut fresh = Pairs::new(Spread::Even);
        let made = fresh.some(sized(1_000_000));
        made.iter().for_each(|pair| router.make(*pair));
        Self { router, made, fresh }
    }
}

/// Something to measure: what it does in one turn, and how long that took.
struct Subject<'a> {
    name: String,
    turn: &'a mut dyn FnMut() -> Duration,
}

/// Measures how long a turn of `subject` takes in turns of `floor`, which has one before each.
fn compare(
    criterion: &mut Criterion,
    summary: &mut Summary,
    (floor, subject): (Subject<'_>, Subject<'_>),
    target: Option<f64>,
) {
    let (mut floors, mut ratios) = (Vec::new(), Vec::new());
    let name = format!("{} beside {}", subject.name, floor.name);
    criterion.bench_function(&name, |bencher| {
        let mut turn = |_| {
            let (floor, subject) = ((floor.turn)(), (subject.turn)());
            floors.push(floor.as_secs_f64() * 1e6);
            ratios.push(subject.div_duration_f64(floor));
            subject
        };
        bencher.iter_custom(|turns| (0..turns).map(&mut turn).sum());
    });
    summary.quantile(format!("{}: microseconds", floor.name), floors, MEDIAN, None);
    summary.quantile(format!("{}: times {}", subject.name, floor.name), ratios, MEDIAN, target);
}
