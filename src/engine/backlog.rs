//! What the forwarder has to be told: the entries that it holds, and those that it does not hold as it should (FW-11, FW-12,
//! FW-15).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use super::Engine;
use super::key::Key;
use super::time::Tick;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry};
use crate::view::{Failure, MfeFailure};

/// How one entry stands with the forwarder.
#[derive(Debug, Default)]
pub(super) struct Standing {
    held: Held,
    /// It waits in the queue: the forwarder does not have its latest state.
    is_queued: bool,
    telling: Telling,
    /// How many restarts of the forwarder had been reported when it was last told: of earlier ones it holds nothing.
    restarts: u32,
    /// How often it was told in vain, one time after the other.
    attempts: u32,
    failed: Option<Box<Failed>>,
}

/// Whether the forwarder holds the entry, as far as anybody knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Held {
    #[default]
    No,
    /// It is being told to, and has not answered yet.
    Adding,
    /// It said yes to that, and has been told no more since.
    Added,
    Yes,
}

/// Whether the forwarder is being told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Telling {
    #[default]
    No,
    Begun,
    /// It has not answered yet, but has reported a failure (FW-15).
    Failed,
}

#[derive(Debug)]
struct Failed {
    error: ForwarderError,
    retry: Tick,
}

/// What waits for the forwarder. Entries, not changes, are queued: so it never has more than there are entries.
#[derive(Debug)]
pub(super) struct Backlog<A> {
    queue: VecDeque<Key<A>>,
    /// Deleted entries that the forwarder still holds.
    leftovers: BTreeMap<Key<A>, Standing>,
    retries: BTreeSet<(Tick, Key<A>)>,
    /// How many restarts of the forwarder have been reported.
    restarts: u32,
}

/// How far the forwarder has been told again after a restart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refill<A> {
    Mfes { after: Option<Key<A>> },
    Leftovers { after: Option<Key<A>> },
}

/// What the forwarder is to do for one entry.
#[derive(Clone, Debug)]
pub(crate) enum Command<A> {
    Add(ForwardingEntry<A>),
    Change(ForwardingEntry<A>),
    Delete(SourceAddr<A>, GroupAddr<A>),
}

impl<A: Address> Command<A> {
    /// The (S,G) that it is about.
    pub(crate) const fn pair(&self) -> (SourceAddr<A>, GroupAddr<A>) {
        match self {
            Self::Add(entry) | Self::Change(entry) => (entry.source, entry.group),
            Self::Delete(source, group) => (*source, *group),
        }
    }
}

/// The first retry comes after this, each further one after twice the time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: u32 = 6;

/// So many entries may wait without the queue giving memory back.
const ROOM_KEPT: usize = 1024;

impl<A: Address> Backlog<A> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), leftovers: BTreeMap::new(), retries: BTreeSet::new(), restarts: 0 }
    }
}

impl<A: Address> Engine<A> {
    pub(super) fn next_retry(&self) -> Option<Tick> {
        self.backlog.retries.first().map(|(tick, _)| *tick)
    }

    /// The entry has changed, or is no more: the forwarder has to hear of it, at once if it is waiting for a retry.
    pub(super) fn queue_for_forwarder(&mut self, key: Key<A>) {
        let Some(standing) = self.standing(key) else { return };
        let retry = standing.failed.as_ref().map(|failed| failed.retry);
        if retry.is_none() {
            standing.attempts = 0;
        }
        let queue = !std::mem::replace(&mut standing.is_queued, true);
        if let Some(retry) = retry {
            self.backlog.retries.remove(&(retry, key));
        }
        if queue {
            self.backlog.queue.push_back(key);
        }
    }

    /// What the entry of the same key left in the forwarder, for the entry that takes its place.
    pub(super) fn adopt(&mut self, key: Key<A>) -> Standing {
        self.backlog.leftovers.remove(&key).unwrap_or_default()
    }

    /// The entry is deleted; the forwarder has to delete it too, if it holds it.
    pub(super) fn disown(&mut self, key: Key<A>, standing: Standing) {
        if let Some(failed) = &standing.failed {
            self.backlog.retries.remove(&(failed.retry, key));
        }
        if standing.may_be_held() || standing.is_queued {
            self.backlog.leftovers.insert(key, standing);
            self.queue_for_forwarder(key);
        }
    }

    pub(crate) fn has_commands(&self) -> bool {
        !self.backlog.queue.is_empty()
    }

    /// What the forwarder is to do next.
    pub(crate) fn next_command(&mut self) -> Option<Command<A>> {
        let queue = &mut self.backlog.queue;
        if queue.capacity() > ROOM_KEPT && queue.len() < queue.capacity() / 8 {
            // After a burst the memory goes back.
            queue.shrink_to(ROOM_KEPT.max(queue.len() * 2));
        }
        while let Some(key) = self.backlog.queue.pop_front() {
            self.lose_what_went_with_a_restart(key);
            let entry = self.forwarding_entry(key);
            let Some(standing) = self.standing(key) else { continue };
            standing.is_queued = false;
            let command = match entry {
                Some(entry) if standing.held != Held::No => Command::Change(entry),
                Some(entry) => {
                    standing.held = Held::Adding;
                    Command::Add(entry)
                }
                None if standing.may_be_held() => {
                    let (source, group) = key.pair();
                    Command::Delete(source, group)
                }
                None => {
                    self.backlog.leftovers.remove(&key);
                    continue;
                }
            };
            standing.telling = Telling::Begun;
            return Some(command);
        }
        None
    }

    /// The entry as the forwarder has to know it.
    fn forwarding_entry(&self, key: Key<A>) -> Option<ForwardingEntry<A>> {
        let mfe = self.mfes.get(self.at(key))?;
        let interface = |id| self.interfaces.get(id).map(|record| record.interface);
        let (source, group) = key.pair();
        let mut oifs = Vec::with_capacity(mfe.oif_count());
        oifs.extend(mfe.oifs().filter_map(interface));
        oifs.sort_unstable();
        Some(ForwardingEntry { source, group, iif: interface(mfe.iif)?, oifs })
    }

    /// What became of a command.
    pub(crate) fn commanded(&mut self, command: &Command<A>, result: Result<(), ForwarderError>) {
        let (source, group) = command.pair();
        let key = Key::of(source, group);
        let Some(standing) = self.standing(key) else { return };
        let had_failed = standing.failed.take();
        // FW-15: what has been reported meanwhile outlasts a yes.
        let reported = match std::mem::take(&mut standing.telling) {
            Telling::Failed => had_failed.as_ref().map(|failed| failed.error),
            Telling::No | Telling::Begun => None,
        };
        let error = result.err().or(reported);
        let held = match (command, error) {
            (Command::Add(_), None) => Held::Added,
            // One that panicked may have added it; if not, it will say so.
            (Command::Change(_), None)
            | (Command::Add(_) | Command::Change(_), Some(ForwarderError::Panicked)) => Held::Yes,
            // It was flushed behind the manager's back: it has to be added again.
            (Command::Add(_), Some(_)) | (Command::Change(_), Some(ForwarderError::NoSuchEntry)) => Held::No,
            (Command::Change(_), Some(_)) => Held::Yes,
            (Command::Delete(..), None) => Held::No,
            // It holds what it held before, which is nothing if it refused to add it.
            (Command::Delete(..), Some(_)) => standing.held,
        };
        match (error, reported) {
            (Some(_), None) if had_failed.is_none() => standing.attempts = 1,
            (Some(_), None) => standing.attempts += 1,
            // It was counted when it was reported.
            (_, Some(_)) | (None, None) => {}
        }
        match command {
            // What it then may hold is another entry's.
            Command::Delete(..) => standing.held = held,
            Command::Add(_) | Command::Change(_) => self.set_held(key, held),
        }
        match error {
            Some(error) => self.fail(key, error),
            None => self.forget_unless_held(key),
        }
    }

    /// FW-15: the forwarder did not do what it had said yes to. It is told again as if it had said no; of an entry that the
    /// manager does not have, that it is to be deleted.
    pub(crate) fn forwarder_failed(&mut self, key: Key<A>, error: ForwarderError) {
        if self.mfes.get(self.at(key)).is_none() {
            // Where no time has been passed in there has been no entry.
            if error == ForwarderError::NoSuchEntry || self.clock.latest_instant().is_none() {
                return;
            }
            let restarts = self.backlog.restarts;
            let unknown = || Standing { restarts, ..Standing::default() };
            self.backlog.leftovers.entry(key).or_insert_with(unknown);
        }
        let restarts = self.backlog.restarts;
        let Some(standing) = self.standing(key) else { return };
        if standing.restarts != restarts {
            // It is told again after the restart anyhow.
            return;
        }
        match (standing.telling, &mut standing.failed) {
            // It has not been told since it failed.
            (Telling::No, Some(failed)) => {
                failed.error = error;
                if error == ForwarderError::NoSuchEntry {
                    self.set_held(key, Held::No);
                }
                return;
            }
            (Telling::Failed, _) => {}
            (Telling::No | Telling::Begun, _) => standing.attempts = standing.attempts.saturating_add(1),
        }
        match (standing.telling, standing.held) {
            (Telling::Begun | Telling::Failed, _) => standing.telling = Telling::Failed,
            (Telling::No, Held::Yes) if error != ForwarderError::NoSuchEntry => {}
            (Telling::No, Held::Added | Held::Yes | Held::Adding | Held::No) => self.set_held(key, Held::No),
        }
        self.fail(key, error);
    }

    /// It is to be tried again, unless it is told anyhow.
    fn fail(&mut self, key: Key<A>, error: ForwarderError) {
        let latest = self.clock.latest();
        let Some(standing) = self.standing(key) else { return };
        let doublings = standing.attempts.saturating_sub(1).min(LAST_RETRY);
        let retry = latest.after(FIRST_RETRY * 2_u32.pow(doublings));
        standing.failed = Some(Box::new(Failed { error, retry }));
        if !standing.is_queued && standing.telling == Telling::No {
            self.backlog.retries.insert((retry, key));
        }
    }

    fn set_held(&mut self, key: Key<A>, held: Held) {
        let Some(standing) = self.standing(key) else { return };
        let was = std::mem::replace(&mut standing.held, held);
        let is_lost = matches!(was, Held::Added | Held::Yes) && held == Held::No;
        let at = self.at(key);
        if let Some(mfe) = self.mfes.get_mut(at).filter(|_| is_lost) {
            mfe.is_count_lost = true;
        }
    }

    fn forget_unless_held(&mut self, key: Key<A>) {
        let is_done = |standing: &&Standing| standing.held == Held::No && !standing.is_queued;
        if self.backlog.leftovers.get(&key).filter(is_done).is_some() {
            self.backlog.leftovers.remove(&key);
        }
    }

    /// FW-15: the forwarder has lost everything.
    pub(crate) const fn forwarder_restarted(&mut self) -> Refill<A> {
        self.backlog.restarts = self.backlog.restarts.wrapping_add(1);
        Refill::Mfes { after: None }
    }

    /// FW-15: queues a page of what the forwarder has not been told since it restarted. Says where to go on.
    pub(crate) fn refill(&mut self, refill: Refill<A>) -> Option<Refill<A>> {
        let size = self.page.size().changes;
        let keys: Vec<_> = match refill {
            Refill::Mfes { after } => self.mfes.after(after).take(size).collect(),
            Refill::Leftovers { after } => {
                let rest = self.backlog.leftovers.range((after.map_or(Unbounded, Excluded), Unbounded));
                rest.map(|(key, _)| *key).take(size).collect()
            }
        };
        let restarts = self.backlog.restarts;
        for key in &keys {
            self.page.change();
            if self.standing(*key).is_some_and(|standing| standing.restarts != restarts) {
                self.queue_for_forwarder(*key);
            }
        }
        match (refill, keys.last().copied()) {
            (Refill::Mfes { .. }, Some(last)) => Some(Refill::Mfes { after: Some(last) }),
            (Refill::Mfes { .. }, None) => Some(Refill::Leftovers { after: None }),
            (Refill::Leftovers { .. }, Some(last)) => Some(Refill::Leftovers { after: Some(last) }),
            (Refill::Leftovers { .. }, None) => None,
        }
    }

    fn lose_what_went_with_a_restart(&mut self, key: Key<A>) {
        let restarts = self.backlog.restarts;
        let Some(standing) = self.standing(key) else { return };
        if std::mem::replace(&mut standing.restarts, restarts) == restarts {
            return;
        }
        let failed = standing.failed.take();
        standing.attempts = 0;
        self.set_held(key, Held::No);
        if let Some(failed) = failed {
            self.backlog.retries.remove(&(failed.retry, key));
        }
    }

    /// FW-11: queues again a page of what failed and has waited long enough. Says whether none is left.
    pub(crate) fn retry(&mut self, now: Tick) -> bool {
        while let Some(&(due, key)) = self.backlog.retries.first().filter(|(due, _)| *due <= now) {
            if self.page.is_full() {
                return false;
            }
            self.page.change();
            self.backlog.retries.remove(&(due, key));
            self.queue_for_forwarder(key);
        }
        true
    }

    /// What the forwarder does not hold as it should, deleted entries too: those that are tried again first.
    pub(crate) fn failures(&self) -> Vec<Failure<A>> {
        let keys = self.backlog.retries.iter().map(|(_, key)| *key).take(self.page.size().looks);
        keys.filter_map(|key| {
            let at = self.at(key);
            let standing =
                self.mfes.get(at).map(|mfe| &mfe.standing).or_else(|| self.backlog.leftovers.get(&key))?;
            let failed = standing.failed.as_ref()?;
            let (source, group) = key.pair();
            Some(Failure {
                source,
                group,
                deleted: self.mfes.get(at).is_none(),
                error: failed.error,
                attempts: standing.attempts,
            })
        })
        .collect()
    }

    /// Every entry that the forwarder holds, for the manager that goes (FW-12).
    pub(crate) fn held_by_forwarder(&self) -> Vec<(SourceAddr<A>, GroupAddr<A>)> {
        let live = self.mfes.iter().filter(|(_, mfe)| mfe.standing.may_be_held()).map(|(key, _)| key);
        let left =
            self.backlog.leftovers.iter().filter(|(_, standing)| standing.may_be_held()).map(|(key, _)| *key);
        live.chain(left).map(Key::pair).collect()
    }

    fn standing(&mut self, key: Key<A>) -> Option<&mut Standing> {
        let at = self.at(key);
        self.mfes.get_mut(at).map(|mfe| &mut mfe.standing).or_else(|| self.backlog.leftovers.get_mut(&key))
    }
}

impl Standing {
    /// The forwarder may have some of an entry that it failed to add: it has to be told when that is deleted.
    const fn may_be_held(&self) -> bool {
        !matches!(self.held, Held::No) || self.failed.is_some()
    }

    /// The forwarder holds the entry as it is.
    #[cfg(feature = "testing")]
    pub(super) fn is_as_it_should_be(&self) -> bool {
        matches!(self.held, Held::Added | Held::Yes) && !self.is_queued
    }

    pub(super) fn failure(&self) -> Option<MfeFailure> {
        self.failed.as_ref().map(|failed| MfeFailure { error: failed.error, attempts: self.attempts })
    }
}
