//! What is different between two snapshots.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::net::Ipv4Addr;

use super::names::{Names, WithNames};
use super::print::{or_dash, place};
use super::{LeftoverSnapshot, MfeSnapshot, Snapshot};
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::view::{InterfaceStatus, Membership};

/// What is different between two snapshots: see [`Snapshot::diff`].
///
/// `Display` prints a line for each, `-` for what was and `+` for what is.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct SnapshotDiff<A: Address = Ipv4Addr> {
    /// Interfaces, in the order of index and next hop.
    pub interfaces: Vec<Difference<InterfaceStatus<A>>>,
    /// Memberships and blocks, in the order of group, source, interface and client.
    pub groups: Vec<Difference<Membership<A>>>,
    /// Forwarding entries, in the order of group, then source. Time goes by and packets are counted: that is no difference.
    pub mfes: Vec<Difference<MfeSnapshot<A>>>,
    /// Entries that the forwarder still holds.
    pub leftovers: Vec<Difference<LeftoverSnapshot<A>>>,
    /// How many more answers to `rpf` were wrong: see [`Mgm::wrong_answers`](crate::Mgm::wrong_answers).
    pub wrong_answers: u64,
    /// How many more panics have been caught.
    pub caught_panics: u64,
}

/// One thing that is different.
#[expect(clippy::exhaustive_enums, reason = "two sets differ in one of these ways")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Difference<T> {
    /// It was there.
    Gone(T),
    /// It is there now.
    New(T),
    /// It is there as it was not before.
    Changed {
        /// As it was.
        before: T,
        /// As it is.
        after: T,
    },
}

impl<A: Address> Snapshot<A> {
    /// What has changed since `before`.
    ///
    /// # Example: what a hand-over has done
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// igmp.take_interface_ownership(lan)?;
    /// igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?;
    /// let before = mgm.show(Instant::now());
    ///
    /// let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    /// pim.take_interface_ownership(lan)?; // this IGMP adds nothing again
    /// assert_eq!(mgm.show(Instant::now()).diff(&before).to_string(), "\
    /// - 3: owner IGMP
    /// + 3: owner protocol 1.0, with IGMP
    /// - (*, 239.1.1.1): 3 by IGMP
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn diff(&self, before: &Self) -> SnapshotDiff<A> {
        SnapshotDiff {
            interfaces: differences(&before.interfaces, &self.interfaces, |status| status.interface),
            groups: differences(&before.groups, &self.groups, |held| {
                (held.entry.group(), held.entry.source(), held.interface, held.added_by)
            }),
            mfes: differences(&before.mfes, &self.mfes, |mfe| (mfe.group, mfe.source)),
            leftovers: differences(&before.leftovers, &self.leftovers, |left| (left.group, left.source)),
            wrong_answers: self.wrong_answers.saturating_sub(before.wrong_answers),
            caught_panics: self.caught_panics.saturating_sub(before.caught_panics),
        }
    }
}

impl<A: Address> SnapshotDiff<A> {
    /// The same with names for clients and interfaces: see [`Names`].
    #[must_use]
    pub const fn named<'a>(&'a self, names: &'a Names) -> WithNames<'a, Self> {
        WithNames { shown: self, names }
    }

    /// Whether nothing is different.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
            && self.groups.is_empty()
            && self.mfes.is_empty()
            && self.leftovers.is_empty()
            && self.wrong_answers == 0
            && self.caught_panics == 0
    }
}

/// A thing that can be found again in the next snapshot, and compared.
trait Compared: Clone {
    fn is_as(&self, before: &Self) -> bool;
    fn line(&self, names: &Names) -> String;
}

fn differences<T: Compared, K: Ord>(before: &[T], after: &[T], key: impl Fn(&T) -> K) -> Vec<Difference<T>> {
    let mut both: BTreeMap<K, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for old in before {
        both.entry(key(old)).or_default().0 = Some(old);
    }
    for new in after {
        both.entry(key(new)).or_default().1 = Some(new);
    }
    let difference = |pair| match pair {
        (Some(old), None) => Some(Difference::Gone(T::clone(old))),
        (None, Some(new)) => Some(Difference::New(T::clone(new))),
        (Some(old), Some(new)) if !T::is_as(new, old) => {
            Some(Difference::Changed { before: T::clone(old), after: T::clone(new) })
        }
        (Some(_), Some(_)) | (None, None) => None,
    };
    both.into_values().filter_map(difference).collect()
}

impl<A: Address> Compared for InterfaceStatus<A> {
    fn is_as(&self, before: &Self) -> bool {
        self == before
    }

    fn line(&self, names: &Names) -> String {
        let Self { interface, owner, igmp, handover, offered_to } = self;
        let name = |client| names.of_client(client);
        let igmp = if *igmp && *owner != ClientName::Igmp { ", with IGMP" } else { "" };
        let handover = handover.map_or_else(String::new, |handover| {
            let [from, to] = [handover.from, handover.to].map(|client| or_dash(client.map(name)));
            format!(", changing hands from {from} to {to}")
        });
        let offer = offered_to.map_or_else(String::new, |to| format!(", offered to {}", name(to)));
        format!("{}: owner {}{igmp}{handover}{offer}", names.of_interface(*interface), name(*owner))
    }
}

impl<A: Address> Compared for Membership<A> {
    fn is_as(&self, before: &Self) -> bool {
        self == before
    }

    fn line(&self, names: &Names) -> String {
        let is_own = self.counts_for == self.added_by;
        let counts_for =
            if is_own { String::new() } else { format!(" for {}", names.of_client(self.counts_for)) };
        let stale = if self.stale { ", stale" } else { "" };
        format!("{}: {}{counts_for}{stale}", self.entry, place(self, names))
    }
}

impl<A: Address> Compared for MfeSnapshot<A> {
    fn is_as(&self, before: &Self) -> bool {
        let then = Self { up: before.up, expires_in: before.expires_in, ..self.clone() };
        Self { stats: before.stats.clone(), ..then } == *before
    }

    fn line(&self, names: &Names) -> String {
        let Self { source, group, iif, owner, upstream, prefix, origin, oifs, failure, .. } = self;
        let iif = names.of_interface(*iif);
        let owner = owner.map_or_else(String::new, |owner| format!(" of {}", names.of_client(owner)));
        let upstream = upstream.map_or_else(String::new, |upstream| format!(" upstream {upstream}"));
        let prefix = prefix.map_or_else(String::new, |prefix| format!(" by {prefix}"));
        let origin = origin.map_or_else(String::new, |origin| format!(" (origin {origin})"));
        let oifs = or_dash(names.of_interfaces(oifs));
        let failure = failure.as_ref().map_or_else(String::new, |failure| format!("  ! {failure}"));
        format!("({source}, {group}): from {iif}{owner}{upstream}{prefix}{origin} to {oifs}{failure}")
    }
}

impl<A: Address> Compared for LeftoverSnapshot<A> {
    fn is_as(&self, before: &Self) -> bool {
        self == before
    }

    fn line(&self, _: &Names) -> String {
        self.to_string()
    }
}

impl<A: Address> Display for SnapshotDiff<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named(&Names::new()).fmt(f)
    }
}

impl<A: Address> Display for WithNames<'_, SnapshotDiff<A>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, names } = self;
        lines(f, names, &shown.interfaces)?;
        lines(f, names, &shown.groups)?;
        lines(f, names, &shown.mfes)?;
        lines(f, names, &shown.leftovers)?;
        let counts =
            [(shown.wrong_answers, "more wrong answers to rpf"), (shown.caught_panics, "more panics caught")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "+ {count} {what}")?;
        }
        Ok(())
    }
}

fn lines<T: Compared>(
    f: &mut fmt::Formatter<'_>,
    names: &Names,
    differences: &[Difference<T>],
) -> fmt::Result {
    differences.iter().try_for_each(|difference| {
        let (before, after) = match difference {
            Difference::Gone(before) => (Some(before), None),
            Difference::New(after) => (None, Some(after)),
            Difference::Changed { before, after } => (Some(before), Some(after)),
        };
        let line = |f: &mut fmt::Formatter<'_>, sign, it: Option<&T>| {
            it.map_or(Ok(()), |it| writeln!(f, "{sign} {}", it.line(names)))
        };
        line(f, '-', before)?;
        line(f, '+', after)
    })
}
