//! How a host asks the kernel for one source of a group, for which `nix` and `socket2` have no name in IPv6.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use libc::{IPPROTO_IP, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP};
use nix::{setsockopt_impl, sockopt_impl};
use socket2::{SockAddr, SockAddrStorage};

/// `struct group_source_req` (RFC 3678 §5.1.2).
#[repr(C)]
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the options are public, so their type has to be")]
pub struct SourceRequest {
    interface: u32,
    group: SockAddrStorage,
    source: SockAddrStorage,
}

impl SourceRequest {
    pub(crate) fn new<A: Into<IpAddr>>(index: NonZeroU32, group: A, source: A) -> Self {
        let address = |address: A| SockAddr::from(SocketAddr::new(address.into(), 0)).as_storage();
        Self { interface: index.get(), group: address(group), source: address(source) }
    }
}

sockopt_impl!(JoinV4, SetOnly, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest);
sockopt_impl!(LeaveV4, SetOnly, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, SourceRequest);
sockopt_impl!(JoinV6, SetOnly, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, SourceRequest);
sockopt_impl!(LeaveV6, SetOnly, IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, SourceRequest);
