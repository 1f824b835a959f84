//! A socket of its own for MLD, which shows what the kernel's routing socket does not: the Router Alert.

use std::io::{self, IoSliceMut};
use std::net::Ipv6Addr;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

/// What was heard on a link: an IGMP or MLD message, and what was around it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard<A> {
    /// The link.
    pub index: NonZeroU32,
    /// Its source address.
    pub sender: A,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// The hop-by-hop options header of IPv6.
    pub options: Vec<u8>,
    /// From the header of IGMP or ICMPv6 on.
    pub message: Vec<u8>,
}

/// Hears MLD on all links.
#[derive(Debug)]
pub struct MldSocket(Socket);

/// linux/icmpv6.h
const ICMP6_FILTER: libc::c_int = 1;

/// A bit for each ICMPv6 type that is not received: `struct icmp6_filter`.
#[derive(Clone, Copy, Debug)]
struct TypeSet([u32; 8]);

impl TypeSet {
    const ALL: Self = Self([u32::MAX; 8]);

    fn but(types: &[u8]) -> Self {
        let mut set = Self::ALL;
        for &kind in types {
            if let Some(word) = set.0.get_mut(usize::from(kind / 32)) {
                *word &= !(1 << (kind % 32));
            }
        }
        set
    }
}

/// Options that `nix` has no name for.
mod options {
    use nix::{setsockopt_impl, sockopt_impl};

    sockopt_impl!(ReceiveOptions, SetOnly, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPOPTS, bool);
    sockopt_impl!(Filter, SetOnly, libc::IPPROTO_ICMPV6, super::ICMP6_FILTER, [u32; 8]);
}

/// Query, report and done of MLDv1, report of MLDv2.
const MLD: [u8; 4] = [130, 131, 132, 143];
/// As much as the routing socket has: hosts report all at once.
const ROOM: usize = 8 << 20;
/// As many messages as one turn of the loop reads.
const TURN: usize = 4096;
const PACKET: usize = 1 << 16;

impl MldSocket {
    /// Opens it; the routing socket hears no MLD from then on.
    ///
    /// # Errors
    ///
    /// Those of the system: it needs CAP_NET_RAW.
    pub fn open(routing: BorrowedFd<'_>) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), Some(Protocol::ICMPV6))?;
        setsockopt(&socket, options::Filter, &TypeSet::but(&MLD).0)?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
        setsockopt(&socket, options::ReceiveOptions, &true)?;
        setsockopt(&socket, sockopt::RcvBufForce, &ROOM)?;
        setsockopt(&routing, options::Filter, &TypeSet::ALL.0)?;
        Ok(Self(socket))
    }

    /// What waits in the socket, as far as one turn goes, and so many octets.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn read(&self, octets: usize) -> io::Result<Vec<Heard<Ipv6Addr>>> {
        let (mut all, mut read, mut buffer) = (Vec::new(), 0, vec![0; PACKET]);
        while all.len() < TURN && read < octets {
            match self.receive(&mut buffer) {
                Ok(heard) => {
                    read +=
                        heard.iter().map(|heard| heard.message.len() + heard.options.len()).sum::<usize>();
                    all.extend(heard);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// The next message; nothing if the kernel does not say where it came from.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Heard<Ipv6Addr>>> {
        let mut control = cmsg_space!(libc::in6_pktinfo, libc::c_int, [u8; 2048]);
        let mut parts = [IoSliceMut::new(buffer)];
        let received =
            recvmsg::<SockaddrIn6>(self.0.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())?;
        let (mut index, mut hop_limit, mut options) = (None, None, Vec::new());
        for message in received.cmsgs()? {
            if let ControlMessageOwned::Ipv6PacketInfo(info) = message {
                index = NonZeroU32::new(info.ipi6_ifindex);
            } else if let ControlMessageOwned::Ipv6HopLimit(limit) = message {
                hop_limit = u8::try_from(limit).ok();
            } else if let ControlMessageOwned::Unknown(unknown) = message
                && unknown.cmsg_header.cmsg_type == libc::IPV6_HOPOPTS
            {
                options = unknown.data_bytes;
            }
        }
        let (sender, length) = (received.address.map(|address| address.ip()), received.bytes);
        Ok((|| {
            let message = buffer.get(..length)?.to_vec();
            Some(Heard { index: index?, sender: sender?, hop_limit: hop_limit?, options, message })
        })())
    }
}

impl AsFd for MldSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
