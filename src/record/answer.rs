//! What came of a call, in either direction.

use std::fmt;
use std::net::Ipv4Addr;

use super::moment::Moment;
use crate::types::address::Address;
use crate::types::creation::CreationOif;
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::route::Route;
use crate::view::Change;

/// What came of a call of the manager, or of one by it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: Address"))]
pub enum Answer<A: Address = Ipv4Addr> {
    /// It is done, and there is nothing to say.
    Done,
    /// A client is registered.
    Registered {
        /// Counts all registrations of the manager.
        registration: u32,
    },
    /// A membership was changed, or was so already.
    Change(Change),
    /// Each change of a batch: those that are done, and those that were refused.
    Batch(Vec<Self>),
    /// A refresh has begun.
    Begun {
        /// Its number, with which it is ended.
        refresh: u64,
    },
    /// When [`expire`](crate::Mgm::expire) next wants to be called.
    Next(Option<Moment>),
    /// The manager refused, with this [`Error`](crate::Error).
    Refused(String),
    /// A route, of the RIB or as an answer to `rpf`.
    Route(Option<Route<A>>),
    /// What `creation_alert` made of the interfaces.
    Oifs(Vec<CreationOif<A>>),
    /// What the forwarder counted.
    Stats(MfeStats<A>),
    /// The forwarder could not do it.
    Failed(#[cfg_attr(feature = "serde", serde(with = "super::failure"))] ForwarderError),
    /// It panicked.
    Panicked,
}

/// Prints as `done`, `refused: IGMP is already registered`.
impl<A: Address> fmt::Display for Answer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Registered { registration } => write!(f, "registration {registration}"),
            Self::Change(Change::Changed) => f.write_str("changed"),
            Self::Change(Change::Unchanged) => f.write_str("unchanged"),
            Self::Batch(answers) => {
                let changed = |answer: &&Self| **answer == Self::Change(Change::Changed);
                write!(f, "{} of {} changed", answers.iter().filter(changed).count(), answers.len())
            }
            Self::Begun { refresh } => write!(f, "refresh {refresh} begun"),
            Self::Next(None) => f.write_str("nothing is due"),
            Self::Next(Some(_)) => f.write_str("to be called again"),
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::Route(None) => f.write_str("no route"),
            Self::Route(Some(route)) => route.fmt(f),
            Self::Oifs(oifs) => {
                let oifs: Vec<_> = oifs.iter().map(CreationOif::to_string).collect();
                write!(f, "[{}]", oifs.join(", "))
            }
            Self::Stats(stats) => write!(f, "{} packets", stats.packets),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked => f.write_str("panicked"),
        }
    }
}
