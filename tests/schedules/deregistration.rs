//! A client deregisters while others cause alerts to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use mgm::{ClientRef, NoCallbacks};
use shuttle::thread;

use crate::check::check;
use crate::names::{eth, id, star};
use crate::protocol::Protocol;
use crate::world::World;

fn wait_for_alerts(protocol: &Protocol, count: usize) {
    while protocol.heard.lock().unwrap().len() < count {
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
        // The first alert takes as long as the other thread adds: then three wait, and go out together.
        let added = Arc::new(AtomicUsize::new(0));
        let others = Arc::clone(&added);
        let wait = move |_: &ClientRef, _| {
            while others.load(SeqCst) < 3 {
                thread::yield_now();
            }
        };
        assert!(callbacks.reaction.set(Box::new(wait)).is_ok());
        let add = |client: &ClientRef, on: u32, number: u8| {
            client.add_group_membership(eth(on), star(number)).unwrap();
            added.fetch_add(1, SeqCst);
        };
        thread::scope(|scope| {
            scope.spawn(|| [1, 2, 3].into_iter().for_each(|number| add(&pim, 1, number)));
            scope.spawn(|| [4, 5, 6].into_iter().for_each(|number| add(&dvmrp, 2, number)));
            wait_for_alerts(&callbacks, 2);
            client.deregister().unwrap();
            callbacks.is_gone.store(true, SeqCst);
        });
        w.violations.check(w.mgm.register_protocol(id(3), NoCallbacks).is_ok(), "CL-4: the id is not free");
        w.violations.check(Arc::strong_count(&callbacks) == 1, "CL-4: nothing is left behind");
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
            wait_for_alerts(&callbacks, 1);
            drop(bgmp);
            callbacks.is_gone.store(true, SeqCst);
        });
        w.violations.check(w.mgm.register_protocol(id(3), NoCallbacks).is_ok(), "CL-4: the id is not free");
        w.violations.check(Arc::strong_count(&callbacks) == 1, "CL-4: nothing is left behind");
        w.finish(&[&pim, &dvmrp])
    });
}
