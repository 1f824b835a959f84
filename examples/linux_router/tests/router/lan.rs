//! A router with hosts on links of its own, on which the daemon runs.

use std::fs;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use mgm::GroupAddr;
use rustix::process::Signal;

use crate::daemon::Daemon;
use netns::link::{Family, Link};
use netns::table::table;
use netns::traffic::{Stream, Tap};
pub(crate) use netns::until;
use netns::{Namespace, available};

/// A router whose `link0` leads to senders, and is owned by the static protocol; hosts are asked on all others.
pub(crate) struct Lan<A: Family> {
    pub(crate) router: Namespace,
    pub(crate) links: Vec<Link<A>>,
    family: PhantomData<A>,
}

/// How soon the last member of a group has left for good, in these tests: two queries, a tenth of a second apart.
const LEAVES: &str = "--last-member-query-interval 0.1";

/// Runs one test for both families.
pub(crate) fn both(links: u8, inet: fn(&mut Lan<Ipv4Addr>), inet6: fn(&mut Lan<Ipv6Addr>)) {
    run(links, inet);
    run(links, inet6);
}

pub(crate) fn run<A: Family>(links: u8, test: impl FnOnce(&mut Lan<A>)) {
    if available() {
        let router = Namespace::new("router");
        let links = (0..links).map(|number| Link::new(&router, number)).collect();
        test(&mut Lan { router, links, family: PhantomData });
    }
}

impl<A: Family> Lan<A> {
    /// The router, once it is ready for packets on all links.
    pub(crate) fn start(&self, options: &str) -> Daemon {
        let daemon = self.start_on(1..self.links.len(), options);
        let vifs = self.links.len();
        until(|| format!("{vifs} interfaces, not {}", self.vifs()), || self.vifs() == vifs);
        daemon
    }

    /// The router, asking hosts on the links of these numbers.
    pub(crate) fn start_on(&self, asked: impl Iterator<Item = usize>, options: &str) -> Daemon {
        let asked: String = asked.map(|number| format!(" --interface link{number}")).collect();
        let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
        let socket = self.socket().display().to_string();
        let arguments =
            format!("--verbose {family} --socket {socket} {LEAVES} --static link0{asked} {options}");
        Daemon::start(&self.router, arguments.trim())
    }

    /// Where it answers.
    pub(crate) fn socket(&self) -> PathBuf {
        std::env::temp_dir().join(format!("{}.sock", self.router.name()))
    }

    /// Ends the router: nothing may be left in the kernel.
    pub(crate) fn end(&self, mut daemon: Daemon) {
        daemon.signal(Signal::TERM);
        assert!(daemon.exit().success(), "{}", daemon.err.get());
        self.is_clean();
    }

    /// The kernel holds nothing of a router.
    pub(crate) fn is_clean(&self) {
        let shown = self.router.ip_output(&format!("{} mroute show table all", A::IP));
        assert_eq!(shown, "", "left in the kernel");
        assert_eq!(self.vifs(), 0, "left in the kernel");
        let promiscuous = self.router.ip_output("-d -o link show");
        let listening = promiscuous.lines().filter(|line| !line.contains("allmulti 0"));
        assert_eq!(listening.collect::<Vec<_>>(), Vec::<&str>::new(), "still listening to all");
    }

    /// How many interfaces the kernel forwards on.
    pub(crate) fn vifs(&self) -> usize {
        self.router.run(|| {
            let list = fs::read_to_string(format!("/proc/thread-self/net/{}", A::TABLES[1]));
            list.map_or(0, |list| list.lines().count() - 1)
        })
    }

    /// Waits until the kernel's table has exactly this entry from the host of a link.
    pub(crate) fn forwards(&self, from: usize, group: GroupAddr<A>, to: &[usize]) {
        let source = A::on_link(self.links[from].number, 2);
        self.forwards_from(source, from, group, to);
    }

    /// The same for another source on the link.
    pub(crate) fn forwards_from(&self, source: A, iif: usize, group: GroupAddr<A>, to: &[usize]) {
        let (iif, oifs) = (name(iif), to.iter().copied().map(name).collect::<Vec<_>>());
        let entry = (format!("({source},{group})"), (iif, oifs));
        let kernel = || table::<A>(&self.router, None);
        until(
            || format!("{entry:?} in {:?}", kernel()),
            || kernel().get_key_value(&entry.0) == Some((&entry.0, &entry.1)),
        );
    }

    /// Numbered packets from the host of a link.
    pub(crate) fn stream(&self, link: usize, group: GroupAddr<A>, tag: &'static str) -> Stream {
        Stream::start(self.links[link].sender(), group, tag, Duration::from_millis(2))
    }

    /// All numbered packets that come to the host of a link.
    pub(crate) fn tap(&self, link: usize, tag: &'static str) -> Tap {
        Tap::open::<A>(&self.links[link].host, tag)
    }
}

fn name(link: usize) -> String {
    format!("link{link}")
}
