//! A forwarder without a kernel.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use parking_lot::Mutex;

use super::Forwarder;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats, OifStats};
use crate::types::interface::Interface;

/// Keeps entries in memory and forwards the packets that it is handed, on paper.
///
/// For tests, simulations and dry runs. Keep it in an [`Arc`](std::sync::Arc) to look at it beside the manager.
///
/// # Example: a packet goes where the entry says
///
/// ```
/// use mgm::{Forwarder, ForwardingEntry, Interface, MemoryForwarder};
///
/// let forwarder: MemoryForwarder = MemoryForwarder::new();
/// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
/// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
/// forwarder.add(&ForwardingEntry::new(source, group, eth0).oifs(vec![eth1]))?;
/// assert_eq!(forwarder.packet(source, group, eth0, 1000), Some(vec![eth1]));
/// assert_eq!(forwarder.stats(source, group)?.octets, 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryForwarder<A: Address = Ipv4Addr> {
    entries: Mutex<BTreeMap<Key<A>, Counted<A>>>,
}

type Key<A> = (GroupAddr<A>, SourceAddr<A>);

#[derive(Debug)]
struct Counted<A> {
    entry: ForwardingEntry<A>,
    stats: MfeStats<A>,
}

impl<A: Address> MemoryForwarder<A> {
    /// A forwarder without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Mutex::new(BTreeMap::new()) }
    }

    /// All entries, in the order of group, then source.
    #[must_use]
    pub fn entries(&self) -> Vec<ForwardingEntry<A>> {
        self.entries.lock().values().map(|counted| counted.entry.clone()).collect()
    }

    /// Forgets all entries, as a forwarder does that is started again: see
    /// [`Mgm::forwarder_restarted`](crate::Mgm::forwarder_restarted).
    pub fn restart(&self) {
        self.entries.lock().clear();
    }

    /// Takes a packet that arrived on `arrival`, and says where it went.
    ///
    /// Nothing is what a kernel reports as *no entry*; no interface at all means that it was absorbed, or that
    /// it came in on the wrong interface, which is counted.
    pub fn packet(
        &self,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        arrival: Interface<A>,
        octets: u64,
    ) -> Option<Vec<Interface<A>>> {
        let mut entries = self.entries.lock();
        let Counted { entry, stats } = entries.get_mut(&(group, source))?;
        if arrival != entry.iif {
            stats.wrong_interface += 1;
            return Some(Vec::new());
        }
        stats.packets += 1;
        stats.octets += octets;
        for oif in &entry.oifs {
            match stats.oifs.iter_mut().find(|counted| counted.interface == *oif) {
                Some(counted) => counted.packets += 1,
                None => stats.oifs.push(OifStats::new(*oif, 1)),
            }
        }
        Some(entry.oifs.clone())
    }
}

impl<A: Address> Default for MemoryForwarder<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Address> Forwarder<A> for MemoryForwarder<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        let counted = Counted { entry: entry.clone(), stats: MfeStats::new() };
        self.entries.lock().insert((entry.group, entry.source), counted);
        Ok(())
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        let mut entries = self.entries.lock();
        let counted = entries.get_mut(&(entry.group, entry.source)).ok_or(ForwarderError::NoSuchEntry)?;
        counted.entry.clone_from(entry);
        Ok(())
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.entries.lock().remove(&(group, source)).map(|_| ()).ok_or(ForwarderError::NoSuchEntry)
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        let entries = self.entries.lock();
        entries.get(&(group, source)).map(|counted| counted.stats.clone()).ok_or(ForwarderError::NoSuchEntry)
    }
}
