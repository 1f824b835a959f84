//! The router with real hosts, senders and packets: each test in network namespaces of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a missing link is a failed test")]

mod daemon;
mod lan;
mod member;
mod queries;
mod wire;

mod changes;
mod data;
mod handover;
mod operator;
mod process;
mod proxy;
mod troubles;
