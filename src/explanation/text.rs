//! An explanation as operators read it.

use std::fmt;

use super::{Explanation, InterfaceReason, PullReason, WhyOif, WhyTold};
use crate::columns::{or_dash, table};
use crate::types::address::Address;
use crate::view::Membership;

impl<A: Address> fmt::Display for Explanation<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, group, installed, iif, owner, ssm_range, .. } = self;
        let state = if *installed { "installed" } else { "not installed" };
        let (iif, owner) = (or_dash(*iif), or_dash(*owner));
        writeln!(f, "({source}, {group}) is {state}: iif {iif}, owner {owner}")?;
        if let Some(range) = ssm_range {
            writeln!(f, "The group is source-specific: it is in {range}")?;
        }
        f.write_str("\n")?;
        let rows = self.interfaces.iter().map(InterfaceReason::cells);
        table(f, "interface comes into question", ["Interface", "Oif", "Why"], rows)?;
        f.write_str("\n")?;
        // An IGMP that did not ask to be told is no news to an operator.
        let told = self.pulls.iter().filter(|reason| !matches!(reason.why, WhyTold::DidNotAsk));
        let rows = told.map(PullReason::cells);
        table(f, "client asked to be told", ["Client", "Pulls", "Told", "Why"], rows)
    }
}

impl<A: Address> InterfaceReason<A> {
    fn cells(&self) -> [String; 3] {
        let state = if self.handover.is_some() { " (changing hands)" } else { "" };
        let oif = if self.why.is_oif() { "yes" } else { "no" };
        [self.interface.to_string(), oif.to_owned(), format!("{}{state}", self.why)]
    }
}

impl<A: Address> PullReason<A> {
    fn cells(&self) -> [String; 4] {
        let told = if self.why.is_told() { "yes" } else { "no" };
        [self.client.to_string(), self.pull.to_string(), told.to_owned(), self.why.to_string()]
    }
}

/// Prints as what follows "because": `IGMP wants (*, 239.1.1.1)`.
impl<A: fmt::Display> fmt::Display for WhyOif<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incoming => f.write_str("it is the iif"),
            Self::SwitchedOn { by } => write!(f, "{by} switched it on"),
            Self::SwitchedOff { by } => write!(f, "{by} switched it off"),
            Self::Wanted(Membership { entry, added_by, counts_for, stale, .. }) => {
                write!(f, "{added_by} wants {entry}")?;
                if counts_for != added_by {
                    write!(f, ", for {counts_for}")?;
                }
                if *stale { f.write_str(", stale") } else { Ok(()) }
            }
            Self::Blocked(Membership { added_by, .. }) => write!(f, "{added_by} blocks the source"),
            Self::SourceSpecific => f.write_str("what is wanted there names no source"),
            Self::Unwanted => f.write_str("nobody wants it there"),
            Self::StillIn => f.write_str("a change that takes it out is under way"),
            Self::StillOut => f.write_str("a change that puts it in is under way"),
        }
    }
}

/// Prints as what follows "because": `IGMP wants it`.
impl<A: fmt::Display> fmt::Display for WhyTold<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted { by } => write!(f, "{by} wants it"),
            Self::Forwarded { on, counts_for } => write!(f, "oif {on} counts for {counts_for}"),
            Self::NobodyElse => f.write_str("nobody else wants it"),
            Self::NotUpstream { owner: Some(owner) } => write!(f, "the way to the source is with {owner}"),
            Self::NotUpstream { owner: None } => f.write_str("the way to the source is with nobody"),
            Self::DidNotAsk => f.write_str("it did not ask to be told"),
            Self::StillTold => f.write_str("a change that ends it is under way"),
            Self::NotYetTold => f.write_str("a change that begins it is under way"),
        }
    }
}
