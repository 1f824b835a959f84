//! What a host reports: IP packets in, the records of IGMPv1, 2, 3 and MLDv1, 2 out.
#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "it is not published")]

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::icmpv6::{TYPE_MULTICAST_LISTENER_REDUCTION, TYPE_MULTICAST_LISTENER_REPORT};
use etherparse::igmp::{MembershipReportV3Slice, ReportGroupRecordV3Slice};
use etherparse::{Icmpv6Slice, IgmpSlice, IpNumber, LaxIpPayloadSlice, LaxIpSlice, LenSource};
use etherparse::{LaxIpv4Slice, LaxIpv6Slice};

/// The report of a host, in the family in which it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostReport {
    /// By IGMP.
    Igmp(Report<Ipv4Addr>),
    /// By MLD.
    Mld(Report<Ipv6Addr>),
}

/// What one packet of a host says of its memberships.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report<A> {
    /// The version in which the host speaks.
    pub version: Version,
    /// The address from which it was sent.
    pub reporter: A,
    /// What it says of each group, in its order.
    pub records: Vec<Record<A>>,
}

/// The protocol of a report, with its version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Version {
    Igmpv1,
    Igmpv2,
    Igmpv3,
    Mldv1,
    Mldv2,
}

/// What it says of one group (RFC 3376 §4.2.4). The addresses are as they came, not yet checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record<A> {
    /// The group.
    pub group: A,
    /// How the sources are meant.
    pub kind: RecordKind,
    /// The sources that it lists.
    pub sources: Vec<A>,
}

/// What kind of record it is (RFC 9776 §4.2.14).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordKind {
    /// A report of IGMPv1, IGMPv2 or MLDv1.
    Report,
    /// A leave of IGMPv2, or a done of MLDv1.
    Leave,
    /// MODE_IS_INCLUDE: only these sources are wanted.
    IsInclude,
    /// MODE_IS_EXCLUDE: all sources but these are wanted.
    IsExclude,
    /// CHANGE_TO_INCLUDE_MODE.
    ToInclude,
    /// CHANGE_TO_EXCLUDE_MODE.
    ToExclude,
    /// ALLOW_NEW_SOURCES.
    Allow,
    /// BLOCK_OLD_SOURCES.
    Block,
}

/// Why a packet that carries IGMP or MLD has to be dropped.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// The IP header makes no sense.
    #[error("{0}")]
    IpHeader(#[from] etherparse::err::ip::LaxHeaderSliceError),
    /// Not all of the packet is there.
    #[error("the packet is cut short, or a fragment")]
    CutShort,
    /// It was damaged on its way.
    #[error("wrong checksum")]
    Checksum,
    /// It is shorter than it says.
    #[error("{0}")]
    Length(#[from] etherparse::err::LenError),
    /// The records of an MLDv2 report are longer than the report.
    #[error("the MLDv2 records are cut short")]
    Records,
    /// RFC 3810 §7.4: else hosts elsewhere could join here.
    #[error("not sent on this link: MLD needs a link-local source, hop limit 1 and a Router Alert")]
    OffLink,
}

/// ICMPv6 type of an MLDv2 report (RFC 3810 §5.2), which etherparse does not name.
const TYPE_MLDV2_REPORT: u8 = 143;

const MLD_REPORTS: [u8; 3] =
    [TYPE_MULTICAST_LISTENER_REPORT, TYPE_MULTICAST_LISTENER_REDUCTION, TYPE_MLDV2_REPORT];

/// Reads an IP packet; nothing if it is no host's report.
///
/// # Errors
///
/// Why a packet that carries IGMP or MLD has to be dropped.
pub fn read(packet: &[u8]) -> Result<Option<HostReport>, Malformed> {
    match LaxIpSlice::from_slice(packet)?.0 {
        LaxIpSlice::Ipv4(ip) if ip.payload_ip_number() == IpNumber::IGMP => {
            Ok(read_igmp(&ip)?.map(HostReport::Igmp))
        }
        LaxIpSlice::Ipv6(ip) if ip.payload().ip_number == IpNumber::IPV6_ICMP => {
            Ok(read_mld(&ip)?.map(HostReport::Mld))
        }
        LaxIpSlice::Ipv4(_) | LaxIpSlice::Ipv6(_) => Ok(None),
    }
}

fn read_igmp(ip: &LaxIpv4Slice<'_>) -> Result<Option<Report<Ipv4Addr>>, Malformed> {
    let header = ip.header();
    // Where a packet is captured on the host that sends it, its network card has yet to fill in both fields.
    let (not_filled_in, right) = (0, header.to_header().calc_header_checksum());
    if ![not_filled_in, right].contains(&header.header_checksum()) {
        return Err(Malformed::Checksum);
    }
    let message = if header.total_len() == 0 { unfragmented(ip.payload()) } else { whole(ip.payload()) };
    igmp(header.source_addr(), message?)
}

/// Reads an IGMP message; nothing if it is no host's report.
///
/// # Errors
///
/// Why the message has to be dropped.
pub fn igmp(reporter: Ipv4Addr, message: &[u8]) -> Result<Option<Report<Ipv4Addr>>, Malformed> {
    let message = IgmpSlice::from_slice(message)?;
    if !message.is_checksum_valid() {
        return Err(Malformed::Checksum);
    }
    let (version, records) = match message {
        IgmpSlice::MembershipReportV1(report) => {
            (Version::Igmpv1, vec![Record::older(RecordKind::Report, report.group_address().into())])
        }
        IgmpSlice::MembershipReportV2(report) => {
            (Version::Igmpv2, vec![Record::older(RecordKind::Report, report.group_address().into())])
        }
        IgmpSlice::LeaveGroup(leave) => {
            (Version::Igmpv2, vec![Record::older(RecordKind::Leave, leave.group_address().into())])
        }
        IgmpSlice::MembershipReportV3(report) => (Version::Igmpv3, igmpv3_records(&report)?),
        IgmpSlice::MembershipQuery(_) | IgmpSlice::MembershipQueryWithSources(_) | IgmpSlice::Unknown(_) => {
            return Ok(None);
        }
    };
    Ok(Some(Report { version, reporter, records }))
}

fn igmpv3_records(report: &MembershipReportV3Slice<'_>) -> Result<Vec<Record<Ipv4Addr>>, Malformed> {
    // All are looked at before any counts: a report is good as a whole or not at all.
    let records: Vec<ReportGroupRecordV3Slice<'_>> = report.group_records().collect::<Result<_, _>>()?;
    let known = records.iter().filter_map(|record| {
        Some(Record {
            group: record.multicast_address().into(),
            kind: RecordKind::from_type(record.record_type().0)?,
            sources: record.source_addresses().map(Ipv4Addr::from).collect(),
        })
    });
    Ok(known.collect())
}

fn read_mld(ip: &LaxIpv6Slice<'_>) -> Result<Option<Report<Ipv6Addr>>, Malformed> {
    let message = Icmpv6Slice::from_slice(whole(ip.payload())?)?;
    if !MLD_REPORTS.contains(&message.type_u8()) {
        return Ok(None);
    }
    let header = ip.header();
    if !message.is_checksum_valid(header.source(), header.destination()) {
        return Err(Malformed::Checksum);
    }
    if !is_from_this_link(ip) {
        return Err(Malformed::OffLink);
    }
    mld(header.source_addr(), &message)
}

/// Reads an MLD message whose checksum is right; nothing if it is no host's report.
///
/// # Errors
///
/// Why the message has to be dropped.
pub fn mld(reporter: Ipv6Addr, message: &Icmpv6Slice<'_>) -> Result<Option<Report<Ipv6Addr>>, Malformed> {
    let older = match message.type_u8() {
        TYPE_MULTICAST_LISTENER_REPORT => Some(RecordKind::Report),
        TYPE_MULTICAST_LISTENER_REDUCTION => Some(RecordKind::Leave),
        TYPE_MLDV2_REPORT => None,
        _ => return Ok(None),
    };
    let (version, records) = match older {
        Some(kind) => {
            let (group, _) = message.payload().split_first_chunk::<16>().ok_or(Malformed::Records)?;
            (Version::Mldv1, vec![Record::older(kind, Ipv6Addr::from(*group))])
        }
        None => {
            let [_, _, high, low] = message.bytes5to8();
            (Version::Mldv2, mldv2_records(message.payload(), u16::from_be_bytes([high, low]))?)
        }
    };
    Ok(Some(Report { version, reporter, records }))
}

/// RFC 3810 §5.2: type, length of the auxiliary data in words, number of sources, group, sources.
fn mldv2_records(mut rest: &[u8], count: u16) -> Result<Vec<Record<Ipv6Addr>>, Malformed> {
    let mut records = Vec::new();
    for _ in 0..count {
        let (&[kind, aux, high, low], after) = rest.split_first_chunk().ok_or(Malformed::Records)?;
        let (&group, after) = after.split_first_chunk::<16>().ok_or(Malformed::Records)?;
        let sources_len = usize::from(u16::from_be_bytes([high, low])) * 16;
        let (sources, after) = after.split_at_checked(sources_len).ok_or(Malformed::Records)?;
        rest = after.get(usize::from(aux) * 4..).ok_or(Malformed::Records)?;
        if let Some(kind) = RecordKind::from_type(kind) {
            let sources = sources.as_chunks::<16>().0.iter().copied().map(Ipv6Addr::from).collect();
            records.push(Record { group: group.into(), kind, sources });
        }
    }
    Ok(records)
}

fn is_from_this_link(ip: &LaxIpv6Slice<'_>) -> bool {
    let header = ip.header();
    let extensions = ip.extensions();
    let hop_by_hop = extensions.first_header() == Some(IpNumber::IPV6_HEADER_HOP_BY_HOP);
    let alert = hop_by_hop && has_router_alert(extensions.slice());
    let source = header.source_addr();
    // A host that has no address yet reports from `::`: routers ignore it, who only listens need not (RFC 3590 §4).
    let is_near = source.is_unicast_link_local() || source.is_unspecified();
    is_near && header.hop_limit() == 1 && alert
}

/// Whether the hop-by-hop options header of an IPv6 packet says that routers look into it (RFC 2711 §2.1).
#[must_use]
pub fn has_router_alert(header: &[u8]) -> bool {
    const ROUTER_ALERT: u8 = 5;
    let Some((&[_, words], options)) = header.split_first_chunk() else { return false };
    let length = 6 + usize::from(words) * 8;
    let mut options = options.get(..length).unwrap_or_default();
    while let Some((&kind, after)) = options.split_first() {
        options = match (kind, after.split_first()) {
            (ROUTER_ALERT, _) => return true,
            (0, _) => after, // Pad1 is a single byte
            (_, Some((&length, after))) => after.get(usize::from(length)..).unwrap_or_default(),
            (_, None) => &[],
        };
    }
    false
}

fn whole<'a>(payload: &LaxIpPayloadSlice<'a>) -> Result<&'a [u8], Malformed> {
    // What is less than its header says takes its length from what is there.
    if payload.len_source == LenSource::Slice { Err(Malformed::CutShort) } else { unfragmented(payload) }
}

fn unfragmented<'a>(payload: &LaxIpPayloadSlice<'a>) -> Result<&'a [u8], Malformed> {
    if payload.fragmented { Err(Malformed::CutShort) } else { Ok(payload.payload) }
}

impl<A> Record<A> {
    fn older(kind: RecordKind, group: A) -> Self {
        Self { group, kind, sources: Vec::new() }
    }
}

impl RecordKind {
    /// RFC 3376 §4.2.12 and RFC 3810 §5.2.12, where unknown types are ignored.
    fn from_type(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::IsInclude),
            2 => Some(Self::IsExclude),
            3 => Some(Self::ToInclude),
            4 => Some(Self::ToExclude),
            5 => Some(Self::Allow),
            6 => Some(Self::Block),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Igmpv1 => "IGMPv1",
            Self::Igmpv2 => "IGMPv2",
            Self::Igmpv3 => "IGMPv3",
            Self::Mldv1 => "MLDv1",
            Self::Mldv2 => "MLDv2",
        })
    }
}

impl<A: fmt::Display> fmt::Display for Record<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.kind {
            RecordKind::Report => write!(f, "{} report", self.group),
            RecordKind::Leave => write!(f, "{} leave", self.group),
            RecordKind::IsInclude => write!(f, "{} IS_IN {{{sources}}}", self.group),
            RecordKind::IsExclude => write!(f, "{} IS_EX {{{sources}}}", self.group),
            RecordKind::ToInclude => write!(f, "{} TO_IN {{{sources}}}", self.group),
            RecordKind::ToExclude => write!(f, "{} TO_EX {{{sources}}}", self.group),
            RecordKind::Allow => write!(f, "{} ALLOW {{{sources}}}", self.group),
            RecordKind::Block => write!(f, "{} BLOCK {{{sources}}}", self.group),
        }
    }
}
