//! A change of who is on an interface has it to itself, and who had to wait is woken: HO-7, HO-10.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
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
    owner: ClientName,
    alert: impl Fn(&What<A>) -> bool + Copy + Send + 'static,
    change: impl Fn(&Testbed<A>, &Client<A>, &Client<A>),
) {
    for page in [1, 64] {
        let t = Testbed::<A>::with(|builder| builder.page(page));
        let (of_igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), Arc::new(t.protocol(DVMRP)));
        let client = if owner == IGMP { &of_igmp } else { &pim };
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
    finds_it_in_progress(ClientName::Protocol(PIM), What::is_prune, |_, _, pim| pim.releases(eth(1)));
}

#[test]
fn ho_7_igmps_own_release_too() {
    finds_it_in_progress(IGMP, What::is_prune, |_, igmp, _| igmp.releases(eth(1)));
}

#[test]
fn ho_7_and_a_removal() {
    finds_it_in_progress(ClientName::Protocol(PIM), What::is_prune, |t, _, _| {
        t.mgm.interface_removed(eth::<A>(1).index());
    });
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

#[test]
fn ho_7_another_take_or_release_is_refused_until_enable_has_returned() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = t.igmp_alone();
    let dvmrp = Arc::new(t.protocol(DVMRP));
    let clients = Arc::new([Arc::clone(&igmp), Arc::clone(&pim), Arc::clone(&dvmrp)]);
    for callback in bracket(eth(1), []) {
        let clients = Arc::clone(&clients);
        let refused = move || {
            for client in &*clients {
                let refused = Err(Error::HandoverInProgress { interface: eth(1) });
                assert_eq!(client.take_interface_ownership(eth(1)), refused);
                assert_eq!(client.release_interface_ownership(eth(1)), refused);
            }
        };
        t.inside(callback, move |me| {
            assert!(me.manager().interface(eth(1)).unwrap().handover.is_some());
            refused();
            thread::spawn(refused).join().unwrap();
        });
    }
    pim.takes(eth(1));
    t.assert_calls(bracket(eth(1), []));
    assert!(t.mgm.interface(eth(1)).unwrap().handover.is_none());
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
    igmp.releases(eth(1));
    t.assert_calls([]);
}

#[test]
fn ho_7_during_a_hand_over_its_alerts_find_it_in_progress() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = t.igmp_beside_the_owner();
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    t.inside(local_leave(PIM, eth(1), star(1)), |me| {
        let refused = Err(Error::HandoverInProgress { interface: eth(1) });
        assert_eq!(me.take_interface_ownership(eth(1)), refused);
    });
    // What is deleted after `enable_igmp` (HO-14) belongs to the hand-over too.
    t.inside(prune_alert(PIM, star(1)), |me| {
        let refused = Err(Error::HandoverInProgress { interface: eth(1) });
        assert_eq!(me.take_interface_ownership(eth(1)), refused);
    });
    pim.releases(eth(1));
    let between = bracket(eth(1), [join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))]);
    t.assert_calls([between, vec![prune_alert(PIM, star(1))]].concat());
}

#[test]
fn ho_7_hand_overs_of_different_interfaces_run_side_by_side() {
    let t = Testbed::<A>::new();
    let (igmp, protocols) = (t.igmp(), [t.protocol(PIM), t.protocol(DVMRP)]);
    igmp.takes(eth(1));
    igmp.takes(eth(2));
    for change in [ClientRef::take_interface_ownership, ClientRef::release_interface_ownership] {
        let meeting = Arc::new(Barrier::new(2));
        for call in [bracket(eth(1), []), bracket(eth(2), [])].concat() {
            let meeting = Arc::clone(&meeting);
            t.inside(call, move |_| _ = meeting.wait());
        }
        thread::scope(|scope| {
            for (protocol, index) in protocols.iter().zip([1, 2]) {
                scope.spawn(move || change(protocol, eth(index)).unwrap());
            }
        });
    }
    assert_eq!(t.mgm.owner(eth(1)), Some(ClientName::Igmp));
}

#[test]
fn ho_7_no_thread_waits_for_a_callback_that_runs_on_another() {
    let t = Testbed::<A>::new();
    let (_igmp, pim) = t.igmp_beside_the_owner();
    for callback in bracket(eth(1), []) {
        t.inside(callback, |me| {
            let mgm = me.manager();
            let busy = thread::spawn(move || {
                let dvmrp = mgm.register_protocol(DVMRP, NoCallbacks).unwrap();
                dvmrp.takes(eth(2));
                dvmrp.adds(eth(2), from(1, 1));
                assert!(dvmrp.take_interface_ownership(eth(1)).is_err());
                assert_eq!((mgm.interfaces().len(), held(&mgm).len()), (2, 1));
            });
            busy.join().unwrap();
        });
    }
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
}

/// PIM takes eth1 through the reference that a callback of its own hands it, and `inside` drops its handle.
fn drop_the_taker_inside(inside: impl FnOnce(&Testbed<A>, Client<A>)) {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    t.inside(join_alert(PIM, star(1)), |me| {
        me.takes(eth(1));
        let client = ClientName::Protocol(PIM);
        assert_eq!(me.take_interface_ownership(eth(2)), Err(Error::Deregistered { client }));
    });
    inside(&t, pim);
    // PIM got the interface, and its release has a bracket of its own.
    t.inside(disable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
        let again = me.manager().register_protocol(PIM, NoCallbacks);
        assert_eq!(again.unwrap_err(), Error::AlreadyRegistered { id: PIM });
    });
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Igmp));
    });
    igmp.adds(eth(1), star(1));
    let _id_is_free = t.protocol(PIM);
    t.assert_calls([vec![join_alert(PIM, star(1))], bracket(eth(1), []), bracket(eth(1), [])].concat());
}

#[test]
fn ho_10_the_taker_dropped_inside_disable_is_released_right_after() {
    drop_the_taker_inside(|t, pim| {
        t.inside(disable_igmp(eth(1)), |_| drop(pim));
        t.inside(enable_igmp(eth(1)), |_| ());
    });
}

#[test]
fn ho_10_the_taker_dropped_inside_enable_is_released_right_after() {
    drop_the_taker_inside(|t, pim| {
        t.inside(disable_igmp(eth(1)), |_| ());
        t.inside(enable_igmp(eth(1)), |_| drop(pim));
    });
}

#[test]
fn ho_10_the_taker_dropped_by_another_thread_is_released_right_after() {
    drop_the_taker_inside(|t, pim| {
        t.inside(disable_igmp(eth(1)), |_| thread::spawn(|| drop(pim)).join().unwrap());
        t.inside(enable_igmp(eth(1)), |_| ());
    });
}

#[test]
fn ho_10_a_client_that_releases_and_is_dropped_meanwhile_is_released_once() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.takes(eth(2));
    t.inside(join_alert(PIM, star(1)), |me| me.releases(eth(1)));
    t.inside(disable_igmp(eth(1)), move |_| drop(pim));
    igmp.adds(eth(2), star(1));
    t.assert_calls([join_alert(PIM, star(1)), disable_igmp(eth(1)), enable_igmp(eth(1))]);
    assert_eq!(t.mgm.owner(eth(1)), Some(ClientName::Igmp));
    let _id_is_free = t.protocol(PIM);
}

#[test]
fn ho_10_the_rest_of_a_dropped_client_is_released_by_the_thread_that_drops_it() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    pim.takes(eth(2));
    igmp.takes(eth(3));
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |me| {
        drop(pim);
        assert_eq!(me.manager().owner(eth(2)), None);
    });
    igmp.adds(eth(3), star(1));
    t.assert_calls([vec![join_alert(PIM, star(1))], bracket(eth(1), []), bracket(eth(1), [])].concat());
}

#[test]
fn ho_10_igmp_dropped_inside_disable_is_called_no_more_and_leaves_right_after() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    let mgm = t.mgm.clone();
    t.inside(disable_igmp(eth(1)), move |_| {
        drop(igmp);
        assert_eq!(mgm.register_igmp(NoCallbacks).unwrap_err(), Error::IgmpAlreadyRegistered);
        assert!(mgm.interface(eth(1)).unwrap().igmp);
    });
    pim.takes(eth(1));
    let status = t.mgm.interface(eth(1)).unwrap();
    t.assert_calls([disable_igmp(eth(1))]);
    assert_eq!((status.owner, status.igmp, status.handover.is_some()), (pim.name(), false, false));
    let _igmp_is_free = t.igmp();
}

#[test]
fn ho_10_igmp_and_the_taker_dropped_inside_disable_both_leave_and_forget_the_interface() {
    for igmp_first in [true, false] {
        let t = Testbed::<A>::new();
        let (igmp, pim) = (t.igmp(), t.protocol(PIM));
        igmp.takes(eth(1));
        t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
        t.inside(disable_igmp(eth(1)), move |_| {
            drop(if igmp_first { [igmp, pim] } else { [pim, igmp] });
        });
        let (dvmrp, on) = (t.protocol(DVMRP), eth(2));
        dvmrp.takes(on);
        dvmrp.adds(on, star(1));
        t.assert_calls([join_alert(PIM, star(1)), disable_igmp(eth(1))]);
        assert_eq!(t.mgm.interface(eth(1)), None);
        let _both_are_free = (t.igmp(), t.protocol(PIM));
    }
}

#[test]
fn ho_10_an_interface_removed_in_the_middle_is_removed_right_after() {
    fn remove(me: &ClientRef<A>) {
        let before = me.manager().interface(eth(1));
        me.manager().interface_removed(eth::<A>(1).index());
        assert_eq!(me.manager().interface(eth(1)), before);
    }
    const fn nothing(_: &ClientRef<A>) {}
    type Inside = fn(&ClientRef<A>);
    let turns: [(Inside, Inside); 3] = [(remove, nothing), (nothing, remove), (remove, remove)];
    for (at_disable, at_enable) in turns {
        let t = Testbed::<A>::new();
        let (igmp, pim) = t.igmp_alone();
        t.inside(disable_igmp(eth(1)), at_disable);
        t.inside(enable_igmp(eth(1)), at_enable);
        pim.takes(eth(1));
        t.assert_calls([
            disable_igmp(eth(1)),
            enable_igmp(eth(1)),
            interface_removed(IGMP, eth(1)),
            interface_removed(PIM, eth(1)),
        ]);
        assert_eq!(t.mgm.interface(eth(1)), None);
        igmp.takes(eth(1));
        t.assert_calls([]);
    }
}

#[test]
fn ho_10_the_taker_dropped_and_then_the_interface_removed_in_the_middle_come_in_that_order() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |me| {
        drop(pim);
        me.manager().interface_removed(eth::<A>(1).index());
    });
    igmp.adds(eth(1), star(1));
    t.assert_calls([
        join_alert(PIM, star(1)),
        disable_igmp(eth(1)),
        enable_igmp(eth(1)),
        disable_igmp(eth(1)),
        enable_igmp(eth(1)),
        interface_removed(ClientName::Igmp, eth(1)),
    ]);
    assert_eq!((t.mgm.interface(eth(1)), held(&t.mgm)), (None, vec![]));
    let _id_is_free = t.protocol(PIM);
}
