//! What becomes of groups and sources in time: RFC 9776 §6.3, §6.5 and §6.6, the order of the calls, and the limits.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::lan::{G, Lan, OTHER, ROUTER, SSM, block, general, join, join_from, leave, leave_from, unblock};
use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Own};
use linux_router::igmp::query::Query;
use membership_reports::Record;
use membership_reports::RecordKind::{
    self, Allow, Block, IsExclude, IsInclude, Leave, Report, ToExclude, ToInclude,
};
use membership_reports::Version::{Igmpv1, Igmpv2, Igmpv3};

fn lan() -> Lan {
    Lan::new(Config::default())
}

#[test]
fn a_group_that_nobody_reports_again_is_left_after_the_group_membership_interval() {
    let mut lan = lan();
    assert_eq!(lan.record(ToExclude, G, ""), [join(G)]);
    assert_eq!(lan.pass(259.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
    assert!(lan.link.groups().is_empty());
}

#[test]
fn a_report_renews_a_group_without_a_call() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.pass(125.0);
    assert_eq!(lan.record(IsExclude, G, ""), []);
    assert_eq!(lan.pass(259.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
}

/// §6.6.3.1: Last Member Query Count queries, one Last Member Query Interval apart, and then it is over.
#[test]
fn the_last_member_leaves() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(ToInclude, G, "");
    assert_eq!(lan.asked(), ["Q(G)"]);
    lan.pass(0.9);
    assert_eq!(lan.asked(), [""; 0]);
    lan.pass(0.1);
    assert_eq!(lan.asked(), ["Q(G)"]);
    assert_eq!(lan.pass(0.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
    assert_eq!(lan.asked(), [""; 0]);
}

#[test]
fn a_member_that_is_left_answers_and_nothing_changes() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(ToInclude, G, "");
    lan.pass(0.5);
    assert_eq!(lan.record(IsExclude, G, ""), []);
    lan.asked();
    // §6.6.3.1: the retransmission must not lower the timers of other routers again.
    assert_eq!(lan.pass(100.0 - lan.now.as_secs_f64()), []);
    assert_eq!(lan.asked()[0], "Q(G)S");
}

/// However often a host says that it leaves, the link is not flooded with queries.
#[test]
fn repeated_leaves_ask_once() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(Allow, SSM, "ab");
    for _ in 0..100 {
        lan.record(ToInclude, G, "");
        lan.record(Block, SSM, "ab");
    }
    assert_eq!(lan.asked(), ["Q(G)", "Q(G,ab)"]);
}

/// §6.6.3.2.
#[test]
fn a_source_is_asked_for_before_it_goes() {
    let mut lan = lan();
    lan.record(Allow, SSM, "abc");
    lan.record(Block, SSM, "ab");
    assert_eq!(lan.asked(), ["Q(G,ab)"]);
    lan.pass(0.5);
    assert_eq!(lan.record(IsInclude, SSM, "b"), []);
    lan.record(Block, SSM, "c");
    assert_eq!(lan.asked(), ["Q(G,c)"]);
    lan.pass(0.5);
    // b has been reported meanwhile: asked with the S flag, and apart.
    assert_eq!(lan.asked(), ["Q(G,ac)", "Q(G,b)S"]);
    assert_eq!(lan.pass(1.0), [leave_from('a', SSM)]);
    assert_eq!(lan.pass(0.5), [leave_from('c', SSM)]);
    assert_eq!(lan.asked(), [""; 0]);
}

/// §6.6.3.2: beside a query for the group, one with the S flag is left out.
#[test]
fn a_query_for_the_group_covers_its_sources() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(Allow, G, "a");
    lan.record(ToInclude, G, "");
    assert_eq!(lan.asked(), ["Q(G,a)", "Q(G)"]);
    lan.record(IsInclude, G, "a");
    lan.pass(1.0);
    assert_eq!(lan.asked(), ["Q(G)"]);
}

/// Make before break, and no moment at which what nobody wants is forwarded.
#[test]
fn from_include_to_exclude() {
    let mut lan = lan();
    lan.record(Allow, G, "ab");
    let changes = lan.record(ToExclude, G, "bc");
    assert_eq!(changes, [block('c', G), join(G), leave_from('a', G)]);
}

/// §6.5: when the group timer expires, sources whose timers run are all that is left. They are held already.
#[test]
fn from_exclude_back_to_include() {
    let mut lan = lan();
    lan.record(ToExclude, G, "yz");
    lan.pass(200.0);
    lan.record(Allow, G, "a");
    let changes = lan.pass(100.0);
    assert_eq!(changes, [leave(G), unblock('y', G), unblock('z', G)]);
    assert_eq!(lan.held.iter().collect::<Vec<_>>(), [&join_from('a', G)]);
    assert_eq!(lan.pass(160.0), [leave_from('a', G)]);
}

/// §6.5: in EXCLUDE the record of a source whose timer expires is kept: nobody wants it.
#[test]
fn in_exclude_an_expired_source_is_blocked() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(Block, G, "a");
    assert_eq!(lan.pass(2.0), [block('a', G)]);
    assert_eq!(lan.record(Allow, G, "a"), [join_from('a', G)]);
}

/// §6.4 with RFC 4604: what names no source is ignored in the source-specific range, the rest of the report is not.
#[test]
fn the_source_specific_range() {
    let mut lan = lan();
    for (version, kind) in [(Igmpv3, IsExclude), (Igmpv3, ToExclude), (Igmpv1, Report), (Igmpv2, Report)] {
        assert_eq!(
            lan.report(version, &[(kind, SSM, ""), (kind, G, "")]).len(),
            usize::from(version == Igmpv3 && kind == IsExclude)
        );
    }
    lan.record(Allow, SSM, "a");
    lan.asked();
    lan.report(Igmpv2, &[(Leave, SSM, "")]);
    assert_eq!(lan.asked(), [""; 0]);
    lan.record(ToInclude, SSM, "");
    assert_eq!(lan.asked(), ["Q(G,a)"]);
}

/// §7.3.2: IGMPv2 hosts join and leave.
#[test]
fn an_igmpv2_host() {
    let mut lan = lan();
    assert_eq!(lan.report(Igmpv2, &[(Report, G, "")]), [join(G)]);
    lan.record(Block, G, "a");
    assert_eq!(lan.record(ToExclude, G, "b"), []);
    assert_eq!(lan.asked(), [""; 0], "BLOCK and the sources of TO_EX are ignored beside an IGMPv2 host");
    lan.report(Igmpv2, &[(Leave, G, "")]);
    assert_eq!(lan.asked(), ["Q(G)"]);
    assert_eq!(lan.pass(2.0), [leave(G)]);
}

/// §7.3.2: an IGMPv1 host leaves in silence, and others cannot leave for it.
#[test]
fn an_igmpv1_host() {
    let mut lan = lan();
    assert_eq!(lan.report(Igmpv1, &[(Report, G, "")]), [join(G)]);
    lan.report(Igmpv2, &[(Leave, G, "")]);
    lan.record(ToInclude, G, "");
    assert_eq!(lan.asked(), [""; 0]);
    assert_eq!(lan.pass(260.0), [leave(G)]);
}

/// §6.6.1: the queries of the querier lower the timers here too, unless they carry the S flag.
#[test]
fn another_querier_asks() {
    let mut lan = Lan::listening(Config::default());
    lan.record(ToExclude, G, "");
    lan.record(Allow, SSM, "ab");
    lan.hear(Query { group: Some(G), suppress: true, ..general() });
    lan.hear(Query { querier: Ipv4Addr::new(192, 0, 2, 9), group: Some(G), ..general() });
    assert_eq!(lan.pass(2.0), [], "the S flag, and a router that is not the querier");
    let max_response = Duration::from_secs(1);
    lan.hear(Query { querier: OTHER, group: Some(G), max_response, ..general() });
    let sources = vec![crate::lan::source('a')];
    lan.hear(Query { group: Some(SSM), sources, max_response, ..general() });
    assert_eq!(lan.pass(2.0), [leave_from('a', SSM), leave(G)]);
    assert_eq!(lan.asked(), [""; 0]);
}

#[test]
fn hosts_cannot_make_the_state_grow_without_bound() {
    let mut lan = Lan::new(Config { max_groups: 2, max_sources: 3, ..Config::default() });
    for last in 1..=9 {
        lan.record(ToExclude, Ipv4Addr::new(239, 1, 1, last), "");
    }
    assert_eq!(lan.held.len(), 2);
    for kind in [Allow, Block, IsExclude, ToExclude] {
        lan.record(kind, G, "abcdef");
        lan.record(kind, G, "ghijkl");
        assert!(lan.state(G).unwrap().sources.len() <= 3, "{kind:?}");
    }
    // What cannot be remembered as unwanted is forwarded; the group itself is wanted all the same.
    assert!(lan.held.contains(&join(G)));
}

#[test]
fn what_can_never_be_forwarded_is_not_remembered() {
    let mut lan = lan();
    let records = [Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::UNSPECIFIED];
    for group in records {
        assert_eq!(lan.record(ToExclude, group, ""), []);
        assert_eq!(lan.record(Allow, group, "a"), []);
    }
    assert!(lan.link.groups().is_empty() && lan.link.deadline().is_some());
}

/// A record that says nothing leaves nothing behind.
#[test]
fn a_record_without_effect_makes_no_state() {
    let mut lan = lan();
    for kind in [IsInclude, ToInclude, Allow, Block] {
        assert_eq!(lan.record(kind, G, ""), []);
    }
    assert_eq!(lan.record(Block, G, "a"), []);
    assert!(lan.link.groups().is_empty());
    assert_eq!(lan.asked(), [""; 0]);
}

/// §9.2: a report from elsewhere is ignored, unless it is to count.
#[test]
fn reports_come_from_the_subnets_of_the_link() {
    for (subnet, foreign, counts) in
        [("192.0.2.0/24", false, true), ("203.0.113.0/24", false, false), ("203.0.113.0/24", true, true)]
    {
        let mut lan = Lan::new(Config { foreign_reporters: foreign, ..Config::default() });
        let addresses = Addresses { own: Own::Address(ROUTER), subnets: vec![subnet.parse().unwrap()] };
        lan.link.set_addresses(addresses, &lan.config, lan.at());
        lan.record(ToExclude, G, "");
        assert_eq!(lan.held.len(), usize::from(counts), "{subnet} {foreign}");
    }
}

/// Several records of one report on one group are taken in their order.
#[test]
fn records_of_one_report_are_taken_in_order() {
    let mut lan = lan();
    let records: [(RecordKind, Ipv4Addr, &str); 3] =
        [(ToExclude, G, "a"), (Allow, G, "a"), (ToExclude, G, "a")];
    lan.report(Igmpv3, &records);
    assert_eq!(lan.asked(), ["Q(G,a)"]);
    assert_eq!(lan.pass(2.0), [block('a', G)]);
}

#[test]
fn the_times_follow_from_robustness_and_interval() {
    let mut lan = Lan::new(Config::new(3, Duration::from_secs(20)));
    lan.record(ToExclude, G, "");
    assert_eq!(lan.pass(69.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
    lan.record(ToExclude, G, "");
    lan.asked();
    lan.record(ToInclude, G, "");
    assert_eq!(lan.pass(3.0), [leave(G)]);
    assert_eq!(lan.asked(), ["Q(G)", "Q(G)", "Q(G)"]);
}

/// The kernel of a router is a host, too: routers join ff05::2, say.
#[test]
fn what_the_router_joins_itself_is_not_forwarded_to_the_link() {
    let mut lan = lan();
    let record = Record { group: G, kind: ToExclude, sources: Vec::new() };
    let report = membership_reports::Report { version: Igmpv3, reporter: ROUTER, records: vec![record] };
    let now = lan.at();
    assert_eq!(lan.link.report(&report, &lan.config, usize::MAX / 2, now).changes, []);
}
