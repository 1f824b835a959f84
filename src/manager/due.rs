//! Whom a thread has still to tell of what it caused (CB-4).

use super::outbox::Recipients;

/// To whom a thread has still to deliver.
#[derive(Default)]
pub(super) struct Due {
    /// Whoever wants to know when `expire` is due (FW-16).
    pub(super) alarm: bool,
    pub(super) forwarder: bool,
    pub(super) clients: Recipients,
    /// How many of the clients are done with.
    pub(super) done: usize,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        !self.alarm && !self.forwarder && self.done == self.clients.len()
    }

    /// The one that was served needs nothing any more: the alarm comes first, then the forwarder, then the clients in turn.
    pub(super) const fn end_one(&mut self) {
        if self.alarm {
            self.alarm = false;
        } else if self.forwarder {
            self.forwarder = false;
        } else {
            self.done += 1;
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        self.alarm |= other.alarm;
        self.forwarder |= other.forwarder;
        self.clients.extend(other.clients.into_iter().skip(other.done));
    }
}
