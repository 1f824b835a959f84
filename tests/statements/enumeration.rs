//! Reading the groups joined, the forwarding entries and what they counted: EN-1 to EN-4.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

#[test]
fn en_1_shows_every_entry_with_interface_kind_adder_and_whom_it_counts_for() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.takes(eth(2));
    pim.adds(eth(1), star(1));
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(2), star(1));
    igmp.adds(eth(1), all());
    igmp.adds(eth(2), from(1, 1));
    igmp.blocks(eth(1), 2, 1);
    let (igmp, pim) = (ClientName::Igmp, pim.name());
    let (joined, blocked) = (MembershipKind::Joined, MembershipKind::Blocked);
    let mut expected = vec![
        (star(1), eth(1), joined, pim, pim),
        (star(1), eth(1), joined, igmp, pim),
        (star(1), eth(2), joined, igmp, igmp),
        (all(), eth(1), joined, igmp, pim),
        (from(1, 1), eth(2), joined, igmp, igmp),
        (from(2, 1), eth(1), blocked, igmp, pim),
    ];
    expected.sort_unstable();
    let mut read: Vec<_> = mgm
        .groups()
        .map(|held| (held.entry, held.interface, held.kind, held.added_by, held.counts_for))
        .collect();
    read.sort_unstable();
    assert_eq!(read, expected);
    assert_eq!(mgm.groups().filter(|held| held.entry.source().is_some()).count(), 2);
}

#[test]
fn en_1_what_is_gone_is_shown_no_more_and_the_end_is_final() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    igmp.takes(eth(1));
    for group in 1..=500 {
        igmp.adds(eth(1), star(group));
    }
    for group in 2..=500 {
        igmp.deletes(eth(1), star(group));
    }
    let mut groups = mgm.groups();
    assert_eq!(groups.next().map(|held| held.entry), Some(star(1)));
    igmp.adds(eth(1), star(2));
    while groups.next().is_some() {}
    igmp.adds(eth(1), star(3));
    assert_eq!(groups.next(), None);
}

#[test]
fn en_4_entries_that_stay_are_seen_exactly_once_while_others_come_and_go() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    for index in [1, 2] {
        igmp.takes(eth(index));
        for group in 1..=1000 {
            igmp.adds(eth(index), star(group));
        }
    }
    thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..5 {
                // The table grows to twice its size, and shrinks again.
                for group in 1001..=3000 {
                    igmp.adds(eth(1), star(group));
                }
                for group in 1001..=3000 {
                    igmp.deletes(eth(1), star(group));
                }
            }
        });
        loop {
            let last = changes.is_finished();
            let mut seen = BTreeMap::<_, u32>::new();
            for held in mgm.groups() {
                *seen.entry((held.entry, held.interface)).or_default() += 1;
            }
            let once = |group, index| seen.get(&(star(group), eth(index))) == Some(&1);
            assert!((1..=1000).all(|group| once(group, 1) && once(group, 2)));
            if last {
                break;
            }
        }
    });
}

#[test]
fn en_4_an_entry_is_shown_old_or_new() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    igmp.takes(eth(1));
    igmp.adds(eth(1), from(1, 1));
    thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..2000 {
                igmp.blocks(eth(1), 1, 1);
                igmp.adds(eth(1), from(1, 1));
            }
        });
        while !changes.is_finished() {
            assert_eq!(mgm.groups().count(), 1);
        }
    });
}

fn key(mfe: &Mfe<A>) -> (GroupAddr<A>, SourceAddr<A>) {
    (mfe.group, mfe.source)
}

#[test]
fn en_2_in_order_of_group_then_source_all_or_those_after_or_one() {
    let r = Router::<A>::new();
    for (source, group) in [(3, 1), (1, 2), (2, 1), (1, 1), (2, 3)] {
        r.packet(source, group, up());
    }
    let entries = |mfes: Mfes<A>| -> Vec<Entry<A>> {
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
    let counts: Vec<_> = counted.oifs.iter().map(|oif| (oif.interface, oif.packets)).collect();
    assert_eq!(counts, [(lan(), 2), (dmz(), 1)]);
    r.forwarder.before_stats(|_| Err(ForwarderError::Full));
    assert_eq!(stats(), Err(Error::Forwarder(ForwarderError::Full)));
    r.forwarder.before_stats(|_| boom());
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
            r.pim.set_mfe_timeout(A::source(5000), A::group(1), Duration::ZERO).unwrap();
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
