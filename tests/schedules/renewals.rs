//! An entry is made anew while it is changed, moved or deleted.

use std::sync::atomic::Ordering::SeqCst;

use shuttle::thread;

use crate::check::check;
use crate::names::{eth, group, source, star};
use crate::protocol::Protocol;
use crate::world::{LIFE, Party, World};

/// An entry that PIM owns, that DVMRP wants on `eth(3)` and `eth(4)`, and whose time is over; it carried packets.
fn due() -> (World, Party<Protocol>, Party<Protocol>) {
    let w = World::new();
    let (pim, dvmrp) = (w.protocol(1, &[1, 2]), w.protocol(2, &[3, 4]));
    for index in [3, 4] {
        dvmrp.add_group_membership(eth(index), star(1)).unwrap();
    }
    w.packet(1, 1);
    w.plane.packets.fetch_add(1, SeqCst);
    (w, pim, dvmrp)
}

impl World {
    fn renews(&self) {
        let _next = self.mgm.expire(self.now + LIFE);
    }
}

#[test]
fn fw_13_a_renewal_beside_a_delete_and_the_next_packet() {
    check(|| {
        let (w, pim, dvmrp) = due();
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| {
                pim.release_interface_ownership(eth(1)).unwrap();
                pim.take_interface_ownership(eth(1)).unwrap();
                w.packet(1, 1);
            });
        });
        w.violations.check(w.mfe(1, 1).is_some(), "FW-1, FW-13: a packet that was reported has its entry");
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_13_a_renewal_beside_the_removal_of_the_iif_and_the_next_packet() {
    check(|| {
        let (w, pim, dvmrp) = due();
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| {
                w.mgm.interface_removed(eth(1).index());
                w.packet(1, 1);
            });
        });
        w.violations.check(w.mfe(1, 1).is_some(), "FW-1, FW-13: a packet that was reported has its entry");
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_9_a_renewal_beside_a_route_change() {
    check(|| {
        let (w, pim, dvmrp) = due();
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| w.rib.change(&w.mgm, 2));
            scope.spawn(|| dvmrp.delete_group_membership(eth(3), star(1)).unwrap());
        });
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_7_what_a_client_sets_beside_a_renewal_is_kept() {
    check(|| {
        let (w, pim, dvmrp) = due();
        let (upstream, time) = (Some("192.0.2.9".parse().unwrap()), 10 * LIFE);
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| w.switch_off(&dvmrp, eth(3), 1, 1));
            scope.spawn(|| {
                // A renewal that begins later asks for it.
                *pim.callbacks.neighbour.lock().unwrap() = upstream;
                pim.set_mfe(source(1), group(1), eth(1), upstream).unwrap();
                pim.set_mfe_timeout(source(1), group(1), time).unwrap();
            });
        });
        let mfe = w.mfe(1, 1).unwrap();
        w.violations.check(mfe.expires >= Some(w.now + time), "FW-7: the time that was set is kept");
        w.violations.check(mfe.upstream == upstream, "FW-7: the neighbour that was set is kept");
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_16_two_threads_that_make_it_sooner_beside_a_renewal() {
    check(|| {
        let (w, pim, dvmrp) = due();
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| w.packet(2, 1));
            scope.spawn(|| pim.set_mfe_timeout(source(1), group(1), LIFE / 2).unwrap());
        });
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_16_what_the_forwarder_refuses_is_due_sooner() {
    check(|| {
        let (w, pim, dvmrp) = due();
        w.plane.refuses.store(1, SeqCst);
        thread::scope(|scope| {
            scope.spawn(|| w.packet(2, 1));
            scope.spawn(|| dvmrp.delete_group_membership(eth(3), star(1)).unwrap());
        });
        w.alarm.check(w.mgm.next_due());
        w.renews();
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn fw_7_two_renewals_of_the_same_entry() {
    check(|| {
        let (w, pim, dvmrp) = due();
        thread::scope(|scope| {
            scope.spawn(|| w.renews());
            scope.spawn(|| w.renews());
            scope.spawn(|| w.packet(1, 1));
        });
        w.violations.check(w.mfe(1, 1).is_some(), "FW-7: it carried packets, and is made anew");
        w.finish(&[&pim, &dvmrp])
    });
}
