//! What a sequence consists of, and how it is drawn.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use ipnet::Ipv4Net;
use mgm::{Entry, ForwardState, GroupAddr, Interface, Limits, Route, SourceAddr};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use crate::ops::{SLOTS, Verb};

/// One step. Clients are slots (IGMP is in slot 0); interfaces, entries, flows and prefixes are numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Register(usize),
    Deregister(usize),
    /// Drops the handle in a slot.
    Drop(usize),
    Take(usize, usize),
    Release(usize, usize),
    /// `interface_removed` of the interface's index.
    Remove(usize),
    Set(Verb, usize, usize, usize),
    /// A packet of a flow arrives on an interface: the forwarder counts it, or reports what it finds.
    Packet(usize, usize),
    /// `packet_received`, whatever the forwarder holds.
    Unknown(usize, usize),
    /// `packet_on_wrong_interface`, whatever the forwarder holds.
    Wrong(usize, usize),
    /// The RIB changes; the manager may be told.
    Route(usize, Option<(usize, bool)>, bool),
    /// `routes_changed`, whatever has changed.
    RoutesChanged(usize),
    State(usize, usize, usize, Option<ForwardState>),
    /// `set_mfe` by a client: flow, iif, whether there is a neighbour.
    Mfe(usize, usize, usize, bool),
    /// `set_mfe_timeout` by a client: flow, seconds; none is as long as can be said.
    Timeout(usize, usize, Option<u64>),
    WrongAlerts(usize, usize, bool),
    /// So many seconds later, `expire`.
    Expire(u64),
    /// What a client answers to `rpf` from now on.
    Rpf(usize, Rpf),
    /// What a client answers to `creation_alert` from now on.
    Creation(usize, Creation),
    Faults(Faults),
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Rpf {
    #[default]
    AsRib,
    /// The interface may be the client's own, or not.
    Interface(usize),
    Neighbour,
    WrongPrefix,
    Panics,
}

/// The interfaces that a client disables and enables, as bits, where it is asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Creation {
    pub(crate) disables: u8,
    pub(crate) enables: u8,
    pub(crate) panics: bool,
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

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) max: Max,
    /// The client in the last slot is asked about every new entry ([`mgm::CreationMode::Always`]).
    pub(crate) always: bool,
    /// The client in slot 1 gives each entry that it hears of [`PATIENCE`], inside the alert.
    pub(crate) patient: bool,
    pub(crate) steps: Vec<Op>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Max {
    pub(crate) mfes: Option<usize>,
    pub(crate) per_group: Option<usize>,
}

impl From<Max> for Limits {
    fn from(max: Max) -> Self {
        let limits = max.mfes.map_or_else(Self::default, |max| Self::default().mfes(max));
        max.per_group.map_or(limits, |max| limits.mfes_per_group(max))
    }
}

/// Seconds.
pub(crate) const PATIENCE: u64 = 5000;

pub(crate) const ALWAYS: usize = SLOTS - 1;
pub(crate) const PATIENT: usize = 1;

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

pub(crate) const FLOWS: usize = 6;

pub(crate) fn flow(number: usize) -> (SourceAddr, GroupAddr) {
    let source = ["198.51.100.7", "198.51.100.8"][number % 2];
    let group = ["239.1.1.1", "239.1.1.2", SSM][number / 2];
    (source.parse().unwrap(), group.parse().unwrap())
}

/// In the range in which a group can be joined from a source only.
const SSM: &str = "232.1.1.1";

const WITHOUT_SOURCE: usize = 4;

pub(crate) fn entry(number: usize) -> Entry {
    let group = |group: &str| Entry::Group(group.parse().unwrap());
    match number {
        0 => Entry::AllGroups,
        1 => group("239.1.1.1"),
        2 => group("239.1.1.2"),
        3 => group(SSM),
        number => {
            let (source, group) = flow(number - WITHOUT_SOURCE);
            Entry::SourceGroup(source, group)
        }
    }
}

pub(crate) fn prefix(number: usize) -> Ipv4Net {
    ["0.0.0.0/0", "198.51.100.0/24", "198.51.100.7/32", "198.51.100.8/32"][number].parse().unwrap()
}

pub(crate) const PREFIXES: usize = 4;

pub(crate) fn route(number: usize, (on, has_upstream): (usize, bool)) -> Route {
    let upstream = has_upstream.then_some(UPSTREAM);
    Route { prefix: prefix(number), interface: interface(on), upstream }
}

pub(crate) const UPSTREAM: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OTHER_UPSTREAM: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Sequences of 60 steps on average, after a start that most of them have.
pub(crate) fn sequences() -> impl Strategy<Value = Sequence> {
    let limit = || weighted(0.5, 0_usize..4);
    let max = prop_oneof![
        3 => Just(Max::default()),
        1 => (limit(), limit()).prop_map(|(mfes, per_group)| Max { mfes, per_group })
    ];
    (max, any::<bool>(), any::<bool>(), start(), vec(op(), 1..=110)).prop_map(
        |(max, always, patient, mut steps, rest)| {
            steps.extend(rest);
            Sequence { max, always, patient, steps }
        },
    )
}

/// Sequences in which the manager is told of every change of the RIB: what it knows of routes can be seen.
pub(crate) fn announced_sequences() -> impl Strategy<Value = Sequence> {
    sequences().prop_map(|mut sequence| {
        for op in &mut sequence.steps {
            if let Op::Route(_, _, announced) = op {
                *announced = true;
            }
        }
        sequence
    })
}

/// Most clients, on some interfaces, and a route.
fn start() -> impl Strategy<Value = Vec<Op>> {
    let owners = vec(0..=SLOTS, INTERFACES);
    let igmp = vec(proptest::bool::weighted(0.4), INTERFACES);
    (owners, igmp, 0..INTERFACES).prop_map(|(owners, igmp, toward)| {
        let igmp = (0..INTERFACES).filter(|on| igmp[*on]).map(|on| Op::Take(0, on));
        let owned = owners.iter().enumerate().filter(|(_, owner)| (1..SLOTS).contains(*owner));
        let mut start: Vec<_> = (0..SLOTS).map(Op::Register).chain(igmp).collect();
        start.extend(owned.map(|(on, owner)| Op::Take(*owner, on)));
        start.push(Op::Route(1, Some((toward, true)), true));
        start
    })
}

/// One draw, decoded: with a strategy for each kind of call, drawing took longer than what was tested.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    (0..100_u8, 0..SLOTS, 0..INTERFACES, 0..FLOWS, any::<u8>()).prop_map(|(kind, slot, on, flow, more)| {
        let some = more.is_multiple_of(2);
        let entry = usize::from(more) % (WITHOUT_SOURCE + FLOWS);
        let protocol = 1 + slot % (SLOTS - 1);
        match kind {
            0..3 => Op::Register(slot),
            3..4 => Op::Deregister(slot),
            4..5 => Op::Drop(slot),
            5..11 => Op::Take(slot, on),
            11..15 => Op::Release(slot, on),
            15..16 => Op::Remove(on),
            16..32 => Op::Set(Verb::Add, slot, on, entry),
            32..38 => Op::Set(Verb::Delete, slot, on, entry),
            38..43 => Op::Set(Verb::Block, slot, on, WITHOUT_SOURCE + flow),
            43..46 => Op::Set(Verb::Unblock, slot, on, WITHOUT_SOURCE + flow),
            46..61 => Op::Packet(flow, on),
            61..62 => Op::Unknown(flow, on),
            62..64 => Op::Wrong(flow, on),
            64..71 => Op::Route(flow % PREFIXES, (more % 5 != 0).then_some((on, some)), more % 3 != 0),
            71..72 => Op::RoutesChanged(flow % PREFIXES),
            72..79 => Op::State(slot, on, flow, state(more)),
            79..82 => Op::Mfe(protocol, flow, on, some),
            82..84 => {
                Op::Timeout(protocol, flow, [Some(0), Some(4), Some(2000), None][usize::from(more % 4)])
            }
            84..87 => Op::WrongAlerts(slot, on, more % 4 != 0),
            87..93 => Op::Expire([0, 2, 4, 450, 901][usize::from(more % 5)]),
            93..95 => Op::Rpf(protocol, rpf(more, on)),
            95..98 => Op::Creation(protocol, creation(more, on, flow)),
            _ => Op::Faults(faults(more)),
        }
    })
}

fn state(more: u8) -> Option<ForwardState> {
    [Some(ForwardState::On), Some(ForwardState::Off), None][usize::from(more % 3)]
}

fn rpf(more: u8, on: usize) -> Rpf {
    match more % 8 {
        0..4 => Rpf::Interface(on),
        4 => Rpf::Neighbour,
        5 => Rpf::WrongPrefix,
        6 => Rpf::Panics,
        _ => Rpf::AsRib,
    }
}

fn creation(more: u8, on: usize, flow: usize) -> Creation {
    Creation { disables: 1 << on, enables: 1 << (flow % INTERFACES), panics: more.is_multiple_of(8) }
}

fn faults(more: u8) -> Faults {
    let bit = |bit: u8| more >> bit & 1 == 1;
    if more.is_multiple_of(3) {
        return Faults::default();
    }
    Faults { add: bit(2), change: bit(3), delete: bit(4), stats: bit(5) && bit(6), panics: bit(7) }
}
