//! The interfaces in use: they come and go, change their addresses and their roles.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::time::Instant;

use mgm::{Entry, Interface};
use socket2::{Socket, Type};

use super::{Active, Roles, Router, Upstream};
use crate::family::Family;
use crate::igmp::link::Own;
use crate::scout::Scout;
use crate::settings::Settings;
use crate::system::{Port, Ports};
use crate::vifs::{self, Candidate, State};

impl<A: Family> Router<A> {
    /// The link with this index is gone.
    pub fn link_removed(&mut self, index: NonZeroU32) {
        let upstream = self
            .active
            .iter()
            .any(|(name, active)| self.roles.is_upstream(name) && active.port.index == index);
        if self.active.values().any(|active| active.port.index == index) {
            tracing::info!(interface = index, "gone");
        }
        self.active.retain(|_, active| active.port.index != index);
        self.tallies.forget(index);
        self.mgm.interface_removed(index);
        self.forwarder.interface_removed(index);
        self.names.forget(index);
        if upstream {
            self.set_upstream(None);
        }
    }

    /// The upstream interface of a proxy has come, or gone.
    fn set_upstream(&self, index: Option<NonZeroU32>) {
        if let Some(upstream) = &self.upstream {
            upstream.proxy.set_upstream(index);
            self.routes.set_fallback(index).iter().for_each(|all| self.mgm.routes_changed(all));
        }
    }

    /// Follows other settings; what goes on where they do not differ is not disturbed.
    pub(crate) fn reconfigure(&mut self, settings: &Settings, ports: &Ports, now: Instant) {
        let upstream = self.roles.upstream.clone(); // it takes a restart
        let roles = Roles { upstream, ..settings.roles() };
        for name in self.roles.names() {
            self.release(&name, &roles);
        }
        let old = std::mem::replace(&mut self.roles, roles);
        self.hosts.reconfigure(settings.config(), now);
        for name in self.roles.names() {
            self.take_more(&name, &old);
        }
        self.interfaces_changed(ports, now);
    }

    /// The clients leave an interface, as far as it has no such role any more.
    fn release(&mut self, name: &str, roles: &Roles) {
        let Some(active) = self.active.get_mut(name) else { return };
        let interface = Interface::new(active.port.index);
        // The owner first: what IGMP holds there goes once, and not through a hand-over and then again.
        if self.roles.igmp(name) && !roles.igmp(name) {
            log(name, "keeps IGMP", self.igmp.release_interface_ownership(interface));
            self.hosts.forget(interface);
            (active.reports, active.mute) = (None, None);
        }
        if self.roles.owned(name) && !roles.owned(name) {
            log(name, "stays owned", self.owner.release_interface_ownership(interface));
        }
        if !roles.is_any(name) {
            tracing::info!(interface = name, "no longer in use");
            self.forwarder.unwatch(interface.index());
            self.tallies.forget(interface.index());
            self.names.forget(interface.index());
            self.active.remove(name);
        }
    }

    /// The clients take an interface that is in use already, as far as it has a new role.
    fn take_more(&mut self, name: &str, old: &Roles) {
        let Some(active) = self.active.get_mut(name) else { return };
        let interface = Interface::new(active.port.index);
        if self.roles.owned(name) && !old.owned(name) {
            log(name, "is not owned", self.owner.take_interface_ownership(interface));
        }
        if self.roles.igmp(name) && !old.igmp(name) {
            log(name, "has no IGMP", self.igmp.take_interface_ownership(interface));
            active.port.up = false; // hosts are asked as where an interface comes up
        }
    }

    /// The interfaces are as in `ports` now.
    pub fn interfaces_changed(&mut self, ports: &Ports, now: Instant) {
        for name in self.roles.names() {
            let port = ports.get(&name);
            // Another one under the same name, or one that was renamed.
            if let Some(old) = self.active.get(&name)
                && port.is_none_or(|port| port.index != old.port.index)
            {
                self.link_removed(old.port.index);
            }
            if let Some(port) = port {
                self.interface_changed(&name, port, now);
            }
        }
        self.starved.clear();
        self.watch();
    }

    fn interface_changed(&mut self, name: &str, port: &Port, now: Instant) {
        let interface = Interface::new(port.index);
        let asks = self.roles.igmp(name);
        let mut active = match self.active.remove(name) {
            Some(active) => active,
            None => {
                tracing::info!(interface = name, index = port.index, "found");
                self.names.set(port.index, name);
                self.take(name, interface);
                Active::new(port)
            }
        };
        if asks && active.reports.is_none() {
            let joined = join_reports::<A>(port.index);
            active.reports =
                joined.inspect_err(|error| tracing::debug!(interface = name, %error, "no reports")).ok();
        }
        if asks {
            let addresses = A::addresses(port);
            let mute = addresses.own == Own::None && port.up;
            match (active.port.up, port.up) {
                (false, true) => self.hosts.start(interface, addresses, now),
                (true, true) => self.hosts.set_addresses(interface, addresses, now),
                (true, false) => self.hosts.stop(interface, now),
                (false, false) => {}
            }
            let was_mute = active.port.up && A::addresses(&active.port).own == Own::None;
            active.mute = match (was_mute, mute) {
                (_, false) => None,
                (false, true) => Some(now),
                (true, true) => active.mute,
            };
        }
        active.port = port.clone();
        self.active.insert(name.to_owned(), active);
    }

    /// Has the kernel report what arrives on the interfaces in use, or on those that need it most.
    pub(super) fn watch(&mut self) {
        if self.active.len() > vifs::ROOM {
            let carrying = self.carrying();
            self.watch_some(&carrying);
        } else {
            self.scout = None;
            self.watch_some(&BTreeSet::new());
        }
    }

    /// Has the kernel report what arrives on as many as it has room for, beginning with those that carry something.
    fn watch_some(&mut self, carrying: &BTreeSet<NonZeroU32>) {
        let candidates = self.active.iter().map(|(name, active)| Candidate {
            state: match active.port.up {
                true if carrying.contains(&active.port.index) => State::Carries,
                true => State::Idle,
                false => State::Down,
            },
            rank: self.roles.rank(name),
            index: active.port.index,
        });
        let (_, rest) = vifs::choose(candidates.collect());
        // Room is made before it is used.
        for (name, active) in &mut self.active {
            if rest.contains(&active.port.index) {
                self.forwarder.unwatch(active.port.index);
                active.watched = false;
                active.tell(name, &"the kernel's multicast routing has room for 32 interfaces");
            }
        }
        for (name, active) in &mut self.active {
            if !active.watched && !rest.contains(&active.port.index) {
                match self.forwarder.watch(active.port.index) {
                    Ok(()) => (active.watched, active.told) = (true, false),
                    Err(error) => active.tell(name, &error),
                }
            }
        }
        let starved = self.starved.clone();
        self.set_scout(rest.into_iter().filter(|index| !starved.contains(index)).collect());
    }

    /// Looks at interfaces without room, whether packets come there.
    fn set_scout(&mut self, indices: BTreeSet<NonZeroU32>) {
        if indices.is_empty() {
            self.scout = None;
        } else if self.scout.as_ref().is_none_or(|scout| *scout.indices() != indices) {
            let scout = Scout::open(A::LOOK, indices);
            self.scout =
                scout.inspect_err(|error| tracing::warn!(%error, "what comes elsewhere is not seen")).ok();
            self.new_descriptor = self.scout.as_ref().map(AsRawFd::as_raw_fd);
        }
    }

    /// Packets come where there was no room: now this interface needs it more than one that carries nothing.
    pub(super) fn scout(&mut self) {
        let seen = self.scout.as_ref().map(Scout::seen).unwrap_or_default();
        if !seen.is_empty() {
            let mut carrying = self.carrying();
            carrying.extend(&seen);
            self.starved.extend(seen);
            self.watch_some(&carrying);
            let watched =
                self.active.values().filter(|active| active.watched).map(|active| active.port.index);
            let watched: BTreeSet<_> = watched.collect();
            self.starved.retain(|index| !watched.contains(index));
        }
    }

    /// The interfaces on which hosts have joined, or packets come or go.
    fn carrying(&self) -> BTreeSet<NonZeroU32> {
        let mfes = self.mgm.mfes().flat_map(|mfe| mfe.oifs.into_iter().chain([mfe.iif]));
        let indices = self.active.values().map(|active| active.port.index);
        let joined = indices.filter(|&index| self.hosts.has_members(Interface::new(index)));
        mfes.map(Interface::index).chain(joined).collect()
    }

    /// The clients take an interface, and are ready for what comes from there.
    fn take(&self, name: &str, interface: Interface<A>) {
        if self.roles.owned(name) {
            log(name, "is not owned", self.owner.take_interface_ownership(interface));
        }
        if self.roles.igmp(name) {
            log(name, "has no IGMP", self.igmp.take_interface_ownership(interface));
        }
        if let Some(Upstream { client, .. }) = self.upstream.as_ref().filter(|_| self.roles.is_upstream(name))
        {
            log(name, "is not upstream", client.take_interface_ownership(interface));
            // RFC 4605 §4.3: what comes from the other interfaces goes there, whatever anybody has joined.
            let all = client.add_group_membership(interface, Entry::AllGroups);
            log(name, "is sent nothing", all.map(drop));
            self.set_upstream(Some(interface.index()));
        }
    }
}

impl Active {
    /// Says that it is not forwarded, once until it is again.
    fn tell(&mut self, name: &str, why: &dyn Display) {
        if !std::mem::replace(&mut self.told, true) {
            tracing::warn!(interface = name, %why, "is not forwarded");
        }
    }

    /// An interface that is not up yet.
    fn new(port: &Port) -> Self {
        let port = Port { up: false, ..port.clone() };
        Self { port, watched: false, told: false, reports: None, mute: None }
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
