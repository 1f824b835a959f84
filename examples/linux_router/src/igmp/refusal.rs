//! What is not done for hosts and other routers, so that an operator can find out why somebody gets nothing.

use std::fmt::Display;

use mgm::{GroupAddr, SourceAddr};

/// Something that was asked for and is not done, with who asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal<A: Display> {
    /// As many groups are remembered on the link as may be.
    #[error("no room for {group}, which {reporter} joins: {max} groups are joined on the interface")]
    Groups {
        /// Who joins it.
        reporter: A,
        /// What is not joined.
        group: GroupAddr<A>,
        /// How many there may be.
        max: usize,
    },
    /// As many sources are remembered of the group on the link, or of all groups, as may be.
    #[error(
        "no room for ({source_address}, {group}), which {reporter} reports: {max} sources are reported there"
    )]
    Sources {
        /// Who reports it.
        reporter: A,
        /// What is not remembered.
        source_address: SourceAddr<A>,
        /// Of which group.
        group: GroupAddr<A>,
        /// How many there may be.
        max: usize,
    },
    /// The memory that the operator gave is used up.
    #[error("no memory for {group}, which {reporter} reports")]
    Memory {
        /// Who reports it.
        reporter: A,
        /// What is not remembered, or not all of it.
        group: GroupAddr<A>,
    },
    /// In the source-specific range a report has to name sources (RFC 9776 §6.4).
    #[error("{reporter} reports {group} without sources, and it is in the source-specific range")]
    NoSource {
        /// Who reports it.
        reporter: A,
        /// The group.
        group: GroupAddr<A>,
    },
    /// A report from an address that is not on the link (RFC 9776 §9.2).
    #[error("{reporter} reports, which is in no subnet of the interface")]
    ForeignReporter {
        /// Who reports.
        reporter: A,
    },
    /// A query from an address that is not on the link.
    #[error("{querier} asks, which is in no subnet of the interface")]
    ForeignQuerier {
        /// Who asks.
        querier: A,
    },
    /// The manager refuses.
    #[error("the manager refuses: {0}")]
    Manager(String),
}

impl<A: Display> Refusal<A> {
    /// What refusals of this kind are counted as.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Groups { .. } => "groups over the limit",
            Self::Sources { .. } => "sources over the limit",
            Self::Memory { .. } => "reports beyond the memory",
            Self::NoSource { .. } => "reports without a source",
            Self::ForeignReporter { .. } => "reports from elsewhere",
            Self::ForeignQuerier { .. } => "queries from elsewhere",
            Self::Manager(_) => "refusals of the manager",
        }
    }
}

/// Refusals of one message: of each kind how many, and the last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused<A: Display>(Vec<(Refusal<A>, u64)>);

impl<A: Display> Default for Refused<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: Display> Refused<A> {
    /// Whether it is the sender's address that does not belong to the link.
    #[must_use]
    pub fn are_foreign(&self) -> bool {
        let foreign = |refusal: &Refusal<A>| {
            matches!(refusal, Refusal::ForeignReporter { .. } | Refusal::ForeignQuerier { .. })
        };
        self.0.iter().any(|(last, _)| foreign(last))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn note(&mut self, refusal: Refusal<A>) {
        match self.0.iter_mut().find(|(last, _)| last.kind() == refusal.kind()) {
            Some((last, count)) => {
                *last = refusal;
                *count += 1;
            }
            None => self.0.push((refusal, 1)),
        }
    }
}

impl<A: Display> IntoIterator for Refused<A> {
    type Item = (Refusal<A>, u64);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
