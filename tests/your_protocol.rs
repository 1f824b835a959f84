//! How you test a protocol of your own: by hand, and at random. Here it is a PIM that pulls what others want.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mgm::testing::{FaultyForwarder, Log, Step, World, entry, group, interface, route, source, steps};
use mgm::*;
use proptest::prelude::*;

/// The protocol: what it pulls, and a tunnel over which it pulls it.
#[derive(Default)]
struct Pim {
    pulls: Mutex<BTreeSet<(Entry, AlertCause)>>,
}

const PIM: ClientId = ClientId::new(1, 0);
const DVMRP: ClientId = ClientId::new(2, 0);

impl ProtocolCallbacks for Pim {
    fn alert(&self, _: &ClientRef, alert: Alert) {
        let mut pulls = self.pulls.lock().unwrap();
        match alert {
            Alert::Join { entry, cause } => drop(pulls.insert((entry, cause))),
            Alert::Prune { entry, cause } => drop(pulls.remove(&(entry, cause))),
            _ => {}
        }
    }

    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        request.route.over(interface(3))
    }
}

#[test]
fn by_hand_pim_pulls_over_its_tunnel_and_notices_no_hand_over() {
    let (log, plane, pim, now) =
        (Log::new(), FaultyForwarder::new(), Arc::new(Pim::default()), Instant::now());
    let (lan, uplink, tunnel) = (interface(1), interface(2), interface(3));
    let (sender, stream, joined) = (source("10.0.0.1"), group("239.1.1.1"), entry("(*, 239.1.1.1)"));
    let mgm = Mgm::builder()
        .rib(RouteTable::from_iter([route("10.0.0.0/8", uplink)]))
        .forwarder(plane.clone())
        .record(log.sink())
        .build();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let client = mgm.register_protocol(PIM, Arc::clone(&pim)).unwrap();
    let dvmrp = mgm.register_protocol(DVMRP, NoCallbacks).unwrap();
    [uplink, tunnel].iter().for_each(|on| client.take_interface_ownership(*on).unwrap());
    igmp.take_interface_ownership(lan).unwrap();

    igmp.add_group_membership(lan, joined).unwrap(); // a host reports
    assert_eq!(log.heard(client.name()), ["join_alert (*, 239.1.1.1), membership"]);

    plane.fail_next(1, ForwarderError::Full); // and the data plane is full for a second
    mgm.packet_received(sender, stream, uplink, &[], now).unwrap();
    assert_eq!((plane.entries().len(), mgm.forwarder_failures().len()), (0, 1));
    let _next = mgm.expire(now + Duration::from_secs(1));
    assert_eq!(plane.packet(sender, stream, tunnel, 1000), Some(vec![lan]));

    log.clear();
    dvmrp.take_interface_ownership(lan).unwrap(); // this IGMP adds nothing again
    let gone =
        ["prune_alert (10.0.0.1, 239.1.1.1), forwarding entry", "prune_alert (*, 239.1.1.1), membership"];
    assert_eq!(log.heard(client.name()), gone);
    assert!(pim.pulls.lock().unwrap().is_empty());
    mgm.check().unwrap();
}

#[test]
fn by_hand_what_pim_answers_is_tested_without_a_packet() {
    let client = Mgm::new().register_protocol(PIM, NoCallbacks).unwrap();
    let asked = RpfRequest::new(source("10.0.0.1"), group("239.1.1.1"), route("10.0.0.0/8", interface(2)));
    assert_eq!(Pim::default().rpf(&client, &asked).interface, interface(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever IGMP and two other protocols do, packets, routes and time: PIM pulls what the statements say.
    #[test]
    fn at_random_pim_pulls_what_others_want(steps in steps(1..60), seed: u64) {
        let (mut world, pim) = (World::with(|builder| builder.seed(seed)), Arc::new(Pim::default()));
        let client = world.mgm.register_protocol(PIM, Arc::clone(&pim))?;
        client.take_interface_ownership(interface(3))?;
        for step in &steps {
            world.step(step)?;
            let mut pulls = pim.pulls.lock().unwrap();
            // An entry that is deleted silently is pulled no more.
            pulls.retain(|(entry, cause)| *cause == AlertCause::Membership
                || world.mgm.mfe(entry.source().unwrap(), entry.group().unwrap()).is_some());
            prop_assert_eq!(&*pulls, &world.has_to_pull(client.name()), "{}", world.log);
        }
    }
}

#[test]
fn a_fault_that_holds_the_last_handle_goes_with_the_manager() {
    let plane = FaultyForwarder::new();
    let mgm = Mgm::builder().forwarder(plane.clone()).build();
    let now = Instant::now();
    mgm.packet_received(source("10.0.0.1"), group("239.1.1.1"), interface(1), &[], now).unwrap();
    plane.before(move |_| {
        assert_eq!(mgm.mfes().count(), 1);
        Ok(())
    });
    plane.recover();
    assert!(plane.entries().is_empty());
}

#[test]
fn a_world_waits_no_longer_than_its_clock_goes() {
    let mut world = World::new();
    for time in [Duration::MAX, Duration::from_secs(1)] {
        world.step(&Step::Wait(time)).unwrap();
    }
}
