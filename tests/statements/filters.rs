//! All that a client holds of one group on one interface, set at once: MB-9.

use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use super::*;

fn s(source: u16) -> SourceAddr<A> {
    A::source(source)
}

/// What is held, and whether it is joined or blocked.
fn kinds(mgm: &Mgm<A>) -> Vec<(Entry<A>, MembershipKind)> {
    held(mgm).iter().map(|held| (held.entry, held.kind)).collect()
}

fn joined(entry: Entry<A>) -> (Entry<A>, MembershipKind) {
    (entry, MembershipKind::Joined)
}

fn blocked(entry: Entry<A>) -> (Entry<A>, MembershipKind) {
    (entry, MembershipKind::Blocked)
}

#[test]
fn mb_9_exclude_is_the_group_and_a_block_of_each_source_and_include_is_each_source() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    igmp.adds(eth(1), all());
    igmp.adds(eth(1), from(1, 2)); // other groups, and all groups, are left alone
    t.forget_calls();
    let others = [joined(all()), joined(from(1, 2))];
    let holds = |of_group: &[(Entry<A>, MembershipKind)]| {
        let mut expected = [&others, of_group].concat();
        expected.sort_unstable();
        assert_eq!(kinds(&t.mgm), expected);
    };
    assert_eq!(igmp.excludes(eth(1), 1, [1, 2]), Change::Changed);
    holds(&[joined(star(1)), blocked(from(1, 1)), blocked(from(2, 1))]);
    assert_eq!(igmp.excludes(eth(1), 1, [2, 1, 2]), Change::Unchanged);
    assert_eq!(igmp.excludes(eth(1), 1, [2, 3]), Change::Changed);
    holds(&[joined(star(1)), blocked(from(2, 1)), blocked(from(3, 1))]);
    assert_eq!(igmp.includes(eth(1), 1, [1, 3]), Change::Changed);
    holds(&[joined(from(1, 1)), joined(from(3, 1))]);
    assert_eq!(igmp.excludes(eth(1), 1, []), Change::Changed);
    holds(&[joined(star(1))]);
    assert_eq!(igmp.includes(eth(1), 1, []), Change::Changed);
    holds(&[]);
    assert_eq!(igmp.includes(eth(1), 1, []), Change::Unchanged);
    t.forget_calls();
}

#[test]
fn mb_9_it_is_the_clients_own_on_that_interface() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    igmp.takes(eth(2));
    pim.excludes(eth(1), 1, [1]);
    igmp.includes(eth(2), 1, [1]);
    igmp.includes(eth(1), 1, [2]);
    igmp.includes(eth(1), 1, []);
    let left: Vec<_> = held(&t.mgm).iter().map(|held| (held.interface, held.added_by, held.entry)).collect();
    assert_eq!(
        left,
        [(eth(1), pim.name(), star(1)), (eth(1), pim.name(), from(1, 1)), (eth(2), IGMP, from(1, 1))]
    );
    t.forget_calls();
}

#[test]
fn mb_9_alerts_and_the_forwarder_follow_the_difference() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.igmp.includes(lan(), 1, [1, 2]);
    r.forget_calls();
    // Now all but S2.
    r.igmp.excludes(lan(), 1, [2]);
    r.assert_commands([change_mfe(2, 1, up(), []), change_mfe(3, 1, up(), [lan()])]);
    r.igmp.includes(lan(), 1, [1, 2]);
    r.forget_calls();
    r.igmp.excludes(lan(), 1, [2]);
    r.assert_callbacks_in_any_order([
        local_join(DVMRP, lan(), star(1)),
        local_leave(DVMRP, lan(), from(1, 1)),
        local_leave(DVMRP, lan(), from(2, 1)),
        local_block(DVMRP, lan(), from(2, 1)),
        mfe_join(PIM, 3, 1),
        join_alert(PIM, star(1)),
        mfe_prune(PIM, 2, 1),
        prune_alert(PIM, from(1, 1)),
        prune_alert(PIM, from(2, 1)),
    ]);
}

#[test]
fn mb_9_in_the_ssm_range_exclude_is_refused() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    igmp.includes(eth(1), SSM, [1]);
    let (group, range) = (A::group(SSM), A::ssm_range());
    let refused = Err(Error::SourceRequired { group, range });
    for sources in [&[][..], &[s(2)]] {
        assert_eq!(igmp.set_group(eth(1), group, Filter::Exclude(sources)), refused);
    }
    assert_eq!(kinds(&t.mgm), [joined(from(1, SSM))]);
    t.forget_calls();
}

/// The net effect counts: four for four fit, wherever the limit is.
#[test]
fn mb_9_limits_are_checked_for_the_net_effect_and_at_a_limit_nothing_changes() {
    let four = Limits::default();
    for limits in [four.memberships(4), four.memberships_per_interface(4), four.memberships_per_client(4)] {
        for page in [1, 64] {
            let t = Testbed::<A>::with(|builder| builder.page(page).limits(limits));
            let [igmp, _pim, _dvmrp] = t.three();
            igmp.includes(eth(1), 1, [1, 2, 3, 4]);
            t.forget_calls();
            let before = held(&t.mgm);
            for filter in [Filter::Include(&[1, 2, 3, 4, 5].map(s)), Filter::Exclude(&[6, 7, 8, 9].map(s))] {
                let refused = igmp.set_group(eth(1), A::group(1), filter);
                assert!(matches!(refused, Err(Error::LimitReached(_))), "{refused:?}");
                assert_eq!(held(&t.mgm), before);
            }
            t.assert_calls([]);
            igmp.includes(eth(1), 1, [5, 6, 7, 8]);
            igmp.excludes(eth(1), 1, [8, 9, 1]);
            igmp.includes(eth(1), 1, [1]);
            for source in 2..=4 {
                igmp.adds(eth(1), from(source, 1)); // all the room is there again
            }
            assert!(igmp.add_group_membership(eth(1), from(5, 1)).is_err());
            t.forget_calls();
        }
    }
}

#[test]
fn mb_9_mb_7_one_that_would_tell_too_much_is_refused_before_its_first_step() {
    let t = Testbed::<A>::limited(Limits::default().waiting_alerts(2));
    let [igmp, _pim, _dvmrp] = t.three();
    let refused = igmp.set_group(eth(1), A::group(1), Filter::Include(&[1, 2, 3].map(s)));
    let client = ClientName::Protocol(PIM);
    assert_eq!(refused, Err(Error::LimitReached(Limit::WaitingAlerts { client, max: 2 })));
    t.assert_calls([]);
    assert_eq!(held(&t.mgm), []);
    igmp.includes(eth(1), 1, [1, 2]);
    assert_eq!(t.calls().len(), 2);
}

/// Between two steps nobody else gets the room that it will need.
#[test]
fn mb_9_the_room_is_kept() {
    let t = Testbed::<A>::with(|builder| builder.page(1).limits(Limits::default().memberships(3)));
    let [igmp, _pim, dvmrp] = t.three();
    let dvmrp = Arc::new(dvmrp);
    dvmrp.takes(eth(2));
    let other = Arc::clone(&dvmrp);
    t.inside(local_join(PIM, eth(1), from(1, 1)), move |_| {
        let refused = other.add_group_membership(eth(2), from(9, 1));
        assert_eq!(refused, Err(Error::LimitReached(Limit::Memberships { max: 3 })));
    });
    igmp.includes(eth(1), 1, [1, 2, 3]);
    assert_eq!(kinds(&t.mgm).len(), 3);
    assert_eq!(igmp.deletes(eth(1), from(3, 1)), Change::Changed);
    igmp.adds(eth(1), from(4, 1));
    t.forget_calls();
}

/// IGMP is disabled when the first step has been made: the thread that takes the interface is held there.
#[test]
fn mb_9_what_is_refused_between_steps_stays_undone_and_the_error_says_so() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let (igmp, pim) = (t.igmp(), Arc::new(t.protocol(PIM)));
    igmp.takes(eth(1));
    igmp.adds(eth(1), from(1, 1));
    let gate = Gate::new();
    let (held_there, goes_on) = (gate.clone(), gate.clone());
    let taker = Arc::clone(&pim);
    t.inside(join_alert(PIM, star(1)), move |_| {
        thread::spawn(move || taker.takes(eth(1)));
        gate.await_arrival();
    });
    t.inside(disable_igmp(eth(1)), move |_| held_there.pass());
    let (interface, group) = (eth(1), A::group(1));
    let refused = igmp.set_group(eth(1), group, Filter::Exclude(&[s(1), s(2)]));
    assert_eq!(refused, Err(Error::PartlyDone { interface, group }));
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!("the filter of group {group} is set in part: interface 1 is changing hands")
    );
    // What is set stays: the group. S1 is not blocked yet.
    assert_eq!(kinds(&t.mgm)[..2], [joined(star(1)), joined(from(1, 1))]);
    // Before the first step it is refused like any other call.
    let disabled = Error::IgmpDisabled { interface };
    assert_eq!(igmp.set_group(eth(1), group, Filter::LEAVE), Err(disabled));
    let (settled, is_settled) = std::sync::mpsc::channel();
    t.mgm.when_settled(eth(1), move || settled.send(()).unwrap());
    goes_on.open();
    is_settled.recv().unwrap();
    t.forget_calls();
}

/// The interface may be gone altogether.
#[test]
fn mb_9_what_a_client_that_has_left_between_steps_has_not_set_stays_undone() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let (pim, _dvmrp) = (Arc::new(t.protocol(PIM)), t.protocol(DVMRP));
    pim.takes(eth(1));
    pim.adds(eth(1), from(1, 1));
    let leaves = Arc::clone(&pim);
    t.inside(join_alert(DVMRP, star(1)), move |_| leaves.releases(eth(1)));
    let (interface, group) = (eth(1), A::group(1));
    let refused = pim.set_group(eth(1), group, Filter::Exclude(&[s(1)]));
    assert_eq!(refused, Err(Error::PartlyDone { interface, group }));
    t.assert_calls([join_alert(DVMRP, star(1)), prune_alert(DVMRP, star(1))]);
    assert_eq!(held(&t.mgm), []);
}

#[test]
fn mb_9_where_the_client_is_not_it_is_refused() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    let refused = Error::NotOnInterface { interface: eth(1), client: dvmrp.name(), owner: Some(pim.name()) };
    assert_eq!(dvmrp.set_group(eth(1), A::group(1), Filter::JOIN), Err(refused.clone()));
    assert_eq!(dvmrp.set_group(eth(1), A::group(1), Filter::LEAVE), Err(refused));
    t.assert_calls([]);
}

/// HO-13: the same filter set again inside `enable_igmp` confirms it; another one ends what is stale of the group.
#[test]
fn mb_9_ho_13_it_confirms_and_ends_what_is_stale() {
    let t = Testbed::<A>::limited(Limits::default().memberships(6));
    let [igmp, pim, _dvmrp] = t.three();
    igmp.excludes(eth(1), 1, [1, 2]);
    igmp.includes(eth(1), 2, [1, 2, 3]);
    t.forget_calls();
    t.inside(enable_igmp(eth(1)), |igmp| {
        assert_eq!(igmp.excludes(eth(1), 1, [1, 2]), Change::Unchanged);
        assert_eq!(igmp.includes(eth(1), 2, [3, 4]), Change::Changed);
        assert!(held(&igmp.manager()).iter().all(|held| !held.stale));
    });
    pim.releases(eth(1));
    assert_eq!(kinds(&t.mgm).len(), 5);
    t.forget_calls();
}

/// A filter of a small group.
fn filter() -> impl Strategy<Value = (bool, Vec<u16>)> {
    (any::<bool>(), prop::collection::vec(1..6_u16, 0..5))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever was held before, and however many steps it takes: nobody loses for a moment what the filters before and
    /// after both want. In one step nothing else comes for a moment either.
    #[test]
    fn mb_9_what_adds_receivers_comes_first_and_each_filter_replaces_the_last(
        filters in prop::collection::vec(filter(), 1..6),
        page in prop_oneof![1..4_usize, Just(64)],
    ) {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.igmp.takes(lan());
        for source in 1..=5 {
            r.packet(source, 1, up());
        }
        let mut wants_before = [false; 6];
        for (exclude, sources) in filters {
            r.forget_calls();
            let addresses: Vec<_> = sources.iter().copied().map(s).collect();
            let filter = if exclude { Filter::Exclude(&addresses) } else { Filter::Include(&addresses) };
            r.igmp.set_group(lan(), A::group(1), filter).unwrap();
            let calls = r.calls();
            for source in 1..=5_u16 {
                let wants = sources.contains(&source) != exclude;
                prop_assert_eq!(r.path(source, 1), if wants { path(up(), [lan()]) } else { path(up(), []) });
                let before = std::mem::replace(&mut wants_before[usize::from(source)], wants);
                let commands = calls.iter().filter(|call| call.what.is_change() && call.what.is_about_source(source));
                if page == 64 || before && wants {
                    prop_assert_eq!(commands.count(), usize::from(before != wants), "of S{}: {:?}", source, calls);
                }
            }
            let mut expected: Vec<_> = sources.iter().map(|source| {
                let kind = if exclude { MembershipKind::Blocked } else { MembershipKind::Joined };
                (from(*source, 1), kind)
            }).collect();
            expected.extend(exclude.then(|| joined(star(1))));
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(kinds(&r.mgm), expected);
        }
        r.assert_in_step();
    }
}
