//! The forwarder is told of entries that come, change and go faster than it takes them.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;

use mgm::Filter;
use shuttle::thread;

use crate::check::{Outcome, check};
use crate::names::{eth, group, source, star};
use crate::world::{LIFE, World};

#[test]
fn fw_11_a_delete_and_a_new_entry_beside_the_forwarders_queue() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        thread::scope(|scope| {
            scope.spawn(|| {
                w.packet(1, 1);
                dvmrp.add_group_membership(eth(2), star(1)).unwrap();
            });
            scope.spawn(|| {
                w.mgm.interface_removed(eth(1).index());
                w.packet(1, 1);
            });
            scope.spawn(|| w.packet(2, 1));
        });
        w.violations.check(w.mfe(1, 1).is_some(), "FW-1: a packet that was reported has its entry");
        w.finish(&[&pim, &dvmrp])
    });
}

/// An interface that is wanted while the entry is made goes in unasked.
#[test]
fn fw_13_two_reports_of_one_packet_beside_a_join() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        thread::scope(|scope| {
            scope.spawn(|| w.packet(1, 1));
            scope.spawn(|| w.packet(1, 1));
            scope.spawn(|| dvmrp.add_group_membership(eth(2), star(1)).unwrap());
        });
        w.violations.check(w.mfe(1, 1).is_some(), "FW-1: a packet that was reported has its entry");
        w.finish(&[&pim, &dvmrp])
    });
}

/// A block takes away only what its own client wants there.
#[test]
fn fw_2_a_block_beside_a_packet_beside_a_join_of_another() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, igmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.igmp(&[2]));
        igmp.add_group_membership(eth(2), star(1)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| w.packet(1, 1));
            scope.spawn(|| {
                igmp.block_source(eth(2), source(1), group(1)).unwrap();
                igmp.unblock_source(eth(2), source(1), group(1)).unwrap();
                igmp.block_source(eth(2), source(1), group(1)).unwrap();
            });
            scope.spawn(|| {
                dvmrp.add_group_membership(eth(2), star(1)).unwrap();
                dvmrp.delete_group_membership(eth(2), star(1)).unwrap();
            });
        });
        w.finish(&[&pim, &dvmrp])
    });
}

/// The same with a forwarder that refuses at first.
#[test]
fn fw_11_what_the_forwarder_refuses_is_retried_beside_a_delete() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        w.plane.refuses.store(2, SeqCst);
        thread::scope(|scope| {
            scope.spawn(|| {
                w.packet(1, 1);
                w.mgm.interface_removed(eth(1).index());
            });
            scope.spawn(|| {
                w.packet(1, 1);
                dvmrp.add_group_membership(eth(2), star(1)).unwrap();
            });
            scope.spawn(|| w.expire());
        });
        // Each retry waits a little longer.
        while !w.mgm.forwarder_failures().is_empty() || w.plane.refuses.load(SeqCst) > 0 {
            w.plane.refuses.store(0, SeqCst);
            let _next = w.mgm.expire(w.now + LIFE / 2);
        }
        w.finish(&[&pim, &dvmrp])
    });
}

/// FW-12: the manager goes while an entry is being made.
#[test]
fn fw_12_the_last_handle_goes_beside_a_packet() {
    check(|| {
        let World { mgm, plane, violations, now, .. } = World::new();
        let other = mgm.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                let (from, to) = (source(1), group(1));
                other.packet_received(from, to, eth(1), &[], now).unwrap();
            });
            scope.spawn(move || drop(mgm));
        });
        Outcome { violations, plane }
    });
}

/// A filter is one step, so that none is mixed with another.
#[test]
fn mb_9_two_filters_of_one_group_leave_one_of_them() {
    check(|| {
        let w = World::new();
        let igmp = w.igmp(&[2]);
        let filters = [[source(1), source(2)], [source(3), source(4)]];
        thread::scope(|scope| {
            for sources in &filters {
                scope.spawn(|| igmp.set_group(eth(2), group(1), Filter::Include(sources)).unwrap());
            }
        });
        let held: BTreeSet<_> = w.mgm.groups().filter_map(|held| held.entry.source()).collect();
        let is_one = filters.iter().any(|sources| BTreeSet::from(*sources) == held);
        w.violations.check(is_one, "MB-9: one of the filters is held");
        w.finish(&[])
    });
}

impl World {
    fn expire(&self) {
        let _next = self.mgm.expire(self.now + std::time::Duration::from_secs(2));
    }
}
