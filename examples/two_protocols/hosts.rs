//! IGMP, and the hosts that it speaks for.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use mgm::{Client, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface, MembershipChange, Mgm, SourceAddr};
use parking_lot::Mutex;

/// IGMP's handle, and what it remembers.
pub(crate) struct Hosts {
    igmp: Client,
    memory: Arc<Memory>,
}

/// What the hosts have joined, to be added again after a hand-over; here, none comes while a source is excluded.
#[derive(Default)]
struct Memory {
    joined: Mutex<BTreeSet<(Interface, Entry)>>,
}

impl Hosts {
    pub(crate) fn register(mgm: &Mgm, lans: &[Interface]) -> Self {
        let memory = Arc::<Memory>::default();
        let igmp = mgm.register_igmp(Arc::clone(&memory)).unwrap();
        for lan in lans {
            igmp.take_interface_ownership(*lan).unwrap();
        }
        Self { igmp, memory }
    }

    pub(crate) fn join(&self, lan: Interface, entry: Entry) {
        self.memory.joined.lock().insert((lan, entry));
        self.igmp.add_group_membership(lan, entry).unwrap();
    }

    pub(crate) fn leave(&self, lan: Interface, entry: Entry) {
        self.memory.joined.lock().remove(&(lan, entry));
        self.igmp.delete_group_membership(lan, entry).unwrap();
    }

    pub(crate) fn block(&self, lan: Interface, source: SourceAddr, group: GroupAddr) {
        self.igmp.block_source(lan, source, group).unwrap();
    }

    pub(crate) fn unblock(&self, lan: Interface, source: SourceAddr, group: GroupAddr) {
        self.igmp.unblock_source(lan, source, group).unwrap();
    }
}

impl IgmpCallbacks for Memory {
    fn disable_igmp(&self, _: &ClientRef, interface: Interface) {
        println!("   IGMP   disable_igmp      on {interface}");
    }

    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        println!("   IGMP   enable_igmp       on {interface}");
        // The lock is not kept while the manager is called.
        let joined = self.joined.lock().clone();
        let here = joined.into_iter().filter(|(lan, _)| *lan == interface);
        igmp.batch(interface, here.map(|(_, entry)| MembershipChange::Add(entry))).into_result().unwrap();
    }

    fn interface_removed(&self, _: &ClientRef, index: NonZeroU32) {
        println!("   IGMP   interface_removed {index}");
        self.joined.lock().retain(|(lan, _)| lan.index() != index);
    }
}
