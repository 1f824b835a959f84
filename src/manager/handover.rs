//! The hand-over of an interface on which IGMP is: the heart of the manager.

use std::sync::Arc;

use super::registration::Registration;
use super::{Shared, State};
use crate::client::ClientRef;
use crate::engine::{ClientKey, Start, Transfer};
use crate::error::Error;
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;

impl<A: Address> Shared<A> {
    /// Takes `interface` for `client`: IF-1 to IF-3.
    pub(crate) fn take(self: &Arc<Self>, client: ClientKey, interface: Interface<A>) -> Result<(), Error<A>> {
        let start = self.update(|state| state.engine.take(client, interface, &mut state.effects))?;
        self.carry_out(start, Transfer::Take(client), interface);
        Ok(())
    }

    /// Releases `interface` for `client`: IF-4, IF-7.
    pub(crate) fn release(
        self: &Arc<Self>,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<(), Error<A>> {
        let start = self.update(|state| state.engine.release(client, interface, &mut state.effects))?;
        self.carry_out(start, Transfer::Release(client), interface);
        Ok(())
    }

    /// CL-4: the handle of `client` is dropped. Releases what it is on, in the order of taking.
    pub(crate) fn drop_client(self: &Arc<Self>, client: ClientKey) {
        let on = self.update(|state| {
            state.outboxes.silence(client);
            state.engine.leave(client)
        });
        for interface in on {
            let release =
                |state: &mut State<A>| state.engine.release_dropped(client, interface, &mut state.effects);
            if let Some(start) = self.update(release) {
                self.carry_out(start, Transfer::Release(client), interface);
            }
        }
        self.update(|state| state.engine.finish_leaving(client, &mut state.effects));
    }

    fn carry_out(self: &Arc<Self>, start: Start, transfer: Transfer, interface: Interface<A>) {
        match start {
            Start::Done => tracing::info!(%interface, %transfer, "ownership changed"),
            Start::HandOver => self.hand_over(transfer, interface),
        }
    }

    /// HO-1: the change has been asked for and granted, and none of it is done.
    fn hand_over(self: &Arc<Self>, transfer: Transfer, interface: Interface<A>) {
        let (from, to) = parties(transfer);
        let _span = tracing::info_span!("hand_over", %interface, %from, %to).entered();
        // 1. disable_igmp, and wait until it returns.
        let bracket = Bracket::open(self, interface);
        // 2. The change, and all that follows from it. HO-9: its alerts are delivered here.
        self.update(|state| state.engine.change_owner(transfer, interface, &mut state.effects));
        // 3. enable_igmp. HO-10: then what could not be refused meanwhile.
        drop(bracket);
    }
}

/// HO-6: `disable_igmp` has been invoked, and `enable_igmp` follows on every path out.
struct Bracket<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    interface: Interface<A>,
    igmp: Option<(ClientKey, Arc<Registration<A>>)>,
}

impl<'a, A: Address> Bracket<'a, A> {
    fn open(manager: &'a Arc<Shared<A>>, interface: Interface<A>) -> Self {
        let igmp = manager.update(|state| {
            let igmp = state.engine.igmp_on(interface)?;
            Some((igmp, state.outboxes.registration(igmp)?))
        });
        let bracket = Self { manager, interface, igmp };
        bracket.call(Registration::disable_igmp);
        bracket
    }

    fn call(&self, callback: impl FnOnce(&Registration<A>, &ClientRef<A>, Interface<A>)) {
        if let Some((igmp, registration)) = &self.igmp {
            self.manager.call(*igmp, |me| callback(registration, me, self.interface));
        }
    }
}

impl<A: Address> Drop for Bracket<'_, A> {
    fn drop(&mut self) {
        let interface = self.interface;
        self.manager.update(|state| state.engine.enable_igmp(interface));
        self.call(Registration::enable_igmp);
        let noted = self.manager.update(|state| state.engine.end_handover(interface, &mut state.effects));
        if let Some(transfer) = noted {
            self.manager.hand_over(transfer, interface);
        }
    }
}

/// Who has the interface before and after a transfer.
fn parties(transfer: Transfer) -> (ClientName, ClientName) {
    match transfer {
        Transfer::Take(client) => (ClientName::Igmp, client.name()),
        Transfer::Release(client) => (client.name(), ClientName::Igmp),
    }
}
