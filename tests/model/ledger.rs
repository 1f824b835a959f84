//! What clients know by their alerts alone.

use std::collections::BTreeSet;

use mgm::{Alert, AlertCause, Entry, Interface, MembershipKind, Pull};

use crate::words::{Uid, Verdict};

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Ledger {
    /// Told to pull, for the sake of memberships.
    pub(crate) pulls: BTreeSet<(Uid, Entry)>,
    /// Told to pull, for the sake of forwarding entries.
    pub(crate) streams: BTreeSet<(Uid, Entry)>,
    /// What IGMP holds on interfaces of theirs.
    pub(crate) locals: BTreeSet<(Uid, Interface, Entry, MembershipKind)>,
}

impl Ledger {
    /// CL-5: a client counts as told of all that others want when it registers.
    pub(crate) fn register(&mut self, client: Uid, pulls: impl IntoIterator<Item = Entry>) {
        self.pulls.extend(pulls.into_iter().map(|entry| (client, entry)));
    }

    pub(crate) fn forget(&mut self, client: Uid) {
        self.pulls.retain(|(it, _)| *it != client);
        self.streams.retain(|(it, _)| *it != client);
        self.locals.retain(|(it, ..)| *it != client);
    }

    /// What it has been told to pull.
    pub(crate) fn told(&self, client: Uid) -> BTreeSet<Pull> {
        let of = |entries: &BTreeSet<(Uid, Entry)>, cause| -> Vec<_> {
            let its = entries.iter().filter(|(it, _)| *it == client);
            its.map(|(_, entry)| Pull { entry: *entry, cause }).collect()
        };
        let wanted = of(&self.pulls, AlertCause::Membership);
        wanted.into_iter().chain(of(&self.streams, AlertCause::ForwardingEntry)).collect()
    }

    /// FW-6: an entry that is deleted takes its told state with it.
    pub(crate) fn keep_streams(&mut self, is_there: impl Fn(Entry) -> bool) {
        self.streams.retain(|(_, entry)| is_there(*entry));
    }

    /// Whether the client has to pull an entry: it was told so, or IGMP or it itself joined what covers it.
    pub(crate) fn has_reason(&self, client: Uid, entry: Entry, joined: &BTreeSet<Entry>) -> bool {
        let is_local = |entry| {
            self.locals
                .iter()
                .any(|(it, _, held, kind)| (*it, *held, *kind) == (client, entry, MembershipKind::Joined))
        };
        let covers = |by: Entry| self.pulls.contains(&(client, by)) || joined.contains(&by) || is_local(by);
        self.streams.contains(&(client, entry)) || covering(entry).into_iter().any(covers)
    }

    /// Nobody is told twice of the same, but of a forwarding entry when it is made or renewed (FW-6).
    pub(crate) fn hear(&mut self, to: Uid, alert: &Alert) -> Verdict {
        use MembershipKind::{Blocked, Joined};
        let from = Entry::SourceGroup;
        let is_new = match *alert {
            Alert::Join { entry, cause: AlertCause::Membership } => self.pulls.insert((to, entry)),
            Alert::Prune { entry, cause: AlertCause::Membership } => self.pulls.remove(&(to, entry)),
            Alert::Join { entry, .. } => {
                self.streams.insert((to, entry));
                true
            }
            Alert::Prune { entry, .. } => {
                self.streams.remove(&(to, entry));
                true
            }
            Alert::LocalJoin { interface, entry } => self.locals.insert((to, interface, entry, Joined)),
            Alert::LocalLeave { interface, entry } => self.locals.remove(&(to, interface, entry, Joined)),
            Alert::LocalBlock { interface, source, group } => {
                self.locals.insert((to, interface, from(source, group), Blocked))
            }
            Alert::LocalUnblock { interface, source, group } => {
                self.locals.remove(&(to, interface, from(source, group), Blocked))
            }
            _ => true,
        };
        if is_new { Ok(()) } else { Err(format!("{alert:?} to {to}, which was told so already")) }
    }
}

/// A wish for a wildcard is answered by itself only, one for an (S,G) by what covers it.
fn covering(entry: Entry) -> Vec<Entry> {
    match entry {
        Entry::SourceGroup(_, group) if group.address().octets()[0] != 232 => {
            vec![entry, Entry::Group(group), Entry::AllGroups]
        }
        Entry::AllGroups | Entry::Group(_) | Entry::SourceGroup(..) => vec![entry],
    }
}
