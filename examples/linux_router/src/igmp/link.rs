//! One link: the groups that its hosts report, and the querier.

use std::collections::{BTreeSet, HashMap, hash_map};
use std::time::Instant;

use foldhash::fast::RandomState;
use mgm::{Address, GroupAddr, MembershipChange, SourceAddr};

use super::config::Config;
use super::group::{Effects, Group, GroupView, Moment, Question};
use super::querier::Querier;
use super::query::Query;
use super::refusal::{Refusal, Refused};
use super::room::{GROUP, Room, SOURCE};
use membership_reports::{Record, RecordKind, Report, Version};

/// The state of IGMP on one link.
#[derive(Debug)]
pub struct Link<A: Address> {
    querier: Querier<A>,
    addresses: Addresses<A>,
    groups: HashMap<GroupAddr<A>, Tracked<A>, RandomState>,
    /// Of all groups.
    sources: usize,
    asking: Asking,
    /// What could not be asked for when somebody had left it.
    unasked: BTreeSet<GroupAddr<A>>,
    /// When it is asked for after all: a general query was sent.
    ask_again: Option<Instant>,
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

/// Whether the hosts hear the general queries: those who could not be asked are not taken for gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asking {
    Works,
    /// The last one was not sent. Nothing that was reported ends.
    Fails,
    /// It was sent again: hosts have until then to answer.
    Resumed {
        until: Instant,
    },
}

/// What follows for the manager and for the hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome<A: Address> {
    /// A batch for the manager.
    pub changes: Vec<MembershipChange<A>>,
    /// What to ask the hosts.
    pub queries: Vec<Query<A>>,
    /// What is not done.
    pub refused: Refused<A>,
}

/// From what this router asks on a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Own<A> {
    /// Nothing: it cannot ask.
    None,
    /// The unspecified address. Hosts answer, and no router takes it for the querier (RFC 4541 §2.1.1).
    Anonymous(A),
    /// An address of its own.
    Address(A),
}

/// The addresses of this router on a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses<A: Address> {
    /// With which it asks.
    pub own: Own<A>,
    /// In which hosts and other routers are; if none is known, anywhere.
    pub subnets: Vec<A::Net>,
}

impl<A: Address> Link<A> {
    /// A link that is not up yet.
    #[must_use]
    pub fn new(config: &Config<A>) -> Self {
        Self {
            querier: Querier::new(config),
            addresses: Addresses { own: Own::None, subnets: Vec::new() },
            groups: HashMap::default(),
            sources: 0,
            asking: Asking::Works,
            unasked: BTreeSet::new(),
            ask_again: None,
            due: BTreeSet::new(),
        }
    }

    /// The link is up, or up again: its hosts are asked at once.
    pub fn start(&mut self, addresses: Addresses<A>, config: &Config<A>, now: Instant) {
        self.querier.start(addresses.own, config, now);
        self.asking = Asking::Works;
        self.addresses = addresses;
    }

    /// The link is down: nobody is asked. What was reported lasts as long as its timers run.
    pub fn stop(&mut self, config: &Config<A>, now: Instant) {
        self.querier.stop(config, now);
    }

    /// The addresses of this router on the link have changed.
    pub fn set_addresses(&mut self, addresses: Addresses<A>, config: &Config<A>, now: Instant) {
        self.querier.set_own(addresses.own, config, now);
        self.addresses = addresses;
    }

    /// One more subnet in which hosts and other routers are, until the addresses change.
    pub fn add_subnet(&mut self, subnet: A::Net) {
        self.addresses.subnets.push(subnet);
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
        let group = match self.asking {
            Asking::Works => group,
            Asking::Fails => None,
            Asking::Resumed { until } => group.map(|at| at.max(until)),
        };
        group.into_iter().chain(self.ask_again).chain(self.querier.deadline()).min()
    }

    /// All that the manager is to hold for this link, as a batch that adds it.
    pub fn wanted(&self) -> impl Iterator<Item = MembershipChange<A>> {
        self.groups.values().flat_map(|tracked| tracked.state.wanted())
    }

    /// What is wanted now instead of these changes, where it differs from them.
    pub(crate) fn outdated(&self, changes: &[MembershipChange<A>]) -> Vec<MembershipChange<A>> {
        let instead_of = |&change: &MembershipChange<A>| {
            let group = group_of(change)?;
            let now = match self.groups.get(&group) {
                Some(Tracked { state, .. }) => state.instead_of(change),
                None => Group::new(group).instead_of(change),
            };
            (now != change).then_some(now)
        };
        changes.iter().filter_map(instead_of).collect()
    }

    /// The groups that are reported, in order.
    pub fn groups(&self) -> Vec<GroupView<A>> {
        let mut groups: Vec<_> = self.groups.values().map(|tracked| tracked.state.view()).collect();
        groups.sort_unstable_by_key(|state| state.group);
        groups
    }

    pub(crate) fn has_members(&self) -> bool {
        !self.groups.is_empty()
    }

    /// About how much memory this takes.
    pub(crate) fn octets(&self) -> usize {
        self.groups.len() * GROUP + self.sources * SOURCE
    }

    /// A host reports. For what is new there are `memory` octets.
    pub fn report(
        &mut self,
        report: &Report<A>,
        config: &Config<A>,
        memory: usize,
        now: Instant,
    ) -> Outcome<A> {
        let reporter = report.reporter;
        let mut effects = self.effects(config, memory, Some(reporter));
        if self.is_own(reporter) {
            // What this router itself joins reaches it without being forwarded to the link.
        } else if config.foreign_reporters || self.is_on_link(reporter) {
            for record in &report.records {
                self.record(report.version, record, config, now, &mut effects);
            }
        } else {
            effects.refused.note(Refusal::ForeignReporter { reporter });
        }
        self.outcome(effects, config, now)
    }

    fn effects(&self, config: &Config<A>, memory: usize, reporter: Option<A>) -> Effects<A> {
        let sources = config.max_link_sources.saturating_sub(self.sources);
        Effects::new(Room { octets: memory, sources }, reporter)
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
            // RFC 9776 §6.4: ignored, and the other records of the report are not.
            if asks_for_all(record.kind) {
                let refusal = |reporter| Refusal::NoSource { reporter, group };
                effects.reporter.map(refusal).into_iter().for_each(|refusal| effects.refused.note(refusal));
            }
            return;
        }
        let at = self.moment(config, now);
        let Some(Tracked { state, .. }) = self.find_or_add(group, config, effects) else { return };
        if record.kind == RecordKind::Report {
            state.older_report(version == Version::Igmpv1, &at, effects);
        } else {
            let sources = record.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
            state.record(record.kind, &sources, &at, effects);
        }
        self.keep(group);
    }

    /// The state of a group; a new one if there is room, and nothing if there is none.
    fn find_or_add(
        &mut self,
        group: GroupAddr<A>,
        config: &Config<A>,
        effects: &mut Effects<A>,
    ) -> Option<&mut Tracked<A>> {
        let (full, max) = (self.groups.len() >= config.max_groups, config.max_groups);
        match self.groups.entry(group) {
            hash_map::Entry::Occupied(known) => Some(known.into_mut()),
            hash_map::Entry::Vacant(new) if !full && effects.room.take_group().is_ok() => {
                Some(new.insert(Tracked { state: Group::new(group), due: None }))
            }
            hash_map::Entry::Vacant(_) => {
                if let Some(reporter) = effects.reporter {
                    let memory = Refusal::Memory { reporter, group };
                    let groups = Refusal::Groups { reporter, group, max };
                    effects.refused.note(if full { groups } else { memory });
                }
                None
            }
        }
    }

    /// Another router asks.
    pub fn query(&mut self, query: &Query<A>, config: &Config<A>, now: Instant) -> Refused<A> {
        let (querier, mut refused) = (query.querier, Refused::default());
        if self.is_own(querier) {
            return refused;
        }
        if !self.is_on_link(querier) {
            refused.note(Refusal::ForeignQuerier { querier });
            return refused;
        }
        self.querier.heard(query, config, now);
        if !self.querier.is_querier() {
            self.asking = Asking::Works; // it is another router that asks
        }
        if let Some(group) = query.group.and_then(|group| GroupAddr::new(group).ok())
            && self.querier.elected() == Some(querier)
            && !query.suppress
        {
            self.asked_by_another(group, query, config, now);
        }
        refused
    }

    /// The querier asks for a group, or for sources of it: whoever is there answers in the time that it gives.
    fn asked_by_another(&mut self, group: GroupAddr<A>, query: &Query<A>, config: &Config<A>, now: Instant) {
        // Last Member Query Count times what the packet says (RFC 2236 §3, RFC 9776 §6.6.1).
        let said = Some(query.max_response).filter(|time| !time.is_zero());
        let each = said.unwrap_or(config.last_member_query_interval);
        let answered = now + each * self.querier.times().last_member_query_count.into();
        let Some(Tracked { state, .. }) = self.groups.get_mut(&group) else { return };
        let sources: Vec<_> =
            query.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
        if sources.is_empty() == query.sources.is_empty() {
            state.asked_by_another(&sources, answered);
        }
        self.keep(group);
    }

    /// A query of this router was sent.
    pub fn asked(&mut self, query: &Query<A>, now: Instant) {
        if query.group.is_none() {
            if self.asking == Asking::Fails {
                self.asking = Asking::Resumed { until: now + query.max_response };
            }
            self.ask_again = (!self.unasked.is_empty()).then_some(now);
        }
    }

    /// A query of this router could not be sent: those who were not asked are not taken for gone.
    pub fn not_asked(&mut self, query: &Query<A>, config: &Config<A>, now: Instant) {
        let Some(group) = query.group.and_then(|group| GroupAddr::new(group).ok()) else {
            self.asking = Asking::Fails;
            return self.querier.try_again(now);
        };
        let sources: Vec<_> =
            query.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
        self.cannot_ask(group, &sources, config, now);
    }

    fn cannot_ask(
        &mut self,
        group: GroupAddr<A>,
        sources: &[SourceAddr<A>],
        config: &Config<A>,
        now: Instant,
    ) {
        let at = self.moment(config, now);
        if let Some(Tracked { state, .. }) = self.groups.get_mut(&group) {
            state.not_asked(sources, &at);
            self.unasked.insert(group);
        }
        self.keep(group);
    }

    /// Looks into the leaves for which nobody could be asked: members answer, as to a leave that has just come.
    fn ask_after_all(&mut self, at: &Moment, effects: &mut Effects<A>) {
        for group in std::mem::take(&mut self.unasked) {
            if let Some(Tracked { state, .. }) = self.groups.get_mut(&group) {
                state.record(RecordKind::ToInclude, &BTreeSet::new(), at, effects);
            }
            self.keep(group);
        }
    }

    /// The configuration has changed.
    pub fn reconfigure(&mut self, config: &Config<A>, now: Instant) {
        self.querier.reconfigure(config, now);
    }

    /// Does all that is due.
    pub fn expire(&mut self, config: &Config<A>, now: Instant) -> Outcome<A> {
        let mut effects = self.effects(config, usize::MAX / 2, None);
        let general = self.querier.expire(config, now);
        let at = self.moment(config, now);
        if self.ask_again.take_if(|when| *when <= now).is_some() {
            self.ask_after_all(&at, &mut effects);
        }
        while let Some(&(due, group)) = self.due.first()
            && due <= now
            && self.may_end(now)
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
        let mut outcome = self.outcome(effects, config, now);
        let querier = self.querier.asks_from().filter(|_| general);
        outcome.queries.extend(querier.map(|querier| self.general_query(querier)));
        outcome
    }

    /// Whether groups may end now, which they may not while hosts cannot be asked.
    fn may_end(&mut self, now: Instant) -> bool {
        match self.asking {
            Asking::Resumed { until } if until <= now => {
                self.asking = Asking::Works;
                true
            }
            Asking::Works => true,
            Asking::Fails | Asking::Resumed { .. } => false,
        }
    }

    fn outcome(&mut self, effects: Effects<A>, config: &Config<A>, now: Instant) -> Outcome<A> {
        let Effects { changes, questions, refused, room, .. } = effects;
        let left = config.max_link_sources.saturating_sub(self.sources);
        self.sources = (self.sources + left).saturating_sub(room.sources);
        let mut queries = Vec::new();
        for question in questions {
            match self.querier.asks_from() {
                Some(querier) => queries.push(self.specific_query(querier, question)),
                None => self.cannot_ask(question.group, &question.sources, config, now),
            }
        }
        Outcome { changes, queries, refused }
    }

    fn general_query(&self, querier: A) -> Query<A> {
        let times = self.querier.times();
        Query {
            querier,
            group: None,
            sources: Vec::new(),
            max_response: times.query_response_interval,
            suppress: false,
            robustness: times.robustness,
            interval: Some(times.query_interval),
        }
    }

    fn specific_query(&self, querier: A, question: Question<A>) -> Query<A> {
        let Question { group, sources, suppress } = question;
        Query {
            group: Some(group.address()),
            sources: sources.into_iter().map(SourceAddr::address).collect(),
            max_response: self.querier.times().last_member_query_interval,
            suppress,
            ..self.general_query(querier)
        }
    }

    /// RFC 9776 §9.2.
    fn is_on_link(&self, address: A) -> bool {
        let subnets = &self.addresses.subnets;
        subnets.is_empty() || subnets.iter().any(|subnet| address.is_in(subnet))
    }

    fn is_own(&self, address: A) -> bool {
        self.addresses.own == Own::Address(address)
    }

    fn moment(&self, config: &Config<A>, now: Instant) -> Moment {
        let querier = !self.querier.is_listener();
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
            self.unasked.remove(&group);
        } else {
            self.due.extend(sooner.map(|sooner| (sooner, group)));
        }
    }
}

fn group_of<A: Address>(change: MembershipChange<A>) -> Option<GroupAddr<A>> {
    use MembershipChange::{Add, Block, Delete, Unblock};
    match change {
        Add(entry) | Delete(entry) => entry.group(),
        Block(_, group) | Unblock(_, group) => Some(group),
        _ => None,
    }
}

/// Whether somebody wants what is not given.
const fn asks_for_all(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Report | RecordKind::IsExclude | RecordKind::ToExclude)
}

/// RFC 9776 §6.4: in the source-specific range such records are ignored.
const fn names_no_source(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Report | RecordKind::Leave | RecordKind::IsExclude | RecordKind::ToExclude => true,
        RecordKind::IsInclude | RecordKind::ToInclude | RecordKind::Allow | RecordKind::Block => false,
    }
}
