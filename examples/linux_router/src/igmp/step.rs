//! From the state of a group to the entries of the manager, and the calls that bring one to the other.

use mgm::{Address, Change, ClientRef, Entry, Error, GroupAddr, Interface, SourceAddr};

/// One thing to hold in the manager.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Want<A> {
    /// A membership.
    Join(Entry<A>),
    /// A block.
    Block(SourceAddr<A>, GroupAddr<A>),
}

/// One call that brings what the manager holds nearer to what is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step<A> {
    /// To hold it.
    Add(Want<A>),
    /// To hold it no longer.
    Delete(Want<A>),
}

impl<A: Address> Step<A> {
    /// The place of a step among those of one change.
    ///
    /// Make before break, else the last oif would go and come back. Blocks surround the (\*,G) that they take
    /// away from: set before it comes and cleared after it has gone, so that what nobody wants is at no moment
    /// forwarded, and no entry changes twice.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Add(Want::Block(..)) => 0,
            Self::Add(Want::Join(_)) => 1,
            Self::Delete(Want::Join(_)) => 2,
            Self::Delete(Want::Block(..)) => 3,
        }
    }

    /// Makes the call. Where a block takes the place of a join, or a join of a block, it is one call (MB-6).
    ///
    /// # Errors
    ///
    /// Why the manager refuses.
    pub fn call(self, igmp: &ClientRef<A>, interface: Interface<A>) -> Result<Change, Error<A>> {
        match self {
            Self::Add(Want::Join(entry)) => igmp.add_group_membership(interface, entry),
            Self::Add(Want::Block(source, group)) => igmp.block_source(interface, source, group),
            Self::Delete(Want::Join(entry)) => igmp.delete_group_membership(interface, entry),
            Self::Delete(Want::Block(source, group)) => igmp.unblock_source(interface, source, group),
        }
    }
}
