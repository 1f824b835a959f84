//! Who asks on a link, and when: RFC 9776 §6.6.2 and §6.1, RFC 9777 §7.6.2 and §7.1.

use std::time::{Duration, Instant};

use mgm::Address;

use super::config::{Config, Times};
use super::query::Query;

/// The election of the querier, seen from this router, and the clock of the general queries.
#[derive(Clone, Debug)]
pub(crate) struct Querier<A: Address> {
    role: Role<A>,
    times: Times,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role<A> {
    /// Without an address here it can neither ask nor be elected.
    Silent,
    Querier {
        address: A,
        next: Instant,
        startup: u8,
    },
    Listener {
        address: A,
        querier: A,
        until: Instant,
    },
}

impl<A: Address> Querier<A> {
    pub(crate) fn new(config: &Config<A>) -> Self {
        Self { role: Role::Silent, times: Times::from(config) }
    }

    pub(crate) const fn times(&self) -> Times {
        self.times
    }

    pub(crate) const fn is_querier(&self) -> bool {
        matches!(self.role, Role::Querier { .. })
    }

    /// The address of the querier, if there is one.
    pub(crate) const fn elected(&self) -> Option<A> {
        match self.role {
            Role::Silent => None,
            Role::Querier { address, .. } => Some(address),
            Role::Listener { querier, .. } => Some(querier),
        }
    }

    /// The link is up, or up again, and this router has `address` there.
    pub(crate) fn start(&mut self, address: Option<A>, config: &Config<A>, now: Instant) {
        self.times = Times::from(config);
        self.role = address.map_or(Role::Silent, |address| Role::Querier {
            address,
            next: now,
            startup: config.startup_query_count,
        });
    }

    /// This router has another address there.
    pub(crate) fn set_address(&mut self, new: Option<A>, config: &Config<A>, now: Instant) {
        match (&mut self.role, new) {
            (Role::Querier { address, .. } | Role::Listener { address, .. }, Some(new)) => *address = new,
            (Role::Silent, None) => {}
            (Role::Silent, Some(_)) | (Role::Querier { .. } | Role::Listener { .. }, None) => {
                self.start(new, config, now);
            }
        }
    }

    /// Another router asks: the lower address is the querier, and its values are adopted.
    pub(crate) fn heard(&mut self, query: &Query<A>, config: &Config<A>, now: Instant) {
        let address = match self.role {
            Role::Silent => return,
            Role::Querier { address, .. } | Role::Listener { address, .. } => address,
        };
        if query.querier >= address {
            return;
        }
        self.times.robustness = if query.robustness == 0 { config.robustness } else { query.robustness };
        self.times.query_interval =
            query.interval.filter(|&time| !time.is_zero()).unwrap_or(config.query_interval);
        let until = now + self.times.other_querier_present_interval();
        self.role = Role::Listener { address, querier: query.querier, until };
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self.role {
            Role::Silent => None,
            Role::Querier { next, .. } => Some(next),
            Role::Listener { until, .. } => Some(until),
        }
    }

    /// Answers whether a general query is due.
    pub(crate) fn expire(&mut self, config: &Config<A>, now: Instant) -> bool {
        match &mut self.role {
            Role::Querier { next, startup, .. } if *next <= now => {
                *startup = startup.saturating_sub(1);
                *next = now + interval(*startup, config);
                true
            }
            Role::Listener { address, until, .. } if *until <= now => {
                self.role =
                    Role::Querier { address: *address, next: now + config.query_interval, startup: 0 };
                self.times = Times::from(config);
                true
            }
            Role::Silent | Role::Querier { .. } | Role::Listener { .. } => false,
        }
    }
}

fn interval<A: Address>(startup: u8, config: &Config<A>) -> Duration {
    if startup > 0 { config.startup_query_interval } else { config.query_interval }
}
