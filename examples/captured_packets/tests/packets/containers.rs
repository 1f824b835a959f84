//! Kinds A and C: the container, and the fields of its headers.

use std::time::Duration;

use captured_packets::Damage;

use crate::write::{MICROSECONDS, NANOSECONDS, ORDERS, Order, Pcap, Pcapng, ethernet, one_frame, packet};
use crate::{ip, read, sound};

const IPV4: u16 = 0x0800;

fn frame(number: u8) -> Vec<u8> {
    ethernet(IPV4, &packet(number))
}

fn length(frame: &[u8]) -> u32 {
    u32::try_from(frame.len()).unwrap()
}

/// That packets 1, 2, … are there, at these times.
fn assert_numbered(capture: &[u8], times: &[Duration]) {
    let packets = sound(capture);
    assert_eq!(packets.iter().map(|packet| packet.time).collect::<Vec<_>>(), times);
    for (index, read) in packets.iter().enumerate() {
        assert_eq!(read.number, index + 1);
        assert_eq!(ip(read), Ok(packet(u8::try_from(read.number).unwrap()).as_slice()));
    }
}

#[test]
fn pcap_is_read_in_both_byte_orders_and_resolutions() {
    for order in ORDERS {
        for (magic, second_and_a_half) in [(MICROSECONDS, 500_000), (NANOSECONDS, 500_000_000)] {
            let (first, second) = (frame(1), frame(2));
            let capture = Pcap::new(order, magic, 1).record(7, 0, length(&first), &first);
            let capture = capture.record(8, second_and_a_half, length(&second), &second);
            assert_numbered(&capture.bytes, &[Duration::ZERO, Duration::from_millis(1500)]);
        }
    }
}

/// The fraction runs over a second, the packet was shorter or much longer than what was captured of it.
#[test]
fn records_of_pcap_are_read_whatever_they_say_beside_their_length() {
    let capture = Pcap::new(Order::Little, MICROSECONDS, 1).record(0, 0, 1, &frame(1));
    let capture = capture.record(0, 1_500_000, 0, &frame(2)).record(3, 0, u32::MAX, &frame(3));
    let times = [0, 1500, 3000].map(Duration::from_millis);
    assert_numbered(&capture.bytes, &times);
}

/// libpcap: before version 2.3 the original length came first, in 2.3 if it is the smaller one.
#[test]
fn the_lengths_of_a_record_of_old_are_in_another_order() {
    for (minor, captured_is_first) in [(0, false), (2, false), (3, true), (4, true)] {
        for original in [42, 60] {
            let mut capture =
                Pcap::new(Order::Little, MICROSECONDS, 1).record(0, 0, original, &frame(1)).bytes;
            capture[6] = minor;
            if !captured_is_first {
                capture[32..40].rotate_left(4);
            }
            assert_numbered(&capture, &[Duration::ZERO]);
        }
    }
    let mut swapped = Pcap::new(Order::Little, MICROSECONDS, 1).record(0, 0, 60, &frame(1)).bytes;
    swapped[6] = 3;
    swapped[32..40].rotate_left(4);
    assert_numbered(&swapped, &[Duration::ZERO]);
}

/// FCS length, its flag, reserved bits.
#[test]
fn the_link_type_of_pcap_is_the_lower_half_of_its_field() {
    for upper in [0x4400_0000, 0x2400_0000, 0xf000_0000, 0x0400_0000, 0x03ff_0000] {
        let with_fcs = [frame(1), vec![0xde, 0xad, 0xbe, 0xef]].concat();
        let packets = sound(&one_frame(upper | 1, &with_fcs));
        assert!(ip(&packets[0]).unwrap().starts_with(&packet(1)));
    }
}

/// Version, time zone, accuracy and snapshot length say nothing of where a record begins.
#[test]
fn other_fields_of_the_header_of_pcap_do_not_matter() {
    for (at, bytes) in
        [(4, [2, 0, 3, 0]), (4, [9, 0, 0, 0]), (8, [0xff; 4]), (12, [9; 4]), (16, [0; 4]), (16, [1, 0, 0, 0])]
    {
        let mut capture = one_frame(1, &frame(1));
        capture[at..at + 4].copy_from_slice(&bytes);
        assert_numbered(&capture, &[Duration::ZERO]);
    }
}

#[test]
fn a_packet_that_is_larger_than_any_is_damage_in_either_container() {
    for length in [262_144, 262_145] {
        let large = ethernet(IPV4, &vec![0x45; length - 14]);
        let pcap =
            Pcap::new(Order::Little, MICROSECONDS, 1).frame(&frame(1)).frame(&large).frame(&frame(3)).bytes;
        let pcapng = Pcapng::new(Order::Little).interface(1, 0, &[]).enhanced(0, 0, &frame(1));
        let pcapng = pcapng.enhanced(0, 0, &large).enhanced(0, 0, &frame(3)).bytes;
        for capture in [pcap, pcapng] {
            let (packets, damage) = read(&capture);
            if length == 262_144 {
                assert!(damage.is_none() && packets.len() == 3);
            } else {
                assert!(matches!(damage, Some(Damage::Nonsense(2))) && packets.len() == 1, "{damage:?}");
            }
        }
    }
}

#[test]
fn every_block_of_pcapng_that_carries_a_packet_is_read() {
    for order in ORDERS {
        let capture = Pcapng::new(order).interface(1, 0, &[]).enhanced(0, 1_000_000, &frame(1));
        let capture = capture.obsolete(0, 2_000_000, &frame(2)).simple(length(&frame(3)), &frame(3));
        assert_numbered(&capture.bytes, &[0, 1, 1].map(Duration::from_secs));
    }
}

/// Names, statistics, secrets, custom blocks, and what has no meaning yet.
#[test]
fn other_blocks_of_pcapng_are_skipped() {
    let mut capture = Pcapng::new(Order::Little).interface(1, 0, &[]);
    for kind in [4, 5, 9, 10, 0xbad, 0x4000_0bad, 0x7fff_fff0] {
        capture = capture.block(kind, &[0xaa; 33]);
    }
    assert_numbered(&capture.enhanced(0, 5, &frame(1)).bytes, &[Duration::ZERO]);
}

/// 10^-9, 10^-3, 2^-10; and a clock that is set to later than the times in the blocks.
#[test]
fn the_clock_of_an_interface_is_used() {
    for (resolution, per_second) in [(9, 1_000_000_000), (3, 1000), (0x8a, 1024), (0, 1)] {
        let options: [(u16, &[u8]); 1] = [(9, &[resolution])];
        let capture = Pcapng::new(Order::Big).interface(1, 0, &options);
        let capture = capture.enhanced(0, 3 * per_second, &frame(1)).enhanced(0, 5 * per_second, &frame(2));
        assert_numbered(&capture.bytes, &[0, 2].map(Duration::from_secs));
    }
    let offset: [(u16, &[u8]); 1] = [(14, &100_i64.to_be_bytes())];
    let capture = Pcapng::new(Order::Big).interface(1, 0, &[]).interface(1, 0, &offset);
    let capture = capture.enhanced(0, 0, &frame(1)).enhanced(1, 1_000_000, &frame(2));
    assert_numbered(&capture.bytes, &[0, 101].map(Duration::from_secs));
}

#[test]
fn a_clock_that_is_beyond_reason_does_no_harm() {
    for resolution in [39, 127, 0xff] {
        let options: [(u16, &[u8]); 2] = [(9, &[resolution]), (14, &i64::MIN.to_be_bytes())];
        let capture = Pcapng::new(Order::Big).interface(1, 0, &options).enhanced(0, u64::MAX, &frame(1));
        assert_numbered(&capture.bytes, &[Duration::ZERO]);
    }
}

/// A name that is no UTF-8, a time zone, an option that no one knows, no end of options, one that is cut.
#[test]
fn options_that_are_odd_do_not_stop_a_capture() {
    let options: [(u16, &[u8]); 4] = [(2, b"eth\xff"), (10, &[0; 4]), (4, &[1]), (0x7abc, b"?")];
    let capture = Pcapng::new(Order::Little).interface(1, 0, &options).enhanced(0, 0, &frame(1));
    assert_numbered(&capture.bytes, &[Duration::ZERO]);
    let mut cut = Pcapng::new(Order::Little).interface(1, 0, &[(2, b"eth0")]);
    let length_of_name = cut.bytes.len() - 4 - 4 - 2;
    cut.bytes[length_of_name] = 0xff;
    assert_numbered(&cut.enhanced(0, 0, &frame(1)).bytes, &[Duration::ZERO]);
}

/// Also of captures one after another, in different byte orders.
#[test]
fn each_interface_of_pcapng_has_its_own_link_type_and_is_a_link() {
    let capture = Pcapng::new(Order::Little).interface(1, 0, &[(2, b"lan")]).interface(101, 0, &[]);
    let capture = capture.enhanced(0, 0, &frame(1)).enhanced(1, 0, &packet(2));
    let capture = capture.section(Order::Big).interface(101, 0, &[(2, b"lan")]).enhanced(0, 0, &packet(3));
    let capture = capture.interface(1, 0, &[(2, b"wan")]).enhanced(1, 0, &frame(4));
    let packets = sound(&capture.bytes);
    let read: Vec<_> =
        packets.iter().map(|packet| (packet.link.to_string(), ip(packet).unwrap()[15])).collect();
    let expected = [("lan", 1), ("captured interface 1", 2), ("lan", 3), ("wan", 4)];
    assert_eq!(read, expected.map(|(link, number)| (String::from(link), number)));
    assert_eq!(packets[0].link, packets[2].link);
    let same_name = Pcapng::new(Order::Little).interface(1, 0, &[(2, b"x")]).interface(1, 0, &[(2, b"x")]);
    let packets = sound(&same_name.enhanced(0, 0, &frame(1)).enhanced(1, 0, &frame(2)).bytes);
    assert_ne!(packets[0].link, packets[1].link);
}

#[test]
fn a_simple_packet_is_cut_at_the_snapshot_length() {
    let capture = Pcapng::new(Order::Little).interface(101, 21, &[]).simple(28, &packet(1)[..24]);
    assert_eq!(ip(&sound(&capture.bytes)[0]).unwrap().len(), 21);
}

#[test]
fn packets_of_an_interface_that_is_not_described_are_counted_and_passed_over() {
    let capture = Pcapng::new(Order::Little).enhanced(3, 0, &frame(1)).simple(4, &[0; 4]);
    let capture = capture.interface(1, 0, &[]).enhanced(0, 0, &frame(3));
    let packets = sound(&capture.bytes);
    assert_eq!(ip(&packets[0]).unwrap_err(), "an interface that the capture does not describe");
    assert_eq!(ip(&packets[2]), Ok(packet(3).as_slice()));
}

#[test]
fn a_block_that_contradicts_itself_is_damage() {
    let one = Pcapng::new(Order::Little).interface(1, 0, &[]).enhanced(0, 0, &frame(1));
    let second = one.bytes.len();
    let two = one.enhanced(0, 0, &frame(2)).bytes;
    let (captured_length, length_in_the_end) = (second + 8 + 12, two.len() - 4);
    for at in [captured_length, length_in_the_end] {
        let mut capture = two.clone();
        capture[at] ^= 0x80;
        let (packets, damage) = read(&capture);
        assert!(matches!(damage, Some(Damage::Nonsense(2))) && packets.len() == 1, "{damage:?}");
    }
}

#[test]
fn a_capture_cut_anywhere_is_read_up_to_there() {
    let pcap = Pcap::new(Order::Big, NANOSECONDS, 1).frame(&frame(1)).frame(&frame(2)).bytes;
    let pcapng =
        Pcapng::new(Order::Big).interface(1, 0, &[]).enhanced(0, 0, &frame(1)).enhanced(0, 0, &frame(2));
    for whole in [pcap, pcapng.bytes] {
        for length in 0..whole.len() {
            let (packets, damage) = read(&whole[..length]);
            assert!(packets.len() < 2, "cut at {length}");
            let complete = matches!(damage, None | Some(Damage::CutShort(_) | Damage::Format));
            assert!(complete, "cut at {length}: {damage:?}");
        }
    }
}

/// As from a pipe, into which a capture is written while it is read.
#[test]
fn a_packet_is_there_as_soon_as_its_last_byte_is() {
    use captured_packets::Capture;
    use std::io::{self, BufReader, Read};

    struct Byte<'a>(&'a [u8]);
    impl Read for Byte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }
    let pcap = Pcap::new(Order::Big, NANOSECONDS, 1).frame(&frame(1)).bytes;
    let pcapng = Pcapng::new(Order::Big).interface(1, 0, &[]).enhanced(0, 0, &frame(1)).bytes;
    for capture in [pcap, pcapng] {
        let never_read = Byte(b"");
        let follows = Read::chain(Byte(&capture), Blocking).chain(never_read);
        let mut capture = Capture::new(BufReader::new(follows)).unwrap();
        let first = capture.next_packet().unwrap().unwrap();
        assert_eq!(ip(&first), Ok(packet(1).as_slice()));
    }

    /// Where the capture goes on, later.
    struct Blocking;
    impl Read for Blocking {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("the packet was there already");
        }
    }
}
