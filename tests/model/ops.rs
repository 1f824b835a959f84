//! What a sequence consists of, and how it is drawn.

use std::num::NonZeroU32;

use mgm::{ClientId, ClientName, Entry, Interface, Limits};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use crate::threads::Brawl;

/// IGMP is in slot 0, the routing protocols in the others.
pub(crate) const SLOTS: usize = 4;

/// One step. Clients, interfaces and entries are numbers, so that a failing sequence shrinks and is short to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Register(usize),
    Deregister(usize),
    /// Drops the handle in a slot.
    Drop(usize),
    Take(Who, Where),
    Release(Who, Where),
    Set(Verb, Who, Where, usize),
    /// `interface_removed` of the interface's index.
    Remove(Where),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    Add,
    Delete,
    Block,
    Unblock,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    Slot(usize),
    /// The client whose callback this is done in, by the reference that the callback was handed.
    Me,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Where {
    Fixed(usize),
    /// The interface that the callback speaks of.
    Here,
}

/// What a callback does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reaction {
    pub(crate) ops: Vec<Op>,
    pub(crate) panics: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) limits: Max,
    /// Whether IGMP adds again, inside `enable_igmp`, what it held when it was disabled.
    pub(crate) igmp_adds_again: bool,
    pub(crate) steps: Vec<Op>,
    /// What the next `disable_igmp` and `enable_igmp` do.
    pub(crate) in_calls: Vec<Reaction>,
    /// What the next alerts do.
    pub(crate) in_alerts: Vec<Reaction>,
}

/// The limits of MB-7.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Max {
    pub(crate) memberships: Option<usize>,
    pub(crate) per_interface: Option<usize>,
    pub(crate) per_client: Option<usize>,
    pub(crate) waiting_alerts: Option<usize>,
}

impl From<Max> for Limits {
    fn from(max: Max) -> Self {
        let mut limits = Self::default();
        if let Some(max) = max.memberships {
            limits = limits.memberships(max);
        }
        if let Some(max) = max.per_interface {
            limits = limits.memberships_per_interface(max);
        }
        if let Some(max) = max.per_client {
            limits = limits.memberships_per_client(max);
        }
        if let Some(max) = max.waiting_alerts {
            limits = limits.waiting_alerts(max);
        }
        limits
    }
}

/// Two protocols are instances of one (CL-1).
pub(crate) fn name(slot: usize) -> ClientName {
    let id = |protocol, component| ClientName::Protocol(ClientId { protocol, component });
    [ClientName::Igmp, id(1, 0), id(1, 1), id(2, 0)][slot]
}

/// The last two are links of one interface (IF-6).
pub(crate) fn interface(number: usize) -> Interface {
    let index = |index| NonZeroU32::new(index).unwrap();
    let link = |hop: &str| Interface::link(index(3), hop.parse().unwrap());
    [Interface::new(index(1)), Interface::new(index(2)), link("10.0.0.8"), link("10.0.0.9")][number]
}

pub(crate) const INTERFACES: usize = 4;

pub(crate) fn entry(number: usize) -> Entry {
    ENTRIES[number].parse().unwrap()
}

const ENTRIES: [&str; 9] = [
    "(*, *)",
    "(*, 239.1.1.1)",
    "(*, 239.1.1.2)",
    "(*, 232.1.1.1)",
    "(198.51.100.7, 239.1.1.1)",
    "(198.51.100.8, 239.1.1.1)",
    "(198.51.100.7, 239.1.1.2)",
    "(198.51.100.8, 239.1.1.2)",
    "(198.51.100.7, 232.1.1.1)",
];

const WITH_SOURCE: usize = 4;

/// Sequences of 60 steps on average, in which callbacks do whatever they like.
pub(crate) fn sequences() -> impl Strategy<Value = Sequence> {
    let in_calls = vec(reaction(), 0..25);
    let in_alerts = vec(reaction(), 0..25);
    (limits(), any::<bool>(), start(), vec(op(), 1..=120), in_calls, in_alerts).prop_map(
        |(limits, igmp_adds_again, start, steps, in_calls, in_alerts)| Sequence {
            limits,
            igmp_adds_again,
            steps: start.into_iter().chain(steps).collect(),
            in_calls,
            in_alerts,
        },
    )
}

/// Sequences in which callbacks call nothing, but that IGMP may add again; some panic.
pub(crate) fn quiet_sequences() -> impl Strategy<Value = Sequence> {
    let only_panics = |reaction: &mut Reaction| reaction.ops.clear();
    sequences().prop_map(move |mut sequence| {
        sequence.in_calls.iter_mut().for_each(only_panics);
        sequence.in_alerts.iter_mut().for_each(only_panics);
        sequence
    })
}

/// What four threads do, and their callbacks.
pub(crate) fn brawls() -> impl Strategy<Value = Brawl> {
    (vec(vec(op(), 100), 4), vec(reaction(), 0..100))
        .prop_map(|(threads, reactions)| Brawl { threads, reactions })
}

/// Most of the clients, on some interfaces.
fn start() -> impl Strategy<Value = Vec<Op>> {
    let registered = vec(any::<bool>(), SLOTS).prop_map(|present| {
        let slots = present.into_iter().enumerate();
        slots.filter_map(|(slot, present)| present.then_some(Op::Register(slot))).collect::<Vec<_>>()
    });
    let igmp = vec(0..INTERFACES, 0..4)
        .prop_map(|on| on.into_iter().map(|on| Op::Take(Who::Slot(0), Where::Fixed(on))));
    (registered, igmp).prop_map(|(mut start, igmp)| {
        start.extend(igmp);
        start
    })
}

fn limits() -> impl Strategy<Value = Max> {
    let limit = |max| weighted(0.5, 0..=max);
    let set = (limit(8_usize), limit(5), limit(6), limit(2)).prop_map(|limits| {
        let (memberships, per_interface, per_client, waiting_alerts) = limits;
        Max { memberships, per_interface, per_client, waiting_alerts }
    });
    prop_oneof![2 => Just(Max::default()), 1 => set]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    (vec(op_inside(), 0..4), proptest::bool::weighted(0.1)).prop_map(|(ops, panics)| Reaction { ops, panics })
}

fn op() -> impl Strategy<Value = Op> {
    op_of(SLOTS, INTERFACES)
}

fn op_inside() -> impl Strategy<Value = Op> {
    op_of(SLOTS + 1, INTERFACES + 1)
}

/// One draw, decoded: with a strategy for each kind of call, drawing took longer than what was tested.
fn op_of(clients: usize, places: usize) -> impl Strategy<Value = Op> {
    (0..62_u8, 0..clients, 0..places, 0..ENTRIES.len()).prop_map(|(kind, client, place, entry)| {
        let slot = client % SLOTS;
        let who = if client < SLOTS { Who::Slot(client) } else { Who::Me };
        let place = if place < INTERFACES { Where::Fixed(place) } else { Where::Here };
        let with_source = WITH_SOURCE + entry % (ENTRIES.len() - WITH_SOURCE);
        match kind {
            0..5 => Op::Register(slot),
            5..6 => Op::Deregister(slot),
            6..8 => Op::Drop(slot),
            8..18 => Op::Take(who, place),
            18..23 => Op::Release(who, place),
            23..25 => Op::Remove(place),
            25..45 => Op::Set(Verb::Add, who, place, entry),
            45..54 => Op::Set(Verb::Delete, who, place, entry),
            54..59 => Op::Set(Verb::Block, who, place, with_source),
            _ => Op::Set(Verb::Unblock, who, place, with_source),
        }
    })
}
