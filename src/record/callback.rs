//! Whom a manager calls, and what for.

use std::fmt;
use std::net::Ipv4Addr;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::Alert;
use crate::types::client::ClientName;
use crate::types::creation::{CreationOif, NewMfe};
use crate::types::forwarding::ForwardingEntry;
use crate::types::interface::Interface;
use crate::types::route::Route;

/// Whom the manager calls.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Party {
    /// A client.
    Client(ClientName),
    /// The [`Rib`](crate::Rib).
    Rib,
    /// The [`Forwarder`](crate::Forwarder).
    Forwarder,
    /// Whoever called [`when_settled`](crate::Mgm::when_settled).
    Waiter,
    /// Whoever asked for [`on_due`](crate::Builder::on_due).
    Timer,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(name) => name.fmt(f),
            Self::Rib => f.write_str("RIB"),
            Self::Forwarder => f.write_str("forwarder"),
            Self::Waiter => f.write_str("waiter"),
            Self::Timer => f.write_str("timer"),
        }
    }
}

/// A call by the manager with all that it gave: to a client, to the RIB, or to the forwarder.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: Address"))]
pub enum Callback<A: Address = Ipv4Addr> {
    /// [`disable_igmp`](crate::IgmpCallbacks::disable_igmp).
    DisableIgmp {
        /// The interface.
        interface: Interface<A>,
    },
    /// [`enable_igmp`](crate::IgmpCallbacks::enable_igmp).
    EnableIgmp {
        /// The interface.
        interface: Interface<A>,
    },
    /// An alert.
    Alert(Alert<A>),
    /// [`rpf`](crate::ProtocolCallbacks::rpf).
    Rpf {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// Where the packet came in.
        arrival: Interface<A>,
        /// What the forwarder showed of the packet.
        header: Vec<u8>,
        /// The RIB's route.
        route: Route<A>,
    },
    /// [`creation_alert`](crate::ProtocolCallbacks::creation_alert).
    CreationAlert {
        /// The entry that is about to be made.
        mfe: NewMfe<A>,
        /// The interfaces of the client, as they were before it was asked.
        oifs: Vec<CreationOif<A>>,
    },
    /// [`Rib::lookup`](crate::Rib::lookup).
    Lookup {
        /// The source.
        source: SourceAddr<A>,
    },
    /// [`Forwarder::add`](crate::Forwarder::add).
    Add(ForwardingEntry<A>),
    /// [`Forwarder::change`](crate::Forwarder::change).
    Change(ForwardingEntry<A>),
    /// [`Forwarder::delete`](crate::Forwarder::delete).
    Delete {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// [`Forwarder::stats`](crate::Forwarder::stats).
    Stats {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// What [`on_due`](crate::Builder::on_due) was given.
    Due,
    /// What [`when_settled`](crate::Mgm::when_settled) was given.
    Settled {
        /// The interface.
        interface: Interface<A>,
    },
}

impl<A: Address> Callback<A> {
    /// The method that is called.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::DisableIgmp { .. } => "disable_igmp",
            Self::EnableIgmp { .. } => "enable_igmp",
            Self::Alert(alert) => alert.callback(),
            Self::Rpf { .. } => "rpf",
            Self::CreationAlert { .. } => "creation_alert",
            Self::Lookup { .. } => "lookup",
            Self::Add(_) => "add",
            Self::Change(_) => "change",
            Self::Delete { .. } => "delete",
            Self::Stats { .. } => "stats",
            Self::Due => "on_due",
            Self::Settled { .. } => "settled",
        }
    }
}

/// Prints as `join_alert (*, 239.1.1.1), membership`, or `add (10.0.0.1, 239.1.1.1) from 1 to [2]`.
impl<A: Address> fmt::Display for Callback<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method();
        match self {
            Self::Alert(alert) => alert.fmt(f),
            Self::Due => f.write_str(method),
            Self::DisableIgmp { interface }
            | Self::EnableIgmp { interface }
            | Self::Settled { interface } => {
                write!(f, "{method} {interface}")
            }
            Self::Rpf { source, group, route, .. } => write!(f, "{method} ({source}, {group}), {route}"),
            Self::CreationAlert { mfe, oifs } => {
                let oifs: Vec<_> = oifs.iter().map(CreationOif::to_string).collect();
                write!(f, "{method} ({}, {}) from {}, [{}]", mfe.source, mfe.group, mfe.iif, oifs.join(", "))
            }
            Self::Lookup { source } => write!(f, "{method} {source}"),
            Self::Add(entry) | Self::Change(entry) => {
                let oifs: Vec<_> = entry.oifs.iter().map(Interface::to_string).collect();
                let ForwardingEntry { source, group, iif, .. } = entry;
                write!(f, "{method} ({source}, {group}) from {iif} to [{}]", oifs.join(", "))
            }
            Self::Delete { source, group } | Self::Stats { source, group } => {
                write!(f, "{method} ({source}, {group})")
            }
        }
    }
}
