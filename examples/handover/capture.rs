//! A capture file: pcap bytes in, IP packets out.

use std::time::Duration;

use etherparse::{EtherType, LaxSlicedPacket};
use pcap_file::pcap::{PcapParser, RawPcapPacket};
use pcap_file::{DataLink, PcapError, TsResolution};

/// The packets of a capture, up to its end or to where it is damaged.
#[derive(Debug)]
pub(crate) struct Capture<'a> {
    parser: PcapParser,
    link: Link,
    rest: &'a [u8],
    packets: usize,
    start: Option<Duration>,
}

/// One packet of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// Its number in the capture, from 1.
    pub(crate) number: usize,
    /// When it came, counted from the first.
    pub(crate) time: Duration,
    /// From the IP header on, whatever follows; nothing if it carries something else.
    pub(crate) ip: Option<Vec<u8>>,
}

/// Why a capture cannot be read, or cannot be read further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("this is no pcap capture: {0} (for pcapng: editcap -F pcap)")]
    Header(PcapError),
    #[error("packets of link type {0:?} are not understood, only those of Ethernet and of plain IP")]
    LinkType(DataLink),
    #[error("the capture ends in the middle of packet {0}")]
    CutShort(usize),
    #[error("the capture is damaged at packet {0}: its header makes no sense")]
    PacketHeader(usize),
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Ethernet,
    Ip,
}

impl<'a> Capture<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Damage> {
        let (rest, parser) = PcapParser::new(bytes).map_err(Damage::Header)?;
        let link = Link::try_from(parser.header().datalink)?;
        Ok(Self { parser, link, rest, packets: 0, start: None })
    }

    fn parse(&mut self) -> Result<Frame, Damage> {
        self.packets += 1;
        let number = self.packets;
        // Not `next_packet`: it refuses packets of which only the head was captured.
        let (rest, packet) = self.parser.next_raw_packet(self.rest).map_err(|_| Damage::CutShort(number))?;
        self.rest = rest;
        let stamp = self.stamp(&packet).ok_or(Damage::PacketHeader(number))?;
        let time = stamp.saturating_sub(*self.start.get_or_insert(stamp));
        Ok(Frame { number, time, ip: self.link.strip(&packet.data) })
    }

    /// When the packet came, if what its header says is possible.
    fn stamp(&self, packet: &RawPcapPacket<'_>) -> Option<Duration> {
        let header = self.parser.header();
        let fits = packet.incl_len <= packet.orig_len && packet.incl_len <= header.snaplen;
        let nanos = match header.ts_resolution {
            TsResolution::MicroSecond => packet.ts_frac.checked_mul(1000)?,
            TsResolution::NanoSecond => packet.ts_frac,
        };
        let possible = fits && nanos < 1_000_000_000;
        possible.then(|| Duration::new(packet.ts_sec.into(), nanos))
    }
}

impl Iterator for Capture<'_> {
    type Item = Result<Frame, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = self.parse();
        if frame.is_err() {
            // What follows the damage cannot be told from more damage.
            self.rest = &[];
        }
        Some(frame)
    }
}

impl Link {
    fn strip(self, frame: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ip => Some(frame.to_vec()),
            Self::Ethernet => {
                let payload = LaxSlicedPacket::from_ethernet(frame).ok()?.ether_payload()?;
                let ip = matches!(payload.ether_type, EtherType::IPV4 | EtherType::IPV6);
                ip.then(|| payload.payload.to_vec())
            }
        }
    }
}

impl TryFrom<DataLink> for Link {
    type Error = Damage;

    fn try_from(link: DataLink) -> Result<Self, Damage> {
        if link == DataLink::ETHERNET {
            Ok(Self::Ethernet)
        } else if [DataLink::RAW, DataLink::IPV4, DataLink::IPV6].contains(&link) {
            Ok(Self::Ip)
        } else {
            Err(Damage::LinkType(link))
        }
    }
}
