//! Interfaces, routes and routers that change under traffic.

use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::lan::{Lan, both, until};
use netns::link::{Family, Link};
use netns::traffic::Stream;

/// Hosts are asked often enough to be found again soon.
const OFTEN: &str = "--query-interval 1 --query-response-interval 0.2";

#[test]
fn a_moved_route_moves_the_iif_and_data_goes_on() {
    both(3, moved, moved);

    /// One source on two links: a host with two connections.
    fn moved<A: Family>(lan: &mut Lan<A>) {
        let (group, source) = (A::group(1), A::on_link(0, 77));
        let streams = [(0, "old"), (2, "new")].map(|(link, tag)| {
            lan.links[link].add_address(source);
            let sender = lan.links[link].sender_from(source);
            Stream::start(sender, group, tag, Duration::from_millis(2))
        });
        let route = |link: &str| {
            let length = if A::PREFIX == 24 { 32 } else { 128 };
            lan.router.ip(&format!("route replace {source}/{length} dev {link}"));
        };
        route("link0");
        let daemon = lan.start("");
        let _member = lan.links[1].receiver(group);
        let (old, new) = (lan.tap(1, "old"), lan.tap(1, "new"));
        old.next();
        lan.forwards_from(source, 0, group, &[1]);
        assert_eq!(new.numbers(), [0; 0]);
        route("link2");
        lan.forwards_from(source, 2, group, &[1]);
        new.next();
        old.numbers();
        streams[0].go_on(50);
        assert_eq!(old.numbers(), [0; 0]);
        route("link0");
        lan.forwards_from(source, 0, group, &[1]);
        old.next();
        lan.end(daemon);
    }
}

#[test]
fn an_interface_deleted_under_traffic_cleans_up_and_comes_back() {
    both(3, deleted, deleted);

    fn deleted<A: Family>(lan: &mut Lan<A>) {
        let group = A::group(1);
        let daemon = lan.start(OFTEN);
        let members = [1, 2].map(|link| lan.links[link].receiver(group));
        let stream = lan.stream(0, group, "before");
        let tap = lan.tap(2, "before");
        lan.forwards(0, group, &[1, 2]);
        lan.router.ip("link delete link1");
        lan.forwards(0, group, &[2]);
        assert_eq!(lan.vifs(), 2);
        tap.numbers();
        tap.next();
        lan.links[1].connect(&lan.router);
        let _again = lan.links[1].receiver(group);
        lan.forwards(0, group, &[1, 2]);
        // And now where the packets come from.
        stream.end();
        lan.router.ip("link delete link0");
        until(|| "an interface is left".to_owned(), || lan.vifs() == 2);
        until(
            || "an entry is left".to_owned(),
            || lan.router.ip_output(&format!("{} mroute show", A::IP)).is_empty(),
        );
        lan.links[0].connect(&lan.router);
        until(|| "it is there again".to_owned(), || lan.vifs() == 3);
        let _stream = lan.stream(0, group, "again");
        let taps = [1, 2].map(|link| lan.tap(link, "again"));
        for tap in &taps {
            tap.next();
        }
        lan.forwards(0, group, &[1, 2]);
        drop(members);
        lan.end(daemon);
    }
}

#[test]
fn an_interface_that_comes_late_and_flaps_works() {
    both(2, late, late);

    fn late<A: Family>(lan: &mut Lan<A>) {
        let group = A::group(1);
        let daemon = lan.start_on(1..3, OFTEN);
        until(|| "ready".to_owned(), || lan.vifs() == 2);
        let _stream = lan.stream(0, group, "late");
        let _member = lan.links[1].receiver(group);
        lan.forwards(0, group, &[1]);
        lan.links.push(Link::new(&lan.router, 2));
        let tap = lan.tap(2, "late");
        let _late = lan.links[2].receiver(group);
        tap.next();
        lan.forwards(0, group, &[1, 2]);
        for _ in 0..2 {
            lan.router.ip("link set link2 down");
            lan.forwards(0, group, &[1]);
            tap.numbers();
            lan.router.ip("link set link2 up");
            lan.forwards(0, group, &[1, 2]);
            tap.next();
        }
        lan.end(daemon);
    }
}

#[test]
fn a_querier_with_a_lower_address_takes_over_while_it_lives() {
    both(2, querier, querier);

    fn querier<A: Family>(lan: &mut Lan<A>) {
        let host = &lan.links[1].host;
        let (lower, higher) = if A::PREFIX == 24 {
            let (old, higher) = (A::on_link(1, 1), A::on_link(1, 9));
            lan.router.ip(&format!("address delete {old}/24 dev link1\naddress add {higher}/24 dev link1"));
            (A::on_link(1, 2).to_string(), higher.to_string())
        } else {
            for (router, interface, address) in [(host, "eth0", "fe80::1"), (&lan.router, "link1", "fe80::9")]
            {
                router.ip_output(&format!("-6 address flush dev {interface} scope link"));
                router.ip(&format!("address add {address}/64 dev {interface} nodad"));
            }
            ("fe80::1".to_owned(), "fe80::9".to_owned())
        };
        let daemon = lan.start(OFTEN);
        let shows = |querier: &str| daemon.shows(|shown| shown.contains(&format!(" querier: {querier}\n")));
        shows(&higher);
        let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
        let mut other = Daemon::start(host, &format!("{family} --interface eth0 {OFTEN}"));
        shows(&lower);
        // Who does not ask still hears.
        let group = A::group(1);
        let (_stream, _member) = (lan.stream(0, group, "heard"), lan.links[1].receiver(group));
        lan.forwards(0, group, &[1]);
        other.signal(Signal::TERM);
        assert!(other.exit().success());
        shows(&higher);
        lan.forwards(0, group, &[1]);
        lan.end(daemon);
    }
}
