//! One protocol hands an interface to another: IF-9.

use std::sync::Arc;

use super::*;

/// DVMRP's, with IGMP on it, and offered to PIM.
fn offered(t: &Testbed<A>) -> [Client<A>; 3] {
    let [igmp, pim, dvmrp] = [t.igmp(), t.protocol(PIM), t.protocol(DVMRP)];
    dvmrp.takes(eth(1));
    igmp.takes(eth(1));
    dvmrp.offers(eth(1), PIM);
    [igmp, pim, dvmrp]
}

fn offered_to(mgm: &Mgm<A>) -> Option<ClientName> {
    mgm.interface(eth(1)).unwrap().offered_to
}

fn owned_by(id: ClientId) -> Error<A> {
    Error::OwnedByAnother { interface: eth(1), owner: ClientName::Protocol(id) }
}

#[test]
fn if_9_a_take_of_what_is_offered_is_one_hand_over_with_one_bracket() {
    let t = Testbed::<A>::new();
    let [igmp, pim, dvmrp] = offered(&t);
    let _bgmp = t.protocol(BGMP);
    igmp.adds(eth(1), star(1));
    dvmrp.adds(eth(1), star(2));
    t.forget_calls();
    assert_eq!(offered_to(&t.mgm), Some(pim.name()));
    t.inside(disable_igmp(eth(1)), |me| {
        let status = me.manager().interface(eth(1)).unwrap();
        let [from, to] = [DVMRP, PIM].map(|id| Some(ClientName::Protocol(id)));
        assert_eq!(
            (Some(status.owner), status.handover.map(|between| (between.from, between.to))),
            (from, Some((from, to)))
        );
    });
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
        assert_eq!(me.adds(eth(1), star(1)), Change::Unchanged);
    });
    pim.takes(eth(1));
    // (*, G2) was DVMRP's own, and goes as with a release; of (*, G1) BGMP hears nothing.
    t.assert_callbacks_in_any_order(bracket(
        eth(1),
        [
            local_join(PIM, eth(1), star(1)),
            prune_alert(PIM, star(1)),
            prune_alert(PIM, star(2)),
            join_alert(DVMRP, star(1)),
            local_leave(DVMRP, eth(1), star(1)),
            prune_alert(BGMP, star(2)),
        ],
    ));
    assert_eq!((t.mgm.owner(eth(1)), offered_to(&t.mgm)), (Some(pim.name()), None));
    assert_eq!(held(&t.mgm).iter().map(|held| held.counts_for).collect::<Vec<_>>(), [pim.name()]);
    dvmrp.deregister().unwrap();
}

#[test]
fn if_9_at_no_moment_is_it_without_an_owner() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let [_igmp, pim, dvmrp] = offered(&t);
    let bgmp = t.protocol(BGMP);
    bgmp.takes(eth(2));
    for group in 1..=5 {
        dvmrp.adds(eth(1), star(group));
        bgmp.adds(eth(2), star(group));
    }
    t.forget_calls();
    for id in [PIM, DVMRP, BGMP] {
        t.inside_alerts(id, |me, _| {
            assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
        });
    }
    pim.takes(eth(1));
    // BGMP hears that nobody else wants any of the five, and that is all.
    t.assert_callbacks_in_any_order(bracket(eth(1), (1..=5).map(|group| prune_alert(BGMP, star(group)))));
}

#[test]
fn if_9_without_igmp_there_neither_callback_is_invoked() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = offered(&t);
    igmp.releases(eth(1));
    pim.takes(eth(1));
    assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
    t.assert_calls([]);
}

/// Of S1, which comes in there, PIM is asked; forward state of DVMRP's ends.
#[test]
fn if_9_the_new_owner_gets_the_forwarding_entries_in_place() {
    let r = Router::<A>::new();
    r.reroute(1, lan());
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, lan());
    r.packet(2, 1, up());
    r.dvmrp.forwards(lan(), 2, 1, ForwardState::On);
    let bgmp = r.protocol(BGMP);
    r.dvmrp.offers(lan(), BGMP);
    r.forget_calls();
    bgmp.takes(lan());
    r.assert_calls([
        lookup(1, lan()),
        rpf(BGMP, 1, 1, arrived(lan()), via(lan())),
        mfe_join(BGMP, 1, 1),
        mfe_prune(DVMRP, 1, 1),
        change_mfe(2, 1, up(), [stub()]),
    ]);
    assert_eq!(r.path(1, 1), path(lan(), [stub()]));
}

#[test]
fn if_9_only_who_it_is_offered_to_may_take_it_and_it_can_be_taken_back() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = offered(&t);
    let bgmp = t.protocol(BGMP);
    assert_eq!(bgmp.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
    assert_eq!(dvmrp.withdraw_offer(eth(1)), Ok(Change::Changed));
    assert_eq!(offered_to(&t.mgm), None);
    assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
    assert_eq!(dvmrp.withdraw_offer(eth(1)), Ok(Change::Unchanged), "it is not there");
    dvmrp.offers(eth(1), BGMP);
    assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
    t.assert_calls([]);
    bgmp.takes(eth(1));
    t.assert_calls(bracket(eth(1), []));
}

#[test]
fn if_9_an_offer_ends_with_the_take() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = offered(&t);
    pim.takes(eth(1));
    pim.releases(eth(1));
    dvmrp.takes(eth(1));
    assert_eq!(offered_to(&t.mgm), None);
    assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
}

#[test]
fn if_9_an_offer_ends_when_the_offerer_no_longer_owns_the_interface() {
    for is_removed in [false, true] {
        let t = Testbed::<A>::new();
        let [_igmp, pim, dvmrp] = offered(&t);
        if is_removed {
            t.mgm.interface_removed(eth::<A>(1).index());
        } else {
            dvmrp.releases(eth(1));
        }
        let bgmp = t.protocol(BGMP);
        bgmp.takes(eth(1));
        assert_eq!(offered_to(&t.mgm), None);
        assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(BGMP)));
        // Nor does it come back with the offerer.
        bgmp.releases(eth(1));
        dvmrp.takes(eth(1));
        assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
        t.forget_calls();
    }
}

/// Whoever registers under the same id later is another client.
#[test]
fn if_9_an_offer_ends_when_either_deregisters() {
    for is_dropped in [false, true] {
        let t = Testbed::<A>::new();
        let [_igmp, pim, dvmrp] = offered(&t);
        if is_dropped {
            drop(pim);
        } else {
            pim.deregister().unwrap();
        }
        assert_eq!(offered_to(&t.mgm), None);
        let pim = t.protocol(PIM);
        assert_eq!(offered_to(&t.mgm), None);
        assert_eq!(pim.take_interface_ownership(eth(1)), Err(owned_by(DVMRP)));
        dvmrp.offers(eth(1), PIM); // a new offer, to the new one
        t.assert_calls([]);
        drop(dvmrp);
        t.assert_calls(bracket(eth(1), []));
        let dvmrp = t.protocol(DVMRP);
        dvmrp.takes(eth(1));
        assert_eq!(offered_to(&t.mgm), None);
        t.forget_calls();
    }
}

/// Dropped inside `disable_igmp`, while its take of what was offered is under way.
#[test]
fn if_9_ho_10_a_taker_that_goes_meanwhile_leaves_the_interface_to_igmp() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(1));
    dvmrp.takes(eth(1));
    igmp.takes(eth(2));
    dvmrp.offers(eth(1), PIM);
    t.forget_calls();
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |_| drop(pim));
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.manager().owner(eth(1)), Some(ClientName::Protocol(PIM)));
    });
    igmp.adds(eth(2), star(1));
    let brackets = [bracket(eth(1), []), bracket(eth(1), [])].concat();
    t.assert_callbacks_of_each(
        [vec![join_alert(PIM, star(1)), join_alert(DVMRP, star(1))], brackets].concat(),
    );
    assert_eq!(t.mgm.owner(eth(1)), Some(ClientName::Igmp));
    dvmrp.deregister().unwrap();
}

/// What the offerer held only waits to be withdrawn, and takes nobody's room.
#[test]
fn if_9_mb_7_what_the_offerer_held_takes_no_room() {
    let limits = Limits::default().memberships_per_interface(3);
    let t = Testbed::<A>::with(|builder| builder.page(1).limits(limits));
    let [_igmp, pim, dvmrp] = offered(&t);
    let (pim, _bgmp) = (Arc::new(pim), t.protocol(BGMP));
    for group in 1..=3 {
        dvmrp.adds(eth(1), star(group));
    }
    t.forget_calls();
    let taker = Arc::clone(&pim);
    t.inside_next(BGMP, What::is_prune, move |me| {
        assert!(
            me.manager().groups().filter(|held| held.added_by == ClientName::Protocol(DVMRP)).count() > 0
        );
        for group in 11..=13 {
            taker.adds(eth(1), star(group));
        }
        assert!(taker.add_group_membership(eth(1), star(14)).is_err());
    });
    pim.takes(eth(1));
    assert_eq!(held(&t.mgm).len(), 3);
    assert!(held(&t.mgm).iter().all(|held| held.added_by == pim.name()));
}
