//! What is due: entries whose time is over, and all else for which somebody has to come back (FW-7, FW-14).

use std::time::Instant;

use super::Engine;
use super::key::Key;
use super::making::{LIFETIME, MakingId};
use super::mfe::{Due, no_such_mfe};
use super::time::Tick;
use crate::error::Error;
use crate::types::address::Address;

/// What became of an entry that carried no packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Idle {
    Deleted,
    /// FW-14.
    Kept,
    /// It is gone, or was given more time.
    NotDue,
}

impl<A: Address> Engine<A> {
    /// A page of the entries whose time is over, those after the last of the page before.
    pub(crate) fn expired(&self, now: Tick, last: Option<Due<A>>) -> Vec<Due<A>> {
        self.mfes.due(now, last).take(self.page.size().changes).collect()
    }

    /// What the forwarder had counted for an entry when it was made or renewed; nothing if it counts anew since.
    pub(crate) fn counted_before(&self, key: Key<A>) -> Result<Option<u64>, Error<A>> {
        let mfe = self.mfes.get(self.at(key)).ok_or_else(|| no_such_mfe(key))?;
        Ok((!mfe.is_count_lost).then_some(mfe.packets))
    }

    /// FW-7: begins to make an entry anew, unless that is going on, or it was given more time meanwhile.
    pub(crate) fn begin_renewal(&mut self, key: Key<A>, now: Tick) -> Option<MakingId> {
        let is_due = self.mfes.get(self.at(key)).is_some_and(|mfe| mfe.expires <= now);
        (is_due && !self.makings.contains_key(&key)).then(|| self.begin_making(key))
    }

    /// FW-7: an entry has had its time and was idle. It is deleted, unless it was given more time meanwhile, or others want
    /// it and its owner does not pull it: then it lives on, so that the owner hears of the next member (FW-14).
    pub(crate) fn end_idle(&mut self, key: Key<A>, now: Tick) -> Idle {
        let at = self.at(key);
        let Some(mfe) = self.mfes.get(at).filter(|mfe| mfe.expires <= now) else { return Idle::NotDue };
        let is_kept = mfe.owner.is_some_and(|owner| {
            let covering = self.covering(key);
            !mfe.is_told && covering.keys().any(|at| self.is_wanted_besides(at, owner))
        });
        if is_kept {
            self.mfes.expire_at(at, now.after(LIFETIME));
            Idle::Kept
        } else {
            self.delete_mfe(at);
            Idle::Deleted
        }
    }

    /// FW-16: when anything is next due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = [self.mfes.next_due(), self.next_retry()].into_iter().flatten().min();
        let due = due.and_then(|due| self.clock.instant(due));
        due.into_iter().chain(self.next_refresh_due()).min()
    }
}
