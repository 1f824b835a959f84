//! Entries follow their routes, and their owners: FW-8, FW-9.

use std::sync::Arc;

use super::*;

#[test]
fn fw_8_set_mfe_changes_the_upstream_neighbour_and_the_iif() {
    let r = Router::<A>::new();
    r.pim.adds(up(), star(1));
    r.pim.adds(alt(), star(1));
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    let neighbour = Some(A::source(77).address());
    r.pim.set_mfe(A::source(1), A::group(1), up(), neighbour).unwrap();
    assert_eq!((r.mfe(1, 1).unwrap().upstream, r.path(1, 1)), (neighbour, path(up(), [alt(), lan()])));
    r.assert_calls([]); // a neighbour is nothing to the forwarder
    r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
    assert_eq!(r.mfe(1, 1).unwrap().upstream, None);
    r.assert_calls([change_mfe(1, 1, alt(), [up(), lan()])]);
}

#[test]
fn fw_8_its_own_interfaces_tell_nobody() {
    let r = Router::<A>::new();
    r.pim.adds(alt(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
    r.assert_calls([change_mfe(1, 1, alt(), [])]);
    r.pim.set_mfe(A::source(1), A::group(1), up(), None).unwrap();
    r.assert_calls([change_mfe(1, 1, up(), [alt()])]);
}

#[test]
fn fw_8_the_caller_must_own_both_interfaces() {
    let r = Router::<A>::new();
    let set = |client: &Client<A>, iif| client.set_mfe(A::source(1), A::group(1), iif, None);
    let entry = from(1, 1);
    assert_eq!(set(&r.pim, up()), Err(Error::NoSuchMfe { entry }));
    r.packet(1, 1, up());
    let refused = Error::NotIncoming { entry, client: r.dvmrp.name(), owner: Some(r.pim.name()) };
    assert_eq!(set(&r.dvmrp, lan()), Err(refused));
    for (interface, owner) in [(lan(), Some(r.dvmrp.name())), (wan(), None)] {
        let refused = Error::NotOnInterface { interface, client: r.pim.name(), owner };
        assert_eq!(set(&r.pim, interface), Err(refused));
    }
    r.rib.set(host::<A>(2), wan());
    r.packet(2, 1, up());
    let refused = Error::NotIncoming { entry: from(2, 1), client: r.pim.name(), owner: None };
    assert_eq!(r.pim.set_mfe(A::source(2), A::group(1), up(), None), Err(refused));
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), []), path(wan(), [])]);
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(neighbour::<A>(up())));
}

#[test]
fn fw_9_if_the_owner_stays_it_is_asked_rpf_and_nobody_is_told() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.reroute(1, alt());
    r.assert_calls([
        lookup(1, alt()),
        rpf(PIM, 1, 1, arrived(up()), via(alt())),
        change_mfe(1, 1, alt(), [lan()]),
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.upstream, mfe.prefix), (Some(neighbour::<A>(alt())), Some(host::<A>(1))));
    // And its answer counts: here it stays where it is.
    r.answer_rpf(PIM, |_, request| request.route.over(alt()));
    r.reroute(1, up());
    r.assert_calls([lookup(1, up()), rpf(PIM, 1, 1, arrived(alt()), via(up()))]);
    assert_eq!(r.path(1, 1), path(alt(), [lan()]));
    assert_eq!(r.mgm.wrong_answers(), 0);
}

#[test]
fn fw_9_another_owner_is_asked_and_joins_and_the_old_one_prunes() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.reroute(1, lan());
    r.assert_calls([
        lookup(1, lan()),
        rpf(DVMRP, 1, 1, arrived(up()), via(lan())),
        change_mfe(1, 1, lan(), [stub()]),
        mfe_join(DVMRP, 1, 1),
        mfe_prune(PIM, 1, 1),
    ]);
    assert_eq!(r.mfe(1, 1).unwrap().owner, Some(r.dvmrp.name()));
}

#[test]
fn fw_9_the_new_owner_is_told_as_at_creation_and_the_old_one_only_if_it_pulled() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.forget_calls();
    r.reroute(1, lan());
    r.assert_callbacks([
        rpf(DVMRP, 1, 1, arrived(up()), via(lan())),
        mfe_prune(PIM, 1, 1),
        mfe_prune(DVMRP, 1, 1), // no oif is left
        rpf(DVMRP, 1, 2, arrived(up()), via(lan())),
        mfe_prune(DVMRP, 1, 2),
    ]);
    assert_eq!(r.path(1, 1), path(lan(), []));
}

#[test]
fn fw_9_the_new_iif_leaves_the_oifs_and_the_old_one_may_enter() {
    let r = Router::<A>::new();
    for (client, on) in [(&r.pim, up()), (&r.dvmrp, lan()), (&r.dvmrp, dmz())] {
        client.adds(on, star(1));
    }
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
    r.reroute(1, lan());
    assert_eq!(r.path(1, 1), path(lan(), [up(), dmz()]));
    assert_eq!(r.path(1, 2), path(lan(), []), "nobody wants it on the old one");
    // No duplicates: what comes in on the old interface goes nowhere.
    assert_eq!(r.traffic(1, 1, up()), Some(vec![]));
    assert_eq!(r.traffic(1, 1, lan()), Some(vec![up(), dmz()]));
    r.reroute(1, up());
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
}

#[test]
fn fw_9_forward_state_stays_and_a_neighbour_set_by_set_mfe_is_dropped() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.pim.set_mfe(A::source(1), A::group(1), alt(), Some(A::source(77).address())).unwrap();
    r.routes_changed();
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(neighbour::<A>(up())));
    r.reroute(1, lan());
    r.reroute(1, up());
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
}

#[test]
fn fw_9_it_keeps_its_time_and_what_it_counted() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.expire(100);
    let before = r.mfe(1, 1).unwrap();
    r.reroute(1, lan());
    let after = r.mfe(1, 1).unwrap();
    assert_eq!((before.made, before.expires), (after.made, after.expires));
    assert_eq!(r.mgm.mfe_stats(A::source(1), A::group(1)).unwrap().packets, 1);
}

#[test]
fn fw_9_only_sources_that_the_prefix_covers_are_looked_up_again() {
    let r = Router::<A>::new();
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.rib.set(A::every_source(), alt());
    r.forget_calls();
    r.mgm.routes_changed(&host::<A>(2));
    assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), [path(up(), []), path(alt(), []), path(up(), [])]);
    r.assert_calls([
        lookup(2, alt()),
        rpf(PIM, 2, 1, arrived(up()), via(alt())),
        change_mfe(2, 1, alt(), []),
    ]);
    r.routes_changed();
    assert_eq!(
        [1, 2, 3].map(|source| r.path(source, 1)),
        [path(alt(), []), path(alt(), []), path(alt(), [])]
    );
}

#[test]
fn fw_9_all_groups_of_a_source_follow() {
    let r = Router::<A>::new();
    for group in 1..=5 {
        r.packet(1, group, up());
        r.packet(2, group, up());
    }
    r.reroute(1, lan());
    for group in 1..=5 {
        assert_eq!([r.path(1, group), r.path(2, group)], [path(lan(), []), path(up(), [])]);
    }
}

#[test]
fn fw_9_when_the_route_vanishes_the_iif_stays_nobody_owns_the_entry_and_the_old_owner_prunes() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.rib.remove(A::every_source());
    r.forget_calls();
    r.routes_changed();
    r.assert_calls([lookup(1, None), mfe_prune(PIM, 1, 1)]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream, mfe.prefix), (None, None, None));
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
    r.dvmrp.deletes(lan(), star(1));
    r.dvmrp.adds(lan(), from(1, 1));
    r.assert_callbacks([prune_alert(PIM, star(1))]); // of the entry, nothing
    // The route comes back.
    r.rib.set(A::every_source(), up());
    r.routes_changed();
    r.assert_callbacks([
        join_alert(PIM, from(1, 1)),
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        mfe_join(PIM, 1, 1),
    ]);
    assert_eq!(r.mfe(1, 1).unwrap().owner, Some(r.pim.name()));
}

#[test]
fn fw_9_a_route_appears_for_an_entry_that_had_none() {
    let r = Router::<A>::new();
    r.rib.remove(A::every_source());
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, wan());
    assert_eq!(r.path(1, 1), path(wan(), [lan()]));
    r.forget_calls();
    r.rib.set(A::every_source(), alt());
    r.routes_changed();
    r.assert_calls([
        lookup(1, alt()),
        rpf(PIM, 1, 1, arrived(wan()), via(alt())),
        change_mfe(1, 1, alt(), [lan()]),
        mfe_join(PIM, 1, 1),
    ]);
}

#[test]
fn fw_9_a_route_over_an_interface_that_nobody_owns() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.reroute(1, wan());
    r.assert_calls([lookup(1, wan()), change_mfe(1, 1, wan(), [lan()]), mfe_prune(PIM, 1, 1)]);
    r.reroute(1, up());
    r.assert_calls([
        lookup(1, up()),
        rpf(PIM, 1, 1, arrived(wan()), via(up())),
        change_mfe(1, 1, up(), [lan()]),
        mfe_join(PIM, 1, 1),
    ]);
}

#[test]
fn fw_9_a_wrong_answer_when_routes_change_is_counted_and_the_ribs_used() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.answer_rpf(PIM, |_, request| request.route.over(lan()));
    r.reroute(1, alt());
    assert_eq!((r.path(1, 1), r.mgm.wrong_answers()), (path(alt(), []), 1));
}

#[test]
fn fw_9_rpf_is_asked_with_the_iif_and_no_header_where_there_is_no_packet() {
    let r = Router::<A>::new();
    r.packet(1, 1, lan());
    r.answer_rpf(PIM, |_, request| {
        assert_eq!((request.arrival, request.header), (up(), &[][..]));
        request.route
    });
    r.reroute(1, alt());
    assert_eq!(r.path(1, 1), path(alt(), []));
}

/// A change that nobody reported is noticed when the source is looked up for another entry.
#[test]
fn fw_9_all_entries_of_a_source_agree_on_the_route() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(1), alt());
    r.packet(1, 2, up());
    assert_eq!([r.path(1, 1), r.path(1, 2)], [path(alt(), [lan()]), path(alt(), [])]);
}

#[test]
fn fw_9_the_stream_survives_the_change_of_route() {
    let r = Router::<A>::new();
    r.dvmrp.adds(dmz(), star(1));
    r.packet(1, 1, up());
    for (way, back) in [(alt(), up()), (lan(), alt()), (up(), lan())] {
        r.reroute(1, way);
        assert_eq!([r.traffic(1, 1, way), r.traffic(1, 1, back)], [Some(vec![dmz()]), Some(vec![])]);
    }
}

#[test]
fn fw_9_each_entry_moves_in_one_step() {
    let r = Router::<A>::new();
    r.dvmrp.adds(dmz(), star(1));
    for source in 1..=5 {
        r.packet(source, 1, up());
    }
    r.inside_alerts(PIM, |pim, what| {
        let What::Prune(entry, _) = what else { panic!("{what:?}") };
        let mfe = pim.manager().mfe(entry.source().unwrap(), entry.group().unwrap()).unwrap();
        assert_eq!((mfe.iif, mfe.oifs, mfe.owner), (lan(), vec![dmz()], Some(ClientName::Protocol(DVMRP))));
    });
    r.rib.set(A::every_source(), lan());
    r.forget_calls();
    r.routes_changed();
    assert_eq!(count(&r.callbacks(), PIM, What::is_prune), 5);
}

#[test]
fn fw_9_a_route_that_changes_again_while_rpf_is_asked() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    let rib = Arc::clone(&r.rib);
    r.inside_next(PIM, What::is_rpf, move |pim| {
        rib.set(A::every_source(), lan());
        pim.manager().routes_changed(&A::every_source());
    });
    r.forget_calls();
    r.rib.set(A::every_source(), alt());
    r.routes_changed();
    assert_eq!(r.path(1, 1), path(lan(), [stub()]));
    let news = r.callbacks();
    for once in [mfe_prune(PIM, 1, 1), mfe_join(DVMRP, 1, 1)] {
        assert_eq!(news.iter().filter(|call| **call == once).count(), 1, "{once:?}");
    }
}

#[test]
fn fw_9_an_owner_that_releases_the_interface_while_rpf_is_asked() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.inside_next(DVMRP, What::is_rpf, |dvmrp| dvmrp.releases(lan()));
    r.forget_calls();
    r.reroute(1, lan());
    assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(lan(), [stub()]), None));
    r.assert_callbacks([rpf(DVMRP, 1, 1, arrived(up()), via(lan())), mfe_prune(PIM, 1, 1)]);
}

#[test]
fn fw_9_an_entry_that_goes_while_rpf_is_asked_stays_away() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.inside_next(DVMRP, What::is_rpf, |dvmrp| dvmrp.manager().interface_removed(up::<A>().index()));
    r.forget_calls();
    r.reroute(1, lan());
    assert_eq!([r.path(1, 1), r.path(1, 2)], [None, None]);
    assert_eq!(count(&r.callbacks(), PIM, What::is_prune), 0);
}
