//! What the hosts of one link want together: the state of each reporter, merged.
//!
//! There is no querier behind this, so there are no timers: a host's state lasts until the host changes it, and
//! what it reports is its whole state. A source list too long for one packet (some 360 sources in IGMPv3), which
//! a host splits over several, is not put together again; that takes timers (RFC 3376 §4.2.16, §6.4).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::Ipv4Addr;

use captured_packets::HardwareAddr;
use membership_reports::{Record, RecordKind};
use mgm::{Address, AddressError, GroupAddr, SourceAddr};

/// The reporters' state on one link.
#[derive(Debug)]
pub(crate) struct Merge<A: Address = Ipv4Addr> {
    ssm_ranges: Vec<A::Net>,
    groups: BTreeMap<GroupAddr<A>, Reporters<A>>,
    size: usize,
}

/// A host by its IP address or, while it has none (RFC 3376 §4.2.13), by that of its hardware, if that is told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Host<A> {
    pub(crate) address: A,
    pub(crate) hardware: Option<HardwareAddr>,
}

/// What is wanted of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GroupFilter<A> {
    pub(crate) group: GroupAddr<A>,
    pub(crate) filter: Filter<A>,
}

/// Of which sources packets are wanted (RFC 3376 §3.1): of these, or of all but these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Filter<A> {
    Include(BTreeSet<SourceAddr<A>>),
    Exclude(BTreeSet<SourceAddr<A>>),
}

/// Why a record changes nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Ignored<A: Address> {
    #[error("{0}")]
    Group(#[from] AddressError<A>),
    /// RFC 4604 §2.2.1 and §3: only a record that names its sources counts there.
    #[error("{0} is a source-specific group")]
    SourceSpecific(GroupAddr<A>),
    /// Else hosts, or who makes them up, could fill the memory.
    #[error("{0}, as too much is remembered already")]
    Full(GroupAddr<A>),
}

/// All that is reported of one group.
#[derive(Debug)]
struct Reporters<A> {
    filters: HashMap<Host<A>, Filter<A>>,
    /// Somebody reported in IGMPv1, IGMPv2 or MLDv1: who else wants it then is not known, as hosts keep
    /// silent when they hear another's report.
    older: bool,
}

/// What a record makes of one reporter's part.
#[derive(Debug)]
struct Outcome<A> {
    filter: Filter<A>,
    older: bool,
}

impl<A: Address> Merge<A> {
    pub(crate) fn new(ssm_ranges: Vec<A::Net>) -> Self {
        Self { ssm_ranges, groups: BTreeMap::new(), size: 0 }
    }

    /// Notes what `host` says of a group, and answers which group that is. Not if there is more to remember after
    /// that, and more than `most`.
    pub(crate) fn note(
        &mut self,
        host: Host<A>,
        record: &Record<A>,
        most: usize,
    ) -> Result<GroupAddr<A>, Ignored<A>> {
        let group = GroupAddr::new(record.group)?;
        if names_no_source(record.kind) && self.is_source_specific(group) {
            return Err(Ignored::SourceSpecific(group));
        }
        let nobody = Reporters::default();
        let outcome = self.groups.get(&group).unwrap_or(&nobody).after(host, record);
        let before = self.groups.get(&group).map_or(0, |reporters| reporters.size_of(host));
        let size = self.size - before + outcome.size();
        if size > most.max(self.size) {
            return Err(Ignored::Full(group));
        }
        self.size = size;
        let reporters = self.groups.entry(group).or_default();
        reporters.set(host, outcome);
        if reporters.filters.is_empty() && !reporters.older {
            self.groups.remove(&group);
        }
        Ok(group)
    }

    /// How much there is to remember: reporters of groups, and the sources that they name.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// The groups that anybody reports.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupAddr<A>> {
        self.groups.keys().copied()
    }

    /// What all reporters together want of `group`.
    pub(crate) fn wanted(&self, group: GroupAddr<A>) -> GroupFilter<A> {
        let filter = self.groups.get(&group).map(Reporters::merged).unwrap_or_default();
        GroupFilter { group, filter }
    }

    /// What is wanted of each group that anybody reports, in order.
    pub(crate) fn filters(&self) -> impl ExactSizeIterator<Item = GroupFilter<A>> {
        self.groups.iter().map(|(&group, reporters)| GroupFilter { group, filter: reporters.merged() })
    }

    fn is_source_specific(&self, group: GroupAddr<A>) -> bool {
        self.ssm_ranges.iter().any(|range| group.address().is_in(range))
    }
}

/// With as many sources as fit in a line.
impl<A: Address> fmt::Display for GroupFilter<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let (mode, sources) = match &self.filter {
            Filter::Include(sources) => ("INCLUDE", sources),
            Filter::Exclude(sources) => ("EXCLUDE", sources),
        };
        let shown: Vec<_> = sources.iter().take(SHOWN).map(ToString::to_string).collect();
        write!(f, "{} {mode} {{{}", self.group, shown.join(", "))?;
        if let more @ 1.. = sources.len() - shown.len() {
            write!(f, " and {more} more")?;
        }
        f.write_str("}")
    }
}

impl<A: Address> Reporters<A> {
    fn after(&self, host: Host<A>, record: &Record<A>) -> Outcome<A> {
        let sources = || record.sources.iter().filter_map(|&source| SourceAddr::new(source).ok()).collect();
        let nothing = Filter::default();
        let before = self.filters.get(&host).unwrap_or(&nothing);
        let state = |filter| Outcome { filter, older: self.older };
        match record.kind {
            // The host speaks the older version now.
            RecordKind::Report => Outcome { filter: Filter::default(), older: true },
            RecordKind::Leave => Outcome { filter: before.clone(), older: false },
            RecordKind::IsInclude | RecordKind::ToInclude => state(Filter::Include(sources())),
            RecordKind::IsExclude | RecordKind::ToExclude => state(Filter::Exclude(sources())),
            RecordKind::Allow => state(before.allow(&sources())),
            RecordKind::Block => state(before.block(&sources())),
        }
    }

    fn set(&mut self, host: Host<A>, Outcome { filter, older }: Outcome<A>) {
        self.older = older;
        if filter.is_nothing() {
            self.filters.remove(&host);
        } else {
            self.filters.insert(host, filter);
        }
    }

    fn size_of(&self, host: Host<A>) -> usize {
        self.filters.get(&host).map_or(0, Filter::size) + usize::from(self.older)
    }

    /// RFC 3376 §3.2: EXCLUDE as soon as one reporter excludes, of what all who do exclude and nobody includes.
    fn merged(&self) -> Filter<A> {
        let mut included = BTreeSet::new();
        let mut excluded = self.older.then(BTreeSet::new);
        for filter in self.filters.values() {
            if excluded.as_ref().is_some_and(BTreeSet::is_empty) {
                break; // all sources are wanted, whatever the others say
            }
            match filter {
                Filter::Include(sources) => included.extend(sources),
                Filter::Exclude(sources) => {
                    excluded = Some(excluded.map_or_else(|| sources.clone(), |common| &common & sources));
                }
            }
        }
        match excluded {
            None => Filter::Include(included),
            Some(excluded) => Filter::Exclude(&excluded - &included),
        }
    }
}

impl<A: Address> Filter<A> {
    fn allow(&self, sources: &BTreeSet<SourceAddr<A>>) -> Self {
        match self {
            Self::Include(included) => Self::Include(included | sources),
            Self::Exclude(excluded) => Self::Exclude(excluded - sources),
        }
    }

    fn block(&self, sources: &BTreeSet<SourceAddr<A>>) -> Self {
        match self {
            Self::Include(included) => Self::Include(included - sources),
            Self::Exclude(excluded) => Self::Exclude(excluded | sources),
        }
    }

    /// Those that it names.
    pub(crate) const fn sources(&self) -> &BTreeSet<SourceAddr<A>> {
        let (Self::Include(sources) | Self::Exclude(sources)) = self;
        sources
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Include(sources) if sources.is_empty())
    }

    fn size(&self) -> usize {
        if self.is_nothing() { 0 } else { 1 + self.sources().len() }
    }
}

impl<A: Address> Outcome<A> {
    fn size(&self) -> usize {
        self.filter.size() + usize::from(self.older)
    }
}

/// A link from which nobody has reported, where the source-specific groups are those of the RFCs.
impl<A: Address> Default for Merge<A> {
    fn default() -> Self {
        Self::new(A::default_ssm_ranges())
    }
}

impl<A> Default for Reporters<A> {
    fn default() -> Self {
        Self { filters: HashMap::new(), older: false }
    }
}

/// RFC 3376 §3.2: no reception state is INCLUDE of nothing.
impl<A> Default for Filter<A> {
    fn default() -> Self {
        Self::Include(BTreeSet::new())
    }
}

const fn names_no_source(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Report | RecordKind::Leave | RecordKind::IsExclude | RecordKind::ToExclude => true,
        RecordKind::IsInclude | RecordKind::ToInclude | RecordKind::Allow | RecordKind::Block => false,
    }
}
