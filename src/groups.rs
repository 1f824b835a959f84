//! Enumerating the groups joined.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::GroupsCursor;
use crate::manager::Shared;
use crate::pages::Pages;
use crate::types::address::{Address, GroupAddr};
use crate::types::interface::Interface;
use crate::view::Membership;

/// Memberships and blocks, read a page at a time: see [`Mgm::groups`](crate::Mgm::groups),
/// [`groups_on`](crate::Mgm::groups_on) and [`groups_of`](crate::Mgm::groups_of).
pub struct Groups<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    pages: Pages<GroupsCursor<A>, Membership<A>>,
}

impl<A: Address> Groups<A> {
    pub(crate) fn all(shared: &Arc<Shared<A>>) -> Self {
        Self::new(shared, GroupsCursor::all())
    }

    pub(crate) fn on_interface(shared: &Arc<Shared<A>>, interface: Interface<A>) -> Self {
        Self::new(shared, GroupsCursor::on_interface(interface))
    }

    pub(crate) fn of_group(shared: &Arc<Shared<A>>, group: GroupAddr<A>) -> Self {
        Self::new(shared, GroupsCursor::of_group(group))
    }

    fn new(shared: &Arc<Shared<A>>, cursor: GroupsCursor<A>) -> Self {
        Self { shared: Arc::clone(shared), pages: Pages::new(cursor, PAGE) }
    }
}

impl<A: Address> Iterator for Groups<A> {
    type Item = Membership<A>;

    fn next(&mut self) -> Option<Membership<A>> {
        self.pages.next(|mut cursor, page| {
            self.shared.read_page(|engine| engine.groups(&mut cursor, page)).then_some(cursor)
        })
    }
}

impl<A: Address> std::iter::FusedIterator for Groups<A> {}

impl<A: Address> fmt::Debug for Groups<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

/// How many are usual on one page.
const PAGE: usize = 256;
