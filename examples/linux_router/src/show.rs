//! The tables, for a person to read.

use std::fmt::{self, Display};
use std::time::Instant;

use mgm::{Interface, Mfe};

use crate::family::Family;
use crate::igmp::GroupView;
use crate::router::Router;

/// The interfaces, what hosts report on them, and the forwarding entries, as at `now`.
pub(crate) struct Show<'a, A: Family> {
    pub(crate) router: &'a Router<A>,
    pub(crate) now: Instant,
}

impl<A: Family> Display for Show<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mgm = self.router.manager();
        for status in mgm.interfaces() {
            let name = self.name(status.interface);
            write!(f, "{name}  Index: {}  Owner: {}", status.interface, status.owner)?;
            if status.igmp {
                let querier = self.router.hosts().querier(status.interface);
                let querier = querier.map_or_else(|| "none".to_owned(), |address| address.to_string());
                write!(f, "  {} querier: {querier}", A::PROTOCOL)?;
            }
            writeln!(f)?;
            for group in self.router.hosts().groups(status.interface) {
                writeln!(f, "    {}", self.group(&group))?;
            }
        }
        mgm.mfes().try_for_each(|mfe| writeln!(f, "{}", self.entry(&mfe)))
    }
}

impl<A: Family> Show<'_, A> {
    fn group(&self, state: &GroupView<A>) -> String {
        let left = |until: Instant| format!("{}s", until.saturating_duration_since(self.now).as_secs());
        let (wanted, unwanted): (Vec<_>, Vec<_>) =
            state.sources.iter().partition(|(_, until)| until.is_some());
        let wanted =
            list(wanted.iter().filter_map(|(source, until)| Some(format!("{source} {}", left((*until)?)))));
        match state.exclude {
            None => format!("{}  INCLUDE {{{wanted}}}", state.group),
            Some(until) => {
                let unwanted = list(unwanted.iter().map(|(source, _)| source.to_string()));
                format!("{}  {}  EXCLUDE {{{wanted}}} {{{unwanted}}}", state.group, left(until))
            }
        }
    }

    /// As `ip mroute` prints it.
    fn entry(&self, mfe: &Mfe<A>) -> String {
        let oifs: Vec<String> = mfe.oifs.iter().map(|&oif| self.name(oif)).collect();
        let counts = self.router.manager().mfe_stats(mfe.source, mfe.group);
        let counts = counts.map_or_else(
            |error| format!("  {error}"),
            |counts| {
                format!(
                    "  {} packets, {} octets, {} arrived on wrong iif",
                    counts.packets, counts.octets, counts.wrong_interface
                )
            },
        );
        let failure = mfe
            .failure
            .map(|failed| format!("  Failed {}: {}", failed.attempts, failed.error))
            .unwrap_or_default();
        let (source, group, iif) = (mfe.source, mfe.group, self.name(mfe.iif));
        format!("({source},{group})  Iif: {iif}  Oifs: {}{counts}{failure}", oifs.join(" "))
    }

    fn name(&self, interface: Interface<A>) -> String {
        self.router.name(interface.index()).map_or_else(|| interface.to_string(), str::to_owned)
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
