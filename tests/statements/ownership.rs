//! Who owns an interface: IF-1 to IF-6.

use super::*;

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
    assert_eq!((status.owner, status.igmp, status.handover.is_some()), (pim.name(), true, false));
    assert_eq!(t.mgm.interface(eth(4)), None);
    pim.releases(eth(3));
    assert_eq!(t.mgm.interface(eth(3)), None);
    t.assert_calls([]);
}

#[test]
fn if_6_links_of_one_point_to_multipoint_interface_are_separate() {
    let t = Testbed::<A>::new();
    let (pim, dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    let [to_pim, to_dvmrp] = [hub(1), hub(2)];
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
