//! Several changes in one call: MB-8.

use mgm::MembershipChange::{Add, Block, Delete, Unblock};
use proptest::prelude::*;

use super::*;

fn s(source: u16) -> SourceAddr<A> {
    A::source(source)
}

fn g(group: u16) -> GroupAddr<A> {
    A::group(group)
}

#[test]
fn mb_8_each_change_has_its_own_result_and_a_refused_one_leaves_the_others_alone() {
    let t = Testbed::<A>::limited(Limits::default().memberships(2));
    let [igmp, _pim, _dvmrp] = t.three();
    let changes = [
        Add(star(1)),
        Add(star(1)),
        Add(star(SSM)),
        Delete(star(9)),
        Block(s(1), g(1)),
        Add(from(2, 1)), // one too many
        Unblock(s(1), g(1)),
        Add(from(2, 1)),
    ];
    let outcomes = igmp.batch(eth(1), changes);
    let (group, range) = (g(SSM), A::ssm_range());
    let (no_source, full) =
        (Error::SourceRequired { group, range }, Error::LimitReached(Limit::Memberships { max: 2 }));
    let expected = [
        Ok(Change::Changed),
        Ok(Change::Unchanged),
        Err(&no_source),
        Ok(Change::Unchanged),
        Ok(Change::Changed),
        Err(&full),
        Ok(Change::Changed),
        Ok(Change::Changed),
    ];
    assert_eq!(outcomes.iter().collect::<Vec<_>>(), expected);
    assert_eq!((outcomes.len(), outcomes.changed()), (8, 4));
    assert_eq!(outcomes.refused().map(|(place, _)| place).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(outcomes.into_result(), Err(no_source));
    assert_eq!(held(&t.mgm).iter().map(|held| held.entry).collect::<Vec<_>>(), [star(1), from(2, 1)]);
    t.forget_calls();
}

#[test]
fn mb_8_where_nothing_may_be_changed_each_is_refused() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    let (client, owner) = (igmp.name(), None);
    let elsewhere = Error::NotOnInterface { interface: eth(2), client, owner };
    let outcomes = igmp.batch(eth(2), [Add(star(1)), Delete(star(1))]);
    assert_eq!(outcomes.iter().collect::<Vec<_>>(), [Err(&elsewhere), Err(&elsewhere)]);
    t.inside(disable_igmp(eth(1)), |igmp| {
        let disabled = Error::IgmpDisabled { interface: eth(1) };
        let outcomes = igmp.batch(eth(1), [Add(star(1)), Block(s(1), g(1))]);
        assert_eq!(outcomes.iter().collect::<Vec<_>>(), [Err(&disabled), Err(&disabled)]);
    });
    pim.releases(eth(1));
    assert!(igmp.batch(eth(1), []).is_empty());
    t.assert_calls(bracket(eth(1), []));
}

#[test]
fn mb_8_what_comes_and_goes_inside_a_step_is_nothing() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    r.dvmrp.adds(lan(), star(2));
    r.packet(1, 2, up());
    r.forget_calls();
    let outcomes = r.igmp.batch(lan(), [Add(star(1)), Add(from(1, 1)), Delete(star(1)), Delete(from(1, 1))]);
    assert_eq!(outcomes.changed(), 4);
    r.assert_commands([]);
    // And what goes and comes.
    let outcomes = r.dvmrp.batch(lan(), [Delete(star(2)), Add(star(2))]);
    assert_eq!(outcomes.changed(), 2);
    r.assert_calls([]);
}

#[test]
fn mb_8_what_replaces_another_is_no_gap_in_the_forwarder() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    for source in [1, 2] {
        r.packet(source, 1, up());
    }
    r.forget_calls();
    r.dvmrp.batches(lan(), [Delete(star(1)), Add(from(1, 1))]);
    // Of S1 the owner of its iif hears nothing either.
    r.assert_calls([
        change_mfe(2, 1, up(), []),
        join_alert(PIM, from(1, 1)),
        mfe_prune(PIM, 2, 1),
        prune_alert(PIM, star(1)),
    ]);
}

#[test]
fn mb_8_ct_6_alerts_come_in_the_order_of_ct_6_whatever_that_of_the_batch() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    r.igmp.batches(lan(), [Block(s(1), g(1)), Add(star(3))]);
    r.packet(1, 3, up());
    r.packet(1, 2, up());
    r.forget_calls();
    r.igmp.batches(lan(), [Delete(star(3)), Block(s(4), g(1)), Add(star(2)), Unblock(s(1), g(1))]);
    r.assert_callbacks_of_each([
        mfe_join(PIM, 1, 2),
        join_alert(PIM, star(2)),
        mfe_prune(PIM, 1, 3),
        prune_alert(PIM, star(3)),
        local_unblock(DVMRP, lan(), from(1, 1)),
        local_join(DVMRP, lan(), star(2)),
        local_leave(DVMRP, lan(), star(3)),
        local_block(DVMRP, lan(), from(4, 1)),
        join_alert(BGMP, star(2)),
        prune_alert(BGMP, star(3)),
    ]);
}

#[test]
fn mb_8_it_is_made_in_steps_of_a_page() {
    let t = Testbed::<A>::with(|builder| builder.page(3));
    let [_igmp, pim, _dvmrp] = t.three();
    t.inside(join_alert(DVMRP, star(1)), |me| assert_eq!(held(&me.manager()).len(), 3));
    t.inside(join_alert(DVMRP, star(4)), |me| assert_eq!(held(&me.manager()).len(), 6));
    t.inside(join_alert(DVMRP, star(7)), |me| assert_eq!(held(&me.manager()).len(), 7));
    pim.batches(eth(1), (1..=7).map(|group| Add(star(group))));
    assert_eq!(t.calls().len(), 7);
}

/// MB-7: each is judged by what waits when those before it have been told.
#[test]
fn mb_8_mb_7_the_limit_on_waiting_alerts_is_for_each() {
    let t = Testbed::<A>::limited(Limits::default().waiting_alerts(1));
    let [_igmp, pim, _dvmrp] = t.three();
    let outcomes = pim.batch(eth(1), (1..=5).map(|group| Add(star(group))));
    assert_eq!((outcomes.changed(), outcomes.refused().count()), (5, 0));
    assert_eq!(t.calls().len(), 5);
}

/// MB-7: a step that cannot pass the limit is one, as without it.
#[test]
fn mb_8_mb_7_far_from_the_limit_on_waiting_alerts_what_goes_and_comes_is_nothing() {
    for (max, alerts) in [(100_000, 0), (20, 4)] {
        let t = Testbed::<A>::limited(Limits::default().waiting_alerts(max));
        let [_igmp, pim, _dvmrp] = t.three();
        pim.batches(eth(1), [Add(star(1)), Add(star(2))]);
        t.forget_calls();
        let outcomes =
            pim.batch(eth(1), [1, 2].into_iter().flat_map(|group| [Delete(star(group)), Add(star(group))]));
        assert_eq!(outcomes.changed(), 4);
        assert_eq!(t.calls().len(), alerts, "at most {max}");
    }
}

/// What a protocol adds again while IGMP leaves the interface, and what it holds there is still being brought over.
#[test]
fn mb_8_ho_13_what_is_not_brought_over_yet_is_confirmed() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let [igmp, pim, _dvmrp] = t.three();
    let all = (1..=8).map(star);
    for client in [&igmp, &pim] {
        all.clone().for_each(|entry| assert_eq!(client.adds(eth(1), entry), Change::Changed));
    }
    t.forget_calls();
    for entry in all.clone() {
        let all = all.clone();
        t.inside(local_leave(PIM, eth(1), entry), move |pim| {
            assert_eq!(pim.batches(eth(1), all.map(Add)), Change::Unchanged);
        });
    }
    igmp.releases(eth(1));
    assert_eq!(t.calls().len(), 8);
    assert_eq!(held(&t.mgm).len(), 8);
}

/// HO-13: a page that confirms tells nobody.
#[test]
fn mb_8_a_batch_inside_enable_igmp_confirms() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    let all_of_it = [Add(star(1)), Add(from(1, 2)), Block(s(2), g(1))];
    igmp.batches(eth(1), all_of_it);
    t.forget_calls();
    t.inside(enable_igmp(eth(1)), move |igmp| {
        assert_eq!(igmp.batches(eth(1), all_of_it), Change::Unchanged);
    });
    pim.releases(eth(1));
    t.assert_callbacks_in_any_order(bracket(
        eth(1),
        [
            local_unblock(PIM, eth(1), from(2, 1)),
            join_alert(PIM, star(1)),
            local_leave(PIM, eth(1), star(1)),
            local_leave(PIM, eth(1), from(1, 2)),
        ],
    ));
    assert!(held(&t.mgm).iter().all(|held| !held.stale));
}

fn change() -> impl Strategy<Value = MembershipChange<A>> {
    let pair = || (1..4_u16, 1..3_u16);
    let entry = || prop_oneof![Just(all()), (1..3_u16).prop_map(star), pair().prop_map(|(s, g)| from(s, g))];
    prop_oneof![
        3 => entry().prop_map(Add),
        2 => entry().prop_map(Delete),
        2 => pair().prop_map(|(source, group)| Block(s(source), g(group))),
        1 => pair().prop_map(|(source, group)| Unblock(s(source), g(group))),
    ]
}

/// A batch of one is the call itself.
fn one_by_one(
    client: &Client<A>,
    on: Interface<A>,
    changes: &[MembershipChange<A>],
) -> Vec<Result<Change, Error<A>>> {
    let call = |change: &MembershipChange<A>| match *change {
        Add(entry) => client.add_group_membership(on, entry),
        Delete(entry) => client.delete_group_membership(on, entry),
        Block(source, group) => client.block_source(on, source, group),
        Unblock(source, group) => client.unblock_source(on, source, group),
        _ => unreachable!("there are four"),
    };
    changes.iter().map(call).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn mb_8_a_batch_ends_as_its_parts_one_by_one(
        batches in prop::collection::vec((any::<bool>(), prop::collection::vec(change(), 0..12)), 1..6),
        page in 1..5_usize,
    ) {
        let limits = Limits::default().memberships(7).memberships_per_client(5);
        let [whole, parts] = [0, 1].map(|_| {
            let r = Router::<A>::with(|builder| builder.page(page).limits(limits));
            r.igmp.takes(lan());
            for source in 1..4 {
                r.packet(source, 1, up());
            }
            r
        });
        for (as_igmp, changes) in batches {
            let (a, b) = if as_igmp { (&whole.igmp, &parts.igmp) } else { (&whole.dvmrp, &parts.dvmrp) };
            let results: Vec<_> = a.batch(lan(), changes.clone()).iter().map(|one| one.map_err(Clone::clone)).collect();
            prop_assert_eq!(results, one_by_one(b, lan(), &changes));
            prop_assert_eq!(held(&whole.mgm), held(&parts.mgm));
            for source in 1..4 {
                prop_assert_eq!(whole.path(source, 1), parts.path(source, 1));
            }
        }
        whole.assert_in_step();
    }
}
