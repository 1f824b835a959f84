//! The manager behind its handles: the lock, and the way of every call through it.
//!
//! This file has the lock and what lies under it. A call changes the engine under the lock, takes what follows from that
//! out of it, and delivers it without the lock. In reading order:
//!
//! | file | what | statements |
//! |---|---|---|
//! | `panics` | foreign code runs here, and what panics is caught and counted | CB-5 |
//! | `registration` | a client as the manager calls it | CB-1, CL-4 |
//! | `outbox` | the alerts that wait for each client, and the right to deliver them | CB-3, MB-7 |
//! | `inside`, `due`, `turn` | whom a thread still has to tell, when it does that, and for how long | CB-4 |
//! | `handover` | an interface changes hands, from the grant to the last sweep | HO-1 to HO-17 |
//! | `settled` | whoever was refused meanwhile is woken | HO-7 |
//! | `memberships`, `filters` | adding and deleting, a page at a time | CB-7, MB-8, MB-9 |
//! | `routing` | the RIB is asked, and what goes by its routes follows | CT-8, FW-9, FW-13 |
//! | `making` | entries are made, and made anew | FW-1, FW-3, FW-7, FW-13, HO-15 |
//! | `forwarding` | the forwarder is told, and reports | FW-11, FW-15 |
//! | `alarm` | whoever sleeps until `expire` is due is called when that becomes sooner | FW-16 |
//! | `news` | whoever polls is woken, and takes | CB-8 |
//! | `recorder`, `counted` | what happens is recorded, and counted | |

mod alarm;
mod counted;
mod due;
mod filters;
mod forwarding;
mod handover;
mod inside;
mod making;
mod memberships;
mod news;
mod outbox;
mod panics;
mod recorder;
mod registration;
mod routing;
mod settled;
mod turn;

use std::collections::BTreeSet;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use self::alarm::Alarm;
pub(crate) use self::alarm::OnDue;
pub(crate) use self::counted::CallbackClock;
use self::counted::{CallbackMeter, Counted, Meter};
use self::due::Due;
use self::inside::Inside;
pub(crate) use self::making::Packet;
use self::news::{Listener, Listeners};
use self::outbox::Outboxes;
pub(crate) use self::panics::Panics;
pub(crate) use self::recorder::{Recorded, Recorder, Sink};
pub(crate) use self::registration::{Callbacks, Registration};
use self::settled::Waiting;
use crate::client::ClientRef;
use crate::engine::{ClientKey, Command, Engine, Hearing, Key, Modes, Number, Walk};
use crate::error::Error;
use crate::explanation::Explanation;
use crate::forwarder::Forwarder;
use crate::lock::{AtomicU64, Mutex, MutexGuard};
use crate::record::{Call, Callback, Party};
use crate::rib::Rib;
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;
use crate::view::InterfaceStatus;

/// What all handles of one manager share.
///
/// The lock is held for plain data only: no callback, no drop of a foreign value, no tracing under it (CB-1). So nothing
/// can panic under it but a bug, and it needs no poisoning.
pub(crate) struct Shared<A: Address> {
    state: Mutex<State<A>>,
    rib: Option<Box<dyn Rib<A>>>,
    /// Absent only while the manager is dropped.
    forwarder: Option<Box<dyn Forwarder<A>>>,
    on_due: Option<OnDue>,
    callback_clock: Option<CallbackClock>,
    calls: Meter,
    lookups: Meter,
    /// Panics caught in foreign code.
    pub(crate) panics: Arc<Panics>,
    /// Invalid answers to `rpf` (FW-1).
    pub(crate) wrong_answers: AtomicU64,
    recorder: Option<Arc<Recorder<A>>>,
}

/// What the manager was built with, and calls without the lock.
pub(crate) struct Edges<A: Address> {
    pub(crate) rib: Option<Box<dyn Rib<A>>>,
    pub(crate) forwarder: Box<dyn Forwarder<A>>,
    pub(crate) on_due: Option<OnDue>,
    pub(crate) callback_clock: Option<CallbackClock>,
}

/// What the lock protects.
pub(crate) struct State<A: Address> {
    pub(crate) engine: Engine<A>,
    outboxes: Outboxes<A, Registration<A>>,
    listeners: Listeners,
    /// A thread has the right to talk to the forwarder.
    is_forwarding: bool,
    /// Absent where nobody asked for it (FW-16).
    alarm: Option<Alarm>,
    counted: Counted,
    /// Who wants to know when an interface is settled (HO-7).
    waiting: Waiting<A>,
    /// Sources whose routes a RIB announced as changed while it was asked (FW-13).
    to_look_up: BTreeSet<Number<A>>,
}

/// CB-5: a panic leaves nothing half done, as none of ours happens under the lock.
impl<A: Address> UnwindSafe for Shared<A> {}
impl<A: Address> RefUnwindSafe for Shared<A> {}

impl<A: Address> Shared<A> {
    pub(crate) fn new(
        engine: Engine<A>,
        edges: Edges<A>,
        panics: Arc<Panics>,
        recorder: Option<Arc<Recorder<A>>>,
    ) -> Self {
        let Edges { rib, forwarder, on_due, callback_clock } = edges;
        let state = State {
            engine,
            outboxes: Outboxes::new(),
            listeners: Listeners::new(),
            is_forwarding: false,
            alarm: on_due.as_ref().map(|_| Alarm::default()),
            counted: Counted::default(),
            waiting: Waiting::default(),
            to_look_up: BTreeSet::new(),
        };
        Self {
            state: Mutex::new(state),
            rib,
            forwarder: Some(forwarder),
            on_due,
            callback_clock,
            calls: Meter::default(),
            lookups: Meter::default(),
            panics,
            wrong_answers: AtomicU64::new(0),
            recorder,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock()
    }

    /// Reads the state at one moment, between two steps (HO-8).
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Engine<A>) -> R) -> R {
        look(&self.lock().engine)
    }

    /// Reads a page, and lets whoever waits for the lock go first before the next one (EN-4).
    pub(crate) fn read_page<R>(&self, look: impl FnOnce(&Engine<A>) -> R) -> R {
        let state = self.lock();
        let seen = look(&state.engine);
        MutexGuard::unlock_fair(state);
        seen
    }

    /// Who is on which interface, read a page at a time.
    pub(crate) fn interfaces(&self) -> Vec<InterfaceStatus<A>> {
        let (mut interfaces, mut last) = (Vec::new(), None);
        loop {
            last = self.read_page(|engine| engine.interfaces(last, &mut interfaces));
            if last.is_none() {
                return interfaces;
            }
        }
    }

    /// What a client is on, in the order of taking, read a page at a time.
    pub(crate) fn interfaces_of(&self, client: ClientKey) -> Vec<Interface<A>> {
        let (mut interfaces, mut last) = (Vec::new(), None);
        loop {
            last = self.read_page(|engine| engine.interfaces_of(client, last, &mut interfaces));
            if last.is_none() {
                return interfaces;
            }
        }
    }

    /// Why an (S,G) goes where it goes, read a page at a time (EN-6).
    pub(crate) fn explain(&self, key: Key<A>) -> Explanation<A> {
        let (mut explanation, mut next) = self.read_page(|engine| engine.explain(key));
        while let Some(cursor) = next {
            next = self.read_page(|engine| engine.explain_more(&mut explanation, cursor));
        }
        explanation
    }

    /// The way of every call that changes something: a step, and a page at a time what it covers and had no room for.
    pub(crate) fn update<R>(self: &Arc<Self>, change: impl FnOnce(&mut State<A>) -> R) -> R {
        let (result, mut walks) = self.step(change);
        while let Some(walk) = walks.pop() {
            let ((), more) = self.step(|state| state.engine.walk(walk));
            walks.extend(more);
        }
        result
    }

    /// One hold of the lock: ask the engine, queue what follows, unlock, deliver. So whoever is told can read the state
    /// that caused it (CB-2).
    fn step<R>(self: &Arc<Self>, change: impl FnOnce(&mut State<A>) -> R) -> (R, Vec<Walk<A>>) {
        let mut state = self.lock();
        if let Some(recorder) = &self.recorder {
            recorder.locked();
        }
        state.engine.turn_page();
        let result = change(&mut state);
        let walks = state.engine.effects.take_walks();
        let (alarm, forwarder) = (state.look_at_alarm(), state.engine.has_commands());
        if state.engine.effects.is_empty() && !forwarder && !alarm {
            unlock(state);
            return (result, walks);
        }
        let woken = state.take_woken();
        let State { engine, outboxes, .. } = &mut *state;
        let (clients, garbage) = outboxes.post(&mut engine.effects);
        // CB-4: what is caused inside a callback is delivered after it, by whoever called it.
        let due = Inside::postpone(self, Due { alarm, forwarder, clients, done: 0 });
        let (work, due) = match due {
            Some(mut due) => (state.next_work(&mut due), due),
            None => (None, Due::default()),
        };
        unlock(state);
        drop(garbage);
        self.wake_all(woken);
        self.deliver(work, due);
        (result, walks)
    }

    /// Does `act`, which is this call by this client or by the system, and records it.
    pub(crate) fn recorded<R: Recorded<A>>(
        &self,
        by: Option<ClientKey>,
        call: impl FnOnce(&Recorder<A>) -> Call<A>,
        act: impl FnOnce() -> R,
    ) -> R {
        self.calls.add(1);
        let result = match &self.recorder {
            None => act(),
            Some(recorder) => recorder.called(by, call, act),
        };
        result.refusals(&mut |kind| *self.lock().counted.refusals.entry(kind).or_default() += 1);
        result
    }

    pub(crate) const fn is_recorded(&self) -> bool {
        self.recorder.is_some()
    }

    /// Calls somebody, as `act` does, and records it.
    fn calls<R: Recorded<A>>(
        &self,
        to: Party,
        callback: impl FnOnce() -> Callback<A>,
        act: impl FnOnce() -> Option<R>,
    ) -> Option<R> {
        match &self.recorder {
            None => act(),
            Some(recorder) => recorder.calls(to, callback(), act),
        }
    }

    pub(crate) fn registration(&self, client: ClientKey) -> Option<Arc<Registration<A>>> {
        self.lock().outboxes.recipient(client)
    }

    /// Registers a client.
    pub(crate) fn register(
        self: &Arc<Self>,
        name: ClientName,
        callbacks: Callbacks<A>,
        hearing: Hearing,
    ) -> Result<ClientKey, Error<A>> {
        let (panics, recorder) = (Arc::clone(&self.panics), self.recorder.clone());
        let meter = CallbackMeter::new(self.callback_clock.clone());
        let registration = Arc::new(Registration::new(name, callbacks, panics, recorder, meter));
        let modes = Modes { hearing, ..self.ask(|| registration.modes()) };
        let register = || {
            self.update(|state| {
                let client = state.engine.register(name, modes)?;
                if client.is_polled() {
                    state.listeners.insert(client, Listener::default());
                }
                state.outboxes.open(client, Arc::clone(&registration));
                Ok(client)
            })
        };
        let Modes { alerts, creation, .. } = modes;
        let call = |_: &Recorder<A>| match (hearing, name) {
            (Hearing::Alerts, ClientName::Igmp) => Call::RegisterIgmp { alerts },
            (Hearing::News, ClientName::Igmp) => Call::RegisterPolledIgmp { alerts },
            (Hearing::Alerts, ClientName::Protocol(id)) => Call::RegisterProtocol { id, creation },
            (Hearing::News, ClientName::Protocol(id)) => Call::RegisterPolledProtocol { id, creation },
        };
        self.recorded(None, call, register)
    }

    /// Makes a call to a client at once, on this thread.
    fn call<R>(self: &Arc<Self>, client: ClientKey, call: impl FnOnce(&ClientRef<A>) -> R) -> R {
        let me = ClientRef::new(Arc::clone(self), client);
        self.ask(|| call(&me))
    }

    /// Runs foreign code. Until it returns, this thread delivers no alerts of this manager; then it delivers those that the
    /// foreign code caused (CB-4).
    fn ask<R>(self: &Arc<Self>, foreign: impl FnOnce() -> R) -> R {
        let inside = Inside::enter(self);
        let answer = foreign();
        self.deliver_due(inside.leave());
        answer
    }

    /// Delivers what foreign code has caused, now that it has returned.
    fn deliver_due(self: &Arc<Self>, due: Due) {
        if let Some(mut due) = Inside::postpone(self, due) {
            let work = self.lock().next_work(&mut due);
            self.deliver(work, due);
        }
    }
}

/// Whoever waits for the lock gets it after a page of work (CB-7): otherwise one thread could take it page after page, and
/// the others would wait for the lock's own fairness, which takes half a millisecond.
fn unlock<A: Address>(state: MutexGuard<'_, State<A>>) {
    if state.engine.has_used_page() {
        MutexGuard::unlock_fair(state);
    } else {
        drop(state);
    }
}

impl<A: Address> Drop for Shared<A> {
    /// FW-12: the manager goes, and leaves nothing in the forwarder. CB-5: nor do the edges harm whoever lets go of it.
    fn drop(&mut self) {
        for (source, group) in self.state.get_mut().engine.held_by_forwarder() {
            if let Err(error) = self.command(&Command::Delete(source, group)) {
                tracing::error!(target: "mgm::forwarder", %source, %group, %error, "an entry stays behind in the forwarder");
            }
        }
        let (rib, forwarder, on_due) = (self.rib.take(), self.forwarder.take(), self.on_due.take());
        self.panics.catch(&"RIB", "drop", || drop(rib));
        self.panics.catch(&"forwarder", "drop", || drop(forwarder));
        self.panics.catch(&"timer", "drop", || drop(on_due));
        let clock = self.callback_clock.take();
        self.panics.catch(&"clock", "drop", || drop(clock));
    }
}
