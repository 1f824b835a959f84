//! A forwarder that fails.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::forwarder::{Forwarder, MemoryForwarder};
use crate::record::Callback;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats};

/// A [`MemoryForwarder`] that fails when it is told to; clones are the same one.
///
/// It refuses to add what it has, as a kernel may.
///
/// # Example: a data plane that is full for a while
///
/// ```
/// use std::time::{Duration, Instant};
/// use mgm::testing::{FaultyForwarder, group, interface, source};
/// use mgm::{ForwarderError, Mgm};
///
/// let plane = FaultyForwarder::new();
/// let mgm = Mgm::builder().forwarder(plane.clone()).build();
/// plane.fail_next(1, ForwarderError::Full);
/// let now = Instant::now();
/// mgm.packet_received(source("10.0.0.1"), group("239.1.1.1"), interface(1), &[], now)?;
/// assert_eq!((plane.entries().len(), mgm.forwarder_failures().len()), (0, 1));
/// let _next = mgm.expire(now + Duration::from_secs(1)); // it is tried again
/// assert_eq!((plane.entries().len(), mgm.forwarder_failures().len()), (1, 0));
/// # Ok::<(), mgm::Error>(())
/// ```
pub struct FaultyForwarder<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
}

struct Shared<A: Address> {
    memory: MemoryForwarder<A>,
    fault: Mutex<Option<Arc<Fault<A>>>>,
}

/// Decides, by what the forwarder is asked, whether that fails.
type Fault<A> = dyn Fn(&Callback<A>) -> Result<(), ForwarderError> + Send + Sync;

impl<A: Address> FaultyForwarder<A> {
    /// A forwarder without entries, which does what it is asked.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared { memory: MemoryForwarder::new(), fault: Mutex::new(None) };
        Self { shared: Arc::new(shared) }
    }

    /// Asks `fault` before anything is done, from now on: an error is the answer, and then nothing is done. `fault` may
    /// take its time, call the manager, or panic.
    pub fn before(&self, fault: impl Fn(&Callback<A>) -> Result<(), ForwarderError> + Send + Sync + 'static) {
        self.put(Some(Arc::new(fault)));
    }

    /// The next `times` changes fail; those after them do not.
    pub fn fail_next(&self, times: usize, error: ForwarderError) {
        let left = Mutex::new(times);
        self.before(move |callback| {
            let mut left = left.lock();
            if *left == 0 || matches!(callback, Callback::Stats { .. }) {
                return Ok(());
            }
            *left -= 1;
            Err(error)
        });
    }

    /// All changes fail from now on.
    pub fn fail(&self, error: ForwarderError) {
        self.fail_next(usize::MAX, error);
    }

    /// Nothing fails any more.
    pub fn recover(&self) {
        self.put(None);
    }

    /// All entries are lost, as when a data plane restarts: tell the manager, with
    /// [`forwarder_restarted`](crate::Mgm::forwarder_restarted).
    pub fn lose_everything(&self) {
        self.shared.memory.restart();
    }

    /// The one before may hold the last handle of the manager, which empties this forwarder when it goes: so it is dropped
    /// without the lock.
    fn put(&self, fault: Option<Arc<Fault<A>>>) {
        let before = std::mem::replace(&mut *self.shared.fault.lock(), fault);
        drop(before);
    }

    fn fault(&self, callback: impl FnOnce() -> Callback<A>) -> Result<(), ForwarderError> {
        let fault = self.shared.fault.lock().clone();
        fault.map_or(Ok(()), |fault| fault(&callback()))
    }
}

/// What it has is looked at, and packets are put in, as with that.
impl<A: Address> Deref for FaultyForwarder<A> {
    type Target = MemoryForwarder<A>;

    fn deref(&self) -> &MemoryForwarder<A> {
        &self.shared.memory
    }
}

impl<A: Address> Forwarder<A> for FaultyForwarder<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.fault(|| Callback::Add(entry.clone()))?;
        let memory = &self.shared.memory;
        if memory.stats(entry.source, entry.group).is_ok() {
            return Err(ForwarderError::Full);
        }
        memory.add(entry)
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.fault(|| Callback::Change(entry.clone()))?;
        self.shared.memory.change(entry)
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.fault(|| Callback::Delete { source, group })?;
        self.shared.memory.delete(source, group)
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        self.fault(|| Callback::Stats { source, group })?;
        self.shared.memory.stats(source, group)
    }
}

impl<A: Address> Clone for FaultyForwarder<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Address> Default for FaultyForwarder<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Address> fmt::Debug for FaultyForwarder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyForwarder").field("entries", &self.entries().len()).finish()
    }
}
