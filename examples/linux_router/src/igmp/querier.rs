//! Who asks on a link, and when: RFC 9776 §6.6.2 and §6.1, RFC 9777 §7.6.2 and §7.1.

use std::time::{Duration, Instant};

use mgm::Address;

use super::config::{Config, Times};
use super::link::Own;
use super::query::Query;

/// The election of the querier, seen from this router, and the clock of the general queries.
#[derive(Clone, Debug)]
pub(crate) struct Querier<A: Address> {
    own: Own<A>,
    role: Role<A>,
    times: Times,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role<A> {
    /// The link is down, or there is nothing to ask from.
    Silent,
    Querier {
        next: Instant,
        startup: u8,
    },
    Listener {
        querier: A,
        until: Instant,
    },
}

/// The longest interval between queries that another router is believed: its silence ends in bounded time, whatever
/// it says, and hosts that are gone are forgotten.
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);

/// After which a general query that could not be sent is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl<A: Address> Querier<A> {
    pub(crate) fn new(config: &Config<A>) -> Self {
        Self { own: Own::None, role: Role::Silent, times: Times::from(config) }
    }

    pub(crate) const fn times(&self) -> Times {
        self.times
    }

    pub(crate) const fn is_querier(&self) -> bool {
        matches!(self.role, Role::Querier { .. })
    }

    /// Whether another router asks: leaves are its business. Where nobody asks, they are looked into later.
    pub(crate) const fn is_listener(&self) -> bool {
        matches!(self.role, Role::Listener { .. })
    }

    /// The address of the querier, if there is one.
    pub(crate) const fn elected(&self) -> Option<A> {
        match self.role {
            Role::Silent => None,
            Role::Querier { .. } => self.asks_from(),
            Role::Listener { querier, .. } => Some(querier),
        }
    }

    /// What this router's queries are sent from, whether it is elected or not; nothing if it cannot ask.
    pub(crate) const fn asks_from(&self) -> Option<A> {
        match (self.role, self.own) {
            (Role::Silent, _) | (_, Own::None) => None,
            (_, Own::Address(address) | Own::Anonymous(address)) => Some(address),
        }
    }

    /// The link is up, or up again.
    pub(crate) fn start(&mut self, own: Own<A>, config: &Config<A>, now: Instant) {
        self.times = Times::from(config);
        self.own = own;
        self.role = match own {
            Own::None => Role::Silent,
            Own::Anonymous(_) | Own::Address(_) => {
                Role::Querier { next: now, startup: config.startup_query_count }
            }
        };
    }

    /// The link is down.
    pub(crate) fn stop(&mut self, config: &Config<A>, now: Instant) {
        self.start(Own::None, config, now);
    }

    /// This router has another address there.
    pub(crate) fn set_own(&mut self, own: Own<A>, config: &Config<A>, now: Instant) {
        if (self.own == Own::None) == (own == Own::None) {
            self.own = own;
        } else {
            self.start(own, config, now);
        }
    }

    /// The configuration has changed: it holds from now on, unless another router's times are followed.
    pub(crate) fn reconfigure(&mut self, config: &Config<A>, now: Instant) {
        match &mut self.role {
            Role::Silent => self.times = Times::from(config),
            Role::Querier { next, .. } => {
                self.times = Times::from(config);
                *next = (*next).min(now + config.query_interval);
            }
            Role::Listener { .. } => {}
        }
    }

    /// Another router asks: the lowest address is the querier, and its values are adopted.
    pub(crate) fn heard(&mut self, query: &Query<A>, config: &Config<A>, now: Instant) {
        let precedes_own = match self.own {
            Own::None => return,
            Own::Anonymous(_) => true,
            Own::Address(own) => query.querier < own,
        };
        let precedes_elected = match self.role {
            Role::Silent => return,
            Role::Querier { .. } => true,
            Role::Listener { querier, .. } => query.querier <= querier,
        };
        if !precedes_own || !precedes_elected {
            return;
        }
        self.times = self.adopted(query, config);
        let until = now + self.times.other_querier_present_interval();
        self.role = Role::Listener { querier: query.querier, until };
    }

    /// The times of another querier (RFC 9776 §4.1.6, §4.1.7 and §8): what it does not say is as configured here.
    fn adopted(&self, query: &Query<A>, config: &Config<A>) -> Times {
        let longest = LONGEST_INTERVAL.max(config.query_interval);
        let said = query.interval.filter(|time| !time.is_zero());
        let query_interval = said.unwrap_or(config.query_interval).min(longest);
        let known = if self.is_querier() { Times::from(config) } else { self.times };
        Times {
            robustness: if query.robustness == 0 { config.robustness } else { query.robustness },
            query_interval,
            // Only a general query says how long hosts have to answer one.
            query_response_interval: match query.group {
                None => query.max_response.min(query_interval),
                Some(_) => known.query_response_interval.min(query_interval),
            },
            last_member_query_interval: config.last_member_query_interval,
            last_member_query_count: match query.robustness {
                0 => config.last_member_query_count,
                robustness => robustness,
            },
        }
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
            Role::Listener { until, .. } if *until <= now => {
                self.role = Role::Querier { next: now + config.query_interval, startup: 0 };
                self.times = Times::from(config);
                true
            }
            Role::Silent | Role::Querier { .. } | Role::Listener { .. } => false,
        }
    }

    /// A general query could not be sent: it is tried again soon.
    pub(crate) fn try_again(&mut self, now: Instant) {
        if let Role::Querier { next, .. } = &mut self.role {
            *next = (*next).min(now + RETRY);
        }
    }
}

fn interval<A: Address>(startup: u8, config: &Config<A>) -> Duration {
    if startup > 0 { config.startup_query_interval } else { config.query_interval }
}
