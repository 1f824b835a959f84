//! The turns in which threads deliver what they caused: alerts to clients, commands to the forwarder, and word of when
//! `expire` is due (CB-3, CB-4, FW-11, FW-16).
//!
//! A thread delivers to those for whom it has posted something, and to nobody else: so a call takes as long as what it
//! caused, and not as long as what others go on causing. Where another thread is delivering to the same recipient, that
//! one goes on with what has come meanwhile; but between two batches it gives the right back and lets whoever waits for
//! the lock go first, so that a thread that goes on posting takes its own deliveries over.

use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use super::alarm::Alarm;
use super::due::Due;
use super::inside::Inside;
use super::outbox::{Delivery, Garbage};
use super::{Registration, Shared, State};
use crate::client::ClientRef;
use crate::engine::Command;
use crate::lock::MutexGuard;
use crate::record::{Callback, Party};
use crate::types::address::Address;
use crate::types::forwarding::ForwarderError;

/// What a thread does outside the lock for one recipient, of which it has the right.
pub(super) enum Work<A: Address> {
    Alarm(Instant),
    Commands(Commands<A>),
    Deliver(Box<Delivery<A, Registration<A>>>),
}

/// Commands for the forwarder, and what became of each.
type Commands<A> = SmallVec<[(Command<A>, Result<(), ForwarderError>); 1]>;

/// What waits for a recipient when the right to it is given back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Left {
    Nothing,
    Something,
}

/// How many commands the forwarder gets before the lock is taken again.
const BATCH: usize = 64;

impl<A: Address> Shared<A> {
    /// Delivers to all that are due, beginning with `work`, of which this thread has the right.
    pub(super) fn deliver(self: &Arc<Self>, work: Option<Work<A>>, mut due: Due) {
        let mut work = work;
        while let Some(next) = work {
            let inside = Inside::enter(self);
            let done = self.perform(next);
            let caused = inside.leave();
            let mut state = self.lock();
            let (left, garbage) = state.take_back(done);
            if left == Left::Nothing {
                due.end_one();
            }
            due.add(caused);
            due.alarm |= state.look_at_alarm();
            match left {
                Left::Nothing => {
                    work = state.next_work(&mut due);
                    drop(state);
                    drop(garbage);
                }
                Left::Something => {
                    // Whoever waits for the lock goes first, and may take this recipient over.
                    MutexGuard::unlock_fair(state);
                    drop(garbage);
                    work = self.lock().next_work(&mut due);
                }
            }
        }
    }

    fn perform(self: &Arc<Self>, work: Work<A>) -> Work<A> {
        match work {
            Work::Alarm(at) => {
                if let Some(on_due) = &self.on_due {
                    let call = || self.panics.catch(&"timer", "on_due", || on_due(at));
                    self.calls(Party::Timer, || Callback::Due, call);
                }
                work
            }
            Work::Commands(mut commands) => {
                for (command, result) in &mut commands {
                    *result = self.command(command);
                }
                Work::Commands(commands)
            }
            Work::Deliver(mut delivery) => {
                let me = ClientRef::new(Arc::clone(self), delivery.client);
                for alert in delivery.batch.drain(..) {
                    delivery.recipient.tell(&me, alert);
                }
                Work::Deliver(delivery)
            }
        }
    }
}

impl<A: Address> State<A> {
    /// Takes the right to the next of those that are due. Whoever needs nothing any more, or is being served by another
    /// thread, falls away.
    pub(super) fn next_work(&mut self, due: &mut Due) -> Option<Work<A>> {
        if due.alarm
            && let Some(sooner) = self.alarm.as_mut().and_then(Alarm::take)
        {
            return Some(Work::Alarm(sooner));
        }
        due.alarm = false;
        if due.forwarder && !self.is_forwarding {
            let mut commands = Commands::new();
            while commands.len() < BATCH
                && let Some(command) = self.engine.next_command()
            {
                commands.push((command, Ok(())));
            }
            if !commands.is_empty() {
                self.is_forwarding = true;
                return Some(Work::Commands(commands));
            }
        }
        due.forwarder = false;
        while let Some(client) = due.clients.get(due.done) {
            if let Some(delivery) = self.outboxes.take(*client) {
                return Some(Work::Deliver(delivery));
            }
            due.done += 1;
        }
        None
    }

    /// FW-16: whether somebody is to be told that `expire` wants to be called sooner.
    pub(super) fn look_at_alarm(&mut self) -> bool {
        let Self { alarm, engine, .. } = self;
        alarm.as_mut().is_some_and(|alarm| alarm.look(engine.next_due()))
    }

    /// Gives the right back, and says whether anything came for the same recipient meanwhile.
    fn take_back(&mut self, done: Work<A>) -> (Left, Garbage<Registration<A>>) {
        match done {
            Work::Alarm(_) => {
                let is_sooner = self.alarm.as_mut().is_some_and(Alarm::give_back);
                (if is_sooner { Left::Something } else { Left::Nothing }, Garbage::none())
            }
            Work::Commands(commands) => {
                for (command, result) in commands {
                    self.counted.forwarder_calls += 1;
                    self.counted.forwarder_failures += u64::from(result.is_err());
                    self.engine.commanded(&command, result);
                }
                self.is_forwarding = false;
                let left = if self.engine.has_commands() { Left::Something } else { Left::Nothing };
                (left, Garbage::none())
            }
            Work::Deliver(delivery) => {
                let client = delivery.client;
                let garbage = self.outboxes.give_back(delivery);
                let left = if self.outboxes.waiting(client) > 0 { Left::Something } else { Left::Nothing };
                (left, garbage)
            }
        }
    }
}
