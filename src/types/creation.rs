//! What a protocol is asked about a forwarding entry that is about to be made.

use std::fmt;
use std::net::Ipv4Addr;

use super::address::{Address, GroupAddr, SourceAddr};
use super::interface::Interface;
use super::route::Route;

/// About which new forwarding entries a protocol is asked ([FW-3](crate::specification#fw-3)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CreationMode {
    /// Those in which it has an oif, which it may disable: MGM's rule.
    #[default]
    WithOifs,
    /// All, with all its interfaces, which it may enable too: RFC 2715 §2 rule 3, what flood-and-prune needs.
    Always,
}

/// What [`ProtocolCallbacks::rpf`](crate::ProtocolCallbacks::rpf) is asked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct RpfRequest<'a, A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// The interface on which the packet arrived. Where an entry is renewed or moved there is no packet, and this is its
    /// present iif.
    pub arrival: Interface<A>,
    /// What the forwarder showed of the packet; empty where there is no packet.
    pub header: &'a [u8],
    /// The RIB's route to the source.
    pub route: Route<A>,
}

/// The forwarding entry that is about to be made.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct NewMfe<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets are to arrive.
    pub iif: Interface<A>,
}

impl<'a, A: Address> RpfRequest<'a, A> {
    /// About a packet that came in where the RIB's route leads, and of which nothing was shown.
    #[must_use]
    pub const fn new(source: SourceAddr<A>, group: GroupAddr<A>, route: Route<A>) -> Self {
        Self { source, group, arrival: route.interface, header: &[], route }
    }

    /// The packet came in here.
    #[must_use]
    pub const fn arrived_on(self, arrival: Interface<A>) -> Self {
        Self { arrival, ..self }
    }

    /// This was shown of the packet.
    #[must_use]
    pub const fn with_header(self, header: &'a [u8]) -> Self {
        Self { header, ..self }
    }
}

impl<A: Address> NewMfe<A> {
    /// About an entry whose packets are to arrive on `iif`.
    #[must_use]
    pub const fn new(source: SourceAddr<A>, group: GroupAddr<A>, iif: Interface<A>) -> Self {
        Self { source, group, iif }
    }
}

/// One interface of a protocol in an entry that is about to be made.
#[doc(alias = "MGM_IF_ENTRY")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: Address"))]
pub struct CreationOif<A = Ipv4Addr> {
    interface: Interface<A>,
    igmp: bool,
    enabled: bool,
}

impl<A: Address> CreationOif<A> {
    /// An interface without IGMP on which the entry is to forward.
    #[must_use]
    pub const fn enabled(interface: Interface<A>) -> Self {
        Self { interface, igmp: false, enabled: true }
    }

    /// An interface without IGMP on which the entry is not to forward.
    #[must_use]
    pub const fn disabled(interface: Interface<A>) -> Self {
        Self { interface, igmp: false, enabled: false }
    }

    /// The same interface with IGMP on it.
    #[must_use]
    pub const fn with_igmp(self) -> Self {
        Self { igmp: true, ..self }
    }

    /// The interface.
    #[must_use]
    pub const fn interface(&self) -> Interface<A> {
        self.interface
    }

    /// Whether IGMP is on it.
    #[must_use]
    pub const fn has_igmp(&self) -> bool {
        self.igmp
    }

    /// Whether the entry is to forward there.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Says whether the entry is to forward there.
    pub const fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }
}

/// Prints as `3`, or `3 with IGMP, disabled`.
impl<A: fmt::Display> fmt::Display for CreationOif<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.interface.fmt(f)?;
        f.write_str(if self.igmp { " with IGMP" } else { "" })?;
        f.write_str(if self.enabled { "" } else { ", disabled" })
    }
}
