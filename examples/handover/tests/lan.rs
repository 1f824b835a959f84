//! A LAN with the example's IGMP on it, and DVMRP to take it away.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use mgm::{
    Address, Client, ClientId, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface, MembershipKind, Mgm,
    ProtocolCallbacks, SourceAddr,
};
use parking_lot::Mutex;

use super::naive::Held;
use crate::igmp::Igmp;
use crate::merge::Host;
use crate::timeline::Timeline;
use membership_reports::Report;

pub(crate) struct Lan<A: Address> {
    pub(crate) mgm: Mgm<A>,
    pub(crate) timeline: Arc<Timeline>,
    seen: Seen,
    reaction: Reaction,
    hosts: Arc<Interrupted<A>>,
    igmp: Arc<Client<A>>,
    dvmrp: Client<A>,
    interface: Interface<A>,
}

/// The example's IGMP, to which a report comes while it is disabled.
struct Interrupted<A: Address> {
    igmp: Igmp<A>,
    late: Mutex<Option<Report<A>>>,
}

/// What the manager held each time that DVMRP was told something; nothing until somebody asks, as it is slow.
type Seen = Arc<Mutex<Option<Vec<BTreeSet<Held>>>>>;

/// What happens when DVMRP is told something next.
type Reaction = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

struct Watching {
    seen: Seen,
    reaction: Reaction,
}

impl Watching {
    fn told<A: Address + Into<IpAddr>>(&self, me: &ClientRef<A>) {
        if let Some(seen) = &mut *self.seen.lock() {
            seen.push(held(&me.manager()));
        }
        let reaction = self.reaction.lock().take();
        if let Some(reaction) = reaction {
            reaction();
        }
    }
}

impl<A: Address + Into<IpAddr>> Lan<A> {
    pub(crate) fn new() -> Self {
        let (mgm, timeline) = (Mgm::<A>::default(), Arc::default());
        let (seen, reaction) = (Seen::default(), Reaction::default());
        let hosts = Arc::new(Interrupted { igmp: Igmp::new("IGMP", &timeline), late: Mutex::default() });
        let igmp = Arc::new(mgm.register_igmp(Arc::clone(&hosts)).unwrap());
        let watching = Watching { seen: Arc::clone(&seen), reaction: Arc::clone(&reaction) };
        let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, watching).unwrap();
        let interface = Interface::try_from(1).unwrap();
        igmp.take_interface_ownership(interface).unwrap();
        Self { mgm, timeline, seen, reaction, hosts, igmp, dvmrp, interface }
    }

    pub(crate) fn receive(&self, report: &Report<A>) {
        self.hosts.igmp.receive(&self.igmp, self.interface, host(report), &report.records);
    }

    /// Lets `report` come in the middle of the next change of which DVMRP is told.
    pub(crate) fn receive_meanwhile(&self, report: Report<A>) {
        let (hosts, igmp, interface) = (Arc::clone(&self.hosts), Arc::clone(&self.igmp), self.interface);
        *self.reaction.lock() =
            Some(Box::new(move || hosts.igmp.receive(&igmp, interface, host(&report), &report.records)));
    }

    /// Hands the LAN to DVMRP, or back; `late` comes while IGMP is disabled.
    pub(crate) fn hand_over(&self, late: Option<Report<A>>) {
        *self.hosts.late.lock() = late;
        if self.mgm.owner(self.interface) == Some(self.dvmrp.name()) {
            self.dvmrp.release_interface_ownership(self.interface).unwrap();
        } else {
            self.dvmrp.take_interface_ownership(self.interface).unwrap();
        }
        assert!(self.hosts.late.lock().is_none(), "disable_igmp was not invoked");
    }

    pub(crate) fn held(&self) -> BTreeSet<Held> {
        let owner = self.mgm.owner(self.interface).unwrap();
        assert!(self.mgm.groups().all(|held| held.counts_for == owner && held.added_by == self.igmp.name()));
        held(&self.mgm)
    }

    /// What the manager held each time that DVMRP was told something, since the last time.
    pub(crate) fn take_seen(&self) -> Vec<BTreeSet<Held>> {
        self.seen.lock().replace(Vec::new()).unwrap_or_default()
    }

    /// That nothing went wrong which the calls above do not show.
    pub(crate) fn assert_quiet(&self) {
        assert_eq!(self.mgm.caught_panics(), 0);
        assert!(self.reaction.lock().is_none(), "DVMRP was told nothing");
        let text = self.timeline.take();
        assert!(!text.contains("refused"), "a call was refused:\n{text}");
    }
}

impl<A: Address + Into<IpAddr>> IgmpCallbacks<A> for Interrupted<A> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.igmp.disable_igmp(igmp, interface);
        let late = self.late.lock().take();
        if let Some(report) = late {
            let before = held(&igmp.manager());
            self.igmp.receive(igmp, interface, host(&report), &report.records);
            assert_eq!(held(&igmp.manager()), before, "HO-2: nothing changes while IGMP is disabled");
        }
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        assert!(held(&igmp.manager()).is_empty(), "HO-3: all of IGMP's has been withdrawn");
        self.igmp.enable_igmp(igmp, interface);
    }
}

impl<A: Address + Into<IpAddr>> ProtocolCallbacks<A> for Watching {
    fn local_join(&self, me: &ClientRef<A>, _interface: Interface<A>, _entry: Entry<A>) {
        self.told(me);
    }

    fn local_leave(&self, me: &ClientRef<A>, _interface: Interface<A>, _entry: Entry<A>) {
        self.told(me);
    }

    fn local_block(
        &self,
        me: &ClientRef<A>,
        _on: Interface<A>,
        _source: SourceAddr<A>,
        _group: GroupAddr<A>,
    ) {
        self.told(me);
    }

    fn local_unblock(
        &self,
        me: &ClientRef<A>,
        _on: Interface<A>,
        _source: SourceAddr<A>,
        _group: GroupAddr<A>,
    ) {
        self.told(me);
    }
}

fn held<A: Address + Into<IpAddr>>(mgm: &Mgm<A>) -> BTreeSet<Held> {
    mgm.groups().map(as_held).collect()
}

/// What a manager holds on one interface.
pub(crate) fn held_on<A: Address + Into<IpAddr>>(mgm: &Mgm<A>, interface: NonZeroU32) -> BTreeSet<Held> {
    mgm.groups().filter(|held| held.interface.index() == interface).map(as_held).collect()
}

fn as_held<A: Address + Into<IpAddr>>(held: mgm::Membership<A>) -> Held {
    let group = held.entry.group().unwrap().address().into();
    let source = held.entry.source().map(|source| source.address().into());
    (group, source, held.kind == MembershipKind::Blocked)
}

fn host<A: Address>(report: &Report<A>) -> Host<A> {
    Host { address: report.reporter, hardware: None }
}
