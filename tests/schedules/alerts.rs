//! Alerts to one client, caused by several threads, whose callbacks cause more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use mgm::{ClientRef, Entry};
use shuttle::thread;

use crate::check::check;
use crate::names::{eth, star};
use crate::protocol::{Alert, Protocol};
use crate::world::{Party, World};

/// Adds, deletes and adds again an entry of each of these groups.
fn toggle(client: &ClientRef, on: u32, groups: [u8; 2]) {
    for number in groups {
        client.add_group_membership(eth(on), star(number)).unwrap();
        client.delete_group_membership(eth(on), star(number)).unwrap();
        client.add_group_membership(eth(on), star(number)).unwrap();
    }
}

/// In which order `groups` were first heard of.
fn heard(protocol: &Party<Protocol>, groups: [u8; 2]) -> Vec<Entry> {
    let mut first = Vec::new();
    for alert in protocol.callbacks.heard.lock().unwrap().iter() {
        if let Alert::Join(entry) = alert
            && groups.map(star).contains(entry)
            && !first.contains(entry)
        {
            first.push(*entry);
        }
    }
    first
}

#[test]
fn cb_3_alerts_arrive_one_at_a_time_in_the_order_in_which_the_state_changed() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        // Whatever it is told to pull it adds and deletes again, of another group: alerts inside alerts.
        let mirror = |me: &ClientRef, alert| {
            let _change = match alert {
                Alert::Join(_) => me.add_group_membership(eth(3), star(99)),
                Alert::Prune(_) | Alert::LocalJoin(..) | Alert::LocalLeave(..) => {
                    me.delete_group_membership(eth(3), star(99))
                }
            };
        };
        assert!(bgmp.callbacks.reaction.set(Box::new(mirror)).is_ok());
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, [1, 2]));
            scope.spawn(|| toggle(&dvmrp, 2, [2, 3]));
        });
        w.finish(&[&pim, &dvmrp, &bgmp])
    });
}

#[test]
fn cb_3_the_alerts_of_one_thread_keep_their_order() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, [1, 2]));
            scope.spawn(|| toggle(&dvmrp, 2, [3, 4]));
        });
        for groups in [[1, 2], [3, 4]] {
            w.violations.check(
                heard(&bgmp, groups) == groups.map(star),
                "CB-3: in the order in which the state changed",
            );
        }
        w.finish(&[&pim, &dvmrp, &bgmp])
    });
}

/// A call returns with its alert undelivered only while another thread is in a call too.
#[test]
fn cb_4_a_call_returns_after_its_alerts_unless_another_thread_delivers_them() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp, bgmp) = (w.protocol(1, &[1]), w.protocol(2, &[2]), w.protocol(3, &[3]));
        let calling = Arc::new(AtomicUsize::new(0));
        let call = |client: &ClientRef, on: u32, number: u8| {
            calling.fetch_add(1, SeqCst);
            client.add_group_membership(eth(on), star(number)).unwrap();
            let is_alone = calling.fetch_sub(1, SeqCst) == 1;
            let is_told = bgmp.callbacks.told().memberships.contains(&star(number));
            w.violations.check(is_told || !is_alone, "CB-4: a call returns after its alerts were delivered");
        };
        thread::scope(|scope| {
            scope.spawn(|| [1, 2].into_iter().for_each(|number| call(&pim, 1, number)));
            scope.spawn(|| [3, 4].into_iter().for_each(|number| call(&dvmrp, 2, number)));
            scope.spawn(|| call(&pim, 1, 5));
        });
        w.finish(&[&pim, &dvmrp, &bgmp])
    });
}
