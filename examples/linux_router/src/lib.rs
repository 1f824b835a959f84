//! A router for the multicast of IGMPv2, IGMPv3 and MLDv2 hosts, on Linux, made with the multicast group manager.
//!
//! [`igmp`] is the router side of IGMP and MLD as a client of the manager: a querier for any daemon, without I/O and
//! without a clock. The rest is what a process needs around it: the kernel's interfaces and routes, packets, signals.
#![cfg(target_os = "linux")]
#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "it is not published")]

pub mod arguments;
mod control;
mod daemon;
pub mod family;
pub mod hearing;
pub mod igmp;
mod link_layer;
mod log;
pub mod memory;
pub mod names;
mod netlink;
mod proxy;
pub mod router;
mod routes;
pub mod scout;
pub mod settings;
mod show;
mod signals;
mod source_request;
mod static_protocol;
pub mod system;
mod tally;
mod vifs;
mod why;
