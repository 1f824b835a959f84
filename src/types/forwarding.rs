//! What is said of forwarding entries between the manager and a forwarder.

use std::net::Ipv4Addr;

use super::address::{GroupAddr, SourceAddr};
use super::interface::Interface;

/// A multicast forwarding entry as a forwarder has to know it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
#[non_exhaustive]
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
///
/// # Example: what a forwarder answers
///
/// ```
/// use mgm::{Interface, MfeStats, OifStats};
///
/// let eth1 = Interface::try_from(2)?;
/// let stats: MfeStats = MfeStats::new().packets(2).octets(3000).oif(OifStats::new(eth1, 2));
/// assert_eq!((stats.packets, stats.oifs[0].packets), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "MIB_IPMCAST_MFE_STATS")]
#[doc(alias = "MIB_IPMCAST_MFE_STATS_EX")]
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
#[non_exhaustive]
#[doc(alias = "MIB_IPMCAST_OIF_STATS")]
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

    /// With so many packets that arrived on the iif.
    #[must_use]
    pub const fn packets(mut self, packets: u64) -> Self {
        self.packets = packets;
        self
    }

    /// With so many octets in them.
    #[must_use]
    pub const fn octets(mut self, octets: u64) -> Self {
        self.octets = octets;
        self
    }

    /// With so many packets that arrived on another interface.
    #[must_use]
    pub const fn wrong_interface(mut self, packets: u64) -> Self {
        self.wrong_interface = packets;
        self
    }

    /// With what was counted on one more oif.
    #[must_use]
    pub fn oif(mut self, oif: OifStats<A>) -> Self {
        self.oifs.push(oif);
        self
    }
}

impl<A> OifStats<A> {
    /// So many packets went out there.
    #[must_use]
    pub const fn new(interface: Interface<A>, packets: u64) -> Self {
        Self { interface, packets }
    }
}

impl<A> ForwardingEntry<A> {
    /// An entry without oifs.
    ///
    /// # Example: an entry for the test of a forwarder
    ///
    /// ```
    /// use mgm::{ForwardingEntry, Interface};
    ///
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// let entry: ForwardingEntry = ForwardingEntry::new("10.0.0.1".parse()?, "239.1.1.1".parse()?, eth0).oifs(vec![eth1]);
    /// assert_eq!(entry.oifs, [eth1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn new(source: SourceAddr<A>, group: GroupAddr<A>, iif: Interface<A>) -> Self {
        Self { source, group, iif, oifs: Vec::new() }
    }

    /// With these oifs.
    #[must_use]
    pub fn oifs(mut self, oifs: Vec<Interface<A>>) -> Self {
        self.oifs = oifs;
        self
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
    /// It cannot be reached: a connection is closed, or nothing answers.
    #[error("the forwarder cannot be reached: {0}")]
    Unavailable(std::io::ErrorKind),
    /// Another reason, in the words of the forwarder.
    #[error("{0}")]
    Other(&'static str),
}

/// What a connection to a forwarder says, where `?` is to be enough.
impl From<std::io::Error> for ForwarderError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.kind())
    }
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
            Self::Unavailable(_) => "unavailable",
            Self::Other(_) => "other",
        }
    }
}
