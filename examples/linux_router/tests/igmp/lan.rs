//! A link with hosts made of records, and what the manager holds after each.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use mgm::{Entry, GroupAddr, MembershipChange, SourceAddr};

use linux_router::igmp::GroupView;
use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Link, Outcome, Own};
use linux_router::igmp::query::Query;
use membership_reports::{Record, RecordKind, Report, Version};

pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const G: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);
pub(crate) const SSM: Ipv4Addr = Ipv4Addr::new(232, 1, 1, 1);

pub(crate) struct Lan {
    pub(crate) link: Link<Ipv4Addr>,
    pub(crate) config: Config<Ipv4Addr>,
    zero: Instant,
    pub(crate) now: Duration,
    /// What the manager has been made to hold: what adds and blocks it.
    pub(crate) held: HashSet<MembershipChange>,
    pub(crate) queries: Vec<Query<Ipv4Addr>>,
    /// Of the last report or expiry: what was not done, and how often.
    pub(crate) refused: Vec<(String, u64)>,
    pub(crate) memory: usize,
    pub(crate) sending: Sending,
}

/// Whether queries reach the link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sending {
    Works,
    Fails,
}

/// Sources go by letters.
pub(crate) fn source(letter: char) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, u8::try_from(letter).unwrap())
}

pub(crate) fn letters(sources: impl IntoIterator<Item = Ipv4Addr>) -> String {
    sources.into_iter().map(|source| char::from(source.octets()[3])).collect()
}

pub(crate) fn join(group: Ipv4Addr) -> MembershipChange {
    MembershipChange::Add(Entry::Group(GroupAddr::new(group).unwrap()))
}

pub(crate) fn leave(group: Ipv4Addr) -> MembershipChange {
    MembershipChange::Delete(Entry::Group(GroupAddr::new(group).unwrap()))
}

pub(crate) fn join_from(letter: char, group: Ipv4Addr) -> MembershipChange {
    let (source, group) = source_group(letter, group);
    MembershipChange::Add(Entry::SourceGroup(source, group))
}

pub(crate) fn leave_from(letter: char, group: Ipv4Addr) -> MembershipChange {
    let (source, group) = source_group(letter, group);
    MembershipChange::Delete(Entry::SourceGroup(source, group))
}

pub(crate) fn block(letter: char, group: Ipv4Addr) -> MembershipChange {
    let (source, group) = source_group(letter, group);
    MembershipChange::Block(source, group)
}

pub(crate) fn unblock(letter: char, group: Ipv4Addr) -> MembershipChange {
    let (source, group) = source_group(letter, group);
    MembershipChange::Unblock(source, group)
}

fn source_group(letter: char, group: Ipv4Addr) -> (SourceAddr, GroupAddr) {
    (SourceAddr::new(source(letter)).unwrap(), GroupAddr::new(group).unwrap())
}

impl Lan {
    /// This router has an address, and has asked its first question.
    pub(crate) fn new(config: Config<Ipv4Addr>) -> Self {
        let zero = Instant::now();
        let mut link = Link::new(&config);
        link.start(Addresses { own: Own::Address(ROUTER), subnets: Vec::new() }, &config, zero);
        let (held, queries) = (HashSet::new(), Vec::new());
        let (refused, memory, sending) = (Vec::new(), usize::MAX / 2, Sending::Works);
        let mut lan =
            Self { link, config, zero, now: Duration::ZERO, held, queries, refused, memory, sending };
        lan.pass(0.0);
        lan.queries.clear();
        lan
    }

    /// Another router is the querier.
    pub(crate) fn listening(config: Config<Ipv4Addr>) -> Self {
        let mut lan = Self::new(config);
        let (robustness, interval) = (lan.config.robustness, Some(lan.config.query_interval));
        lan.hear(Query { querier: OTHER, robustness, interval, ..general() });
        lan
    }

    pub(crate) fn at(&self) -> Instant {
        self.zero + self.now
    }

    /// Seconds from the start, in tenths, so that they can be compared.
    pub(crate) fn tenths(&self, at: Instant) -> u128 {
        (at - self.zero).as_millis() / 100
    }

    pub(crate) fn record(
        &mut self,
        kind: RecordKind,
        group: Ipv4Addr,
        sources: &str,
    ) -> Vec<MembershipChange> {
        self.report(Version::Igmpv3, &[(kind, group, sources)])
    }

    pub(crate) fn report(
        &mut self,
        version: Version,
        records: &[(RecordKind, Ipv4Addr, &str)],
    ) -> Vec<MembershipChange> {
        let records = records.iter().map(|&(kind, group, sources)| Record {
            group,
            kind,
            sources: sources.chars().map(source).collect(),
        });
        let report = Report { version, reporter: Ipv4Addr::new(192, 0, 2, 11), records: records.collect() };
        let outcome = self.link.report(&report, &self.config, self.memory, self.at());
        self.settle(outcome)
    }

    pub(crate) fn hear(&mut self, query: Query<Ipv4Addr>) {
        let refused = self.link.query(&query, &self.config, self.at());
        self.refused = refused.into_iter().map(|(refusal, count)| (refusal.to_string(), count)).collect();
    }

    /// Lets seconds pass, with all that becomes due in its time.
    pub(crate) fn pass(&mut self, seconds: f64) -> Vec<MembershipChange> {
        let end = self.now + Duration::from_secs_f64(seconds);
        let mut changes = Vec::new();
        while let Some(due) = self.link.deadline().filter(|&due| due <= self.zero + end) {
            self.now = self.now.max(due - self.zero);
            let outcome = self.link.expire(&self.config, self.at());
            changes.extend(self.settle(outcome));
        }
        self.now = end;
        changes
    }

    /// What the manager does with a batch: a set, in which a join and a block of one (S,G) replace each other.
    fn settle(&mut self, outcome: Outcome<Ipv4Addr>) -> Vec<MembershipChange> {
        use MembershipChange::{Add, Block, Delete, Unblock};
        for &change in &outcome.changes {
            let replaced = match change {
                Add(entry) => entry.source().zip(entry.group()).map(|(source, group)| Block(source, group)),
                Block(source, group) => Some(Add(Entry::SourceGroup(source, group))),
                Delete(_) | Unblock(..) | _ => None,
            };
            replaced.map(|replaced| self.held.remove(&replaced));
            let is_due = match change {
                Delete(entry) => self.held.remove(&Add(entry)),
                Unblock(source, group) => self.held.remove(&Block(source, group)),
                Add(_) | Block(..) | _ => self.held.insert(change),
            };
            assert!(is_due, "a change for nothing: {change:?}");
        }
        assert_eq!(self.held, self.link.wanted().collect(), "after {:?}", outcome.changes);
        for query in &outcome.queries {
            match self.sending {
                Sending::Works => self.link.asked(query, self.at()),
                Sending::Fails => self.link.not_asked(query, &self.config, self.at()),
            }
        }
        if self.sending == Sending::Works {
            self.queries.extend(outcome.queries);
        }
        self.refused =
            outcome.refused.into_iter().map(|(refusal, count)| (refusal.to_string(), count)).collect();
        outcome.changes
    }

    pub(crate) fn state(&self, group: Ipv4Addr) -> Option<GroupView<Ipv4Addr>> {
        self.link.groups().into_iter().find(|state| state.group.address() == group)
    }

    /// The queries since the last time: `Q`, `Q(G)`, `Q(G,ab)`, and an `S` behind those with the S flag.
    pub(crate) fn asked(&mut self) -> Vec<String> {
        let text = |query: Query<Ipv4Addr>| {
            let flag = if query.suppress { "S" } else { "" };
            match (query.group, letters(query.sources)) {
                (None, _) => "Q".to_owned(),
                (Some(_), sources) if sources.is_empty() => format!("Q(G){flag}"),
                (Some(_), sources) => format!("Q(G,{sources}){flag}"),
            }
        };
        std::mem::take(&mut self.queries).into_iter().map(text).collect()
    }
}

pub(crate) fn general() -> Query<Ipv4Addr> {
    Query {
        querier: OTHER,
        group: None,
        sources: Vec::new(),
        max_response: Duration::from_secs(10),
        suppress: false,
        robustness: 2,
        interval: Some(Duration::from_secs(125)),
    }
}
