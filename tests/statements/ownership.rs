//! Who owns an interface: IF-1 to IF-8.

use mgm::{ClientName, Error, Interface};

use super::A;
use crate::support::*;

fn links() -> [Interface<A>; 2] {
    [1, 2].map(|n| Interface::link(eth::<A>(7).index(), A::source(n)))
}

#[test]
fn if_1_a_client_takes_an_interface_before_it_adds_there() {
    let t = Testbed::<A>::new();
    for client in [t.protocol(PIM), t.igmp()] {
        assert!(client.add_group_membership(eth(1), star(1)).is_err());
        client.takes(eth(1));
        client.adds(eth(1), from(1, 1));
        client.releases(eth(1));
        assert!(client.add_group_membership(eth(1), from(1, 1)).is_err());
    }
    t.assert_calls([]);
}

#[test]
fn if_2_igmp_comes_before_or_after_the_protocol_calls_nobody_and_may_add_at_once() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    pim.takes(eth(2));
    igmp.takes(eth(2));
    t.assert_calls([join_alert(PIM, star(1))]);
    igmp.adds(eth(2), star(2));
    t.assert_calls([local_join(PIM, eth(2), star(2))]);
}

#[test]
fn if_3_a_second_protocol_is_refused_and_told_who_owns_it() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    let (before, owner) = (held(&t.mgm), pim.name());
    let refused = dvmrp.take_interface_ownership(eth(1));
    t.assert_calls([local_join(PIM, eth(1), star(1)), join_alert(DVMRP, star(1))]);
    assert_eq!(refused, Err(Error::OwnedByAnother { interface: eth(1), owner }));
    assert_eq!((held(&t.mgm), t.mgm.owner(eth(1))), (before, Some(owner)));
    dvmrp.deregister().unwrap();
    t.assert_calls([]);
}

#[test]
fn if_3_taking_ones_own_again_is_an_error_too() {
    let t = Testbed::<A>::new();
    for client in [t.protocol(PIM), t.igmp()] {
        client.takes(eth(1));
        let again = Error::AlreadyTaken { interface: eth(1), client: client.name() };
        assert_eq!(client.take_interface_ownership(eth(1)), Err(again));
        client.releases(eth(1));
        client.deregister().unwrap();
    }
    t.assert_calls([]);
}

#[test]
fn if_4_releasing_what_one_is_not_on_is_an_error() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(2));
    for (client, interface, owner) in [
        (&dvmrp, eth(1), Some(pim.name())),
        (&igmp, eth(1), Some(pim.name())),
        (&pim, eth(2), Some(ClientName::Igmp)),
        (&pim, eth(3), None),
    ] {
        let refused = Error::NotOnInterface { interface, client: client.name(), owner };
        assert_eq!(client.release_interface_ownership(interface), Err(refused));
        assert_eq!(t.mgm.owner(interface), owner);
    }
    t.assert_calls([]);
}

#[test]
fn if_5_anyone_may_ask_who_owns_an_interface_and_whether_igmp_is_on_it() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    for index in [3, 1] {
        pim.takes(eth(index));
    }
    for index in [2, 1] {
        igmp.takes(eth(index));
    }
    let read: Vec<_> = t.mgm.interfaces().iter().map(|on| (on.interface, on.owner, on.igmp)).collect();
    assert_eq!(
        read,
        [(eth(1), pim.name(), true), (eth(2), ClientName::Igmp, true), (eth(3), pim.name(), false)]
    );
    let status = t.mgm.interface(eth(1)).unwrap();
    assert_eq!((status.owner, status.igmp, status.in_handover), (pim.name(), true, false));
    assert_eq!(t.mgm.interface(eth(4)), None);
    pim.releases(eth(3));
    assert_eq!(t.mgm.interface(eth(3)), None);
    t.assert_calls([]);
}

#[test]
fn if_6_links_of_one_point_to_multipoint_interface_are_separate() {
    let t = Testbed::<A>::new();
    let (pim, dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    let [to_pim, to_dvmrp] = links();
    pim.takes(to_pim);
    dvmrp.takes(to_dvmrp);
    assert_eq!(t.mgm.owner(to_pim), Some(pim.name()));
    assert_eq!(t.mgm.owner(to_dvmrp), Some(dvmrp.name()));
    assert_eq!(t.mgm.owner(eth(7)), None);
    pim.adds(to_pim, star(1));
    assert!(pim.add_group_membership(to_dvmrp, star(1)).is_err());
    pim.takes(eth(7));
    pim.releases(eth(7));
    t.assert_calls([join_alert(DVMRP, star(1))]);
    assert_eq!(held(&t.mgm).len(), 1);
}

#[test]
fn if_7_a_release_by_a_protocol_deletes_what_it_holds_as_one_by_one() {
    let t = Testbed::<A>::new();
    let (pim, _dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    pim.takes(eth(2));
    for (index, entry) in [(1, star(1)), (1, star(2)), (2, star(2)), (1, all()), (1, from(1, 3))] {
        pim.adds(eth(index), entry);
    }
    pim.blocks(eth(1), 2, 1);
    t.assert_calls([join_alert(DVMRP, star(1)), join_alert(DVMRP, star(2)), join_alert(DVMRP, all())]);
    // (*, 2) is still wanted on the other interface.
    pim.releases(eth(1));
    let left: Vec<_> = held(&t.mgm).iter().map(|held| (held.interface, held.entry)).collect();
    t.assert_callbacks_in_any_order([prune_alert(DVMRP, star(1)), prune_alert(DVMRP, all())]);
    assert_eq!(left, [(eth(2), star(2))]);
}

#[test]
fn if_7_igmps_release_leaves_the_owner_alone_and_it_gets_its_leaves() {
    let t = Testbed::<A>::new();
    let (igmp, pim, _dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    pim.adds(eth(1), star(1));
    t.assert_calls([join_alert(DVMRP, star(1))]);
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    igmp.blocks(eth(1), 1, 1);
    t.assert_calls([
        local_join(PIM, eth(1), star(1)),
        local_join(PIM, eth(1), star(2)),
        join_alert(DVMRP, star(2)),
        local_block(PIM, eth(1), from(1, 1)),
    ]);
    igmp.releases(eth(1));
    let left: Vec<_> = held(&t.mgm).iter().map(|held| (held.added_by, held.entry)).collect();
    t.assert_callbacks_in_any_order([
        local_leave(PIM, eth(1), star(1)),
        local_leave(PIM, eth(1), star(2)),
        local_unblock(PIM, eth(1), from(1, 1)),
        prune_alert(DVMRP, star(2)),
    ]);
    assert_eq!(left, [(pim.name(), star(1))]);
    assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
}

#[test]
fn if_7_igmps_release_of_an_interface_of_its_own_ends_what_it_wanted() {
    let t = Testbed::<A>::new();
    let (igmp, _pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1))]);
    igmp.releases(eth(1));
    t.assert_calls([prune_alert(PIM, star(1))]);
    assert_eq!((t.mgm.interfaces(), held(&t.mgm)), (vec![], vec![]));
}

#[test]
fn if_8_a_removed_interface_goes_with_its_links_and_each_client_on_it_is_told() {
    let t = Testbed::<A>::new();
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    let [near, far] = links();
    pim.takes(near);
    igmp.takes(near);
    dvmrp.takes(far);
    for index in [6, 8] {
        pim.takes(eth(index));
    }
    igmp.adds(near, star(1));
    t.assert_calls([local_join(PIM, near, star(1)), join_alert(DVMRP, star(1))]);
    t.mgm.interface_removed(near.index());
    let left: Vec<_> = t.mgm.interfaces().iter().map(|on| on.interface).collect();
    t.assert_callbacks_in_any_order([
        local_leave(PIM, near, star(1)),
        prune_alert(DVMRP, star(1)),
        interface_removed(pim.name(), near),
        interface_removed(igmp.name(), near),
        interface_removed(dvmrp.name(), far),
    ]);
    assert_eq!(left, [eth(6), eth(8)]);
    igmp.deregister().unwrap();
    dvmrp.deregister().unwrap();
    t.assert_calls([]);
}

#[test]
fn if_8_a_client_hears_of_its_leaves_before_it_hears_of_the_removal() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.takes(eth(2));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    t.inside(interface_removed(pim.name(), eth(1)), |pim| {
        assert_eq!(pim.manager().owner(eth(1)), None);
        pim.takes(eth(1));
    });
    t.mgm.interface_removed(eth::<A>(1).index());
    t.assert_calls([
        local_leave(PIM, eth(1), star(1)),
        interface_removed(pim.name(), eth(1)),
        interface_removed(ClientName::Igmp, eth(1)),
    ]);
    assert_eq!(t.mgm.owner(eth(1)), Some(pim.name()));
}
