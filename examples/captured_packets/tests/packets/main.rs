//! Captures of every kind, written here byte by byte, and read.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failed test")]

mod bytes;
mod containers;
mod fragments;
mod link_layers;
mod write;

use captured_packets::{Capture, Content, Damage, Packet, Unread};

/// All packets of a capture, and why it ends early if it does.
fn read(capture: &[u8]) -> (Vec<Packet>, Option<Damage>) {
    let (mut packets, mut capture) = (
        Vec::new(),
        match Capture::new(capture) {
            Ok(capture) => capture,
            Err(damage) => return (Vec::new(), Some(damage)),
        },
    );
    loop {
        match capture.next_packet() {
            Ok(Some(packet)) => packets.push(packet),
            Ok(None) => return (packets, None),
            Err(damage) => return (packets, Some(damage)),
        }
    }
}

/// The packets of a capture that nothing is wrong with.
fn sound(capture: &[u8]) -> Vec<Packet> {
    let (packets, damage) = read(capture);
    assert!(damage.is_none(), "{damage:?} after {} packets", packets.len());
    packets
}

/// The IP packet in a packet.
fn ip(packet: &Packet) -> Result<&[u8], String> {
    match &packet.content {
        Content::Ip(ip) => Ok(ip),
        Content::Fragment => Err(String::from("fragment")),
        Content::Unread(unread) => Err(Unread::to_string(unread)),
    }
}
