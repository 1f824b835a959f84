//! Why a capture cannot be read, or cannot be read further.

use std::io;

/// What is wrong with a capture, and with which of its packets.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is no capture, or one of a format that is not understood.
    #[error("this is no capture of the formats pcap or pcapng (editcap -F pcapng converts others)")]
    Format,
    /// Its last packet is not all there.
    #[error("the capture ends in the middle of packet {0}")]
    CutShort(usize),
    /// A header in it cannot be true, so nobody knows where the next packet begins.
    #[error("the capture is damaged at packet {0}: its header makes no sense")]
    Nonsense(usize),
    /// The system could not read on.
    #[error("the capture cannot be read: {0}")]
    System(#[from] io::Error),
}
