//! What clients know by their alerts alone.

use std::collections::BTreeSet;

use mgm::{AlertCause, Entry, Interface, MembershipKind};

use crate::words::{Alert, Uid, Verdict};

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

    /// FW-6: an entry that is deleted takes its told state with it.
    pub(crate) fn keep_streams(&mut self, is_there: impl Fn(Entry) -> bool) {
        self.streams.retain(|(_, entry)| is_there(*entry));
    }

    /// Nobody is told twice of the same, but of a forwarding entry when it is made or renewed (FW-6).
    pub(crate) fn hear(&mut self, to: Uid, alert: &Alert) -> Verdict {
        let is_new = match *alert {
            Alert::Join(entry, AlertCause::Membership) => self.pulls.insert((to, entry)),
            Alert::Prune(entry, AlertCause::Membership) => self.pulls.remove(&(to, entry)),
            Alert::Join(entry, _) => {
                self.streams.insert((to, entry));
                true
            }
            Alert::Prune(entry, _) => {
                self.streams.remove(&(to, entry));
                true
            }
            Alert::LocalJoin(on, entry) => self.locals.insert((to, on, entry, MembershipKind::Joined)),
            Alert::LocalLeave(on, entry) => self.locals.remove(&(to, on, entry, MembershipKind::Joined)),
            Alert::LocalBlock(on, entry) => self.locals.insert((to, on, entry, MembershipKind::Blocked)),
            Alert::LocalUnblock(on, entry) => self.locals.remove(&(to, on, entry, MembershipKind::Blocked)),
            Alert::WrongInterface(..) | Alert::Removed(_) => true,
        };
        if is_new { Ok(()) } else { Err(format!("{alert:?} to {to}, which was told so already")) }
    }
}
