//! Enumerating the forwarding entries.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::Key;
use crate::manager::Shared;
use crate::types::address::Address;
use crate::view::Mfe;

/// The forwarding entries of a manager, read a page at a time: see [`Mgm::mfes`](crate::Mgm::mfes).
pub struct Mfes<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    page: std::vec::IntoIter<Mfe<A>>,
    last: Option<Key<A>>,
    has_ended: bool,
}

impl<A: Address> Mfes<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, after: Option<Key<A>>) -> Self {
        Self { shared, page: Vec::new().into_iter(), last: after, has_ended: false }
    }
}

impl<A: Address> Iterator for Mfes<A> {
    type Item = Mfe<A>;

    fn next(&mut self) -> Option<Mfe<A>> {
        while self.page.len() == 0 && !self.has_ended {
            let mut page = Vec::with_capacity(PAGE);
            let seen = self.shared.read_page(|engine| engine.mfes(self.last, &mut page));
            self.has_ended = seen.is_none();
            self.last = seen;
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

impl<A: Address> std::iter::FusedIterator for Mfes<A> {}

impl<A: Address> fmt::Debug for Mfes<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mfes").finish_non_exhaustive()
    }
}

/// Room for a usual page, so that it is allocated outside the lock.
const PAGE: usize = 128;
