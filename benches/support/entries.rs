//! Entries that were never used before, and how they are added.

use std::net::Ipv4Addr;

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

/// Whether this is `cargo bench`; `cargo bench -- --test` and `cargo test --benches` only try the benches.
pub(crate) fn is_measured() -> bool {
    let given = |arg| std::env::args().any(|given| given == arg);
    given("--bench") && !given("--test")
}
