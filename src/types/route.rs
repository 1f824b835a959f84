//! The way back to a source.

use std::fmt;
use std::net::Ipv4Addr;

use super::address::Address;
use super::interface::Interface;

/// The way back to a source: where its packets should arrive.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
#[expect(clippy::exhaustive_structs, reason = "RIBs and protocols make routes; a route has these parts")]
pub struct Route<A: Address = Ipv4Addr> {
    /// The prefix that leads there.
    pub prefix: A::Net,
    /// The interface toward the source, with the next hop on a point-to-multipoint one.
    pub interface: Interface<A>,
    /// The upstream neighbour, where there is one; a source on the link itself has none.
    pub upstream: Option<A>,
}

impl<A: Address> fmt::Display for Route<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.prefix, self.interface)?;
        self.upstream.map_or(Ok(()), |upstream| write!(f, " from {upstream}"))
    }
}
