//! What has to hold in every order of a few threads, tried in many orders of the code that ships.
//!
//! With `--cfg shuttle` the lock, the atomics and the thread locals of the manager, and the threads of these
//! tests, are those of [`shuttle`]: it runs one thread at a time and chooses at each of them who goes on.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test --release --test schedules
//! ```
//!
//! Every test is one scenario, in [`SCHEDULES`](check::SCHEDULES) schedules of each scheduler, or as many as
//! `MGM_SCHEDULES` says. They are the same in every run: `SHUTTLE_RANDOM_SEED=1` chooses others. Where one
//! fails, the schedule is printed ("pass that string to `shuttle::replay`"); to run that one alone, all its
//! lines between the quotes:
//!
//! ```text
//! MGM_SCHEDULE="9101..." RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle \
//!     cargo test --release --test schedules NAME_OF_THE_TEST
//! ```
//!
//! A panic inside a callback is the manager's to catch, so nothing is asserted there: what does not hold goes to
//! [`Violations`](violations::Violations), and the scenario fails at its end.
#![cfg(shuttle)]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod alarm;
mod alerts;
mod callbacks;
mod check;
mod deregistration;
mod entries;
mod forwarder;
mod handovers;
mod igmp;
mod names;
mod news;
mod protocol;
mod renewals;
mod rib;
mod routes;
mod told;
mod violations;
mod world;
