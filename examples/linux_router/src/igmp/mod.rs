//! The router side of IGMPv3 and MLDv2 (RFC 9776, RFC 9777) as a client of the manager.
//!
//! No I/O and no clock: messages and the time come in, and queries to be sent go out. Besides the manager it needs
//! nothing of this router: [`Igmp`] is registered with a manager and told what happens, [`packet`] reads and builds
//! what is on the wire, [`link`](mod@link) is the state of one link without a manager.

pub mod config;
mod group;
pub mod link;
pub mod packet;
mod querier;
pub mod query;
pub mod refusal;
mod room;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Instant;

use mgm::{Address, ClientRef, Error, IgmpCallbacks, Interface, MembershipChange};
use parking_lot::Mutex;

pub use self::group::GroupView;

use self::config::Config;
use self::link::{Addresses, Link, Outcome};
use self::query::Query;
use self::refusal::{Refusal, Refused};
use membership_reports::Report;

/// IGMP, or MLD, on all its links.
///
/// One thread brings messages and time; hand-overs may come on others. The lock is never held while the manager is
/// called, since it may call back. What happens while the manager takes nothing is remembered, and all that is
/// wanted is added when IGMP is enabled again.
#[derive(Debug)]
pub struct Igmp<A: Address> {
    state: Mutex<State<A>>,
}

#[derive(Debug)]
struct State<A: Address> {
    config: Config<A>,
    links: BTreeMap<Interface<A>, Link<A>>,
    /// What the manager refused when IGMP was enabled, until somebody can be told.
    untold: Vec<(Interface<A>, Settled<A>)>,
}

/// What a report or the time leads to, when the manager has been told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settled<A: Address> {
    /// What to ask the hosts.
    pub queries: Vec<Query<A>>,
    /// What is not done.
    pub refused: Refused<A>,
}

impl<A: Address> Igmp<A> {
    /// IGMP on no link yet.
    #[must_use]
    pub const fn new(config: Config<A>) -> Self {
        Self { state: Mutex::new(State { config, links: BTreeMap::new(), untold: Vec::new() }) }
    }

    /// The link is up, or up again. IGMP has taken the interface.
    pub fn start(&self, interface: Interface<A>, addresses: Addresses<A>, now: Instant) {
        let State { config, links, .. } = &mut *self.state.lock();
        let link = links.entry(interface).or_insert_with(|| Link::new(config));
        link.start(addresses, config, now);
    }

    /// The link is down.
    pub fn stop(&self, interface: Interface<A>, now: Instant) {
        self.with(interface, |link, config| link.stop(config, now));
    }

    /// The addresses of this router on a link have changed.
    pub fn set_addresses(&self, interface: Interface<A>, addresses: Addresses<A>, now: Instant) {
        self.with(interface, |link, config| link.set_addresses(addresses, config, now));
    }

    /// One more subnet in which hosts and other routers are, until the addresses change.
    pub fn add_subnet(&self, interface: Interface<A>, subnet: A::Net) {
        self.with(interface, |link, _| link.add_subnet(subnet));
    }

    /// IGMP has released the interface.
    pub fn forget(&self, interface: Interface<A>) {
        self.state.lock().links.remove(&interface);
    }

    /// The configuration has changed; what hosts have reported stays.
    pub fn reconfigure(&self, config: Config<A>, now: Instant) {
        let mut state = self.state.lock();
        state.links.values_mut().for_each(|link| link.reconfigure(&config, now));
        state.config = config;
    }

    /// The querier that is elected on a link.
    pub fn querier(&self, interface: Interface<A>) -> Option<A> {
        self.with(interface, |link, _| link.querier()).flatten()
    }

    /// The groups that are reported on a link, in order.
    pub fn groups(&self, interface: Interface<A>) -> Vec<GroupView<A>> {
        self.with(interface, |link, _| link.groups()).unwrap_or_default()
    }

    /// Whether hosts have reported anything on a link that lasts.
    pub fn has_members(&self, interface: Interface<A>) -> bool {
        self.with(interface, |link, _| link.has_members()).unwrap_or_default()
    }

    /// A host reports. Answers what to ask the hosts for it.
    pub fn report(
        &self,
        igmp: &ClientRef<A>,
        interface: Interface<A>,
        report: &Report<A>,
        now: Instant,
    ) -> Settled<A> {
        let outcome = self.state.lock().report(interface, report, now);
        outcome.map_or_else(Settled::default, |outcome| outcome.carry_out(igmp, interface))
    }

    /// Another router asks.
    pub fn query(&self, interface: Interface<A>, query: &Query<A>, now: Instant) -> Refused<A> {
        self.with(interface, |link, config| link.query(query, config, now)).unwrap_or_default()
    }

    /// A query of this router was sent.
    pub fn asked(&self, interface: Interface<A>, query: &Query<A>, now: Instant) {
        self.with(interface, |link, _| link.asked(query, now));
    }

    /// A query of this router could not be sent.
    pub fn not_asked(&self, interface: Interface<A>, query: &Query<A>, now: Instant) {
        self.with(interface, |link, config| link.not_asked(query, config, now));
    }

    /// When [`expire`](Self::expire) is next due.
    pub fn deadline(&self) -> Option<Instant> {
        self.state.lock().links.values().filter_map(Link::deadline).min()
    }

    /// Does all that is due, and answers what to ask, and where.
    pub fn expire(&self, igmp: &ClientRef<A>, now: Instant) -> Vec<(Interface<A>, Settled<A>)> {
        let (mut all, outcomes) = {
            let mut state = self.state.lock();
            (std::mem::take(&mut state.untold), state.expire(now))
        };
        for (interface, outcome) in outcomes {
            all.push((interface, outcome.carry_out(igmp, interface)));
        }
        all
    }

    /// About how many octets are taken by what hosts report, and how many may be.
    pub fn memory(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.octets(), state.config.memory)
    }

    fn with<T>(
        &self,
        interface: Interface<A>,
        work: impl FnOnce(&mut Link<A>, &Config<A>) -> T,
    ) -> Option<T> {
        let State { config, links, .. } = &mut *self.state.lock();
        links.get_mut(&interface).map(|link| work(link, config))
    }
}

impl<A: Address> State<A> {
    fn octets(&self) -> usize {
        self.links.values().map(Link::octets).sum()
    }

    fn report(&mut self, interface: Interface<A>, report: &Report<A>, now: Instant) -> Option<Outcome<A>> {
        let memory = self.config.memory.saturating_sub(self.octets());
        let link = self.links.get_mut(&interface)?;
        Some(link.report(report, &self.config, memory, now))
    }

    fn expire(&mut self, now: Instant) -> Vec<(Interface<A>, Outcome<A>)> {
        let due = self.links.iter_mut().filter(|(_, link)| link.deadline().is_some_and(|due| due <= now));
        due.map(|(&interface, link)| (interface, link.expire(&self.config, now))).collect()
    }
}

impl<A: Address> Default for Settled<A> {
    fn default() -> Self {
        Self { queries: Vec::new(), refused: Refused::default() }
    }
}

impl<A: Address> IgmpCallbacks<A> for Igmp<A> {
    /// Adds all again. If another thread has changed what is wanted before that was added, it has the last word.
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        let mut settled = Settled::default();
        let mut changes: Vec<_> = self.with(interface, |link, _| link.wanted().collect()).unwrap_or_default();
        while !changes.is_empty() {
            batch(igmp, interface, &changes, &mut settled.refused);
            changes = self.with(interface, |link, _| link.outdated(&changes)).unwrap_or_default();
        }
        if !settled.refused.is_empty() {
            self.state.lock().untold.push((interface, settled));
        }
    }

    fn interface_removed(&self, _igmp: &ClientRef<A>, index: NonZeroU32) {
        self.state.lock().links.retain(|interface, _| interface.index() != index);
    }
}

impl<A: Address> Outcome<A> {
    /// Tells the manager; what is left is to ask the hosts.
    fn carry_out(self, igmp: &ClientRef<A>, interface: Interface<A>) -> Settled<A> {
        let Self { changes, queries, mut refused } = self;
        batch(igmp, interface, &changes, &mut refused);
        Settled { queries, refused }
    }
}

fn batch<A: Address>(
    igmp: &ClientRef<A>,
    interface: Interface<A>,
    changes: &[MembershipChange<A>],
    refused: &mut Refused<A>,
) {
    for (_, refusal) in igmp.batch(interface, changes.iter().copied()).refused() {
        // What is refused during a hand-over is added when it is over, if it is wanted then.
        if !matches!(refusal, Error::IgmpDisabled { .. }) {
            refused.note(Refusal::Manager(refusal.to_string()));
        }
    }
}
