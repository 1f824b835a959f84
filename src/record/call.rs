//! What a manager is asked.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::moment::Moment;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::AlertMode;
use crate::types::client::ClientId;
use crate::types::creation::CreationMode;
use crate::types::forwarding::ForwarderError;
use crate::types::interface::Interface;
use crate::types::membership::MembershipChange;
use crate::view::ForwardState;

/// A call of the manager with all that it was given: each variant is a method of [`Mgm`](crate::Mgm) or
/// [`ClientRef`](crate::ClientRef).
///
/// Readers without any effect, as [`groups`](crate::Mgm::groups), are not recorded.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: Address"))]
pub enum Call<A: Address = Ipv4Addr> {
    /// [`register_igmp`](crate::Mgm::register_igmp).
    RegisterIgmp {
        /// What it answered [`alert_mode`](crate::IgmpCallbacks::alert_mode).
        alerts: AlertMode,
    },
    /// [`register_protocol`](crate::Mgm::register_protocol).
    RegisterProtocol {
        /// Its id.
        id: ClientId,
        /// What it answered [`creation_mode`](crate::ProtocolCallbacks::creation_mode).
        creation: CreationMode,
    },
    /// [`register_polled_igmp`](crate::Mgm::register_polled_igmp).
    RegisterPolledIgmp {
        /// What it answered [`alert_mode`](crate::HandoverCallbacks::alert_mode).
        alerts: AlertMode,
    },
    /// [`register_polled_protocol`](crate::Mgm::register_polled_protocol).
    RegisterPolledProtocol {
        /// Its id.
        id: ClientId,
        /// What it answered [`creation_mode`](crate::Questions::creation_mode).
        creation: CreationMode,
    },
    /// [`deregister`](crate::Client::deregister).
    Deregister,
    /// The [`Client`](crate::Client) is dropped.
    Drop,
    /// [`take_interface_ownership`](crate::ClientRef::take_interface_ownership).
    Take {
        /// The interface.
        interface: Interface<A>,
    },
    /// [`release_interface_ownership`](crate::ClientRef::release_interface_ownership).
    Release {
        /// The interface.
        interface: Interface<A>,
    },
    /// One add, delete, block or unblock.
    Change {
        /// Where.
        interface: Interface<A>,
        /// What.
        change: MembershipChange<A>,
    },
    /// [`batch`](crate::ClientRef::batch).
    Batch {
        /// Where.
        interface: Interface<A>,
        /// What, in order.
        changes: Vec<MembershipChange<A>>,
    },
    /// [`set_group`](crate::ClientRef::set_group) with [`Filter::Include`](crate::Filter::Include).
    Include {
        /// Where.
        interface: Interface<A>,
        /// The group.
        group: GroupAddr<A>,
        /// The only sources that are wanted.
        sources: Vec<SourceAddr<A>>,
    },
    /// [`set_group`](crate::ClientRef::set_group) with [`Filter::Exclude`](crate::Filter::Exclude).
    Exclude {
        /// Where.
        interface: Interface<A>,
        /// The group.
        group: GroupAddr<A>,
        /// The only sources that are not wanted.
        sources: Vec<SourceAddr<A>>,
    },
    /// [`begin_refresh`](crate::ClientRef::begin_refresh).
    BeginRefresh {
        /// Where.
        interface: Interface<A>,
        /// When it ends by itself.
        deadline: Moment,
    },
    /// [`Refresh::end`](crate::Refresh::end).
    EndRefresh {
        /// Where.
        interface: Interface<A>,
        /// The number with which [`Answer::Begun`](super::Answer::Begun) answered its beginning.
        refresh: u64,
    },
    /// [`offer_interface`](crate::ClientRef::offer_interface).
    Offer {
        /// The interface.
        interface: Interface<A>,
        /// To whom.
        to: ClientId,
    },
    /// [`withdraw_offer`](crate::ClientRef::withdraw_offer).
    WithdrawOffer {
        /// The interface.
        interface: Interface<A>,
    },
    /// [`set_forward_state`](crate::ClientRef::set_forward_state).
    SetForwardState {
        /// The interface.
        interface: Interface<A>,
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// On, off, or neither.
        state: Option<ForwardState>,
    },
    /// [`set_mfe`](crate::ClientRef::set_mfe).
    SetMfe {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// Where its packets are to arrive.
        iif: Interface<A>,
        /// The upstream neighbour.
        upstream: Option<A>,
    },
    /// [`set_mfe_timeout`](crate::ClientRef::set_mfe_timeout).
    SetMfeTimeout {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// How long it lives.
        timeout: Duration,
    },
    /// [`set_wrong_interface_alerts`](crate::ClientRef::set_wrong_interface_alerts).
    SetWrongInterfaceAlerts {
        /// The interface.
        interface: Interface<A>,
        /// Whether the client is to hear of them.
        on: bool,
    },
    /// [`when_settled`](crate::Mgm::when_settled).
    WhenSettled {
        /// The interface.
        interface: Interface<A>,
    },
    /// [`interface_removed`](crate::Mgm::interface_removed).
    InterfaceRemoved {
        /// The index of the interface.
        index: NonZeroU32,
    },
    /// [`packet_received`](crate::Mgm::packet_received).
    PacketReceived {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// Where it came in.
        arrival: Interface<A>,
        /// What the forwarder showed of it.
        header: Vec<u8>,
        /// When.
        now: Moment,
    },
    /// [`packet_on_wrong_interface`](crate::Mgm::packet_on_wrong_interface).
    PacketOnWrongInterface {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// Where it came in.
        arrival: Interface<A>,
        /// What the forwarder showed of it.
        header: Vec<u8>,
        /// When.
        now: Moment,
    },
    /// [`routes_changed`](crate::Mgm::routes_changed).
    RoutesChanged {
        /// Which routes.
        prefix: A::Net,
    },
    /// [`expire`](crate::Mgm::expire).
    Expire {
        /// The time.
        now: Moment,
    },
    /// [`forwarder_failed`](crate::Mgm::forwarder_failed).
    ForwarderFailed {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
        /// Why.
        #[cfg_attr(feature = "serde", serde(with = "super::failure"))]
        error: ForwarderError,
    },
    /// [`forwarder_restarted`](crate::Mgm::forwarder_restarted).
    ForwarderRestarted,
    /// [`mfe_stats`](crate::Mgm::mfe_stats).
    MfeStats {
        /// The source.
        source: SourceAddr<A>,
        /// The group.
        group: GroupAddr<A>,
    },
    /// [`show`](crate::Mgm::show).
    Show {
        /// The time.
        now: Moment,
    },
}

impl<A: Address> Call<A> {
    /// The method that is called.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::RegisterIgmp { .. } => "register_igmp",
            Self::RegisterProtocol { .. } => "register_protocol",
            Self::RegisterPolledIgmp { .. } => "register_polled_igmp",
            Self::RegisterPolledProtocol { .. } => "register_polled_protocol",
            Self::Deregister => "deregister",
            Self::Drop => "drop",
            Self::Take { .. } => "take_interface_ownership",
            Self::Release { .. } => "release_interface_ownership",
            Self::Change { change, .. } => match change {
                MembershipChange::Add(_) => "add_group_membership",
                MembershipChange::Delete(_) => "delete_group_membership",
                MembershipChange::Block(..) => "block_source",
                MembershipChange::Unblock(..) => "unblock_source",
            },
            Self::Batch { .. } => "batch",
            Self::Include { .. } | Self::Exclude { .. } => "set_group",
            Self::BeginRefresh { .. } => "begin_refresh",
            Self::EndRefresh { .. } => "end_refresh",
            Self::Offer { .. } => "offer_interface",
            Self::WithdrawOffer { .. } => "withdraw_offer",
            Self::SetForwardState { .. } => "set_forward_state",
            Self::SetMfe { .. } => "set_mfe",
            Self::SetMfeTimeout { .. } => "set_mfe_timeout",
            Self::SetWrongInterfaceAlerts { .. } => "set_wrong_interface_alerts",
            Self::WhenSettled { .. } => "when_settled",
            Self::InterfaceRemoved { .. } => "interface_removed",
            Self::PacketReceived { .. } => "packet_received",
            Self::PacketOnWrongInterface { .. } => "packet_on_wrong_interface",
            Self::RoutesChanged { .. } => "routes_changed",
            Self::Expire { .. } => "expire",
            Self::ForwarderFailed { .. } => "forwarder_failed",
            Self::ForwarderRestarted => "forwarder_restarted",
            Self::MfeStats { .. } => "mfe_stats",
            Self::Show { .. } => "show",
        }
    }

    fn fmt_object(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterIgmp { .. }
            | Self::RegisterPolledIgmp { .. }
            | Self::Deregister
            | Self::Drop
            | Self::Expire { .. }
            | Self::ForwarderRestarted
            | Self::Show { .. } => Ok(()),
            Self::RegisterProtocol { id, .. } | Self::RegisterPolledProtocol { id, .. } => write!(f, " {id}"),
            Self::Take { interface }
            | Self::Release { interface }
            | Self::WithdrawOffer { interface }
            | Self::WhenSettled { interface }
            | Self::BeginRefresh { interface, .. }
            | Self::EndRefresh { interface, .. } => write!(f, " {interface}"),
            Self::Change { interface, change } => write!(f, " {} on {interface}", change.entry()),
            Self::Batch { interface, changes } => write!(f, " of {} on {interface}", changes.len()),
            Self::Include { interface, group, sources } => {
                write!(f, " {group} include {} on {interface}", List(sources))
            }
            Self::Exclude { interface, group, sources } => {
                write!(f, " {group} exclude {} on {interface}", List(sources))
            }
            Self::Offer { interface, to } => write!(f, " {interface} to {to}"),
            Self::SetForwardState { interface, source, group, state } => {
                let state = match state {
                    Some(ForwardState::On) => "on",
                    Some(ForwardState::Off) => "off",
                    None => "neither",
                };
                write!(f, " ({source}, {group}) on {interface}: {state}")
            }
            Self::SetMfe { source, group, iif, .. } => write!(f, " ({source}, {group}) from {iif}"),
            Self::SetMfeTimeout { source, group, timeout } => {
                write!(f, " ({source}, {group}): {} s", timeout.as_secs())
            }
            Self::SetWrongInterfaceAlerts { interface, on } => {
                write!(f, " {interface}: {}", if *on { "on" } else { "off" })
            }
            Self::InterfaceRemoved { index } => write!(f, " {index}"),
            Self::PacketReceived { source, group, arrival, .. }
            | Self::PacketOnWrongInterface { source, group, arrival, .. } => {
                write!(f, " ({source}, {group}) on {arrival}")
            }
            Self::RoutesChanged { prefix } => write!(f, " {prefix}"),
            Self::MfeStats { source, group } => write!(f, " ({source}, {group})"),
            Self::ForwarderFailed { source, group, error } => write!(f, " ({source}, {group}): {error}"),
        }
    }
}

/// Prints as `add_group_membership (*, 239.1.1.1) on 3`.
impl<A: Address> fmt::Display for Call<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method())?;
        self.fmt_object(f)
    }
}

struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (place, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if place == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}
