//! The interfaces of the machine, by name.
#![expect(clippy::wildcard_enum_match_arm, reason = "the kernel has more to say, and will have yet more")]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage::{self, NewAddress, NewLink};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};

use crate::netlink;

/// An interface as it is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Port {
    /// Its number.
    pub index: NonZeroU32,
    /// Whether it carries packets.
    pub up: bool,
    /// The octets of the largest IP packet that fits.
    pub mtu: usize,
    /// Whether there is one neighbour only.
    pub point_to_point: bool,
    /// Those that may be used, in the kernel's order.
    pub addresses: Vec<PortAddress>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortAddress {
    /// The router's own.
    pub own: IpAddr,
    /// One that is on the link: the peer's, where there is a peer.
    pub on_link: IpAddr,
    /// How much of it the whole link has in common.
    pub prefix_length: u8,
}

/// All interfaces of the machine, by name.
pub type Ports = BTreeMap<String, Port>;

/// Asks the kernel for all interfaces.
///
/// # Errors
///
/// Those of the system.
pub fn ports() -> io::Result<Ports> {
    let links = netlink::dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let mut ports: Ports =
        links.iter().filter_map(|item| if let NewLink(link) = item { port(link) } else { None }).collect();
    for item in netlink::dump(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let NewAddress(message) = item else { continue };
        let on = ports.values_mut().find(|port| port.index.get() == message.header.index);
        if let (Some(port), Some(address)) = (on, address(&message)) {
            port.addresses.push(address);
        }
    }
    Ok(ports)
}

/// The index of a link that is gone, if this says so. A bridge that loses a port speaks of the link too.
pub(crate) fn removed(message: &RouteNetlinkMessage) -> Option<NonZeroU32> {
    let RouteNetlinkMessage::DelLink(link) = message else { return None };
    let gone = link.header.interface_family == AddressFamily::Unspec;
    NonZeroU32::new(link.header.index).filter(|_| gone)
}

fn port(link: &LinkMessage) -> Option<(String, Port)> {
    let name = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    });
    let mtu = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Mtu(octets) => usize::try_from(*octets).ok(),
        _ => None,
    });
    let port = Port {
        index: NonZeroU32::new(link.header.index)?,
        up: link.header.flags.contains(LinkFlags::Up | LinkFlags::Running),
        mtu: mtu.unwrap_or(usize::MAX),
        point_to_point: link.header.flags.contains(LinkFlags::Pointopoint),
        addresses: Vec::new(),
    };
    Some((name?, port))
}

/// The address, unless it is not certain yet that no other node has it (RFC 4862 §5.4).
fn address(message: &AddressMessage) -> Option<PortAddress> {
    let (mut local, mut peer, mut flags) = (None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => peer = Some(*address),
            AddressAttribute::Flags(found) => flags = *found,
            _ => {}
        }
    }
    let certain = !flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed);
    // Without a peer IPv6 says only one of the two, and IPv4 says the same twice.
    let (own, on_link) = (local.or(peer)?, peer.or(local)?);
    let prefix_length = message.header.prefix_len;
    certain.then_some(PortAddress { own, on_link, prefix_length })
}

/// Reads a message as the router does, for tests that only ask whether that panics.
#[cfg(test)]
pub(crate) fn understand(message: &RouteNetlinkMessage) {
    match message {
        NewLink(link) => drop(port(link)),
        NewAddress(message) => drop(address(message)),
        _ => {}
    }
}

/// Whether it is about links or addresses.
pub(crate) const fn concerns(message: &RouteNetlinkMessage) -> bool {
    matches!(
        message,
        NewLink(_) | RouteNetlinkMessage::DelLink(_) | NewAddress(_) | RouteNetlinkMessage::DelAddress(_)
    )
}
