//! Short names for addresses and interfaces, the same in both families.

use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::{Address, Entry, GroupAddr, Interface, SourceAddr};

/// What differs between the two families.
pub(crate) trait Family: Address {
    /// G1, G2 and so on; from 9000 on they are in the SSM range.
    fn group(n: u16) -> GroupAddr<Self>;
    /// S1, S2 and so on.
    fn source(n: u16) -> SourceAddr<Self>;
    /// The number that an address was made of.
    fn number(self) -> u16;
    /// The prefix that covers every source.
    fn everything() -> Self::Net;
}

const SSM: u16 = 9000;

/// The prefix of one source.
pub(crate) fn host<A: Family>(source: u16) -> A::Net {
    A::source(source).address().host()
}

impl Family for Ipv4Addr {
    fn group(n: u16) -> GroupAddr<Self> {
        let [high, low] = n.to_be_bytes();
        GroupAddr::new(Self::new(if n < SSM { 239 } else { 232 }, 1, high, low)).unwrap()
    }

    fn source(n: u16) -> SourceAddr<Self> {
        let [high, low] = n.to_be_bytes();
        SourceAddr::new(Self::new(198, 51, high, low)).unwrap()
    }

    fn number(self) -> u16 {
        let [_, _, high, low] = self.octets();
        u16::from_be_bytes([high, low])
    }

    fn everything() -> Self::Net {
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

    fn number(self) -> u16 {
        let [.., number] = self.segments();
        number
    }

    fn everything() -> Self::Net {
        "::/0".parse().unwrap()
    }
}

/// PIM's uplink, over which all routes lead at first.
pub(crate) fn up<A: Address>() -> Interface<A> {
    eth(1)
}

/// PIM's other uplink.
pub(crate) fn alt<A: Address>() -> Interface<A> {
    eth(2)
}

/// DVMRP's network.
pub(crate) fn lan<A: Address>() -> Interface<A> {
    eth(3)
}

/// DVMRP's other network.
pub(crate) fn dmz<A: Address>() -> Interface<A> {
    eth(4)
}

/// IGMP's network.
pub(crate) fn stub<A: Address>() -> Interface<A> {
    eth(5)
}

/// Nobody's network, at first.
pub(crate) fn wan<A: Address>() -> Interface<A> {
    eth(6)
}

/// The links of a point-to-multipoint interface.
pub(crate) fn hub<A: Family>(spoke: u16) -> Interface<A> {
    Interface::link(7.try_into().unwrap(), A::source(spoke))
}

pub(crate) fn eth<A: Address>(index: u32) -> Interface<A> {
    Interface::try_from(index).unwrap()
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

pub(crate) fn name<A: Family>(interface: Interface<A>) -> String {
    let names = ["nothing", "up", "alt", "lan", "dmz", "stub", "wan", "hub"];
    let index = usize::try_from(interface.index().get()).unwrap();
    let name = names.get(index).map_or_else(|| format!("eth{index}"), ToString::to_string);
    match interface.next_hop() {
        None => name,
        Some(next_hop) => format!("{name}/{}", next_hop.number()),
    }
}

pub(crate) fn list<A: Family>(interfaces: &[Interface<A>]) -> String {
    if interfaces.is_empty() {
        return "nowhere".to_owned();
    }
    interfaces.iter().map(|interface| name(*interface)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn path<A: Family>(iif: Interface<A>, oifs: &[Interface<A>]) -> String {
    format!("{} -> {}", name(iif), list(oifs))
}

pub(crate) fn pair<A: Family>(source: SourceAddr<A>, group: GroupAddr<A>) -> String {
    format!("(S{}, G{})", source.address().number(), group.address().number())
}

pub(crate) fn entry<A: Family>(entry: Entry<A>) -> String {
    match entry {
        Entry::AllGroups => "(*, *)".to_owned(),
        Entry::Group(group) => format!("(*, G{})", group.address().number()),
        Entry::SourceGroup(source, group) => pair(source, group),
    }
}

pub(crate) fn entry_line<A: Family>(
    source: SourceAddr<A>,
    group: GroupAddr<A>,
    iif: Interface<A>,
    oifs: &[Interface<A>],
) -> String {
    format!("{} {}", pair(source, group), path(iif, oifs))
}
