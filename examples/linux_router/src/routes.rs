//! The kernel's unicast routes, as the multicast view of the routing table.
#![expect(clippy::wildcard_enum_match_arm, reason = "the kernel has more to say, and will have yet more")]

use std::num::NonZeroU32;

use mgm::{Interface, Rib, Route, SourceAddr};
use netlink_packet_route::route::{
    RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHopFlags, RouteType,
};
use parking_lot::RwLock;
use prefix_trie::PrefixMap;

use crate::family::Family;

/// The main table of the kernel, kept up by its news.
#[derive(Debug)]
pub(crate) struct Routes<A: Family> {
    table: RwLock<PrefixMap<A::Net, Vec<Candidate<A>>>>,
    /// Toward all sources to which no route leads: the upstream interface of a proxy.
    fallback: RwLock<Option<NonZeroU32>>,
}

/// A way to a prefix. The least is the best: by metric, and then by something that does not change with the order
/// in which they came.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Candidate<A> {
    metric: u32,
    way: Way<A>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Way<A> {
    Via {
        index: NonZeroU32,
        upstream: Option<A>,
    },
    /// A blackhole, prohibit, unreachable or throw route: the answer is that there is no way.
    Nowhere,
}

/// The interface toward sources to which there is no way: the loopback interface, which has this number in every
/// network namespace. No packet comes from a link there, so none of such a source has come in on the right one.
const NOWHERE: NonZeroU32 = NonZeroU32::MIN;

/// A message about a route: the prefix, and the ways to it.
struct Ways<A: Family> {
    prefix: A::Net,
    candidates: Vec<Candidate<A>>,
}

impl<A: Family> Routes<A> {
    pub(crate) fn new() -> Self {
        Self { table: RwLock::new(PrefixMap::new()), fallback: RwLock::new(None) }
    }

    /// Answers the prefix where something has changed: all of it.
    pub(crate) fn set_fallback(&self, index: Option<NonZeroU32>) -> Option<A::Net> {
        *self.fallback.write() = index;
        A::unspecified().net(0)
    }

    /// The subnet of the link in which an address is, by a route that leads there without a gateway.
    pub(crate) fn on_link(&self, index: NonZeroU32, address: A) -> Option<A::Net> {
        let table = self.table.read();
        let (prefix, ways) = table.get_lpm(&address.host())?;
        let direct = Way::Via { index, upstream: None };
        let default = A::unspecified().net(0);
        (ways.first()?.way == direct && Some(prefix) != default).then_some(prefix)
    }

    /// All routes that there are. Answers the prefixes where something has changed.
    pub(crate) fn replace(&self, all: &[RouteMessage]) -> Vec<A::Net> {
        let mut new: PrefixMap<A::Net, Vec<Candidate<A>>> = PrefixMap::new();
        for Ways { prefix, candidates } in all.iter().filter_map(Ways::read) {
            new.entry(prefix).or_default().extend(candidates);
        }
        for (_, candidates) in new.iter_mut() {
            candidates.sort_unstable();
        }
        let mut table = self.table.write();
        let gone = table.iter().filter(|(prefix, _)| new.get(prefix).is_none()).map(|(prefix, _)| prefix);
        let other =
            new.iter().filter(|(prefix, ways)| table.get(prefix).and_then(|old| old.first()) != ways.first());
        let changed = gone.chain(other.map(|(prefix, _)| prefix)).collect();
        *table = new;
        changed
    }

    /// A route was added. Answers its prefix, if another way is the best now.
    pub(crate) fn add(&self, message: &RouteMessage, replaces: bool) -> Option<A::Net> {
        let ways = Ways::read(message)?;
        self.change(ways.prefix, |known| {
            if replaces {
                known.retain(|old| ways.candidates.iter().all(|new| new.metric != old.metric));
            }
            known.extend(ways.candidates);
            known.sort_unstable();
            known.dedup();
        })
    }

    /// A route was deleted. Answers its prefix, if another way is the best now.
    pub(crate) fn delete(&self, message: &RouteMessage) -> Option<A::Net> {
        let ways = Ways::read(message)?;
        self.change(ways.prefix, |known| known.retain(|old| !ways.candidates.contains(old)))
    }

    fn change(&self, prefix: A::Net, change: impl FnOnce(&mut Vec<Candidate<A>>)) -> Option<A::Net> {
        let mut table = self.table.write();
        let known = table.entry(prefix).or_default();
        let before = known.first().copied();
        change(known);
        let after = known.first().copied();
        if after.is_none() {
            table.remove(&prefix);
        }
        (before != after).then_some(prefix)
    }
}

impl<A: Family> Rib<A> for Routes<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let (table, host) = (self.table.read(), source.address().host());
        let nowhere = |prefix| Route::new(prefix, Interface::new(NOWHERE));
        let best = table.get_lpm(&host).and_then(|(prefix, ways)| Some((prefix, ways.first()?.way)));
        match best {
            Some((prefix, Way::Via { index, upstream })) => {
                let route = Route::new(prefix, Interface::new(index));
                Some(upstream.map_or(route, |upstream| route.upstream(upstream)))
            }
            Some((prefix, Way::Nowhere)) => Some(nowhere(prefix)),
            None => {
                let (index, prefix) = ((*self.fallback.read())?, A::unspecified().net(0)?);
                Some(Route::new(prefix, Interface::new(index)))
            }
        }
    }
}

impl<A: Family> Ways<A> {
    /// Nothing if it is no route for unicast packets in the main table, or of the other family.
    fn read(message: &RouteMessage) -> Option<Self> {
        let header = &message.header;
        let mut table = u32::from(header.table);
        let (mut destination, mut metric) = (A::unspecified(), 0);
        let (mut index, mut gateway, mut hops) = (None, None, Vec::new());
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Table(number) => table = *number,
                RouteAttribute::Destination(address) => destination = A::of_route(address)?,
                RouteAttribute::Priority(number) => metric = *number,
                RouteAttribute::Oif(number) => index = NonZeroU32::new(*number),
                RouteAttribute::Gateway(address) => gateway = A::of_route(address),
                RouteAttribute::MultiPath(several) => hops.clone_from(several),
                _ => {}
            }
        }
        let ours = header.address_family == A::FAMILY
            && (header.kind == RouteType::Unicast || forbids(header.kind))
            && table == u32::from(RouteHeader::RT_TABLE_MAIN)
            && !header.flags.contains(RouteFlags::Cloned);
        let prefix = destination.net(header.destination_prefix_length).filter(|_| ours)?;
        if forbids(header.kind) {
            return Some(Self { prefix, candidates: vec![Candidate { metric, way: Way::Nowhere }] });
        }
        let usable = !header.flags.intersects(RouteFlags::Dead | RouteFlags::Linkdown);
        let single = index
            .filter(|_| usable)
            .map(|index| Candidate { metric, way: Way::Via { index, upstream: gateway } });
        let several = hops.iter().filter_map(|hop| {
            let usable = !hop.flags.intersects(RouteNextHopFlags::Dead | RouteNextHopFlags::Linkdown);
            let upstream = hop.attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::Gateway(address) => A::of_route(address),
                _ => None,
            });
            let index = NonZeroU32::new(hop.interface_index).filter(|_| usable)?;
            Some(Candidate { metric, way: Way::Via { index, upstream } })
        });
        Some(Self { prefix, candidates: single.into_iter().chain(several).collect() })
    }
}

const fn forbids(kind: RouteType) -> bool {
    matches!(kind, RouteType::BlackHole | RouteType::Prohibit | RouteType::Unreachable | RouteType::Throw)
}
