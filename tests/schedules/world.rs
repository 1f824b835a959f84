//! A manager with its edges and clients, and what holds of it when no call is in progress.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mgm::{
    AlertCause, Client, ClientName, Entry, ForwardState, GroupAddr, Interface, Membership, MembershipKind,
    Mfe, Mgm, SourceAddr,
};

use crate::alarm::Alarm;
use crate::callbacks::Callbacks;
use crate::check::Outcome;
use crate::forwarder::Plane;
use crate::igmp::Igmp;
use crate::names::{eth, group, id, source};
use crate::protocol::{Protocol, Told};
use crate::rib::OneRoute;
use crate::violations::Violations;

/// An entry made at `World::now` has had its time by `now + LIFE`.
pub(crate) const LIFE: Duration = Duration::from_secs(901);

pub(crate) struct World {
    pub(crate) mgm: Mgm,
    pub(crate) rib: Arc<OneRoute>,
    pub(crate) plane: Arc<Plane>,
    pub(crate) violations: Arc<Violations>,
    pub(crate) now: Instant,
    pub(crate) alarm: Arc<Alarm>,
    callbacks: Arc<Callbacks>,
    /// Where forwarding was switched off, and is to stay off.
    off: Mutex<BTreeSet<(SourceAddr, GroupAddr, Interface)>>,
}

/// A registered client beside its callbacks.
pub(crate) struct Party<C> {
    pub(crate) client: Client,
    pub(crate) callbacks: Arc<C>,
}

impl<C> Deref for Party<C> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl World {
    /// A manager whose RIB leads to every source by `eth(1)`.
    pub(crate) fn new() -> Self {
        let violations = Arc::<Violations>::default();
        let callbacks = Arc::new(Callbacks::new(Arc::clone(&violations)));
        let rib = Arc::new(OneRoute::new(1));
        let plane = Arc::new(Plane::new(Arc::clone(&violations)));
        let alarm = Arc::new(Alarm::new(Arc::clone(&violations)));
        let on_due = {
            let alarm = Arc::clone(&alarm);
            move |due| alarm.set(due)
        };
        let builder = Mgm::builder().rib(Arc::clone(&rib)).forwarder(Arc::clone(&plane));
        let mgm = builder.on_due(on_due).build();
        Self { mgm, rib, plane, violations, now: Instant::now(), alarm, callbacks, off: Mutex::default() }
    }

    /// A protocol that owns these interfaces.
    pub(crate) fn protocol(&self, number: u32, owns: &[u32]) -> Party<Protocol> {
        let callbacks = Arc::new(Protocol::new(Arc::clone(&self.violations), Arc::clone(&self.callbacks)));
        let client = self.mgm.register_protocol(id(number), Arc::clone(&callbacks)).unwrap();
        owns.iter().for_each(|index| client.take_interface_ownership(eth(*index)).unwrap());
        Party { client, callbacks }
    }

    /// IGMP, on these interfaces.
    pub(crate) fn igmp(&self, on: &[u32]) -> Party<Igmp> {
        let callbacks = Arc::new(Igmp::new(Arc::clone(&self.violations), Arc::clone(&self.callbacks)));
        let client = self.mgm.register_igmp(Arc::clone(&callbacks)).unwrap();
        on.iter().for_each(|index| client.take_interface_ownership(eth(*index)).unwrap());
        Party { client, callbacks }
    }

    /// The forwarder reports a packet that came in by `eth(1)`.
    pub(crate) fn packet(&self, from: u8, to: u8) {
        self.mgm.packet_received(source(from), group(to), eth(1), &[], self.now).unwrap();
    }

    pub(crate) fn mfe(&self, from: u8, to: u8) -> Option<Mfe> {
        self.mgm.mfe(source(from), group(to))
    }

    /// An interface that lost an assert. It forwards no more, as long as the entry is there.
    pub(crate) fn switch_off(&self, client: &Client, on: Interface, from: u8, to: u8) {
        let set = client.set_forward_state(on, source(from), group(to), Some(ForwardState::Off));
        self.violations
            .check(set.is_ok(), "MB-5: the owner sets the forward state of an entry that is there");
        self.off.lock().unwrap().insert((source(from), group(to), on));
    }

    /// Checks what holds when no call is in progress, and leaves what has to hold when all are gone.
    pub(crate) fn finish(self, protocols: &[&Party<Protocol>]) -> Outcome {
        self.check_deliveries();
        protocols.iter().for_each(|protocol| self.check_told(protocol));
        self.mgm.mfes().for_each(|mfe| self.check_mfe(&mfe, protocols));
        self.check_forwarder();
        self.alarm.check(self.mgm.next_due());
        self.violations.check(self.mgm.caught_panics() == 0, "CB-5: a callback panicked");
        Outcome { violations: self.violations, plane: self.plane }
    }

    fn check_deliveries(&self) {
        let before = self.callbacks.begun();
        // Nothing has this index: whatever is told now should have been told before.
        self.mgm.interface_removed(NonZeroU32::MAX);
        let are_late = before != self.callbacks.begun();
        self.violations.check(!are_late, "CB-4: an alert came late");
        let are_settled = self.mgm.interfaces().iter().all(|status| status.handover.is_none());
        self.violations.check(are_settled, "HO-7: a hand-over never ends");
    }

    /// CT-3 to CT-5, CT-7: what a protocol has been told is what others want, and what IGMP holds on its interfaces.
    fn check_told(&self, protocol: &Party<Protocol>) {
        let me = protocol.name();
        let held: Vec<_> = self.mgm.groups().collect();
        let joined = held.iter().filter(|held| held.kind == MembershipKind::Joined);
        let is_upstream = self.mgm.owner(self.rib.route().interface) == Some(me);
        let has_to_know = |entry: Entry| entry.source().is_none() || is_upstream;
        let others = joined.filter(|held| held.counts_for != me && has_to_know(held.entry));
        let told = protocol.callbacks.told();
        self.check_read(protocol, &told);
        let due: BTreeSet<_> = others.map(|held| held.entry).collect();
        self.violations.check(told.memberships == due, "CT-4, CT-5: told to pull exactly what others want");
        for (kind, told) in [(MembershipKind::Joined, told.local), (MembershipKind::Blocked, told.blocked)] {
            let is_local = |held: &&Membership| held.added_by == ClientName::Igmp && held.counts_for == me;
            let local = held.iter().filter(|held| held.kind == kind).filter(is_local);
            let due: BTreeSet<_> = local.map(|held| (held.interface, held.entry)).collect();
            self.violations.check(told == due, "CT-7: told exactly what IGMP holds there");
        }
    }

    /// EN-5: a protocol reads what it has been told. What it heard of an entry that was deleted it counts still, also when
    /// there is another one, which begins anew (FW-6).
    fn check_read(&self, protocol: &Party<Protocol>, told: &Told) {
        let of = |cause| {
            let read = protocol.told().filter(move |pull| pull.cause == cause);
            read.map(|pull| pull.entry).collect::<BTreeSet<_>>()
        };
        let reads_what_it_heard = of(AlertCause::Membership) == told.memberships
            && of(AlertCause::ForwardingEntry).is_subset(&told.mfes);
        self.violations.check(reads_what_it_heard, "EN-5: it reads what it was told");
    }

    fn check_mfe(&self, mfe: &Mfe, protocols: &[&Party<Protocol>]) {
        let owner = self.mgm.owner(mfe.iif).filter(|owner| *owner != ClientName::Igmp);
        let protocol = protocols.iter().find(|protocol| owner == Some(protocol.name()));
        let choice = protocol.and_then(|protocol| *protocol.callbacks.choice.lock().unwrap());
        let iif = choice.unwrap_or_else(|| self.rib.route().interface);
        self.violations.check(mfe.iif == iif, "FW-9: the iif is that of the newest route and answer");
        self.violations.check(mfe.owner == owner, "FW-9: the owner is that of the iif");
        let oifs: BTreeSet<_> = mfe.oifs.iter().copied().collect();
        self.violations.check(oifs == self.due_oifs(mfe), "FW-2: the oifs are where it is wanted");
        if let Some(protocol) = protocol {
            let is_others = |oif: &Interface| self.mgm.owner(*oif) != owner;
            let told = protocol.callbacks.told().mfes.contains(&Entry::SourceGroup(mfe.source, mfe.group));
            let due = mfe.oifs.iter().any(is_others);
            self.violations.check(told == due, "FW-6: told to pull while an oif counts for another");
        }
    }

    /// FW-2, computed anew from what the manager lists.
    fn due_oifs(&self, mfe: &Mfe) -> BTreeSet<Interface> {
        let exact = Entry::SourceGroup(mfe.source, mfe.group);
        let held: Vec<_> = self.mgm.groups().collect();
        let is_blocked = |by: ClientName, on: Interface| {
            held.iter().any(|held| {
                held.kind == MembershipKind::Blocked
                    && (held.entry, held.added_by, held.interface) == (exact, by, on)
            })
        };
        let covers = |entry: Entry| [exact, Entry::Group(mfe.group), Entry::AllGroups].contains(&entry);
        let off = self.off.lock().unwrap();
        held.iter()
            .filter(|held| held.kind == MembershipKind::Joined && covers(held.entry))
            .filter(|held| held.entry == exact || !is_blocked(held.added_by, held.interface))
            .map(|held| held.interface)
            .filter(|on| *on != mfe.iif && !off.contains(&(mfe.source, mfe.group, *on)))
            .collect()
    }

    /// FW-12: the forwarder holds what the manager has.
    fn check_forwarder(&self) {
        let due: Vec<_> = self.mgm.mfes().map(|mfe| (mfe.group, mfe.source, mfe.iif, mfe.oifs)).collect();
        let entries = self.plane.entries().into_iter();
        let held: Vec<_> = entries.map(|entry| (entry.group, entry.source, entry.iif, entry.oifs)).collect();
        self.violations.check(due == held, "FW-12: the forwarder holds what the manager has");
        self.violations.check(self.mgm.forwarder_failures().is_empty(), "FW-11: nothing waits for a retry");
    }
}
