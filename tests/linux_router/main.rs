//! The router example with real hosts, senders and packets: each test in network namespaces of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a missing link is a failed test")]

#[path = "../netns/mod.rs"]
mod netns;

// For the hand-over, the router without its process.
#[expect(dead_code, reason = "the example's process needs more of it")]
#[path = "../../examples/linux_router/family.rs"]
mod family;
#[expect(dead_code, reason = "the example's process needs more of it")]
#[path = "../../examples/linux_router/igmp/mod.rs"]
mod igmp;
#[expect(dead_code, reason = "the example's process needs more of it")]
#[path = "../../examples/linux_router/netlink.rs"]
mod netlink;
#[path = "../../examples/linux_router/packet.rs"]
mod packet;
#[expect(dead_code, reason = "the hand-over example reads whole IP packets, too")]
#[path = "../../examples/handover/report.rs"]
mod report;
#[expect(dead_code, reason = "the example's process needs more of it")]
#[path = "../../examples/linux_router/router.rs"]
mod router;
#[path = "../../examples/linux_router/routes.rs"]
mod routes;
#[path = "../../examples/linux_router/static_protocol.rs"]
mod static_protocol;
#[expect(dead_code, reason = "the example's process needs more of it")]
#[path = "../../examples/linux_router/system.rs"]
mod system;

mod daemon;
mod lan;
mod member;
mod traffic;

mod changes;
mod data;
mod handover;
mod process;
