//! The router's state of one group on one link, and its changes: RFC 9776 §6.2 to §6.6 and §7.3.2.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use mgm::{Address, Entry, GroupAddr, MembershipChange, SourceAddr};

use super::config::Times;
use super::refusal::{Refusal, Refused};
use super::room::{Full, Room};
use membership_reports::RecordKind;

/// INCLUDE(A), or EXCLUDE(X,Y) where X are the sources whose timer runs and Y those whose timer is zero.
///
/// It holds in the manager: for INCLUDE(A) an (S,G) for each of A; for EXCLUDE(X,Y) the (\*,G), a block for each of
/// Y, and an (S,G) for each of X too, so that nothing has to be added when the group timer expires.
#[derive(Clone, Debug)]
pub(crate) struct Group<A: Address> {
    group: GroupAddr<A>,
    mode: Mode,
    sources: BTreeMap<SourceAddr<A>, Timer>,
    /// The timers of `sources` that run, the next to expire first.
    running: BTreeSet<(Instant, SourceAddr<A>)>,
    older: OlderHosts,
    group_query: Option<Retransmission>,
    /// How often these sources are still to be asked for.
    asked: BTreeMap<SourceAddr<A>, u8>,
    source_query: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    Include,
    Exclude { until: Instant },
}

/// The timer of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Timer {
    Until(Instant),
    Zero,
}

/// Until when hosts that speak older versions are thought to be there.
#[derive(Clone, Copy, Debug, Default)]
struct OlderHosts {
    v1: Option<Instant>,
    v2: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Retransmission {
    left: u8,
    next: Instant,
}

/// The state of a group, for a person to read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupView<A> {
    /// The group.
    pub group: GroupAddr<A>,
    /// The group timer, in EXCLUDE.
    pub exclude: Option<Instant>,
    /// The sources with their timers, those of which the timer is zero without.
    pub sources: Vec<(SourceAddr<A>, Option<Instant>)>,
}

/// In what circumstances something happens to a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) times: Times,
    /// Whether this router asks, or nobody does yet: only then it begins to ask, and lowers timers for what it asks.
    pub(crate) querier: bool,
    pub(crate) max_sources: usize,
}

/// What follows for the manager and for the hosts.
#[derive(Debug)]
pub(crate) struct Effects<A: Address> {
    pub(crate) changes: Vec<MembershipChange<A>>,
    pub(crate) questions: Vec<Question<A>>,
    pub(crate) refused: Refused<A>,
    pub(crate) room: Room,
    /// Whose report it is, if it is one.
    pub(crate) reporter: Option<A>,
}

/// A group-specific query, or with sources a group-and-source-specific one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Question<A> {
    pub(crate) group: GroupAddr<A>,
    pub(crate) sources: Vec<SourceAddr<A>>,
    pub(crate) suppress: bool,
}

impl Moment {
    fn membership(&self) -> Instant {
        self.now + self.times.group_membership_interval()
    }

    fn last_member(&self) -> Instant {
        self.now + self.times.last_member_query_time()
    }

    fn next_query(&self) -> Instant {
        self.now + self.times.last_member_query_interval
    }
}

impl<A: Address> Effects<A> {
    pub(crate) fn new(room: Room, reporter: Option<A>) -> Self {
        Self { changes: Vec::new(), questions: Vec::new(), refused: Refused::default(), room, reporter }
    }
}

impl<A: Address> Group<A> {
    /// INCLUDE({}): the state of a group that nobody has reported.
    pub(crate) const fn new(group: GroupAddr<A>) -> Self {
        Self {
            group,
            mode: Mode::Include,
            sources: BTreeMap::new(),
            running: BTreeSet::new(),
            older: OlderHosts { v1: None, v2: None },
            group_query: None,
            asked: BTreeMap::new(),
            source_query: None,
        }
    }

    pub(crate) fn is_forgotten(&self) -> bool {
        self.mode == Mode::Include && self.sources.is_empty()
    }

    /// When [`expire`](Self::expire) is next due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let group = self.group_timer();
        let source = self.running.first().map(|&(until, _)| until);
        let group_query = self.group_query.map(|query| query.next);
        [group, source, group_query, self.source_query].into_iter().flatten().min()
    }

    /// The group timer, in EXCLUDE.
    const fn group_timer(&self) -> Option<Instant> {
        match self.mode {
            Mode::Include => None,
            Mode::Exclude { until } => Some(until),
        }
    }

    pub(crate) fn view(&self) -> GroupView<A> {
        let sources = self.sources.iter().map(|(&source, &timer)| match timer {
            Timer::Until(until) => (source, Some(until)),
            Timer::Zero => (source, None),
        });
        GroupView { group: self.group, exclude: self.group_timer(), sources: sources.collect() }
    }

    /// All that the manager is to hold of this group.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = MembershipChange<A>> {
        let sources = self.sources.iter().map(|(&source, &timer)| self.hold(source, timer));
        let any = (self.mode != Mode::Include).then_some(MembershipChange::Add(Entry::Group(self.group)));
        sources.chain(any)
    }

    const fn hold(&self, source: SourceAddr<A>, timer: Timer) -> MembershipChange<A> {
        match timer {
            Timer::Until(_) => MembershipChange::Add(Entry::SourceGroup(source, self.group)),
            Timer::Zero => MembershipChange::Block(source, self.group),
        }
    }

    /// What is wanted now of that which `change` is about.
    pub(crate) fn instead_of(&self, change: MembershipChange<A>) -> MembershipChange<A> {
        use MembershipChange::{Add, Block, Delete, Unblock};
        let hold = |source| self.sources.get(&source).map(|&timer| self.hold(source, timer));
        match change {
            Add(entry) | Delete(entry) => match entry.source() {
                Some(source) => hold(source).unwrap_or(Delete(entry)),
                None if self.mode == Mode::Include => Delete(entry),
                None => Add(entry),
            },
            Block(source, group) | Unblock(source, group) => hold(source).unwrap_or(Unblock(source, group)),
            _ => change,
        }
    }

    /// A host that speaks IGMPv1, or one that speaks IGMPv2 or MLDv1, reports (§7.3.2).
    pub(crate) fn older_report(&mut self, v1: bool, at: &Moment, effects: &mut Effects<A>) {
        let host = if v1 { &mut self.older.v1 } else { &mut self.older.v2 };
        *host = Some(at.membership());
        self.record(RecordKind::IsExclude, &BTreeSet::new(), at, effects);
    }

    /// A record of a report (Tables 8 and 9), as the older hosts on the link let it be understood (§7.3.2).
    pub(crate) fn record(
        &mut self,
        kind: RecordKind,
        sources: &BTreeSet<SourceAddr<A>>,
        at: &Moment,
        effects: &mut Effects<A>,
    ) {
        let v1 = self.older.v1.is_some_and(|until| until > at.now);
        let older = v1 || self.older.v2.is_some_and(|until| until > at.now);
        let none = BTreeSet::new();
        let (kind, sources) = match kind {
            RecordKind::Block if older => return,
            RecordKind::ToInclude | RecordKind::Leave if v1 => return,
            RecordKind::ToExclude if older => (RecordKind::ToExclude, &none),
            RecordKind::Leave => (RecordKind::ToInclude, &none),
            RecordKind::Report => (RecordKind::IsExclude, &none),
            RecordKind::IsInclude
            | RecordKind::IsExclude
            | RecordKind::ToInclude
            | RecordKind::ToExclude
            | RecordKind::Allow
            | RecordKind::Block => (kind, sources),
        };
        match self.mode {
            Mode::Include => self.record_in_include(kind, sources, at, effects),
            Mode::Exclude { until } => self.record_in_exclude(kind, sources, until, at, effects),
        }
    }

    /// INCLUDE(A) and a record with the sources B.
    fn record_in_include(
        &mut self,
        kind: RecordKind,
        b: &BTreeSet<SourceAddr<A>>,
        at: &Moment,
        effects: &mut Effects<A>,
    ) {
        match kind {
            RecordKind::IsInclude | RecordKind::Allow => self.renew(b, at, effects),
            RecordKind::ToInclude | RecordKind::Leave => {
                self.renew(b, at, effects);
                self.ask_sources(self.wanted_but(b), at, effects); // Q(G,A-B)
            }
            RecordKind::Block => self.ask_sources(self.wanted_of(b), at, effects), // Q(G,A*B)
            RecordKind::IsExclude | RecordKind::Report => self.exclude(b, None, at, effects),
            RecordKind::ToExclude => {
                self.exclude(b, None, at, effects);
                self.ask_sources(self.wanted_of(b), at, effects); // Q(G,A*B)
            }
        }
    }

    /// EXCLUDE(X,Y) and a record with the sources A.
    fn record_in_exclude(
        &mut self,
        kind: RecordKind,
        a: &BTreeSet<SourceAddr<A>>,
        until: Instant,
        at: &Moment,
        effects: &mut Effects<A>,
    ) {
        match kind {
            RecordKind::IsInclude | RecordKind::Allow => self.renew(a, at, effects),
            RecordKind::ToInclude | RecordKind::Leave => {
                self.renew(a, at, effects);
                self.ask_sources(self.wanted_but(a), at, effects); // Q(G,X-A)
                self.ask_group(until, at, effects); // Q(G)
            }
            RecordKind::Block => {
                self.start(a, Timer::Until(until), at, effects);
                self.ask_sources(self.wanted_of(a), at, effects); // Q(G,A-Y)
            }
            RecordKind::IsExclude | RecordKind::Report => {
                self.exclude(a, Some(at.membership()), at, effects);
            }
            RecordKind::ToExclude => {
                self.exclude(a, Some(until), at, effects);
                self.ask_sources(self.wanted_of(a), at, effects); // Q(G,A-Y)
            }
        }
    }

    /// (A)=GMI.
    fn renew(&mut self, sources: &BTreeSet<SourceAddr<A>>, at: &Moment, effects: &mut Effects<A>) {
        for &source in sources {
            self.set(source, Some(Timer::Until(at.membership())), at, effects);
        }
    }

    /// Sources that have no record get one.
    fn start(
        &mut self,
        sources: &BTreeSet<SourceAddr<A>>,
        timer: Timer,
        at: &Moment,
        effects: &mut Effects<A>,
    ) {
        for &source in sources {
            if !self.sources.contains_key(&source) {
                self.set(source, Some(timer), at, effects);
            }
        }
    }

    /// To EXCLUDE with `sources`: the others are deleted, new ones start with `timer`, or with zero.
    fn exclude(
        &mut self,
        sources: &BTreeSet<SourceAddr<A>>,
        timer: Option<Instant>,
        at: &Moment,
        effects: &mut Effects<A>,
    ) {
        let before = effects.changes.len();
        let others = self.sources.keys().copied().filter(|source| !sources.contains(source));
        for source in others.collect::<Vec<_>>() {
            self.set(source, None, at, effects);
        }
        // What others have left makes room, but the manager hears of it last: make before break. Of blocks it hears
        // before the (*,G) from which they take away: what nobody wants is at no moment forwarded.
        let gone = effects.changes.split_off(before);
        self.start(sources, timer.map_or(Timer::Zero, Timer::Until), at, effects);
        if self.mode == Mode::Include {
            effects.changes.push(MembershipChange::Add(Entry::Group(self.group)));
        }
        effects.changes.extend(gone);
        self.mode = Mode::Exclude { until: at.membership() };
    }

    /// Sets the timer of a source, or deletes its record. A record too many is not made: hosts choose the sources.
    fn set(&mut self, source: SourceAddr<A>, timer: Option<Timer>, at: &Moment, effects: &mut Effects<A>) {
        let before = self.sources.get(&source).copied();
        match (before, timer) {
            (None, Some(_)) if !self.has_room(source, at, effects) => return,
            (Some(_), None) => effects.room.give_source(),
            (None | Some(_), _) => {}
        }
        if let Some(Timer::Until(until)) = before {
            self.running.remove(&(until, source));
        }
        if let Some(Timer::Until(until)) = timer {
            self.running.insert((until, source));
        } else {
            self.asked.remove(&source);
        }
        match timer {
            Some(timer) => self.sources.insert(source, timer),
            None => self.sources.remove(&source),
        };
        let held = before.map(|timer| self.hold(source, timer));
        let hold = timer.map(|timer| self.hold(source, timer));
        if held != hold {
            // Where a block takes the place of a membership, or a membership of a block, it is one change (MB-6).
            effects.changes.extend(hold.or_else(|| held.map(|held| self.instead_of(held))));
        }
    }

    /// Whether there is room for another source, which is taken.
    fn has_room(&self, source_address: SourceAddr<A>, at: &Moment, effects: &mut Effects<A>) -> bool {
        let full = self.sources.len() >= at.max_sources;
        let taken = if full { Err(Full::Sources) } else { effects.room.take_source() };
        if let (Err(full), Some(reporter)) = (taken, effects.reporter) {
            let (group, max) = (self.group, at.max_sources.min(self.sources.len() + effects.room.sources));
            effects.refused.note(match full {
                Full::Sources => Refusal::Sources { reporter, source_address, group, max },
                Full::Memory => Refusal::Memory { reporter, group },
            });
        }
        taken.is_ok()
    }

    fn wanted_of(&self, sources: &BTreeSet<SourceAddr<A>>) -> Vec<SourceAddr<A>> {
        let wanted = |source: &&SourceAddr<A>| matches!(self.sources.get(source), Some(Timer::Until(_)));
        sources.iter().filter(wanted).copied().collect()
    }

    fn wanted_but(&self, sources: &BTreeSet<SourceAddr<A>>) -> Vec<SourceAddr<A>> {
        self.running.iter().map(|&(_, source)| source).filter(|source| !sources.contains(source)).collect()
    }

    /// Send Q(G) (§6.6.3.1). While one is under way and no report has come, another leave asks nothing new.
    fn ask_group(&mut self, until: Instant, at: &Moment, effects: &mut Effects<A>) {
        if !at.querier || self.group_query.is_some() && until <= at.last_member() {
            return;
        }
        self.mode = Mode::Exclude { until: until.min(at.last_member()) };
        effects.questions.push(self.question(Vec::new(), false));
        let left = at.times.last_member_query_count.saturating_sub(1);
        self.group_query = (left > 0).then(|| Retransmission { left, next: at.next_query() });
    }

    /// Send Q(G,X) (§6.6.3.2). Sources whose time is running out already are being asked for.
    fn ask_sources(&mut self, mut sources: Vec<SourceAddr<A>>, at: &Moment, effects: &mut Effects<A>) {
        if !at.querier {
            return;
        }
        sources.retain(|source| self.lower(source, at.last_member()));
        if sources.is_empty() {
            return;
        }
        let left = at.times.last_member_query_count.saturating_sub(1);
        if left > 0 {
            self.asked.extend(sources.iter().map(|&source| (source, left)));
            self.source_query.get_or_insert_with(|| at.next_query());
        }
        sources.sort_unstable();
        effects.questions.push(self.question(sources, false));
    }

    /// Lowers the timer of a source to `to`, if it is higher.
    fn lower(&mut self, source: &SourceAddr<A>, to: Instant) -> bool {
        let Some(Timer::Until(until)) = self.sources.get_mut(source) else { return false };
        if *until <= to {
            return false;
        }
        self.running.remove(&(*until, *source));
        self.running.insert((to, *source));
        *until = to;
        true
    }

    const fn question(&self, sources: Vec<SourceAddr<A>>, suppress: bool) -> Question<A> {
        Question { group: self.group, sources, suppress }
    }

    /// Another router asks for the group, or for sources of it, without the S flag (§6.6.1).
    /// Its members have until `answered`.
    pub(crate) fn asked_by_another(&mut self, sources: &[SourceAddr<A>], answered: Instant) {
        match &mut self.mode {
            Mode::Exclude { until } if sources.is_empty() => *until = answered.min(*until),
            Mode::Exclude { .. } | Mode::Include => {}
        }
        for source in sources {
            self.lower(source, answered);
        }
    }

    /// The group, or sources of it, could not be asked for: their members are not taken for gone.
    pub(crate) fn not_asked(&mut self, sources: &[SourceAddr<A>], at: &Moment) {
        match &mut self.mode {
            Mode::Exclude { until } if sources.is_empty() => {
                *until = at.membership();
                self.group_query = None;
            }
            Mode::Exclude { .. } | Mode::Include => {}
        }
        for source in sources {
            if let Some(Timer::Until(until)) = self.sources.get_mut(source) {
                self.running.remove(&(*until, *source));
                *until = at.membership();
                self.running.insert((*until, *source));
                self.asked.remove(source);
            }
        }
    }

    /// Does what is due (§6.5, and the retransmissions of §6.6.3).
    pub(crate) fn expire(&mut self, at: &Moment, effects: &mut Effects<A>) {
        match self.mode {
            Mode::Exclude { until } if until <= at.now => self.include(at, effects),
            Mode::Exclude { .. } | Mode::Include => {}
        }
        let exclude = self.mode != Mode::Include;
        while let Some(&(until, source)) = self.running.first()
            && until <= at.now
        {
            self.set(source, exclude.then_some(Timer::Zero), at, effects);
        }
        // Also if another router has been elected since: what was begun is finished (RFC 2236 §3, RFC 2710 §4).
        let group_asked = self.ask_group_again(at, effects);
        self.ask_sources_again(group_asked, at, effects);
    }

    /// The group timer has expired: nobody wants all sources any more.
    fn include(&mut self, at: &Moment, effects: &mut Effects<A>) {
        self.mode = Mode::Include;
        self.group_query = None;
        effects.changes.push(MembershipChange::Delete(Entry::Group(self.group)));
        let unwanted = self.sources.iter().filter(|(_, timer)| **timer == Timer::Zero);
        for source in unwanted.map(|(&source, _)| source).collect::<Vec<_>>() {
            self.set(source, None, at, effects);
        }
    }

    /// Answers whether a group-specific query went out.
    fn ask_group_again(&mut self, at: &Moment, effects: &mut Effects<A>) -> bool {
        let (Some(query), Mode::Exclude { until }) = (self.group_query, self.mode) else { return false };
        if query.next > at.now {
            return false;
        }
        let left = query.left - 1;
        self.group_query = (left > 0).then(|| Retransmission { left, next: at.next_query() });
        effects.questions.push(self.question(Vec::new(), until > at.last_member()));
        true
    }

    /// Those that were reported meanwhile are asked for with the S flag, or not at all beside a query for the group.
    fn ask_sources_again(&mut self, group_asked: bool, at: &Moment, effects: &mut Effects<A>) {
        if self.source_query.is_none_or(|next| next > at.now) {
            return;
        }
        let reported = |source: &SourceAddr<A>| matches!(self.sources.get(source), Some(Timer::Until(until)) if *until > at.last_member());
        let (suppress, plain): (Vec<_>, Vec<_>) = self.asked.keys().copied().partition(reported);
        self.asked.retain(|_, left| {
            *left -= 1;
            *left > 0
        });
        self.source_query = (!self.asked.is_empty()).then(|| at.next_query());
        if !plain.is_empty() {
            effects.questions.push(self.question(plain, false));
        }
        if !suppress.is_empty() && !group_asked {
            effects.questions.push(self.question(suppress, true));
        }
    }
}
