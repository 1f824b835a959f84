//! Reading the state: one interface at once, the groups joined a page at a time (IF-5, EN-1, EN-4, HO-8).

use super::Engine;
use super::interfaces::{Hold, Port, Slot};
use super::key::{ClientKey, Hashed, Key};
use super::mfe;
use super::table::Cursor;
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::forwarding::ForwardingEntry;
use crate::types::interface::Interface;
use crate::view::{InterfaceStatus, Membership, MembershipKind, Mfe};

/// Entries to a page: EN-4 allows 256.
pub(crate) const PAGE: usize = 128;

/// How far an enumeration of the groups came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupsCursor(Cursor);

impl<A: Address> Engine<A> {
    pub(crate) fn interface(&self, interface: Interface<A>) -> Option<InterfaceStatus<A>> {
        status(self.interfaces.find(interface)?)
    }

    pub(crate) fn interfaces(&self) -> Vec<InterfaceStatus<A>> {
        self.interfaces.iter().filter_map(status).collect()
    }

    /// Appends one page of memberships and blocks to `page`, and says where the next begins.
    pub(crate) fn groups(&self, from: GroupsCursor, page: &mut Vec<Membership<A>>) -> Option<GroupsCursor> {
        let (places, next) = self.interests.page(from.0);
        for (key, place) in places {
            for slot in place.slots() {
                self.memberships(slot, key, page);
            }
        }
        next.map(GroupsCursor)
    }

    pub(crate) fn mfe(&self, key: Key<A>) -> Option<Mfe<A>> {
        self.view(key, self.mfes.get(Hashed::new(&self.hasher, key))?)
    }

    fn view(&self, key: Key<A>, mfe: &mfe::Mfe<A>) -> Option<Mfe<A>> {
        let interface = |slot: Slot| self.interfaces.port(slot).map(|port| port.interface);
        let (source, group) = key.pair();
        let mut oifs = Vec::with_capacity(mfe.oifs.len());
        oifs.extend(mfe.oifs.iter().filter_map(|slot| interface(*slot)));
        oifs.sort_unstable();
        Some(Mfe {
            source,
            group,
            iif: interface(mfe.iif)?,
            owner: self.mfe_owner(mfe).map(ClientKey::name),
            upstream: mfe.upstream,
            prefix: mfe.prefix,
            oifs,
            made: self.clock.instant(mfe.made)?,
            expires: self.clock.instant(mfe.expires),
            failure: mfe.sync.failure(),
        })
    }

    /// The entry as the forwarder has to know it.
    pub(super) fn forwarding_entry(&self, key: Key<A>) -> Option<ForwardingEntry<A>> {
        let Mfe { source, group, iif, oifs, .. } = self.mfe(key)?;
        Some(ForwardingEntry { source, group, iif, oifs })
    }

    /// Appends one page of forwarding entries to `page`, in order, those after `last`.
    pub(crate) fn mfes(&self, last: Option<Key<A>>, page: &mut Vec<Mfe<A>>) {
        let find = |key| Some((key, self.mfes.get(Hashed::new(&self.hasher, key))?));
        // All are found before any is read: so they wait for memory at the same time.
        let found: Vec<_> = self.mfes.after(last).take(PAGE).filter_map(find).collect();
        page.extend(found.into_iter().filter_map(|(key, mfe)| self.view(key, mfe)));
    }

    fn memberships(&self, slot: Slot, key: Key<A>, page: &mut Vec<Membership<A>>) {
        let Some(port) = self.interfaces.port(slot) else { return };
        let held = port.held.get(Hashed::new(&self.hasher, key)).copied().unwrap_or_default();
        for (hold, adder) in [(held.igmp, port.igmp), (held.protocol, port.protocol)] {
            let kind = match hold {
                Hold::Nothing => continue,
                Hold::Wanted => MembershipKind::Joined,
                Hold::Blocked => MembershipKind::Blocked,
            };
            if let (Some(adder), Some(owner)) = (adder, port.owner()) {
                page.push(Membership {
                    entry: Entry::from(key),
                    interface: port.interface,
                    kind,
                    added_by: adder.name(),
                    counts_for: owner.name(),
                });
            }
        }
    }
}

fn status<A: Address>(port: &Port<A>) -> Option<InterfaceStatus<A>> {
    Some(InterfaceStatus {
        interface: port.interface,
        owner: port.owner()?.name(),
        igmp: port.igmp.is_some(),
        in_handover: port.handover.is_some(),
    })
}
