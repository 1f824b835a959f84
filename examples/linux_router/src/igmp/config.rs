//! Timers and limits: the names and defaults of RFC 9776 §8 and RFC 9777 §9.

use std::time::Duration;

use mgm::Address;

/// How IGMP, or MLD, behaves on every link.
#[derive(Clone, Debug)]
pub struct Config<A: Address> {
    /// How many losses of one packet are borne: the Robustness Variable.
    pub robustness: u8,
    /// Between two general queries.
    pub query_interval: Duration,
    /// In which hosts answer a general query.
    pub query_response_interval: Duration,
    /// Between the first general queries.
    pub startup_query_interval: Duration,
    /// How many general queries are the first ones.
    pub startup_query_count: u8,
    /// MLD calls it the Last Listener Query Interval.
    pub last_member_query_interval: Duration,
    /// How often hosts are asked before their last member is thought to be gone.
    pub last_member_query_count: u8,
    /// Groups that are remembered on one link; hosts choose them.
    pub max_groups: usize,
    /// Sources that are remembered of one group on one link.
    pub max_sources: usize,
    /// Sources that are remembered on one link, of all its groups.
    pub max_link_sources: usize,
    /// Octets, about, that all of it may take, here and in the manager.
    pub memory: usize,
    /// Where reports have to name sources (RFC 4604 §2.2.1).
    pub ssm_ranges: Vec<A::Net>,
    /// Whether reports from addresses outside the subnets of the link count (RFC 9776 §9.2).
    pub foreign_reporters: bool,
}

impl<A: Address> Config<A> {
    /// The defaults that follow from the two values that are commonly tuned.
    #[must_use]
    pub fn new(robustness: u8, query_interval: Duration) -> Self {
        Self {
            robustness,
            query_interval,
            query_response_interval: Duration::from_secs(10).min(query_interval),
            startup_query_interval: query_interval / 4,
            startup_query_count: robustness,
            last_member_query_interval: Duration::from_secs(1),
            last_member_query_count: robustness,
            max_groups: 65_536,
            max_sources: 1024,
            max_link_sources: 4096,
            memory: 64 << 20,
            ssm_ranges: A::default_ssm_ranges(),
            foreign_reporters: false,
        }
    }
}

impl<A: Address> Default for Config<A> {
    fn default() -> Self {
        Self::new(2, Duration::from_secs(125))
    }
}

/// The times that govern a link now: a router that is not the querier adopts those of the one that is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Times {
    pub(crate) robustness: u8,
    pub(crate) query_interval: Duration,
    pub(crate) query_response_interval: Duration,
    pub(crate) last_member_query_interval: Duration,
    pub(crate) last_member_query_count: u8,
}

impl Times {
    /// Without a report in this time nobody is left; also how long an older host is thought to be there
    /// (RFC 9776 §8.4 and §8.13).
    pub(crate) fn group_membership_interval(&self) -> Duration {
        self.query_interval * self.robustness.into() + self.query_response_interval
    }

    pub(crate) fn other_querier_present_interval(&self) -> Duration {
        self.query_interval * self.robustness.into() + self.query_response_interval / 2
    }

    /// What a group or source has left once its last member may have gone (§8.10).
    pub(crate) fn last_member_query_time(&self) -> Duration {
        self.last_member_query_interval * self.last_member_query_count.into()
    }
}

impl<A: Address> From<&Config<A>> for Times {
    fn from(config: &Config<A>) -> Self {
        Self {
            robustness: config.robustness,
            query_interval: config.query_interval,
            query_response_interval: config.query_response_interval,
            last_member_query_interval: config.last_member_query_interval,
            last_member_query_count: config.last_member_query_count,
        }
    }
}
