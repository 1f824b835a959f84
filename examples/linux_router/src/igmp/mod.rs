//! The router side of IGMPv3 and MLDv2 (RFC 9776, RFC 9777) as a client of the manager.
//!
//! No I/O and no clock: messages and the time come in, and queries to be sent go out. Besides the manager it needs
//! nothing of this router: [`Igmp`] is registered with a manager and told what happens, [`packet`] reads and builds
//! what is on the wire, [`link`](mod@link) and [`step`] are the state of one link without a manager.

pub mod config;
mod group;
pub mod link;
pub mod packet;
mod querier;
pub mod query;
pub mod step;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Instant;

use mgm::{Address, ClientRef, Error, IgmpCallbacks, Interface};
use parking_lot::Mutex;

pub use self::group::GroupView;

use self::config::Config;
use self::link::{Addresses, Link, Outcome};
use self::query::Query;
use self::step::Step;
use membership_reports::Report;

/// IGMP, or MLD, on all its links.
///
/// One thread brings messages and time; hand-overs may come on others. The lock is never held while the manager is
/// called, since it may call back. What happens while the manager takes nothing is remembered, and all that is
/// wanted is added when IGMP is enabled again.
#[derive(Debug)]
pub struct Igmp<A: Address> {
    config: Config<A>,
    links: Mutex<BTreeMap<Interface<A>, Link<A>>>,
}

impl<A: Address> Igmp<A> {
    /// IGMP on no link yet.
    #[must_use]
    pub const fn new(config: Config<A>) -> Self {
        Self { config, links: Mutex::new(BTreeMap::new()) }
    }

    /// The link is up, or up again. IGMP has taken the interface.
    pub fn start(&self, interface: Interface<A>, addresses: Addresses<A>, now: Instant) {
        let mut links = self.links.lock();
        let link = links.entry(interface).or_insert_with(|| Link::new(&self.config));
        link.start(addresses, &self.config, now);
    }

    /// The link is down.
    pub fn stop(&self, interface: Interface<A>, now: Instant) {
        self.with(interface, |link| link.stop(&self.config, now));
    }

    /// The addresses of this router on a link have changed.
    pub fn set_addresses(&self, interface: Interface<A>, addresses: Addresses<A>, now: Instant) {
        self.with(interface, |link| link.set_addresses(addresses, &self.config, now));
    }

    /// The querier that is elected on a link.
    pub fn querier(&self, interface: Interface<A>) -> Option<A> {
        self.with(interface, |link| link.querier()).flatten()
    }

    /// The groups that are reported on a link, in order.
    pub fn groups(&self, interface: Interface<A>) -> Vec<GroupView<A>> {
        self.with(interface, |link| link.groups()).unwrap_or_default()
    }

    /// A host reports. Answers what to ask the hosts for it.
    pub fn report(
        &self,
        igmp: &ClientRef<A>,
        interface: Interface<A>,
        report: &Report<A>,
        now: Instant,
    ) -> Vec<Query<A>> {
        let outcome = self.with(interface, |link| link.report(report, &self.config, now));
        outcome.map(|outcome| settle(igmp, interface, outcome)).unwrap_or_default()
    }

    /// Another router asks.
    pub fn query(&self, interface: Interface<A>, query: &Query<A>, now: Instant) {
        self.with(interface, |link| link.query(query, &self.config, now));
    }

    /// When [`expire`](Self::expire) is next due.
    pub fn deadline(&self) -> Option<Instant> {
        self.links.lock().values().filter_map(Link::deadline).min()
    }

    /// Does all that is due, and answers what to ask, and where.
    pub fn expire(&self, igmp: &ClientRef<A>, now: Instant) -> Vec<(Interface<A>, Query<A>)> {
        let mut outcomes = Vec::new();
        for (&interface, link) in &mut *self.links.lock() {
            if link.deadline().is_some_and(|deadline| deadline <= now) {
                outcomes.push((interface, link.expire(&self.config, now)));
            }
        }
        let asked = outcomes.into_iter().flat_map(|(interface, outcome)| {
            settle(igmp, interface, outcome).into_iter().map(move |query| (interface, query))
        });
        asked.collect()
    }

    fn with<T>(&self, interface: Interface<A>, work: impl FnOnce(&mut Link<A>) -> T) -> Option<T> {
        self.links.lock().get_mut(&interface).map(work)
    }
}

impl<A: Address> IgmpCallbacks<A> for Igmp<A> {
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        let wants = self.with(interface, |link| link.wants()).unwrap_or_default();
        let steps = wants.into_iter().map(Step::Add).collect();
        settle(igmp, interface, Outcome { steps, queries: Vec::new() });
    }

    fn interface_removed(&self, _igmp: &ClientRef<A>, index: NonZeroU32) {
        self.links.lock().retain(|interface, _| interface.index() != index);
    }
}

/// Takes the steps; what is left is to ask the hosts.
fn settle<A: Address>(igmp: &ClientRef<A>, interface: Interface<A>, outcome: Outcome<A>) -> Vec<Query<A>> {
    for step in outcome.steps {
        match step.call(igmp, interface) {
            // Refused during a hand-over; what is wanted then is added when it is over.
            Ok(_) | Err(Error::IgmpDisabled { .. }) => {}
            Err(refusal) => tracing::warn!(%interface, ?step, %refusal, "the manager refuses"),
        }
    }
    outcome.queries
}
