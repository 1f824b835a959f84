//! Interfaces, and links of point-to-multipoint interfaces.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use super::address::{Address, AddressError, HostAddr};

/// An interface: its index and, on a link of a point-to-multipoint interface, the next hop.
///
/// Links of one interface that differ in the next hop are interfaces of their own ([IF-6](crate::specification#if-6))
/// (MGM: `dwIfIndex` and `dwIfNextHopAddr`). Prints as `3`, or as `3 via 10.0.0.9`. With the feature `serde` it is
/// written as `{"index": 3, "next_hop": null}`.
///
/// # Example: an interface and a link
///
/// ```
/// use std::num::NonZeroU32;
/// use mgm::Interface;
///
/// let index = NonZeroU32::new(3).unwrap();
/// let ethernet: Interface = Interface::new(index);
/// let spoke = Interface::link(index, "10.0.0.9".parse()?);
/// assert_ne!(ethernet, spoke);
/// assert_eq!(spoke.to_string(), "3 via 10.0.0.9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Interface<A = Ipv4Addr> {
    index: NonZeroU32,
    next_hop: Option<A>,
}

impl<A: Address> Interface<A> {
    /// The interface with this index, as the operating system numbers it.
    #[must_use]
    pub const fn new(index: NonZeroU32) -> Self {
        Self { index, next_hop: None }
    }

    /// The link to `next_hop` of the point-to-multipoint interface with this index.
    ///
    /// # Example: hub and spokes
    ///
    /// ```
    /// # use std::num::NonZeroU32;
    /// # use mgm::Interface;
    /// let hub = NonZeroU32::new(7).unwrap();
    /// let links: Vec<Interface> =
    ///     ["10.0.0.8", "10.0.0.9"].iter().map(|spoke| Interface::link(hub, spoke.parse().unwrap())).collect();
    /// assert_ne!(links[0], links[1]);
    /// ```
    #[must_use]
    pub const fn link(index: NonZeroU32, next_hop: HostAddr<A>) -> Self {
        Self { index, next_hop: Some(next_hop.address()) }
    }

    /// The index.
    #[must_use]
    pub const fn index(self) -> NonZeroU32 {
        self.index
    }

    /// The next hop, on a link of a point-to-multipoint interface.
    #[must_use]
    pub const fn next_hop(self) -> Option<A> {
        self.next_hop
    }
}

impl<A: fmt::Display> fmt::Display for Interface<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.next_hop {
            None => self.index.fmt(f),
            Some(next_hop) => write!(f, "{} via {next_hop}", self.index),
        }
    }
}

/// Why a text or number names no interface.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InterfaceError<A> {
    /// Interface indices start at 1.
    #[error("an interface index is a number from 1 up")]
    Index,
    /// The next hop is not the address of one host.
    #[error("the next hop of a link: {0}")]
    NextHop(#[source] AddressError<A>),
}

impl<A: Address> From<NonZeroU32> for Interface<A> {
    fn from(index: NonZeroU32) -> Self {
        Self::new(index)
    }
}

impl<A: Address> TryFrom<u32> for Interface<A> {
    type Error = InterfaceError<A>;

    fn try_from(index: u32) -> Result<Self, Self::Error> {
        NonZeroU32::new(index).map(Self::new).ok_or(InterfaceError::Index)
    }
}

impl<A: Address> std::str::FromStr for Interface<A> {
    type Err = InterfaceError<A>;

    /// Reads what `Display` prints: `3`, or `3 via 10.0.0.9`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (index, next_hop) = match text.split_once(" via ") {
            None => (text, None),
            Some((index, next_hop)) => (index, Some(next_hop)),
        };
        let index = index.parse().or(Err(InterfaceError::Index))?;
        let next_hop = next_hop.map(str::parse).transpose().map_err(InterfaceError::NextHop)?;
        Ok(next_hop.map_or_else(|| Self::new(index), |next_hop| Self::link(index, next_hop)))
    }
}
