//! One figure for all that hosts and sources can make the router remember.

use mgm::Limits;

/// How much memory the router may use for what others choose, beside its own few megabytes and the kernel's unicast
/// routes, which are the operator's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Memory {
    octets: usize,
}

/// What a forwarding entry costs, with its place in the tables of sources and groups.
const MFE: usize = 768;
/// The least that a membership costs here: the manager never has to refuse what this router has accepted.
const MEMBERSHIP: usize = 256;

impl Memory {
    /// The least with which a router makes sense, in megabytes.
    pub const LEAST: usize = 8;
    /// The figure unless the operator gives one, in megabytes.
    pub const DEFAULT: usize = 256;

    /// So many megabytes.
    #[must_use]
    pub const fn megabytes(megabytes: usize) -> Self {
        Self { octets: megabytes << 20 }
    }

    /// The share of one of several routers.
    #[must_use]
    pub const fn among(self, routers: usize) -> Self {
        Self { octets: self.octets / routers }
    }

    /// For what hosts report.
    #[must_use]
    pub const fn reports(self) -> usize {
        self.octets / 2
    }

    /// What one turn reads before it works on it.
    #[must_use]
    pub const fn turn(self) -> usize {
        self.octets / 8
    }

    /// The limits of the manager: for its memberships, as much as the reports need; for entries a quarter.
    #[must_use]
    pub fn limits(self) -> Limits {
        let limits = Limits::default().memberships(self.reports() / MEMBERSHIP).mfes(self.octets / 4 / MFE);
        limits.waiting_alerts(self.octets / 8 / MEMBERSHIP)
    }
}
