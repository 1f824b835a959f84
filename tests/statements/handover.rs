//! The hand-over: HO-1 to HO-6, HO-8, HO-9.

use std::sync::Arc;
use std::thread;

use super::*;

#[test]
fn ho_1_a_take_disables_igmp_changes_all_and_enables_igmp() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = t.igmp_alone();
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
    let (igmp, pim) = t.igmp_beside_the_owner();
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
    let (_igmp, pim) = t.igmp_alone();
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
    let (igmp, pim) = t.igmp_beside_the_owner();
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
    let (igmp, pim) = t.igmp_alone();
    igmp.takes(eth(2));
    igmp.adds(eth(1), from(4, 1));
    t.inside(disable_igmp(eth(1)), |me| {
        me.adds(eth(2), from(1, 1));
        me.blocks(eth(2), 2, 1);
    });
    t.inside(local_join(PIM, eth(1), from(4, 1)), |owner| {
        owner.adds(eth(1), from(3, 1));
        owner.blocks(eth(1), 5, 1);
    });
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(held(&me.manager()).len(), 5);
    });
    pim.takes(eth(1));
    let local = from(4, 1);
    let swept = vec![local_leave(PIM, eth(1), local)];
    t.assert_calls([bracket(eth(1), [local_join(PIM, eth(1), local)]), swept].concat());
    assert_eq!(held(&t.mgm).len(), 4);
}

#[test]
fn ho_3_what_igmp_holds_counts_for_the_new_owner_and_adding_it_again_tells_nobody() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = t.igmp_alone();
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
    let (igmp, pim) = t.igmp_beside_the_owner();
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
fn ho_4_igmp_may_add_inside_enable_igmp() {
    let t = Testbed::<A>::new();
    let (_igmp, pim) = t.igmp_alone();
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
        let (igmp, pim) = t.igmp_alone();
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
    let (_igmp, pim) = t.igmp_alone();
    t.inside(disable_igmp(eth(1)), |me| {
        assert!(me.add_group_membership(eth(1), star(1)).is_err());
        assert!(me.release_interface_ownership(eth(1)).is_err());
    });
    pim.takes(eth(1));
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
    let (igmp, pim) = t.igmp_beside_the_owner();
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
    let (igmp, _pim) = t.igmp_alone();
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
