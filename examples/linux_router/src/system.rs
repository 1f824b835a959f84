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
    /// Those that may be used, in the kernel's order, with the lengths of their prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
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
            port.addresses.push((address, message.header.prefix_len));
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
    let up = link.header.flags.contains(LinkFlags::Up | LinkFlags::Running);
    Some((name?, Port { index: NonZeroU32::new(link.header.index)?, up, addresses: Vec::new() }))
}

/// The address, unless it is not certain yet that no other node has it (RFC 4862 §5.4).
fn address(message: &AddressMessage) -> Option<IpAddr> {
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
    local.or(peer).filter(|_| certain)
}

/// Whether it is about links or addresses.
pub(crate) const fn concerns(message: &RouteNetlinkMessage) -> bool {
    matches!(
        message,
        NewLink(_) | RouteNetlinkMessage::DelLink(_) | NewAddress(_) | RouteNetlinkMessage::DelAddress(_)
    )
}
