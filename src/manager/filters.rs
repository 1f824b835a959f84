//! Setting a group filter: in one hold of the lock if it fits a page, else in several (MB-9).

use std::slice::Chunks;
use std::sync::Arc;

use super::memberships::source_of;
use super::{Shared, State};
use crate::engine::{Action, ClientKey, Edit, FilterMode, Filtered, Room, edits, filtered};
use crate::error::Error;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::interface::Interface;
use crate::view::Change;

impl<A: Address> Shared<A> {
    /// MB-9. In one hold of the lock, two threads that set the same group leave one of the two filters, and never a
    /// mixture; several holds can promise that no more.
    pub(crate) fn set_group(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        mode: FilterMode,
        sources: &[SourceAddr<A>],
    ) -> Result<Change, Error<A>> {
        let wanted = filtered(group, mode, sources);
        let page = self.read(|engine| engine.page_size().changes);
        if wanted.len() <= page {
            let joined = if mode == FilterMode::Include { sources } else { &[] };
            let joined: Vec<A> = joined.iter().map(|source| source.address()).collect();
            let at_once = self.with_routes(&joined, |state| {
                let State { engine, outboxes, .. } = state;
                engine.set_filter(client, interface, group, &wanted, outboxes)
            })?;
            if let Some(change) = at_once {
                return Ok(change);
            }
        }
        self.set_in_pages(client, interface, group, &wanted, page)
    }

    fn set_in_pages(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        group: GroupAddr<A>,
        wanted: &Filtered<A>,
        page: usize,
    ) -> Result<Change, Error<A>> {
        let (mut held, mut last) = (Filtered::new(), None);
        loop {
            last = self.read(|engine| engine.held_of_group(client, interface, group, last, &mut held))?;
            if last.is_none() {
                break;
            }
        }
        let edits = edits(&held, wanted);
        let growth = wanted.len().saturating_sub(held.len());
        // Who would be told of an (S,G) depends on the route to its source.
        let limited = self.read(|engine| engine.limits().waiting_alerts.is_some());
        let judged = if limited { page } else { 0 };
        let sources: Vec<A> = edits.iter().take(judged).filter_map(source_of).collect();
        self.with_routes(&sources, |state| {
            let State { engine, outboxes, .. } = state;
            engine.begin_filter(client, interface, &edits, growth, outboxes)
        })?;
        let mut room = RoomKept { manager: self, client, interface, left: growth };
        room.change(group, edits.chunks(page))
    }
}

/// The room that a group filter keeps; what is left of it is given back on every path out.
struct RoomKept<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    client: ClientKey,
    interface: Interface<A>,
    left: usize,
}

impl<A: Address> RoomKept<'_, A> {
    fn change(&mut self, group: GroupAddr<A>, pages: Chunks<'_, Edit<A>>) -> Result<Change, Error<A>> {
        let Self { manager, client, interface, .. } = *self;
        let mut change = Change::Unchanged;
        for (number, edits) in pages.enumerate() {
            for (edit, outcome) in edits.iter().zip(manager.edit_page(client, interface, edits, Room::Kept)) {
                match outcome {
                    Ok(Change::Changed) => {
                        change = Change::Changed;
                        if let Action::Set(_) = edit.action {
                            self.give_back(1);
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

    fn give_back(&mut self, room: usize) {
        let room = room.min(self.left);
        self.left -= room;
        if room > 0 {
            self.manager.update(|state| state.engine.give_room_back(self.client, self.interface, room));
        }
    }
}

impl<A: Address> Drop for RoomKept<'_, A> {
    fn drop(&mut self) {
        self.give_back(self.left);
    }
}
