//! The manager behind its handles: the lock, and the way of every call through it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::client::ClientRef;
use crate::engine::{ClientKey, Command, Effects, Engine, Hold};
use crate::error::{Error, Limit};
use crate::forwarder::Forwarder;
use crate::lock::{AtomicU64, Mutex, MutexGuard, thread_local};
use crate::outbox::{Delivery, Garbage, Outboxes};
use crate::panics::Panics;
use crate::registration::Registration;
use crate::rib::Rib;
use crate::types::address::{Address, SourceAddr};
use crate::types::entry::Entry;
use crate::types::forwarding::ForwarderError;
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

/// What a thread that holds the right to it is to do outside the lock.
enum Work<A: Address> {
    Command(Command<A>),
    Deliver(Box<Delivery<A>>),
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

    fn deliver(self: &Arc<Self>, mut work: Work<A>) {
        loop {
            let done = self.outside(|| self.perform(work));
            let mut state = self.state.lock();
            let garbage = state.take_back(done);
            let is_done = !state.has_work();
            // Whoever waits for the lock takes over: otherwise one thread could deliver for all others for ever.
            MutexGuard::unlock_fair(state);
            drop(garbage);
            if is_done {
                return;
            }
            let next = self.state.lock().work();
            let Some(next) = next else { return };
            work = next;
        }
    }

    fn perform(self: &Arc<Self>, work: Work<A>) -> Done<A> {
        match work {
            Work::Command(command) => {
                let result = self.command(&command);
                Done::Commanded(command, result)
            }
            Work::Deliver(mut delivery) => {
                let me = ClientRef::new(Arc::clone(self), delivery.client);
                for alert in delivery.batch.drain(..) {
                    delivery.registration.tell(&me, alert);
                }
                Done::Delivered(delivery)
            }
        }
    }

    fn command(&self, command: &Command<A>) -> Result<(), ForwarderError> {
        let forwarder = &self.forwarder;
        let (operation, result) = match command {
            Command::Add(entry) => ("add", self.panics.catch(&"forwarder", "add", || forwarder.add(entry))),
            Command::Change(entry) => {
                ("change", self.panics.catch(&"forwarder", "change", || forwarder.change(entry)))
            }
            Command::Delete(source, group) => {
                ("delete", self.panics.catch(&"forwarder", "delete", || forwarder.delete(*source, *group)))
            }
        };
        let result = result.unwrap_or(Err(ForwarderError::Panicked));
        // What is to be gone, and is not there, is gone.
        let result = match (command, result) {
            (Command::Delete(..), Err(ForwarderError::NoSuchEntry)) => Ok(()),
            (Command::Add(_) | Command::Change(_) | Command::Delete(..), result) => result,
        };
        if let Err(error) = &result {
            tracing::warn!(operation, %error, "the forwarder refused");
        }
        result
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

/// What has been done outside the lock.
enum Done<A: Address> {
    Commanded(Command<A>, Result<(), ForwarderError>),
    Delivered(Box<Delivery<A>>),
}

impl<A: Address> State<A> {
    /// Whether anybody waits for news.
    fn has_work(&self) -> bool {
        self.engine.has_commands() || !self.outboxes.is_quiet()
    }

    /// Takes the right to talk to the forwarder or to a client that has waited for it.
    fn work(&mut self) -> Option<Work<A>> {
        if !self.forwarding
            && let Some(command) = self.engine.next_command()
        {
            self.forwarding = true;
            return Some(Work::Command(command));
        }
        self.outboxes.take().map(Work::Deliver)
    }

    /// Gives the right back.
    fn take_back(&mut self, done: Done<A>) -> Garbage<A> {
        match done {
            Done::Commanded(command, result) => {
                self.engine.commanded(&command, result);
                self.forwarding = false;
                Garbage::none()
            }
            Done::Delivered(delivery) => self.outboxes.give_back(delivery),
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
