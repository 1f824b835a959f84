//! The router for one address family: the manager with its clients, the kernel, and the hosts.

mod interfaces;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use mgm::{Builder, Client, ClientId, IgmpPacket, Interface, LinuxForwarder, Mgm, Upcall};
use netlink_packet_route::RouteNetlinkMessage::{self, DelRoute, NewRoute};
use netlink_packet_route::route::RouteMessage;
use socket2::Socket;

use crate::family::Family;
use crate::hearing::{Heard, MldSocket};
use crate::igmp::config::Config;
use crate::igmp::packet::{Arrived, Message};
use crate::igmp::query::Query;
use crate::igmp::refusal::Refused;
use crate::igmp::{Igmp, Settled};
use crate::memory::Memory;
use crate::names::Names;
use crate::netlink::{self, Item};
use crate::proxy::{Failures, Proxy};
use crate::routes::Routes;
use crate::scout::Scout;
use crate::static_protocol::StaticProtocol;
use crate::system::Port;
use crate::tally::{Place, Tallies, TallyView};
use crate::vifs;

/// Which interfaces, by name.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Where hosts are asked and heard.
    pub igmp: Vec<String>,
    /// Which the static protocol owns.
    pub owned: Vec<String>,
    /// Where a proxy joins what hosts join elsewhere.
    pub upstream: Option<String>,
}

impl Roles {
    fn igmp(&self, name: &str) -> bool {
        self.igmp.iter().any(|igmp| igmp == name)
    }

    fn owned(&self, name: &str) -> bool {
        self.owned.iter().any(|owned| owned == name)
    }

    fn is_upstream(&self, name: &str) -> bool {
        self.upstream.as_deref() == Some(name)
    }

    fn is_any(&self, name: &str) -> bool {
        self.igmp(name) || self.owned(name) || self.is_upstream(name)
    }

    fn names(&self) -> BTreeSet<String> {
        self.igmp.iter().chain(&self.owned).chain(&self.upstream).cloned().collect()
    }

    /// How early the operator named an interface.
    fn rank(&self, name: &str) -> usize {
        let place = |names: &[String]| names.iter().position(|named| named == name);
        if self.is_upstream(name) {
            return 0;
        }
        place(&self.igmp).into_iter().chain(place(&self.owned)).min().unwrap_or(usize::MAX)
    }
}

/// A router for IPv4 or IPv6.
#[derive(Debug)]
pub struct Router<A: Family> {
    roles: Roles,
    igmp: Client<A>,
    owner: Client<A>,
    upstream: Option<Upstream<A>>,
    hosts: Arc<Igmp<A>>,
    mgm: Mgm<A>,
    forwarder: Arc<LinuxForwarder<A>>,
    routes: Arc<Routes<A>>,
    sender: Socket,
    hearing: Option<MldSocket>,
    active: BTreeMap<String, Active>,
    /// Where there are more interfaces than the kernel has room for.
    scout: Option<Scout>,
    /// Without room, though something comes there: all others carry something, too.
    starved: BTreeSet<NonZeroU32>,
    /// To be waited for, and not yet taken.
    new_descriptor: Option<RawFd>,
    waiting: Vec<Upcall<A>>,
    heard: Vec<Heard<A>>,
    tallies: Tallies,
    names: Arc<Names>,
    memory: Memory,
}

/// What a router that is a proxy has besides.
#[derive(Debug)]
struct Upstream<A: Family> {
    client: Client<A>,
    proxy: Arc<Proxy<A>>,
}

/// An interface that is in use.
#[derive(Debug)]
struct Active {
    port: Port,
    /// Whether the kernel reports what arrives there.
    watched: bool,
    /// Whether the operator was told that it is not.
    told: bool,
    /// Keeps the groups joined to which hosts report.
    reports: Option<Socket>,
    /// Since when hosts cannot be asked, for want of an address, until the operator is told.
    mute: Option<Instant>,
}

/// How long an interface may be without an address before that is worth a line: an address may be in the making.
const MUTE: Duration = Duration::from_secs(4);

impl<A: Family> Upstream<A> {
    fn new(mgm: &Mgm<A>) -> anyhow::Result<Self> {
        let proxy = Arc::new(Proxy::new());
        let client = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, Arc::clone(&proxy))?;
        Ok(Self { client, proxy })
    }
}

impl<A: Family> Router<A> {
    /// The manager with its clients, and the kernel's table, on no interface yet.
    ///
    /// # Errors
    ///
    /// What the system refuses: another daemon routes, or capabilities are missing.
    pub fn open(roles: Roles, config: Config<A>, memory: Memory, names: Arc<Names>) -> anyhow::Result<Self> {
        let forwarder = Arc::new(LinuxForwarder::open()?);
        let routes = Arc::new(Routes::new());
        let builder = Builder::new().limits(memory.limits());
        // A proxy sends all groups upstream; which reports count in the source-specific range is IGMP's business.
        let builder = if roles.upstream.is_some() { builder.ssm_ranges([]) } else { builder };
        let mgm = builder.forwarder(Arc::clone(&forwarder)).rib(Arc::clone(&routes)).build();
        let hosts = Arc::new(Igmp::new(config));
        let igmp = mgm.register_igmp(Arc::clone(&hosts))?;
        let protocol = StaticProtocol { names: Arc::clone(&names) };
        let owner = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, protocol)?;
        let upstream = roles.upstream.is_some().then(|| Upstream::new(&mgm)).transpose()?;
        let sender = A::sender().context("a socket for queries")?;
        let hearing = A::hearing(forwarder.as_fd()).context("a socket for reports")?;
        Ok(Self {
            roles,
            igmp,
            owner,
            upstream,
            hosts,
            mgm,
            forwarder,
            routes,
            sender,
            hearing,
            active: BTreeMap::new(),
            scout: None,
            starved: BTreeSet::new(),
            new_descriptor: None,
            waiting: Vec::new(),
            heard: Vec::new(),
            tallies: Tallies::default(),
            names,
            memory,
        })
    }

    /// What to wait for.
    #[must_use]
    pub fn descriptors(&self) -> Vec<RawFd> {
        let hearing = self.hearing.as_ref().map(|socket| socket.as_fd().as_raw_fd());
        [Some(self.forwarder.as_fd().as_raw_fd()), hearing].into_iter().flatten().collect()
    }

    /// What to wait for besides, if there is more since the last time.
    pub fn new_descriptor(&mut self) -> Option<RawFd> {
        self.new_descriptor.take()
    }

    /// Empties the sockets, as far as one turn goes; answers whether there may be more.
    pub fn read(&mut self) -> bool {
        if let Err(error) = self.read_upcalls() {
            tracing::warn!(%error, "the routing socket");
        }
        let room = self.memory.turn();
        match self.hearing.as_ref().map(|socket| A::heard(socket, room)).transpose() {
            Ok(heard) => self.heard = heard.unwrap_or_default(),
            Err(error) => tracing::warn!(%error, "the socket for reports"),
        }
        !self.waiting.is_empty() || !self.heard.is_empty()
    }

    /// All is read before any of it is worked on, so that what comes meanwhile finds room in the socket.
    fn read_upcalls(&mut self) -> io::Result<()> {
        const MOST: usize = 4096;
        let mut octets = 0;
        while self.waiting.len() < MOST
            && octets < self.memory.turn()
            && let Some(upcall) = self.forwarder.next_upcall()?
        {
            octets += if let Upcall::Igmp(packet) = &upcall { packet.message.len() } else { 0 };
            self.waiting.push(upcall);
        }
        Ok(())
    }

    /// Works on what was read.
    pub fn work(&mut self, now: Instant) {
        self.scout();
        for upcall in std::mem::take(&mut self.waiting) {
            if let Upcall::Igmp(IgmpPacket { interface, source: sender, hop_limit, message, .. }) = &upcall {
                // What came before the socket that shows more of it had opened: nobody was asked yet.
                if self.hearing.is_none() {
                    let (sender, hop_limit) = (*sender, *hop_limit);
                    self.hear(*interface, Arrived { sender, hop_limit, options: &[], message }, now);
                }
            } else if let Err(refusal) = upcall.report_to(&self.mgm, now) {
                self.refuse_entry(&upcall, &refusal, now);
            }
        }
        for Heard { index, sender, hop_limit, options, message } in std::mem::take(&mut self.heard) {
            let arrived = Arrived { sender, hop_limit, options: &options, message: &message };
            self.hear(Interface::new(index), arrived, now);
        }
    }

    fn refuse_entry(&mut self, upcall: &Upcall<A>, refusal: &mgm::Error<A>, now: Instant) {
        if let Upcall::NoEntry { source, group, arrival, .. } = upcall {
            let last = format!("({source}, {group}): {refusal}");
            self.note(arrival.index(), "packets without an entry", 1, &last, now);
        }
    }

    fn hear(&mut self, interface: Interface<A>, arrived: Arrived<'_, A>, now: Instant) {
        let sender = arrived.sender;
        match A::read(arrived) {
            Ok(Some(Message::Report(report))) => {
                let mut settled = self.hosts.report(&self.igmp, interface, &report, now);
                if settled.refused.are_foreign() && self.learn_subnet(interface, sender) {
                    settled = self.hosts.report(&self.igmp, interface, &report, now);
                }
                self.settled(interface, settled, now);
                self.promote(interface);
            }
            Ok(Some(Message::Query(query))) => {
                let mut refused = self.hosts.query(interface, &query, now);
                if refused.are_foreign() && self.learn_subnet(interface, sender) {
                    refused = self.hosts.query(interface, &query, now);
                }
                self.refused(interface, refused, now);
            }
            Ok(None) => {}
            Err(reason) => {
                self.note(interface.index(), "messages dropped", 1, &format!("{sender}: {reason}"), now);
            }
        }
    }

    /// Whether a sender is on the link by a route without a gateway, though in no subnet of an address.
    fn learn_subnet(&self, interface: Interface<A>, sender: A) -> bool {
        let subnet = self.routes.on_link(interface.index(), sender);
        subnet.is_some_and(|subnet| {
            self.hosts.add_subnet(interface, subnet);
            true
        })
    }

    /// A host has joined where there was no room: now this interface needs it more than one that carries nothing.
    fn promote(&mut self, interface: Interface<A>) {
        let here = |active: &Active| active.port.index == interface.index() && !active.watched;
        if self.active.len() > vifs::ROOM
            && self.active.values().any(here)
            && self.hosts.has_members(interface)
        {
            self.watch();
        }
    }

    fn settled(&mut self, interface: Interface<A>, settled: Settled<A>, now: Instant) {
        self.refused(interface, settled.refused, now);
        for query in settled.queries {
            self.ask(interface, &query, now);
        }
    }

    fn refused(&mut self, interface: Interface<A>, refused: Refused<A>, now: Instant) {
        for (refusal, count) in refused {
            self.note(interface.index(), refusal.kind(), count, &refusal, now);
        }
    }

    fn note(&mut self, index: NonZeroU32, what: &'static str, count: u64, last: &impl Display, now: Instant) {
        // Other interfaces than those in use are nobody's concern, and would be without number.
        if self.active.values().any(|active| active.port.index == index) {
            let name = &self.names.get(index);
            self.tallies.note(Place { index, name }, what, count, last, now);
        }
    }

    fn ask(&mut self, interface: Interface<A>, query: &Query<A>, now: Instant) {
        let here = self.active.values().find(|active| active.port.index == interface.index());
        let mtu = here.map_or(usize::MAX, |active| active.port.mtu);
        for query in A::split(query, mtu) {
            match A::send(&self.sender, interface.index(), &A::build(&query), A::destination(&query)) {
                Ok(()) => self.hosts.asked(interface, &query, now),
                Err(error) => {
                    self.hosts.not_asked(interface, &query, now);
                    let group =
                        query.group.map_or_else(|| "all groups".to_owned(), |group| group.to_string());
                    let last = format!("for {group}: {error}");
                    self.note(interface.index(), "queries not sent", 1, &last, now);
                }
            }
        }
    }

    /// Does what is due, and says when to come again.
    pub fn expire(&mut self, now: Instant) -> Option<Instant> {
        for (interface, settled) in self.hosts.expire(&self.igmp, now) {
            self.settled(interface, settled, now);
        }
        for (name, active) in &mut self.active {
            if active.mute.is_some_and(|since| now >= since + MUTE) {
                active.mute = None;
                tracing::warn!(interface = name, "nobody asks hosts here: no {} address", A::ASKING);
            }
        }
        let mute = self.active.values().filter_map(|active| active.mute).min().map(|since| since + MUTE);
        self.note_failures(now);
        [self.mgm.expire(now), self.hosts.deadline(), mute].into_iter().flatten().min()
    }

    /// What the proxy could not join upstream.
    fn note_failures(&mut self, now: Instant) {
        let failures = self.upstream.as_ref().map(|upstream| upstream.proxy.take_failures());
        let here = |(name, _): &(&String, &Active)| self.roles.is_upstream(name);
        let index = self.active.iter().find(here).map(|(_, active)| active.port.index);
        if let (Some(Failures { count: count @ 1.., last }), Some(index)) = (failures, index) {
            self.note(index, "joins upstream that failed", count, &last, now);
        }
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

    /// What is not done on an interface, and how often.
    pub(crate) fn tallies(&self, index: NonZeroU32) -> Vec<TallyView> {
        self.tallies.of(index)
    }

    /// The name of an interface in use.
    #[must_use]
    pub fn name(&self, index: NonZeroU32) -> Option<&str> {
        self.active.iter().find(|(_, active)| active.port.index == index).map(|(name, _)| name.as_str())
    }
}
