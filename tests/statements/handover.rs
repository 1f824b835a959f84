//! The hand-over: HO-1 to HO-10.

use std::sync::{Arc, Barrier};
use std::thread;

use super::*;

/// IGMP on eth1, and PIM on nothing.
fn igmp_alone(t: &Testbed<A>) -> (Arc<Client<A>>, Arc<Client<A>>) {
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    (Arc::new(igmp), Arc::new(pim))
}

/// Whether a client has to add it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stale {
    Yes,
    No,
}

/// What is held, whether it is stale, and for whom it counts.
fn counted(mgm: &Mgm<A>) -> Vec<(Entry<A>, Stale, ClientName)> {
    let stale = |held: &Membership<A>| if held.stale { Stale::Yes } else { Stale::No };
    held(mgm).iter().map(|held| (held.entry, stale(held), held.counts_for)).collect()
}

/// IGMP on eth1, and PIM, which owns it.
fn igmp_beside_the_owner(t: &Testbed<A>) -> (Arc<Client<A>>, Arc<Client<A>>) {
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    (Arc::new(igmp), Arc::new(pim))
}

#[test]
fn ho_1_a_take_disables_igmp_changes_all_and_enables_igmp() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_alone(&t);
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1))]);
    t.inside(disable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Igmp));
        assert_eq!(held(&me.manager()).len(), 1);
    });
    t.inside(prune_alert(PIM, star(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(me.name()));
        assert_eq!(counted(&me.manager()), [(star(1), Stale::Yes, me.name())]);
    });
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
    });
    pim.takes(eth(1));
    let between = bracket(eth(1), [local_join(PIM, eth(1), star(1)), prune_alert(PIM, star(1))]);
    t.assert_calls([between, vec![local_leave(PIM, eth(1), star(1))]].concat());
}

#[test]
fn ho_1_a_release_disables_igmp_changes_all_and_enables_igmp() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    t.inside(disable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
        assert_eq!(held(&me.manager()).len(), 1);
    });
    t.inside(local_leave(PIM, eth(1), star(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Igmp));
        assert_eq!(counted(&me.manager()), [(star(1), Stale::Yes, ClientName::Igmp)]);
    });
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Igmp));
    });
    pim.releases(eth(1));
    let between = bracket(eth(1), [join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))]);
    t.assert_calls([between, vec![prune_alert(PIM, star(1))]].concat());
}

#[test]
fn ho_1_each_change_has_a_bracket_of_its_own() {
    let t = Testbed::<A>::new();
    let (_igmp, pim) = igmp_alone(&t);
    let dvmrp = t.protocol(DVMRP);
    for protocol in [&*pim, &dvmrp] {
        protocol.takes(eth(1));
        t.assert_calls(bracket(eth(1), []));
        protocol.releases(eth(1));
        t.assert_calls(bracket(eth(1), []));
    }
    t.assert_calls([]);
}

#[test]
fn ho_1_one_link_of_a_point_to_multipoint_interface_changes_hands_alone() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    let [near, far] = [hub(1), hub(2)];
    igmp.takes(near);
    igmp.takes(far);
    igmp.adds(far, star(1));
    t.assert_calls([join_alert(PIM, star(1))]);
    t.inside(disable_igmp(near), move |igmp| {
        igmp.adds(far, from(1, 1));
        assert_eq!(igmp.add_group_membership(near, star(2)), Err(Error::IgmpDisabled { interface: near }));
    });
    pim.takes(near);
    t.assert_calls(bracket(near, []));
    assert_eq!(t.mgm.owner(near), Some(pim.name()));
    assert_eq!(t.mgm.owner(far), Some(ClientName::Igmp));
    assert_eq!(held(&t.mgm).len(), 2);
}

/// Tries everything that HO-2 refuses, and nothing changes.
fn is_refused(igmp: &ClientRef<A>) {
    let refused = Err(Error::IgmpDisabled { interface: eth(1) });
    let before = held(&igmp.manager());
    for entry in [star(1), star(2), from(1, 2), all()] {
        assert_eq!(igmp.add_group_membership(eth(1), entry), refused);
        assert_eq!(igmp.delete_group_membership(eth(1), entry), refused);
    }
    assert_eq!(igmp.block_source(eth(1), A::source(1), A::group(1)), refused);
    assert_eq!(igmp.unblock_source(eth(1), A::source(1), A::group(1)), refused);
    assert_eq!(held(&igmp.manager()), before);
}

#[test]
fn ho_2_igmp_is_refused_from_before_disable_until_enable_on_every_thread() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    t.inside(disable_igmp(eth(1)), |me| {
        is_refused(me);
        thread::scope(|scope| scope.spawn(|| is_refused(me)).join()).unwrap();
    });
    let between = Arc::clone(&igmp);
    t.inside(local_leave(PIM, eth(1), star(1)), move |_| {
        is_refused(&between);
        thread::scope(|scope| scope.spawn(|| is_refused(&between)).join()).unwrap();
    });
    t.inside(enable_igmp(eth(1)), |me| {
        me.adds(eth(1), from(1, 1));
        thread::scope(|scope| scope.spawn(|| me.adds(eth(1), from(2, 1))).join()).unwrap();
    });
    pim.releases(eth(1));
    let between = bracket(eth(1), [join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))]);
    t.assert_calls([between, vec![prune_alert(PIM, star(1))]].concat());
    assert_eq!(held(&t.mgm).len(), 2);
}

#[test]
fn ho_2_igmps_other_interfaces_and_the_owner_are_unaffected() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
    igmp.takes(eth(2));
    let owner = Arc::clone(&pim);
    t.inside(disable_igmp(eth(1)), move |me| {
        me.adds(eth(2), from(1, 1));
        me.blocks(eth(2), 2, 1);
        owner.adds(eth(1), from(3, 1));
    });
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
    assert_eq!(held(&t.mgm).len(), 2);
}

#[test]
fn ho_3_what_igmp_holds_counts_for_the_new_owner_and_adding_it_again_tells_nobody() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_alone(&t);
    let _dvmrp = t.protocol(DVMRP);
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1)), join_alert(DVMRP, star(1))]);
    t.inside(enable_igmp(eth(1)), |me| {
        let protocol = ClientName::Protocol(PIM);
        assert_eq!(counted(&me.manager()), [(star(1), Stale::Yes, protocol)]);
        assert_eq!(me.adds(eth(1), star(1)), Change::Unchanged);
        assert_eq!(counted(&me.manager()), [(star(1), Stale::No, protocol)]);
    });
    pim.takes(eth(1));
    t.assert_calls(bracket(eth(1), [local_join(PIM, eth(1), star(1)), prune_alert(PIM, star(1))]));
    assert_eq!(counted(&t.mgm), [(star(1), Stale::No, pim.name())]);
}

#[test]
fn ho_3_a_protocol_that_releases_gets_its_leaves_and_igmp_counts_for_itself_again() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
    igmp.adds(eth(1), star(1));
    igmp.blocks(eth(1), 1, 1);
    pim.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1)), local_block(PIM, eth(1), from(1, 1))]);
    t.inside(enable_igmp(eth(1)), |me| {
        me.adds(eth(1), star(1));
    });
    pim.releases(eth(1));
    t.assert_callbacks_in_any_order([
        disable_igmp(eth(1)),
        local_leave(PIM, eth(1), star(1)),
        local_unblock(PIM, eth(1), from(1, 1)),
        enable_igmp(eth(1)),
        join_alert(PIM, star(1)),
    ]);
    assert_eq!(held(&t.mgm).first().map(|held| held.counts_for), Some(ClientName::Igmp));
}

#[test]
fn ho_14_what_igmp_does_not_add_again_is_no_longer_joined_or_blocked() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_alone(&t);
    igmp.adds(eth(1), from(1, 1));
    igmp.blocks(eth(1), 2, 1);
    pim.takes(eth(1));
    let (joined, blocked) = (from(1, 1), from(2, 1));
    let between = [local_join(PIM, eth(1), joined), local_block(PIM, eth(1), blocked)];
    let swept = [local_unblock(PIM, eth(1), blocked), local_leave(PIM, eth(1), joined)];
    t.assert_calls([bracket(eth(1), between), swept.into()].concat());
    assert_eq!(held(&t.mgm), []);
    assert_eq!(igmp.deletes(eth(1), from(1, 1)), Change::Unchanged);
    t.assert_calls([]);
}

#[test]
fn ho_4_igmp_may_add_inside_enable_igmp() {
    let t = Testbed::<A>::new();
    let (_igmp, pim) = igmp_alone(&t);
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.adds(eth(1), star(1)), Change::Changed);
        assert_eq!(me.deletes(eth(1), star(1)), Change::Changed);
    });
    pim.takes(eth(1));
    t.assert_calls([
        disable_igmp(eth(1)),
        enable_igmp(eth(1)),
        local_join(PIM, eth(1), star(1)),
        local_leave(PIM, eth(1), star(1)),
    ]);
}

#[test]
fn ho_5_without_igmp_there_or_when_refused_or_for_igmp_itself_nobody_is_called() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(2));
    pim.takes(eth(1));
    pim.releases(eth(1));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    assert!(dvmrp.take_interface_ownership(eth(1)).is_err());
    assert!(pim.take_interface_ownership(eth(1)).is_err());
    assert!(dvmrp.release_interface_ownership(eth(1)).is_err());
    igmp.releases(eth(1));
    pim.releases(eth(1));
    t.assert_calls([]);
}

#[test]
fn ho_6_enable_follows_disable_whichever_callback_panics() {
    for bad in 0..5 {
        let t = Testbed::<A>::new();
        let (igmp, pim) = igmp_alone(&t);
        igmp.adds(eth(1), star(1));
        t.assert_calls([join_alert(PIM, star(1))]);
        let calls = [
            disable_igmp(eth(1)),
            local_join(PIM, eth(1), star(1)),
            prune_alert(PIM, star(1)),
            enable_igmp(eth(1)),
            local_leave(PIM, eth(1), star(1)),
        ];
        t.panic_inside(calls[bad].clone());
        pim.takes(eth(1));
        t.assert_calls(calls);
        assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
        // It is over: IGMP may add, and the interface may change hands again.
        igmp.adds(eth(1), star(1));
        t.assert_calls([local_join(PIM, eth(1), star(1))]);
        pim.releases(eth(1));
        let between = bracket(eth(1), [join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))]);
        t.assert_calls([between, vec![prune_alert(PIM, star(1))]].concat());
    }
}

#[test]
fn ho_6_enable_follows_disable_when_igmp_tries_what_is_refused() {
    let t = Testbed::<A>::new();
    let (_igmp, pim) = igmp_alone(&t);
    t.inside(disable_igmp(eth(1)), |me| {
        assert!(me.add_group_membership(eth(1), star(1)).is_err());
        assert!(me.release_interface_ownership(eth(1)).is_err());
    });
    pim.takes(eth(1));
    t.assert_calls(bracket(eth(1), []));
}

#[test]
fn ho_7_another_take_or_release_is_refused_until_enable_has_returned() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_alone(&t);
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
    assert!(!t.mgm.interface(eth(1)).unwrap().handover.is_some());
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
    igmp.releases(eth(1));
    t.assert_calls([]);
}

#[test]
fn ho_7_during_a_hand_over_its_alerts_find_it_in_progress() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
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
    let (_igmp, pim) = igmp_beside_the_owner(&t);
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

#[test]
fn ho_8_a_query_answers_with_the_old_state_or_the_new() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    igmp.takes(eth(1));
    thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..500 {
                pim.takes(eth(1));
                igmp.adds(eth(1), star(1));
                pim.adds(eth(1), star(1));
                pim.releases(eth(1));
            }
        });
        while !changes.is_finished() {
            let status = mgm.interface(eth(1)).unwrap();
            assert!(status.igmp);
            let read: Vec<_> =
                mgm.groups().map(|held| (held.added_by, held.counts_for, held.stale)).collect();
            let (igmps, pims) = ((ClientName::Igmp, pim.name(), false), (pim.name(), pim.name(), false));
            let stale = (ClientName::Igmp, ClientName::Igmp, true);
            let whole = [vec![], vec![igmps], vec![igmps, pims], vec![stale]];
            assert!(whole.contains(&read), "a mixture: {read:?}");
        }
    });
}

#[test]
fn ho_9_the_alerts_of_the_change_are_delivered_before_enable() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = igmp_beside_the_owner(&t);
    let _dvmrp = t.protocol(DVMRP);
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1)), join_alert(DVMRP, star(1))]);
    pim.releases(eth(1));
    let between = bracket(eth(1), [join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))]);
    t.assert_calls([between, vec![prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1))]].concat());
}

#[test]
fn ho_9_inside_a_callback_they_come_after_it() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = igmp_alone(&t);
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    igmp.adds(eth(1), star(1));
    t.assert_calls([
        join_alert(PIM, star(1)),
        disable_igmp(eth(1)),
        enable_igmp(eth(1)),
        local_join(PIM, eth(1), star(1)),
        prune_alert(PIM, star(1)),
        local_leave(PIM, eth(1), star(1)),
    ]);
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
        let (igmp, pim) = igmp_alone(&t);
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

/// S1 comes in by PIM's uplink, S2 on the interface itself.
#[test]
fn ho_12_of_a_hand_over_in_which_all_is_added_again_only_the_new_owner_hears() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(2), stub());
    r.packet(2, 1, stub());
    let read = |igmp: &ClientRef<A>| {
        let mfe = |source| igmp.manager().mfe(A::source(source), A::group(1)).unwrap();
        (mfe(1).oifs, mfe(2).owner)
    };
    r.inside(disable_igmp(stub()), move |igmp| {
        assert_eq!(read(igmp), (vec![stub()], Some(ClientName::Igmp)), "none is done");
    });
    r.inside(enable_igmp(stub()), move |igmp| {
        assert_eq!(read(igmp), (vec![stub()], Some(ClientName::Protocol(BGMP))), "all of it is done");
        igmp.adds(stub(), star(1));
    });
    r.forget_calls();
    bgmp.takes(stub());
    r.assert_calls(bracket(
        stub(),
        [
            local_join(BGMP, stub(), star(1)),
            prune_alert(BGMP, star(1)),
            lookup(2, stub()),
            rpf(BGMP, 2, 1, arrived(stub()), via(stub())),
            mfe_prune(BGMP, 2, 1),
        ],
    ));
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), [stub()]), path(stub(), [])]);
}

#[test]
fn ho_14_what_igmp_does_not_add_again_is_forwarded_no_more() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.dvmrp.releases(lan());
    assert_eq!(r.path(1, 1), path(up(), []));
    let between = bracket(lan(), [join_alert(DVMRP, star(1)), local_leave(DVMRP, lan(), star(1))]);
    let swept = [mfe_prune(PIM, 1, 1), prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1))];
    r.assert_callbacks([between, swept.into()].concat());
    assert_eq!(r.mgm.owner(lan()), Some(ClientName::Igmp));
}
