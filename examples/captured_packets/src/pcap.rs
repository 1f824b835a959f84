//! The container pcap.

use std::io::BufRead;
use std::time::Duration;

use pcap_file::pcap::{PcapParser, RawPcapPacket};
use pcap_file::{DataLink, PcapError, TsResolution};

use crate::feed::{Feed, Stop};
use crate::record::{LONGEST, Record};

#[derive(Debug)]
pub(crate) struct Pcap {
    parser: PcapParser,
}

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

impl Pcap {
    pub(crate) fn open<R: BufRead>(feed: &mut Feed<R>) -> Result<Self, Stop> {
        let parser = feed.next(FILE_HEADER, PcapParser::new)?.ok_or(Stop::CutShort)?;
        Ok(Self { parser })
    }

    pub(crate) fn next<R: BufRead>(&self, feed: &mut Feed<R>) -> Result<Option<Record>, Stop> {
        feed.next(RECORD_HEADER + LONGEST, |bytes| self.parse(bytes))
    }

    /// Not by `next_packet`, which refuses what says nothing of where the next record begins: an original length
    /// below the captured one or beyond the snapshot length, and fractions of more than a second.
    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<(&'a [u8], Record), PcapError> {
        let (rest, packet) = self.parser.next_raw_packet(bytes)?;
        if packet.data.len() > LONGEST {
            return Err(PcapError::InvalidField("PacketHeader incl_len"));
        }
        let (time, link_type) = (Some(self.time(&packet)), Some(self.link_type()));
        Ok((rest, Record { interface: None, link_type, time, bytes: packet.data.into_owned() }))
    }

    fn time(&self, packet: &RawPcapPacket<'_>) -> Duration {
        let fraction = match self.parser.header().ts_resolution {
            TsResolution::MicroSecond => Duration::from_micros(packet.ts_frac.into()),
            TsResolution::NanoSecond => Duration::from_nanos(packet.ts_frac.into()),
        };
        Duration::from_secs(packet.ts_sec.into()) + fraction
    }

    /// The upper half of the field tells the length of the frame check sequence.
    fn link_type(&self) -> DataLink {
        DataLink::from(u32::from(self.parser.header().datalink) & 0xffff)
    }
}
