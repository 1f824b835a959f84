//! Kinds B and D: what is around an IP packet.

use proptest::prelude::*;

use crate::write::{ORDERS, ethernet, one_frame, packet};
use crate::{ip, sound};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Something that begins like an IPv6 packet.
fn packet_v6() -> Vec<u8> {
    let mut packet = vec![0x60; 40];
    packet[4..8].copy_from_slice(&[0, 0, 58, 1]);
    packet
}

/// That `header` and then a packet of either version is read in captures of `link_type`.
fn assert_read(link_type: u32, header_v4: &[u8], header_v6: &[u8]) {
    for (header, packet) in [(header_v4, packet(1)), (header_v6, packet_v6())] {
        let capture = one_frame(link_type, &[header, &packet].concat());
        assert_eq!(ip(&sound(&capture)[0]), Ok(packet.as_slice()), "link type {link_type}, {header:x?}");
    }
}

fn around(header: &[u8], packet: &[u8]) -> Vec<u8> {
    [header, packet].concat()
}

#[test]
fn plain_ip_under_all_its_numbers() {
    for link_type in [12, 14, 101, 228, 229] {
        assert_read(link_type, &[], &[]);
    }
}

/// NULL and LOOP, of Linux, Windows, NetBSD and OpenBSD, FreeBSD, and macOS, whose IPv6 differs.
#[test]
fn loopback_of_bsd_in_either_byte_order() {
    for link_type in [0, 108] {
        for v6 in [10, 23, 24, 28, 30] {
            assert_read(link_type, &[0, 0, 0, 2], &[0, 0, 0, v6]);
            assert_read(link_type, &[2, 0, 0, 0], &[v6, 0, 0, 0]);
        }
    }
}

#[test]
fn ppp_with_and_without_its_fixed_bytes_and_in_a_direction() {
    assert_read(9, &[0xff, 3, 0, 0x21], &[0xff, 3, 0, 0x57]);
    assert_read(9, &[0, 0x21], &[0, 0x57]);
    assert_read(9, &[0x21], &[0x57]);
    assert_read(9, &[0xff, 3, 0x21], &[0xff, 3, 0x57]);
    assert_read(50, &[0xff, 3, 0, 0x21], &[0xff, 3, 0, 0x57]);
    assert_read(50, &[0x0f, 0, 8, 0], &[0x8f, 0, 0x86, 0xdd]); // Cisco's HDLC in the same captures
    assert_read(51, &[0x11, 0, 0, 1, 0, 30, 0, 0x21], &[0x11, 0, 0, 1, 0, 42, 0, 0x57]);
    assert_read(104, &[0x0f, 0, 8, 0], &[0x8f, 0, 0x86, 0xdd]);
    for direction in [0, 1] {
        assert_read(166, &[direction, 3, 0, 0x21], &[direction, 3, 0, 0x57]);
        assert_read(204, &[direction, 0xff, 3, 0, 0x21], &[direction, 0, 0x57]);
        assert_read(205, &[direction, 0x0f, 0, 8, 0], &[direction, 0x0f, 0, 0x86, 0xdd]);
    }
}

#[test]
fn frame_relay_and_llc_on_atm() {
    assert_read(107, &[0x18, 0x41, 3, 0xcc], &[0x18, 0x41, 3, 0x8e]);
    assert_read(107, &[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], &[0x18, 0x40, 0x41, 3, 0x8e]);
    assert_read(107, &[0x18, 0x41, 8, 0], &[0x18, 0x41, 0x86, 0xdd]); // Cisco's encapsulation
    assert_read(100, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &[0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd]);
    assert_read(100, &[0xfe, 0xfe, 3, 0xcc], &[0xfe, 0xfe, 3, 0x8e]);
}

/// `tcpdump -i any` before and after 4.99.
#[test]
fn cooked_captures_of_linux() {
    let sender = [2, 0, 0, 0, 0, 7, 0, 0];
    let cooked = |protocol: u16| [&[0, 4, 0, 1, 0, 6], sender.as_slice(), &protocol.to_be_bytes()].concat();
    let cooked_2 = |protocol: u16| {
        [&protocol.to_be_bytes(), [0, 0, 0, 0, 0, 3, 0, 1, 4, 6].as_slice(), sender.as_slice()].concat()
    };
    assert_read(113, &cooked(IPV4), &cooked(IPV6));
    assert_read(276, &cooked_2(IPV4), &cooked_2(IPV6));
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    assert_eq!(
        ip(&sound(&one_frame(113, &[cooked(4), snap.to_vec(), packet(1)].concat()))[0]),
        Ok(&*packet(1))
    );
    let tagged = [cooked_2(0x8100), vec![0, 5, 8, 0], packet(1)].concat();
    let packets = sound(&one_frame(276, &tagged));
    assert_eq!(
        (ip(&packets[0]), packets[0].link.to_string()),
        (Ok(&*packet(1)), String::from("device 3, VLAN 5"))
    );
    assert_eq!(packets[0].sender.unwrap().to_string(), "02:00:00:00:00:07");
}

#[test]
fn what_other_systems_put_before() {
    let mut pktap = [108_u32.to_le_bytes(), 1_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    pktap.extend(b"en0\0");
    pktap.resize(108, 0);
    let packets = sound(&one_frame(258, &around(&pktap, &ethernet(IPV4, &packet(1)))));
    assert_eq!((ip(&packets[0]), packets[0].link.to_string()), (Ok(&*packet(1)), String::from("en0")));

    let enc = [2_u32.to_le_bytes(), [0; 4], [0; 4]].concat();
    assert_read(109, &enc, &enc);
    let mut log = vec![61];
    log.resize(64, 0);
    assert_read(117, &log, &log);
}

/// Linux's netfilter: a prefix, the mark, and the packet, in either byte order.
#[test]
fn netfilter_log() {
    for order in ORDERS {
        let value = |kind: u16, value: &[u8]| {
            let length = order.u16(u16::try_from(4 + value.len()).unwrap());
            let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
            [length.as_slice(), &order.u16(kind), value, &padding].concat()
        };
        let head = [vec![2, 0, 0, 5], value(10, b"igmp\0"), value(2, &[0; 4])].concat();
        for packet in [packet(1), packet_v6()] {
            let frame = [head.clone(), value(9, &packet)].concat();
            assert_eq!(ip(&sound(&one_frame(239, &frame))[0]), Ok(packet.as_slice()));
        }
        assert_eq!(
            ip(&sound(&one_frame(239, &head))[0]).unwrap_err(),
            "frames cut short before the IP packet"
        );
    }
}

#[test]
fn rings() {
    let addresses = [[1, 0, 0x5e, 0, 0, 0x16], [2, 0, 0, 0, 0, 7]].concat();
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let fddi = [&[0x50], addresses.as_slice(), &snap, &packet(1)].concat();
    let token_ring = [&[0x10, 0x40], addresses.as_slice(), &snap, &packet(1)].concat();
    let mut routed = token_ring.clone();
    routed[8] |= 0x80;
    routed.splice(14..14, [0xc6, 0x10, 0, 0x11, 0, 0x20]);
    for (link_type, frame) in [(10, fddi), (6, token_ring), (6, routed)] {
        let packets = sound(&one_frame(link_type, &frame));
        assert_eq!(ip(&packets[0]), Ok(&*packet(1)), "link type {link_type}");
        assert_eq!(packets[0].sender.unwrap().to_string(), "02:00:00:00:00:07");
    }
}

#[test]
fn ethernet_with_something_before() {
    let frames = [ethernet(IPV4, &[]), ethernet(IPV6, &[])];
    for (link_type, length) in [(240, 4), (241, 12), (274, 8)] {
        let [v4, v6] = frames.clone().map(|frame| [vec![0x55; length], frame].concat());
        assert_read(link_type, &v4, &v6);
    }
}

#[test]
fn data_frames_of_wifi() {
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|last| [2, 0, 0, 0, 0, last]);
    let frame = |control: u8, flags: u8, more: &[u8]| {
        [&[control, flags, 0, 0], first.as_slice(), &second, &third, &[0, 0], more, &snap, &packet(1)]
            .concat()
    };
    let frames = [
        (frame(0x08, 0, &[]), 2),
        (frame(0x08, 1, &[]), 2),
        (frame(0x08, 2, &[]), 3),
        (frame(0x08, 3, &fourth), 4),
        (frame(0x88, 1, &[0, 0]), 2),
        (frame(0x88, 0x82, &[0; 6]), 3),
    ];
    for (frame, sender) in frames {
        let mut prism = [0x44_u32, 144].iter().flat_map(|field| field.to_le_bytes()).collect::<Vec<u8>>();
        prism.resize(144, 0);
        prism.extend(&frame);
        let radiotap = around(&[0, 0, 8, 0, 0, 0, 0, 0], &frame);
        let avs = around(&[0x80, 0x21, 0x10, 1, 0, 0, 0, 8], &frame);
        let ppi = around(&[0, 0, 8, 0, 105, 0, 0, 0], &frame);
        for (link_type, frame) in [(105, frame), (119, prism), (127, radiotap), (163, avs), (192, ppi)] {
            let packets = sound(&one_frame(link_type, &frame));
            assert_eq!(ip(&packets[0]), Ok(&*packet(1)), "link type {link_type}");
            assert_eq!(packets[0].sender.unwrap().to_string(), format!("02:00:00:00:00:0{sender}"));
        }
    }
    let unread = |frame: &[u8]| ip(&sound(&one_frame(105, frame))[0]).unwrap_err();
    assert_eq!(unread(&frame(0x80, 0, &[])), "802.11 without data"); // a beacon
    assert_eq!(unread(&frame(0x48, 1, &[])), "802.11 without data");
    assert_eq!(unread(&frame(0x08, 0x41, &[])), "802.11, encrypted");
    assert_eq!(unread(&frame(0x88, 1, &[0x80, 0])), "802.11, aggregated");
}

/// Labels, and below them IP, or Ethernet with and without a control word.
#[test]
fn mpls() {
    let labels = [0, 1, 0, 64, 0, 2, 1, 64];
    assert_read(219, &labels, &labels);
    let mut stack = [0, 1, 0, 64].repeat(20);
    stack.extend([0, 2, 1, 64]);
    assert_read(1, &ethernet(0x8847, &stack), &ethernet(0x8848, &stack));
    let inner = ethernet(IPV4, &packet(1));
    for control_word in [&[][..], &[0, 0, 0, 9]] {
        let frame = ethernet(0x8847, &[&labels, control_word, &inner].concat());
        assert_eq!(ip(&sound(&one_frame(1, &frame))[0]), Ok(&*packet(1)));
    }
    assert_read(9, &around(&[0xff, 3, 2, 0x81], &labels), &around(&[0xff, 3, 2, 0x83], &labels));
}

#[test]
fn llc_and_snap_on_ethernet() {
    let llc = |content: &[u8]| ethernet(36, content);
    assert_read(1, &llc(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]), &llc(&[0xaa, 0xaa, 3, 0, 0, 0xf8, 0x86, 0xdd]));
    assert_read(1, &llc(&[6, 6, 3]), &ethernet(0x8870, &[0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd]));
    let in_a_vlan = ethernet(0x8100, &[0, 9, 0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    let tag_within = llc(&[0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0, 0, 9, 0x86, 0xdd]);
    assert_read(1, &in_a_vlan, &tag_within);
}

#[test]
fn a_providers_backbone_and_pppoe_within_tags() {
    let inner = ethernet(0x8100, &around(&[0, 7, 0x88, 0x64, 0x11, 0, 0, 9, 0, 30, 0, 0x21], &packet(1)));
    let frame = ethernet(0x88a8, &around(&[0, 3, 0x88, 0xe7, 0, 0, 1, 0], &inner));
    let packets = sound(&one_frame(1, &frame));
    assert_eq!(ip(&packets[0]), Ok(&*packet(1)));
    assert_eq!(packets[0].link.to_string(), "VLAN 3, service 256, VLAN 7, PPPoE session 9");
}

/// 802.1Q §9.6: VLAN 0 is a priority, not a link.
#[test]
fn a_priority_tag_makes_no_link() {
    let plain = ethernet(IPV4, &packet(1));
    let priority = ethernet(0x8100, &around(&[0xe0, 0, 8, 0], &packet(1)));
    let vlan = ethernet(0x8100, &around(&[0xe0, 1, 8, 0], &packet(1)));
    let link = |frame: &[u8]| sound(&one_frame(1, frame))[0].link.clone();
    assert_eq!(link(&plain), link(&priority));
    assert_ne!(link(&plain), link(&vlan));
    assert!(link(&plain).is_unnamed());
}

/// What is not looked into says what it is.
#[test]
fn anything_else_is_named() {
    let of = |link_type, frame: &[u8]| ip(&sound(&one_frame(link_type, frame))[0]).unwrap_err();
    let cases = [
        (of(1, &ethernet(0x0806, &[0; 28])), "EtherType 0x0806"),
        (of(1, &ethernet(0x88cc, &[0; 28])), "EtherType 0x88CC"),
        (of(1, &ethernet(38, &[0x42, 0x42, 3, 0])), "LLC 0x42/0x42"),
        (of(1, &ethernet(38, &[0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0])), "SNAP 00000c/0x2000"),
        (of(1, &ethernet(0x8864, &[0x11, 0, 0, 1, 0, 4, 0xc0, 0x21])), "PPP protocol 0xc021"),
        (of(1, &ethernet(0x8847, &[0, 0, 1, 0, 0x10])), "MPLS without"),
        (of(1, &ethernet(0x8100, &[])), "cut short"),
        (of(1, &[1; 13]), "cut short"),
        (of(1, &[]), "cut short"),
        (of(147, &[0; 40]), "link type 147 (USER0)"),
        (of(9999, &[0; 40]), "link type 9999"),
        (of(0, &[0, 0, 0, 7]), "protocol family 7"),
        (of(101, &[0x50; 20]), "IP version 5"),
        (of(107, &[0x18, 0x41, 3, 0x81]), "Frame Relay protocol 0x81"),
    ];
    for (said, expected) in cases {
        assert!(said.starts_with(expected) || said.contains(expected), "{said}, not {expected}");
    }
}

/// One header that can be around anything of Ethernet's protocols, before the one that is given.
#[derive(Clone, Debug)]
enum Around {
    Vlan(u16, u16),
    Label,
    Session(u16),
    Snap,
    Service(u32),
}

impl Around {
    /// Puts it around what has the number `ether_type` in Ethernet, and answers its own number.
    fn wrap(&self, ether_type: u16, payload: &[u8]) -> (u16, Vec<u8>) {
        let ether_type = ether_type.to_be_bytes();
        match *self {
            Self::Vlan(tag, vlan) => (tag, [&vlan.to_be_bytes(), &ether_type, payload].concat()),
            Self::Snap => (0x8870, [&[0xaa, 0xaa, 3, 0, 0, 0], ether_type.as_slice(), payload].concat()),
            Self::Service(number) => {
                let frame = ethernet(u16::from_be_bytes(ether_type), payload);
                (0x88e7, [&number.to_be_bytes(), frame.as_slice()].concat())
            }
            // These carry only IP here.
            Self::Label => (0x8847, [&[0, 1, 1, 64], payload].concat()),
            Self::Session(number) => {
                let [high, low] = number.to_be_bytes();
                (0x8864, [&[0x11, 0, high, low, 0, 30, 0, 0x21], payload].concat())
            }
        }
    }

    fn name(&self) -> Option<String> {
        match self {
            Self::Vlan(_, 0) | Self::Label | Self::Snap => None,
            Self::Vlan(_, vlan) => Some(format!("VLAN {vlan}")),
            Self::Session(number) => Some(format!("PPPoE session {number}")),
            Self::Service(number) => Some(format!("service {number}")),
        }
    }
}

fn tag() -> impl Strategy<Value = Around> {
    let tags = prop::sample::select(vec![0x8100_u16, 0x88a8, 0x9100, 0x9200, 0x9300]);
    prop_oneof![
        6 => (tags, 0..4096_u16).prop_map(|(tag, vlan)| Around::Vlan(tag, vlan)),
        1 => Just(Around::Snap),
        1 => (0..1_u32 << 24).prop_map(Around::Service),
    ]
}

fn innermost() -> impl Strategy<Value = Option<Around>> {
    prop::option::of(prop_oneof![Just(Around::Label), any::<u16>().prop_map(Around::Session)])
}

proptest! {
    /// As many tags as there are, whatever is within them.
    #[test]
    fn headers_in_any_order(tags in prop::collection::vec(tag(), 0..40), innermost in innermost()) {
        let (mut ether_type, mut frame) = (IPV4, packet(1));
        for header in innermost.iter().chain(tags.iter().rev()) {
            (ether_type, frame) = header.wrap(ether_type, &frame);
        }
        let packets = sound(&one_frame(1, &ethernet(ether_type, &frame)));
        prop_assert_eq!(ip(&packets[0]).map(<[u8]>::to_vec), Ok(packet(1)));
        let names: Vec<String> = tags.iter().chain(&innermost).filter_map(Around::name).collect();
        prop_assert_eq!(packets[0].link.to_string(), names.join(", "));
    }
}

/// What a link remembers is bounded.
#[test]
fn tags_beyond_all_measure_are_not_followed() {
    let frame = ethernet(0x8100, &[0, 1, 0x81, 0].repeat(60_000));
    assert_eq!(ip(&sound(&one_frame(1, &frame))[0]).unwrap_err(), "too many headers before the IP packet");
}
