//! One thing that happened.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::answer::Answer;
use super::call::Call;
use super::callback::{Callback, Party};
use crate::limits::Limits;
use crate::types::address::Address;
use crate::types::client::ClientName;

/// One thing that happened to a manager: it was built, it was called, it called somebody, or one of these calls
/// returned.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct Event<A: Address = Ipv4Addr> {
    /// Counts the events of one manager, from 0.
    ///
    /// A call has its number from when it first got the manager's lock, so calls that several threads make are in the
    /// order in which they got it.
    pub number: u64,
    /// The call, of the manager or by it, that went on when this happened on the same thread; of a
    /// [`Returned`](Happened::Returned), the one that has ended.
    pub inside: Option<u64>,
    /// What happened.
    pub happened: Happened<A>,
}

/// What happened.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: Address"))]
pub enum Happened<A: Address = Ipv4Addr> {
    /// The manager was built; the first event of all.
    Built(Setup<A>),
    /// Somebody called the manager.
    Called {
        /// Which client; of what the system does or reports, nobody.
        by: Option<Caller>,
        /// The call.
        call: Call<A>,
    },
    /// The manager called somebody.
    Calls {
        /// Whom.
        to: Party,
        /// The call.
        callback: Callback<A>,
    },
    /// A call has ended, of the manager or by it: [`Event::inside`] says which.
    Returned(Answer<A>),
}

/// A client that called.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Caller {
    /// Its name.
    pub client: ClientName,
    /// Its registration, as [`Answer::Registered`] numbered it.
    pub registration: u32,
}

impl Caller {
    pub(crate) const fn new(client: ClientName, registration: u32) -> Self {
        Self { client, registration }
    }
}

/// An address family.
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Family {
    /// IPv4, and IGMP.
    Ipv4,
    /// IPv6, and MLD.
    Ipv6,
}

impl Family {
    pub(crate) fn of<A: Address>() -> Self {
        match A::UNSPECIFIED.into() {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

/// With what a manager was built.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct Setup<A: Address = Ipv4Addr> {
    /// The family of its addresses.
    pub family: Family,
    /// The version of this crate.
    pub version: String,
    /// From this follows every order that hashing leaves open; see `Builder::seed`, with the feature `testing`.
    pub seed: u64,
    /// The limits.
    pub limits: Limits,
    /// The ranges in which a group can be joined from a source only.
    pub ssm_ranges: Vec<A::Net>,
    /// Whether there is a RIB.
    pub rib: bool,
    /// How many pieces are changed at the most in one hold of the lock.
    pub page: usize,
}

/// Prints as a line of a time line: `IGMP → add_group_membership (*, 239.1.1.1) on 3`, or
/// `protocol 1.0 ← join_alert (*, 239.1.1.1), membership`.
impl<A: Address> fmt::Display for Event<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.happened {
            Happened::Built(setup) => write!(f, "built, version {}", setup.version),
            Happened::Called { by: Some(caller), call } => write!(f, "{} → {call}", caller.client),
            Happened::Called { by: None, call } => write!(f, "system → {call}"),
            Happened::Calls { to, callback } => write!(f, "{to} ← {callback}"),
            Happened::Returned(answer) => write!(f, "= {answer}"),
        }
    }
}
