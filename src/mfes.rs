//! Enumerating the forwarding entries.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::Key;
use crate::manager::Shared;
use crate::pages::Pages;
use crate::types::address::Address;
use crate::view::Mfe;

/// The forwarding entries of a manager, read a page at a time: see [`Mgm::mfes`](crate::Mgm::mfes).
pub struct Mfes<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    /// Each page begins after the last entry of the one before.
    pages: Pages<Option<Key<A>>, Mfe<A>>,
}

impl<A: Address> Mfes<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, after: Option<Key<A>>) -> Self {
        Self { shared, pages: Pages::new(after, PAGE) }
    }
}

impl<A: Address> Iterator for Mfes<A> {
    type Item = Mfe<A>;

    fn next(&mut self) -> Option<Mfe<A>> {
        self.pages.next(|last, page| self.shared.read_page(|engine| engine.mfes(last, page)).map(Some))
    }
}

impl<A: Address> std::iter::FusedIterator for Mfes<A> {}

impl<A: Address> fmt::Debug for Mfes<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mfes").finish_non_exhaustive()
    }
}

/// How many are usual on one page.
const PAGE: usize = 128;
