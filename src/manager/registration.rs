//! A client as the manager calls it: the only file that invokes callbacks.

use std::sync::Arc;

use super::counted::CallbackMeter;
use super::outbox::Recipient;
use super::panics::Panics;
use super::recorder::{Recorded, Recorder};
use crate::callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
use crate::client::ClientRef;
use crate::counters::CallbackCounters;
use crate::engine::Modes;
use crate::lock::{AtomicBool, Ordering};
use crate::record::{Callback, Party};
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::client::ClientName;
use crate::types::creation::{CreationOif, NewMfe, RpfRequest};
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
    recorder: Option<Arc<Recorder<A>>>,
    meter: CallbackMeter,
}

impl<A: Address> Registration<A> {
    pub(crate) fn new(
        name: ClientName,
        callbacks: Callbacks<A>,
        panics: Arc<Panics>,
        recorder: Option<Arc<Recorder<A>>>,
        meter: CallbackMeter,
    ) -> Self {
        Self { name, callbacks, silenced: AtomicBool::new(false), panics, recorder, meter }
    }

    pub(super) fn counters(&self) -> CallbackCounters {
        self.meter.read(self.name)
    }

    pub(crate) fn disable_igmp(&self, me: &ClientRef<A>, interface: Interface<A>) {
        self.igmp(Callback::DisableIgmp { interface }, |callbacks| callbacks.disable_igmp(me, interface));
    }

    pub(crate) fn enable_igmp(&self, me: &ClientRef<A>, interface: Interface<A>) {
        self.igmp(Callback::EnableIgmp { interface }, |callbacks| callbacks.enable_igmp(me, interface));
    }

    /// What the client chose for itself.
    pub(super) fn modes(&self) -> Modes {
        match &self.callbacks {
            Callbacks::Igmp(callbacks) => {
                let alerts = self.guard("alert_mode", || callbacks.alert_mode());
                Modes { alerts: alerts.unwrap_or_default(), ..Modes::default() }
            }
            Callbacks::Protocol(callbacks) => {
                let creation = self.guard("creation_mode", || callbacks.creation_mode());
                Modes { creation: creation.unwrap_or_default(), ..Modes::default() }
            }
        }
    }

    /// The client's answer, if it has one.
    pub(crate) fn rpf(&self, me: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Option<Route<A>> {
        let protocol = self.protocol()?;
        let RpfRequest { source, group, arrival, header, route } = *request;
        let callback = || Callback::Rpf { source, group, arrival, header: header.to_vec(), route };
        self.call("rpf", callback, || protocol.rpf(me, request))
    }

    /// What the client made of `oifs`, if it got that far.
    pub(crate) fn creation_alert(
        &self,
        me: &ClientRef<A>,
        entry: &NewMfe<A>,
        mut oifs: Vec<CreationOif<A>>,
    ) -> Option<Vec<CreationOif<A>>> {
        let protocol = self.protocol()?;
        let shown = self.recorder.as_ref().map(|_| oifs.clone()).unwrap_or_default();
        let callback = || Callback::CreationAlert { mfe: *entry, oifs: shown };
        self.call("creation_alert", callback, || {
            protocol.creation_alert(me, entry, &mut oifs);
            oifs
        })
    }

    fn protocol(&self) -> Option<&dyn ProtocolCallbacks<A>> {
        match &self.callbacks {
            Callbacks::Protocol(callbacks) => Some(callbacks.as_ref()),
            Callbacks::Igmp(_) => None,
        }
    }

    /// Delivers one alert.
    pub(super) fn tell(&self, me: &ClientRef<A>, alert: Alert<A>) {
        let name = alert.callback();
        let told = self.recorder.as_ref().map(|_| alert.clone());
        // Where the callback's panics are caught: those of a subscriber must not lose the right to deliver.
        let tell = || {
            tracing::debug!(target: "mgm::alert", client = %self.name, %alert, "told");
            match &self.callbacks {
                Callbacks::Igmp(callbacks) => callbacks.alert(me, alert),
                Callbacks::Protocol(callbacks) => callbacks.alert(me, alert),
            }
        };
        match told {
            None => self.guard(name, tell),
            Some(told) => self.call(name, || Callback::Alert(told), tell),
        };
    }

    fn igmp(&self, callback: Callback<A>, call: impl FnOnce(&dyn IgmpCallbacks<A>)) {
        if let Callbacks::Igmp(callbacks) = &self.callbacks {
            self.call(callback.method(), || callback, || call(callbacks.as_ref()));
        }
    }

    /// Runs one callback, unless the client has been silenced, and records it.
    fn call<R: Recorded<A>>(
        &self,
        name: &'static str,
        callback: impl FnOnce() -> Callback<A>,
        call: impl FnOnce() -> R,
    ) -> Option<R> {
        match &self.recorder {
            Some(recorder) if !self.is_silenced() => {
                recorder.calls(Party::Client(self.name), callback(), || self.guard(name, call))
            }
            Some(_) | None => self.guard(name, call),
        }
    }

    /// Runs one callback, unless the client has been silenced.
    fn guard<R>(&self, callback: &'static str, call: impl FnOnce() -> R) -> Option<R> {
        if self.is_silenced() {
            return None;
        }
        self.meter.count(&self.panics, || self.panics.catch(&self.name, callback, call))
    }
}

impl<A: Address> Drop for Registration<A> {
    fn drop(&mut self) {
        let callbacks = std::mem::replace(&mut self.callbacks, Callbacks::Igmp(Box::new(NoCallbacks)));
        self.panics.catch(&self.name, "drop", || drop(callbacks));
        let clock = self.meter.take_clock();
        self.panics.catch(&"clock", "drop", || drop(clock));
    }
}

impl<A: Address> Recipient for Registration<A> {
    fn is_silenced(&self) -> bool {
        self.silenced.load(Ordering::Acquire)
    }

    fn silence(&self) {
        self.silenced.store(true, Ordering::Release);
    }
}
