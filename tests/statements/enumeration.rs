//! Reading the groups joined: EN-1 and EN-4.

use std::collections::BTreeMap;
use std::thread;

use mgm::{ClientName, MembershipKind, Mgm, NoCallbacks};

use super::A;
use crate::support::*;

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
