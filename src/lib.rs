//! The multicast group manager for Rust routing daemons.

mod builder;
mod callbacks;
mod client;
mod creation;
mod engine;
mod error;
mod forwarder;
mod groups;
mod handover;
mod limits;
mod mfes;
mod mgm;
mod outbox;
mod panics;
mod registration;
mod rib;
mod routing;
mod shared;
mod types;
mod view;

// The public interface is:
pub use builder::Builder;
pub use callbacks::{
    AlertCause, CreationMode, CreationOif, IgmpCallbacks, NewMfe, NoCallbacks, ProtocolCallbacks, RpfRequest,
};
pub use client::{Client, ClientRef, DeregisterError};
pub use error::{Error, Limit};
pub use forwarder::{Forwarder, ForwarderError, ForwardingEntry, MemoryForwarder, MfeStats, NoForwarder};
#[cfg(all(feature = "linux", target_os = "linux"))]
pub use forwarder::{IgmpPacket, LinuxForwarder, LinuxForwarderBuilder, OpenError, Upcall};
pub use groups::Groups;
pub use limits::Limits;
pub use mfes::Mfes;
pub use mgm::Mgm;
#[cfg(feature = "route-table")]
pub use rib::RouteTable;
pub use rib::{Rib, Route};
pub use types::address::{Address, AddressError, GroupAddr, SourceAddr};
pub use types::client::{ClientId, ClientName};
pub use types::entry::{Entry, EntryError};
pub use types::interface::{Interface, InterfaceError};
pub use view::{Change, Failure, ForwardState, InterfaceStatus, Membership, MembershipKind, Mfe};
