//! The router example with real hosts, senders and packets: each test in network namespaces of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a missing link is a failed test")]

#[path = "../netns/mod.rs"]
mod netns;

mod daemon;
mod lan;
mod member;
mod traffic;

mod changes;
mod data;
mod process;
