//! The ranges in which a group can be joined from a source only.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::address::{Address, GroupAddr};

/// The source-specific ranges of a manager ([MB-4](crate::specification#mb-4)); a copy costs a reference count.
///
/// [`Mgm::ssm_ranges`](crate::Mgm::ssm_ranges) has those of a manager; the default are IANA's.
///
/// # Example: IANA's
///
/// ```
/// use mgm::SsmRanges;
///
/// let ranges: SsmRanges = SsmRanges::default();
/// assert!(ranges.contains("232.1.1.1".parse()?));
/// assert!(!ranges.contains("239.1.1.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SsmRanges<A: Address = Ipv4Addr>(Arc<[A::Net]>);

impl<A: Address> SsmRanges<A> {
    /// Whether `group` is in one of them, and can be joined from a source only.
    #[must_use]
    pub fn contains(&self, group: GroupAddr<A>) -> bool {
        self.range(group).is_some()
    }

    /// The first one that `group` is in.
    #[must_use]
    pub fn range(&self, group: GroupAddr<A>) -> Option<A::Net> {
        self.iter().find(|range| group.address().is_in(range))
    }

    /// All of them, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = A::Net> {
        self.0.iter().copied()
    }
}

/// IANA's.
impl<A: Address> Default for SsmRanges<A> {
    fn default() -> Self {
        A::default_ssm_ranges().into_iter().collect()
    }
}

impl<A: Address> FromIterator<A::Net> for SsmRanges<A> {
    fn from_iter<I: IntoIterator<Item = A::Net>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}
