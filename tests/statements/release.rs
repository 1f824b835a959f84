//! What goes with an interface that is released or removed, and what changes with its owner: IF-7, IF-8.

use super::*;

#[test]
fn if_7_releasing_leaves_the_entries_that_come_in_there_without_an_owner_and_recomputes_the_oifs_of_the_others()
 {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.packet(1, 1, up());
    r.reroute(2, lan());
    r.packet(2, 1, lan());
    r.forget_calls();
    r.dvmrp.releases(lan());
    r.assert_commands([change_mfe(1, 1, up(), [dmz()])]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), [dmz()]), path(lan(), [dmz()])]);
    assert_eq!(r.mfe(2, 1).unwrap().owner, None);
}

#[test]
fn if_7_with_the_alerts_that_deleting_one_by_one_would_cause() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.dvmrp.forwards(lan(), 1, 2, ForwardState::On);
    r.forget_calls();
    r.dvmrp.releases(lan());
    // What is held, and then the forward state of each entry.
    r.assert_callbacks([mfe_prune(PIM, 1, 1), prune_alert(PIM, star(1)), mfe_prune(PIM, 1, 2)]);
}

#[test]
fn if_7_ho_15_whoever_takes_an_interface_is_asked_about_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(2), wan());
    r.rib.remove(A::every_source());
    r.packet(1, 1, wan()); // without a route
    r.packet(2, 1, up()); // with one
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), []), path(wan(), [])]);
    let bgmp = r.protocol(BGMP);
    r.forget_calls();
    bgmp.takes(wan());
    r.assert_calls([
        lookup(2, wan()),
        rpf(BGMP, 2, 1, arrived(wan()), via(wan())),
        mfe_prune(BGMP, 2, 1), // it has no oif (FW-6)
    ]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), []), path(wan(), [])]);
    // FW-4: nobody is asked or told of S1, to which there is no route.
    assert_eq!([r.mfe(1, 1).unwrap().owner, r.mfe(2, 1).unwrap().owner], [None, Some(bgmp.name())]);
}

#[test]
fn if_7_a_take_of_an_interface_that_only_an_entry_speaks_of_is_a_take() {
    for routed in [false, true] {
        let r = Router::<A>::new();
        if !routed {
            r.rib.remove(A::every_source());
        }
        r.rib.set(host::<A>(2), wan());
        r.packet(if routed { 2 } else { 1 }, 1, wan());
        let bgmp = r.protocol(BGMP);
        bgmp.takes(wan());
        assert_eq!(r.mgm.owner(wan()), Some(bgmp.name()), "routed: {routed}");
        bgmp.adds(wan(), star(1));
        bgmp.releases(wan());
        assert_eq!(r.mgm.owner(wan()), None);
        bgmp.deregister().unwrap();
    }
}

#[test]
fn if_7_igmps_release_leaves_the_entries_of_the_owner_alone() {
    let r = Router::<A>::new();
    r.igmp.takes(up());
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.forget_calls();
    r.igmp.releases(up());
    r.assert_calls([]);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
    r.igmp.releases(lan());
    r.assert_callbacks([local_leave(DVMRP, lan(), star(1)), prune_alert(PIM, star(1))]);
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
}

#[test]
fn if_7_igmp_that_comes_and_goes_alone_leaves_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.packet(1, 1, wan());
    r.forget_calls();
    r.igmp.takes(wan());
    r.igmp.releases(wan());
    r.assert_calls([]);
    assert_eq!(r.path(1, 1), path(wan(), []));
}

/// The interface that the owner chose by `set_mfe`, or the one toward the source.
#[test]
fn if_7_ho_15_an_entry_whose_iif_or_way_is_released_is_looked_up_again() {
    let released = |chosen: Option<Interface<A>>, interface| {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        if let Some(iif) = chosen {
            r.pim.set_mfe(A::source(1), A::group(1), iif, None).unwrap();
        }
        r.forget_calls();
        r.pim.releases(interface);
        r
    };
    let r = released(None, up());
    r.assert_calls([lookup(1, up())]);
    assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), []), None));
    let r = released(Some(alt()), up());
    r.assert_calls([lookup(1, up()), change_mfe(1, 1, up(), [])]);
    assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), []), None));
    // PIM owns the way still, and chooses again.
    let r = released(Some(alt()), alt());
    r.assert_calls([lookup(1, up()), rpf(PIM, 1, 1, arrived(alt()), via(up())), change_mfe(1, 1, up(), [])]);
    assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), []), Some(r.pim.name())));
}

#[test]
fn if_7_the_entries_of_a_client_that_is_dropped_stay_for_the_next_owner() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    bgmp.takes(eth(20));
    bgmp.adds(eth(20), star(1));
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    r.packet(2, 1, up());
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), [eth(20)]), path(up(), [eth(20)])]);
    r.forget_calls();
    drop(bgmp);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), []), path(up(), [])]);
    assert_eq!(r.mfe(1, 1).unwrap().owner, None);
    r.assert_callbacks([mfe_prune(PIM, 2, 1), prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1))]);
}

#[test]
fn if_7_wrong_interface_alerts_are_off_again_when_the_interface_changes_hands() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.packet(1, 1, up());
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.assert_calls([]);
}

#[test]
fn if_8_no_entry_outlives_its_interface_with_all_its_next_hops() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    for spoke in [8, 9] {
        bgmp.takes(hub(spoke));
        r.igmp.takes(hub(spoke));
    }
    bgmp.adds(hub(8), star(1));
    r.reroute(2, hub(9));
    r.reroute(3, hub(10)); // nobody's
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    assert_eq!(
        [1, 2, 3].map(|source| r.path(source, 1)),
        [path(up(), [hub(8)]), path(hub(9), [hub(8)]), path(hub(10), [hub(8)])]
    );
    r.forget_calls();
    r.mgm.interface_removed(7.try_into().unwrap());
    assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), [path(up(), []), None, None]);
    r.assert_callbacks_in_any_order([
        interface_removed(BGMP, hub(8)),
        prune_alert(DVMRP, star(1)),
        interface_removed(IGMP, hub(8)),
        prune_alert(PIM, star(1)),
        mfe_prune(PIM, 1, 1),
    ]);
}

#[test]
fn if_8_what_comes_in_by_an_interface_that_nobody_is_on_goes_too() {
    let r = Router::<A>::new();
    r.rib.remove(A::every_source());
    r.packet(1, 1, wan());
    r.forget_calls();
    r.mgm.interface_removed(wan::<A>().index());
    r.assert_calls([delete_mfe(1, 1)]);
    assert_eq!(r.path(1, 1), None);
}

#[test]
fn if_8_forward_state_goes_with_the_interface() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.mgm.interface_removed(lan::<A>().index());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.takes(lan());
    assert_eq!(r.path(1, 1), path(up(), []));
}

/// What is read of an interface is never a half of a change.
#[test]
fn if_7_an_interface_that_only_routes_speak_of_is_nobodys() {
    let r = Router::<A>::new();
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    assert_eq!((r.mgm.owner(wan()), r.mgm.interface(wan())), (None, None));
    let on: Vec<InterfaceStatus<A>> = r.mgm.interfaces();
    assert_eq!(on.len(), 5);
}

#[test]
fn if_7_a_release_by_a_protocol_deletes_what_it_holds_as_one_by_one() {
    let t = Testbed::<A>::new();
    let (pim, _dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    pim.takes(eth(2));
    for (index, entry) in [(1, star(1)), (1, star(2)), (2, star(2)), (1, all()), (1, from(1, 3))] {
        pim.adds(eth(index), entry);
    }
    pim.blocks(eth(1), 2, 1);
    t.assert_calls([join_alert(DVMRP, star(1)), join_alert(DVMRP, star(2)), join_alert(DVMRP, all())]);
    // (*, 2) is still wanted on the other interface.
    pim.releases(eth(1));
    let left: Vec<_> = held(&t.mgm).iter().map(|held| (held.interface, held.entry)).collect();
    t.assert_callbacks_in_any_order([prune_alert(DVMRP, star(1)), prune_alert(DVMRP, all())]);
    assert_eq!(left, [(eth(2), star(2))]);
}

#[test]
fn if_7_igmps_release_leaves_the_owner_alone_and_it_gets_its_leaves() {
    let t = Testbed::<A>::new();
    let (igmp, pim, _dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    pim.adds(eth(1), star(1));
    t.assert_calls([join_alert(DVMRP, star(1))]);
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    igmp.blocks(eth(1), 1, 1);
    t.assert_calls([
        local_join(PIM, eth(1), star(1)),
        local_join(PIM, eth(1), star(2)),
        join_alert(DVMRP, star(2)),
        local_block(PIM, eth(1), from(1, 1)),
    ]);
    igmp.releases(eth(1));
    let left: Vec<_> = held(&t.mgm).iter().map(|held| (held.added_by, held.entry)).collect();
    t.assert_callbacks_in_any_order([
        local_leave(PIM, eth(1), star(1)),
        local_leave(PIM, eth(1), star(2)),
        local_unblock(PIM, eth(1), from(1, 1)),
        prune_alert(DVMRP, star(2)),
    ]);
    assert_eq!(left, [(pim.name(), star(1))]);
    assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
}

#[test]
fn if_7_igmps_release_of_an_interface_of_its_own_ends_what_it_wanted() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1))]);
    igmp.releases(eth(1));
    t.assert_calls([prune_alert(PIM, star(1))]);
    assert_eq!((t.mgm.interfaces(), held(&t.mgm)), (vec![], vec![]));
}

#[test]
fn if_8_a_removed_interface_goes_with_its_links_and_each_client_on_it_is_told() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    let [near, far] = [hub(1), hub(2)];
    pim.takes(near);
    igmp.takes(near);
    dvmrp.takes(far);
    for index in [6, 8] {
        pim.takes(eth(index));
    }
    igmp.adds(near, star(1));
    t.assert_calls([local_join(PIM, near, star(1)), join_alert(DVMRP, star(1))]);
    t.mgm.interface_removed(near.index());
    let left: Vec<_> = t.mgm.interfaces().iter().map(|on| on.interface).collect();
    t.assert_callbacks_in_any_order([
        local_leave(PIM, near, star(1)),
        prune_alert(DVMRP, star(1)),
        interface_removed(pim.name(), near),
        interface_removed(igmp.name(), near),
        interface_removed(dvmrp.name(), far),
    ]);
    assert_eq!(left, [eth(6), eth(8)]);
    igmp.deregister().unwrap();
    dvmrp.deregister().unwrap();
    t.assert_calls([]);
}

#[test]
fn if_8_a_client_hears_of_its_leaves_before_it_hears_of_the_removal() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.takes(eth(2));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    t.inside(interface_removed(pim.name(), eth(1)), |pim| {
        assert_eq!(pim.manager().owner(eth(1)), None);
        // The removal has the interface until its call returns (HO-7).
        let again = pim.take_interface_ownership(eth(1));
        assert_eq!(again, Err(Error::HandoverInProgress { interface: eth(1) }));
    });
    t.mgm.interface_removed(eth::<A>(1).index());
    t.assert_callbacks_of_each([
        local_leave(PIM, eth(1), star(1)),
        interface_removed(pim.name(), eth(1)),
        interface_removed(IGMP, eth(1)),
    ]);
    pim.takes(eth(1));
    assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
}

/// One of the links is changing hands: its removal waits, and with it the news to all who were on any of them.
#[test]
fn if_8_each_client_hears_once_when_the_last_of_its_links_is_done() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    for spoke in 1..=3 {
        igmp.takes(hub(spoke));
    }
    dvmrp.takes(hub(2));
    dvmrp.takes(hub(3));
    t.forget_calls();
    t.inside(disable_igmp(hub(1)), |me| {
        let mgm = me.manager();
        mgm.interface_removed(hub::<A>(1).index());
        assert_eq!([2, 3].map(|spoke| mgm.interface(hub(spoke))), [None, None]);
        assert!(mgm.interface(hub(1)).is_some());
    });
    t.inside(enable_igmp(hub(1)), |_| ());
    pim.takes(hub(1));
    let once =
        [interface_removed(IGMP, hub(1)), interface_removed(PIM, hub(1)), interface_removed(DVMRP, hub(1))];
    let calls = t.calls();
    assert_eq!(calls[..2], bracket(hub(1), []));
    assert_eq!(calls.len(), 5, "{calls:?}");
    assert!(once.iter().all(|call| calls.contains(call)), "{calls:?}");
    assert_eq!(t.mgm.interfaces(), []);
}

/// IF-8: no join comes before the removal, for what only IGMP wanted there.
#[test]
fn if_8_igmp_goes_first_so_that_nobody_is_told_to_pull_for_members_that_go_as_well() {
    for page in [1, 64] {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.igmp.takes(lan());
        for group in 1..=5 {
            r.igmp.adds(lan(), star(group));
            r.igmp.adds(lan(), from(1, group));
        }
        r.packet(1, 1, up());
        r.forget_calls();
        r.remove(lan());
        let calls = r.callbacks();
        assert_eq!(calls.iter().filter(|call| call.what.is_join()).count(), 0, "{calls:?}");
        assert_eq!(count(&calls, PIM, What::is_prune), 11, "five and five, and the entry");
        assert_eq!(count(&calls, DVMRP, |what| matches!(what, What::LocalLeave(..))), 10);
        let removed = calls.iter().position(|call| *call == interface_removed(DVMRP, lan())).unwrap();
        assert!(calls[removed..].iter().all(|call| !matches!(call.what, What::LocalLeave(..))), "{calls:?}");
    }
}
