//! How an entry is made: FW-1, FW-3, FW-4, and FW-6 at creation.

use super::*;

#[test]
fn fw_1_the_rib_then_rpf_then_creation_alert_then_the_forwarder_then_one_alert() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_calls([
        lookup(1, up()),
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(DVMRP, 1, 1, up(), [enabled(lan())]),
        add_mfe(1, 1, up(), [lan()]),
        mfe_join(PIM, 1, 1),
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream), (Some(r.pim.name()), Some(neighbour::<A>(up()))));
    assert_eq!((mfe.prefix, mfe.failure), (Some(A::every_source()), None));
    assert_eq!((mfe.made, mfe.expires), (r.at(0), Some(r.at(900))));
    assert_eq!(r.traffic(1, 1, up()), Some(vec![lan()]));
}

#[test]
fn fw_1_the_owner_is_found_by_the_route_to_the_source_not_by_the_arrival_interface() {
    let r = Router::<A>::new();
    r.packet(1, 1, lan());
    r.assert_callbacks([rpf(PIM, 1, 1, arrived(lan()), via(up())), mfe_prune(PIM, 1, 1)]);
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_1_rpf_is_shown_the_packet_and_the_route() {
    let r = Router::<A>::new();
    r.answer_rpf(PIM, |client, request| {
        assert_eq!((request.source, request.group), (A::source(1), A::group(1)));
        assert_eq!((request.arrival, request.header), (lan(), &[7, 7][..]));
        assert_eq!(request.route, route(A::every_source(), up()));
        assert_eq!(client.manager().mfe(request.source, request.group), None);
        request.route
    });
    r.packet(1, 1, lan());
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_1_rpf_may_answer_another_interface_of_its_own_another_neighbour_and_another_route() {
    let r = Router::<A>::new();
    let prefix = host::<A>(1);
    let neighbour = A::source(77).address();
    r.answer_rpf(PIM, move |_, _| Route::new(prefix, alt()).upstream(neighbour));
    r.pim.adds(up(), star(1));
    r.pim.adds(alt(), star(1));
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_callbacks([
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(PIM, 1, 1, alt(), [enabled(up())]),
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!(r.path(1, 1), path(alt(), [up()]));
    assert_eq!((mfe.upstream, mfe.prefix, mfe.owner), (Some(neighbour), Some(prefix), Some(r.pim.name())));
    assert_eq!(r.mgm.wrong_answers(), 0);
}

#[test]
fn fw_1_a_wrong_answer_to_rpf_is_counted_and_the_ribs_is_used() {
    let r = Router::<A>::new();
    let of_another = route(A::every_source(), lan());
    let of_nobody = route(A::every_source(), wan());
    let elsewhere = route(host::<A>(2), alt());
    let wrong = [of_another, of_nobody, elsewhere];
    for (number, answer) in (1..).zip(wrong) {
        r.answer_rpf(PIM, move |_, _| answer);
        r.packet(1, number, up());
        let mfe = r.mfe(1, number).unwrap();
        assert_eq!(r.path(1, number), path(up(), []));
        assert_eq!((mfe.prefix, mfe.upstream), (Some(A::every_source()), Some(neighbour::<A>(up()))));
        assert_eq!(r.mgm.wrong_answers(), u64::from(number));
    }
}

#[test]
fn fw_1_the_ribs_own_answer_is_never_wrong() {
    let r = Router::<A>::new();
    r.inside_next(PIM, What::is_rpf, |pim| pim.releases(up()));
    r.packet(1, 1, up());
    assert_eq!(r.mgm.wrong_answers(), 0, "its interface went while it was asked");
    assert_eq!(r.mfe(1, 1).unwrap().owner, None);
}

#[test]
fn fw_1_a_panic_in_rpf_leaves_the_ribs_answer() {
    let r = Router::<A>::new();
    r.answer_rpf(PIM, |_, _| boom());
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.assert_panics(1);
    assert_eq!(r.mgm.wrong_answers(), 0);
}

#[test]
fn fw_1_nobody_is_asked_where_no_protocol_owns_the_interface_toward_the_source() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.reroute(1, wan());
    r.reroute(2, stub());
    r.forget_calls();
    r.packet(1, 1, wan());
    r.packet(2, 1, stub()); // IGMP is the owner, and is never asked (CL-6)
    r.assert_callbacks([
        creation_alert(DVMRP, 1, 1, wan(), [enabled(lan())]),
        creation_alert(DVMRP, 2, 1, stub(), [enabled(lan())]),
    ]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), [lan()]), path(stub(), [lan()])]);
    assert_eq!([r.mfe(1, 1).unwrap().owner, r.mfe(2, 1).unwrap().owner], [None, Some(ClientName::Igmp)]);
}

#[test]
fn fw_1_a_packet_that_came_in_elsewhere_is_on_the_wrong_interface() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.packet(1, 1, lan());
    r.assert_calls([
        lookup(1, up()),
        rpf(PIM, 1, 1, arrived(lan()), via(up())),
        add_mfe(1, 1, up(), []),
        mfe_prune(PIM, 1, 1),
        wrong_interface(DVMRP, lan(), 1, 1, &[7, 7]),
    ]);
}

#[test]
fn fw_1_a_link_of_a_point_to_multipoint_interface_is_an_iif_and_an_oif_of_its_own() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(hub(8));
    r.pim.takes(hub(9));
    r.reroute(1, hub(8));
    bgmp.adds(hub(8), star(1));
    r.pim.adds(hub(9), star(1));
    r.forget_calls();
    r.packet(1, 1, hub(8));
    r.assert_callbacks([
        rpf(BGMP, 1, 1, arrived(hub(8)), via(hub(8))),
        creation_alert(PIM, 1, 1, hub(8), [enabled(hub(9))]),
        mfe_join(BGMP, 1, 1),
    ]);
    assert_eq!(r.path(1, 1), path(hub(8), [hub(9)]));
}

#[test]
fn fw_1_the_rib_is_asked_once_for_an_entry() {
    let r = Router::<A>::new();
    for group in 1..4 {
        r.packet(1, group, up());
    }
    let asked = r.calls().into_iter().filter(|call| call.to == Party::Rib).count();
    assert_eq!(asked, 3);
}

#[test]
fn fw_3_each_protocol_is_asked_about_its_own_oifs_and_told_whether_igmp_is_there() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    r.igmp.takes(dmz());
    for (client, on) in [(&r.dvmrp, lan()), (&r.dvmrp, dmz()), (&r.igmp, stub()), (&bgmp, wan())] {
        client.adds(on, star(1));
    }
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_callbacks([
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(DVMRP, 1, 1, up(), [enabled(lan()), enabled(dmz()).with_igmp()]),
        creation_alert(BGMP, 1, 1, up(), [enabled(wan())]),
        mfe_join(PIM, 1, 1),
    ]);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz(), stub(), wan()]));
}

#[test]
fn fw_3_who_has_no_oif_is_not_asked_and_the_iif_is_no_oif() {
    let r = Router::<A>::new();
    r.pim.adds(up(), star(1));
    r.dvmrp.adds(lan(), star(2));
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_callbacks([rpf(PIM, 1, 1, arrived(up()), via(up())), mfe_prune(PIM, 1, 1)]);
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_3_what_a_protocol_disables_is_forward_state_off() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.disable_in_creation(DVMRP, lan());
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
    r.dvmrp.adds(lan(), from(1, 1)); // whatever is joined
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
}

#[test]
fn fw_3_a_protocol_may_be_asked_always_with_all_its_interfaces_and_may_enable() {
    let r = Router::<A>::new();
    let flood = r.flooder(BGMP);
    flood.takes(wan());
    flood.takes(eth(20));
    flood.adds(wan(), star(1));
    r.enable_in_creation(BGMP, eth(20));
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_callbacks([
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(BGMP, 1, 1, up(), [enabled(wan()), disabled(eth(20))]),
        mfe_join(PIM, 1, 1),
    ]);
    assert_eq!(r.path(1, 1), path(up(), [wan(), eth(20)]));
    flood.deletes(wan(), star(1));
    assert_eq!(r.path(1, 1), path(up(), [eth(20)]), "an answer outlives the membership, as forward state");
    // The iif is not among what it is asked about, and with nothing to offer it is asked all the same.
    flood.releases(eth(20));
    r.reroute(2, wan());
    r.forget_calls();
    r.packet(2, 1, wan());
    r.assert_callbacks([
        rpf(BGMP, 2, 1, arrived(wan()), via(wan())),
        creation_alert(BGMP, 2, 1, wan(), []),
        mfe_prune(BGMP, 2, 1),
    ]);
}

#[test]
fn fw_3_a_protocol_that_is_asked_always_may_disable_too() {
    let r = Router::<A>::new();
    let flood = r.flooder(BGMP);
    flood.takes(wan());
    flood.adds(wan(), star(1));
    r.disable_in_creation(BGMP, wan());
    r.forget_calls();
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
    assert_eq!(r.callbacks().last(), Some(&mfe_prune(PIM, 1, 1)));
}

#[test]
fn fw_3_an_answer_is_of_the_interface_that_it_names_in_whatever_order() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.answer_creation(DVMRP, |_, oifs| {
        oifs.reverse();
        oifs.first_mut().unwrap().set_enabled(false);
    });
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
    // What is written over says nothing, and says nothing twice.
    r.answer_creation(DVMRP, |_, oifs| {
        let [first, second] = oifs else { return };
        first.set_enabled(false);
        *second = *first;
    });
    r.packet(2, 1, up());
    assert_eq!(r.path(2, 1), path(up(), [dmz()]));
}

#[test]
fn fw_3_the_answers_of_a_creation_alert_that_panicked_are_ignored() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.answer_creation(DVMRP, |_, oifs| {
        oifs.iter_mut().for_each(|oif| oif.set_enabled(false));
        boom();
    });
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
    r.assert_panics(1);
}

#[test]
fn fw_4_an_entry_without_oifs_is_installed_and_absorbs_packets_without_any_further_callback() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    assert_eq!(r.traffic(1, 1, up()), None);
    r.packet(1, 1, up());
    r.assert_calls([
        lookup(1, up()),
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        add_mfe(1, 1, up(), []),
        mfe_prune(PIM, 1, 1),
    ]);
    assert_eq!(r.traffic(1, 1, up()), Some(vec![]));
    r.packet(1, 1, up());
    r.packet(1, 1, lan());
    r.assert_calls([]);
}

#[test]
fn fw_4_without_a_route_the_arrival_interface_is_the_iif_and_nobody_is_asked_or_told() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    let flood = r.flooder(BGMP);
    flood.takes(wan());
    r.rib.remove(A::every_source());
    r.forget_calls();
    r.packet(1, 1, up());
    r.assert_calls([lookup(1, None), add_mfe(1, 1, up(), [lan()])]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream, mfe.prefix), (None, None, None));
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.dvmrp.forwards(lan(), 1, 1, None);
    r.assert_callbacks([]);
    r.packet(1, 2, lan()); // nor about one without oifs
    r.assert_callbacks([]);
    assert_eq!(r.path(1, 2), path(lan(), []));
}

#[test]
fn fw_4_without_a_rib_no_source_has_a_route() {
    let mgm = Mgm::<A>::default();
    mgm.packet_received(A::source(1), A::group(1), wan(), &[], std::time::Instant::now()).unwrap();
    let mfe = mgm.mfe(A::source(1), A::group(1)).unwrap();
    assert_eq!((mfe.iif, mfe.owner), (wan(), None));
}

#[test]
fn fw_4_a_rib_that_panics_knows_no_route() {
    let r = Router::<A>::new();
    r.rib.inside_lookups(|| boom());
    r.packet(1, 1, dmz());
    assert_eq!(r.path(1, 1), path(dmz(), []));
    r.assert_panics(1);
    r.assert_callbacks([]);
}

/// At most one alert: a prune if there are no oifs, a join if another client's is among them.
#[test]
fn fw_6_at_creation_the_owner_of_the_iif_gets_at_most_one_alert() {
    let (join, prune) = (|| Some(mfe_join(PIM, 1, 1)), || Some(mfe_prune(PIM, 1, 1)));
    let cases = [
        (vec![], prune()),
        (vec![up()], prune()),
        (vec![alt()], None),
        (vec![alt(), lan()], join()),
        (vec![lan()], join()),
        (vec![stub()], join()),
    ];
    for (joined, alert) in cases {
        let r = Router::<A>::new();
        for (client, on) in [(&r.pim, up()), (&r.pim, alt()), (&r.dvmrp, lan()), (&r.igmp, stub())] {
            if joined.contains(&on) {
                client.adds(on, star(1));
            }
        }
        r.forget_calls();
        r.packet(1, 1, up());
        let mut alerts = r.callbacks();
        alerts.retain(|call| call.what.cause() == Some(AlertCause::ForwardingEntry));
        assert_eq!(alerts, Vec::from_iter(alert), "{joined:?}");
    }
}

#[test]
fn fw_6_at_creation_the_state_and_the_forwarder_come_before_the_alert() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    let forwarder = std::sync::Arc::clone(&r.forwarder);
    r.inside_alerts(PIM, move |pim, _| {
        let mfe = pim.manager().mfe(A::source(1), A::group(1)).unwrap();
        assert_eq!((mfe.owner, mfe.oifs), (Some(pim.name()), vec![lan()]));
        assert_eq!(forwarder.entries(), [forwarding_entry(1, 1, up(), [lan()])]);
    });
    r.forget_calls();
    r.packet(1, 1, up());
    assert_eq!(r.callbacks().last(), Some(&mfe_join(PIM, 1, 1)));
    assert!(matches!(r.mfe(1, 1).unwrap().owner, Some(ClientName::Protocol(_))));
}
