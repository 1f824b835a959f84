//! Packets on the wrong interface: FW-10.

use super::*;

#[test]
fn fw_10_the_owner_of_the_arrival_interface_hears_of_it_if_it_asked_to() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    r.dvmrp.wants_wrong_interface_alerts(lan());
    bgmp.wants_wrong_interface_alerts(wan());
    for source in 1..=5 {
        r.packet(source, 1, up());
    }
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.assert_calls([wrong_interface(DVMRP, lan(), 1, 1, &[9])]);
    r.wrong_packet(2, 1, wan());
    r.assert_calls([wrong_interface(BGMP, wan(), 2, 1, &[9])]);
    r.wrong_packet(3, 1, dmz()); // did not ask
    r.wrong_packet(3, 1, stub());
    r.wrong_packet(3, 1, eth(99));
    r.wrong_packet(4, 1, up()); // that is right
    r.assert_calls([]);
    r.dvmrp.set_wrong_interface_alerts(lan(), false).unwrap();
    r.wrong_packet(5, 1, lan());
    r.assert_calls([]);
    r.wrong_packet(4, 1, wan());
    r.assert_calls([wrong_interface(BGMP, wan(), 4, 1, &[9])]);
}

#[test]
fn fw_10_the_iif_itself_is_not_wrong_even_if_it_is_asked_for() {
    let r = Router::<A>::new();
    r.pim.wants_wrong_interface_alerts(up());
    r.packet(1, 1, up());
    r.forget_calls();
    r.wrong_packet(1, 1, up());
    r.assert_calls([]);
    r.reroute(1, alt());
    r.forget_calls();
    r.wrong_packet(1, 1, up());
    r.assert_calls([wrong_interface(PIM, up(), 1, 1, &[9])]);
}

#[test]
fn fw_10_at_most_once_per_entry_in_3_s() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.dvmrp.wants_wrong_interface_alerts(dmz());
    r.packet(1, 1, lan());
    r.packet(2, 1, up());
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.wrong_packet(1, 1, dmz());
    r.expire(2);
    r.wrong_packet(1, 1, lan());
    r.assert_calls([]);
    r.wrong_packet(2, 1, lan()); // another entry
    r.expire(3);
    r.wrong_packet(1, 1, dmz());
    r.wrong_packet(1, 1, lan());
    r.assert_calls([wrong_interface(DVMRP, lan(), 2, 1, &[9]), wrong_interface(DVMRP, dmz(), 1, 1, &[9])]);
}

#[test]
fn fw_10_a_renewal_begins_no_new_3_s() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.expire(899);
    r.wrong_packet(1, 1, lan());
    r.expire(900);
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.expire(901);
    r.wrong_packet(1, 1, lan());
    r.assert_calls([]);
    r.expire(902);
    r.wrong_packet(1, 1, lan());
    r.assert_calls([wrong_interface(DVMRP, lan(), 1, 1, &[9])]);
}

#[test]
fn fw_10_it_makes_no_entry() {
    let r = Router::<A>::new();
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.forget_calls();
    r.wrong_packet(1, 1, lan());
    r.assert_calls([]);
    assert_eq!(r.path(1, 1), None);
}

#[test]
fn fw_10_only_the_owner_may_switch_it_on() {
    let r = Router::<A>::new();
    for (interface, owner) in [(lan(), Some(r.dvmrp.name())), (wan(), None)] {
        let refused = Error::NotOnInterface { interface, client: r.pim.name(), owner };
        assert_eq!(r.pim.set_wrong_interface_alerts(interface, true), Err(refused));
    }
}

/// A tenure ends with every change of the owner: by an offer, and where IGMP was the owner or is it next.
#[test]
fn fw_10_the_switch_is_off_again_in_the_next_tenure() {
    let r = Router::<A>::with_told_igmp();
    let bgmp = r.protocol(BGMP);
    r.packet(1, 1, up());
    r.dvmrp.wants_wrong_interface_alerts(lan());
    r.igmp.wants_wrong_interface_alerts(stub());
    r.dvmrp.offers(lan(), BGMP);
    bgmp.takes(lan());
    bgmp.takes(stub());
    r.forget_calls();
    for on in [lan(), stub()] {
        r.wrong_packet(1, 1, on);
    }
    r.assert_calls([]);
    bgmp.wants_wrong_interface_alerts(stub());
    bgmp.releases(stub());
    r.forget_calls();
    r.wrong_packet(1, 1, stub());
    r.assert_calls([]);
    // It is for the owner of the tenure to switch it on.
    r.igmp.wants_wrong_interface_alerts(stub());
    r.wrong_packet(1, 1, stub());
    r.assert_calls([wrong_interface(IGMP, stub(), 1, 1, &[9])]);
}
