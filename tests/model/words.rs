//! What a manager is asked, what it answers, and what its clients hear: of the one under test and of the model.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use mgm::{Alert, Change, ClientName, Entry, Error, Explanation, Interface, MembershipKind, Pull, Route};

use crate::ops::{Key, Op};

/// A registration, by number; an id that is registered again is another.
pub(crate) type Uid = usize;

/// An operation by one registration on one interface.
pub(crate) type Call = Op<Uid, Interface>;

pub(crate) type Outcome = Result<Done, Error>;
pub(crate) type Verdict<T = ()> = Result<T, String>;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Done {
    Silently,
    Change(Change),
    Batch(Vec<Result<Change, Error>>),
    /// `expire` says when it next wants to be called.
    Next(Option<Instant>),
}

/// What a client is told or asked in one callback.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    Disable(Interface),
    Enable(Interface),
    Alert(Alert),
    Rpf { key: Key, arrival: Interface, header: Vec<u8>, route: Route },
    Creation { key: Key, iif: Interface, shown: BTreeSet<Shown> },
}

/// One interface of a protocol in an entry that is about to be made.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Shown {
    pub(crate) on: Interface,
    pub(crate) igmp: bool,
    pub(crate) is_enabled: bool,
}

/// How a callback ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) panics: bool,
    /// To `rpf`.
    pub(crate) route: Option<Route>,
    /// To `creation_alert`.
    pub(crate) enabled: BTreeSet<Shown>,
}

/// All that can be read of a manager.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct View {
    pub(crate) groups: BTreeSet<Held>,
    /// In the order in which they are listed, as the next.
    pub(crate) interfaces: Vec<Status>,
    pub(crate) mfes: Vec<Entered>,
    /// What each client has been told to pull (EN-5), of those whose handle is at hand.
    pub(crate) told: BTreeMap<ClientName, BTreeSet<Pull>>,
    /// Why every (S,G) goes where it goes (EN-6); the model's has none, and checks these.
    pub(crate) explained: Vec<Explanation>,
    pub(crate) wrong_answers: u64,
    pub(crate) caught_panics: u64,
}

/// A membership or block (EN-1).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Held {
    pub(crate) entry: Entry,
    pub(crate) interface: Interface,
    pub(crate) kind: MembershipKind,
    pub(crate) added_by: ClientName,
    pub(crate) counts_for: ClientName,
    pub(crate) is_stale: bool,
}

/// Who is on an interface (IF-5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Status {
    pub(crate) interface: Interface,
    pub(crate) owner: Option<ClientName>,
    pub(crate) igmp: bool,
    /// From whom to whom it goes.
    pub(crate) handover: Option<(Option<ClientName>, Option<ClientName>)>,
    pub(crate) offered_to: Option<ClientName>,
}

/// A forwarding entry (EN-2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entered {
    pub(crate) key: Key,
    pub(crate) iif: Interface,
    pub(crate) owner: Option<ClientName>,
    pub(crate) upstream: Option<Ipv4Addr>,
    pub(crate) prefix: Option<Ipv4Net>,
    pub(crate) oifs: Vec<Interface>,
    pub(crate) made: Instant,
    pub(crate) expires: Option<Instant>,
}

/// The longest time that a clock can say is not the same on all systems.
pub(crate) fn unless_never(due: Option<Instant>, now: Instant) -> Option<Instant> {
    due.filter(|due| *due < now + Duration::from_secs(1_000_000))
}
