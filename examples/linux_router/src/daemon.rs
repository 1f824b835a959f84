//! The loop of the process.
//!
//! One turn empties the sockets, and then does the work: what the hosts said reaches the kernel before the loop
//! waits again.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use sd_notify::NotifyState;

use crate::arguments::Source;
use crate::control::{Answer, Control, Form, Request, Topic};
use crate::family::Family;
use crate::log::{Detail, Log};
use crate::names::Names;
use crate::netlink::{Batch, News};
use crate::router::Router;
use crate::settings::Settings;
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
    source: Source,
    settings: Settings,
    log: Log,
    routers: Routers,
    news: News,
    signals: Signals,
    control: Option<Control>,
}

impl Daemon {
    pub(crate) fn open(source: Source) -> anyhow::Result<Self> {
        let settings = source.read()?;
        let names = Arc::<Names>::default();
        let log = Log::open(detail(&settings), Arc::clone(&names));
        let (signals, news) = (Signals::catch()?, News::listen()?);
        let routers = Routers {
            v4: settings.has_ipv4().then(|| open(&settings, &names)).transpose()?,
            v6: settings.has_ipv6().then(|| open(&settings, &names)).transpose()?,
        };
        let path = settings.socket();
        let control = Control::listen(path)
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "`show` is not answered"));
        Ok(Self { source, log, routers, news, signals, control: control.ok(), settings })
    }

    /// Routes until a signal ends it.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let mut poll = Poll::new()?;
        self.register(&poll)?;
        self.routers.read_all(Instant::now())?;
        tell_service_manager(&[NotifyState::Ready]);
        let mut events = Events::with_capacity(8);
        let mut busy = false;
        loop {
            let now = Instant::now();
            let due = [self.routers.expire(now), self.control.as_ref().and_then(Control::deadline)];
            let wait = due.into_iter().flatten().min().map(|due| due.saturating_duration_since(now));
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
            self.routers.register_new(poll.registry())?;
            self.signals.woken();
            if self.signals.end() {
                tracing::info!("ends");
                tell_service_manager(&[NotifyState::Stopping]);
                return Ok(());
            }
            self.serve(poll.registry(), now)?;
        }
    }

    /// What the operator wants.
    fn serve(&mut self, registry: &Registry, now: Instant) -> anyhow::Result<()> {
        if self.signals.show() {
            let mut out = io::stdout().lock();
            out.write_all(self.routers.show(Topic::All, Form::Text, now).as_bytes())?;
            out.flush()?;
        }
        if self.signals.reload() {
            self.reload(now)?;
        }
        if let Some(control) = &mut self.control {
            control.serve(registry, now, |request| self.routers.answer(request, now));
        }
        Ok(())
    }

    /// Follows what the file says now. If that makes no sense, all stays as it is.
    fn reload(&mut self, now: Instant) -> anyhow::Result<()> {
        let settings = match self.source.read() {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error:#}");
                return Ok(());
            }
        };
        for setting in self.settings.takes_restart(&settings) {
            tracing::warn!(setting, "takes a restart");
        }
        self.log.set(detail(&settings));
        let ports = system::ports().context("the interfaces of this machine")?;
        self.routers.v4.iter_mut().for_each(|router| router.reconfigure(&settings, &ports, now));
        self.routers.v6.iter_mut().for_each(|router| router.reconfigure(&settings, &ports, now));
        self.settings = settings;
        tracing::info!("reconfigured");
        Ok(())
    }

    fn register(&self, poll: &Poll) -> io::Result<()> {
        let v4 = self.routers.v4.iter().flat_map(Router::descriptors);
        let v6 = self.routers.v6.iter().flat_map(Router::descriptors);
        let own = [self.news.as_raw_fd(), self.signals.as_raw_fd()];
        for descriptor in own.into_iter().chain(v4).chain(v6) {
            poll.registry().register(&mut SourceFd(&descriptor), Token(0), Interest::READABLE)?;
        }
        self.control.iter().try_for_each(|control| control.register(poll.registry()))
    }
}

fn open<A: Family>(settings: &Settings, names: &Arc<Names>) -> anyhow::Result<Router<A>> {
    Router::open(settings.roles(), settings.config(), settings.memory(), Arc::clone(names))
        .with_context(|| format!("a router for {} hosts", A::PROTOCOL))
}

fn detail(settings: &Settings) -> Detail {
    if settings.verbose() { Detail::Full } else { Detail::Brief }
}

/// Nobody is told where no service manager has started this.
fn tell_service_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager is not told");
    }
}

impl Routers {
    fn expire(&mut self, now: Instant) -> Option<Instant> {
        let v4 = self.v4.as_mut().and_then(|router| router.expire(now));
        let v6 = self.v6.as_mut().and_then(|router| router.expire(now));
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

    fn register_new(&mut self, registry: &Registry) -> io::Result<()> {
        let v4 = self.v4.as_mut().and_then(Router::new_descriptor);
        let v6 = self.v6.as_mut().and_then(Router::new_descriptor);
        let mut new = v4.into_iter().chain(v6);
        new.try_for_each(|new| registry.register(&mut SourceFd(&new), Token(0), Interest::READABLE))
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

    fn answer(&self, request: Request, now: Instant) -> Answer {
        match request {
            Request::Show { topic, json } => Ok(self.show(topic, json.into(), now)),
            Request::Why { source, group, json } => self.why(source, group, json.into()),
        }
    }

    fn show(&self, topic: Topic, form: Form, now: Instant) -> String {
        let v4 = self.v4.iter().map(|router| Show::take(router, topic, now));
        let v6 = self.v6.iter().map(|router| Show::take(router, topic, now));
        let all: Vec<_> = v4.chain(v6).collect();
        match form {
            Form::Json => {
                serde_json::to_string_pretty(&all).map_or_else(|error| error.to_string(), |text| text + "\n")
            }
            Form::Text => all.iter().map(ToString::to_string).collect(),
        }
    }
}
