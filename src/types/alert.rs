//! Alerts: the news that a client is told.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::address::{GroupAddr, SourceAddr};
use super::entry::Entry;
use super::interface::Interface;

/// Why a join or prune alert came (MGM: `bMemberUpdate`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AlertCause {
    /// Memberships changed.
    Membership,
    /// The first oif of a forwarding entry came that counts for another client, or the last one went.
    ForwardingEntry,
}

impl fmt::Display for AlertCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("membership"),
            Self::ForwardingEntry => f.write_str("forwarding entry"),
        }
    }
}

/// An entry that a client has been told to pull, and why: what a join begins, a prune ends, and
/// [`told`](crate::ClientRef::told) lists.
///
/// An (S,G) can be pulled for both causes at once, and a prune ends only one of them. So what a client has to pull is
/// a set of these, and not of entries. Prints as `(*, 239.1.1.1), membership`.
///
/// # Example: what alerts come to
///
/// ```
/// use std::collections::BTreeSet;
/// use mgm::{Alert, Pull};
///
/// fn follow(pulls: &mut BTreeSet<Pull>, alert: &Alert) {
///     match alert {
///         Alert::Join { .. } => pulls.extend(alert.pull()),
///         Alert::Prune { .. } => pulls.retain(|pull| Some(*pull) != alert.pull()),
///         _ => {}
///     }
/// }
///
/// let pull = Pull { entry: "(*, 239.1.1.1)".parse()?, cause: mgm::AlertCause::Membership };
/// let mut pulls = BTreeSet::new();
/// follow(&mut pulls, &Alert::Join { entry: pull.entry, cause: pull.cause });
/// assert_eq!(pulls, BTreeSet::from([pull]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::exhaustive_structs, reason = "what is told is a set of pairs of entry and cause (EN-5)")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Pull<A = Ipv4Addr> {
    /// What to pull.
    pub entry: Entry<A>,
    /// Why.
    pub cause: AlertCause,
}

impl<A: fmt::Display> fmt::Display for Pull<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.entry, self.cause)
    }
}

/// Which joins and prunes IGMP hears of ([CL-6](crate::specification#cl-6)); read once, when it registers.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AlertMode {
    /// None: IGMP pulls nothing, so it need not know what others want.
    #[default]
    None,
    /// Those that any other client would get: for an IGMP that forwards upstream, as a proxy does (RFC 4605).
    JoinsAndPrunes,
}

/// An alert as a value. Each variant is one callback of [`ProtocolCallbacks`](crate::ProtocolCallbacks), which says
/// what it means.
///
/// # Example: alerts in a channel
///
/// ```
/// use std::sync::mpsc::{Sender, channel};
/// use mgm::{Alert, AlertCause, ClientId, ClientRef, Mgm, NoCallbacks, ProtocolCallbacks};
///
/// struct Bridge(Sender<Alert>);
///
/// impl ProtocolCallbacks for Bridge {
///     fn alert(&self, _: &ClientRef, alert: Alert) {
///         self.0.send(alert).ok();
///     }
/// }
///
/// let (alerts, received) = channel();
/// let mgm = Mgm::new();
/// let _pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Bridge(alerts))?;
/// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
/// dvmrp.take_interface_ownership(3.try_into()?)?;
/// dvmrp.add_group_membership(3.try_into()?, "(*, 239.1.1.1)".parse()?)?;
/// assert_eq!(received.recv()?.to_string(), "join_alert (*, 239.1.1.1), membership");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// With the feature `serde` it is written as `{"alert": "join", "entry": .., "cause": ..}`.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "alert", rename_all = "snake_case", bound = "A: crate::Address"))]
pub enum Alert<A = Ipv4Addr> {
    /// Others want the entry from now on: pull it.
    Join {
        /// What to pull.
        entry: Entry<A>,
        /// Why.
        cause: AlertCause,
    },
    /// Nobody else wants the entry any more: stop pulling it.
    Prune {
        /// What to stop pulling.
        entry: Entry<A>,
        /// Why it was pulled.
        cause: AlertCause,
    },
    /// IGMP holds a membership on an interface of the client.
    LocalJoin {
        /// The interface.
        interface: Interface<A>,
        /// What IGMP wants there.
        entry: Entry<A>,
    },
    /// IGMP holds it no more, or the interface is the client's no more.
    LocalLeave {
        /// The interface.
        interface: Interface<A>,
        /// What IGMP wanted there.
        entry: Entry<A>,
    },
    /// IGMP blocks a source on an interface of the client.
    LocalBlock {
        /// The interface.
        interface: Interface<A>,
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// IGMP blocks it no more, or the interface is the client's no more.
    LocalUnblock {
        /// The interface.
        interface: Interface<A>,
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// A packet came in on an interface of the client, which is not the iif of its entry.
    WrongInterface {
        /// Where it came in.
        interface: Interface<A>,
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// The beginning of the packet, as the forwarder showed it.
        header: Arc<[u8]>,
    },
    /// An interface that the client was on is gone, with all its links.
    InterfaceRemoved {
        /// The index of the interface.
        index: NonZeroU32,
    },
}

/// How many there are of [`Alert::rank`].
pub(crate) const RANKS: usize = 9;

impl<A> Alert<A> {
    /// [CT-6](crate::specification#ct-6): nobody is told to stop before it is told of what goes on. First what begins, then what ends; within each
    /// local alerts, then those of forwarding entries, then those of memberships.
    pub(crate) const fn rank(&self) -> usize {
        match self {
            Self::LocalUnblock { .. } => 0,
            Self::LocalJoin { .. } => 1,
            Self::Join { cause: AlertCause::ForwardingEntry, .. } => 2,
            Self::Join { cause: AlertCause::Membership, .. } => 3,
            Self::LocalLeave { .. } => 4,
            Self::LocalBlock { .. } => 5,
            Self::Prune { cause: AlertCause::ForwardingEntry, .. } => 6,
            Self::Prune { cause: AlertCause::Membership, .. } => 7,
            Self::WrongInterface { .. } | Self::InterfaceRemoved { .. } => RANKS - 1,
        }
    }

    /// The callback that brings it.
    #[must_use]
    pub const fn callback(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join_alert",
            Self::Prune { .. } => "prune_alert",
            Self::LocalJoin { .. } => "local_join",
            Self::LocalLeave { .. } => "local_leave",
            Self::LocalBlock { .. } => "local_block",
            Self::LocalUnblock { .. } => "local_unblock",
            Self::WrongInterface { .. } => "wrong_interface",
            Self::InterfaceRemoved { .. } => "interface_removed",
        }
    }
}

impl<A: Copy> Alert<A> {
    /// What a join begins, or a prune ends; no other alert has one.
    #[must_use]
    pub const fn pull(&self) -> Option<Pull<A>> {
        match *self {
            Self::Join { entry, cause } | Self::Prune { entry, cause } => Some(Pull { entry, cause }),
            Self::LocalJoin { .. }
            | Self::LocalLeave { .. }
            | Self::LocalBlock { .. }
            | Self::LocalUnblock { .. }
            | Self::WrongInterface { .. }
            | Self::InterfaceRemoved { .. } => None,
        }
    }
}

/// Prints as `join_alert (*, 239.1.1.1), membership`, or `local_join (*, 239.1.1.1) on 3`.
impl<A: fmt::Display> fmt::Display for Alert<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.callback())?;
        match self {
            Self::Join { entry, cause } | Self::Prune { entry, cause } => write!(f, "{entry}, {cause}"),
            Self::LocalJoin { interface, entry } | Self::LocalLeave { interface, entry } => {
                write!(f, "{entry} on {interface}")
            }
            Self::LocalBlock { interface, source, group }
            | Self::LocalUnblock { interface, source, group }
            | Self::WrongInterface { interface, source, group, .. } => {
                write!(f, "({source}, {group}) on {interface}")
            }
            Self::InterfaceRemoved { index } => write!(f, "{index}"),
        }
    }
}
