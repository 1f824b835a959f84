//! Why the manager refused.

use std::net::Ipv4Addr;

use crate::types::address::{Address, GroupAddr};
use crate::types::client::{ClientId, ClientName};
use crate::types::entry::Entry;
use crate::types::forwarding::ForwarderError;
use crate::types::interface::Interface;

/// Why the manager refused a request.
///
/// A refused request leaves the manager as it was, and nobody is called or told; but for
/// [`PartlyDone`](Self::PartlyDone). [`is_misuse`](Self::is_misuse) tells a caller's mistake from a state of the world. With
/// the feature `serde` it is written as `{"kind": "igmp_already_registered", "message": ..}`.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error<A: Address = Ipv4Addr> {
    /// A routing protocol is registered under this id, or one that is going away still holds it
    /// ([CL-1](crate::specification#cl-1)).
    #[error("protocol {id} is already registered")]
    AlreadyRegistered {
        /// The id that is taken.
        id: ClientId,
    },
    /// IGMP is registered, or is still going away; there is one IGMP at a time ([CL-2](crate::specification#cl-2)).
    #[error("IGMP is already registered")]
    IgmpAlreadyRegistered,
    /// The client has deregistered; only a callback that was running then, or a clone of its
    /// [`ClientRef`](crate::ClientRef), can still ask ([CL-4](crate::specification#cl-4)).
    #[error("{client} has deregistered")]
    Deregistered {
        /// The client that is gone.
        client: ClientName,
    },
    /// A client that deregisters has to release its interfaces first ([CL-3](crate::specification#cl-3)).
    #[error("{client} is still on interface {}", list(interfaces))]
    StillOnInterfaces {
        /// The client.
        client: ClientName,
        /// What it is on, in the order of taking.
        interfaces: Vec<Interface<A>>,
    },
    /// Another routing protocol owns the interface ([IF-3](crate::specification#if-3)).
    #[error("interface {interface} is owned by {owner}")]
    OwnedByAnother {
        /// The interface asked for.
        interface: Interface<A>,
        /// Who owns it.
        owner: ClientName,
    },
    /// The client is on the interface already ([IF-3](crate::specification#if-3)).
    #[error("{client} is already on interface {interface}")]
    AlreadyTaken {
        /// The interface asked for.
        interface: Interface<A>,
        /// The client.
        client: ClientName,
    },
    /// The client is not on the interface that it releases ([IF-4](crate::specification#if-4)) or speaks of
    /// ([MB-1](crate::specification#mb-1)).
    #[error("{client} is not on interface {interface}, {}", owned(owner))]
    NotOnInterface {
        /// The interface.
        interface: Interface<A>,
        /// The client.
        client: ClientName,
        /// Who owns it, if anybody does.
        owner: Option<ClientName>,
    },
    /// The client is on the interface, but somebody else owns it: IGMP beside a protocol speaks for its
    /// memberships there, and for nothing else ([MB-5](crate::specification#mb-5),
    /// [FW-8](crate::specification#fw-8), [FW-10](crate::specification#fw-10),
    /// [IF-9](crate::specification#if-9)).
    #[error("{client} is on interface {interface}, which is owned by {owner}")]
    NotOwner {
        /// The interface.
        interface: Interface<A>,
        /// The client.
        client: ClientName,
        /// Who owns it.
        owner: ClientName,
    },
    /// No protocol is registered under this id, so nothing can be offered to it ([IF-9](crate::specification#if-9)).
    #[error("protocol {id} is not registered")]
    NotRegistered {
        /// The id.
        id: ClientId,
    },
    /// An interface cannot be offered to its owner ([IF-9](crate::specification#if-9)).
    #[error("{client} offers interface {interface} to itself")]
    OfferedToItself {
        /// The interface.
        interface: Interface<A>,
        /// Its owner.
        client: ClientName,
    },
    /// Only a routing protocol can offer an interface ([IF-9](crate::specification#if-9)).
    #[error("{client} cannot offer interface {interface}: it is no routing protocol")]
    NotOffered {
        /// The interface.
        interface: Interface<A>,
        /// The client.
        client: ClientName,
    },
    /// The interface is offered to somebody already: take that offer back first ([IF-9](crate::specification#if-9)).
    #[error("interface {interface} is offered to {to} already")]
    AlreadyOffered {
        /// The interface.
        interface: Interface<A>,
        /// To whom it is offered.
        to: ClientName,
    },
    /// A refresh of the client's has not ended on this interface ([HO-17](crate::specification#ho-17)).
    #[error("{client} is refreshing what it holds on interface {interface}")]
    RefreshInProgress {
        /// The interface.
        interface: Interface<A>,
        /// The client.
        client: ClientName,
    },
    /// The deadline of a refresh is not after the latest time that the manager was told
    /// ([HO-17](crate::specification#ho-17)).
    #[error("the deadline of the refresh on interface {interface} has passed")]
    DeadlinePassed {
        /// The interface.
        interface: Interface<A>,
    },
    /// IGMP was disabled on the interface before all of a group filter was set; what had been set stays
    /// ([MB-9](crate::specification#mb-9)).
    #[error("the filter of group {group} is set in part: interface {interface} is changing hands")]
    PartlyDone {
        /// The interface.
        interface: Interface<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// The interface is changing hands, or the client is leaving it ([HO-7](crate::specification#ho-7)): ask again when
    /// [`when_settled`](crate::Mgm::when_settled) says that it is over.
    #[error("interface {interface} is being handed over")]
    HandoverInProgress {
        /// The interface.
        interface: Interface<A>,
    },
    /// IGMP must not add or delete here before `enable_igmp` is invoked ([HO-2](crate::specification#ho-2)): remember it,
    /// and do it there.
    #[error("IGMP is disabled on interface {interface} during its hand-over")]
    IgmpDisabled {
        /// The interface.
        interface: Interface<A>,
    },
    /// A group in the SSM range can be joined from a source only (RFC 4607 §5.2; [MB-4](crate::specification#mb-4)).
    #[error("group {group} is in the source-specific range {range}, and (*, {group}) names no source")]
    SourceRequired {
        /// The group.
        group: GroupAddr<A>,
        /// The range that it is in.
        range: A::Net,
    },
    /// There is no forwarding entry for this (S,G) ([MB-5](crate::specification#mb-5),
    /// [FW-8](crate::specification#fw-8)).
    #[error("there is no forwarding entry {entry}")]
    NoSuchMfe {
        /// The (S,G).
        entry: Entry<A>,
    },
    /// Only the owner of the iif may change a forwarding entry ([FW-7](crate::specification#fw-7),
    /// [FW-8](crate::specification#fw-8)).
    #[error("{client} does not own the incoming interface of {entry}, {}", owned(owner))]
    NotIncoming {
        /// The (S,G).
        entry: Entry<A>,
        /// The client.
        client: ClientName,
        /// Who owns it, if anybody does.
        owner: Option<ClientName>,
    },
    /// The forwarder cannot tell ([EN-3](crate::specification#en-3)).
    #[error("the forwarder cannot tell")]
    Forwarder(#[source] ForwarderError),
    /// A configured limit is reached ([MB-7](crate::specification#mb-7)).
    #[error("limit reached: {0}")]
    LimitReached(Limit<A>),
}

impl<A: Address> Error<A> {
    /// Whether reading the calling code would show the mistake: a wrong order of calls, or a request
    /// that can never be granted.
    ///
    /// The others are states of the world, and the same request may be granted later:
    /// [`OwnedByAnother`](Self::OwnedByAnother), [`NotRegistered`](Self::NotRegistered),
    /// [`AlreadyOffered`](Self::AlreadyOffered), [`HandoverInProgress`](Self::HandoverInProgress),
    /// [`IgmpDisabled`](Self::IgmpDisabled), [`PartlyDone`](Self::PartlyDone), [`Deregistered`](Self::Deregistered),
    /// [`NoSuchMfe`](Self::NoSuchMfe), [`Forwarder`](Self::Forwarder) and [`LimitReached`](Self::LimitReached).
    ///
    /// # Example: retry or fix
    ///
    /// ```
    /// use mgm::{Error, Interface};
    ///
    /// let interface = Interface::<std::net::Ipv4Addr>::try_from(3)?;
    /// assert!(!Error::HandoverInProgress { interface }.is_misuse());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_misuse(&self) -> bool {
        match self {
            Self::AlreadyRegistered { .. }
            | Self::IgmpAlreadyRegistered
            | Self::StillOnInterfaces { .. }
            | Self::AlreadyTaken { .. }
            | Self::NotOnInterface { .. }
            | Self::NotOwner { .. }
            | Self::OfferedToItself { .. }
            | Self::NotOffered { .. }
            | Self::RefreshInProgress { .. }
            | Self::DeadlinePassed { .. }
            | Self::NotIncoming { .. }
            | Self::SourceRequired { .. } => true,
            Self::Deregistered { .. }
            | Self::OwnedByAnother { .. }
            | Self::NotRegistered { .. }
            | Self::AlreadyOffered { .. }
            | Self::PartlyDone { .. }
            | Self::HandoverInProgress { .. }
            | Self::IgmpDisabled { .. }
            | Self::NoSuchMfe { .. }
            | Self::Forwarder(_)
            | Self::LimitReached(_) => false,
        }
    }

    /// Its name, fixed for ever: for a counter's label, or a field of a log.
    ///
    /// # Example: what is counted
    ///
    /// ```
    /// # use mgm::{Error, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let _igmp = mgm.register_igmp(NoCallbacks)?;
    /// let refusal = mgm.register_igmp(NoCallbacks).unwrap_err();
    /// assert_eq!(refusal.kind(), "igmp_already_registered");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::IgmpAlreadyRegistered => "igmp_already_registered",
            Self::Deregistered { .. } => "deregistered",
            Self::StillOnInterfaces { .. } => "still_on_interfaces",
            Self::OwnedByAnother { .. } => "owned_by_another",
            Self::AlreadyTaken { .. } => "already_taken",
            Self::NotOnInterface { .. } => "not_on_interface",
            Self::NotOwner { .. } => "not_owner",
            Self::NotRegistered { .. } => "not_registered",
            Self::OfferedToItself { .. } => "offered_to_itself",
            Self::NotOffered { .. } => "not_offered",
            Self::AlreadyOffered { .. } => "already_offered",
            Self::RefreshInProgress { .. } => "refresh_in_progress",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::PartlyDone { .. } => "partly_done",
            Self::HandoverInProgress { .. } => "handover_in_progress",
            Self::IgmpDisabled { .. } => "igmp_disabled",
            Self::SourceRequired { .. } => "source_required",
            Self::NoSuchMfe { .. } => "no_such_mfe",
            Self::NotIncoming { .. } => "not_incoming",
            Self::Forwarder(_) => "forwarder",
            Self::LimitReached(_) => "limit_reached",
        }
    }
}

/// Which limit was reached, and how high it is ([MB-7](crate::specification#mb-7)).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Limit<A: Address = Ipv4Addr> {
    /// Memberships and blocks of all clients on all interfaces.
    #[error("{max} memberships and blocks in all")]
    Memberships {
        /// The limit.
        max: usize,
    },
    /// Memberships and blocks on one interface.
    #[error("{max} memberships and blocks on interface {interface}")]
    MembershipsOnInterface {
        /// The interface.
        interface: Interface<A>,
        /// The limit.
        max: usize,
    },
    /// Memberships and blocks that one client added.
    #[error("{max} memberships and blocks of {client}")]
    MembershipsOfClient {
        /// The client that added them.
        client: ClientName,
        /// The limit.
        max: usize,
    },
    /// Forwarding entries, with those in the making.
    #[error("{max} forwarding entries in all")]
    Mfes {
        /// The limit.
        max: usize,
    },
    /// Forwarding entries of one group, with those in the making.
    #[error("{max} forwarding entries of group {group}")]
    MfesOfGroup {
        /// The group.
        group: GroupAddr<A>,
        /// The limit.
        max: usize,
    },
    /// Alerts that wait for one client.
    #[error("{max} alerts waiting for {client}")]
    WaitingAlerts {
        /// The client that is slow to take its alerts.
        client: ClientName,
        /// The limit.
        max: usize,
    },
}

fn list<A: Address>(interfaces: &[Interface<A>]) -> String {
    interfaces.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn owned(owner: &Option<ClientName>) -> String {
    owner.map_or_else(|| "which nobody owns".to_owned(), |owner| format!("which is owned by {owner}"))
}
