//! Memberships and blocks: batches, group filters, limits, stale ones.

use std::collections::BTreeMap;

use mgm::{Change, Entry, Error, GroupAddr, Interface, Limit, MembershipKind};

use super::{Answer, Hold, State};
use crate::ops::{Filter, Step, Verb};
use crate::words::Uid;

impl State {
    /// One change of one client, as if it came alone (MB-2, MB-6, MB-8, HO-13).
    pub(crate) fn set(&mut self, on: Interface, client: Uid, step: Step) -> Answer<Change> {
        let adds = matches!(step.verb, Verb::Add | Verb::Block);
        let mut errors = self.refuse_change(on, client, adds);
        if let Entry::Group(group) = step.entry {
            errors.extend(refuse_without_source(group));
        }
        refuse_for(errors)?;
        let at = (on, client, step.entry);
        let old = self.held.get(&at).map(|hold| hold.kind);
        let new = match (step.verb, old) {
            (Verb::Add, _) => Some(MembershipKind::Joined),
            (Verb::Block, _) => Some(MembershipKind::Blocked),
            (Verb::Delete, Some(MembershipKind::Joined)) | (Verb::Unblock, Some(MembershipKind::Blocked)) => {
                None
            }
            (Verb::Delete | Verb::Unblock, old) => old,
        };
        if old.is_none() && new.is_some() {
            refuse_for(self.refuse_growth(on, client, 1))?;
        }
        if adds || new != old {
            self.hold(at, new);
        }
        Ok(if new == old { Change::Unchanged } else { Change::Changed })
    }

    /// MB-9: what the client holds of the group becomes just this.
    pub(crate) fn set_filter(
        &mut self,
        on: Interface,
        client: Uid,
        group: GroupAddr,
        filter: &Filter,
    ) -> Answer<Change> {
        let (sources, kind) = match filter {
            Filter::Include(sources) => (sources, MembershipKind::Joined),
            Filter::Exclude(sources) => (sources, MembershipKind::Blocked),
        };
        let mut new: BTreeMap<_, _> =
            sources.iter().map(|source| (Entry::SourceGroup(*source, group), kind)).collect();
        let mut errors = self.refuse_change(on, client, !new.is_empty());
        if let Filter::Exclude(_) = filter {
            errors.extend(refuse_without_source(group));
            new.insert(Entry::Group(group), MembershipKind::Joined);
        }
        refuse_for(errors)?;
        let of_group = |(at, by, entry): &(Interface, Uid, Entry)| {
            (*at, *by, entry.group()) == (on, client, Some(group))
        };
        let old = self.held.iter().filter(|(at, _)| of_group(at));
        let old: BTreeMap<_, _> = old.map(|((.., entry), hold)| (*entry, hold.kind)).collect();
        if new.len() > old.len() {
            refuse_for(self.refuse_growth(on, client, new.len() - old.len()))?;
        }
        old.keys().for_each(|entry| self.hold((on, client, *entry), None));
        new.iter().for_each(|(entry, kind)| self.hold((on, client, *entry), Some(*kind)));
        Ok(if new == old { Change::Unchanged } else { Change::Changed })
    }

    fn hold(&mut self, at: (Interface, Uid, Entry), kind: Option<MembershipKind>) {
        self.held.remove(&at);
        self.held.extend(kind.map(|kind| (at, Hold { kind, is_stale: false })));
        let joined = self.held.get(&at).is_some_and(|hold| hold.kind == MembershipKind::Joined);
        if let Some(source) = at.2.source().filter(|_| joined) {
            self.known.entry(source).or_insert_with(|| self.rib.find(source));
        }
    }

    /// MB-1, HO-2, HO-7.
    pub(crate) fn refuse_change(&self, on: Interface, client: Uid, adds: bool) -> Vec<Error> {
        let mut errors = self.refuse_unless_on(on, client);
        if let Some(change) = self.port(on).change {
            if self.is_igmp(client) && change.igmp_is_disabled {
                errors.push(Error::IgmpDisabled { interface: on });
            }
            if adds && change.leaving.contains(&client) {
                errors.push(Error::HandoverInProgress { interface: on });
            }
        }
        errors
    }

    pub(crate) fn refuse_unless_on(&self, on: Interface, client: Uid) -> Vec<Error> {
        if self.is_on(client, on) { Vec::new() } else { vec![self.not_on(on, client)] }
    }

    pub(crate) fn not_on(&self, on: Interface, client: Uid) -> Error {
        let owner = self.owner(on).map(|owner| self.name(owner));
        Error::NotOnInterface { interface: on, client: self.name(client), owner }
    }

    /// MB-7.
    fn refuse_growth(&self, on: Interface, client: Uid, growth: usize) -> Vec<Error> {
        let count = |here: &dyn Fn(Interface, Uid) -> bool| {
            self.held.keys().filter(|(on, by, _)| here(*on, *by)).count()
        };
        let would_pass = |max: Option<usize>, count: usize| max.filter(|max| count + growth > *max);
        let in_all = would_pass(self.max.memberships, count(&|_, _| true));
        let here = would_pass(self.max.per_interface, count(&|at, _| at == on));
        let its = would_pass(self.max.per_client, count(&|_, by| by == client));
        let limits = [
            in_all.map(|max| Limit::Memberships { max }),
            here.map(|max| Limit::MembershipsOnInterface { interface: on, max }),
            its.map(|max| Limit::MembershipsOfClient { client: self.name(client), max }),
        ];
        limits.into_iter().flatten().map(Error::LimitReached).collect()
    }

    /// HO-14: what was not added again goes.
    pub(crate) fn sweep(&mut self, on: Interface, client: Uid) {
        self.held.retain(|(at, by, _), hold| !((*at, *by) == (on, client) && hold.is_stale));
    }

    /// All that the client holds there has to be added again, or it goes.
    pub(crate) fn make_stale(&mut self, on: Interface, client: Uid) {
        let its = self.held.iter_mut().filter(|((at, by, _), _)| (*at, *by) == (on, client));
        its.for_each(|(_, hold)| hold.is_stale = true);
    }

    pub(crate) fn delete_all(&mut self, on: Interface, client: Uid) {
        self.held.retain(|(at, by, _), _| (*at, *by) != (on, client));
        self.end_refreshes(on, client);
    }

    pub(crate) fn end_refreshes(&mut self, on: Interface, client: Uid) {
        let its = self.refreshes.iter_mut().filter(|refresh| (refresh.on, refresh.client) == (on, client));
        its.for_each(|refresh| refresh.is_over = true);
    }
}

/// MB-4.
fn refuse_without_source(group: GroupAddr) -> Option<Error> {
    is_ssm(group).then(|| Error::SourceRequired { group, range: "232.0.0.0/8".parse().unwrap() })
}

pub(crate) fn refuse_for(errors: Vec<Error>) -> Answer<()> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

pub(crate) fn is_ssm(group: GroupAddr) -> bool {
    group.address().octets()[0] == 232
}
