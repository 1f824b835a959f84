//! What a client can want: (\*,\*), (\*,G) or (S,G).

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::address::{Address, AddressError, GroupAddr, SourceAddr};
use super::ssm::SsmRanges;

/// What is wanted, and from whom.
///
/// Prints as `(*, *)`, `(*, 239.1.1.1)` or `(10.0.0.1, 239.1.1.1)`, and is read from the same texts. With the feature
/// `serde` it is written as `{"source": "10.0.0.1", "group": "239.1.1.1"}`, with `"*"` for a wildcard.
///
/// # Example: the three kinds
///
/// ```
/// use mgm::Entry;
///
/// let entry: Entry = "(10.0.0.1, 239.1.1.1)".parse()?;
/// assert_eq!(entry, Entry::SourceGroup("10.0.0.1".parse()?, "239.1.1.1".parse()?));
/// assert_eq!(Entry::<std::net::Ipv4Addr>::AllGroups.to_string(), "(*, *)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "MGM and RFC 2715 know these three, and every rule names them all"
)]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Entry<A = Ipv4Addr> {
    /// (\*,\*): every group, but for those in the SSM ranges.
    AllGroups,
    /// (\*,G): one group from every source.
    Group(GroupAddr<A>),
    /// (S,G): one group from one source.
    SourceGroup(SourceAddr<A>, GroupAddr<A>),
}

impl<A: Address> Entry<A> {
    /// The group, unless it is (\*,\*).
    #[must_use]
    pub const fn group(self) -> Option<GroupAddr<A>> {
        match self {
            Self::AllGroups => None,
            Self::Group(group) | Self::SourceGroup(_, group) => Some(group),
        }
    }

    /// The source of an (S,G).
    #[must_use]
    pub const fn source(self) -> Option<SourceAddr<A>> {
        match self {
            Self::AllGroups | Self::Group(_) => None,
            Self::SourceGroup(source, _) => Some(source),
        }
    }

    /// Whether whoever wants this wants the packets of `source` to `group`: as (S,G) itself, or as (\*,G) or (\*,\*),
    /// which reach no group of a [source-specific range](crate::Mgm::ssm_ranges).
    ///
    /// # Example: who wants a stream
    ///
    /// ```
    /// use mgm::{Entry, Mgm};
    ///
    /// let mgm = Mgm::new();
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// let entry: Entry = "(*, 239.1.1.1)".parse()?;
    /// assert!(entry.covers(source, group, &mgm.ssm_ranges()));
    /// assert!(Entry::AllGroups.covers(source, group, &mgm.ssm_ranges()));
    /// assert!(!Entry::AllGroups.covers(source, "232.1.1.1".parse()?, &mgm.ssm_ranges()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn covers(self, source: SourceAddr<A>, group: GroupAddr<A>, ssm: &SsmRanges<A>) -> bool {
        match self {
            Self::AllGroups => !ssm.contains(group),
            Self::Group(any) => any == group && !ssm.contains(group),
            Self::SourceGroup(from, to) => (from, to) == (source, group),
        }
    }
}

impl<A: Address> From<(SourceAddr<A>, GroupAddr<A>)> for Entry<A> {
    fn from((source, group): (SourceAddr<A>, GroupAddr<A>)) -> Self {
        Self::SourceGroup(source, group)
    }
}

impl<A: Address> From<GroupAddr<A>> for Entry<A> {
    fn from(group: GroupAddr<A>) -> Self {
        Self::Group(group)
    }
}

impl<A: fmt::Display> fmt::Display for Entry<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllGroups => f.write_str("(*, *)"),
            Self::Group(group) => write!(f, "(*, {group})"),
            Self::SourceGroup(source, group) => write!(f, "({source}, {group})"),
        }
    }
}

/// Why a text is no entry.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryError<A> {
    /// It does not have the shape of a pair.
    #[error("an entry is written (*, *), (*, G) or (S, G)")]
    Shape,
    /// The source cannot send.
    #[error("the source: {0}")]
    Source(#[source] AddressError<A>),
    /// The group cannot be forwarded.
    #[error("the group: {0}")]
    Group(#[source] AddressError<A>),
}

impl<A: Address> FromStr for Entry<A> {
    type Err = EntryError<A>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inside =
            text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or(EntryError::Shape)?;
        let (source, group) = inside.split_once(',').ok_or(EntryError::Shape)?;
        match (source.trim(), group.trim()) {
            ("*", "*") => Ok(Self::AllGroups),
            ("*", group) => Ok(Self::Group(group.parse().map_err(EntryError::Group)?)),
            (source, group) => Ok(Self::SourceGroup(
                source.parse().map_err(EntryError::Source)?,
                group.parse().map_err(EntryError::Group)?,
            )),
        }
    }
}
