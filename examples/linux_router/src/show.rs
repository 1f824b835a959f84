//! What the router knows, for a person or for a program to read.

use std::fmt::{self, Display};
use std::time::Instant;

use mgm::{Interface, InterfaceStatus, Mfe};
use serde::Serialize;

use crate::control::Topic;
use crate::family::Family;
use crate::igmp::GroupView;
use crate::router::Router;
use crate::tally::TallyView;

/// The state of one router, as far as somebody asks for it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Show {
    protocol: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<ShownInterface>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forwarding_entries: Vec<ShownEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Counters>,
}

#[derive(Clone, Debug, Serialize)]
struct ShownInterface {
    name: String,
    index: u32,
    owner: String,
    /// Whether hosts are asked and heard there.
    hosts: bool,
    querier: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<TallyView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<ShownGroup>,
}

#[derive(Clone, Debug, Serialize)]
struct ShownGroup {
    group: String,
    /// The time after which the group ends; nothing where only sources are wanted.
    expires_seconds: Option<u64>,
    wanted: Vec<ShownSource>,
    unwanted: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct ShownSource {
    source: String,
    expires_seconds: u64,
}

#[derive(Clone, Debug, Serialize)]
struct ShownEntry {
    source: String,
    group: String,
    iif: String,
    oifs: Vec<String>,
    /// What the kernel counted, or why it does not tell.
    counts: Result<Counts, String>,
    failure: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    packets: u64,
    octets: u64,
    wrong_interface: u64,
}

/// Of the whole router.
#[derive(Clone, Debug, Serialize)]
struct Counters {
    groups: usize,
    forwarding_entries: usize,
    reports_octets: usize,
    reports_octets_max: usize,
    manager: mgm::Counters,
}

impl Show {
    /// As at `now`.
    pub(crate) fn take<A: Family>(router: &Router<A>, topic: Topic, now: Instant) -> Self {
        let mgm = router.manager();
        let interfaces = match topic {
            Topic::Table => Vec::new(),
            Topic::All | Topic::Interfaces | Topic::Groups | Topic::Counters => mgm.interfaces(),
        };
        let forwarding_entries = match topic {
            Topic::All | Topic::Table => mgm.mfes().map(|mfe| ShownEntry::take(router, &mfe)).collect(),
            Topic::Interfaces | Topic::Groups | Topic::Counters => Vec::new(),
        };
        let counters = match topic {
            Topic::All | Topic::Counters => Some(Counters::take(router)),
            Topic::Interfaces | Topic::Groups | Topic::Table => None,
        };
        let interfaces = interfaces.iter().map(|status| ShownInterface::take(router, topic, status, now));
        let interfaces = interfaces.collect();
        Self { protocol: A::PROTOCOL, interfaces, forwarding_entries, counters }
    }
}

impl ShownInterface {
    fn take<A: Family>(router: &Router<A>, topic: Topic, status: &InterfaceStatus<A>, now: Instant) -> Self {
        let interface = status.interface;
        let groups = match topic {
            Topic::All | Topic::Groups => router.hosts().groups(interface),
            Topic::Interfaces | Topic::Table | Topic::Counters => Vec::new(),
        };
        let refused = match topic {
            Topic::All | Topic::Counters => router.tallies(interface.index()),
            Topic::Interfaces | Topic::Groups | Topic::Table => Vec::new(),
        };
        Self {
            name: name(router, interface),
            index: interface.index().get(),
            owner: status.owner.to_string(),
            hosts: status.igmp,
            querier: router.hosts().querier(interface).map(|address| address.to_string()),
            refused,
            groups: groups.iter().map(|group| ShownGroup::take(group, now)).collect(),
        }
    }
}

impl ShownGroup {
    fn take<A: Family>(state: &GroupView<A>, now: Instant) -> Self {
        let left = |until: Instant| until.saturating_duration_since(now).as_secs();
        let wanted = state.sources.iter().filter_map(|(source, until)| {
            Some(ShownSource { source: source.to_string(), expires_seconds: left((*until)?) })
        });
        let unwanted = state.sources.iter().filter(|(_, until)| until.is_none());
        Self {
            group: state.group.to_string(),
            expires_seconds: state.exclude.map(left),
            wanted: wanted.collect(),
            unwanted: unwanted.map(|(source, _)| source.to_string()).collect(),
        }
    }
}

impl ShownEntry {
    fn take<A: Family>(router: &Router<A>, mfe: &Mfe<A>) -> Self {
        let stats = router.manager().mfe_stats(mfe.source, mfe.group);
        let counts = stats.map(|stats| Counts {
            packets: stats.packets,
            octets: stats.octets,
            wrong_interface: stats.wrong_interface,
        });
        Self {
            source: mfe.source.to_string(),
            group: mfe.group.to_string(),
            iif: name(router, mfe.iif),
            oifs: mfe.oifs.iter().map(|&oif| name(router, oif)).collect(),
            counts: counts.map_err(|error| error.to_string()),
            failure: mfe.failure.map(|failed| format!("Failed {}: {}", failed.attempts, failed.error)),
        }
    }
}

impl Counters {
    fn take<A: Family>(router: &Router<A>) -> Self {
        let interfaces = router.manager().interfaces();
        let groups = interfaces.iter().map(|status| router.hosts().groups(status.interface).len());
        let (reports_octets, reports_octets_max) = router.hosts().memory();
        Self {
            groups: groups.sum(),
            forwarding_entries: router.manager().mfes().count(),
            reports_octets,
            reports_octets_max,
            manager: router.manager().counters(),
        }
    }
}

fn name<A: Family>(router: &Router<A>, interface: Interface<A>) -> String {
    router.name(interface.index()).map_or_else(|| interface.to_string(), str::to_owned)
}

impl Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for interface in &self.interfaces {
            let ShownInterface { name, index, owner, .. } = interface;
            write!(f, "{name}  Index: {index}  Owner: {owner}")?;
            if interface.hosts {
                let querier = interface.querier.as_deref().unwrap_or("none");
                write!(f, "  {} querier: {querier}", self.protocol)?;
            }
            writeln!(f)?;
            for TallyView { what, count, last } in &interface.refused {
                writeln!(f, "    {what}: {count}, the last: {last}")?;
            }
            interface.groups.iter().try_for_each(|group| writeln!(f, "    {group}"))?;
        }
        self.forwarding_entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        self.counters.iter().try_for_each(|counters| writeln!(f, "{}: {counters}", self.protocol))
    }
}

impl Display for ShownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted =
            self.wanted.iter().map(|wanted| format!("{} {}s", wanted.source, wanted.expires_seconds));
        let wanted = wanted.collect::<Vec<_>>().join(", ");
        match self.expires_seconds {
            None => write!(f, "{}  INCLUDE {{{wanted}}}", self.group),
            Some(left) => {
                write!(f, "{}  {left}s  EXCLUDE {{{wanted}}} {{{}}}", self.group, self.unwanted.join(", "))
            }
        }
    }
}

impl Display for ShownEntry {
    /// As `ip mroute` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, group, iif, oifs, .. } = self;
        write!(f, "({source},{group})  Iif: {iif}  Oifs: {}", oifs.join(" "))?;
        match &self.counts {
            Ok(Counts { packets, octets, wrong_interface }) => {
                write!(f, "  {packets} packets, {octets} octets, {wrong_interface} arrived on wrong iif")?;
            }
            Err(error) => write!(f, "  {error}")?,
        }
        self.failure.iter().try_for_each(|failure| write!(f, "  {failure}"))
    }
}

impl Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, forwarding_entries, reports_octets, reports_octets_max, manager } = self;
        write!(f, "{groups} groups on all interfaces, {forwarding_entries} forwarding entries, ")?;
        writeln!(
            f,
            "reports take {reports_octets} of {reports_octets_max} octets, {} panics",
            manager.caught_panics
        )?;
        let mgm::Counters { calls, handovers, lookups, wrong_answers, .. } = manager;
        write!(f, "    {calls} calls, {handovers} hand-overs, {lookups} RIB lookups, ")?;
        writeln!(f, "{wrong_answers} wrong answers to rpf")?;
        let mgm::Counters { forwarder_calls, forwarder_failures, .. } = manager;
        writeln!(f, "    {forwarder_calls} forwarder calls, {forwarder_failures} of them failed")?;
        let callbacks = manager.callbacks.iter().map(|of| (of.client, of.count));
        writeln!(f, "    callbacks: {}", listed(callbacks))?;
        writeln!(f, "    alerts: {}", listed(manager.alerts.iter().map(|(kind, count)| (kind, *count))))?;
        write!(
            f,
            "    refused calls: {}",
            listed(manager.refusals.iter().map(|(kind, count)| (kind, *count)))
        )
    }
}

/// How many of each there were, of those that there were at all.
fn listed<K: Display>(counted: impl Iterator<Item = (K, u64)>) -> String {
    let some = counted.filter(|(_, count)| *count > 0);
    let all: Vec<_> = some.map(|(what, count)| format!("{what} {count}")).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
