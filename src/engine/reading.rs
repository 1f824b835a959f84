//! Reading the state: one interface or entry at once, all of them a page at a time (IF-5, EN-1, EN-2, EN-4, HO-8).

use super::Engine;
use super::clients::Turn;
use super::held::Party;
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Key};
use super::mfe::MfeRecord;
use super::table::Cursor;
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Handover, InterfaceStatus, Membership, Mfe};

/// How far an enumeration of the groups came: the entries of the page that it has read, of the first of them the last
/// interface that it has shown, and where the next page begins.
#[derive(Debug)]
pub(crate) struct GroupsCursor<A> {
    keys: Vec<Key<A>>,
    last: Option<InterfaceId>,
    next: Option<Cursor>,
}

impl<A> Default for GroupsCursor<A> {
    fn default() -> Self {
        Self { keys: Vec::new(), last: None, next: Some(Cursor::default()) }
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

    fn memberships(&self, id: InterfaceId, key: Key<A>, page: &mut Vec<Membership<A>>) {
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
        let handover = record
            .transition
            .as_ref()
            .map(|transition| Handover { from: transition.from.map(name), to: transition.to.map(name) });
        Some(InterfaceStatus {
            interface: record.interface,
            owner: name(record.owner()?),
            igmp: record.parties.igmp.is_some(),
            handover,
            offered_to: self.offer_of(record).map(name),
        })
    }
}
