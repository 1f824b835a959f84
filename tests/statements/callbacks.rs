//! What holds for every callback: CB-1 to CB-6.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::*;

/// Lets every callback there is be invoked; `prepare` says what is to happen in it.
fn every_callback(prepare: impl Fn(&Testbed<A>, Call<A>)) {
    let t = Testbed::<A>::new();
    let follow = |act: &dyn Fn(), calls: &[Call<A>]| {
        calls.iter().for_each(|call| prepare(&t, call.clone()));
        act();
        let mut made = t.calls();
        // What is called in callbacks registers others, which are told too.
        made.retain(|call| !matches!(call.to, Party::Client(ClientName::Protocol(id)) if id.protocol == BGMP.protocol));
        assert_eq!(made, calls);
    };
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(1));
    follow(&|| pim.takes(eth(1)), &[disable_igmp(eth(1)), enable_igmp(eth(1))]);
    let (join, joined) = (local_join(PIM, eth(1), star(1)), join_alert(DVMRP, star(1)));
    follow(&|| _ = igmp.adds(eth(1), star(1)), &[join, joined]);
    let (leave, pruned) = (local_leave(PIM, eth(1), star(1)), prune_alert(DVMRP, star(1)));
    follow(&|| _ = igmp.deletes(eth(1), star(1)), &[leave, pruned]);
    follow(&|| _ = igmp.blocks(eth(1), 1, 1), &[local_block(PIM, eth(1), from(1, 1))]);
    follow(&|| _ = igmp.unblocks(eth(1), 1, 1), &[local_unblock(PIM, eth(1), from(1, 1))]);
    for (on, client) in [(eth(2), &dvmrp), (eth(3), &igmp)] {
        client.takes(on);
        follow(&|| t.mgm.interface_removed(on.index()), &[interface_removed(client.name(), on)]);
    }
    t.assert_calls([]);
}

/// Calls about everything that can be called, as one more protocol each time: what it calls may deliver an
/// alert to another client, which comes here too.
fn call_everything(me: &ClientRef<A>) {
    static NEXT: AtomicU32 = AtomicU32::new(100);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let (mgm, own) = (me.manager(), eth(n));
    let bgmp = mgm.register_protocol(ClientId { component: n, ..BGMP }, NoCallbacks).unwrap();
    bgmp.takes(own);
    bgmp.adds(own, from(1, 1));
    bgmp.blocks(own, 1, 1);
    bgmp.unblocks(own, 1, 1);
    assert_eq!(mgm.owner(own), Some(bgmp.name()));
    assert!(held(&mgm).iter().all(|held| held.interface != own));
    mgm.interface_removed(own.index());
    bgmp.takes(own);
    bgmp.releases(own);
    bgmp.deregister().unwrap();
    me.takes(own);
    me.releases(own);
}

#[test]
fn cb_1_every_callback_may_call_the_manager() {
    every_callback(|t, call| t.inside(call, call_everything));
}

#[test]
fn cb_1_every_callback_may_wait_for_another_thread_that_calls_the_manager() {
    every_callback(|t, call| {
        t.inside(call, |me| {
            thread::scope(|scope| scope.spawn(|| call_everything(me)).join().unwrap());
        });
    });
}

/// Callbacks that call the manager when they are dropped.
struct Parting {
    mgm: Mgm<A>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Parting {
    fn drop(&mut self) {
        let bgmp = self.mgm.register_protocol(BGMP, NoCallbacks).unwrap();
        bgmp.takes(eth(9));
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl IgmpCallbacks<A> for Parting {}
impl ProtocolCallbacks<A> for Parting {}

#[test]
fn cb_1_callbacks_are_dropped_outside_the_lock() {
    let _watchdog = Watchdog::new();
    let mgm = Mgm::<A>::default();
    let dropped = Arc::<AtomicUsize>::default();
    let parting = || Parting { mgm: mgm.clone(), dropped: Arc::clone(&dropped) };
    let pim = mgm.register_protocol(PIM, parting()).unwrap();
    assert!(mgm.register_protocol(PIM, parting()).is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 1, "refused");
    pim.deregister().unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 2, "deregistered");
    let igmp = mgm.register_igmp(parting()).unwrap();
    igmp.takes(eth(1));
    drop(igmp);
    assert_eq!(dropped.load(Ordering::Relaxed), 3, "dropped");
    assert_eq!(mgm.caught_panics(), 0);
}

#[test]
fn cb_1_callbacks_of_a_client_that_goes_inside_its_own_callback_are_dropped_outside_the_lock() {
    struct Leaver(Parting, Mutex<Option<Client<A>>>);
    impl ProtocolCallbacks<A> for Leaver {
        fn join_alert(&self, _: &ClientRef<A>, _: Entry<A>, _: AlertCause) {
            let me = self.1.lock().take();
            drop(me);
            assert_eq!(self.0.dropped.load(Ordering::Relaxed), 0, "it is still running");
        }
    }
    let _watchdog = Watchdog::new();
    let mgm = Mgm::<A>::default();
    let dropped = Arc::<AtomicUsize>::default();
    let parting = Parting { mgm: mgm.clone(), dropped: Arc::clone(&dropped) };
    let leaver = Arc::new(Leaver(parting, Mutex::default()));
    *leaver.1.lock() = Some(mgm.register_protocol(PIM, Arc::clone(&leaver)).unwrap());
    drop(leaver);
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(mgm.caught_panics(), 0);
}

#[test]
fn cb_2_inside_an_alert_the_state_that_caused_it_can_be_read() {
    fn entries(me: &ClientRef<A>) -> Vec<Entry<A>> {
        held(&me.manager()).iter().map(|held| held.entry).collect()
    }
    let t = Testbed::<A>::new();
    let (igmp, pim, _dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    t.inside(local_join(PIM, eth(1), star(1)), |me| assert_eq!(entries(me), [star(1)]));
    t.inside(join_alert(DVMRP, star(1)), |me| assert_eq!(entries(me), [star(1)]));
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1)), join_alert(DVMRP, star(1))]);
    t.inside(local_leave(PIM, eth(1), star(1)), |me| assert_eq!(entries(me), []));
    t.inside(prune_alert(DVMRP, star(1)), |me| assert_eq!(entries(me), []));
    igmp.deletes(eth(1), star(1));
    t.assert_calls([local_leave(PIM, eth(1), star(1)), prune_alert(DVMRP, star(1))]);
    t.inside(local_block(PIM, eth(1), from(1, 1)), |me| assert_eq!(entries(me), [from(1, 1)]));
    igmp.blocks(eth(1), 1, 1);
    t.assert_calls([local_block(PIM, eth(1), from(1, 1))]);
    t.inside(local_unblock(PIM, eth(1), from(1, 1)), |me| assert_eq!(entries(me), []));
    igmp.unblocks(eth(1), 1, 1);
    t.assert_calls([local_unblock(PIM, eth(1), from(1, 1))]);
}

#[test]
fn cb_3_one_clients_alerts_come_one_at_a_time_in_the_order_of_the_changes() {
    /// Joins and prunes of one entry alternate, and never overlap.
    #[derive(Default)]
    struct Pull {
        busy: AtomicBool,
        wanted: AtomicBool,
        alerts: AtomicUsize,
    }
    impl Pull {
        fn turn(&self, to: bool) {
            assert!(!self.busy.swap(true, Ordering::SeqCst), "one at a time");
            assert_ne!(self.wanted.swap(to, Ordering::SeqCst), to, "in order");
            self.alerts.fetch_add(1, Ordering::SeqCst);
            thread::yield_now();
            self.busy.store(false, Ordering::SeqCst);
        }
    }
    impl ProtocolCallbacks<A> for Pull {
        fn join_alert(&self, _: &ClientRef<A>, _: Entry<A>, _: AlertCause) {
            self.turn(true);
        }
        fn prune_alert(&self, _: &ClientRef<A>, _: Entry<A>, _: AlertCause) {
            self.turn(false);
        }
    }
    let mgm = Mgm::<A>::default();
    let pull = Arc::new(Pull::default());
    let _pim = mgm.register_protocol(PIM, Arc::clone(&pull)).unwrap();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    thread::scope(|scope| {
        for index in 1..=4 {
            igmp.takes(eth(index));
            let igmp = &igmp;
            scope.spawn(move || {
                for _ in 0..300 {
                    igmp.adds(eth(index), star(1));
                    igmp.deletes(eth(index), star(1));
                }
            });
        }
    });
    assert_eq!(mgm.caught_panics(), 0);
    assert!(!pull.wanted.load(Ordering::SeqCst) && pull.alerts.load(Ordering::SeqCst) >= 2);
}

#[test]
fn cb_3_no_alert_is_lost_or_overtaken_however_many_threads_cause_them() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    let entries: Vec<Entry<A>> = (1..=300).map(star).collect();
    thread::scope(|scope| {
        for index in 1..=4 {
            pim.takes(eth(index));
            igmp.takes(eth(index));
            let (igmp, entries) = (&igmp, &entries);
            scope.spawn(move || {
                for entry in entries {
                    igmp.adds(eth(index), *entry);
                }
            });
        }
    });
    let calls = t.calls();
    assert_eq!(calls.len(), 4 * entries.len());
    for index in 1..=4 {
        let joins = entries.iter().map(|entry| local_join(PIM, eth(index), *entry));
        let here = |call: &&Call<A>| matches!(call.what, What::LocalJoin(on, _) if on == eth(index));
        assert!(calls.iter().filter(here).cloned().eq(joins));
    }
}

#[test]
fn cb_4_a_call_returns_after_the_alerts_that_it_caused_were_delivered() {
    let t = Testbed::<A>::new();
    let (igmp, _pim, _dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(1));
    let told = Arc::<AtomicUsize>::default();
    for to in [PIM, DVMRP] {
        let told = Arc::clone(&told);
        t.inside(join_alert(to, star(1)), move |_| {
            told.fetch_add(1, Ordering::SeqCst);
        });
    }
    igmp.adds(eth(1), star(1));
    assert_eq!(told.load(Ordering::SeqCst), 2);
    t.assert_calls([PIM, DVMRP].map(|to| join_alert(to, star(1))));
}

#[test]
fn cb_4_a_thread_that_is_delivering_to_a_client_delivers_what_others_cause_meanwhile() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = (Arc::new(t.igmp()), t.protocol(PIM));
    igmp.takes(eth(1));
    let (entered, is_in) = mpsc::channel();
    let (finish, may_finish) = mpsc::channel::<()>();
    t.inside(join_alert(PIM, star(1)), move |_| {
        entered.send(thread::current().id()).unwrap();
        may_finish.recv().unwrap();
    });
    let adder = Arc::clone(&igmp);
    let first = thread::spawn(move || adder.adds(eth(1), star(1)));
    let deliverer = is_in.recv().unwrap();
    let told = Arc::<AtomicBool>::default();
    let tell = Arc::clone(&told);
    t.assert_calls([join_alert(PIM, star(1))]);
    t.inside(join_alert(PIM, star(2)), move |_| {
        assert_eq!(thread::current().id(), deliverer);
        tell.store(true, Ordering::SeqCst);
    });
    igmp.adds(eth(1), star(2));
    t.assert_calls([]);
    assert!(!told.load(Ordering::SeqCst), "this call has returned, and that thread is busy");
    finish.send(()).unwrap();
    first.join().unwrap();
    assert!(told.load(Ordering::SeqCst));
    t.assert_calls([join_alert(PIM, star(2))]);
}

#[test]
fn cb_4_while_one_client_is_busy_the_others_are_told() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = (Arc::new(t.igmp()), t.protocol(PIM));
    igmp.takes(eth(1));
    let adder = Arc::clone(&igmp);
    let told = Arc::<AtomicBool>::default();
    let tell = Arc::clone(&told);
    t.inside(join_alert(PIM, star(1)), move |me| {
        let dvmrp = me.manager().register_protocol(DVMRP, Told(Arc::clone(&tell))).unwrap();
        thread::spawn(move || adder.adds(eth(1), star(2))).join().unwrap();
        assert!(tell.load(Ordering::SeqCst), "before the call of the other thread returned");
        drop(dvmrp);
    });
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1)), join_alert(DVMRP, star(2)), join_alert(PIM, star(2))]);
    assert!(told.load(Ordering::SeqCst));
}

struct Told(Arc<AtomicBool>);

impl ProtocolCallbacks<A> for Told {
    fn join_alert(&self, _: &ClientRef<A>, _: Entry<A>, _: AlertCause) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn cb_4_alerts_caused_inside_a_callback_come_after_it_has_returned() {
    for turn in [0, 2, 3] {
        let t = Testbed::<A>::new();
        let (igmp, pim) = (Arc::new(t.igmp()), t.protocol(PIM));
        igmp.takes(eth(1));
        igmp.takes(eth(2));
        igmp.adds(eth(1), star(1));
        t.assert_calls([join_alert(PIM, star(1))]);
        let mut calls = vec![
            disable_igmp(eth(1)),
            local_join(PIM, eth(1), star(1)),
            prune_alert(PIM, star(1)),
            enable_igmp(eth(1)),
            local_leave(PIM, eth(1), star(1)),
        ];
        let returned = Arc::<AtomicBool>::default();
        let (adder, returns) = (Arc::clone(&igmp), Arc::clone(&returned));
        t.inside(calls[turn].clone(), move |_| {
            adder.adds(eth(2), star(2));
            returns.store(true, Ordering::SeqCst);
        });
        t.inside(join_alert(PIM, star(2)), move |_| assert!(returned.load(Ordering::SeqCst)));
        calls.insert(turn + 1, join_alert(PIM, star(2)));
        pim.takes(eth(1));
        t.assert_calls(calls);
    }
}

/// Inside a callback nothing is delivered: all of it waits for the same thread.
#[test]
fn cb_4_who_has_much_to_hear_does_not_hold_up_the_others() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    igmp.takes(eth(2));
    let igmp = Arc::new(igmp);
    let adder = Arc::clone(&igmp);
    t.inside(join_alert(DVMRP, star(1)), move |_| {
        for source in 1..=200 {
            adder.adds(eth(1), from(source, 1));
        }
        adder.adds(eth(2), star(2));
    });
    igmp.adds(eth(2), star(1));
    let calls = t.calls();
    let of_pim = calls.iter().rposition(|call| *call == local_join(PIM, eth(1), from(200, 1)));
    let of_dvmrp = calls.iter().position(|call| *call == join_alert(DVMRP, star(2)));
    assert!(of_dvmrp.unwrap() < of_pim.unwrap(), "{calls:?}");
}

#[test]
fn cb_4_alerts_caused_on_another_manager_are_delivered_too() {
    let (here, there) = (Testbed::<A>::new(), Testbed::<A>::new());
    let (igmp_here, _pim_here) = (here.igmp(), here.protocol(PIM));
    let (igmp_there, _pim_there) = (there.igmp(), there.protocol(PIM));
    igmp_here.takes(eth(1));
    igmp_there.takes(eth(1));
    let igmp_there = Arc::new(igmp_there);
    let adder = Arc::clone(&igmp_there);
    here.inside(join_alert(PIM, star(1)), move |_| {
        adder.adds(eth(1), star(2));
    });
    igmp_here.adds(eth(1), star(1));
    here.assert_calls([join_alert(PIM, star(1))]);
    there.assert_calls([join_alert(PIM, star(2))]);
}

#[test]
fn cb_5_a_panic_in_any_callback_is_caught_and_counted_and_all_goes_on() {
    every_callback(|t, call| t.panic_inside(call));
}

/// Panics with itself when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new(Self));
    }
}

#[test]
fn cb_5_a_panic_that_panics_again_when_it_is_dropped_harms_nobody() {
    struct Thrower;
    impl ProtocolCallbacks<A> for Thrower {
        fn join_alert(&self, _: &ClientRef<A>, _: Entry<A>, _: AlertCause) {
            resume_unwind(Box::new(Bomb));
        }
    }
    let mgm = Mgm::<A>::default();
    let (igmp, _pim) =
        (mgm.register_igmp(NoCallbacks).unwrap(), mgm.register_protocol(PIM, Thrower).unwrap());
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    assert_eq!(mgm.caught_panics(), 2);
}

#[test]
fn cb_5_a_panic_while_callbacks_are_dropped_is_caught_and_counted() {
    struct Explosive(Bomb);
    impl IgmpCallbacks<A> for Explosive {}
    impl ProtocolCallbacks<A> for Explosive {}
    let mgm = Mgm::<A>::default();
    mgm.register_igmp(Explosive(Bomb)).unwrap().deregister().unwrap();
    assert_eq!(mgm.caught_panics(), 1);
    let pim = mgm.register_protocol(PIM, Explosive(Bomb)).unwrap();
    assert!(mgm.register_protocol(PIM, Explosive(Bomb)).is_err());
    assert_eq!(mgm.caught_panics(), 2);
    drop(pim);
    assert_eq!(mgm.caught_panics(), 3);
    let _id_is_free = mgm.register_protocol(PIM, NoCallbacks).unwrap();
}

#[test]
fn cb_5_a_panic_while_a_recorders_sink_or_a_clock_is_dropped_harms_nobody() {
    /// Not a [`Bomb`]: where one is not caught, the test goes off with it, again and again.
    struct Firework;

    impl Drop for Firework {
        fn drop(&mut self) {
            resume_unwind(Box::new("boom"));
        }
    }

    let sink = Firework;
    let recorded = Builder::<A>::new().record(move |_| (&sink, ()).1).build();
    drop(recorded.register_igmp(NoCallbacks).unwrap());
    drop(recorded);
    for client_goes_first in [true, false] {
        let clock = Firework;
        let clocked = Builder::<A>::new().callback_clock(move || (&clock, Duration::ZERO).1).build();
        let igmp = clocked.register_igmp(NoCallbacks).unwrap();
        if client_goes_first {
            drop((igmp, clocked));
        } else {
            drop((clocked, igmp));
        }
    }
}

#[test]
fn cb_6_a_client_writes_the_callbacks_that_it_needs_and_the_others_do_nothing() {
    let mgm = Mgm::<A>::default();
    let told = Arc::<AtomicBool>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, Told(Arc::clone(&told))).unwrap();
    igmp.takes(eth(1));
    igmp.takes(eth(2));
    pim.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.blocks(eth(1), 1, 1);
    igmp.unblocks(eth(1), 1, 1);
    igmp.deletes(eth(1), star(1));
    assert!(!told.load(Ordering::SeqCst));
    igmp.adds(eth(2), star(1));
    igmp.deletes(eth(2), star(1));
    assert!(told.load(Ordering::SeqCst));
    mgm.interface_removed(eth::<A>(1).index());
    assert_eq!((mgm.caught_panics(), held(&mgm), mgm.interfaces().len()), (0, vec![], 1));
}

/// A bridge to a channel: one method is written, and gets every alert.
struct Bridge(mpsc::Sender<(ClientName, Alert<A>)>);

impl ProtocolCallbacks<A> for Bridge {
    fn alert(&self, client: &ClientRef<A>, alert: Alert<A>) {
        self.0.send((client.name(), alert)).unwrap();
    }
}

impl IgmpCallbacks<A> for Bridge {
    fn alert_mode(&self) -> AlertMode {
        AlertMode::JoinsAndPrunes
    }

    fn alert(&self, igmp: &ClientRef<A>, alert: Alert<A>) {
        self.0.send((igmp.name(), alert)).unwrap();
    }
}

#[test]
fn cb_6_one_method_that_is_written_gets_every_alert_as_a_value() {
    let (sender, alerts) = mpsc::channel();
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(Bridge(sender.clone())).unwrap();
    // What is shared, as callbacks that a test looks at from outside, is passed on too.
    let pim = mgm.register_protocol(PIM, Arc::new(Bridge(sender))).unwrap();
    let dvmrp = mgm.register_protocol(DVMRP, NoCallbacks).unwrap();
    let (source, group, now) = (A::source(1), A::group(1), Instant::now());
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.takes(eth(3));
    dvmrp.takes(eth(2));
    igmp.adds(eth(1), star(1));
    igmp.deletes(eth(1), star(1));
    igmp.blocks(eth(1), 1, 1);
    igmp.unblocks(eth(1), 1, 1);
    dvmrp.adds(eth(2), star(2));
    dvmrp.deletes(eth(2), star(2));
    pim.wants_wrong_interface_alerts(eth(1));
    mgm.packet_received(source, group, eth(2), &[], now).unwrap();
    mgm.packet_on_wrong_interface(source, group, eth(1), &[1, 2], now);
    mgm.interface_removed(eth::<A>(1).index());
    let cause = AlertCause::Membership;
    let on = eth(1);
    let joins = |entry| Alert::Join { entry, cause };
    let prunes = |entry| Alert::Prune { entry, cause };
    let received: Vec<_> = alerts.try_iter().collect();
    let of = |name: ClientName| {
        received.iter().filter(|(to, _)| *to == name).map(|(_, alert)| alert.clone()).collect::<Vec<_>>()
    };
    let index = on.index();
    let to_pim = [
        Alert::LocalJoin { interface: on, entry: star(1) },
        Alert::LocalLeave { interface: on, entry: star(1) },
        Alert::LocalBlock { interface: on, source, group },
        Alert::LocalUnblock { interface: on, source, group },
        joins(star(2)),
        prunes(star(2)),
        Alert::WrongInterface { interface: on, source, group, header: [1, 2].into() },
        Alert::InterfaceRemoved { index },
    ];
    assert_eq!(of(pim.name()), to_pim);
    let to_igmp =
        [joins(star(1)), prunes(star(1)), joins(star(2)), prunes(star(2)), Alert::InterfaceRemoved { index }];
    assert_eq!(of(IGMP), to_igmp);
    // As a log prints them.
    let (source, group) = (source.to_string(), group.to_string());
    let texts = [
        format!("local_join (*, {group}) on 1"),
        format!("local_leave (*, {group}) on 1"),
        format!("local_block ({source}, {group}) on 1"),
        format!("local_unblock ({source}, {group}) on 1"),
        format!("join_alert {}, membership", star::<A>(2)),
        format!("prune_alert {}, membership", star::<A>(2)),
        format!("wrong_interface ({source}, {group}) on 1"),
        "interface_removed 1".to_owned(),
    ];
    assert_eq!(to_pim.each_ref().map(ToString::to_string), texts);
}

/// CB-5 for the one method: the next alert follows.
#[test]
fn cb_6_cb_5_a_panic_in_the_one_method_is_caught() {
    struct Faulty(mpsc::Sender<Alert<A>>);
    impl ProtocolCallbacks<A> for Faulty {
        fn alert(&self, _: &ClientRef<A>, alert: Alert<A>) {
            self.0.send(alert.clone()).unwrap();
            if matches!(alert, Alert::Join { .. }) {
                boom();
            }
        }
    }
    let (sender, alerts) = mpsc::channel();
    let mgm = Mgm::<A>::default();
    let _pim = mgm.register_protocol(PIM, Faulty(sender)).unwrap();
    let dvmrp = mgm.register_protocol(DVMRP, NoCallbacks).unwrap();
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    dvmrp.deletes(eth(1), star(1));
    let callbacks: Vec<_> = alerts.try_iter().map(|alert| alert.callback()).collect();
    assert_eq!((callbacks, mgm.caught_panics()), (vec!["join_alert", "prune_alert"], 1));
}
