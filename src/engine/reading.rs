//! Reading the state: one interface or entry at once, all of them a page at a time (IF-5, EN-1, EN-2, EN-4, EN-7, HO-8).

use super::Engine;
use super::clients::Turn;
use super::held::Party;
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Key};
use super::mfe::MfeRecord;
use super::table::Cursor;
use crate::types::address::{Address, GroupAddr};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Handover, InterfaceStatus, Membership, Mfe};

/// Which memberships and blocks are enumerated, and how far that came.
#[derive(Debug)]
pub(crate) enum GroupsCursor<A> {
    All(AllGroups<A>),
    /// EN-7: those on one interface; where the next page begins.
    OnInterface(Interface<A>, Option<Cursor>),
    /// EN-7: those of one group; what was looked at last.
    OfGroup(GroupAddr<A>, Option<Place<A>>),
}

/// The entries of the page that was read, of the first of them the last interface that was shown, and where the next
/// page begins.
#[derive(Debug)]
pub(crate) struct AllGroups<A> {
    keys: Vec<Key<A>>,
    last: Option<InterfaceId>,
    next: Option<Cursor>,
}

/// One entry on one interface.
type Place<A> = (Interface<A>, Key<A>);

impl<A> GroupsCursor<A> {
    pub(crate) fn all() -> Self {
        Self::All(AllGroups { keys: Vec::new(), last: None, next: Some(Cursor::default()) })
    }

    pub(crate) fn on_interface(interface: Interface<A>) -> Self {
        Self::OnInterface(interface, Some(Cursor::default()))
    }

    pub(crate) const fn of_group(group: GroupAddr<A>) -> Self {
        Self::OfGroup(group, None)
    }
}

impl<A: Address> Engine<A> {
    pub(crate) fn interface(&self, interface: Interface<A>) -> Option<InterfaceStatus<A>> {
        self.status(self.interfaces.find(interface)?)
    }

    /// Appends a page of interfaces to `page`, those after `last`, and says how far it came.
    pub(crate) fn interfaces(
        &self,
        last: Option<Interface<A>>,
        page: &mut Vec<InterfaceStatus<A>>,
    ) -> Option<Interface<A>> {
        let mut seen = None;
        for record in self.interfaces.after(last).take(self.page.size().looks) {
            seen = Some(record.interface);
            page.extend(self.status(record));
        }
        seen
    }

    /// Appends a page of the interfaces that `client` is on, those taken after the turn `last`, and says how far it came.
    pub(crate) fn interfaces_of(
        &self,
        client: ClientKey,
        last: Option<Turn>,
        page: &mut Vec<Interface<A>>,
    ) -> Option<Turn> {
        let mut seen = None;
        let record = self.clients.get(client)?;
        for (turn, interface) in record.taken_after(last).take(self.page.size().looks) {
            seen = Some(turn);
            page.push(interface);
        }
        seen
    }

    /// Appends one page of memberships and blocks to `page`, and moves the cursor. Says whether there is more.
    pub(crate) fn groups(&self, cursor: &mut GroupsCursor<A>, page: &mut Vec<Membership<A>>) -> bool {
        match cursor {
            GroupsCursor::All(cursor) => self.all_groups(cursor, page),
            GroupsCursor::OnInterface(interface, next) => {
                *next = next.and_then(|cursor| self.groups_on(*interface, cursor, page));
                next.is_some()
            }
            GroupsCursor::OfGroup(group, last) => self.groups_of(*group, last, page),
        }
    }

    fn all_groups(&self, cursor: &mut AllGroups<A>, page: &mut Vec<Membership<A>>) -> bool {
        let room = page.len() + self.page.size().looks;
        loop {
            while let Some(key) = cursor.keys.last().copied() {
                let holders = self.interests.holders(self.at(key));
                let last = cursor.last;
                for id in holders.into_iter().flat_map(|holders| holders.interfaces_after(last)) {
                    if page.len() >= room {
                        return true;
                    }
                    self.memberships(id, key, page);
                    cursor.last = Some(id);
                }
                cursor.keys.pop();
                cursor.last = None;
            }
            let Some(next) = cursor.next else { return false };
            let (holders, next) = self.interests.page(next);
            cursor.keys.extend(holders.map(|(key, _)| key));
            cursor.next = next;
            if page.len() >= room / 2 {
                return true;
            }
        }
    }

    /// EN-7: what is held on the interface is a table of its own. Says where the next page begins.
    fn groups_on(&self, on: Interface<A>, cursor: Cursor, page: &mut Vec<Membership<A>>) -> Option<Cursor> {
        // Looked up for each page: another interface may have its number by now.
        let id = self.interfaces.id(on)?;
        let (held, next) = self.interfaces.get(id)?.all_held().page(cursor);
        held.for_each(|(key, _)| self.memberships(id, key, page));
        next
    }

    /// EN-7: a look at each interface, which has its (S,G) by group.
    fn groups_of(
        &self,
        group: GroupAddr<A>,
        last: &mut Option<Place<A>>,
        page: &mut Vec<Membership<A>>,
    ) -> bool {
        for _ in 0..self.page.size().looks {
            let Some((on, key)) = self.place_after(group, *last) else { return false };
            if let Some(id) = self.interfaces.id(on) {
                self.memberships(id, key, page);
            }
            *last = Some((on, key));
        }
        true
    }

    /// Where to look next for what is held of a group: at (\*,G) on every interface, and there at each (S,G).
    fn place_after(&self, group: GroupAddr<A>, last: Option<Place<A>>) -> Option<Place<A>> {
        let here = last.and_then(|(on, key)| {
            let next = self.interfaces.find(on)?.named_after(key).next()?;
            (next.group == key.group).then_some((on, next))
        });
        here.or_else(|| {
            let next = self.interfaces.after(last.map(|(on, _)| on)).next()?;
            Some((next.interface, Key::from(Entry::Group(group))))
        })
    }

    pub(crate) fn mfe(&self, key: Key<A>) -> Option<Mfe<A>> {
        self.view(key, self.mfes.get(self.at(key))?)
    }

    fn view(&self, key: Key<A>, mfe: &MfeRecord<A>) -> Option<Mfe<A>> {
        let interface = |id: InterfaceId| self.interfaces.get(id).map(|record| record.interface);
        let (source, group) = key.pair();
        let mut oifs = Vec::with_capacity(mfe.oif_count());
        oifs.extend(mfe.oifs().filter_map(interface));
        oifs.sort_unstable();
        Some(Mfe {
            source,
            group,
            iif: interface(mfe.iif)?,
            owner: mfe.owner.map(ClientKey::name),
            upstream: mfe.upstream,
            prefix: mfe.prefix,
            origin: mfe.origin,
            oifs,
            made: self.clock.instant_or_latest(mfe.made)?,
            expires: self.clock.instant(mfe.expires),
            failure: mfe.standing.failure(),
        })
    }

    /// Appends one page of forwarding entries to `page`, in order, those after `last`, and says how far it came.
    pub(crate) fn mfes(&self, last: Option<Key<A>>, page: &mut Vec<Mfe<A>>) -> Option<Key<A>> {
        let find = |key| Some((key, self.mfes.get(self.at(key))?));
        // All are found before any is read: so they wait for memory at the same time.
        let found: Vec<_> = self.mfes.after(last).take(self.page.size().looks / 2).filter_map(find).collect();
        let seen = found.last().map(|(key, _)| *key);
        page.extend(found.into_iter().filter_map(|(key, mfe)| self.view(key, mfe)));
        seen
    }

    pub(super) fn memberships(&self, id: InterfaceId, key: Key<A>, page: &mut Vec<Membership<A>>) {
        let Some(record) = self.interfaces.get(id) else { return };
        let held = record.held(self.at(key));
        let parties = record.parties_of(held);
        for party in Party::ALL {
            if let (Some(kind), Some(adder), Some(owner)) = (held.of(party), parties[party], parties.owner())
            {
                page.push(Membership {
                    entry: Entry::from(key),
                    interface: record.interface,
                    kind,
                    // HO-16: as before, if it is not brought over yet.
                    stale: !held.is_of_round(party, record.marks),
                    added_by: adder.name(),
                    counts_for: owner.name(),
                });
            }
        }
    }

    fn status(&self, record: &InterfaceRecord<A>) -> Option<InterfaceStatus<A>> {
        let name = |client: ClientKey| client.name();
        Some(InterfaceStatus {
            interface: record.interface,
            owner: name(record.owner()?),
            igmp: record.parties.igmp.is_some(),
            handover: handover(record),
            offered_to: self.offer_of(record).map(name),
        })
    }
}

/// From whom to whom an interface is going.
pub(super) fn handover<A: Address>(record: &InterfaceRecord<A>) -> Option<Handover> {
    let transition = record.transition.as_ref()?;
    Some(Handover { from: transition.from.map(ClientKey::name), to: transition.to.map(ClientKey::name) })
}
