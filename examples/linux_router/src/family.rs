//! What differs between IPv4 and IPv6 beyond the packets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use ipnet::{Ipv4Net, Ipv6Net};
use mgm::Address;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::RouteAddress;
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, SockaddrIn6, sendmsg, setsockopt};
use prefix_trie::Prefix;
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::hearing::{Heard, MldSocket};
use crate::igmp::link::{Addresses, Own};
use crate::igmp::packet::Wire;
use crate::link_layer;
use crate::scout::{self, Look};
use crate::source_request::{self, SourceRequest};
use crate::system::Port;

/// An address family of the router.
pub trait Family: Wire + Address<Net: Prefix> {
    /// Its protocol between routers and hosts.
    const PROTOCOL: &'static str;
    /// The kind of address from which hosts are asked.
    const ASKING: &'static str;
    /// Its number for the kernel.
    const FAMILY: AddressFamily;
    /// Its number for sockets.
    const DOMAIN: Domain;

    /// Its packets, from below.
    const LOOK: Look;

    /// The prefix of this length around an address.
    fn net(self, length: u8) -> Option<Self::Net>;
    /// The address in a message of the kernel, if it is of this family.
    fn of_route(address: &RouteAddress) -> Option<Self>;
    /// The address that stands for none.
    fn unspecified() -> Self;

    /// The addresses of this router on a link.
    fn addresses(port: &Port) -> Addresses<Self>;

    /// Joins the groups to which reports and leaves are sent, on one interface.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn join(socket: &Socket, index: NonZeroU32) -> io::Result<()>;

    /// Joins a group as a host, on one interface.
    ///
    /// # Errors
    ///
    /// Those of the system: a socket has room for so many only.
    fn join_group(socket: &Socket, index: NonZeroU32, group: Self) -> io::Result<()>;

    /// Joins one source of a group as a host.
    ///
    /// # Errors
    ///
    /// Those of the system: a socket has room for so many only.
    fn join_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()>;

    /// Leaves one source of a group.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn leave_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()>;

    /// A socket that hears the hosts, if what the routing socket shows of them is not enough.
    ///
    /// # Errors
    ///
    /// Those of the system: it needs CAP_NET_RAW.
    fn hearing(routing: BorrowedFd<'_>) -> io::Result<Option<MldSocket>>;

    /// What that socket has heard: so many octets, and then no more.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn heard(socket: &MldSocket, octets: usize) -> io::Result<Vec<Heard<Self>>>;

    /// A socket for IP packets that are built whole.
    ///
    /// # Errors
    ///
    /// Those of the system: it needs CAP_NET_RAW.
    fn sender() -> io::Result<Socket>;
    /// Sends a whole IP packet on one interface.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn send(socket: &Socket, index: NonZeroU32, packet: &[u8], destination: Self) -> io::Result<()>;
}

/// A protocol number that stands for packets with their IP header.
const RAW: i32 = libc::IPPROTO_RAW;

impl Family for Ipv4Addr {
    const PROTOCOL: &'static str = "IGMP";
    const ASKING: &'static str = "IPv4";
    const FAMILY: AddressFamily = AddressFamily::Inet;
    const DOMAIN: Domain = Domain::IPV4;
    const LOOK: Look = scout::INET;

    fn net(self, length: u8) -> Option<Ipv4Net> {
        Ipv4Net::new(self, length).ok().map(|net| net.trunc())
    }

    fn of_route(address: &RouteAddress) -> Option<Self> {
        if let RouteAddress::Inet(address) = address { Some(*address) } else { None }
    }

    fn unspecified() -> Self {
        Self::UNSPECIFIED
    }

    fn addresses(port: &Port) -> Addresses<Self> {
        let own = port.addresses.iter().filter_map(|address| match (address.own, address.on_link) {
            (IpAddr::V4(own), IpAddr::V4(on_link)) => Some((own, on_link, address.prefix_length)),
            (IpAddr::V4(_) | IpAddr::V6(_), _) => None,
        });
        let own = own.collect::<Vec<_>>();
        let from = own.first().map_or(Own::Anonymous(Self::UNSPECIFIED), |&(own, ..)| Own::Address(own));
        // Who is at the other end of an unnumbered link cannot be told from its address.
        let unnumbered =
            port.point_to_point && own.iter().all(|&(own, on_link, length)| own == on_link && length == 32);
        let nets = own.iter().filter_map(|&(_, on_link, length)| Self::net(on_link, length));
        let mut subnets: Vec<_> = nets.filter(|_| !unnumbered).collect();
        if !subnets.is_empty() {
            subnets.push(Ipv4Net::from(Self::UNSPECIFIED)); // hosts without an address yet (RFC 9776 §4.2.14)
        }
        Addresses { own: from, subnets }
    }

    fn join(socket: &Socket, index: NonZeroU32) -> io::Result<()> {
        let interface = InterfaceIndexOrAddress::Index(index.get());
        socket.join_multicast_v4_n(&Self::new(224, 0, 0, 22), &interface)?;
        socket.join_multicast_v4_n(&Self::new(224, 0, 0, 2), &interface)
    }

    fn join_group(socket: &Socket, index: NonZeroU32, group: Self) -> io::Result<()> {
        socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index.get()))
    }

    fn join_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()> {
        Ok(setsockopt(socket, source_request::JoinV4, &SourceRequest::new(index, group, source))?)
    }

    fn leave_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()> {
        Ok(setsockopt(socket, source_request::LeaveV4, &SourceRequest::new(index, group, source))?)
    }

    fn hearing(_: BorrowedFd<'_>) -> io::Result<Option<MldSocket>> {
        Ok(None)
    }

    fn heard(_: &MldSocket, _: usize) -> io::Result<Vec<Heard<Self>>> {
        Ok(Vec::new())
    }

    fn sender() -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(RAW.into()))?;
        socket.set_multicast_loop_v4(false)?;
        Ok(socket)
    }

    fn send(socket: &Socket, index: NonZeroU32, packet: &[u8], destination: Self) -> io::Result<()> {
        // In the place of an unspecified source the kernel would put an address of another link.
        if packet.get(12..16) == Some(&[0; 4]) {
            return link_layer::send(index, packet, destination);
        }
        let none = libc::in_addr { s_addr: 0 };
        let ipi_ifindex = index.get().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        let interface = libc::in_pktinfo { ipi_ifindex, ipi_spec_dst: none, ipi_addr: none };
        let [a, b, c, d] = destination.octets();
        send(socket, packet, ControlMessage::Ipv4PacketInfo(&interface), &SockaddrIn::new(a, b, c, d, 0))
    }
}

impl Family for Ipv6Addr {
    const PROTOCOL: &'static str = "MLD";
    const ASKING: &'static str = "link-local IPv6";
    const FAMILY: AddressFamily = AddressFamily::Inet6;
    const DOMAIN: Domain = Domain::IPV6;
    const LOOK: Look = scout::INET6;

    fn net(self, length: u8) -> Option<Ipv6Net> {
        Ipv6Net::new(self, length).ok().map(|net| net.trunc())
    }

    fn of_route(address: &RouteAddress) -> Option<Self> {
        if let RouteAddress::Inet6(address) = address { Some(*address) } else { None }
    }

    fn unspecified() -> Self {
        Self::UNSPECIFIED
    }

    fn addresses(port: &Port) -> Addresses<Self> {
        let own = port.addresses.iter().find_map(|address| match address.own {
            IpAddr::V6(own) if own.is_unicast_link_local() => Some(Own::Address(own)),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        });
        // MLD is not heard from the unspecified address (RFC 9777 §5.1.14).
        let own = own.unwrap_or(Own::None);
        // Reports come from link-local addresses only: there is nothing more to compare them with.
        Addresses { own, subnets: Vec::new() }
    }

    fn join(socket: &Socket, index: NonZeroU32) -> io::Result<()> {
        socket.join_multicast_v6(&Self::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16), index.get())?;
        socket.join_multicast_v6(&Self::new(0xff02, 0, 0, 0, 0, 0, 0, 2), index.get())
    }

    fn join_group(socket: &Socket, index: NonZeroU32, group: Self) -> io::Result<()> {
        socket.join_multicast_v6(&group, index.get())
    }

    fn join_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()> {
        Ok(setsockopt(socket, source_request::JoinV6, &SourceRequest::new(index, group, source))?)
    }

    fn leave_source(socket: &Socket, index: NonZeroU32, group: Self, source: Self) -> io::Result<()> {
        Ok(setsockopt(socket, source_request::LeaveV6, &SourceRequest::new(index, group, source))?)
    }

    fn hearing(routing: BorrowedFd<'_>) -> io::Result<Option<MldSocket>> {
        MldSocket::open(routing).map(Some)
    }

    fn heard(socket: &MldSocket, octets: usize) -> io::Result<Vec<Heard<Self>>> {
        socket.read(octets)
    }

    fn sender() -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), Some(RAW.into()))?;
        socket.set_multicast_loop_v6(false)?;
        Ok(socket)
    }

    fn send(socket: &Socket, index: NonZeroU32, packet: &[u8], destination: Self) -> io::Result<()> {
        let ipi6_addr = libc::in6_addr { s6_addr: [0; 16] };
        let interface = libc::in6_pktinfo { ipi6_addr, ipi6_ifindex: index.get() };
        let to = std::net::SocketAddrV6::new(destination, 0, 0, index.get());
        send(socket, packet, ControlMessage::Ipv6PacketInfo(&interface), &SockaddrIn6::from(to))
    }
}

fn send(
    socket: &Socket,
    packet: &[u8],
    interface: ControlMessage<'_>,
    to: &impl nix::sys::socket::SockaddrLike,
) -> io::Result<()> {
    let parts = [io::IoSlice::new(packet)];
    sendmsg(socket.as_raw_fd(), &parts, &[interface], MsgFlags::empty(), Some(to))?;
    Ok(())
}
