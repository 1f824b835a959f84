//! The router side of IGMP and MLD in the router example: RFC 9776 and RFC 9777, against a manager.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failed test")]

#[path = "../../examples/linux_router/igmp/mod.rs"]
mod igmp;
#[path = "../../examples/linux_router/packet.rs"]
mod packet;
#[path = "../../examples/handover/report.rs"]
mod report;

mod lan;
mod manager;
mod model;
mod packets;
mod querier;
mod tables;
mod timers;
