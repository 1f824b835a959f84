//! Kind G: IP packets in fragments.

use captured_packets::{Capture, Content};
use etherparse::Ipv4Header;
use proptest::prelude::*;

use crate::write::{MICROSECONDS, Order, Pcap, ethernet};
use crate::{ip, sound};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// A packet, by what its fragments have in common, and with a payload that `seed` tells from others.
#[derive(Clone, Debug)]
struct Whole {
    v6: bool,
    host: u8,
    identification: u16,
    payload: Vec<u8>,
}

/// Where a fragment begins and ends in the payload.
type Part = std::ops::Range<usize>;

impl Whole {
    fn new(v6: bool, host: u8, identification: u16, length: usize) -> Self {
        let payload = (0..length).map(|at| u8::try_from(at % 251).unwrap() ^ host).collect();
        Self { v6, host, identification, payload }
    }

    fn bytes(&self) -> Vec<u8> {
        if self.v6 { self.v6(&[], &self.payload) } else { self.v4(0, &self.payload) }
    }

    fn fragment(&self, part: Part) -> Vec<u8> {
        let more = u16::from(part.end < self.payload.len());
        let offset = u16::try_from(part.start / 8).unwrap();
        let payload = &self.payload[part];
        if self.v6 {
            let [high, low] = (offset << 3 | more).to_be_bytes();
            let [ident_high, ident_low] = self.identification.to_be_bytes();
            self.v6(&[58, 0, high, low, 0, 0, ident_high, ident_low], payload)
        } else {
            self.v4(more << 13 | offset, payload)
        }
    }

    fn v4(&self, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(24 + payload.len()).unwrap().to_be_bytes();
        let mut header = [
            &[0x46, 0xc0],
            length.as_slice(),
            &self.identification.to_be_bytes(),
            &flags_and_offset.to_be_bytes(),
            &[1, 2, 0, 0, 192, 0, 2, self.host, 224, 0, 0, 22, 0x94, 4, 0, 0],
        ]
        .concat();
        let checksum = Ipv4Header::from_slice(&header).unwrap().0.calc_header_checksum();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        [header.as_slice(), payload].concat()
    }

    fn v6(&self, fragment: &[u8], payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(8 + fragment.len() + payload.len()).unwrap().to_be_bytes();
        let addresses = [[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, self.host], [0xff; 16]].concat();
        let next = if fragment.is_empty() { 58 } else { 44 };
        let hop_by_hop = [next, 0, 5, 2, 0, 0, 1, 0];
        [&[0x60, 0, 0, 0], length.as_slice(), &[0, 1], &addresses, &hop_by_hop, fragment, payload].concat()
    }

    fn ether_type(&self) -> u16 {
        if self.v6 { IPV6 } else { IPV4 }
    }

    /// Parts of `size` each, which is a multiple of 8.
    fn parts(&self, size: usize) -> Vec<Part> {
        let length = self.payload.len();
        (0..length).step_by(size).map(|start| start..length.min(start + size)).collect()
    }
}

fn new() -> Pcap {
    Pcap::new(Order::Little, MICROSECONDS, 1)
}

fn left_over(capture: &[u8]) -> usize {
    let mut capture = Capture::new(capture).unwrap();
    while capture.next_packet().unwrap().is_some() {}
    capture.fragments_left_over()
}

/// The packets that are whole.
fn wholes(capture: &[u8]) -> Vec<Vec<u8>> {
    sound(capture).iter().filter_map(|packet| ip(packet).ok().map(<[u8]>::to_vec)).collect()
}

proptest! {
    /// Of several packets, in any order, some of them twice, some of them never.
    #[test]
    fn fragments_in_any_order(
        packets in prop::collection::vec((any::<bool>(), 0..3_u8, 0..3_u16, 24..400_usize, 1..12_usize), 1..5),
        order in any::<u64>(),
        missing in prop::option::of(any::<prop::sample::Index>()),
        twice in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut wholes_by_key = std::collections::BTreeMap::new();
        for (v6, host, identification, length, size) in packets {
            let whole = Whole::new(v6, host, identification, length);
            if size * 8 < length {
                wholes_by_key.insert((v6, host, identification), (whole, size * 8));
            }
        }
        let mut fragments: Vec<(usize, u64, u16, Vec<u8>)> = Vec::new();
        for (index, (whole, size)) in wholes_by_key.values().enumerate() {
            for part in whole.parts(*size) {
                let place = order.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(u64::try_from(fragments.len()).unwrap()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                fragments.push((index, place, whole.ether_type(), whole.fragment(part)));
            }
        }
        let missing = missing.filter(|_| !fragments.is_empty()).map(|at| fragments.remove(at.index(fragments.len())).0);
        fragments.sort_by_key(|&(_, place, ..)| place);
        if let Some(at) = twice.filter(|_| !fragments.is_empty()).map(|at| at.index(fragments.len())) {
            // Right after it, unless that were after the whole, which would begin anew.
            let again = fragments[at].clone();
            if fragments[at + 1..].iter().any(|(index, ..)| *index == again.0) {
                fragments.insert(at + 1, again);
            }
        }
        let capture = fragments.iter().fold(new(), |capture, (_, _, ether_type, fragment)| {
            capture.frame(&ethernet(*ether_type, fragment))
        });
        let read: std::collections::BTreeSet<_> = wholes(&capture.bytes).into_iter().map(without_checksum).collect();
        let expected = wholes_by_key.values().enumerate().filter(|(index, _)| Some(*index) != missing);
        let expected: std::collections::BTreeSet<_> =
            expected.map(|(_, (whole, _))| without_checksum(whole.bytes())).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(left_over(&capture.bytes) > 0, missing.is_some_and(|missing| {
            fragments.iter().any(|(index, ..)| *index == missing)
        }));
    }
}

/// It is right in both, as another test has it, but the identification is in one of them only.
fn without_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    if packet[0] >> 4 == 4 {
        let header = Ipv4Header::from_slice(&packet).unwrap().0;
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        packet[10..12].fill(0);
    }
    packet
}

fn capture(fragments: &[(u32, &Whole, Part)]) -> Vec<u8> {
    let frames = fragments.iter().fold(new(), |capture, (seconds, whole, part)| {
        capture.record(*seconds, 0, 0, &ethernet(whole.ether_type(), &whole.fragment(part.clone())))
    });
    frames.bytes
}

/// RFC 8200 §4.5: an attack. In IPv4 Linux takes it so as well.
#[test]
fn what_overlaps_is_given_up() {
    for v6 in [false, true] {
        let whole = Whole::new(v6, 1, 1, 64);
        let fragments = [(0, &whole, 0..32), (0, &whole, 24..48), (0, &whole, 32..64), (0, &whole, 0..32)];
        let (packets, bytes) = (wholes(&capture(&fragments[..3])), capture(&fragments));
        assert!(packets.is_empty());
        assert_eq!(wholes(&bytes).len(), 1, "it can be sent again");
        assert_eq!(left_over(&bytes), 2);
    }
}

#[test]
fn what_comes_a_minute_later_belongs_to_another_packet() {
    for (seconds, whole_packets) in [(59, 1), (61, 0)] {
        let whole = Whole::new(false, 1, 1, 64);
        assert_eq!(wholes(&capture(&[(0, &whole, 0..32), (seconds, &whole, 32..64)])).len(), whole_packets);
    }
}

#[test]
fn fragments_of_two_links_or_hosts_are_of_two_packets() {
    let whole = Whole::new(false, 1, 1, 64);
    let in_vlan =
        |vlan: u8, part| ethernet(0x8100, &[&[0, vlan, 8, 0], whole.fragment(part).as_slice()].concat());
    assert_eq!(wholes(&new().frame(&in_vlan(1, 0..32)).frame(&in_vlan(1, 32..64)).bytes).len(), 1);
    assert_eq!(wholes(&new().frame(&in_vlan(1, 0..32)).frame(&in_vlan(2, 32..64)).bytes).len(), 0);
    let mut of_another = in_vlan(1, 32..64);
    of_another[11] = 9;
    assert_eq!(wholes(&new().frame(&in_vlan(1, 0..32)).frame(&of_another).bytes).len(), 0);
}

/// The memory that fragments take is bounded: the oldest give way.
#[test]
fn packets_that_never_become_whole_make_room_for_others() {
    let frames = (0..3000_u16).fold(new(), |capture, identification| {
        capture.frame(&ethernet(IPV4, &Whole::new(false, 1, identification, 64).fragment(0..32)))
    });
    let last = Whole::new(false, 1, 2999, 64).fragment(32..64);
    let first = Whole::new(false, 1, 0, 64).fragment(32..64);
    let bytes = frames.frame(&ethernet(IPV4, &first)).frame(&ethernet(IPV4, &last)).bytes;
    assert_eq!(wholes(&bytes), [Whole::new(false, 1, 2999, 64).bytes()]);
    assert_eq!(left_over(&bytes), 3000);
}

/// Fragments that are none, cut short, of a wrong checksum, empty, or beyond 64 KiB.
#[test]
fn fragments_that_cannot_be_are_left_as_they_are() {
    let whole = Whole::new(false, 1, 1, 64);
    let mut wrong = whole.fragment(0..32);
    wrong[10] ^= 1;
    let cut = whole.fragment(0..32)[..40].to_vec();
    let empty = whole.fragment(0..0);
    for odd in [wrong, cut, empty] {
        let packets = sound(&new().frame(&ethernet(IPV4, &odd)).bytes);
        assert!(matches!(packets[0].content, Content::Ip(_)), "{packets:?}");
    }
    let beyond = Whole::new(false, 1, 1, 64).v4(0x2000 | 0x1ffe, &[0; 32]);
    assert!(wholes(&new().frame(&ethernet(IPV4, &beyond)).bytes).is_empty());
}

/// On the host that sends, the checksum may not be there yet.
#[test]
fn fragments_without_a_checksum_are_joined() {
    let whole = Whole::new(false, 1, 1, 64);
    let frames = whole.parts(32).into_iter().fold(new(), |capture, part| {
        let mut fragment = whole.fragment(part);
        fragment[10..12].fill(0);
        capture.frame(&ethernet(IPV4, &fragment))
    });
    assert_eq!(wholes(&frames.bytes), [whole.bytes()]);
}
