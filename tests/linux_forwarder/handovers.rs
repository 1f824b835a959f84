//! Interfaces that change hands, and clients that restart, while streams flow: no packet is lost, doubled or astray, and
//! the kernel is told nothing that is not due.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{
    Alert, Client, ClientId, ClientRef, Entry, ForwardingEntry, IgmpCallbacks, Interface, MembershipChange,
    NoCallbacks, ProtocolCallbacks,
};
use parking_lot::Mutex;

use crate::streams::{FaultKind, Streams, Window, courses, wanted};
use crate::world::{Command, Family, World, run};

const BYSTANDER: ClientId = ClientId { protocol: 1, component: 0 };
const OLD: ClientId = ClientId { protocol: 2, component: 0 };
const NEW: ClientId = ClientId { protocol: 3, component: 0 };

/// Runs one test for both families.
fn both(inet: fn(&mut World<Ipv4Addr>), inet6: fn(&mut World<Ipv6Addr>)) {
    run(3, inet);
    run(3, inet6);
}

/// What an IGMP adds again that has forgotten some of it.
type Remembers<A> = fn(&MembershipChange<A>) -> bool;

/// An IGMP that hands over when packets have come, and adds again when more have.
struct Igmp<A: Family> {
    window: Window,
    links: Vec<Interface<A>>,
    remembers: Remembers<A>,
}

impl<A: Family> Igmp<A> {
    /// On all links, with what the hosts there want.
    fn start(world: &World<A>, window: Window, remembers: Remembers<A>) -> Client<A> {
        let links = world.links.iter().map(|link| link.interface).collect();
        let igmp = world.mgm.register_igmp(Self { window, links, remembers }).unwrap();
        take_and_add(world, &igmp);
        igmp
    }
}

impl<A: Family> IgmpCallbacks<A> for Igmp<A> {
    fn disable_igmp(&self, _: &ClientRef<A>, _: Interface<A>) {
        self.window.hold();
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.window.hold();
        let link = self.links.iter().position(|link| *link == interface).unwrap();
        add(igmp, interface, wanted(link).into_iter().filter(self.remembers));
        self.window.hold();
    }
}

fn take_and_add<A: Family>(world: &World<A>, client: &Client<A>) {
    for (number, link) in world.links.iter().enumerate() {
        client.take_interface_ownership(link.interface).unwrap();
        add(client, link.interface, wanted(number));
    }
}

fn add<A: Family>(
    client: &ClientRef<A>,
    interface: Interface<A>,
    changes: impl IntoIterator<Item = MembershipChange<A>>,
) {
    assert_eq!(client.batch(interface, changes).refused().count(), 0);
}

/// A protocol that owns every link but one.
struct Bystander<A: Family> {
    heard: Arc<Heard<A>>,
    _client: Client<A>,
}

struct Heard<A: Family>(Mutex<Vec<Alert<A>>>);

impl<A: Family> ProtocolCallbacks<A> for Heard<A> {
    fn alert(&self, _: &ClientRef<A>, alert: Alert<A>) {
        self.0.lock().push(alert);
    }
}

impl<A: Family> Bystander<A> {
    fn start(world: &World<A>, changing: usize) -> Self {
        let heard = Arc::new(Heard(Mutex::default()));
        let client = world.mgm.register_protocol(BYSTANDER, Arc::clone(&heard)).unwrap();
        for link in world.links.iter().filter(|link| usize::from(link.number) != changing) {
            client.take_interface_ownership(link.interface).unwrap();
        }
        Self { heard, _client: client }
    }

    /// It is told nothing while the one changes hands.
    fn hears_nothing(&self, work: impl FnOnce()) {
        self.heard.0.lock().clear();
        work();
        assert_eq!(*self.heard.0.lock(), [], "alerts to a protocol that it does not concern");
    }
}

/// A protocol takes a link from IGMP alone, and gives it back, again and again.
fn handed_over<A: Family, const LINK: usize>(world: &mut World<A>) {
    let streams = Streams::start(world);
    let bystander = Bystander::start(world, LINK);
    let _igmp = Igmp::start(world, streams.window(), |_| true);
    let protocol = world.mgm.register_protocol(OLD, NoCallbacks).unwrap();
    let interface = world.links[LINK].interface;
    bystander.hears_nothing(|| {
        streams.are_untouched(world, &format!("link {LINK} handed over"), |turn| {
            match turn % 2 {
                0 => protocol.take_interface_ownership(interface),
                _ => protocol.release_interface_ownership(interface),
            }
            .unwrap();
        });
    });
}

#[test]
fn ho_12_the_interface_of_receivers_changes_hands_without_loss() {
    both(handed_over::<_, 2>, handed_over::<_, 2>);
}

#[test]
fn ho_15_the_interface_of_a_source_changes_hands_without_loss() {
    both(handed_over::<_, 0>, handed_over::<_, 0>);
}

#[test]
fn ho_15_an_interface_of_sources_and_receivers_changes_hands_without_loss() {
    both(handed_over::<_, 1>, handed_over::<_, 1>);
}

#[test]
fn if_9_a_protocol_replaces_another_without_loss() {
    both(replaced, replaced);

    fn replaced<A: Family>(world: &mut World<A>) {
        const LINK: usize = 1;
        let streams = Streams::start(world);
        let bystander = Bystander::start(world, LINK);
        let protocols = [OLD, NEW].map(|id| world.mgm.register_protocol(id, NoCallbacks).unwrap());
        let interface = world.links[LINK].interface;
        protocols[0].take_interface_ownership(interface).unwrap();
        let _igmp = Igmp::start(world, streams.window(), |_| true);
        bystander.hears_nothing(|| {
            streams.are_untouched(world, "a protocol replaced", |turn| {
                let (from, to) = (&protocols[turn % 2], [NEW, OLD][turn % 2]);
                from.offer_interface(interface, to).unwrap();
                protocols[1 - turn % 2].take_interface_ownership(interface).unwrap();
            });
        });
    }
}

/// A client that comes back knows nothing of what it had, and adds all again.
fn restarts<A: Family>(world: &World<A>, streams: Streams, client: &Client<A>, what: &str) {
    let window = streams.window();
    streams.are_untouched(world, what, |_| {
        let deadline = Instant::now() + Duration::from_secs(60);
        let begin = |interface| client.begin_refresh(interface, deadline).unwrap();
        let refreshes: Vec<_> = world.links.iter().map(|link| begin(link.interface)).collect();
        window.hold();
        for (number, link) in world.links.iter().enumerate() {
            add(client, link.interface, wanted(number));
        }
        window.hold();
        for refresh in refreshes {
            refresh.end();
        }
    });
}

#[test]
fn ho_17_igmp_restarts_without_loss() {
    both(igmp, igmp);

    fn igmp<A: Family>(world: &mut World<A>) {
        let streams = Streams::start(world);
        let igmp = Igmp::start(world, streams.window(), |_| true);
        restarts(world, streams, &igmp, "IGMP restarted");
    }
}

#[test]
fn ho_17_a_protocol_restarts_without_loss() {
    both(protocol, protocol);

    fn protocol<A: Family>(world: &mut World<A>) {
        let streams = Streams::start(world);
        let protocol = world.mgm.register_protocol(OLD, NoCallbacks).unwrap();
        take_and_add(world, &protocol);
        restarts(world, streams, &protocol, "a protocol restarted");
    }
}

#[test]
fn ho_14_only_what_is_not_added_again_goes() {
    both(forgotten, forgotten);

    fn forgotten<A: Family>(world: &mut World<A>) {
        let [first, blocked, second] = courses();
        let streams = Streams::start(world);
        let is_of_second =
            |change: &MembershipChange<A>| matches!(change, MembershipChange::Add(Entry::SourceGroup(..)));
        let _igmp = Igmp::start(world, streams.window(), is_of_second);
        let protocol = world.mgm.register_protocol(OLD, NoCallbacks).unwrap();
        let (sources, hosts) = (world.links[0].interface, [1, 2].map(|link| world.links[link].interface));
        let outcome = streams.count(world, "a group forgotten", 1, |_| {
            protocol.take_interface_ownership(hosts[1]).unwrap();
        });
        // Both were wanted there with their group, up to the end of the hand-over; the other links lose nothing.
        let lost = outcome.faults.iter().map(|fault| (fault.kind, fault.stream, fault.link));
        let lost: Vec<_> = lost.collect();
        assert_eq!(lost, [(FaultKind::Lost, "first", 2), (FaultKind::Lost, "blocked", 2)]);
        let told =
            |source, oifs| Command::Change(ForwardingEntry::new(source, first.group, sources).oifs(oifs));
        let mut commands = world.commands.lock().clone();
        commands.sort_by_key(|command| format!("{command:?}"));
        assert_eq!(commands, [told(first.source, vec![hosts[0]]), told(blocked.source, vec![])]);
        assert_eq!(world.mgm.mfe(second.source, second.group).unwrap().oifs, [hosts[1]]);
    }
}
