//! One hold: what is held of one entry on one interface is written and counted, and its owner hears of it (MB-7, CT-7).

use super::Engine;
use super::held::{Party, Seen, Step};
use super::interest::Shift;
use super::interfaces::InterfaceId;
use super::key::{ClientKey, Hashed, Key};
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::MembershipKind;

impl<A: Address> Engine<A> {
    /// Writes what is held, and keeps the counts of MB-7. What only waits to be withdrawn was taken out of them when the
    /// interface changed hands (HO-16).
    pub(super) fn write_held(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: &Step) {
        self.page.change();
        let Some(record) = self.interfaces.get_mut(id) else { return };
        record.set_held(at, step.before.held, step.after.held);
        for party in Party::ALL {
            let present = record.parties[party];
            let was = step.before.holder(party).filter(|client| present == Some(*client));
            let is = step.after.holder(party);
            if was.is_some() == is.is_some() {
                continue;
            }
            let client = was.or(is).and_then(|client| self.clients.get_mut(client));
            let of_client = client.map(|client| &mut client.holds);
            for count in [&mut self.holds, &mut record.holds[party]].into_iter().chain(of_client) {
                if is.is_some() {
                    *count += 1;
                } else {
                    *count -= 1;
                }
            }
        }
    }

    /// Tells the owner of the interface what IGMP does there, and counts who wants the entry.
    pub(super) fn follow_interest(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: &Step) -> Shift {
        // Where no protocol owns the interface before or after, nobody hears of it.
        let is_owned = step.before.parties.protocol.or(step.after.parties.protocol).is_some();
        if let Some(record) = self.interfaces.get(id).filter(|_| is_owned) {
            let (interface, tenure) = (record.interface, record.tenure);
            for (owner, alert) in local_alerts(interface, at.key.into(), step) {
                self.effects.alert_in(owner, tenure, alert);
            }
        }
        let bucket = self.interests.find(at);
        let shift = self.interests.shift(&self.interfaces, id, bucket, step);
        self.interests.change(&self.interfaces, id, bucket, step);
        shift
    }
}

/// CT-7: the protocol that owns the interface hears what IGMP does there. HO-12: one that loses or gets the interface
/// hears of what IGMP has there.
pub(super) fn local_alerts<A: Address>(
    interface: Interface<A>,
    entry: Entry<A>,
    step: &Step,
) -> impl Iterator<Item = (ClientKey, Alert<A>)> {
    let heard = |seen: &Seen| Some((seen.parties.protocol?, seen.held.of(Party::Igmp)?));
    let (before, after) = (heard(&step.before), heard(&step.after));
    let ends = before.filter(|_| before != after).map(|(owner, kind)| {
        let alert = match (kind, entry) {
            (MembershipKind::Blocked, Entry::SourceGroup(source, group)) => {
                Alert::LocalUnblock { interface, source, group }
            }
            (MembershipKind::Joined | MembershipKind::Blocked, _) => Alert::LocalLeave { interface, entry },
        };
        (owner, alert)
    });
    let begins = after.filter(|_| before != after).map(|(owner, kind)| {
        let alert = match (kind, entry) {
            (MembershipKind::Blocked, Entry::SourceGroup(source, group)) => {
                Alert::LocalBlock { interface, source, group }
            }
            (MembershipKind::Joined | MembershipKind::Blocked, _) => Alert::LocalJoin { interface, entry },
        };
        (owner, alert)
    });
    ends.into_iter().chain(begins)
}
