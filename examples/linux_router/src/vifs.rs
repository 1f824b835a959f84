//! Which interfaces the kernel's multicast routing knows, where there are more than it has room for.

use std::num::NonZeroU32;

/// How many interfaces are watched: of the kernel's 32 (linux/mroute.h, `MAXVIFS`) one is left for the loopback
/// interface, toward which sources are that must not be forwarded.
pub(crate) const ROOM: usize = 31;

/// An interface that wants to be watched. The least comes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Candidate {
    pub(crate) state: State,
    /// How early the operator named it.
    pub(crate) rank: usize,
    pub(crate) index: NonZeroU32,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum State {
    /// Hosts have joined there, or packets come or go there.
    Carries,
    Idle,
    Down,
}

/// Those that are watched, and those for which there is no room.
pub(crate) fn choose(mut candidates: Vec<Candidate>) -> (Vec<NonZeroU32>, Vec<NonZeroU32>) {
    candidates.sort_unstable();
    let mut watched: Vec<_> = candidates.into_iter().map(|candidate| candidate.index).collect();
    let rest = watched.split_off(ROOM.min(watched.len()));
    (watched, rest)
}
