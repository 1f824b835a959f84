//! PIM sparse mode between two routers: packets go to the rendezvous point in Registers until they come natively.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    Builder, Client, ClientId, Entry, GroupAddr, Interface, LinuxForwarder, Mgm, NoCallbacks, OpenError, Rib,
    Route, SourceAddr, Upcall,
};
use netns::traffic::{Arrivals, Stream};
use netns::{Namespace, available, until};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

use crate::pim::{Message, PIM, Pim};
use crate::world::{Link, table};

/// A router that speaks as much PIM as this takes.
struct Router<'a, A: Pim> {
    name: &'a Namespace,
    forwarder: Arc<LinuxForwarder<A>>,
    way: Arc<Way<A>>,
    mgm: Mgm<A>,
    pim: Client<A>,
    messages: Socket,
    own: A,
    /// The other router, and the interface toward it.
    peer: A,
    core: Interface<A>,
    /// Where it is the designated router of sources.
    sources: Option<Interface<A>>,
    seen: Mutex<Seen<A>>,
}

/// What has come up, and in.
struct Seen<A: Pim> {
    whole: Vec<Vec<u8>>,
    wrong: Vec<Vec<u8>>,
    registers: usize,
    native: Vec<(SourceAddr<A>, GroupAddr<A>)>,
}

/// The way to the only source.
struct Way<A: Pim>(Mutex<Option<Interface<A>>>);

impl<A: Pim> Rib<A> for Way<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let interface = (*self.0.lock())?;
        Some(Route::new(source.address().host(), interface))
    }
}

impl<'a, A: Pim> Router<'a, A> {
    fn open(name: &'a Namespace, [own, peer]: [A; 2], core: &str, sources: Option<&str>) -> Self {
        let interface = |of: &str| Interface::try_from(name.index(of)).unwrap();
        // An owner before this one, which is no PIM-SM, leaves its settings in the kernel.
        name.run(|| drop(LinuxForwarder::<A>::open().unwrap()));
        let forwarder = Arc::new(name.run(|| LinuxForwarder::builder().pim().open().unwrap()));
        let way = Arc::new(Way(Mutex::new(None)));
        let mgm = Builder::new().forwarder(Arc::clone(&forwarder)).rib(Arc::clone(&way)).build();
        let pim =
            mgm.register_protocol(ClientId { protocol: PIM.into(), component: 0 }, NoCallbacks).unwrap();
        let (core, sources) = (interface(core), sources.map(interface));
        for interface in [Some(core), sources, forwarder.register_interface()].into_iter().flatten() {
            pim.take_interface_ownership(interface).unwrap();
            forwarder.watch(interface.index()).unwrap();
        }
        let messages = name.run(|| {
            let domain = Domain::for_address(SocketAddr::new(own.into(), 0));
            let socket = Socket::new(domain, Type::from(3), Some(i32::from(PIM).into())).unwrap();
            socket.bind(&SocketAddr::new(own.into(), 0).into()).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        });
        let seen = Seen { whole: Vec::new(), wrong: Vec::new(), registers: 0, native: Vec::new() };
        let seen = Mutex::new(seen);
        Self { name, forwarder, way, mgm, pim, messages, own, peer, core, sources, seen }
    }

    fn register(&self) -> Interface<A> {
        self.forwarder.register_interface().unwrap()
    }

    /// Routes until the test is over.
    fn run(&self, end: &AtomicBool) {
        while !end.load(Ordering::Relaxed) {
            let mut waiting =
                [PollFd::new(&*self.forwarder, PollFlags::IN), PollFd::new(&self.messages, PollFlags::IN)];
            poll(&mut waiting, Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 })).unwrap();
            for upcall in self.forwarder.upcalls().unwrap() {
                self.take(upcall);
            }
            self.hear();
            let _due = self.mgm.expire(Instant::now());
        }
    }

    fn take(&self, upcall: Upcall<A>) {
        match &upcall {
            Upcall::NoEntry { source, group, arrival, .. } if Some(*arrival) == self.sources => {
                self.pim.add_group_membership(self.register(), Entry::SourceGroup(*source, *group)).unwrap();
            }
            Upcall::WholePacket { packet, .. } => {
                self.send(&A::register(self.own, self.peer, packet));
                self.seen.lock().whole.push(packet.clone());
            }
            Upcall::WrongInterfaceWhole { packet, arrival, .. } => {
                assert_eq!(*arrival, self.core);
                self.seen.lock().wrong.push(packet.clone());
            }
            // It comes natively now (RFC 7761 §4.2.2): from there on it is taken from there.
            Upcall::WrongInterface { source, group, arrival, .. } if *arrival == self.core => {
                self.lead(*source, self.core);
                self.seen.lock().native.push((*source, *group));
            }
            Upcall::NoEntry { .. } | Upcall::WrongInterface { .. } | Upcall::Igmp(_) | _ => {}
        }
        upcall.report_to(&self.mgm, Instant::now()).unwrap();
    }

    /// The source is to be found there.
    fn lead(&self, source: SourceAddr<A>, interface: Interface<A>) {
        *self.way.0.lock() = Some(interface);
        self.mgm.routes_changed(&source.address().host());
    }

    fn hear(&self) {
        let mut buffer = [0; 2000];
        while let Ok(length) = std::io::Read::read(&mut &self.messages, &mut buffer) {
            match A::read(&buffer[..length]) {
                Some(Message::Register(source, group)) => {
                    let mut seen = self.seen.lock();
                    seen.registers += 1;
                    if seen.native.contains(&(source, group)) {
                        self.send(&A::register_stop(self.own, self.peer, source, group));
                    }
                }
                Some(Message::RegisterStop(source, group)) => {
                    // Several Registers may have been on their way.
                    let _first =
                        self.pim.delete_group_membership(self.register(), Entry::SourceGroup(source, group));
                }
                Some(Message::Join(source, group)) => {
                    self.pim.add_group_membership(self.core, Entry::SourceGroup(source, group)).unwrap();
                }
                None => {}
            }
        }
    }

    fn send(&self, message: &[u8]) {
        self.messages.send_to(message, &SocketAddr::new(self.peer.into(), 0).into()).unwrap();
    }

    /// Waits until the kernel has exactly this entry.
    fn forwards(&self, iif: &str, oifs: &[&str]) {
        let entries = || table::<A>(self.name, None).into_values().collect::<Vec<_>>();
        let oifs = oifs.iter().map(|oif| (*oif).to_owned()).collect();
        let expected = [(iif.to_owned(), oifs)];
        until(|| format!("{expected:?}, not {:?}", entries()), || entries() == expected);
    }

    /// Drops all of it: nothing may be left in the kernel.
    fn close(self) {
        let Self { name, forwarder, mgm, pim, .. } = self;
        drop(pim);
        drop(mgm);
        drop(Arc::into_inner(forwarder).unwrap());
        assert_eq!(name.ip_output(&format!("{} mroute show table all", A::IP)), "");
        let links = name.ip_output("-o link show");
        assert!(!links.contains(A::REGISTER), "{links}");
    }
}

/// The next packets, each of which has to come once.
fn all_come_once(stream: &Stream, arrivals: &mut Arrivals) {
    const PACKETS: u64 = 100;
    // Those that were on their way while something changed are behind the first that is counted.
    stream.go_on(20);
    let first = stream.sent();
    stream.go_on(PACKETS);
    let sent = first..first + PACKETS;
    until(
        || "the last".to_owned(),
        || {
            arrivals.count();
            arrivals.came(&(sent.end..u64::MAX)).len() > 1 || arrivals.lost(&sent).is_empty()
        },
    );
    assert_eq!(arrivals.lost(&sent), [0; 0]);
    let twice: Vec<_> = arrivals.twice().into_iter().filter(|number| sent.contains(number)).collect();
    assert_eq!(twice, [0; 0]);
}

#[test]
fn a_stream_is_registered_until_it_comes_by_the_tree() {
    if available() {
        run::<Ipv4Addr>();
        run::<Ipv6Addr>();
    }

    fn run<A: Pim>() {
        let first = Namespace::new("first");
        let core = Link::<A>::new(&first, 2);
        let source_link = Link::<A>::new(&first, 0);
        let point = &core.host;
        let receivers = Link::<A>::new(point, 1);
        let [at_first, at_point] = [A::on_link(2, 1), A::on_link(2, 2)];
        let designated = Router::open(&first, [at_first, at_point], "link2", Some("link0"));
        let rendezvous = Router::open(point, [at_point, at_first], "eth0", Some("link1"));
        let (source, group) = (SourceAddr::new(A::on_link(0, 2)).unwrap(), A::group(1));
        designated.lead(source, designated.sources.unwrap());
        rendezvous.lead(source, rendezvous.register());
        rendezvous.pim.add_group_membership(receivers.interface, Entry::Group(group)).unwrap();

        let end = AtomicBool::new(false);
        let routers = [&designated, &rendezvous];
        thread::scope(|scope| {
            let _ended = EndOnDrop(&end);
            routers.iter().for_each(|router| drop(scope.spawn(|| router.run(&end))));
            let mut arrivals = Arrivals::open::<A>(&receivers.host, "pim");
            let stream = Stream::start(source_link.sender(), group, "pim", Duration::from_millis(2));
            // By Registers alone.
            designated.forwards("link0", &[A::REGISTER]);
            rendezvous.forwards(A::REGISTER, &["link1"]);
            all_come_once(&stream, &mut arrivals);
            assert!(rendezvous.seen.lock().registers >= 100);
            // By the tree.
            rendezvous.send(&A::join(at_point, at_first, source, group));
            designated.forwards("link0", &["link2"]);
            rendezvous.forwards("eth0", &["link1"]);
            let registered = designated.seen.lock().whole.len();
            all_come_once(&stream, &mut arrivals);
            assert!(designated.seen.lock().whole.len() <= registered + 20, "it stops");
            let (sent, seen) = (stream.end(), designated.seen.lock());
            assert!(u64::try_from(seen.whole.len()).unwrap() < sent);
            assert!(seen.whole.iter().all(|packet| carries(packet)));
            let seen = rendezvous.seen.lock();
            assert!(!seen.wrong.is_empty() && seen.wrong.iter().all(|packet| carries(packet)));
        });
        designated.close();
        rendezvous.close();
    }
}

/// Whether it is a whole packet of the stream, from its IP header on.
fn carries(packet: &[u8]) -> bool {
    let digits = &packet[packet.len() - 8..];
    let text = &packet[packet.len() - 11..packet.len() - 8];
    matches!(packet[0] >> 4, 4 | 6) && text == b"pim" && digits.iter().all(u8::is_ascii_digit)
}

/// Ends the routers also where a check fails.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_register_interface_is_there_as_long_as_the_forwarder() {
    if available() {
        stays::<Ipv4Addr>();
        stays::<Ipv6Addr>();
    }

    fn stays<A: Pim>() {
        let router = Namespace::new("router");
        assert_eq!(router.run(|| LinuxForwarder::<A>::open().unwrap().register_interface()), None);
        for number in [None, Some(7)] {
            let builder =
                number.iter().fold(LinuxForwarder::<A>::builder(), |new, number| new.table(*number));
            let forwarder = router.run(|| builder.pim().open().unwrap());
            let name = format!(
                "{}{}",
                A::REGISTER,
                number.map_or_else(String::new, |number: u32| number.to_string())
            );
            let index = forwarder.register_interface().unwrap().index();
            assert_eq!(index.get(), router.index(&name));
            forwarder.watch(index).unwrap();
            forwarder.unwatch(index);
            forwarder.interface_removed(index);
            assert_eq!(router.index(&name), index.get());
            drop(forwarder);
            assert!(!router.ip_output("-o link show").contains(&name));
        }
    }
}

#[test]
fn a_register_interface_that_the_kernel_cannot_make_is_an_error_and_the_table_is_free_again() {
    if !available() {
        return;
    }
    let router = Namespace::new("router");
    router.ip("link add pimreg type veth peer name other");
    let refused = router.run(|| LinuxForwarder::<Ipv4Addr>::builder().pim().open().unwrap_err());
    assert_eq!(refused, OpenError::System { operation: "MRT_ADD_VIF", errno: 105 });
    assert!(refused.to_string().starts_with("MRT_ADD_VIF: No buffer space available"));
    router.run(|| drop(LinuxForwarder::<Ipv4Addr>::open().unwrap()));
}
