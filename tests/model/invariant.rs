//! What holds at every quiet moment, from what the clients heard and what can be read, without the model.

use std::collections::BTreeSet;
use std::time::Instant;

use mgm::{ClientName, Entry, GroupAddr, Interface, MembershipKind, Route, SourceAddr};

use crate::ledger::Ledger;
use crate::ops::{self, Key, Op, interfaces};
use crate::replay::Event;
use crate::rib::Routes;
use crate::rig::Rig;
use crate::words::{Entered, Heard, Uid, Verdict, View};

/// Follows what the clients of one manager hear.
#[derive(Debug)]
pub(crate) struct Watch {
    igmp_is_told: bool,
    /// Every registration, and whether it still stands.
    clients: Vec<(ClientName, bool)>,
    ledger: Ledger,
}

impl Watch {
    pub(crate) fn new(igmp_is_told: bool) -> Self {
        Self { igmp_is_told, clients: Vec::new(), ledger: Ledger::default() }
    }

    /// Takes down what has happened; in the end nothing goes on any more.
    pub(crate) fn enter(&mut self, events: &[Event], rib: &Routes) -> Verdict {
        let mut calls = Vec::new();
        for event in events {
            match event {
                Event::Begins(call) => calls.push(call),
                Event::Ends(outcome, view) => {
                    let call = calls.pop().filter(|_| outcome.is_ok());
                    match call {
                        Some(Op::Register(slot)) => self.register(ops::name(*slot), view, rib),
                        Some(Op::Deregister(client) | Op::Drop(client)) => self.forget(*client),
                        _ => {}
                    }
                    self.ledger.keep_streams(|entry| view.mfes.iter().any(|mfe| entry_of(mfe.key) == entry));
                }
                Event::Hears(to, Heard::Alert(alert), view) => {
                    self.ledger.keep_streams(|entry| view.mfes.iter().any(|mfe| entry_of(mfe.key) == entry));
                    self.ledger.hear(*to, alert)?;
                }
                Event::Hears(..) | Event::Returns(_) => {}
            }
        }
        Ok(())
    }

    /// EN-5: each client reads what it has heard.
    pub(crate) fn check_read(&self, view: &View) -> Verdict {
        let standing = self.clients.iter().enumerate().filter(|(_, (_, stands))| *stands);
        for (client, (name, _)) in standing {
            let read = view.told.get(name).cloned().unwrap_or_default();
            let heard = self.ledger.told(client);
            if read != heard {
                return Err(format!("EN-5: {name} reads {read:?}\n  heard {heard:?}"));
            }
        }
        Ok(())
    }

    /// CT-4, CT-5, CT-7, CT-8, FW-6: the alerts have said what can be read.
    pub(crate) fn check(&self, view: &View, rib: &Routes) -> Verdict {
        let told =
            self.clients.iter().enumerate().filter(|(_, (name, stands))| *stands && self.is_told(*name));
        let told: Vec<_> = told.map(|(client, (name, _))| (client, *name)).collect();
        let due = due(&told, view, rib);
        if self.ledger == due {
            return Ok(());
        }
        Err(format!("CT-4 to CT-8, FW-6: told {:?}\n  due {due:?}", self.ledger))
    }

    fn register(&mut self, name: ClientName, view: &View, rib: &Routes) {
        let client = self.clients.len();
        self.clients.push((name, true));
        if self.is_told(name) {
            self.ledger.register(
                client,
                due(&[(client, name)], view, rib).pulls.into_iter().map(|(_, entry)| entry),
            );
        }
    }

    fn forget(&mut self, client: Uid) {
        self.clients[client].1 = false;
        self.ledger.forget(client);
    }

    fn is_told(&self, name: ClientName) -> bool {
        name != ClientName::Igmp || self.igmp_is_told
    }
}

/// What these clients have to know.
pub(crate) fn due(clients: &[(Uid, ClientName)], view: &View, rib: &Routes) -> Ledger {
    let mut due = Ledger::default();
    for (client, name) in clients {
        due.pulls.extend(pulls(*name, view, rib).into_iter().map(|entry| (*client, entry)));
        let streams = view.mfes.iter().filter(|mfe| mfe.owner == Some(*name) && is_pulled(mfe, view));
        due.streams.extend(streams.map(|mfe| (*client, entry_of(mfe.key))));
        let by_igmp = view.groups.iter().filter(|held| held.added_by == ClientName::Igmp);
        let locals = by_igmp.filter(|held| held.counts_for == *name && *name != ClientName::Igmp);
        due.locals.extend(locals.map(|held| (*client, held.interface, held.entry, held.kind)));
    }
    due
}

/// CT-4, CT-5.
fn pulls(client: ClientName, view: &View, rib: &Routes) -> BTreeSet<Entry> {
    let by_others =
        view.groups.iter().filter(|held| held.kind == MembershipKind::Joined && held.counts_for != client);
    let is_its = |source| rib.find(source).and_then(|route| owner(view, route.interface)) == Some(client);
    by_others.map(|held| held.entry).filter(|entry| entry.source().is_none_or(is_its)).collect()
}

/// FW-6.
fn is_pulled(mfe: &Entered, view: &View) -> bool {
    mfe.oifs.iter().any(|on| owner(view, *on) != mfe.owner)
}

fn owner(view: &View, on: Interface) -> Option<ClientName> {
    view.interfaces.iter().find(|status| status.interface == on)?.owner
}

fn entry_of((group, source): Key) -> Entry {
    Entry::SourceGroup(source, group)
}

/// FW-2, but for the oifs that forward state may put in or keep out.
pub(crate) fn check_oifs(view: &View, open: &BTreeSet<(Interface, Key)>) -> Verdict {
    for mfe in &view.mfes {
        let is_due = |on: &Interface| *on != mfe.iif && is_wanted(view, *on, mfe.key);
        let settled = interfaces().filter(|on| !open.contains(&(*on, mfe.key)));
        let differs = |on: &Interface| mfe.oifs.contains(on) != is_due(on);
        if let Some(on) = settled.into_iter().find(differs) {
            return Err(format!("FW-2: {on} in {mfe:?}, with {:?}", view.groups));
        }
    }
    Ok(())
}

fn is_wanted(view: &View, on: Interface, (group, source): Key) -> bool {
    let here = || view.groups.iter().filter(move |held| held.interface == on);
    let clients: BTreeSet<_> = here().map(|held| held.added_by).collect();
    let is_ssm = group.address().octets()[0] == 232;
    clients.into_iter().any(|client| {
        let own = || here().filter(move |held| held.added_by == client);
        match own().find(|held| held.entry == Entry::SourceGroup(source, group)) {
            Some(held) => held.kind == MembershipKind::Joined,
            None => {
                !is_ssm && own().any(|held| [Entry::AllGroups, Entry::Group(group)].contains(&held.entry))
            }
        }
    })
}

/// FW-1, FW-4, FW-9: each entry comes in where its route leads, or where the owner of the interface there said.
pub(crate) fn check_ways(view: &View, rib: &Routes) -> Verdict {
    for mfe in &view.mfes {
        let (_, source) = mfe.key;
        let route: Option<Route> = rib.find(source);
        let due = route.and_then(|route| owner(view, route.interface));
        let comes_in_there = due.is_some() || route.is_none_or(|route| route.interface == mfe.iif);
        let its_own = due.is_none() || owner(view, mfe.iif) == due;
        let prefix = route.map(|route| route.prefix);
        if mfe.owner != due || mfe.prefix != prefix || !comes_in_there || !its_own {
            return Err(format!("FW-1, FW-4, FW-9: {mfe:?}, by the RIB {route:?} of {due:?}"));
        }
    }
    Ok(())
}

/// FW-16: a loop that sleeps until it was last told to is never late.
pub(crate) fn check_due(rig: &Rig) -> Verdict {
    let (due, alarm) = (rig.mgm.next_due(), *rig.alarm.lock().unwrap());
    let first = rig.mgm.mfes().filter_map(|mfe| mfe.expires).min();
    let is_late = |next: Option<Instant>, due: &Instant| next.is_none_or(|next| next > *due);
    if let Some(first) = first.filter(|first| is_late(due, first)) {
        return Err(format!("FW-16: an entry is due at {first:?}, and the manager at {due:?}"));
    }
    let late = due.filter(|due| is_late(alarm, due));
    late.map_or(Ok(()), |due| {
        Err(format!("FW-16: the manager is due at {due:?}, and was called for {alarm:?}"))
    })
}

/// FW-11, FW-12: the forwarder holds exactly the manager's entries, but for what is marked; EN-2.
pub(crate) fn check_forwarder(rig: &Rig) -> Verdict {
    let notes = rig.plane.notes();
    notes.broken.clone().map_or(Ok(()), Err)?;
    let mfes: Vec<_> = rig.mgm.mfes().collect();
    let failures = rig.mgm.forwarder_failures();
    for (number, mfe) in mfes.iter().enumerate() {
        let key = (mfe.group, mfe.source);
        let held = rig.plane.entry(key).map(|entry| (entry.iif, entry.oifs));
        let is_marked =
            failures.iter().any(|failure| !failure.deleted && (failure.group, failure.source) == key);
        if !is_marked && held.as_ref() != Some(&(mfe.iif, mfe.oifs.clone())) {
            return Err(format!("FW-12: {mfe:?}, in the forwarder {held:?}"));
        }
        let after: Vec<_> = rig.mgm.mfes_after(mfe.source, mfe.group).collect();
        if rig.mgm.mfe(mfe.source, mfe.group).as_ref() != Some(mfe) || after != mfes[number + 1..] {
            return Err(format!("EN-2: {mfe:?}, and after it {after:?}"));
        }
    }
    let is_known = |source: SourceAddr, group: GroupAddr| rig.mgm.mfe(source, group).is_some();
    let is_deleted = |source, group| {
        failures.iter().any(|failure| failure.deleted && (failure.source, failure.group) == (source, group))
    };
    let astray = rig.plane.memory.entries().into_iter();
    let mut astray = astray.filter(|it| !is_known(it.source, it.group) && !is_deleted(it.source, it.group));
    astray.next().map_or(Ok(()), |entry| Err(format!("FW-12: left in the forwarder: {entry:?}")))
}
