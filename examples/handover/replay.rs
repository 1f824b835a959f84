//! What happens in the router of the replay.

use std::collections::BTreeSet;
use std::sync::Arc;

use mgm::{Address, Client, ClientId, ClientName, Error, Interface, Mgm};

use super::igmp::Igmp;
use super::links::UPSTREAM;
use super::merge::Host;
use super::protocol::Protocol;
use super::timeline::Timeline;
use super::traffic::{Packet, Seen};

const PIM: ClientId = ClientId { protocol: 1, component: 0 };
const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };

/// One family in the router: IGMP, or MLD if the addresses are IPv6, with PIM on another interface, and DVMRP.
#[derive(Debug)]
pub(crate) struct Replay<A: Address> {
    name: &'static str,
    timeline: Arc<Timeline>,
    // Dropped in this order: who is gone is not told that others go.
    dvmrp: Client<A>,
    _pim: Client<A>,
    igmp: Client<A>,
    hosts: Arc<Igmp<A>>,
    mgm: Mgm<A>,
    hand_overs: HandOvers,
    played: usize,
    /// On which hosts are.
    lans: BTreeSet<Interface<A>>,
    /// What DVMRP has taken, and did not release yet.
    taken: Vec<Interface<A>>,
}

/// After how many packets DVMRP takes the interfaces of the hosts and releases them; nothing if it has done so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandOvers {
    take: Option<usize>,
    release: Option<usize>,
}

impl HandOvers {
    /// In the midst of so many packets.
    pub(crate) const fn amid(packets: usize) -> Self {
        let take = packets * 2 / 5;
        Self { take: Some(take), release: Some(take + (packets - take) * 2 / 3) }
    }

    /// Nobody knows when it ends.
    pub(crate) const fn of_a_capture_in_progress() -> Self {
        Self { take: Some(10), release: Some(20) }
    }
}

impl<A: Address> Replay<A> {
    pub(crate) fn new(
        name: &'static str,
        timeline: &Arc<Timeline>,
        hand_overs: HandOvers,
    ) -> Result<Self, Error<A>> {
        let mgm = Mgm::<A>::default();
        let hosts = Arc::new(Igmp::new(name, timeline));
        let igmp = mgm.register_igmp(Arc::clone(&hosts))?;
        let pim = mgm.register_protocol(PIM, Protocol::new("PIM", timeline))?;
        let dvmrp = mgm.register_protocol(DVMRP, Protocol::new("DVMRP", timeline))?;
        pim.take_interface_ownership(Interface::new(UPSTREAM))?;
        Ok(Self {
            name,
            timeline: Arc::clone(timeline),
            dvmrp,
            _pim: pim,
            igmp,
            hosts,
            mgm,
            hand_overs,
            played: 0,
            lans: BTreeSet::new(),
            taken: Vec::new(),
        })
    }

    /// IGMP is on the link of a packet from now on.
    pub(crate) fn come_to(&mut self, seen: &Seen) -> Result<Interface<A>, Error<A>> {
        let lan = Interface::new(seen.interface);
        if self.lans.insert(lan) {
            self.timeline.link(lan, &seen.link);
            self.igmp.take_interface_ownership(lan)?;
        }
        Ok(lan)
    }

    /// Gives a report to IGMP, after a hand-over if it is time for one.
    pub(crate) fn play(&mut self, packet: &Packet<A>) -> Result<(), Error<A>> {
        self.hand_over(self.played)?;
        self.played += 1;
        let lan = self.come_to(&packet.seen)?;
        self.timeline.packet(packet);
        if let Ok(report) = &packet.report {
            let host = Host { address: report.reporter, hardware: packet.seen.sender };
            self.hosts.receive(&self.igmp, lan, host, &report.records);
        }
        self.hosts.write_joined(lan);
        Ok(())
    }

    /// Makes up for the hand-overs for which there were too few packets.
    pub(crate) fn end(mut self) -> Result<(), Error<A>> {
        self.hand_over(usize::MAX)?;
        self.table();
        Ok(())
    }

    fn hand_over(&mut self, played: usize) -> Result<(), Error<A>> {
        if self.hand_overs.take.take_if(|after| *after <= played).is_some() {
            for &lan in &self.lans {
                self.timeline.takes_or_releases("DVMRP", "take_interface_ownership", lan);
                self.dvmrp.take_interface_ownership(lan)?;
                self.taken.push(lan);
            }
            self.table();
        }
        if self.hand_overs.release.take_if(|after| *after <= played).is_some() {
            for lan in self.taken.drain(..) {
                self.timeline.takes_or_releases("DVMRP", "release_interface_ownership", lan);
                self.dvmrp.release_interface_ownership(lan)?;
            }
            self.table();
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) const fn manager(&self) -> &Mgm<A> {
        &self.mgm
    }

    /// The interfaces and their owners.
    pub(crate) fn table(&self) {
        self.timeline.table(&self.mgm, |client| match client {
            ClientName::Igmp => self.name,
            ClientName::Protocol(PIM) => "PIM",
            ClientName::Protocol(_) => "DVMRP",
        });
    }
}
