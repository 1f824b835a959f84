//! One link: the groups that its hosts report, and the querier.

use std::collections::{BTreeSet, HashMap, hash_map};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use mgm::{Address, GroupAddr, SourceAddr};

use super::config::Config;
use super::group::{Effects, Group, GroupView, Moment, Question};
use super::querier::Querier;
use super::query::Query;
use super::step::{Step, Want};
use membership_reports::{Record, RecordKind, Report, Version};

/// The state of IGMP on one link.
#[derive(Debug)]
pub struct Link<A: Address> {
    querier: Querier<A>,
    addresses: Addresses<A>,
    groups: HashMap<GroupAddr<A>, Tracked<A>, RandomState>,
    /// The groups in which something is due, the next first.
    due: BTreeSet<(Instant, GroupAddr<A>)>,
}

/// A group, and its place among those in which something is due.
#[derive(Debug)]
struct Tracked<A: Address> {
    state: Group<A>,
    /// Not after its deadline. Reports that come again put the deadline off, which is seen when the time has come.
    due: Option<Instant>,
}

/// What follows for the manager and for the hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome<A> {
    /// The calls for the manager, in their order.
    pub steps: Vec<Step<A>>,
    /// What to ask the hosts.
    pub queries: Vec<Query<A>>,
}

/// The addresses of this router on a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses<A: Address> {
    /// With which it asks.
    pub own: Option<A>,
    /// From which hosts may report; if none is known, any.
    pub subnets: Vec<A::Net>,
}

impl<A: Address> Link<A> {
    /// A link that is not up yet.
    #[must_use]
    pub fn new(config: &Config<A>) -> Self {
        Self {
            querier: Querier::new(config),
            addresses: Addresses { own: None, subnets: Vec::new() },
            groups: HashMap::default(),
            due: BTreeSet::new(),
        }
    }

    /// The link is up, or up again: its hosts are asked at once.
    pub fn start(&mut self, addresses: Addresses<A>, config: &Config<A>, now: Instant) {
        self.querier.start(addresses.own, config, now);
        self.addresses = addresses;
    }

    /// The link is down: nobody is asked. What was reported lasts as long as its timers run.
    pub fn stop(&mut self, config: &Config<A>, now: Instant) {
        self.querier.start(None, config, now);
    }

    /// The addresses of this router on the link have changed.
    pub fn set_addresses(&mut self, addresses: Addresses<A>, config: &Config<A>, now: Instant) {
        self.querier.set_address(addresses.own, config, now);
        self.addresses = addresses;
    }

    /// The address of the querier, if there is one.
    #[must_use]
    pub const fn querier(&self) -> Option<A> {
        self.querier.elected()
    }

    /// When [`expire`](Self::expire) is next due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let group = self.due.first().map(|&(at, _)| at);
        group.into_iter().chain(self.querier.deadline()).min()
    }

    /// All that the manager is to hold for this link.
    pub fn wants(&self) -> Vec<Want<A>> {
        self.groups.values().flat_map(|tracked| tracked.state.wants()).collect()
    }

    /// The groups that are reported, in order.
    pub fn groups(&self) -> Vec<GroupView<A>> {
        let mut groups: Vec<_> = self.groups.values().map(|tracked| tracked.state.view()).collect();
        groups.sort_unstable_by_key(|state| state.group);
        groups
    }

    /// A host reports.
    pub fn report(&mut self, report: &Report<A>, config: &Config<A>, now: Instant) -> Outcome<A> {
        let mut effects = Effects::default();
        if self.is_from_here(report.reporter, config) {
            for record in &report.records {
                self.record(report.version, record, config, now, &mut effects);
            }
        }
        self.outcome(effects)
    }

    fn record(
        &mut self,
        version: Version,
        record: &Record<A>,
        config: &Config<A>,
        now: Instant,
        effects: &mut Effects<A>,
    ) {
        let Ok(group) = GroupAddr::new(record.group) else { return };
        if names_no_source(record.kind) && config.ssm_ranges.iter().any(|range| record.group.is_in(range)) {
            return; // RFC 9776 §6.4: ignored, and the other records of the report are not
        }
        let at = self.moment(config, now);
        let full = self.groups.len() >= config.max_groups;
        let Tracked { state, .. } = match self.groups.entry(group) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(_) if full => return,
            hash_map::Entry::Vacant(new) => new.insert(Tracked { state: Group::new(group), due: None }),
        };
        if record.kind == RecordKind::Report {
            state.older_report(version == Version::Igmpv1, &at, effects);
        } else {
            let sources = record.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
            state.record(record.kind, &sources, &at, effects);
        }
        self.keep(group);
    }

    /// Another router asks.
    pub fn query(&mut self, query: &Query<A>, config: &Config<A>, now: Instant) {
        self.querier.heard(query, config, now);
        let Some(group) = query.group.and_then(|group| GroupAddr::new(group).ok()) else { return };
        let won = self.querier.elected() == Some(query.querier);
        let at = self.moment(config, now);
        if query.suppress || !won {
            return;
        }
        let Some(Tracked { state, .. }) = self.groups.get_mut(&group) else { return };
        let sources: Vec<_> =
            query.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
        if sources.is_empty() == query.sources.is_empty() {
            state.asked_by_another(&sources, &at);
        }
        self.keep(group);
    }

    /// Does all that is due.
    pub fn expire(&mut self, config: &Config<A>, now: Instant) -> Outcome<A> {
        let mut effects = Effects::default();
        let general = self.querier.expire(config, now);
        let at = self.moment(config, now);
        while let Some(&(due, group)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            if let Some(tracked) = self.groups.get_mut(&group) {
                tracked.due = None;
                if tracked.state.deadline().is_some_and(|deadline| deadline <= now) {
                    tracked.state.expire(&at, &mut effects);
                }
                self.keep(group);
            }
        }
        let mut outcome = self.outcome(effects);
        if general {
            let max_response = self.querier.times().query_response_interval;
            outcome.queries.extend(self.ask(None, Vec::new(), max_response, false));
        }
        outcome
    }

    fn outcome(&self, effects: Effects<A>) -> Outcome<A> {
        let max_response = self.querier.times().last_member_query_interval;
        let queries = effects.questions.into_iter().filter_map(|Question { group, sources, suppress }| {
            let sources = sources.into_iter().map(SourceAddr::address).collect();
            self.ask(Some(group.address()), sources, max_response, suppress)
        });
        Outcome { steps: effects.steps, queries: queries.collect() }
    }

    fn ask(
        &self,
        group: Option<A>,
        sources: Vec<A>,
        max_response: Duration,
        suppress: bool,
    ) -> Option<Query<A>> {
        let times = self.querier.times();
        let querier = self.querier.elected().filter(|_| self.querier.is_querier())?;
        let (robustness, interval) = (times.robustness, Some(times.query_interval));
        Some(Query { querier, group, sources, max_response, suppress, robustness, interval })
    }

    /// RFC 9776 §9.2. What this router itself joins reaches it without being forwarded to the link.
    fn is_from_here(&self, reporter: A, config: &Config<A>) -> bool {
        let Addresses { own, subnets } = &self.addresses;
        let foreign = !subnets.is_empty() && !subnets.iter().any(|subnet| reporter.is_in(subnet));
        *own != Some(reporter) && (config.foreign_reporters || !foreign)
    }

    fn moment(&self, config: &Config<A>, now: Instant) -> Moment {
        let querier = self.querier.is_querier();
        Moment { now, times: self.querier.times(), querier, max_sources: config.max_sources }
    }

    /// A group has changed: it is forgotten if there is nothing to know of it, and due no later than it has to be.
    fn keep(&mut self, group: GroupAddr<A>) {
        let hash_map::Entry::Occupied(mut entry) = self.groups.entry(group) else { return };
        let Tracked { state, due } = entry.get_mut();
        let (before, deadline) = (*due, state.deadline());
        let forgotten = state.is_forgotten();
        let sooner = deadline.filter(|&deadline| before.is_none_or(|before| deadline < before));
        if !forgotten && sooner.is_none() {
            return;
        }
        if let Some(before) = before {
            self.due.remove(&(before, group));
        }
        *due = sooner;
        if forgotten {
            entry.remove();
        } else {
            self.due.extend(sooner.map(|sooner| (sooner, group)));
        }
    }
}

/// RFC 9776 §6.4: in the source-specific range such records are ignored.
const fn names_no_source(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Report | RecordKind::Leave | RecordKind::IsExclude | RecordKind::ToExclude => true,
        RecordKind::IsInclude | RecordKind::ToInclude | RecordKind::Allow | RecordKind::Block => false,
    }
}
