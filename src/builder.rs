//! Options for a new manager.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::Engine;
use crate::limits::Limits;
use crate::mgm::Mgm;
use crate::shared::Shared;
use crate::types::address::Address;

/// Options for a new manager; see [`Mgm::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder<A: Address = Ipv4Addr> {
    limits: Limits,
    ssm_ranges: Vec<A::Net>,
}

impl<A: Address> Builder<A> {
    pub(crate) fn new() -> Self {
        Self { limits: Limits::default(), ssm_ranges: A::default_ssm_ranges() }
    }

    /// What hosts and clients can make the manager remember. Defaults to no limit.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The ranges in which a group can be joined from a source only (MB-4). Defaults to IANA's:
    /// `232.0.0.0/8`, and the sixteen of `ff3x::/32`.
    ///
    /// # Example: a private range beside IANA's
    ///
    /// ```
    /// use mgm::{Address, Mgm};
    /// use std::net::Ipv4Addr;
    ///
    /// let mut ranges = Ipv4Addr::default_ssm_ranges();
    /// ranges.push("239.232.0.0/16".parse()?);
    /// let mgm = Mgm::builder().ssm_ranges(ranges).build();
    /// # drop::<Mgm>(mgm);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ssm_ranges(mut self, ranges: impl IntoIterator<Item = A::Net>) -> Self {
        self.ssm_ranges = ranges.into_iter().collect();
        self
    }

    /// Makes the manager.
    #[must_use]
    pub fn build(self) -> Mgm<A> {
        Mgm::from(Arc::new(Shared::new(Engine::new(self.limits, self.ssm_ranges))))
    }
}
