//! Who is told of (S,G) memberships: CT-5, CT-6, CT-8.

use std::sync::Arc;

use super::*;

#[test]
fn ct_5_only_the_owner_of_the_interface_toward_the_source_is_told_when_others_begin_and_cease() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    r.forget_calls();
    r.dvmrp.adds(lan(), from(1, 1)); // 0 to 1
    r.assert_calls([lookup(1, up()), join_alert(PIM, from(1, 1))]);
    r.dvmrp.adds(dmz(), from(1, 1)); // clients are counted
    bgmp.adds(wan(), from(1, 1)); // 1 to 2
    r.igmp.adds(stub(), from(1, 1)); // 2 to 3
    r.pim.adds(alt(), from(1, 1)); // not another's
    r.dvmrp.deletes(lan(), from(1, 1));
    r.dvmrp.deletes(dmz(), from(1, 1));
    r.igmp.deletes(stub(), from(1, 1));
    r.assert_callbacks([]);
    bgmp.deletes(wan(), from(1, 1)); // 1 to 0
    r.assert_callbacks([prune_alert(PIM, from(1, 1))]);
    r.dvmrp.adds(lan(), from(1, 1));
    r.pim.deletes(alt(), from(1, 1));
    r.dvmrp.deletes(lan(), from(1, 1));
    r.assert_callbacks([join_alert(PIM, from(1, 1)), prune_alert(PIM, from(1, 1))]);
}

#[test]
fn ct_5_what_igmp_joins_alone_counts_for_igmp_and_elsewhere_for_the_owner() {
    let r = Router::<A>::new();
    r.igmp.takes(alt());
    r.igmp.takes(lan());
    r.forget_calls();
    r.igmp.adds(alt(), from(1, 1)); // PIM's own
    r.assert_callbacks([local_join(PIM, alt(), from(1, 1))]);
    r.igmp.adds(lan(), from(1, 1));
    r.assert_callbacks_in_any_order([local_join(DVMRP, lan(), from(1, 1)), join_alert(PIM, from(1, 1))]);
    r.igmp.adds(stub(), from(1, 1));
    r.igmp.deletes(lan(), from(1, 1));
    r.assert_callbacks([local_leave(DVMRP, lan(), from(1, 1))]);
    r.igmp.deletes(stub(), from(1, 1));
    r.assert_callbacks([prune_alert(PIM, from(1, 1))]);
}

#[test]
fn ct_5_without_a_route_or_an_owner_nobody_is_told() {
    let r = Router::<A>::new();
    r.rib.remove(A::every_source());
    r.rib.set(host::<A>(2), wan());
    r.rib.set(host::<A>(3), stub());
    r.forget_calls();
    for source in 1..=3 {
        r.dvmrp.adds(lan(), from(source, 1));
        r.dvmrp.deletes(lan(), from(source, 1));
    }
    r.assert_calls([lookup(1, None), lookup(2, wan()), lookup(3, stub())]);
}

#[test]
fn ct_5_blocks_and_forward_state_are_no_wish() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), from(1, 1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.igmp.blocks(stub(), 1, 1);
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.assert_callbacks([]);
    r.dvmrp.blocks(lan(), 1, 1); // replaces the membership
    r.assert_callbacks([prune_alert(PIM, from(1, 1))]);
    r.dvmrp.adds(lan(), from(1, 1));
    r.assert_callbacks([join_alert(PIM, from(1, 1))]);
}

#[test]
fn ct_5_a_source_that_nobody_uses_any_more_is_asked_for_anew() {
    let r = Router::<A>::new();
    r.forget_calls();
    r.dvmrp.adds(lan(), from(1, 1));
    r.dvmrp.adds(dmz(), from(1, 1));
    r.igmp.adds(stub(), from(1, 2));
    r.packet(1, 3, up());
    r.dvmrp.deletes(lan(), from(1, 1));
    r.dvmrp.deletes(dmz(), from(1, 1));
    r.igmp.deletes(stub(), from(1, 2));
    r.forget_calls();
    r.igmp.adds(stub(), from(1, 2)); // the entry is there
    r.assert_calls([join_alert(PIM, from(1, 2))]);
    r.igmp.deletes(stub(), from(1, 2));
    r.expire(900);
    r.rib.set(host::<A>(1), lan());
    r.forget_calls();
    r.igmp.adds(stub(), from(1, 1));
    r.assert_calls([lookup(1, lan()), join_alert(DVMRP, from(1, 1))]);
    r.igmp.deletes(stub(), from(1, 1));
    r.forget_calls();
    r.routes_changed();
    r.assert_calls([]);
}

#[test]
fn ct_5_a_refused_add_leaves_nothing_behind() {
    let r = Router::<A>::new();
    assert!(r.dvmrp.add_group_membership(up(), from(1, 1)).is_err());
    r.forget_calls();
    r.routes_changed();
    r.assert_calls([]);
}

#[test]
fn ct_6_one_steps_alerts_come_forwarding_entries_first_then_memberships() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.forget_calls();
    r.dvmrp.adds(lan(), from(1, 1));
    r.assert_callbacks([mfe_join(PIM, 1, 1), join_alert(PIM, from(1, 1))]);
    r.dvmrp.adds(lan(), all());
    r.assert_callbacks([mfe_join(PIM, 1, 2), join_alert(PIM, all())]);
    r.dvmrp.adds(lan(), star(1));
    r.forget_calls();
    // Many in one call: all of the first kind, then all of the second.
    r.dvmrp.releases(lan());
    let news = r.callbacks();
    let causes: Vec<_> = news.iter().filter_map(|call| call.what.cause()).collect();
    let (mfe, membership) = (AlertCause::ForwardingEntry, AlertCause::Membership);
    assert_eq!(causes, [mfe, mfe, membership, membership, membership], "{news:?}");
}

#[test]
fn ct_6_a_reroute_tells_the_new_owner_before_the_old_one_of_each_piece() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), from(1, 1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.reroute(1, lan());
    r.assert_callbacks([
        join_alert(DVMRP, from(1, 1)),
        prune_alert(PIM, from(1, 1)),
        rpf(DVMRP, 1, 1, arrived(up()), via(lan())),
        mfe_join(DVMRP, 1, 1),
        mfe_prune(PIM, 1, 1),
    ]);
}

/// A receiver first, and the upstream interface taken later: a normal start-up.
#[test]
fn ct_8_whoever_takes_the_interface_toward_the_source_is_told_what_others_want() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.reroute(1, wan());
    r.dvmrp.adds(lan(), from(1, 1));
    r.igmp.adds(stub(), from(1, 2));
    r.igmp.adds(stub(), from(2, 3)); // another way
    r.dvmrp.adds(lan(), star(4));
    r.rib.set(host::<A>(1), wan());
    r.mgm.routes_changed(&host::<A>(1));
    r.forget_calls();
    bgmp.takes(wan());
    r.assert_callbacks([join_alert(BGMP, from(1, 1)), join_alert(BGMP, from(1, 2))]);
    bgmp.releases(wan());
    r.assert_callbacks([prune_alert(BGMP, from(1, 1)), prune_alert(BGMP, from(1, 2))]);
}

#[test]
fn ct_8_not_of_what_only_it_wants_itself() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.rib.set(host::<A>(1), wan());
    r.dvmrp.adds(lan(), from(1, 1));
    r.dvmrp.adds(lan(), from(1, 2));
    r.igmp.adds(stub(), from(1, 2));
    r.forget_calls();
    r.dvmrp.takes(wan());
    r.assert_callbacks([join_alert(DVMRP, from(1, 2))]);
    r.dvmrp.releases(wan());
    r.assert_callbacks([prune_alert(DVMRP, from(1, 2))]);
    bgmp.takes(wan());
    r.assert_callbacks([join_alert(BGMP, from(1, 1)), join_alert(BGMP, from(1, 2))]);
}

#[test]
fn ct_8_what_the_releasing_owner_wanted_there_itself_is_withdrawn_first() {
    let r = Router::<A>::new();
    r.igmp.takes(up());
    r.igmp.adds(up(), from(1, 1)); // counts for PIM
    r.pim.adds(up(), from(1, 2));
    r.igmp.adds(stub(), from(1, 1));
    r.forget_calls();
    r.pim.releases(up());
    r.assert_callbacks(bracket(up(), [local_leave(PIM, up(), from(1, 1)), prune_alert(PIM, from(1, 1))]));
}

#[test]
fn ct_8_when_the_route_moves_the_old_owner_is_told_and_the_new_one() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), from(1, 1));
    r.igmp.adds(stub(), from(1, 2));
    r.forget_calls();
    r.reroute(1, lan());
    r.assert_callbacks([
        join_alert(DVMRP, from(1, 2)), // G1 is its own wish
        prune_alert(PIM, from(1, 1)),
        prune_alert(PIM, from(1, 2)),
    ]);
    r.reroute(1, wan());
    r.assert_callbacks([prune_alert(DVMRP, from(1, 2))]);
    r.reroute(1, up());
    r.assert_callbacks([join_alert(PIM, from(1, 1)), join_alert(PIM, from(1, 2))]);
    r.reroute(1, alt()); // the owner stays
    r.assert_callbacks([]);
    r.rib.remove(host::<A>(1));
    r.rib.remove(A::every_source());
    r.routes_changed();
    r.assert_callbacks([prune_alert(PIM, from(1, 1)), prune_alert(PIM, from(1, 2))]);
}

#[test]
fn ct_8_whether_or_not_there_is_an_entry() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), from(1, 1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.pim.releases(up());
    r.assert_callbacks([prune_alert(PIM, from(1, 1)), mfe_prune(PIM, 1, 1)]);
    let bgmp = r.protocol(BGMP);
    bgmp.takes(up());
    r.assert_callbacks([
        join_alert(BGMP, from(1, 1)),
        rpf(BGMP, 1, 1, arrived(up()), via(up())),
        mfe_join(BGMP, 1, 1),
    ]);
}

#[test]
fn ct_8_state_first() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.igmp.adds(stub(), from(1, 1));
    let bgmp = r.protocol(BGMP);
    r.inside_alerts(BGMP, |bgmp, _| assert_eq!(bgmp.manager().owner(wan()), Some(bgmp.name())));
    r.forget_calls();
    bgmp.takes(wan());
    r.assert_callbacks([join_alert(BGMP, from(1, 1))]);
}

#[test]
fn ct_8_only_sources_that_lie_that_way_are_touched() {
    let r = Router::<A>::new();
    for source in 0..200 {
        r.dvmrp.adds(lan(), from(source, 1));
    }
    r.forget_calls();
    r.reroute(7, alt());
    r.assert_calls([lookup(7, alt())]);
    r.pim.releases(alt());
    r.assert_calls([prune_alert(PIM, from(7, 1))]);
    r.mgm.routes_changed(&host::<A>(500)); // not in use
    r.assert_calls([]);
}

/// The invariant: X has been told to pull (S,G) if and only if another client wants it, at every step.
#[test]
fn ct_8_the_owner_toward_the_source_always_knows_whether_others_want_it() {
    let r = Router::<A>::new();
    let told = Arc::new(parking_lot::Mutex::new(std::collections::BTreeMap::new()));
    for client in [PIM, DVMRP] {
        let told = Arc::clone(&told);
        r.inside_alerts(client, move |client, what| {
            if what.cause() == Some(AlertCause::Membership) {
                let old = told.lock().insert(client.name(), what.is_join());
                assert_ne!(old.unwrap_or_default(), what.is_join(), "{what:?} came twice");
            }
        });
    }
    let mut wants = [false; 3];
    let mut upstream = up();
    let mut random = 1_u32;
    for _ in 0..3000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let step = (random >> 16) % 8;
        let clients = [(&r.pim, alt()), (&r.dvmrp, dmz()), (&r.igmp, stub())];
        for (index, (client, on)) in (0..).zip(clients) {
            if step == index {
                let wanted = wants.get_mut(usize::try_from(index).unwrap()).unwrap();
                *wanted = !*wanted;
                let change =
                    if *wanted { client.adds(on, from(1, 1)) } else { client.deletes(on, from(1, 1)) };
                assert_eq!(change, Change::Changed);
            }
        }
        match step {
            3 | 4 => {
                upstream = if step == 3 { up() } else { lan() };
                r.reroute(1, upstream);
            }
            5 | 6 => {
                let (client, on) = if step == 5 { (&r.pim, up()) } else { (&r.dvmrp, lan()) };
                if client.release_interface_ownership(on).is_err() {
                    client.takes(on);
                }
            }
            7 => r.packet(1, 1, up()),
            _ => {}
        }
        let way = r.mgm.owner(upstream);
        for (client, own) in [(r.pim.name(), 0), (r.dvmrp.name(), 1)] {
            let others = (0..3).any(|index| index != own && wants[index]);
            let pulls = told.lock().get(&client).copied().unwrap_or_default();
            assert_eq!(pulls, others && way == Some(client), "{client}");
        }
    }
}

#[test]
fn ct_8_a_refused_block_leaves_the_route_to_the_source_known() {
    let r = Router::<A>::limited(Limits::default().waiting_alerts(0));
    r.pim.releases(up());
    let wanted = from::<A>(1, 1);
    r.igmp.add_group_membership(stub(), wanted).unwrap();
    r.pim.takes(up());
    let refused = r.igmp.block_source(stub(), wanted.source().unwrap(), wanted.group().unwrap());
    assert!(refused.is_err(), "PIM would have to hear of it");
    r.forget_calls();
    r.reroute(1, lan());
    assert_eq!(r.callbacks().len(), 2, "PIM prunes, DVMRP joins");
}

#[test]
fn ct_5_without_a_route_to_the_source_nobody_is_told() {
    let t = Testbed::<A>::new();
    let [pim, _dvmrp, _bgmp, igmp] = t.four();
    igmp.adds(eth(4), from(1, 1));
    pim.adds(eth(1), from(1, 1));
    igmp.deletes(eth(4), from(1, 1));
    pim.deletes(eth(1), from(1, 1));
    t.assert_calls([]);
}
