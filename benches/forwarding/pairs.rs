//! Sources and groups to make entries of.

use std::net::Ipv4Addr;

use mgm::{Entry, GroupAddr, SourceAddr};

use super::Fresh;

pub(crate) type Pair = (SourceAddr, GroupAddr);

/// How many sources there are, and how many groups.
#[derive(Clone, Copy)]
pub(crate) enum Spread {
    /// 2^18 sources, 2^10 groups.
    Even,
    /// 2^10 sources, 2^18 groups.
    FewSources,
    /// No source twice, 2^10 groups.
    NoSourceTwice,
}

/// (S,G) in a random order, none of them twice.
pub(crate) struct Pairs {
    fresh: Fresh,
    spread: Spread,
}

impl Pairs {
    pub(crate) fn new(spread: Spread) -> Self {
        Self { fresh: Fresh::default(), spread }
    }

    pub(crate) fn some(&mut self, count: usize) -> Vec<Pair> {
        self.fresh.some(count).into_iter().map(|entry| self.spread.pair(entry)).collect()
    }
}

impl Spread {
    fn pair(self, fresh: Entry) -> Pair {
        const FEW: u32 = (1 << 10) - 1;
        let number = fresh.group().map_or(0, |group| group.address().to_bits()) & 0x0fff_ffff;
        match self {
            Self::Even => (source(10 << 24 | number >> 10), group(number & FEW)),
            Self::FewSources => (source(10 << 24 | number & FEW), group(number >> 10)),
            Self::NoSourceTwice => (source(16 << 24 | number), group(number & FEW)),
        }
    }
}

/// One of 239/8.
pub(crate) fn group(number: u32) -> GroupAddr {
    GroupAddr::new(Ipv4Addr::from_bits(239 << 24 | number)).expect("239/8 is multicast")
}

pub(crate) fn source(address: u32) -> SourceAddr {
    SourceAddr::new(Ipv4Addr::from_bits(address)).expect("a host's address")
}

pub(crate) fn entry((source, group): Pair) -> Entry {
    Entry::SourceGroup(source, group)
}
