//! Routes change while entries are made and moved.

use shuttle::thread;

use crate::check::check;
use crate::names::{eth, from, star, via};
use crate::violations::pause;
use crate::world::World;

#[test]
fn fw_9_a_packet_beside_a_route_change_beside_a_release() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1, 2]), w.protocol(2, &[3]));
        dvmrp.add_group_membership(eth(3), star(1)).unwrap();
        dvmrp.add_group_membership(eth(3), from(1, 9)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| w.packet(1, 1));
            scope.spawn(|| w.rib.change(&w.mgm, 2));
            scope.spawn(|| pim.release_interface_ownership(eth(1)).unwrap());
        });
        w.packet(1, 1);
        let owner = w.mfe(1, 1).and_then(|mfe| mfe.owner);
        w.violations
            .check(owner == Some(pim.name()), "FW-13: it is made by the route that was looked up last");
        w.finish(&[&pim, &dvmrp])
    });
}

/// Beside packets of a source that is known, and of one that is not.
#[test]
fn fw_13_two_route_changes_beside_packets() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1, 2, 3]), w.protocol(2, &[4]));
        dvmrp.add_group_membership(eth(4), star(1)).unwrap();
        dvmrp.add_group_membership(eth(4), from(1, 9)).unwrap();
        w.packet(8, 1);
        thread::scope(|scope| {
            scope.spawn(|| w.rib.change(&w.mgm, 2));
            scope.spawn(|| w.rib.change(&w.mgm, 3));
            scope.spawn(|| [1, 2].into_iter().for_each(|number| w.packet(number, 1)));
        });
        w.violations.check(w.mgm.mfes().count() == 3, "FW-1: an entry for every packet");
        w.finish(&[&pim, &dvmrp])
    });
}

/// The routes lead to two owners in turn.
#[test]
fn fw_9_two_route_changes_between_two_owners() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        bgmp.add_group_membership(eth(3), star(1)).unwrap();
        bgmp.add_group_membership(eth(3), from(1, 2)).unwrap();
        w.packet(1, 1);
        thread::scope(|scope| {
            scope.spawn(|| w.rib.change(&w.mgm, 2));
            scope.spawn(|| {
                w.rib.change(&w.mgm, 3);
                w.rib.change(&w.mgm, 1);
            });
            scope.spawn(|| w.packet(2, 1));
        });
        w.finish(&[&pim, &dvmrp, &bgmp])
    });
}

/// A protocol answers `rpf` with the interface that it has chosen, and asks to be asked when it chooses anew.
#[test]
fn fw_13_a_late_answer_to_rpf_replaces_no_newer_one() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1, 2, 3]), w.protocol(2, &[4]));
        dvmrp.add_group_membership(eth(4), star(1)).unwrap();
        w.packet(1, 1);
        let choose = |index: u32| {
            *pim.callbacks.choice.lock().unwrap() = Some(eth(index));
            pause();
            w.mgm.routes_changed(&via(1).prefix);
        };
        thread::scope(|scope| {
            scope.spawn(|| choose(2));
            scope.spawn(|| choose(3));
        });
        w.finish(&[&pim, &dvmrp])
    });
}

/// The sources behind an interface follow its owner, and their route.
#[test]
fn ct_8_a_take_of_the_upstream_interface_beside_a_route_change_beside_an_add() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        bgmp.add_group_membership(eth(3), from(1, 1)).unwrap();
        w.packet(1, 1);
        thread::scope(|scope| {
            scope.spawn(|| pim.take_interface_ownership(eth(1)).unwrap());
            scope.spawn(|| {
                w.rib.change(&w.mgm, 2);
                w.rib.change(&w.mgm, 1);
            });
            scope.spawn(|| {
                bgmp.add_group_membership(eth(3), from(1, 2)).unwrap();
                bgmp.delete_group_membership(eth(3), from(1, 1)).unwrap();
            });
        });
        w.finish(&[&pim, &dvmrp, &bgmp])
    });
}
