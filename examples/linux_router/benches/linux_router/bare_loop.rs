//! The same work without a manager: the kernel's calls, and a table of who wants what.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use foldhash::fast::RandomState;
use nix::sys::socket::{setsockopt, sockopt};
use nix::{setsockopt_impl, sockopt_impl};
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};

// linux/mroute.h
const MRT_INIT: libc::c_int = 200;
const MRT_ADD_VIF: libc::c_int = 202;
const MRT_ADD_MFC: libc::c_int = 204;
const USE_IFINDEX: u8 = 8;
const NOCACHE: u8 = 1;

/// `struct vifctl`, with the interface's index in the union.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(unreachable_pub, reason = "the option's type is public")]
pub struct Vifctl {
    vifi: u16,
    flags: u8,
    threshold: u8,
    rate_limit: u32,
    local_index: u32,
    remote: u32,
}

/// `struct mfcctl`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(unreachable_pub, reason = "the option's type is public")]
pub struct Mfcctl {
    origin: [u8; 4],
    group: [u8; 4],
    parent: u16,
    ttls: [u8; 32],
    counts: [u32; 3],
    expire: libc::c_int,
}

sockopt_impl!(Init, SetOnly, libc::IPPROTO_IP, MRT_INIT, libc::c_int);
sockopt_impl!(AddVif, SetOnly, libc::IPPROTO_IP, MRT_ADD_VIF, Vifctl);
sockopt_impl!(AddMfc, SetOnly, libc::IPPROTO_IP, MRT_ADD_MFC, Mfcctl);

/// Sources are on one interface, hosts on the other: their VIFs.
const SOURCES: u16 = 0;
const HOSTS: u16 = 1;

/// What is known of a group.
#[derive(Clone, Copy, Default)]
struct Group {
    joined: bool,
    source: Option<Ipv4Addr>,
}

/// Routes between two interfaces, for ever.
pub(crate) fn run(sources: NonZeroU32, hosts: NonZeroU32) -> io::Result<()> {
    let socket = open(sources, hosts)?;
    let mut groups = HashMap::<Ipv4Addr, Group, RandomState>::default();
    let mut buffer = [0; 2048];
    loop {
        let length = (&socket).read(&mut buffer)?;
        let packet = &buffer[..length];
        let message = &packet[usize::from(packet[0] & 0xf) * 4..];
        match (packet[9], packet[8]) {
            (0, NOCACHE) => {
                let (source, group) = (address(&packet[12..]), address(&packet[16..]));
                let state = groups.entry(group).or_default();
                state.source = Some(source);
                add(&socket, source, group, state.joined)?;
            }
            (2, _) if message[0] == V3_REPORT => {
                for (group, joined) in records(message) {
                    let state = groups.entry(group).or_default();
                    let changed = std::mem::replace(&mut state.joined, joined) != joined;
                    if let Some(source) = state.source.filter(|_| changed) {
                        add(&socket, source, group, joined)?;
                    }
                }
            }
            _ => {}
        }
    }
}

fn open(sources: NonZeroU32, hosts: NonZeroU32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(libc::IPPROTO_IGMP.into()))?;
    setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20))?;
    setsockopt(&socket, Init, &1)?;
    for (vifi, index) in [(SOURCES, sources), (HOSTS, hosts)] {
        let (flags, threshold, local_index) = (USE_IFINDEX, 1, index.get());
        setsockopt(&socket, AddVif, &Vifctl { vifi, flags, threshold, local_index, ..Vifctl::default() })?;
    }
    socket
        .join_multicast_v4_n(&Ipv4Addr::new(224, 0, 0, 22), &InterfaceIndexOrAddress::Index(hosts.get()))?;
    Ok(socket)
}

fn add(socket: &Socket, source: Ipv4Addr, group: Ipv4Addr, joined: bool) -> io::Result<()> {
    let (origin, group, parent) = (source.octets(), group.octets(), SOURCES);
    let mut entry = Mfcctl { origin, group, parent, ..Mfcctl::default() };
    entry.ttls[usize::from(HOSTS)] = joined.into();
    Ok(setsockopt(socket, AddMfc, &entry)?)
}

const V3_REPORT: u8 = 0x22;
const IS_EXCLUDE: u8 = 2;
const TO_EXCLUDE: u8 = 4;

/// The groups of an IGMPv3 report, and whether they are wanted from all sources (RFC 9776 §4.2).
fn records(report: &[u8]) -> impl Iterator<Item = (Ipv4Addr, bool)> {
    let count = u16::from_be_bytes([report[6], report[7]]);
    let mut rest = &report[8..];
    (0..count).map(move |_| {
        let record = rest;
        let sources = usize::from(u16::from_be_bytes([record[2], record[3]]));
        rest = &record[8 + sources * 4 + usize::from(record[1]) * 4..];
        (address(&record[4..]), matches!(record[0], IS_EXCLUDE | TO_EXCLUDE))
    })
}

fn address(octets: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])
}
