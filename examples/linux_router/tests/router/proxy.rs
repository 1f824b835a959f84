//! A proxy (RFC 4605) between an upstream router and hosts.

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::lan::{Lan, both, until};
use crate::member::join_source;
use crate::wire::{Forged, Wire};

/// The proxy, with `link0` upstream: there another router asks, which is the host of the link.
fn start<A: Forged>(lan: &Lan<A>, options: &str) -> [Daemon; 2] {
    let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
    let (vifs, socket) = (lan.links.len(), lan.socket());
    let others: String = (1..vifs).map(|number| format!(" --interface link{number}")).collect();
    let proxy = format!(
        "{family} --verbose --socket {} --last-member-query-interval 0.1 --upstream link0{others}{options}",
        socket.display()
    );
    let proxy = Daemon::start(&lan.router, &proxy);
    until(|| format!("{} of {vifs}\n{}", lan.vifs(), proxy.err.get()), || lan.vifs() == vifs);
    let router = format!(
        "{family} --verbose --socket {}.upstream --last-member-query-interval 0.1 --interface eth0",
        socket.display()
    );
    let router = Daemon::start(&lan.links[0].host, &router);
    // Before it is ready a signal ends it.
    until(|| router.err.get(), || router.err.contains("found interface=\"eth0\""));
    [proxy, router]
}

fn end<A: Forged>(lan: &Lan<A>, [proxy, mut router]: [Daemon; 2]) {
    lan.end(proxy);
    router.signal(Signal::TERM);
    assert!(router.exit().success());
}

#[test]
fn what_hosts_join_is_joined_upstream_until_the_last_has_left() {
    both(3, joined, joined);

    fn joined<A: Forged>(lan: &mut Lan<A>) {
        let daemons = start(lan, "");
        let (group, other) = (A::group(1), A::group(2));
        let upstream = &daemons[1];
        let shows = |shown: &str, group| shown.contains(&format!("    {group}  "));
        let first = lan.links[1].receiver(group);
        upstream.shows(|shown| shows(shown, group) && !shows(shown, other));
        let second = lan.links[2].receiver(group);
        let both = lan.links[2].receiver(other);
        upstream.shows(|shown| shows(shown, group) && shows(shown, other));
        drop(first);
        drop(both);
        upstream.shows(|shown| shows(shown, group) && !shows(shown, other));
        drop(second);
        upstream.shows(|shown| !shows(shown, group) && !shows(shown, other));
        end(lan, daemons);
    }
}

#[test]
fn sources_are_joined_upstream_as_sources() {
    both(2, sources, sources);

    fn sources<A: Forged>(lan: &mut Lan<A>) {
        let daemons = start(lan, "");
        let group = A::group(1);
        let source = |number: u8| A::on_link(0, number);
        // More than one socket of the kernel may have.
        let members: Vec<_> =
            (100..125).map(|number| join_source(&lan.links[1], group, source(number))).collect();
        let all = |shown: &str| (100..125).all(|number| shown.contains(&format!("{} ", source(number))));
        daemons[1].shows(|shown| all(shown) && shown.contains("INCLUDE"));
        drop(members);
        daemons[1].shows(|shown| !shown.contains(&format!("    {group}  ")));
        end(lan, daemons);
    }
}

#[test]
fn packets_go_down_to_members_and_up_from_everywhere() {
    both(3, packets, packets);

    fn packets<A: Forged>(lan: &mut Lan<A>) {
        let daemons = start(lan, "");
        let (down, up) = (A::group(1), A::group(2));
        let _member = lan.links[1].receiver(down);
        goes_through(lan, 0, down, 1, "down");
        // Nobody has joined it: upstream it goes in any case, and nowhere else.
        let stray = lan.tap(2, "up");
        goes_through(lan, 1, up, 0, "up");
        lan.forwards(1, up, &[0]);
        assert_eq!(stray.numbers(), [0; 0]);
        // A source of which the routing table knows nothing comes from upstream.
        let far = far_source::<A>();
        let wire = Wire::open(&lan.links[0]);
        let tap = lan.tap(1, "far");
        let packet = A::data(far, down.address(), "far00000007");
        until(
            || "a packet from afar".to_owned(),
            || {
                wire.send::<A>(&packet);
                tap.numbers().contains(&7)
            },
        );
        lan.forwards_from(far, 0, down, &[1]);
        end(lan, daemons);
    }
}

fn goes_through<A: Forged>(
    lan: &Lan<A>,
    from: usize,
    group: mgm::GroupAddr<A>,
    to: usize,
    tag: &'static str,
) {
    let (_stream, tap) = (lan.stream(from, group, tag), lan.tap(to, tag));
    tap.next();
}

fn far_source<A: Forged>() -> A {
    let text = if A::PREFIX == 24 { "10.77.0.1" } else { "2001:db8:77::1" };
    text.parse().ok().unwrap()
}

#[test]
fn an_upstream_interface_that_comes_back_has_all_that_is_wanted() {
    both(2, back, back);

    fn back<A: Forged>(lan: &mut Lan<A>) {
        let daemons = start(lan, " --query-interval 1 --query-response-interval 0.3");
        let group = A::group(1);
        let _member = lan.links[1].receiver(group);
        let shows = |daemon: &Daemon| daemon.shows(|shown| shown.contains(&format!("    {group}  ")));
        shows(&daemons[1]);
        lan.router.ip("link delete link0");
        until(|| "gone".to_owned(), || lan.vifs() == 1);
        let router = &lan.router;
        lan.links[0].connect(router);
        shows(&daemons[1]);
        goes_through(lan, 0, group, 1, "again");
        end(lan, daemons);
    }
}
