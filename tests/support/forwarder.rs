//! A forwarder that fails when the test says so: what it is told comes as the tests' own values.

use std::ops::Deref;
use std::sync::Arc;

use mgm::record::Callback;
use mgm::testing::FaultyForwarder;
use mgm::{Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MfeStats, SourceAddr};
use parking_lot::Mutex;

use super::{Family, What, from_pair};

/// Given what the forwarder has done.
type Afterthought<A> = dyn Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync;

pub(crate) struct Spy<A: Family> {
    forwarder: FaultyForwarder<A>,
    after: Mutex<Option<Arc<Afterthought<A>>>>,
    is_faulty: Mutex<bool>,
}

impl<A: Family> Spy<A> {
    pub(super) fn new() -> Self {
        Self { forwarder: FaultyForwarder::new(), after: Mutex::default(), is_faulty: Mutex::default() }
    }

    /// Asks this before each change; an error is what the forwarder says, and then it has done nothing.
    pub(crate) fn before(
        &self,
        fault: impl Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        *self.is_faulty.lock() = true;
        self.forwarder.before(move |callback| {
            let is_change = !matches!(callback, Callback::Stats { .. });
            if is_change { fault(&What::from(callback)) } else { Ok(()) }
        });
    }

    /// Asks this when a change is done.
    pub(crate) fn after(
        &self,
        fault: impl Fn(&What<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        *self.is_faulty.lock() = true;
        *self.after.lock() = Some(Arc::new(fault));
    }

    /// Asks this, and nothing before changes, before it tells what it counted for an entry of this source.
    pub(crate) fn before_stats(
        &self,
        fault: impl Fn(SourceAddr<A>) -> Result<(), ForwarderError> + Send + Sync + 'static,
    ) {
        self.forwarder.before(move |callback| {
            if let Callback::Stats { source, .. } = callback { fault(*source) } else { Ok(()) }
        });
    }

    /// Refuses everything from now on.
    pub(crate) fn refuse(&self, error: ForwarderError) {
        *self.is_faulty.lock() = true;
        self.forwarder.fail(error);
    }

    /// Does everything again.
    pub(crate) fn recover(&self) {
        *self.is_faulty.lock() = false;
        self.forwarder.recover();
        *self.after.lock() = None;
    }

    pub(super) fn is_faulty(&self) -> bool {
        *self.is_faulty.lock()
    }

    fn done(&self, what: impl FnOnce() -> What<A>) -> Result<(), ForwarderError> {
        let fault = self.after.lock().clone();
        fault.map_or(Ok(()), |fault| fault(&what()))
    }
}

impl<A: Family> Deref for Spy<A> {
    type Target = FaultyForwarder<A>;

    fn deref(&self) -> &FaultyForwarder<A> {
        &self.forwarder
    }
}

impl<A: Family> Forwarder<A> for Spy<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.forwarder.add(entry)?;
        self.done(|| What::Add(entry.clone()))
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.forwarder.change(entry)?;
        self.done(|| What::Change(entry.clone()))
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.forwarder.delete(source, group)?;
        self.done(|| What::Delete(from_pair(source, group)))
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        self.forwarder.stats(source, group)
    }
}
