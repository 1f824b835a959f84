//! What is asked of memberships: one change of a batch, and the filter of a group.

use std::net::Ipv4Addr;

use super::address::{GroupAddr, SourceAddr};
use super::entry::Entry;

/// One change of a [`batch`](crate::ClientRef::batch) ([MB-8](crate::specification#mb-8)).
///
/// With the feature `serde` it is written as `{"add": {"source": "*", "group": "239.1.1.1"}}`, and the others alike.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MembershipChange<A = Ipv4Addr> {
    /// As [`add_group_membership`](crate::ClientRef::add_group_membership).
    Add(Entry<A>),
    /// As [`delete_group_membership`](crate::ClientRef::delete_group_membership).
    Delete(Entry<A>),
    /// As [`block_source`](crate::ClientRef::block_source).
    Block(SourceAddr<A>, GroupAddr<A>),
    /// As [`unblock_source`](crate::ClientRef::unblock_source).
    Unblock(SourceAddr<A>, GroupAddr<A>),
}

impl<A: Copy> MembershipChange<A> {
    /// The entry that it is about.
    #[must_use]
    pub const fn entry(&self) -> Entry<A> {
        match *self {
            Self::Add(entry) | Self::Delete(entry) => entry,
            Self::Block(source, group) | Self::Unblock(source, group) => Entry::SourceGroup(source, group),
        }
    }
}

/// All that is wanted of one group on one interface, as IGMPv3 and MLDv2 keep it (RFC 9776 §6); see
/// [`set_group`](crate::ClientRef::set_group). It borrows its sources; [`FilterBuf`] has its own.
#[expect(clippy::exhaustive_enums, reason = "RFC 9776 has these two modes")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: crate::Address"))]
pub enum Filter<'a, A = Ipv4Addr> {
    /// These sources, and no other; of none, nothing.
    Include(&'a [SourceAddr<A>]),
    /// Every source but these.
    Exclude(&'a [SourceAddr<A>]),
}

impl<A> Filter<'_, A> {
    /// What an IGMPv1, IGMPv2 or MLDv1 report asks for: every source.
    pub const JOIN: Self = Self::Exclude(&[]);
    /// What a leave asks for: nothing.
    pub const LEAVE: Self = Self::Include(&[]);
}

/// A [`Filter`] that owns its sources: to keep, to send, to read from a file.
///
/// With the feature `serde` it is written as `{"exclude": ["10.0.0.1"]}`.
///
/// # Example: what a host has reported is kept
///
/// ```
/// use mgm::{Filter, FilterBuf, Interface, Mgm, NoCallbacks};
///
/// let mgm = Mgm::new();
/// let igmp = mgm.register_igmp(NoCallbacks)?;
/// let lan = Interface::try_from(3)?;
/// igmp.take_interface_ownership(lan)?;
/// let kept = FilterBuf::from(Filter::Exclude(&["10.0.0.1".parse()?]));
/// igmp.set_group(lan, "239.1.1.1".parse()?, kept.as_filter())?;
/// assert_eq!(mgm.groups().count(), 2); // (*, 239.1.1.1), and a block of 10.0.0.1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::exhaustive_enums, reason = "RFC 9776 has these two modes")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", bound = "A: crate::Address"))]
pub enum FilterBuf<A = Ipv4Addr> {
    /// These sources, and no other; of none, nothing.
    Include(Vec<SourceAddr<A>>),
    /// Every source but these.
    Exclude(Vec<SourceAddr<A>>),
}

impl<A> FilterBuf<A> {
    /// The same, borrowed.
    #[must_use]
    pub fn as_filter(&self) -> Filter<'_, A> {
        match self {
            Self::Include(sources) => Filter::Include(sources),
            Self::Exclude(sources) => Filter::Exclude(sources),
        }
    }
}

impl<A: Clone> From<Filter<'_, A>> for FilterBuf<A> {
    fn from(filter: Filter<'_, A>) -> Self {
        match filter {
            Filter::Include(sources) => Self::Include(sources.to_vec()),
            Filter::Exclude(sources) => Self::Exclude(sources.to_vec()),
        }
    }
}
