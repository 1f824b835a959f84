//! Octets of hosts and routers that mean harm: no panic, no state beyond the limits, and time goes on.
//!
//! `PROPTEST_CASES=10000000 cargo test -p linux-router --release fuzz` tries as many as a night has room for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Link, Own};
use linux_router::igmp::packet::{Arrived, Message, Wire};
use linux_router::igmp::query::Query;
use membership_reports::{has_router_alert, read};
use proptest::prelude::*;

/// What a link of 3 groups with 8 sources takes at most, with one message that is worked on.
const ROOM: u64 = 1 << 14;

const ALERT: [u8; 8] = [58, 0, 5, 2, 0, 0, 1, 0];

/// What happens on a link: octets come from a host, and time passes.
#[derive(Clone, Debug)]
struct Event {
    kind: u8,
    body: Vec<u8>,
    sender: u8,
    milliseconds: u64,
}

fn events(kinds: &'static [u8]) -> impl Strategy<Value = Vec<Event>> {
    // Few groups and sources, so that they meet; a record is a kind, two counts, a group and sources.
    let octet = prop_oneof![8 => 0..8u8, 2 => Just(239u8), 1 => any::<u8>()];
    let body = prop::collection::vec(octet, 0..90);
    let kind = prop_oneof![8 => prop::sample::select(kinds), 1 => any::<u8>()];
    let time = prop_oneof![4 => 0..50u64, 2 => 0..3_000u64, 1 => 0..400_000u64];
    let event = (kind, body, 0..6u8, time).prop_map(|(kind, body, sender, milliseconds)| Event {
        kind,
        body,
        sender,
        milliseconds,
    });
    prop::collection::vec(event, 1..24)
}

/// The Internet checksum, at its place in IGMP.
fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    if message.len() >= 4 {
        message[2..4].fill(0);
        let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        let mut sum: u32 = message.chunks(2).map(word).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        message[2..4].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    }
    message
}

/// Gives all to a link with small limits, which bound the memory that it takes.
fn play<A: Wire + Into<IpAddr>>(own: A, sender: impl Fn(u8) -> A, subnets: Vec<A::Net>, events: Vec<Event>) {
    let taken = allocation_counter::measure(|| follow(own, sender, subnets, events));
    assert!(taken.bytes_max <= ROOM, "{} octets", taken.bytes_max);
}

/// Looks at the link after each.
fn follow<A: Wire + Into<IpAddr>>(
    own: A,
    sender: impl Fn(u8) -> A,
    subnets: Vec<A::Net>,
    events: Vec<Event>,
) {
    let config: Config<A> = Config {
        max_groups: 3,
        max_sources: 4,
        max_link_sources: 8,
        foreign_reporters: false,
        ..Config::default()
    };
    let (mut link, mut now) = (Link::new(&config), Instant::now());
    link.start(Addresses { own: Own::Address(own), subnets }, &config, now);
    for Event { kind, body, sender: number, milliseconds } in events {
        now += Duration::from_millis(milliseconds);
        let message = sealed([&[kind, 0, 0, 0], &body[..]].concat());
        let arrived = Arrived { sender: sender(number), hop_limit: 1, options: &ALERT, message: &message };
        let queries = match A::read(arrived) {
            Ok(Some(Message::Report(report))) => link.report(&report, &config, 1 << 20, now).queries,
            Ok(Some(Message::Query(query))) => {
                drop(link.query(&query, &config, now));
                Vec::new()
            }
            Ok(None) | Err(_) => Vec::new(),
        };
        sent(&mut link, &config, queries, number, now);
        // Time goes on: nothing is due again that was just done.
        let mut turns = 0;
        while link.deadline().is_some_and(|due| due <= now) {
            let queries = link.expire(&config, now).queries;
            sent(&mut link, &config, queries, number, now);
            turns += 1;
            assert!(turns < 5, "always due");
        }
        let groups = link.groups();
        assert!(groups.len() <= 3 && groups.iter().all(|group| group.sources.len() <= 4));
        assert!(groups.iter().map(|group| group.sources.len()).sum::<usize>() <= 8);
    }
    // Nobody speaks any more: after the longest that anybody can be believed, nothing is left.
    for _ in 0..200 {
        now += Duration::from_secs(60);
        while link.deadline().is_some_and(|due| due <= now) {
            for query in link.expire(&config, now).queries {
                link.asked(&query, now);
            }
        }
    }
    assert!(link.groups().is_empty(), "{:?}", link.groups());
}

/// Queries fit in packets, say what they mean, and some of them are not sent.
fn sent<A: Wire>(link: &mut Link<A>, config: &Config<A>, queries: Vec<Query<A>>, number: u8, now: Instant) {
    for query in queries {
        for part in A::split(&query, 100) {
            assert!(A::build(&part).len() <= 100);
            if number == 5 { link.not_asked(&part, config, now) } else { link.asked(&part, now) }
        }
    }
}

proptest! {
    #[test]
    fn fuzz_igmp_on_a_link(events in events(&[0x11, 0x12, 0x16, 0x17, 0x22])) {
        let sender = |number| Ipv4Addr::new(192, 0, 2, number);
        play(Ipv4Addr::new(192, 0, 2, 3), sender, vec!["192.0.2.0/29".parse().unwrap()], events);
    }

    #[test]
    fn fuzz_mld_on_a_link(events in events(&[130, 131, 132, 143])) {
        let sender = |number: u8| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into());
        play("fe80::3".parse().unwrap(), sender, Vec::new(), events);
    }

    #[test]
    fn fuzz_whole_packets(packet in prop::collection::vec(any::<u8>(), 0..120)) {
        drop(read(&packet));
        let _alert = has_router_alert(&packet);
    }

    #[test]
    fn fuzz_hop_by_hop_options(options in prop::collection::vec(0..7u8, 0..40)) {
        // An independent walk: is there an option of type 5 within the length that the header says?
        let end = options.get(1).map_or(0, |words| 8 + usize::from(*words) * 8).min(options.len());
        let (mut at, mut found) = (2, false);
        while at < end && !found {
            found = options[at] == 5;
            at += if options[at] == 0 { 1 } else { 2 + options.get(at + 1).map_or(end, |length| usize::from(*length)) };
        }
        let whole = options.get(1).is_some_and(|words| 8 + usize::from(*words) * 8 <= options.len());
        prop_assert_eq!(has_router_alert(&options), found && whole);
    }
}
