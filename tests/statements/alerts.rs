//! Who is told of (\*,G) and (\*,\*), and of what IGMP does: CT-1 to CT-4, CT-6, CT-7.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn ct_1_clients_are_counted_not_interfaces_or_calls() {
    let t = Testbed::<A>::new();
    let [pim, _dvmrp, _bgmp, _igmp] = t.four();
    pim.takes(eth(9));
    pim.adds(eth(1), star(1));
    pim.adds(eth(9), star(1));
    pim.adds(eth(9), star(1));
    pim.deletes(eth(1), star(1));
    pim.deletes(eth(1), star(1));
    t.assert_calls([join_alert(DVMRP, star(1)), join_alert(BGMP, star(1))]);
    pim.deletes(eth(9), star(1));
    t.assert_calls([prune_alert(DVMRP, star(1)), prune_alert(BGMP, star(1))]);
}

#[test]
fn ct_1_a_client_among_others_wants_it_until_its_last_interface_does_not() {
    let t = Testbed::<A>::new();
    let [pim, dvmrp, _bgmp, _igmp] = t.four();
    for (client, interfaces) in [(&pim, [1, 7, 8]), (&dvmrp, [2, 9, 10])] {
        for index in interfaces {
            // One of the three is taken already.
            let _again = client.take_interface_ownership(eth(index));
            client.adds(eth(index), star(1));
        }
    }
    pim.deletes(eth(7), star(1));
    pim.deletes(eth(1), star(1));
    t.assert_calls([join_alert(DVMRP, star(1)), join_alert(BGMP, star(1)), join_alert(PIM, star(1))]);
    pim.deletes(eth(8), star(1));
    t.assert_calls([prune_alert(DVMRP, star(1))]);
}

#[test]
fn ct_1_a_block_is_not_counted() {
    let t = Testbed::<A>::new();
    let [pim, dvmrp, _bgmp, _igmp] = t.four();
    pim.takes(eth(9));
    pim.blocks(eth(1), 1, 1);
    dvmrp.blocks(eth(2), 1, 1);
    pim.adds(eth(9), from(1, 1));
    pim.unblocks(eth(1), 1, 1);
    dvmrp.adds(eth(2), from(1, 1));
    pim.blocks(eth(9), 1, 1);
    assert_eq!(held(&t.mgm).len(), 2);
    t.assert_calls([]);
}

#[test]
fn ct_2_what_igmp_adds_counts_for_the_owner_and_else_for_igmp() {
    let t = Testbed::<A>::new();
    let [pim, dvmrp, _bgmp, igmp] = t.four();
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    pim.adds(eth(1), star(1)); // counts already
    t.assert_calls([local_join(PIM, eth(1), star(1)), join_alert(DVMRP, star(1)), join_alert(BGMP, star(1))]);
    igmp.adds(eth(4), star(1));
    let counts: BTreeSet<_> = t.mgm.groups().map(|held| (held.added_by, held.counts_for)).collect();
    let igmp = igmp.name();
    t.assert_calls([join_alert(PIM, star(1))]);
    assert_eq!(counts, [(igmp, igmp), (igmp, pim.name()), (pim.name(), pim.name())].into());
    dvmrp.adds(eth(2), star(1));
    t.assert_calls([]);
}

/// CT-3 and CT-4, each by all four clients in turn.
fn every_step_of_the_table(entry: Entry<A>) {
    let t = Testbed::<A>::new();
    let [pim, dvmrp, bgmp, igmp] = t.four();
    // 0 to 1
    pim.adds(eth(1), entry);
    t.assert_calls([join_alert(DVMRP, entry), join_alert(BGMP, entry)]);
    // 1 to 2
    igmp.adds(eth(4), entry);
    dvmrp.adds(eth(2), entry);
    bgmp.adds(eth(3), entry);
    bgmp.deletes(eth(3), entry);
    pim.deletes(eth(1), entry);
    t.assert_calls([join_alert(PIM, entry)]);
    // 2 to 1
    igmp.deletes(eth(4), entry);
    t.assert_calls([prune_alert(DVMRP, entry)]);
    // 1 to 0
    dvmrp.deletes(eth(2), entry);
    t.assert_calls([prune_alert(PIM, entry), prune_alert(BGMP, entry)]);
    // 0 to 1, by a client that is no protocol
    igmp.adds(eth(4), entry);
    t.assert_calls([PIM, DVMRP, BGMP].map(|to| join_alert(to, entry)));
    // 1 to 2: IGMP hears of no joins
    pim.adds(eth(1), entry);
    pim.deletes(eth(1), entry);
    t.assert_calls([]);
    igmp.deletes(eth(4), entry);
    t.assert_calls([PIM, DVMRP, BGMP].map(|to| prune_alert(to, entry)));
}

#[test]
fn ct_3_who_is_told_of_a_group_by_the_number_of_clients_that_want_it() {
    every_step_of_the_table(star(1));
}

#[test]
fn ct_4_all_groups_have_counters_of_their_own_under_the_same_table() {
    every_step_of_the_table(all());
    let t = Testbed::<A>::new();
    let [pim, _dvmrp, _bgmp, _igmp] = t.four();
    for entry in [star(1), all(), star(2)] {
        pim.adds(eth(1), entry);
        t.assert_calls([join_alert(DVMRP, entry), join_alert(BGMP, entry)]);
    }
    t.assert_calls([]);
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Add(usize, u32, Entry<A>),
    Delete(usize, u32, Entry<A>),
    TakeOrRelease(usize, u32),
    Remove(u32),
}

fn op() -> impl Strategy<Value = Op> {
    let entry = || prop_oneof![Just(all()), Just(star(1)), Just(star(2))];
    prop_oneof![
        6 => (0..4_usize, 1..5_u32, entry()).prop_map(|(who, on, entry)| Op::Add(who, on, entry)),
        4 => (0..4_usize, 1..5_u32, entry()).prop_map(|(who, on, entry)| Op::Delete(who, on, entry)),
        3 => (0..4_usize, 1..5_u32).prop_map(|(who, on)| Op::TakeOrRelease(who, on)),
        1 => (1..5_u32).prop_map(Op::Remove),
    ]
}

fn apply(mgm: &Mgm<A>, clients: &[Client<A>], op: Op) {
    let client = |who: usize| clients.get(who).unwrap();
    // Refusals are part of the game.
    match op {
        Op::Add(who, on, entry) => drop(client(who).add_group_membership(eth(on), entry)),
        Op::Delete(who, on, entry) => drop(client(who).delete_group_membership(eth(on), entry)),
        Op::TakeOrRelease(who, on) => {
            if client(who).take_interface_ownership(eth(on)).is_err() {
                drop(client(who).release_interface_ownership(eth(on)));
            }
        }
        Op::Remove(on) => mgm.interface_removed(eth::<A>(on).index()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ct_4_a_protocol_is_told_to_pull_exactly_what_some_other_client_wants(ops in prop::collection::vec(op(), 0..80)) {
        let t = Testbed::<A>::new();
        let clients = [t.protocol(PIM), t.protocol(DVMRP), t.protocol(BGMP), t.igmp()];
        let mut pulls = BTreeMap::from([PIM, DVMRP, BGMP].map(|id| (id, BTreeSet::new())));
        for op in ops {
            apply(&t.mgm, &clients, op);
            let calls = t.calls();
            for (id, pulls) in &mut pulls {
                for call in calls.iter().filter(|call| call.is_to(*id)) {
                    if let What::Join(entry, _) = call.what {
                        prop_assert!(pulls.insert(entry), "told twice");
                    } else if let What::Prune(entry, _) = call.what {
                        prop_assert!(pulls.remove(&entry), "never told");
                    }
                }
                let others = |held: &Membership<A>| held.counts_for != ClientName::Protocol(*id);
                let wanted: BTreeSet<_> = t.mgm.groups().filter(others).map(|held| held.entry).collect();
                prop_assert_eq!(&*pulls, &wanted, "{} after {:?}", id, op);
            }
        }
    }
}

#[test]
fn ct_6_an_alert_says_that_memberships_caused_it() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.deletes(eth(1), star(1));
    let causes = t.calls().into_iter().map(|call| call.what.cause());
    assert!(causes.eq([Some(AlertCause::Membership); 2]));
    assert_eq!(AlertCause::Membership.to_string(), "membership");
}

#[test]
fn ct_7_the_owner_hears_what_igmp_does_on_its_interface_and_no_join_for_it() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    for entry in [star(1), all(), from(1, 1)] {
        igmp.adds(eth(1), entry);
        t.assert_calls([local_join(PIM, eth(1), entry)]);
    }
    igmp.blocks(eth(1), 2, 1);
    t.assert_calls([local_block(PIM, eth(1), from(2, 1))]);
    igmp.unblocks(eth(1), 2, 1);
    t.assert_calls([local_unblock(PIM, eth(1), from(2, 1))]);
    for entry in [from(1, 1), all(), star(1)] {
        igmp.deletes(eth(1), entry);
        t.assert_calls([local_leave(PIM, eth(1), entry)]);
    }
    t.assert_calls([]);
}

#[test]
fn ct_7_what_the_owner_itself_adds_is_no_news_to_it() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    pim.adds(eth(1), star(1));
    pim.blocks(eth(1), 1, 1);
    igmp.adds(eth(1), star(1));
    pim.deletes(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    igmp.deletes(eth(1), star(1));
    t.assert_calls([local_leave(PIM, eth(1), star(1))]);
}
