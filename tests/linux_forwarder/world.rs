//! A router with hosts on links of its own, and a manager that drives its kernel.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{
    Builder, Client, ClientId, Entry, Forwarder, ForwarderError, ForwardingEntry, GroupAddr, Interface,
    LinuxForwarder, MfeStats, Mgm, NoCallbacks, SourceAddr, Upcall,
};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub(crate) use netns::link::{Family, Link, Receiver};
pub(crate) use netns::table::{Table, table};
use netns::{Namespace, available};

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
    /// All that the manager had the kernel do.
    pub(crate) commands: Arc<Mutex<Vec<Command<A>>>>,
    /// All that the kernel handed up.
    pub(crate) upcalls: Mutex<Vec<Upcall<A>>>,
    pub(crate) links: Vec<Link<A>>,
    pub(crate) router: Namespace,
    protocol: Option<Client<A>>,
    table: Option<u32>,
}

/// What a manager has its forwarder do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command<A: Family> {
    Add(ForwardingEntry<A>),
    Change(ForwardingEntry<A>),
    Delete(SourceAddr<A>, GroupAddr<A>),
}

/// The kernel, with a record of what it is told to do.
struct Recorded<A: Family> {
    kernel: Arc<LinuxForwarder<A>>,
    commands: Arc<Mutex<Vec<Command<A>>>>,
}

impl<A: Family> Forwarder<A> for Recorded<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.commands.lock().push(Command::Add(entry.clone()));
        self.kernel.add(entry)
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.commands.lock().push(Command::Change(entry.clone()));
        self.kernel.change(entry)
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.commands.lock().push(Command::Delete(source, group));
        self.kernel.delete(source, group)
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        self.kernel.stats(source, group)
    }
}

const ENOUGH: Duration = Duration::from_secs(10);

impl<A: Family> World<A> {
    fn new(links: u8) -> Self {
        let router = Namespace::new("router");
        let links = (0..links).map(|number| Link::new(&router, number)).collect();
        let forwarder = Arc::new(router.run(|| LinuxForwarder::open().unwrap()));
        let mut world = Self {
            mgm: Mgm::default(),
            forwarder,
            commands: Arc::default(),
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
        let (kernel, commands) = (Arc::clone(&self.forwarder), Arc::clone(&self.commands));
        self.mgm = options(Builder::new()).forwarder(Recorded { kernel, commands }).build();
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

    pub(crate) fn of_kernel(&self) -> Table {
        table::<A>(&self.router, self.table)
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
