//! What became of each change of a batch.

use std::net::Ipv4Addr;

use crate::error::Error;
use crate::types::address::Address;
use crate::view::Change;

/// What became of each change of a [`batch`](crate::ClientRef::batch), in order.
///
/// # Example: a report of three records, one of them nonsense
///
/// ```
/// use mgm::{Change, Interface, MembershipChange, Mgm, NoCallbacks};
///
/// let mgm = Mgm::new();
/// let igmp = mgm.register_igmp(NoCallbacks)?;
/// let lan = Interface::try_from(3)?;
/// igmp.take_interface_ownership(lan)?;
/// let report = ["(*, 239.1.1.1)", "(*, 232.1.1.1)", "(10.0.0.1, 232.1.1.1)"];
/// let changes = report.map(|entry| MembershipChange::Add(entry.parse().unwrap()));
/// let outcomes = igmp.batch(lan, changes);
/// assert_eq!((outcomes.len(), outcomes.changed()), (3, 2));
/// let (place, error) = outcomes.refused().next().unwrap();
/// assert_eq!(place, 1);
/// assert_eq!(error.to_string(), "group 232.1.1.1 is in the source-specific range 232.0.0.0/8, and (*, 232.1.1.1) names no source");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "some of the changes may have been refused"]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcomes<A: Address = Ipv4Addr> {
    /// A refused one stands as unchanged.
    changes: Vec<Change>,
    /// By place.
    refused: Vec<(usize, Error<A>)>,
}

impl<A: Address> Outcomes<A> {
    pub(crate) const fn new() -> Self {
        Self { changes: Vec::new(), refused: Vec::new() }
    }

    pub(crate) fn push(&mut self, outcome: Result<Change, Error<A>>) {
        self.changes.push(outcome.unwrap_or_else(|error| {
            self.refused.push((self.changes.len(), error));
            Change::Unchanged
        }));
    }

    /// How many changes there were in the batch.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether the batch was empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many of them changed something.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.changes.iter().filter(|change| change.is_changed()).count()
    }

    /// Those that were refused, each with its place in the batch, from 0 up, and why.
    pub fn refused(&self) -> impl Iterator<Item = (usize, &Error<A>)> {
        self.refused.iter().map(|(place, error)| (*place, error))
    }

    /// What became of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Change, &Error<A>>> {
        let mut refused = self.refused().peekable();
        self.changes.iter().enumerate().map(move |(place, change)| {
            match refused.next_if(|(at, _)| *at == place) {
                Some((_, error)) => Err(error),
                None => Ok(*change),
            }
        })
    }

    /// Whether anything changed, if nothing was refused.
    ///
    /// # Errors
    ///
    /// Why the first that was refused was; the others were made all the same.
    pub fn into_result(self) -> Result<Change, Error<A>> {
        let changed = self.changed() > 0;
        match self.refused.into_iter().next() {
            Some((_, error)) => Err(error),
            None if changed => Ok(Change::Changed),
            None => Ok(Change::Unchanged),
        }
    }
}
