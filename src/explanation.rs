//! Why an (S,G) goes where it goes.

use std::net::Ipv4Addr;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::Pull;
use crate::types::client::ClientName;
use crate::types::interface::Interface;
use crate::view::{Handover, Membership};

/// Why an (S,G) is forwarded on some interfaces and not on others, and why each client has been told to pull it or has not
/// ([EN-6](crate::specification#en-6)): see [`Mgm::explain`](crate::Mgm::explain).
///
/// `Display` prints it for operators, [`named`](Self::named) in the words of the daemon; [`mermaid`](Self::mermaid) draws it;
/// and with the feature `serde` it can be serialised.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct Explanation<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// There is a forwarding entry. Without one, all else says what would be, by the route and the memberships that are
    /// known: what `rpf` and `creation_alert` would answer is not.
    pub installed: bool,
    /// Where its packets come in; absent without an entry, where no route to the source is known.
    pub iif: Option<Interface<A>>,
    /// The owner of the interface toward the source, which is asked and told about the entry.
    pub owner: Option<ClientName>,
    /// The SSM range that the group is in: (\*,\*) does not cover it.
    pub ssm_range: Option<A::Net>,
    /// Each interface that comes into question, in order: the iif, and those on which (S,G) or what covers it is wanted
    /// or blocked, or on which forward state is set. No other is an oif.
    pub interfaces: Vec<InterfaceReason<A>>,
    /// For each client, in the order of registration, each thing that it could be told to pull for this (S,G).
    pub pulls: Vec<PullReason<A>>,
}

/// One interface of an [`Explanation`].
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct InterfaceReason<A: Address = Ipv4Addr> {
    /// The interface.
    pub interface: Interface<A>,
    /// Why it is among the oifs, or is not.
    pub why: WhyOif<A>,
    /// All that is held there of (S,G), of (\*,G) and of (\*,\*).
    pub memberships: Vec<Membership<A>>,
    /// From whom to whom it is going, if it is.
    pub handover: Option<Handover>,
}

/// One thing that a client has been told to pull, or has not, in an [`Explanation`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct PullReason<A = Ipv4Addr> {
    /// The client.
    pub client: ClientName,
    /// What it could be told to pull.
    pub pull: Pull<A>,
    /// Why it has been told to, or has not.
    pub why: WhyTold<A>,
}

/// Why an interface is among the oifs of an (S,G), or is not ([FW-2](crate::specification#fw-2)).
///
/// Where more than one of these is true, it is the one that decides.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address", rename_all = "snake_case"))]
pub enum WhyOif<A = Ipv4Addr> {
    /// Not: its packets come in there.
    Incoming,
    /// It is: the owner of the interface has switched it on ([MB-5](crate::specification#mb-5)).
    SwitchedOn {
        /// The owner that did.
        by: ClientName,
    },
    /// Not: the owner of the interface has switched it off, whatever is joined.
    SwitchedOff {
        /// The owner that did.
        by: ClientName,
    },
    /// It is: this is wanted there, by a client that does not block the source.
    Wanted(Membership<A>),
    /// Not: each client that wants the group there blocks the source ([MB-6](crate::specification#mb-6)). This is the
    /// block of one of them.
    Blocked(Membership<A>),
    /// Not: what is wanted there names no source, and the group is in an SSM range
    /// ([MB-4](crate::specification#mb-4)).
    SourceSpecific,
    /// Not: nobody wants it there.
    Unwanted,
    /// It is, still: a change that takes it out has not reached the entry yet ([CB-7](crate::specification#cb-7)).
    StillIn,
    /// Not yet: a change that puts it in has not reached the entry yet.
    StillOut,
}

impl<A> WhyOif<A> {
    /// Whether the interface is among the oifs.
    #[must_use]
    pub const fn is_oif(&self) -> bool {
        match self {
            Self::SwitchedOn { .. } | Self::Wanted(_) | Self::StillIn => true,
            Self::Incoming
            | Self::SwitchedOff { .. }
            | Self::Blocked(_)
            | Self::SourceSpecific
            | Self::Unwanted
            | Self::StillOut => false,
        }
    }
}

/// Why a client has been told to pull something, or has not ([CT-4](crate::specification#ct-4),
/// [CT-5](crate::specification#ct-5), [FW-6](crate::specification#fw-6)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address", rename_all = "snake_case"))]
pub enum WhyTold<A = Ipv4Addr> {
    /// It has: another client wants it.
    Wanted {
        /// One that does.
        by: ClientName,
    },
    /// It has: an oif of the forwarding entry counts for another client.
    Forwarded {
        /// One such oif.
        on: Interface<A>,
        /// The client that it counts for.
        counts_for: ClientName,
    },
    /// It has not: no other client wants it.
    NobodyElse,
    /// It has not: another client is told of this source, or nobody, if nobody owns the interface toward it.
    NotUpstream {
        /// Who is told.
        owner: Option<ClientName>,
    },
    /// It has not: it is an IGMP that did not ask to be told ([CL-6](crate::specification#cl-6)).
    DidNotAsk,
    /// It has, still: a change that ends that has not reached the forwarding entry yet
    /// ([HO-15](crate::specification#ho-15)).
    StillTold,
    /// It has not yet: a change because of which it will be told has not reached the forwarding entry yet.
    NotYetTold,
}

impl<A> WhyTold<A> {
    /// Whether the client has been told to pull it, and so finds it in what it reads by
    /// [`told`](crate::ClientRef::told).
    #[must_use]
    pub const fn is_told(&self) -> bool {
        match self {
            Self::Wanted { .. } | Self::Forwarded { .. } | Self::StillTold => true,
            Self::NobodyElse | Self::NotUpstream { .. } | Self::DidNotAsk | Self::NotYetTold => false,
        }
    }
}
