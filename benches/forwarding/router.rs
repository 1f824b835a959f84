//! A router that forwards in memory.

use std::sync::Arc;
use std::time::Instant;

use mgm::{Client, ClientId, Entry, MemoryForwarder, Mgm, NoCallbacks, Route, RouteTable};

use super::pairs::{Pair, group};
use super::support::{add, interface};

/// A manager with IGMP, and two protocols that each own an interface toward sources.
pub(crate) struct Router {
    pub(crate) mgm: Mgm,
    pub(crate) igmp: Client,
    _protocols: [Client; 2],
    pub(crate) routes: Arc<RouteTable>,
    /// When the manager was first told the time.
    pub(crate) start: Instant,
}

/// Where the first protocol is, and where the second is.
pub(crate) const UPSTREAM: [u32; 2] = [1, 2];
/// Where all groups of [`Pairs`](super::Pairs) are joined.
const OIFS: [u32; 2] = [3, 4];
/// Where IGMP is, and nothing is joined.
pub(crate) const QUIET: u32 = 5;

impl Router {
    /// With a RIB, all sources are on the first protocol's interface; without, nobody knows.
    pub(crate) fn new(has_rib: bool) -> Self {
        let routes = Arc::new(RouteTable::new());
        routes.insert(route("0.0.0.0/0", 0));
        let builder = Mgm::builder().forwarder(MemoryForwarder::new());
        let mgm = if has_rib { builder.rib(Arc::clone(&routes)).build() } else { builder.build() };
        let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
        let protocols = UPSTREAM.map(|index| {
            let id = ClientId { protocol: index, component: 0 };
            let protocol = mgm.register_protocol(id, NoCallbacks).expect("each has its own id");
            protocol.take_interface_ownership(interface(index)).expect("nobody is on it");
            protocol
        });
        for index in OIFS.into_iter().chain([QUIET]) {
            igmp.take_interface_ownership(interface(index)).expect("nobody is on it");
        }
        for (index, number) in
            OIFS.into_iter().flat_map(|index| (0..1 << 10).map(move |number| (index, number)))
        {
            add(&igmp, interface(index), Entry::Group(group(number)));
        }
        let start = Instant::now();
        assert_eq!(mgm.expire(start), None);
        Self { mgm, igmp, _protocols: protocols, routes, start }
    }

    /// Makes an entry that is there until the bench ends.
    pub(crate) fn make(&self, (source, group): Pair) {
        let made = self.mgm.packet_received(source, group, interface(UPSTREAM[0]), &[], self.start);
        assert_eq!(made, Ok(()));
    }
}

/// A route to one of the protocols' interfaces.
pub(crate) fn route(prefix: &str, protocol: usize) -> Route {
    let index = UPSTREAM.get(protocol).expect("there are two");
    Route::new(prefix.parse().expect("a prefix"), interface(*index))
}
