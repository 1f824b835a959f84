//! To whom a thread has still to deliver what it caused (CB-4).

use super::outbox::Recipients;

/// To whom a thread has still to deliver.
#[derive(Default)]
pub(super) struct Due {
    pub(super) forwarder: bool,
    pub(super) clients: Recipients,
    /// How many of the clients are done with.
    pub(super) done: usize,
}

impl Due {
    pub(super) fn new(clients: Recipients, has_commands: bool) -> Self {
        Self { forwarder: has_commands, clients, done: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.forwarder && self.done == self.clients.len()
    }

    /// The one that was served needs nothing any more: the forwarder comes first, then the clients in turn.
    pub(super) const fn end_one(&mut self) {
        if self.forwarder {
            self.forwarder = false;
        } else {
            self.done += 1;
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        self.forwarder |= other.forwarder;
        self.clients.extend(other.clients.into_iter().skip(other.done));
    }
}
