//! After every report, wherever a hand-over falls, the manager holds what the naive merge says.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::thread;

use mgm::Address;
use proptest::prelude::*;

use super::lan::Lan;
use super::naive::{self, Heard, Held, Naive};
use super::{BURST, ETHERNET, IGMP_V2, IGMP_V3, MLD_V2};
use crate::traffic::{Packet, Recording};
use membership_reports::{Record, RecordKind, Report, Version};

fn reports<A: Clone>(packets: &[Packet<A>]) -> Vec<Report<A>> {
    packets.iter().map(|packet| packet.report.clone().unwrap()).collect()
}

fn igmp(pcap: &[u8]) -> Vec<Report<Ipv4Addr>> {
    reports(&Recording::read(pcap).igmp)
}

fn mld(pcap: &[u8]) -> Vec<Report<Ipv6Addr>> {
    reports(&Recording::read(pcap).mld)
}

/// What the naive merge holds after each packet of a capture.
fn expected(pcap: &[u8]) -> Vec<BTreeSet<Held>> {
    let mut naive = Naive::default();
    let after = |frame: Range<usize>| {
        let (host, message) = naive::message(&pcap[frame][ETHERNET..]);
        naive::heard(host, message).unwrap().iter().for_each(|heard| naive.hear(heard));
        naive.held()
    };
    naive::frames(pcap).into_iter().map(after).collect()
}

fn check<A: Address + Into<IpAddr>>(reports: &[Report<A>], pcap: &[u8], packets: usize) {
    let expected = expected(pcap);
    assert_eq!((reports.len(), expected.len()), (packets, packets));
    let lan = Lan::new();
    for (report, expected) in reports.iter().zip(&expected) {
        lan.receive(report);
        assert_eq!(lan.held(), *expected, "after {report:?}");
    }
    assert!(lan.held().is_empty(), "in each capture all hosts leave all groups");
    lan.assert_quiet();
}

#[test]
fn two_igmpv2_hosts() {
    check(&igmp(IGMP_V2), IGMP_V2, 8);
}

#[test]
fn two_igmpv3_hosts() {
    check(&igmp(IGMP_V3), IGMP_V3, 26);
}

#[test]
fn a_burst_of_2000_groups() {
    assert_eq!(expected(BURST)[10].len(), 2000);
    check(&igmp(BURST), BURST, 44);
}

#[test]
fn two_mldv2_hosts() {
    check(&mld(MLD_V2), MLD_V2, 21);
}

/// DVMRP takes the LAN with report `take` and releases it with report `release`: those come either while IGMP
/// is disabled, or right after.
fn hand_over_at<A: Address + Into<IpAddr>>(
    reports: &[Report<A>],
    expected: &[BTreeSet<Held>],
    (take, release): (usize, usize),
    while_disabled: bool,
) {
    let lan = Lan::new();
    for (index, report) in reports.iter().enumerate() {
        let hand_over = index == take || index == release;
        if hand_over && while_disabled {
            lan.hand_over_meanwhile(report.clone());
        } else {
            if hand_over {
                lan.hand_over();
            }
            lan.receive(report);
        }
        assert_eq!(lan.held(), expected[index], "taken at {take}, released at {release}, after {index}");
    }
    lan.assert_quiet();
}

fn hand_over_everywhere<A: Address + Into<IpAddr>>(reports: &[Report<A>], pcap: &[u8], step: usize) {
    let expected = expected(pcap);
    for take in (0..reports.len()).step_by(step) {
        for release in (take + 1..=reports.len()).step_by(step) {
            hand_over_at(reports, &expected, (take, release), false);
            hand_over_at(reports, &expected, (take, release), true);
        }
    }
}

#[test]
fn a_hand_over_anywhere_changes_nothing_for_igmpv2_hosts() {
    hand_over_everywhere(&igmp(IGMP_V2), IGMP_V2, 1);
}

#[test]
fn a_hand_over_anywhere_changes_nothing_for_igmpv3_hosts() {
    hand_over_everywhere(&igmp(IGMP_V3), IGMP_V3, 1);
}

#[test]
fn a_hand_over_anywhere_changes_nothing_for_mldv2_hosts() {
    hand_over_everywhere(&mld(MLD_V2), MLD_V2, 1);
}

#[test]
fn a_hand_over_anywhere_changes_nothing_for_the_burst() {
    hand_over_everywhere(&igmp(BURST), BURST, 18);
}

/// A host at 192.0.2.`host` wants these sources of 198.51.100.0/24, and no other.
fn to_include(host: u8, sources: impl IntoIterator<Item = u8>) -> Report<Ipv4Addr> {
    let sources = sources.into_iter().map(|last| Ipv4Addr::new(198, 51, 100, last)).collect();
    let record = Record { group: SSM, kind: RecordKind::ToInclude, sources };
    Report { version: Version::Igmpv3, reporter: Ipv4Addr::new(192, 0, 2, host), records: vec![record] }
}

const SSM: Ipv4Addr = Ipv4Addr::new(232, 1, 1, 1);

fn joined(sources: impl IntoIterator<Item = u8>) -> BTreeSet<Held> {
    let held = |last| (SSM.into(), Some(Ipv4Addr::new(198, 51, 100, last).into()), false);
    sources.into_iter().map(held).collect()
}

/// As it could from another thread at any time.
#[test]
fn a_report_in_the_middle_of_a_change_has_the_last_word() {
    let lan = Lan::new();
    lan.hand_over();
    // More sources than one step sets: when DVMRP is told of the first, the others are not set yet.
    lan.receive_meanwhile(to_include(1, [7]));
    lan.receive(&to_include(1, 1..=200));
    assert_eq!(lan.held(), joined([7]));
    lan.assert_quiet();
}

/// Two hosts are heard by a thread each, while a third thread hands the LAN over.
#[test]
fn reports_and_hand_overs_on_several_threads_end_with_what_is_wanted() {
    let lan = Lan::new();
    let report = |host: u8| {
        for turn in (0..7).cycle().take(300) {
            let first = host * 100 + turn * 10;
            lan.receive(&to_include(host, first..first + 10));
        }
        lan.receive(&to_include(host, [host]));
    };
    thread::scope(|scope| {
        scope.spawn(|| report(1));
        scope.spawn(|| report(0));
        (0..100).for_each(|_| lan.take_or_release());
    });
    assert_eq!(lan.held(), joined([0, 1]));
    lan.assert_quiet();
}

/// What is remembered then is not what is held: without a delete of its own it goes, as nobody adds it again.
#[test]
fn ho_14_a_leave_while_igmp_is_disabled_leaves_nothing_behind() {
    let lan = Lan::new();
    lan.receive(&to_include(1, [7]));
    lan.hand_over_meanwhile(to_include(1, []));
    assert_eq!(lan.held(), BTreeSet::new());
    lan.assert_quiet();
}

fn record() -> impl Strategy<Value = (u8, Record<Ipv4Addr>)> {
    let kinds = [
        (naive::REPORT, RecordKind::Report),
        (naive::LEAVE, RecordKind::Leave),
        (1, RecordKind::IsInclude),
        (2, RecordKind::IsExclude),
        (3, RecordKind::ToInclude),
        (4, RecordKind::ToExclude),
        (5, RecordKind::Allow),
        (6, RecordKind::Block),
    ];
    let groups = ["239.1.1.1", "239.1.1.2", "232.1.1.1", "224.0.0.251", "10.0.0.1"];
    let sources = ["198.51.100.7", "198.51.100.8", "198.51.100.9", "224.1.1.1", "0.0.0.0"];
    let kind = prop::sample::select(kinds.to_vec());
    let group = prop::sample::select(groups.to_vec());
    let sources = prop::sample::subsequence(sources.to_vec(), 0..=4);
    (kind, group, sources).prop_map(|((number, kind), group, sources)| {
        let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
        (number, Record { group: group.parse().unwrap(), kind, sources })
    })
}

fn report() -> impl Strategy<Value = (Vec<Heard>, Report<Ipv4Addr>)> {
    (1..=3_u8, prop::collection::vec(record(), 1..4)).prop_map(|(host, records)| {
        let reporter = Ipv4Addr::new(192, 0, 2, host);
        let heard = records.iter().map(|(kind, record)| Heard {
            host: reporter.into(),
            kind: *kind,
            group: record.group.into(),
            sources: record.sources.iter().copied().map(IpAddr::from).collect(),
        });
        let heard = heard.collect();
        let records = records.into_iter().map(|(_, record)| record).collect();
        (heard, Report { version: Version::Igmpv3, reporter, records })
    })
}

#[derive(Clone, Debug)]
enum HandOver {
    No,
    Before,
    Meanwhile,
}

/// Whether a packet from `source` to `group` is let through.
fn covers(held: &BTreeSet<Held>, group: IpAddr, source: IpAddr) -> bool {
    held.contains(&(group, Some(source), false))
        || held.contains(&(group, None, false)) && !held.contains(&(group, Some(source), true))
}

/// Make before break: what was wanted before and after a report is wanted all along, and no block stands alone.
fn assert_no_gap(before: &BTreeSet<Held>, after: &BTreeSet<Held>, between: &[BTreeSet<Held>]) {
    for held in between {
        let alone =
            held.iter().find(|&&(group, _, blocked)| blocked && !held.contains(&(group, None, false)));
        assert_eq!(alone, None, "blocked without (*,G): {held:?}");
    }
    let sources = (6..=10).map(|last| IpAddr::from([198, 51, 100, last]));
    for source in sources {
        for &(group, ..) in before {
            if covers(before, group, source) && covers(after, group, source) {
                let gap = between.iter().find(|held| !covers(held, group, source));
                assert_eq!(gap, None, "({source}, {group}) is not let through for a while");
            }
        }
    }
}

proptest! {
    #[test]
    fn hosts_that_report_at_random(
        reports in prop::collection::vec(
            (report(), prop::sample::select(vec![HandOver::No, HandOver::No, HandOver::Before, HandOver::Meanwhile])),
            1..40,
        ),
    ) {
        let (lan, mut naive) = (Lan::new(), Naive::default());
        lan.take_seen();
        for ((heard, report), hand_over) in reports {
            let before = naive.held();
            heard.iter().for_each(|heard| naive.hear(heard));
            match hand_over {
                HandOver::Meanwhile => lan.hand_over_meanwhile(report),
                HandOver::No => lan.receive(&report),
                HandOver::Before => {
                    lan.hand_over();
                    prop_assert_eq!(lan.held(), before.clone());
                    lan.take_seen();
                    lan.receive(&report);
                }
            }
            prop_assert_eq!(lan.held(), naive.held());
            let between = lan.take_seen();
            if !matches!(hand_over, HandOver::Meanwhile) {
                assert_no_gap(&before, &naive.held(), &between);
            }
        }
        lan.assert_quiet();
    }
}
