//! A client as the manager calls it: the only file that invokes callbacks.

use std::sync::Arc;

use super::panics::Panics;
use crate::callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
use crate::client::ClientRef;
use crate::engine::Alert;
use crate::lock::{AtomicBool, Ordering};
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::interface::Interface;
use crate::types::route::Route;

/// What a client registered.
pub(crate) enum Callbacks<A: Address> {
    Igmp(Box<dyn IgmpCallbacks<A>>),
    Protocol(Box<dyn ProtocolCallbacks<A>>),
}

/// A registered client, as long as anybody may be calling it.
pub(crate) struct Registration<A: Address> {
    name: ClientName,
    callbacks: Callbacks<A>,
    silenced: AtomicBool,
    panics: Arc<Panics>,
}

impl<A: Address> Registration<A> {
    pub(crate) fn new(name: ClientName, callbacks: Callbacks<A>, panics: Arc<Panics>) -> Self {
        Self { name, callbacks, silenced: AtomicBool::new(false), panics }
    }

    /// CL-4: from now on no callback of the client begins.
    pub(crate) fn silence(&self) {
        self.silenced.store(true, Ordering::Release);
    }

    pub(crate) fn is_silenced(&self) -> bool {
        self.silenced.load(Ordering::Acquire)
    }

    pub(crate) fn disable_igmp(&self, me: &ClientRef<A>, interface: Interface<A>) {
        self.igmp("disable_igmp", |callbacks| callbacks.disable_igmp(me, interface));
    }

    pub(crate) fn enable_igmp(&self, me: &ClientRef<A>, interface: Interface<A>) {
        self.igmp("enable_igmp", |callbacks| callbacks.enable_igmp(me, interface));
    }

    /// Whether the client is asked about every new forwarding entry.
    pub(crate) fn is_asked_always(&self) -> bool {
        let mode =
            self.protocol().and_then(|protocol| self.guard("creation_mode", || protocol.creation_mode()));
        mode == Some(CreationMode::Always)
    }

    /// The client's answer, if it has one.
    pub(crate) fn rpf(&self, me: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Option<Route<A>> {
        let protocol = self.protocol()?;
        self.guard("rpf", || protocol.rpf(me, request))
    }

    /// What the client made of `oifs`, if it got that far.
    pub(crate) fn creation_alert(
        &self,
        me: &ClientRef<A>,
        entry: &NewMfe<A>,
        mut oifs: Vec<CreationOif<A>>,
    ) -> Option<Vec<CreationOif<A>>> {
        let protocol = self.protocol()?;
        self.guard("creation_alert", || protocol.creation_alert(me, entry, &mut oifs))?;
        Some(oifs)
    }

    fn protocol(&self) -> Option<&dyn ProtocolCallbacks<A>> {
        match &self.callbacks {
            Callbacks::Protocol(callbacks) => Some(callbacks.as_ref()),
            Callbacks::Igmp(_) => None,
        }
    }

    /// Delivers one alert.
    pub(crate) fn tell(&self, me: &ClientRef<A>, alert: Alert<A>) {
        match &self.callbacks {
            Callbacks::Igmp(callbacks) => {
                if let Alert::InterfaceRemoved(interface) = alert {
                    self.guard("interface_removed", || callbacks.interface_removed(me, interface));
                }
            }
            Callbacks::Protocol(callbacks) => {
                self.guard(alert.callback(), || tell(callbacks.as_ref(), me, alert));
            }
        }
    }

    fn igmp(&self, callback: &'static str, call: impl FnOnce(&dyn IgmpCallbacks<A>)) {
        if let Callbacks::Igmp(callbacks) = &self.callbacks {
            self.guard(callback, || call(callbacks.as_ref()));
        }
    }

    /// Runs one callback, unless the client has been silenced.
    fn guard<R>(&self, callback: &'static str, call: impl FnOnce() -> R) -> Option<R> {
        if self.is_silenced() { None } else { self.panics.catch(&self.name, callback, call) }
    }
}

impl<A: Address> Drop for Registration<A> {
    fn drop(&mut self) {
        let callbacks = std::mem::replace(&mut self.callbacks, Callbacks::Igmp(Box::new(NoCallbacks)));
        self.panics.catch(&self.name, "drop", || drop(callbacks));
    }
}

fn tell<A: Address>(protocol: &dyn ProtocolCallbacks<A>, me: &ClientRef<A>, alert: Alert<A>) {
    match alert {
        Alert::Join(entry, cause) => protocol.join_alert(me, entry, cause),
        Alert::Prune(entry, cause) => protocol.prune_alert(me, entry, cause),
        Alert::LocalJoin(on, entry) => protocol.local_join(me, on, entry),
        Alert::LocalLeave(on, entry) => protocol.local_leave(me, on, entry),
        Alert::LocalBlock(on, source, group) => protocol.local_block(me, on, source, group),
        Alert::LocalUnblock(on, source, group) => protocol.local_unblock(me, on, source, group),
        Alert::WrongInterface(on, source, group, header) => {
            protocol.wrong_interface(me, on, source, group, &header);
        }
        Alert::InterfaceRemoved(interface) => protocol.interface_removed(me, interface),
    }
}
