//! A router with hosts on links of its own, and a manager that drives its kernel.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{
    Address, Builder, Client, ClientId, Entry, GroupAddr, Interface, LinuxForwarder, Mgm, NoCallbacks,
    SourceAddr, Upcall,
};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

use crate::netns::{Namespace, available};

/// What the tests have to know of an address family.
pub(crate) trait Family: Address + Into<IpAddr> {
    /// The address of a host, or of the router, on a link.
    fn on_link(link: u8, host: u8) -> Self;
    fn group(number: u8) -> GroupAddr<Self>;
    /// Of the table that `ip` is to show.
    const IP: &'static str;
    const PREFIX: u8;
    /// The kernel's lists of entries and of interfaces.
    const TABLES: [&'static str; 2];
}

impl Family for Ipv4Addr {
    fn on_link(link: u8, host: u8) -> Self {
        let net = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
        let [a, b, c] = net[usize::from(link)];
        Self::new(a, b, c, host)
    }

    fn group(number: u8) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(239, 1, 1, number)).unwrap()
    }

    const IP: &'static str = "-4";
    const PREFIX: u8 = 24;
    const TABLES: [&'static str; 2] = ["ip_mr_cache", "ip_mr_vif"];
}

impl Family for Ipv6Addr {
    fn on_link(link: u8, host: u8) -> Self {
        Self::new(0x2001, 0xdb8, link.into(), 0, 0, 0, 0, host.into())
    }

    fn group(number: u8) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(0xff0e, 0, 0, 0, 0, 0, 1, number.into())).unwrap()
    }

    const IP: &'static str = "-6";
    const PREFIX: u8 = 64;
    const TABLES: [&'static str; 2] = ["ip6_mr_cache", "ip6_mr_vif"];
}

/// Runs one test for both families, each in a world of its own.
pub(crate) fn both(links: u8, inet: fn(&mut World<Ipv4Addr>), inet6: fn(&mut World<Ipv6Addr>)) {
    run(links, inet);
    run(links, inet6);
}

/// Runs one test; when it is over, the kernel has to agree with the manager, and to be left empty.
pub(crate) fn run<A: Family>(links: u8, test: impl FnOnce(&mut World<A>)) {
    if !available() {
        return;
    }
    let mut world = World::new(links);
    test(&mut world);
    world.agree();
    world.close();
}

pub(crate) struct World<A: Family> {
    pub(crate) mgm: Mgm<A>,
    pub(crate) forwarder: Arc<LinuxForwarder<A>>,
    /// All that the kernel handed up.
    pub(crate) upcalls: Mutex<Vec<Upcall<A>>>,
    pub(crate) links: Vec<Link<A>>,
    pub(crate) router: Namespace,
    protocol: Option<Client<A>>,
    table: Option<u32>,
}

/// A link from the router to a host.
pub(crate) struct Link<A: Family> {
    pub(crate) number: u8,
    /// The router's interface.
    pub(crate) interface: Interface<A>,
    pub(crate) host: Namespace,
}

pub(crate) const PORT: u16 = 5000;
const ENOUGH: Duration = Duration::from_secs(10);

impl<A: Family> World<A> {
    fn new(links: u8) -> Self {
        let router = Namespace::new("router");
        let links = (0..links).map(|number| Link::new(&router, number)).collect();
        let forwarder = Arc::new(router.run(|| LinuxForwarder::open().unwrap()));
        let mut world = Self {
            mgm: Mgm::default(),
            forwarder,
            upcalls: Mutex::default(),
            links,
            router,
            protocol: None,
            table: None,
        };
        world.rebuild(|builder| builder);
        world
    }

    /// A new manager, with a protocol on all links, which the kernel watches.
    pub(crate) fn rebuild(&mut self, options: impl FnOnce(Builder<A>) -> Builder<A>) {
        self.protocol = None;
        self.mgm = options(Mgm::builder()).forwarder(Arc::clone(&self.forwarder)).build();
        let id = ClientId { protocol: 1, component: 0 };
        let protocol = self.mgm.register_protocol(id, NoCallbacks).unwrap();
        for link in &self.links {
            protocol.take_interface_ownership(link.interface).unwrap();
            self.forwarder.watch(link.interface.index()).unwrap();
        }
        self.protocol = Some(protocol);
    }

    /// Gives the kernel's default table back, and takes another.
    pub(crate) fn move_to_table(&mut self, table: u32) {
        self.table = Some(table);
        let open = || LinuxForwarder::builder().table(table).open().unwrap();
        self.forwarder = Arc::new(self.router.run(open));
        self.rebuild(|builder| builder);
    }

    /// The protocol that is on all links.
    pub(crate) fn protocol(&self) -> &Client<A> {
        self.protocol.as_ref().unwrap()
    }

    pub(crate) fn without_protocol(&mut self) {
        self.protocol = None;
    }

    pub(crate) fn join(&self, link: usize, group: GroupAddr<A>) {
        self.protocol().add_group_membership(self.links[link].interface, Entry::Group(group)).unwrap();
    }

    pub(crate) fn leave(&self, link: usize, group: GroupAddr<A>) {
        self.protocol().delete_group_membership(self.links[link].interface, Entry::Group(group)).unwrap();
    }

    /// The address of the host on a link.
    pub(crate) fn source(&self, link: usize) -> SourceAddr<A> {
        SourceAddr::new(A::on_link(self.links[link].number, 2)).unwrap()
    }

    /// Waits for the kernel a moment, and does what it asks.
    pub(crate) fn pump(&self) {
        let mut waiting = [PollFd::new(&*self.forwarder, PollFlags::IN)];
        poll(&mut waiting, Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 })).unwrap();
        for upcall in self.forwarder.upcalls().unwrap() {
            upcall.report_to(&self.mgm, Instant::now()).unwrap();
            self.upcalls.lock().push(upcall);
        }
        let _due = self.mgm.expire(Instant::now());
    }

    /// Pumps until it is so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + ENOUGH;
        while !so() {
            assert!(Instant::now() < deadline, "{what}: not within {ENOUGH:?}; {self:?}");
            self.pump();
        }
    }

    /// Pumps until the receiver has a packet.
    pub(crate) fn receive(&self, receiver: &Receiver) -> String {
        let mut packet = None;
        self.until("a packet", || {
            packet = receiver.receive();
            packet.is_some()
        });
        packet.unwrap()
    }

    /// How many reports of packets without an entry there were.
    pub(crate) fn reports(&self) -> usize {
        let upcalls = self.upcalls.lock();
        upcalls.iter().filter(|upcall| matches!(upcall, Upcall::NoEntry { .. })).count()
    }

    /// The kernel holds exactly the manager's entries.
    pub(crate) fn agree(&self) {
        self.until("the kernel agrees with the manager", || self.of_kernel() == self.of_manager());
    }

    fn of_manager(&self) -> Table {
        let names = self.names();
        let name = |interface: Interface<A>| names[&interface.index().get()].clone();
        let entries = self.mgm.mfes().map(|mfe| {
            let mut oifs: Vec<_> = mfe.oifs.iter().map(|oif| name(*oif)).collect();
            oifs.sort();
            (format!("({},{})", mfe.source, mfe.group), (name(mfe.iif), oifs))
        });
        entries.collect()
    }

    /// By netlink.
    pub(crate) fn of_kernel(&self) -> Table {
        let table = self.table.map_or(String::new(), |table| format!(" table {table}"));
        let shown = self.router.ip_output(&format!("{} mroute show{table}", A::IP));
        let entries = shown.lines().map(|line| {
            let words = &mut line.split_whitespace();
            let key = words.next().unwrap().to_owned();
            let iif = words.nth(1).unwrap().to_owned();
            let oifs = words.skip_while(|word| *word != "Oifs:").skip(1).take_while(|word| *word != "State:");
            let mut oifs: Vec<_> = oifs.map(str::to_owned).collect();
            oifs.sort();
            (key, (iif, oifs))
        });
        entries.collect()
    }

    fn names(&self) -> BTreeMap<u32, String> {
        let shown = self.router.ip_output("-o link show");
        let links = shown.lines().map(|line| {
            let mut words = line.split(": ");
            let index = words.next().unwrap().parse().unwrap();
            (index, words.next().unwrap().split('@').next().unwrap().to_owned())
        });
        links.collect()
    }

    /// How many lines the kernel's lists of entries and interfaces have, below their headings.
    pub(crate) fn listed(&self) -> [usize; 2] {
        let count = |table| {
            let list = std::fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap();
            list.lines().count() - 1
        };
        self.router.run(|| A::TABLES.map(count))
    }

    /// Drops manager and forwarder: nothing may be left in the kernel.
    fn close(self) {
        let Self { mgm, forwarder, protocol, router, links, .. } = self;
        drop(protocol);
        drop(mgm);
        assert_eq!(Arc::strong_count(&forwarder), 1, "the manager has gone");
        drop(forwarder);
        let shown = router.ip_output(&format!("{} mroute show table all", A::IP));
        assert_eq!(shown, "", "left in the kernel");
        router.run(|| drop(LinuxForwarder::<A>::open().unwrap()));
        drop(links);
    }
}

/// Entries by (S,G): the iif, and the oifs in order.
type Table = BTreeMap<String, (String, Vec<String>)>;

impl<A: Family> Debug for World<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("kernel", &self.of_kernel())
            .field("manager", &self.mgm.mfes().collect::<Vec<_>>())
            .field("failures", &self.mgm.forwarder_failures())
            .field("upcalls", &self.upcalls.lock())
            .finish()
    }
}

impl<A: Family> Link<A> {
    fn new(router: &Namespace, number: u8) -> Self {
        let host = Namespace::new(&format!("host{number}"));
        let mut link = Self { number, interface: Interface::try_from(1).unwrap(), host };
        link.connect(router);
        link
    }

    /// Makes the interfaces `link<number>` of the router and `eth0` of the host.
    pub(crate) fn connect(&mut self, router: &Namespace) {
        let (number, host) = (self.number, self.host.name());
        router.ip(&format!(
            "link add link{number} type veth peer name eth0 netns {host}\n\
             {}\n\
             link set link{number} up\n",
            address_add(A::on_link(number, 1), &format!("link{number}")),
        ));
        self.add_address(A::on_link(number, 2));
        self.host.ip("link set eth0 up\n");
        self.interface = Interface::try_from(router.index(&format!("link{number}"))).unwrap();
    }

    /// Gives the host another address.
    pub(crate) fn add_address(&self, address: A) {
        self.host.ip(&address_add(address, "eth0"));
    }

    /// A socket of the host that sends to groups.
    pub(crate) fn sender(&self) -> Sender {
        self.sender_from(A::on_link(self.number, 2))
    }

    pub(crate) fn sender_from(&self, source: A) -> Sender {
        let (source, index) = (source.into(), self.host.index("eth0"));
        self.host.run(|| {
            let socket = Socket::new(Domain::for_address(SocketAddr::new(source, 0)), Type::DGRAM, None);
            let socket = socket.unwrap();
            socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
            match source {
                IpAddr::V4(source) => {
                    socket.set_multicast_if_v4(&source).unwrap();
                    socket.set_multicast_ttl_v4(8).unwrap();
                }
                IpAddr::V6(_) => {
                    socket.set_multicast_if_v6(index).unwrap();
                    socket.set_multicast_hops_v6(8).unwrap();
                }
            }
            Sender(socket)
        })
    }

    /// A socket of the host that has joined a group.
    pub(crate) fn receiver(&self, group: GroupAddr<A>) -> Receiver {
        let group = group.address().into();
        let index = self.host.index("eth0");
        self.host.run(|| {
            let address = SocketAddr::new(group, PORT);
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None).unwrap();
            // A child of another test that has not come to its `exec` may keep an older one open.
            socket.set_reuse_address(true).unwrap();
            socket.bind(&address.into()).unwrap();
            socket.set_nonblocking(true).unwrap();
            match group {
                IpAddr::V4(group) => {
                    socket.join_multicast_v4_n(&group, &socket2::InterfaceIndexOrAddress::Index(index))
                }
                IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
            }
            .unwrap();
            Receiver(socket.into())
        })
    }
}

fn address_add<A: Family>(address: A, interface: &str) -> String {
    // Duplicate address detection, which only IPv6 has, would keep it from being used at once.
    let nodad = if A::PREFIX == 64 { "nodad" } else { "" };
    format!("address add {address}/{} dev {interface} {nodad}", A::PREFIX)
}

pub(crate) struct Sender(Socket);

impl Sender {
    pub(crate) fn send<A: Family>(&self, group: GroupAddr<A>, text: &str) {
        let to = SocketAddr::new(group.address().into(), PORT);
        self.0.send_to(text.as_bytes(), &to.into()).unwrap();
    }
}

pub(crate) struct Receiver(UdpSocket);

impl Receiver {
    /// The next packet, if there is one.
    pub(crate) fn receive(&self) -> Option<String> {
        let mut buffer = [0; 2000];
        match self.0.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).unwrap()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }
}
