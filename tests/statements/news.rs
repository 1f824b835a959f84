//! News, which clients poll instead of being alerted: CB-8.

use std::collections::BTreeSet;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use super::*;

type News = mgm::News<A>;
type Alert = mgm::Alert<A>;
type Handle = Client<A>;

fn polled(mgm: &Mgm<A>, id: ClientId) -> (Handle, News) {
    mgm.register_polled_protocol(id, NoCallbacks).unwrap()
}

/// BGMP polls, and owns the interface toward S1; DVMRP's networks are [`lan`] and [`dmz`].
fn polled_router() -> (Router<A>, Handle, News) {
    let r = Router::<A>::new();
    let (bgmp, news) = polled(&r.mgm, BGMP);
    bgmp.takes(wan());
    r.reroute(1, wan());
    (r, bgmp, news)
}

/// All that is left to take.
fn rest(news: &mut News) -> Vec<Alert> {
    std::iter::from_fn(|| news.try_next()).collect()
}

#[track_caller]
fn assert_news(news: &mut News, expected: impl AsRef<[Alert]>) {
    let taken = rest(news);
    assert_eq!(taken, expected.as_ref());
}

fn join(entry: Entry<A>) -> Alert {
    Alert::Join { entry, cause: AlertCause::Membership }
}

fn prune(entry: Entry<A>) -> Alert {
    Alert::Prune { entry, cause: AlertCause::Membership }
}

fn pull(source: u16, group: u16) -> Alert {
    Alert::Join { entry: from(source, group), cause: AlertCause::ForwardingEntry }
}

fn stop(source: u16, group: u16) -> Alert {
    Alert::Prune { entry: from(source, group), cause: AlertCause::ForwardingEntry }
}

fn joined(interface: Interface<A>, entry: Entry<A>) -> Alert {
    Alert::LocalJoin { interface, entry }
}

fn left(interface: Interface<A>, entry: Entry<A>) -> Alert {
    Alert::LocalLeave { interface, entry }
}

fn blocked(interface: Interface<A>, source: u16, group: u16) -> Alert {
    Alert::LocalBlock { interface, source: A::source(source), group: A::group(group) }
}

fn unblocked(interface: Interface<A>, source: u16, group: u16) -> Alert {
    Alert::LocalUnblock { interface, source: A::source(source), group: A::group(group) }
}

fn missed(interface: Interface<A>, source: u16, group: u16) -> Alert {
    let (source, group, header) = (A::source(source), A::group(group), Arc::from([9]));
    Alert::WrongInterface { interface, source, group, header }
}

fn removed(interface: Interface<A>) -> Alert {
    Alert::InterfaceRemoved { index: interface.index() }
}

#[test]
fn cb_8_what_comes_and_goes_untaken_is_no_news() {
    let t = Testbed::<A>::new();
    let ((_pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    dvmrp.adds(eth(1), all());
    dvmrp.deletes(eth(1), star(1));
    assert_news(&mut news, [join(all())]);
    // Nor is what goes and comes again.
    dvmrp.deletes(eth(1), all());
    dvmrp.adds(eth(1), all());
    assert_news(&mut news, []);
    dvmrp.deletes(eth(1), all());
    assert_news(&mut news, [prune(all())]);
    dvmrp.adds(eth(1), star(1));
    assert_news(&mut news, [join(star(1))]);
    t.assert_calls([]);
}

#[test]
fn cb_8_what_others_wanted_at_registration_counts_as_taken() {
    let t = Testbed::<A>::new();
    let dvmrp = t.protocol(DVMRP);
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    dvmrp.adds(eth(1), star(2));
    let (_pim, mut news) = polled(&t.mgm, PIM);
    assert_news(&mut news, []);
    dvmrp.deletes(eth(1), star(1));
    assert_news(&mut news, [prune(star(1))]);
}

#[test]
fn cb_8_a_hand_over_that_nobody_polls_in_between_is_no_news() {
    let t = Testbed::<A>::new();
    let (_bgmp, mut of_bgmp) = polled(&t.mgm, BGMP);
    let (dvmrp, mut of_dvmrp) = polled(&t.mgm, DVMRP);
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    for client in [&igmp, &pim] {
        client.takes(eth(1));
    }
    let groups = || (1..=10_000).map(|group| MembershipChange::Add(star(group)));
    igmp.batches(eth(1), groups());
    assert_eq!(rest(&mut of_bgmp).len(), 10_000);
    assert_eq!(rest(&mut of_dvmrp).len(), 10_000);
    t.forget_calls();
    // IGMP adds nothing again in time: all of it goes, and comes again.
    pim.releases(eth(1));
    igmp.batches(eth(1), groups());
    dvmrp.takes(eth(1));
    igmp.batches(eth(1), groups());
    dvmrp.releases(eth(1));
    igmp.batches(eth(1), groups());
    assert_news(&mut of_bgmp, []);
    assert_news(&mut of_dvmrp, []);
    let called = count(&t.calls(), PIM, |what| what.is_join() || what.is_prune());
    assert!(called > 20_000, "whoever is alerted hears all of it: {called}");
}

#[test]
fn cb_8_news_come_in_the_order_of_ct_6() {
    let (r, bgmp, mut news) = polled_router();
    let igmp = &r.igmp;
    igmp.takes(wan());
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(lan(), from(1, 2));
    r.packet(1, 1, wan());
    igmp.adds(wan(), star(3));
    igmp.blocks(wan(), 1, 4);
    bgmp.wants_wrong_interface_alerts(wan());
    let begun = [joined(wan(), star(3)), pull(1, 1), join(star(1)), join(from(1, 2)), blocked(wan(), 1, 4)];
    assert_news(&mut news, begun);
    // All of it ends, and other things begin.
    r.dvmrp.adds(dmz(), star(5));
    r.dvmrp.deletes(lan(), star(1));
    r.dvmrp.deletes(lan(), from(1, 2));
    r.dvmrp.adds(lan(), from(1, 3));
    igmp.adds(wan(), from(1, 4));
    igmp.deletes(wan(), star(3));
    igmp.blocks(wan(), 1, 3);
    r.packet(2, 1, up());
    r.wrong_packet(2, 1, wan());
    assert_news(
        &mut news,
        [
            unblocked(wan(), 1, 4),
            joined(wan(), from(1, 4)),
            join(from(1, 3)),
            join(star(5)),
            left(wan(), star(3)),
            blocked(wan(), 1, 3),
            stop(1, 1),
            prune(star(1)),
            prune(from(1, 2)),
            missed(wan(), 2, 1),
        ],
    );
}

#[test]
fn cb_8_what_comes_meanwhile_waits_for_what_was_there() {
    let t = Testbed::<A>::new();
    let ((_pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    assert_news(&mut news, [join(star(1))]);
    dvmrp.deletes(eth(1), star(1));
    dvmrp.adds(eth(1), star(2));
    assert_eq!(news.try_next(), Some(join(star(2))));
    // Whoever adds faster than the client takes keeps no end from it.
    dvmrp.adds(eth(1), star(3));
    assert_eq!(news.try_next(), Some(prune(star(1))));
    dvmrp.adds(eth(1), star(4));
    assert_news(&mut news, [join(star(3)), join(star(4))]);
}

#[test]
fn cb_8_a_making_is_told_by_what_fw_6_would_say_now() {
    let (r, bgmp, mut news) = polled_router();
    r.packet(1, 1, wan());
    assert_news(&mut news, [stop(1, 1)]); // no oif at all
    r.packet(1, 2, wan());
    r.dvmrp.adds(lan(), star(2));
    assert_news(&mut news, [pull(1, 2), join(star(2))]); // by now there is one
    r.dvmrp.adds(lan(), from(1, 3));
    r.packet(1, 3, wan());
    r.dvmrp.deletes(lan(), from(1, 3));
    assert_news(&mut news, [stop(1, 3)]); // by now there is none
    bgmp.takes(eth(9));
    r.dvmrp.adds(lan(), from(1, 4));
    r.packet(1, 4, wan());
    r.dvmrp.deletes(lan(), from(1, 4));
    bgmp.adds(eth(9), from(1, 4));
    assert_news(&mut news, []); // by now there is one of its own, and nothing was taken
    bgmp.deletes(eth(9), from(1, 4));
    assert_news(&mut news, []); // the making was taken
    bgmp.adds(eth(9), from(1, 5));
    r.packet(1, 5, wan());
    bgmp.deletes(eth(9), from(1, 5));
    assert_news(&mut news, [stop(1, 5)]); // and here it was not
}

#[test]
fn cb_8_a_renewal_is_news_again() {
    let (r, bgmp, mut news) = polled_router();
    r.dvmrp.adds(lan(), from(1, 1));
    r.packet(1, 1, wan());
    assert_news(&mut news, [pull(1, 1), join(from(1, 1))]);
    r.traffic(1, 1, wan());
    r.expire(900);
    r.traffic(1, 1, wan());
    r.expire(1800);
    assert_news(&mut news, [pull(1, 1)]); // twice renewed, and told once
    r.traffic(1, 1, wan());
    r.expire(2700);
    bgmp.takes(eth(9));
    bgmp.adds(eth(9), from(1, 1));
    r.dvmrp.deletes(lan(), from(1, 1));
    assert_news(&mut news, [stop(1, 1), prune(from(1, 1))]); // it was told to pull, and need not any more
    r.traffic(1, 1, wan());
    r.expire(3600);
    assert_news(&mut news, []); // its own oif is left
}

#[test]
fn cb_8_an_entry_that_goes_takes_its_news_with_it() {
    let (r, bgmp, mut news) = polled_router();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, wan());
    r.expire(900);
    assert_eq!(r.path(1, 1), None);
    assert_news(&mut news, [join(star(1))]);
    // What was taken of one that goes is known to nobody any more, and the next one begins anew (FW-6).
    r.packet(1, 1, wan());
    assert_news(&mut news, [pull(1, 1)]);
    r.expire(1800);
    bgmp.takes(eth(9));
    bgmp.adds(eth(9), star(1));
    r.dvmrp.deletes(lan(), star(1));
    r.packet(1, 1, wan());
    assert_news(&mut news, [prune(star(1))]);
    // But whoever took a join, and was told to stop before the entry went, has still to hear that.
    r.dvmrp.adds(lan(), from(1, 1));
    assert_news(&mut news, [pull(1, 1), join(from(1, 1))]);
    r.dvmrp.deletes(lan(), from(1, 1));
    r.expire(2700);
    assert_eq!(r.path(1, 1), None);
    assert_news(&mut news, [stop(1, 1), prune(from(1, 1))]);
}

#[test]
fn cb_8_an_entry_that_moves_to_another_owner_ends_for_the_old_one() {
    let (r, _bgmp, mut news) = polled_router();
    r.dvmrp.adds(lan(), star(1));
    assert_news(&mut news, [join(star(1))]);
    r.packet(1, 1, wan());
    r.reroute(1, up());
    assert_news(&mut news, []); // it never knew
    r.reroute(1, wan());
    assert_news(&mut news, [pull(1, 1)]);
    r.reroute(1, up());
    r.reroute(1, wan());
    assert_news(&mut news, [pull(1, 1)]); // it is a new owner again
    r.reroute(1, up());
    assert_news(&mut news, [stop(1, 1)]);
}

#[test]
fn cb_8_local_news_belong_to_a_tenure() {
    let t = Testbed::<A>::new();
    let ((pim, mut news), igmp) = (polled(&t.mgm, PIM), t.igmp());
    igmp.takes(eth(1));
    pim.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    igmp.blocks(eth(1), 1, 3);
    assert_news(&mut news, [joined(eth(1), star(1)), joined(eth(1), star(2)), blocked(eth(1), 1, 3)]);
    igmp.deletes(eth(1), star(1));
    igmp.adds(eth(1), star(1));
    assert_news(&mut news, []); // in one tenure that is nothing
    let again = |igmp: &ClientRef<A>| {
        igmp.adds(eth(1), star(1));
        igmp.blocks(eth(1), 1, 3);
    };
    t.inside(enable_igmp(eth(1)), again);
    pim.releases(eth(1));
    t.inside(enable_igmp(eth(1)), again);
    pim.takes(eth(1));
    let news_now = [joined(eth(1), star(1)), left(eth(1), star(2)), blocked(eth(1), 1, 3)];
    // What was taken in the earlier tenure counts as not taken; and what is there no more has ended.
    let mut taken = rest(&mut news);
    taken.retain(|alert| !matches!(alert, Alert::Join { .. } | Alert::Prune { .. }));
    assert_eq!(taken, news_now);
    // What is not taken in this tenure, and goes, has ended too: it was taken in an earlier one.
    t.inside(enable_igmp(eth(1)), again);
    pim.releases(eth(1));
    t.inside(enable_igmp(eth(1)), again);
    pim.takes(eth(1));
    igmp.deletes(eth(1), star(1));
    igmp.unblocks(eth(1), 1, 3);
    let mut taken = rest(&mut news);
    taken.retain(|alert| !matches!(alert, Alert::Join { .. } | Alert::Prune { .. }));
    assert_eq!(taken, [unblocked(eth(1), 1, 3), left(eth(1), star(1))]);
}

#[test]
fn cb_8_the_last_packet_on_the_wrong_interface_waits_for_each_entry() {
    let (r, bgmp, mut news) = polled_router();
    bgmp.takes(eth(9));
    for on in [wan(), eth(9)] {
        bgmp.wants_wrong_interface_alerts(on);
    }
    r.packet(2, 1, up());
    r.packet(2, 2, up());
    r.wrong_packet(2, 1, wan());
    r.wrong_packet(2, 2, wan());
    r.expire(3);
    r.wrong_packet(2, 1, eth(9));
    assert_news(&mut news, [missed(eth(9), 2, 1), missed(wan(), 2, 2)]);
    // One whose entry has gone is none.
    r.expire(6);
    r.wrong_packet(2, 1, wan());
    r.expire(900);
    assert_news(&mut news, []);
    // Nor is one on an interface that is the client's no more, or is so again.
    r.packet(2, 1, up());
    r.wrong_packet(2, 1, eth(9));
    bgmp.releases(eth(9));
    bgmp.takes(eth(9));
    assert_news(&mut news, []);
}

#[test]
fn cb_8_an_interface_that_is_gone_comes_before_what_begins_there_later() {
    let t = Testbed::<A>::new();
    let ((pim, mut news), igmp) = (polled(&t.mgm, PIM), t.igmp());
    let both_take = || {
        pim.takes(eth(1));
        igmp.takes(eth(1));
    };
    both_take();
    igmp.adds(eth(1), star(1));
    assert_news(&mut news, [joined(eth(1), star(1))]);
    t.mgm.interface_removed(eth::<A>(1).index());
    assert_news(&mut news, [left(eth(1), star(1)), removed(eth(1))]);
    both_take();
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    assert_news(&mut news, [joined(eth(1), star(1)), joined(eth(1), star(2))]);
    for _ in 0..3 {
        t.mgm.interface_removed(eth::<A>(1).index());
        both_take();
    }
    igmp.adds(eth(1), star(1));
    assert_news(&mut news, [removed(eth(1)), joined(eth(1), star(1)), left(eth(1), star(2))]);
}

/// Counts how often it is called.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn call(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.call();
    }
}

#[test]
fn cb_8_whoever_waits_is_called_without_a_lock_when_there_begin_to_be_news() {
    let t = Testbed::<A>::new();
    let ((_pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    let calls = Arc::new(Calls::default());
    let (called, mgm) = (Arc::clone(&calls), t.mgm.clone());
    news.on_ready(move || {
        called.call();
        assert_ne!(mgm.owner(eth(1)), None); // CB-1, CB-2: the state can be read
    });
    dvmrp.takes(eth(1));
    assert_eq!(calls.take(), 0);
    dvmrp.adds(eth(1), star(1));
    assert_eq!(calls.take(), 1);
    dvmrp.adds(eth(1), star(2));
    assert_eq!(calls.take(), 0, "there were news already");
    assert_eq!(rest(&mut news).len(), 2);
    dvmrp.adds(eth(1), star(3));
    assert_eq!(calls.take(), 1);
    dvmrp.deletes(eth(1), star(3));
    assert_news(&mut news, []);
    // Whoever comes when there are some is called at once, and is called instead of the one before.
    dvmrp.adds(eth(1), star(4));
    assert_eq!(calls.take(), 1);
    let others = Arc::new(Calls::default());
    let called = Arc::clone(&others);
    news.on_ready(move || called.call());
    assert_eq!((calls.take(), others.take()), (0, 1));
    assert_news(&mut news, [join(star(4))]);
    dvmrp.deletes(eth(1), star(4));
    assert_eq!((calls.take(), others.take()), (0, 1));
}

#[test]
fn cb_8_a_waker_that_panics_harms_nobody() {
    let t = Testbed::<A>::new();
    let ((_pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    news.on_ready(|| boom());
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    t.assert_panics(1);
    assert_news(&mut news, [join(star(1))]);
    drop(news);
}

#[test]
fn cb_8_cb_5_what_is_called_may_panic_when_it_is_dropped() {
    struct Firework;
    impl Drop for Firework {
        fn drop(&mut self) {
            boom();
        }
    }

    let t = Testbed::<A>::new();
    let (_pim, mut news) = polled(&t.mgm, PIM);
    for replaced in 0..2 {
        let firework = Firework;
        news.on_ready(move || (&firework, ()).1);
        assert_eq!(t.mgm.caught_panics(), replaced);
    }
    drop(news);
    t.assert_panics(2);
}

#[test]
fn cb_8_next_waits_and_ends_with_the_client() {
    let t = Testbed::<A>::new();
    let ((pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    let calls = Arc::new(Calls::default());
    let waker = Waker::from(Arc::clone(&calls));
    let mut context = Context::from_waker(&waker);
    dvmrp.takes(eth(1));
    {
        let mut next = pin!(news.next());
        assert_eq!(next.as_mut().poll(&mut context), Poll::Pending);
        dvmrp.adds(eth(1), star(1));
        assert_eq!(calls.take(), 1);
        assert_eq!(next.as_mut().poll(&mut context), Poll::Ready(Some(join(star(1)))));
    }
    dvmrp.adds(eth(1), star(2));
    assert_eq!(calls.take(), 0, "nobody waits");
    assert_eq!(news.poll_next(&mut context), Poll::Ready(Some(join(star(2)))));
    assert_eq!(news.poll_next(&mut context), Poll::Pending);
    dvmrp.adds(eth(1), star(3));
    // What has not been taken when the client goes is no news to anybody.
    drop(pim);
    assert_eq!(calls.take(), 1);
    assert_eq!(news.poll_next(&mut context), Poll::Ready(None));
    assert_eq!(news.try_next(), None);
}

#[test]
fn cb_8_whoever_waits_is_woken_when_the_client_goes() {
    let t = Testbed::<A>::new();
    for deregisters in [true, false] {
        let (pim, mut news) = polled(&t.mgm, PIM);
        let (waits, is_waiting) = mpsc::channel();
        let calls = Arc::new(Calls::default());
        let called = Arc::clone(&calls);
        news.on_ready(move || called.call());
        let end = thread::spawn(move || {
            let thread = thread::current();
            let waker = Waker::from(Arc::new(Unpark(thread)));
            let mut context = Context::from_waker(&waker);
            let mut next = pin!(news.next());
            loop {
                match next.as_mut().poll(&mut context) {
                    Poll::Ready(end) => return end,
                    Poll::Pending => {
                        waits.send(()).unwrap();
                        thread::park();
                    }
                }
            }
        });
        is_waiting.recv().unwrap();
        if deregisters {
            pim.deregister().unwrap();
        } else {
            drop(pim);
        }
        assert_eq!(end.join().unwrap(), None);
        assert_eq!(calls.take(), 1);
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn cb_8_whoever_stops_polling_harms_nobody() {
    let t = Testbed::<A>::new();
    let ((pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    let owned = Arc::new(());
    let (kept, mgm) = (Owned { mgm: t.mgm.clone(), value: Arc::clone(&owned) }, t.mgm.clone());
    news.on_ready(move || assert!(Arc::strong_count(&kept.value) > 0 && mgm.owner(eth(1)).is_some()));
    dvmrp.takes(eth(1));
    dvmrp.adds(eth(1), star(1));
    drop(news);
    assert_eq!(Arc::strong_count(&owned), 1, "what it owned has gone with it");
    dvmrp.adds(eth(1), star(2));
    pim.takes(eth(2));
    pim.adds(eth(2), star(1));
    t.assert_calls([join_alert(DVMRP, star(1))]);
}

/// Takes the lock when it is dropped (CB-1).
struct Owned {
    mgm: Mgm<A>,
    value: Arc<()>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _owner = self.mgm.owner(eth(1));
    }
}

#[test]
fn cb_8_news_keep_no_manager_alive() {
    let forwarder = Arc::new(MemoryForwarder::<A>::default());
    let mgm = Builder::<A>::new().forwarder(Arc::clone(&forwarder)).build();
    let (pim, mut news) = polled(&mgm, PIM);
    mgm.packet_received(A::source(1), A::group(1), eth(1), &[], Instant::now()).unwrap();
    assert_eq!(forwarder.entries().len(), 1);
    drop(mgm);
    drop(pim);
    assert_eq!(forwarder.entries(), [], "the manager has gone (FW-12)");
    assert_eq!(news.try_next(), None);
}

#[test]
fn cb_8_rpf_and_creation_alert_are_still_calls() {
    struct Answers;
    impl Questions<A> for Answers {
        fn creation_mode(&self) -> CreationMode {
            CreationMode::Always
        }

        fn rpf(&self, _: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
            request.route.over(eth(9))
        }

        fn creation_alert(&self, _: &ClientRef<A>, _: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
            oifs.iter_mut().for_each(|oif| oif.set_enabled(true));
        }
    }
    let r = Router::<A>::new();
    let (bgmp, _news) = r.mgm.register_polled_protocol(BGMP, Arc::new(Answers)).unwrap();
    for on in [wan(), eth(8), eth(9)] {
        bgmp.takes(on);
    }
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    assert_eq!(r.path(1, 1), path(eth(9), [wan(), eth(8)]));
}

#[test]
fn cb_8_the_bracket_of_a_hand_over_is_still_called() {
    #[derive(Default)]
    struct Bracket(Calls, Calls);
    impl HandoverCallbacks<A> for Bracket {
        fn disable_igmp(&self, _: &ClientRef<A>, _: Interface<A>) {
            self.0.call();
        }

        fn enable_igmp(&self, igmp: &ClientRef<A>, on: Interface<A>) {
            self.1.call();
            igmp.adds(on, star(1));
        }

        fn alert_mode(&self) -> AlertMode {
            AlertMode::JoinsAndPrunes
        }
    }
    let t = Testbed::<A>::new();
    let bracket = Arc::new(Bracket::default());
    let (igmp, mut news) = t.mgm.register_polled_igmp(Arc::clone(&bracket)).unwrap();
    assert_eq!(t.mgm.register_igmp(NoCallbacks).unwrap_err(), Error::IgmpAlreadyRegistered);
    let pim = t.protocol(PIM);
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    pim.takes(eth(1));
    assert_eq!((bracket.0.take(), bracket.1.take()), (1, 1));
    // CL-6: it asked to hear what others want, and now PIM wants it.
    assert_news(&mut news, [join(star(1))]);
    t.mgm.interface_removed(NonZeroU32::MIN);
    assert_news(&mut news, [prune(star(1)), removed(eth(1))]);
}

#[test]
fn cb_8_no_limit_of_waiting_alerts_applies_to_news() {
    let t = Testbed::<A>::limited(Limits::default().waiting_alerts(1));
    let ((_pim, mut news), dvmrp) = (polled(&t.mgm, PIM), t.protocol(DVMRP));
    dvmrp.takes(eth(1));
    for group in 1..=100 {
        dvmrp.adds(eth(1), star(group));
    }
    dvmrp.excludes(eth(1), 200, [1, 2, 3]);
    assert_eq!(rest(&mut news).len(), 101);
}

#[test]
fn cb_8_two_threads_post_while_one_takes() {
    let t = Testbed::<A>::new();
    let (_pim, mut news) = polled(&t.mgm, PIM);
    let (dvmrp, bgmp) = (t.protocol(DVMRP), t.protocol(BGMP));
    dvmrp.takes(eth(1));
    bgmp.takes(eth(2));
    let (ready, is_ready) = mpsc::channel();
    news.on_ready(move || ready.send(()).unwrap());
    let mut pulled = BTreeSet::new();
    let is_all =
        |pulled: &BTreeSet<_>| (1..=1000).all(|group| pulled.contains(&star(group))) && pulled.len() == 1000;
    thread::scope(|scope| {
        for (client, on, groups) in [(&dvmrp, eth(1), 1..=500_u16), (&bgmp, eth(2), 501..=1000)] {
            scope.spawn(move || {
                for group in groups {
                    client.adds(on, star(group));
                    client.adds(on, star(group + 1000));
                    client.deletes(on, star(group + 1000));
                }
            });
        }
        while !is_all(&pulled) {
            is_ready.recv().unwrap();
            for alert in rest(&mut news) {
                if let Alert::Join { entry, .. } = alert {
                    assert!(pulled.insert(entry), "it was taken: {entry}");
                } else if let Alert::Prune { entry, .. } = alert {
                    assert!(pulled.remove(&entry), "it was not taken: {entry}");
                }
            }
        }
    });
    drop(news);
}

#[cfg(feature = "stream")]
#[test]
fn cb_8_news_are_a_stream() {
    fn assert_stream<S: futures_core::Stream<Item = Alert>>(_: &S) {}
    let t = Testbed::<A>::new();
    let (_pim, news) = polled(&t.mgm, PIM);
    assert_stream(&news);
}
