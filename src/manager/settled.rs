//! Waking whoever was refused because an interface was changing hands (HO-7).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
use crate::record::{Callback, Party};
use crate::types::address::Address;
use crate::types::interface::Interface;

/// What is to be called when an interface is settled.
pub(super) type Wake = Box<dyn FnOnce() + Send>;

/// Those who wait, by interface.
pub(super) type Waiting<A> = BTreeMap<Interface<A>, Vec<Wake>>;

impl<A: Address> Shared<A> {
    /// Calls `wake` once, without a lock, when nobody is changing who is on `interface`; at once, if nobody is.
    pub(crate) fn when_settled(self: &Arc<Self>, interface: Interface<A>, wake: Wake) {
        let at_once = self.update(|state| {
            if state.engine.is_in_transition(interface) {
                state.waiting.entry(interface).or_default().push(wake);
                return None;
            }
            Some(wake)
        });
        self.wake(interface, at_once);
    }

    /// Wakes those who wait for `interface`, if it is settled.
    pub(super) fn wake_settled(self: &Arc<Self>, interface: Interface<A>) {
        let waiting = self.update(|state| {
            if state.engine.is_in_transition(interface) {
                return None;
            }
            state.waiting.remove(&interface)
        });
        self.wake(interface, waiting.into_iter().flatten());
    }

    fn wake(self: &Arc<Self>, interface: Interface<A>, waiting: impl IntoIterator<Item = Wake>) {
        for wake in waiting {
            let wake = || self.panics.catch(&"waker", "wake", wake);
            self.ask(|| self.calls(Party::Waiter, || Callback::Settled { interface }, wake));
        }
    }
}
