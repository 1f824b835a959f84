//! What is said of forwarding entries between the manager and a forwarder.

use std::net::Ipv4Addr;

use super::address::{GroupAddr, SourceAddr};
use super::interface::Interface;

/// A multicast forwarding entry as a forwarder has to know it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
#[expect(clippy::exhaustive_structs, reason = "this is what a forwarding entry is: RFC 7761 §4.2")]
pub struct ForwardingEntry<A = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets have to arrive.
    pub iif: Interface<A>,
    /// Where they go, in order; never the iif. Without any, packets are absorbed silently.
    pub oifs: Vec<Interface<A>>,
}

/// What a forwarder counted for one entry ([EN-3](crate::specification#en-3)).
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct MfeStats<A = Ipv4Addr> {
    /// Packets that arrived on the iif.
    pub packets: u64,
    /// Octets in them.
    pub octets: u64,
    /// Packets that arrived on another interface.
    pub wrong_interface: u64,
    /// Packets sent, for each oif for which the forwarder counts them.
    pub oifs: Vec<OifStats<A>>,
}

/// What a forwarder counted on one oif.
#[expect(clippy::exhaustive_structs, reason = "MGM counts packets out per oif, and no more")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct OifStats<A = Ipv4Addr> {
    /// The oif.
    pub interface: Interface<A>,
    /// Packets that went out there.
    pub packets: u64,
}

impl<A> MfeStats<A> {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { packets: 0, octets: 0, wrong_interface: 0, oifs: Vec::new() }
    }
}

/// Why a forwarder did not do it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ForwarderError {
    /// It has no room for another entry, or for another interface.
    #[error("the forwarder is full")]
    Full,
    /// It has no room for this interface beside the others.
    #[error("the forwarder has no room for interface {index} beside {max} others")]
    TooManyInterfaces {
        /// The index.
        index: u32,
        /// How many it can have.
        max: usize,
    },
    /// It knows no such interface.
    #[error("the forwarder has no interface {index}")]
    NoSuchInterface {
        /// The index.
        index: u32,
    },
    /// It cannot forward to one next hop of a point-to-multipoint interface.
    #[error("the forwarder cannot use a next hop on interface {index}")]
    NextHop {
        /// The index.
        index: u32,
    },
    /// It has no such entry.
    #[error("the forwarder has no such entry")]
    NoSuchEntry,
    /// The system refused.
    #[error("{operation}: {}", std::io::Error::from_raw_os_error(*errno))]
    System {
        /// What was asked of it.
        operation: &'static str,
        /// Its error number.
        errno: i32,
    },
    /// It panicked.
    #[error("the forwarder panicked")]
    Panicked,
}

impl ForwarderError {
    /// Its name, fixed for ever: for a counter's label, or a field of a log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::TooManyInterfaces { .. } => "too_many_interfaces",
            Self::NoSuchInterface { .. } => "no_such_interface",
            Self::NextHop { .. } => "next_hop",
            Self::NoSuchEntry => "no_such_entry",
            Self::System { .. } => "system",
            Self::Panicked => "panicked",
        }
    }
}
