//! The packets of IGMP and MLD: what arrives is read, queries are built.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::icmpv6::TYPE_MULTICAST_LISTENER_QUERY;
use etherparse::igmp::{MaxResponseCode, MembershipQueryWithSourcesHeader};
use etherparse::{
    Icmpv6Header, Icmpv6Slice, Icmpv6Type, IgmpHeader, IgmpSlice, IgmpType, IpDscp, IpNumber, Ipv4Header,
    Ipv6Header,
};
use mgm::Address;

use super::query::Query;
use membership_reports::{self as report, Malformed, Report};

/// What hosts and other routers say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message<A> {
    /// A host's report.
    Report(Report<A>),
    /// Another router's query.
    Query(Query<A>),
}

/// A message as the routing socket shows it: the kernel has looked at the checksums of IP, and of ICMPv6.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a, A> {
    /// Its source address.
    pub sender: A,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// The hop-by-hop options header of IPv6; empty if there is none.
    pub options: &'a [u8],
    /// From the header of IGMP or ICMPv6 on.
    pub message: &'a [u8],
}

/// Why a message is dropped.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Dropped {
    /// It makes no sense.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// All of IGMP and MLD is sent with 1 (RFC 9776 §4, RFC 9777 §5): this crossed a router, or was meant to.
    #[error("not sent on this link: its TTL or hop limit is {0}")]
    Routed(u8),
    /// RFC 9777 §5.1.14 and §5.2.13.
    #[error("not sent on this link: its source is not link-local")]
    NotLinkLocal,
    /// RFC 9777 §7.2 and §8: without it, it may come from anywhere.
    #[error("MLD without a Router Alert")]
    NoRouterAlert,
    /// It asks for a group that is none.
    #[error("a query for {0}, which is no group")]
    NoGroup(IpAddr),
    /// A query is of no version's length (RFC 9776 §7.1, RFC 9777 §8.1).
    #[error("a query of {0} octets")]
    QueryLength(usize),
}

/// The protocol of an address family.
pub trait Wire: Address {
    /// Reads a message; nothing if it is neither a report nor a query.
    ///
    /// # Errors
    ///
    /// Why it has to be dropped.
    fn read(arrived: Arrived<'_, Self>) -> Result<Option<Message<Self>>, Dropped>;

    /// The queries that fit in packets of so many octets: several if there are many sources.
    fn split(query: &Query<Self>, octets: usize) -> Vec<Query<Self>> {
        let room = octets.min(PACKET).saturating_sub(Self::HEADERS) / size_of::<Self>();
        // Where not even one source fits the packet is too large to be sent, and that is noticed.
        let split = chunks(&query.sources, room.max(1));
        split.map(|sources| Query { sources: sources.to_vec(), ..query.clone() }).collect()
    }

    /// The octets of a query before its sources, with those of IP.
    const HEADERS: usize;

    /// The IP packet of a query.
    fn build(query: &Query<Self>) -> Vec<u8>;

    /// Where such a query is sent to.
    fn destination(query: &Query<Self>) -> Self;
}

/// No query is larger, whatever a link carries: RFC 8200 §5.
const PACKET: usize = 1280;

impl Wire for Ipv4Addr {
    fn read(arrived: Arrived<'_, Self>) -> Result<Option<Message<Self>>, Dropped> {
        let Arrived { sender, hop_limit, message, .. } = arrived;
        if hop_limit != 1 {
            return Err(Dropped::Routed(hop_limit));
        }
        Ok(match report::igmp(sender, message)? {
            Some(report) => Some(Message::Report(report)),
            None => igmp_query(sender, message)?.map(Message::Query),
        })
    }

    const HEADERS: usize = Ipv4Header::MIN_LEN + ROUTER_ALERT_V4.len() + IgmpHeader::MAX_LEN;

    fn build(query: &Query<Self>) -> Vec<u8> {
        igmp_packet(query)
    }

    fn destination(query: &Query<Self>) -> Self {
        query.group.unwrap_or(Self::new(224, 0, 0, 1))
    }
}

impl Wire for Ipv6Addr {
    fn read(arrived: Arrived<'_, Self>) -> Result<Option<Message<Self>>, Dropped> {
        let Arrived { sender, hop_limit, options, message } = arrived;
        let icmp = Icmpv6Slice::from_slice(message).map_err(Malformed::Length)?;
        let read = match report::mld(sender, &icmp)? {
            Some(report) => Some(Message::Report(report)),
            None => mld_query(sender, &icmp)?.map(Message::Query),
        };
        match read {
            Some(_) if hop_limit != 1 => Err(Dropped::Routed(hop_limit)),
            Some(_) if !sender.is_unicast_link_local() => Err(Dropped::NotLinkLocal),
            Some(_) if !membership_reports::has_router_alert(options) => Err(Dropped::NoRouterAlert),
            read => Ok(read),
        }
    }

    const HEADERS: usize = Ipv6Header::LEN + HOP_BY_HOP.len() + MLD_QUERY;

    fn build(query: &Query<Self>) -> Vec<u8> {
        mld_packet(query)
    }

    fn destination(query: &Query<Self>) -> Self {
        query.group.unwrap_or(Self::new(0xff02, 0, 0, 0, 0, 0, 0, 1))
    }
}

/// RFC 2113.
const ROUTER_ALERT_V4: [u8; 4] = [0x94, 0x04, 0, 0];
/// RFC 2711: what follows, no further words, the option of MLD, and two octets to fill them.
const HOP_BY_HOP: [u8; 8] = [IpNumber::IPV6_ICMP.0, 0, 5, 2, 0, 0, 1, 0];
/// The octets of an MLDv2 query before its sources.
const MLD_QUERY: usize = 28;

/// RFC 9776 §7.1: 8 octets are IGMPv1 or IGMPv2, 12 and more IGMPv3, others are ignored.
fn igmp_query(querier: Ipv4Addr, message: &[u8]) -> Result<Option<Query<Ipv4Addr>>, Dropped> {
    let message = IgmpSlice::from_slice(message).map_err(Malformed::Length)?;
    // Snooping switches ask from 0.0.0.0, and are never elected (RFC 4541 §2.1.1).
    if querier.is_unspecified() {
        return Ok(None);
    }
    let tenths = |tenths: u16| Duration::from_millis(u64::from(tenths) * 100);
    match message {
        IgmpSlice::MembershipQuery(query) => Ok(Some(Query {
            querier,
            group: group(Ipv4Addr::from(query.group_address()))?,
            sources: Vec::new(),
            // IGMPv1 says nothing, and its hosts have 10 s (RFC 2236 §4).
            max_response: tenths(
                Some(query.max_response_time().into()).filter(|&time| time > 0).unwrap_or(100),
            ),
            suppress: false,
            robustness: 0,
            interval: None,
        })),
        IgmpSlice::MembershipQueryWithSources(query) => Ok(Some(Query {
            querier,
            group: group(Ipv4Addr::from(query.group_address()))?,
            sources: query.source_addresses().map(Ipv4Addr::from).collect(),
            max_response: tenths(query.max_response_code().as_10th_secs()),
            suppress: query.s_flag(),
            robustness: query.qrv().value(),
            interval: Some(Duration::from_secs(decode(query.qqic().into(), 4).into())),
        })),
        IgmpSlice::MembershipReportV1(_)
        | IgmpSlice::MembershipReportV2(_)
        | IgmpSlice::MembershipReportV3(_)
        | IgmpSlice::LeaveGroup(_)
        | IgmpSlice::Unknown(_) => Ok(None),
    }
}

/// RFC 9777 §8.1: 24 octets are MLDv1, 28 and more MLDv2, others are ignored.
fn mld_query(querier: Ipv6Addr, message: &Icmpv6Slice<'_>) -> Result<Option<Query<Ipv6Addr>>, Dropped> {
    if message.type_u8() != TYPE_MULTICAST_LISTENER_QUERY {
        return Ok(None);
    }
    let length = Dropped::QueryLength(message.slice().len());
    let [high, low, _, _] = message.bytes5to8();
    let (&address, rest) = message.payload().split_first_chunk::<16>().ok_or_else(|| length.clone())?;
    let mut query = Query {
        querier,
        group: group(Ipv6Addr::from(address))?,
        sources: Vec::new(),
        max_response: Duration::from_millis(decode(u16::from_be_bytes([high, low]), 12).into()),
        suppress: false,
        robustness: 0,
        interval: None,
    };
    if !rest.is_empty() {
        let (&[flags, qqic, high, low], rest) = rest.split_first_chunk().ok_or_else(|| length.clone())?;
        let count = usize::from(u16::from_be_bytes([high, low]));
        let sources = rest.as_chunks::<16>().0.get(..count).ok_or(length)?;
        query.sources = sources.iter().copied().map(Ipv6Addr::from).collect();
        query.suppress = flags & SUPPRESS != 0;
        query.robustness = flags & MAX_ROBUSTNESS;
        query.interval = Some(Duration::from_secs(decode(qqic.into(), 4).into()));
    }
    Ok(Some(query))
}

/// The group of a query: nothing in a general one.
fn group<A: Copy + Into<IpAddr>>(address: A) -> Result<Option<A>, Dropped> {
    match address.into() {
        any if any.is_unspecified() => Ok(None),
        group if group.is_multicast() => Ok(Some(address)),
        other => Err(Dropped::NoGroup(other)),
    }
}

const SUPPRESS: u8 = 0b1000;
const MAX_ROBUSTNESS: u8 = 0b0111;

fn igmp_packet(query: &Query<Ipv4Addr>) -> Vec<u8> {
    let payload: Vec<u8> = query.sources.iter().flat_map(|source| source.octets()).collect();
    let tenths = query.max_response.as_millis() / 100;
    let header = MembershipQueryWithSourcesHeader {
        max_response_code: MaxResponseCode(byte(encode(tenths, 4))),
        group_address: query.group.unwrap_or(Ipv4Addr::UNSPECIFIED).octets().into(),
        raw_byte_8: flags(query),
        qqic: interval_code(query),
        num_of_sources: short(query.sources.len()),
    };
    let igmp = IgmpHeader::with_checksum(IgmpType::MembershipQueryWithSources(header), &payload).to_bytes();
    let source = query.querier.octets();
    let mut ip = Ipv4Header {
        dscp: IpDscp::CS6,
        time_to_live: 1,
        protocol: IpNumber::IGMP,
        source,
        destination: Ipv4Addr::destination(query).octets(),
        options: ROUTER_ALERT_V4.into(),
        ..Ipv4Header::default()
    };
    ip.total_len = short(ip.header_len() + igmp.len() + payload.len());
    ip.header_checksum = ip.calc_header_checksum();
    [ip.to_bytes().as_slice(), &igmp, &payload].concat()
}

#[expect(clippy::expect_used, reason = "only a length of more than 32 bits has no checksum")]
fn mld_packet(query: &Query<Ipv6Addr>) -> Vec<u8> {
    let mut payload = query.group.unwrap_or(Ipv6Addr::UNSPECIFIED).octets().to_vec();
    payload.extend([flags(query), interval_code(query)]);
    payload.extend(short(query.sources.len()).to_be_bytes());
    payload.extend(query.sources.iter().flat_map(|source| source.octets()));
    let [high, low] = encode(query.max_response.as_millis(), 12).to_be_bytes();
    let kind = Icmpv6Type::Unknown {
        type_u8: TYPE_MULTICAST_LISTENER_QUERY,
        code_u8: 0,
        bytes5to8: [high, low, 0, 0],
    };
    let (source, destination) = (query.querier.octets(), Ipv6Addr::destination(query).octets());
    let mld = Icmpv6Header::with_checksum(kind, source, destination, &payload)
        .expect("it fits in a packet")
        .to_bytes();
    let ip = Ipv6Header {
        payload_length: short(HOP_BY_HOP.len() + mld.len() + payload.len()),
        next_header: IpNumber::IPV6_HEADER_HOP_BY_HOP,
        hop_limit: 1,
        source,
        destination,
        ..Ipv6Header::default()
    };
    [ip.to_bytes().as_slice(), &HOP_BY_HOP, &mld, &payload].concat()
}

/// A number of octets or sources in one packet.
fn short(number: usize) -> u16 {
    number.try_into().unwrap_or(u16::MAX)
}

fn flags<A>(query: &Query<A>) -> u8 {
    let suppress = if query.suppress { SUPPRESS } else { 0 };
    // RFC 9776 §4.1.6: what does not fit is said with 0.
    suppress | Some(query.robustness).filter(|&robustness| robustness <= MAX_ROBUSTNESS).unwrap_or(0)
}

fn interval_code<A>(query: &Query<A>) -> u8 {
    byte(encode(query.interval.unwrap_or_default().as_secs().into(), 4))
}

fn byte(code: u16) -> u8 {
    code.try_into().unwrap_or(u8::MAX)
}

/// A time as a code: small ones as they are, others as a mantissa of so many bits and an exponent, and too large
/// ones as the largest (RFC 9776 §4.1.1 and §4.1.7; RFC 9777 §5.1.3).
#[must_use]
pub fn encode(value: u128, mantissa_bits: u32) -> u16 {
    let float = 1 << (mantissa_bits + 3);
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    if value < float {
        return value.try_into().unwrap_or(u16::MAX);
    }
    let exponent = value.ilog2() - (mantissa_bits + 3);
    let largest = (float << 1) - 1;
    let code = float | exponent << mantissa_bits | (value >> (exponent + 3)) & ((1 << mantissa_bits) - 1);
    if exponent > 7 { largest } else { code }.try_into().unwrap_or(u16::MAX)
}

/// The time that a code stands for.
#[must_use]
pub fn decode(code: u16, mantissa_bits: u32) -> u32 {
    let code = u32::from(code);
    if code < 1 << (mantissa_bits + 3) {
        return code;
    }
    let mantissa = code & ((1 << mantissa_bits) - 1) | 1 << mantissa_bits;
    let exponent = code >> mantissa_bits & 0b111;
    mantissa << (exponent + 3)
}

/// A query without sources is one packet, one with many is several.
fn chunks<A>(sources: &[A], room: usize) -> impl Iterator<Item = &[A]> {
    let none = sources.is_empty().then_some(sources);
    none.into_iter().chain(sources.chunks(room))
}
