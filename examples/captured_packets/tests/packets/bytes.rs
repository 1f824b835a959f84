//! Captures that nobody wrote: never a panic, never a hang, and what is kept does not grow.
//!
//! Thousands are tried; with `PROPTEST_CASES=10000000`, as many as that.

use captured_packets::Capture;
use proptest::prelude::*;

use crate::write::{MICROSECONDS, NANOSECONDS, ORDERS, Order, Pcap, Pcapng, ethernet, packet};

fn config() -> ProptestConfig {
    let asked_for = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(asked_for.unwrap_or(4000)) }
}

/// The buffers of the readers; and those in which fragments wait, each of which may say that it ends a packet of 64 KiB.
/// The captures here have 6 of them at most.
const ROOM: u64 = 1 << 20;

/// What reading takes at most, whatever the capture says of itself: the room of the reader, and copies of what is there.
fn allowance(bytes: &[u8]) -> u64 {
    ROOM + 64 * u64::try_from(bytes.len()).unwrap()
}

fn exhaust(bytes: &[u8]) {
    let taken = allocation_counter::measure(|| read_on(bytes)).bytes_max;
    assert!(taken <= allowance(bytes), "{taken} octets for a capture of {}", bytes.len());
}

/// Reads to the end, which has to come: each packet takes 12 bytes of the capture at least.
fn read_on(bytes: &[u8]) {
    let Ok(mut capture) = Capture::new(bytes) else { return };
    let mut packets = 0;
    while let Ok(Some(packet)) = capture.next_packet() {
        packets += 1;
        assert_eq!(packet.number, packets);
        assert!(packets * 12 <= bytes.len(), "more packets than there is room for");
        assert!(packet.link.to_string().len() <= 10 * bytes.len(), "more of a link than was told");
    }
    assert!(capture.fragments_left_over() + capture.unknown_blocks() <= bytes.len());
}

/// The link types that are understood, and one that is not.
const LINK_TYPES: [u32; 36] = [
    6,
    10,
    239,
    240,
    241,
    274,
    0,
    1,
    9,
    12,
    14,
    50,
    51,
    100,
    101,
    104,
    105,
    107,
    108,
    109,
    113,
    117,
    119,
    127,
    147,
    163,
    166,
    192,
    204,
    205,
    219,
    228,
    229,
    258,
    276,
    0x4400_0001,
];

/// Headers that lead on to others, so that a chain of them is not too improbable.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = vec![
        ethernet(0x0800, &[]),
        ethernet(0x88e7, &[0, 0, 0, 1]),
        vec![0x81, 0, 0, 1],
        vec![0x88, 0xa8, 0, 2],
        vec![0x88, 0x47, 0, 1, 0, 64, 0, 1, 1, 64],
        vec![0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21],
        vec![0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        vec![0xff, 3, 0, 0x21],
        vec![0, 0, 0, 2],
        vec![8, 0],
        vec![0x86, 0xdd],
        packet(1),
        fragment_v4(),
        fragment_v6(),
    ];
    prop_oneof![4 => prop::sample::select(pieces), 1 => prop::collection::vec(any::<u8>(), 0..24)]
}

fn fragment_v4() -> Vec<u8> {
    let mut fragment = packet(1);
    fragment[6] = 0x20;
    fragment
}

fn fragment_v6() -> Vec<u8> {
    let mut fragment = vec![0x60, 0, 0, 0, 0, 24, 0, 1];
    fragment.extend([0xfe; 32]);
    fragment.extend([44, 0, 5, 2, 0, 0, 1, 0, 58, 0, 0, 1, 0, 0, 0, 1, 143, 0, 0, 0, 0, 0, 0, 0]);
    fragment
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..5).prop_map(|pieces| pieces.concat())
}

fn capture() -> impl Strategy<Value = Vec<u8>> {
    let order = || prop::sample::select(ORDERS.to_vec());
    let link_type = || prop::sample::select(LINK_TYPES.to_vec());
    let frames = || prop::collection::vec(frame(), 0..4);
    let pcap =
        (order(), any::<bool>(), link_type(), frames()).prop_map(|(order, nano, link_type, frames)| {
            let new = Pcap::new(order, if nano { NANOSECONDS } else { MICROSECONDS }, link_type);
            frames.iter().fold(new, |capture, frame| capture.frame(frame)).bytes
        });
    let blocks = prop::collection::vec((0..8_u8, link_type(), frame()), 0..6);
    let pcapng = (order(), link_type(), blocks).prop_map(|(order, first, blocks)| {
        let new = Pcapng::new(order).interface(low(first), 0, &[(2, b"eth0"), (9, &[6])]);
        blocks
            .iter()
            .fold(new, |capture, (kind, link_type, frame)| add_block(capture, *kind, *link_type, frame))
            .bytes
    });
    prop_oneof![pcap, pcapng]
}

fn add_block(capture: Pcapng, kind: u8, link_type: u32, frame: &[u8]) -> Pcapng {
    match kind {
        0 => capture.section(Order::Big).interface(low(link_type), 40, &[]),
        1 => capture.interface(low(link_type), 0, &[(14, &[0xff; 8]), (9, &[0x8a])]),
        2 => capture.obsolete(0, u64::MAX, frame),
        3 => capture.simple(u32::try_from(frame.len()).unwrap(), frame),
        4 => capture.block(0xbad, frame),
        5 => capture.enhanced(1, 0, frame),
        _ => capture.enhanced(0, 1_700_000_000_000_000, frame),
    }
}

fn low(link_type: u32) -> u16 {
    u16::try_from(link_type & 0xffff).unwrap()
}

proptest! {
    #![proptest_config(config())]

    /// Sound captures of which bytes are changed, and the end is cut off.
    #[test]
    fn fuzz_captures_that_are_damaged_anywhere(
        sound in capture(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop_oneof![3 => Just(0), 1 => 0..64_usize],
    ) {
        let mut damaged = sound;
        for (at, value) in changes {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        damaged.truncate(damaged.len().saturating_sub(cut));
        exhaust(&damaged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    /// Noise, but for how a capture begins.
    #[test]
    fn fuzz_captures_of_noise(
        sound in capture(),
        kept in 0..60_usize,
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        exhaust(&[&sound[..kept.min(sound.len())], noise.as_slice()].concat());
    }
}

/// Descriptions of interfaces without an end, each with a long name.
#[test]
fn interfaces_without_an_end_are_not_all_kept() {
    let mut capture = Pcapng::new(Order::Little);
    for _ in 0..20_000 {
        capture = capture.interface(1, 0, &[(2, &[b'n'; 500])]);
    }
    let mut capture = Capture::new(capture.bytes.as_slice()).unwrap();
    assert!(capture.next_packet().unwrap().is_none());
    assert!(format!("{capture:?}").len() < 2_000_000);
}
