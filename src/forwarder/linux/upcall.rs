//! What the kernel hands up to the daemon that routes multicast.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Instant;

use super::ancillary::Ancillary;
use crate::error::Error;
use crate::mgm::Mgm;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::interface::Interface;

/// What the kernel hands up: reports on packets that it could not forward, and IGMP or MLD.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Upcall<A: Address = Ipv4Addr> {
    /// A packet came in that has no entry: once for an (S,G), and then not again for about ten seconds.
    #[non_exhaustive]
    NoEntry {
        /// Its source.
        source: SourceAddr<A>,
        /// Its group.
        group: GroupAddr<A>,
        /// Where it came in.
        arrival: Interface<A>,
        /// Its IP header, in which the kernel overwrote TTL, protocol and checksum; nothing for IPv6.
        header: Vec<u8>,
    },
    /// A packet came in on another interface than the iif of its entry: at most once in 3 s for an entry.
    #[non_exhaustive]
    WrongInterface {
        /// Its source.
        source: SourceAddr<A>,
        /// Its group.
        group: GroupAddr<A>,
        /// Where it came in.
        arrival: Interface<A>,
        /// As in [`NoEntry`](Self::NoEntry).
        header: Vec<u8>,
    },
    /// A whole packet, to be sent to a rendezvous point.
    ///
    /// Only where a register VIF was added to the table, which [`LinuxForwarder`](super::LinuxForwarder) does not.
    #[non_exhaustive]
    WholePacket {
        /// Its source.
        source: SourceAddr<A>,
        /// Its group.
        group: GroupAddr<A>,
        /// The packet, from its IP header on.
        packet: Vec<u8>,
    },
    /// An IGMP or MLD packet, which the same socket sees.
    Igmp(IgmpPacket<A>),
}

/// An IGMP packet, or an MLD packet in a forwarder for IPv6.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IgmpPacket<A: Address = Ipv4Addr> {
    /// Where it came in.
    pub interface: Interface<A>,
    /// Who says to have sent it.
    pub source: A,
    /// What it was sent to.
    pub destination: A,
    /// Its TTL or hop limit, which is 1 in all that a neighbour sends by the book.
    pub hop_limit: u8,
    /// The IGMP or MLD message, without what is before it.
    pub message: Vec<u8>,
}

impl<A: Address> Upcall<A> {
    /// Tells the manager of a packet without an entry, or on the wrong interface; other upcalls are not for it.
    ///
    /// # Errors
    ///
    /// Those of [`Mgm::packet_received`].
    pub fn report_to(&self, mgm: &Mgm<A>, now: Instant) -> Result<(), Error<A>> {
        match self {
            Self::NoEntry { source, group, arrival, header } => {
                mgm.packet_received(*source, *group, *arrival, header, now)
            }
            Self::WrongInterface { source, group, arrival, header } => {
                mgm.packet_on_wrong_interface(*source, *group, *arrival, header, now);
                Ok(())
            }
            Self::WholePacket { .. } | Self::Igmp(_) => Ok(()),
        }
    }
}

/// What the bytes of a message from the socket are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Message<'a, A> {
    /// A report: `struct igmpmsg` or `struct mrt6msg`.
    Report { kind: u8, vif: u16, source: A, group: A, packet: &'a [u8] },
    /// A packet of the protocol that the socket is for.
    Packet { source: A, destination: A, hop_limit: u8, message: &'a [u8] },
}

// linux/mroute.h and linux/mroute6.h
const NOCACHE: u8 = 1;
const WRONGVIF: u8 = 2;
const WHOLEPKT: u8 = 3;

impl<'a> Message<'a, Ipv4Addr> {
    /// Reads a packet, or the `struct igmpmsg` that lies over its IP header and has a zero for its protocol.
    pub(super) fn inet(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<20>()?;
        let &[version, .., ttl, protocol, vif, vif_high, s0, s1, s2, s3, d0, d1, d2, d3] = header;
        let (source, destination) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
        let length = usize::from(version & 0x0f) * 4;
        match (protocol, ttl) {
            (0, kind) => {
                let packet = if kind == WHOLEPKT { rest } else { bytes.get(..length)? };
                let vif = u16::from_le_bytes([vif, vif_high]);
                Some(Self::Report { kind, vif, source, group: destination, packet })
            }
            (IGMP, hop_limit) => {
                let message = bytes.get(length.max(header.len())..)?;
                Some(Self::Packet { source, destination, hop_limit, message })
            }
            _ => None,
        }
    }
}

const IGMP: u8 = 2;

impl<'a> Message<'a, Ipv6Addr> {
    /// Reads an ICMPv6 packet, or the `struct mrt6msg` that has a zero for its type.
    pub(super) fn inet6(bytes: &'a [u8], sender: Ipv6Addr, ancillary: &Ancillary) -> Option<Self> {
        if bytes.first()? != &0 {
            let (destination, hop_limit) = (ancillary.destination?, ancillary.hop_limit?);
            return Some(Self::Packet { source: sender, destination, hop_limit, message: bytes });
        }
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let (source, rest) = rest.split_first_chunk::<16>()?;
        let (group, packet) = rest.split_first_chunk::<16>()?;
        let &[_, kind, vif, vif_high, ..] = head;
        let vif = u16::from_ne_bytes([vif, vif_high]);
        Some(Self::Report { kind, vif, source: (*source).into(), group: (*group).into(), packet })
    }
}

impl<A: Address> Message<'_, A> {
    /// What it says, in the words of the manager; nothing if these have none for it: unknown interfaces, groups that
    /// are never forwarded, sources that are no hosts.
    pub(super) fn upcall(
        self,
        arrival: Option<NonZeroU32>,
        index_of: impl FnOnce(u16) -> Option<NonZeroU32>,
    ) -> Option<Upcall<A>> {
        let (kind, vif, source, group, packet) = match self {
            Self::Report { kind, vif, source, group, packet } => (kind, vif, source, group, packet),
            Self::Packet { source, destination, hop_limit, message } => {
                let (interface, message) = (Interface::new(arrival?), message.to_vec());
                return Some(Upcall::Igmp(IgmpPacket { interface, source, destination, hop_limit, message }));
            }
        };
        let (source, group) = (SourceAddr::new(source).ok()?, GroupAddr::new(group).ok()?);
        let arrival = || Some(Interface::new(index_of(vif)?));
        match kind {
            NOCACHE => Some(Upcall::NoEntry { source, group, arrival: arrival()?, header: packet.to_vec() }),
            WRONGVIF => {
                Some(Upcall::WrongInterface { source, group, arrival: arrival()?, header: packet.to_vec() })
            }
            WHOLEPKT => Some(Upcall::WholePacket { source, group, packet: packet.to_vec() }),
            _ => None,
        }
    }
}
