//! Adding and deleting: one entry, a batch of them, all of a group (MB-1 to MB-9).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Shared, State};
use crate::engine::{Action, ClientKey, Edit, FilterMode, Room, edits, filtered};
use crate::error::Error;
use crate::outcomes::Outcomes;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::interface::Interface;
use crate::view::{Change, MembershipKind};

impl<A: Address> Shared<A> {
    /// Adds or deletes one entry.
    pub(crate) fn edit(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        edit: Edit<A>,
    ) -> Result<Change, Error<A>> {
        let source = source_of(&edit);
        self.with_routes(source.as_slice(), |state| state.edit(client, interface, edit))
    }

    /// MB-8: a page to each hold of the lock.
    pub(crate) fn batch(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        edits: impl IntoIterator<Item = Edit<A>>,
    ) -> Outcomes<A> {
        let (page, limits) = self.read(|engine| (engine.page_size().changes, engine.limits()));
        let mut outcomes = Outcomes::new();
        let mut edits = edits.into_iter();
        if limits.waiting_alerts.is_some() {
            // MB-7: what each of them would tell is judged when those before it have been told.
            edits.for_each(|edit| outcomes.push(self.edit(client, interface, edit)));
            return outcomes;
        }
        let mut next: Vec<_> = edits.by_ref().take(page).collect();
        while !next.is_empty() {
            let page_of_edits = std::mem::take(&mut next);
            for outcome in self.edit_page(client, interface, &page_of_edits, Room::Needed) {
                outcomes.push(outcome);
            }
            next.extend(edits.by_ref().take(page));
        }
        outcomes
    }

    fn edit_page(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
        room: Room,
    ) -> Vec<Result<Change, Error<A>>> {
        let sources: Vec<A> = edits.iter().filter_map(source_of).collect();
        self.with_routes(&sources, |state| state.engine.edit_page(client, interface, edits, room))
    }

    /// MB-9: in one step if it fits a page, else in several.
    pub(crate) fn set_group(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        mode: FilterMode,
        sources: &[SourceAddr<A>],
    ) -> Result<Change, Error<A>> {
        let wanted = filtered(group, mode, sources);
        let (mut held, mut last) = (BTreeMap::new(), None);
        loop {
            last = self.read(|engine| engine.held_of_group(client, interface, group, last, &mut held))?;
            if last.is_none() {
                break;
            }
        }
        let edits = edits(&held, &wanted);
        let growth = wanted.len().saturating_sub(held.len());
        let (page, limits) = self.read(|engine| (engine.page_size().changes, engine.limits()));
        // Who would be told of an (S,G) depends on the route to its source.
        let judged = if limits.waiting_alerts.is_some() { page } else { 0 };
        let sources: Vec<A> = edits.iter().take(judged).filter_map(source_of).collect();
        self.with_routes(&sources, |state| {
            let State { engine, outboxes, .. } = state;
            engine.begin_filter(client, interface, &edits, growth, &|client| outboxes.waiting(client))
        })?;
        let room = RoomKept { manager: self, client, interface };
        let result = self.set_filter(client, interface, group, &edits, growth);
        drop(room);
        result
    }

    fn set_filter(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        edits: &[Edit<A>],
        growth: usize,
    ) -> Result<Change, Error<A>> {
        let page = self.read(|engine| engine.page_size().changes);
        let mut change = Change::Unchanged;
        let mut kept = growth;
        for (number, edits) in edits.chunks(page).enumerate() {
            for (edit, outcome) in edits.iter().zip(self.edit_page(client, interface, edits, Room::Kept)) {
                match outcome {
                    Ok(Change::Changed) => {
                        change = Change::Changed;
                        if matches!(edit.action, Action::Set(_)) && kept > 0 {
                            kept -= 1;
                            self.give_room_back(client, interface, 1);
                        }
                    }
                    Ok(Change::Unchanged) => {}
                    // A change of hands has come between two steps.
                    Err(
                        Error::IgmpDisabled { .. }
                        | Error::HandoverInProgress { .. }
                        | Error::NotOnInterface { .. },
                    ) if number > 0 && change == Change::Changed => {
                        return Err(Error::PartlyDone { interface, group });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(change)
    }

    fn give_room_back(self: &Arc<Self>, client: ClientKey, interface: Interface<A>, room: usize) {
        self.update(|state| state.engine.give_room_back(client, interface, room));
    }
}

/// The room that a group filter keeps; what is left of it is given back on every path out.
struct RoomKept<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    client: ClientKey,
    interface: Interface<A>,
}

impl<A: Address> Drop for RoomKept<'_, A> {
    fn drop(&mut self) {
        self.manager.give_room_back(self.client, self.interface, usize::MAX);
    }
}

impl<A: Address> State<A> {
    fn edit(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        edit: Edit<A>,
    ) -> Result<Change, Error<A>> {
        let Self { engine, outboxes, .. } = self;
        engine.edit(client, interface, edit, &|client| outboxes.waiting(client))
    }
}

/// The source that has to be known before the edit can be made: CT-5 is about what is joined.
fn source_of<A: Address>(edit: &Edit<A>) -> Option<A> {
    let source = edit.entry.source().filter(|_| edit.action == Action::Set(MembershipKind::Joined));
    source.map(SourceAddr::address)
}
