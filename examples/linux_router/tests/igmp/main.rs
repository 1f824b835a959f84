//! The router side of IGMP and MLD: RFC 9776 and RFC 9777, without packets on a wire, and against a manager.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failed test")]

mod fuzz;
mod lan;
mod manager;
mod model;
mod packets;
mod querier;
mod tables;
mod timers;
mod troubles;
