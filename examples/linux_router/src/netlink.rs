//! The kernel's links, addresses and routes: news of them, and all that there are.
#![expect(clippy::wildcard_enum_match_arm, reason = "the kernel has more to say, and will have yet more")]

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// What the kernel tells, to one who listens.
#[derive(Debug)]
pub(crate) struct News {
    socket: Socket,
}

/// One message of the kernel.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) message: RouteNetlinkMessage,
    /// Whether it takes the place of what was like it.
    pub(crate) replaces: bool,
}

/// What has come.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    /// The kernel had more to tell than there was room for: ask for everything.
    pub(crate) lost: bool,
}

/// `RTNLGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR` and `_IPV6_ROUTE` (linux/rtnetlink.h).
const GROUPS: [u32; 5] = [1, 5, 7, 9, 11];
const ROOM: usize = 1 << 16;

impl News {
    pub(crate) fn listen() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.set_non_blocking(true)?;
        // As much as the system lets; what does not fit is noticed.
        socket.set_rx_buf_sz(4 << 20)?;
        GROUPS.iter().try_for_each(|&group| socket.add_membership(group))?;
        Ok(Self { socket })
    }

    /// All that waits in the socket.
    pub(crate) fn read(&self) -> io::Result<Batch> {
        let (mut batch, mut buffer) = (Batch::default(), Vec::with_capacity(ROOM));
        loop {
            buffer.clear();
            match self.socket.recv(&mut buffer, 0) {
                Ok(_) => batch.items.extend(messages(&buffer).filter_map(item)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(batch),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => batch.lost = true,
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsRawFd for News {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Asks the kernel for all of something.
pub(crate) fn dump(request: &RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
    // Where it changed meanwhile the kernel says so; the news of that come in any case.
    const ATTEMPTS: usize = 3;
    let mut items = Vec::new();
    for _ in 0..ATTEMPTS {
        let (all, interrupted) = dump_once(request.clone())?;
        items = all;
        if !interrupted {
            break;
        }
    }
    Ok(items)
}

fn dump_once(request: RouteNetlinkMessage) -> io::Result<(Vec<RouteNetlinkMessage>, bool)> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
    message.finalize();
    let mut buffer = vec![0; message.buffer_len()];
    message.serialize(&mut buffer);
    socket.send(&buffer, 0)?;

    let (mut all, mut interrupted) = (Vec::new(), false);
    let mut buffer = Vec::with_capacity(ROOM);
    loop {
        buffer.clear();
        socket.recv(&mut buffer, 0)?;
        for message in messages(&buffer) {
            interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
            match message.payload {
                NetlinkPayload::InnerMessage(item) => all.push(item),
                NetlinkPayload::Done(_) => return Ok((all, interrupted)),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
        }
    }
}

/// The messages in what was received; one that is not understood is left out.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = NetlinkMessage<RouteNetlinkMessage>> {
    std::iter::from_fn(move || {
        let (&length, _) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_ne_bytes(length)).ok()?.max(16);
        let message = bytes.get(..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(NetlinkMessage::deserialize(message))
    })
    .filter_map(|message| message.inspect_err(|error| tracing::debug!(%error, "netlink")).ok())
}

fn item(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Item> {
    let replaces = message.header.flags & NLM_F_REPLACE != 0;
    match message.payload {
        NetlinkPayload::InnerMessage(message) => Some(Item { message, replaces }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::family::Family;
    use crate::routes::Routes;
    use crate::system;

    /// What the kernel might say, damaged on its way: nothing of it is trusted to make sense.
    fn damaged() -> impl Strategy<Value = Vec<u8>> {
        // RTM_NEWLINK to RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE, and anything.
        let kind = prop_oneof![prop::sample::select(vec![16u16, 17, 20, 21, 24, 25]), 0..100u16];
        let family = prop::sample::select(vec![0u8, 2, 10, 7]);
        // Attributes: their length and type are small, so that there are several.
        let octet = prop_oneof![4 => Just(0u8), 4 => 0..24u8, 2 => any::<u8>()];
        let header = prop::collection::vec(octet.clone(), 11);
        let attribute = (0..24u16, 0..40u16, prop::collection::vec(octet, 0..20));
        let attributes = prop::collection::vec(attribute, 0..6);
        (kind, any::<u16>(), family, header, attributes, -2..3i32).prop_map(message)
    }

    type Attribute = (u16, u16, Vec<u8>);

    fn message(
        (kind, flags, family, header, attributes, off): (u16, u16, u8, Vec<u8>, Vec<Attribute>, i32),
    ) -> Vec<u8> {
        let mut body = vec![family];
        body.extend(header);
        for (lie, kind, value) in attributes {
            let length = u16::try_from(4 + value.len()).unwrap() + if lie < 3 { lie } else { 0 };
            body.extend(length.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(&value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let length = (16 + i32::try_from(body.len()).unwrap() + off).to_ne_bytes();
        let rest = [&kind.to_ne_bytes()[..], &flags.to_ne_bytes(), &[0; 8]].concat();
        [&length[..], &rest, &body].concat()
    }

    fn take<A: Family>(items: &[Item], routes: &Routes<A>) {
        for Item { message, replaces } in items {
            if let RouteNetlinkMessage::NewRoute(route) = message {
                let _changed = routes.add(route, *replaces);
            } else if let RouteNetlinkMessage::DelRoute(route) = message {
                let _changed = routes.delete(route);
            }
        }
    }

    fn take_all(octets: &[u8]) {
        let items: Vec<_> = messages(octets).filter_map(item).collect();
        take(&items, &Routes::<Ipv4Addr>::new());
        take(&items, &Routes::<Ipv6Addr>::new());
        for Item { message, .. } in &items {
            let _removed = system::removed(message);
            system::understand(message);
        }
    }

    /// What is taken at most, however little is said.
    const ROOM: u64 = 1 << 12;

    proptest! {
        #[test]
        fn fuzz_the_news_of_the_kernel(all in prop::collection::vec(damaged(), 1..8), tail in any::<[u8; 7]>()) {
            let octets = [all.concat(), tail.to_vec()].concat();
            let taken = allocation_counter::measure(|| take_all(&octets)).bytes_max;
            // An attribute of 4 octets is a value that can hold any, and a list begins with room for 4.
            prop_assert!(taken <= ROOM + 64 * u64::try_from(octets.len()).unwrap(), "{taken} for {}", octets.len());
        }

        #[test]
        fn fuzz_octets(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(messages(&octets).count() <= octets.len() / 16 + 1);
        }
    }

    /// What is damaged above is understood when it is whole.
    #[test]
    fn a_route_is_read_as_it_was_written() {
        let mut route = netlink_packet_route::route::RouteMessage::default();
        route.header.address_family = Ipv4Addr::FAMILY;
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewRoute(route));
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        assert_eq!(messages(&octets).filter_map(item).count(), 1);
    }
}
