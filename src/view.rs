//! What a reader of the manager is shown.

use std::net::Ipv4Addr;
use std::time::Instant;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::entry::Entry;
use crate::types::forwarding::ForwarderError;
use crate::types::interface::Interface;

/// One client's membership or block on one interface ([EN-1](crate::specification#en-1)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
#[doc(alias = "SOURCE_GROUP_ENTRY")]
pub struct Membership<A = Ipv4Addr> {
    /// What is joined, or blocked.
    pub entry: Entry<A>,
    /// Where.
    pub interface: Interface<A>,
    /// Whether it is joined or blocked.
    pub kind: MembershipKind,
    /// Its client has to add it again, or it goes ([HO-11](crate::specification#ho-11),
    /// [HO-17](crate::specification#ho-17)).
    pub stale: bool,
    /// The client that added it.
    pub added_by: ClientName,
    /// The client that it counts for: the owner of the interface ([CT-2](crate::specification#ct-2)). Blocks
    /// are not counted.
    pub counts_for: ClientName,
}

/// What a client holds of an entry on an interface; setting one replaces the other
/// ([MB-6](crate::specification#mb-6)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum MembershipKind {
    /// The client wants it there.
    Joined,
    /// The client's own (\*,G) and (\*,\*) there do not count for this source.
    Blocked,
}

/// Who is on an interface ([IF-5](crate::specification#if-5)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct InterfaceStatus<A = Ipv4Addr> {
    /// The interface.
    pub interface: Interface<A>,
    /// The routing protocol that took it, or else IGMP.
    pub owner: ClientName,
    /// Whether IGMP is on it.
    pub igmp: bool,
    /// From whom to whom it is going, from the moment that a take or release is granted until it has returned
    /// ([HO-7](crate::specification#ho-7)).
    pub handover: Option<Handover>,
    /// To whom its owner offers it ([IF-9](crate::specification#if-9)).
    pub offered_to: Option<ClientName>,
}

/// Who owns an interface before and after a change that is under way ([IF-5](crate::specification#if-5));
/// nobody, where that is absent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Handover {
    /// The owner before.
    pub from: Option<ClientName>,
    /// The owner after.
    pub to: Option<ClientName>,
}

/// Whether an add or delete changed anything: a membership is in a set ([MB-2](crate::specification#mb-2)).
#[expect(clippy::exhaustive_enums, reason = "a set operation changes the set or does not")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Change {
    /// The set has changed.
    Changed,
    /// The set was so already, and nobody was told.
    Unchanged,
}

impl Change {
    /// Whether it is [`Changed`](Self::Changed).
    #[must_use]
    pub const fn is_changed(self) -> bool {
        matches!(self, Self::Changed)
    }
}

/// What the owner of an interface says of one (S,G) there, beside memberships ([MB-5](crate::specification#mb-5)).
#[expect(clippy::exhaustive_enums, reason = "MGM_FORWARD_STATE is added or deleted, and there is no third")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[doc(alias = "MGM_FORWARD_STATE_FLAG")]
pub enum ForwardState {
    /// Forwarded there, also where nobody joined.
    On,
    /// Not forwarded there, whatever is joined.
    Off,
}

/// A multicast forwarding entry, read at one moment ([EN-2](crate::specification#en-2)).
///
/// Instants mean nothing outside the process, so they are not serialised, and this cannot be read back. Its times are
/// in [`MfeSnapshot`](crate::MfeSnapshot), in seconds.
#[doc(alias = "MIB_IPMCAST_MFE")]
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Mfe<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets have to arrive.
    pub iif: Interface<A>,
    /// The owner of the interface toward the source, which speaks for the source's packets; IGMP, where IGMP is alone
    /// there ([CL-6](crate::specification#cl-6)). Nobody is asked or told without a route to the source
    /// ([FW-4](crate::specification#fw-4)).
    pub owner: Option<ClientName>,
    /// The upstream neighbour.
    pub upstream: Option<A>,
    /// The route to the source.
    pub prefix: Option<A::Net>,
    /// Where the RIB has that route from: see [`Route::origin`](crate::Route::origin).
    pub origin: Option<u32>,
    /// Where its packets go, in order.
    pub oifs: Vec<Interface<A>>,
    /// When it was made, or made anew.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub made: Instant,
    /// When its time is over; never, if that is beyond what the clock can say.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub expires: Option<Instant>,
    /// Why the forwarder does not hold it as it is here, and how often that was tried
    /// ([FW-11](crate::specification#fw-11)).
    pub failure: Option<MfeFailure>,
}

/// What the forwarder last said of an entry that it does not hold as it should ([FW-11](crate::specification#fw-11)).
#[expect(clippy::exhaustive_structs, reason = "tests of daemons compare it with what they expect")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MfeFailure {
    /// Its last error.
    pub error: ForwarderError,
    /// How often it was told in vain.
    pub attempts: u32,
}

/// An entry that the forwarder does not hold, or no longer should, and that is tried again
/// ([FW-11](crate::specification#fw-11)).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Failure<A = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// The manager has deleted it, and the forwarder has not.
    pub deleted: bool,
    /// What the forwarder said last.
    pub error: ForwarderError,
    /// How often it was tried.
    pub attempts: u32,
}
