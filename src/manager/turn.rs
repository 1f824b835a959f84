//! The turns in which threads deliver what waits: alerts to clients, commands to the forwarder (CB-3, CB-4, FW-11).

use std::sync::Arc;

use super::outbox::{Delivery, Garbage};
use super::{Shared, State};
use crate::client::ClientRef;
use crate::engine::Command;
use crate::lock::MutexGuard;
use crate::types::address::Address;
use crate::types::forwarding::ForwarderError;

/// What a thread that holds the right to it is to do outside the lock.
pub(super) enum Work<A: Address> {
    Command(Command<A>),
    Deliver(Box<Delivery<A>>),
}

/// What has been done outside the lock.
pub(super) enum Done<A: Address> {
    Commanded(Command<A>, Result<(), ForwarderError>),
    Delivered(Box<Delivery<A>>),
}

impl<A: Address> State<A> {
    /// Whether anybody waits for news.
    pub(super) fn has_work(&self) -> bool {
        self.engine.has_commands() || !self.outboxes.is_quiet()
    }

    /// Takes the right to talk to the forwarder or to a client that has waited for it.
    pub(super) fn work(&mut self) -> Option<Work<A>> {
        if !self.forwarding
            && let Some(command) = self.engine.next_command()
        {
            self.forwarding = true;
            return Some(Work::Command(command));
        }
        self.outboxes.take().map(Work::Deliver)
    }

    /// Gives the right back.
    fn take_back(&mut self, done: Done<A>) -> Garbage<A> {
        match done {
            Done::Commanded(command, result) => {
                self.engine.commanded(&command, result);
                self.forwarding = false;
                Garbage::none()
            }
            Done::Delivered(delivery) => self.outboxes.give_back(delivery),
        }
    }
}

impl<A: Address> Shared<A> {
    pub(super) fn deliver(self: &Arc<Self>, mut work: Work<A>) {
        loop {
            let done = self.outside(|| self.perform(work));
            let mut state = self.state.lock();
            let garbage = state.take_back(done);
            let is_done = !state.has_work();
            // Whoever waits for the lock takes over: otherwise one thread could deliver for all others for ever.
            MutexGuard::unlock_fair(state);
            drop(garbage);
            if is_done {
                return;
            }
            let next = self.state.lock().work();
            let Some(next) = next else { return };
            work = next;
        }
    }

    fn perform(self: &Arc<Self>, work: Work<A>) -> Done<A> {
        match work {
            Work::Command(command) => {
                let result = self.command(&command);
                Done::Commanded(command, result)
            }
            Work::Deliver(mut delivery) => {
                let me = ClientRef::new(Arc::clone(self), delivery.client);
                for alert in delivery.batch.drain(..) {
                    delivery.registration.tell(&me, alert);
                }
                Done::Delivered(delivery)
            }
        }
    }

    pub(super) fn command(&self, command: &Command<A>) -> Result<(), ForwarderError> {
        let forwarder = &self.forwarder;
        let (operation, result) = match command {
            Command::Add(entry) => ("add", self.panics.catch(&"forwarder", "add", || forwarder.add(entry))),
            Command::Change(entry) => {
                ("change", self.panics.catch(&"forwarder", "change", || forwarder.change(entry)))
            }
            Command::Delete(source, group) => {
                ("delete", self.panics.catch(&"forwarder", "delete", || forwarder.delete(*source, *group)))
            }
        };
        let result = result.unwrap_or(Err(ForwarderError::Panicked));
        // What is to be gone, and is not there, is gone.
        let result = match (command, result) {
            (Command::Delete(..), Err(ForwarderError::NoSuchEntry)) => Ok(()),
            (Command::Add(_) | Command::Change(_) | Command::Delete(..), result) => result,
        };
        if let Err(error) = &result {
            tracing::warn!(operation, %error, "the forwarder refused");
        }
        result
    }
}
