//! Fragments of IP packets, put together again: those of IGMP and ICMPv6, as the others say nothing of memberships.

use std::net::IpAddr;
use std::time::Duration;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber, Ipv4Header, Ipv4HeaderSlice, Ipv6FragmentHeader, Ipv6HeaderSlice};

use crate::{HardwareAddr, Link};

/// The packets of which something is missing.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    /// The oldest first.
    unfinished: Vec<Unfinished>,
    /// How many fragments there were of packets that have been given up.
    given_up: usize,
}

/// What comes of a packet.
#[derive(Debug)]
pub(crate) enum Joined {
    /// It is no fragment.
    Unchanged,
    /// It is a fragment, and others are missing.
    Kept,
    /// It is the last missing fragment, and here is the whole.
    Whole(Vec<u8>),
}

#[derive(Debug)]
struct Unfinished {
    key: Key,
    since: Duration,
    /// The header of the whole, once the first fragment is there.
    header: Option<Vec<u8>>,
    payload: IpDefragBuf,
    fragments: usize,
}

/// What the fragments of one packet have in common (RFC 791 §2.3, RFC 8200 §4.5), on one link and of one host.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Key {
    link: Link,
    sender: Option<HardwareAddr>,
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
}

#[derive(Debug)]
struct Fragment<'a> {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// The header that the whole would have, but for its length.
    header: Vec<u8>,
    protocol: IpNumber,
    offset: IpFragOffset,
    more: bool,
    payload: &'a [u8],
}

/// It contradicts what is there, or is too long.
#[derive(Debug)]
struct Impossible;

/// At 64 KiB each, this is all that fragments can take of the memory.
const MOST_UNFINISHED: usize = 64;

/// RFC 1122 §3.3.2, RFC 8200 §4.5.
const PATIENCE: Duration = Duration::from_secs(60);

const IPV6_HEADER: usize = 40;

impl Fragments {
    pub(crate) fn join(
        &mut self,
        link: &Link,
        sender: Option<HardwareAddr>,
        time: Duration,
        packet: &[u8],
    ) -> Joined {
        let Some(fragment) = Fragment::read(packet) else { return Joined::Unchanged };
        let Fragment { source, destination, identification, protocol, .. } = fragment;
        let key = Key { link: link.clone(), sender, source, destination, identification };
        let known = self.unfinished.iter().position(|other| other.key == key);
        let mut unfinished = match known.map(|at| self.unfinished.remove(at)) {
            Some(known) if time.saturating_sub(known.since) <= PATIENCE => known,
            stale => {
                self.give_up(stale);
                Unfinished::new(key, time, protocol)
            }
        };
        match unfinished.add(fragment) {
            Ok(Some(whole)) => return Joined::Whole(whole),
            Ok(None) => self.keep(unfinished),
            Err(Impossible) => self.give_up(Some(unfinished)),
        }
        Joined::Kept
    }

    /// How many fragments there were of packets that never became whole.
    pub(crate) fn left_over(&self) -> usize {
        self.given_up + self.unfinished.iter().map(|unfinished| unfinished.fragments).sum::<usize>()
    }

    fn keep(&mut self, unfinished: Unfinished) {
        if self.unfinished.len() == MOST_UNFINISHED {
            let oldest = self.unfinished.remove(0);
            self.give_up(Some(oldest));
        }
        self.unfinished.push(unfinished);
    }

    fn give_up(&mut self, unfinished: Option<Unfinished>) {
        self.given_up += unfinished.map_or(0, |unfinished| unfinished.fragments);
    }
}

impl Unfinished {
    fn new(key: Key, since: Duration, protocol: IpNumber) -> Self {
        let payload = IpDefragBuf::new(protocol, Vec::new(), Vec::new());
        Self { key, since, header: None, payload, fragments: 0 }
    }

    /// The whole, if nothing is missing now.
    fn add(&mut self, fragment: Fragment<'_>) -> Result<Option<Vec<u8>>, Impossible> {
        self.fragments += 1;
        let start = fragment.offset.byte_offset();
        let end = u16::try_from(fragment.payload.len()).ok().and_then(|length| start.checked_add(length));
        let end = end.ok_or(Impossible)?;
        let sections = self.payload.sections();
        if sections.iter().any(|there| there.start <= start && end <= there.end) {
            return Ok(None); // the same one again
        }
        // RFC 8200 §4.5: what overlaps is an attack. Linux takes it so in IPv4 as well.
        if sections.iter().any(|there| there.start < end && start < there.end) {
            return Err(Impossible);
        }
        self.payload.add(fragment.offset, fragment.more, fragment.payload).map_err(|_| Impossible)?;
        if start == 0 {
            self.header = Some(fragment.header);
        }
        match &self.header {
            Some(header) if self.payload.is_complete() => whole(header, self.payload.data()).map(Some),
            _ => Ok(None),
        }
    }
}

impl<'a> Fragment<'a> {
    /// Nothing if it is no fragment, or not all there, or of no interest.
    fn read(packet: &'a [u8]) -> Option<Self> {
        let fragment = match packet.first()? >> 4 {
            4 => Self::read_v4(packet)?,
            6 => Self::read_v6(packet)?,
            _ => return None,
        };
        let of_interest = matches!(fragment.protocol, IpNumber::IGMP | IpNumber::IPV6_ICMP);
        (of_interest && !fragment.payload.is_empty()).then_some(fragment)
    }

    fn read_v4(packet: &'a [u8]) -> Option<Self> {
        let header = Ipv4HeaderSlice::from_slice(packet).ok()?;
        let mut whole = header.to_header();
        if !header.is_fragmenting_payload()
            || ![0, whole.calc_header_checksum()].contains(&whole.header_checksum)
        {
            return None;
        }
        whole.more_fragments = false;
        whole.fragment_offset = IpFragOffset::ZERO;
        Some(Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            identification: header.identification().into(),
            header: whole.to_bytes().to_vec(),
            protocol: header.protocol(),
            offset: header.fragments_offset(),
            more: header.more_fragments(),
            payload: packet.get(header.slice().len()..header.total_len().into())?,
        })
    }

    fn read_v6(packet: &'a [u8]) -> Option<Self> {
        let header = Ipv6HeaderSlice::from_slice(packet).ok()?;
        let packet = packet.get(..IPV6_HEADER + usize::from(header.payload_length()))?;
        let (mut whole, fragment) = split_at_fragment_header(packet)?;
        let (fragment, payload) = Ipv6FragmentHeader::from_slice(fragment).ok()?;
        *whole.next_header()? = fragment.next_header.0;
        fragment.is_fragmenting_payload().then(|| Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            identification: fragment.identification,
            header: whole.bytes,
            protocol: fragment.next_header,
            offset: fragment.fragment_offset,
            more: fragment.more_fragments,
            payload,
        })
    }
}

/// The headers of an IPv6 packet that all its fragments have.
struct Unfragmented {
    bytes: Vec<u8>,
    next_header_at: usize,
}

impl Unfragmented {
    fn next_header(&mut self) -> Option<&mut u8> {
        self.bytes.get_mut(self.next_header_at)
    }
}

/// What comes before the fragment header, and from there on; nothing if there is none.
fn split_at_fragment_header(packet: &[u8]) -> Option<(Unfragmented, &[u8])> {
    let (mut next_header_at, mut at) = (6, IPV6_HEADER);
    loop {
        match IpNumber(*packet.get(next_header_at)?) {
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let (before, fragment) = packet.split_at_checked(at)?;
                return Some((Unfragmented { bytes: before.to_vec(), next_header_at }, fragment));
            }
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::IPV6_ROUTE_HEADER => {
                next_header_at = at;
                at += 8 + 8 * usize::from(*packet.get(at + 1)?);
            }
            _ => return None,
        }
    }
}

/// Puts the length of the whole into its header.
fn whole(header: &[u8], payload: &[u8]) -> Result<Vec<u8>, Impossible> {
    let length = |bytes: usize| u16::try_from(bytes).map_err(|_| Impossible);
    let mut header = header.to_vec();
    if let Ok((mut v4, _)) = Ipv4Header::from_slice(&header) {
        v4.total_len = length(header.len() + payload.len())?;
        v4.header_checksum = v4.calc_header_checksum();
        header = v4.to_bytes().to_vec();
    } else {
        let length = length(header.len() - IPV6_HEADER + payload.len())?;
        header.get_mut(4..6).ok_or(Impossible)?.copy_from_slice(&length.to_be_bytes());
    }
    Ok([header.as_slice(), payload].concat())
}
