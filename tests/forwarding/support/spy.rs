//! A forwarder that notes what it is told, and fails when the test says so.

use std::sync::Arc;

use mgm::{Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MemoryForwarder, MfeStats, SourceAddr};
use parking_lot::Mutex;

use super::Log;
use super::names::{Family, entry_line, pair};

/// Given what the forwarder is told, as the log has it; may block, or panic.
type Fault = dyn Fn(&str) -> Result<(), ForwarderError> + Send + Sync;

pub(crate) struct Spy<A: Family> {
    pub(crate) memory: MemoryForwarder<A>,
    log: Log,
    before: Mutex<Option<Arc<Fault>>>,
    after: Mutex<Option<Arc<Fault>>>,
    stats: Mutex<Option<Arc<Fault>>>,
}

impl<A: Family> Spy<A> {
    pub(crate) fn new(log: Log) -> Self {
        let (before, after, stats) = Default::default();
        Self { memory: MemoryForwarder::new(), log, before, after, stats }
    }

    /// Asks this before each change; an error is what the forwarder says, and then it has done nothing.
    pub(crate) fn before(&self, fault: impl Fn(&str) -> Result<(), ForwarderError> + Send + Sync + 'static) {
        *self.before.lock() = Some(Arc::new(fault));
    }

    /// Asks this when a change is done.
    pub(crate) fn after(&self, fault: impl Fn(&str) -> Result<(), ForwarderError> + Send + Sync + 'static) {
        *self.after.lock() = Some(Arc::new(fault));
    }

    /// Asks this before it tells what it counted.
    pub(crate) fn stats(&self, fault: impl Fn(&str) -> Result<(), ForwarderError> + Send + Sync + 'static) {
        *self.stats.lock() = Some(Arc::new(fault));
    }

    /// Refuses everything from now on, or no more.
    pub(crate) fn refuses(&self, error: Option<ForwarderError>) {
        self.before(move |_| error.map_or(Ok(()), Err));
    }

    /// What it holds, one line each.
    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = self.memory.entries();
        entries.iter().map(|held| entry_line(held.source, held.group, held.iif, &held.oifs)).collect()
    }

    fn told(
        &self,
        line: String,
        change: impl FnOnce() -> Result<(), ForwarderError>,
    ) -> Result<(), ForwarderError> {
        self.log.note(format!("forwarder: {line}"));
        ask(&self.before, &line)?;
        change()?;
        ask(&self.after, &line)
    }
}

fn ask(fault: &Mutex<Option<Arc<Fault>>>, line: &str) -> Result<(), ForwarderError> {
    let fault = fault.lock().clone();
    fault.map_or(Ok(()), |fault| fault(line))
}

fn line<A: Family>(told: &ForwardingEntry<A>) -> String {
    entry_line(told.source, told.group, told.iif, &told.oifs)
}

impl<A: Family> Forwarder<A> for Spy<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        // A kernel that minds refuses what it has.
        let has = || self.memory.stats(entry.source, entry.group).is_ok();
        let add = || if has() { Err(ForwarderError::Full) } else { self.memory.add(entry) };
        self.told(format!("add {}", line(entry)), add)
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.told(format!("change {}", line(entry)), || self.memory.change(entry))
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.told(format!("delete {}", pair(source, group)), || self.memory.delete(source, group))
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        ask(&self.stats, &pair(source, group))?;
        self.memory.stats(source, group)
    }
}
