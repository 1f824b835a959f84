//! A refusal changes nothing and calls nobody, and says what is so: MB-7, MB-5.

use mgm::{Error, ForwardState, Limit, Limits, NoCallbacks};

use crate::kit::*;

#[test]
fn mb_7_an_add_that_is_refused_for_waiting_alerts_does_not_call_the_forwarder() {
    let r = Router::with(|builder| builder.limits(Limits::default().waiting_alerts(0)));
    let (pim, dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[2]));
    r.packet();
    let before = r.plane.commands();
    let refused = dvmrp.add_group_membership(eth(2), star());
    let full = Limit::WaitingAlerts { client: pim.name(), max: 0 };
    assert_eq!(refused, Err(Error::LimitReached(full)));
    assert_eq!(r.plane.commands(), before, "told what it holds already");
}

/// IGMP is on the interface. What it is told has to be true.
#[test]
fn mb_5_igmp_beside_a_protocol_is_not_the_owner_and_is_told_so() {
    let r = Router::new();
    let (_pim, _dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[2]));
    let igmp = r.mgm.register_igmp(NoCallbacks).unwrap();
    igmp.take_interface_ownership(eth(2)).unwrap();
    r.packet();
    let refusals = [
        igmp.set_forward_state(eth(2), s(), g(), Some(ForwardState::Off)).unwrap_err(),
        igmp.set_wrong_interface_alerts(eth(2), true).unwrap_err(),
    ];
    for refusal in refusals {
        assert!(format!("{refusal:?}").starts_with("NotOwner {"), "{refusal:?}: {refusal}");
        assert!(refusal.is_misuse());
    }
}
