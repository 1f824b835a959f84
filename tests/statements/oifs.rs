//! Where an entry forwards, and who hears of it: FW-2, FW-5, FW-6, MB-5, MB-6.

use std::sync::Arc;

use super::*;

#[test]
fn fw_2_an_interface_is_an_oif_for_what_covers_the_entry_and_for_nothing_else() {
    let cases = [
        (from(1, 1), true),
        (star(1), true),
        (all(), true),
        (from(2, 1), false),
        (from(1, 2), false),
        (star(2), false),
    ];
    for (entry, covers) in cases {
        let expected = if covers { path(up(), [lan()]) } else { path(up(), []) };
        let r = Router::<A>::new();
        r.dvmrp.adds(lan(), entry);
        r.packet(1, 1, up());
        assert_eq!(r.path(1, 1), expected, "{entry}, then the packet");
        r.assert_in_step();
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        r.dvmrp.adds(lan(), entry);
        assert_eq!(r.path(1, 1), expected, "the packet, then {entry}");
        r.dvmrp.deletes(lan(), entry);
        assert_eq!(r.path(1, 1), path(up(), []));
    }
}

#[test]
fn fw_2_in_the_ssm_range_only_who_names_the_source_is_an_oif() {
    for later in [false, true] {
        let r = Router::<A>::new();
        r.packet(if later { 1 } else { 2 }, SSM, up());
        r.dvmrp.adds(lan(), all());
        r.dvmrp.adds(dmz(), from(1, SSM));
        r.packet(1, SSM, up());
        assert_eq!(r.path(1, SSM), path(up(), [dmz()]), "{later}");
    }
}

#[test]
fn fw_2_a_member_on_the_iif_is_counted_and_not_forwarded_to_until_the_iif_moves() {
    let r = Router::<A>::new();
    r.forget_calls();
    r.pim.adds(up(), star(1));
    r.assert_callbacks([join_alert(DVMRP, star(1))]);
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.igmp.takes(alt());
    r.igmp.adds(alt(), star(1));
    assert_eq!(r.path(1, 1), path(up(), [alt()]));
    r.reroute(1, alt());
    assert_eq!(r.path(1, 1), path(alt(), [up()]));
}

/// All that both parties can hold on one interface, and all forward states, before the entry and after.
#[test]
fn fw_2_mb_6_a_block_takes_away_only_its_own_clients_wildcards() {
    let states = [None, Some(ForwardState::On), Some(ForwardState::Off)];
    for held in 0..144_u16 {
        for group in [1, SSM] {
            let r = Router::<A>::new();
            r.igmp.takes(lan());
            r.packet(1, 1, up());
            r.packet(1, SSM, up());
            let mut wanted = false;
            for (client, held) in [(&r.igmp, held % 12), (&r.dvmrp, held / 12)] {
                let (exact, any_source, any_group) = (held % 3, held / 3 % 2 == 1, held / 6 == 1);
                match exact {
                    1 => drop(client.adds(lan(), from(1, group))),
                    2 => drop(client.blocks(lan(), 1, group)),
                    _ => {}
                }
                if any_source && group != SSM {
                    client.adds(lan(), star(group));
                }
                if any_group {
                    client.adds(lan(), all());
                }
                wanted |= exact == 1 || exact == 0 && group != SSM && (any_source || any_group);
            }
            let expected = |iif, on| if on { path(iif, [lan()]) } else { path(iif, []) };
            assert_eq!(r.path(1, group), expected(up(), wanted), "{held}");
            for state in states {
                r.dvmrp.forwards(lan(), 1, group, state);
                let on = state.map_or(wanted, |state| state == ForwardState::On);
                assert_eq!(r.path(1, group), expected(up(), on), "{held} {state:?}");
            }
            // The same from scratch: the entry comes after what is held.
            r.reroute(1, alt());
            r.remove(alt());
            assert_eq!(r.path(1, group), None);
            r.packet(1, group, up());
            assert_eq!(r.path(1, group), expected(alt(), wanted), "{held} from scratch");
        }
    }
}

#[test]
fn mb_3_an_oif_stays_while_igmp_or_the_protocol_wants_it() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    for (first, second) in [(&r.igmp, &r.dvmrp), (&r.dvmrp, &r.igmp)] {
        first.adds(lan(), star(1));
        second.adds(lan(), star(1));
        first.deletes(lan(), star(1));
        assert_eq!(r.path(1, 1), path(up(), [lan()]), "the other one's went with it");
        second.deletes(lan(), star(1));
        assert_eq!(r.path(1, 1), path(up(), []), "it stayed");
    }
}

#[test]
fn fw_5_a_membership_change_updates_every_entry_that_it_covers_and_the_forwarder() {
    let r = Router::<A>::new();
    for (source, group) in [(1, 1), (2, 1), (1, 2), (1, SSM)] {
        r.packet(source, group, up());
    }
    r.forget_calls();
    r.dvmrp.adds(lan(), star(1));
    r.assert_commands([change_mfe(1, 1, up(), [lan()]), change_mfe(2, 1, up(), [lan()])]);
    r.dvmrp.adds(lan(), from(1, 2));
    r.assert_commands([change_mfe(1, 2, up(), [lan()])]);
    r.dvmrp.adds(dmz(), all());
    assert_eq!(r.commands().len(), 3);
    r.dvmrp.deletes(lan(), star(1));
    r.assert_commands([change_mfe(1, 1, up(), [dmz()]), change_mfe(2, 1, up(), [dmz()])]);
}

#[test]
fn fw_5_the_forwarder_hears_only_of_entries_that_change_however_many_there_are() {
    let r = Router::<A>::new();
    for source in 0..300 {
        r.packet(source, source % 100, up());
    }
    r.dvmrp.adds(lan(), star(7));
    r.forget_calls();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(7)); // wanted already
    r.igmp.adds(lan(), from(7, 7));
    r.igmp.blocks(lan(), 107, 7);
    r.dvmrp.deletes(lan(), star(8)); // not held
    r.dvmrp.adds(lan(), from(1000, 8)); // no entry
    r.assert_commands([]);
    r.dvmrp.adds(dmz(), star(8));
    assert_eq!(r.commands().len(), 3, "the three of G8");
    r.dvmrp.forwards(dmz(), 8, 8, ForwardState::On); // forwards already
    r.assert_commands([]);
}

/// Rules 4 and 5 of RFC 2715 §2.
#[test]
fn fw_6_the_owner_of_the_iif_hears_when_the_first_oif_of_another_comes_and_when_the_last_goes() {
    let r = Router::<A>::new();
    r.packet(1, SSM, up());
    r.forget_calls();
    // In the SSM range (*, G) does not disturb; what IGMP wants on `stub` counts for itself.
    r.dvmrp.adds(lan(), from(1, SSM));
    r.assert_callbacks([mfe_join(PIM, 1, SSM), join_alert(PIM, from(1, SSM))]);
    r.dvmrp.adds(dmz(), from(1, SSM));
    r.igmp.adds(stub(), from(1, SSM));
    r.dvmrp.deletes(dmz(), from(1, SSM));
    r.dvmrp.deletes(lan(), from(1, SSM));
    r.assert_callbacks([]);
    r.igmp.deletes(stub(), from(1, SSM));
    r.assert_callbacks([mfe_prune(PIM, 1, SSM), prune_alert(PIM, from(1, SSM))]);
    // Whatever there is of the owner's own.
    r.pim.adds(alt(), from(1, SSM));
    r.assert_callbacks([]);
    r.dvmrp.adds(lan(), from(1, SSM));
    r.assert_callbacks([mfe_join(PIM, 1, SSM), join_alert(PIM, from(1, SSM))]);
    r.dvmrp.deletes(lan(), from(1, SSM));
    r.assert_callbacks([mfe_prune(PIM, 1, SSM), prune_alert(PIM, from(1, SSM))]);
    r.pim.deletes(alt(), from(1, SSM));
    r.assert_callbacks([]);
}

#[test]
fn fw_6_what_igmp_does_on_an_interface_counts_for_its_owner() {
    let r = Router::<A>::new();
    r.igmp.takes(alt());
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    r.forget_calls();
    r.igmp.adds(alt(), from(1, 1));
    r.igmp.deletes(alt(), from(1, 1));
    r.assert_callbacks([local_join(PIM, alt(), from(1, 1)), local_leave(PIM, alt(), from(1, 1))]);
    r.igmp.adds(lan(), from(1, 1));
    r.assert_callbacks_in_any_order([
        local_join(DVMRP, lan(), from(1, 1)),
        mfe_join(PIM, 1, 1),
        join_alert(PIM, from(1, 1)),
    ]);
}

#[test]
fn fw_6_blocks_and_forward_state_empty_and_fill_the_oifs_too() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.dvmrp.blocks(lan(), 1, 1);
    r.assert_callbacks([mfe_prune(PIM, 1, 1)]);
    r.dvmrp.unblocks(lan(), 1, 1);
    r.assert_callbacks([mfe_join(PIM, 1, 1)]);
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.assert_callbacks([mfe_prune(PIM, 1, 1)]);
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.assert_callbacks([mfe_join(PIM, 1, 1)]);
    r.dvmrp.forwards(lan(), 1, 1, None);
    r.dvmrp.forwards(dmz(), 1, 1, None);
    r.assert_callbacks([]);
    r.pim.forwards(alt(), 1, 1, ForwardState::On);
    r.dvmrp.deletes(lan(), star(1));
    r.assert_callbacks([mfe_prune(PIM, 1, 1), prune_alert(PIM, star(1))]);
    r.pim.forwards(alt(), 1, 1, None);
    r.assert_callbacks([]); // its own
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_6_state_first_then_the_alert() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    let forwarder = Arc::clone(&r.forwarder);
    r.inside_alerts(PIM, move |pim, what| {
        let oifs = pim.manager().mfe(A::source(1), A::group(1)).unwrap().oifs;
        let entry = if oifs.is_empty() {
            forwarding_entry(1, 1, up(), [])
        } else {
            forwarding_entry(1, 1, up(), [lan()])
        };
        assert_eq!(oifs.is_empty(), what.is_prune());
        assert_eq!(forwarder.entries(), [entry]);
    });
    r.forget_calls();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.deletes(lan(), star(1));
    r.assert_callbacks([
        mfe_join(PIM, 1, 1),
        join_alert(PIM, star(1)),
        mfe_prune(PIM, 1, 1),
        prune_alert(PIM, star(1)),
    ]);
}

#[test]
fn fw_6_many_entries_of_one_group_each_tell_the_owner_of_their_own_iif() {
    let r = Router::<A>::new();
    r.reroute(2, dmz());
    r.reroute(3, wan());
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.forget_calls();
    r.igmp.adds(stub(), star(1));
    r.assert_callbacks([
        mfe_join(PIM, 1, 1),
        join_alert(PIM, star(1)),
        mfe_join(DVMRP, 2, 1),
        join_alert(DVMRP, star(1)),
    ]);
}

#[test]
fn mb_5_forward_state_is_set_by_the_owner_in_an_entry_that_exists() {
    let r = Router::<A>::new();
    let on = Some(ForwardState::On);
    let set =
        |client: &Client<A>, interface| client.set_forward_state(interface, A::source(1), A::group(1), on);
    assert_eq!(set(&r.dvmrp, lan()), Err(Error::NoSuchMfe { entry: from(1, 1) }));
    r.packet(1, 1, up());
    for (client, interface, owner) in [
        (&r.pim, lan(), Some(r.dvmrp.name())),
        (&r.pim, stub(), Some(ClientName::Igmp)),
        (&r.pim, wan(), None),
    ] {
        let refused = Error::NotOnInterface { interface, client: client.name(), owner };
        assert_eq!(set(client, interface), Err(refused));
    }
    r.igmp.takes(lan());
    let refused = Error::NotOwner { interface: lan(), client: ClientName::Igmp, owner: r.dvmrp.name() };
    assert_eq!(set(&r.igmp, lan()), Err(refused));
    assert_eq!(r.path(1, 1), path(up(), []));
    assert_eq!(set(&r.dvmrp, lan()), Ok(Change::Changed));
    assert_eq!(set(&r.igmp, stub()), Ok(Change::Changed), "where only IGMP is, it is the owner");
    assert_eq!(r.path(1, 1), path(up(), [lan(), stub()]));
    assert_eq!(set(&r.dvmrp, lan()), Ok(Change::Unchanged));
    assert_eq!(r.dvmrp.forwards(lan(), 1, 1, None), Change::Changed);
    assert_eq!(r.dvmrp.forwards(lan(), 1, 1, None), Change::Unchanged);
    assert_eq!(r.path(1, 1), path(up(), [stub()]));
}

#[test]
fn mb_5_it_is_no_membership() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.pim.forwards(alt(), 1, 1, ForwardState::On);
    r.forget_calls();
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.assert_callbacks([mfe_join(PIM, 1, 1)]); // an oif of another (FW-6)
    assert_eq!(r.mgm.groups().count(), 0);
    r.dvmrp.adds(dmz(), star(1));
    r.assert_callbacks([join_alert(PIM, star(1))]); // the first that wants it
}

#[test]
fn mb_5_off_keeps_the_interface_out_whatever_is_joined() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.dvmrp.adds(lan(), star(1));
    r.igmp.adds(lan(), from(1, 1));
    r.igmp.adds(lan(), all());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn mb_5_on_is_no_oif_while_it_is_the_iif() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.pim.forwards(up(), 1, 1, ForwardState::On);
    assert_eq!(r.path(1, 1), path(up(), []));
    r.reroute(1, alt());
    assert_eq!(r.path(1, 1), path(alt(), [up()]));
}

#[test]
fn mb_5_it_goes_with_the_entry() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.expire(900);
    assert_eq!(r.path(1, 1), None);
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn mb_5_it_goes_when_the_interface_changes_hands() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.igmp.forwards(stub(), 1, 1, ForwardState::On);
    assert_eq!(r.path(1, 1), path(up(), [lan(), stub()]));
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    assert_eq!(r.path(1, 1), path(up(), [stub()]));
    r.dvmrp.takes(stub()); // from IGMP
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.forwards(stub(), 1, 1, ForwardState::On);
    r.dvmrp.releases(stub()); // back to IGMP
    assert_eq!(r.path(1, 1), path(up(), []));
    r.igmp.forwards(stub(), 1, 1, ForwardState::On);
    r.igmp.releases(stub());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.igmp.takes(stub());
    assert_eq!(r.path(1, 1), path(up(), []));
    // Off as well: what is joined after counts.
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.dvmrp.releases(lan());
    r.pim.takes(lan());
    r.pim.adds(lan(), star(1));
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn mb_5_igmp_that_comes_or_goes_beside_the_owner_leaves_it() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.igmp.takes(lan());
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
    r.igmp.releases(lan());
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn mb_6_a_block_outlives_the_entry() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.igmp.blocks(stub(), 1, 1);
    r.packet(1, 1, up());
    r.packet(2, 1, up());
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), []), path(up(), [stub()])]);
    r.remove(up());
    assert_eq!(r.path(1, 1), None);
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.igmp.unblocks(stub(), 1, 1);
    assert_eq!(r.path(1, 1), path(up(), [stub()]));
}

/// IGMPv3's transitions, with calls in the order of make before break: no gap in the forwarder.
#[test]
fn mb_6_a_change_of_the_filter_mode_makes_before_it_breaks() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), from(1, 1)); // INCLUDE(S1)
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.forget_calls();
    // To EXCLUDE(S1; S2).
    r.igmp.adds(stub(), star(1));
    r.igmp.blocks(stub(), 2, 1);
    assert_eq!(
        [path(up(), [stub()]), path(up(), []), path(up(), [stub()])],
        [1, 2, 3].map(|source| r.path(source, 1))
    );
    assert!(r.commands().iter().all(|call| !call.what.is_about_source(1)), "S1 was disturbed");
    // Back to INCLUDE(S1).
    r.igmp.unblocks(stub(), 2, 1);
    r.igmp.deletes(stub(), star(1));
    assert_eq!(
        [path(up(), [stub()]), path(up(), []), path(up(), [])],
        [1, 2, 3].map(|source| r.path(source, 1))
    );
    assert!(r.commands().iter().all(|call| !call.what.is_about_source(1)), "S1 was disturbed");
}
