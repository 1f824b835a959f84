//! What is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;

#[test]
fn calls_refusals_alerts_and_hand_overs_are_counted() {
    let t = Testbed::<A>::new();
    let [igmp, pim, dvmrp] = t.three();
    let before = t.mgm.counters();
    igmp.adds(eth(1), star(1));
    drop(dvmrp.add_group_membership(eth(1), star(1)).unwrap_err());
    drop(dvmrp.take_interface_ownership(eth(1)).unwrap_err());
    drop(igmp.batch(eth(2), [MembershipChange::Add(star(1)), MembershipChange::Add(star(2))]));
    pim.releases(eth(1));
    t.forget_calls();
    let counters = t.mgm.counters();
    assert_eq!(counters.calls - before.calls, 5);
    assert_eq!(counters.handovers - before.handovers, 1);
    let refusals: Vec<_> = counters.refusals.iter().map(|(kind, count)| (*kind, *count)).collect();
    assert_eq!(refusals, [("not_on_interface", 3), ("owned_by_another", 1)]);
    assert_eq!((counters.alerts["local_join"], counters.alerts["local_leave"]), (1, 1));
    assert_eq!(counters.alerts["join_alert"], 2, "DVMRP heard of it, and PIM when it counted for IGMP");
    assert_eq!(counters.alerts["interface_removed"], 0);
    let made: Vec<_> = counters.callbacks.iter().map(|it| (it.client, it.count, it.time)).collect();
    assert_eq!(made.len(), 3);
    assert!(made.iter().all(|(_, count, time)| *count > 0 && time.is_none()));
}

#[test]
fn what_is_asked_of_the_forwarder_and_the_rib_is_counted() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuse(ForwarderError::Full);
    r.dvmrp.adds(lan(), star(1));
    r.forwarder.recover();
    r.expire(1);
    r.forget_calls();
    let counters = r.mgm.counters();
    assert_eq!((counters.forwarder_calls, counters.forwarder_failures, counters.lookups), (3, 1, 1));
}

#[test]
fn news_count_as_alerts_when_they_are_taken() {
    let t = Testbed::<A>::new();
    let igmp = t.igmp();
    let (_pim, mut news) = t.mgm.register_polled_protocol(PIM, NoCallbacks).unwrap();
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    assert_eq!(t.mgm.counters().alerts["join_alert"], 0);
    assert!(news.try_next().is_some());
    assert_eq!(t.mgm.counters().alerts["join_alert"], 1);
    t.forget_calls();
}

#[test]
fn the_time_of_callbacks_is_taken_by_the_clock_that_was_given() {
    let clock = Arc::new(AtomicU64::new(0));
    let tick = Arc::clone(&clock);
    let now = move || Duration::from_secs(tick.load(Ordering::SeqCst));
    let t = Testbed::<A>::with(|builder| builder.callback_clock(now));
    let [igmp, _pim, _dvmrp] = t.three();
    let before = t.mgm.counters().callbacks[1].time;
    t.inside(local_join(PIM, eth(1), star(1)), move |_| _ = clock.fetch_add(7, Ordering::SeqCst));
    igmp.adds(eth(1), star(1));
    t.forget_calls();
    let after = t.mgm.counters().callbacks[1];
    assert_eq!(after.client, PIM.into());
    assert_eq!(after.time.unwrap() - before.unwrap(), Duration::from_secs(7));
}

#[test]
fn counters_print_as_open_metrics() {
    let t = Testbed::<A>::new();
    let _igmp = t.igmp();
    drop(t.mgm.register_igmp(NoCallbacks).unwrap_err());
    let text = t.mgm.counters().to_string();
    for line in text.lines() {
        let is_sample = line.split_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
        assert!(line.starts_with("# ") || line.starts_with("mgm_") && is_sample, "{line}");
    }
    assert!(text.contains("\nmgm_refusals_total{kind=\"igmp_already_registered\"} 1\n"), "{text}");
    assert!(text.contains("\nmgm_callbacks_total{client=\"IGMP\"} "), "{text}");
}
