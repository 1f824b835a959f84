//! How the kernel speaks of the two address families.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::AsFd;

use libc::{c_int, in_addr, in6_addr, sa_family_t, sockaddr_in6};
use socket2::{Domain, Socket};

use super::ancillary::Ancillary;
use super::sys::{
    ICMP6_FILTER, Icmp6Filter, MAXVIFS, MIFF_REGISTER, MRT_ADD_MFC, MRT_ADD_VIF, MRT_DEL_MFC, MRT_DEL_VIF,
    Mf6cctl, Mfcctl, Mif6ctl, Received, SgReq, SgReq6, VIFF_REGISTER, VIFF_USE_IFINDEX, Vifctl, get_counts,
    set_option,
};
use super::upcall::Message;
use super::vifs::{Number, NumberSet};
use crate::types::address::Address;

/// The kernel as it forwards one family.
///
/// The type is asked at run time, so that [`Address`] need not know that there are kernels.
pub(super) fn kernel<A: Address>() -> &'static dyn Kernel<A> {
    let (inet, inet6): (&'static dyn Kernel<Ipv4Addr>, &'static dyn Kernel<Ipv6Addr>) = (&Inet, &Inet6);
    let families: [&dyn Any; 2] = [&inet, &inet6];
    let Some(kernel) = families.iter().find_map(|family| family.downcast_ref::<&'static dyn Kernel<A>>())
    else {
        unreachable!("`Address` is sealed to the two families")
    };
    *kernel
}

/// What differs between the families.
pub(super) trait Kernel<A>: fmt::Debug + Send + Sync {
    fn domain(&self) -> Domain;
    /// The protocol that reports memberships.
    fn protocol(&self) -> c_int;
    /// Where the options of multicast routing are.
    fn level(&self) -> c_int;

    /// Asks for what comes beside packets, and lets through nothing that is not of the protocol.
    fn prepare(&self, socket: &Socket) -> io::Result<()>;
    fn add_vif(&self, socket: &Socket, number: Number, index: NonZeroU32) -> io::Result<()>;
    /// Adds the interface whose packets come up whole, which the kernel makes by this.
    fn add_register_vif(&self, socket: &Socket, number: Number) -> io::Result<()>;
    /// The name of that interface, but for the number of a table.
    fn register_name(&self) -> &'static str;
    /// The number of the table that has none in that name.
    fn default_table(&self) -> u32;
    fn delete_vif(&self, socket: &Socket, number: Number) -> io::Result<()>;
    /// Adds an entry, or changes the one of the same source and group in place.
    fn set_mfc(&self, socket: &Socket, source: A, group: A, iif: Number, oifs: NumberSet) -> io::Result<()>;
    fn delete_mfc(&self, socket: &Socket, source: A, group: A) -> io::Result<()>;
    fn counts(&self, socket: &Socket, source: A, group: A) -> io::Result<Counts>;
    fn message<'a>(&self, received: &Received<'a>, ancillary: &Ancillary) -> Option<Message<'a, A>>;
}

/// What the kernel counted for an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// All that came, on whatever interface.
    pub(super) packets: u64,
    /// Octets in them.
    pub(super) octets: u64,
    /// How many of them came on another interface than the iif.
    pub(super) wrong_interface: u64,
}

impl Counts {
    /// From the kernel's longs.
    fn new(packets: impl Into<u64>, octets: impl Into<u64>, wrong_interface: impl Into<u64>) -> Self {
        Self { packets: packets.into(), octets: octets.into(), wrong_interface: wrong_interface.into() }
    }
}

/// IPv4, beside IGMP.
#[derive(Debug)]
struct Inet;

impl Kernel<Ipv4Addr> for Inet {
    fn domain(&self) -> Domain {
        Domain::IPV4
    }

    fn protocol(&self) -> c_int {
        libc::IPPROTO_IGMP
    }

    fn level(&self) -> c_int {
        libc::IPPROTO_IP
    }

    fn prepare(&self, socket: &Socket) -> io::Result<()> {
        set_option(socket.as_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, &1)
    }

    fn add_vif(&self, socket: &Socket, number: Number, index: NonZeroU32) -> io::Result<()> {
        let index = c_int::try_from(index.get()).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
        set_option(socket.as_fd(), self.level(), MRT_ADD_VIF, &vifctl(number, VIFF_USE_IFINDEX, index))
    }

    fn add_register_vif(&self, socket: &Socket, number: Number) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_ADD_VIF, &vifctl(number, VIFF_REGISTER, 0))
    }

    fn register_name(&self) -> &'static str {
        "pimreg"
    }

    fn default_table(&self) -> u32 {
        libc::RT_TABLE_DEFAULT.into()
    }

    fn delete_vif(&self, socket: &Socket, number: Number) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_DEL_VIF, &vifctl(number, 0, 0))
    }

    fn set_mfc(
        &self,
        socket: &Socket,
        source: Ipv4Addr,
        group: Ipv4Addr,
        iif: Number,
        oifs: NumberSet,
    ) -> io::Result<()> {
        let mut entry = mfcctl(source, group);
        entry.parent = iif.get().into();
        for (number, ttl) in entry.ttls.iter_mut().enumerate() {
            // A packet goes out where its TTL is greater than this; 0 is for "not at all".
            *ttl = u8::from(oifs.bits() >> number & 1 == 1);
        }
        set_option(socket.as_fd(), self.level(), MRT_ADD_MFC, &entry)
    }

    fn delete_mfc(&self, socket: &Socket, source: Ipv4Addr, group: Ipv4Addr) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_DEL_MFC, &mfcctl(source, group))
    }

    fn counts(&self, socket: &Socket, source: Ipv4Addr, group: Ipv4Addr) -> io::Result<Counts> {
        let (source, group) = (inet(source), inet(group));
        let mut request = SgReq { source, group, packets: 0, bytes: 0, wrong_interface: 0 };
        get_counts(socket.as_fd(), &mut request)?;
        Ok(Counts::new(request.packets, request.bytes, request.wrong_interface))
    }

    fn message<'a>(&self, received: &Received<'a>, _: &Ancillary) -> Option<Message<'a, Ipv4Addr>> {
        Message::inet(received.packet)
    }
}

fn vifctl(number: Number, flags: u8, index: c_int) -> Vifctl {
    Vifctl {
        vifi: number.get().into(),
        flags,
        threshold: 1,
        rate_limit: 0,
        local_index: index,
        remote: inet(Ipv4Addr::UNSPECIFIED),
    }
}

const fn mfcctl(source: Ipv4Addr, group: Ipv4Addr) -> Mfcctl {
    Mfcctl {
        origin: inet(source),
        group: inet(group),
        parent: 0,
        ttls: [0; MAXVIFS],
        packets: 0,
        bytes: 0,
        wrong_interface: 0,
        expire: 0,
    }
}

const fn inet(address: Ipv4Addr) -> in_addr {
    in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

/// IPv6, beside MLD.
#[derive(Debug)]
struct Inet6;

/// MLD's types of ICMPv6 messages: query, report, done (RFC 2710), and version 2's report (RFC 3810).
const MLD: [u8; 4] = [130, 131, 132, 143];

impl Kernel<Ipv6Addr> for Inet6 {
    fn domain(&self) -> Domain {
        Domain::IPV6
    }

    fn protocol(&self) -> c_int {
        libc::IPPROTO_ICMPV6
    }

    fn level(&self) -> c_int {
        libc::IPPROTO_IPV6
    }

    fn prepare(&self, socket: &Socket) -> io::Result<()> {
        // The kernel's own reports do not go through the filter, and have the type 0: a host's must not get in.
        let mut filter = [u32::MAX; 8];
        for kind in MLD {
            if let Some(word) = filter.get_mut(usize::from(kind >> 5)) {
                *word &= !(1 << (kind & 31));
            }
        }
        set_option(socket.as_fd(), libc::IPPROTO_ICMPV6, ICMP6_FILTER, &Icmp6Filter(filter))?;
        set_option(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, &1)?;
        set_option(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, &1)
    }

    fn add_vif(&self, socket: &Socket, number: Number, index: NonZeroU32) -> io::Result<()> {
        // The kernel's struct has 16 bits for it.
        let index = u16::try_from(index.get()).map_err(|_| io::Error::from_raw_os_error(libc::ERANGE))?;
        set_option(socket.as_fd(), self.level(), MRT_ADD_VIF, &mif6ctl(number, 0, index))
    }

    fn add_register_vif(&self, socket: &Socket, number: Number) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_ADD_VIF, &mif6ctl(number, MIFF_REGISTER, 0))
    }

    fn register_name(&self) -> &'static str {
        "pim6reg"
    }

    fn default_table(&self) -> u32 {
        libc::RT_TABLE_MAIN.into()
    }

    fn delete_vif(&self, socket: &Socket, number: Number) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_DEL_VIF, &u16::from(number.get()))
    }

    fn set_mfc(
        &self,
        socket: &Socket,
        source: Ipv6Addr,
        group: Ipv6Addr,
        iif: Number,
        oifs: NumberSet,
    ) -> io::Result<()> {
        let mut entry = mf6cctl(source, group);
        entry.parent = iif.get().into();
        entry.ifset = [oifs.bits(), 0, 0, 0, 0, 0, 0, 0];
        set_option(socket.as_fd(), self.level(), MRT_ADD_MFC, &entry)
    }

    fn delete_mfc(&self, socket: &Socket, source: Ipv6Addr, group: Ipv6Addr) -> io::Result<()> {
        set_option(socket.as_fd(), self.level(), MRT_DEL_MFC, &mf6cctl(source, group))
    }

    fn counts(&self, socket: &Socket, source: Ipv6Addr, group: Ipv6Addr) -> io::Result<Counts> {
        let (source, group) = (inet6(source), inet6(group));
        let mut request = SgReq6 { source, group, packets: 0, bytes: 0, wrong_interface: 0 };
        get_counts(socket.as_fd(), &mut request)?;
        Ok(Counts::new(request.packets, request.bytes, request.wrong_interface))
    }

    fn message<'a>(&self, received: &Received<'a>, ancillary: &Ancillary) -> Option<Message<'a, Ipv6Addr>> {
        Message::inet6(received.packet, received.sender, ancillary)
    }
}

fn mif6ctl(number: Number, flags: u8, index: u16) -> Mif6ctl {
    Mif6ctl { mifi: number.get().into(), flags, threshold: 1, index, rate_limit: 0 }
}

fn mf6cctl(source: Ipv6Addr, group: Ipv6Addr) -> Mf6cctl {
    Mf6cctl { origin: inet6(source), group: inet6(group), parent: 0, ifset: [0; 8] }
}

fn inet6(address: Ipv6Addr) -> sockaddr_in6 {
    sockaddr_in6 {
        sin6_family: FAMILY,
        sin6_port: 0,
        sin6_flowinfo: 0,
        sin6_addr: in6_addr { s6_addr: address.octets() },
        sin6_scope_id: 0,
    }
}

#[expect(clippy::as_conversions, reason = "AF_INET6 is 10")]
const FAMILY: sa_family_t = libc::AF_INET6 as sa_family_t;
