//! Packets of hosts, and captures of them.

use std::net::{IpAddr, Ipv4Addr};

use super::damage::seal;

pub(crate) const REPORT_V2: u8 = 0x16;
pub(crate) const LEAVE_V2: u8 = 0x17;
pub(crate) const TO_INCLUDE: u8 = 3;
pub(crate) const TO_EXCLUDE: u8 = 4;

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A packet with the Router Alert and right checksums.
fn packet(source: IpAddr, message: &[u8]) -> Vec<u8> {
    let mut packet = if source.is_ipv4() {
        let header = [0x46, 0xc0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0];
        [&header, octets(source).as_slice(), &[224, 0, 0, 22, 0x94, 4, 0, 0], message].concat()
    } else {
        let all_routers = octets("ff02::16".parse().unwrap());
        let hop_by_hop = [58, 0, 5, 2, 0, 0, 1, 0];
        [&[0x60, 0, 0, 0, 0, 0, 0, 1], octets(source).as_slice(), &all_routers, &hop_by_hop, message].concat()
    };
    seal(&mut packet);
    packet
}

/// A report or leave of IGMPv2.
pub(crate) fn igmp_v2(source: &str, kind: u8, group: &str) -> Vec<u8> {
    let group: Ipv4Addr = group.parse().unwrap();
    packet(source.parse().unwrap(), &[&[kind, 0, 0, 0], group.octets().as_slice()].concat())
}

/// A report of IGMPv3 or MLDv2 with a single record.
pub(crate) fn report(source: &str, kind: u8, group: &str, sources: &[&str]) -> Vec<u8> {
    let source: IpAddr = source.parse().unwrap();
    let version = if source.is_ipv4() { 0x22 } else { 143 };
    let mut message = vec![version, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, u8::try_from(sources.len()).unwrap()];
    for address in [group].iter().chain(sources) {
        message.extend(octets(address.parse().unwrap()));
    }
    packet(source, &message)
}

/// From the host whose hardware address ends in `sender`.
pub(crate) fn ethernet(sender: u8, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let header = [1, 0, 0x5e, 0, 0, 0x16, 2, 0, 0, 0, 0, sender];
    [&header, ether_type.to_be_bytes().as_slice(), payload].concat()
}

/// The same, with the protocol that the packet has.
pub(crate) fn on_ethernet(sender: u8, packet: &[u8]) -> Vec<u8> {
    ethernet(sender, if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }, packet)
}

/// A capture of packets that come a second apart.
pub(crate) fn pcap(link_type: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, link_type];
    let mut pcap: Vec<u8> = header.iter().flat_map(|field: &u32| field.to_le_bytes()).collect();
    for (second, frame) in (0..).zip(frames) {
        let length = u32::try_from(frame.len()).unwrap();
        pcap.extend([second, 0, length, length].iter().flat_map(|field: &u32| field.to_le_bytes()));
        pcap.extend(frame);
    }
    pcap
}

/// A capture by several interfaces of Ethernet.
pub(crate) fn pcapng(interfaces: u32, frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let little = |fields: &[u32]| fields.iter().flat_map(|field| field.to_le_bytes()).collect::<Vec<u8>>();
    let block = |kind: u32, body: &[u8]| {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = u32::try_from(12 + body.len() + padding.len()).unwrap();
        [little(&[kind, length]).as_slice(), body, &padding, &little(&[length])].concat()
    };
    let mut pcapng = block(0x0a0d_0d0a, &little(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    for _ in 0..interfaces {
        pcapng.extend(block(1, &little(&[1, 0])));
    }
    for (interface, frame) in frames {
        let length = u32::try_from(frame.len()).unwrap();
        pcapng.extend(block(6, &[little(&[*interface, 0, 0, length, length]).as_slice(), frame].concat()));
    }
    pcapng
}
