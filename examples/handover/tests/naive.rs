//! A second reading of captures, byte by byte, and a second merge: a source is wanted if any host wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The types of records are those of IGMPv3, and these two for the older versions.
pub(crate) const REPORT: u8 = 16;
pub(crate) const LEAVE: u8 = 17;

/// What one host says of one group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Heard {
    pub(crate) host: IpAddr,
    pub(crate) kind: u8,
    pub(crate) group: IpAddr,
    pub(crate) sources: Vec<IpAddr>,
}

/// Group, source unless it is (\*,G), and whether it is blocked.
pub(crate) type Held = (IpAddr, Option<IpAddr>, bool);

/// Whether a host wants a source: what it said of that one, or else what holds for all others.
#[derive(Clone, Default)]
struct Desire {
    others: bool,
    said: BTreeMap<IpAddr, bool>,
}

/// The hosts' desires by group and host; no host stands for all that speak an older version.
#[derive(Clone, Default)]
pub(crate) struct Naive {
    desires: BTreeMap<(IpAddr, Option<IpAddr>), Desire>,
}

impl Naive {
    pub(crate) fn hear(&mut self, heard: &Heard) {
        let Heard { host, kind, group, ref sources } = *heard;
        let any_source = matches!(kind, REPORT | LEAVE | 2 | 4);
        if !is_forwarded(group) || any_source && is_source_specific(group) {
            return;
        }
        let sources = sources.iter().copied().filter(|&source| is_host(source));
        let all = |others: bool| Desire { others, said: BTreeMap::new() };
        match kind {
            REPORT => {
                self.desires.remove(&(group, Some(host)));
                self.desires.insert((group, None), all(true));
            }
            LEAVE => {
                self.desires.remove(&(group, None));
            }
            1 | 3 => {
                let said = sources.map(|source| (source, true)).collect();
                self.desires.insert((group, Some(host)), Desire { others: false, said });
            }
            2 | 4 => {
                let said = sources.map(|source| (source, false)).collect();
                self.desires.insert((group, Some(host)), Desire { others: true, said });
            }
            5 | 6 => {
                let said = &mut self.desires.entry((group, Some(host))).or_default().said;
                said.extend(sources.map(|source| (source, kind == 5)));
            }
            _ => {}
        }
    }

    pub(crate) fn held(&self) -> BTreeSet<Held> {
        let groups: BTreeSet<IpAddr> = self.desires.keys().map(|&(group, _)| group).collect();
        groups.into_iter().flat_map(|group| self.held_of(group)).collect()
    }

    fn held_of(&self, group: IpAddr) -> Vec<Held> {
        let desires: Vec<&Desire> = self
            .desires
            .range((group, None)..)
            .take_while(|((of, _), _)| *of == group)
            .map(|(_, d)| d)
            .collect();
        let named: BTreeSet<IpAddr> = desires.iter().flat_map(|desire| desire.said.keys().copied()).collect();
        let is_wanted =
            |source| desires.iter().any(|desire| *desire.said.get(&source).unwrap_or(&desire.others));
        if desires.iter().any(|desire| desire.others) {
            let blocked = named.into_iter().filter(|&source| !is_wanted(source));
            blocked.map(|source| (group, Some(source), true)).chain([(group, None, false)]).collect()
        } else {
            let wanted = named.into_iter().filter(|&source| is_wanted(source));
            wanted.map(|source| (group, Some(source), false)).collect()
        }
    }
}

/// Where each frame of a capture begins and ends: 24 bytes of header, then 16 before each frame.
pub(crate) fn frames(pcap: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut frames) = (24, Vec::new());
    while at < pcap.len() {
        let length = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap());
        let end = at + 16 + usize::try_from(length).unwrap();
        frames.push(at + 16..end);
        at = end;
    }
    frames
}

/// The message in an IP packet of these captures, and who sent it.
pub(crate) fn message(packet: &[u8]) -> (IpAddr, &[u8]) {
    if packet[0] >> 4 == 4 {
        let (header, total) = (usize::from(packet[0] & 15) * 4, u16::from_be_bytes([packet[2], packet[3]]));
        (address(&packet[12..16]), &packet[header..usize::from(total)])
    } else {
        // A hop-by-hop header of 8 bytes with the Router Alert comes between.
        let length = u16::from_be_bytes([packet[4], packet[5]]);
        (address(&packet[8..24]), &packet[48..40 + usize::from(length)])
    }
}

/// What a message says; nothing if it is no report, or not all there.
pub(crate) fn heard(host: IpAddr, message: &[u8]) -> Option<Vec<Heard>> {
    let size = if host.is_ipv4() { 4 } else { 16 };
    let older = |kind, at: usize| {
        let group = address(message.get(at..at + size)?);
        Some(vec![Heard { host, kind, group, sources: Vec::new() }])
    };
    match (host.is_ipv4(), *message.first()?) {
        (true, 0x12 | 0x16) => older(REPORT, 4),
        (true, 0x17) => older(LEAVE, 4),
        (false, 131) => older(REPORT, 8),
        (false, 132) => older(LEAVE, 8),
        (true, 0x22) | (false, 143) => records(host, message, size),
        _ => None,
    }
}

fn records(host: IpAddr, message: &[u8], size: usize) -> Option<Vec<Heard>> {
    let count = u16::from_be_bytes(message.get(6..8)?.try_into().unwrap());
    let (mut at, mut heard) = (8, Vec::new());
    for _ in 0..count {
        let head = message.get(at..at + 4 + size)?;
        let sources_at = at + 4 + size;
        let sources_end = sources_at + size * usize::from(u16::from_be_bytes([head[2], head[3]]));
        at = sources_end + 4 * usize::from(head[1]);
        message.get(..at)?;
        if (1..=6).contains(&head[0]) {
            let sources = message[sources_at..sources_end].chunks(size).map(address).collect();
            heard.push(Heard { host, kind: head[0], group: address(&head[4..]), sources });
        }
    }
    Some(heard)
}

fn address(bytes: &[u8]) -> IpAddr {
    match <[u8; 4]>::try_from(bytes) {
        Ok(octets) => octets.into(),
        Err(_) => <[u8; 16]>::try_from(bytes).unwrap().into(),
    }
}

fn is_forwarded(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group.is_multicast() && !group.to_string().starts_with("224.0.0."),
        IpAddr::V6(group) => group.segments()[0] >= 0xff00 && group.segments()[0] & 15 > 2,
    }
}

fn is_source_specific(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group.octets()[0] == 232,
        IpAddr::V6(group) => group.segments()[0] & 0xfff0 == 0xff30 && group.segments()[1] == 0,
    }
}

fn is_host(source: IpAddr) -> bool {
    !(source.is_multicast()
        || source.is_unspecified()
        || source.is_loopback()
        || source.to_string() == "255.255.255.255")
}
