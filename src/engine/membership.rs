//! Memberships and blocks: adding, deleting, and all that follows (MB-1 to MB-4, MB-6 to MB-9, HO-13, CT-7).

use std::collections::BTreeMap;

use super::Engine;
use super::held::{Held, Party, Step};
use super::holding::local_alerts;
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Hashed, Key};
use super::permission::Holder;
use super::table::{Bucket, Cursor};
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

/// How many alerts wait for the clients (MB-7).
pub(crate) trait WaitingAlerts {
    fn waiting_for(&self, client: ClientKey) -> usize;
    /// For the one for whom the most wait.
    fn most_waiting(&self) -> usize;
}

/// What an edit asks for, looked at and not yet done.
enum Intent<A> {
    /// It is so already.
    Nothing,
    /// It is so already, and counts as added again (HO-13).
    Confirm { bucket: Bucket<Key<A>>, step: Step },
    /// One that is new needs room (MB-7).
    Change { bucket: Bucket<Key<A>>, step: Step, is_new: bool },
}

impl<A: Address> Intent<A> {
    fn of(action: Action, party: Party, record: &InterfaceRecord<A>, at: Hashed<Key<A>>) -> Self {
        let bucket = record.find(at);
        let before = record.held_at(bucket);
        let present = record.present(before);
        let (old, new) = (present.of(party), action.apply(present.of(party)));
        let step = Step { before, after: present.with(party, new, record.marks) };
        match action {
            Action::Clear(_) if old == new => Self::Nothing,
            Action::Set(_) if old == new && before == step.after => Self::Nothing,
            Action::Set(_) if old == new => Self::Confirm { bucket, step },
            Action::Set(_) | Action::Clear(_) => Self::Change { bucket, step, is_new: old.is_none() },
        }
    }
}

/// What became of an edit, and what has still to be followed of it.
struct Written {
    change: Change,
    step: Option<Step>,
}

impl<A: Address> Engine<A> {
    /// Adds or deletes one entry.
    pub(crate) fn edit(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edit: Edit<A>,
        waiting: &impl WaitingAlerts,
    ) -> Result<Change, Error<A>> {
        self.active(client)?;
        self.refuse_without_source(edit.entry)?;
        let holder = self.seat(client, interface)?;
        let at = self.at(Key::from(edit.entry));
        if matches!(edit.action, Action::Set(_)) && self.may_overfill(1, waiting) {
            // Whatever else refuses it comes first.
            self.intent(holder, at, edit.action, Room::Needed)?;
            self.refuse_overfull(holder, &[edit], waiting)?;
        }
        let Written { change, step } = self.write(holder, at, edit.action, Room::Needed)?;
        if let Some(step) = step {
            self.follow(holder.id, at, step);
        }
        Ok(change)
    }

    /// MB-8: several edits in one step. All that they are about is found before any of it is written, so that the
    /// processor waits for it once; and what follows is the difference between before and after.
    pub(crate) fn edit_page(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
        room: Room,
    ) -> Vec<Result<Change, Error<A>>> {
        let holder = match self.holder(client, interface) {
            Ok(holder) => holder,
            Err(error) => return self.refuse_page(edits, &error),
        };
        let found = |edit: &Edit<A>| self.find_in_both(holder.id, self.at(Key::from(edit.entry)));
        let found: Vec<_> = edits.iter().map(found).collect();
        let mut results = Vec::with_capacity(edits.len());
        let mut steps: Vec<(Hashed<Key<A>>, Step)> = Vec::with_capacity(edits.len());
        for (edit, (at, found)) in edits.iter().zip(found) {
            let written = self
                .refuse_without_source(edit.entry)
                .and_then(|()| self.write(holder, at, edit.action, room));
            if let Ok(Written { step: Some(step), .. }) = written {
                // Where another edit of this page has left something else than was found, they are one step.
                let is_changed = step.before != found;
                let earlier =
                    is_changed.then(|| steps.iter_mut().rev().find(|(earlier, _)| earlier.key == at.key));
                match earlier.flatten() {
                    Some((_, earlier)) => earlier.after = step.after,
                    None => steps.push((at, step)),
                }
            }
            results.push(written.map(|written| written.change));
        }
        self.keep_sources();
        for (at, step) in steps {
            self.follow(holder.id, at, step);
        }
        self.forget_sources();
        results
    }

    /// Refuses each edit of a page of a client that may change nothing on the interface.
    fn refuse_page(&self, edits: &[Edit<A>], error: &Error<A>) -> Vec<Result<Change, Error<A>>> {
        let is_registered = !matches!(error, Error::Deregistered { .. });
        let refuse = |edit: &Edit<A>| {
            let by_itself = self.refuse_without_source(edit.entry).err().filter(|_| is_registered);
            Err(by_itself.unwrap_or_else(|| error.clone()))
        };
        edits.iter().map(refuse).collect()
    }

    /// What is held of an entry, which is then in the cache, in both tables, when it is changed.
    fn find_in_both(&self, id: InterfaceId, at: Hashed<Key<A>>) -> (Hashed<Key<A>>, Held) {
        std::hint::black_box(self.interests.find(at));
        (at, self.interfaces.get(id).map(|record| record.held(at)).unwrap_or_default())
    }

    /// Writes what an edit asks for, if nothing refuses it.
    fn write(
        &mut self,
        holder: Holder,
        at: Hashed<Key<A>>,
        action: Action,
        room: Room,
    ) -> Result<Written, Error<A>> {
        let (change, bucket, step) = match self.intent(holder, at, action, room)? {
            Intent::Nothing => return Ok(Written { change: Change::Unchanged, step: None }),
            Intent::Confirm { bucket, step } => (Change::Unchanged, bucket, step),
            Intent::Change { bucket, step, .. } => (Change::Changed, bucket, step),
        };
        self.write_held(holder.id, bucket, step);
        // HO-13: a confirm tells nobody, but of what it brings over.
        let follows = change == Change::Changed || self.is_past(holder.id, step.before);
        Ok(Written { change, step: follows.then_some(step) })
    }

    /// What an edit asks for, if nothing but the limit on waiting alerts may refuse it.
    fn intent(
        &self,
        holder: Holder,
        at: Hashed<Key<A>>,
        action: Action,
        room: Room,
    ) -> Result<Intent<A>, Error<A>> {
        let Some(record) = self.interfaces.get(holder.id) else { return Ok(Intent::Nothing) };
        if let Action::Set(_) = action {
            record.refuse_while_leaving(holder.party)?;
        }
        let intent = Intent::of(action, holder.party, record, at);
        if let Intent::Change { is_new: true, .. } = intent
            && room == Room::Needed
        {
            self.refuse_growth(holder.client, record, 1)?;
        }
        Ok(intent)
    }

    fn is_past(&self, id: InterfaceId, held: Held) -> bool {
        self.interfaces.get(id).is_some_and(|record| held.is_past(record.marks))
    }

    /// All that follows from a step that is written: who wants what, who is told, and what is forwarded.
    fn follow(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: Step) {
        if at.key.names_source() && self.sources.has_rib() {
            self.follow_source_group(at, Some((id, step)));
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
        for at in &ats {
            std::hint::black_box(self.find_in_both(id, *at));
        }
        for at in ats {
            let record = self.interfaces.get(id)?;
            // What came before in this page may have brought it over with its source (HO-12).
            let bucket = record.find(at);
            let before = record.held_at(bucket);
            if before.is_nothing() || !pick(record, before) {
                continue;
            }
            // What was picked is changed in this page, however much was looked at for it: each page gets further.
            if self.page.room() == 0 {
                return Some(cursor);
            }
            let step = Step { before, after: change(record, before) };
            self.write_held(id, bucket, step);
            self.follow(id, at, step);
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
        record: &InterfaceRecord<A>,
        more: usize,
    ) -> Result<(), Error<A>> {
        let is_passed = |max: usize, count: usize| count + more > max;
        if let Some(max) = self.limits.memberships
            && is_passed(max, self.holds)
        {
            return Err(Error::LimitReached(Limit::Memberships { max }));
        }
        if let Some(max) = self.limits.memberships_per_interface
            && is_passed(max, record.holds.igmp + record.holds.protocol)
        {
            let interface = record.interface;
            return Err(Error::LimitReached(Limit::MembershipsOnInterface { interface, max }));
        }
        if let Some(max) = self.limits.memberships_per_client
            && is_passed(max, self.clients.get(client).map_or(0, |client| client.holds))
        {
            return Err(Error::LimitReached(Limit::MembershipsOfClient { client: client.name(), max }));
        }
        Ok(())
    }

    /// Whether the alerts of so many edits in one step could be more than may wait (MB-7). Where they cannot, nobody needs
    /// to find out whom they are for.
    pub(crate) fn may_overfill(&self, edits: usize, waiting: &impl WaitingAlerts) -> bool {
        let Some(max) = self.limits.waiting_alerts else { return false };
        let at_most = edits * ALERTS_OF_AN_EDIT + self.page.size().looks;
        waiting.most_waiting() + self.effects.len() + at_most > max
    }

    /// MB-7, MB-9: refuses a page of edits that come together if more alerts would then wait for a client than the limit
    /// says. Alerts of deletes are never refused.
    pub(super) fn refuse_overfull(
        &mut self,
        holder: Holder,
        edits: &[Edit<A>],
        waiting: &impl WaitingAlerts,
    ) -> Result<(), Error<A>> {
        let Some(max) = self.limits.waiting_alerts else { return Ok(()) };
        let edits = edits.get(..self.page.size().changes).unwrap_or(edits);
        if !self.may_overfill(edits.len(), waiting) {
            return Ok(());
        }
        let (mut steps, mut adds) = (Vec::new(), Vec::new());
        for edit in edits {
            let at = self.at(Key::from(edit.entry));
            if let Intent::Change { step, .. } = self.intent(holder, at, edit.action, Room::Kept)? {
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
        waiting: &impl WaitingAlerts,
    ) -> Result<(), Error<A>> {
        told.sort_unstable();
        for of_client in told.chunk_by(|one, other| one == other) {
            let Some(client) = of_client.first().copied() else { continue };
            if client.is_polled() {
                // CB-8: nothing waits for it.
                continue;
            }
            let is_overfull =
                waiting.waiting_for(client) + self.effects.alerts_for(client) + of_client.len() > max;
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
        for (at, step) in steps {
            record.set_held(record.find(*at), *step);
        }
        let (mut told, mut told_of_mfes) = (Vec::new(), BTreeMap::new());
        for (at, step) in adds {
            let Some(record) = self.interfaces.get(id) else { continue };
            told.extend(local_alerts(record, at.key.into(), *step).map(|(owner, _)| owner));
            let (counts_for, bucket) = (record.counts_for(*step), self.interests.find(*at));
            let shift = self.interests.shift(&self.interfaces, id, bucket, counts_for);
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
                record.set_held(record.find(*at), Step { before: step.after, after: step.before });
            }
        }
        told
    }
}

/// More alerts than one edit can cause for one client, but for those of forwarding entries that a wildcard covers, of which
/// a page has as many as it looks at: of the entry and of what comes over to the present with it, locally, as a membership,
/// and as a forwarding entry, what ends and what begins.
const ALERTS_OF_AN_EDIT: usize = 12;
