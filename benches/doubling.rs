//! What becomes of the cost when there is twice as much: nothing may grow faster than what it touches.
//!
//! Valgrind counts the instructions, so the ratios are the same on every machine. A little more than two is a tree that has
//! become deeper; four is a square.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

#[path = "support/callgrind.rs"]
mod callgrind;
#[path = "support/entries.rs"]
mod entries;
#[path = "support/igmp.rs"]
mod igmp;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use callgrind::{count, is_installed, measured};
use entries::{Fresh, add, interface, is_measured};
use igmp::Igmp;
use mgm::{Client, ClientId, Entry, MembershipChange, Mgm, NoCallbacks, SourceAddr};

struct Scene {
    name: &'static str,
    run: fn(u32),
    /// The least of the sizes, which are doubled twice.
    size: u32,
    /// What twice as much may take, in times.
    target: f64,
}

const SCENES: [Scene; 8] = [
    Scene { name: "n clients register", run: registrations, size: 256, target: 2.2 },
    Scene { name: "n clients deregister", run: deregistrations, size: 256, target: 2.2 },
    Scene { name: "n clients want a (*,G)", run: wanted_by_clients, size: 256, target: 2.2 },
    Scene { name: "a client on n interfaces is dropped", run: dropped, size: 256, target: 2.2 },
    Scene {
        name: "a (*,G) on n interfaces",
        run: |size| on_interfaces(size, Forwarded::No),
        size: 256,
        target: 2.2,
    },
    Scene {
        name: "the same, and an MFE of the group",
        run: |size| on_interfaces(size, Forwarded::Yes),
        size: 256,
        target: 2.2,
    },
    Scene { name: "n entries in one batch", run: batch, size: 4096, target: 2.2 },
    Scene { name: "a hand-over of n entries", run: hand_over, size: 4096, target: 2.2 },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [scene, size] = arguments.as_slice()
        && let (Ok(scene), Ok(size)) = (scene.parse::<usize>(), size.parse())
    {
        return SCENES.get(scene).map_or((), |scene| (scene.run)(size));
    }
    if !is_measured() {
        return SCENES.iter().for_each(|scene| (scene.run)(8));
    }
    if !is_installed() {
        return println!("doubling: SKIPPED, as valgrind is not installed");
    }
    for (number, Scene { name, size, target, .. }) in SCENES.iter().enumerate() {
        let [one, two, four] = [1, 2, 4].map(|times| count(&[&number, &(size * times)]).0);
        let ratios = [(one, two), (two, four)].map(|(half, whole)| times(half, whole));
        let verdict = if ratios.iter().all(|ratio| ratio <= target) { "met" } else { "MISSED" };
        let each = four / u64::from(4 * size);
        let [first, second] = ratios;
        println!(
            "{name:<40} {size:>5}: x {first:.2}, x {second:.2}, {each:>7} instructions each   at most {target:.1}: {verdict}"
        );
    }
}

fn times(half: u64, whole: u64) -> f64 {
    let [half, whole] = [half, whole].map(|count| f64::from(u32::try_from(count / 1000).unwrap_or(u32::MAX)));
    whole / half
}

fn protocols(mgm: &Mgm, count: u32) -> Vec<Client> {
    let register = |component| mgm.register_protocol(ClientId { protocol: 1, component }, NoCallbacks);
    (0..count).map(register).collect::<Result<_, _>>().expect("each has its own id")
}

fn registrations(size: u32) {
    let mgm = Mgm::new();
    assert_eq!(measured(|| protocols(&mgm, size)).len(), entries(size));
}

fn deregistrations(size: u32) {
    let clients = protocols(&Mgm::new(), size);
    measured(|| clients.into_iter().for_each(|client| client.deregister().expect("it is on nothing")));
}

fn wanted_by_clients(size: u32) {
    let (mgm, group) = (Mgm::new(), group());
    let clients = protocols(&mgm, size);
    let lans = (1..).map(interface);
    for (client, lan) in clients.iter().zip(lans.clone()) {
        client.take_interface_ownership(lan).expect("nobody owns it");
    }
    measured(|| clients.iter().zip(lans).for_each(|(client, lan)| add(client, lan, group)));
}

fn dropped(size: u32) {
    let (mgm, group) = (Mgm::new(), group());
    let igmp = on_all(&mgm, size);
    (1..=size).for_each(|index| add(&igmp, interface(index), group));
    measured(|| drop(igmp));
    assert_eq!(mgm.interfaces(), []);
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Forwarded {
    No,
    Yes,
}

fn on_interfaces(size: u32, forwarded: Forwarded) {
    let (mgm, entry) = (Mgm::new(), group());
    let igmp = on_all(&mgm, size);
    let group = entry.group().expect("it names a group");
    let source = SourceAddr::new(Ipv4Addr::new(10, 0, 0, 1)).expect("a host's address");
    if forwarded == Forwarded::Yes {
        mgm.packet_received(source, group, interface(size + 1), &[], Instant::now()).expect("no limit");
    }
    measured(|| (1..=size).for_each(|index| add(&igmp, interface(index), entry)));
    let oifs = mgm.mfe(source, group).map(|mfe| mfe.oifs.len());
    assert_eq!(oifs, (forwarded == Forwarded::Yes).then_some(entries(size)));
}

fn batch(size: u32) {
    let mgm = Mgm::new();
    let igmp = on_all(&mgm, 1);
    let changes: Vec<_> = Fresh::default().take(entries(size)).map(MembershipChange::Add).collect();
    let outcomes = measured(|| igmp.batch(interface(1), changes));
    assert_eq!(outcomes.changed(), entries(size));
}

fn hand_over(size: u32) {
    let mgm = Mgm::new();
    let joined: Arc<[Entry]> = Fresh::default().some(entries(size)).into();
    let igmp = mgm.register_igmp(Igmp { joined: Arc::clone(&joined) }).expect("there is no other");
    igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
    joined.iter().for_each(|entry| add(&igmp, interface(1), *entry));
    let protocols = protocols(&mgm, 1);
    measured(|| {
        for protocol in &protocols {
            protocol.take_interface_ownership(interface(1)).expect("nobody owns it");
        }
    });
}

/// IGMP on so many interfaces.
fn on_all(mgm: &Mgm, count: u32) -> Client {
    let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
    for index in 1..=count {
        igmp.take_interface_ownership(interface(index)).expect("nobody is on it");
    }
    igmp
}

fn group() -> Entry {
    Fresh::default().next().expect("it never ends")
}

fn entries(size: u32) -> usize {
    usize::try_from(size).expect("32 bits")
}
