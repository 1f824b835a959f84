//! Walking over a million entries, and what a writer feels of it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use criterion::Criterion;
use mgm::{Change, Entry, GroupAddr};

use super::pairs::{group, source};
use super::router::{QUIET, Router};
use super::support::{add, interface, timed};
use super::{MEDIAN, Summary};

/// Entries to a page.
const PAGE: f64 = 128.0;

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary, router: &Router, size: usize) {
    router.make((source(11 << 24), joined()));
    let (phase, mut pages) = (AtomicU8::new(ALONE), Vec::new());
    let latencies = thread::scope(|scope| {
        let writer = scope.spawn(|| write(router, &phase));
        criterion.bench_function("walk over MFEs/beside a writer", |bencher| {
            let mut walk = |_| {
                let (cpu, elapsed) = beside(&phase, || assert_eq!(router.mgm.mfes().count(), size + 1));
                pages
                    .push(cpu.as_secs_f64() * 1e6 * PAGE / f64::from(u32::try_from(size).expect("millions")));
                // As long without a walk.
                thread::sleep(elapsed);
                elapsed
            };
            bencher.iter_custom(|walks| (0..walks).map(&mut walk).sum());
        });
        phase.store(STOP, Ordering::Relaxed);
        writer.join().expect("what it asserts is so")
    });
    summary.quantile("a page of a walk beside a writer: microseconds of CPU", pages, MEDIAN, Some(50.0));
    for (who, latencies) in ["alone", "beside a walk"].into_iter().zip(latencies) {
        for (per_mille, name) in [(MEDIAN, "median"), (999, "99.9 %"), (1000, "worst")] {
            let what = format!("a membership change {who}, {name}: microseconds");
            summary.quantile(what, latencies.clone(), per_mille, None);
        }
    }
}

const ALONE: u8 = 0;
const WALK: u8 = 1;
const STOP: u8 = 2;

/// The CPU time and the time that a walk takes.
fn beside(phase: &AtomicU8, walk: impl FnOnce()) -> (Duration, Duration) {
    phase.store(WALK, Ordering::Relaxed);
    let (start, before) = (Instant::now(), cpu());
    let elapsed = timed(walk);
    let used = cpu().zip(before).map_or_else(|| start.elapsed(), |(after, before)| after - before);
    phase.store(ALONE, Ordering::Relaxed);
    (used, elapsed)
}

/// The CPU time of this thread, where the system says.
fn cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Adds and deletes a membership that one entry follows. Says how long each pair took without a walk, and with one.
fn write(router: &Router, phase: &AtomicU8) -> [Vec<f64>; 2] {
    let mut latencies = [Vec::new(), Vec::new()];
    loop {
        let before = phase.load(Ordering::Relaxed);
        let latency = timed(|| come_and_go(router));
        let after = phase.load(Ordering::Relaxed);
        let latencies = match [before, after] {
            [ALONE, ALONE] => &mut latencies[0],
            [WALK, WALK] => &mut latencies[1],
            [_, STOP] => return latencies,
            _ => continue,
        };
        latencies.push(latency.as_secs_f64() * 1e6);
    }
}

fn come_and_go(router: &Router) {
    let (quiet, entry) = (interface(QUIET), Entry::Group(joined()));
    add(&router.igmp, quiet, entry);
    assert_eq!(router.igmp.delete_group_membership(quiet, entry), Ok(Change::Changed));
}

/// None of [`Pairs`](super::Pairs).
fn joined() -> GroupAddr {
    group(1 << 21)
}
