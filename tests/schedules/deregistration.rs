//! A client deregisters while others cause alerts to it.

use std::sync::atomic::Ordering::SeqCst;

use mgm::NoCallbacks;
use shuttle::thread;

use crate::check::check;
use crate::names::{eth, id, star};
use crate::protocol::Protocol;
use crate::world::World;

/// More are then under way.
fn wait_for_an_alert(protocol: &Protocol) {
    while protocol.heard.lock().unwrap().is_empty() {
        thread::yield_now();
    }
}

/// An alert that another thread has begun to make may still run; as alerts come one at a time, no other after it.
#[test]
fn cl_4_no_callback_begins_once_the_client_has_deregistered() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[]));
        let (client, callbacks) = (bgmp.client, bgmp.callbacks);
        thread::scope(|scope| {
            scope.spawn(|| [1, 2, 3].map(|number| pim.add_group_membership(eth(1), star(number)).unwrap()));
            scope.spawn(|| [4, 5, 6].map(|number| dvmrp.add_group_membership(eth(2), star(number)).unwrap()));
            wait_for_an_alert(&callbacks);
            client.deregister().unwrap();
            callbacks.is_gone.store(true, SeqCst);
        });
        w.violations.check(
            callbacks.late.load(SeqCst) <= 1,
            "CL-4: a callback begins after the client has deregistered",
        );
        w.violations.check(w.mgm.register_protocol(id(3), NoCallbacks).is_ok(), "CL-4: the id is not free");
        w.violations.check(std::sync::Arc::strong_count(&callbacks) == 1, "CL-4: nothing is left behind");
        w.finish(&[&pim, &dvmrp])
    });
}

/// The handle is dropped, with interfaces and memberships, while another thread alerts it.
#[test]
fn cl_4_dropping_the_handle_beside_alerts_leaves_nothing_behind() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        bgmp.add_group_membership(eth(3), star(1)).unwrap();
        let callbacks = bgmp.callbacks.clone();
        thread::scope(|scope| {
            scope.spawn(|| [1, 2, 3].map(|number| pim.add_group_membership(eth(1), star(number)).unwrap()));
            scope.spawn(|| w.packet(1, 1));
            wait_for_an_alert(&callbacks);
            drop(bgmp);
            callbacks.is_gone.store(true, SeqCst);
        });
        w.violations.check(
            callbacks.late.load(SeqCst) <= 1,
            "CL-4: a callback begins after the client has deregistered",
        );
        w.violations.check(w.mgm.register_protocol(id(3), NoCallbacks).is_ok(), "CL-4: the id is not free");
        w.violations.check(std::sync::Arc::strong_count(&callbacks) == 1, "CL-4: nothing is left behind");
        w.finish(&[&pim, &dvmrp])
    });
}
