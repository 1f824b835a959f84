//! Packets of one's own making: what a host's kernel would not send.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use linux_router::family::Family as Routed;
use linux_router::igmp::query::Query;
use netns::link::Link;
use socket2::Socket;

use netns::link::Family;

/// Sends whole IP packets from a host's end of a link.
pub(crate) struct Wire {
    socket: Socket,
    index: NonZeroU32,
}

/// The type of a record, of IGMPv3 and MLDv2.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    IsInclude,
    ToInclude,
    ToExclude,
    Allow,
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::IsInclude => 1,
            Self::ToInclude => 3,
            Self::ToExclude => 4,
            Self::Allow => 5,
        }
    }
}

/// An address family whose packets are made here.
pub(crate) trait Forged: Family + Routed {
    /// A report of IGMPv3 or MLDv2.
    fn report(from: Self, records: &[(Kind, Self, Vec<Self>)]) -> Vec<u8>;
    /// A report of IGMPv2 or MLDv1.
    fn older_report(from: Self, group: Self) -> Vec<u8>;
    /// A leave of IGMPv2 or a done of MLDv1.
    fn leave(from: Self, group: Self) -> Vec<u8>;
    /// A datagram to a group.
    fn data(from: Self, group: Self, text: &str) -> Vec<u8>;
    /// The destination of a packet.
    fn sent_to(packet: &[u8]) -> Self;
    /// A host that speaks IGMP or MLD.
    fn speaker(number: u8) -> Self;
    /// The query that an IP packet is, if it is one.
    fn query(packet: &[u8]) -> Option<Query<Self>>;
}

impl Wire {
    pub(crate) fn open<A: Forged>(link: &Link<A>) -> Self {
        let index = NonZeroU32::new(link.host.index("eth0")).unwrap();
        Self { socket: link.host.run(|| A::sender().unwrap()), index }
    }

    pub(crate) fn send<A: Forged>(&self, packet: &[u8]) {
        A::send(&self.socket, self.index, packet, A::sent_to(packet)).unwrap();
    }
}

const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const REPORTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
const IGMP: u8 = 2;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

impl Forged for Ipv4Addr {
    fn report(from: Self, records: &[(Kind, Self, Vec<Self>)]) -> Vec<u8> {
        let message = with_records(0x22, records, Self::octets);
        inet(from, REPORTS, IGMP, 1, &sealed(message))
    }

    fn older_report(from: Self, group: Self) -> Vec<u8> {
        inet(from, group, IGMP, 1, &sealed([&[0x16, 0, 0, 0], &group.octets()[..]].concat()))
    }

    fn leave(from: Self, group: Self) -> Vec<u8> {
        inet(from, ALL_ROUTERS, IGMP, 1, &sealed([&[0x17, 0, 0, 0], &group.octets()[..]].concat()))
    }

    fn data(from: Self, group: Self, text: &str) -> Vec<u8> {
        let length = u16::try_from(8 + text.len()).unwrap().to_be_bytes();
        let udp = [&4000_u16.to_be_bytes(), &5000_u16.to_be_bytes(), &length, &[0, 0], text.as_bytes()];
        inet(from, group, UDP, 8, &udp.concat())
    }

    fn sent_to(packet: &[u8]) -> Self {
        Self::from(<[u8; 4]>::try_from(&packet[16..20]).unwrap())
    }

    fn speaker(number: u8) -> Self {
        Self::on_link(1, number)
    }

    fn query(packet: &[u8]) -> Option<Query<Self>> {
        if packet.first()? >> 4 != 4 || packet.get(9)? != &IGMP {
            return None;
        }
        let message = packet.get(usize::from(packet[0] & 0xf) * 4..)?;
        match message.first_chunk::<8>()? {
            // It is read by hand, since queries from 0.0.0.0 are nothing to the router.
            &[0x11, _, _, _, group @ ..] => {
                let sources =
                    message.get(12..)?.as_chunks().0.iter().map(|source: &[u8; 4]| Self::from(*source));
                Some(heard(
                    Self::from(<[u8; 4]>::try_from(&packet[12..16]).ok()?),
                    Self::from(group),
                    sources.collect(),
                ))
            }
            _ => None,
        }
    }
}

impl Forged for Ipv6Addr {
    fn report(from: Self, records: &[(Kind, Self, Vec<Self>)]) -> Vec<u8> {
        let message = with_records(143, records, Self::octets);
        mld(from, Self::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16), message)
    }

    fn older_report(from: Self, group: Self) -> Vec<u8> {
        mld(from, group, [&[131, 0, 0, 0, 0, 0, 0, 0], &group.octets()[..]].concat())
    }

    fn leave(from: Self, group: Self) -> Vec<u8> {
        let routers = Self::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
        mld(from, routers, [&[132, 0, 0, 0, 0, 0, 0, 0], &group.octets()[..]].concat())
    }

    fn data(from: Self, group: Self, text: &str) -> Vec<u8> {
        let length = u16::try_from(8 + text.len()).unwrap().to_be_bytes();
        let udp = [&4000_u16.to_be_bytes(), &5000_u16.to_be_bytes(), &length, &[0, 0], text.as_bytes()];
        inet6(from, group, UDP, 8, &sealed_inet6(from, group, UDP, udp.concat(), 6))
    }

    fn sent_to(packet: &[u8]) -> Self {
        Self::from(<[u8; 16]>::try_from(&packet[24..40]).unwrap())
    }

    fn speaker(number: u8) -> Self {
        Self::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into())
    }

    fn query(packet: &[u8]) -> Option<Query<Self>> {
        if packet.first()? >> 4 != 6 || packet.get(48)? != &130 {
            return None;
        }
        let address = |at: usize| Some(Self::from(<[u8; 16]>::try_from(packet.get(at..at + 16)?).ok()?));
        let sources = packet.get(76..)?.as_chunks().0.iter().map(|source: &[u8; 16]| Self::from(*source));
        Some(heard(address(8)?, address(56)?, sources.collect()))
    }
}

/// A report of IGMPv3 or MLDv2: but for the type and the length of an address they are alike.
fn with_records<A, const LENGTH: usize>(
    kind_of_message: u8,
    records: &[(Kind, A, Vec<A>)],
    octets: fn(&A) -> [u8; LENGTH],
) -> Vec<u8> {
    let mut message = vec![kind_of_message, 0, 0, 0, 0, 0];
    message.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    for (kind, group, sources) in records {
        message.extend([kind.number(), 0]);
        message.extend(u16::try_from(sources.len()).unwrap().to_be_bytes());
        message.extend(octets(group));
        message.extend(sources.iter().flat_map(octets));
    }
    message
}

/// What a test looks at in a query.
fn heard<A: Forged>(querier: A, group: A, sources: Vec<A>) -> Query<A> {
    let group = Some(group).filter(|group| *group != A::unspecified());
    let (max_response, interval) = (Duration::ZERO, None);
    Query { querier, group, sources, max_response, suppress: false, robustness: 0, interval }
}

/// The same MLD without the Router Alert that it needs.
pub(crate) fn without_router_alert(packet: &[u8]) -> Vec<u8> {
    let mut bare = packet[..40].to_vec();
    bare[4..6].copy_from_slice(&u16::try_from(packet.len() - 48).unwrap().to_be_bytes());
    bare[6] = ICMPV6;
    bare.extend(&packet[48..]);
    bare
}

fn mld(from: Ipv6Addr, to: Ipv6Addr, message: Vec<u8>) -> Vec<u8> {
    const HOP_BY_HOP: u8 = 0;
    let alert = [ICMPV6, 0, 5, 2, 0, 0, 1, 0];
    inet6(from, to, HOP_BY_HOP, 1, &[&alert[..], &sealed_inet6(from, to, ICMPV6, message, 2)].concat())
}

/// The kernel fills in the length and the checksum of the header.
fn inet(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let header = [0x45, 0xc0, 0, 0, 0, 1, 0, 0, ttl, protocol, 0, 0];
    [&header[..], &from.octets(), &to.octets(), payload].concat()
}

fn inet6(from: Ipv6Addr, to: Ipv6Addr, next: u8, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x60, 0, 0, 0, high, low, next, hop_limit][..], &from.octets(), &to.octets(), payload].concat()
}

/// With the checksum of IGMP.
fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    message
}

/// With the checksum of ICMPv6 or UDP, at its place.
fn sealed_inet6(from: Ipv6Addr, to: Ipv6Addr, next: u8, mut message: Vec<u8>, at: usize) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let pseudo = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, next], &message].concat();
    message[at..at + 2].copy_from_slice(&checksum(&pseudo));
    message
}

fn checksum(octets: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    let mut sum: u32 = octets.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}
