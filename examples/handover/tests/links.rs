//! Kinds E and F: what is filled in later, and who is who.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use captured_packets::Link;
use membership_reports::{Record, RecordKind, Report, Version};

use super::cases::{merged, replayed};
use super::frames::{LEAVE_V2, REPORT_V2, TO_EXCLUDE, TO_INCLUDE};
use super::frames::{ethernet, igmp_v2, on_ethernet, pcap, pcapng, report};
use crate::merge::{Host, Ignored, Merge};
use crate::replay::{HandOvers, Replay};
use crate::traffic::{Packet, Recording, Seen};

const GROUP: &str = "239.1.1.1";
const GROUP_V6: &str = "ff0e::1:1";

/// How many memberships there are on each interface in the end.
fn count(capture: &[u8]) -> Vec<(u32, usize)> {
    replayed(capture).iter().map(|(&interface, held)| (interface, held.len())).collect()
}

/// Somebody joins on both links; on the second it is left again. What comes before the packet tells them apart.
fn assert_two_links(link_type: u32, first: &[u8], second: &[u8]) {
    let (join, leave) = (igmp_v2("192.0.2.1", REPORT_V2, GROUP), igmp_v2("192.0.2.1", LEAVE_V2, GROUP));
    let frames =
        [(first, &join), (second, &join), (second, &leave)].map(|(before, packet)| [before, packet].concat());
    let held = replayed(&pcap(link_type, &frames));
    assert_eq!(held, merged([(1, &join), (3, &join), (3, &leave)]), "{first:x?} and {second:x?}");
}

#[test]
fn vlans_within_vlans_are_links_of_their_own() {
    let tags = |outer: u8, inner: u8| ethernet(1, 0x88a8, &[0, outer, 0x81, 0, 0, inner, 8, 0]);
    assert_two_links(1, &tags(10, 1), &tags(20, 1));
    assert_two_links(1, &tags(10, 1), &tags(10, 2));
    assert_two_links(1, &ethernet(1, 0x0800, &[]), &tags(10, 1));
    assert_two_links(1, &tags(10, 0), &tags(10, 2));
}

#[test]
fn devices_of_a_cooked_capture_are_links() {
    let device =
        |number| [&[8, 0, 0, 0, 0, 0, 0, number, 0, 1, 0, 6], [2, 0, 0, 0, 0, 1, 0, 0].as_slice()].concat();
    assert_two_links(276, &device(2), &device(3));
}

#[test]
fn sessions_of_pppoe_are_links() {
    let session = |number| ethernet(1, 0x8864, &[0x11, 0, 0, number, 0, 34, 0, 0x21]);
    assert_two_links(1, &session(1), &session(2));
}

#[test]
fn interfaces_of_one_link_type_are_links() {
    let (join, leave) = (igmp_v2("192.0.2.1", REPORT_V2, GROUP), igmp_v2("192.0.2.1", LEAVE_V2, GROUP));
    let frames =
        [(0, &join), (1, &join), (1, &leave)].map(|(interface, packet)| (interface, on_ethernet(1, packet)));
    assert_eq!(replayed(&pcapng(2, &frames)), merged([(1, &join), (3, &join), (3, &leave)]));
}

/// More links than anybody has are not followed, and that is said.
#[test]
fn links_made_up_without_an_end_are_bounded_and_counted() {
    let join = igmp_v2("192.0.2.1", REPORT_V2, GROUP);
    let frames: Vec<_> = (1..=4000_u16)
        .map(|vlan| ethernet(1, 0x8100, &[vlan.to_be_bytes().as_slice(), &[8, 0], &join].concat()))
        .collect();
    let recording = Recording::read(&*pcap(1, &frames));
    assert!(recording.census.to_string().contains("on more links than are told apart, skipped: 3744"));
    assert_eq!(recording.census.packets(), 4000);
}

/// RFC 3376 §4.2.13: a host may report before it has an address.
#[test]
fn hosts_without_an_address_are_told_apart_by_their_hardware() {
    for (nobody, group) in [("0.0.0.0", GROUP), ("::", GROUP_V6)] {
        let (join, leave) = (report(nobody, TO_EXCLUDE, group, &[]), report(nobody, TO_INCLUDE, group, &[]));
        let two_hosts = [on_ethernet(1, &join), on_ethernet(2, &join), on_ethernet(2, &leave)];
        assert_eq!(count(&pcap(1, &two_hosts)), [(1, 1)]);
        let one_host = [on_ethernet(1, &join), on_ethernet(1, &leave)];
        assert_eq!(count(&pcap(1, &one_host)), [(1, 0)]);
        let cooked = |host: u8, packet: &[u8]| {
            let protocol = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
            [&[0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, host, 0, 0], protocol.as_slice(), packet].concat()
        };
        assert_eq!(count(&pcap(113, &[cooked(1, &join), cooked(2, &join), cooked(2, &leave)])), [(1, 1)]);
    }
}

/// Its hardware may change, as when it reports through another port of its own.
#[test]
fn a_host_with_an_address_is_one_host_whatever_its_hardware() {
    for (host, group) in [("192.0.2.1", GROUP), ("fe80::1", GROUP_V6)] {
        let (join, leave) = (report(host, TO_EXCLUDE, group, &[]), report(host, TO_INCLUDE, group, &[]));
        assert_eq!(count(&pcap(1, &[on_ethernet(1, &join), on_ethernet(2, &leave)])), [(1, 0)]);
    }
}

/// PPP tells no hardware: who has no address there is the other end.
#[test]
fn without_hardware_all_hosts_without_an_address_are_one() {
    let packets = [TO_EXCLUDE, TO_EXCLUDE, TO_INCLUDE].map(|kind| report("0.0.0.0", kind, GROUP, &[]));
    assert_eq!(count(&pcap(101, &packets)), [(1, 0)]);
}

/// The network card has yet to fill in the checksum, or the length as well.
#[test]
fn what_is_not_filled_in_on_the_sending_host_is_not_wrong() {
    for packet in [igmp_v2("192.0.2.1", REPORT_V2, GROUP), report("192.0.2.1", TO_EXCLUDE, GROUP, &[])] {
        let mut sent = packet.clone();
        sent[10..12].fill(0);
        assert_eq!(count(&pcap(1, &[on_ethernet(1, &sent)])), [(1, 1)]);
        sent[2..4].fill(0);
        let padded = [on_ethernet(1, &sent).as_slice(), &[0; 14]].concat();
        assert_eq!(count(&pcap(1, &[padded])), [(1, 1)]);
        // A checksum that is there has to be right.
        sent[10..12].copy_from_slice(&packet[10..12]);
        assert_eq!(Recording::read(&*pcap(1, &[on_ethernet(1, &sent)])).census.malformed, 1);
    }
}

/// Each packet is in the census once.
#[test]
fn whatever_is_not_looked_into_is_counted_and_named() {
    let mut query = igmp_v2("192.0.2.1", 0x11, "0.0.0.0");
    query[19] = 1;
    let mut wrong = igmp_v2("192.0.2.1", REPORT_V2, GROUP);
    wrong[30] ^= 1;
    let frames = [
        on_ethernet(1, &igmp_v2("192.0.2.1", REPORT_V2, GROUP)),
        on_ethernet(1, &wrong),
        on_ethernet(1, &igmp_v2("192.0.2.1", 0x11, "0.0.0.0")),
        ethernet(1, 0x0806, &[0; 28]),
        ethernet(1, 0x0806, &[0; 28]),
        ethernet(1, 0x88cc, &[0; 28]),
        ethernet(1, 38, &[0x42, 0x42, 3]),
        ethernet(1, 0x8864, &[0x11, 0, 0, 1, 0, 2, 0xc0, 0x21]),
        vec![0; 5],
    ];
    let census = Recording::read(&*pcap(1, &frames)).census;
    assert_eq!(census.packets(), frames.len());
    let text = census.to_string();
    for expected in [
        "packets in the capture: 9\n",
        "reports of hosts: 1\n",
        "malformed, skipped: 1\n",
        "IP without a report: 1: 1 of IGMP (IP protocol 2)\n",
        "not looked into: 6: 2 of EtherType 0x0806 (Address Resolution Protocol (ARP)), 1 of EtherType 0x88CC",
        "1 of LLC 0x42/0x42",
        "1 of PPP protocol 0xc021",
        "1 of frames cut short",
    ] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
}

/// Nobody can fill the memory with hosts and groups that are made up.
#[test]
fn what_hosts_make_the_replay_remember_is_bounded() {
    let mut merge = Merge::<Ipv4Addr>::new(Vec::new());
    let host = |number: u32| Host { address: Ipv4Addr::from(0x0a00_0000 + number), hardware: None };
    let record = |kind, sources: u32| {
        let sources = (0..sources).map(|source| Ipv4Addr::from(0xc633_6400 + source)).collect();
        Record { group: GROUP.parse().unwrap(), kind, sources }
    };
    assert!(merge.note(host(1), &record(RecordKind::ToExclude, 0), 10).is_ok());
    assert!(merge.note(host(2), &record(RecordKind::ToInclude, 8), 10).is_ok());
    assert_eq!(merge.size(), 10);
    for (number, more) in [(3, RecordKind::ToExclude), (4, RecordKind::Report), (1, RecordKind::Block)] {
        let refused = merge.note(host(number), &record(more, 1), 10);
        assert!(matches!(refused, Err(Ignored::Full(_))), "{refused:?}");
    }
    assert_eq!(merge.size(), 10);
    // What makes it less is never refused, at whatever limit.
    assert!(merge.note(host(2), &record(RecordKind::Block, 2), 5).is_ok());
    assert_eq!(merge.size(), 8);
    assert!(merge.note(host(2), &record(RecordKind::ToInclude, 0), 0).is_ok());
    assert!(merge.note(host(1), &record(RecordKind::ToInclude, 0), 0).is_ok());
    assert_eq!((merge.size(), merge.groups().count()), (0, 0));
}

/// It is bounded for all links together.
#[test]
fn hosts_on_one_link_can_take_the_room_of_those_on_another_but_no_more() {
    let timeline = Arc::default();
    let mut replay = Replay::<Ipv4Addr>::new("IGMP", &timeline, HandOvers::amid(usize::MAX / 5)).unwrap();
    let mut play = |interface: u32, groups: std::ops::Range<u32>| {
        let groups = groups.map(|number| Ipv4Addr::from(0xef01_0000 + number));
        let record = |group| Record { group, kind: RecordKind::ToExclude, sources: Vec::new() };
        let report = Report {
            version: Version::Igmpv3,
            reporter: Ipv4Addr::new(192, 0, 2, 1),
            records: groups.map(record).collect(),
        };
        let (link, interface) = (Link::default(), interface.try_into().unwrap());
        let seen = Seen { number: 1, time: Duration::ZERO, link, interface, sender: None };
        replay.play(&Packet { seen, report: Ok(report) }).unwrap();
        timeline.take()
    };
    assert!(!play(1, 0..49_999).contains("ignores"));
    assert!(!play(3, 0..1).contains("ignores"));
    let refused = play(3, 1..2);
    assert!(
        refused.contains("ignores                     239.1.0.1, as too much is remembered"),
        "{refused}"
    );
}
