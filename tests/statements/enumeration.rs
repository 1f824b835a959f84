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

/// What is read, in an order that can be compared.
fn places(groups: Groups<A>) -> Vec<(Entry<A>, Interface<A>, MembershipKind)> {
    let mut places: Vec<_> = groups.map(|held| (held.entry, held.interface, held.kind)).collect();
    places.sort_unstable();
    places
}

/// What of all that is held stands at such a place.
fn among(
    mgm: &Mgm<A>,
    is_there: impl Fn(Entry<A>, Interface<A>) -> bool,
) -> Vec<(Entry<A>, Interface<A>, MembershipKind)> {
    let mut places = places(mgm.groups());
    places.retain(|(entry, interface, _)| is_there(*entry, *interface));
    places
}

/// IGMP and PIM hold wildcards, sources and blocks on three interfaces, two of which are links.
fn crowd() -> (Mgm<A>, [Client<A>; 2]) {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    for on in [eth(1), hub(1), hub(2)] {
        pim.takes(on);
        igmp.takes(on);
        igmp.adds(on, star(1));
        pim.adds(on, all());
        igmp.blocks(on, 3, 1);
        pim.adds(on, from(3, 1));
        igmp.adds(on, from(2, 2));
    }
    pim.adds(hub(2), from(1, 1));
    igmp.adds(eth(1), star(2));
    (mgm, [igmp, pim])
}

#[test]
fn en_7_the_memberships_and_blocks_of_one_interface() {
    let (mgm, _clients) = crowd();
    for on in [eth(1), hub(1), hub(2), eth(2)] {
        assert_eq!(places(mgm.groups_on(on)), among(&mgm, |_, interface| interface == on), "on {on}");
    }
    assert_eq!(mgm.groups_on(hub(2)).count(), 6);
    assert_eq!(mgm.groups_on(eth(2)).count(), 0);
    let stars = mgm.groups_on(eth(1)).filter(|held| held.entry == star(1));
    let of_igmp = stars.map(|held| (held.added_by, held.counts_for, held.stale));
    assert_eq!(of_igmp.collect::<Vec<_>>(), [(IGMP, PIM.named(), false)]);
}

#[test]
fn en_7_the_memberships_and_blocks_of_one_group_in_order_of_interface_then_source() {
    let (mgm, _clients) = crowd();
    for group in 1..=3 {
        let of_group = |entry: Entry<A>, _| entry.group() == Some(A::group(group));
        assert_eq!(places(mgm.groups_of(A::group(group))), among(&mgm, of_group), "of {group}");
    }
    let order: Vec<_> = mgm.groups_of(A::group(1)).map(|held| (held.interface, held.entry)).collect();
    let mut sorted = order.clone();
    sorted.sort_by_key(|(interface, entry)| (*interface, entry.source()));
    assert_eq!((order.len(), &order), (10, &sorted));
}

/// What stays is shown once by each, while others come and go, on it and beside it.
#[test]
fn en_7_in_pages_none_that_stays_is_missed_or_repeated() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    for index in 1..=400 {
        igmp.takes(eth(index));
        igmp.adds(eth(index), star(1));
    }
    for source in 1..=1000 {
        igmp.adds(eth(200), from(source, 1));
    }
    for group in 2..=1000 {
        igmp.adds(eth(200), star(group));
    }
    let expected = [places(mgm.groups_on(eth(200))), places(mgm.groups_of(A::group(1)))];
    assert_eq!(expected.each_ref().map(Vec::len), [2000, 1400]);
    let read = |groups: Groups<A>| {
        let mut seen = Vec::new();
        for (turn, held) in (0_u32..).zip(groups) {
            seen.push((held.entry, held.interface, held.kind));
            let passing = if turn % 2 == 0 { from(2000, 1) } else { from(1, 3000) };
            igmp.adds(eth(1 + turn % 400), passing);
            igmp.deletes(eth(1 + turn % 400), passing);
            igmp.takes(eth(1000 - turn % 400));
            igmp.releases(eth(1000 - turn % 400));
        }
        seen.sort_unstable();
        seen
    };
    assert_eq!(read(mgm.groups_on(eth(200))), expected[0]);
    assert_eq!(read(mgm.groups_of(A::group(1))), expected[1]);
}

/// The interface goes while it is read, and comes again: its number may be another's meanwhile.
#[test]
fn en_7_an_interface_that_goes_while_it_is_read_shows_none_of_another() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    for on in [eth(1), eth(2)] {
        igmp.takes(on);
        (1..=1000).for_each(|source| _ = igmp.adds(on, from(source, 1)));
    }
    let (mut on, mut of) = (mgm.groups_on(eth(1)), mgm.groups_of(A::group(1)));
    let (_first_on, _first_of) = (on.next().unwrap(), of.next().unwrap());
    igmp.releases(eth(1));
    igmp.takes(eth(3));
    igmp.adds(eth(3), from(1, 1));
    assert!(on.all(|held| held.interface == eth(1)));
    let rest = places(of);
    assert!(rest.len() < 256 + 1001, "{}", rest.len());
    assert!((1..=1000).all(|source| rest.contains(&(from(source, 1), eth(2), MembershipKind::Joined))));
}
