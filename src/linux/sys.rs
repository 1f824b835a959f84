//! The kernel's side of multicast routing: its structs, and every system call and all unsafe code of the crate.
#![expect(unsafe_code, reason = "socket options and ioctls that no safe crate has")]

use std::ffi::CStr;
use std::io;
use std::mem::{MaybeUninit, offset_of};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::{ptr, slice};

use libc::{c_int, c_ulong, in_addr, sockaddr_in6, socklen_t};
use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, Socket};

// linux/mroute.h; those of linux/mroute6.h have the same numbers, at another level.
pub(super) const MRT_INIT: c_int = 200;
pub(super) const MRT_DONE: c_int = 201;
pub(super) const MRT_ADD_VIF: c_int = 202;
pub(super) const MRT_DEL_VIF: c_int = 203;
pub(super) const MRT_ADD_MFC: c_int = 204;
pub(super) const MRT_DEL_MFC: c_int = 205;
pub(super) const MRT_ASSERT: c_int = 207;
pub(super) const MRT_PIM: c_int = 208;
pub(super) const MRT_TABLE: c_int = 209;
/// `SIOCPROTOPRIVATE + 1`, of which `SIOCGETSGCNT_IN6` is the same.
pub(super) const SIOCGETSGCNT: c_int = 0x89e1;
pub(super) const MAXVIFS: usize = 32;
pub(super) const VIFF_REGISTER: u8 = 0x4;
pub(super) const VIFF_USE_IFINDEX: u8 = 0x8;
pub(super) const MIFF_REGISTER: u8 = 0x1;
/// `IGMPMSG_WRVIFWHOLE` and `MRT6MSG_WRMIFWHOLE`: as the value of `MRT_PIM` it asks for such reports.
pub(super) const WRVIFWHOLE: u8 = 4;
/// linux/icmpv6.h: `ICMPV6_FILTER`.
pub(super) const ICMP6_FILTER: c_int = 1;

/// A type that the kernel reads or writes as it lies in memory.
///
/// # Safety
///
/// It is `repr(C)` or a number, and every pattern of bits is a value of it.
pub(super) unsafe trait Abi {}

/// `struct vifctl`, with the interface's index in the union.
#[repr(C)]
pub(super) struct Vifctl {
    pub(super) vifi: u16,
    pub(super) flags: u8,
    pub(super) threshold: u8,
    pub(super) rate_limit: u32,
    pub(super) local_index: c_int,
    pub(super) remote: in_addr,
}

/// `struct mfcctl`
#[repr(C)]
pub(super) struct Mfcctl {
    pub(super) origin: in_addr,
    pub(super) group: in_addr,
    pub(super) parent: u16,
    pub(super) ttls: [u8; MAXVIFS],
    pub(super) packets: u32,
    pub(super) bytes: u32,
    pub(super) wrong_interface: u32,
    pub(super) expire: c_int,
}

/// `struct sioc_sg_req`
#[repr(C)]
pub(super) struct SgReq {
    pub(super) source: in_addr,
    pub(super) group: in_addr,
    pub(super) packets: c_ulong,
    pub(super) bytes: c_ulong,
    pub(super) wrong_interface: c_ulong,
}

/// `struct mif6ctl`
#[repr(C)]
pub(super) struct Mif6ctl {
    pub(super) mifi: u16,
    pub(super) flags: u8,
    pub(super) threshold: u8,
    pub(super) index: u16,
    pub(super) rate_limit: u32,
}

/// `struct mf6cctl`
#[repr(C)]
pub(super) struct Mf6cctl {
    pub(super) origin: sockaddr_in6,
    pub(super) group: sockaddr_in6,
    pub(super) parent: u16,
    pub(super) ifset: [u32; 8],
}

/// `struct sioc_sg_req6`
#[repr(C)]
pub(super) struct SgReq6 {
    pub(super) source: sockaddr_in6,
    pub(super) group: sockaddr_in6,
    pub(super) packets: c_ulong,
    pub(super) bytes: c_ulong,
    pub(super) wrong_interface: c_ulong,
}

/// `struct icmp6_filter`: a bit for each type that is to be dropped.
#[repr(C)]
pub(super) struct Icmp6Filter(pub(super) [u32; 8]);

// SAFETY: numbers.
unsafe impl Abi for c_int {}
// SAFETY: numbers.
unsafe impl Abi for u32 {}
// SAFETY: numbers.
unsafe impl Abi for u16 {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for Vifctl {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for Mfcctl {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for SgReq {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for Mif6ctl {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for Mf6cctl {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for SgReq6 {}
// SAFETY: `repr(C)`, and holds only numbers.
unsafe impl Abi for Icmp6Filter {}

const LONG: usize = size_of::<c_ulong>();

const _: () = {
    assert!(size_of::<Vifctl>() == 16);
    assert!(offset_of!(Vifctl, flags) == 2 && offset_of!(Vifctl, threshold) == 3);
    assert!(offset_of!(Vifctl, rate_limit) == 4 && offset_of!(Vifctl, local_index) == 8);
    assert!(offset_of!(Vifctl, remote) == 12);

    assert!(size_of::<Mfcctl>() == 60);
    assert!(offset_of!(Mfcctl, group) == 4 && offset_of!(Mfcctl, parent) == 8);
    assert!(offset_of!(Mfcctl, ttls) == 10 && offset_of!(Mfcctl, packets) == 44);
    assert!(offset_of!(Mfcctl, bytes) == 48 && offset_of!(Mfcctl, wrong_interface) == 52);
    assert!(offset_of!(Mfcctl, expire) == 56);

    assert!(size_of::<SgReq>() == 8 + 3 * LONG);
    assert!(offset_of!(SgReq, group) == 4 && offset_of!(SgReq, packets) == 8);
    assert!(offset_of!(SgReq, bytes) == 8 + LONG && offset_of!(SgReq, wrong_interface) == 8 + 2 * LONG);

    assert!(size_of::<Mif6ctl>() == 12);
    assert!(offset_of!(Mif6ctl, flags) == 2 && offset_of!(Mif6ctl, threshold) == 3);
    assert!(offset_of!(Mif6ctl, index) == 4 && offset_of!(Mif6ctl, rate_limit) == 8);

    assert!(size_of::<sockaddr_in6>() == 28);
    assert!(size_of::<Mf6cctl>() == 92);
    assert!(offset_of!(Mf6cctl, group) == 28 && offset_of!(Mf6cctl, parent) == 56);
    assert!(offset_of!(Mf6cctl, ifset) == 60);

    assert!(size_of::<SgReq6>() == 56 + 3 * LONG);
    assert!(offset_of!(SgReq6, group) == 28 && offset_of!(SgReq6, packets) == 56);
    assert!(offset_of!(SgReq6, bytes) == 56 + LONG && offset_of!(SgReq6, wrong_interface) == 56 + 2 * LONG);

    assert!(size_of::<Icmp6Filter>() == 32);
};

pub(super) fn set_option<T: Abi>(
    socket: BorrowedFd<'_>,
    level: c_int,
    option: c_int,
    value: &T,
) -> io::Result<()> {
    const { assert!(size_of::<T>() <= 4096) };
    let length = socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let value = ptr::from_ref(value).cast();
    // SAFETY: `value` points to `length` bytes that live through the call, and the kernel only reads them.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, length) })
}

/// The index of an interface in the network namespace of the thread.
pub(super) fn index_of(name: &CStr) -> io::Result<NonZeroU32> {
    // SAFETY: `name` ends with a zero, lives through the call, and is only read.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    NonZeroU32::new(index).ok_or_else(io::Error::last_os_error)
}

/// SIOCGETSGCNT, for the struct of either family: the kernel fills in what it counted.
pub(super) fn get_counts<T: Abi>(socket: BorrowedFd<'_>, request: &mut T) -> io::Result<()> {
    let number = libc::Ioctl::try_from(SIOCGETSGCNT).map_err(io::Error::other)?;
    let request = ptr::from_mut(request);
    // SAFETY: `request` points to the struct that the kernel reads and writes for this request, which lives
    // through the call and takes any bits.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), number, request) })
}

/// Room for one packet and for what comes beside it.
pub(super) struct ReadBuffer {
    packet: Box<[MaybeUninit<u8>]>,
    control: Box<[MaybeUninit<u8>]>,
}

/// One message from a raw socket.
pub(super) struct Received<'a> {
    pub(super) packet: &'a [u8],
    pub(super) control: &'a [u8],
    /// Who sent it, as far as the socket says: IPv6.
    pub(super) sender: Ipv6Addr,
}

impl ReadBuffer {
    pub(super) fn new() -> Self {
        // Nothing in them is ever uninitialised: `bytes` relies on it.
        let zeros = |length| vec![MaybeUninit::new(0); length].into_boxed_slice();
        // A report with a whole packet is larger than any packet.
        Self { packet: zeros((1 << 16) + 64), control: zeros(256) }
    }

    /// Takes the next message from a socket that does not block.
    pub(super) fn receive(&mut self, socket: &Socket) -> io::Result<Received<'_>> {
        let mut sender = SockAddr::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
        let mut packet = [MaybeUninitSlice::new(&mut self.packet)];
        let mut message =
            MsgHdrMut::new().with_addr(&mut sender).with_buffers(&mut packet).with_control(&mut self.control);
        let length = socket.recvmsg(&mut message, 0)?;
        let control = message.control_len();
        Ok(Received {
            packet: bytes(&self.packet, length),
            control: bytes(&self.control, control),
            sender: sender.as_socket_ipv6().map_or(Ipv6Addr::UNSPECIFIED, |sender| *sender.ip()),
        })
    }
}

/// The first `length` bytes of a part of a `ReadBuffer`.
fn bytes(part: &[MaybeUninit<u8>], length: usize) -> &[u8] {
    let part = part.get(..length).unwrap_or(part);
    // SAFETY: a `ReadBuffer` begins with zeros, and the kernel writes only bytes into it: all are initialised.
    unsafe { slice::from_raw_parts(part.as_ptr().cast(), part.len()) }
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
