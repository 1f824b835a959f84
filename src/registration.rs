//! A client as the manager calls it: the only file that invokes callbacks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
use crate::client::ClientRef;
use crate::engine::Alert;
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;

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
    panics: Arc<AtomicU64>,
}

impl<A: Address> Registration<A> {
    pub(crate) fn new(name: ClientName, callbacks: Callbacks<A>, panics: Arc<AtomicU64>) -> Self {
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

    /// Delivers one alert.
    pub(crate) fn tell(&self, me: &ClientRef<A>, alert: Alert<A>) {
        match &self.callbacks {
            Callbacks::Igmp(callbacks) => {
                if let Alert::InterfaceRemoved(interface) = alert {
                    self.guard("interface_removed", || callbacks.interface_removed(me, interface));
                }
            }
            Callbacks::Protocol(callbacks) => self.tell_protocol(callbacks.as_ref(), me, alert),
        }
    }

    fn tell_protocol(&self, protocol: &dyn ProtocolCallbacks<A>, me: &ClientRef<A>, alert: Alert<A>) {
        match alert {
            Alert::Join(entry, cause) => self.guard("join_alert", || protocol.join_alert(me, entry, cause)),
            Alert::Prune(entry, cause) => {
                self.guard("prune_alert", || protocol.prune_alert(me, entry, cause));
            }
            Alert::LocalJoin(on, entry) => self.guard("local_join", || protocol.local_join(me, on, entry)),
            Alert::LocalLeave(on, entry) => self.guard("local_leave", || protocol.local_leave(me, on, entry)),
            Alert::LocalBlock(on, source, group) => {
                self.guard("local_block", || protocol.local_block(me, on, source, group));
            }
            Alert::LocalUnblock(on, source, group) => {
                self.guard("local_unblock", || protocol.local_unblock(me, on, source, group));
            }
            Alert::InterfaceRemoved(interface) => {
                self.guard("interface_removed", || protocol.interface_removed(me, interface));
            }
        }
    }

    fn igmp(&self, callback: &'static str, call: impl FnOnce(&dyn IgmpCallbacks<A>)) {
        if let Callbacks::Igmp(callbacks) = &self.callbacks {
            self.guard(callback, || call(callbacks.as_ref()));
        }
    }

    /// CB-5: runs one callback, unless the client has been silenced; a panic ends here.
    fn guard(&self, callback: &'static str, call: impl FnOnce()) {
        if self.is_silenced() {
            return;
        }
        self.catch(callback, call);
    }

    fn catch(&self, callback: &'static str, call: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            self.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(client = %self.name, callback, panic = message(&*panic), "a callback panicked");
            // What was thrown is foreign too, and may panic again when it is dropped.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                std::mem::forget(again);
            }
        }
    }
}

impl<A: Address> Drop for Registration<A> {
    fn drop(&mut self) {
        let callbacks = std::mem::replace(&mut self.callbacks, Callbacks::Igmp(Box::new(NoCallbacks)));
        self.catch("drop", || drop(callbacks));
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}
