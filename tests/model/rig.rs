//! A manager under test with its RIB and its forwarder: what is asked of it, and all that can be read of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mgm::{
    Alert, Builder, Change, ClientRef, Entry, Error, Forwarder as _, Interface, InterfaceStatus, Membership,
    MembershipChange, Mfe, Mgm, Refresh,
};

use crate::naive::{UNKNOWN, WRONG};
use crate::ops::{Filter, GROUPS, Key, Max, Op, Step, Switch, Verb, group, id, interfaces};
use crate::plane::Plane;
use crate::rib::Table;
use crate::words::{Call, Done, Entered, Held, Outcome, Status, View, unless_never};

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) mgm: Mgm,
    pub(crate) table: Arc<Table>,
    pub(crate) plane: Arc<Plane>,
    /// When a loop would call `expire` that sleeps until it was last told to (FW-16).
    pub(crate) alarm: Arc<Mutex<Option<Instant>>>,
    /// All that have been begun; those that have been ended are taken out.
    refreshes: Mutex<Vec<Option<Refresh>>>,
}

impl Rig {
    pub(crate) fn new(max: Max) -> Self {
        Self::with(max, |builder| builder)
    }

    pub(crate) fn with(max: Max, options: impl FnOnce(Builder) -> Builder) -> Self {
        let (table, plane) = (Arc::<Table>::default(), Arc::<Plane>::default());
        let alarm = Arc::<Mutex<Option<Instant>>>::default();
        let on_due = {
            let alarm = Arc::clone(&alarm);
            move |due| *alarm.lock().unwrap() = Some(due)
        };
        let builder = Mgm::builder().rib(Arc::clone(&table)).forwarder(Arc::clone(&plane)).on_due(on_due);
        let mgm = options(builder.limits(max.into())).build();
        Self { mgm, table, plane, alarm, refreshes: Mutex::default() }
    }

    /// How many refreshes have been begun.
    pub(crate) fn refreshes(&self) -> usize {
        self.refreshes.lock().unwrap().len()
    }

    /// What becomes of a packet, as in a kernel: it is counted where there is an entry for it, and reported else.
    pub(crate) fn receive(&self, key: Key, on: Interface) -> Call {
        match self.plane.packet(key, on) {
            None => Op::Unknown(key, on),
            Some(_) if self.plane.entry(key).is_some_and(|entry| entry.iif == on) => Op::Carried(key),
            Some(_) => Op::Wrong(key, on),
        }
    }

    /// The forwarder counts packets for what the manager does not know: it failed to delete it.
    pub(crate) fn is_left_over(&self, (group, source): Key) -> bool {
        let counted = self.plane.memory.stats(source, group).is_ok_and(|stats| stats.packets > 0);
        counted && self.mgm.mfe(source, group).is_none()
    }

    /// What the system reports.
    pub(crate) fn report(&self, call: &Call, now: Instant) -> Outcome {
        match *call {
            Call::Remove(on) => self.mgm.interface_removed(on.index()),
            Call::Unknown((group, source), on) => {
                self.mgm.packet_received(source, group, on, UNKNOWN, now)?;
            }
            Call::Wrong((group, source), on) => {
                self.mgm.packet_on_wrong_interface(source, group, on, WRONG, now);
            }
            Call::Route(prefix, route) => {
                self.table.0.lock().unwrap().set(prefix, route);
                self.mgm.routes_changed(&prefix);
            }
            Call::RoutesChanged(prefix) => self.mgm.routes_changed(&prefix),
            Call::Expire(_) => {
                let next = unless_never(self.mgm.expire(now), now);
                // When the forwarder is tried again is left open.
                let all_is_done = self.mgm.forwarder_failures().is_empty();
                return Ok(if all_is_done { Done::Next(next) } else { Done::Silently });
            }
            Call::Faults(faults) => self.plane.notes().faults = faults,
            Call::Failed((group, source)) => {
                let error = self.plane.lose((group, source));
                self.mgm.forwarder_failed(source, group, error);
            }
            Call::Restarted => {
                self.plane.memory.restart();
                self.mgm.forwarder_restarted();
            }
            Call::EndRefresh(number) => {
                let refresh = self.refreshes.lock().unwrap()[number].take();
                if let Some(refresh) = refresh {
                    refresh.end();
                }
            }
            _ => {}
        }
        Ok(Done::Silently)
    }

    /// What a client asks for.
    pub(crate) fn perform(&self, client: &ClientRef, call: &Call, now: Instant) -> Outcome {
        let silently = |result: Result<(), Error>| result.map(|()| Done::Silently);
        match *call {
            Call::Batch(_, on, ref steps) => {
                let outcomes = client.batch(on, steps.iter().map(|step| step.change()));
                Ok(Done::Batch(outcomes.iter().map(|outcome| outcome.map_err(Clone::clone)).collect()))
            }
            Call::Filter(_, on, group, ref filter) => {
                client.set_group(on, group, filter.into()).map(Done::Change)
            }
            Call::BeginRefresh(_, on, seconds) => {
                let refresh = client.begin_refresh(on, now + Duration::from_secs(seconds))?;
                self.refreshes.lock().unwrap().push(Some(refresh));
                Ok(Done::Silently)
            }
            Call::Offer(_, on, slot) => match id(slot) {
                Some(to) => silently(client.offer_interface(on, to)),
                None => unreachable!("nothing is offered to IGMP"),
            },
            Call::WithdrawOffer(_, on) => client.withdraw_offer(on).map(Done::Change),
            Call::Take(_, on) => silently(client.take_interface_ownership(on)),
            Call::Release(_, on) => silently(client.release_interface_ownership(on)),
            Call::Set(_, on, step) => set(client, on, step).map(Done::Change),
            Call::State(_, on, (group, source), state) => {
                client.set_forward_state(on, source, group, state).map(Done::Change)
            }
            Call::Mfe(_, (group, source), iif, upstream) => {
                silently(client.set_mfe(source, group, iif, upstream))
            }
            Call::Timeout(_, (group, source), seconds) => {
                let lifetime = seconds.map_or(Duration::MAX, Duration::from_secs);
                silently(client.set_mfe_timeout(source, group, lifetime))
            }
            Call::WrongAlerts(_, on, switch) => {
                silently(client.set_wrong_interface_alerts(on, switch == Switch::On))
            }
            _ => unreachable!("{call:?} is not asked for by a client"),
        }
    }

    /// All that can be read without a client's handle.
    pub(crate) fn view(&self, now: Instant) -> View {
        let groups: Vec<_> = self.mgm.groups().collect();
        let held = groups.iter().map(|held| Held {
            entry: held.entry,
            interface: held.interface,
            kind: held.kind,
            added_by: held.added_by,
            counts_for: held.counts_for,
            is_stale: held.stale,
        });
        let held: BTreeSet<_> = held.collect();
        assert_eq!(groups.len(), held.len(), "EN-4: repeated: {groups:?}");
        self.check_parts(groups);
        View {
            groups: held,
            interfaces: self.mgm.interfaces().into_iter().map(status).collect(),
            mfes: self.mgm.mfes().map(|mfe| entered(mfe, now)).collect(),
            told: BTreeMap::new(),
            explained: Vec::new(),
            wrong_answers: self.mgm.wrong_answers(),
            caught_panics: self.mgm.caught_panics() - self.plane.notes().panics,
        }
    }

    /// EN-7: those on each interface, and those of each group with those of none, are all that there are.
    fn check_parts(&self, mut all: Vec<Membership>) {
        let mut on: Vec<_> = interfaces().flat_map(|on| self.mgm.groups_on(on)).collect();
        let of_none = all.iter().copied().filter(|held| held.entry.group().is_none());
        let of_groups = (0..GROUPS.len()).flat_map(|number| self.mgm.groups_of(group(number)));
        let mut of: Vec<_> = of_none.chain(of_groups).collect();
        [&mut all, &mut on, &mut of].into_iter().for_each(|held| held.sort_unstable());
        assert_eq!([&on, &of], [&all; 2], "EN-7");
    }
}

fn status(status: InterfaceStatus) -> Status {
    Status {
        interface: status.interface,
        owner: Some(status.owner),
        igmp: status.igmp,
        handover: status.handover.map(|handover| (handover.from, handover.to)),
        offered_to: status.offered_to,
    }
}

fn entered(mfe: Mfe, now: Instant) -> Entered {
    Entered {
        key: (mfe.group, mfe.source),
        iif: mfe.iif,
        owner: mfe.owner,
        upstream: mfe.upstream,
        prefix: mfe.prefix,
        oifs: mfe.oifs,
        made: mfe.made,
        expires: unless_never(mfe.expires, now),
    }
}

fn set(client: &ClientRef, on: Interface, Step { verb, entry }: Step) -> Result<Change, Error> {
    match (verb, entry) {
        (Verb::Add, _) => client.add_group_membership(on, entry),
        (Verb::Delete, _) => client.delete_group_membership(on, entry),
        (Verb::Block, Entry::SourceGroup(source, group)) => client.block_source(on, source, group),
        (Verb::Unblock, Entry::SourceGroup(source, group)) => client.unblock_source(on, source, group),
        (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
    }
}

impl Step {
    fn change(self) -> MembershipChange {
        match (self.verb, self.entry) {
            (Verb::Add, entry) => MembershipChange::Add(entry),
            (Verb::Delete, entry) => MembershipChange::Delete(entry),
            (Verb::Block, Entry::SourceGroup(source, group)) => MembershipChange::Block(source, group),
            (Verb::Unblock, Entry::SourceGroup(source, group)) => MembershipChange::Unblock(source, group),
            (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
        }
    }
}

impl<'a> From<&'a Filter> for mgm::Filter<'a> {
    fn from(filter: &'a Filter) -> Self {
        match filter {
            Filter::Include(sources) => Self::Include(sources),
            Filter::Exclude(sources) => Self::Exclude(sources),
        }
    }
}

/// The interface that an alert speaks of.
pub(crate) const fn interface_of(alert: &Alert) -> Option<Interface> {
    match alert {
        Alert::LocalJoin { interface, .. }
        | Alert::LocalLeave { interface, .. }
        | Alert::LocalBlock { interface, .. }
        | Alert::LocalUnblock { interface, .. }
        | Alert::WrongInterface { interface, .. } => Some(*interface),
        _ => None,
    }
}
