//! What the forwarder is told, and what the system reports of it (FW-11, FW-15).

use std::sync::Arc;

use super::Shared;
use crate::engine::{Command, Key};
use crate::record::{Callback, Party};
use crate::types::address::Address;
use crate::types::forwarding::ForwarderError;

impl<A: Address> Shared<A> {
    pub(super) fn command(&self, command: &Command<A>) -> Result<(), ForwarderError> {
        let Some(forwarder) = &self.forwarder else { return Ok(()) };
        let operation = command.operation();
        let act = || match command {
            Command::Add(entry) => forwarder.add(entry),
            Command::Change(entry) => forwarder.change(entry),
            Command::Delete(source, group) => forwarder.delete(*source, *group),
        };
        let result = self.calls(
            Party::Forwarder,
            || command.callback(),
            || self.panics.catch(&"forwarder", operation, act),
        );
        let result = match (command, result.unwrap_or(Err(ForwarderError::Panicked))) {
            // Deleting what is not there is success.
            (Command::Delete(..), Err(ForwarderError::NoSuchEntry)) => Ok(()),
            (Command::Add(_) | Command::Change(_) | Command::Delete(..), result) => result,
        };
        let (source, group) = command.pair();
        match &result {
            Ok(()) => tracing::debug!(target: "mgm::forwarder", operation, %source, %group, "told"),
            Err(error) => {
                tracing::warn!(target: "mgm::forwarder", operation, %source, %group, %error, "refused");
            }
        }
        result
    }

    /// FW-15: the forwarder failed to do what it had said yes to.
    pub(crate) fn forwarder_failed(self: &Arc<Self>, key: Key<A>, error: ForwarderError) {
        self.update(|state| state.engine.forwarder_failed(key, error));
    }

    /// FW-15: the forwarder has lost everything.
    pub(crate) fn forwarder_restarted(self: &Arc<Self>) {
        let mut refill = Some(self.update(|state| state.engine.forwarder_restarted()));
        while let Some(next) = refill {
            refill = self.update(|state| state.engine.refill(next));
        }
    }
}

impl<A: Address> Command<A> {
    const fn operation(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Change(_) => "change",
            Self::Delete(..) => "delete",
        }
    }

    fn callback(&self) -> Callback<A> {
        match self {
            Self::Add(entry) => Callback::Add(entry.clone()),
            Self::Change(entry) => Callback::Change(entry.clone()),
            Self::Delete(source, group) => Callback::Delete { source: *source, group: *group },
        }
    }
}
