//! What a protocol is asked about a forwarding entry that is about to be made.

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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewMfe<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets are to arrive.
    pub iif: Interface<A>,
}

impl<A: Address> NewMfe<A> {
    pub(crate) const fn new(source: SourceAddr<A>, group: GroupAddr<A>, iif: Interface<A>) -> Self {
        Self { source, group, iif }
    }
}

/// One interface of a protocol in an entry that is about to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CreationOif<A = Ipv4Addr> {
    interface: Interface<A>,
    igmp: bool,
    enabled: bool,
}

/// Whether an entry is to forward on an interface before its owner has been asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Enabled {
    Yes,
    No,
}

impl<A: Address> CreationOif<A> {
    pub(crate) const fn new(interface: Interface<A>, has_igmp: bool, enabled: Enabled) -> Self {
        Self { interface, igmp: has_igmp, enabled: matches!(enabled, Enabled::Yes) }
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
