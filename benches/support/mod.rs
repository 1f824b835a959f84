//! What the benches share: entries that were never used before, and a summary with the targets.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use mgm::{Change, Client, Entry, GroupAddr, Interface};

/// (\*,G) entries outside the SSM range in a random order, none of them twice.
#[derive(Default)]
pub(crate) struct Fresh(u32);

impl Fresh {
    pub(crate) fn some(&mut self, count: usize) -> Vec<Entry> {
        self.by_ref().take(count).collect()
    }
}

impl Iterator for Fresh {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            self.0 += 1;
            let address = Ipv4Addr::from_bits(0xe000_0000 | scatter(self.0));
            match GroupAddr::new(address) {
                Ok(group) if address.octets()[0] != 232 => return Some(Entry::Group(group)),
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// A permutation of the numbers below 2^28 that looks random.
const fn scatter(number: u32) -> u32 {
    const MASK: u32 = (1 << 28) - 1;
    let mixed = number.wrapping_mul(0x09e3_779b) & MASK;
    let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x05eb_ca6b) & MASK;
    mixed ^ mixed >> 13
}

/// Adds what is known to be absent.
pub(crate) fn add(client: &Client, interface: Interface, entry: Entry) {
    assert_eq!(client.add_group_membership(interface, entry), Ok(Change::Changed));
}

pub(crate) fn interface(index: u32) -> Interface {
    Interface::try_from(index).expect("indices start at 1")
}

/// The size to run at: a small one where the benches are only tried.
pub(crate) fn sized(size: usize) -> usize {
    if is_measured() { size } else { size / 1000 }
}

/// Whether this is `cargo bench`; `cargo bench -- --test` and `cargo test --benches` only try the benches.
pub(crate) fn is_measured() -> bool {
    let given = |arg| std::env::args().any(|given| given == arg);
    given("--bench") && !given("--test")
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
