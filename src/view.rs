//! What a reader of the manager is shown.

use std::net::Ipv4Addr;

use crate::types::client::ClientName;
use crate::types::entry::Entry;
use crate::types::interface::Interface;

/// One client's membership or block on one interface (EN-1).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Membership<A = Ipv4Addr> {
    /// What is joined, or blocked.
    pub entry: Entry<A>,
    /// Where.
    pub interface: Interface<A>,
    /// Whether it is joined or blocked.
    pub kind: MembershipKind,
    /// The client that added it.
    pub added_by: ClientName,
    /// The client that it counts for: the owner of the interface (CT-2). Blocks are not counted.
    pub counts_for: ClientName,
}

/// What a client holds of an entry on an interface; setting one replaces the other (MB-6).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MembershipKind {
    /// The client wants it there.
    Joined,
    /// The client's own (\*,G) and (\*,\*) there do not count for this source.
    Blocked,
}

/// Who is on an interface (IF-5).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct InterfaceStatus<A = Ipv4Addr> {
    /// The interface.
    pub interface: Interface<A>,
    /// The routing protocol that took it, or else IGMP.
    pub owner: ClientName,
    /// Whether IGMP is on it.
    pub igmp: bool,
    /// Whether it is changing hands.
    pub in_handover: bool,
}

/// Whether an add or delete changed anything: a membership is in a set (MB-2).
#[expect(clippy::exhaustive_enums, reason = "a set operation changes the set or does not")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Change {
    /// It was not so before.
    Changed,
    /// It was so already; nobody was told.
    Unchanged,
}
