//! The manager behind its handles: the lock, and the way of every call through it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, MutexGuard};

use crate::client::ClientRef;
use crate::engine::{ClientKey, Effects, Engine, Hold};
use crate::error::{Error, Limit};
use crate::outbox::{Delivery, Outboxes};
use crate::registration::Registration;
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::interface::Interface;

/// What all handles of one manager share.
///
/// The lock is held for plain data only: no callback, no drop of a foreign value, no tracing under it
/// (CB-1). So nothing can panic under it but a bug, and it needs no poisoning.
pub(crate) struct Shared<A: Address> {
    state: Mutex<State<A>>,
    /// Panics caught in callbacks.
    pub(crate) panics: Arc<AtomicU64>,
}

/// What the lock protects.
pub(crate) struct State<A: Address> {
    pub(crate) engine: Engine<A>,
    pub(crate) effects: Effects<A>,
    pub(crate) outboxes: Outboxes<A>,
}

impl<A: Address> Shared<A> {
    pub(crate) fn new(engine: Engine<A>) -> Self {
        let state = State { engine, effects: Effects::default(), outboxes: Outboxes::new() };
        Self { state: Mutex::new(state), panics: Arc::default() }
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
        let garbage = outboxes.post(effects);
        // CB-4: what is caused inside a callback is delivered after it, by whoever called it.
        let delivery = if Inside::is(self) { None } else { outboxes.take() };
        drop(state);
        drop(garbage);
        if let Some(delivery) = delivery {
            self.deliver(delivery);
        }
        result
    }

    /// Makes a call to a client at once, on this thread, and then delivers what it caused.
    pub(crate) fn call(
        self: &Arc<Self>,
        client: ClientKey,
        registration: &Registration<A>,
        call: impl FnOnce(&Registration<A>, &ClientRef<A>),
    ) {
        let me = ClientRef::new(Arc::clone(self), client);
        {
            let _inside = Inside::enter(self);
            call(registration, &me);
        }
        self.update(|_| ());
    }

    fn deliver(self: &Arc<Self>, mut delivery: Delivery<A>) {
        let mut me = ClientRef::new(Arc::clone(self), delivery.client);
        loop {
            {
                let _inside = Inside::enter(self);
                for alert in delivery.batch.drain(..) {
                    delivery.registration.tell(&me, alert);
                }
            }
            let mut state = self.state.lock();
            let garbage = state.outboxes.give_back(delivery);
            let next = state.outboxes.take();
            // Whoever waits for the lock is next: otherwise one thread could deliver for all others for ever.
            MutexGuard::unlock_fair(state);
            drop(garbage);
            let Some(next) = next else { return };
            me = me.speaking_for(next.client);
            delivery = next;
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
        let before = self.engine.hold(client, interface, entry, (None, hold), &mut self.effects)?;
        let max = self.engine.limits().waiting_alerts;
        let overfull = max.and_then(|max| Some((max, self.outboxes.overfull(&self.effects, max)?)));
        let Some((max, overfull)) = overfull else { return Ok(before) };
        self.engine.hold(client, interface, entry, (None, before), &mut self.effects)?;
        self.effects.alerts.clear();
        Err(Error::LimitReached(Limit::WaitingAlerts { client: overfull.name(), max }))
    }
}

thread_local! {
    /// The managers whose callbacks are running on this thread, by address, innermost last.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// This thread is inside a callback of one manager, until this is dropped.
struct Inside;

impl Inside {
    fn enter<A: Address>(manager: &Arc<Shared<A>>) -> Self {
        // The thread's locals are gone while it ends; what calls the manager then has no callback around it.
        let _ended = INSIDE.try_with(|inside| inside.borrow_mut().push(address(manager)));
        Self
    }

    fn is<A: Address>(manager: &Arc<Shared<A>>) -> bool {
        INSIDE.try_with(|inside| inside.borrow().contains(&address(manager))).unwrap_or(false)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ended = INSIDE.try_with(|inside| inside.borrow_mut().pop());
    }
}

fn address<A: Address>(manager: &Arc<Shared<A>>) -> usize {
    Arc::as_ptr(manager).addr()
}
