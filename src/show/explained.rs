//! An explanation as operators read it.

use std::fmt::{self, Display};

use super::names::{NO_NAMES, Names, WithNames};
use super::print::{or_dash, table};
use crate::explanation::{Explanation, InterfaceReason, PullReason, WhyOif, WhyTold};
use crate::types::address::Address;
use crate::view::Membership;

impl<A: Address> Explanation<A> {
    /// The same with names for clients and interfaces: see [`Names`].
    #[must_use]
    pub const fn named<'a>(&'a self, names: &'a Names) -> WithNames<'a, Self> {
        WithNames { shown: self, names }
    }
}

impl<A: Address> Display for Explanation<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named(&NO_NAMES).fmt(f)
    }
}

impl<A: Address> Display for WithNames<'_, Explanation<A>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, names } = self;
        let Explanation { source, group, installed, iif, owner, ssm_range, .. } = shown;
        let state = if *installed { "installed" } else { "not installed" };
        let iif = or_dash(iif.map(|iif| names.of_interface(iif)));
        let owner = or_dash(owner.map(|owner| names.of_client(owner)));
        writeln!(f, "({source}, {group}) is {state}: iif {iif}, owner {owner}")?;
        if let Some(range) = ssm_range {
            writeln!(f, "The group is source-specific: it is in {range}")?;
        }
        f.write_str("\n")?;
        let rows = shown.interfaces.iter().map(|reason| interface(reason, names));
        table(f, "interface comes into question", ["Interface", "Oif", "Why"], rows)?;
        f.write_str("\n")?;
        // That an IGMP which did not ask to be told has not been told is left out: it would be in every explanation.
        let told = shown.pulls.iter().filter(|reason| !matches!(reason.why, WhyTold::DidNotAsk));
        let rows = told.map(|reason| pull(reason, names));
        table(f, "client asked to be told", ["Client", "Pulls", "Told", "Why"], rows)
    }
}

fn interface<A: Address>(reason: &InterfaceReason<A>, names: &Names) -> [String; 3] {
    let state = if reason.handover.is_some() { " (changing hands)" } else { "" };
    let oif = if reason.why.is_oif() { "yes" } else { "no" };
    [names.of_interface(reason.interface), oif.to_owned(), format!("{}{state}", why_oif(&reason.why, names))]
}

fn pull<A: Address>(reason: &PullReason<A>, names: &Names) -> [String; 4] {
    let told = if reason.why.is_told() { "yes" } else { "no" };
    [names.of_client(reason.client), reason.pull.to_string(), told.to_owned(), why_told(&reason.why, names)]
}

/// Prints as what follows "because": `IGMP wants (*, 239.1.1.1)`.
impl<A: Address> Display for WhyOif<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&why_oif(self, &NO_NAMES))
    }
}

pub(super) fn why_oif<A: Address>(why: &WhyOif<A>, names: &Names) -> String {
    let client = |client| names.of_client(client);
    match why {
        WhyOif::Incoming => "it is the iif".to_owned(),
        WhyOif::SwitchedOn { by } => format!("{} switched it on", client(*by)),
        WhyOif::SwitchedOff { by } => format!("{} switched it off", client(*by)),
        WhyOif::Wanted(Membership { entry, added_by, counts_for, stale, .. }) => {
            let owner = Some(*counts_for).filter(|owner| owner != added_by);
            let owner = owner.map_or_else(String::new, |owner| format!(", for {}", client(owner)));
            let stale = if *stale { ", stale" } else { "" };
            format!("{} wants {entry}{owner}{stale}", client(*added_by))
        }
        WhyOif::Blocked(Membership { added_by, .. }) => format!("{} blocks the source", client(*added_by)),
        WhyOif::SourceSpecific => "what is wanted there names no source".to_owned(),
        WhyOif::Unwanted => "nobody wants it there".to_owned(),
        WhyOif::StillIn => "a change that takes it out is under way".to_owned(),
        WhyOif::StillOut => "a change that puts it in is under way".to_owned(),
    }
}

/// Prints as what follows "because": `IGMP wants it`.
impl<A: Address> Display for WhyTold<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&why_told(self, &NO_NAMES))
    }
}

fn why_told<A: Address>(why: &WhyTold<A>, names: &Names) -> String {
    match why {
        WhyTold::Wanted { by } => format!("{} wants it", names.of_client(*by)),
        WhyTold::Forwarded { on, counts_for } => {
            format!("oif {} counts for {}", names.of_interface(*on), names.of_client(*counts_for))
        }
        WhyTold::NobodyElse => "nobody else wants it".to_owned(),
        WhyTold::NotUpstream { owner: Some(owner) } => {
            format!("the way to the source is with {}", names.of_client(*owner))
        }
        WhyTold::NotUpstream { owner: None } => "the way to the source is with nobody".to_owned(),
        WhyTold::DidNotAsk => "it did not ask to be told".to_owned(),
        WhyTold::StillTold => "a change that ends it is under way".to_owned(),
        WhyTold::NotYetTold => "a change that begins it is under way".to_owned(),
    }
}
