//! A snapshot as the tables that routers print.

use std::fmt::{self, Display};
use std::time::Duration;

use super::names::{Names, WithNames};
use super::{LeftoverSnapshot, MfeSnapshot, Snapshot};
use crate::types::address::Address;
use crate::view::{InterfaceStatus, Membership, MembershipKind};

impl<A: Address> Snapshot<A> {
    /// The same with names for clients and interfaces: see [`Names`].
    #[must_use]
    pub const fn named<'a>(&'a self, names: &'a Names) -> WithNames<'a, Self> {
        WithNames { shown: self, names }
    }
}

impl<A: Address> Display for Snapshot<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named(&Names::new()).fmt(f)
    }
}

impl<A: Address> Display for WithNames<'_, Snapshot<A>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, names } = self;
        let heads = ["Interface", "Owner", "IGMP", ""];
        table(f, "interfaces", heads, shown.interfaces.iter().map(|status| port(status, names)))?;
        f.write_str("\n")?;
        table(f, "groups", ["Entry", "Interfaces"], places(&shown.groups, names))?;
        f.write_str("\n")?;
        let heads = ["Source", "Group", "Iif", "Owner", "Upstream", "Up-time", "Expires", "Packets", "Oifs"];
        table(f, "forwarding entries", heads, shown.mfes.iter().map(|mfe| cells(mfe, names)))?;
        for (line, fault) in faults(shown).enumerate() {
            let gap = if line == 0 { "\n" } else { "" };
            writeln!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

fn port<A: Address>(status: &InterfaceStatus<A>, names: &Names) -> [String; 4] {
    let igmp = if status.igmp { "yes" } else { "-" };
    let state = if status.handover.is_some() { "changing hands" } else { "" };
    [names.of_interface(status.interface), names.of_client(status.owner), igmp.to_owned(), state.to_owned()]
}

/// Each entry once, with all the places where it is held.
fn places<A: Address>(groups: &[Membership<A>], names: &Names) -> impl Iterator<Item = [String; 2]> {
    let of_one_entry = groups.chunk_by(|one, next| one.entry == next.entry);
    of_one_entry.filter_map(|held| {
        let entry = held.first()?.entry.to_string();
        let places: Vec<_> = held.iter().map(|held| place(held, names)).collect();
        Some([entry, places.join(", ")])
    })
}

pub(super) fn place<A: Address>(held: &Membership<A>, names: &Names) -> String {
    let by = match held.kind {
        MembershipKind::Joined => "by",
        MembershipKind::Blocked => "blocked by",
    };
    format!("{} {by} {}", names.of_interface(held.interface), names.of_client(held.added_by))
}

fn cells<A: Address>(mfe: &MfeSnapshot<A>, names: &Names) -> [String; 9] {
    let oifs = or_dash(names.of_interfaces(&mfe.oifs));
    [
        mfe.source.to_string(),
        mfe.group.to_string(),
        names.of_interface(mfe.iif),
        or_dash(mfe.owner.map(|owner| names.of_client(owner))),
        or_dash(mfe.upstream),
        clock(mfe.up),
        mfe.expires_in.map_or_else(|| "never".to_owned(), clock),
        or_dash(mfe.stats.as_ref().map(|stats| stats.packets)),
        match &mfe.failure {
            None => oifs,
            Some(failure) => format!("{oifs}  ! {failure}"),
        },
    ]
}

/// What an operator should look into, if there is anything.
fn faults<A: Address>(shown: &Snapshot<A>) -> impl Iterator<Item = String> {
    let leftovers = shown.leftovers.iter().map(|leftover| format!("! {leftover}"));
    let counts = [(shown.wrong_answers, "wrong answers to rpf"), (shown.caught_panics, "panics caught")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    leftovers.chain(counts.map(|(count, what)| format!("! {what}: {count}")))
}

impl<A: Address> Display for LeftoverSnapshot<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, group, failure } = self;
        write!(f, "({source}, {group}) is deleted, but stays in the forwarder: {failure}")
    }
}

pub(super) fn or_dash(cell: Option<impl Display>) -> String {
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
pub(super) fn table<const N: usize>(
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
    // The last column is as wide as it likes: nothing comes after it, and a width that is formatted has sixteen bits.
    if let Some(last) = widths.last_mut() {
        *last = 0;
    }
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
