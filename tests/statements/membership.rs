//! What clients hold: MB-1 to MB-4, MB-6.

use super::*;

#[test]
fn mb_1_a_client_adds_where_it_is_and_elsewhere_hears_who_owns_it() {
    let t = Testbed::<A>::new();
    let [igmp, pim, dvmrp] = t.three();
    dvmrp.takes(eth(2));
    igmp.takes(eth(3));
    for (client, interface, owner) in [
        (&dvmrp, eth(1), Some(pim.name())),
        (&igmp, eth(2), Some(dvmrp.name())),
        (&pim, eth(3), Some(ClientName::Igmp)),
        (&pim, eth(4), None),
    ] {
        let refused = Err(Error::NotOnInterface { interface, client: client.name(), owner });
        assert_eq!(client.add_group_membership(interface, star(1)), refused);
        assert_eq!(client.delete_group_membership(interface, star(1)), refused);
        assert_eq!(client.block_source(interface, A::source(1), A::group(1)), refused);
        assert_eq!(client.unblock_source(interface, A::source(1), A::group(1)), refused);
    }
    pim.adds(eth(1), from(1, 1));
    igmp.adds(eth(1), from(2, 1));
    t.assert_calls([local_join(PIM, eth(1), from(2, 1))]);
    assert_eq!(held(&t.mgm).len(), 2);
}

#[test]
fn mb_2_adding_twice_and_deleting_what_is_not_there_change_nothing() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    for entry in [star(1), all()] {
        let adds = [(); 2].map(|()| igmp.adds(eth(1), entry));
        t.assert_calls([local_join(PIM, eth(1), entry), join_alert(DVMRP, entry)]);
        let deletes = [(); 2].map(|()| igmp.deletes(eth(1), entry));
        t.assert_calls([local_leave(PIM, eth(1), entry), prune_alert(DVMRP, entry)]);
        assert_eq!([adds, deletes], [[Change::Changed, Change::Unchanged]; 2]);
    }
    let blocks = [(); 2].map(|()| igmp.blocks(eth(1), 1, 1));
    t.assert_calls([local_block(PIM, eth(1), from(1, 1))]);
    let unblocks = [(); 2].map(|()| igmp.unblocks(eth(1), 1, 1));
    t.assert_calls([local_unblock(PIM, eth(1), from(1, 1))]);
    assert_eq!([blocks, unblocks], [[Change::Changed, Change::Unchanged]; 2]);
}

#[test]
fn mb_2_what_is_deleted_leaves_no_memory_behind() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    igmp.takes(eth(1));
    igmp.takes(eth(2));
    let come_and_go = || {
        for group in 1..=10_000 {
            igmp.adds(eth(1), star(group));
            igmp.adds(eth(2), star(group));
        }
        for group in 1..=10_000 {
            igmp.deletes(eth(1), star(group));
            igmp.deletes(eth(2), star(group));
        }
    };
    let left = allocation_counter::measure(come_and_go).bytes_current;
    // Room for shards stays, which is less than four bytes for each entry.
    assert!(left < 4 * 10_000, "{left} bytes");
}

#[test]
fn mb_3_igmp_and_the_owner_may_hold_the_same_and_it_is_wanted_while_either_does() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    for (first, second) in [(&igmp, &pim), (&pim, &igmp)] {
        // PIM hears of what IGMP does, and not of what it does itself.
        let local = |by: &Client<A>, call: Call<A>| (by.name() == IGMP).then_some(call);
        let joined = |by| local(by, local_join(PIM, eth(1), star(1)));
        let left = |by| local(by, local_leave(PIM, eth(1), star(1)));
        first.adds(eth(1), star(1));
        t.assert_calls(Vec::from_iter(joined(first).into_iter().chain([join_alert(DVMRP, star(1))])));
        assert_eq!(second.adds(eth(1), star(1)), Change::Changed);
        t.assert_calls(Vec::from_iter(joined(second)));
        assert_eq!(held(&t.mgm).len(), 2);
        first.deletes(eth(1), star(1));
        t.assert_calls(Vec::from_iter(left(first)));
        second.deletes(eth(1), star(1));
        t.assert_calls(Vec::from_iter(left(second).into_iter().chain([prune_alert(DVMRP, star(1))])));
    }
    t.assert_calls([]);
}

#[test]
fn mb_4_a_group_in_the_ssm_range_cannot_be_joined_without_a_source() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    let (group, range) = (A::group(SSM), A::ssm_range());
    for client in [&igmp, &pim] {
        let refused = Err(Error::SourceRequired { group, range });
        assert_eq!(client.add_group_membership(eth(1), group.into()), refused);
        assert_eq!(client.delete_group_membership(eth(1), group.into()), refused);
    }
    assert_eq!(held(&t.mgm), []);
    let channel = Entry::SourceGroup(A::source(1), group);
    igmp.adds(eth(1), channel);
    t.assert_calls([local_join(PIM, eth(1), channel)]);
}

#[test]
fn mb_4_the_ssm_ranges_are_configurable() {
    let none = Testbed::<A>::with(|builder| builder.ssm_ranges([]));
    let [_igmp, pim, _dvmrp] = none.three();
    pim.adds(eth(1), A::group(SSM).into());
    none.assert_calls([join_alert(DVMRP, A::group(SSM).into())]);

    let everything = [A::every_group()];
    let all_ssm = Testbed::<A>::with(|builder| builder.ssm_ranges(everything));
    let [_igmp, pim, _dvmrp] = all_ssm.three();
    assert!(pim.add_group_membership(eth(1), star(1)).is_err());
    pim.adds(eth(1), all());
    all_ssm.assert_calls([join_alert(DVMRP, all())]);
}

#[test]
fn mb_6_a_block_is_kept_listed_and_told_and_takes_the_place_of_a_join() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    let kinds = || held(&t.mgm).iter().map(|held| (held.entry, held.kind)).collect::<Vec<_>>();
    igmp.adds(eth(1), from(1, 1));
    t.assert_calls([local_join(PIM, eth(1), from(1, 1))]);
    assert_eq!(igmp.blocks(eth(1), 1, 1), Change::Changed);
    t.assert_calls([local_leave(PIM, eth(1), from(1, 1)), local_block(PIM, eth(1), from(1, 1))]);
    assert_eq!(kinds(), [(from(1, 1), MembershipKind::Blocked)]);
    assert_eq!(igmp.deletes(eth(1), from(1, 1)), Change::Unchanged, "it is no membership");
    assert_eq!(igmp.adds(eth(1), from(1, 1)), Change::Changed);
    t.assert_calls([local_unblock(PIM, eth(1), from(1, 1)), local_join(PIM, eth(1), from(1, 1))]);
    assert_eq!(kinds(), [(from(1, 1), MembershipKind::Joined)]);
    assert_eq!(igmp.unblocks(eth(1), 1, 1), Change::Unchanged, "it is no block");
    t.assert_calls([]);
}

#[test]
fn mb_6_a_block_is_the_clients_own_and_leaves_alone_what_another_holds() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    pim.adds(eth(1), from(1, 1));
    igmp.blocks(eth(1), 1, 1);
    let read: Vec<_> = held(&t.mgm).iter().map(|held| (held.added_by, held.kind)).collect();
    t.assert_calls([local_block(PIM, eth(1), from(1, 1))]);
    assert_eq!(read, [(pim.name(), MembershipKind::Joined), (igmp.name(), MembershipKind::Blocked)]);
    pim.deletes(eth(1), from(1, 1));
    assert_eq!(held(&t.mgm).len(), 1);
    t.assert_calls([]);
}

#[test]
fn mb_6_blocks_are_withdrawn_like_memberships() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    pim.blocks(eth(1), 2, 1);
    igmp.blocks(eth(1), 1, 1);
    t.assert_calls([local_block(PIM, eth(1), from(1, 1))]);
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), [local_unblock(PIM, eth(1), from(1, 1))]));
    assert_eq!(held(&t.mgm), []);
}
