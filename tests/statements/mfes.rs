//! Reading the entries: EN-2, EN-3, EN-4.

use std::collections::BTreeSet;
use std::time::Instant;

use mgm::{Entry, Error, ForwarderError, Mfe, Mgm};

use super::A;
use crate::support::*;

fn key(mfe: &Mfe<A>) -> (mgm::GroupAddr<A>, mgm::SourceAddr<A>) {
    (mfe.group, mfe.source)
}

#[test]
fn en_2_in_order_of_group_then_source_all_or_those_after_or_one() {
    let r = Router::<A>::new();
    for (source, group) in [(3, 1), (1, 2), (2, 1), (1, 1), (2, 3)] {
        r.packet(source, group, up());
    }
    let entries = |mfes: mgm::Mfes<A>| -> Vec<Entry<A>> {
        mfes.map(|mfe| Entry::SourceGroup(mfe.source, mfe.group)).collect()
    };
    let all = [from(1, 1), from(2, 1), from(3, 1), from(1, 2), from(2, 3)];
    assert_eq!(entries(r.mgm.mfes()), all);
    let after = |source, group| entries(r.mgm.mfes_after(A::source(source), A::group(group)));
    assert_eq!(after(2, 1), all[2..]);
    assert_eq!(after(9, 1), all[3..], "one that is not there");
    assert_eq!(after(1, 2), all[4..]);
    assert_eq!(after(2, 3), []);
    assert_eq!(r.mfe(1, 2), r.mgm.mfes().nth(3));
    assert_eq!(r.mfe(3, 2), None);
}

#[test]
fn en_2_many_pages_and_no_end_that_comes_twice() {
    let r = Router::<A>::new();
    for source in 0..1000 {
        r.packet(source, source % 3, up());
    }
    let mut mfes = r.mgm.mfes();
    let keys: Vec<_> = mfes.by_ref().map(|mfe| key(&mfe)).collect();
    assert_eq!(keys.len(), 1000);
    assert!(keys.is_sorted());
    r.packet(2000, 8000, up());
    assert_eq!(mfes.next(), None);
}

#[test]
fn en_2_it_needs_no_registration() {
    let mgm = Mgm::<A>::default();
    let now = Instant::now();
    mgm.packet_received(A::source(1), A::group(1), lan(), &[], now).unwrap();
    assert_eq!(mgm.mfes().count(), 1);
    let mfe = mgm.mfe(A::source(1), A::group(1)).unwrap();
    assert_eq!((mfe.iif, mfe.oifs, mfe.made, mfe.owner), (lan(), vec![], now, None));
}

#[test]
fn en_2_the_oifs_are_in_order() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.dvmrp.adds(dmz(), star(1));
    let bgmp = r.protocol(BGMP);
    bgmp.takes(hub(9));
    bgmp.takes(wan());
    bgmp.takes(hub(8));
    bgmp.adds(hub(9), star(1));
    bgmp.adds(wan(), from(1, 1));
    r.packet(1, 1, up());
    bgmp.adds(hub(8), all());
    r.dvmrp.adds(lan(), all());
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz(), stub(), wan(), hub(8), hub(9)]));
}

#[test]
fn en_3_statistics_come_from_the_forwarder() {
    let r = Router::<A>::new();
    let stats = || r.mgm.mfe_stats(A::source(1), A::group(1));
    assert_eq!(stats(), Err(Error::NoSuchMfe { entry: from(1, 1) }));
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.dvmrp.adds(dmz(), star(1));
    r.traffic(1, 1, up());
    r.traffic(1, 1, lan());
    let counted = stats().unwrap();
    assert_eq!((counted.packets, counted.octets, counted.wrong_interface), (2, 200, 1));
    assert_eq!(counted.oifs, [(lan(), 2), (dmz(), 1)]);
    r.forwarder.stats(|_| Err(ForwarderError::Full));
    assert_eq!(stats(), Err(Error::Forwarder(ForwarderError::Full)));
    r.forwarder.stats(|_| boom());
    assert_eq!(stats(), Err(Error::Forwarder(ForwarderError::Panicked)));
    r.assert_panics(1);
}

#[test]
fn en_4_an_enumeration_misses_and_repeats_none_that_is_there_all_along() {
    let r = Router::<A>::new();
    for source in 0..1000 {
        r.packet(source, 1 + source % 10, up());
    }
    let mut seen = Vec::new();
    for (turn, mfe) in (0_u16..).zip(r.mgm.mfes()) {
        seen.push(key(&mfe));
        if turn % 3 == 0 && turn < 900 {
            r.packet(3000 + turn, 1 + turn % 20, up()); // comes
            r.packet(5000, 1, up());
            r.pim.set_mfe_timeout(A::source(5000), A::group(1), std::time::Duration::ZERO).unwrap();
            let _next = r.mgm.expire(r.now()); // goes
        }
    }
    let unique: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "none twice");
    assert!((0..1000).all(|source| unique.contains(&(A::group(1 + source % 10), A::source(source)))));
}

/// The lock is not held for longer than a page: from the reader's own thread everything can be changed.
#[test]
fn en_4_a_page_is_read_at_one_moment_and_has_at_most_256_entries() {
    let r = Router::<A>::new();
    for source in 0..1000 {
        r.packet(source, 1, up());
    }
    let mut mfes = r.mgm.mfes();
    mfes.next().unwrap();
    r.dvmrp.adds(lan(), star(1));
    let old = mfes.take_while(|mfe| mfe.oifs.is_empty()).count();
    assert!(old < 256, "{old} entries had been read");
}
