//! The router for one address family: the manager with its clients, the kernel, and the hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use mgm::{Client, ClientId, IgmpPacket, Interface, LinuxForwarder, Mgm, Upcall};
use netlink_packet_route::RouteNetlinkMessage::{self, DelRoute, NewRoute};
use netlink_packet_route::route::RouteMessage;
use socket2::{Socket, Type};

use crate::family::Family;
use crate::igmp::Igmp;
use crate::igmp::config::Config;
use crate::igmp::packet::{Arrived, Message};
use crate::igmp::query::Query;
use crate::netlink::{self, Item};
use crate::routes::Routes;
use crate::static_protocol::StaticProtocol;
use crate::system::{Port, Ports};

/// Which interfaces, by name.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Where hosts are asked and heard.
    pub igmp: BTreeSet<String>,
    /// Which the static protocol owns.
    pub owned: BTreeSet<String>,
}

/// A router for IPv4 or IPv6.
#[derive(Debug)]
pub struct Router<A: Family> {
    roles: Roles,
    igmp: Client<A>,
    owner: Client<A>,
    hosts: Arc<Igmp<A>>,
    mgm: Mgm<A>,
    forwarder: Arc<LinuxForwarder<A>>,
    routes: Arc<Routes<A>>,
    sender: Socket,
    active: BTreeMap<String, Active>,
    waiting: Vec<Upcall<A>>,
}

/// An interface that is in use.
#[derive(Debug)]
struct Active {
    port: Port,
    /// Whether the kernel reports what arrives there.
    watched: bool,
    /// Keeps the groups joined to which hosts report.
    reports: Option<Socket>,
}

impl<A: Family> Router<A> {
    /// The manager with its clients, and the kernel's table, on no interface yet.
    ///
    /// # Errors
    ///
    /// What the system refuses: another daemon routes, or capabilities are missing.
    pub fn open(roles: Roles, config: Config<A>) -> anyhow::Result<Self> {
        let forwarder = Arc::new(LinuxForwarder::open()?);
        let routes = Arc::new(Routes::new());
        let mgm = Mgm::builder().forwarder(Arc::clone(&forwarder)).rib(Arc::clone(&routes)).build();
        let hosts = Arc::new(Igmp::new(config));
        let igmp = mgm.register_igmp(Arc::clone(&hosts))?;
        let owner = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, StaticProtocol)?;
        let sender = A::sender().context("a socket for queries")?;
        let (active, waiting) = (BTreeMap::new(), Vec::new());
        Ok(Self { roles, igmp, owner, hosts, mgm, forwarder, routes, sender, active, waiting })
    }

    /// What to wait for.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.forwarder.as_fd().as_raw_fd()
    }

    /// Empties the socket, as far as one turn goes; answers whether there may be more.
    pub fn read(&mut self) -> bool {
        match self.forwarder.upcalls() {
            Ok(upcalls) => self.waiting = upcalls,
            Err(error) => tracing::warn!(%error, "the routing socket"),
        }
        !self.waiting.is_empty()
    }

    /// Works on what was read.
    pub fn work(&mut self, now: Instant) {
        for upcall in std::mem::take(&mut self.waiting) {
            if let Upcall::Igmp(packet) = &upcall {
                self.hear(packet, now);
            } else if let Err(refusal) = upcall.report_to(&self.mgm, now) {
                tracing::debug!(%refusal, "no forwarding entry");
            }
        }
    }

    fn hear(&self, packet: &IgmpPacket<A>, now: Instant) {
        let &IgmpPacket { interface, source: sender, hop_limit, ref message, .. } = packet;
        match A::read(Arrived { sender, hop_limit, message }) {
            Ok(Some(Message::Report(report))) => {
                let queries = self.hosts.report(&self.igmp, interface, &report, now);
                queries.iter().for_each(|query| self.ask(interface, query));
            }
            Ok(Some(Message::Query(query))) => self.hosts.query(interface, &query, now),
            Ok(None) => {}
            Err(reason) => tracing::debug!(%interface, %sender, %reason, "dropped"),
        }
    }

    fn ask(&self, interface: Interface<A>, query: &Query<A>) {
        for packet in A::build(query) {
            let sent = A::send(&self.sender, interface.index(), &packet, A::destination(query));
            if let Err(error) = sent {
                tracing::debug!(%interface, %error, "a query was not sent");
            }
        }
    }

    /// Does what is due, and says when to come again.
    #[must_use]
    pub fn expire(&self, now: Instant) -> Option<Instant> {
        for (interface, query) in self.hosts.expire(&self.igmp, now) {
            self.ask(interface, &query);
        }
        [self.mgm.expire(now), self.hosts.deadline()].into_iter().flatten().min()
    }

    /// Asks the kernel for all its routes.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn read_routes(&self) -> io::Result<()> {
        let mut request = RouteMessage::default();
        request.header.address_family = A::FAMILY;
        let all = netlink::dump(&RouteNetlinkMessage::GetRoute(request))?;
        let all: Vec<_> = all
            .into_iter()
            .filter_map(|item| if let NewRoute(route) = item { Some(route) } else { None })
            .collect();
        for prefix in self.routes.replace(&all) {
            self.mgm.routes_changed(&prefix);
        }
        Ok(())
    }

    /// News of the kernel's routes.
    pub(crate) fn route_changed(&self, item: &Item) {
        let changed = if let NewRoute(route) = &item.message {
            self.routes.add(route, item.replaces)
        } else if let DelRoute(route) = &item.message {
            self.routes.delete(route)
        } else {
            None
        };
        if let Some(prefix) = changed {
            self.mgm.routes_changed(&prefix);
        }
    }

    /// The manager.
    #[must_use]
    pub const fn manager(&self) -> &Mgm<A> {
        &self.mgm
    }

    /// What the hosts report.
    #[must_use]
    pub fn hosts(&self) -> &Igmp<A> {
        &self.hosts
    }

    /// The name of an interface in use.
    #[must_use]
    pub fn name(&self, index: NonZeroU32) -> Option<&str> {
        self.active.iter().find(|(_, active)| active.port.index == index).map(|(name, _)| name.as_str())
    }

    /// The link with this index is gone.
    pub fn link_removed(&mut self, index: NonZeroU32) {
        self.active.retain(|_, active| active.port.index != index);
        self.mgm.interface_removed(index);
        self.forwarder.interface_removed(index);
    }

    /// The interfaces are as in `ports` now.
    pub fn interfaces_changed(&mut self, ports: &Ports, now: Instant) {
        let names: BTreeSet<String> = self.roles.igmp.union(&self.roles.owned).cloned().collect();
        for name in names {
            let port = ports.get(&name);
            // Another one under the same name, or one that was renamed.
            if let Some(old) = self.active.get(&name)
                && port.is_none_or(|port| port.index != old.port.index)
            {
                tracing::info!(interface = name, "gone");
                self.link_removed(old.port.index);
            }
            if let Some(port) = port {
                self.interface_changed(&name, port, now);
            }
        }
    }

    fn interface_changed(&mut self, name: &str, port: &Port, now: Instant) {
        let interface = Interface::new(port.index);
        let asks = self.roles.igmp.contains(name);
        let mut active = match self.active.remove(name) {
            Some(active) => active,
            None => {
                tracing::info!(interface = name, index = port.index, "found");
                self.take(name, interface);
                Active { port: Port { up: false, ..port.clone() }, watched: false, reports: None }
            }
        };
        if !active.watched {
            let watched = self.forwarder.watch(port.index);
            active.watched = watched.is_ok();
            log(name, "is not forwarded", watched);
        }
        if asks && active.reports.is_none() {
            let joined = join_reports::<A>(port.index);
            active.reports =
                joined.inspect_err(|error| tracing::debug!(interface = name, %error, "no reports")).ok();
        }
        if asks {
            let addresses = A::addresses(port);
            match (active.port.up, port.up) {
                (false, true) => self.hosts.start(interface, addresses, now),
                (true, true) => self.hosts.set_addresses(interface, addresses, now),
                (true, false) => self.hosts.stop(interface, now),
                (false, false) => {}
            }
        }
        active.port = port.clone();
        self.active.insert(name.to_owned(), active);
    }

    /// The clients take an interface, and are ready for what comes from there.
    fn take(&self, name: &str, interface: Interface<A>) {
        if self.roles.owned.contains(name) {
            log(name, "is not owned", self.owner.take_interface_ownership(interface));
        }
        if self.roles.igmp.contains(name) {
            log(name, "has no IGMP", self.igmp.take_interface_ownership(interface));
        }
    }
}

fn join_reports<A: Family>(index: NonZeroU32) -> io::Result<Socket> {
    // A socket for each interface: the kernel lets one socket join 20 groups (net.ipv4.igmp_max_memberships).
    let socket = Socket::new(A::DOMAIN, Type::DGRAM, None)?;
    A::join(&socket, index)?;
    Ok(socket)
}

fn log<E: std::error::Error>(interface: &str, what: &str, done: Result<(), E>) {
    if let Err(error) = done {
        tracing::warn!(interface, %error, "{what}");
    }
}
