//! Reading what a client has been told to pull.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::{ClientKey, ToldCursor};
use crate::manager::Shared;
use crate::pages::Pages;
use crate::types::address::Address;
use crate::types::alert::Pull;

/// What a client has been told to pull, read a page at a time: see [`ClientRef::told`](crate::ClientRef::told).
pub struct Told<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    client: ClientKey,
    pages: Pages<ToldCursor<A>, Pull<A>>,
}

impl<A: Address> Told<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, client: ClientKey) -> Self {
        Self { shared, client, pages: Pages::new(ToldCursor::default(), PAGE) }
    }
}

impl<A: Address> Iterator for Told<A> {
    type Item = Pull<A>;

    fn next(&mut self) -> Option<Pull<A>> {
        self.pages.next(|cursor, page| self.shared.read_page(|engine| engine.told(self.client, cursor, page)))
    }
}

impl<A: Address> std::iter::FusedIterator for Told<A> {}

impl<A: Address> fmt::Debug for Told<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

/// How many are usual on one page.
const PAGE: usize = 256;
