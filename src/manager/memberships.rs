//! Adding and deleting: one entry, or a batch of them (MB-1 to MB-8).

use std::sync::Arc;

use super::{Shared, State};
use crate::engine::{Action, ClientKey, Edit, Room};
use crate::error::Error;
use crate::outcomes::Outcomes;
use crate::types::address::{Address, SourceAddr};
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
        let page = self.read(|engine| engine.page_size().changes);
        let mut outcomes = Outcomes::new();
        let mut edits = edits.into_iter();
        let mut next: Vec<_> = edits.by_ref().take(page).collect();
        while !next.is_empty() {
            let page_of_edits = std::mem::take(&mut next);
            match self.edit_unlimited(client, interface, &page_of_edits) {
                Some(page) => page.into_iter().for_each(|outcome| outcomes.push(outcome)),
                // MB-7: what each of them would tell is judged when those before it have been told.
                None => page_of_edits
                    .into_iter()
                    .for_each(|edit| outcomes.push(self.edit(client, interface, edit))),
            }
            next.extend(edits.by_ref().take(page));
        }
        outcomes
    }

    /// A page of edits in one step, unless so many alerts wait that it has to be judged whom they are for.
    fn edit_unlimited(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
    ) -> Option<Vec<Result<Change, Error<A>>>> {
        let sources: Vec<A> = edits.iter().filter_map(source_of).collect();
        self.with_routes(&sources, |State { engine, outboxes, .. }| {
            let is_limited = engine.may_overfill(edits.len(), outboxes);
            (!is_limited).then(|| engine.edit_page(client, interface, edits, Room::Needed))
        })
    }

    pub(super) fn edit_page(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
        edits: &[Edit<A>],
        room: Room,
    ) -> Vec<Result<Change, Error<A>>> {
        let sources: Vec<A> = edits.iter().filter_map(source_of).collect();
        self.with_routes(&sources, |state| state.engine.edit_page(client, interface, edits, room))
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
        engine.edit(client, interface, edit, outboxes)
    }
}

/// The source that has to be known before the edit can be made: CT-5 is about what is joined.
pub(super) fn source_of<A: Address>(edit: &Edit<A>) -> Option<A> {
    let source = edit.entry.source().filter(|_| edit.action == Action::Set(MembershipKind::Joined));
    source.map(SourceAddr::address)
}
