//! An interface on which IGMP is changes hands, and others change things at the same time.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;

use mgm::{ClientName, Error, Interface, MembershipKind, NoCallbacks};
use shuttle::thread;

use crate::check::check;
use crate::igmp::{Igmp, Step};
use crate::names::{eth, from, id, star};
use crate::protocol::{Alert, Protocol};
use crate::violations::pause;
use crate::world::{Party, World};

/// Beside a hand-over IGMP adds (\*,G2) and (S1,G3), and deletes (\*,G4).
fn igmp_changes(igmp: &Party<Igmp>) {
    igmp.callbacks.add(igmp, eth(1), star(2));
    igmp.callbacks.delete(igmp, eth(1), star(4));
    igmp.callbacks.add(igmp, eth(1), from(1, 3));
}

/// IGMP is on `eth(1)`, and holds (\*,G1), which it adds again, and (\*,G4), which it does not.
fn igmp_on_the_lan(w: &World) -> Party<Igmp> {
    let igmp = w.igmp(&[1]);
    igmp.callbacks.add(&igmp, eth(1), star(1));
    igmp.add_group_membership(eth(1), star(4)).unwrap();
    igmp
}

/// What holds after hand-overs of interfaces on which IGMP still is.
fn check_igmp(w: &World, igmp: &Party<Igmp>) {
    w.violations.check(igmp.callbacks.all_brackets_are_closed(), "HO-6: no enable_igmp at the end");
    w.violations.check(
        held_by_igmp(w) == igmp.callbacks.wants(),
        "HO-14: IGMP holds what it added again, and nothing else",
    );
}

fn held_by_igmp(w: &World) -> BTreeSet<(Interface, mgm::Entry)> {
    let held = w.mgm.groups().filter(|held| held.added_by == ClientName::Igmp);
    held.filter(|held| held.kind == MembershipKind::Joined).map(|held| (held.interface, held.entry)).collect()
}

#[test]
fn ho_2_igmp_changes_beside_a_hand_over() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        thread::scope(|scope| {
            scope.spawn(|| {
                pim.take_interface_ownership(eth(1)).unwrap();
                pim.release_interface_ownership(eth(1)).unwrap();
                pim.take_interface_ownership(eth(1)).unwrap();
            });
            scope.spawn(|| igmp_changes(&igmp));
        });
        w.violations.check(igmp.callbacks.brackets_begun() == 3, "HO-1: one bracket for each change");
        w.violations.check(w.mgm.owner(eth(1)) == Some(pim.name()), "IF-5: the taker is the owner");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn ho_7_two_take_the_same_interface() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[]));
        let igmp = igmp_on_the_lan(&w);
        let take = |party: &Party<Protocol>| {
            let taken = party.take_interface_ownership(eth(1));
            let is_busy =
                matches!(taken, Err(Error::HandoverInProgress { .. } | Error::OwnedByAnother { .. }));
            w.violations.check(taken.is_ok() || is_busy, "HO-7: refused because another has it");
            taken.is_ok()
        };
        let taken = thread::scope(|scope| {
            let takers = [scope.spawn(|| take(&pim)), scope.spawn(|| take(&dvmrp))];
            igmp_changes(&igmp);
            takers.map(|taker| taker.join().unwrap())
        });
        w.violations.check(taken.iter().filter(|taken| **taken).count() == 1, "IF-2: one owner");
        w.violations.check(igmp.callbacks.brackets_begun() == 1, "HO-5: a refused take invokes neither");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}

/// The release is tried until it is granted: as soon as the take has ended.
#[test]
fn ho_7_a_release_beside_the_take() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        thread::scope(|scope| {
            scope.spawn(|| pim.take_interface_ownership(eth(1)).unwrap());
            scope.spawn(|| igmp_changes(&igmp));
            while let Err(refused) = pim.release_interface_ownership(eth(1)) {
                let is_due =
                    matches!(refused, Error::HandoverInProgress { .. } | Error::NotOnInterface { .. });
                w.violations.check(is_due, "HO-7: refused because of the take");
                thread::yield_now();
            }
        });
        w.violations.check(w.mgm.owner(eth(1)) == Some(ClientName::Igmp), "IF-5: IGMP has it again");
        w.violations.check(igmp.callbacks.brackets_begun() == 2, "HO-1: one bracket for each change");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn ho_10_the_taking_client_is_dropped_beside_its_hand_over() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        // It takes the interface when it is alerted, so that its handle can be dropped meanwhile.
        let take = |me: &mgm::ClientRef, alert| {
            if alert == Alert::Join(star(9)) {
                pause();
                drop(me.take_interface_ownership(eth(1)));
            }
        };
        assert!(pim.callbacks.reaction.set(Box::new(take)).is_ok());
        thread::scope(|scope| {
            scope.spawn(|| dvmrp.add_group_membership(eth(2), star(9)).unwrap());
            scope.spawn(|| igmp_changes(&igmp));
            scope.spawn(|| drop(pim));
        });
        w.violations.check(w.mgm.owner(eth(1)) == Some(ClientName::Igmp), "CL-4: what it was on is released");
        w.violations.check(w.mgm.register_protocol(id(1), NoCallbacks).is_ok(), "HO-10: its id is free");
        w.violations.check(
            igmp.callbacks.brackets_begun().is_multiple_of(2),
            "HO-6: a bracket for the take and for the release",
        );
        check_igmp(&w, &igmp);
        w.finish(&[&dvmrp])
    });
}

#[test]
fn ho_10_the_interface_is_removed_beside_its_hand_over() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        let taken = thread::scope(|scope| {
            let taker = scope.spawn(|| pim.take_interface_ownership(eth(1)).is_ok());
            scope.spawn(|| igmp_changes(&igmp));
            w.mgm.interface_removed(eth(1).index());
            taker.join().unwrap()
        });
        let removed = pim.callbacks.interfaces_removed.load(SeqCst);
        let is_owner = w.mgm.owner(eth(1)) == Some(pim.name());
        w.violations.check(
            removed + usize::from(is_owner) == usize::from(taken),
            "IF-8: each that was on it is told once",
        );
        w.violations.check(igmp.callbacks.interfaces_removed.load(SeqCst) == 1, "IF-8: IGMP is told once");
        w.violations.check(igmp.callbacks.all_brackets_are_closed(), "HO-6: no enable_igmp at the end");
        w.violations.check(held_by_igmp(&w).is_empty(), "IF-8: what IGMP held there is gone");
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn ho_10_igmp_and_the_owner_are_dropped_and_the_interface_is_removed() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        let callbacks = igmp.callbacks.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                drop(pim.take_interface_ownership(eth(1)));
                drop(pim);
            });
            scope.spawn(|| drop(igmp));
            w.mgm.interface_removed(eth(1).index());
        });
        w.violations.check(w.mgm.interface(eth(1)).is_none(), "HO-10: somebody is still on it");
        w.violations.check(held_by_igmp(&w).is_empty(), "CL-4: nothing is left behind");
        w.violations.check(w.mgm.register_protocol(id(1), NoCallbacks).is_ok(), "HO-10: the id is free");
        w.violations.check(w.mgm.register_igmp(NoCallbacks).is_ok(), "HO-10: IGMP's place is free");
        // A client that has deregistered is called no more: at most the last bracket stays open for IGMP.
        drop(callbacks);
        w.finish(&[&dvmrp])
    });
}

#[test]
fn ho_7_two_hand_overs_whose_callbacks_call_each_other() {
    check(|| {
        let w = World::new();
        let igmp = w.igmp(&[1, 2]);
        let (pim, dvmrp) = (w.protocol(1, &[3]), w.protocol(2, &[4]));
        // Inside the bracket of the one interface IGMP changes what it holds on the other.
        let other = |on: Interface| if on == eth(1) { eth(2) } else { eth(1) };
        let callbacks = std::sync::Arc::downgrade(&igmp.callbacks);
        let cross = move |me: &mgm::ClientRef, on: Interface, step: Step| {
            let number = if step == Step::Disable { 5 } else { 6 };
            callbacks.upgrade().unwrap().add(me, other(on), star(number));
        };
        assert!(igmp.callbacks.reaction.set(Box::new(cross)).is_ok());
        // Who is told of it takes the interface of the other, and adds on its own.
        let react = |own: u32, others: u32| {
            move |me: &mgm::ClientRef, alert| {
                if let Alert::LocalJoin(..) | Alert::LocalLeave(..) = alert {
                    assert!(me.take_interface_ownership(eth(others)).is_err());
                    me.add_group_membership(eth(own), star(7)).unwrap();
                }
            }
        };
        assert!(pim.callbacks.reaction.set(Box::new(react(3, 4))).is_ok());
        assert!(dvmrp.callbacks.reaction.set(Box::new(react(4, 3))).is_ok());
        thread::scope(|scope| {
            scope.spawn(|| pim.take_interface_ownership(eth(1)).unwrap());
            scope.spawn(|| dvmrp.take_interface_ownership(eth(2)).unwrap());
        });
        w.violations.check(igmp.callbacks.brackets_begun() == 2, "HO-1: one bracket for each change");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}

/// A member on the LAN, whose stream comes in elsewhere.
#[test]
fn ho_12_a_hand_over_beside_packets_for_the_lan() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[]));
        let igmp = w.igmp(&[2]);
        igmp.callbacks.add(&igmp, eth(2), star(1));
        igmp.callbacks.add(&igmp, eth(2), from(2, 2));
        w.packet(1, 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                dvmrp.take_interface_ownership(eth(2)).unwrap();
                dvmrp.release_interface_ownership(eth(2)).unwrap();
            });
            scope.spawn(|| [(2, 1), (2, 2)].map(|(from, to)| w.packet(from, to)));
            scope.spawn(|| w.rib.change(&w.mgm, 1));
        });
        w.violations.check(w.mgm.mfes().count() == 3, "FW-1: an entry for every packet");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}

/// The LAN is the way to the source.
#[test]
fn ho_15_a_hand_over_of_the_upstream_interface_beside_packets_and_an_add() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[]), w.protocol(2, &[2]));
        let igmp = igmp_on_the_lan(&w);
        dvmrp.add_group_membership(eth(2), from(1, 1)).unwrap();
        w.packet(1, 1);
        thread::scope(|scope| {
            scope.spawn(|| pim.take_interface_ownership(eth(1)).unwrap());
            scope.spawn(|| [1, 2].map(|number| w.packet(number, 1)));
            scope.spawn(|| dvmrp.add_group_membership(eth(2), from(1, 2)).unwrap());
        });
        w.packet(1, 1);
        w.violations.check(w.mfe(1, 1).is_some(), "FW-1: a packet that was reported has its entry");
        check_igmp(&w, &igmp);
        w.finish(&[&pim, &dvmrp])
    });
}
