//! 802.11, and what is put before it.

use super::{Frame, Next};
use crate::{HardwareAddr, Unread};

// The first byte of a frame: its type, and flags of the data type.
const TYPE: u8 = 0b0000_1100;
const DATA: u8 = 0b0000_1000;
const NO_DATA: u8 = 0b0100_0000;
const QOS: u8 = 0b1000_0000;

// The second.
const TO_ACCESS_POINT: u8 = 0b0000_0001;
const FROM_ACCESS_POINT: u8 = 0b0000_0010;
const ENCRYPTED: u8 = 0b0100_0000;
const HIGH_THROUGHPUT: u8 = 0b1000_0000;

/// In the first byte of what QoS adds.
const AGGREGATE: u8 = 0b1000_0000;

impl Frame<'_> {
    /// IEEE 802.11 §9.2.4 and §9.3.2: where the sender stands depends on the direction.
    pub(super) fn wifi(&mut self) -> Result<Next, Unread> {
        let [control, flags, _, _] = self.take()?;
        if control & (TYPE | NO_DATA) != DATA {
            return Err(Unread::WifiWithoutData);
        }
        let (_receiver, second, third, _sequence) =
            (self.take::<6>()?, self.take::<6>()?, self.take::<6>()?, self.take::<2>()?);
        let sender = match flags & (TO_ACCESS_POINT | FROM_ACCESS_POINT) {
            0 | TO_ACCESS_POINT => second,
            FROM_ACCESS_POINT => third,
            _ => self.take()?,
        };
        self.sender = HardwareAddr::new(&sender);
        let [quality, _] = if control & QOS == 0 { [0; 2] } else { self.take()? };
        if control & QOS != 0 && flags & HIGH_THROUGHPUT != 0 {
            self.skip(4)?;
        }
        match (flags & ENCRYPTED, quality & AGGREGATE) {
            (0, 0) => Ok(Next::Llc),
            (0, _) => Err(Unread::WifiAggregate),
            (_, _) => Err(Unread::WifiEncrypted),
        }
    }

    /// Version, padding and length of the header, with the low byte first.
    pub(super) fn radiotap(&mut self) -> Result<Next, Unread> {
        let &[_, _, low, high, ..] = self.rest else { return Err(Unread::CutShort) };
        self.skip(u16::from_le_bytes([low, high]).into())?;
        self.wifi()
    }

    /// Version and length of the header.
    pub(super) fn avs(&mut self) -> Result<Next, Unread> {
        let &[_, _, _, _, _, _, high, low, ..] = self.rest else { return Err(Unread::CutShort) };
        self.skip(u16::from_be_bytes([high, low]).into())?;
        self.wifi()
    }
}
