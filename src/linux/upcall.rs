//! What the kernel hands up to the daemon that routes multicast.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Instant;

use super::ancillary::Ancillary;
use super::sys::WRVIFWHOLE;
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
    /// A packet that goes out by the register interface, whole: to be sent to a rendezvous point.
    ///
    /// Only with [`pim`](super::LinuxForwarderBuilder::pim). The TTL or hop limit is as it came in: the router that
    /// takes it out of the Register lowers it.
    #[non_exhaustive]
    WholePacket {
        /// Its source.
        source: SourceAddr<A>,
        /// Its group.
        group: GroupAddr<A>,
        /// The packet, from its IP header on.
        packet: Vec<u8>,
    },
    /// The packet of a [`WrongInterface`](Self::WrongInterface), which comes right before, whole.
    ///
    /// Only with [`pim`](super::LinuxForwarderBuilder::pim).
    #[non_exhaustive]
    WrongInterfaceWhole {
        /// Its source.
        source: SourceAddr<A>,
        /// Its group.
        group: GroupAddr<A>,
        /// Where it came in.
        arrival: Interface<A>,
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
            Self::WholePacket { .. } | Self::WrongInterfaceWhole { .. } | Self::Igmp(_) => Ok(()),
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

/// Whether a whole packet is behind a report of this kind, instead of a part of it.
const fn has_packet(kind: u8) -> bool {
    matches!(kind, WHOLEPKT | WRVIFWHOLE)
}

impl<'a> Message<'a, Ipv4Addr> {
    /// Reads a packet, or the `struct igmpmsg` that lies over its IP header and has a zero for its protocol.
    pub(super) fn inet(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<20>()?;
        let &[version, .., ttl, protocol, vif, vif_high, s0, s1, s2, s3, d0, d1, d2, d3] = header;
        let (source, destination) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
        let length = usize::from(version & 0x0f) * 4;
        match (protocol, ttl) {
            (0, kind) => {
                let packet = if has_packet(kind) { rest } else { bytes.get(..length)? };
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
        let ([_, kind, vif, vif_high, ..], rest) = bytes.split_first_chunk::<8>()?;
        let (source, rest) = rest.split_first_chunk::<16>()?;
        let (group, rest) = rest.split_first_chunk::<16>()?;
        // Behind the other kinds the kernel leaves 40 octets of its memory that it never wrote.
        let packet = if has_packet(*kind) { rest } else { &[] };
        let (kind, vif) = (*kind, u16::from_ne_bytes([*vif, *vif_high]));
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
            WRVIFWHOLE => {
                let (arrival, packet) = (arrival()?, packet.to_vec());
                Some(Upcall::WrongInterfaceWhole { source, group, arrival, packet })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::builder::Builder;
    use crate::limits::Limits;

    /// An IP header with an option, over which the kernel wrote a report, and the IGMP header behind it.
    fn igmpmsg(kind: u8) -> Vec<u8> {
        let mut bytes = vec![0x46, 0, 0, 32, 0, 0, 0, 0, kind, 0, 3, 1];
        bytes.extend([198, 51, 100, 2, 239, 1, 1, 1, 0x94, 4, 0, 0]);
        bytes.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    fn mrt6msg(kind: u8) -> Vec<u8> {
        let mut bytes = vec![0, kind];
        bytes.extend(0x103_u16.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend("2001:db8::2".parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend("ff0e::1:1".parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([7; 40]);
        bytes
    }

    /// The interface 9, if its number has both bytes.
    fn nine(vif: u16) -> Option<NonZeroU32> {
        (vif == 0x103).then(|| NonZeroU32::new(9).unwrap())
    }

    fn inet(bytes: &[u8]) -> Option<Upcall<Ipv4Addr>> {
        Message::inet(bytes)?.upcall(NonZeroU32::new(4), nine)
    }

    fn inet6(bytes: &[u8]) -> Option<Upcall<Ipv6Addr>> {
        let destination = Some("ff02::16".parse().unwrap());
        let ancillary = Ancillary { index: NonZeroU32::new(4), destination, hop_limit: Some(1) };
        Message::inet6(bytes, "fe80::2".parse().unwrap(), &ancillary)?.upcall(ancillary.index, nine)
    }

    #[test]
    fn a_report_names_source_group_and_interface() {
        let (source, group) = ("198.51.100.2".parse().unwrap(), "239.1.1.1".parse().unwrap());
        let arrival = Interface::try_from(9).unwrap();
        let header = igmpmsg(1)[..24].to_vec();
        assert_eq!(inet(&igmpmsg(1)), Some(Upcall::NoEntry { source, group, arrival, header }));
        let header = igmpmsg(2)[..24].to_vec();
        assert_eq!(inet(&igmpmsg(2)), Some(Upcall::WrongInterface { source, group, arrival, header }));
        let packet = igmpmsg(3)[20..].to_vec();
        assert_eq!(inet(&igmpmsg(3)), Some(Upcall::WholePacket { source, group, packet }));
        let arrival = Interface::try_from(9).unwrap();
        let packet = igmpmsg(4)[20..].to_vec();
        assert_eq!(inet(&igmpmsg(4)), Some(Upcall::WrongInterfaceWhole { source, group, arrival, packet }));
        assert_eq!(inet(&igmpmsg(5)), None, "never asked for");
    }

    #[test]
    fn a_report_for_ipv6_has_no_header() {
        let (source, group) = ("2001:db8::2".parse().unwrap(), "ff0e::1:1".parse().unwrap());
        let (arrival, header) = (Interface::try_from(9).unwrap(), vec![]);
        let no_entry = Upcall::NoEntry { source, group, arrival, header: header.clone() };
        assert_eq!(inet6(&mrt6msg(1)), Some(no_entry));
        assert_eq!(inet6(&mrt6msg(2)), Some(Upcall::WrongInterface { source, group, arrival, header }));
        assert_eq!(inet6(&mrt6msg(3)), Some(Upcall::WholePacket { source, group, packet: vec![7; 40] }));
        let packet = vec![7; 40];
        assert_eq!(inet6(&mrt6msg(4)), Some(Upcall::WrongInterfaceWhole { source, group, arrival, packet }));
        assert_eq!(inet6(&mrt6msg(5)), None, "never asked for");
    }

    #[test]
    fn what_the_manager_has_no_words_for_is_skipped() {
        let mut unknown_interface = igmpmsg(1);
        unknown_interface[11] = 0;
        assert_eq!(inet(&unknown_interface), None);
        let mut confined = igmpmsg(1);
        confined[16..20].copy_from_slice(&[224, 0, 0, 251]);
        assert_eq!(inet(&confined), None);
        let mut no_host = mrt6msg(1);
        no_host[8..24].fill(0);
        assert_eq!(inet6(&no_host), None);
    }

    #[test]
    fn igmp_is_handed_on_without_its_ip_header() {
        let mut bytes = igmpmsg(1);
        bytes[9] = IGMP;
        let packet = IgmpPacket {
            interface: Interface::try_from(4).unwrap(),
            source: Ipv4Addr::new(198, 51, 100, 2),
            destination: Ipv4Addr::new(239, 1, 1, 1),
            hop_limit: 1,
            message: bytes[24..].to_vec(),
        };
        assert_eq!(inet(&bytes), Some(Upcall::Igmp(packet)));
        assert_eq!(Message::inet(&bytes).unwrap().upcall(None, nine), None, "nobody knows where it came in");
    }

    #[test]
    fn mld_is_handed_on_with_what_the_kernel_says_of_its_header() {
        let packet = IgmpPacket {
            interface: Interface::try_from(4).unwrap(),
            source: "fe80::2".parse().unwrap(),
            destination: "ff02::16".parse().unwrap(),
            hop_limit: 1,
            message: vec![143, 0, 1, 2],
        };
        assert_eq!(inet6(&[143, 0, 1, 2]), Some(Upcall::Igmp(packet)));
    }

    proptest! {
        /// What is shown of a packet is in it, no bytes make it panic, and the manager remembers no more than it may.
        #[test]
        fn fuzz_upcalls(all in prop::collection::vec(prop_oneof![4 => upcall_like(), 1 => noise()], 1..24)) {
            let (mgm, mgm6) = (bounded::<Ipv4Addr>(), bounded::<Ipv6Addr>());
            for bytes in all {
                take(&mgm, inet(&bytes), &bytes);
                take(&mgm6, inet6(&bytes), &bytes);
            }
        }
    }

    const MOST: usize = 2;

    fn bounded<A: Address>() -> Mgm<A> {
        Builder::new().limits(Limits::default().mfes(MOST)).build()
    }

    fn take<A: Address>(mgm: &Mgm<A>, upcall: Option<Upcall<A>>, bytes: &[u8]) {
        let Some(upcall) = upcall else { return };
        let shown = part(&upcall);
        assert!(shown.is_empty() || bytes.windows(shown.len()).any(|window| window == shown));
        let done = upcall.report_to(mgm, Instant::now());
        let known = mgm.mfes().count();
        assert!(known <= MOST && (known == MOST || done.is_ok()), "{known} entries, and {done:?}");
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..100)
    }

    /// Reports on several sources with a few bytes changed, and the end cut off.
    fn upcall_like() -> impl Strategy<Value = Vec<u8>> {
        let kind = || prop_oneof![4 => Just(NOCACHE), 4 => 0_u8..6];
        let report = prop_oneof![
            (kind(), 1_u8..9).prop_map(|(kind, source)| with(igmpmsg(kind), 15, source)),
            (kind(), 1_u8..9).prop_map(|(kind, source)| with(mrt6msg(kind), 23, source)),
        ];
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        (report, changes, prop_oneof![4 => Just(usize::MAX), 1 => 0..100_usize]).prop_map(
            |(mut bytes, changes, end)| {
                for (at, byte) in changes {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                bytes.truncate(end);
                bytes
            },
        )
    }

    fn with(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
        bytes[at] = value;
        bytes
    }

    fn part<A: Address>(upcall: &Upcall<A>) -> &[u8] {
        match upcall {
            Upcall::NoEntry { header, .. } | Upcall::WrongInterface { header, .. } => header,
            Upcall::WholePacket { packet, .. } | Upcall::WrongInterfaceWhole { packet, .. } => packet,
            Upcall::Igmp(packet) => &packet.message,
        }
    }
}
