//! Hosts that want one source only.

use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use mgm::GroupAddr;
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

use netns::link::{Family, Link};

/// `struct group_source_req` (RFC 3678 §5.1.2).
#[repr(C)]
struct GroupSource {
    interface: u32,
    group: SockAddrStorage,
    source: SockAddrStorage,
}

/// A socket of a host that has joined one source of a group.
pub(crate) fn join_source<A: Family>(link: &Link<A>, group: GroupAddr<A>, source: A) -> Socket {
    let address = |address: A| SockAddr::from(SocketAddr::new(address.into(), 0));
    let group = address(group.address());
    let (domain, level) = match A::PREFIX {
        24 => (Domain::IPV4, libc::IPPROTO_IP),
        _ => (Domain::IPV6, libc::IPPROTO_IPV6),
    };
    let wanted = GroupSource {
        interface: link.host.index("eth0"),
        group: group.as_storage(),
        source: address(source).as_storage(),
    };
    let socket = link.host.run(|| Socket::new(domain, Type::DGRAM, None).unwrap());
    let length = size_of::<GroupSource>().try_into().unwrap();
    #[expect(unsafe_code, reason = "socket2 has this option for IPv4 only")]
    // SAFETY: the pointer and the length are those of `wanted`, which outlives the call.
    let joined = unsafe {
        let option = libc::MCAST_JOIN_SOURCE_GROUP;
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const wanted).cast(), length)
    };
    assert_eq!(joined, 0, "{}", std::io::Error::last_os_error());
    socket
}
