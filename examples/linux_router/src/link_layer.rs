//! IPv4 packets from no address: below IP, where the kernel leaves the source as it is.

use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

/// Sends a whole packet to a group, on one interface. It is rare: a socket is opened for each.
pub(crate) fn send(index: NonZeroU32, packet: &[u8], group: Ipv4Addr) -> io::Result<()> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
    socket.send_to(packet, &address(index, group)?)?;
    Ok(())
}

/// The group's place on the link: its last 23 bits below 01-00-5E (RFC 1112 §6.4).
fn address(index: NonZeroU32, group: Ipv4Addr) -> io::Result<SockAddr> {
    let [_, b, c, d] = group.octets();
    let link = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET.try_into().map_err(io::Error::other)?,
        sll_protocol: u16::try_from(libc::ETH_P_IP).map_err(io::Error::other)?.to_be(),
        sll_ifindex: index.get().try_into().map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0x01, 0x00, 0x5e, b & 0x7f, c, d, 0, 0],
    };
    let length = size_of_val(&link).try_into().map_err(io::Error::other)?;
    let mut storage = SockAddrStorage::zeroed();
    #[expect(unsafe_code, reason = "socket2 has no safe way to such an address")]
    // SAFETY: the storage is large enough for any address, and `length` octets of it are written.
    unsafe {
        *storage.view_as::<libc::sockaddr_ll>() = link;
        Ok(SockAddr::new(storage, length))
    }
}
