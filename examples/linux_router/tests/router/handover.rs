//! Receiver interfaces that are handed over under traffic.
//!
//! A protocol takes an interface with members from IGMP alone, and gives it back, again and again: no packet is lost,
//! doubled or astray.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{Alert, ClientId, ClientRef, ProtocolCallbacks};

use crate::lan::{Lan, run};
use linux_router::family::Family as Routed;
use linux_router::igmp::config::Config;
use linux_router::memory::Memory;
use linux_router::router::{Roles, Router};
use linux_router::system;
use netns::link::Family;
use netns::traffic::{Arrivals, Progress, Stream};

const HAND_OVERS: u32 = 100;

#[test]
fn hand_overs_under_traffic_lose_nothing() {
    run(3, handed_over::<Ipv4Addr>);
    run(3, handed_over::<Ipv6Addr>);
}

fn handed_over<A: Family + Routed>(lan: &mut Lan<A>) {
    let mut router = lan.router.run(|| open::<A>());
    let stream = Arc::<OnceLock<Progress>>::default();
    let id = ClientId { protocol: 2, component: 0 };
    let protocol = router.manager().register_protocol(id, Slow(Arc::clone(&stream))).unwrap();
    let (end, interface) = (AtomicBool::new(false), lan.links[1].interface);
    thread::scope(|scope| {
        scope.spawn(|| serve(&mut router, &end));
        let ended = End(&end);
        let take = || protocol.take_interface_ownership(interface).unwrap();
        let release = || protocol.release_interface_ownership(interface).unwrap();
        measure(lan, &stream, take, release);
        drop(ended);
    });
    drop(protocol);
    drop(router);
    lan.is_clean();
}

/// A protocol that hears between DISABLE and ENABLE of what is joined, and goes on when packets have come.
struct Slow(Arc<OnceLock<Progress>>);

impl<A: Routed> ProtocolCallbacks<A> for Slow {
    fn alert(&self, _: &ClientRef<A>, _: Alert<A>) {
        const PACKETS: u64 = 2;
        if let Some(stream) = self.0.get() {
            stream.reach(stream.sent() + PACKETS);
        }
    }
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
    let memory = Memory::megabytes(Memory::DEFAULT);
    let mut router = Router::open(roles, Config::default(), memory, Arc::default()).unwrap();
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

fn measure<A: Family>(lan: &Lan<A>, slow: &OnceLock<Progress>, take: impl Fn(), release: impl Fn()) {
    let (group, other) = (A::group(1), A::group(2));
    let _members = [lan.links[1].receiver(group), lan.links[2].receiver(group), lan.links[2].receiver(other)];
    let start = |group, tag| Stream::start(lan.links[0].sender(), group, tag, Duration::from_millis(1));
    let (stream, stray) = (start(group, "over"), start(other, "stray"));
    lan.forwards(0, group, &[1, 2]);
    lan.forwards(0, other, &[2]);
    let arrivals = |link: usize, tag| Arrivals::open::<A>(&lan.links[link].host, tag);
    let mut due = [arrivals(1, "over"), arrivals(2, "over"), arrivals(2, "stray")];
    let mut strays = arrivals(1, "stray");
    // The one after the next: that one may be under way.
    let first = [stream.sent(), stray.sent()].map(|sent| sent + 1);
    slow.set(stream.progress().clone()).unwrap();
    let (mut took, mut inside) = (Duration::ZERO, 0);
    for turn in 0..HAND_OVERS {
        let (before, begin) = (stream.sent(), Instant::now());
        let change: &dyn Fn() = if turn % 2 == 0 { &take } else { &release };
        change();
        took += begin.elapsed();
        assert!(stream.sent() > before, "packets came during the hand-over");
        inside += stream.sent() - before;
        stream.go_on(20);
        due.iter_mut().for_each(Arrivals::count);
    }
    let [over, other] = [first[0]..stream.end(), first[1]..stray.end()];
    let sent = [&over, &over, &other];
    let lost = |due: &[Arrivals]| due.iter().zip(sent).map(|(due, sent)| due.lost(sent)).collect::<Vec<_>>();
    let deadline = Instant::now() + Duration::from_secs(2);
    while lost(&due).concat() != [0; 0] && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
        due.iter_mut().for_each(Arrivals::count);
    }
    strays.count();
    println!("{}: {over:?}, {HAND_OVERS} hand-overs of {:?} with {inside} packets", A::IP, took / HAND_OVERS);
    assert_eq!(lost(&due), [[0; 0]; 3], "lost");
    assert_eq!(due.map(|due| due.twice()), [[0; 0]; 3], "doubled");
    assert_eq!(strays.came(&other), [0; 0], "astray");
    lan.forwards(0, group, &[1, 2]);
}
