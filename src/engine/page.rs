//! How much is done in one hold of the lock (CB-7).

/// What may be done before the lock is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    /// Pieces looked at.
    pub(crate) looks: usize,
    /// Pieces changed: what follows from a change takes longer than a look.
    pub(crate) changes: usize,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { looks: 256, changes: 64 }
    }
}

/// The work of the present hold of the lock.
///
/// Whatever is long asks before each piece whether the page [is full](Self::is_full), and goes on in the next one. So a
/// page is passed by no more than what one piece takes.
#[derive(Debug)]
pub(super) struct Page {
    size: PageSize,
    looks: usize,
    changes: usize,
    /// The most that was done in one hold of the lock.
    #[cfg(feature = "testing")]
    most: PageSize,
}

impl Page {
    pub(super) const fn new(size: PageSize) -> Self {
        Self {
            size,
            looks: 0,
            changes: 0,
            #[cfg(feature = "testing")]
            most: PageSize { looks: 0, changes: 0 },
        }
    }

    pub(super) const fn size(&self) -> PageSize {
        self.size
    }

    /// The lock has been taken.
    pub(super) fn turn(&mut self) {
        #[cfg(feature = "testing")]
        {
            self.most = self.most();
        }
        (self.looks, self.changes) = (0, 0);
    }

    pub(super) const fn look(&mut self) {
        self.look_at(1);
    }

    pub(super) const fn look_at(&mut self, pieces: usize) {
        self.looks += pieces;
    }

    pub(super) const fn change(&mut self) {
        self.changes += 1;
    }

    /// How many pieces more may be changed.
    pub(super) const fn room(&self) -> usize {
        self.size.changes.saturating_sub(self.changes)
    }

    /// Whether so much was done that others have waited for it.
    pub(super) const fn is_used(&self) -> bool {
        2 * self.looks >= self.size.looks || 2 * self.changes >= self.size.changes
    }

    pub(super) const fn is_full(&self) -> bool {
        self.looks >= self.size.looks || self.changes >= self.size.changes
    }

    /// The most that was done in one hold of the lock.
    #[cfg(feature = "testing")]
    pub(super) fn most(&self) -> PageSize {
        PageSize { looks: self.most.looks.max(self.looks), changes: self.most.changes.max(self.changes) }
    }
}
