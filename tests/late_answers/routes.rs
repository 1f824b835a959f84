//! Routes, and answers to `rpf`, that change while the RIB or an owner is being asked: FW-9, FW-13.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use mgm::{Entry, GroupAddr, NoCallbacks, SourceAddr};

use crate::kit::*;

/// One change of routes, announced once. While the announcement asks about another entry, an entry is made whose maker
/// looked the new route up before the announcement began.
#[test]
fn fw_9_an_entry_that_is_made_while_its_route_changes_follows_too() {
    without_deadlock(|| {
        let r = Router::new();
        let pim = r.protocol(1, &[1, 2, 3]);
        let (neighbour, group): (SourceAddr, GroupAddr) =
            ("198.51.100.8".parse().unwrap(), "239.1.1.2".parse().unwrap());
        // An entry of another source of the prefix, and a membership that makes `s()` known.
        r.mgm.packet_received(neighbour, g(), eth(1), &[], r.now).unwrap();
        pim.add_group_membership(eth(3), Entry::SourceGroup(s(), "239.1.1.9".parse().unwrap())).unwrap();

        let steps: [Arc<Barrier>; 4] = std::array::from_fn(|_| Arc::new(Barrier::new(2)));
        let [maker_looked_up, change_looks_up, change_asks, made] = steps.clone();
        let (looks, asks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let maker = Arc::new(Mutex::new(None));
        let is_maker = {
            let maker = Arc::clone(&maker);
            move || *maker.lock().unwrap() == Some(thread::current().id())
        };
        let is_the_maker = is_maker.clone();
        r.rib.hook.does(Box::new(move |_| match (is_maker(), looks.fetch_add(1, SeqCst)) {
            (true, 0) => {
                maker_looked_up.wait();
                change_looks_up.wait();
            }
            (false, 1) => {
                change_looks_up.wait();
            }
            _ => {}
        }));
        let maker_asks = AtomicUsize::new(0);
        let (asked, is_made) = (Arc::clone(&change_asks), Arc::clone(&made));
        pim.callbacks.on_rpf.does(Box::new(move |_| {
            if is_the_maker() {
                // By then the announcement has collected the entries that are to follow.
                if maker_asks.fetch_add(1, SeqCst) == 0 {
                    asked.wait();
                }
            } else if asks.fetch_add(1, SeqCst) == 0 {
                asked.wait();
                is_made.wait();
            }
        }));

        r.rib.set(Some(via(2)));
        thread::scope(|scope| {
            scope.spawn(|| {
                *maker.lock().unwrap() = Some(thread::current().id());
                r.mgm.packet_received(s(), group, eth(1), &[], r.now).unwrap();
                made.wait();
            });
            steps.first().unwrap().wait();
            r.mgm.routes_changed(&via(2).prefix);
        });
        let iif = |source, group| r.mgm.mfe(source, group).unwrap().iif;
        assert_eq!(iif(neighbour, g()), eth(2));
        assert_eq!(iif(s(), group), eth(2), "routes_changed has returned, and the RIB says 2");
    });
}

/// Two changes: the owner's answer to the first comes after its answer to the second.
#[test]
fn fw_13_a_late_answer_to_rpf_does_not_replace_a_newer_one() {
    without_deadlock(|| {
        let r = Router::new();
        let pim = r.protocol(1, &[1, 2, 3]);
        r.packet();
        let choice = Arc::new(Mutex::new(eth(2)));
        let (asked, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (is_asked, goes, chosen, first) =
            (Arc::clone(&asked), Arc::clone(&go), Arc::clone(&choice), AtomicBool::new(true));
        pim.callbacks.answer.does(Box::new(move |route| {
            let interface = *chosen.lock().unwrap();
            if first.swap(false, SeqCst) {
                is_asked.wait();
                goes.wait();
            }
            route.over(interface)
        }));
        thread::scope(|scope| {
            scope.spawn(|| r.mgm.routes_changed(&via(1).prefix));
            asked.wait();
            *choice.lock().unwrap() = eth(3);
            r.mgm.routes_changed(&via(1).prefix);
            assert_eq!(r.iif(), Some(eth(3)));
            go.wait();
        });
        assert_eq!(r.iif(), Some(eth(3)), "the older answer has replaced the newer one");
    });
}

#[test]
fn fw_13_a_route_change_elsewhere_does_not_make_an_answer_stale() {
    let r = Router::new();
    let igmp = r.mgm.register_igmp(NoCallbacks).unwrap();
    igmp.take_interface_ownership(eth(2)).unwrap();
    let mgm = r.mgm.clone();
    // Bounded, so that it fails instead of hanging.
    r.rib.hook.does(Box::new(move |number| {
        if number < 10_000 {
            other_routes_change(&mgm);
        }
    }));
    igmp.add_group_membership(eth(2), Entry::SourceGroup(s(), g())).unwrap();
    assert_eq!(r.rib.lookups(), 1);
}

#[test]
fn fw_13_an_owner_is_asked_once_though_other_routes_change_meanwhile() {
    let r = Router::new();
    let pim = r.protocol(1, &[1]);
    let mgm = r.mgm.clone();
    pim.callbacks.on_rpf.does(Box::new(move |_| other_routes_change(&mgm)));
    r.packet();
    assert_eq!(pim.callbacks.questions.load(SeqCst), 1);
    assert_eq!(r.iif(), Some(eth(1)));
}

#[test]
fn fw_13_a_change_that_covers_the_source_makes_an_answer_stale() {
    let r = Router::new();
    let igmp = r.mgm.register_igmp(NoCallbacks).unwrap();
    let pim = r.protocol(1, &[3]);
    igmp.take_interface_ownership(eth(2)).unwrap();
    let (mgm, rib) = (r.mgm.clone(), Arc::downgrade(&r.rib));
    r.rib.hook.does(Box::new(move |number| {
        if number == 0 {
            rib.upgrade().unwrap().set(Some(via(3)));
            mgm.routes_changed(&via(3).prefix);
        }
    }));
    igmp.add_group_membership(eth(2), Entry::SourceGroup(s(), g())).unwrap();
    assert_eq!(pim.callbacks.joins.load(SeqCst), 1, "CT-5: it owns the interface toward the source now");
    assert_eq!(r.rib.lookups(), 2);
}

/// The RIB of these announces the route in question, each time that it is asked: here it gives up after 200, so that
/// asking inside asking does not end the test with its stack.
fn announces_what_it_is_asked_about(r: &Router) {
    let mgm = r.mgm.clone();
    r.rib.hook.does(Box::new(move |number| {
        if number < 200 {
            mgm.routes_changed(&via(1).prefix);
        }
    }));
}

#[test]
fn fw_13_a_rib_that_announces_the_route_whenever_it_is_asked_does_not_hang_an_add() {
    let r = Router::new();
    let igmp = r.mgm.register_igmp(NoCallbacks).unwrap();
    igmp.take_interface_ownership(eth(2)).unwrap();
    announces_what_it_is_asked_about(&r);
    igmp.add_group_membership(eth(2), Entry::SourceGroup(s(), g())).unwrap();
    assert!(r.rib.lookups() < 100, "{} lookups for one add, and no end but the RIB's", r.rib.lookups());
}

#[test]
fn fw_13_a_rib_that_announces_the_route_whenever_it_is_asked_does_not_hang_a_packet() {
    let r = Router::new();
    let _pim = r.protocol(1, &[1]);
    announces_what_it_is_asked_about(&r);
    r.packet();
    assert!(r.rib.lookups() < 100, "{} lookups for one packet, and no end but the RIB's", r.rib.lookups());
    assert_eq!(r.iif(), Some(eth(1)));
}

#[test]
fn fw_13_an_answer_to_creation_alert_goes_with_the_interface() {
    let r = Router::new();
    let _pim = r.protocol(9, &[1]);
    let (first, second) = (r.protocol(1, &[2]), r.protocol(2, &[3]));
    first.add_group_membership(eth(2), star()).unwrap();
    second.add_group_membership(eth(3), star()).unwrap();
    first.callbacks.disables.lock().unwrap().push(eth(2));
    let client = Arc::clone(&first.client);
    second.callbacks.on_creation.does(Box::new(move |_| {
        client.release_interface_ownership(eth(2)).unwrap();
        client.take_interface_ownership(eth(2)).unwrap();
        client.add_group_membership(eth(2), star()).unwrap();
    }));
    r.packet();
    assert_eq!(r.oifs(), [eth(2), eth(3)], "MB-5: the answer is gone when the interface changes hands");
}
