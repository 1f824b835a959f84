//! The way back to a source.

use std::fmt;
use std::net::Ipv4Addr;

use super::address::Address;
use super::interface::Interface;

/// The way back to a source: where its packets should arrive.
///
/// # Example: what a RIB answers, and what a protocol makes of it
///
/// ```
/// use mgm::{Interface, Route};
///
/// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
/// let route: Route = Route::new("10.0.0.0/8".parse()?, eth0).upstream("192.0.2.1".parse()?).origin(89);
/// assert_eq!(route.to_string(), "10.0.0.0/8 on 1 from 192.0.2.1");
/// assert_eq!(route.over(eth1).interface, eth1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Route<A: Address = Ipv4Addr> {
    /// The prefix that leads there.
    pub prefix: A::Net,
    /// The interface toward the source, with the next hop on a point-to-multipoint one.
    pub interface: Interface<A>,
    /// The upstream neighbour, where there is one; a source on the link itself has none.
    pub upstream: Option<A>,
    /// Which protocol put it into the RIB, as the RIB numbers them (MGM: `dwRouteProtocol`). It is kept and shown with
    /// the entries, and decides nothing.
    pub origin: Option<u32>,
}

impl<A: Address> Route<A> {
    /// A route without an upstream neighbour, and of unknown origin.
    #[must_use]
    pub const fn new(prefix: A::Net, interface: Interface<A>) -> Self {
        Self { prefix, interface, upstream: None, origin: None }
    }

    /// With this upstream neighbour.
    #[must_use]
    pub const fn upstream(mut self, upstream: A) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Of this origin.
    #[must_use]
    pub const fn origin(mut self, origin: u32) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same route over another interface: the usual answer to [`rpf`](crate::ProtocolCallbacks::rpf) that is not the
    /// RIB's own.
    #[must_use]
    pub const fn over(mut self, interface: Interface<A>) -> Self {
        self.interface = interface;
        self
    }
}

impl<A: Address> fmt::Display for Route<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.prefix, self.interface)?;
        self.upstream.map_or(Ok(()), |upstream| write!(f, " from {upstream}"))
    }
}
