//! What other routers were reported to do wrong, on a LAN that is as it should not be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use linux_router::igmp::query::Query;

use crate::daemon::Daemon;
use crate::lan::{Lan, both, run, until};
use crate::queries::Queries;
use crate::wire::{Forged, Kind, Wire, without_router_alert};
use netns::link::Family;

/// A general query of another router.
fn query<A: Forged>(querier: A, group: Option<A>) -> Vec<u8> {
    A::build(&Query {
        querier,
        group,
        sources: Vec::new(),
        max_response: Duration::from_secs(10),
        suppress: false,
        robustness: 2,
        interval: Some(Duration::from_secs(125)),
    })
}

fn join<A: Forged>(from: A, group: A) -> Vec<u8> {
    A::report(from, &[(Kind::ToExclude, group, Vec::new())])
}

/// The router has the higher address of two on `link1`.
fn raise<A: Forged>(lan: &Lan<A>) -> A {
    if A::PREFIX == 24 {
        let (old, higher) = (A::on_link(1, 1), A::on_link(1, 100));
        lan.router.ip(&format!("address delete {old}/24 dev link1\naddress add {higher}/24 dev link1"));
        higher
    } else {
        lan.router.ip_output("-6 address flush dev link1 scope link");
        lan.router.ip("address add fe80::64/64 dev link1 nodad");
        A::speaker(100)
    }
}

fn shows_group<A: Forged>(daemon: &Daemon, group: A) {
    daemon.shows(|shown| shown.contains(&format!("    {group}  ")));
}

/// Kind H (RFC 2236 §3, RFC 2710 §4): the member missed the first query, and is asked again.
#[test]
fn a_leave_is_looked_into_to_its_end_though_another_router_is_elected_meanwhile() {
    both(2, leave, leave);

    fn leave<A: Forged>(lan: &mut Lan<A>) {
        raise(lan);
        let (group, wire) = (A::group(1).address(), Wire::open(&lan.links[1]));
        let daemon = lan.start("--last-member-query-interval 1");
        let queries = Queries::open::<A>(&lan.links[1].host);
        wire.send::<A>(&A::older_report(A::speaker(30), group));
        shows_group(&daemon, group);
        wire.send::<A>(&A::leave(A::speaker(30), group));
        queries.next::<A>(Some(group));
        wire.send::<A>(&query(A::speaker(5), None));
        daemon.shows(|shown| shown.contains(&format!("querier: {}\n", A::speaker(5))));
        queries.next::<A>(Some(group));
        wire.send::<A>(&A::older_report(A::speaker(31), group));
        daemon.shows(|shown| shown.contains(&format!("    {group}  25")));
        lan.end(daemon);
    }
}

/// Kind J: queries fit the link, and each source is asked for.
#[test]
fn many_sources_are_asked_for_in_packets_that_the_link_carries() {
    both(2, many, many);

    fn many<A: Forged>(lan: &mut Lan<A>) {
        let mtu = if A::PREFIX == 24 { 600 } else { 1280 };
        lan.router.ip(&format!("link set link1 mtu {mtu}"));
        let daemon = lan.start("");
        let (wire, group) = (Wire::open(&lan.links[1]), A::group(1).address());
        let sources: Vec<A> = (1..=200).map(|number| A::on_link(0, number)).collect();
        let report = |from, kind, sources| {
            let records = [(kind, group, sources)];
            wire.send::<A>(&A::report(A::speaker(from), &records));
        };
        for part in sources.chunks(60) {
            report(30, Kind::Allow, part.to_vec());
            report(31, Kind::Allow, part.to_vec());
        }
        let all = |shown: &str| sources.iter().all(|source| shown.contains(&format!("{source} ")));
        daemon.shows(all);
        let queries = Queries::open::<A>(&lan.links[1].host);
        report(30, Kind::ToInclude, Vec::new());
        let mut asked = Vec::new();
        while asked.len() < sources.len() {
            asked.extend(queries.next::<A>(Some(group)).sources);
        }
        asked.sort();
        assert_eq!(asked, sources);
        for part in sources.chunks(60) {
            report(31, Kind::IsInclude, part.to_vec());
        }
        daemon.shows(|shown| all(shown) && shown.contains(" 259s"));
        lan.end(daemon);
    }
}

/// Kind J: whoever could not be asked is not taken for gone.
#[test]
fn who_cannot_be_asked_stays() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let group = Ipv4Addr::group(1).address();
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        wire.send::<Ipv4Addr>(&Ipv4Addr::older_report(Ipv4Addr::speaker(30), group));
        shows_group(&daemon, group);
        // The kernel sends nothing to groups any more.
        lan.router.ip_output("xfrm policy add dir out dst 224.0.0.0/4 action block");
        wire.send::<Ipv4Addr>(&Ipv4Addr::leave(Ipv4Addr::speaker(30), group));
        daemon.shows(|shown| shown.contains("queries not sent: ") && shown.contains(&format!("{group}  25")));
        until(|| daemon.err.get(), || daemon.err.contains("queries not sent: for 239.1.1.1"));
        lan.end(daemon);
    });
}

/// Kind J: the kernel gives an interface its link-local address when it comes to it.
#[test]
fn a_leave_before_there_is_an_address_is_looked_into_when_there_is_one() {
    run(2, |lan: &mut Lan<Ipv6Addr>| {
        lan.router.ip_output("-6 address flush dev link1 scope link");
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        let [left, marker] = [1, 2].map(|number| Ipv6Addr::group(number).address());
        let from = Ipv6Addr::speaker(30);
        wire.send::<Ipv6Addr>(&Ipv6Addr::older_report(from, left));
        shows_group(&daemon, left);
        wire.send::<Ipv6Addr>(&Ipv6Addr::leave(from, left));
        wire.send::<Ipv6Addr>(&Ipv6Addr::older_report(from, marker));
        shows_group(&daemon, marker);
        lan.router.ip("address add fe80::64/64 dev link1 nodad");
        daemon.shows(|shown| !shown.contains(&format!("    {left}  ")));
        shows_group(&daemon, marker);
        lan.end(daemon);
    });
}

/// Kind K: RFC 3927 §7, RFC 4291 §2.5.6.
#[test]
fn packets_from_link_local_sources_are_not_forwarded() {
    both(2, link_local, link_local);

    fn link_local<A: Forged>(lan: &mut Lan<A>) {
        let source: IpAddr =
            if A::PREFIX == 24 { [169, 254, 7, 7].into() } else { "fe80::7".parse().unwrap() };
        let (group, daemon) = (A::group(1), lan.start(""));
        let _member = lan.links[1].receiver(group);
        let stream = lan.stream(0, group, "routed");
        let (tap, local) = (lan.tap(1, "routed"), lan.tap(1, "local"));
        tap.next();
        let wire = Wire::open(&lan.links[0]);
        let packet = A::data(of::<A>(source), group.address(), "local00000001");
        wire.send::<A>(&packet);
        // The kernel asks once for each source, and queues what comes next.
        for _ in 0..10 {
            wire.send::<A>(&packet);
            stream.go_on(10);
        }
        tap.numbers();
        tap.next();
        assert_eq!(local.numbers(), [0; 0]);
        daemon.shows(|shown| !shown.contains(&format!("({source},")));
        lan.end(daemon);
    }
}

fn of<A: Forged>(address: IpAddr) -> A {
    address.to_string().parse().ok().unwrap()
}

/// Kind L: what is at the other end is on the link.
#[test]
fn the_peer_of_a_point_to_point_address_is_heard() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let (peer, group) = (Ipv4Addr::new(10, 7, 7, 7), Ipv4Addr::group(1).address());
        lan.router.ip(&format!("address flush dev link1\naddress add 10.9.9.9 peer {peer}/32 dev link1\n"));
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        wire.send::<Ipv4Addr>(&join(Ipv4Addr::speaker(30), group));
        daemon.shows(|shown| shown.contains("reports from elsewhere: "));
        wire.send::<Ipv4Addr>(&join(peer, group));
        shows_group(&daemon, group);
        lan.end(daemon);
    });
}

/// Kind L: an address of its own alone, and a route that says what is on the link.
#[test]
fn hosts_are_heard_where_a_route_without_a_gateway_leads_to_them() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let group = Ipv4Addr::group(1).address();
        lan.router.ip("address flush dev link1\naddress add 10.9.9.9/32 dev link1\n");
        lan.router.ip("route add 10.7.0.0/24 dev link1\nroute add 10.8.0.0/24 via 10.7.0.1 dev link1\n");
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        wire.send::<Ipv4Addr>(&join(Ipv4Addr::new(10, 8, 0, 7), group));
        daemon.shows(|shown| shown.contains("reports from elsewhere: 1") && !shown.contains("CLUDE"));
        wire.send::<Ipv4Addr>(&join(Ipv4Addr::new(10, 7, 0, 7), group));
        shows_group(&daemon, group);
        wire.send::<Ipv4Addr>(&query(Ipv4Addr::new(10, 7, 0, 7), None));
        daemon.shows(|shown| shown.contains("querier: 10.7.0.7\n"));
        lan.end(daemon);
    });
}

/// Kind M: a query makes the only router silent, so its sender has to be on the link as a reporter has to.
#[test]
fn a_query_from_elsewhere_elects_nobody() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let own = raise(lan);
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        wire.send::<Ipv4Addr>(&query(Ipv4Addr::new(10, 0, 0, 1), None));
        daemon.shows(|shown| {
            shown.contains("queries from elsewhere: 1, the last: 10.0.0.1")
                && shown.contains(&format!("querier: {own}\n"))
        });
        wire.send::<Ipv4Addr>(&query(Ipv4Addr::speaker(5), None));
        daemon.shows(|shown| shown.contains(&format!("querier: {}\n", Ipv4Addr::speaker(5))));
        lan.end(daemon);
    });
}

/// Kind M: RFC 9777 §7.2 and §8.
#[test]
fn mld_without_a_router_alert_is_dropped() {
    run(2, |lan: &mut Lan<Ipv6Addr>| {
        let own = raise(lan);
        let (daemon, wire) = (lan.start(""), Wire::open(&lan.links[1]));
        let [good, bad] = [1, 2].map(|number| Ipv6Addr::group(number).address());
        let from = Ipv6Addr::speaker(30);
        // To the kernel a report of MLDv1 without it is data like any other: the router does not see it.
        let older = Ipv6Addr::older_report(from, bad);
        for packet in [older, join(from, bad), query(Ipv6Addr::speaker(5), None)] {
            wire.send::<Ipv6Addr>(&without_router_alert(&packet));
        }
        wire.send::<Ipv6Addr>(&join(from, good));
        daemon.shows(|shown| {
            shown.contains(&format!("    {good}  "))
                && !shown.contains(&format!("    {bad}  "))
                && shown.contains("messages dropped: 2, the last: fe80::5: MLD without a Router Alert")
                && shown.contains(&format!("querier: {own}\n"))
        });
        lan.end(daemon);
    });
}

/// The routing socket hears MLD until the one opens that sees the Router Alert.
#[test]
fn mld_that_comes_while_the_router_starts_is_not_taken_for_mld_without_a_router_alert() {
    run(2, |lan: &mut Lan<Ipv6Addr>| {
        let (wire, group) = (Wire::open(&lan.links[1]), Ipv6Addr::group(1).address());
        let report = Ipv6Addr::older_report(Ipv6Addr::speaker(30), group);
        let daemon = lan.start_on(1..2, "");
        let starts = || !daemon.err.contains("found interface=\"link1\"");
        for _ in (0..1_000_000).take_while(|_| starts()) {
            wire.send::<Ipv6Addr>(&report);
        }
        let hears = lan.links.len();
        until(|| format!("{hears} interfaces, not {}", lan.vifs()), || lan.vifs() == hears);
        wire.send::<Ipv6Addr>(&report);
        daemon.shows(|shown| shown.contains(&format!("    {group}  ")));
        assert!(!daemon.err.contains("messages dropped"), "{}", daemon.err.get());
        lan.end(daemon);
    });
}

/// Kind N: the longest match is an answer, also where it says that there is no way.
#[test]
fn a_route_that_forbids_stops_a_stream_until_it_goes() {
    both(2, forbidden, forbidden);

    fn forbidden<A: Family>(lan: &mut Lan<A>) {
        let (group, daemon) = (A::group(1), lan.start(""));
        let _member = lan.links[1].receiver(group);
        let (stream, tap) = (lan.stream(0, group, "stream"), lan.tap(1, "stream"));
        tap.next();
        let source = A::on_link(0, 2);
        let length = if A::PREFIX == 24 { 32 } else { 128 };
        for kind in ["blackhole", "prohibit", "unreachable", "throw"] {
            lan.router.ip_output(&format!("{} route add {kind} {source}/{length}", A::IP));
            daemon.shows(|shown| shown.contains(&format!("({source},{group})  Iif: 1  ")));
            tap.numbers();
            stream.go_on(20);
            assert_eq!(tap.numbers(), [0; 0], "{kind}");
            lan.router.ip_output(&format!("{} route delete {kind} {source}/{length}", A::IP));
            tap.next();
            lan.forwards(0, group, &[1]);
        }
        lan.end(daemon);
    }
}

/// Kind O: IGMP is asked for as snooping switches do (RFC 4541 §2.1.1); for MLD there is no such way, and it is said.
#[test]
fn hosts_are_asked_from_no_address_or_the_operator_is_told() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        lan.router.ip_output("address flush dev link1");
        let queries = Queries::open::<Ipv4Addr>(&lan.links[1].host);
        let daemon = lan.start("--query-interval 1 --query-response-interval 0.3");
        let _member = lan.links[1].receiver(Ipv4Addr::group(1));
        for _ in 0..4 {
            assert_eq!(queries.next::<Ipv4Addr>(None).querier, Ipv4Addr::UNSPECIFIED);
        }
        shows_group(&daemon, Ipv4Addr::group(1).address());
        // Whoever has an address asks instead.
        Wire::open(&lan.links[1]).send::<Ipv4Addr>(&query(Ipv4Addr::speaker(200), None));
        daemon.shows(|shown| shown.contains(&format!("querier: {}\n", Ipv4Addr::speaker(200))));
        lan.end(daemon);
    });
    run(2, |lan: &mut Lan<Ipv6Addr>| {
        lan.router.ip_output("-6 address flush dev link1 scope link");
        let daemon = lan.start("");
        let told = "nobody asks hosts here: no link-local IPv6 address interface=\"link1\"";
        until(|| daemon.err.get(), || daemon.err.contains(told));
        lan.end(daemon);
    });
}

/// Kind O: why a host gets nothing can be found out, in the log and in what is shown.
#[test]
fn what_is_refused_is_counted_shown_and_logged() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let (daemon, wire) = (lan.start("--max-groups 3 --max-sources 2"), Wire::open(&lan.links[1]));
        let [from, group] = [Ipv4Addr::speaker(30), Ipv4Addr::group(1).address()];
        let joins: Vec<_> =
            (1..8).map(|last| (Kind::ToExclude, Ipv4Addr::group(last).address(), vec![])).collect();
        wire.send::<Ipv4Addr>(&Ipv4Addr::report(from, &joins));
        let sources = (10..20).map(|last| Ipv4Addr::on_link(0, last)).collect();
        wire.send::<Ipv4Addr>(&Ipv4Addr::report(from, &[(Kind::Allow, group, sources)]));
        wire.send::<Ipv4Addr>(&join(Ipv4Addr::new(10, 9, 9, 9), group));
        wire.send::<Ipv4Addr>(&join(from, Ipv4Addr::new(232, 1, 1, 1)));
        let told = [
            ["groups over the limit", "no room for 239.1.1.7, which 198.51.100.30 joins: 3 groups"],
            ["sources over the limit", "(192.0.2.19, 239.1.1.1), which 198.51.100.30 reports: 2 sources"],
            ["reports from elsewhere", "10.9.9.9 reports, which is in no subnet"],
            ["reports without a source", "198.51.100.30 reports 232.1.1.1 without sources"],
        ];
        daemon.shows(|shown| told.iter().flatten().all(|words| shown.contains(words)));
        for words in told.iter().flatten() {
            until(|| daemon.err.get(), || daemon.err.contains(words));
        }
        // A flood is counted, and does not drown the rest.
        for _ in 0..500 {
            wire.send::<Ipv4Addr>(&join(Ipv4Addr::new(10, 9, 9, 9), group));
        }
        daemon.shows(|shown| shown.contains("reports from elsewhere: 501"));
        let lines = daemon.err.get().lines().filter(|line| line.contains("reports from elsewhere")).count();
        assert_eq!(lines, 10);
        lan.end(daemon);
    });
}

/// Gives the router forty interfaces more, and says by which options it runs on them.
fn forty_more<A: Forged>(lan: &Lan<A>) -> String {
    let names: Vec<_> = (0..40).map(|number| format!("a{number:02}")).collect();
    let add = |name: &String| {
        format!("link add {name} type veth peer name p{name}\nlink set {name} up\nlink set p{name} up\n")
    };
    lan.router.ip(&names.iter().map(add).collect::<String>());
    let options: Vec<_> = names.iter().map(|name| format!("--interface {name}")).collect();
    options.join(" ")
}

/// Kind P: the kernel has room for 32 interfaces, and they are those that carry something.
#[test]
fn interfaces_that_carry_something_come_first() {
    both(2, many, many);

    fn many<A: Forged>(lan: &mut Lan<A>) {
        let options = forty_more(lan);
        // Named last, the interface of the hosts has no room until one of them joins.
        let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
        let arguments = format!("{family} --static link0 {} --interface link1", options);
        let daemon = Daemon::start(&lan.router, &arguments);
        until(|| daemon.err.get(), || daemon.err.contains("is not forwarded interface=\"link1\""));
        let wire = Wire::open(&lan.links[1]);
        let group = A::group(1);
        wire.send::<A>(&join(A::speaker(30), group.address()));
        let (tap, _stream) = (lan.tap(1, "carried"), lan.stream(0, group, "carried"));
        tap.next();
        lan.forwards(0, group, &[1]);
        let told = daemon.err.get();
        let told: Vec<_> = told.lines().filter(|line| line.contains("is not forwarded")).collect();
        assert_eq!(told.len(), 12, "one for each, and one for that which made room: {told:#?}");
        lan.end(daemon);
    }
}

/// Kind P: a source on an interface that has no room gets it, and so does a host whose IGMPv2 or MLDv1 goes to the group.
#[test]
fn a_source_makes_room_for_its_interface() {
    both(2, many, many);

    fn many<A: Forged>(lan: &mut Lan<A>) {
        let options = forty_more(lan);
        let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
        let socket = lan.socket().display().to_string();
        let arguments = format!("{family} --socket {socket} {} --interface link0 --interface link1", options);
        let daemon = Daemon::start(&lan.router, &arguments);
        for link in ["link0", "link1"] {
            let told = format!("is not forwarded interface=\"{link}\"");
            until(|| daemon.err.get(), || daemon.err.contains(&told));
        }
        let (group, wire) = (A::group(1), Wire::open(&lan.links[1]));
        let tap = lan.tap(1, "source");
        let _stream = lan.stream(0, group, "source");
        until(
            || format!("it is forwarded\n{}", daemon.err.get()),
            || {
                wire.send::<A>(&A::older_report(A::speaker(30), group.address()));
                !tap.numbers().is_empty()
            },
        );
        lan.forwards(0, group, &[1]);
        lan.end(daemon);
    }
}

/// Kind Q: one figure bounds what hosts and sources can make the router remember.
#[test]
fn memory_is_bounded_by_one_figure() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let options = "--memory 8 --max-sources 100000 --max-interface-sources 1000000 --max-groups 1000000";
        let (daemon, wire) = (lan.start(options), Wire::open(&lan.links[1]));
        let before = daemon.memory();
        let source = |number: u32| Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 0).to_bits() + number);
        for group in 0..100 {
            for part in 0..10 {
                let sources = (part * 300..(part + 1) * 300).map(source).collect();
                let group = Ipv4Addr::new(239, 2, group, 1);
                wire.send::<Ipv4Addr>(&Ipv4Addr::report(
                    Ipv4Addr::speaker(30),
                    &[(Kind::Allow, group, sources)],
                ));
            }
        }
        // The last of them has been heard.
        wire.send::<Ipv4Addr>(&join(Ipv4Addr::new(10, 9, 9, 9), Ipv4Addr::group(1).address()));
        daemon.shows(|shown| shown.contains("reports from elsewhere: 1"));
        daemon.shows(|shown| shown.contains("reports beyond the memory: "));
        let grown = daemon.memory() - before;
        assert!(grown < 8 << 20, "{grown} octets more");
        // Sources that send to any group are bounded, too.
        let data = Wire::open(&lan.links[0]);
        for number in 0..30_000 {
            let group = Ipv4Addr::from_bits(Ipv4Addr::new(239, 3, 0, 1).to_bits() + number);
            data.send::<Ipv4Addr>(&Ipv4Addr::data(Ipv4Addr::on_link(0, 2), group, "flood"));
        }
        daemon.shows(|shown| shown.contains("packets without an entry: "));
        let grown = daemon.memory() - before;
        assert!(grown < 16 << 20, "{grown} octets more");
        lan.end(daemon);
    });
}
