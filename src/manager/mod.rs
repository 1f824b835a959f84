//! The manager behind its handles: the lock, and the way of every call through it.

mod handover;
mod inside;
mod making;
mod outbox;
mod panics;
mod registration;
mod routing;
mod turn;

use std::sync::Arc;

use self::inside::Inside;
pub(crate) use self::making::Packet;
use self::outbox::{Garbage, Outboxes};
use self::panics::Panics;
pub(crate) use self::registration::{Callbacks, Registration};

use crate::client::ClientRef;
use crate::engine::{ClientKey, Command, Effects, Engine, Hold};
use crate::error::{Error, Limit};
use crate::forwarder::Forwarder;
use crate::lock::{AtomicU64, Mutex};
use crate::rib::Rib;
use crate::types::address::{Address, SourceAddr};
use crate::types::entry::Entry;
use crate::types::interface::Interface;

/// What all handles of one manager share.
///
/// The lock is held for plain data only: no callback, no drop of a foreign value, no tracing under it
/// (CB-1). So nothing can panic under it but a bug, and it needs no poisoning.
pub(crate) struct Shared<A: Address> {
    state: Mutex<State<A>>,
    pub(crate) rib: Option<Box<dyn Rib<A>>>,
    pub(crate) forwarder: Box<dyn Forwarder<A>>,
    /// Panics caught in foreign code.
    pub(crate) panics: Arc<Panics>,
    /// Answers to `rpf` that were none (FW-1).
    pub(crate) wrong_answers: AtomicU64,
}

/// What the lock protects.
pub(crate) struct State<A: Address> {
    pub(crate) engine: Engine<A>,
    pub(crate) effects: Effects<A>,
    pub(crate) outboxes: Outboxes<A>,
    /// A thread is talking to the forwarder.
    forwarding: bool,
}

impl<A: Address> Shared<A> {
    pub(crate) fn new(
        engine: Engine<A>,
        rib: Option<Box<dyn Rib<A>>>,
        forwarder: Box<dyn Forwarder<A>>,
    ) -> Self {
        let state =
            State { engine, effects: Effects::default(), outboxes: Outboxes::new(), forwarding: false };
        Self {
            state: Mutex::new(state),
            rib,
            forwarder,
            panics: Arc::default(),
            wrong_answers: AtomicU64::new(0),
        }
    }

    /// Reads the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Engine<A>) -> R) -> R {
        look(&self.state.lock().engine)
    }

    /// The way of every call that changes something: lock, ask the engine, queue what follows, unlock, deliver.
    pub(crate) fn update<R>(self: &Arc<Self>, change: impl FnOnce(&mut State<A>) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        let State { effects, outboxes, .. } = &mut *state;
        let garbage = if effects.is_empty() { Garbage::none() } else { outboxes.post(effects) };
        // CB-4: what is caused inside a callback is delivered after it, by whoever called it.
        let work = if state.has_work() && !Inside::is(self) { state.work() } else { None };
        drop(state);
        drop(garbage);
        if let Some(work) = work {
            self.deliver(work);
        }
        result
    }

    pub(crate) fn registration(&self, client: ClientKey) -> Option<Arc<Registration<A>>> {
        self.state.lock().outboxes.registration(client)
    }

    /// Makes a call to a client at once, on this thread, and then delivers what it caused.
    pub(crate) fn call<R>(self: &Arc<Self>, client: ClientKey, call: impl FnOnce(&ClientRef<A>) -> R) -> R {
        let me = ClientRef::new(Arc::clone(self), client);
        let answer = self.outside(|| call(&me));
        self.update(|_| ());
        answer
    }

    /// Runs foreign code, which is told nothing meanwhile on this thread.
    pub(crate) fn outside<R>(self: &Arc<Self>, foreign: impl FnOnce() -> R) -> R {
        let _inside = Inside::enter(self);
        foreign()
    }
}

impl<A: Address> Drop for Shared<A> {
    /// FW-12: the manager goes, and leaves nothing in the forwarder.
    fn drop(&mut self) {
        for (source, group) in self.state.get_mut().engine.held_by_forwarder() {
            if let Err(error) = self.command(&Command::Delete(source, group)) {
                tracing::error!(%source, %group, %error, "an entry stays behind in the forwarder");
            }
        }
    }
}

impl<A: Address> State<A> {
    /// Adds a membership or a block, unless too much news would then wait for somebody (MB-7).
    pub(crate) fn add(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        entry: Entry<A>,
        hold: Hold,
    ) -> Result<Hold, Error<A>> {
        let max = self.engine.limits().waiting_alerts;
        let source = max.and_then(|_| entry.source()).map(SourceAddr::address);
        let known =
            source.and_then(|source| Some((self.engine.way(source).route, self.engine.route_stamp(source)?)));
        let before = self.engine.hold(client, interface, entry, (None, hold), &mut self.effects)?;
        let overfull = max.and_then(|max| Some((max, self.outboxes.overfull(&self.effects, max)?)));
        let Some((max, overfull)) = overfull else { return Ok(before) };
        // A block of the last (S,G) of a source has had the route to it forgotten.
        if let (Some(source), Some(known)) = (source, known) {
            self.engine.restore_route(source, known);
        }
        self.engine.hold(client, interface, entry, (None, before), &mut self.effects)?;
        self.effects.alerts.clear();
        self.effects.forwarding.clear();
        Err(Error::LimitReached(Limit::WaitingAlerts { client: overfull.name(), max }))
    }
}
