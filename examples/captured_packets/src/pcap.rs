//! The container pcap.
//!
//! `pcap-file` reads the header of the file. Those of the records are read here: it refuses all that follows a record
//! whose lengths or time it does not like, and knows only one order of the lengths.

use std::io::BufRead;
use std::time::Duration;

use byteorder_slice::result::ReadSlice;
use byteorder_slice::{BigEndian, ByteOrder, LittleEndian};
use pcap_file::pcap::PcapHeader;
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use crate::feed::{Feed, Stop};
use crate::record::{LONGEST, Record};

#[derive(Debug)]
pub(crate) struct Pcap {
    header: PcapHeader,
}

/// How long a packet is, by the header of its record.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    captured: u32,
    original: u32,
}

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

impl Pcap {
    pub(crate) fn open<R: BufRead>(feed: &mut Feed<R>) -> Result<Self, Stop> {
        let header = feed.next(FILE_HEADER, PcapHeader::from_slice)?.ok_or(Stop::CutShort)?;
        Ok(Self { header })
    }

    pub(crate) fn next<R: BufRead>(&self, feed: &mut Feed<R>) -> Result<Option<Record>, Stop> {
        feed.next(RECORD_HEADER + LONGEST, |bytes| match self.header.endianness {
            Endianness::Big => self.parse::<BigEndian>(bytes),
            Endianness::Little => self.parse::<LittleEndian>(bytes),
        })
    }

    fn parse<'a, B: ByteOrder>(&self, bytes: &'a [u8]) -> Result<(&'a [u8], Record), PcapError> {
        let (mut header, rest) = bytes.split_at_checked(RECORD_HEADER).ok_or(PcapError::IncompleteBuffer)?;
        let mut field = || header.read_u32::<B>().map_err(|_| PcapError::IncompleteBuffer);
        let (seconds, fraction) = (field()?, field()?);
        let lengths = self.in_order(Lengths { captured: field()?, original: field()? });
        let captured = usize::try_from(lengths.captured).ok().filter(|&captured| captured <= LONGEST);
        let captured = captured.ok_or(PcapError::InvalidField("incl_len"))?;
        let (packet, rest) = rest.split_at_checked(captured).ok_or(PcapError::IncompleteBuffer)?;
        let (time, link_type) = (Some(self.time(seconds, fraction)), Some(self.link_type()));
        Ok((rest, Record { interface: None, link_type, time, bytes: packet.to_vec() }))
    }

    /// Before version 2.3 the original length came first, and in 2.3 it depended on who wrote: so libpcap has it.
    fn in_order(&self, lengths: Lengths) -> Lengths {
        let is_swapped = match (self.header.version_major, self.header.version_minor) {
            (2, ..3) => true,
            (2, 3) => lengths.captured > lengths.original,
            (_, _) => false,
        };
        let Lengths { captured, original } = lengths;
        if is_swapped { Lengths { captured: original, original: captured } } else { lengths }
    }

    /// The fraction may be of more than a second.
    fn time(&self, seconds: u32, fraction: u32) -> Duration {
        let fraction = match self.header.ts_resolution {
            TsResolution::MicroSecond => Duration::from_micros(fraction.into()),
            TsResolution::NanoSecond => Duration::from_nanos(fraction.into()),
        };
        Duration::from_secs(seconds.into()) + fraction
    }

    /// The upper half of the field tells the length of the frame check sequence.
    fn link_type(&self) -> DataLink {
        DataLink::from(u32::from(self.header.datalink) & 0xffff)
    }
}
