//! A router with named interfaces, and a client on each of them.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{Address, AlertMode, Builder, Client, Error, ForwardingEntry, Interface, Limits, Mfe};
use parking_lot::Mutex;

use super::{Acts, DVMRP, Family, PIM, Routes, Testbed, eth, host};

/// A [`Testbed`] with a RIB, PIM on two uplinks, DVMRP on two networks, and IGMP alone on a third.
///
/// Every route leads over [`up`], and PIM's neighbour there.
pub(crate) struct Router<A: Family> {
    bed: Testbed<A>,
    pub(crate) rib: Arc<Routes<A>>,
    pub(crate) pim: Client<A>,
    pub(crate) dvmrp: Client<A>,
    pub(crate) igmp: Client<A>,
    start: Instant,
    now: Mutex<Instant>,
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

/// How an entry forwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path<A> {
    pub(crate) iif: Interface<A>,
    pub(crate) oifs: Vec<Interface<A>>,
}

/// How an entry that is there forwards.
pub(crate) fn path<A: Family, const N: usize>(iif: Interface<A>, oifs: [Interface<A>; N]) -> Option<Path<A>> {
    Some(Path { iif, oifs: oifs.into() })
}

/// What the forwarder has to have of an entry.
pub(crate) fn entry_of<A: Family>(mfe: Mfe<A>) -> ForwardingEntry<A> {
    ForwardingEntry::new(mfe.source, mfe.group, mfe.iif).oifs(mfe.oifs)
}

impl<A: Family> Router<A> {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        Self::with(|builder| builder.limits(limits))
    }

    pub(crate) fn with(options: impl FnOnce(Builder<A>) -> Builder<A>) -> Self {
        Self::build(AlertMode::None, options)
    }

    /// With an IGMP that is told of joins and prunes (CL-6).
    pub(crate) fn with_told_igmp() -> Self {
        Self::build(AlertMode::JoinsAndPrunes, |builder| builder)
    }

    fn build(igmp: AlertMode, options: impl FnOnce(Builder<A>) -> Builder<A>) -> Self {
        let rib = Arc::new(Routes::new());
        rib.set(A::every_source(), up());
        let bed = Testbed::with(|builder| options(builder.rib(Arc::clone(&rib))));
        let igmp = if igmp == AlertMode::None { bed.igmp() } else { bed.told_igmp() };
        let (pim, dvmrp) = (bed.protocol(PIM), bed.protocol(DVMRP));
        for (client, on) in [(&pim, up()), (&pim, alt()), (&dvmrp, lan()), (&dvmrp, dmz()), (&igmp, stub())] {
            client.takes(on);
        }
        let start = Instant::now();
        Self { bed, rib, pim, dvmrp, igmp, start, now: Mutex::new(start) }
    }

    pub(crate) fn now(&self) -> Instant {
        *self.now.lock()
    }

    pub(crate) fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    /// The forwarder reports a packet for which it has no entry.
    #[track_caller]
    pub(crate) fn packet(&self, source: u16, group: u16, arrival: Interface<A>) {
        self.try_packet(source, group, arrival).unwrap();
    }

    pub(crate) fn try_packet(&self, source: u16, group: u16, arrival: Interface<A>) -> Result<(), Error<A>> {
        self.mgm.packet_received(A::source(source), A::group(group), arrival, &[7, 7], self.now())
    }

    pub(crate) fn wrong_packet(&self, source: u16, group: u16, arrival: Interface<A>) {
        self.mgm.packet_on_wrong_interface(A::source(source), A::group(group), arrival, &[9], self.now());
    }

    /// A packet comes in; says where it was sent, if the forwarder has an entry for it.
    pub(crate) fn traffic(
        &self,
        source: u16,
        group: u16,
        arrival: Interface<A>,
    ) -> Option<Vec<Interface<A>>> {
        self.forwarder.packet(A::source(source), A::group(group), arrival, 100)
    }

    /// It is so many seconds after the start now. Says when the manager wants to be called again.
    pub(crate) fn expire(&self, seconds: u64) -> Option<u64> {
        *self.now.lock() = self.at(seconds);
        let next = self.mgm.expire(self.now())?;
        Some(next.duration_since(self.start).as_secs())
    }

    pub(crate) fn mfe(&self, source: u16, group: u16) -> Option<Mfe<A>> {
        self.mgm.mfe(A::source(source), A::group(group))
    }

    pub(crate) fn path(&self, source: u16, group: u16) -> Option<Path<A>> {
        self.mfe(source, group).map(|Mfe { iif, oifs, .. }| Path { iif, oifs })
    }

    /// The interface is gone, and what comes in there. A client may take it again.
    pub(crate) fn remove(&self, interface: Interface<A>) {
        self.mgm.interface_removed(interface.index());
    }

    pub(crate) fn routes_changed(&self) {
        self.mgm.routes_changed(&A::every_source());
    }

    /// A route to one source changes, and the manager is told.
    pub(crate) fn reroute(&self, source: u16, interface: Interface<A>) {
        self.rib.set(host::<A>(source), interface);
        self.mgm.routes_changed(&host::<A>(source));
    }
}

impl<A: Family> Deref for Router<A> {
    type Target = Testbed<A>;

    fn deref(&self) -> &Testbed<A> {
        &self.bed
    }
}
