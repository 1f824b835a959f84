//! Who asks: RFC 9776 §6.1 and §6.6.2.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::lan::{G, Lan, OTHER, ROUTER, general, join, leave};
use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Link, Own};
use linux_router::igmp::query::Query;
use membership_reports::RecordKind::{ToExclude, ToInclude};

#[test]
fn general_queries_come_quickly_at_first_and_then_at_the_query_interval() {
    let mut lan = Lan::new(Config::default());
    let mut times = Vec::new();
    for second in 1..=300u32 {
        lan.pass(1.0);
        times.extend(lan.asked().iter().map(|_| second));
    }
    // The first, at 0 s, is asked when the link comes up; 125 / 4 s later is in the 32nd second.
    assert_eq!(times, [32, 157, 282]);
}

#[test]
fn the_first_query_is_asked_at_once() {
    let config = Config::<Ipv4Addr>::default();
    let mut link = Link::new(&config);
    assert_eq!(link.deadline(), None);
    let now = Instant::now();
    link.start(Addresses { own: Own::Address(ROUTER), subnets: Vec::new() }, &config, now);
    assert_eq!(link.deadline(), Some(now));
    let queries = link.expire(&config, now).queries;
    assert_eq!(queries, [Query { querier: ROUTER, ..general() }]);
}

#[test]
fn the_lower_address_is_the_querier() {
    let mut lan = Lan::new(Config::default());
    lan.hear(Query { querier: Ipv4Addr::new(192, 0, 2, 6), ..general() });
    lan.hear(Query { querier: ROUTER, ..general() });
    assert_eq!(lan.link.querier(), Some(ROUTER));
    lan.hear(general());
    assert_eq!(lan.link.querier(), Some(OTHER));
    lan.record(ToExclude, G, "");
    lan.record(ToInclude, G, "");
    lan.pass(200.0);
    assert_eq!(lan.asked(), [""; 0], "only the querier asks");
}

/// §8.5: (2 * 125 s) + 10 s / 2.
#[test]
fn a_querier_that_falls_silent_is_replaced() {
    let mut lan = Lan::listening(Config::default());
    lan.pass(254.9);
    assert_eq!((lan.asked(), lan.link.querier()), (vec![], Some(OTHER)));
    lan.pass(0.1);
    assert_eq!((lan.asked(), lan.link.querier()), (vec!["Q".to_owned()], Some(ROUTER)));
    lan.pass(125.0);
    assert_eq!(lan.asked(), ["Q"]);
}

#[test]
fn a_querier_that_keeps_asking_stays() {
    let mut lan = Lan::listening(Config::default());
    for _ in 0..10 {
        lan.pass(125.0);
        lan.hear(general());
    }
    assert_eq!((lan.asked(), lan.link.querier()), (vec![], Some(OTHER)));
}

/// §4.1.6 and §4.1.7.
#[test]
fn the_values_of_the_querier_are_adopted() {
    let mut lan = Lan::new(Config::default());
    lan.hear(Query { robustness: 3, interval: Some(Duration::from_secs(20)), ..general() });
    lan.record(ToExclude, G, "");
    assert_eq!(lan.pass(64.9), [], "3 * 20 s + 10 s / 2 is the time after which it is replaced");
    assert_eq!(lan.pass(5.1), [leave(G)]);
    assert_eq!(lan.link.querier(), Some(ROUTER));
    lan.record(ToExclude, G, "");
    assert_eq!(lan.pass(259.9), [], "and its values go with it");
}

#[test]
fn an_older_querier_says_nothing_of_its_values() {
    let mut lan = Lan::new(Config::default());
    lan.hear(Query { robustness: 0, interval: None, ..general() });
    lan.record(ToExclude, G, "");
    assert_eq!(lan.pass(259.9), []);
}

#[test]
fn without_an_address_it_listens_and_does_not_ask() {
    let mut lan = Lan::new(Config::default());
    let (config, now) = (lan.config.clone(), lan.at());
    lan.link.set_addresses(Addresses { own: Own::None, subnets: Vec::new() }, &config, now);
    assert_eq!(lan.record(ToExclude, G, ""), [join(G)]);
    lan.record(ToInclude, G, "");
    lan.pass(200.0);
    assert_eq!(lan.asked(), [""; 0]);
    let now = lan.at();
    lan.link.set_addresses(Addresses { own: Own::Address(ROUTER), subnets: Vec::new() }, &config, now);
    lan.pass(0.0);
    assert_eq!(lan.asked(), ["Q", "Q(G)"], "the leave is looked into now");
}

#[test]
fn a_link_that_was_down_is_asked_anew() {
    let mut lan = Lan::new(Config::default());
    lan.pass(100.0);
    lan.asked();
    let (config, now) = (lan.config.clone(), lan.at());
    lan.record(ToExclude, G, "");
    lan.link.stop(&config, now);
    lan.pass(50.0);
    assert_eq!((lan.asked(), lan.held.len()), (vec![], 1), "a flap is no leave");
    let now = lan.at();
    lan.link.start(Addresses { own: Own::Address(ROUTER), subnets: Vec::new() }, &config, now);
    lan.pass(32.0);
    assert_eq!(lan.asked(), ["Q", "Q"]);
}
