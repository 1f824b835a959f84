//! Reading what a client has been told to pull.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::{ClientKey, ToldCursor};
use crate::manager::Shared;
use crate::types::address::Address;
use crate::types::alert::Pull;

/// What a client has been told to pull, read a page at a time: see [`ClientRef::told`](crate::ClientRef::told).
pub struct Told<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    client: ClientKey,
    page: std::vec::IntoIter<Pull<A>>,
    /// Where the next page begins, if there is one.
    next: Option<ToldCursor<A>>,
}

impl<A: Address> Told<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, client: ClientKey) -> Self {
        Self { shared, client, page: Vec::new().into_iter(), next: Some(ToldCursor::default()) }
    }
}

impl<A: Address> Iterator for Told<A> {
    type Item = Pull<A>;

    fn next(&mut self) -> Option<Pull<A>> {
        while self.page.len() == 0
            && let Some(cursor) = self.next
        {
            let mut page = Vec::with_capacity(PAGE);
            self.next = self.shared.read_page(|engine| engine.told(self.client, cursor, &mut page));
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

impl<A: Address> std::iter::FusedIterator for Told<A> {}

impl<A: Address> fmt::Debug for Told<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

/// Room for a usual page, so that it is allocated outside the lock.
const PAGE: usize = 256;
