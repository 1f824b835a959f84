//! What a burst makes the manager remember is bounded, and given back: MB-7.

use std::sync::atomic::Ordering::SeqCst;

use mgm::{ClientRef, Entry, GroupAddr, SourceAddr};

use crate::kit::*;

fn group(number: u32) -> GroupAddr {
    let [_, high, middle, low] = number.to_be_bytes();
    GroupAddr::new([239, high, middle, low].into()).unwrap()
}

fn source(number: u32) -> SourceAddr {
    let [_, _, high, low] = number.to_be_bytes();
    SourceAddr::new([198, 51, high, low].into()).unwrap()
}

/// How many bytes are held after `act`, and were not before.
fn kept(act: impl FnOnce()) -> u64 {
    u64::try_from(allocation_counter::measure(act).bytes_current).unwrap_or_default()
}

/// What may stay after a burst.
const LITTLE: u64 = 64 * 1024;

#[test]
fn mb_7_what_a_burst_of_groups_has_grown_is_given_back() {
    let r = Router::new();
    let (pim, _dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[2]));
    let kept = kept(|| {
        for n in 0..100_000 {
            pim.add_group_membership(eth(1), Entry::Group(group(n))).unwrap();
        }
        for n in 0..100_000 {
            pim.delete_group_membership(eth(1), Entry::Group(group(n))).unwrap();
        }
    });
    assert_eq!(r.mgm.groups().count(), 0);
    assert!(kept < LITTLE, "{kept} bytes stay");
}

/// All at once: a client is dropped that holds them.
#[test]
fn mb_7_what_a_burst_of_alerts_has_grown_is_given_back() {
    let r = Router::new();
    let _dvmrp = r.protocol(2, &[2]);
    let kept = kept(|| {
        let pim = r.protocol(1, &[1]);
        for n in 0..100_000 {
            pim.add_group_membership(eth(1), Entry::Group(group(n))).unwrap();
        }
        drop(pim);
    });
    assert_eq!(r.mgm.groups().count(), 0);
    assert!(kept < LITTLE, "{kept} bytes stay");
}

#[test]
fn mb_7_what_a_burst_of_entries_has_grown_is_given_back() {
    let r = Router::new();
    let _pim = r.protocol(1, &[1]);
    let kept = kept(|| {
        for n in 0..20_000 {
            r.mgm.packet_received(source(n), g(), eth(1), &[], r.now).unwrap();
        }
        r.mgm.interface_removed(eth(1).index());
    });
    assert_eq!(r.mgm.mfes().count(), 0);
    assert!(kept < LITTLE, "{kept} bytes stay");
}

/// While the owner of an interface does something else, whole packets come in there, each of another entry.
#[test]
fn mb_7_what_waits_of_wrong_interface_alerts_is_bounded() {
    const FLOWS: u32 = 4_000;
    let r = Router::new();
    let (pim, dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[2]));
    (0..FLOWS).for_each(|n| r.mgm.packet_received(source(n), g(), eth(1), &[], r.now).unwrap());
    dvmrp.set_wrong_interface_alerts(eth(2), true).unwrap();
    let (waiting, now) = (std::sync::Arc::new(std::sync::Mutex::new(0)), r.now);
    let measured = std::sync::Arc::clone(&waiting);
    dvmrp.callbacks.on_join.does(Box::new(move |me: &ClientRef| {
        let mgm = me.manager();
        *measured.lock().unwrap() = kept(|| {
            let packet = [7; 1500];
            (0..FLOWS).for_each(|n| mgm.packet_on_wrong_interface(source(n), g(), eth(2), &packet, now));
        });
    }));
    pim.add_group_membership(eth(1), star()).unwrap();
    let waiting = *waiting.lock().unwrap();
    assert!(waiting > 0, "nothing was measured");
    assert!(waiting < 1024 * 1024, "{waiting} bytes wait");
    let told = dvmrp.callbacks.wrong_interfaces.load(SeqCst);
    assert!(0 < told && told < 4_000, "all {told} have waited");
}
