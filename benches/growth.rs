//! Growing to a million memberships: the bytes of each, and the worst single add.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]
#![expect(unsafe_code, reason = "an allocator is unsafe to implement")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::quality::RandomState;
use mgm::{Entry, Mgm, NoCallbacks};
use parking_lot::Mutex;
use support::{Fresh, MEDIAN, Summary, add, interface, sized, timed};

fn main() {
    let mut summary = Summary::default();
    let size = sized(1_000_000);
    let entries = Fresh::default().some(size);
    floor(&mut summary, &entries);
    manager(&mut summary, &entries);
    summary.print();
}

fn floor(summary: &mut Summary, entries: &[Entry]) {
    let mut latencies = Vec::with_capacity(entries.len());
    let (before, map) = (live(), Mutex::new(HashMap::with_hasher(RandomState::default())));
    latencies.extend(entries.iter().map(|entry| {
        let key = entry.group().map_or(0, |group| u64::from(group.address().to_bits()) << 32);
        micros(timed(|| assert_eq!(map.lock().insert(key, ()), None)))
    }));
    summary.quantile("the floor: bytes per entry", vec![per(entries, live() - before)], MEDIAN, None);
    summary.quantile("the floor: worst insert, microseconds", latencies, WORST, None);
}

fn manager(summary: &mut Summary, entries: &[Entry]) {
    let mut latencies = Vec::with_capacity(entries.len());
    let (before, mgm) = (live(), Mgm::new());
    let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
    igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
    latencies.extend(entries.iter().map(|entry| micros(timed(|| add(&igmp, interface(1), *entry)))));
    assert_eq!(mgm.groups().count(), entries.len());
    summary.quantile("bytes per (*,G) membership", vec![per(entries, live() - before)], MEDIAN, Some(100.0));
    igmp.release_interface_ownership(interface(1)).expect("it is on it");
    summary.quantile(
        "bytes left of each when all are gone",
        vec![per(entries, live() - before)],
        MEDIAN,
        None,
    );
    summary.quantile("worst add, microseconds", latencies, WORST, None);
}

const WORST: usize = 10_000;

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn per(entries: &[Entry], bytes: usize) -> f64 {
    let exact = |count| f64::from(u32::try_from(count).expect("less than 4 GB"));
    exact(bytes) / exact(entries.len())
}

/// Bytes that are allocated and not freed.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with the bytes counted.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of the method that it called.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
