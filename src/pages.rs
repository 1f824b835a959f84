//! A walk over what a manager holds, a page to each hold of the lock ([EN-4](crate::specification#en-4)).

use std::vec;

/// What was read and has not been handed out, and where the next page begins, if there is one.
pub(crate) struct Pages<C, T> {
    page: vec::IntoIter<T>,
    next: Option<C>,
    /// How many are usual on one page.
    room: usize,
}

impl<C, T> Pages<C, T> {
    pub(crate) fn new(start: C, room: usize) -> Self {
        Self { page: Vec::new().into_iter(), next: Some(start), room }
    }

    /// The next of them. `read` appends the page at a cursor, and says where the next one begins, if there is one.
    pub(crate) fn next(&mut self, mut read: impl FnMut(C, &mut Vec<T>) -> Option<C>) -> Option<T> {
        while self.page.len() == 0
            && let Some(cursor) = self.next.take()
        {
            // Room for a usual page is allocated here, outside the lock.
            let mut page = Vec::with_capacity(self.room);
            self.next = read(cursor, &mut page);
            self.page = page.into_iter();
        }
        self.page.next()
    }
}
