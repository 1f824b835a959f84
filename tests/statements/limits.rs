//! How many memberships, blocks, forwarding entries and waiting alerts there may be: MB-7.

use std::thread;

use super::*;

fn reached(limit: Limit<A>) -> Result<(), Error<A>> {
    Err(Error::LimitReached(limit))
}

#[test]
fn mb_7_entries_in_all_are_limited() {
    let r = Router::<A>::limited(Limits::default().mfes(2));
    r.packet(1, 1, up());
    r.packet(2, 2, up());
    r.forget_calls();
    assert_eq!(r.try_packet(3, 3, up()), reached(Limit::Mfes { max: 2 }));
    r.assert_calls([]); // nobody is asked, nothing is made
    assert_eq!(r.mgm.mfes().count(), 2);
    r.packet(1, 1, up()); // one that is there is no new one
    r.assert_calls([]);
    r.expire(900);
    r.packet(3, 3, up());
    assert_eq!(r.path(3, 3), path(up(), []));
}

#[test]
fn mb_7_entries_of_one_group_are_limited() {
    let r = Router::<A>::limited(Limits::default().mfes_per_group(2));
    for (source, group) in [(1, 5), (2, 5), (1, 4), (2, 4), (1, 6)] {
        r.packet(source, group, up());
    }
    r.forget_calls();
    let limit = Limit::MfesOfGroup { group: A::group(5), max: 2 };
    assert_eq!(r.try_packet(3, 5, up()), reached(limit));
    r.assert_calls([]);
    r.packet(2, 6, up());
    let limit = Limit::MfesOfGroup { group: A::group(6), max: 2 };
    assert_eq!(r.try_packet(3, 6, up()), reached(limit));
    assert_eq!(r.mgm.mfes().count(), 6);
}

#[test]
fn mb_7_without_a_limit_there_is_none() {
    let r = Router::<A>::new();
    for source in 0..1000 {
        r.packet(source, 1, up());
    }
    assert_eq!(r.mgm.mfes().count(), 1000);
}

/// Inside `rpf` the entry is not there yet, and counts all the same.
#[test]
fn mb_7_fw_13_entries_in_the_making_count() {
    let in_all = (Limits::default().mfes(1), Limit::Mfes { max: 1 }, 2);
    let per_group =
        (Limits::default().mfes_per_group(1), Limit::MfesOfGroup { group: A::group(1), max: 1 }, 1);
    for (limits, limit, group) in [in_all, per_group] {
        let r = Router::<A>::limited(limits);
        let now = r.now();
        r.inside_next(PIM, What::is_rpf, move |pim| {
            let refused = pim.manager().packet_received(A::source(2), A::group(group), up(), &[], now);
            assert_eq!(refused, reached(limit));
        });
        r.packet(1, 1, up());
        assert_eq!(r.mgm.mfes().count(), 1);
    }
}

/// One that is made anew counts once.
#[test]
fn mb_7_a_renewal_takes_no_room() {
    for limits in [Limits::default().mfes(2), Limits::default().mfes_per_group(2)] {
        let r = Router::<A>::limited(limits);
        r.packet(1, 1, up());
        r.traffic(1, 1, up());
        let now = r.at(900);
        r.inside_next(PIM, What::is_rpf, move |pim| {
            pim.manager().packet_received(A::source(2), A::group(1), up(), &[], now).unwrap();
            let refused = pim.manager().packet_received(A::source(3), A::group(1), up(), &[], now);
            assert!(refused.is_err());
        });
        r.expire(900);
        assert_eq!(r.mgm.mfes().count(), 2);
    }
}

#[test]
fn mb_7_what_was_refused_leaves_nothing_in_the_making() {
    let r = Router::<A>::limited(Limits::default().mfes(1));
    r.packet(1, 1, up());
    for _ in 0..5 {
        assert!(r.try_packet(2, 1, up()).is_err());
    }
    r.expire(900);
    r.packet(2, 1, up());
    assert_eq!(r.path(2, 1), path(up(), []));
}

#[test]
fn mb_7_an_add_that_is_refused_for_waiting_alerts_leaves_the_entries_as_they_were() {
    let r = Router::<A>::limited(Limits::default().waiting_alerts(3));
    for source in 1..=4 {
        r.packet(source, 1, up());
    }
    r.packet(1, 2, up());
    r.forget_calls();
    let refused = Error::LimitReached(Limit::WaitingAlerts { client: r.pim.name(), max: 3 });
    assert_eq!(r.dvmrp.add_group_membership(lan(), star(1)), Err(refused));
    r.assert_callbacks([]);
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.adds(lan(), star(2)); // two
    assert_eq!(r.path(1, 2), path(up(), [lan()]));
}

/// One host that joins and leaves a group costs what the group has, not what all groups have.
#[test]
fn mb_7_the_cost_for_one_entry_does_not_grow_with_the_number_of_entries() {
    let cost = |others: u16| {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        for source in 0..others {
            r.packet(2000 + source, 2 + source % 50, up());
        }
        r.forget_calls();
        r.dvmrp.adds(lan(), star(1));
        r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
        r.reroute(1, alt());
        r.dvmrp.deletes(lan(), star(1));
        r.dvmrp.adds(lan(), from(1, 1));
        r.packet(1, 99, up());
        r.calls()
    };
    let alone = cost(0);
    assert_eq!(alone, cost(1000), "calls of the forwarder, the RIB and the clients");
    assert!(alone.len() < 20);
}

/// The `max` things that are allowed fit, one more does not, and a delete makes room for one.
fn holds_at_most(t: &Testbed<A>, client: &Client<A>, limit: &Limit<A>) {
    client.adds(eth(2), from(1, 1));
    client.blocks(eth(2), 2, 1);
    let before = held(&t.mgm);
    let refused = Err(Error::LimitReached(limit.clone()));
    assert_eq!(client.add_group_membership(eth(2), from(3, 1)), refused);
    assert_eq!(client.block_source(eth(2), A::source(3), A::group(1)), refused);
    assert_eq!(held(&t.mgm), before);
    assert_eq!(client.adds(eth(2), from(1, 1)), Change::Unchanged, "no growth");
    assert_eq!(client.adds(eth(2), from(2, 1)), Change::Changed, "no growth");
    client.deletes(eth(2), from(1, 1));
    client.adds(eth(2), from(3, 1));
    assert_eq!(client.add_group_membership(eth(2), from(4, 1)), refused);
}

#[test]
fn mb_7_memberships_and_blocks_in_all_are_limited() {
    let t = Testbed::<A>::limited(Limits::default().memberships(3));
    let [_igmp, pim, dvmrp] = t.three();
    dvmrp.takes(eth(2));
    pim.adds(eth(1), from(1, 1));
    holds_at_most(&t, &dvmrp, &Limit::Memberships { max: 3 });
    pim.deletes(eth(1), from(1, 1));
    dvmrp.adds(eth(2), from(4, 1));
    t.assert_calls([]);
}

#[test]
fn mb_7_memberships_and_blocks_on_one_interface_are_limited() {
    let t = Testbed::<A>::limited(Limits::default().memberships_per_interface(2));
    let [_igmp, pim, dvmrp] = t.three();
    dvmrp.takes(eth(2));
    dvmrp.takes(eth(3));
    pim.adds(eth(1), from(1, 1));
    let on_eth2 = Limit::MembershipsOnInterface { interface: eth(2), max: 2 };
    holds_at_most(&t, &dvmrp, &on_eth2);
    dvmrp.adds(eth(3), from(4, 1));
    t.assert_calls([]);
}

#[test]
fn mb_7_memberships_and_blocks_of_one_client_are_limited() {
    let t = Testbed::<A>::limited(Limits::default().memberships_per_client(2));
    let [_igmp, pim, dvmrp] = t.three();
    dvmrp.takes(eth(2));
    dvmrp.takes(eth(3));
    holds_at_most(&t, &dvmrp, &Limit::MembershipsOfClient { client: dvmrp.name(), max: 2 });
    assert!(dvmrp.add_group_membership(eth(3), from(4, 1)).is_err());
    pim.adds(eth(1), from(1, 1));
    dvmrp.releases(eth(2));
    dvmrp.adds(eth(3), from(4, 1));
    t.assert_calls([]);
}

#[test]
fn mb_7_what_is_stale_keeps_its_place_and_is_confirmed_at_any_limit() {
    let t = Testbed::<A>::limited(
        Limits::default().memberships(1).memberships_per_interface(1).memberships_per_client(1),
    );
    let [igmp, pim, _dvmrp] = t.three();
    igmp.adds(eth(1), from(1, 1));
    t.assert_calls([local_join(PIM, eth(1), from(1, 1))]);
    t.inside(enable_igmp(eth(1)), |me| {
        assert!(me.add_group_membership(eth(1), from(2, 1)).is_err(), "no room");
        assert!(held(&me.manager()).iter().all(|held| held.stale), "what was stale stays stale");
        assert_eq!(me.adds(eth(1), from(1, 1)), Change::Unchanged);
    });
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), [local_leave(PIM, eth(1), from(1, 1))]));
    assert_eq!(held(&t.mgm).len(), 1);
    // What is not added again makes room when it has gone, and no sooner.
    t.inside(enable_igmp(eth(1)), |me| assert!(me.add_group_membership(eth(1), from(2, 1)).is_err()));
    pim.takes(eth(1));
    igmp.adds(eth(1), from(2, 1));
    t.forget_calls();
    // A block in its place is no growth, and ends the stale membership at once.
    t.inside(enable_igmp(eth(1)), |me| {
        assert_eq!(me.blocks(eth(1), 2, 1), Change::Changed);
    });
    pim.releases(eth(1));
    assert!(held(&t.mgm).iter().map(|held| (held.kind, held.stale)).eq([(MembershipKind::Blocked, false)]));
    t.assert_calls(bracket(eth(1), [local_leave(PIM, eth(1), from(2, 1))]));
}

#[test]
fn mb_7_alerts_that_wait_for_a_busy_client_are_limited_for_adds_and_never_for_deletes() {
    let t = Testbed::<A>::limited(Limits::default().waiting_alerts(2));
    let [igmp, pim, dvmrp] = t.three();
    dvmrp.takes(eth(2));
    igmp.adds(eth(1), from(1, 1));
    let gate = Gate::new();
    let held_there = gate.clone();
    t.assert_calls([local_join(PIM, eth(1), from(1, 1))]);
    t.inside(join_alert(PIM, star(1)), move |_| held_there.pass());
    thread::scope(|scope| {
        scope.spawn(|| dvmrp.adds(eth(2), star(1)));
        gate.await_arrival();
        // Two may wait; replacing a join by a block would cause two more.
        dvmrp.adds(eth(2), star(2));
        let (before, pim) = (held(&t.mgm), pim.name());
        let refused = Err(Error::LimitReached(Limit::WaitingAlerts { client: pim, max: 2 }));
        assert_eq!(igmp.block_source(eth(1), A::source(1), A::group(1)), refused);
        t.assert_calls([join_alert(PIM, star(1))]);
        assert_eq!(held(&t.mgm), before);
        dvmrp.adds(eth(2), star(3));
        assert_eq!(dvmrp.add_group_membership(eth(2), star(4)), refused);
        assert_eq!(held(&t.mgm).len(), before.len() + 1);
        dvmrp.deletes(eth(2), star(2));
        t.assert_calls([]);
        gate.open();
    });
    t.assert_calls([join_alert(PIM, star(2)), join_alert(PIM, star(3)), prune_alert(PIM, star(2))]);
    dvmrp.adds(eth(2), star(4));
    t.assert_calls([join_alert(PIM, star(4))]);
}
