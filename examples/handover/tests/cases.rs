//! Captures of every kind that people have, each with one thing about it: the replay ends with what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use mgm::Address;

use super::lan::held_on;
use super::naive::{self, Held, Naive};
use crate::replay::{HandOvers, Replay};
use crate::traffic::{Packet, Recording};

const SLL: &[u8] = include_bytes!("captures/sll.pcap");
const SLL2: &[u8] = include_bytes!("captures/sll2.pcap");
const NULL: &[u8] = include_bytes!("captures/null.pcap");
const PPP: &[u8] = include_bytes!("captures/ppp.pcap");
const RAW12: &[u8] = include_bytes!("captures/raw12.pcap");
const FCS_LENGTH_IN_LINKTYPE: &[u8] = include_bytes!("captures/fcs-length-in-linktype.pcap");
const INCL_GT_ORIG: &[u8] = include_bytes!("captures/incl-gt-orig.pcap");
const PPPOE: &[u8] = include_bytes!("captures/pppoe.pcap");
const VLAN_FOUR: &[u8] = include_bytes!("captures/vlan-four.pcap");
const PLAIN: &[u8] = include_bytes!("captures/plain.pcapng");
const TWO_INTERFACES: &[u8] = include_bytes!("captures/two-interfaces.pcapng");
const IPCKSUM_ZERO_OFFLOAD: &[u8] = include_bytes!("captures/ipcksum-zero-offload.pcap");
const TWO_VLANS: &[u8] = include_bytes!("captures/two-vlans.pcap");
const FRAGMENTED_V4: &[u8] = include_bytes!("captures/fragmented-v4.pcap");

/// All of them.
pub(crate) const FILES: [&[u8]; 14] = [
    SLL,
    SLL2,
    NULL,
    PPP,
    RAW12,
    FCS_LENGTH_IN_LINKTYPE,
    INCL_GT_ORIG,
    PPPOE,
    VLAN_FOUR,
    PLAIN,
    TWO_INTERFACES,
    IPCKSUM_ZERO_OFFLOAD,
    TWO_VLANS,
    FRAGMENTED_V4,
];

/// What is held on each interface of the replay.
pub(crate) type HeldByInterface = BTreeMap<u32, BTreeSet<Held>>;

/// What is held in the end, of both families, on each interface.
pub(crate) fn replayed(capture: &[u8]) -> HeldByInterface {
    let recording = Recording::read(capture);
    assert!(recording.damage.is_none(), "{:?}", recording.damage);
    let mut held = family(&recording.igmp);
    for (interface, more) in family(&recording.mld) {
        held.entry(interface).or_default().extend(more);
    }
    held
}

fn family<A: Address + Into<IpAddr>>(packets: &[Packet<A>]) -> HeldByInterface {
    let timeline = Arc::default();
    let mut replay = Replay::new("IGMP", &timeline, HandOvers::amid(packets.len())).unwrap();
    for packet in packets {
        replay.play(packet).unwrap();
    }
    packets
        .iter()
        .map(|packet| (packet.seen.interface.get(), held_on(replay.manager(), packet.seen.interface)))
        .collect()
}

/// What the naive merge makes of these IP packets, each on a link.
pub(crate) fn merged<P: AsRef<[u8]>>(packets: impl IntoIterator<Item = (u32, P)>) -> HeldByInterface {
    let mut links: BTreeMap<u32, Naive> = BTreeMap::new();
    for (link, packet) in packets {
        let (host, message) = naive::message(packet.as_ref());
        let link = links.entry(link).or_default();
        naive::heard(host, message).unwrap().iter().for_each(|heard| link.hear(heard));
    }
    links.iter().map(|(&link, naive)| (link, naive.held())).collect()
}

/// The frames of a capture in the format pcapng with little numbers first, by interface.
fn blocks(pcapng: &[u8]) -> Vec<(usize, Range<usize>)> {
    let number =
        |at: usize| usize::try_from(u32::from_le_bytes(pcapng[at..at + 4].try_into().unwrap())).unwrap();
    let (mut at, mut frames) = (0, Vec::new());
    while at < pcapng.len() {
        if number(at) == 6 {
            frames.push((number(at + 8), at + 28..at + 28 + number(at + 20)));
        }
        at += number(at + 4);
    }
    frames
}

/// The five hosts of these captures.
fn assert_five_hosts(held: &HeldByInterface) {
    let all: BTreeSet<String> = held.values().flatten().map(|held| format!("{held:?}")).collect();
    let expected = [
        ("239.1.1.1", None),
        ("239.1.1.2", None),
        ("232.1.1.1", Some("198.51.100.7")),
        ("ff05::1:3", None),
        ("ff0e::1", None),
    ];
    let held = expected.map(|(group, source): (&str, Option<&str>)| {
        let (group, source): (IpAddr, Option<IpAddr>) =
            (group.parse().unwrap(), source.map(|s| s.parse().unwrap()));
        format!("{:?}", (group, source, false))
    });
    assert_eq!(all, BTreeSet::from(held));
}

/// A capture of five hosts on one link, with so many bytes before each IP packet.
fn assert_pcap(capture: &[u8], before: usize) {
    let packets = naive::frames(capture).into_iter().map(|frame| (1, &capture[frame][before..]));
    let held = replayed(capture);
    assert_eq!(held, merged(packets));
    assert_five_hosts(&held);
}

#[test]
fn sll_is_read() {
    assert_pcap(SLL, 16);
}

#[test]
fn sll2_is_read() {
    assert_pcap(SLL2, 20);
}

#[test]
fn bsd_loopback_is_read() {
    assert_pcap(NULL, 4);
}

#[test]
fn ppp_is_read() {
    assert_pcap(PPP, 4);
}

#[test]
fn raw_ip_of_another_number_is_read() {
    assert_pcap(RAW12, 0);
}

#[test]
fn the_length_of_the_check_sequence_is_no_part_of_the_link_type() {
    assert_pcap(FCS_LENGTH_IN_LINKTYPE, 14);
}

#[test]
fn a_record_with_more_captured_than_there_was_is_read() {
    assert_pcap(INCL_GT_ORIG, 14);
}

#[test]
fn pppoe_is_read() {
    assert_pcap(PPPOE, 14 + 8);
}

#[test]
fn four_tags_are_read() {
    assert_pcap(VLAN_FOUR, 14 + 4 * 4);
}

#[test]
fn pcapng_is_read() {
    let capture = PLAIN;
    let packets = blocks(capture).into_iter().map(|(_, frame)| (1, &capture[frame][14..]));
    let held = replayed(capture);
    assert_eq!(held, merged(packets));
    assert_five_hosts(&held);
}

#[test]
fn two_interfaces_of_two_link_types_are_two_links() {
    let capture = TWO_INTERFACES;
    let packets = blocks(capture).into_iter().map(|(interface, frame)| match interface {
        0 => (1, &capture[frame][14..]),
        _ => (3, &capture[frame][20..]),
    });
    let held = replayed(capture);
    assert_eq!(held, merged(packets));
    assert_five_hosts(&held);
}

#[test]
fn a_checksum_that_is_not_filled_in_is_not_wrong() {
    let capture = IPCKSUM_ZERO_OFFLOAD;
    let packets = naive::frames(capture).into_iter().map(|frame| (1, &capture[frame][14..]));
    let held = replayed(capture);
    assert_eq!(held, merged(packets));
    assert_eq!(held[&1].len(), 2);
}

#[test]
fn two_vlans_are_two_links() {
    let capture = TWO_VLANS;
    let packets = naive::frames(capture).into_iter().map(|frame| {
        let frame = &capture[frame];
        (if frame[15] == 10 { 1 } else { 3 }, &frame[18..])
    });
    let held = replayed(capture);
    assert_eq!(held, merged(packets));
    assert_eq!((held[&1].len(), held[&3].len()), (1, 0));
}

#[test]
fn fragments_are_joined() {
    let capture = FRAGMENTED_V4;
    let packets = naive::frames(capture).into_iter().map(|frame| &capture[frame][14..]).collect::<Vec<_>>();
    let [first, second] = packets[..] else { panic!("two fragments") };
    let header = usize::from(first[0] & 15) * 4;
    let mut whole = [first, &second[usize::from(second[0] & 15) * 4..]].concat();
    let length = u16::try_from(whole.len()).unwrap().to_be_bytes();
    whole[2..4].copy_from_slice(&length);
    assert_eq!(header, 24);
    let held = replayed(capture);
    assert_eq!(held, merged([(1, whole.as_slice())]));
    assert_eq!(held[&1].len(), 22);
}
