//! Random records and random time, against the tables of RFC 9776 written as they stand: sets, and a timer for each
//! source, with nothing that makes them fast.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;

use crate::lan::{Lan, letters};
use linux_router::igmp::config::Config;
use membership_reports::RecordKind::{self, Allow, Block, IsExclude, IsInclude, Leave, ToExclude, ToInclude};
use membership_reports::Version::{Igmpv2, Igmpv3};

type Set = BTreeSet<char>;

const GMI: u128 = 2600;
const LMQT: u128 = 20;

/// Times are in tenths of a second.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Naive {
    group: Option<u128>,
    sources: BTreeMap<char, Option<u128>>,
    older: u128,
}

#[derive(Clone, Debug)]
enum Event {
    Record(RecordKind, usize, String),
    Older(RecordKind, usize),
    Pass(u32),
}

impl Naive {
    fn older_report(&mut self, kind: RecordKind, now: u128) {
        if kind == RecordKind::Report {
            self.older = now + GMI;
        }
        self.record(if kind == RecordKind::Report { IsExclude } else { ToInclude }, &Set::new(), now);
    }

    fn record(&mut self, kind: RecordKind, b: &Set, now: u128) {
        let in_v2 = self.older > now;
        if in_v2 && kind == Block {
            return;
        }
        let none = Set::new();
        let b = if in_v2 && kind == ToExclude { &none } else { b };
        let a: Set = self.sources.keys().copied().collect();
        let x: Set = a.iter().copied().filter(|source| self.sources[source].is_some()).collect();
        let y = &a - &x;
        let (gmi, group) = (Some(now + GMI), self.group);
        match (group, kind) {
            (_, IsInclude | Allow) => self.set(b, gmi),
            (None, ToInclude) => {
                self.set(b, gmi);
                self.lower(&(&a - b), now);
            }
            (None, Block) => self.lower(&(&a & b), now),
            (None, IsExclude | ToExclude) => {
                self.set(&(b - &a), None);
                self.sources.retain(|source, _| b.contains(source));
                self.group = gmi;
            }
            (Some(_), ToInclude) => {
                self.set(b, gmi);
                self.lower(&(&x - b), now);
                self.group = group.min(Some(now + LMQT));
            }
            (Some(_), Block) => {
                self.set(&(&(b - &x) - &y), group);
                self.lower(&(b - &y), now);
            }
            (Some(_), IsExclude | ToExclude) => {
                self.set(&(&(b - &x) - &y), if kind == IsExclude { gmi } else { group });
                self.sources.retain(|source, _| b.contains(source));
                self.group = gmi;
            }
            (_, Leave | RecordKind::Report) => unreachable!("no records of IGMPv3"),
        }
        if kind == ToExclude {
            let asked = if group.is_none() { &a & b } else { b - &y };
            self.lower(&asked, now);
        }
    }

    fn set(&mut self, sources: &Set, timer: Option<u128>) {
        self.sources.extend(sources.iter().map(|&source| (source, timer)));
    }

    fn lower(&mut self, sources: &Set, now: u128) {
        for source in sources {
            let timer = self.sources.get_mut(source).unwrap();
            *timer = timer.map(|until| until.min(now + LMQT));
        }
    }

    fn pass(&mut self, to: u128) {
        while let Some(now) =
            self.sources.values().copied().chain([self.group]).flatten().min().filter(|&at| at <= to)
        {
            if self.group == Some(now) {
                self.group = None;
                self.sources.retain(|_, timer| timer.is_some());
            }
            for timer in self.sources.values_mut().filter(|timer| **timer == Some(now)) {
                *timer = None;
            }
            if self.group.is_none() {
                self.sources.retain(|_, timer| timer.is_some());
            }
        }
        if self.group.is_none() && self.sources.is_empty() {
            self.older = 0; // what is known of a group goes with it
        }
    }
}

fn observed(lan: &Lan, group: Ipv4Addr) -> (Option<u128>, BTreeMap<char, Option<u128>>) {
    let Some(state) = lan.state(group) else { return (None, BTreeMap::new()) };
    let timer = |at| lan.tenths(at);
    let source = |source: mgm::SourceAddr| letters([source.address()]).chars().next().unwrap();
    (
        state.exclude.map(timer),
        state.sources.iter().map(|&(s, until)| (source(s), until.map(timer))).collect(),
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let kind = prop::sample::select(vec![IsInclude, IsExclude, ToInclude, ToExclude, Allow, Block]);
    let sources = prop::sample::subsequence(vec!['a', 'b', 'c', 'd'], 0..=4);
    let record = (kind, 0..2usize, sources)
        .prop_map(|(kind, group, sources)| Event::Record(kind, group, sources.into_iter().collect()));
    let older = (prop::bool::ANY, 0..2usize)
        .prop_map(|(report, group)| Event::Older(if report { RecordKind::Report } else { Leave }, group));
    // Short waits meet the Last Member Query Time, long ones the Group Membership Interval.
    let pass = prop_oneof![0..25u32, 0..3000u32].prop_map(Event::Pass);
    prop::collection::vec(prop_oneof![8 => record, 1 => older, 4 => pass], 1..40)
}

proptest! {
    #[test]
    fn every_state_is_that_of_the_tables(events in events()) {
        let groups = [Ipv4Addr::new(239, 1, 1, 1), Ipv4Addr::new(239, 1, 1, 2)];
        let mut lan = Lan::new(Config::default());
        let mut naive = [Naive::default(), Naive::default()];
        let mut now = 0;
        for event in events {
            match event {
                Event::Record(kind, group, sources) => {
                    lan.report(Igmpv3, &[(kind, groups[group], &sources)]);
                    naive[group].record(kind, &sources.chars().collect(), now);
                }
                Event::Older(kind, group) => {
                    lan.report(Igmpv2, &[(kind, groups[group], "")]);
                    naive[group].older_report(kind, now);
                }
                Event::Pass(tenths) => {
                    now += u128::from(tenths);
                    lan.pass(f64::from(tenths) / 10.0);
                }
            }
            for (naive, group) in naive.iter_mut().zip(groups) {
                naive.pass(now);
                prop_assert_eq!(observed(&lan, group), (naive.group, naive.sources.clone()));
            }
        }
        // Hosts that say nothing more are forgotten, and the manager holds nothing for them.
        lan.pass(600.0);
        prop_assert!(lan.held.is_empty() && lan.link.groups().is_empty());
    }
}
