//! News: two threads cause them while one polls; the client or its listener goes meanwhile (CB-8).
//!
//! A waker that is lost leaves the one that waits for it parked for ever: that is a deadlock, which the scheduler reports.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use mgm::{Alert, Client, ClientRef, Entry, News, NoCallbacks};
use shuttle::thread::{self, Thread};

use crate::check::check;
use crate::names::{eth, id, star};
use crate::violations::Violations;
use crate::world::World;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn polled(w: &World) -> (Client, News) {
    w.mgm.register_polled_protocol(id(3), NoCallbacks).unwrap()
}

/// What others want by what was taken.
#[derive(Default)]
struct Pulled(BTreeSet<Entry>);

impl Pulled {
    fn note(&mut self, alert: &Alert, violations: &Violations) {
        let follows = if let Alert::Join { entry, .. } = alert {
            self.0.insert(*entry)
        } else {
            alert.pull().is_none_or(|pull| self.0.remove(&pull.entry))
        };
        violations.check(follows, "CB-8: each thing is taken once");
    }

    fn is(&self, groups: &[u8]) -> bool {
        self.0 == groups.iter().map(|number| star(*number)).collect()
    }
}

/// Waits as a task does.
fn next(news: &mut News) -> Option<Alert> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match news.poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(next) => return next,
            Poll::Pending => thread::park(),
        }
    }
}

/// Adds an entry, which comes and goes and comes again.
fn toggle(client: &ClientRef, on: u32, number: u8) {
    client.add_group_membership(eth(on), star(number)).unwrap();
    client.delete_group_membership(eth(on), star(number)).unwrap();
    client.add_group_membership(eth(on), star(number)).unwrap();
}

#[test]
fn cb_8_whoever_waits_for_the_next_piece_is_woken_for_each() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        let (_bgmp, mut news) = polled(&w);
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, 1));
            scope.spawn(|| toggle(&dvmrp, 2, 2));
            scope.spawn(|| {
                let mut pulled = Pulled::default();
                while !pulled.is(&[1, 2]) {
                    let next = next(&mut news);
                    next.iter().for_each(|alert| pulled.note(alert, &w.violations));
                }
            });
        });
        drop(news);
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn cb_8_whoever_takes_all_when_it_is_called_misses_nothing() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        let (_bgmp, mut news) = polled(&w);
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, 1));
            scope.spawn(|| toggle(&dvmrp, 2, 2));
            scope.spawn(|| {
                let me = thread::current();
                news.on_ready(move || me.unpark());
                let mut pulled = Pulled::default();
                loop {
                    while let Some(alert) = news.try_next() {
                        pulled.note(&alert, &w.violations);
                    }
                    if pulled.is(&[1, 2]) {
                        return;
                    }
                    thread::park();
                }
            });
        });
        drop(news);
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn cb_8_whoever_waits_when_the_client_goes_is_woken() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        let (bgmp, mut news) = polled(&w);
        bgmp.take_interface_ownership(eth(3)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, 1));
            scope.spawn(|| drop(bgmp));
            scope.spawn(|| {
                let mut pulled = Pulled::default();
                while let Some(alert) = next(&mut news) {
                    pulled.note(&alert, &w.violations);
                }
                w.violations
                    .check(news.try_next().is_none(), "CB-8: there is news of a client that has gone");
            });
        });
        w.violations.check(w.mgm.register_protocol(id(3), NoCallbacks).is_ok(), "CL-4: the id is not free");
        w.finish(&[&pim, &dvmrp])
    });
}

#[test]
fn cb_8_whoever_stops_listening_beside_others_leaves_nothing_behind() {
    check(|| {
        let w = World::new();
        let (pim, dvmrp) = (w.protocol(1, &[1]), w.protocol(2, &[2]));
        let (bgmp, mut news) = polled(&w);
        let owned = Arc::new(());
        let kept = Arc::clone(&owned);
        news.on_ready(move || drop(Arc::clone(&kept)));
        thread::scope(|scope| {
            scope.spawn(|| toggle(&pim, 1, 1));
            scope.spawn(|| toggle(&dvmrp, 2, 2));
            scope.spawn(|| {
                let _taken = news.try_next();
                drop(news);
            });
        });
        w.violations.check(Arc::strong_count(&owned) == 1, "CB-8: what the listener owned is still there");
        drop(bgmp);
        w.finish(&[&pim, &dvmrp])
    });
}
