//! The naive model of the specification: plain maps, and everything computed anew from them.
//!
//! A [`State`] is what the manager knows. What it says of who wants what, of the oifs and of who is told are functions
//! of it (`told`), and changes are short (`membership`, `ownership`, `forwarding`). What a call does with it, callback
//! by callback, is the [`Model`](model::Model)'s.

mod forwarding;
mod membership;
mod model;
mod ownership;
mod procedures;
mod told;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use mgm::{Alert, ClientName, Entry, Error, ForwardState, Interface, MembershipKind, Route, SourceAddr};

pub(crate) use self::forwarding::Question;
pub(crate) use self::model::{Model, Stage};
pub(crate) use self::procedures::{UNKNOWN, WRONG};
use crate::ops::{Key, LAST, Manners, Max};
use crate::rib::Routes;
use crate::words::{Call, Held, Status, Uid, View};

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) max: Max,
    pub(crate) manners: Manners,
    pub(crate) clients: Vec<Client>,
    pub(crate) ports: BTreeMap<Interface, Port>,
    pub(crate) held: BTreeMap<(Interface, Uid, Entry), Hold>,
    pub(crate) refreshes: Vec<Refresh>,
    pub(crate) removals: Vec<Removal>,
    pub(crate) rib: Routes,
    /// What the RIB answered for every source in use.
    pub(crate) known: BTreeMap<SourceAddr, Option<Route>>,
    pub(crate) mfes: BTreeMap<Key, Mfe>,
    /// The entries that are being made, or made anew.
    pub(crate) making: BTreeSet<Key>,
    /// How many changes of owners and routes are moving entries now; of those of which nobody is asked it is open when.
    pub(crate) moves: usize,
    pub(crate) now: Instant,
    pub(crate) stats_fail: bool,
    /// The forwarder has failed before: whether it holds an entry, and can count for it, is open.
    pub(crate) has_failed: bool,
    pub(crate) wrong_answers: u64,
    pub(crate) caught_panics: u64,
    /// What the step that is going on tells beside the differences.
    pub(crate) news: Vec<(Uid, Alert)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) name: ClientName,
    /// It may ask, and is called. One that may not, and is still on something, holds its id (HO-10).
    pub(crate) is_registered: bool,
    /// In the order of taking, from the moment that a take is granted.
    pub(crate) on: Vec<Interface>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Port {
    pub(crate) protocol: Option<Uid>,
    pub(crate) igmp: Option<Uid>,
    pub(crate) offered_to: Option<Uid>,
    /// Counts the changes of the owner.
    pub(crate) tenure: u64,
    pub(crate) wrong_interface_alerts: bool,
    pub(crate) change: Option<Ongoing>,
}

/// A change of who is on an interface (HO-7).
#[derive(Clone, Debug, Default)]
pub(crate) struct Ongoing {
    /// Who owns it before and after.
    pub(crate) from: Option<Uid>,
    pub(crate) to: Option<Uid>,
    /// Between `disable_igmp` and `enable_igmp` (HO-2).
    pub(crate) igmp_is_disabled: bool,
    /// `enable_igmp` runs: HO-14 follows.
    pub(crate) igmp_is_being_enabled: bool,
    pub(crate) leaving: Vec<Uid>,
    /// What could not be refused meanwhile (HO-10).
    pub(crate) noted: Vec<Noted>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Noted {
    Release(Uid),
    Removal,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Hold {
    pub(crate) kind: MembershipKind,
    pub(crate) is_stale: bool,
}

/// HO-17.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refresh {
    pub(crate) on: Interface,
    pub(crate) client: Uid,
    pub(crate) deadline: Instant,
    pub(crate) is_over: bool,
}

/// An interface that is gone: the links that have still to be done, and who was on those that are (IF-8).
#[derive(Clone, Debug)]
pub(crate) struct Removal {
    pub(crate) index: NonZeroU32,
    pub(crate) left: BTreeSet<Interface>,
    pub(crate) clients: BTreeSet<Uid>,
}

#[derive(Clone, Debug)]
pub(crate) struct Mfe {
    pub(crate) iif: Interface,
    /// As `rpf` answered. Without one nobody is asked or told (FW-4).
    pub(crate) route: Option<Route>,
    pub(crate) upstream: Option<Ipv4Addr>,
    /// Who owns the interface toward the source.
    pub(crate) owner: Option<Uid>,
    /// FW-6 holds the owner told to pull.
    pub(crate) is_told: bool,
    /// The owner is still to be told of its making, renewal, or its coming to the owner.
    pub(crate) is_news: bool,
    /// Why it has still to be brought over; until then FW-6 leaves its owner alone (HO-15).
    pub(crate) past_of: BTreeSet<Past>,
    pub(crate) states: BTreeMap<Interface, Set>,
    /// What clients set while somebody is asked about it: it is kept (FW-7, HO-16).
    pub(crate) set_meanwhile: BTreeSet<Setting>,
    pub(crate) made: Instant,
    pub(crate) expires: Option<Instant>,
    pub(crate) has_carried: bool,
    /// FW-10.
    pub(crate) quiet_until: Instant,
}

/// Forward state, who set it, and in which tenure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Set {
    pub(crate) state: ForwardState,
    pub(crate) by: Uid,
    pub(crate) tenure: u64,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Past {
    /// An interface that has changed hands.
    Of(Interface),
    /// An interface that has changed hands, where it merely has forward state.
    OfStateOn(Interface),
    /// Routes that have changed.
    OfRoutes,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Setting {
    State(Interface),
    Upstream,
    Lifetime(Duration),
}

/// Where more than one statement refuses, any of them may be named.
pub(crate) type Answer<T> = Result<T, Vec<Error>>;

impl State {
    pub(crate) fn new(max: Max, manners: Manners, now: Instant) -> Self {
        Self {
            max,
            manners,
            clients: Vec::new(),
            ports: BTreeMap::new(),
            held: BTreeMap::new(),
            refreshes: Vec::new(),
            removals: Vec::new(),
            rib: Routes::default(),
            known: BTreeMap::new(),
            mfes: BTreeMap::new(),
            making: BTreeSet::new(),
            moves: 0,
            now,
            stats_fail: false,
            has_failed: false,
            wrong_answers: 0,
            caught_panics: 0,
            news: Vec::new(),
        }
    }

    pub(crate) fn name(&self, client: Uid) -> ClientName {
        self.clients[client].name
    }

    pub(crate) fn is_igmp(&self, client: Uid) -> bool {
        self.name(client) == ClientName::Igmp
    }

    pub(crate) fn is_asked_always(&self, client: Uid) -> bool {
        self.manners.last_is_asked_always && self.name(client) == crate::ops::name(LAST)
    }

    pub(crate) fn port(&self, on: Interface) -> Port {
        self.ports.get(&on).cloned().unwrap_or_default()
    }

    pub(crate) fn port_mut(&mut self, on: Interface) -> &mut Port {
        self.ports.entry(on).or_default()
    }

    pub(crate) fn owner(&self, on: Interface) -> Option<Uid> {
        self.ports.get(&on).and_then(|port| port.protocol.or(port.igmp))
    }

    pub(crate) fn is_on(&self, client: Uid, on: Interface) -> bool {
        let port = self.port(on);
        port.protocol == Some(client) || port.igmp == Some(client)
    }

    pub(crate) fn protocols(&self) -> impl Iterator<Item = Uid> {
        (0..self.clients.len()).filter(|client| self.clients[*client].is_registered && !self.is_igmp(*client))
    }

    pub(crate) fn view(&self) -> View {
        let held = |((interface, by, entry), hold): (&(Interface, Uid, Entry), &Hold)| Held {
            entry: *entry,
            interface: *interface,
            kind: hold.kind,
            added_by: self.name(*by),
            counts_for: self.name(self.owner(*interface).unwrap_or(*by)),
            is_stale: hold.is_stale,
        };
        let name = |client| self.name(client);
        let status = |(interface, port): (&Interface, &Port)| Status {
            interface: *interface,
            owner: self.owner(*interface).map(|owner| self.name(owner)),
            igmp: port.igmp.is_some(),
            handover: port.change.as_ref().map(|change| (change.from.map(name), change.to.map(name))),
            offered_to: port.offered_to.map(name),
        };
        let is_seen = |status: &Status| status.owner.is_some();
        View {
            groups: self.held.iter().map(held).collect(),
            interfaces: self.ports.iter().map(status).filter(is_seen).collect(),
            mfes: self.entered(),
            told: self.told_by_name(),
            explained: Vec::new(),
            wrong_answers: self.wrong_answers,
            caught_panics: self.caught_panics,
        }
    }
}

/// Who asks for `call`.
pub(crate) const fn caller(call: &Call) -> Option<Uid> {
    match call {
        Call::Deregister(client)
        | Call::Drop(client)
        | Call::Take(client, _)
        | Call::Release(client, _)
        | Call::Offer(client, ..)
        | Call::WithdrawOffer(client, _)
        | Call::Set(client, ..)
        | Call::Batch(client, ..)
        | Call::Filter(client, ..)
        | Call::BeginRefresh(client, ..)
        | Call::State(client, ..)
        | Call::Mfe(client, ..)
        | Call::Timeout(client, ..)
        | Call::WrongAlerts(client, ..) => Some(*client),
        Call::Register(_)
        | Call::Remove(_)
        | Call::EndRefresh(_)
        | Call::Packet(..)
        | Call::Carried(_)
        | Call::Unknown(..)
        | Call::Wrong(..)
        | Call::Route(..)
        | Call::RoutesChanged(_)
        | Call::Expire(_)
        | Call::Faults(_)
        | Call::Failed(_)
        | Call::Restarted => None,
    }
}
