//! Memberships and blocks: adding, deleting, and all that follows (MB-1 to MB-4, MB-6 to MB-9, HO-13, CT-7).

use std::collections::BTreeMap;

use super::Engine;
use super::held::{Held, Seen, Step};
use super::holding::local_alerts;
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Hashed, Key};
use super::permission::Holder;
use super::table::Cursor;
use crate::error::{Error, Limit};
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Change, MembershipKind};

/// An add or a delete of one entry, of a membership or of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit<A> {
    pub(crate) entry: Entry<A>,
    pub(crate) action: Action,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    Set(MembershipKind),
    Clear(MembershipKind),
}

impl Action {
    /// What is held afterwards. MB-6: setting one kind replaces the other; clearing one leaves the other alone.
    fn apply(self, held: Option<MembershipKind>) -> Option<MembershipKind> {
        match self {
            Self::Set(kind) => Some(kind),
            Self::Clear(kind) => held.filter(|held| *held != kind),
        }
    }
}

/// Whether an add has to find room under the limits (MB-7), or that has been kept for it (MB-9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    Needed,
    Kept,
}

/// What an edit asks for, looked at and not yet done.
enum Intent {
    /// It is so already.
    Nothing,
    /// It is so already, and counts as added again (HO-13).
    Confirm(Step),
    Change(Step),
}

impl<A: Address> Engine<A> {
    /// Adds or deletes one entry. `waiting` says how many alerts already wait for a client (MB-7).
    pub(crate) fn edit(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edit: Edit<A>,
        waiting: &impl Fn(ClientKey) -> usize,
    ) -> Result<Change, Error<A>> {
        self.active(client)?;
        self.refuse_without_source(edit.entry)?;
        let holder = self.seat(client, interface)?;
        if let Action::Set(_) = edit.action {
            self.refuse_while_leaving(holder)?;
        }
        let at = self.at(Key::from(edit.entry));
        match self.intent(holder, at, edit.action, Room::Needed)? {
            Intent::Nothing => Ok(Change::Unchanged),
            Intent::Confirm(step) => {
                self.confirm(holder.id, at, &step);
                Ok(Change::Unchanged)
            }
            Intent::Change(step) => {
                if let Action::Set(_) = edit.action {
                    self.refuse_overfull(holder, &[edit], waiting)?;
                }
                self.step(holder.id, at, &step);
                Ok(Change::Changed)
            }
        }
    }

    /// MB-8: several edits in one step. All that they are about is found before any of it is changed, so that the
    /// processor waits for it once; and what follows is the difference between before and after.
    pub(crate) fn edit_page(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
        room: Room,
    ) -> Vec<Result<Change, Error<A>>> {
        let holder = self.holder(client, interface);
        let ats: Vec<_> = edits.iter().map(|edit| self.at(Key::from(edit.entry))).collect();
        if let Ok(holder) = &holder {
            ats.iter().for_each(|at| self.touch(holder.id, *at));
        }
        let mut changed: Vec<(Hashed<Key<A>>, Seen)> = Vec::with_capacity(edits.len());
        let judge = |(edit, at): (&Edit<A>, &Hashed<Key<A>>)| {
            self.active(client)?;
            self.refuse_without_source(edit.entry)?;
            let holder = holder.clone()?;
            if let Action::Set(_) = edit.action {
                self.refuse_while_leaving(holder)?;
            }
            match self.intent(holder, *at, edit.action, room)? {
                Intent::Nothing => Ok(Change::Unchanged),
                Intent::Confirm(step) if !self.is_past(holder.id, step.before.held) => {
                    self.write_held(holder.id, *at, &step);
                    Ok(Change::Unchanged)
                }
                Intent::Confirm(step) | Intent::Change(step) => {
                    self.write_held(holder.id, *at, &step);
                    if !changed.iter().any(|(written, _)| written.key == at.key) {
                        changed.push((*at, step.before));
                    }
                    Ok(Change::Changed)
                }
            }
        };
        let results = edits.iter().zip(&ats).map(judge).collect();
        if let Ok(holder) = holder {
            self.keep_sources();
            for (at, before) in changed {
                let Some(record) = self.interfaces.get(holder.id) else { continue };
                let after = Seen { parties: record.parties, held: record.held(at) };
                self.follow(holder.id, at, &Step { before, after });
            }
            self.forget_sources();
        }
        results
    }

    /// Looks for an entry in both tables, so that it is in the cache when it is changed.
    fn touch(&self, id: InterfaceId, at: Hashed<Key<A>>) {
        if let Some(record) = self.interfaces.get(id) {
            record.touch(at);
        }
        std::hint::black_box(self.interests.find(at));
    }

    fn intent(
        &self,
        holder: Holder,
        at: Hashed<Key<A>>,
        action: Action,
        room: Room,
    ) -> Result<Intent, Error<A>> {
        let Holder { client, id, party } = holder;
        let Some(record) = self.interfaces.get(id) else { return Ok(Intent::Nothing) };
        let held = record.held(at);
        let present = record.present(held);
        let (old, new) = (present.of(party), action.apply(present.of(party)));
        let step = |held_after: Held| Step {
            before: record.seen(held),
            after: Seen { parties: record.parties, held: held_after },
        };
        let after = present.with(party, new, record.marks);
        match action {
            Action::Clear(_) if old == new => Ok(Intent::Nothing),
            Action::Set(_) if old == new && held == after => Ok(Intent::Nothing),
            Action::Set(_) if old == new => Ok(Intent::Confirm(step(after))),
            Action::Set(_) if old.is_none() && room == Room::Needed => {
                self.refuse_growth(client, id, 1)?;
                Ok(Intent::Change(step(after)))
            }
            Action::Set(_) | Action::Clear(_) => Ok(Intent::Change(step(after))),
        }
    }

    /// HO-13: nobody is told, but of what the step brings over with it.
    fn confirm(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: &Step) {
        if self.is_past(id, step.before.held) {
            self.step(id, at, step);
        } else {
            self.write_held(id, at, step);
        }
    }

    fn is_past(&self, id: InterfaceId, held: Held) -> bool {
        self.interfaces.get(id).is_some_and(|record| held.is_past(record.marks))
    }

    /// Makes a step of what is held of one entry on one interface, with all that follows.
    pub(super) fn step(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: &Step) {
        self.write_held(id, at, step);
        self.follow(id, at, step);
    }

    /// All that follows from a step that is written: who wants what, who is told, and what is forwarded.
    fn follow(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: &Step) {
        if at.key.names_source() && self.sources.has_rib() {
            self.follow_source_group(at, Some((id, *step)));
        } else {
            let shift = self.follow_interest(id, at, step);
            // Without a RIB nobody owns the interface toward a source, so nobody is told of an (S,G) (CT-5).
            if !at.key.names_source() {
                self.tell_of_shift(at.key, shift);
            }
        }
        self.refresh_covered(id, at.key);
    }

    /// Makes one step for each hold of a page that `pick` picks, as `change` says; it picks none of those any more then.
    /// Says whether none is left from `cursor` on, or where to go on.
    pub(super) fn step_page(
        &mut self,
        id: InterfaceId,
        cursor: Cursor,
        pick: impl Fn(&InterfaceRecord<A>, Held) -> bool,
        change: impl Fn(&InterfaceRecord<A>, Held) -> Held,
    ) -> Option<Cursor> {
        let record = self.interfaces.get(id)?;
        let picked = record.all_held().pick(cursor, |_, held| pick(record, *held), self.page.room());
        self.page.look_at(picked.looks);
        let ats: Vec<_> = picked.keys.into_iter().map(|key| self.at(key)).collect();
        ats.iter().for_each(|at| self.touch(id, *at));
        for at in ats {
            let record = self.interfaces.get(id)?;
            // What came before in this page may have brought it over with its source (HO-12).
            let held = record.held(at);
            if held.is_nothing() || !pick(record, held) {
                continue;
            }
            // What was picked is changed in this page, however much was looked at for it: each page gets further.
            if self.page.room() == 0 {
                return Some(cursor);
            }
            let after = Seen { parties: record.parties, held: change(record, held) };
            let step = Step { before: record.seen(held), after };
            self.step(id, at, &step);
        }
        picked.next
    }

    /// MB-4, RFC 4607 §5.2: (\*,G) in the SSM range must not be established.
    pub(super) fn refuse_without_source(&self, entry: Entry<A>) -> Result<(), Error<A>> {
        let Entry::Group(group) = entry else { return Ok(()) };
        self.ssm_range(group).map_or(Ok(()), |range| Err(Error::SourceRequired { group, range }))
    }

    /// MB-7: refuses so many memberships and blocks more.
    pub(super) fn refuse_growth(
        &self,
        client: ClientKey,
        id: InterfaceId,
        more: usize,
    ) -> Result<(), Error<A>> {
        let passed = |limit: Option<usize>, count: usize| limit.filter(|max| count + more > *max);
        if let Some(max) = passed(self.limits.memberships, self.holds) {
            return Err(Error::LimitReached(Limit::Memberships { max }));
        }
        if let Some(record) = self.interfaces.get(id)
            && let Some(max) =
                passed(self.limits.memberships_per_interface, record.holds.igmp + record.holds.protocol)
        {
            let interface = record.interface;
            return Err(Error::LimitReached(Limit::MembershipsOnInterface { interface, max }));
        }
        let of_client = self.clients.get(client).map_or(0, |client| client.holds);
        if let Some(max) = passed(self.limits.memberships_per_client, of_client) {
            return Err(Error::LimitReached(Limit::MembershipsOfClient { client: client.name(), max }));
        }
        Ok(())
    }

    /// MB-7, MB-9: refuses a page of edits that come together if more alerts would then wait for a client than the limit
    /// says. Alerts of deletes are never refused.
    pub(super) fn refuse_overfull(
        &mut self,
        holder: Holder,
        edits: &[Edit<A>],
        waiting: &impl Fn(ClientKey) -> usize,
    ) -> Result<(), Error<A>> {
        let Some(max) = self.limits.waiting_alerts else { return Ok(()) };
        let (mut steps, mut adds) = (Vec::new(), Vec::new());
        for edit in edits.iter().take(self.page.size().changes) {
            let at = self.at(Key::from(edit.entry));
            if let Intent::Change(step) = self.intent(holder, at, edit.action, Room::Kept)? {
                if let Action::Set(_) = edit.action {
                    adds.push((at, step));
                }
                steps.push((at, step));
            }
        }
        let told = self.told_of_adds(holder.id, &steps, &adds);
        self.refuse_to_tell(told, max, waiting)
    }

    fn refuse_to_tell(
        &self,
        mut told: Vec<ClientKey>,
        max: usize,
        waiting: &impl Fn(ClientKey) -> usize,
    ) -> Result<(), Error<A>> {
        told.sort_unstable();
        for of_client in told.chunk_by(|one, other| one == other) {
            let Some(client) = of_client.first().copied() else { continue };
            if client.is_polled() {
                // CB-8: nothing waits for it.
                continue;
            }
            let is_overfull = waiting(client) + self.effects.alerts_for(client) + of_client.len() > max;
            if is_overfull && !self.clients.is_leaving(client) {
                return Err(Error::LimitReached(Limit::WaitingAlerts { client: client.name(), max }));
            }
        }
        Ok(())
    }

    /// Who would be told of `adds`, which are some of `steps`, once for each alert.
    ///
    /// What is held is written for the time of the question, and nothing else: so whoever would be told is found by the
    /// same rules that tell.
    fn told_of_adds(
        &mut self,
        id: InterfaceId,
        steps: &[(Hashed<Key<A>>, Step)],
        adds: &[(Hashed<Key<A>>, Step)],
    ) -> Vec<ClientKey> {
        let Some(record) = self.interfaces.get_mut(id) else { return Vec::new() };
        let interface = record.interface;
        for (at, step) in steps {
            record.set_held(*at, step.before.held, step.after.held);
        }
        let (mut told, mut told_of_mfes) = (Vec::new(), BTreeMap::new());
        for (at, step) in adds {
            told.extend(local_alerts(interface, at.key.into(), step).map(|(owner, _)| owner));
            let shift = self.interests.shift(&self.interfaces, id, self.interests.find(*at), step);
            if at.key.names_source() {
                told.extend(self.told_of_source_group(at.key, shift));
            } else {
                told.extend(self.told_of_shift(shift));
            }
            told_of_mfes.extend(self.told_of_covered(id, at.key));
        }
        told.extend(told_of_mfes.into_values());
        if let Some(record) = self.interfaces.get_mut(id) {
            for (at, step) in steps {
                record.set_held(*at, step.after.held, step.before.held);
            }
        }
        told
    }
}
