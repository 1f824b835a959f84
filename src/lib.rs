//! The multicast group manager for Rust routing daemons.

mod builder;
mod callbacks;
mod client;
mod engine;
mod error;
mod groups;
mod handover;
mod limits;
mod mgm;
mod outbox;
mod registration;
mod shared;
mod types;
mod view;

// The public interface is:
pub use builder::Builder;
pub use callbacks::{AlertCause, IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
pub use client::{Client, ClientRef, DeregisterError};
pub use error::{Error, Limit};
pub use groups::Groups;
pub use limits::Limits;
pub use mgm::Mgm;
pub use types::address::{Address, AddressError, GroupAddr, SourceAddr};
pub use types::client::{ClientId, ClientName};
pub use types::entry::{Entry, EntryError};
pub use types::interface::{Interface, InterfaceError};
pub use view::{Change, InterfaceStatus, Membership, MembershipKind};
