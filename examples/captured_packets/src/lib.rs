//! The IP packets in a capture, and where each of them was: what is common to all captures that people have.
//!
//! ```text
//! bytes ─► feed ─► pcap · pcapng ─► a record ─► link_layer ─► an IP packet ─► fragments ─► a whole IP packet
//! ```
//!
//! A capture is read as it comes, so it may be one in progress. What is kept of it is bounded, whatever it holds.
#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "it is not published")]

mod capture;
mod damage;
mod feed;
mod fragments;
mod link;
mod link_layer;
mod pcap;
mod pcapng;
mod record;
mod unread;

pub use capture::{Capture, Content, Packet};
pub use damage::Damage;
pub use link::{HardwareAddr, Header, Link};
pub use unread::Unread;
