//! Why a captured frame is not looked into.

use std::fmt;

use etherparse::EtherType;
use pcap_file::DataLink;

/// The header beyond which nothing is read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unread {
    /// A link type that is not understood.
    LinkType(u32),
    /// The capture does not describe its interface.
    Interface,
    /// It ends before the packet that it should carry, as far as it was captured.
    CutShort,
    /// There are more headers before the packet than anybody puts there.
    TooDeep,
    /// No IP: a protocol by the number that Ethernet has for it.
    EtherType(u16),
    /// No IP: a protocol by its access points (802.2).
    Llc {
        /// Of the destination.
        dsap: u8,
        /// Of the source.
        ssap: u8,
    },
    /// No IP: a protocol of one organisation.
    Snap {
        /// The organisation.
        oui: u32,
        /// Its protocol.
        protocol: u16,
    },
    /// No IP: a protocol by the number that PPP has for it.
    Ppp(u16),
    /// No IP: a protocol by the number that Frame Relay has for it (NLPID).
    FrameRelay(u8),
    /// No IP: a protocol family of BSD's loopback.
    Family(u32),
    /// Neither IPv4 nor IPv6 in a link type of plain IP.
    IpVersion(u8),
    /// A label of MPLS, with something else than IP or Ethernet below.
    Mpls,
    /// A frame of 802.11 that carries no data.
    WifiWithoutData,
    /// A frame of 802.11 whose content is encrypted.
    WifiEncrypted,
    /// A frame of 802.11 that carries several others (A-MSDU).
    WifiAggregate,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LinkType(number) => write!(f, "link type {number} ({:?})", DataLink::from(number)),
            Self::Interface => f.write_str("an interface that the capture does not describe"),
            Self::CutShort => f.write_str("frames cut short before the IP packet"),
            Self::TooDeep => f.write_str("too many headers before the IP packet"),
            Self::EtherType(number) => write!(f, "EtherType {:?}", EtherType(number)),
            Self::Llc { dsap, ssap } => write!(f, "LLC {dsap:#04x}/{ssap:#04x}"),
            Self::Snap { oui, protocol } => write!(f, "SNAP {oui:06x}/{protocol:#06x}"),
            Self::Ppp(number) => write!(f, "PPP protocol {number:#06x}"),
            Self::FrameRelay(number) => write!(f, "Frame Relay protocol {number:#04x}"),
            Self::Family(number) => write!(f, "protocol family {number}"),
            Self::IpVersion(number) => write!(f, "IP version {number}"),
            Self::Mpls => f.write_str("MPLS without IP or Ethernet below"),
            Self::WifiWithoutData => f.write_str("802.11 without data"),
            Self::WifiEncrypted => f.write_str("802.11, encrypted"),
            Self::WifiAggregate => f.write_str("802.11, aggregated"),
        }
    }
}
