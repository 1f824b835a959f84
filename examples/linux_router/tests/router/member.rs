//! Hosts that want one source only, and hosts that are not there any more.

use std::mem::size_of;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;

use mgm::GroupAddr;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

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

/// Reports a group in the name of a host whose kernel knows nothing of it, and answers no query.
pub(crate) fn report_once<A: Family>(link: &Link<A>, group: GroupAddr<A>) {
    let index = link.host.index("eth0");
    link.host.run(|| match group.address().into() {
        IpAddr::V4(group) => {
            // Version 3, one record: CHANGE_TO_EXCLUDE_MODE without sources.
            let mut report = vec![0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0];
            report.extend(group.octets());
            let words = report.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
            let sum: u32 = words.sum();
            let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
            report.splice(2..4, (!sum).to_be_bytes());
            let socket =
                Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_IGMP))).unwrap();
            socket.set_multicast_ttl_v4(1).unwrap();
            let routers = IpAddr::from([224, 0, 0, 22]);
            socket.bind_device(Some(b"eth0")).unwrap();
            socket.send_to(&report, &SocketAddr::new(routers, 0).into()).unwrap();
        }
        IpAddr::V6(group) => {
            let mut report = vec![143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0];
            report.extend(group.octets());
            let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
            socket.set_multicast_hops_v6(1).unwrap();
            let routers = Ipv6Addr::from([0xff02, 0, 0, 0, 0, 0, 0, 0x16]);
            socket.send_to(&report, &SocketAddrV6::new(routers, 0, 0, index).into()).unwrap();
        }
    });
}
