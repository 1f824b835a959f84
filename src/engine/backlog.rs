//! What the forwarder has to be told: the entries that it holds, and those that it does not hold as it should (FW-11, FW-12).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    failed: Option<Box<Failed>>,
}

/// Whether the forwarder holds the entry, as far as anybody knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Held {
    #[default]
    No,
    /// It is being told to, and has not answered yet.
    Adding,
    Yes,
}

#[derive(Debug)]
struct Failed {
    error: ForwarderError,
    attempts: u32,
    retry: Tick,
}

/// What waits for the forwarder. Entries, not changes, are queued: so it never has more than there are entries.
#[derive(Debug)]
pub(super) struct Backlog<A> {
    queue: VecDeque<Key<A>>,
    /// Deleted entries that the forwarder still holds.
    leftovers: BTreeMap<Key<A>, Standing>,
    retries: BTreeSet<(Tick, Key<A>)>,
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
        Self { queue: VecDeque::new(), leftovers: BTreeMap::new(), retries: BTreeSet::new() }
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
            let entry = self.forwarding_entry(key);
            let Some(standing) = self.standing(key) else { continue };
            standing.is_queued = false;
            match entry {
                Some(entry) if standing.held != Held::No => return Some(Command::Change(entry)),
                Some(entry) => {
                    standing.held = Held::Adding;
                    return Some(Command::Add(entry));
                }
                None if standing.may_be_held() => {
                    let (source, group) = key.pair();
                    return Some(Command::Delete(source, group));
                }
                None => {
                    self.backlog.leftovers.remove(&key);
                }
            }
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
        let latest = self.clock.latest();
        let Some(standing) = self.standing(key) else { return };
        standing.held = match (command, &result) {
            // One that panicked may have added it; if not, it will say so.
            (Command::Add(_) | Command::Change(_), Ok(()) | Err(ForwarderError::Panicked)) => Held::Yes,
            // It was flushed behind the manager's back: it has to be added again.
            (Command::Add(_), Err(_)) | (Command::Change(_), Err(ForwarderError::NoSuchEntry)) => Held::No,
            (Command::Change(_), Err(_)) => Held::Yes,
            (Command::Delete(..), Ok(())) => Held::No,
            // It holds what it held before, which is nothing if it refused to add it.
            (Command::Delete(..), Err(_)) => standing.held,
        };
        let is_held = standing.held != Held::No;
        let attempts = standing.failed.take().map_or(0, |failed| failed.attempts);
        if let Err(error) = result {
            let retry = latest.after(FIRST_RETRY * 2_u32.pow(attempts.min(LAST_RETRY)));
            standing.failed = Some(Box::new(Failed { error, attempts: attempts + 1, retry }));
            if !standing.is_queued {
                self.backlog.retries.insert((retry, key));
            }
        } else if !is_held && !standing.is_queued {
            self.backlog.leftovers.remove(&key);
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
                attempts: failed.attempts,
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
        self.held == Held::Yes && !self.is_queued
    }

    pub(super) fn failure(&self) -> Option<MfeFailure> {
        self.failed.as_ref().map(|failed| MfeFailure { error: failed.error, attempts: failed.attempts })
    }
}
