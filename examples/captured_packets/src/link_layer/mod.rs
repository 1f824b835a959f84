//! The headers around an IP packet, taken off one after another.

mod ethernet;
mod ppp;
mod system;
mod wifi;

use etherparse::EtherType;
use pcap_file::DataLink;

use crate::{HardwareAddr, Header, Link, Unread};

/// A frame without the headers that have been taken off, and what they said.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    rest: &'a [u8],
    headers: Vec<Header>,
    sender: Option<HardwareAddr>,
}

/// What was around a packet, and the packet.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) link: Link,
    pub(crate) sender: Option<HardwareAddr>,
    pub(crate) ip: Result<&'a [u8], Unread>,
}

/// What the rest of a frame begins with.
#[derive(Clone, Copy, Debug)]
enum Next {
    LinkType(DataLink),
    Ethernet,
    EtherType(EtherType),
    /// What has the place of an EtherType in the header of Ethernet, and below 1536 is a length (802.3 §3.2.6).
    TypeOrLength(EtherType),
    Llc,
    Wifi,
    CiscoHdlc,
    /// With or without the address and control bytes of HDLC before it.
    Ppp,
    /// The protocol number, of one byte or two.
    PppProtocol,
    Mpls,
    Nlpid,
    Family,
    AnyIp,
    Ip,
}

/// As many headers as there can be in a frame of ordinary size. It bounds what a link has to remember.
const MOST_HEADERS: usize = 400;

/// Takes off all that is around the IP packet.
pub(crate) fn open(interface: Option<Header>, link_type: Option<DataLink>, bytes: &[u8]) -> Opened<'_> {
    let mut frame = Frame { rest: bytes, headers: interface.into_iter().collect(), sender: None };
    let ip = link_type.ok_or(Unread::Interface).and_then(|link_type| frame.open(link_type));
    Opened { link: Link::new(frame.headers), sender: frame.sender, ip }
}

impl<'a> Frame<'a> {
    fn open(&mut self, link_type: DataLink) -> Result<&'a [u8], Unread> {
        let mut next = Next::LinkType(link_type);
        for _ in 0..MOST_HEADERS {
            if matches!(next, Next::Ip) {
                return Ok(self.rest);
            }
            next = self.take_off(next)?;
        }
        Err(Unread::TooDeep)
    }

    fn take_off(&mut self, header: Next) -> Result<Next, Unread> {
        match header {
            Next::LinkType(link_type) => self.link_type(link_type),
            Next::Ethernet => self.ethernet(),
            Next::EtherType(ether_type) => self.ether_type(ether_type),
            Next::TypeOrLength(length) if length.0 <= 1500 => Ok(Next::Llc),
            Next::TypeOrLength(ether_type) => self.ether_type(ether_type),
            Next::Llc => self.llc(),
            Next::Wifi => self.wifi(),
            Next::Ppp => self.ppp(),
            Next::CiscoHdlc => self.cisco_hdlc(),
            Next::PppProtocol => self.ppp_protocol(),
            Next::Mpls => self.mpls(),
            Next::Nlpid => self.nlpid(),
            Next::Family => self.family(),
            Next::AnyIp => self.any_ip(),
            Next::Ip => Ok(Next::Ip),
        }
    }

    /// Takes off the first bytes.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unread> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(Unread::CutShort)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn skip(&mut self, length: usize) -> Result<(), Unread> {
        self.rest = self.rest.get(length..).ok_or(Unread::CutShort)?;
        Ok(())
    }

    fn after(&mut self, length: usize, next: Next) -> Result<Next, Unread> {
        self.skip(length).map(|()| next)
    }

    /// By the numbers of captures (LINKTYPE), which is what tells the numbers of the systems apart (DLT).
    fn link_type(&mut self, link_type: DataLink) -> Result<Next, Unread> {
        match u32::from(link_type) {
            0 | 108 => Ok(Next::Family), // NULL and LOOP
            1 => Ok(Next::Ethernet),
            6 => self.token_ring(),
            9 | 50 => Ok(Next::Ppp), // PPP and PPP_HDLC
            10 => self.fddi(),
            12 | 14 | 101 | 228 | 229 => Ok(Next::AnyIp), // RAW of BSD, of OpenBSD, and RAW, IPV4, IPV6
            51 => self.pppoe(),                           // PPP_ETHER
            100 => Ok(Next::Llc),                         // ATM_RFC1483
            104 => Ok(Next::CiscoHdlc),
            105 => Ok(Next::Wifi),
            107 => self.frame_relay(),
            109 => self.ipsec_enclosed(),
            113 => self.cooked(),
            117 => self.packet_filter_log(),
            119 => self.after(144, Next::Wifi), // IEEE802_11_PRISM
            127 => self.radiotap(),
            163 => self.avs(),
            166 => self.ppp_in_a_direction(),
            192 => self.per_packet_information(),
            204 => self.after(1, Next::Ppp),       // PPP_WITH_DIR
            205 => self.after(1, Next::CiscoHdlc), // C_HDLC_WITH_DIR
            219 => Ok(Next::Mpls),
            239 => self.netfilter_log(),
            240 => self.after(4, Next::Ethernet),  // NETANALYZER
            241 => self.after(12, Next::Ethernet), // NETANALYZER_TRANSPARENT, with a preamble
            258 => self.pktap(),
            274 => self.after(8, Next::Ethernet), // ETHERNET_MPACKET, with a preamble
            276 => self.cooked_version_2(),
            number => Err(Unread::LinkType(number)),
        }
    }
}
