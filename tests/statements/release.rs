//! Interfaces that change hands or go, and the entries over them: IF-7, IF-8, HO-3.

use mgm::{ClientName, ClientRef, ForwardState, InterfaceStatus};

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
    r.forget_calls();
    r.dvmrp.releases(lan());
    r.assert_commands_in_any_order([change_mfe(1, 1, up(), [dmz()]), delete_mfe(2, 1)]);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), [dmz()]), None]);
}

#[test]
fn if_7_with_the_alerts_that_deleting_one_by_one_would_cause() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.packet(1, 2, up());
    r.dvmrp.forwards(lan(), 1, 2, ForwardState::On);
    r.forget_calls();
    r.dvmrp.releases(lan());
    r.assert_callbacks([mfe_prune(PIM, 1, 1), mfe_prune(PIM, 1, 2), prune_alert(PIM, star(1))]);
}

#[test]
fn if_7_a_protocol_that_takes_an_interface_deletes_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(2), wan());
    r.rib.remove(A::every_source());
    r.packet(1, 1, wan()); // without a route
    r.packet(2, 1, up()); // with one
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), []), path(wan(), [])]);
    let bgmp = r.protocol(BGMP);
    r.forget_calls();
    bgmp.takes(wan());
    assert_eq!([r.path(1, 1), r.path(2, 1)], [None, None]);
    assert_eq!(r.mgm.owner(wan()), Some(bgmp.name()));
    r.assert_in_step();
    bgmp.adds(wan(), star(1));
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [wan()]));
}

#[test]
fn if_7_a_take_of_an_interface_that_only_an_entry_speaks_of_is_a_take() {
    for routed in [false, true] {
        let r = Router::<A>::new();
        if !routed {
            r.rib.remove(A::every_source());
        }
        r.rib.set(host::<A>(2), wan());
        r.packet(if routed { 2 } else { 1 }, 1, wan());
        let bgmp = r.protocol(BGMP);
        bgmp.takes(wan());
        assert_eq!(r.mgm.owner(wan()), Some(bgmp.name()), "routed: {routed}");
        bgmp.adds(wan(), star(1));
        bgmp.releases(wan());
        assert_eq!(r.mgm.owner(wan()), None);
        bgmp.deregister().unwrap();
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
    r.forget_calls();
    r.igmp.releases(up());
    r.assert_calls([]);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
    r.igmp.releases(lan());
    r.assert_callbacks([local_leave(DVMRP, lan(), star(1)), prune_alert(PIM, star(1))]);
    assert_eq!(r.path(1, 1), path(up(), [dmz()]));
}

#[test]
fn if_7_igmp_that_comes_and_goes_alone_leaves_the_entries_that_come_in_there() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.packet(1, 1, wan());
    r.forget_calls();
    r.igmp.takes(wan());
    r.igmp.releases(wan());
    r.assert_calls([]);
    assert_eq!(r.path(1, 1), path(wan(), []));
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
        r.forget_calls();
        r.pim.releases(released);
        r.assert_calls([delete_mfe(1, 1)]);
        assert_eq!(r.path(1, 1), None);
    }
}

#[test]
fn if_7_no_entry_outlives_the_client_that_is_dropped() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    bgmp.takes(eth(20));
    bgmp.adds(eth(20), star(1));
    r.reroute(1, wan());
    r.packet(1, 1, wan());
    r.packet(2, 1, up());
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(wan(), [eth(20)]), path(up(), [eth(20)])]);
    r.forget_calls();
    drop(bgmp);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [None, path(up(), [])]);
    r.assert_callbacks([mfe_prune(PIM, 2, 1), prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1))]);
}

#[test]
fn if_7_wrong_interface_alerts_are_off_again_when_the_interface_changes_hands() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.packet(1, 1, up());
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.assert_calls([]);
}

#[test]
fn if_8_no_entry_outlives_its_interface_with_all_its_next_hops() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
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
        [path(up(), [hub(8)]), path(hub(9), [hub(8)]), path(hub(10), [hub(8)])]
    );
    r.forget_calls();
    r.mgm.interface_removed(7.try_into().unwrap());
    assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), [path(up(), []), None, None]);
    r.assert_callbacks_in_any_order([
        interface_removed(BGMP, hub(8)),
        interface_removed(BGMP, hub(9)),
        prune_alert(DVMRP, star(1)),
        interface_removed(IGMP, hub(8)),
        interface_removed(IGMP, hub(9)),
        prune_alert(PIM, star(1)),
        mfe_prune(PIM, 1, 1),
    ]);
}

#[test]
fn if_8_what_comes_in_by_an_interface_that_nobody_is_on_goes_too() {
    let r = Router::<A>::new();
    r.rib.remove(A::every_source());
    r.packet(1, 1, wan());
    r.forget_calls();
    r.mgm.interface_removed(wan::<A>().index());
    r.assert_calls([delete_mfe(1, 1)]);
    assert_eq!(r.path(1, 1), None);
}

#[test]
fn if_8_forward_state_goes_with_the_interface() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.mgm.interface_removed(lan::<A>().index());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.takes(lan());
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn ho_3_taking_withdraws_what_igmp_has_from_the_oifs_before_and_it_adds_it_again_after() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(2), stub());
    r.packet(2, 1, stub()); // comes in on the interface itself
    let read = |igmp: &ClientRef<A>| {
        let oifs = igmp.manager().mfe(A::source(1), A::group(1)).unwrap().oifs;
        (oifs, igmp.manager().mfe(A::source(2), A::group(1)).is_some())
    };
    r.inside(disable_igmp(stub()), move |igmp| assert_eq!(read(igmp), (vec![stub()], true), "none is done"));
    r.inside(enable_igmp(stub()), move |igmp| {
        assert_eq!(read(igmp), (vec![], false), "all of it is done");
        igmp.adds(stub(), star(1));
    });
    r.forget_calls();
    bgmp.takes(stub());
    let calls = r.calls();
    let at = |what: Call<A>| {
        calls.iter().position(|call| *call == what).unwrap_or_else(|| panic!("{what:?}: {calls:?}"))
    };
    let steps = [
        disable_igmp(stub()),
        change_mfe(1, 1, up(), []),
        mfe_prune(PIM, 1, 1),
        enable_igmp(stub()),
        change_mfe(1, 1, up(), [stub()]),
        mfe_join(PIM, 1, 1),
    ];
    assert!(steps.map(at).is_sorted(), "{calls:?}");
    assert!(at(delete_mfe(2, 1)) < at(enable_igmp(stub())));
    assert_eq!(calls.iter().filter(|call| call.to == Party::Forwarder).count(), 3);
    assert_eq!(r.path(1, 1), path(up(), [stub()]));
}

#[test]
fn ho_3_what_igmp_does_not_add_again_is_forwarded_no_more() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.dvmrp.releases(lan());
    assert_eq!(r.path(1, 1), path(up(), []));
    r.assert_callbacks(bracket(
        lan(),
        [mfe_prune(PIM, 1, 1), prune_alert(PIM, star(1)), local_leave(DVMRP, lan(), star(1))],
    ));
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
