//! Entries follow their routes, and their owners: FW-8, FW-9.

use mgm::{Error, ForwardState, Route};

use super::A;
use crate::support::*;

#[test]
fn fw_8_set_mfe_changes_the_upstream_neighbour_and_the_iif() {
    let r = Router::<A>::new();
    r.pim.adds(up(), star(1));
    r.pim.adds(alt(), star(1));
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    let neighbour = Some(A::source(77).address());
    r.pim.set_mfe(A::source(1), A::group(1), up(), neighbour).unwrap();
    assert_eq!((r.mfe(1, 1).unwrap().upstream, r.path(1, 1)), (neighbour, "up -> alt lan".to_owned()));
    r.expect([]); // a neighbour is nothing to the forwarder
    r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
    assert_eq!(r.mfe(1, 1).unwrap().upstream, None);
    r.expect(["forwarder: change (S1, G1) alt -> up lan"]);
}

#[test]
fn fw_8_its_own_interfaces_tell_nobody() {
    let r = Router::<A>::new();
    r.pim.adds(alt(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
    r.expect(["forwarder: change (S1, G1) alt -> nowhere"]);
    r.pim.set_mfe(A::source(1), A::group(1), up(), None).unwrap();
    r.expect(["forwarder: change (S1, G1) up -> alt"]);
}

#[test]
fn fw_8_the_caller_must_own_both_interfaces() {
    let r = Router::<A>::new();
    let set = |client: &Actor<A>, iif| client.set_mfe(A::source(1), A::group(1), iif, None);
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
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["up -> nowhere", "wan -> nowhere"]);
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(neighbour::<A>(up())));
}

#[test]
fn fw_9_if_the_owner_stays_it_is_asked_rpf_and_nobody_is_told() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    r.reroute(1, alt());
    r.expect([
        "rib: S1 via alt",
        "pim: rpf (S1, G1) from up via alt",
        "forwarder: change (S1, G1) alt -> lan",
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.upstream, mfe.prefix), (Some(neighbour::<A>(alt())), Some(host::<A>(1))));
    // And its answer counts: here it stays where it is.
    r.pim.party.rpf(|_, request| Route { interface: alt(), ..request.route });
    r.reroute(1, up());
    r.expect(["rib: S1 via up", "pim: rpf (S1, G1) from alt via up"]);
    assert_eq!(r.path(1, 1), "alt -> lan");
    assert_eq!(r.mgm.wrong_answers(), 0);
}

#[test]
fn fw_9_another_owner_is_asked_and_joins_and_the_old_one_prunes() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    r.reroute(1, lan());
    r.expect([
        "rib: S1 via lan",
        "dvmrp: rpf (S1, G1) from up via lan",
        "forwarder: change (S1, G1) lan -> stub",
        "pim: prune (S1, G1) by forwarding entry",
        "dvmrp: join (S1, G1) by forwarding entry",
    ]);
    assert_eq!(r.mfe(1, 1).unwrap().owner, Some(r.dvmrp.name()));
}

#[test]
fn fw_9_the_new_owner_gets_no_join_if_no_oifs_are_left() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.log.take();
    r.reroute(1, lan());
    r.expect_news([
        "dvmrp: rpf (S1, G1) from up via lan",
        "dvmrp: rpf (S1, G2) from up via lan",
        "pim: prune (S1, G1) by forwarding entry",
        "pim: prune (S1, G2) by forwarding entry",
    ]);
    assert_eq!(r.path(1, 1), "lan -> nowhere");
}

#[test]
fn fw_9_the_new_iif_leaves_the_oifs_and_the_old_one_may_enter() {
    let r = Router::<A>::new();
    for (client, on) in [(&r.pim, up()), (&r.dvmrp, lan()), (&r.dvmrp, dmz())] {
        client.adds(on, star(1));
    }
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    assert_eq!(r.path(1, 1), "up -> lan dmz");
    r.reroute(1, lan());
    assert_eq!(r.path(1, 1), "lan -> up dmz");
    assert_eq!(r.path(1, 2), "lan -> nowhere", "nobody wants it on the old one");
    // No duplicates: what comes in on the old interface goes nowhere.
    assert_eq!(r.traffic(1, 1, up()), "nowhere");
    assert_eq!(r.traffic(1, 1, lan()), "up dmz");
    r.reroute(1, up());
    assert_eq!(r.path(1, 1), "up -> lan dmz");
    r.assert_in_step();
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
    assert_eq!(r.path(1, 1), "up -> dmz");
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(neighbour::<A>(up())));
    r.reroute(1, lan());
    r.reroute(1, up());
    assert_eq!(r.path(1, 1), "up -> dmz");
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(r.path(1, 1), "up -> lan dmz");
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
    r.rib.set(A::everything(), alt());
    r.log.take();
    r.mgm.routes_changed(&host::<A>(2));
    assert_eq!(
        [1, 2, 3].map(|source| r.path(source, 1)),
        ["up -> nowhere", "alt -> nowhere", "up -> nowhere"]
    );
    r.expect([
        "rib: S2 via alt",
        "pim: rpf (S2, G1) from up via alt",
        "forwarder: change (S2, G1) alt -> nowhere",
    ]);
    r.routes_changed();
    assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), ["alt -> nowhere"; 3]);
    r.assert_in_step();
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
        assert_eq!([r.path(1, group), r.path(2, group)], ["lan -> nowhere", "up -> nowhere"]);
    }
    r.assert_in_step();
}

#[test]
fn fw_9_when_the_route_vanishes_the_iif_stays_nobody_owns_the_entry_and_the_old_owner_prunes() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.rib.remove(A::everything());
    r.log.take();
    r.routes_changed();
    r.expect(["rib: S1 via nowhere", "pim: prune (S1, G1) by forwarding entry"]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream, mfe.prefix), (None, None, None));
    assert_eq!(r.path(1, 1), "up -> lan");
    r.dvmrp.deletes(lan(), star(1));
    r.dvmrp.adds(lan(), from(1, 1));
    r.expect_news(["pim: prune (*, G1) by membership"]); // of the entry, nothing
    // The route comes back.
    r.rib.set(A::everything(), up());
    r.routes_changed();
    r.expect_news([
        "pim: rpf (S1, G1) from up via up",
        "pim: join (S1, G1) by forwarding entry",
        "pim: join (S1, G1) by membership",
    ]);
    assert_eq!(r.mfe(1, 1).unwrap().owner, Some(r.pim.name()));
}

#[test]
fn fw_9_a_route_appears_for_an_entry_that_had_none() {
    let r = Router::<A>::new();
    r.rib.remove(A::everything());
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, wan());
    assert_eq!(r.path(1, 1), "wan -> lan");
    r.log.take();
    r.rib.set(A::everything(), alt());
    r.routes_changed();
    r.expect([
        "rib: S1 via alt",
        "pim: rpf (S1, G1) from wan via alt",
        "forwarder: change (S1, G1) alt -> lan",
        "pim: join (S1, G1) by forwarding entry",
    ]);
}

#[test]
fn fw_9_a_route_over_an_interface_that_nobody_owns() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    r.reroute(1, wan());
    r.expect([
        "rib: S1 via wan",
        "forwarder: change (S1, G1) wan -> lan",
        "pim: prune (S1, G1) by forwarding entry",
    ]);
    r.reroute(1, up());
    r.expect([
        "rib: S1 via up",
        "pim: rpf (S1, G1) from wan via up",
        "forwarder: change (S1, G1) up -> lan",
        "pim: join (S1, G1) by forwarding entry",
    ]);
}

#[test]
fn fw_9_a_wrong_answer_when_routes_change_is_counted_and_the_ribs_used() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.pim.party.rpf(|_, request| Route { interface: lan(), ..request.route });
    r.reroute(1, alt());
    assert_eq!((r.path(1, 1), r.mgm.wrong_answers()), ("alt -> nowhere".to_owned(), 1));
}

#[test]
fn fw_9_rpf_is_asked_with_the_iif_and_no_header_where_there_is_no_packet() {
    let r = Router::<A>::new();
    r.packet(1, 1, lan());
    r.pim.party.rpf(|_, request| {
        assert_eq!((request.arrival, request.header), (up(), &[][..]));
        request.route
    });
    r.reroute(1, alt());
    assert_eq!((r.path(1, 1), r.mgm.caught_panics()), ("alt -> nowhere".to_owned(), 0));
}

/// A change that nobody reported is noticed when the source is looked up for another entry.
#[test]
fn fw_9_all_entries_of_a_source_agree_on_the_route() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(1), alt());
    r.packet(1, 2, up());
    assert_eq!([r.path(1, 1), r.path(1, 2)], ["alt -> lan", "alt -> nowhere"]);
    r.assert_in_step();
}

#[test]
fn fw_9_the_stream_survives_the_change_of_route() {
    let r = Router::<A>::new();
    r.dvmrp.adds(dmz(), star(1));
    r.packet(1, 1, up());
    for (way, back) in [(alt(), up()), (lan(), alt()), (up(), lan())] {
        r.reroute(1, way);
        assert_eq!([r.traffic(1, 1, way), r.traffic(1, 1, back)], ["dmz", "nowhere"]);
    }
    r.assert_in_step();
}

#[test]
fn fw_9_all_entries_move_in_one_step() {
    let r = Router::<A>::new();
    r.dvmrp.adds(dmz(), star(1));
    for source in 1..=5 {
        r.packet(source, 1, up());
    }
    r.pim.party.alert(|pim, _| assert!(pim.manager().mfes().all(|mfe| mfe.iif == lan())));
    r.rib.set(A::everything(), lan());
    r.log.take();
    r.routes_changed();
    assert_eq!(r.news().iter().filter(|line| line.starts_with("pim: prune")).count(), 5);
    assert_eq!(r.mgm.caught_panics(), 0);
    r.assert_in_step();
}
