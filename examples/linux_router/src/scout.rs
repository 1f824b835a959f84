//! Sees that packets for groups come on interfaces for which the kernel's multicast routing has no room.

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, RawFd};

use libc::sock_filter;
use nix::sys::socket::{LinkAddr, recvfrom, setsockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// A socket that is shown one kind of packet, on these interfaces.
#[derive(Debug)]
pub(crate) struct Scout {
    socket: Socket,
    indices: BTreeSet<NonZeroU32>,
}

/// How to know the packets of an address family below IP.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The number of the family on a link.
    pub(crate) ethertype: u16,
    /// Passes what is sent to a group that is routed; the header of IP is at 0.
    pub(crate) filter: &'static [sock_filter],
}

/// So many interfaces can be named in a filter, whose jumps are short.
const MOST: usize = 200;

impl Scout {
    pub(crate) fn open(look: Look, indices: BTreeSet<NonZeroU32>) -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(look.ethertype.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(protocol))?;
        socket.attach_filter(&program(look, &indices))?;
        for index in &indices {
            setsockopt(&socket, options::Membership, &all_groups(*index)?)?;
        }
        Ok(Self { socket, indices })
    }

    pub(crate) const fn indices(&self) -> &BTreeSet<NonZeroU32> {
        &self.indices
    }

    /// Says on which interfaces packets have come.
    pub(crate) fn seen(&self) -> BTreeSet<NonZeroU32> {
        let next = || recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut [0; 1]).ok();
        let indices = std::iter::from_fn(next).take(MOST).filter_map(|(_, from)| index(&from?));
        // Those that came before the filter was there are left out.
        indices.filter(|index| self.indices.contains(index)).collect()
    }
}

impl AsRawFd for Scout {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn index(from: &LinkAddr) -> Option<NonZeroU32> {
    NonZeroU32::new(from.ifindex().try_into().ok()?)
}

/// Builds the filter, which looks at the interface first, and then at the group.
fn program(look: Look, indices: &BTreeSet<NonZeroU32>) -> Vec<SockFilter> {
    let named = indices.iter().take(MOST);
    let count = named.len();
    let each = named.enumerate().map(|(number, index)| {
        // A match jumps over the remaining interfaces, and over the instruction that drops the packet.
        let over = u8::try_from(count - number).unwrap_or(u8::MAX);
        sock_filter { code: JUMP_IF_EQUAL, jt: over, jf: 0, k: index.get() }
    });
    let (begin, drop) = ([instruction(LOAD_WORD, INTERFACE)], [instruction(RETURN, 0)]);
    let all = begin.into_iter().chain(each).chain(drop).chain(look.filter.iter().copied());
    all.map(|sock_filter { code, jt, jf, k }| SockFilter::new(code, jt, jf, k)).collect()
}

const fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

const fn jump(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

// linux/bpf_common.h and linux/filter.h
const LOAD_WORD: u16 = 0x20;
const LOAD_OCTET: u16 = 0x30;
const AND: u16 = 0x54;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_GREATER: u16 = 0x25;
const RETURN: u16 = 0x06;
/// `SKF_AD_OFF + SKF_AD_IFINDEX`
const INTERFACE: u32 = 0xffff_f008;

/// 224.0.0.0/4 without 224.0.0.0/24.
pub(crate) const INET: Look = Look {
    ethertype: 0x0800,
    filter: &[
        instruction(LOAD_WORD, 16),
        instruction(AND, 0xf000_0000),
        jump(JUMP_IF_EQUAL, 0, 4, 0xe000_0000),
        instruction(LOAD_WORD, 16),
        instruction(AND, 0xffff_ff00),
        jump(JUMP_IF_EQUAL, 1, 0, 0xe000_0000),
        instruction(RETURN, 1),
        instruction(RETURN, 0),
    ],
};

/// ff00::/8 of a scope wider than the link.
pub(crate) const INET6: Look = Look {
    ethertype: 0x86dd,
    filter: &[
        instruction(LOAD_OCTET, 24),
        jump(JUMP_IF_EQUAL, 0, 4, 0xff),
        instruction(LOAD_OCTET, 25),
        instruction(AND, 0x0f),
        jump(JUMP_IF_GREATER, 0, 1, 2),
        instruction(RETURN, 1),
        instruction(RETURN, 0),
    ],
};

/// Has the interface receive all groups.
fn all_groups(index: NonZeroU32) -> io::Result<libc::packet_mreq> {
    Ok(libc::packet_mreq {
        mr_ifindex: index.get().try_into().map_err(io::Error::other)?,
        mr_type: libc::PACKET_MR_ALLMULTI.try_into().map_err(io::Error::other)?,
        mr_alen: 0,
        mr_address: [0; 8],
    })
}

/// An option that `nix` has no name for.
mod options {
    use libc::{PACKET_ADD_MEMBERSHIP, SOL_PACKET, packet_mreq};
    use nix::{setsockopt_impl, sockopt_impl};

    sockopt_impl!(Membership, SetOnly, SOL_PACKET, PACKET_ADD_MEMBERSHIP, packet_mreq);
}
