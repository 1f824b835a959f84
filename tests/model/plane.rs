//! The forwarder under the manager: it counts packets, fails as it is told, and remembers what it was asked.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard};

use mgm::{
    Forwarder, ForwarderError, ForwardingEntry, GroupAddr, Interface, MemoryForwarder, MfeStats, SourceAddr,
};

use crate::ops::{Faults, Key};

#[derive(Debug, Default)]
pub(crate) struct Plane {
    pub(crate) memory: MemoryForwarder,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) faults: Faults,
    /// For each entry, what came of the last command, and how many have failed since one succeeded.
    pub(crate) last: BTreeMap<Key, (Option<ForwarderError>, u32)>,
    /// What the manager asked to have deleted.
    pub(crate) deletes: Vec<Key>,
    pub(crate) panics: u64,
    /// It lost entries while other threads told it of some: what it is told then need not fit what it has.
    pub(crate) has_lost_beside_others: bool,
    /// How many commands came.
    pub(crate) commands: usize,
    pub(crate) broken: Option<String>,
}

impl Plane {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    pub(crate) fn entry(&self, (group, source): Key) -> Option<ForwardingEntry> {
        self.memory.entries().into_iter().find(|entry| (entry.group, entry.source) == (group, source))
    }

    pub(crate) fn packet(&self, (group, source): Key, arrival: Interface) -> Option<Vec<Interface>> {
        self.memory.packet(source, group, arrival, 100)
    }

    /// Loses an entry, or had not done what it said of one; says what it reports.
    pub(crate) fn lose(&self, key: Key) -> ForwarderError {
        let (group, source) = key;
        let mut notes = self.notes();
        let had = self.memory.delete(source, group).is_ok();
        let error = if had { ForwarderError::NoSuchEntry } else { ForwarderError::Full };
        notes.last.insert(key, (Some(error), 1));
        error
    }

    /// A command for an entry that is to be there, or is not: it fails, or is done.
    fn command(
        &self,
        key: Key,
        (is_there, fails): (bool, fn(&Faults) -> bool),
        done: impl FnOnce() -> Result<(), ForwarderError>,
    ) -> Result<(), ForwarderError> {
        let mut notes = self.notes();
        notes.commands += 1;
        // A failed add may have left a part: the manager has that deleted too.
        let may_be_part = is_there && notes.last.get(&key).is_some_and(|(error, _)| error.is_some());
        if self.entry(key).is_some() != is_there && !may_be_part && !notes.has_lost_beside_others {
            notes.broken = Some(format!("a command for {key:?}, which the forwarder has: {}", !is_there));
        }
        let panics = notes.faults.panics;
        let result = if !fails(&notes.faults) {
            done()
        } else if panics {
            notes.panics += 1;
            Err(ForwarderError::Panicked)
        } else {
            Err(ForwarderError::Full)
        };
        let failed = notes.last.get(&key).map_or(0, |(_, failed)| *failed);
        let error = result.err();
        let failed = if error.is_none() { 0 } else { failed + 1 };
        notes.last.insert(key, (error, failed));
        drop(notes);
        if result == Err(ForwarderError::Panicked) {
            // Past the panic hook, which would print it.
            resume_unwind(Box::new("as the sequence says"));
        }
        result
    }
}

impl Forwarder for Plane {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        let key = (entry.group, entry.source);
        self.command(key, (false, |faults| faults.add), || self.memory.add(entry))
    }

    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        let key = (entry.group, entry.source);
        self.command(key, (true, |faults| faults.change), || self.memory.change(entry))
    }

    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.notes().deletes.push((group, source));
        self.command((group, source), (true, |faults| faults.delete), || {
            // What is gone is gone.
            self.memory.delete(source, group).or(Ok(()))
        })
    }

    fn stats(&self, source: SourceAddr, group: GroupAddr) -> Result<MfeStats, ForwarderError> {
        if self.notes().faults.stats {
            return Err(ForwarderError::NoSuchEntry);
        }
        self.memory.stats(source, group)
    }
}
