//! A change of who is on an interface has it to itself, and who had to wait is woken: HO-7, HO-10.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::*;

/// Everything that asks for a change of who is on eth1, or offers it, or begins a refresh there.
fn is_refused(me: &ClientRef<A>, others: &[Arc<Client<A>>]) {
    let refused = Error::HandoverInProgress { interface: eth(1) };
    for client in others.iter().map(|client| &***client).chain([me]) {
        assert_eq!(client.take_interface_ownership(eth(1)), Err(refused.clone()));
        assert_eq!(client.release_interface_ownership(eth(1)), Err(refused.clone()));
    }
    assert!(me.manager().interface(eth(1)).is_none_or(|status| status.handover.is_some()));
}

/// The alerts of a change that no hand-over is part of: here one that fits a page, and one that does not.
fn finds_it_in_progress(
    igmp: bool,
    alert: impl Fn(&What<A>) -> bool + Copy + Send + 'static,
    change: impl Fn(&Testbed<A>, &Client<A>, &Client<A>),
) {
    for page in [1, 64] {
        let t = Testbed::<A>::with(|builder| builder.page(page));
        let (of_igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), Arc::new(t.protocol(DVMRP)));
        let client = if igmp { &of_igmp } else { &pim };
        client.takes(eth(1));
        for group in 1..=3 {
            client.adds(eth(1), star(group));
        }
        t.forget_calls();
        let other = Arc::clone(&dvmrp);
        t.inside_next(DVMRP, alert, move |me| is_refused(me, &[other]));
        change(&t, &of_igmp, &pim);
        dvmrp.takes(eth(1));
        t.forget_calls();
    }
}

#[test]
fn ho_7_however_small_a_release_is_its_alerts_find_it_in_progress() {
    finds_it_in_progress(false, What::is_prune, |_, _, pim| pim.releases(eth(1)));
}

#[test]
fn ho_7_igmps_own_release_too() {
    finds_it_in_progress(true, What::is_prune, |_, igmp, _| igmp.releases(eth(1)));
}

#[test]
fn ho_7_and_a_removal() {
    finds_it_in_progress(false, What::is_prune, |t, _, _| t.mgm.interface_removed(eth::<A>(1).index()));
}

#[test]
fn ho_7_and_a_take_without_igmp() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.dvmrp.adds(lan(), from(1, 1));
    let bgmp = r.protocol(BGMP);
    r.forget_calls();
    r.inside(join_alert(BGMP, from(1, 1)), |me| {
        let refused = Err(Error::HandoverInProgress { interface: wan() });
        assert_eq!(me.release_interface_ownership(wan()), refused);
        assert_eq!(me.offer_interface(wan(), PIM), refused);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(9);
        assert_eq!(me.begin_refresh(wan(), deadline).map(drop), refused);
        assert_eq!(me.adds(wan(), star(2)), Change::Changed, "it is the owner");
    });
    bgmp.takes(wan());
    bgmp.releases(wan());
    r.forget_calls();
}

#[test]
fn ho_7_and_a_dropped_handle() {
    let t = Testbed::<A>::new();
    let (pim, dvmrp) = (t.protocol(PIM), Arc::new(t.protocol(DVMRP)));
    pim.takes(eth(1));
    pim.adds(eth(1), star(1));
    t.forget_calls();
    let other = Arc::clone(&dvmrp);
    t.inside(prune_alert(DVMRP, star(1)), move |me| {
        is_refused(me, &[other]);
        let again = me.manager().register_protocol(PIM, NoCallbacks).unwrap_err();
        assert_eq!(again, Error::AlreadyRegistered { id: PIM }, "until the last of that is done");
    });
    drop(pim);
    let _id_is_free = t.protocol(PIM);
    dvmrp.takes(eth(1));
    t.assert_calls([prune_alert(DVMRP, star(1))]);
}

/// It may delete, and others may do what they like.
#[test]
fn ho_7_a_client_that_leaves_can_add_nothing_there_any_more() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    let pim = Arc::new(pim);
    dvmrp.takes(eth(2));
    pim.takes(eth(3));
    pim.adds(eth(1), star(1));
    pim.adds(eth(1), from(1, 2));
    t.forget_calls();
    let leaves = Arc::clone(&pim);
    t.inside(disable_igmp(eth(1)), move |_| {
        let refused = Err(Error::HandoverInProgress { interface: eth(1) });
        assert_eq!(leaves.add_group_membership(eth(1), star(2)), refused);
        assert_eq!(leaves.block_source(eth(1), A::source(1), A::group(1)), refused);
        let outcomes =
            leaves.batch(eth(1), [MembershipChange::Add(star(2)), MembershipChange::Delete(from(1, 2))]);
        assert_eq!(outcomes.iter().map(|outcome| outcome.is_ok()).collect::<Vec<_>>(), [false, true]);
        assert!(leaves.set_group(eth(1), A::group(3), Filter::JOIN).is_err());
        leaves.adds(eth(3), star(3));
        assert_eq!(held(&dvmrp.manager()).len(), 2);
        drop(dvmrp);
    });
    pim.releases(eth(1));
    assert_eq!(held(&t.mgm).iter().map(|held| held.entry).collect::<Vec<_>>(), [star(3)]);
    t.forget_calls();
}

#[test]
fn ho_7_whoever_was_refused_is_woken_when_the_interface_is_settled() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    let (dvmrp, woken) = (Arc::new(dvmrp), Arc::new(AtomicUsize::new(0)));
    let wakes = |dvmrp: &Arc<Client<A>>, woken: &Arc<AtomicUsize>| {
        let (dvmrp, woken) = (Arc::clone(dvmrp), Arc::clone(woken));
        move || {
            assert_eq!(dvmrp.manager().interface(eth(1)).unwrap().handover, None);
            woken.fetch_add(1, Ordering::SeqCst);
        }
    };
    // Nobody is changing it: at once.
    t.mgm.when_settled(eth(1), wakes(&dvmrp, &woken));
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    let (client, count) = (Arc::clone(&dvmrp), Arc::clone(&woken));
    t.inside(disable_igmp(eth(1)), move |igmp| {
        assert!(client.take_interface_ownership(eth(1)).is_err());
        igmp.manager().when_settled(eth(1), wakes(&client, &count));
        let retry = Arc::clone(&client);
        igmp.manager().when_settled(eth(1), move || retry.takes(eth(1)));
        let other = Arc::clone(&count);
        igmp.manager().when_settled(eth(2), move || _ = other.fetch_add(1, Ordering::SeqCst)); // it is settled
        assert_eq!(count.load(Ordering::SeqCst), 2);
    });
    let count = Arc::clone(&woken);
    t.inside(enable_igmp(eth(1)), move |_| assert_eq!(count.load(Ordering::SeqCst), 2));
    pim.releases(eth(1));
    assert_eq!(woken.load(Ordering::SeqCst), 3, "once");
    t.assert_calls([bracket(eth(1), []), bracket(eth(1), [])].concat());
    assert_eq!(t.mgm.owner(eth(1)), Some(dvmrp.name()));
}

/// HO-10: not between what was under way and what had to wait for it.
#[test]
fn ho_7_ho_10_the_interface_is_settled_when_what_was_deferred_is_done() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    let read = Arc::<Mutex<Vec<_>>>::default();
    let reads = Arc::clone(&read);
    t.inside(disable_igmp(eth(1)), move |me| {
        let mgm = me.manager();
        me.manager().when_settled(eth(1), move || reads.lock().push(mgm.owner(eth(1))));
        me.manager().interface_removed(eth::<A>(1).index());
    });
    pim.takes(eth(1));
    assert_eq!(*read.lock(), [None]);
    t.forget_calls();
}

#[test]
fn ho_7_a_waker_that_panics_harms_nobody() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    t.inside(disable_igmp(eth(1)), move |me| {
        me.manager().when_settled(eth(1), || boom());
        me.manager().when_settled(eth(1), move || _ = count.fetch_add(1, Ordering::SeqCst));
    });
    pim.releases(eth(1));
    t.assert_panics(1);
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    t.forget_calls();
}

/// IGMP itself, on the thread that hands the interface over, and others.
#[test]
fn ho_7_igmp_may_not_come_or_go_meanwhile() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    let released = Arc::new(AtomicUsize::new(0));
    for callback in bracket(eth(1), []) {
        let released = Arc::clone(&released);
        t.inside(callback, move |me| {
            assert!(me.release_interface_ownership(eth(1)).is_err());
            thread::scope(|scope| {
                scope.spawn(|| assert!(me.release_interface_ownership(eth(1)).is_err())).join().unwrap();
            });
            released.fetch_add(1, Ordering::SeqCst);
        });
    }
    pim.takes(eth(1));
    assert_eq!(released.load(Ordering::SeqCst), 2);
    igmp.releases(eth(1));
    t.forget_calls();
}

/// The interface is removed and then the taker dropped: the removal comes first, with the taker on it, and of the release
/// nothing is left to do.
#[test]
fn ho_10_what_no_longer_applies_falls_away() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |me| {
        me.manager().interface_removed(eth::<A>(1).index());
        drop(pim);
        me.manager().interface_removed(eth::<A>(1).index());
    });
    igmp.adds(eth(1), star(1));
    let calls = vec![join_alert(PIM, star(1)), disable_igmp(eth(1)), enable_igmp(eth(1))];
    t.assert_calls([calls, vec![interface_removed(IGMP, eth(1))]].concat());
    assert_eq!(t.mgm.interface(eth(1)), None);
    let _id_is_free = t.protocol(PIM);
}

#[test]
fn ho_10_igmp_dropped_and_then_the_owner_go_in_that_order() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(1));
    dvmrp.takes(eth(1));
    dvmrp.offers(eth(1), PIM);
    t.forget_calls();
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |_| {
        drop(igmp);
        drop(pim);
        // DVMRP has the interface until the hand-over goes on: its release is noted as well, and falls away.
        drop(dvmrp);
    });
    let client = t.protocol(BGMP);
    client.takes(eth(3));
    client.adds(eth(3), star(1));
    // IGMP has gone first, so no bracket comes after the first one, which is never closed (HO-6).
    t.assert_calls([join_alert(PIM, star(1)), disable_igmp(eth(1))]);
    assert_eq!(t.mgm.interface(eth(1)), None);
    let _all_are_free = [t.igmp(), t.protocol(PIM), t.protocol(DVMRP)];
}
