//! Memberships and blocks, and who is told of them.

use std::collections::BTreeSet;

use mgm::{AlertCause, Change, Entry, Error, GroupAddr, Interface, MembershipKind, SourceAddr};

use super::{Alert, Answer, IGMP, Model, Slot, is_ssm};
use crate::ops::{SLOTS, Verb};

impl Model {
    pub(crate) fn set(&mut self, verb: Verb, slot: Slot, on: Interface, entry: Entry) -> Answer {
        if let Entry::Group(group) = entry
            && is_ssm(group)
        {
            return Err(vec![Error::SourceRequired { group, range: "232.0.0.0/8".parse().unwrap() }]);
        }
        if !self.on[slot].contains(&on) {
            return Err(vec![self.not_on(slot, on)]);
        }
        let old = self.held.get(&(on, slot, entry)).copied();
        let new = match (verb, old) {
            (Verb::Add, _) => Some(MembershipKind::Joined),
            (Verb::Block, _) => Some(MembershipKind::Blocked),
            (Verb::Delete, Some(MembershipKind::Joined)) | (Verb::Unblock, Some(MembershipKind::Blocked)) => {
                None
            }
            (Verb::Delete | Verb::Unblock, old) => old,
        };
        if new == old {
            return Ok(Some(Change::Unchanged));
        }
        if let Some(source) = entry.source() {
            let route = self.rib.find(source);
            self.known.entry(source).or_insert(route);
        }
        self.change(on, |model| model.hold((on, slot, entry), new));
        Ok(Some(Change::Changed))
    }

    pub(super) fn withdraw(&mut self, on: Interface, slot: Slot) {
        let held = self.held.keys().filter(|(at, by, _)| (*at, *by) == (on, slot));
        held.copied().collect::<Vec<_>>().into_iter().for_each(|at| self.hold(at, None));
    }

    /// CT-1 to CT-5, CT-7.
    pub(super) fn hold(&mut self, at: (Interface, Slot, Entry), new: Option<MembershipKind>) {
        let (on, client, entry) = at;
        let before = self.wanting(entry);
        let old = match new {
            Some(kind) => self.held.insert(at, kind),
            None => self.held.remove(&at),
        };
        let after = self.wanting(entry);
        if let Some(owner) = self.protocol(on).filter(|_| client == IGMP) {
            let ended = old.map(|kind| match kind {
                MembershipKind::Joined => Alert::LocalLeave(on, entry),
                _ => Alert::LocalUnblock(on, entry),
            });
            let begun = new.map(|kind| match kind {
                MembershipKind::Joined => Alert::LocalJoin(on, entry),
                _ => Alert::LocalBlock(on, entry),
            });
            ended.into_iter().chain(begun).for_each(|alert| self.tell(owner, alert));
        }
        // CT-3 to CT-5: told to pull, exactly while some other client wants it.
        for protocol in 1..SLOTS {
            let is_told = entry.source().is_none_or(|source| self.upstream_owner(source) == Some(protocol));
            let by_others = |wanting: &BTreeSet<Slot>| wanting.iter().any(|client| *client != protocol);
            if is_told && by_others(&before) != by_others(&after) {
                self.tell_upstream(Some(protocol), entry, by_others(&after), AlertCause::Membership);
            }
        }
    }

    /// The clients that want `entry`: each interface counts for its owner.
    pub(super) fn wanting(&self, entry: Entry) -> BTreeSet<Slot> {
        let held = self.held.iter().filter(|((.., held), _)| *held == entry);
        held.filter(|(_, kind)| **kind == MembershipKind::Joined)
            .filter_map(|((on, ..), _)| self.owner(*on))
            .collect()
    }

    pub(super) fn wanted_from_source(&self) -> impl Iterator<Item = (SourceAddr, GroupAddr)> {
        let joined = self.held.iter().filter(|(_, kind)| **kind == MembershipKind::Joined);
        joined.filter_map(|((.., entry), _)| Some((entry.source()?, entry.group()?)))
    }

    pub(super) fn upstream_owner(&self, source: SourceAddr) -> Option<Slot> {
        self.protocol(self.known.get(&source).copied().flatten()?.interface)
    }
}
