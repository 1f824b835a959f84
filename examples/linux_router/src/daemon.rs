//! The loop of the process.
//!
//! One turn empties the sockets, and then does the work: what the hosts said reaches the kernel before the loop
//! waits again.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::netlink::{Batch, News};
use crate::router::Router;
use crate::show::Show;
use crate::signals::Signals;
use crate::system;

/// A router for each address family that is wanted.
#[derive(Debug)]
pub(crate) struct Routers {
    pub(crate) v4: Option<Router<Ipv4Addr>>,
    pub(crate) v6: Option<Router<Ipv6Addr>>,
}

/// The process, once everything is open.
#[derive(Debug)]
pub(crate) struct Daemon {
    routers: Routers,
    news: News,
    signals: Signals,
}

impl Daemon {
    pub(crate) fn new(routers: Routers) -> io::Result<Self> {
        Ok(Self { routers, news: News::listen()?, signals: Signals::catch()? })
    }

    /// Routes until a signal ends it.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
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
        let all = [Some(self.news.as_raw_fd()), Some(self.signals.as_raw_fd()), v4, v6];
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
