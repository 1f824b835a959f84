//! Interfaces change hands: the hand-over is the heart of the manager.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Registration, Shared};
use crate::client::ClientRef;
use crate::engine::{ClientKey, Granted, PastMfes, RefreshId, Transfer};
use crate::error::Error;
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;
use crate::view::InterfaceStatus;

impl<A: Address> Shared<A> {
    /// Takes `interface` for `client`: IF-1 to IF-3, IF-9.
    pub(crate) fn take(self: &Arc<Self>, client: ClientKey, interface: Interface<A>) -> Result<(), Error<A>> {
        let granted = self.update(|state| state.engine.take(client, interface))?;
        self.carry_out(granted, Transfer::Take(client), interface);
        Ok(())
    }

    /// Releases `interface` for `client`: IF-4, IF-7.
    pub(crate) fn release(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<(), Error<A>> {
        let granted = self.update(|state| state.engine.release(client, interface))?;
        self.carry_out(granted, Transfer::Release(client), interface);
        Ok(())
    }

    /// CL-4: the handle of `client` is dropped. Releases what it is on, in the order of taking.
    pub(crate) fn drop_client(self: &Arc<Self>, client: ClientKey) {
        let interfaces = self.update(|state| {
            state.outboxes.silence(client);
            state.engine.begin_leaving(client)
        });
        for interface in interfaces {
            if let Some(granted) = self.update(|state| state.engine.release_dropped(client, interface)) {
                self.carry_out(granted, Transfer::Release(client), interface);
            }
        }
        self.update(|state| state.engine.finish_leaving(client));
    }

    /// IF-8: the interface is gone, with all its next hops.
    pub(crate) fn remove(self: &Arc<Self>, index: NonZeroU32) {
        for interface in self.update(|state| state.engine.begin_removal(index)) {
            if let Some(granted) = self.update(|state| state.engine.remove(interface)) {
                self.carry_out(granted, Transfer::Remove, interface);
            }
        }
    }

    /// Does what is left of a change that was granted.
    fn carry_out(self: &Arc<Self>, granted: Granted, transfer: Transfer, interface: Interface<A>) {
        match granted {
            Granted::Change => {
                drop(HandOver::new(self, interface, None, &Cell::default()));
                let (client, change) = transfer.parts();
                let client = client.map(tracing::field::display);
                tracing::info!(target: "mgm", %interface, client, change, "ownership changed");
            }
            Granted::HandOver => self.hand_over(transfer, interface),
        }
    }

    /// HO-1: the change has been asked for and granted, and none of it is done.
    fn hand_over(self: &Arc<Self>, transfer: Transfer, interface: Interface<A>) {
        let again = Cell::default();
        let hand_over = HandOver::new(self, interface, self.igmp_on(interface), &again);
        let (from, to) = parties(transfer, self.read(|engine| engine.interface(interface)));
        let _span = tracing::info_span!(target: "mgm", "hand_over", %interface, %from, %to).entered();
        // 1. disable_igmp, and wait until it returns.
        hand_over.disable_igmp();
        // 2. The change of ownership, and all that follows from it. HO-9: its alerts are delivered here.
        hand_over.change_owner();
        // 3. enable_igmp; HO-14: what IGMP has not added again goes; HO-10: then what could not be refused meanwhile.
        drop(hand_over);
        let AddedAgain { confirmed, swept, waiting } = again.get();
        tracing::info!(target: "mgm", %interface, %from, %to, confirmed, swept, waiting, "handed over");
    }

    /// All that follows from a change of owner, a page to each hold of the lock (HO-16, CB-7).
    fn change_owner(self: &Arc<Self>, interface: Interface<A>) {
        self.update(|state| state.engine.change_owner(interface));
        while !self.update(|state| state.engine.bring_over(interface)) {}
        // HO-15: the new owner is asked about each, outside the lock.
        while let PastMfes::Ask(keys) = self.update(|state| state.engine.past_mfes(interface)) {
            keys.into_iter().for_each(|key| self.make_anew(key, interface));
        }
        self.update(|state| state.engine.end_past(interface));
    }

    /// HO-17: ends a refresh, and deletes what has not been added again.
    pub(crate) fn end_refresh(self: &Arc<Self>, interface: Interface<A>, refresh: RefreshId) {
        while !self.update(|state| state.engine.end_refresh(interface, refresh)) {}
    }

    fn igmp_on(self: &Arc<Self>, interface: Interface<A>) -> Option<Igmp<A>> {
        self.update(|state| {
            let client = state.engine.igmp_on(interface)?;
            Some(Igmp { client, registration: state.outboxes.recipient(client)? })
        })
    }
}

/// Who has the interface before and after a hand-over. IGMP is on it, so it has it where no protocol does.
fn parties<A: Address>(transfer: Transfer, status: Option<InterfaceStatus<A>>) -> (ClientName, ClientName) {
    let handover = status.and_then(|status| status.handover);
    let name = |party: Option<ClientName>| party.unwrap_or(ClientName::Igmp);
    let to = match transfer {
        Transfer::Take(client) => client.name(),
        Transfer::Release(_) | Transfer::Remove => ClientName::Igmp,
    };
    handover.map_or((ClientName::Igmp, to), |handover| (name(handover.from), name(handover.to)))
}

/// The IGMP that is told of a hand-over.
struct Igmp<A: Address> {
    client: ClientKey,
    registration: Arc<Registration<A>>,
}

/// A change of who is on an interface that was granted: what is left of it when this is dropped is done then.
struct HandOver<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    interface: Interface<A>,
    /// Absent where IGMP has no part in it (HO-5).
    igmp: Option<Igmp<A>>,
    next: Cell<Next>,
    again: &'a Cell<AddedAgain>,
}

/// What became of what IGMP held.
#[derive(Clone, Copy, Debug, Default)]
struct AddedAgain {
    /// It added them again, or deleted them itself.
    confirmed: usize,
    swept: usize,
    /// They wait for the end of its refresh (HO-17).
    waiting: usize,
}

/// What comes next of HO-1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    DisableIgmp,
    ChangeOwner,
    EnableIgmp,
}

impl<'a, A: Address> HandOver<'a, A> {
    const fn new(
        manager: &'a Arc<Shared<A>>,
        interface: Interface<A>,
        igmp: Option<Igmp<A>>,
        again: &'a Cell<AddedAgain>,
    ) -> Self {
        Self { manager, interface, igmp, next: Cell::new(Next::DisableIgmp), again }
    }

    fn disable_igmp(&self) {
        if self.next.get() == Next::DisableIgmp {
            self.next.set(Next::ChangeOwner);
            self.call(Registration::disable_igmp);
        }
    }

    fn change_owner(&self) {
        if self.next.get() == Next::ChangeOwner {
            self.next.set(Next::EnableIgmp);
            self.manager.change_owner(self.interface);
        }
    }

    fn call(&self, callback: impl FnOnce(&Registration<A>, &ClientRef<A>, Interface<A>)) {
        if let Some(Igmp { client, registration }) = &self.igmp {
            self.manager.call(*client, |me| callback(registration, me, self.interface));
        }
    }
}

/// HO-6 holds because this runs on every path out, unwinding included: a subscriber of `tracing` may panic, and callbacks
/// may too, though their panics are caught before they come here. The order is the theorem:
/// 1. What has not been done of steps 1 and 2 is done, so that the change that was granted is made, and IGMP is disabled
///    before it.
/// 2. The engine is told that step 3 begins, and only then is `enable_igmp` called, with no lock held: so IGMP may add from
///    inside it (HO-4), and is refused until then (HO-2).
/// 3. What IGMP has not added again is swept when `enable_igmp` has returned, and not before (HO-14); unless IGMP has
///    begun a refresh, which then decides (HO-17).
/// 4. Only now may the interface change hands again (HO-7). What could not be refused meanwhile was deferred, and is
///    carried out here. A release that IGMP has a part in opens a hand-over of its own, so this runs again one level down
///    (HO-10). Whoever was refused is woken last.
impl<A: Address> Drop for HandOver<'_, A> {
    fn drop(&mut self) {
        let Self { manager, interface, .. } = *self;
        self.disable_igmp();
        self.change_owner();
        manager.update(|state| {
            state.engine.enable_igmp(interface);
            state.counted.handovers += u64::from(self.igmp.is_some());
        });
        if self.igmp.is_some() {
            let stale = || manager.read(|engine| engine.stale_of_igmp(interface));
            let before = stale();
            self.call(Registration::enable_igmp);
            let left = stale();
            while !manager.update(|state| state.engine.sweep(interface)) {}
            let waiting = stale();
            let (confirmed, swept) = (before.saturating_sub(left), left.saturating_sub(waiting));
            self.again.set(AddedAgain { confirmed, swept, waiting });
        }
        match manager.update(|state| state.engine.settle(interface)) {
            Some((granted, transfer)) => manager.carry_out(granted, transfer, interface),
            None => manager.wake_settled(interface),
        }
    }
}
