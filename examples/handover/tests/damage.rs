//! Captures that are cut or corrupt, and packets that lie: never a panic, and what precedes is replayed.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use proptest::prelude::*;

use super::cases;
use super::naive::{self, Heard};
use super::{BURST, CAPTURES, IGMP_V2, IGMP_V3, MLD_V2};
use crate::replay;
use crate::traffic::{Packet, Recording};
use membership_reports::{HostReport, Malformed, RecordKind, Report};

/// That `traffic` begins with the first `count` packets of the sound capture.
fn assert_begins_with(traffic: &Recording, sound: &Recording, count: usize) {
    fn begin<A: Clone>(packets: &[Packet<A>], count: usize) -> Vec<Packet<A>> {
        packets.iter().filter(|packet| packet.seen.number <= count).cloned().collect()
    }
    assert_eq!(begin(&traffic.igmp, count), begin(&sound.igmp, count));
    assert_eq!(begin(&traffic.mld, count), begin(&sound.mld, count));
}

/// Replays all that was read; answers what was printed.
fn play(traffic: &Recording) -> String {
    let timeline = Arc::default();
    replay("IGMP", &traffic.igmp, &timeline).unwrap();
    replay("MLD", &traffic.mld, &timeline).unwrap();
    timeline.take()
}

fn cut_at(pcap: &[u8], step: usize) {
    let (sound, frames) = (Recording::read(pcap), naive::frames(pcap));
    assert_eq!(frames.last().unwrap().end, pcap.len());
    for length in (0..pcap.len()).step_by(step) {
        let cut = Recording::read(&pcap[..length]);
        let whole = frames.iter().filter(|frame| frame.end <= length).count();
        assert_begins_with(&cut, &sound, frames.len().min(whole));
        assert_eq!(cut.igmp.len() + cut.mld.len(), whole, "cut at {length}");
        let at_a_packet = length == 24 || frames.iter().any(|frame| frame.end == length);
        assert_eq!(cut.damage.is_none(), at_a_packet, "cut at {length}: {:?}", cut.damage);
    }
}

#[test]
fn a_capture_cut_anywhere_is_read_up_to_there() {
    [IGMP_V2, IGMP_V3, MLD_V2].iter().for_each(|pcap| cut_at(pcap, 1));
    cut_at(BURST, 149);
}

#[test]
fn what_precedes_a_cut_is_replayed() {
    for pcap in [IGMP_V2, IGMP_V3, MLD_V2] {
        for (index, frame) in naive::frames(pcap).into_iter().enumerate() {
            let text = play(&Recording::read(&pcap[..frame.end - 1]));
            let printed =
                text.lines().filter(|line| line.contains(" IGMPv") || line.contains(" MLDv")).count();
            assert_eq!(printed, index, "cut in packet {}:\n{text}", index + 1);
        }
    }
}

/// As tcpdump and tshark do: only the captured length says where the next record begins.
#[test]
fn a_record_is_read_whatever_else_its_header_says() {
    let second = naive::frames(IGMP_V3)[1].start;
    let sound = Recording::read(IGMP_V3);
    // Fractions of 1.05 million and of 16 million microseconds, and an original length of nothing and of very much.
    for (field, value) in [(second - 10, 0x10), (second - 10, 0xff), (second - 4, 0), (second - 1, 0xff)] {
        let mut pcap = IGMP_V3.to_vec();
        pcap[field] = value;
        let recording = Recording::read(&*pcap);
        assert!(recording.damage.is_none());
        let reports = |recording: &Recording| {
            recording.igmp.iter().map(|packet| packet.report.clone()).collect::<Vec<_>>()
        };
        assert_eq!(reports(&recording), reports(&sound));
    }
}

#[test]
fn a_record_that_is_longer_than_can_be_is_damage() {
    let captured = naive::frames(IGMP_V3)[1].start - 8;
    for (at, value, said) in [
        (captured + 3, 0x7f, "the capture is damaged at packet 2: its header makes no sense"),
        (captured + 1, 0x7f, "the capture ends in the middle of packet 2"),
    ] {
        let mut pcap = IGMP_V3.to_vec();
        pcap[at] = value;
        let recording = Recording::read(&*pcap);
        assert_eq!(recording.igmp.len(), 1);
        assert_eq!(recording.damage.unwrap().to_string(), said);
    }
}

#[test]
fn other_files_are_named_as_such() {
    for other in [b"".as_slice(), b"\x1f\x8b", b"not a capture, and long enough"] {
        let damage = Recording::read(other).damage.unwrap().to_string();
        assert!(damage.contains("no capture of the formats pcap or pcapng"), "{damage}");
    }
}

#[test]
fn a_packet_of_which_only_the_head_was_captured_is_skipped() {
    // Frame 2 without its last 4 bytes, as tcpdump -s would leave it.
    let frame = naive::frames(IGMP_V3)[1].clone();
    let mut pcap = IGMP_V3.to_vec();
    pcap.drain(frame.end - 4..frame.end);
    pcap[frame.start - 8] -= 4;
    let traffic = Recording::read(&*pcap);
    assert!(traffic.damage.is_none());
    assert_eq!(traffic.igmp.len(), 26);
    assert_eq!((traffic.igmp[1].seen.number, &traffic.igmp[1].report), (2, &Err(Malformed::CutShort)));
    assert!(play(&traffic).contains("malformed, skipped: the packet is cut short"));
}

/// The IP packet of the first frame of a capture.
fn first_packet(pcap: &[u8]) -> Vec<u8> {
    pcap[naive::frames(pcap)[0].clone()][14..].to_vec()
}

#[test]
fn a_wrong_checksum_is_noticed_anywhere() {
    for pcap in CAPTURES {
        let packet = first_packet(pcap);
        let message = if packet[0] >> 4 == 4 { 24 } else { 48 };
        for at in message..packet.len() {
            let mut packet = packet.clone();
            packet[at] ^= 0x40;
            assert!(!matches!(membership_reports::read(&packet), Ok(Some(_))), "byte {at}");
        }
    }
    let mut packet = first_packet(IGMP_V3);
    packet[15] ^= 0x40; // the reporter, which only the checksum of the IP header covers
    assert_eq!(membership_reports::read(&packet), Err(Malformed::Checksum));
}

/// RFC 3810 §7.4.
#[test]
fn mld_from_elsewhere_is_skipped() {
    let sound = first_packet(MLD_V2);
    assert!(matches!(membership_reports::read(&sound), Ok(Some(HostReport::Mld(_)))));

    let mut forwarded = sound.clone();
    forwarded[7] = 64;
    assert_eq!(membership_reports::read(&forwarded), Err(Malformed::OffLink));

    let mut without_alert = sound.clone();
    without_alert[42] = 1; // PadN
    assert_eq!(membership_reports::read(&without_alert), Err(Malformed::OffLink));

    let mut from_afar = sound;
    from_afar[8..24].copy_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
    seal(&mut from_afar);
    assert_eq!(membership_reports::read(&from_afar), Err(Malformed::OffLink));
}

/// RFC 3376 §4.2.6 and §4.2.10: auxiliary data is stepped over.
#[test]
fn records_after_auxiliary_data_are_read() {
    for (pcap, kind, host) in [(IGMP_V3, 0x22, 24), (MLD_V2, 143, 48)] {
        let mut packet = first_packet(pcap);
        let group_and_end = packet[host + 12..].to_vec();
        packet.truncate(host);
        packet.extend([kind, 0, 0, 0, 0, 0, 0, 2]);
        packet.extend([4, 2, 0, 0]); // TO_EX {}, with two words of auxiliary data
        packet.extend(&group_and_end);
        packet.extend([0x55; 8]);
        packet.extend([3, 0, 0, 0]); // TO_IN {}
        packet.extend(&group_and_end);
        seal(&mut packet);
        let kinds: Vec<u8> = match membership_reports::read(&packet).unwrap().unwrap() {
            HostReport::Igmp(report) => as_heard(&report).iter().map(|heard| heard.kind).collect(),
            HostReport::Mld(report) => as_heard(&report).iter().map(|heard| heard.kind).collect(),
        };
        assert_eq!(kinds, [4, 3]);
    }
}

/// The older versions, of which there is no capture for MLDv1 and IGMPv1.
#[test]
fn reports_of_older_versions() {
    for (kind, expected) in [(131, RecordKind::Report), (132, RecordKind::Leave)] {
        let mut packet = first_packet(MLD_V2);
        let group: Ipv6Addr = "ff0e::1:1".parse().unwrap();
        packet[48] = kind;
        packet[56..72].copy_from_slice(&group.octets());
        seal(&mut packet);
        let Ok(Some(HostReport::Mld(report))) = membership_reports::read(&packet) else { panic!("not read") };
        assert_eq!(
            (report.records.len(), report.records[0].kind, report.records[0].group),
            (1, expected, group)
        );
        assert_eq!(report.version.to_string(), "MLDv1");
    }
    let mut packet = first_packet(IGMP_V2);
    packet[24] = 0x12;
    seal(&mut packet);
    let Ok(Some(HostReport::Igmp(report))) = membership_reports::read(&packet) else { panic!("not read") };
    assert_eq!((report.version.to_string().as_str(), report.records[0].kind), ("IGMPv1", RecordKind::Report));
}

/// Makes the lengths and checksums of an IP packet right.
pub(crate) fn seal(packet: &mut [u8]) {
    let v4 = packet[0] >> 4 == 4;
    let length = u16::try_from(packet.len() - if v4 { 0 } else { 40 }).unwrap().to_be_bytes();
    let start = if v4 { 24 } else { 48 };
    packet[if v4 { 2..4 } else { 4..6 }].copy_from_slice(&length);
    if v4 {
        packet[10..12].fill(0);
        let sum = checksum(&[&packet[..24]]);
        packet[10..12].copy_from_slice(&sum);
    }
    if packet.len() >= start + 4 {
        packet[start + 2..start + 4].fill(0);
        let upper = u16::try_from(packet.len() - start).unwrap().to_be_bytes();
        let pseudo = if v4 { vec![] } else { [&packet[8..40], &upper, &[0, 58]].concat() };
        let sum = checksum(&[&pseudo, &packet[start..]]);
        packet[start + 2..start + 4].copy_from_slice(&sum);
    }
}

/// RFC 1071.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    (!u16::try_from(folded).unwrap()).to_be_bytes()
}

fn as_heard<A: Copy + Into<IpAddr>>(report: &Report<A>) -> Vec<Heard> {
    let kind = |kind| match kind {
        RecordKind::Report => naive::REPORT,
        RecordKind::Leave => naive::LEAVE,
        RecordKind::IsInclude => 1,
        RecordKind::IsExclude => 2,
        RecordKind::ToInclude => 3,
        RecordKind::ToExclude => 4,
        RecordKind::Allow => 5,
        RecordKind::Block => 6,
    };
    let heard = report.records.iter().map(|record| Heard {
        host: report.reporter.into(),
        kind: kind(record.kind),
        group: record.group.into(),
        sources: record.sources.iter().map(|&source| source.into()).collect(),
    });
    heard.collect()
}

/// A frame of a real capture, of which some bytes of the message are changed, and the end cut off.
fn lie() -> impl Strategy<Value = Vec<u8>> {
    let capture = prop::sample::select(vec![IGMP_V2, IGMP_V3, MLD_V2]);
    let kind =
        prop::option::of(prop::sample::select(vec![0x11_u8, 0x12, 0x16, 0x17, 0x22, 130, 131, 132, 143]));
    let record_kind = prop::option::of(0..8_u8);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 0..4);
    let cut = prop_oneof![3 => Just(0), 1 => 0..40_usize];
    (capture, any::<prop::sample::Index>(), kind, record_kind, edits, cut).prop_map(
        |(pcap, frame, kind, record_kind, edits, cut)| {
            let frames = naive::frames(pcap);
            let mut packet = pcap[frame.get(&frames).clone()][14..].to_vec();
            let start = if packet[0] >> 4 == 4 { 24 } else { 48 };
            packet[start] = kind.unwrap_or(packet[start]);
            if let (Some(kind), Some(of_first)) = (record_kind, packet.get_mut(start + 8)) {
                *of_first = kind;
            }
            for (at, value) in edits {
                let at = start + 4 + at.index(packet.len() - start - 4);
                packet[at] = value;
            }
            packet.truncate((start + 4).max(packet.len().saturating_sub(cut)));
            seal(&mut packet);
            packet
        },
    )
}

proptest! {
    #![proptest_config(tries(2000))]

    /// A lie with the right checksums is read as the naive reading has it, or not at all.
    #[test]
    fn fuzz_packets_that_lie(packet in lie()) {
        let (host, message) = naive::message(&packet);
        // The shortest message of either protocol has 8 bytes.
        let expected = naive::heard(host, message).filter(|_| message.len() >= 8);
        let read = membership_reports::read(&packet).ok().flatten().map(|report| match report {
            HostReport::Igmp(report) => as_heard(&report),
            HostReport::Mld(report) => as_heard(&report),
        });
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn fuzz_bytes_are_no_report_or_malformed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!matches!(membership_reports::read(&bytes), Ok(Some(_))));
        prop_assert!(Recording::read(bytes.as_slice()).damage.is_some());
    }
}

proptest! {
    #![proptest_config(tries(256))]

    /// Wherever bytes of a capture are changed, what comes before is the same, and all of it can be replayed.
    #[test]
    fn fuzz_corrupt_captures(
        pcap in prop::sample::select(vec![IGMP_V2, IGMP_V3, MLD_V2]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut corrupt = pcap.to_vec();
        let mut first = pcap.len();
        for (at, value) in changes {
            let at = at.index(pcap.len());
            corrupt[at] = value;
            first = first.min(at);
        }
        let traffic = Recording::read(corrupt.as_slice());
        let whole = naive::frames(pcap).iter().filter(|frame| frame.end <= first).count();
        assert_begins_with(&traffic, &Recording::read(pcap), whole);
        play(&traffic);
    }
    /// The same of captures of all kinds; and each packet is in the census, once.
    #[test]
    fn fuzz_corrupt_captures_of_all_kinds(
        capture in prop::sample::select(cases::FILES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut corrupt = capture.to_vec();
        for (at, value) in changes {
            corrupt[at.index(capture.len())] = value;
        }
        let recording = Recording::read(corrupt.as_slice());
        play(&recording);
        prop_assert_eq!(recording.census.packets(), packets(&corrupt));
    }
}

/// How many there are, whatever they are.
fn packets(capture: &[u8]) -> usize {
    let Ok(mut capture) = captured_packets::Capture::new(capture) else { return 0 };
    std::iter::from_fn(|| capture.next_packet().ok().flatten()).count()
}

/// As many cases of a property, or `PROPTEST_CASES`.
fn tries(by_default: u32) -> ProptestConfig {
    let asked_for = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(asked_for.unwrap_or(by_default))
    }
}
