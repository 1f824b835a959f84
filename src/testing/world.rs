//! A small router in which others act at random.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::faulty::FaultyForwarder;
use super::log::Log;
use super::oracle::has_to_pull;
use super::words::{group, read, source};
use crate::builder::Builder;
use crate::callbacks::{IgmpCallbacks, NoCallbacks};
use crate::client::{Client, ClientRef};
use crate::mgm::Mgm;
use crate::record::{Callback, Event, Happened, Party};
use crate::rib::RouteTable;
use crate::types::address::{GroupAddr, SourceAddr};
use crate::types::alert::{Alert, AlertCause};
use crate::types::client::{ClientId, ClientName};
use crate::types::entry::Entry;
use crate::types::forwarding::ForwardingEntry;
use crate::types::interface::Interface;
use crate::types::membership::MembershipChange;
use crate::types::route::Route;
use crate::view::MembershipKind;
use crate::violation::Violation;

/// A router with a RIB, a data plane, an IGMP and two routing protocols that do what [`Step`]s say. The protocol that is
/// tested is registered beside them.
///
/// After each step it is checked that [`Mgm::check`](crate::Mgm::check) finds nothing, that the data plane has the
/// manager's entries, and that each client that was registered before the first step has been told exactly what
/// [`has_to_pull`] says. [`steps`](super::steps) draws steps at random, with the feature `proptest`.
///
/// # Example: a step
///
/// ```
/// use mgm::testing::{Step, World, entry, interface};
/// use mgm::MembershipChange;
///
/// let mut world = World::new();
/// let [dvmrp, bgmp] = World::PROTOCOLS;
/// world.step(&Step::Take { by: dvmrp.into(), interface: interface(1) })?;
/// let change = MembershipChange::Add(entry("(*, 239.1.1.1)"));
/// world.step(&Step::Change { by: dvmrp.into(), interface: interface(1), change })?;
/// assert_eq!(world.has_to_pull(bgmp.into()).len(), 1);
/// # Ok::<(), mgm::testing::Violation>(())
/// ```
#[non_exhaustive]
pub struct World {
    /// The manager.
    pub mgm: Mgm,
    /// What has happened.
    pub log: Log,
    /// The data plane.
    pub forwarder: FaultyForwarder,
    /// The RIB.
    pub routes: Arc<RouteTable>,
    clients: BTreeMap<ClientName, Client>,
    now: Instant,
    all: Log,
    told: BTreeMap<ClientName, BTreeSet<(Entry, AlertCause)>>,
    has_begun: bool,
}

/// One thing that happens in a [`World`]. What is refused changes nothing.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// A client of the world takes an interface.
    Take {
        /// The client.
        by: ClientName,
        /// The interface.
        interface: Interface,
    },
    /// A client of the world releases an interface.
    Release {
        /// The client.
        by: ClientName,
        /// The interface.
        interface: Interface,
    },
    /// A client of the world adds, deletes, blocks or unblocks.
    Change {
        /// The client.
        by: ClientName,
        /// Where.
        interface: Interface,
        /// What.
        change: MembershipChange,
    },
    /// A packet comes in; if the data plane has no entry for it, the manager is told.
    Packet {
        /// Its source.
        source: SourceAddr,
        /// Its group.
        group: GroupAddr,
        /// Where it comes in.
        arrival: Interface,
    },
    /// The route to all sources changes, and the manager is told.
    Route {
        /// Where it leads now.
        interface: Interface,
    },
    /// Time passes, and the manager does what is due.
    Wait(Duration),
}

impl World {
    /// The two routing protocols.
    pub const PROTOCOLS: [ClientId; 2] = [ClientId::new(101, 0), ClientId::new(102, 0)];

    /// A world in which nobody is on any interface, and no source has a route.
    ///
    /// # Panics
    ///
    /// Never: an empty manager registers everybody.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same of a manager with more options, as a [seed](Builder::seed).
    #[must_use]
    pub fn with(options: impl FnOnce(Builder) -> Builder) -> Self {
        let (log, all, forwarder, routes) =
            (Log::new(), Log::new(), FaultyForwarder::new(), Arc::new(RouteTable::new()));
        let (mut one, mut other) = (log.sink(), all.sink());
        let builder = Mgm::builder().rib(Arc::clone(&routes)).forwarder(forwarder.clone());
        let sink = move |event: Event| {
            one(event.clone());
            other(event);
        };
        let mgm = options(builder).record(sink).build();
        let igmp = mgm.register_igmp(Hosts::default());
        let protocols = Self::PROTOCOLS.map(|id| mgm.register_protocol(id, NoCallbacks));
        let clients = [igmp].into_iter().chain(protocols).flatten();
        let clients = clients.map(|client| (client.name(), client)).collect();
        let (told, now) = (BTreeMap::new(), Instant::now());
        Self { mgm, log, forwarder, routes, clients, now, all, told, has_begun: false }
    }

    /// Five interfaces, of which the last two are links of one.
    #[must_use]
    pub fn interfaces() -> [Interface; 5] {
        ["1", "2", "3", "4 via 192.0.2.8", "4 via 192.0.2.9"].map(read)
    }

    /// Three groups, of which the last is in the range in which a group can be joined from a source only.
    #[must_use]
    pub fn groups() -> [GroupAddr; 3] {
        ["239.1.1.1", "239.1.1.2", "232.1.1.1"].map(group)
    }

    /// Two sources.
    #[must_use]
    pub fn sources() -> [SourceAddr; 2] {
        ["198.51.100.7", "198.51.100.8"].map(source)
    }

    /// Takes a step, and checks.
    ///
    /// # Errors
    ///
    /// The statement that does not hold then.
    pub fn step(&mut self, step: &Step) -> Result<(), Violation> {
        if !self.has_begun {
            self.has_begun = true;
            self.told = self.mgm.clients().into_iter().map(|client| (client, BTreeSet::new())).collect();
        }
        self.act(step);
        self.hear();
        self.check()
    }

    /// What a client has to pull now, and why: see [`has_to_pull`].
    #[must_use]
    pub fn has_to_pull(&self, client: ClientName) -> BTreeSet<(Entry, AlertCause)> {
        has_to_pull(&self.mgm, &*self.routes, client)
    }

    fn act(&mut self, step: &Step) {
        // A refusal is as good as a success here: nothing has changed.
        match step {
            Step::Take { by, interface } => {
                let _refused = self.clients.get(by).map(|client| client.take_interface_ownership(*interface));
            }
            Step::Release { by, interface } => {
                let _refused =
                    self.clients.get(by).map(|client| client.release_interface_ownership(*interface));
            }
            Step::Change { by, interface, change } => {
                let _refused = self.clients.get(by).map(|client| client.batch(*interface, [*change]));
            }
            Step::Packet { source, group, arrival } => {
                match self.forwarder.packet(*source, *group, *arrival, 100) {
                    Some(_) => {}
                    None => drop(self.mgm.packet_received(*source, *group, *arrival, &[], self.now)),
                }
            }
            Step::Route { interface } => {
                let prefix = ipnet::Ipv4Net::default();
                self.routes.insert(Route::new(prefix, *interface));
                self.mgm.routes_changed(&prefix);
            }
            Step::Wait(time) => {
                // Where the clock ends, time stands still.
                self.now = self.now.checked_add(*time).unwrap_or(self.now);
                let _next = self.mgm.expire(self.now);
            }
        }
    }

    fn hear(&mut self) {
        for event in self.all.events() {
            if let Happened::Calls { to: Party::Client(client), callback: Callback::Alert(alert) } =
                event.happened
                && let Some(told) = self.told.get_mut(&client)
            {
                match alert {
                    Alert::Join { entry, cause } => drop(told.insert((entry, cause))),
                    Alert::Prune { entry, cause } => drop(told.remove(&(entry, cause))),
                    Alert::LocalJoin { .. }
                    | Alert::LocalLeave { .. }
                    | Alert::LocalBlock { .. }
                    | Alert::LocalUnblock { .. }
                    | Alert::WrongInterface { .. }
                    | Alert::InterfaceRemoved { .. } => {}
                }
            }
        }
        self.all.clear();
        // FW-6: an entry that is deleted takes what was told of it with it.
        let entries: BTreeSet<_> =
            self.mgm.mfes().map(|mfe| Entry::SourceGroup(mfe.source, mfe.group)).collect();
        for told in self.told.values_mut() {
            told.retain(|(entry, cause)| *cause == AlertCause::Membership || entries.contains(entry));
        }
        let clients = self.mgm.clients();
        self.told.retain(|client, _| clients.contains(client));
    }

    fn check(&self) -> Result<(), Violation> {
        self.mgm.check()?;
        let due = self.mgm.mfes().map(|mfe| ForwardingEntry {
            source: mfe.source,
            group: mfe.group,
            iif: mfe.iif,
            oifs: mfe.oifs,
        });
        let (due, have): (Vec<_>, _) = (due.collect(), self.forwarder.entries());
        Violation::unless(due == have || !self.mgm.forwarder_failures().is_empty(), "FW-12", || {
            format!("the forwarder has {have:?}, and the manager {due:?}")
        })?;
        for (client, told) in self.told.iter().filter(|(client, _)| **client != ClientName::Igmp) {
            let due = self.has_to_pull(*client);
            Violation::unless(*told == due, "CT-4", || {
                format!("{client} has been told to pull {told:?}, and has to pull {due:?}")
            })?;
        }
        Ok(())
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("mgm", &self.mgm).finish_non_exhaustive()
    }
}

/// An IGMP that adds again what it held where it was disabled.
#[derive(Default)]
struct Hosts {
    held: Mutex<BTreeMap<Interface, Vec<MembershipChange>>>,
}

impl IgmpCallbacks for Hosts {
    fn disable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        let its = igmp.manager().groups();
        let its = its.filter(|held| held.interface == interface && held.added_by == ClientName::Igmp);
        let again = its.filter_map(|held| match (held.kind, held.entry) {
            (MembershipKind::Joined, entry) => Some(MembershipChange::Add(entry)),
            (MembershipKind::Blocked, Entry::SourceGroup(source, group)) => {
                Some(MembershipChange::Block(source, group))
            }
            (MembershipKind::Blocked, Entry::AllGroups | Entry::Group(_)) => None,
        });
        let again = again.collect();
        self.held.lock().insert(interface, again);
    }

    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        let again = self.held.lock().remove(&interface).unwrap_or_default();
        // What is stale is never refused.
        let _outcomes = igmp.batch(interface, again);
    }
}
