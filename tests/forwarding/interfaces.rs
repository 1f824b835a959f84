//! Interfaces that change hands or go, and the entries over them: IF-7, IF-8, HO-3.

use mgm::{ClientName, ForwardState, InterfaceStatus};

use super::A;
use crate::support::*;

#[test]
fn if_7_releasing_deletes_the_entries_that_come_in_there_and_recomputes_the_oifs_of_the_others() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    r.packet(1, 1, up());
    r.reroute(2, lan());
    r.packet(2, 1, lan());
    r.log.take();
    r.dvmrp.releases(lan());
    let mut commands = r.commands();
    commands.sort_unstable();
    assert_eq!(commands, ["forwarder: change (S1, G1) up -> dmz", "forwarder: delete (S2, G1)"]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["up -> dmz", "none"]);
    r.assert_in_step();
}

#[test]
fn if_7_with_the_alerts_that_deleting_one_by_one_would_cause() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.dvmrp.forwards(lan(), 1, 2, ForwardState::On);
    r.log.take();
    r.dvmrp.releases(lan());
    r.expect_news([
        "pim: prune (S1, G1) by forwarding entry",
        "pim: prune (S1, G2) by forwarding entry",
        "pim: prune (*, G1) by membership",
    ]);
}

#[test]
fn if_7_a_protocol_that_takes_an_interface_deletes_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(2), wan());
    r.rib.remove(A::everything());
    r.packet(1, 1, wan()); // without a route
    r.packet(2, 1, up()); // with one
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["wan -> nowhere"; 2]);
    let bgmp = r.protocol("bgmp");
    r.log.take();
    bgmp.takes(wan());
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["none"; 2]);
    assert_eq!(r.mgm.owner(wan()), Some(bgmp.name()));
    r.assert_in_step();
    bgmp.adds(wan(), star(1));
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), "up -> wan");
}

#[test]
fn if_7_a_take_of_an_interface_that_only_an_entry_speaks_of_is_a_take() {
    for routed in [false, true] {
        let r = Router::<A>::new();
        if !routed {
            r.rib.remove(A::everything());
        }
        r.rib.set(host::<A>(2), wan());
        r.packet(if routed { 2 } else { 1 }, 1, wan());
        let bgmp = r.protocol("bgmp");
        bgmp.takes(wan());
        assert_eq!(r.mgm.owner(wan()), Some(bgmp.name()), "routed: {routed}");
        bgmp.adds(wan(), star(1));
        bgmp.releases(wan());
        assert_eq!(r.mgm.owner(wan()), None);
        bgmp.client.deregister().unwrap();
    }
}

#[test]
fn if_7_igmps_release_leaves_the_entries_of_the_owner_alone() {
    let r = Router::<A>::new();
    r.igmp.takes(up());
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.log.take();
    r.igmp.releases(up());
    r.expect([]);
    assert_eq!(r.path(1, 1), "up -> lan dmz");
    r.igmp.releases(lan());
    r.expect_news(["dvmrp: local_leave lan (*, G1)", "pim: prune (*, G1) by membership"]);
    assert_eq!(r.path(1, 1), "up -> dmz");
}

#[test]
fn if_7_igmp_that_comes_and_goes_alone_leaves_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.packet(1, 1, wan());
    r.log.take();
    r.igmp.takes(wan());
    r.igmp.releases(wan());
    r.expect([]);
    assert_eq!(r.path(1, 1), "wan -> nowhere");
}

/// The interface that the owner chose by rpf or `set_mfe`, or the one toward the source.
#[test]
fn if_7_no_entry_outlives_the_owner_of_its_iif() {
    for (released, chosen) in [(up(), false), (up(), true), (alt(), true)] {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        if chosen {
            r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
        }
        r.log.take();
        r.pim.releases(released);
        r.expect(["forwarder: delete (S1, G1)"]);
        assert_eq!(r.path(1, 1), "none");
    }
}

#[test]
fn if_7_no_entry_outlives_the_client_that_is_dropped() {
    let r = Router::<A>::new();
    let bgmp = r.protocol("bgmp");
    bgmp.takes(wan());
    bgmp.takes(eth(20));
    bgmp.adds(eth(20), star(1));
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    r.packet(2, 1, up());
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["wan -> eth20", "up -> eth20"]);
    r.log.take();
    drop(bgmp);
    assert_eq!([r.path(1, 1), r.path(2, 1)], ["none", "up -> nowhere"]);
    r.expect_news([
        "pim: prune (S2, G1) by forwarding entry",
        "pim: prune (*, G1) by membership",
        "dvmrp: prune (*, G1) by membership",
    ]);
}

#[test]
fn if_7_wrong_interface_alerts_are_off_again_when_the_interface_changes_hands() {
    let r = Router::<A>::new();
    r.dvmrp.wants_alerts(lan());
    r.packet(1, 1, up());
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    r.log.take();
    r.wrong_packet(1, 1, lan());
    r.expect([]);
}

#[test]
fn if_8_no_entry_outlives_its_interface_with_all_its_next_hops() {
    let r = Router::<A>::new();
    let bgmp = r.protocol("bgmp");
    for spoke in [8, 9] {
        bgmp.takes(hub(spoke));
        r.igmp.takes(hub(spoke));
    }
    bgmp.adds(hub(8), star(1));
    r.reroute(2, hub(9));
    r.reroute(3, hub(10)); // nobody's
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    assert_eq!(
        [1, 2, 3].map(|source| r.path(source, 1)),
        ["up -> hub/8", "hub/9 -> hub/8", "hub/10 -> hub/8"]
    );
    r.log.take();
    r.mgm.interface_removed(7.try_into().unwrap());
    assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), ["up -> nowhere", "none", "none"]);
    let mut news = r.news();
    news.sort_unstable();
    let expected = [
        "bgmp: removed hub/8",
        "bgmp: removed hub/9",
        "dvmrp: prune (*, G1) by membership",
        "igmp: removed hub/8",
        "igmp: removed hub/9",
        "pim: prune (*, G1) by membership",
        "pim: prune (S1, G1) by forwarding entry",
    ];
    assert_eq!(news, expected);
    r.assert_in_step();
}

#[test]
fn if_8_what_comes_in_by_an_interface_that_nobody_is_on_goes_too() {
    let r = Router::<A>::new();
    r.rib.remove(A::everything());
    r.packet(1, 1, wan());
    r.log.take();
    r.mgm.interface_removed(wan::<A>().index());
    r.expect(["forwarder: delete (S1, G1)"]);
    assert_eq!(r.path(1, 1), "none");
}

#[test]
fn if_8_forward_state_goes_with_the_interface() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.mgm.interface_removed(lan::<A>().index());
    assert_eq!(r.path(1, 1), "up -> nowhere");
    r.dvmrp.takes(lan());
    assert_eq!(r.path(1, 1), "up -> nowhere");
    r.assert_in_step();
}

#[test]
fn ho_3_taking_withdraws_what_igmp_has_from_the_oifs_before_and_it_adds_it_again_after() {
    let r = Router::<A>::new();
    let bgmp = r.protocol("bgmp");
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(2), stub());
    r.packet(2, 1, stub()); // comes in on the interface itself
    r.igmp.party.alert(|igmp, line| {
        let path = igmp.manager().mfe(A::source(1), A::group(1)).unwrap().oifs;
        let incoming = igmp.manager().mfe(A::source(2), A::group(1)).is_some();
        if line.contains("disable") {
            assert_eq!((path, incoming), (vec![stub()], true), "none of it is done");
        } else {
            assert_eq!((path, incoming), (vec![], false), "all of it is done");
            igmp.adds(stub(), star(1));
        }
    });
    r.log.take();
    bgmp.takes(stub());
    assert_eq!(r.mgm.caught_panics(), 0);
    let log = r.log.take();
    let at =
        |what: &str| log.iter().position(|line| line == what).unwrap_or_else(|| panic!("{what}: {log:?}"));
    let steps = [
        "igmp: disable stub",
        "forwarder: change (S1, G1) up -> nowhere",
        "pim: prune (S1, G1) by forwarding entry",
        "igmp: enable stub",
        "forwarder: change (S1, G1) up -> stub",
        "pim: join (S1, G1) by forwarding entry",
    ];
    assert!(steps.map(at).is_sorted(), "{log:?}");
    assert!(at("forwarder: delete (S2, G1)") < at("igmp: enable stub"));
    assert_eq!(log.iter().filter(|line| line.starts_with("forwarder")).count(), 3);
    assert_eq!(r.path(1, 1), "up -> stub");
    r.assert_in_step();
}

#[test]
fn ho_3_what_igmp_does_not_add_again_is_forwarded_no_more() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.log.take();
    r.dvmrp.releases(lan());
    assert_eq!(r.path(1, 1), "up -> nowhere");
    r.expect_news([
        "igmp: disable lan",
        "pim: prune (S1, G1) by forwarding entry",
        "pim: prune (*, G1) by membership",
        "dvmrp: local_leave lan (*, G1)",
        "igmp: enable lan",
    ]);
    assert_eq!(r.mgm.owner(lan()), Some(ClientName::Igmp));
}

/// What is read of an interface is never a half of a change.
#[test]
fn if_7_an_interface_that_only_routes_speak_of_is_nobodys() {
    let r = Router::<A>::new();
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    assert_eq!((r.mgm.owner(wan()), r.mgm.interface(wan())), (None, None));
    let on: Vec<InterfaceStatus<A>> = r.mgm.interfaces();
    assert_eq!(on.len(), 5);
}
