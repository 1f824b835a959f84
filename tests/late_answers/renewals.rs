//! What is set, moved or deleted while an entry is made anew: FW-7, FW-13.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use mgm::{Change, CreationMode, ForwardState, ForwarderError};

use crate::kit::*;

/// PIM owns the upstream interface, and two others want what comes in there.
fn three_parties(r: &Router) -> [Party; 3] {
    let parties = [r.protocol(9, &[1]), r.protocol(1, &[2]), r.protocol(2, &[3])];
    parties[1].add_group_membership(eth(2), star()).unwrap();
    parties[2].add_group_membership(eth(3), star()).unwrap();
    parties
}

#[test]
fn fw_7_forward_state_that_is_set_during_a_renewal_is_kept() {
    let r = Router::new();
    let [_pim, first, second] = three_parties(&r);
    r.traffic();
    assert_eq!(r.oifs(), [eth(2), eth(3)]);
    let client = Arc::clone(&first.client);
    second.callbacks.on_creation.does(Box::new(move |_| {
        // The first has been asked already, and now loses an assert.
        let set = client.set_forward_state(eth(2), s(), g(), Some(ForwardState::Off));
        assert_eq!(set, Ok(Change::Changed));
    }));
    r.renew();
    assert_eq!(r.oifs(), [eth(3)]);
    assert_eq!(r.mgm.caught_panics(), 0);
}

#[test]
fn fw_7_forward_state_outlives_a_renewal() {
    let r = Router::new();
    let [_pim, first, _second] = three_parties(&r);
    r.traffic();
    first.set_forward_state(eth(2), s(), g(), Some(ForwardState::Off)).unwrap();
    r.renew();
    assert_eq!(r.oifs(), [eth(3)]);
    assert_eq!(r.mfe().unwrap().made, r.now + LIFE, "it has been made anew");
}

#[test]
fn fw_7_creation_alert_shows_the_forward_state_at_a_renewal_and_may_change_it() {
    let r = Router::new();
    let _pim = r.protocol(9, &[1]);
    let callbacks = Protocol { mode: CreationMode::Always, ..Protocol::default() };
    let flooder = r.register(1, callbacks, &[2, 3]);
    flooder.add_group_membership(eth(2), star()).unwrap();
    r.traffic();
    for (on, state) in [(2, ForwardState::Off), (3, ForwardState::On)] {
        flooder.set_forward_state(eth(on), s(), g(), Some(state)).unwrap();
    }
    r.renew();
    assert_eq!(*flooder.callbacks.shown.lock().unwrap(), [(eth(2), false), (eth(3), true)]);
    assert_eq!(r.oifs(), [eth(3)]);
    flooder.callbacks.enables.lock().unwrap().push(eth(2));
    flooder.callbacks.disables.lock().unwrap().push(eth(3));
    r.plane.memory.packet(s(), g(), eth(1), 100);
    let _next = r.mgm.expire(r.now + 2 * LIFE);
    assert_eq!(r.oifs(), [eth(2)]);
}

#[test]
fn fw_7_time_that_is_given_during_a_renewal_counts() {
    let r = Router::new();
    let pim = r.protocol(1, &[1]);
    r.traffic();
    let time = Duration::from_secs(10_000);
    pim.callbacks.on_rpf.does(Box::new(move |me| me.set_mfe_timeout(s(), g(), time).unwrap()));
    r.renew();
    assert_eq!(r.mgm.caught_panics(), 0);
    assert!(r.mfe().unwrap().expires >= Some(r.now + time), "{:?} lost it", r.mfe());
}

#[test]
fn fw_7_a_neighbour_that_is_set_during_a_renewal_is_kept() {
    let r = Router::new();
    let [pim, _first, second] = three_parties(&r);
    r.traffic();
    let (client, neighbour) = (Arc::clone(&pim.client), "192.0.2.9".parse().unwrap());
    // After the answer to `rpf`, while another is asked.
    second.callbacks.on_creation.does(Box::new(move |_| {
        client.set_mfe(s(), g(), eth(1), Some(neighbour)).unwrap();
    }));
    r.renew();
    assert_eq!(r.mgm.caught_panics(), 0);
    assert_eq!(r.mfe().unwrap().upstream, Some(neighbour));
}

/// The interface is removed and taken again while its owner is asked; then comes the next packet.
#[test]
fn fw_13_a_packet_that_is_reported_during_the_renewal_of_a_deleted_entry_is_served() {
    let r = Router::new();
    let pim = r.protocol(1, &[1]);
    r.traffic();
    let (mgm, now, is_first) = (r.mgm.clone(), r.now, AtomicBool::new(true));
    pim.callbacks.on_rpf.does(Box::new(move |me| {
        if is_first.swap(false, SeqCst) {
            mgm.interface_removed(eth(1).index());
            me.take_interface_ownership(eth(1)).unwrap();
            assert_eq!(mgm.mfe(s(), g()), None, "IF-7");
            // The forwarder has deleted it as well, and reports the packet once.
            mgm.packet_received(s(), g(), eth(1), &[], now + LIFE).unwrap();
        }
    }));
    r.renew();
    assert_eq!(r.mgm.caught_panics(), 0);
    assert_eq!(r.iif(), Some(eth(1)), "the packet was reported and accepted, and nobody makes the entry");
}

#[test]
fn fw_4_a_renewal_without_a_route_keeps_the_iif() {
    let r = Router::new();
    let pim = r.protocol(1, &[1, 2]);
    r.traffic();
    let (mgm, rib, is_first) = (r.mgm.clone(), Arc::clone(&r.rib), AtomicBool::new(true));
    pim.callbacks.on_rpf.does(Box::new(move |_| {
        if is_first.swap(false, SeqCst) {
            for route in [Some(via(2)), None] {
                rib.set(route);
                mgm.routes_changed(&via(1).prefix);
            }
        }
    }));
    r.renew();
    assert_eq!(r.iif(), Some(eth(2)), "where it stood when the route went");
}

#[test]
fn fw_7_an_entry_whose_statistics_cannot_be_read_is_made_anew() {
    let unreadable: [fn() -> Result<_, _>; 2] =
        [|| Err(ForwarderError::Full), || std::panic::resume_unwind(Box::new("boom"))];
    for stats in unreadable {
        let r = Router::new();
        let pim = r.protocol(1, &[1]);
        r.packet();
        r.plane.stats.does(Box::new(stats));
        r.renew();
        assert_eq!(r.mfe().map(|mfe| mfe.made), Some(r.now + LIFE));
        assert_eq!(pim.callbacks.questions.load(SeqCst), 2);
    }
}
