//! One hold: what is held of one entry on one interface is written and counted, and its owner hears of it (MB-7, CT-7).

use super::Engine;
use super::held::{Held, Party, Step};
use super::interest::{Shift, Wanting};
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Hashed, Key};
use super::table::Bucket;
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::entry::Entry;
use crate::view::MembershipKind;

impl<A: Address> Engine<A> {
    /// Writes what is held, and keeps the counts of MB-7. What only waits to be withdrawn was taken out of them when the
    /// interface changed hands (HO-16).
    pub(super) fn write_held(&mut self, id: InterfaceId, bucket: Bucket<Key<A>>, step: Step) {
        self.page.change();
        let Some(record) = self.interfaces.get_mut(id) else { return };
        record.set_held(bucket, step);
        for party in Party::ALL {
            let (was, is) = (record.is_counted(party, step.before), record.is_counted(party, step.after));
            if was == is {
                continue;
            }
            let follow = |count: &mut usize| *count = *count + usize::from(is) - usize::from(was);
            follow(&mut self.holds);
            follow(&mut record.holds[party]);
            if let Some(client) = record.parties[party].and_then(|client| self.clients.get_mut(client)) {
                follow(&mut client.holds);
            }
        }
    }

    /// Tells the owner of the interface what IGMP does there, and counts who wants the entry.
    pub(super) fn follow_interest(&mut self, id: InterfaceId, at: Hashed<Key<A>>, step: Step) -> Shift {
        let Some(record) = self.interfaces.get(id) else {
            return Shift { before: Wanting::Nobody, after: Wanting::Nobody };
        };
        if record.may_hear() {
            for (owner, alert) in local_alerts(record, at.key.into(), step) {
                self.effects.alert_in(owner, record.tenure, alert);
            }
        }
        let (counts_for, bucket) = (record.counts_for(step), self.interests.find(at));
        let shift = self.interests.shift(&self.interfaces, id, bucket, counts_for);
        self.interests.change(&self.interfaces, id, bucket, counts_for, step.after);
        shift
    }
}

/// CT-7: the protocol that owns the interface hears what IGMP does there. HO-12: one that loses or gets the interface
/// hears of what IGMP has there.
pub(super) fn local_alerts<A: Address>(
    record: &InterfaceRecord<A>,
    entry: Entry<A>,
    step: Step,
) -> impl Iterator<Item = (ClientKey, Alert<A>)> {
    let interface = record.interface;
    let heard = |held: Held| Some((record.parties_of(held).protocol?, held.of(Party::Igmp)?));
    let (before, after) = (heard(step.before), heard(step.after));
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
