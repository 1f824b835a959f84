//! IGMP (or MLD) as a client of the manager: what the hosts want, set there, and again after a hand-over.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use mgm::{Address, Change, ClientRef, Error, GroupAddr, IgmpCallbacks, Interface};
use parking_lot::Mutex;

use super::merge::{Filter, GroupFilter, Host, Ignored, Merge};
use super::timeline::Timeline;
use membership_reports::Record;

/// The state of IGMP on all its interfaces.
///
/// The lock is never held while the manager is called: it may call back, on this thread or another. So after each
/// call it is looked up whether another report has changed what is wanted meanwhile: no order of reports and
/// hand-overs on several threads can leave the manager with anything else.
#[derive(Debug)]
pub(crate) struct Igmp<A: Address = Ipv4Addr> {
    name: &'static str,
    timeline: Arc<Timeline>,
    lans: Mutex<HashMap<Interface<A>, Merge<A>>>,
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
            self.set(igmp, interface, group);
        }
    }

    /// Writes down what is wanted on `interface`, if that has changed.
    pub(crate) fn write_joined(&self, interface: Interface<A>) {
        self.with(interface, |merge| self.timeline.joined(interface, merge.filters()));
    }

    fn note(
        &self,
        interface: Interface<A>,
        host: Host<A>,
        record: &Record<A>,
    ) -> Result<GroupAddr<A>, Ignored<A>> {
        let mut lans = self.lans.lock();
        let others = lans.iter().filter(|&(&other, _)| other != interface);
        let remembered: usize = others.map(|(_, merge)| merge.size()).sum();
        lans.entry(interface).or_default().note(host, record, MOST_REMEMBERED.saturating_sub(remembered))
    }

    /// Tells the manager what is wanted of `group`, until that is what it was told last.
    fn set(&self, igmp: &ClientRef<A>, interface: Interface<A>, group: GroupAddr<A>) {
        let wanted = || self.with(interface, |merge| merge.wanted(group));
        let mut told = wanted();
        loop {
            self.timeline.call(self.name, "set_group", &told);
            match set_group(igmp, interface, &told) {
                // HO-2: all that is wanted is set when IGMP is enabled again.
                Ok(_) | Err(Error::IgmpDisabled { .. } | Error::PartlyDone { .. }) => {}
                Err(refusal) => self.timeline.call(self.name, "refused", refusal),
            }
            let now = wanted();
            if now == told {
                return;
            }
            told = now;
        }
    }

    fn with<T>(&self, interface: Interface<A>, work: impl FnOnce(&Merge<A>) -> T) -> T {
        work(self.lans.lock().entry(interface).or_default())
    }
}

fn set_group<A: Address>(
    igmp: &ClientRef<A>,
    interface: Interface<A>,
    GroupFilter { group, filter }: &GroupFilter<A>,
) -> Result<Change, Error<A>> {
    let sources: Vec<_> = filter.sources().iter().copied().collect();
    let filter = match filter {
        Filter::Include(_) => mgm::Filter::Include(&sources),
        Filter::Exclude(_) => mgm::Filter::Exclude(&sources),
    };
    igmp.set_group(interface, *group, filter)
}

impl<A: Address> IgmpCallbacks<A> for Igmp<A> {
    fn disable_igmp(&self, _igmp: &ClientRef<A>, interface: Interface<A>) {
        self.timeline.bracket(self.name, "disable_igmp", format_args!("interface {interface}"));
    }

    /// Adds all again: what is held already counts for the new owner, and what nobody wants any more goes (HO-14).
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.timeline.bracket(self.name, "enable_igmp", format_args!("interface {interface}"));
        let groups: Vec<_> = self.with(interface, |merge| merge.groups().collect());
        for group in groups {
            self.set(igmp, interface, group);
        }
    }

    fn interface_removed(&self, _igmp: &ClientRef<A>, index: NonZeroU32) {
        self.lans.lock().retain(|interface, _| interface.index() != index);
    }
}
