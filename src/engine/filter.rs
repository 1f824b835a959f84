//! Group filters: all that a client holds of one group on one interface, set at once (MB-9).

use std::collections::BTreeMap;

use super::Engine;
use super::key::{ClientKey, Key};
use super::membership::{Action, Edit, Room, WaitingAlerts};
use super::permission::Holder;
use crate::error::Error;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Change, MembershipKind};

/// What a client holds of one group on one interface.
pub(crate) type Filtered<A> = BTreeMap<Key<A>, MembershipKind>;

/// What a group filter is made of (RFC 9776 §6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FilterMode {
    Include,
    Exclude,
}

/// What is to be held of a group. EXCLUDE(A) is (\*,G) and a block of each of A; INCLUDE(B) is each of B.
pub(crate) fn filtered<A: Address>(
    group: GroupAddr<A>,
    mode: FilterMode,
    sources: &[SourceAddr<A>],
) -> Filtered<A> {
    let (any, kind) = match mode {
        FilterMode::Include => (None, MembershipKind::Joined),
        FilterMode::Exclude => (Some(Key::from(Entry::Group(group))), MembershipKind::Blocked),
    };
    let each = sources.iter().map(|source| (Key::of(*source, group), kind));
    any.map(|any| (any, MembershipKind::Joined)).into_iter().chain(each).collect()
}

/// The edits that lead from what is held to what is to be held. What adds receivers comes first: where they do not fit one
/// page, nobody loses for a moment what it has before and after. What stays is added again, which confirms it (HO-13).
pub(crate) fn edits<A: Address>(held: &Filtered<A>, wanted: &Filtered<A>) -> Vec<Edit<A>> {
    use MembershipKind::{Blocked, Joined};
    let set = |kind| {
        let of_kind = move |(key, wanted): (&Key<A>, &MembershipKind)| (*wanted == kind).then_some(*key);
        wanted.iter().filter_map(of_kind).map(move |key| (key, Action::Set(kind)))
    };
    let clear = |kind| {
        let of_kind = move |(key, held): (&Key<A>, &MembershipKind)| (*held == kind).then_some(*key);
        let gone = held.iter().filter_map(of_kind).filter(|key| !wanted.contains_key(key));
        gone.map(move |key| (key, Action::Clear(kind)))
    };
    let all = set(Joined).chain(clear(Blocked)).chain(clear(Joined)).chain(set(Blocked));
    all.map(|(key, action)| Edit { entry: key.into(), action }).collect()
}

impl<A: Address> Engine<A> {
    /// A page of what `client` holds of a group on an interface, those after `last`.
    pub(crate) fn held_of_group(
        &self,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        last: Option<Key<A>>,
        held: &mut Filtered<A>,
    ) -> Result<Option<Key<A>>, Error<A>> {
        let Holder { id, party, .. } = self.holder(client, interface)?;
        let Some(record) = self.interfaces.get(id) else { return Ok(None) };
        let any = Key::from(Entry::Group(group));
        let keys = last.is_none().then_some(any).into_iter();
        let keys =
            keys.chain(record.named_after(last.unwrap_or(any)).take_while(|key| key.group == any.group));
        let mut seen = None;
        for key in keys.take(self.page.size().looks) {
            seen = Some(key);
            if let Some(kind) = record.present(record.held(self.at(key))).of(party) {
                held.insert(key, kind);
            }
        }
        Ok(seen)
    }

    /// MB-9: sets a filter in one step, where what is held and what is to be held of the group fit a page; else changes
    /// nothing and says nothing.
    pub(crate) fn set_filter(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        wanted: &Filtered<A>,
        waiting: &impl WaitingAlerts,
    ) -> Result<Option<Change>, Error<A>> {
        let mut held = Filtered::new();
        let last = self.held_of_group(client, interface, group, None, &mut held)?;
        if self.held_of_group(client, interface, group, last, &mut held)?.is_some() {
            return Ok(None);
        }
        let edits = edits(&held, wanted);
        if edits.len() > self.page.size().changes {
            return Ok(None);
        }
        let growth = wanted.len().saturating_sub(held.len());
        self.begin_filter(client, interface, &edits, growth, waiting)?;
        let outcomes = self.edit_page(client, interface, &edits, Room::Kept);
        self.give_room_back(client, interface, growth);
        let changed =
            |change, outcome| Ok(if outcome? == Change::Changed { Change::Changed } else { change });
        outcomes.into_iter().try_fold(Change::Unchanged, changed).map(Some)
    }

    /// MB-9: refuses a filter that would be too large, or whose first page would tell too much, and keeps room for what it
    /// adds on the whole.
    pub(crate) fn begin_filter(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
        growth: usize,
        waiting: &impl WaitingAlerts,
    ) -> Result<(), Error<A>> {
        self.active(client)?;
        for edit in edits.iter().filter(|edit| edit.action == Action::Set(MembershipKind::Joined)) {
            self.refuse_without_source(edit.entry)?;
        }
        let holder = self.holder(client, interface)?;
        if let Some(record) = self.interfaces.get(holder.id) {
            if edits.iter().any(|edit| matches!(edit.action, Action::Set(_))) {
                record.refuse_while_leaving(holder.party)?;
            }
            if growth > 0 {
                self.refuse_growth(client, record, growth)?;
            }
        }
        self.refuse_overfull(holder, edits, waiting)?;
        self.reserve(holder, growth);
        Ok(())
    }

    fn reserve(&mut self, holder: Holder, room: usize) {
        let Some(record) = self.interfaces.get_mut(holder.id) else { return };
        record.reserved[holder.party] += room;
        record.holds[holder.party] += room;
        self.holds += room;
        if let Some(client) = self.clients.get_mut(holder.client) {
            client.holds += room;
        }
    }

    /// Gives up some of the room that is kept; there is none any more if the interface has changed hands meanwhile.
    pub(crate) fn give_room_back(&mut self, client: ClientKey, interface: Interface<A>, room: usize) {
        let Ok((id, party)) = self.party(client, interface) else { return };
        let Some(record) = self.interfaces.get_mut(id) else { return };
        let room = room.min(record.reserved[party]);
        record.reserved[party] -= room;
        record.holds[party] -= room;
        self.holds -= room;
        if let Some(client) = self.clients.get_mut(client) {
            client.holds -= room;
        }
    }
}
