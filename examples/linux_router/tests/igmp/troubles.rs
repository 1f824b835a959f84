//! Links that are not as they should be: elections at the wrong time, queriers that say odd things, queries that are
//! not sent, hosts that want too much.

use std::net::Ipv4Addr;
use std::time::Duration;

use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Own};
use linux_router::igmp::query::Query;
use membership_reports::RecordKind::{
    Allow, Block, IsExclude, IsInclude, Leave, Report, ToExclude, ToInclude,
};
use membership_reports::Version::Igmpv2;

use crate::lan::{G, Lan, OTHER, ROUTER, SSM, Sending, general, join, leave, leave_from, source};

fn lan() -> Lan {
    Lan::new(Config::default())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Kind H: RFC 2236 §3, RFC 2710 §4. What a leave has begun goes on, whoever is elected.
#[test]
fn an_election_that_is_lost_during_a_leave_lets_it_be_finished() {
    let mut lan = lan();
    lan.report(Igmpv2, &[(Report, G, "")]);
    lan.report(Igmpv2, &[(Leave, G, "")]);
    assert_eq!(lan.asked(), ["Q(G)"]);
    lan.hear(general());
    lan.pass(1.0);
    assert_eq!(lan.asked(), ["Q(G)"], "the second query");
    lan.report(Igmpv2, &[(Report, G, "")]);
    assert_eq!(lan.pass(200.0), [], "a member has answered it");
}

#[test]
fn an_election_that_is_lost_while_sources_are_asked_for_lets_that_be_finished() {
    let mut lan = lan();
    lan.record(Allow, SSM, "ab");
    lan.record(Block, SSM, "ab");
    lan.hear(general());
    lan.asked();
    lan.pass(1.0);
    assert_eq!(lan.asked(), ["Q(G,ab)"]);
    lan.record(IsInclude, SSM, "b");
    assert_eq!(lan.pass(100.0), [leave_from('a', SSM)]);
}

#[test]
fn a_leave_after_the_election_is_the_business_of_the_other_querier() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.hear(general());
    lan.record(ToInclude, G, "");
    assert_eq!((lan.pass(200.0), lan.asked()), (vec![], vec![]));
}

/// Kind I: RFC 2236 §3. Last Member Query Count times the Max Response Time in the packet.
#[test]
fn members_have_the_time_that_the_querier_gives_them() {
    for (robustness, count) in [(0, 2), (1, 1), (2, 2), (5, 5)] {
        let mut lan = Lan::listening(Config::default());
        lan.hear(Query { robustness, ..general() });
        lan.record(ToExclude, G, "");
        lan.record(Allow, SSM, "a");
        lan.hear(Query { group: Some(G), robustness, max_response: seconds(7), ..general() });
        lan.hear(Query {
            group: Some(SSM),
            sources: vec![source('a')],
            robustness,
            max_response: seconds(7),
            ..general()
        });
        let end = 7.0 * f64::from(count);
        assert_eq!(lan.pass(end - 0.1), [], "robustness {robustness}");
        assert_eq!(lan.pass(0.1).len(), 2, "robustness {robustness}");
    }
}

/// A querier that gives no time at all is not taken at its word: the answers have to come.
#[test]
fn members_have_some_time_in_any_case() {
    let mut lan = Lan::listening(Config::default());
    lan.record(ToExclude, G, "");
    lan.hear(Query { group: Some(G), max_response: Duration::ZERO, ..general() });
    assert_eq!(lan.pass(1.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
}

/// The time to answer a general query belongs to the Group Membership Interval (RFC 9776 §8.4).
#[test]
fn the_response_interval_of_the_querier_is_adopted() {
    let mut lan = lan();
    lan.hear(Query { robustness: 1, interval: Some(seconds(60)), max_response: seconds(40), ..general() });
    lan.record(ToExclude, G, "");
    assert_eq!(lan.pass(79.0), [], "60 s + 40 s / 2, and then it is replaced");
    assert_eq!(lan.link.querier(), Some(OTHER));
    assert_eq!(lan.pass(20.9), []);
    assert_eq!(lan.pass(0.1), [leave(G)]);
}

/// Kind M: what one query makes this router believe has an end.
#[test]
fn no_querier_is_believed_for_days() {
    let mut lan = lan();
    let said =
        Query { robustness: 7, interval: Some(seconds(31_744)), max_response: seconds(3174), ..general() };
    lan.hear(said);
    lan.record(ToExclude, G, "");
    let hours = 7.0 * 600.0 + 600.0;
    lan.pass(hours);
    assert_eq!(lan.link.querier(), Some(ROUTER));
    assert!(lan.held.is_empty());
}

#[test]
fn a_query_counts_only_from_the_link() {
    let mut lan = lan();
    let subnets = vec!["192.0.2.0/24".parse().unwrap()];
    lan.link.set_addresses(Addresses { own: Own::Address(ROUTER), subnets }, &lan.config, lan.at());
    lan.record(ToExclude, G, "");
    let far = Query { querier: Ipv4Addr::new(10, 0, 0, 1), ..general() };
    lan.hear(far.clone());
    assert_eq!(lan.refused, [("10.0.0.1 asks, which is in no subnet of the interface".to_owned(), 1)]);
    lan.hear(Query { group: Some(G), ..far });
    assert_eq!((lan.link.querier(), lan.pass(100.0)), (Some(ROUTER), vec![]));
    lan.hear(general());
    assert_eq!((lan.link.querier(), lan.refused.len()), (Some(OTHER), 0));
}

/// Of several other queriers it is the lowest that counts.
#[test]
fn a_second_querier_does_not_displace_a_lower_one() {
    let mut lan = Lan::listening(Config::default());
    lan.record(ToExclude, G, "");
    let second = Query { querier: Ipv4Addr::new(192, 0, 2, 3), ..general() };
    lan.hear(second.clone());
    lan.hear(Query { group: Some(G), max_response: seconds(1), ..second });
    assert_eq!((lan.link.querier(), lan.pass(100.0)), (Some(OTHER), vec![]));
}

/// Kind J: what could not be asked for is not taken for gone.
#[test]
fn a_group_that_cannot_be_asked_for_stays() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(Allow, SSM, "ab");
    lan.sending = Sending::Fails;
    lan.record(ToInclude, G, "");
    lan.record(Block, SSM, "a");
    assert_eq!((lan.pass(20.0), lan.asked()), (vec![], vec![]));
    lan.sending = Sending::Works;
    lan.record(ToInclude, G, "");
    lan.record(Block, SSM, "a");
    assert_eq!(lan.asked().len(), 2);
    assert_eq!(lan.pass(3.0), [leave_from('a', SSM), leave(G)]);
}

/// Nothing ends while the hosts of a link cannot be asked; afterwards they have the time to answer.
#[test]
fn while_general_queries_are_not_sent_nothing_ends() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(ToExclude, Ipv4Addr::new(239, 1, 1, 2), "");
    lan.sending = Sending::Fails;
    assert_eq!(lan.pass(1000.0), []);
    lan.sending = Sending::Works;
    assert_eq!(lan.pass(1.0), [], "it is tried again every second");
    assert_eq!(lan.asked(), ["Q"]);
    lan.pass(5.0);
    lan.record(IsExclude, G, "");
    assert_eq!(lan.pass(5.0), [leave(Ipv4Addr::new(239, 1, 1, 2))]);
    assert_eq!(lan.pass(200.0), []);
}

#[test]
fn another_querier_ends_the_waiting_for_ones_own_queries() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.sending = Sending::Fails;
    lan.pass(300.0);
    lan.hear(general());
    assert_eq!(lan.pass(10.0), [leave(G)]);
}

/// A link that goes down during a leave: the second query cannot be asked.
#[test]
fn a_leave_that_cannot_be_looked_into_leaves_the_group() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.record(ToInclude, G, "");
    let (config, now) = (lan.config.clone(), lan.at());
    lan.link.stop(&config, now);
    assert_eq!(lan.pass(200.0), []);
}

/// Nobody could be asked when a host left, for want of an address: members are asked once there is one.
#[test]
fn a_leave_is_looked_into_once_hosts_can_be_asked() {
    let mut lan = lan();
    let set = |lan: &mut Lan, own| {
        lan.link.set_addresses(Addresses { own, subnets: Vec::new() }, &lan.config, lan.at());
    };
    set(&mut lan, Own::None);
    for group in [G, Ipv4Addr::new(239, 1, 1, 2)] {
        lan.record(ToExclude, group, "");
        lan.record(ToInclude, group, "");
    }
    lan.record(Allow, SSM, "ab");
    assert_eq!((lan.pass(20.0), lan.asked()), (vec![], vec![]));
    set(&mut lan, Own::Address(ROUTER));
    lan.pass(0.5);
    assert_eq!(lan.asked(), ["Q", "Q(G)", "Q(G)"], "and not for what nobody has left");
    lan.record(IsExclude, Ipv4Addr::new(239, 1, 1, 2), "");
    assert_eq!(lan.pass(3.0), [leave(G)]);
    assert_eq!(lan.pass(20.0), []);
}

/// The same where queries were not sent: a general query that is sent shows that they are again.
#[test]
fn a_leave_is_looked_into_after_queries_that_were_not_sent() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.sending = Sending::Fails;
    lan.record(ToInclude, G, "");
    lan.pass(40.0);
    lan.sending = Sending::Works;
    lan.pass(1.0);
    assert_eq!(lan.asked(), ["Q", "Q(G)"]);
    assert_eq!(lan.pass(11.0), [leave(G)], "hosts have the time to answer the general query");
}

/// Kind O: RFC 4541 §2.1.1. Hosts answer to 0.0.0.0, and whoever has an address is the querier.
#[test]
fn without_an_address_it_asks_from_none_and_is_never_elected() {
    let mut lan = lan();
    let own = Own::Anonymous(Ipv4Addr::UNSPECIFIED);
    lan.link.set_addresses(Addresses { own, subnets: Vec::new() }, &lan.config, lan.at());
    lan.record(ToExclude, G, "");
    lan.pass(32.0);
    assert_eq!(lan.queries.first().map(|query| query.querier), Some(Ipv4Addr::UNSPECIFIED));
    lan.hear(Query { querier: Ipv4Addr::new(203, 0, 113, 200), ..general() });
    assert_eq!(lan.link.querier(), Some(Ipv4Addr::new(203, 0, 113, 200)));
    lan.asked();
    lan.pass(200.0);
    assert_eq!(lan.asked(), [""; 0]);
}

/// A host without an address reports from 0.0.0.0, which is no address of this router.
#[test]
fn a_host_without_an_address_is_heard_by_a_router_without_one() {
    let mut lan = lan();
    let own = Own::Anonymous(Ipv4Addr::UNSPECIFIED);
    lan.link.set_addresses(Addresses { own, subnets: Vec::new() }, &lan.config, lan.at());
    let record = membership_reports::Record { group: G, kind: ToExclude, sources: Vec::new() };
    let reporter = Ipv4Addr::UNSPECIFIED;
    let report = membership_reports::Report { version: Igmpv2, reporter, records: vec![record] };
    assert_eq!(lan.link.report(&report, &lan.config, 1 << 20, lan.at()).changes, [join(G)]);
}

#[test]
fn what_is_refused_is_told() {
    let mut lan =
        Lan::new(Config { max_groups: 1, max_sources: 2, max_link_sources: 3, ..Config::default() });
    lan.record(Allow, G, "abcd");
    let told =
        "no room for (198.51.100.100, 239.1.1.1), which 192.0.2.11 reports: 2 sources are reported there";
    assert_eq!(lan.refused, [(told.to_owned(), 2)]);
    lan.record(ToExclude, Ipv4Addr::new(239, 1, 1, 9), "");
    let told = "no room for 239.1.1.9, which 192.0.2.11 joins: 1 groups are joined on the interface";
    assert_eq!(lan.refused, [(told.to_owned(), 1)]);
    lan.record(ToExclude, SSM, "");
    let told = "192.0.2.11 reports 232.1.1.1 without sources, and it is in the source-specific range";
    assert_eq!(lan.refused, [(told.to_owned(), 1)]);
}

/// Kind Q: sources are counted over all groups of the link, and what goes makes room.
#[test]
fn the_sources_of_a_link_are_bounded_together() {
    let mut lan = Lan::new(Config { max_link_sources: 5, ..Config::default() });
    let other = Ipv4Addr::new(232, 1, 1, 2);
    lan.record(Allow, SSM, "abc");
    lan.record(Allow, other, "abc");
    assert_eq!((lan.held.len(), lan.refused.len()), (5, 1));
    lan.record(Block, SSM, "ab");
    lan.pass(2.0);
    lan.record(Allow, other, "abcd");
    assert_eq!((lan.held.len(), lan.refused.len()), (5, 0));
    lan.pass(300.0);
    lan.record(Allow, other, "abcde");
    assert_eq!((lan.held.len(), lan.refused.len()), (5, 0));
}

#[test]
fn nothing_new_is_remembered_without_memory() {
    let mut lan = lan();
    lan.record(ToExclude, G, "");
    lan.memory = 100;
    lan.record(ToExclude, Ipv4Addr::new(239, 1, 1, 9), "");
    lan.record(Allow, G, "a");
    assert_eq!(lan.refused, [("no memory for 239.1.1.1, which 192.0.2.11 reports".to_owned(), 1)]);
    assert_eq!(lan.held.len(), 1);
}
