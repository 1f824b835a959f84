//! The news that waits for each client, and the right to deliver it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::registration::Registration;
use crate::engine::{Alert, ClientKey, Effects};
use crate::types::address::Address;

/// The outboxes of all clients. It lies under the engine's lock, so that alerts are queued in the order
/// of the state changes.
pub(crate) struct Outboxes<A: Address> {
    boxes: BTreeMap<ClientKey, Outbox<A>>,
    /// Those with news that nobody is delivering.
    ready: VecDeque<ClientKey>,
}

struct Outbox<A: Address> {
    registration: Arc<Registration<A>>,
    queue: VecDeque<Alert<A>>,
    right: Option<Box<Delivery<A>>>,
}

/// The right to deliver to one client, with what is to be delivered.
///
/// There is one for each client. Who takes it out of the outbox, under the lock, is the only one who
/// delivers; it goes back under the same lock, where the queue is looked at once more (CB-3). A flag
/// beside the queue would lose the alert that is queued while the deliverer leaves.
pub(crate) struct Delivery<A: Address> {
    pub(crate) client: ClientKey,
    pub(crate) registration: Arc<Registration<A>>,
    pub(crate) batch: VecDeque<Alert<A>>,
}

/// What the manager has let go of: to be dropped when no lock is held (CB-1).
#[must_use = "to be dropped outside the lock"]
#[derive(Default)]
pub(crate) struct Garbage<A: Address>(Vec<Arc<Registration<A>>>);

impl<A: Address> Garbage<A> {
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }
}

/// How many alerts are delivered before the lock is taken again: so long a thread keeps the right.
const BATCH: usize = 64;

impl<A: Address> Outboxes<A> {
    pub(crate) const fn new() -> Self {
        Self { boxes: BTreeMap::new(), ready: VecDeque::new() }
    }

    pub(crate) fn open(&mut self, client: ClientKey, registration: Arc<Registration<A>>) {
        let delivery = Delivery { client, registration: Arc::clone(&registration), batch: VecDeque::new() };
        let right = Some(Box::new(delivery));
        self.boxes.insert(client, Outbox { registration, queue: VecDeque::new(), right });
    }

    pub(crate) fn registration(&self, client: ClientKey) -> Option<Arc<Registration<A>>> {
        self.boxes.get(&client).map(|outbox| Arc::clone(&outbox.registration))
    }

    /// CL-4: the client is called no more, and needs no news.
    pub(crate) fn silence(&mut self, client: ClientKey) {
        if let Some(outbox) = self.boxes.get_mut(&client) {
            outbox.registration.silence();
            outbox.queue = VecDeque::new();
        }
    }

    /// Queues what follows from a change.
    pub(crate) fn post(&mut self, effects: &mut Effects<A>) -> Garbage<A> {
        for (client, alert) in effects.forwarding.drain(..).chain(effects.alerts.drain(..)) {
            let Some(outbox) =
                self.boxes.get_mut(&client).filter(|outbox| !outbox.registration.is_silenced())
            else {
                continue;
            };
            if outbox.queue.is_empty() && outbox.right.is_some() {
                self.ready.push_back(client);
            }
            outbox.queue.push_back(alert);
        }
        let mut garbage = Garbage::none();
        for client in effects.gone.drain(..) {
            if let Some(outbox) = self.boxes.remove(&client) {
                outbox.registration.silence();
                garbage.0.push(outbox.registration);
                garbage.0.extend(outbox.right.map(|delivery| delivery.registration));
            }
        }
        garbage
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.ready.is_empty()
    }

    /// A client for which more than `max` alerts would wait if `effects` were posted (MB-7).
    pub(crate) fn overfull(&self, effects: &Effects<A>, max: usize) -> Option<ClientKey> {
        let mut news = BTreeMap::<_, usize>::new();
        for (client, _) in effects.forwarding.iter().chain(&effects.alerts) {
            *news.entry(*client).or_default() += 1;
        }
        let is_overfull = |client: &ClientKey, more: usize| {
            self.boxes
                .get(client)
                .is_some_and(|outbox| !outbox.registration.is_silenced() && outbox.queue.len() + more > max)
        };
        news.into_iter().find(|(client, more)| is_overfull(client, *more)).map(|(client, _)| client)
    }

    /// Takes the right to deliver to the client that has waited longest, with a batch of its news.
    pub(crate) fn take(&mut self) -> Option<Box<Delivery<A>>> {
        while let Some(client) = self.ready.pop_front() {
            let Some(outbox) = self.boxes.get_mut(&client) else { continue };
            if let Some(mut delivery) = outbox.right.take() {
                if outbox.queue.len() <= BATCH {
                    std::mem::swap(&mut delivery.batch, &mut outbox.queue);
                } else {
                    delivery.batch.extend(outbox.queue.drain(..BATCH));
                }
                return Some(delivery);
            }
        }
        None
    }

    /// Puts the right back, and looks once more whether news came meanwhile.
    pub(crate) fn give_back(&mut self, mut delivery: Box<Delivery<A>>) -> Garbage<A> {
        let client = delivery.client;
        let Some(outbox) = self.boxes.get_mut(&client) else { return Garbage(vec![delivery.registration]) };
        // After a burst the memory goes back.
        delivery.batch.shrink_to(BATCH);
        outbox.right = Some(delivery);
        if outbox.queue.is_empty() {
            outbox.queue.shrink_to(BATCH);
        } else {
            self.ready.push_back(client);
        }
        Garbage::none()
    }
}
