//! Walking over a million entries, and what a writer feels of it.

use std::ops::Deref;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use criterion::Criterion;
use mgm::{Change, Entry, GroupAddr};

use super::pairs::{group, source};
use super::router::{QUIET, Router};
use super::support::{add, interface, timed};
use super::{MEDIAN, Million, Summary};

/// Entries to a page.
const PAGE: f64 = 128.0;

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary, million: &impl Deref<Target = Million>) {
    let (mut pages, mut latencies) = (Vec::new(), [Vec::new(), Vec::new()]);
    criterion.bench_function("walk over a million MFEs beside a writer", |bencher| {
        let Million { router, made, .. } = &**million;
        router.make((source(11 << 24), joined()));
        let mut walk = |_| {
            let (cpu, elapsed) = beside_a_writer(router, &mut latencies, || {
                assert!(router.mgm.mfes().count() > made.len());
            });
            let size = f64::from(u32::try_from(made.len()).expect("a million"));
            pages.push(cpu.as_secs_f64() * 1e6 * PAGE / size);
            elapsed
        };
        bencher.iter_custom(|walks| (0..walks).map(&mut walk).sum());
    });
    summary.quantile("a page of a walk beside a writer: microseconds of CPU", pages, MEDIAN, Some(50.0));
    for (who, latencies) in ["alone", "beside a walk"].into_iter().zip(latencies) {
        for (per_ten_thousand, name) in [(MEDIAN, "median"), (9_990, "99.9 %"), (10_000, "worst")] {
            let what = format!("a membership change {who}, {name}: microseconds");
            summary.quantile(what, latencies.clone(), per_ten_thousand, None);
        }
    }
}

const ALONE: u8 = 0;
const WALK: u8 = 1;
const STOP: u8 = 2;

/// The CPU time of a walk, and how long it took. A writer writes before it, and all the while.
fn beside_a_writer(
    router: &Router,
    latencies: &mut [Vec<f64>; 2],
    walk: impl FnOnce(),
) -> (Duration, Duration) {
    let phase = AtomicU8::new(ALONE);
    thread::scope(|scope| {
        scope.spawn(|| write(router, &phase, latencies));
        thread::sleep(Duration::from_millis(100));
        phase.store(WALK, Ordering::Relaxed);
        let (start, before) = (Instant::now(), cpu());
        let elapsed = timed(walk);
        let used = cpu().zip(before).map_or_else(|| start.elapsed(), |(after, before)| after - before);
        phase.store(STOP, Ordering::Relaxed);
        (used, elapsed)
    })
}

/// The CPU time of this thread, where the system says.
fn cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Adds and deletes a membership that one entry follows. Notes how long each pair took without a walk, and with one.
fn write(router: &Router, phase: &AtomicU8, [alone, beside]: &mut [Vec<f64>; 2]) {
    loop {
        let before = phase.load(Ordering::Relaxed);
        let latency = timed(|| come_and_go(router));
        let latencies = match [before, phase.load(Ordering::Relaxed)] {
            [ALONE, ALONE] => &mut *alone,
            [WALK, WALK] => &mut *beside,
            [_, STOP] => return,
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
