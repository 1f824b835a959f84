//! Enumerating the groups joined.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::GroupsCursor;
use crate::manager::Shared;
use crate::types::address::{Address, GroupAddr};
use crate::types::interface::Interface;
use crate::view::Membership;

/// Memberships and blocks, read a page at a time: see [`Mgm::groups`](crate::Mgm::groups),
/// [`groups_on`](crate::Mgm::groups_on) and [`groups_of`](crate::Mgm::groups_of).
pub struct Groups<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    page: std::vec::IntoIter<Membership<A>>,
    cursor: GroupsCursor<A>,
    has_more: bool,
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
        Self { shared: Arc::clone(shared), page: Vec::new().into_iter(), cursor, has_more: true }
    }
}

impl<A: Address> Iterator for Groups<A> {
    type Item = Membership<A>;

    fn next(&mut self) -> Option<Membership<A>> {
        while self.page.len() == 0 && self.has_more {
            let mut page = Vec::with_capacity(PAGE);
            self.has_more = self.shared.read_page(|engine| engine.groups(&mut self.cursor, &mut page));
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

impl<A: Address> std::iter::FusedIterator for Groups<A> {}

impl<A: Address> fmt::Debug for Groups<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

/// Room for a usual page, so that it is allocated outside the lock.
const PAGE: usize = 256;
