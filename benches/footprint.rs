//! What a forwarding entry with two oifs takes in memory.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

#[expect(dead_code, reason = "most of it is for benches that measure time")]
mod support;

use std::net::Ipv4Addr;
use std::time::Instant;

use allocation_counter::measure;
use mgm::{Client, Entry, GroupAddr, Mgm, NoCallbacks, Route, RouteTable, SourceAddr};
use support::{Fresh, MEDIAN, Summary, add, interface, sized};

fn main() {
    let mut summary = Summary::default();
    let entries = Fresh::default().some(sized(1_000_000));
    for (name, has_rib, sources) in [
        ("without a RIB", false, 1 << 10),
        ("a thousand sources in the RIB", true, 1 << 10),
        ("no source twice in the RIB", true, 1 << 28),
    ] {
        let (mgm, _igmp) = router(has_rib);
        let now = Instant::now();
        let made = measure(|| entries.iter().for_each(|entry| make(&mgm, *entry, sources, now)));
        assert!(mgm.mfes().all(|mfe| mfe.oifs == [2, 3].map(interface)));
        let bytes = i32::try_from(made.bytes_current / i64::try_from(entries.len()).expect("a million"));
        let bytes = f64::from(bytes.expect("less than 2 GB"));
        summary.quantile(format!("bytes per MFE, {name}"), vec![bytes], MEDIAN, Some(250.0));
    }
    summary.print();
}

/// Everything is wanted on two interfaces.
fn router(has_rib: bool) -> (Mgm, Client) {
    let routes = RouteTable::new();
    routes.insert(Route::new("0.0.0.0/0".parse().expect("a prefix"), interface(1)));
    let mgm = if has_rib { Mgm::builder().rib(routes).build() } else { Mgm::new() };
    let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
    for oif in [2, 3].map(interface) {
        igmp.take_interface_ownership(oif).expect("nobody is on it");
        add(&igmp, oif, Entry::AllGroups);
    }
    (mgm, igmp)
}

/// The more sources, the fewer groups: no entry is made twice.
fn make(mgm: &Mgm, entry: Entry, sources: u32, now: Instant) {
    let number = entry.group().map_or(0, |group| group.address().to_bits()) & 0x0fff_ffff;
    let source = SourceAddr::new(Ipv4Addr::from_bits((16 << 24) | (number % sources))).expect("a host");
    let group = GroupAddr::new(Ipv4Addr::from_bits((239 << 24) | (number / sources))).expect("239/8");
    assert_eq!(mgm.packet_received(source, group, interface(1), &[], now), Ok(()));
}
