//! IGMP (or MLD) as a client of the manager: what the hosts want, held there, and put back after a hand-over.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use mgm::{Address, Change, ClientRef, Entry, Error, GroupAddr, IgmpCallbacks, Interface};
use parking_lot::Mutex;

use super::held::Held;
use super::merge::{Host, Ignored, Merge, Want};
use super::timeline::Timeline;
use membership_reports::Record;

/// The state of IGMP on all its interfaces.
///
/// The lock is never held while the manager is called: it may call back, on this thread or another. So what is
/// held there is compared with what is wanted again and again until nothing differs, and no order of reports
/// and hand-overs on several threads can leave a difference behind.
#[derive(Debug)]
pub(crate) struct Igmp<A: Address = Ipv4Addr> {
    name: &'static str,
    timeline: Arc<Timeline>,
    lans: Mutex<HashMap<Interface<A>, Lan<A>>>,
}

#[derive(Debug)]
struct Lan<A: Address> {
    merge: Merge<A>,
    held: Held<A>,
    disabled: bool,
}

/// One call that brings what is held nearer to what is wanted.
#[derive(Clone, Copy, Debug)]
enum Step<A> {
    Add(Want<A>),
    Delete(Want<A>),
}

/// Reporters of groups, and sources that they name, on all links together.
const MOST_REMEMBERED: usize = 50_000;

impl<A: Address> Igmp<A> {
    pub(crate) fn new(name: &'static str, timeline: &Arc<Timeline>) -> Self {
        Self { name, timeline: Arc::clone(timeline), lans: Mutex::default() }
    }

    /// A host on `interface` reports. While IGMP is disabled there this is only remembered.
    pub(crate) fn receive(
        &self,
        igmp: &ClientRef<A>,
        interface: Interface<A>,
        host: Host<A>,
        records: &[Record<A>],
    ) {
        let mut groups = BTreeSet::new();
        for record in records {
            match self.note(interface, host, record) {
                Ok(group) => {
                    groups.insert(group);
                }
                Err(reason) => self.timeline.call(self.name, "ignores", reason),
            }
        }
        for group in groups {
            self.settle(igmp, interface, group);
        }
    }

    /// Writes down what is held on `interface`, if that has changed.
    pub(crate) fn write_joined(&self, interface: Interface<A>) {
        self.with(interface, |lan| self.timeline.joined(interface, lan.held.all()));
    }

    fn note(
        &self,
        interface: Interface<A>,
        host: Host<A>,
        record: &Record<A>,
    ) -> Result<GroupAddr<A>, Ignored<A>> {
        let mut lans = self.lans.lock();
        let others = lans.iter().filter(|&(&other, _)| other != interface);
        let remembered: usize = others.map(|(_, lan)| lan.merge.size()).sum();
        lans.entry(interface).or_default().merge.note(
            host,
            record,
            MOST_REMEMBERED.saturating_sub(remembered),
        )
    }

    /// Calls the manager until it holds what is wanted of `group`, or refuses all that is missing.
    fn settle(&self, igmp: &ClientRef<A>, interface: Interface<A>, group: GroupAddr<A>) {
        loop {
            let steps = self.with(interface, |lan| lan.steps(group));
            let accepted = steps.into_iter().filter(|&step| self.take(igmp, interface, group, step)).count();
            if accepted == 0 {
                return;
            }
        }
    }

    fn take(&self, igmp: &ClientRef<A>, interface: Interface<A>, group: GroupAddr<A>, step: Step<A>) -> bool {
        self.timeline.call(self.name, step.method(), step.want());
        match step.call(igmp, interface) {
            Ok(_) => {
                self.with(interface, |lan| lan.took(group, step));
                true
            }
            Err(refusal) => {
                self.timeline.call(self.name, "refused", refusal);
                false
            }
        }
    }

    fn with<T>(&self, interface: Interface<A>, work: impl FnOnce(&mut Lan<A>) -> T) -> T {
        work(self.lans.lock().entry(interface).or_default())
    }
}

impl<A: Address> IgmpCallbacks<A> for Igmp<A> {
    fn disable_igmp(&self, _igmp: &ClientRef<A>, interface: Interface<A>) {
        self.timeline.bracket(self.name, "disable_igmp", format_args!("interface {interface}"));
        self.with(interface, |lan| lan.disabled = true);
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.timeline.bracket(self.name, "enable_igmp", format_args!("interface {interface}"));
        let groups: BTreeSet<_> = self.with(interface, |lan| {
            lan.held.clear(); // all of it is to be added again (HO-3)
            lan.disabled = false;
            lan.merge.groups().collect()
        });
        for group in groups {
            self.settle(igmp, interface, group);
        }
    }

    fn interface_removed(&self, _igmp: &ClientRef<A>, index: NonZeroU32) {
        self.lans.lock().retain(|interface, _| interface.index() != index);
    }
}

impl<A: Address> Lan<A> {
    /// Make before break: adds come first, so that what stays wanted is wanted all along. Where a block takes the
    /// place of a join, or a join of a block, the delete finds nothing left, which is no error (MB-2, MB-6).
    fn steps(&self, group: GroupAddr<A>) -> Vec<Step<A>> {
        if self.disabled {
            return Vec::new();
        }
        let wanted = self.merge.wanted(group);
        let adds = wanted.iter().copied().filter(|&want| !self.held.contains(want)).map(Step::Add);
        let deletes = self.held.of(group).rev().filter(|want| !wanted.contains(want)).map(Step::Delete);
        adds.chain(deletes).collect()
    }

    fn took(&mut self, group: GroupAddr<A>, step: Step<A>) {
        match step {
            Step::Add(want) => self.held.insert(group, want),
            Step::Delete(want) => self.held.remove(group, want),
        }
    }
}

impl<A: Address> Step<A> {
    fn call(self, igmp: &ClientRef<A>, interface: Interface<A>) -> Result<Change, Error<A>> {
        match self {
            Self::Add(Want::Join(entry)) => igmp.add_group_membership(interface, entry),
            Self::Add(Want::Block(source, group)) => igmp.block_source(interface, source, group),
            Self::Delete(Want::Join(entry)) => igmp.delete_group_membership(interface, entry),
            Self::Delete(Want::Block(source, group)) => igmp.unblock_source(interface, source, group),
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Add(Want::Join(_)) => "add_group_membership",
            Self::Add(Want::Block(..)) => "block_source",
            Self::Delete(Want::Join(_)) => "delete_group_membership",
            Self::Delete(Want::Block(..)) => "unblock_source",
        }
    }

    const fn want(self) -> Entry<A> {
        match self {
            Self::Add(want) | Self::Delete(want) => want.entry(),
        }
    }
}

impl<A: Address> Default for Lan<A> {
    fn default() -> Self {
        Self { merge: Merge::new(A::default_ssm_ranges()), held: Held::default(), disabled: false }
    }
}
