//! What is asked of memberships: one change of a batch, and the filter of a group.

use std::net::Ipv4Addr;

use super::address::{GroupAddr, SourceAddr};
use super::entry::Entry;

/// One change of a [`batch`](crate::ClientRef::batch) ([MB-8](crate::specification#mb-8)).
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

/// All that is wanted of one group on one interface, as IGMPv3 and MLDv2 keep it (RFC 9776 §6); see
/// [`set_group`](crate::ClientRef::set_group).
#[expect(clippy::exhaustive_enums, reason = "RFC 9776 has these two modes")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
