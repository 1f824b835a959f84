//! Refreshes: a party adds again what it still wants, and what it does not add again goes (HO-17).

use std::collections::BTreeMap;
use std::time::Instant;

use super::Engine;
use super::held::Party;
use super::interfaces::{InterfaceId, Refresh, RefreshId, Stage, SweepWalk};
use super::key::ClientKey;
use super::table::Cursor;
use crate::error::Error;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// The refreshes that have not ended, by their deadlines.
pub(super) type RefreshesDue = BTreeMap<(Instant, RefreshId), (InterfaceId, Party)>;

impl<A: Address> Engine<A> {
    /// All that `client` holds on `interface` is stale from now on, but for forward state. Inside `enable_igmp`, only what
    /// IGMP has not confirmed yet.
    pub(crate) fn begin_refresh(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        deadline: Instant,
    ) -> Result<RefreshId, Error<A>> {
        let holder = self.holder(client, interface)?;
        let (id, party) = (holder.id, holder.party);
        let stage = self.interfaces.get(id).and_then(|record| Some(record.transition.as_ref()?.stage));
        match (stage, party) {
            (None, _) | (Some(Stage::Enabled), Party::Igmp) => {}
            (Some(_), _) => return Err(Error::HandoverInProgress { interface }),
        }
        if self.clock.latest_instant().is_some_and(|latest| deadline <= latest) {
            return Err(Error::DeadlinePassed { interface });
        }
        let refresh = RefreshId(self.next_number());
        let Some(record) = self.interfaces.get_mut(id) else {
            return Err(Error::NotOnInterface { interface, client: client.name(), owner: None });
        };
        if record.refreshes[party].is_some() {
            return Err(Error::RefreshInProgress { interface, client: client.name() });
        }
        record.refreshes[party] = Some(Refresh { id: refresh, deadline, sweep: None });
        if stage.is_none() {
            record.marks.next_round(party);
            record.stale[party] = record.holds[party];
        }
        self.refreshes_due.insert((deadline, refresh), (id, party));
        Ok(refresh)
    }

    /// The next refresh whose deadline has come.
    pub(crate) fn refresh_due(&self, now: Instant) -> Option<(Interface<A>, RefreshId)> {
        let ((_, refresh), (id, _)) =
            self.refreshes_due.first_key_value().filter(|((due, _), _)| *due <= now)?;
        Some((self.interfaces.get(*id)?.interface, *refresh))
    }

    pub(super) fn next_refresh_due(&self) -> Option<Instant> {
        self.refreshes_due.first_key_value().map(|((due, _), _)| *due)
    }

    /// Ends a refresh, and deletes a page of what is still stale. Says whether none is left; of a refresh that is over, or
    /// that a hand-over has replaced, there is none.
    pub(crate) fn end_refresh(&mut self, interface: Interface<A>, refresh: RefreshId) -> bool {
        let Some(id) = self.interfaces.id(interface) else { return true };
        let Some(record) = self.interfaces.get_mut(id) else { return true };
        let is_it = |party: &Party| record.refreshes[*party].is_some_and(|other| other.id == refresh);
        let Some(party) = Party::ALL.into_iter().find(is_it) else { return true };
        let Some(open) = record.refreshes[party] else { return true };
        let is_handed_over =
            record.transition.as_ref().is_some_and(|change| change.transfer.is_by_protocol());
        if is_handed_over && party == Party::Igmp {
            // HO-2: nothing of IGMP's changes now. HO-14 deletes what is stale when `enable_igmp` has returned.
            self.forget_refresh(id, party);
            return true;
        }
        self.refreshes_due.remove(&(open.deadline, refresh));
        let walk = self.sweep_page(id, party, open.sweep.unwrap_or_default());
        if walk == SweepWalk::Done {
            self.forget_refresh(id, party);
            return true;
        }
        if let Some(record) = self.interfaces.get_mut(id) {
            record.refreshes[party] = Some(Refresh { sweep: Some(walk), ..open });
        }
        false
    }

    /// Deletes a page of what a party has not added again, memberships first, then blocks (IF-7).
    pub(super) fn sweep_page(&mut self, id: InterfaceId, party: Party, mut walk: SweepWalk) -> SweepWalk {
        use crate::view::MembershipKind::{Blocked, Joined};
        while !self.page.is_full() {
            let stale = self.interfaces.get(id).map_or(0, |record| record.stale[party]);
            if stale == 0 {
                return SweepWalk::Done;
            }
            let (kind, cursor) = match walk {
                SweepWalk::Memberships(cursor) => (Joined, cursor),
                SweepWalk::Blocks(cursor) => (Blocked, cursor),
                SweepWalk::Done => return walk,
            };
            let next = self.step_page(
                id,
                cursor,
                |record, held| held.of(party) == Some(kind) && record.is_stale(party, held),
                |record, held| record.present(held).with(party, None, record.marks),
            );
            walk = match (kind, next) {
                (Joined, Some(cursor)) => SweepWalk::Memberships(cursor),
                (Joined, None) => SweepWalk::Blocks(Cursor::default()),
                (Blocked, Some(cursor)) => SweepWalk::Blocks(cursor),
                (Blocked, None) => SweepWalk::Done,
            };
        }
        walk
    }

    pub(super) fn forget_refresh(&mut self, id: InterfaceId, party: Party) {
        if let Some(record) = self.interfaces.get_mut(id)
            && let Some(refresh) = record.refreshes[party].take()
        {
            self.refreshes_due.remove(&(refresh.deadline, refresh.id));
        }
    }
}
