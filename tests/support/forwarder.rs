//! A forwarder that is recorded, and fails when the test says so.

use std::sync::Arc;

use mgm::{
    Entry, Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MemoryForwarder, MfeStats, SourceAddr,
};
use parking_lot::Mutex;

use super::{Family, Party, Record, What};

/// Given what the forwarder is told; may block, or panic.
type Fault<A> = dyn Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync;
type StatsFault<A> = dyn Fn(SourceAddr<A>) -> Result<(), ForwarderError> + Send + Sync;

pub(crate) struct Spy<A: Family> {
    pub(crate) memory: MemoryForwarder<A>,
    record: Arc<Record<A>>,
    before: Mutex<Option<Arc<Fault<A>>>>,
    after: Mutex<Option<Arc<Fault<A>>>>,
    stats: Mutex<Option<Arc<StatsFault<A>>>>,
}

impl<A: Family> Spy<A> {
    pub(super) fn new(record: Arc<Record<A>>) -> Self {
        let (before, after, stats) = Default::default();
        Self { memory: MemoryForwarder::new(), record, before, after, stats }
    }

    /// Asks this before each change; an error is what the forwarder says, and then it has done nothing.
    pub(crate) fn before(
        &self,
        fault: impl Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        *self.before.lock() = Some(Arc::new(fault));
    }

    /// Asks this when a change is done.
    pub(crate) fn after(
        &self,
        fault: impl Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        *self.after.lock() = Some(Arc::new(fault));
    }

    /// Asks this before it tells what it counted for an entry of this source.
    pub(crate) fn before_stats(
        &self,
        fault: impl Fn(SourceAddr<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        *self.stats.lock() = Some(Arc::new(fault));
    }

    /// Refuses everything from now on.
    pub(crate) fn refuse(&self, error: ForwarderError) {
        self.before(move |_| Err(error));
    }

    /// Does everything again.
    pub(crate) fn recover(&self) {
        *self.before.lock() = None;
        *self.after.lock() = None;
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.before.lock().is_some() || self.after.lock().is_some()
    }

    fn told(
        &self,
        what: &What<A>,
        change: impl FnOnce() -> Result<(), ForwarderError>,
    ) -> Result<(), ForwarderError> {
        self.record.note(Party::Forwarder, what.clone());
        ask(&self.before, what)?;
        change()?;
        ask(&self.after, what)
    }
}

fn ask<A: Family>(fault: &Mutex<Option<Arc<Fault<A>>>>, what: &What<A>) -> Result<(), ForwarderError> {
    let fault = fault.lock().clone();
    fault.map_or(Ok(()), |fault| fault(what))
}

impl<A: Family> Forwarder<A> for Spy<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        // A kernel that minds refuses what it has.
        let has = || self.memory.stats(entry.source, entry.group).is_ok();
        let add = || if has() { Err(ForwarderError::Full) } else { self.memory.add(entry) };
        self.told(&What::Add(entry.clone()), add)
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.told(&What::Change(entry.clone()), || self.memory.change(entry))
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        let what = What::Delete(Entry::SourceGroup(source, group));
        self.told(&what, || self.memory.delete(source, group))
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        let fault = self.stats.lock().clone();
        fault.map_or(Ok(()), |fault| fault(source))?;
        self.memory.stats(source, group)
    }
}
