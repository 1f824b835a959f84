//! A recording as a file, and the same again on another manager: a bug report is one file.
//!
//! [`write()`] makes of what a manager is asked and does ([`Builder::record`](crate::Builder::record)) lines of JSON, an
//! event a line. [`Recording::read`] reads them, and [`replay`] does on a new manager, with the recorded seed, what was done
//! on the recorded one: each call, and inside callbacks what was called there; clients, RIB and forwarder answer as they
//! did. So the new manager does the same, and says the same to everybody:
//!
//! ```
//! use std::io::BufReader;
//! use std::sync::{Arc, Mutex};
//! use mgm::replay::{Events, Recording, replay, write};
//! use mgm::{Mgm, NoCallbacks};
//!
//! # #[derive(Clone, Default)]
//! # struct File(Arc<Mutex<Vec<u8>>>);
//! # impl std::io::Write for File {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! let file = File::default(); // in a daemon, `std::fs::File::create("mgm.jsonl")?`
//! let mgm = Mgm::builder().record(write(file.clone())).build();
//! let igmp = mgm.register_igmp(NoCallbacks)?;
//! igmp.take_interface_ownership(3.try_into()?)?;
//! drop((igmp, mgm));
//!
//! let bytes = file.0.lock().unwrap().clone();
//! let recording = Recording::read(BufReader::new(&*bytes))?;
//! let Events::V4(events) = recording.events else { panic!("it was IPv4") };
//! let again = replay(&events)?;
//! assert_eq!(again.divergence, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `cargo run --example replay -- FILE` does that, and prints a time line.
//!
//! # What a replay cannot reproduce
//!
//! - *Threads.* Calls that overlapped are made one after the other, in the order in which they first got the manager's
//!   lock; where in the middle of a long call another one came is not recorded, nor which thread delivered an alert. A
//!   recording of one thread is replayed event by event.
//! - *What is only read*: [`groups`](crate::Mgm::groups) and its like are not recorded, as they change nothing; nor is which
//!   [`News`](crate::News) a client that polls has taken.
//! - *Callbacks' own time, state and input and output*: of what a client does, only its answers and its calls are recorded.
//! - *Another version of this crate* may do otherwise, and that is often what one wants to see: [`Replay::divergence`] is
//!   where.

mod lines;
mod player;
mod script;

pub use lines::{Damage, Events, ReadError, Recording, write};
pub use player::{Divergence, NotARecording, Replay, replay};
