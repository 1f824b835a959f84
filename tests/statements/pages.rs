//! No call holds the lock for more than a page of work, however much follows from it: CB-7.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Pieces changed in one hold of the lock.
const PAGE: usize = 3;

/// One piece may be begun when the page is almost full, and is changed whole: a membership and the entries that it covers.
const MOST: usize = PAGE + 1;

/// How many pieces there are of each kind.
const PIECES: u16 = 24;

/// A router with many of everything: what IGMP and DVMRP hold on `lan` and IGMP on `stub`, sources behind `lan` and
/// behind `up`, entries that come in by both, forward state.
fn busy() -> Router<A> {
    let r = Router::<A>::with(|builder| builder.page(PAGE));
    r.igmp.takes(lan());
    for n in 1..=PIECES {
        r.rib.set(host::<A>(100 + n), lan());
        r.igmp.adds(lan(), star(n));
        r.dvmrp.adds(lan(), from(n, n));
        r.dvmrp.blocks(lan(), n, 100);
        r.igmp.adds(stub(), from(100 + n, n));
        r.igmp.adds(stub(), star(n));
        r.packet(n, 1, up());
        r.packet(100 + n, 1, lan());
        r.igmp.forwards(stub(), n, 1, ForwardState::On);
        r.dvmrp.forwards(lan(), n, 1, ForwardState::Off);
    }
    r.forget_calls();
    r
}

#[track_caller]
fn assert_pages(mgm: &Mgm<A>) {
    let largest = mgm.largest_page();
    assert!(largest > 0 && largest <= MOST, "{largest} pieces in one hold of the lock");
}

#[track_caller]
fn in_pages(act: impl FnOnce(&Router<A>)) {
    let r = busy();
    act(&r);
    assert_pages(&r.mgm);
    r.forget_calls();
}

#[test]
fn cb_7_a_release_and_a_take_with_hand_overs() {
    in_pages(|r| {
        r.dvmrp.releases(lan());
        r.pim.takes(lan());
    });
}

#[test]
fn cb_7_a_hand_over_in_which_all_is_added_again_in_a_batch() {
    in_pages(|r| {
        r.inside(enable_igmp(lan()), |igmp| {
            igmp.batches(lan(), (1..=PIECES).map(|n| MembershipChange::Add(star(n))));
        });
        r.dvmrp.releases(lan());
    });
}

#[test]
fn cb_7_a_take_of_what_is_offered() {
    in_pages(|r| {
        r.dvmrp.offers(lan(), PIM);
        r.pim.takes(lan());
    });
}

#[test]
fn cb_7_igmps_own_release() {
    in_pages(|r| {
        r.igmp.releases(lan());
        r.igmp.releases(stub());
    });
}

#[test]
fn cb_7_an_interface_that_is_removed() {
    in_pages(|r| r.remove(lan()));
    in_pages(|r| r.remove(up()));
}

#[test]
fn cb_7_a_dropped_handle() {
    let r = busy();
    let mgm = r.mgm.clone();
    drop(r); // each of the three, on all that it is
    assert_eq!((mgm.interfaces(), held(&mgm)), (vec![], vec![]));
    assert_pages(&mgm);
}

#[test]
fn cb_7_routes_that_change() {
    in_pages(|r| {
        for n in 1..=PIECES {
            r.rib.set(host::<A>(100 + n), dmz());
        }
        r.rib.set(A::every_source(), alt());
        r.routes_changed();
    });
    // Of one source, with many groups.
    in_pages(|r| {
        for n in 1..=PIECES {
            r.igmp.adds(stub(), from(999, n));
        }
        r.reroute(999, lan());
    });
}

#[test]
fn cb_7_an_entry_that_covers_everything() {
    in_pages(|r| {
        for on in [alt(), dmz()] {
            let client = if on == alt() { &r.pim } else { &r.dvmrp };
            client.adds(on, all());
            client.adds(on, star(1));
            client.deletes(on, all());
            client.deletes(on, star(1));
        }
    });
}

#[test]
fn cb_7_expiry() {
    in_pages(|r| {
        for n in (1..=PIECES).step_by(2) {
            r.traffic(n, 1, up());
        }
        r.expire(900);
        r.expire(5000);
    });
}

#[test]
fn cb_7_a_batch_and_a_group_filter() {
    in_pages(|r| {
        r.dvmrp.batches(dmz(), (1..=PIECES).map(|n| MembershipChange::Add(star(200 + n))));
        let sources: Vec<_> = (1..=PIECES).map(A::source).collect();
        r.dvmrp.set_group(dmz(), A::group(300), Filter::Include(&sources)).unwrap();
        r.dvmrp.set_group(dmz(), A::group(300), Filter::LEAVE).unwrap();
    });
}

#[test]
fn cb_7_a_refresh() {
    in_pages(|r| {
        let later = r.at(1000);
        r.igmp.begin_refresh(lan(), later).unwrap().end();
        drop(r.dvmrp.begin_refresh(lan(), later).unwrap());
        r.expire(1000);
    });
}

/// A callback of the first page does what it likes, and the call returns when all is done.
#[test]
fn cb_7_between_pages_others_work_and_a_call_returns_when_all_is_done() {
    let t = Testbed::<A>::with(|builder| builder.page(PAGE));
    let (pim, dvmrp) = (t.protocol(PIM), Arc::new(t.protocol(DVMRP)));
    pim.takes(eth(1));
    dvmrp.takes(eth(2));
    for group in 1..=PIECES {
        pim.adds(eth(1), star(group));
    }
    t.forget_calls();
    let pages = Arc::new(AtomicUsize::new(usize::from(PIECES)));
    let (client, seen) = (Arc::clone(&dvmrp), Arc::clone(&pages));
    t.inside_alerts(DVMRP, move |me, what| {
        assert!(what.is_prune());
        // CB-2: what it is told of has gone; what is left goes later.
        let left = held(&me.manager()).iter().filter(|held| held.added_by != me.name()).count();
        let before = seen.swap(left, Ordering::SeqCst);
        assert!((left..=left + MOST).contains(&before), "{left} of {before}");
        client.adds(eth(2), star(99));
    });
    pim.releases(eth(1));
    assert_eq!(held(&t.mgm).len(), 1);
    assert_eq!(count(&t.calls(), DVMRP, What::is_prune), usize::from(PIECES));
}

/// EN-4: an enumeration is read in pages too, while everything goes.
#[test]
fn cb_7_en_4_an_enumeration_meets_a_release_and_misses_nothing_that_stays() {
    let r = busy();
    let mut groups = r.mgm.groups();
    let first: Vec<_> = groups.by_ref().take(5).collect();
    r.dvmrp.releases(lan());
    let rest: Vec<_> = groups.collect();
    let stays = |held: &&Membership<A>| held.interface == stub();
    let read = first.iter().chain(&rest).filter(stays).count();
    assert_eq!(read, 2 * usize::from(PIECES));
    r.forget_calls();
}
