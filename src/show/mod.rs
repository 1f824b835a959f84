//! All that a manager knows at one time, as a show command prints it.

mod diff;
mod explained;
mod mermaid;
mod names;
mod print;

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use diff::{Difference, SnapshotDiff};
pub use names::{Names, WithNames};

use crate::groups::Groups;
use crate::lock::Ordering;
use crate::manager::{Recorded, Recorder, Shared};
use crate::mfes::Mfes;
use crate::record::Answer;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::interface::Interface;
use crate::view::{Failure, InterfaceStatus, Membership, Mfe, MfeFailure};

/// All that a manager knows, for a show command: see [`Mgm::show`](crate::Mgm::show).
///
/// `Display` prints it as routers do, [`named`](Self::named) in the words of the daemon, and [`diff`](Self::diff) says what
/// has changed. With the feature `serde` it can be written and read back, by a show command in
/// another process for instance; times are then whole seconds.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Snapshot<A: Address = Ipv4Addr> {
    /// Who is on which interface, in the order of index and next hop.
    pub interfaces: Vec<InterfaceStatus<A>>,
    /// The memberships and blocks, in the order of group, source and interface.
    pub groups: Vec<Membership<A>>,
    /// The forwarding entries, in the order of group, then source.
    pub mfes: Vec<MfeSnapshot<A>>,
    /// Entries that the manager has deleted and the forwarder still holds; no more than a page of them
    /// ([FW-11](crate::specification#fw-11)).
    pub leftovers: Vec<LeftoverSnapshot<A>>,
    /// Answers to `rpf` that were none ([FW-1](crate::specification#fw-1)).
    pub wrong_answers: u64,
    /// Panics of callbacks, forwarder and RIB that have been caught ([CB-5](crate::specification#cb-5)).
    pub caught_panics: u64,
}

/// A forwarding entry at one time, with what the forwarder counted for it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct MfeSnapshot<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets have to arrive.
    pub iif: Interface<A>,
    /// The owner of the interface toward the source: see [`Mfe::owner`].
    pub owner: Option<ClientName>,
    /// The upstream neighbour.
    pub upstream: Option<A>,
    /// The route to the source.
    pub prefix: Option<A::Net>,
    /// Where the RIB has that route from: see [`Route::origin`](crate::Route::origin).
    pub origin: Option<u32>,
    /// Where its packets go, in order.
    pub oifs: Vec<Interface<A>>,
    /// For how long it has been there since it was made, or made anew.
    #[cfg_attr(feature = "serde", serde(rename = "up_seconds", with = "crate::json::seconds"))]
    pub up: Duration,
    /// In what time it expires; never, if that is beyond what the clock can say.
    #[cfg_attr(feature = "serde", serde(rename = "expires_seconds", with = "crate::json::maybe_seconds"))]
    pub expires_in: Option<Duration>,
    /// What the forwarder counted, if it could tell.
    pub stats: Option<MfeStats<A>>,
    /// Why the forwarder does not hold it as it is here.
    pub failure: Option<FailureSnapshot>,
}

/// What the forwarder last said of an entry that it does not hold as it should, in its own words.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FailureSnapshot {
    /// Its last error.
    pub error: String,
    /// How often it was told in vain.
    pub attempts: u32,
}

/// An entry that the manager has deleted and the forwarder still holds.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct LeftoverSnapshot<A = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Why it is still there.
    pub failure: FailureSnapshot,
}

impl<A: Address> Snapshot<A> {
    pub(crate) fn take(shared: &Arc<Shared<A>>, now: Instant) -> Self {
        let mut groups: Vec<_> = Groups::all(shared).collect();
        groups.sort_unstable_by_key(|held| (held.entry.group(), held.entry.source(), *held));
        let failures = shared.read(|engine| engine.failures());
        Self {
            interfaces: shared.interfaces(),
            groups,
            mfes: Mfes::new(Arc::clone(shared), None)
                .map(|mfe| MfeSnapshot::take(shared, mfe, now))
                .collect(),
            leftovers: failures.into_iter().filter(|failure| failure.deleted).map(Into::into).collect(),
            wrong_answers: shared.wrong_answers.load(Ordering::Relaxed),
            caught_panics: shared.panics.count(),
        }
    }
}

impl<A: Address> Recorded<A> for Snapshot<A> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Done
    }
}

impl<A: Address> MfeSnapshot<A> {
    fn take(shared: &Arc<Shared<A>>, mfe: Mfe<A>, now: Instant) -> Self {
        let Mfe { source, group, iif, owner, upstream, prefix, origin, oifs, made, expires, failure } = mfe;
        Self {
            up: now.saturating_duration_since(made),
            expires_in: expires.map(|expires| expires.saturating_duration_since(now)),
            stats: shared.mfe_stats(source, group).ok(),
            failure: failure.map(|MfeFailure { error, attempts }| FailureSnapshot::new(error, attempts)),
            source,
            group,
            iif,
            owner,
            upstream,
            prefix,
            origin,
            oifs,
        }
    }
}

impl FailureSnapshot {
    fn new(error: ForwarderError, attempts: u32) -> Self {
        Self { error: error.to_string(), attempts }
    }
}

impl fmt::Display for FailureSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (attempts: {})", self.error, self.attempts)
    }
}

impl<A: Address> From<Failure<A>> for LeftoverSnapshot<A> {
    fn from(Failure { source, group, error, attempts, .. }: Failure<A>) -> Self {
        Self { source, group, failure: FailureSnapshot::new(error, attempts) }
    }
}
