//! The messages of PIM that two routers need for one stream (RFC 7761 §4.9).

use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::{GroupAddr, SourceAddr};

use crate::world::Family;

/// The protocol's number.
pub(crate) const PIM: u8 = 103;

/// What a router says.
#[derive(Debug)]
pub(crate) enum Message<A: Family> {
    /// It carries a packet, which the kernel takes out.
    Register(SourceAddr<A>, GroupAddr<A>),
    RegisterStop(SourceAddr<A>, GroupAddr<A>),
    Join(SourceAddr<A>, GroupAddr<A>),
}

/// An address family with PIM.
pub(crate) trait Pim: Family {
    /// The kernel's register interface.
    const REGISTER: &'static str;
    /// In encoded addresses: the number of the family, and octets of an address.
    const NUMBER: u8;
    const LENGTH: usize;
    /// The octets of the IP header that the socket shows, and those before the source in one.
    const SHOWN: usize;
    const SOURCE_AT: usize;

    fn octets(self) -> Vec<u8>;
    fn of(octets: &[u8]) -> Self;
    /// What the checksum covers before a message of this length.
    fn pseudo_header(from: Self, to: Self, length: usize) -> Vec<u8>;

    fn register(from: Self, to: Self, packet: &[u8]) -> Vec<u8> {
        // The checksum is that of the message without the packet.
        let mut register = sealed(from, to, vec![0x21, 0, 0, 0, 0, 0, 0, 0]);
        register.extend(packet);
        register
    }

    fn register_stop(from: Self, to: Self, source: SourceAddr<Self>, group: GroupAddr<Self>) -> Vec<u8> {
        let mut stop = vec![0x22, 0, 0, 0];
        stop.extend(with_mask(group.address()));
        stop.extend([Self::NUMBER, 0]);
        stop.extend(source.address().octets());
        sealed(from, to, stop)
    }

    fn join(from: Self, to: Self, source: SourceAddr<Self>, group: GroupAddr<Self>) -> Vec<u8> {
        let mut join = vec![0x23, 0, 0, 0, Self::NUMBER, 0];
        join.extend(to.octets());
        // One group, for 210 s: one source joined, none pruned.
        join.extend([0, 1, 0, 210]);
        join.extend(with_mask(group.address()));
        join.extend([0, 1, 0, 0]);
        join.extend(with_mask(source.address()));
        sealed(from, to, join)
    }

    /// Reads what the socket shows.
    fn read(packet: &[u8]) -> Option<Message<Self>> {
        let message = packet.get(Self::SHOWN..)?;
        let address = |at: usize| Some(Self::of(message.get(at..at + Self::LENGTH)?));
        let pair = |source, group| {
            Some((SourceAddr::new(address(source)?).ok()?, GroupAddr::new(address(group)?).ok()?))
        };
        let length = Self::LENGTH;
        match message.first()? {
            0x21 => {
                let source = 8 + Self::SOURCE_AT;
                pair(source, source + length).map(|(source, group)| Message::Register(source, group))
            }
            0x22 => pair(10 + length, 8).map(|(source, group)| Message::RegisterStop(source, group)),
            0x23 => pair(22 + 2 * length, 14 + length).map(|(source, group)| Message::Join(source, group)),
            _ => None,
        }
    }
}

/// An encoded group or source, with the length of an address as that of its mask.
fn with_mask<A: Pim>(address: A) -> Vec<u8> {
    let bits = u8::try_from(A::LENGTH * 8).unwrap();
    [&[A::NUMBER, 0, 0, bits][..], &address.octets()].concat()
}

fn sealed<A: Pim>(from: A, to: A, mut message: Vec<u8>) -> Vec<u8> {
    let covered = [A::pseudo_header(from, to, message.len()), message.clone()].concat();
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    let mut sum: u32 = covered.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    message[2..4].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    message
}

impl Pim for Ipv4Addr {
    const REGISTER: &'static str = "pimreg";
    const NUMBER: u8 = 1;
    const LENGTH: usize = 4;
    const SHOWN: usize = 20;
    const SOURCE_AT: usize = 12;

    fn octets(self) -> Vec<u8> {
        Self::octets(&self).to_vec()
    }

    fn of(octets: &[u8]) -> Self {
        <[u8; 4]>::try_from(octets).unwrap().into()
    }

    fn pseudo_header(_: Self, _: Self, _: usize) -> Vec<u8> {
        Vec::new()
    }
}

impl Pim for Ipv6Addr {
    const REGISTER: &'static str = "pim6reg";
    const NUMBER: u8 = 2;
    const LENGTH: usize = 16;
    const SHOWN: usize = 0;
    const SOURCE_AT: usize = 8;

    fn octets(self) -> Vec<u8> {
        Self::octets(&self).to_vec()
    }

    fn of(octets: &[u8]) -> Self {
        <[u8; 16]>::try_from(octets).unwrap().into()
    }

    fn pseudo_header(from: Self, to: Self, length: usize) -> Vec<u8> {
        let length = u32::try_from(length).unwrap().to_be_bytes();
        [&Self::octets(&from)[..], &Self::octets(&to), &length, &[0, 0, 0, PIM]].concat()
    }
}
