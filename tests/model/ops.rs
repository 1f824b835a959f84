//! The one vocabulary of operations, and how sequences of them are drawn.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use ipnet::Ipv4Net;
use mgm::{
    ClientId, ClientName, Entry, ForwardState, GroupAddr, Interface, Limits, MembershipKind, Route,
    SourceAddr,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use crate::threads::Brawl;
use crate::words::{Call, Shown, Uid};

/// One operation. It is drawn for a client and an interface that may depend on the callback that it is done in
/// ([`Who`], [`Where`]), and done for one registration on one interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Op<C = Who, I = Where> {
    /// Registers the client of a slot.
    Register(usize),
    Deregister(C),
    /// Drops the handle.
    Drop(C),
    Take(C, I),
    Release(C, I),
    /// `interface_removed` of the interface's index.
    Remove(I),
    /// Offers the interface to the client of a slot.
    Offer(C, I, usize),
    WithdrawOffer(C, I),
    Set(C, I, Step),
    Batch(C, I, Vec<Step>),
    Filter(C, I, GroupAddr, Filter),
    /// With a deadline in so many seconds.
    BeginRefresh(C, I, u64),
    /// By number, in the order in which refreshes were begun.
    EndRefresh(usize),
    /// A packet arrives: the forwarder counts it, or reports what it finds.
    Packet(Key, I),
    /// The forwarder counted a packet.
    Carried(Key),
    /// `packet_received`, whatever the forwarder holds.
    Unknown(Key, I),
    /// `packet_on_wrong_interface`, whatever the forwarder holds.
    Wrong(Key, I),
    /// The RIB changes, and the manager is told.
    Route(Ipv4Net, Option<Route>),
    /// `routes_changed`, whatever has changed.
    RoutesChanged(Ipv4Net),
    State(C, I, Key, Option<ForwardState>),
    /// `set_mfe`
    Mfe(C, Key, I, Option<Ipv4Addr>),
    /// `set_mfe_timeout`, in seconds; none is as long as can be said.
    Timeout(C, Key, Option<u64>),
    WrongAlerts(C, I, Switch),
    /// So many seconds later, `expire`.
    Expire(u64),
    Faults(Faults),
    /// The forwarder loses an entry, or what it did not do was of one that it does not have; and reports it.
    Failed(Key),
    /// It loses everything, and reports it.
    Restarted,
}

/// Where an operation is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// The registration in each slot.
    pub(crate) slots: [Option<Uid>; SLOTS],
    /// The client whose callback it is done in, and the interface that this speaks of.
    pub(crate) me: Option<Uid>,
    pub(crate) here: Option<Interface>,
    /// How many refreshes have been begun.
    pub(crate) refreshes: usize,
}

impl Op {
    /// Nothing, where there is no such client or refresh.
    pub(crate) fn resolve(&self, scene: &Scene) -> Option<Call> {
        let who = |who: &Who| match who {
            Who::Slot(slot) => scene.slots[*slot],
            Who::Me => scene.me,
        };
        let on = |on: &Where| match on {
            Where::Fixed(number) => interface(*number),
            Where::Here => scene.here.unwrap_or_else(|| interface(0)),
        };
        Some(match self {
            Self::Register(slot) => Op::Register(*slot),
            Self::Deregister(client) => Op::Deregister(who(client)?),
            Self::Drop(client) => Op::Drop(who(client)?),
            Self::Take(client, at) => Op::Take(who(client)?, on(at)),
            Self::Release(client, at) => Op::Release(who(client)?, on(at)),
            Self::Remove(at) => Op::Remove(on(at)),
            Self::Offer(client, at, to) => Op::Offer(who(client)?, on(at), *to),
            Self::WithdrawOffer(client, at) => Op::WithdrawOffer(who(client)?, on(at)),
            Self::Set(client, at, step) => Op::Set(who(client)?, on(at), *step),
            Self::Batch(client, at, steps) => Op::Batch(who(client)?, on(at), steps.clone()),
            Self::Filter(client, at, group, filter) => {
                Op::Filter(who(client)?, on(at), *group, filter.clone())
            }
            Self::BeginRefresh(client, at, seconds) => Op::BeginRefresh(who(client)?, on(at), *seconds),
            Self::EndRefresh(number) => Op::EndRefresh(number.checked_rem(scene.refreshes)?),
            Self::Packet(key, at) => Op::Packet(*key, on(at)),
            Self::Carried(key) => Op::Carried(*key),
            Self::Unknown(key, at) => Op::Unknown(*key, on(at)),
            Self::Wrong(key, at) => Op::Wrong(*key, on(at)),
            Self::Route(prefix, route) => Op::Route(*prefix, *route),
            Self::RoutesChanged(prefix) => Op::RoutesChanged(*prefix),
            Self::State(client, at, key, state) => Op::State(who(client)?, on(at), *key, *state),
            Self::Mfe(client, key, at, upstream) => Op::Mfe(who(client)?, *key, on(at), *upstream),
            Self::Timeout(client, key, seconds) => Op::Timeout(who(client)?, *key, *seconds),
            Self::WrongAlerts(client, at, switch) => Op::WrongAlerts(who(client)?, on(at), *switch),
            Self::Expire(seconds) => Op::Expire(*seconds),
            Self::Faults(faults) => Op::Faults(*faults),
            Self::Failed(key) => Op::Failed(*key),
            Self::Restarted => Op::Restarted,
        })
    }
}

impl Rpf {
    pub(crate) fn answer(self, route: Route) -> Route {
        match self {
            Self::AsRib => route,
            Self::Interface(on) => route.over(interface(on)),
            Self::Neighbour => route.upstream(OTHER_UPSTREAM),
            Self::WrongPrefix => Route::new("203.0.113.0/24".parse().unwrap(), route.interface),
        }
    }
}

impl Creation {
    pub(crate) fn answer(self, shown: Shown) -> Shown {
        let disables = self.disables & bit(shown.on) != 0;
        let enables = self.enables & bit(shown.on) != 0;
        let is_enabled = if shown.is_enabled { !disables } else { enables };
        Shown { is_enabled, ..shown }
    }
}

impl Again {
    /// What IGMP does, that held `steps` on the interface that it is enabled on.
    pub(crate) fn ops(self, steps: &[Step]) -> Vec<Op> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Singly(_) => self.chosen(steps).map(|step| Op::Set(Who::Me, Where::Here, step)).collect(),
            Self::InBatch(_) => vec![Op::Batch(Who::Me, Where::Here, self.chosen(steps).collect())],
            Self::ByFilter => {
                let groups: BTreeSet<_> = steps.iter().filter_map(|step| step.entry.group()).collect();
                groups
                    .into_iter()
                    .map(|group| Op::Filter(Who::Me, Where::Here, group, filter(group, steps)))
                    .collect()
            }
            Self::Later => vec![Op::BeginRefresh(Who::Me, Where::Here, 10)],
        }
    }

    pub(crate) fn chosen(self, steps: &[Step]) -> impl Iterator<Item = Step> {
        let bits = match self {
            Self::Nothing | Self::ByFilter | Self::Later => 0,
            Self::Singly(bits) | Self::InBatch(bits) => bits,
        };
        let numbered = steps.iter().zip(0_u32..);
        numbered.filter(move |(_, number)| bits >> (number % 16) & 1 == 1).map(|(step, _)| *step)
    }
}

/// Of a group, what holding `steps` comes nearest to.
fn filter(group: GroupAddr, steps: &[Step]) -> Filter {
    let sources = |verb| {
        let its = steps.iter().filter(move |step| step.verb == verb && step.entry.group() == Some(group));
        its.filter_map(|step| step.entry.source()).collect()
    };
    let excludes = steps.iter().any(|step| step.entry == Entry::Group(group));
    if excludes { Filter::Exclude(sources(Verb::Block)) } else { Filter::Include(sources(Verb::Add)) }
}

impl Verb {
    /// What adds again what is held.
    pub(crate) const fn again(kind: MembershipKind) -> Self {
        match kind {
            MembershipKind::Joined => Self::Add,
            _ => Self::Block,
        }
    }
}

/// In the order in which forwarding entries are enumerated (EN-2).
pub(crate) type Key = (GroupAddr, SourceAddr);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) verb: Verb,
    pub(crate) entry: Entry,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    Add,
    Delete,
    Block,
    Unblock,
}

/// RFC 9776 §6.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Filter {
    Include(Vec<SourceAddr>),
    Exclude(Vec<SourceAddr>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    Slot(usize),
    /// The client whose callback this is done in, by the reference that the callback was handed.
    Me,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Where {
    Fixed(usize),
    /// The interface that the callback speaks of.
    Here,
}

/// What the forwarder fails to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Faults {
    pub(crate) add: bool,
    pub(crate) change: bool,
    pub(crate) delete: bool,
    pub(crate) stats: bool,
    /// It panics where it else would say so.
    pub(crate) panics: bool,
}

/// What a callback does, answers, and whether it then panics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reaction {
    pub(crate) ops: Vec<Op>,
    pub(crate) rpf: Rpf,
    pub(crate) creation: Creation,
    pub(crate) panics: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Rpf {
    #[default]
    AsRib,
    /// The interface may be the client's own, or not.
    Interface(usize),
    Neighbour,
    WrongPrefix,
}

/// The interfaces that a client disables and enables, as bits, where it is asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Creation {
    pub(crate) disables: u8,
    pub(crate) enables: u8,
}

/// What IGMP does first in `enable_igmp`, of what is stale there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Again {
    Nothing,
    /// Adds what this has a bit for, one by one.
    Singly(u16),
    /// The same in one batch.
    InBatch(u16),
    /// Sets a filter for each group that it held, which leaves out what no filter can say.
    ByFilter,
    /// Begins a refresh.
    Later,
}

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) max: Max,
    pub(crate) manners: Manners,
    pub(crate) steps: Vec<Op>,
    /// What the next `disable_igmp` and `enable_igmp` do.
    pub(crate) in_calls: Vec<Reaction>,
    /// What the next alerts do.
    pub(crate) in_alerts: Vec<Reaction>,
    /// What the next `rpf` and `creation_alert` do and answer.
    pub(crate) in_questions: Vec<Reaction>,
}

impl Sequence {
    /// Callbacks call nothing.
    pub(crate) fn is_calm(&self) -> bool {
        let reactions = self.in_calls.iter().chain(&self.in_alerts).chain(&self.in_questions);
        reactions.into_iter().all(|reaction| reaction.ops.is_empty())
    }
}

/// How the clients register and behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// IGMP is told of joins and prunes (CL-6).
    pub(crate) igmp_is_told: bool,
    /// The client in the last slot is asked about every new entry ([`mgm::CreationMode::Always`]).
    pub(crate) last_is_asked_always: bool,
    pub(crate) again: Again,
}

/// The limits of MB-7.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Max {
    pub(crate) memberships: Option<usize>,
    pub(crate) per_interface: Option<usize>,
    pub(crate) per_client: Option<usize>,
    pub(crate) waiting_alerts: Option<usize>,
    pub(crate) mfes: Option<usize>,
    pub(crate) per_group: Option<usize>,
}

impl From<Max> for Limits {
    fn from(max: Max) -> Self {
        let set = |limits, max: Option<usize>, with: fn(Self, usize) -> Self| match max {
            Some(max) => with(limits, max),
            None => limits,
        };
        let limits = set(Self::default(), max.memberships, Self::memberships);
        let limits = set(limits, max.per_interface, Self::memberships_per_interface);
        let limits = set(limits, max.per_client, Self::memberships_per_client);
        let limits = set(limits, max.waiting_alerts, Self::waiting_alerts);
        let limits = set(limits, max.mfes, Self::mfes);
        set(limits, max.per_group, Self::mfes_per_group)
    }
}

/// IGMP is in slot 0, the routing protocols in the others.
pub(crate) const SLOTS: usize = 4;
pub(crate) const IGMP: usize = 0;
pub(crate) const LAST: usize = SLOTS - 1;

/// Two protocols are instances of one (CL-1).
pub(crate) fn name(slot: usize) -> ClientName {
    id(slot).map_or(ClientName::Igmp, ClientName::Protocol)
}

pub(crate) fn id(slot: usize) -> Option<ClientId> {
    let id = |protocol, component| Some(ClientId { protocol, component });
    [None, id(1, 0), id(1, 1), id(2, 0)][slot]
}

pub(crate) const INTERFACES: usize = 5;

/// Two are links of one interface (IF-6).
pub(crate) fn interface(number: usize) -> Interface {
    let index = |index| NonZeroU32::new(index).unwrap();
    let link = |hop: &str| Interface::link(index(3), hop.parse().unwrap());
    match number {
        3 => link("10.0.0.8"),
        4 => link("10.0.0.9"),
        number => Interface::new(index([1, 2, 4][number])),
    }
}

pub(crate) fn interfaces() -> impl Iterator<Item = Interface> {
    (0..INTERFACES).map(interface)
}

pub(crate) fn bit(on: Interface) -> u8 {
    interfaces().zip(0_u8..).find(|(interface, _)| *interface == on).map_or(0, |(_, number)| 1 << number)
}

const SOURCES: [&str; 2] = ["198.51.100.7", "198.51.100.8"];
/// The last is in the range in which a group can be joined from a source only.
pub(crate) const GROUPS: [&str; 3] = ["239.1.1.1", "239.1.1.2", "232.1.1.1"];

pub(crate) fn source(number: usize) -> SourceAddr {
    SOURCES[number % SOURCES.len()].parse().unwrap()
}

pub(crate) fn group(number: usize) -> GroupAddr {
    GROUPS[number % GROUPS.len()].parse().unwrap()
}

pub(crate) const FLOWS: usize = SOURCES.len() * GROUPS.len();

pub(crate) fn flow(number: usize) -> Key {
    (group(number / SOURCES.len()), source(number))
}

const WITHOUT_SOURCE: usize = 1 + GROUPS.len();
const ENTRIES: usize = WITHOUT_SOURCE + FLOWS;

pub(crate) fn entry(number: usize) -> Entry {
    match number {
        0 => Entry::AllGroups,
        number if number < WITHOUT_SOURCE => Entry::Group(group(number - 1)),
        number => {
            let (group, source) = flow(number - WITHOUT_SOURCE);
            Entry::SourceGroup(source, group)
        }
    }
}

pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    (0..ENTRIES).map(entry)
}

const PREFIXES: [&str; 4] = ["0.0.0.0/0", "198.51.100.0/24", "198.51.100.7/32", "198.51.100.8/32"];

pub(crate) fn prefix(number: usize) -> Ipv4Net {
    PREFIXES[number % PREFIXES.len()].parse().unwrap()
}

const UPSTREAM: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OTHER_UPSTREAM: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Sequences of 60 operations on average, in which callbacks do whatever they like.
pub(crate) fn sequences() -> impl Strategy<Value = Sequence> {
    let in_calls = vec(reaction(op_inside().boxed()), 0..20);
    let in_alerts = vec(reaction(op_inside().boxed()), 0..20);
    let in_questions = vec(reaction(op_in_question().boxed()), 0..20);
    (max(), manners(), start(), vec(op(), 1..110), in_calls, in_alerts, in_questions).prop_map(
        |(max, manners, mut steps, rest, in_calls, in_alerts, in_questions)| {
            steps.extend(rest);
            Sequence { max, manners, steps, in_calls, in_alerts, in_questions }
        },
    )
}

/// Sequences in which callbacks call nothing: what a client has to know can be read from outside.
pub(crate) fn calm_sequences() -> impl Strategy<Value = Sequence> {
    sequences().prop_map(|mut sequence| {
        let reactions = [&mut sequence.in_calls, &mut sequence.in_alerts, &mut sequence.in_questions];
        for reaction in reactions.into_iter().flatten() {
            reaction.ops.clear();
        }
        sequence
    })
}

/// Most clients, on some interfaces, and a route.
fn start() -> impl Strategy<Value = Vec<Op>> {
    let owners = vec(0..=SLOTS, INTERFACES);
    let igmp = vec(proptest::bool::weighted(0.4), INTERFACES);
    (owners, igmp, 0..INTERFACES).prop_map(|(owners, igmp, toward)| {
        let take = |slot, on| Op::Take(Who::Slot(slot), Where::Fixed(on));
        let igmp = (0..INTERFACES).filter(|on| igmp[*on]).map(|on| take(IGMP, on));
        let owned = owners.iter().enumerate().filter(|(_, owner)| (1..SLOTS).contains(*owner));
        // The manager is told what time it is.
        let mut start: Vec<_> =
            [Op::Expire(0)].into_iter().chain((0..SLOTS).map(Op::Register)).chain(igmp).collect();
        start.extend(owned.map(|(on, owner)| take(*owner, on)));
        start.push(Op::Route(prefix(1), Some(route(1, toward, true))));
        start
    })
}

fn max() -> impl Strategy<Value = Max> {
    let limit = |max| weighted(0.5, 0..=max);
    let set = (limit(8_usize), limit(5), limit(6), limit(2), limit(4), limit(3)).prop_map(
        |(memberships, per_interface, per_client, waiting_alerts, mfes, per_group)| Max {
            memberships,
            per_interface,
            per_client,
            waiting_alerts,
            mfes,
            per_group,
        },
    );
    prop_oneof![3 => Just(Max::default()), 1 => set]
}

fn manners() -> impl Strategy<Value = Manners> {
    let again = prop_oneof![
        1 => Just(Again::Nothing),
        2 => any::<u16>().prop_map(Again::Singly),
        2 => any::<u16>().prop_map(Again::InBatch),
        1 => Just(Again::ByFilter),
        1 => Just(Again::Later),
    ];
    (any::<bool>(), any::<bool>(), again).prop_map(|(igmp_is_told, last_is_asked_always, again)| Manners {
        igmp_is_told,
        last_is_asked_always,
        again,
    })
}

fn reaction(op: BoxedStrategy<Op>) -> impl Strategy<Value = Reaction> {
    let answers = (0..8_u8, 0..INTERFACES, 0..INTERFACES);
    (vec(op, 0..3), answers, proptest::bool::weighted(0.1)).prop_map(|(ops, (kind, on, other), panics)| {
        let rpf = match kind {
            0..2 => Rpf::Interface(on),
            2 => Rpf::Neighbour,
            3 => Rpf::WrongPrefix,
            _ => Rpf::AsRib,
        };
        let creation = match kind {
            4..6 => Creation { disables: 1 << on, enables: 1 << other },
            _ => Creation::default(),
        };
        Reaction { ops, rpf, creation, panics }
    })
}

/// An operation outside callbacks.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    drawn(SLOTS, INTERFACES).prop_map(Draw::op)
}

/// An operation inside a callback, which may be about the client and the interface of that.
pub(crate) fn op_inside() -> impl Strategy<Value = Op> {
    drawn(SLOTS + 1, INTERFACES + 1).prop_map(Draw::op)
}

/// An operation inside a question: it leaves the ways to sources alone, for how often a question is then asked again
/// is left open (FW-13).
fn op_in_question() -> impl Strategy<Value = Op> {
    drawn(SLOTS + 1, INTERFACES + 1).prop_map(|draw| Draw { kind: draw.kind % QUIET_KINDS, ..draw }.op())
}

/// One draw, decoded: with a strategy for each kind of operation, drawing took longer than what was tested.
#[derive(Clone, Copy, Debug)]
struct Draw {
    kind: u8,
    client: usize,
    place: usize,
    flow: usize,
    more: u8,
}

fn drawn(clients: usize, places: usize) -> impl Strategy<Value = Draw> {
    (0..KINDS, 0..clients, 0..places, 0..FLOWS, any::<u8>())
        .prop_map(|(kind, client, place, flow, more)| Draw { kind, client, place, flow, more })
}

const KINDS: u8 = 140;
/// Those below change no way to a source.
const QUIET_KINDS: u8 = 16;

impl Draw {
    fn op(self) -> Op {
        let Self { kind, client, flow: number, more, .. } = self;
        let (who, on, key) = (self.who(), self.on(), flow(number));
        let (slot, some) = (client % SLOTS, more.is_multiple_of(2));
        match kind {
            0..7 => Op::State(who, on, key, self.state()),
            7..9 => Op::Timeout(self.protocol(), key, self.pick([Some(1), Some(4), Some(2000), None])),
            9..12 => Op::Mfe(self.protocol(), key, on, some.then_some(UPSTREAM)),
            12..16 => Op::WrongAlerts(who, on, if more.is_multiple_of(4) { Switch::Off } else { Switch::On }),
            16..19 => Op::Register(slot),
            19 => Op::Deregister(Who::Slot(slot)),
            20..22 => Op::Drop(Who::Slot(slot)),
            22..30 => Op::Take(who, on),
            30..36 => Op::Release(who, on),
            36..38 => Op::Remove(on),
            38..42 => Op::Offer(who, on, 1 + usize::from(more) % (SLOTS - 1)),
            42 => Op::WithdrawOffer(who, on),
            43..65 => Op::Set(who, on, Step { verb: Verb::Add, entry: self.entry() }),
            65..72 => Op::Set(who, on, Step { verb: Verb::Delete, entry: self.entry() }),
            72..78 => Op::Set(who, on, Step { verb: Verb::Block, entry: with_source(number) }),
            78..82 => Op::Set(who, on, Step { verb: Verb::Unblock, entry: with_source(number) }),
            82..88 => Op::Batch(who, on, self.batch()),
            88..94 => Op::Filter(who, on, group(number), self.filter()),
            94..97 => Op::BeginRefresh(who, on, self.pick([0, 10, 600, 2000])),
            97..99 => Op::EndRefresh(usize::from(more)),
            99..116 => Op::Packet(key, on),
            116 => Op::Unknown(key, on),
            117..119 => Op::Wrong(key, on),
            119..127 => {
                let route = (more % 5 != 0).then(|| route(number, self.place % INTERFACES, some));
                Op::Route(prefix(number), route)
            }
            127 => Op::RoutesChanged(prefix(number)),
            128..136 => Op::Expire([0, 2, 4, 450, 901][usize::from(more % 5)]),
            136 => Op::Restarted,
            137 => Op::Failed(key),
            _ => Op::Faults(self.faults()),
        }
    }

    fn who(self) -> Who {
        if self.client < SLOTS { Who::Slot(self.client) } else { Who::Me }
    }

    fn protocol(self) -> Who {
        if self.client < SLOTS { Who::Slot(1 + self.client % (SLOTS - 1)) } else { Who::Me }
    }

    fn on(self) -> Where {
        if self.place < INTERFACES { Where::Fixed(self.place) } else { Where::Here }
    }

    fn entry(self) -> Entry {
        entry(usize::from(self.more) % ENTRIES)
    }

    fn pick<T: Copy>(self, all: [T; 4]) -> T {
        all[usize::from(self.more % 4)]
    }

    fn state(self) -> Option<ForwardState> {
        [Some(ForwardState::On), Some(ForwardState::Off), None][usize::from(self.more % 3)]
    }

    fn batch(self) -> Vec<Step> {
        let more = usize::from(self.more);
        (0..=more % 5).map(|number| step(more * (2 * number + 1) + self.flow * number)).collect()
    }

    fn filter(self) -> Filter {
        let sources = (0..SOURCES.len()).filter(|number| self.more >> number & 1 == 1).map(source).collect();
        if self.more & 4 == 0 { Filter::Include(sources) } else { Filter::Exclude(sources) }
    }

    fn faults(self) -> Faults {
        let bit = |bit: u8| self.more >> bit & 1 == 1;
        if self.more.is_multiple_of(3) {
            return Faults::default();
        }
        Faults { add: bit(2), change: bit(3), delete: bit(4), stats: bit(5) && bit(6), panics: bit(7) }
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((0..5 * ENTRIES).prop_map(step), 1..12)
}

fn step(number: usize) -> Step {
    match number % 5 {
        0..2 => Step { verb: Verb::Add, entry: entry(number % ENTRIES) },
        2 => Step { verb: Verb::Delete, entry: entry(number % ENTRIES) },
        3 => Step { verb: Verb::Block, entry: with_source(number) },
        _ => Step { verb: Verb::Unblock, entry: with_source(number) },
    }
}

pub(crate) fn filters() -> impl Strategy<Value = Filter> {
    (vec(any::<bool>(), SOURCES.len()), any::<bool>()).prop_map(|(named, includes)| {
        let named = named.into_iter().enumerate().filter(|(_, named)| *named);
        let sources = named.map(|(number, _)| source(number)).collect();
        if includes { Filter::Include(sources) } else { Filter::Exclude(sources) }
    })
}

/// What four threads do, and their callbacks.
pub(crate) fn brawls() -> impl Strategy<Value = Brawl> {
    let reactions = vec(reaction(op_inside().boxed()), 0..80);
    (vec(vec(op(), 80), 4), any::<bool>(), reactions).prop_map(|(threads, one_polls, reactions)| Brawl {
        threads,
        one_polls,
        reactions,
    })
}

fn with_source(number: usize) -> Entry {
    entry(WITHOUT_SOURCE + number % FLOWS)
}

fn route(number: usize, on: usize, has_upstream: bool) -> Route {
    let upstream = has_upstream.then_some(UPSTREAM);
    let route = Route::new(prefix(number), interface(on));
    upstream.map_or(route, |upstream| route.upstream(upstream))
}
