//! Names for addresses, entries and interfaces, the same in both families.

use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::{Address, ClientId, ClientName, Entry, GroupAddr, Interface, SourceAddr};

pub(crate) const PIM: ClientId = ClientId { protocol: 1, component: 0 };
pub(crate) const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };
pub(crate) const BGMP: ClientId = ClientId { protocol: 3, component: 0 };
pub(crate) const IGMP: ClientName = ClientName::Igmp;

/// What differs between the two families.
pub(crate) trait Family: Address {
    /// G1, G2 and so on; from [`SSM`] on they are in the SSM range.
    fn group(n: u16) -> GroupAddr<Self>;
    /// S1, S2 and so on.
    fn source(n: u16) -> SourceAddr<Self>;
    /// The SSM range in which these groups are.
    fn ssm_range() -> Self::Net;
    /// The prefix that covers every group.
    fn every_group() -> Self::Net;
    /// The prefix that covers every source.
    fn every_source() -> Self::Net;
}

/// The first group in the SSM range.
pub(crate) const SSM: u16 = 60_000;

impl Family for Ipv4Addr {
    fn group(n: u16) -> GroupAddr<Self> {
        let [high, low] = n.to_be_bytes();
        GroupAddr::new(Self::new(if n < SSM { 239 } else { 232 }, 1, high, low)).unwrap()
    }

    fn source(n: u16) -> SourceAddr<Self> {
        let [high, low] = n.to_be_bytes();
        SourceAddr::new(Self::new(198, 51, high, low)).unwrap()
    }

    fn ssm_range() -> Self::Net {
        "232.0.0.0/8".parse().unwrap()
    }

    fn every_group() -> Self::Net {
        "224.0.0.0/4".parse().unwrap()
    }

    fn every_source() -> Self::Net {
        "0.0.0.0/0".parse().unwrap()
    }
}

impl Family for Ipv6Addr {
    fn group(n: u16) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(if n < SSM { 0xff0e } else { 0xff3e }, 0, 0, 0, 0, 0, 1, n)).unwrap()
    }

    fn source(n: u16) -> SourceAddr<Self> {
        SourceAddr::new(Self::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n)).unwrap()
    }

    fn ssm_range() -> Self::Net {
        "ff3e::/32".parse().unwrap()
    }

    fn every_group() -> Self::Net {
        "ff00::/8".parse().unwrap()
    }

    fn every_source() -> Self::Net {
        "::/0".parse().unwrap()
    }
}

/// The prefix of one source.
pub(crate) fn host<A: Family>(source: u16) -> A::Net {
    A::source(source).address().host()
}

pub(crate) fn eth<A: Address>(index: u32) -> Interface<A> {
    Interface::try_from(index).unwrap()
}

/// The links of one point-to-multipoint interface.
pub(crate) fn hub<A: Family>(spoke: u16) -> Interface<A> {
    Interface::link(7.try_into().unwrap(), A::source(spoke).into())
}

/// (\*,\*)
pub(crate) const fn all<A>() -> Entry<A> {
    Entry::AllGroups
}

/// (\*,G)
pub(crate) fn star<A: Family>(group: u16) -> Entry<A> {
    Entry::Group(A::group(group))
}

/// (S,G)
pub(crate) fn from<A: Family>(source: u16, group: u16) -> Entry<A> {
    Entry::SourceGroup(A::source(source), A::group(group))
}
