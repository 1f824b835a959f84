//! A router for the multicast of IGMPv2, IGMPv3 and MLDv2 hosts, on Linux, as root:
//!
//! ```text
//! cargo run --example linux_router --features linux -- --interface eth1 --interface eth2 --static eth0
//! ```
//!
//! On each `--interface` it asks hosts what they want, and forwards it there. Each `--static` interface is owned by a
//! static multicast protocol; sources may be on any of them. Interfaces may come, go and come back.
//! SIGUSR1 prints the tables; SIGTERM and SIGINT leave the kernel as it was.
//!
//! One turn of the loop empties the sockets, and then does the work: what the hosts said reaches the kernel
//! before the loop waits again.

mod family;
mod igmp;
mod netlink;
mod packet;
#[expect(dead_code, reason = "the hand-over example reads whole IP packets, too")]
#[path = "../handover/report.rs"]
mod report;
mod router;
mod routes;
mod show;
mod static_protocol;
mod system;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use tracing::Level;

use self::family::Family;
use self::igmp::config::Config;
use self::netlink::{Batch, News};
use self::router::{Roles, Router};
use self::show::Show;

/// A multicast router: IGMPv3 and MLDv2 toward the hosts, the kernel's unicast routes toward the sources.
#[derive(Debug, Parser)]
struct Arguments {
    /// Ask and hear hosts on this interface
    #[arg(long = "interface", value_name = "NAME")]
    interfaces: Vec<String>,
    /// Have the static multicast protocol own this interface
    #[arg(long = "static", value_name = "IF")]
    owned: Vec<String>,
    /// Log what hosts join and leave, and what is dropped
    #[arg(long, short)]
    verbose: bool,
    /// IPv4 only
    #[arg(long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// IPv6 only
    #[arg(long)]
    ipv6: bool,
    /// Seconds between general queries
    #[arg(long, value_name = "SECONDS", default_value = "125", value_parser = seconds)]
    query_interval: Duration,
    /// Seconds in which hosts answer a general query
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    query_response_interval: Option<Duration>,
    /// Seconds in which hosts answer when one of them leaves
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    last_member_query_interval: Option<Duration>,
    /// How many losses of one packet are borne
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=7))]
    robustness: u8,
    /// Groups that are remembered on one interface
    #[arg(long)]
    max_groups: Option<usize>,
    /// Sources that are remembered of one group
    #[arg(long)]
    max_sources: Option<usize>,
    /// Hear hosts whose addresses are outside the subnets of the interface
    #[arg(long)]
    foreign_reporters: bool,
}

/// What a query can say (RFC 9776 §4.1.1 and §4.1.7).
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=31_744.0).contains(&number) {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("from 0.1 to 31744".to_owned())
    }
}

impl Arguments {
    fn config<A: Family>(&self) -> Config<A> {
        let mut config = Config::new(self.robustness, self.query_interval);
        config.query_response_interval =
            self.query_response_interval.unwrap_or(config.query_response_interval);
        config.last_member_query_interval =
            self.last_member_query_interval.unwrap_or(config.last_member_query_interval);
        config.max_groups = self.max_groups.unwrap_or(config.max_groups);
        config.max_sources = self.max_sources.unwrap_or(config.max_sources);
        config.foreign_reporters = self.foreign_reporters;
        config
    }

    fn roles(&self) -> Roles {
        let names = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        Roles { igmp: names(&self.interfaces), owned: names(&self.owned) }
    }

    fn router<A: Family>(&self, without: bool) -> anyhow::Result<Option<Router<A>>> {
        let router = (!without).then(|| Router::open(self.roles(), self.config()));
        router.transpose().with_context(|| format!("a router for {} hosts", A::PROTOCOL))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let level = if arguments.verbose { Level::DEBUG } else { Level::INFO };
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(colours).with_max_level(level).init();
    anyhow::ensure!(
        !arguments.interfaces.is_empty() || !arguments.owned.is_empty(),
        "no interface is given: --interface NAME"
    );
    let signals = Signals::catch()?;
    let routers = Routers { v4: arguments.router(arguments.ipv6)?, v6: arguments.router(arguments.ipv4)? };
    Daemon { routers, news: News::listen()?, signals }.run()
}

struct Routers {
    v4: Option<Router<Ipv4Addr>>,
    v6: Option<Router<Ipv6Addr>>,
}

struct Daemon {
    routers: Routers,
    news: News,
    signals: Signals,
}

impl Daemon {
    fn run(mut self) -> anyhow::Result<()> {
        let mut poll = Poll::new()?;
        self.register(&poll)?;
        self.routers.read_all(Instant::now())?;
        let mut events = Events::with_capacity(8);
        let mut busy = false;
        loop {
            let now = Instant::now();
            let due = self.routers.expire(now);
            let wait = due.map(|due| due.saturating_duration_since(now));
            match poll.poll(&mut events, if busy { Some(Duration::ZERO) } else { wait }) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => done?,
            }
            // Every socket, whatever the events say: they come once, and reports must not wait behind other work.
            busy = self.routers.read();
            let batch = self.news.read()?;
            let now = Instant::now();
            self.routers.learn(&batch, now)?;
            self.routers.work(now);
            if self.signals.end() {
                tracing::info!("ends");
                return Ok(());
            }
            if self.signals.show() {
                self.routers.show(now)?;
            }
        }
    }

    fn register(&self, poll: &Poll) -> io::Result<()> {
        let v4 = self.routers.v4.as_ref().map(Router::descriptor);
        let v6 = self.routers.v6.as_ref().map(Router::descriptor);
        let all = [Some(self.news.as_raw_fd()), Some(self.signals.wake.as_raw_fd()), v4, v6];
        for (number, descriptor) in all.iter().flatten().enumerate() {
            poll.registry().register(&mut SourceFd(descriptor), Token(number), Interest::READABLE)?;
        }
        Ok(())
    }
}

impl Routers {
    fn expire(&self, now: Instant) -> Option<Instant> {
        let v4 = self.v4.as_ref().and_then(|router| router.expire(now));
        let v6 = self.v6.as_ref().and_then(|router| router.expire(now));
        v4.into_iter().chain(v6).min()
    }

    fn read(&mut self) -> bool {
        let v4 = self.v4.as_mut().is_some_and(Router::read);
        let v6 = self.v6.as_mut().is_some_and(Router::read);
        v4 || v6
    }

    fn work(&mut self, now: Instant) {
        self.v4.iter_mut().for_each(|router| router.work(now));
        self.v6.iter_mut().for_each(|router| router.work(now));
    }

    /// Asks the kernel for everything.
    fn read_all(&mut self, now: Instant) -> anyhow::Result<()> {
        let ports = system::ports().context("the interfaces of this machine")?;
        if let Some(router) = &mut self.v4 {
            router.read_routes()?;
            router.interfaces_changed(&ports, now);
        }
        if let Some(router) = &mut self.v6 {
            router.read_routes()?;
            router.interfaces_changed(&ports, now);
        }
        Ok(())
    }

    /// News of the kernel. Routes that go with their link or address go without news: then all are read again.
    fn learn(&mut self, batch: &Batch, now: Instant) -> anyhow::Result<()> {
        for index in batch.items.iter().filter_map(|item| system::removed(&item.message)) {
            self.v4.iter_mut().for_each(|router| router.link_removed(index));
            self.v6.iter_mut().for_each(|router| router.link_removed(index));
        }
        if batch.lost || batch.items.iter().any(|item| system::concerns(&item.message)) {
            return self.read_all(now);
        }
        for item in &batch.items {
            self.v4.iter().for_each(|router| router.route_changed(item));
            self.v6.iter().for_each(|router| router.route_changed(item));
        }
        Ok(())
    }

    fn show(&self, now: Instant) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if let Some(router) = &self.v4 {
            write!(out, "{}", Show { router, now })?;
        }
        if let Some(router) = &self.v6 {
            write!(out, "{}", Show { router, now })?;
        }
        out.flush()
    }
}

/// The signals that have come, and something to wait for.
struct Signals {
    wake: UnixStream,
    show: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let (show, end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (signal, flag) in [(SIGUSR1, &show), (SIGTERM, &end), (SIGINT, &end)] {
            // The flag first: who is woken must find it.
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
        }
        Ok(Self { wake, show, end })
    }

    fn show(&self) -> bool {
        // What wakes is taken out first, so that a signal that comes now wakes again.
        while io::Read::read(&mut &self.wake, &mut [0; 64]).is_ok_and(|octets| octets > 0) {}
        self.show.swap(false, Ordering::Relaxed)
    }

    fn end(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
}
