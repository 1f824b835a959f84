//! Enumerating a million memberships, and what a writer feels of it.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

mod support;

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use mgm::{Change, Client, ClientName, Entry, Mgm, NoCallbacks};
use support::{Fresh, MEDIAN, Summary, add, interface, sized, timed};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(6))
        .configure_from_args();
    let mut summary = Summary::default();
    let (mgm, size) = (Mgm::new(), sized(1_000_000));
    let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
    igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
    let mut fresh = Fresh::default();
    fresh.some(size).into_iter().for_each(|entry| add(&igmp, interface(1), entry));

    walk(&mut criterion, &mgm, size);
    let writer = Writer { igmp, entries: fresh.some(size).into_iter().cycle() };
    write_beside_a_reader(&mut criterion, &mut summary, &mgm, writer);
    criterion.final_summary();
    summary.print();
}

fn walk(criterion: &mut Criterion, mgm: &Mgm, size: usize) {
    let mut group = criterion.benchmark_group("enumeration");
    group.throughput(Throughput::Elements(u64::try_from(size).expect("64 bits")));
    group.bench_function("of a million", |bencher| {
        bencher.iter(|| assert_eq!(mgm.groups().count(), size));
    });
}

fn write_beside_a_reader(criterion: &mut Criterion, summary: &mut Summary, mgm: &Mgm, mut writer: Writer) {
    let reader = Reader::default();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| reader.run(mgm));
        criterion.bench_function("add and delete/beside a reader", |bencher| {
            bencher.iter_custom(|pairs| {
                let batch = |pairs| {
                    writer.run(pairs, &mut alone);
                    let _walking = reader.walk();
                    writer.run(pairs, &mut beside)
                };
                in_batches(pairs).map(batch).sum()
            });
        });
        reader.pace.store(STOP, Ordering::Relaxed);
    });
    for (who, latencies) in [("alone", alone), ("beside a reader", beside)] {
        for (per_ten_thousand, name) in [(MEDIAN, "median"), (9_990, "99.9 %"), (10_000, "worst")] {
            let what = format!("add and delete {who}, {name}: microseconds");
            summary.quantile(what, latencies.clone(), per_ten_thousand, None);
        }
    }
}

/// How many pairs are timed at once, first alone and then beside the reader.
const BATCH: usize = 1000;

fn in_batches(pairs: u64) -> impl Iterator<Item = usize> {
    let pairs = usize::try_from(pairs).expect("not so many");
    (0..pairs).step_by(BATCH).map(move |done| BATCH.min(pairs - done))
}

/// Adds and deletes, and says how long each pair took.
struct Writer {
    igmp: Client,
    entries: std::iter::Cycle<std::vec::IntoIter<Entry>>,
}

impl Writer {
    fn run(&mut self, pairs: usize, latencies: &mut Vec<f64>) -> Duration {
        let pair = |entry| {
            let latency = timed(|| {
                add(&self.igmp, interface(1), entry);
                let deleted = self.igmp.delete_group_membership(interface(1), entry);
                assert_eq!(deleted, Ok(Change::Changed));
            });
            latencies.push(latency.as_secs_f64() * 1e6);
            latency
        };
        self.entries.by_ref().take(pairs).map(pair).sum()
    }
}

/// Enumerates while it is asked to.
#[derive(Default)]
struct Reader {
    pace: AtomicU8,
    walked: AtomicU64,
}

const REST: u8 = 0;
const WALK: u8 = 1;
const STOP: u8 = 2;

impl Reader {
    fn run(&self, mgm: &Mgm) {
        loop {
            match self.pace.load(Ordering::Relaxed) {
                WALK => self.enumerate(mgm),
                REST => thread::sleep(Duration::from_micros(50)),
                _ => return,
            }
        }
    }

    fn enumerate(&self, mgm: &Mgm) {
        for held in mgm.groups() {
            assert_eq!(held.added_by, ClientName::Igmp);
            self.walked.fetch_add(1, Ordering::Relaxed);
            if self.pace.load(Ordering::Relaxed) != WALK {
                return;
            }
        }
    }

    /// It enumerates from before this returns until the value is dropped.
    fn walk(&self) -> Walking<'_> {
        let before = self.walked.load(Ordering::Relaxed);
        self.pace.store(WALK, Ordering::Relaxed);
        while self.walked.load(Ordering::Relaxed) == before {
            thread::yield_now();
        }
        Walking(self)
    }
}

struct Walking<'a>(&'a Reader);

impl Drop for Walking<'_> {
    fn drop(&mut self) {
        self.0.pace.store(REST, Ordering::Relaxed);
    }
}
