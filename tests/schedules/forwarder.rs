//! A forwarder that tells when it is told what cannot be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use mgm::{Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MfeStats, SourceAddr};

use crate::violations::{Violations, pause};

type Key = (GroupAddr, SourceAddr);

pub(crate) struct Plane {
    violations: Arc<Violations>,
    is_busy: AtomicBool,
    entries: Mutex<BTreeMap<Key, ForwardingEntry>>,
    /// How many packets it has forwarded, of every entry.
    pub(crate) packets: AtomicUsize,
    /// So many commands are refused first.
    pub(crate) refuses: AtomicUsize,
    has_refused: AtomicBool,
}

impl Plane {
    pub(crate) fn new(violations: Arc<Violations>) -> Self {
        Self {
            violations,
            is_busy: AtomicBool::new(false),
            entries: Mutex::default(),
            packets: AtomicUsize::new(0),
            refuses: AtomicUsize::new(0),
            has_refused: AtomicBool::new(false),
        }
    }

    pub(crate) fn entries(&self) -> Vec<ForwardingEntry> {
        self.entries.lock().unwrap().values().cloned().collect()
    }

    /// Carries a command out, unless it refuses it; `put` says whether it makes sense.
    fn command(
        &self,
        put: impl FnOnce(&mut BTreeMap<Key, ForwardingEntry>) -> bool,
        command: &str,
    ) -> Result<(), ForwarderError> {
        self.violations.check(!self.is_busy.swap(true, SeqCst), "FW-11: two commands at once");
        pause();
        let refuses = self.refuses.load(SeqCst) > 0;
        let result = if refuses {
            self.refuses.fetch_sub(1, SeqCst);
            self.has_refused.store(true, SeqCst);
            Err(ForwarderError::Full)
        } else if put(&mut self.entries.lock().unwrap()) {
            Ok(())
        } else {
            // What it has refused it may hold or not: it may be told to change or delete it, to be sure.
            let may_be = command != "add" && self.has_refused.load(SeqCst);
            self.violations.check(may_be, &format!("FW-11: {command} out of order"));
            Err(ForwarderError::NoSuchEntry)
        };
        pause();
        self.is_busy.store(false, SeqCst);
        result
    }
}

impl Forwarder for Plane {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        let key = (entry.group, entry.source);
        self.command(|entries| entries.insert(key, entry.clone()).is_none(), "add")
    }

    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        let key = (entry.group, entry.source);
        self.command(|entries| entries.get_mut(&key).map(|held| held.clone_from(entry)).is_some(), "change")
    }

    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.command(|entries| entries.remove(&(group, source)).is_some(), "delete")
    }

    fn stats(&self, _: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> {
        pause();
        let mut stats = MfeStats::new();
        stats.packets = u64::try_from(self.packets.load(SeqCst)).unwrap_or(u64::MAX);
        pause();
        Ok(stats)
    }
}
