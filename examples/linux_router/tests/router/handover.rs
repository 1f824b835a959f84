//! Receiver interfaces that are handed over under traffic.
//!
//! A protocol takes an interface with members from IGMP alone, and gives it back, again and again. Its owner changes
//! between DISABLE and ENABLE, when nothing is joined there: what is lost then is counted apart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{ClientId, NoCallbacks};

use crate::lan::{Lan, run};
use linux_router::family::Family as Routed;
use linux_router::igmp::config::Config;
use linux_router::memory::Memory;
use linux_router::router::{Roles, Router};
use linux_router::system;
use netns::link::Family;
use netns::traffic::Stream;

const HAND_OVERS: u32 = 50;

#[test]
fn hand_overs_under_traffic_lose_at_most_what_comes_while_nothing_is_joined() {
    run(3, handed_over::<Ipv4Addr>);
    run(3, handed_over::<Ipv6Addr>);
}

fn handed_over<A: Family + Routed>(lan: &mut Lan<A>) {
    let mut router = lan.router.run(|| open::<A>());
    let protocol = router.manager().register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks);
    let protocol = protocol.unwrap();
    let (end, interface) = (AtomicBool::new(false), lan.links[1].interface);
    thread::scope(|scope| {
        scope.spawn(|| serve(&mut router, &end));
        let ended = End(&end);
        let take = || protocol.take_interface_ownership(interface).unwrap();
        let release = || protocol.release_interface_ownership(interface).unwrap();
        measure(lan, take, release);
        drop(ended);
    });
    drop(protocol);
    drop(router);
    lan.is_clean();
}

/// Ends the router's thread, even when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The router without its process, on the links as they are.
fn open<A: Routed>() -> Router<A> {
    let names = |links: &[&str]| links.iter().map(|&link| link.to_owned()).collect();
    let roles = Roles { owned: names(&["link0"]), igmp: names(&["link1", "link2"]), upstream: None };
    let mut router = Router::open(roles, Config::default(), Memory::megabytes(Memory::DEFAULT)).unwrap();
    router.read_routes().unwrap();
    router.interfaces_changed(&system::ports().unwrap(), Instant::now());
    router
}

fn serve<A: Routed>(router: &mut Router<A>, end: &AtomicBool) {
    while !end.load(Ordering::Relaxed) {
        let _due = router.expire(Instant::now());
        if !router.read() {
            // What is due, and what comes, waits no longer.
            thread::sleep(Duration::from_millis(2));
        }
        router.work(Instant::now());
    }
}

fn measure<A: Family>(lan: &Lan<A>, take: impl Fn(), release: impl Fn()) {
    let (group, other) = (A::group(1), A::group(2));
    let _members = [lan.links[1].receiver(group), lan.links[2].receiver(group), lan.links[2].receiver(other)];
    let start = |group, tag| Stream::start(lan.links[0].sender(), group, tag, Duration::from_micros(100));
    let (stream, _stray) = (start(group, "over"), start(other, "stray"));
    lan.forwards(0, group, &[1, 2]);
    lan.forwards(0, other, &[2]);
    let taps = [1, 2].map(|link| lan.tap(link, "over"));
    let strays = lan.tap(1, "stray");
    for tap in &taps {
        tap.next();
    }
    // The one after the next: that one may be under way.
    let first = stream.sent() + 1;
    let mut seen = [Seen::default(), Seen::default()];
    let mut windows = Vec::new();
    let mut took = Duration::ZERO;
    for turn in 0..HAND_OVERS {
        // What has not reached the other host may still wait in a queue of the kernel.
        seen.iter_mut().zip(&taps).for_each(|(seen, tap)| seen.add(&tap.numbers()));
        let change: &dyn Fn() = if turn % 2 == 0 { &take } else { &release };
        let (from, begin) = (seen[1].newest().unwrap_or(first), Instant::now());
        change();
        took += begin.elapsed();
        // The packet under way when the window closes was perhaps looked at before.
        windows.push(from..stream.sent() + 1);
        stream.go_on(20);
    }
    let sent = first..stream.end();
    seen.iter_mut().zip(&taps).for_each(|(seen, tap)| seen.add(&tap.numbers()));
    println!(
        "{}: {} packets, {HAND_OVERS} hand-overs of {:?}",
        A::IP,
        sent.end - sent.start,
        took / HAND_OVERS
    );
    let counts = [0, 1].map(|host| seen[host].count(&sent, &windows));
    for (host, count) in counts.iter().enumerate() {
        println!("{}: host {}: {count:?}", A::IP, host + 1);
    }
    let strays = strays.numbers().len();
    println!("{}: host 1: {strays} strays", A::IP);
    let none = Counts { in_hand_over: 0, elsewhere: 0, twice: 0 };
    assert_eq!(Counts { in_hand_over: 0, ..counts[0] }, none, "the host of the interface");
    assert_eq!(counts[1], none, "a host elsewhere");
    assert_eq!(strays, 0);
    lan.forwards(0, group, &[1, 2]);
}

/// How often each packet came.
#[derive(Default)]
struct Seen(BTreeMap<u64, u32>);

/// What is wrong with what came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Counts {
    /// Lost between DISABLE and the last join after it.
    in_hand_over: usize,
    /// Lost at other times.
    elsewhere: usize,
    twice: usize,
}

impl Seen {
    fn add(&mut self, numbers: &[u64]) {
        for &number in numbers {
            *self.0.entry(number).or_default() += 1;
        }
    }

    fn newest(&self) -> Option<u64> {
        self.0.last_key_value().map(|(number, _)| *number)
    }

    fn count(&self, sent: &Range<u64>, windows: &[Range<u64>]) -> Counts {
        let lost: BTreeSet<u64> = sent.clone().filter(|number| !self.0.contains_key(number)).collect();
        let in_window = |number: &&u64| windows.iter().any(|window| window.contains(number));
        let in_hand_over = lost.iter().filter(in_window).count();
        Counts {
            in_hand_over,
            elsewhere: lost.len() - in_hand_over,
            twice: self.0.values().filter(|times| **times > 1).count(),
        }
    }
}
