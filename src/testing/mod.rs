//! What tests of protocols and daemons that embed the manager need.
//!
//! | what | what it is for |
//! |---|---|
//! | [`Log`] | all that a manager was asked and did, in one order: who was told what, and what the forwarder got |
//! | [`FaultyForwarder`] | a data plane in memory that fails as told |
//! | [`RouteTable`](crate::RouteTable) | a RIB that is a table |
//! | [`Mgm::check`](crate::Mgm::check) | that what the manager keeps twice agrees, statement by statement |
//! | [`has_to_pull`] | what a protocol has to pull, by the statements alone: an oracle |
//! | [`World`] | a router in which others act at random; with the feature `proptest`, `steps` draws what they do |
//! | [`Builder::seed`](crate::Builder::seed) | a run has one order, for snapshots of logs |
//! | [`group`], [`source`], [`entry`], [`interface`], [`route`] | words that panic on nonsense, as tests may |
//! | [`RpfRequest::new`](crate::RpfRequest::new), [`NewMfe::new`](crate::NewMfe::new), [`CreationOif::enabled`](crate::CreationOif::enabled), [`CreationOif::disabled`](crate::CreationOif::disabled) | what a protocol is asked, without a manager that asks |

mod faulty;
mod log;
mod oracle;
#[cfg(feature = "proptest")]
mod strategies;
mod words;
mod world;

pub use faulty::FaultyForwarder;
pub use log::{Called, Log};
pub use oracle::has_to_pull;
#[cfg(feature = "proptest")]
pub use strategies::{changes, entries, groups, interfaces, sources, steps};
pub use words::{entry, group, interface, route, source};
pub use world::{Step, World};

pub use crate::violation::Violation;
