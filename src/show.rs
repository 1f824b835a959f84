//! All that a manager knows at one time, as a show command prints it.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::groups::Groups;
use crate::lock::Ordering;
use crate::manager::{Recorded, Recorder, Shared};
use crate::mfes::Mfes;
use crate::record::Answer;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::interface::Interface;
use crate::view::{Failure, InterfaceStatus, Membership, MembershipKind, Mfe, MfeFailure};

/// All that a manager knows, for a show command: see [`Mgm::show`](crate::Mgm::show).
///
/// `Display` prints it as routers do. With the feature `serde` it can be written and read back, by a show command in
/// another process for instance; times are then whole seconds.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct Snapshot<A: Address = Ipv4Addr> {
    /// Who is on which interface, in the order of index and next hop.
    pub interfaces: Vec<InterfaceStatus<A>>,
    /// The memberships and blocks, in the order of group, source and interface.
    pub groups: Vec<Membership<A>>,
    /// The forwarding entries, in the order of group, then source.
    pub mfes: Vec<MfeSnapshot<A>>,
    /// Entries that the manager has deleted and the forwarder still holds; no more than a page of them
    /// ([FW-11](crate::specification#fw-11)).
    pub leftovers: Vec<LeftoverSnapshot<A>>,
    /// Answers to `rpf` that were none ([FW-1](crate::specification#fw-1)).
    pub wrong_answers: u64,
    /// Panics of callbacks, forwarder and RIB that have been caught ([CB-5](crate::specification#cb-5)).
    pub caught_panics: u64,
}

/// A forwarding entry at one time, with what the forwarder counted for it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct MfeSnapshot<A: Address = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets have to arrive.
    pub iif: Interface<A>,
    /// The owner of the interface toward the source: see [`Mfe::owner`].
    pub owner: Option<ClientName>,
    /// The upstream neighbour.
    pub upstream: Option<A>,
    /// The route to the source.
    pub prefix: Option<A::Net>,
    /// Where its packets go, in order.
    pub oifs: Vec<Interface<A>>,
    /// For how long it has been there since it was made, or made anew.
    #[cfg_attr(feature = "serde", serde(rename = "up_seconds", with = "crate::json::seconds"))]
    pub up: Duration,
    /// In what time it expires; never, if that is beyond what the clock can say.
    #[cfg_attr(feature = "serde", serde(rename = "expires_seconds", with = "crate::json::maybe_seconds"))]
    pub expires_in: Option<Duration>,
    /// What the forwarder counted, if it could tell.
    pub stats: Option<MfeStats<A>>,
    /// Why the forwarder does not hold it as it is here.
    pub failure: Option<FailureSnapshot>,
}

/// What the forwarder last said of an entry that it does not hold as it should, in its own words.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FailureSnapshot {
    /// Its last error.
    pub error: String,
    /// How often it was told in vain.
    pub attempts: u32,
}

/// An entry that the manager has deleted and the forwarder still holds.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: crate::Address"))]
pub struct LeftoverSnapshot<A = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Why it is still there.
    pub failure: FailureSnapshot,
}

impl<A: Address> Snapshot<A> {
    pub(crate) fn take(shared: &Arc<Shared<A>>, now: Instant) -> Self {
        let mut groups: Vec<_> = Groups::new(Arc::clone(shared)).collect();
        groups.sort_unstable_by_key(|held| (held.entry.group(), held.entry.source(), *held));
        let failures = shared.read(|engine| engine.failures());
        Self {
            interfaces: shared.interfaces(),
            groups,
            mfes: Mfes::new(Arc::clone(shared), None)
                .map(|mfe| MfeSnapshot::take(shared, mfe, now))
                .collect(),
            leftovers: failures.into_iter().filter(|failure| failure.deleted).map(Into::into).collect(),
            wrong_answers: shared.wrong_answers.load(Ordering::Relaxed),
            caught_panics: shared.panics.count(),
        }
    }
}

impl<A: Address> Recorded<A> for Snapshot<A> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Done
    }
}

impl<A: Address> MfeSnapshot<A> {
    fn take(shared: &Arc<Shared<A>>, mfe: Mfe<A>, now: Instant) -> Self {
        let Mfe { source, group, iif, owner, upstream, prefix, oifs, made, expires, failure } = mfe;
        Self {
            up: now.saturating_duration_since(made),
            expires_in: expires.map(|expires| expires.saturating_duration_since(now)),
            stats: shared.mfe_stats(source, group).ok(),
            failure: failure.map(|MfeFailure { error, attempts }| FailureSnapshot::new(error, attempts)),
            source,
            group,
            iif,
            owner,
            upstream,
            prefix,
            oifs,
        }
    }

    fn cells(&self) -> [String; 9] {
        let Self { source, group, iif, owner, upstream, oifs, failure, .. } = self;
        let oifs = oifs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mark = failure.as_ref().map(|failure| format!("! {failure}"));
        let oifs = or_dash(Some(oifs).filter(|oifs| !oifs.is_empty()));
        [
            source.to_string(),
            group.to_string(),
            iif.to_string(),
            or_dash(*owner),
            or_dash(*upstream),
            clock(self.up),
            self.expires_in.map_or_else(|| "never".to_owned(), clock),
            or_dash(self.stats.as_ref().map(|stats| stats.packets)),
            mark.map_or_else(|| oifs.clone(), |mark| format!("{oifs}  {mark}")),
        ]
    }
}

impl FailureSnapshot {
    fn new(error: ForwarderError, attempts: u32) -> Self {
        Self { error: error.to_string(), attempts }
    }
}

impl fmt::Display for FailureSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (attempts: {})", self.error, self.attempts)
    }
}

impl<A: Address> From<Failure<A>> for LeftoverSnapshot<A> {
    fn from(Failure { source, group, error, attempts, .. }: Failure<A>) -> Self {
        Self { source, group, failure: FailureSnapshot::new(error, attempts) }
    }
}

impl<A: Address> fmt::Display for Snapshot<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table(f, "interfaces", ["Interface", "Owner", "IGMP", ""], self.interfaces.iter().map(port))?;
        f.write_str("\n")?;
        table(f, "groups", ["Entry", "Interfaces"], self.places())?;
        f.write_str("\n")?;
        let heads = ["Source", "Group", "Iif", "Owner", "Upstream", "Up-time", "Expires", "Packets", "Oifs"];
        table(f, "forwarding entries", heads, self.mfes.iter().map(MfeSnapshot::cells))?;
        for (line, fault) in self.faults().enumerate() {
            let gap = if line == 0 { "\n" } else { "" };
            writeln!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl<A: Address> Snapshot<A> {
    /// Each entry once, with all the places where it is held.
    fn places(&self) -> impl Iterator<Item = [String; 2]> {
        let of_one_entry = self.groups.chunk_by(|one, next| one.entry == next.entry);
        of_one_entry.filter_map(|held| {
            let entry = held.first()?.entry.to_string();
            Some([entry, held.iter().map(place).collect::<Vec<_>>().join(", ")])
        })
    }

    /// What an operator should look into, if there is anything.
    fn faults(&self) -> impl Iterator<Item = String> {
        let leftovers = self.leftovers.iter().map(|LeftoverSnapshot { source, group, failure }| {
            format!("! ({source}, {group}) is deleted, but stays in the forwarder: {failure}")
        });
        let counts = [(self.wrong_answers, "wrong answers to rpf"), (self.caught_panics, "panics caught")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        leftovers.chain(counts.map(|(count, what)| format!("! {what}: {count}")))
    }
}

fn port<A: Address>(status: &InterfaceStatus<A>) -> [String; 4] {
    let igmp = if status.igmp { "yes" } else { "-" };
    let state = if status.handover.is_some() { "changing hands" } else { "" };
    [status.interface.to_string(), status.owner.to_string(), igmp.to_owned(), state.to_owned()]
}

fn place<A: Address>(held: &Membership<A>) -> String {
    match held.kind {
        MembershipKind::Joined => format!("{} by {}", held.interface, held.added_by),
        MembershipKind::Blocked => format!("{} blocked by {}", held.interface, held.added_by),
    }
}

fn or_dash(cell: Option<impl fmt::Display>) -> String {
    cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string())
}

/// `00:01:30`, and from a day on `12d03h`: what routers print.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours < 24 {
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{}d{:02}h", hours / 24, hours % 24)
    }
}

/// Writes aligned columns under their heads.
fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    heads: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    if rows.len() == 1 {
        return writeln!(f, "No {what}.");
    }
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    // The last column is as wide as it likes: nothing comes after it.
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
