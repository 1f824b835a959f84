//! A membership that comes and goes, and the entries of its group that follow.

use std::cell::LazyCell;
use std::ops::Deref;
use std::time::Duration;

use criterion::Criterion;
use mgm::{Change, Entry};

use super::pairs::{group, source};
use super::router::{QUIET, Router};
use super::support::{add, interface, sized, timed};
use super::{Million, Subject, Summary, compare};

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary, million: &impl Deref<Target = Million>) {
    let [one, hundred, many] =
        [1, 100, 10_000].map(|entries| LazyCell::new(move || Crowd::new(&million.router, entries)));
    for (floor, subject, names) in
        [(&one, &hundred, ["one", "100 MFEs"]), (&hundred, &many, ["100", "10 thousand MFEs"])]
    {
        let [floor_name, name] = names.map(|name| format!("a membership change of {name}"));
        let floor = Subject { name: floor_name, turn: &mut || floor.turn() };
        let subject = Subject { name, turn: &mut || subject.turn() };
        // Linear is a hundredfold; what every change costs makes it less, and the memory that is touched more.
        compare(criterion, summary, (floor, subject), Some(130.0));
    }
}

/// A group with entries.
struct Crowd<'a> {
    router: &'a Router,
    /// How many the bench is about.
    entries: u32,
    /// How many there are: fewer where the bench is only tried.
    size: u32,
}

impl<'a> Crowd<'a> {
    fn new(router: &'a Router, entries: u32) -> Self {
        let size = u32::try_from(sized(usize::try_from(entries).expect("few")).max(1)).expect("few");
        let crowd = Self { router, entries, size };
        (0..size).for_each(|number| router.make((source(11 << 24 | number), crowd.group())));
        crowd
    }

    /// None of [`Pairs`](super::Pairs).
    fn group(&self) -> mgm::GroupAddr {
        group(1 << 20 | self.entries)
    }

    fn turn(&self) -> Duration {
        let (igmp, quiet, entry) = (&self.router.igmp, interface(QUIET), Entry::Group(self.group()));
        let added = timed(|| add(igmp, quiet, entry));
        assert_eq!(self.forwarding(), self.size);
        let deleted = timed(|| assert_eq!(igmp.delete_group_membership(quiet, entry), Ok(Change::Changed)));
        assert_eq!(self.forwarding(), 0);
        added + deleted
    }

    /// How many entries of the group have the interface as an oif.
    fn forwarding(&self) -> u32 {
        let mfe = |number| self.router.mgm.mfe(source(11 << 24 | number), self.group());
        let has_oif = |mfe: Option<mgm::Mfe>| mfe.is_some_and(|mfe| mfe.oifs == [interface(QUIET)]);
        (0..self.size).map(|number| u32::from(has_oif(mfe(number)))).sum()
    }
}
