//! What holds without a model, from what the clients heard and what can be read: CT-5 and CT-8 (the owner of the
//! interface toward a source has been told to pull an (S,G) if and only if some other client wants it), and FW-6.

use std::collections::{BTreeMap, BTreeSet};

use mgm::{AlertCause, ClientName, Entry, Interface, MembershipKind, Mfe, Mgm};

use super::naive::Alert;
use super::ops::{FLOWS, Op, flow, interfaces};
use super::scripts::Table;
use super::world::{Event, Verdict, World};
use crate::ops::name;

type Told = BTreeSet<(ClientName, Entry)>;

/// What was heard so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Who has been told to pull what, for the sake of memberships.
    told: Told,
    owners: BTreeMap<Interface, ClientName>,
}

impl Ledger {
    /// Takes down one call; fails where an invariant is broken.
    pub(crate) fn enter(&mut self, world: &World, event: &Event) -> Verdict {
        for (to, alert) in &event.told {
            self.hear(name(*to), alert)?;
        }
        if let Op::Drop(slot) = event.op {
            self.told.retain(|(to, _)| *to != name(slot));
        }
        let to_pull = to_pull(&world.mgm, &world.table);
        if self.told != to_pull {
            return Err(format!("CT-5, CT-8: told to pull {:?}, and due is {to_pull:?}", self.told));
        }
        let keys: BTreeSet<_> = event.before.iter().chain(&event.after).map(key).collect();
        keys.into_iter().try_for_each(|entry| self.check_entry(event, entry))?;
        self.owners = interfaces().filter_map(|on| Some((on, world.mgm.owner(on)?))).collect();
        Ok(())
    }

    fn hear(&mut self, to: ClientName, alert: &Alert) -> Verdict {
        let in_order = match *alert {
            Alert::Join(entry @ Entry::SourceGroup(..), AlertCause::Membership) => {
                self.told.insert((to, entry))
            }
            Alert::Prune(entry @ Entry::SourceGroup(..), AlertCause::Membership) => {
                self.told.remove(&(to, entry))
            }
            _ => true,
        };
        if in_order { Ok(()) } else { Err(format!("{alert:?} to {to}, which was told so already")) }
    }

    /// FW-6, FW-9: who heard of the entry is who had to.
    fn check_entry(&self, event: &Event, entry: Entry) -> Verdict {
        let find = |mfes: &[Mfe]| mfes.iter().find(|mfe| key(mfe) == entry).cloned();
        let due = match (event.op, find(&event.before), find(&event.after)) {
            (Op::Packet(..) | Op::Unknown(..), None, Some(made)) => Some(self.due_of_new(&made)),
            (Op::Route(..) | Op::RoutesChanged(_), Some(before), Some(after)) => {
                Some(due_of_moved(&before, &after))
            }
            (Op::Set(..) | Op::State(..), Some(before), Some(after)) => self.due_of_changed(&before, &after),
            // Its interfaces change hands before it does.
            (Op::Take(..) | Op::Release(..) | Op::Drop(_) | Op::Remove(_), Some(before), Some(after)) => {
                self.due_of_changed(&before, &after)
            }
            (Op::Mfe(..) | Op::Wrong(..), ..) => Some(Vec::new()),
            _ => None,
        };
        let of_entry = |(to, alert): &(usize, Alert)| match *alert {
            Alert::Join(of, AlertCause::ForwardingEntry) if of == entry => Some((name(*to), true)),
            Alert::Prune(of, AlertCause::ForwardingEntry) if of == entry => Some((name(*to), false)),
            _ => None,
        };
        let heard: Vec<_> = event.told.iter().filter_map(of_entry).collect();
        match due {
            Some(due) if due != heard => Err(format!("FW-6: of {entry} hear {heard:?}, and due is {due:?}")),
            Some(_) | None => Ok(()),
        }
    }

    fn due_of_new(&self, made: &Mfe) -> Vec<(ClientName, bool)> {
        let is_pulled = made.oifs.iter().any(|on| self.owners.get(on).copied() != made.owner);
        let due = made.owner.filter(|_| made.oifs.is_empty() || is_pulled);
        due.into_iter().map(|owner| (owner, is_pulled)).collect()
    }

    /// Open where interfaces of the owner of the iif and of others came or went at once.
    fn due_of_changed(&self, before: &Mfe, after: &Mfe) -> Option<Vec<(ClientName, bool)>> {
        let Some(owner) = before.owner.filter(|_| before.oifs.is_empty() != after.oifs.is_empty()) else {
            return Some(Vec::new());
        };
        let own = |on: &&Interface| self.owners.get(on) == Some(&owner);
        let changed = before.oifs.iter().chain(&after.oifs);
        match changed.clone().filter(own).count() {
            0 => Some(vec![(owner, before.oifs.is_empty())]),
            count if count == changed.count() => Some(Vec::new()),
            _ => None,
        }
    }
}

fn due_of_moved(before: &Mfe, after: &Mfe) -> Vec<(ClientName, bool)> {
    if before.owner == after.owner {
        return Vec::new();
    }
    let (old, new) = (before.owner, after.owner.filter(|_| !after.oifs.is_empty()));
    old.into_iter().map(|old| (old, false)).chain(new.map(|new| (new, true))).collect()
}

/// What each protocol has to pull for the sake of (S,G) memberships.
pub(crate) fn to_pull(mgm: &Mgm, table: &Table) -> Told {
    let joined: Vec<_> = mgm.groups().filter(|held| held.kind == MembershipKind::Joined).collect();
    let flows = (0..FLOWS).map(flow).filter_map(|(source, group)| {
        let route = table.0.lock().unwrap().find(source)?;
        let owner = mgm.owner(route.interface).filter(|owner| *owner != ClientName::Igmp)?;
        let entry = Entry::SourceGroup(source, group);
        let by_others = joined.iter().any(|held| held.entry == entry && held.counts_for != owner);
        by_others.then_some((owner, entry))
    });
    flows.collect()
}

fn key(mfe: &Mfe) -> Entry {
    Entry::SourceGroup(mfe.source, mfe.group)
}
