//! Who is told of (S,G) memberships: the owner of the interface toward the source, and who comes after it (CT-5, CT-8).
//!
//! Each (S,G) is a piece of its own (CB-7): it is told under the upstream owner that it had when it was last looked at,
//! and goes from that one to the newest in one step. Until then it lies, with all that its source has, in one of two
//! places: in [`Past::upstream_of`](super::interfaces::Past::upstream_of), because the interface has changed hands, or in
//! [`Sources::moving`](super::sources::Sources::moving), because the route has. Both are made in O(1), and emptied in
//! pages.

use super::Engine;
use super::held::Step;
use super::interest::{Shift, Wanting};
use super::interfaces::{InterfaceId, Past};
use super::key::{ClientKey, Hashed, Key};
use crate::types::address::Address;
use crate::types::alert::AlertCause;

impl<A: Address> Engine<A> {
    /// The owner under which an (S,G) is told: the only client that is (CT-5).
    pub(super) fn told_upstream(&self, key: Key<A>) -> Option<ClientKey> {
        self.sources.moving_owner(key).unwrap_or_else(|| self.told_upstream_of(key.source))
    }

    /// Follows a step of what is held of an (S,G), or none, and brings the (S,G) to the newest upstream owner with it.
    ///
    /// HO-12: where the source lies behind an interface that is changing hands, what is held of the (S,G) there is
    /// brought over too. In two steps the old owner or the new one would hear a join and a prune.
    pub(super) fn follow_source_group(&mut self, at: Hashed<Key<A>>, step: Option<(InterfaceId, Step)>) {
        let key = at.key;
        if let Some((id, step)) = step
            && let Some(owner) = self.settled_upstream(key.source)
        {
            let shift = self.follow_interest(id, at, step);
            return self.tell_source_group(key, owner, shift);
        }
        let told_before = self.told_upstream(key);
        let stepped = step.map(|(id, step)| (id, self.follow_interest(id, at, step)));
        let toward = self.interface_toward(key.source).filter(|id| stepped.is_none_or(|(on, _)| on != *id));
        let brought = toward.and_then(|id| Some((id, self.bring_held_over(id, at)?)));
        let shift = match (stepped, brought) {
            (Some((_, first)), Some((_, last))) => Shift { before: first.before, after: last.after },
            (Some((_, shift)), None) | (None, Some((_, shift))) => shift,
            (None, None) => {
                let wanting = self.interests.wanting(&self.interfaces, at);
                Shift { before: wanting, after: wanting }
            }
        };
        self.bring_upstream_over(key);
        if shift.after != Wanting::Nobody {
            self.sources.track(key);
        }
        self.tell_of_upstream(key, told_before, self.told_upstream_of(key.source), shift);
        if shift.after == Wanting::Nobody {
            // Last: a source that nobody wants any more is forgotten, and its route with it.
            self.untrack(key);
        }
        if let Some((id, _)) = brought {
            self.refresh_covered(id, key);
        }
    }

    /// The usual case: neither the route to the source nor the interface toward it is changing.
    fn tell_source_group(&mut self, key: Key<A>, owner: Option<ClientKey>, shift: Shift) {
        if shift.before == shift.after {
            return;
        }
        if shift.after != Wanting::Nobody {
            self.sources.track(key);
        }
        self.tell_of_upstream(key, owner, owner, shift);
        if shift.after == Wanting::Nobody {
            // Last: a source that nobody wants any more is forgotten, and its route with it.
            self.untrack(key);
        }
    }

    /// The owner under which all (S,G) of a source are told; absent if some may still be under one of the past.
    #[expect(clippy::option_option, reason = "that nobody owns the interface is an answer too")]
    fn settled_upstream(&self, source: A) -> Option<Option<ClientKey>> {
        if self.sources.is_moving(source) {
            return None;
        }
        let route = self.sources.route(source);
        let toward = route.and_then(|route| self.interfaces.find(route.interface));
        toward.map_or(Some(None), |record| record.past.is_none().then(|| record.owner()))
    }

    /// Brings over what is held of an (S,G) on the interface toward its source.
    fn bring_held_over(&mut self, id: InterfaceId, at: Hashed<Key<A>>) -> Option<Shift> {
        let record = self.interfaces.get(id)?;
        let bucket = record.find(at);
        let before = record.held_at(bucket);
        if before.is_nothing() || !before.is_past(record.marks) {
            return None;
        }
        let step = Step { before, after: record.present(before) };
        self.write_held(id, bucket, step);
        Some(self.follow_interest(id, at, step))
    }

    /// CT-5, CT-8: tells the upstream owner before, and the one after, what differs for them.
    fn tell_of_upstream(
        &mut self,
        key: Key<A>,
        before: Option<ClientKey>,
        after: Option<ClientKey>,
        shift: Shift,
    ) {
        let same = (before == after).then_some(shift);
        let leaves = Shift { before: shift.before, after: Wanting::Nobody };
        let comes = Shift { before: Wanting::Nobody, after: shift.after };
        for (client, shift) in [(before, same.unwrap_or(leaves)), (after, same.unwrap_or(comes))] {
            if let Some(client) = client.filter(|client| self.clients.is_told(*client))
                && let Some(told) = shift.news_for(client)
            {
                self.effects.tell(client, told, key.into(), AlertCause::Membership);
            }
            if same.is_some() {
                return;
            }
        }
    }

    /// Who would be told of a step on an (S,G).
    pub(super) fn told_of_source_group(&self, key: Key<A>, shift: Shift) -> impl Iterator<Item = ClientKey> {
        let (before, after) = (self.told_upstream(key), self.upstream(key.source).owner);
        let stops = before.filter(|client| before != after && shift.before.besides(*client));
        let pulls = after.filter(|client| before != after && shift.after.besides(*client));
        let same = before.filter(|client| before == after && shift.news_for(*client).is_some());
        let clients = [stops, pulls, same].into_iter().flatten();
        clients.filter(|client| self.clients.is_told(*client))
    }

    /// The interface toward a source, if it is changing hands.
    fn interface_toward(&self, source: A) -> Option<InterfaceId> {
        let route = self.sources.route(source)?;
        let id = self.interfaces.id(route.interface)?;
        self.interfaces.get(id)?.past.as_ref()?;
        Some(id)
    }

    /// One (S,G) is told under the newest upstream owner from now on; the others of its source are as before.
    fn bring_upstream_over(&mut self, key: Key<A>) {
        self.open_source(key.source);
        self.sources.end_moving(key);
    }

    /// A source behind an interface that is changing hands becomes one of the present, and its (S,G) begin to move.
    fn open_source(&mut self, source: A) {
        let Some(id) = self.interface_toward(source) else { return };
        let at = Hashed::new(&self.hasher, source);
        let Some(record) = self.interfaces.get_mut(id) else { return };
        let Some(past) = &mut record.past else { return };
        if past.upstream_of.remove(at).is_some() {
            record.upstream_of.insert(at, ());
            let owner = past.parties.owner();
            if owner != record.parties.owner() {
                past.opened.push(source);
                self.sources.begin_moving(source, owner);
            }
        }
    }

    /// CT-8: tells of a page of the (S,G) of a source that are moving, as far as the page has room. Says whether
    /// none is left.
    pub(crate) fn move_source(&mut self, source: A) -> bool {
        while let Some(key) = self.sources.next_moving(source) {
            if self.page.is_full() {
                return false;
            }
            self.page.change();
            self.follow_source_group(self.at(key), None);
        }
        true
    }

    /// CT-8: a page of the sources behind an interface that is changing hands. Says whether none is left.
    pub(super) fn move_sources_behind(&mut self, id: InterfaceId) -> bool {
        while !self.page.is_full() {
            self.page.look();
            let Some(past) = self.past_mut(id) else { return true };
            if let Some(&source) = past.opened.last() {
                if self.move_source(source)
                    && let Some(past) = self.past_mut(id)
                {
                    past.opened.pop();
                }
                continue;
            }
            let Some(cursor) = past.sources else { return true };
            let picked = past.upstream_of.pick(cursor, |_, ()| true, SOURCES_AT_ONCE);
            past.sources = picked.next;
            picked.keys.into_iter().for_each(|source| self.open_source(source));
        }
        false
    }

    fn past_mut(&mut self, id: InterfaceId) -> Option<&mut Past<A>> {
        self.interfaces.get_mut(id)?.past.as_deref_mut()
    }
}

/// To open a source takes no longer than a look, but each has to be found in three tables.
const SOURCES_AT_ONCE: usize = 16;
