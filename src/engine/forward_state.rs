//! Forward state of entries, and the tenures in which it was set (MB-5, HO-15).

use super::Engine;
use super::interfaces::InterfaceId;
use super::key::{Hashed, Key};
use super::mfe::StateRecord;
use crate::types::address::Address;
use crate::view::ForwardState;

impl<A: Address> Engine<A> {
    /// Writes the forward state of one interface of an entry, and says what it was in this tenure.
    pub(super) fn write_state(
        &mut self,
        id: InterfaceId,
        at: Hashed<Key<A>>,
        state: Option<ForwardState>,
        set: u64,
    ) -> Option<ForwardState> {
        let record = self.interfaces.get_mut(id)?;
        let by = record.owner()?;
        let mfe = self.mfes.get_mut(at)?;
        let record_of_state = StateRecord { state, by, tenure: record.tenure, set };
        let old = mfe.states.get_or_insert_default().insert(id, record_of_state);
        record.states_of.insert(at.key);
        old.and_then(|old| old.state)
    }

    /// Forward state of the owners of past tenures ends, and what they kept out or in is decided anew.
    pub(super) fn end_past_states(&mut self, at: Hashed<Key<A>>) {
        self.drop_past_states(at);
        self.renew_oifs(at);
        self.tell_of_oifs(at);
    }

    /// Forward state of the owners of past tenures ends with the step that changes the entry (HO-15, HO-16). The oifs are
    /// the caller's to renew.
    pub(super) fn drop_past_states(&mut self, at: Hashed<Key<A>>) {
        let Some(states) = self.mfes.get(at).and_then(|mfe| mfe.states.as_ref()) else { return };
        let is_past = |(id, state): (&InterfaceId, &StateRecord)| {
            let tenure = self.interfaces.get(*id).map(|record| record.tenure);
            (tenure != Some(state.tenure)).then_some(*id)
        };
        let past: Vec<_> = states.iter().filter_map(is_past).collect();
        for id in past {
            if let Some(past) = self.interfaces.get_mut(id).and_then(|record| record.past.as_mut()) {
                past.states_of.remove(&at.key);
            }
            if let Some(mfe) = self.mfes.get_mut(at)
                && let Some(states) = &mut mfe.states
            {
                states.remove(&id);
                if states.is_empty() {
                    mfe.states = None;
                }
            }
        }
    }
}
