//! A LAN with the example's IGMP on it, DVMRP to take it away, and PIM elsewhere, which has no part in that.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mgm::{
    Address, AlertCause, Client, ClientId, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface,
    MembershipKind, Mgm, ProtocolCallbacks, SourceAddr,
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
    bystander: Arc<Bystander<A>>,
    _pim: Client<A>,
    interface: Interface<A>,
}

/// A protocol with no interface that is handed over: what it is to pull, by its alerts alone.
struct Bystander<A: Address> {
    told: Mutex<BTreeSet<Entry<A>>>,
    alerts: AtomicUsize,
}

/// The example's IGMP, to which a report comes while it is disabled.
struct Interrupted<A: Address> {
    igmp: Igmp<A>,
    late: Mutex<Option<Report<A>>>,
    /// What was held when IGMP was disabled, and when it was enabled.
    held: Mutex<Vec<BTreeSet<Held>>>,
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
        let igmp = Igmp::new("IGMP", &timeline);
        let hosts = Arc::new(Interrupted { igmp, late: Mutex::default(), held: Mutex::default() });
        let igmp = Arc::new(mgm.register_igmp(Arc::clone(&hosts)).unwrap());
        let watching = Watching { seen: Arc::clone(&seen), reaction: Arc::clone(&reaction) };
        let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, watching).unwrap();
        let bystander = Arc::new(Bystander { told: Mutex::default(), alerts: AtomicUsize::new(0) });
        let pim = ClientId { protocol: 1, component: 0 };
        let pim = mgm.register_protocol(pim, Arc::clone(&bystander)).unwrap();
        pim.take_interface_ownership(Interface::try_from(2).unwrap()).unwrap();
        let interface = Interface::try_from(1).unwrap();
        igmp.take_interface_ownership(interface).unwrap();
        Self { mgm, timeline, seen, reaction, hosts, igmp, dvmrp, bystander, _pim: pim, interface }
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

    /// Hands the LAN to DVMRP, or back. Who has no part in it hears nothing.
    pub(crate) fn hand_over(&self) {
        let before = self.bystander.alerts.load(Ordering::Relaxed);
        self.hand_over_alone();
        assert_eq!(self.bystander.alerts.load(Ordering::Relaxed), before, "HO-12: PIM hears nothing");
    }

    /// The same, and `late` comes while IGMP is disabled.
    pub(crate) fn hand_over_meanwhile(&self, late: Report<A>) {
        *self.hosts.late.lock() = Some(late);
        self.hand_over_alone();
        assert!(self.hosts.late.lock().is_none(), "disable_igmp was not invoked");
    }

    fn hand_over_alone(&self) {
        self.hosts.held.lock().clear();
        self.take_or_release();
        let held = self.hosts.held.lock();
        assert_eq!(held.len(), 2, "disabled and enabled once");
        assert_eq!(held[1], held[0], "HO-11: all of IGMP's is still there");
    }

    /// Hands the LAN over while other threads may change what is held as soon as IGMP is enabled.
    pub(crate) fn take_or_release(&self) {
        if self.mgm.owner(self.interface) == Some(self.dvmrp.name()) {
            self.dvmrp.release_interface_ownership(self.interface).unwrap();
        } else {
            self.dvmrp.take_interface_ownership(self.interface).unwrap();
        }
    }

    pub(crate) fn held(&self) -> BTreeSet<Held> {
        let owner = self.mgm.owner(self.interface).unwrap();
        let groups: BTreeSet<_> = self.mgm.groups().collect();
        assert!(groups.iter().all(|held| held.counts_for == owner && held.added_by == self.igmp.name()));
        let wanted = groups.iter().map(|held| held.entry).filter(|entry| entry.source().is_none()).collect();
        assert_eq!(*self.bystander.told.lock(), wanted, "CT-4: what PIM is to pull");
        groups.into_iter().map(as_held).collect()
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
        let before = held(&igmp.manager());
        let late = self.late.lock().take();
        if let Some(report) = late {
            self.igmp.receive(igmp, interface, host(&report), &report.records);
            assert_eq!(held(&igmp.manager()), before, "HO-2: nothing changes while IGMP is disabled");
        }
        self.held.lock().push(before);
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.held.lock().push(held(&igmp.manager()));
        self.igmp.enable_igmp(igmp, interface);
    }
}

impl<A: Address> ProtocolCallbacks<A> for Bystander<A> {
    fn join_alert(&self, _me: &ClientRef<A>, entry: Entry<A>, _cause: AlertCause) {
        self.alerts.fetch_add(1, Ordering::Relaxed);
        assert!(self.told.lock().insert(entry), "told again of {entry}");
    }

    fn prune_alert(&self, _me: &ClientRef<A>, entry: Entry<A>, _cause: AlertCause) {
        self.alerts.fetch_add(1, Ordering::Relaxed);
        assert!(self.told.lock().remove(&entry), "never told of {entry}");
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
