//! The time at which `expire` wants to be called, as whoever asked for it at building time knows it (FW-16).

use std::time::Instant;

/// What is called when that time becomes sooner.
pub(crate) type OnDue = Box<dyn Fn(Instant) + Send + Sync>;

/// It lies under the engine's lock, and looks at the time after each change. It is called by one thread at a time, so that
/// the last call is about the last time that it became sooner: a thread that finds another one calling leaves it to that.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// After the last change.
    due: Option<Instant>,
    /// It has become sooner, and nobody has been called for that yet.
    sooner: Option<Instant>,
    is_calling: bool,
}

impl Alarm {
    /// The time may have changed. Says whether somebody is to be called for it.
    pub(super) fn look(&mut self, due: Option<Instant>) -> bool {
        let is_sooner = |due: &Instant| self.due.is_none_or(|before| *due < before);
        if let Some(due) = due.filter(is_sooner) {
            self.sooner = Some(due);
        }
        self.due = due;
        self.sooner.is_some()
    }

    /// Takes the right to call, with the time to call with. There is none if that is not needed, or if another thread
    /// calls.
    pub(super) fn take(&mut self) -> Option<Instant> {
        if self.is_calling {
            return None;
        }
        let sooner = self.sooner.take()?;
        self.is_calling = true;
        Some(sooner)
    }

    /// Gives the right back. Says whether it has become sooner meanwhile.
    pub(super) const fn give_back(&mut self) -> bool {
        self.is_calling = false;
        self.sooner.is_some()
    }
}
