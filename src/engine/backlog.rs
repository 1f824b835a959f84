//! What the forwarder has to be told: the entries that it holds, and those that it does not hold as it should (FW-11, FW-12).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::Engine;
use super::enumerate::PAGE;
use super::key::{Hashed, Key};
use super::time::Tick;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry};
use crate::view::Failure;

/// How one entry stands with the forwarder.
#[derive(Debug, Default)]
pub(super) struct Sync {
    /// The forwarder holds the entry, as far as anybody knows; or is being told to.
    held: bool,
    /// It waits in the queue: the forwarder does not have its latest state.
    queued: bool,
    failed: Option<Box<Failed>>,
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
    leftovers: BTreeMap<Key<A>, Sync>,
    retries: BTreeSet<(Tick, Key<A>)>,
}

/// What the forwarder is to do for one entry.
#[derive(Clone, Debug)]
pub(crate) enum Command<A> {
    Add(ForwardingEntry<A>),
    Change(ForwardingEntry<A>),
    Delete(SourceAddr<A>, GroupAddr<A>),
}

/// The first retry comes after this, each further one after twice the time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: u32 = 6;

impl<A: Address> Backlog<A> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), leftovers: BTreeMap::new(), retries: BTreeSet::new() }
    }

    pub(super) fn next_retry(&self) -> Option<Tick> {
        self.retries.first().map(|(tick, _)| *tick)
    }
}

impl<A: Address> Engine<A> {
    /// The entry has changed, or is no more: the forwarder has to hear of it, at once if it is waiting for a retry.
    pub(super) fn sync(&mut self, key: Key<A>) {
        let Some(sync) = self.sync_of(key) else { return };
        let retry = sync.failed.as_ref().map(|failed| failed.retry);
        let queue = !std::mem::replace(&mut sync.queued, true);
        if let Some(retry) = retry {
            self.backlog.retries.remove(&(retry, key));
        }
        if queue {
            self.backlog.queue.push_back(key);
        }
    }

    /// What the entry of the same key left in the forwarder, for the entry that takes its place.
    pub(super) fn adopt(&mut self, key: Key<A>) -> Sync {
        self.backlog.leftovers.remove(&key).unwrap_or_default()
    }

    /// The entry is deleted; the forwarder has to delete it too, if it holds it.
    pub(super) fn disown(&mut self, key: Key<A>, sync: Sync) {
        if let Some(failed) = &sync.failed {
            self.backlog.retries.remove(&(failed.retry, key));
        }
        if sync.may_be_held() || sync.queued {
            self.backlog.leftovers.insert(key, sync);
            self.sync(key);
        }
    }

    pub(crate) fn has_commands(&self) -> bool {
        !self.backlog.queue.is_empty()
    }

    /// What the forwarder is to do next.
    pub(crate) fn next_command(&mut self) -> Option<Command<A>> {
        while let Some(key) = self.backlog.queue.pop_front() {
            let entry = self.forwarding_entry(key);
            let Some(sync) = self.sync_of(key) else { continue };
            sync.queued = false;
            let may_be_held = sync.may_be_held();
            let held = std::mem::replace(&mut sync.held, true);
            match entry {
                Some(entry) if held => return Some(Command::Change(entry)),
                Some(entry) => return Some(Command::Add(entry)),
                None if may_be_held => {
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

    /// What became of a command.
    pub(crate) fn commanded(&mut self, command: &Command<A>, result: Result<(), ForwarderError>) {
        let (key, held) = match command {
            // One that panicked may have added it; if not, it will say so.
            Command::Add(entry) => {
                let held = matches!(result, Ok(()) | Err(ForwarderError::Panicked));
                (Key::of(entry.source, entry.group), held)
            }
            // It was flushed behind the manager's back: it has to be added again.
            Command::Change(entry) => {
                (Key::of(entry.source, entry.group), result != Err(ForwarderError::NoSuchEntry))
            }
            Command::Delete(source, group) => (Key::of(*source, *group), result.is_err()),
        };
        let latest = self.clock.latest();
        let Some(sync) = self.sync_of(key) else { return };
        sync.held = held;
        let attempts = sync.failed.take().map_or(0, |failed| failed.attempts);
        if let Err(error) = result {
            let retry = latest.after(FIRST_RETRY * 2_u32.pow(attempts.min(LAST_RETRY)));
            sync.failed = Some(Box::new(Failed { error, attempts: attempts + 1, retry }));
            if !sync.queued {
                self.backlog.retries.insert((retry, key));
            }
        } else if !held && !sync.queued {
            self.backlog.leftovers.remove(&key);
        }
    }

    /// FW-11: queues again what failed and has waited long enough.
    pub(crate) fn retry(&mut self, now: Tick) {
        while let Some(&(due, key)) = self.backlog.retries.first().filter(|(due, _)| *due <= now) {
            self.backlog.retries.remove(&(due, key));
            self.sync(key);
        }
    }

    /// What the forwarder does not hold as it should, deleted entries too: those that are tried again first.
    pub(crate) fn failures(&self) -> Vec<Failure<A>> {
        let keys = self.backlog.retries.iter().map(|(_, key)| *key).take(PAGE);
        keys.filter_map(|key| {
            let at = Hashed::new(&self.hasher, key);
            let sync = self.mfes.get(at).map(|mfe| &mfe.sync).or_else(|| self.backlog.leftovers.get(&key))?;
            let failed = sync.failed.as_ref()?;
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
        let live = self.mfes.iter().filter(|(_, mfe)| mfe.sync.may_be_held()).map(|(key, _)| key);
        let left = self.backlog.leftovers.iter().filter(|(_, sync)| sync.may_be_held()).map(|(key, _)| *key);
        live.chain(left).map(Key::pair).collect()
    }

    fn sync_of(&mut self, key: Key<A>) -> Option<&mut Sync> {
        let at = Hashed::new(&self.hasher, key);
        self.mfes.get_mut(at).map(|mfe| &mut mfe.sync).or_else(|| self.backlog.leftovers.get_mut(&key))
    }
}

impl Sync {
    /// The forwarder may have some of an entry that it failed to add: it has to be told when that is deleted.
    const fn may_be_held(&self) -> bool {
        self.held || self.failed.is_some()
    }

    pub(super) fn failure(&self) -> Option<(ForwarderError, u32)> {
        self.failed.as_ref().map(|failed| (failed.error, failed.attempts))
    }
}
