//! The Linux forwarder, on real kernels' tables, with real packets: each test in network namespaces of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a missing link is a failed test")]

mod pim;
mod streams;
mod world;

mod entries;
mod handovers;
mod interfaces;
mod opening;
mod packets;
mod registers;
