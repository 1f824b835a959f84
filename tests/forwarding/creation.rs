//! How an entry is made: FW-1, FW-3, FW-4, and FW-6 at creation.

use mgm::{ClientName, ForwardState, Mgm, Route};

use super::A;
use crate::support::*;

#[test]
fn fw_1_the_rib_then_rpf_then_creation_alert_then_the_forwarder_then_one_alert() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.log.take();
    r.packet(1, 1, up());
    r.expect([
        "rib: S1 via up",
        "pim: rpf (S1, G1) from up via up",
        "dvmrp: creation (S1, G1) on up: lan+",
        "forwarder: add (S1, G1) up -> lan",
        "pim: join (S1, G1) by forwarding entry",
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream), (Some(r.pim.name()), Some(neighbour::<A>(up()))));
    assert_eq!((mfe.prefix, mfe.failure), (Some(A::everything()), None));
    assert_eq!((mfe.made, mfe.expires), (r.at(0), Some(r.at(900))));
    assert_eq!(r.traffic(1, 1, up()), "lan");
}

#[test]
fn fw_1_the_owner_is_found_by_the_route_to_the_source_not_by_the_arrival_interface() {
    let r = Router::<A>::new();
    r.packet(1, 1, lan());
    r.expect_news(["pim: rpf (S1, G1) from lan via up", "pim: prune (S1, G1) by forwarding entry"]);
    assert_eq!(r.path(1, 1), "up -> nowhere");
}

#[test]
fn fw_1_rpf_is_shown_the_packet_and_the_route() {
    let r = Router::<A>::new();
    r.pim.party.rpf(|client, request| {
        assert_eq!((request.source, request.group), (A::source(1), A::group(1)));
        assert_eq!((request.arrival, request.header), (lan(), &[7, 7][..]));
        assert_eq!(request.route, route(A::everything(), up()));
        assert_eq!(client.manager().mfe(request.source, request.group), None);
        request.route
    });
    r.packet(1, 1, lan());
    assert_eq!(r.mgm.caught_panics(), 0);
    assert_eq!(r.path(1, 1), "up -> nowhere");
}

#[test]
fn fw_1_rpf_may_answer_another_interface_of_its_own_another_neighbour_and_another_route() {
    let r = Router::<A>::new();
    let prefix = host::<A>(1);
    let neighbour = A::source(77).address();
    r.pim.party.rpf(move |_, _| Route { prefix, interface: alt(), upstream: Some(neighbour) });
    r.pim.adds(up(), star(1));
    r.pim.adds(alt(), star(1));
    r.log.take();
    r.packet(1, 1, up());
    r.expect_news(["pim: rpf (S1, G1) from up via up", "pim: creation (S1, G1) on alt: up+"]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!(r.path(1, 1), "alt -> up");
    assert_eq!((mfe.upstream, mfe.prefix, mfe.owner), (Some(neighbour), Some(prefix), Some(r.pim.name())));
    assert_eq!(r.mgm.wrong_answers(), 0);
}

#[test]
fn fw_1_a_wrong_answer_to_rpf_is_counted_and_the_ribs_is_used() {
    let r = Router::<A>::new();
    let of_another = route(A::everything(), lan());
    let of_nobody = route(A::everything(), wan());
    let elsewhere = route(host::<A>(2), alt());
    let wrong = [of_another, of_nobody, elsewhere];
    for (number, answer) in (1..).zip(wrong) {
        r.pim.party.rpf(move |_, _| answer);
        r.packet(1, number, up());
        let mfe = r.mfe(1, number).unwrap();
        assert_eq!(r.path(1, number), "up -> nowhere");
        assert_eq!((mfe.prefix, mfe.upstream), (Some(A::everything()), Some(neighbour::<A>(up()))));
        assert_eq!(r.mgm.wrong_answers(), u64::from(number));
    }
    r.assert_in_step();
}

#[test]
fn fw_1_the_ribs_own_answer_is_never_wrong() {
    let r = Router::<A>::new();
    r.pim.party.once_in_rpf(|pim| pim.releases(up()));
    r.packet(1, 1, up());
    assert_eq!(r.mgm.wrong_answers(), 0, "its interface went while it was asked");
    assert_eq!(r.mfe(1, 1).unwrap().owner, None);
}

#[test]
fn fw_1_a_panic_in_rpf_leaves_the_ribs_answer() {
    let r = Router::<A>::new();
    r.pim.party.rpf(|_, _| std::panic::resume_unwind(Box::new("boom")));
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), "up -> nowhere");
    assert_eq!((r.mgm.caught_panics(), r.mgm.wrong_answers()), (1, 0));
    r.assert_in_step();
}

#[test]
fn fw_1_nobody_is_asked_where_nobody_owns_the_interface_toward_the_source() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.reroute(1, wan());
    r.reroute(2, stub());
    r.log.take();
    r.packet(1, 1, wan());
    r.packet(2, 1, stub()); // IGMP is no routing protocol
    r.expect_news(["dvmrp: creation (S1, G1) on wan: lan+", "dvmrp: creation (S2, G1) on stub: lan+"]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["wan -> lan", "stub -> lan"]);
    assert_eq!([r.mfe(1, 1).unwrap().owner, r.mfe(2, 1).unwrap().owner], [None, None]);
}

#[test]
fn fw_1_a_packet_that_came_in_elsewhere_is_on_the_wrong_interface() {
    let r = Router::<A>::new();
    r.dvmrp.wants_alerts(lan());
    r.packet(1, 1, lan());
    r.expect([
        "rib: S1 via up",
        "pim: rpf (S1, G1) from lan via up",
        "forwarder: add (S1, G1) up -> nowhere",
        "pim: prune (S1, G1) by forwarding entry",
        "dvmrp: wrong_interface lan (S1, G1) [7, 7]",
    ]);
}

#[test]
fn fw_1_a_link_of_a_point_to_multipoint_interface_is_an_iif_and_an_oif_of_its_own() {
    let r = Router::<A>::new();
    let bgmp = r.protocol("bgmp");
    bgmp.takes(hub(8));
    r.pim.takes(hub(9));
    r.reroute(1, hub(8));
    bgmp.adds(hub(8), star(1));
    r.pim.adds(hub(9), star(1));
    r.log.take();
    r.packet(1, 1, hub(8));
    r.expect_news([
        "bgmp: rpf (S1, G1) from hub/8 via hub/8",
        "pim: creation (S1, G1) on hub/8: hub/9+",
        "bgmp: join (S1, G1) by forwarding entry",
    ]);
    assert_eq!(r.path(1, 1), "hub/8 -> hub/9");
}

#[test]
fn fw_1_the_rib_is_asked_once_for_an_entry() {
    let r = Router::<A>::new();
    for group in 1..4 {
        r.packet(1, group, up());
    }
    let asked = r.log.take().into_iter().filter(|line| line.starts_with("rib")).count();
    assert_eq!(asked, 3);
}

#[test]
fn fw_3_each_protocol_is_asked_about_its_own_oifs_and_told_whether_igmp_is_there() {
    let r = Router::<A>::new();
    let bgmp = r.protocol("bgmp");
    bgmp.takes(wan());
    r.igmp.takes(dmz());
    for (client, on) in [(&r.dvmrp, lan()), (&r.dvmrp, dmz()), (&r.igmp, stub()), (&bgmp, wan())] {
        client.adds(on, star(1));
    }
    r.log.take();
    r.packet(1, 1, up());
    r.expect_news([
        "pim: rpf (S1, G1) from up via up",
        "dvmrp: creation (S1, G1) on up: lan+ dmz+igmp",
        "bgmp: creation (S1, G1) on up: wan+",
        "pim: join (S1, G1) by forwarding entry",
    ]);
    assert_eq!(r.path(1, 1), "up -> lan dmz stub wan");
}

#[test]
fn fw_3_who_has_no_oif_is_not_asked_and_the_iif_is_no_oif() {
    let r = Router::<A>::new();
    r.pim.adds(up(), star(1));
    r.dvmrp.adds(lan(), star(2));
    r.log.take();
    r.packet(1, 1, up());
    r.expect_news(["pim: rpf (S1, G1) from up via up", "pim: prune (S1, G1) by forwarding entry"]);
    assert_eq!(r.path(1, 1), "up -> nowhere");
}

#[test]
fn fw_3_what_a_protocol_disables_is_forward_state_off() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.dvmrp.party.vetoes(lan());
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), "up -> dmz");
    r.dvmrp.adds(lan(), from(1, 1)); // whatever is joined
    assert_eq!(r.path(1, 1), "up -> dmz");
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(r.path(1, 1), "up -> lan dmz");
    r.assert_in_step();
}

#[test]
fn fw_3_a_protocol_may_be_asked_always_with_all_its_interfaces_and_may_enable() {
    let r = Router::<A>::new();
    let flood = r.flooder("flood");
    flood.takes(wan());
    flood.takes(eth(20));
    flood.adds(wan(), star(1));
    flood.party.answers(eth(20), true);
    r.log.take();
    r.packet(1, 1, up());
    r.expect_news([
        "pim: rpf (S1, G1) from up via up",
        "flood: creation (S1, G1) on up: wan+ eth20-",
        "pim: join (S1, G1) by forwarding entry",
    ]);
    assert_eq!(r.path(1, 1), "up -> wan eth20");
    flood.deletes(wan(), star(1));
    assert_eq!(r.path(1, 1), "up -> eth20", "an answer outlives the membership, as forward state");
    // The iif is not among what it is asked about, and with nothing to offer it is asked all the same.
    flood.releases(eth(20));
    r.reroute(2, wan());
    r.log.take();
    r.packet(2, 1, wan());
    r.expect_news([
        "flood: rpf (S2, G1) from wan via wan",
        "flood: creation (S2, G1) on wan:",
        "flood: prune (S2, G1) by forwarding entry",
    ]);
}

#[test]
fn fw_3_a_protocol_that_is_asked_always_may_disable_too() {
    let r = Router::<A>::new();
    let flood = r.flooder("flood");
    flood.takes(wan());
    flood.adds(wan(), star(1));
    flood.party.vetoes(wan());
    r.log.take();
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), "up -> nowhere");
    assert_eq!(r.news().last().unwrap(), "pim: prune (S1, G1) by forwarding entry");
}

#[test]
fn fw_3_an_answer_is_of_the_interface_that_it_names_in_whatever_order() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.dvmrp.party.creation(|_, oifs| {
        oifs.reverse();
        oifs.first_mut().unwrap().set_enabled(false);
    });
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), "up -> lan");
    // What is written over says nothing, and says nothing twice.
    r.dvmrp.party.creation(|_, oifs| {
        let [first, second] = oifs else { return };
        first.set_enabled(false);
        *second = *first;
    });
    r.packet(2, 1, up());
    assert_eq!(r.path(2, 1), "up -> dmz");
}

#[test]
fn fw_3_the_answers_of_a_creation_alert_that_panicked_are_ignored() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.party.creation(|_, oifs| {
        oifs.iter_mut().for_each(|oif| oif.set_enabled(false));
        std::panic::resume_unwind(Box::new("boom"));
    });
    r.packet(1, 1, up());
    assert_eq!((r.path(1, 1), r.mgm.caught_panics()), ("up -> lan".to_owned(), 1));
}

#[test]
fn fw_4_an_entry_without_oifs_is_installed_and_absorbs_packets_without_any_further_callback() {
    let r = Router::<A>::new();
    r.dvmrp.wants_alerts(lan());
    assert_eq!(r.traffic(1, 1, up()), "no entry");
    r.packet(1, 1, up());
    r.expect([
        "rib: S1 via up",
        "pim: rpf (S1, G1) from up via up",
        "forwarder: add (S1, G1) up -> nowhere",
        "pim: prune (S1, G1) by forwarding entry",
    ]);
    assert_eq!(r.traffic(1, 1, up()), "nowhere");
    r.packet(1, 1, up());
    r.packet(1, 1, lan());
    r.expect([]);
}

#[test]
fn fw_4_without_a_route_the_arrival_interface_is_the_iif_and_nobody_is_asked_or_told() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    let flood = r.flooder("flood");
    flood.takes(wan());
    r.rib.remove(A::everything());
    r.log.take();
    r.packet(1, 1, up());
    r.expect(["rib: S1 via nowhere", "forwarder: add (S1, G1) up -> lan"]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.owner, mfe.upstream, mfe.prefix), (None, None, None));
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    r.dvmrp.forwards(lan(), 1, 1, None);
    r.expect_news([]);
    r.packet(1, 2, lan()); // nor about one without oifs
    r.expect_news([]);
    assert_eq!(r.path(1, 2), "lan -> nowhere");
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
    r.rib.hook(|_| std::panic::resume_unwind(Box::new("boom")));
    r.packet(1, 1, dmz());
    assert_eq!(r.path(1, 1), "dmz -> nowhere");
    assert_eq!(r.mgm.caught_panics(), 1);
    r.expect_news([]);
}

/// At most one alert: a prune if there are no oifs, a join if another client's is among them.
#[test]
fn fw_6_at_creation_the_owner_of_the_iif_gets_at_most_one_alert() {
    let prune = Some("pim: prune (S1, G1) by forwarding entry");
    let join = Some("pim: join (S1, G1) by forwarding entry");
    let cases: [(&[_], _); 6] = [
        (&[], prune),
        (&["up"], prune),
        (&["alt"], None),
        (&["alt", "lan"], join),
        (&["lan"], join),
        (&["stub"], join),
    ];
    for (joined, alert) in cases {
        let r = Router::<A>::new();
        for (client, on) in [(&r.pim, up()), (&r.pim, alt()), (&r.dvmrp, lan()), (&r.igmp, stub())] {
            if joined.contains(&name::<A>(on).as_str()) {
                client.adds(on, star(1));
            }
        }
        r.log.take();
        r.packet(1, 1, up());
        let alerts: Vec<_> = r.news().into_iter().filter(|line| line.ends_with("forwarding entry")).collect();
        assert_eq!(alerts, alert.into_iter().collect::<Vec<_>>(), "{joined:?}");
    }
}

#[test]
fn fw_6_at_creation_the_state_and_the_forwarder_come_before_the_alert() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    let forwarder = std::sync::Arc::clone(&r.forwarder);
    r.pim.party.alert(move |pim, _| {
        let mfe = pim.manager().mfe(A::source(1), A::group(1)).unwrap();
        assert_eq!((mfe.owner, mfe.oifs), (Some(pim.name()), vec![lan()]));
        assert_eq!(forwarder.entries(), ["(S1, G1) up -> lan"]);
    });
    r.log.take();
    r.packet(1, 1, up());
    assert_eq!(r.news().last().unwrap(), "pim: join (S1, G1) by forwarding entry");
    assert_eq!(r.mgm.caught_panics(), 0);
    assert!(matches!(r.mfe(1, 1).unwrap().owner, Some(ClientName::Protocol(_))));
}

fn route(prefix: <A as mgm::Address>::Net, interface: mgm::Interface<A>) -> Route<A> {
    Route { prefix, interface, upstream: Some(neighbour::<A>(interface)) }
}
