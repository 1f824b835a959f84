//! The multicast group manager for routing daemons: several multicast routing protocols, and IGMP or MLD, share the
//! interfaces and the forwarding entries of one router. Each client says what it wants where, and is told what the
//! others want of it, by the rules of RFC 2715 and of Microsoft's MGM.
//!
//! ```
//! use mgm::{ClientId, ClientRef, Entry, IgmpCallbacks, Interface, Mgm, NoCallbacks};
//!
//! struct Igmp { joined: Vec<Entry> }
//!
//! impl IgmpCallbacks for Igmp {
//!     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
//!         for entry in &self.joined {
//!             igmp.add_group_membership(interface, *entry).expect("IGMP is on the interface");
//!         }
//!     }
//! }
//!
//! let mgm = Mgm::new();
//! let joined: Entry = "(*, 239.1.1.1)".parse()?;
//! let igmp = mgm.register_igmp(Igmp { joined: vec![joined] })?;
//! let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
//! let eth0 = Interface::try_from(1)?;
//! igmp.take_interface_ownership(eth0)?;
//! igmp.add_group_membership(eth0, joined)?;
//! assert_eq!(mgm.groups().next().unwrap().counts_for, igmp.name());
//!
//! // disable_igmp; the owner changes, and IGMP's memberships are withdrawn; enable_igmp, which adds them again.
//! pim.take_interface_ownership(eth0)?;
//! assert_eq!(mgm.groups().next().unwrap().counts_for, pim.name());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!       IgmpCallbacks · ProtocolCallbacks               Forwarder             Rib
//!                       ▲                                   ▲                  ▲
//!                       │ calls at once, alerts in order    │ changes          │ look-ups
//!                       │                                   │                  │        no lock is held
//!     ──────────────────┴───────────────────────────────────┴──────────────────┴───────────────────────
//!     you ─► Client · Mgm ─► lock ─► engine ─► effects ─► outboxes ─► unlock ─► deliver
//!              │
//!              ├── handover   disable_igmp ─► engine: change the owner ─► enable_igmp
//!              ├── creation   Rib ─► rpf ─► creation_alert ─► engine: install the entry
//!              └── routing    Rib ─► rpf ─► engine: move the entries
//! ```
//!
//! - `engine`: all state and all rules, as a plain state machine without lock, callback, clock or I/O.
//! - `outbox`: the news that waits for each client, filled under the lock and delivered without it.
//! - `handover`, `creation`, `routing`: what asks a question in the middle, and so takes several steps.
//! - The edges are four traits: [`IgmpCallbacks`] and [`ProtocolCallbacks`], for clients that need none
//!   [`NoCallbacks`]; [`Forwarder`], to forward nothing [`NoForwarder`], on paper [`MemoryForwarder`]; and [`Rib`],
//!   without which no source has a route.
//!
//! # Overview
//!
//! - A *client* is registered with a manager, [`Mgm`]: IGMP, or one instance of a routing protocol, named by a
//!   [`ClientId`]. Its handle is a [`Client`]; dropping that gives back all that it holds.
//! - An [`Interface`] is an index, and on a point-to-multipoint interface the next hop. Its *owner* is the one
//!   routing protocol that took it, or else IGMP. IGMP may be on an interface beside the owner; when the owner
//!   changes, the interface is *handed over* between `disable_igmp` and `enable_igmp`.
//! - An [`Entry`] is (\*,\*), (\*,G) or (S,G). A client holds a [`Membership`] of an entry on an interface: it
//!   wants it there, or, as IGMPv3's EXCLUDE, blocks it. What IGMP wants counts for the owner of the interface.
//! - An [`Mfe`] is a multicast forwarding entry: an (S,G), the *iif* where its packets have to arrive, and the
//!   *oifs*, where they go. It is made when the [`Forwarder`] reports a packet. The iif is the interface toward the
//!   source by the [`Rib`], unless its owner answers `rpf` with another of its own; the oifs are where it is
//!   wanted.
//! - *Alerts* are news. `join_alert` and `prune_alert` say what others want: a protocol has been told to pull
//!   (\*,G) or (\*,\*) exactly while some other client wants it, and (S,G) if it owns the interface toward S as
//!   well. The owner of an iif also hears when others empty or fill the oifs. `local_join` and `local_leave` tell
//!   the owner of an interface what IGMP does there.
//!
//! All of one manager is of one family: `Mgm` is `Mgm<Ipv4Addr>`, and `Mgm<Ipv6Addr>` is the other; there "IGMP"
//! stands for MLD. [`Mgm::show`] prints all of it. Codes as `CB-2` name the statements of the specification that
//! the code keeps.
//!
//! # Guarantees
//!
//! **Refusals.** An [`Error`] means that nothing has changed, and nobody was called or told.
//!
//! **Order.** The state changes first, then comes the news of it: inside an alert, what caused it can be read
//! (CB-2). One client's alerts arrive one at a time, in the order in which the state changed, on however many
//! threads (CB-3). A call returns after the alerts that it caused have been delivered, unless another thread is
//! delivering to the same client; inside a callback, they are delivered after that has returned (CB-4).
//!
//! **Locks.** There is one, and none is held while a callback, a forwarder or a RIB runs or is dropped (CB-1). No
//! method waits for a callback that runs on another thread. A daemon must not hold a lock of its own, that its
//! callbacks take, while it calls.
//!
//! **Re-entrancy.** Callbacks may call anything, adding inside `enable_igmp` included. What cannot be, a second
//! hand-over of an interface that is being handed over, is refused at once ([`Error::HandoverInProgress`]).
//!
//! **The hand-over.** Every `disable_igmp` is followed by exactly one `enable_igmp`, whatever happens in between:
//! an error, a panic, a protocol that goes away (HO-6).
//!
//! **Panics.** A panic in a callback, forwarder or RIB is caught, reported through `tracing` and counted
//! ([`Mgm::caught_panics`]); the caller whose call led to it is not harmed (CB-5). This needs panics that unwind:
//! under `panic = "abort"` they end the process. The crate itself does not panic.
//!
//! **Nothing leaks.** What a client holds goes with its interfaces, and those with its handle. The forwarder holds
//! exactly the manager's entries, but for what it refused, which is marked, retried and shown; it is emptied when
//! the manager goes (FW-12).
//!
//! # Trade-offs
//!
//! - Alerts run on the thread whose call caused them. No thread of the crate's own delays or loses them, but a slow
//!   callback makes others' calls slow: queue what takes long.
//! - A hand-over withdraws IGMP's memberships before `enable_igmp` adds them again. Nobody counts twice, and
//!   nothing is taken over unasked; for that moment the interface is no oif for them, and others hear a prune and a
//!   join.
//! - One lock makes each change and all its consequences one step that others see whole or not at all. Changes do
//!   not run in parallel; enumerations take the lock for one page at a time.
//! - Nothing here reads a clock or sleeps. Time is passed in, so that tests can turn it, and a daemon has to call
//!   [`Mgm::expire`] when that says so.
//! - What the RIB answered is kept for each source in use: routes that change have to be reported
//!   ([`Mgm::routes_changed`]).
//!
//! # What it does not do
//!
//! - It speaks no protocol: IGMP, MLD and the routing protocols are its clients. It reads no routing table, and opens
//!   no socket but those of `LinuxForwarder`.
//! - Groups and sources are single addresses, not prefixes; nor are there BGMP's dispatcher and domain-wide reports
//!   (RFC 2715 §3.2).
//! - It does not tell a client what follows from the client's own acts. An owner of an iif that drops its own last
//!   oif hears of no prune, and looks at [`Mgm::mfe`] for what others left.
//! - It does not limit anybody unless [`Limits`] are set: hosts choose the groups, so set some.
//! - TTL thresholds and boundaries are policy: answers to `creation_alert` can carry them out.
//!
//! # Differences from Microsoft's MGM
//!
//! | | Microsoft's MGM | this crate |
//! |---|---|---|
//! | IGMP adds inside `enable_igmp` | deadlocks, says its documentation | allowed |
//! | `wrong_interface` | documented as not implemented | works; switched on for each interface, once in 3 s for an entry |
//! | families | IPv4 | IPv4, IPv6 |
//! | counting of (\*,\*) | undefined | its own counters, by the rules of (\*,G) |
//! | what IGMP adds beside a protocol | undefined for whom it counts | for the owner of the interface |
//! | duplicate adds, deletes of what is not there | undefined | a membership is in a set: no change, no error |
//! | memberships on a released interface | undefined | deleted, with all the alerts of deleting them one by one |
//! | (S,G) when the interface toward S gets its owner later | not documented | the new owner gets its join alerts |
//! | route changes | no new `rpf` documented | [`Mgm::routes_changed`]: `rpf`, entries move, alerts follow |
//! | setting an MFE | the upstream neighbour | the iif too |
//! | end of an MFE's life | deleted after 900 s | made anew in place if it carried packets |
//! | `creation_alert` | who has oifs, to disable them | also all protocols, to enable theirs ([`CreationMode::Always`]) |
//! | sources excluded by IGMPv3 | none | [`block_source`](ClientRef::block_source), which takes away only the client's own |
//! | limits | none documented | [`Limits`]; an add at a limit is refused |
//! | faults of a callback | none documented | a panic is caught, reported and counted |
//! | enumeration | cookies and buffers | iterators: [`Mgm::groups`], [`Mgm::mfes`] |
//! | handles | to be kept by the client | owned; dropping one releases and deregisters |
//!
//! The names of its functions and callbacks are search aliases here: look for `MgmTakeInterfaceOwnership`.
//!
//! # Crate features
//!
//! None is on by default, and none changes what the others do.
//!
//! - `linux`: `LinuxForwarder`, a [`Forwarder`] on the kernel's multicast routing tables; nothing on other systems.
//! - `route-table`: `RouteTable`, a [`Rib`] for a daemon that has none of its own.
//! - `serde`: what can be shown can be serialised: a [`Snapshot`], and all that is in it.
//!
//! # MSRV
//!
//! Rust 1.88. A release that needs a newer one counts as a minor release.

mod builder;
mod callbacks;
mod client;
mod engine;
mod error;
mod forwarder;
mod groups;
#[cfg(feature = "serde")]
mod json;
mod limits;
#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux;
mod lock;
mod manager;
mod mfes;
mod mgm;
mod outcomes;
mod refresh;
mod rib;
mod show;
mod types;
mod view;

// The public interface is:
pub use builder::Builder;
pub use callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
pub use client::{Client, ClientRef, DeregisterError};
pub use error::{Error, Limit};
pub use forwarder::{Forwarder, MemoryForwarder, NoForwarder};
pub use groups::Groups;
pub use limits::Limits;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub use linux::{IgmpPacket, LinuxForwarder, LinuxForwarderBuilder, OpenError, Upcall};
pub use mfes::Mfes;
pub use mgm::Mgm;
pub use outcomes::Outcomes;
pub use refresh::Refresh;
pub use rib::Rib;
#[cfg(feature = "route-table")]
pub use rib::RouteTable;
pub use show::{MfeSnapshot, Snapshot};
pub use types::address::{Address, AddressError, GroupAddr, HostAddr, SourceAddr};
pub use types::alert::{Alert, AlertCause, AlertMode};
pub use types::client::{ClientId, ClientName};
pub use types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
pub use types::entry::{Entry, EntryError};
pub use types::forwarding::{ForwarderError, ForwardingEntry, MfeStats, OifStats};
pub use types::interface::{Interface, InterfaceError};
pub use types::membership::{Filter, MembershipChange};
pub use types::route::Route;
pub use view::{
    Change, Failure, ForwardState, Handover, InterfaceStatus, Membership, MembershipKind, Mfe, MfeFailure,
};
