//! The kit of the tests: a manager whose calls are recorded as values, and short names for what they speak of.

mod acts;
mod call;
mod deadlock;
mod family;
mod forwarder;
mod rib;
mod router;
mod script;
mod testbed;

pub(crate) use mgm::record::Party;
pub(crate) use mgm::*;

pub(crate) use acts::*;
pub(crate) use call::*;
pub(crate) use deadlock::*;
pub(crate) use family::*;
pub(crate) use forwarder::*;
pub(crate) use rib::*;
pub(crate) use router::*;
pub(crate) use script::*;
pub(crate) use testbed::*;
