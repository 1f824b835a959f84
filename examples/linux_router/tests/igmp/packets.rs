//! What is read from packets and what is put into them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::{Ipv4Slice, Ipv6Slice};
use proptest::prelude::*;

use linux_router::igmp::packet::{Arrived, Dropped, Message, Wire, decode, encode};
use linux_router::igmp::query::Query;

fn igmp(sources: usize) -> Query<Ipv4Addr> {
    let source = |n| Ipv4Addr::from_bits(0xc633_6400 + u32::try_from(n).unwrap());
    Query {
        querier: Ipv4Addr::new(192, 0, 2, 1),
        group: (sources > 0).then_some(Ipv4Addr::new(239, 1, 1, 1)),
        sources: (1..sources).map(source).collect(),
        max_response: Duration::from_secs(10),
        suppress: sources == 2,
        robustness: 2,
        interval: Some(Duration::from_secs(125)),
    }
}

fn mld(sources: usize) -> Query<Ipv6Addr> {
    let source = |n| Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::try_from(n).unwrap());
    let Query { max_response, suppress, robustness, interval, .. } = igmp(sources);
    Query {
        querier: "fe80::1".parse().unwrap(),
        group: (sources > 0).then_some("ff0e::1:1".parse().unwrap()),
        sources: (1..sources).map(source).collect(),
        max_response,
        suppress,
        robustness,
        interval,
    }
}

/// What the routing socket shows of a packet.
trait Show: Wire {
    fn show(packet: &[u8]) -> Option<Arrived<'_, Self>>;

    fn read_packet(packet: &[u8]) -> Result<Option<Message<Self>>, Dropped> {
        Self::read(Self::show(packet).unwrap())
    }
}

impl Show for Ipv4Addr {
    fn show(packet: &[u8]) -> Option<Arrived<'_, Self>> {
        let ip = Ipv4Slice::from_slice(packet).ok()?;
        let (sender, hop_limit) = (ip.header().source_addr(), ip.header().ttl());
        Some(Arrived { sender, hop_limit, options: &[], message: ip.payload().payload })
    }
}

impl Show for Ipv6Addr {
    fn show(packet: &[u8]) -> Option<Arrived<'_, Self>> {
        let ip = Ipv6Slice::from_slice(packet).ok()?;
        let (sender, hop_limit) = (ip.header().source_addr(), ip.header().hop_limit());
        Some(Arrived { sender, hop_limit, options: packet.get(40..48)?, message: ip.payload().payload })
    }
}

/// What a query says comes out of its packets again, and none is larger than any link carries.
fn check<A: Show>(query: &Query<A>, octets: usize) {
    let packets: Vec<_> = A::split(query, octets).iter().map(A::build).collect();
    let mut sources = Vec::new();
    for packet in &packets {
        assert!(packet.len() <= octets);
        let Some(Message::Query(read)) = A::read_packet(packet).unwrap() else { panic!("no query") };
        sources.extend(read.sources.clone());
        assert_eq!(read, Query { sources: read.sources.clone(), ..query.clone() });
    }
    assert_eq!(sources, query.sources);
    let room = octets.min(1280) - A::HEADERS;
    assert_eq!(
        packets.len(),
        (query.sources.len() * size_of::<A>()).div_ceil(room / size_of::<A>() * size_of::<A>()).max(1)
    );
}

#[test]
fn queries_are_read_as_they_were_built() {
    for sources in [0, 1, 2, 3, 80, 312, 1025] {
        for octets in [68, 576, 1000, 1280, 1500, 9000, usize::MAX] {
            check(&igmp(sources), octets);
        }
        check(&mld(sources), 1280);
        check(&mld(sources), 1500);
    }
}

/// RFC 9776 §4: TTL 1, Router Alert, precedence Internetwork Control, 224.0.0.1 or the group.
#[test]
fn an_igmp_query_octet_by_octet() {
    let packet = &Ipv4Addr::build(&igmp(0));
    let expected = [
        0x46, 0xc0, 0x00, 0x24, 0x00, 0x00, 0x40, 0x00, 0x01,
        0x02, // version, length; not to be fragmented; TTL, IGMP
        packet[10], packet[11], 192, 0, 2, 1, 224, 0, 0, 1, 0x94, 0x04, 0, 0, // addresses, Router Alert
        0x11, 100, packet[26], packet[27], 0, 0, 0, 0, 2, 125, 0, 0, // 10 s; QRV 2, QQI 125 s
    ];
    assert_eq!(packet[..], expected);
    assert_eq!(Ipv4Addr::build(&igmp(1))[16..20], [239, 1, 1, 1]);
}

/// RFC 9777 §5: hop limit 1, Router Alert in a hop-by-hop header, ff02::1 or the group.
#[test]
fn an_mld_query_octet_by_octet() {
    let packet = &Ipv6Addr::build(&mld(0));
    assert_eq!(packet[..8], [0x60, 0, 0, 0, 0, 36, 0, 1]);
    assert_eq!(packet[24..40], "ff02::1".parse::<Ipv6Addr>().unwrap().octets());
    assert_eq!(packet[40..48], [58, 0, 5, 2, 0, 0, 1, 0]);
    assert_eq!(packet[48..50], [130, 0]);
    assert_eq!(packet[52..56], [0x27, 0x10, 0, 0], "10000 ms");
    assert_eq!(packet[56..], [[0; 16].as_slice(), &[2, 125, 0, 0]].concat());
}

/// The kernel looks at the checksum of ICMPv6, nobody at that of IGMP.
#[test]
fn a_damaged_query_is_dropped() {
    for octet in 24..40 {
        let mut packet = Ipv4Addr::build(&igmp(3));
        packet[octet] ^= 1;
        assert!(!matches!(Ipv4Addr::read_packet(&packet), Ok(Some(Message::Query(_)))), "octet {octet}");
    }
    let packet = &Ipv6Addr::build(&mld(3));
    let whole = Ipv6Addr::show(packet).unwrap();
    for length in (0..whole.message.len()).filter(|&length| length != 24) {
        let cut = Arrived { message: &whole.message[..length], ..whole };
        assert!(Ipv6Addr::read(cut).is_err(), "{length} octets");
    }
}

#[test]
fn what_was_not_sent_on_this_link_is_dropped() {
    let mut routed = Ipv4Addr::build(&igmp(0));
    routed[8] = 64;
    assert_eq!(Ipv4Addr::read_packet(&routed), Err(Dropped::Routed(64)));
    let mut routed = Ipv6Addr::build(&mld(0));
    routed[7] = 64;
    assert!(Ipv6Addr::read_packet(&routed).is_err());
    let far = Query { querier: "2001:db8::1".parse().unwrap(), ..mld(0) };
    assert!(Ipv6Addr::read_packet(&Ipv6Addr::build(&far)) == Err(Dropped::NotLinkLocal));
}

/// RFC 9777 §7.2 and §8: of all MLD, without a Router Alert nothing counts.
#[test]
fn mld_without_a_router_alert_is_dropped() {
    let packet = Ipv6Addr::build(&mld(0));
    let whole = Ipv6Addr::show(&packet).unwrap();
    for options in [&[][..], &[58, 0, 1, 4, 0, 0, 0, 0], &[58, 0, 5], &[58, 1, 5, 2, 0, 0, 1, 0]] {
        assert_eq!(Ipv6Addr::read(Arrived { options, ..whole }), Err(Dropped::NoRouterAlert), "{options:?}");
    }
    for options in [[58, 0, 1, 0, 5, 2, 0, 0], [58, 0, 0, 0, 5, 2, 0, 0]] {
        assert!(Ipv6Addr::read(Arrived { options: &options, ..whole }).is_ok(), "{options:?}");
    }
}

/// It would win an election all the same.
#[test]
fn a_query_for_what_is_no_group_is_dropped() {
    let query = Query { group: Some(Ipv4Addr::new(10, 1, 1, 1)), ..igmp(0) };
    let dropped = Ipv4Addr::read_packet(&Ipv4Addr::build(&query));
    assert_eq!(dropped, Err(Dropped::NoGroup([10, 1, 1, 1].into())));
    let query = Query { group: Some("2001:db8::1".parse().unwrap()), ..mld(0) };
    assert!(matches!(Ipv6Addr::read_packet(&Ipv6Addr::build(&query)), Err(Dropped::NoGroup(_))));
}

/// RFC 2236 §4: an IGMPv1 router gives its hosts 10 s, and says 0.
#[test]
fn a_query_of_igmpv1_gives_ten_seconds() {
    for (tenths, seconds) in [(0, 10), (10, 1), (255, 25)] {
        let mut message = [0x11, tenths, 0, 0, 0, 0, 0, 0];
        message[2..4].copy_from_slice(&(!(0x1100 + u16::from(tenths))).to_be_bytes());
        let sender = igmp(0).querier;
        let read = Ipv4Addr::read(Arrived { sender, hop_limit: 1, options: &[], message: &message });
        let Ok(Some(Message::Query(query))) = read else { panic!("{read:?}") };
        assert_eq!(query.max_response.as_secs(), seconds);
    }
}

#[test]
fn a_snooping_switch_is_no_querier() {
    let query = Query { querier: Ipv4Addr::UNSPECIFIED, ..igmp(0) };
    assert_eq!(Ipv4Addr::read_packet(&Ipv4Addr::build(&query)), Ok(None));
}

/// RFC 9776 §4.1.1: from 128 on, a mantissa and an exponent.
#[test]
fn codes_of_times() {
    for (value, code) in [
        (0, 0),
        (100, 100),
        (127, 127),
        (128, 0x80),
        (135, 0x80),
        (136, 0x81),
        (31744, 0xff),
        (9_999_999, 0xff),
    ] {
        assert_eq!(encode(value, 4), code, "{value}");
    }
    for (value, code) in
        [(10_000, 10_000), (32_767, 32_767), (32_768, 0x8000), (8_387_584, 0xffff), (u128::MAX, 0xffff)]
    {
        assert_eq!(encode(value, 12), code, "{value}");
    }
}

proptest! {
    #[test]
    fn a_code_means_what_it_was_made_of(code in 0..=255u16, long: u16) {
        prop_assert_eq!(encode(decode(code, 4).into(), 4), code);
        prop_assert_eq!(encode(decode(long, 12).into(), 12), long);
    }

    #[test]
    fn no_octets_are_read_to_a_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let message = message.as_slice();
        drop(Ipv4Addr::read(Arrived { sender: igmp(0).querier, hop_limit: 1, options: &[5, 0, 5, 2, 0, 0, 1, 0], message }));
        drop(Ipv6Addr::read(Arrived { sender: mld(0).querier, hop_limit: 1, options: &[5, 0, 5, 2, 0, 0, 1, 0], message }));
    }

    #[test]
    fn no_damage_is_read_to_a_panic(
        sources in 0..6usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (igmp, mld) = (Ipv4Addr::build(&igmp(sources)), Ipv6Addr::build(&mld(sources)));
        let (igmp, mld) = (Ipv4Addr::show(&igmp).unwrap(), Ipv6Addr::show(&mld).unwrap());
        let damaged = |message: &[u8]| {
            let mut message = message.to_vec();
            for (at, octet) in &flips {
                let at = at.index(message.len());
                message[at] = *octet;
            }
            message.truncate(cut.index(message.len() + 1));
            message
        };
        drop(Ipv4Addr::read(Arrived { message: &damaged(igmp.message), ..igmp }));
        drop(Ipv6Addr::read(Arrived { message: &damaged(mld.message), ..mld }));
    }
}
