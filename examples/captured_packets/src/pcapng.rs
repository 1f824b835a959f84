//! The container pcapng.
//!
//! `pcap-file` frames the blocks. Their fields are read here: it refuses a whole capture for an option that it takes
//! for malformed, and for a time zone of the right length.

use std::io::BufRead;
use std::time::Duration;

use byteorder_slice::result::ReadSlice;
use byteorder_slice::{BigEndian, ByteOrder, LittleEndian};
use pcap_file::pcapng::RawBlock;
use pcap_file::pcapng::blocks::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, PACKET_BLOCK, SECTION_HEADER_BLOCK,
    SIMPLE_PACKET_BLOCK,
};
use pcap_file::{DataLink, Endianness, PcapError};

use crate::Header;
use crate::feed::{Feed, Stop};
use crate::record::{LONGEST, Record};

/// A section of a capture, with the interfaces that have been described in it so far.
#[derive(Debug)]
pub(crate) struct Pcapng {
    byte_order: Endianness,
    interfaces: Vec<Described>,
    unknown_blocks: usize,
}

#[derive(Clone, Debug)]
struct Described {
    interface: Header,
    link_type: DataLink,
    /// 0 if packets are captured whole.
    snap_length: u32,
    clock: Clock,
}

/// What the time stamps of an interface count.
#[derive(Clone, Copy, Debug)]
struct Clock {
    per_second: u128,
    offset_seconds: i64,
}

struct Block {
    kind: u32,
    body: Vec<u8>,
}

/// A packet as its block has it.
struct Captured<'a> {
    interface: u32,
    ticks: Option<u64>,
    bytes: &'a [u8],
}

/// The section itself, names, statistics, journal entries, keys.
const WITHOUT_PACKETS: [u32; 5] = [SECTION_HEADER_BLOCK, 4, 5, 9, 10];

/// Of a block, as Wireshark has it.
const LONGEST_BLOCK: usize = 16 << 20;
/// So that a capture of nothing but descriptions does not fill the memory.
const MOST_INTERFACES: usize = 4096;
const LONGEST_NAME: usize = 64;

/// The first bytes of a section, in either byte order.
pub(crate) const MAGIC: [u8; 4] = SECTION_HEADER_BLOCK.to_be_bytes();

impl Pcapng {
    pub(crate) const fn new() -> Self {
        Self { byte_order: Endianness::Big, interfaces: Vec::new(), unknown_blocks: 0 }
    }

    pub(crate) fn next<R: BufRead>(&mut self, feed: &mut Feed<R>) -> Result<Option<Record>, Stop> {
        while let Some(block) = self.next_block(feed)? {
            let record = match self.byte_order {
                Endianness::Big => self.read::<BigEndian>(&block),
                Endianness::Little => self.read::<LittleEndian>(&block),
            };
            let record = record.ok_or(Stop::Nonsense)?;
            if record.is_some() {
                return Ok(record);
            }
        }
        Ok(None)
    }

    pub(crate) const fn unknown_blocks(&self) -> usize {
        self.unknown_blocks
    }

    fn next_block<R: BufRead>(&mut self, feed: &mut Feed<R>) -> Result<Option<Block>, Stop> {
        let block = match self.byte_order {
            Endianness::Big => feed.next(LONGEST_BLOCK, frame::<BigEndian>),
            Endianness::Little => feed.next(LONGEST_BLOCK, frame::<LittleEndian>),
        }?;
        if let Some(Block { kind: SECTION_HEADER_BLOCK, body }) = &block {
            let is_big = body.starts_with(&[0x1a, 0x2b, 0x3c, 0x4d]);
            self.byte_order = if is_big { Endianness::Big } else { Endianness::Little };
            self.interfaces.clear();
        }
        Ok(block)
    }

    /// The packet of a block, if it has one; nothing at all if the block is too short for what it says.
    fn read<B: ByteOrder>(&mut self, block: &Block) -> Option<Option<Record>> {
        let body = block.body.as_slice();
        let captured = match block.kind {
            INTERFACE_DESCRIPTION_BLOCK => {
                let described = self.describe::<B>(body)?;
                if self.interfaces.len() < MOST_INTERFACES {
                    self.interfaces.push(described);
                }
                return Some(None);
            }
            ENHANCED_PACKET_BLOCK => enhanced_packet::<B>(body)?,
            PACKET_BLOCK => obsolete_packet::<B>(body)?,
            SIMPLE_PACKET_BLOCK => self.simple_packet::<B>(body)?,
            kind => {
                self.unknown_blocks += usize::from(!WITHOUT_PACKETS.contains(&kind));
                return Some(None);
            }
        };
        (captured.bytes.len() <= LONGEST).then(|| Some(self.record(&captured)))
    }

    fn record(&self, captured: &Captured<'_>) -> Record {
        let index = usize::try_from(captured.interface).unwrap_or(usize::MAX);
        let described = self.interfaces.get(index);
        Record {
            interface: described.map(|described| described.interface.clone()),
            link_type: described.map(|described| described.link_type),
            time: described.zip(captured.ticks).map(|(described, ticks)| described.clock.time(ticks)),
            bytes: captured.bytes.to_vec(),
        }
    }

    fn describe<B: ByteOrder>(&self, mut body: &[u8]) -> Option<Described> {
        let link_type = u32::from(body.read_u16::<B>().ok()?).into();
        let (_reserved, snap_length) = (body.read_u16::<B>().ok()?, body.read_u32::<B>().ok()?);
        let (mut clock, mut name) = (Clock::default(), String::new());
        for (code, value) in options::<B>(body) {
            match (code, value) {
                (2, value) => name = String::from_utf8_lossy(value).chars().take(LONGEST_NAME).collect(),
                (9, &[resolution]) => clock.per_second = per_second(resolution),
                (14, mut value) => clock.offset_seconds = value.read_i64::<B>().unwrap_or_default(),
                _ => {}
            }
        }
        let interface = Header::Interface { index: self.interfaces.len(), name };
        Some(Described { interface, link_type, snap_length, clock })
    }

    /// It is of the first interface, and says only how long it was before it was cut.
    fn simple_packet<'a, B: ByteOrder>(&self, mut body: &'a [u8]) -> Option<Captured<'a>> {
        let original = body.read_u32::<B>().ok()?;
        let snap_length = self.interfaces.first().map(|first| first.snap_length).filter(|&most| most > 0);
        let length = usize::try_from(snap_length.map_or(original, |most| most.min(original))).ok()?;
        Some(Captured { interface: 0, ticks: None, bytes: body.get(..length)? })
    }
}

impl Clock {
    fn time(self, ticks: u64) -> Duration {
        let ticks = u128::from(ticks);
        let seconds = u64::try_from(ticks / self.per_second).unwrap_or(u64::MAX);
        let nanos = ticks % self.per_second * 1_000_000_000 / self.per_second;
        let time = Duration::new(seconds, u32::try_from(nanos).unwrap_or_default());
        let offset = Duration::from_secs(self.offset_seconds.unsigned_abs());
        if self.offset_seconds < 0 { time.saturating_sub(offset) } else { time.saturating_add(offset) }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { per_second: 1_000_000, offset_seconds: 0 }
    }
}

fn frame<B: ByteOrder>(bytes: &[u8]) -> Result<(&[u8], Block), PcapError> {
    let (rest, block) = RawBlock::from_slice::<B>(bytes)?;
    Ok((rest, Block { kind: block.type_, body: block.body.into_owned() }))
}

fn enhanced_packet<B: ByteOrder>(mut body: &[u8]) -> Option<Captured<'_>> {
    let interface = body.read_u32::<B>().ok()?;
    captured::<B>(interface, body)
}

fn obsolete_packet<B: ByteOrder>(mut body: &[u8]) -> Option<Captured<'_>> {
    let (interface, _drops) = (body.read_u16::<B>().ok()?, body.read_u16::<B>().ok()?);
    captured::<B>(interface.into(), body)
}

/// What the two have in common.
fn captured<B: ByteOrder>(interface: u32, mut body: &[u8]) -> Option<Captured<'_>> {
    let (high, low) = (body.read_u32::<B>().ok()?, body.read_u32::<B>().ok()?);
    let (length, _original) = (body.read_u32::<B>().ok()?, body.read_u32::<B>().ok()?);
    let bytes = body.get(..usize::try_from(length).ok()?)?;
    Some(Captured { interface, ticks: Some(u64::from(high) << 32 | u64::from(low)), bytes })
}

/// Code and value of each option, up to the end or to what is none.
fn options<B: ByteOrder>(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, length) = (rest.read_u16::<B>().ok()?, usize::from(rest.read_u16::<B>().ok()?));
        let (value, after) = rest.split_at_checked(length)?;
        rest = after.get(length.next_multiple_of(4) - length..).unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

/// A power of ten, or of two if the highest bit is set; what is beyond all reason counts as microseconds.
fn per_second(resolution: u8) -> u128 {
    let exponent = u32::from(resolution & 0x7f);
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).unwrap_or(1_000_000)
}
