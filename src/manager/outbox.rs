//! The alerts that wait for each client, and the right to deliver them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::{ClientKey, Effects, WaitingAlerts};
use crate::types::address::Address;
use crate::types::alert::Alert;

/// Whoever alerts are for, as far as its outbox has to know it.
pub(super) trait Recipient {
    /// No callback of it begins any more (CL-4), so nothing needs to wait for it.
    fn is_silenced(&self) -> bool;
    fn silence(&self);
}

/// The outboxes of all clients. They lie under the engine's lock, so that alerts are queued in the order of the state
/// changes.
///
/// CB-3 asks for three things at once: an order for each client, no lock while a callback runs, and many threads. All
/// three follow from one value that is never copied: the right to deliver, which lies in the outbox. Who
/// [takes](Self::take) it out, under the lock, with the oldest of what waits, is the only one who delivers to this client
/// until it [gives it back](Self::give_back) under the same lock. Whoever posts in the meantime finds no right there, and
/// may leave: the one who has it looks at the queue once more when it gives it back. A flag beside the queue would lose
/// the alert that is queued while the deliverer leaves.
pub(super) struct Outboxes<A: Address, R> {
    /// In the order of registration, which is that of the keys.
    boxes: Vec<Outbox<A, R>>,
    /// How many alerts of each kind there were.
    alerts: [u64; KINDS.len()],
    /// Counts the postings, so that each recipient is named once.
    posting: u64,
}

struct Outbox<A: Address, R> {
    client: ClientKey,
    recipient: Arc<R>,
    queue: VecDeque<Alert<A>>,
    right: Option<Box<Delivery<A, R>>>,
    /// How many of the queue are of packets on the wrong interface.
    wrong_interface: usize,
    last_posting: u64,
}

/// The right to deliver to one client, with what is to be delivered.
pub(super) struct Delivery<A: Address, R> {
    pub(super) client: ClientKey,
    pub(super) recipient: Arc<R>,
    pub(super) batch: VecDeque<Alert<A>>,
}

/// Who has been posted to. Four are usual at the most, and need no memory.
pub(super) type Recipients = SmallVec<[ClientKey; 4]>;

/// What the manager has let go of: to be dropped when no lock is held (CB-1).
#[must_use = "to be dropped outside the lock"]
pub(super) struct Garbage<R>(SmallVec<[Arc<R>; 1]>);

impl<R> Garbage<R> {
    pub(super) fn none() -> Self {
        Self(SmallVec::new())
    }
}

/// How many alerts are delivered to one client before the lock is taken again. Then somebody else may take the right over.
const BATCH: usize = 64;

/// How many alerts of packets on the wrong interface wait for one client. Each keeps the beginning of a packet, and a
/// neighbour sends as many as it likes: what comes beyond is dropped, as the next packet tells the same.
const WRONG_INTERFACE: usize = 256;

impl<A: Address, R> Outbox<A, R> {
    /// Says whether the alert waits now.
    fn queue(&mut self, alert: Alert<A>) -> bool {
        if matches!(alert, Alert::WrongInterface { .. }) {
            if self.wrong_interface >= WRONG_INTERFACE {
                return false;
            }
            self.wrong_interface += 1;
        }
        self.queue.push_back(alert);
        true
    }
}

/// The callbacks of alerts, which are counted apart.
const KINDS: [&str; 8] = [
    "join_alert",
    "prune_alert",
    "local_join",
    "local_leave",
    "local_block",
    "local_unblock",
    "wrong_interface",
    "interface_removed",
];

/// Its place in [`KINDS`].
const fn kind<A>(alert: &Alert<A>) -> usize {
    match alert {
        Alert::Join { .. } => 0,
        Alert::Prune { .. } => 1,
        Alert::LocalJoin { .. } => 2,
        Alert::LocalLeave { .. } => 3,
        Alert::LocalBlock { .. } => 4,
        Alert::LocalUnblock { .. } => 5,
        Alert::WrongInterface { .. } => 6,
        Alert::InterfaceRemoved { .. } => 7,
    }
}

fn count(alerts: &mut [u64], kind: usize) {
    if let Some(count) = alerts.get_mut(kind) {
        *count += 1;
    }
}

fn find<A: Address, R>(boxes: &mut [Outbox<A, R>], client: ClientKey) -> Option<&mut Outbox<A, R>> {
    let position = boxes.binary_search_by_key(&client, |outbox| outbox.client).ok()?;
    boxes.get_mut(position)
}

impl<A: Address, R: Recipient> WaitingAlerts for Outboxes<A, R> {
    fn waiting_for(&self, client: ClientKey) -> usize {
        self.waiting(client)
    }

    fn most_waiting(&self) -> usize {
        self.boxes.iter().map(|outbox| outbox.queue.len()).max().unwrap_or_default()
    }
}

impl<A: Address, R: Recipient> Outboxes<A, R> {
    pub(super) const fn new() -> Self {
        Self { boxes: Vec::new(), alerts: [0; KINDS.len()], posting: 0 }
    }

    pub(super) fn open(&mut self, client: ClientKey, recipient: Arc<R>) {
        let delivery = Delivery { client, recipient: Arc::clone(&recipient), batch: VecDeque::new() };
        self.boxes.push(Outbox {
            client,
            recipient,
            queue: VecDeque::new(),
            right: Some(Box::new(delivery)),
            wrong_interface: 0,
            last_posting: 0,
        });
    }

    fn position(&self, client: ClientKey) -> Option<usize> {
        self.boxes.binary_search_by_key(&client, |outbox| outbox.client).ok()
    }

    fn find(&mut self, client: ClientKey) -> Option<&mut Outbox<A, R>> {
        find(&mut self.boxes, client)
    }

    /// All who are registered, in the order of registration.
    pub(super) fn recipients(&self) -> Vec<Arc<R>> {
        self.boxes.iter().map(|outbox| Arc::clone(&outbox.recipient)).collect()
    }

    /// A client that polls has taken an alert.
    pub(super) fn taken(&mut self, alert: &Alert<A>) {
        count(&mut self.alerts, kind(alert));
    }

    /// How many alerts of each kind there were.
    pub(super) fn alerts(&self) -> BTreeMap<&'static str, u64> {
        KINDS.into_iter().zip(self.alerts).collect()
    }

    pub(super) fn recipient(&self, client: ClientKey) -> Option<Arc<R>> {
        self.boxes.get(self.position(client)?).map(|outbox| Arc::clone(&outbox.recipient))
    }

    /// How many alerts wait for a client (MB-7).
    pub(super) fn waiting(&self, client: ClientKey) -> usize {
        self.position(client).and_then(|at| self.boxes.get(at)).map_or(0, |outbox| outbox.queue.len())
    }

    /// CL-4: the client is called no more, and needs no news.
    pub(super) fn silence(&mut self, client: ClientKey) {
        if let Some(outbox) = self.find(client) {
            outbox.recipient.silence();
            outbox.queue = VecDeque::new();
            outbox.wrong_interface = 0;
        }
    }

    /// Queues what follows from a step, and says whom it is for.
    pub(super) fn post(&mut self, effects: &mut Effects<A>) -> (Recipients, Garbage<R>) {
        self.posting += 1;
        let posting = self.posting;
        let mut recipients = Recipients::new();
        effects.take_alerts(|client, alert| {
            let kind = kind(&alert);
            let Self { boxes, alerts, .. } = self;
            let outbox = find(boxes, client).filter(|outbox| !outbox.recipient.is_silenced());
            if outbox.is_some() {
                count(alerts, kind);
            }
            if let Some(outbox) = outbox
                && outbox.queue(alert)
                && outbox.last_posting != posting
            {
                outbox.last_posting = posting;
                recipients.push(client);
            }
        });
        let mut garbage = Garbage::none();
        for client in effects.take_gone() {
            let Some(position) = self.position(client) else { continue };
            let outbox = self.boxes.remove(position);
            outbox.recipient.silence();
            garbage.0.push(outbox.recipient);
            garbage.0.extend(outbox.right.map(|delivery| delivery.recipient));
        }
        (recipients, garbage)
    }

    /// Takes the right to deliver to a client, with the oldest of what waits for it. There is none if nothing waits, or if
    /// another thread has it: that one delivers what waits.
    pub(super) fn take(&mut self, client: ClientKey) -> Option<Box<Delivery<A, R>>> {
        let outbox = self.find(client).filter(|outbox| !outbox.queue.is_empty())?;
        let mut delivery = outbox.right.take()?;
        debug_assert!(delivery.batch.is_empty(), "what was taken has been delivered");
        if outbox.queue.len() <= BATCH {
            std::mem::swap(&mut delivery.batch, &mut outbox.queue);
            outbox.wrong_interface = 0;
        } else {
            delivery.batch.extend(outbox.queue.drain(..BATCH));
            let taken = delivery.batch.iter().filter(|alert| matches!(alert, Alert::WrongInterface { .. }));
            outbox.wrong_interface -= taken.count();
        }
        Some(delivery)
    }

    /// Puts the right back. The client's alerts that came meanwhile are for whoever takes it next.
    pub(super) fn give_back(&mut self, mut delivery: Box<Delivery<A, R>>) -> Garbage<R> {
        let Some(outbox) = self.find(delivery.client) else {
            let mut garbage = Garbage::none();
            garbage.0.push(delivery.recipient);
            return garbage;
        };
        // After a burst the memory goes back.
        for buffer in [&mut delivery.batch, &mut outbox.queue] {
            if buffer.capacity() > 4 * BATCH && buffer.len() < BATCH {
                buffer.shrink_to(BATCH);
            }
        }
        outbox.right = Some(delivery);
        Garbage::none()
    }
}

/// The right to deliver, in every order of two threads, and of three that post once each: CB-3 and CB-4 rest on it alone.
/// `tests/schedules` tries the whole manager in many orders; here there are few enough for all.
#[cfg(all(test, shuttle))]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroU32;
    use std::sync::Mutex as Unscheduled;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

    use shuttle::thread;

    use super::*;
    use crate::engine::Hearing;
    use crate::lock::Mutex;
    use crate::types::client::ClientName;

    type A = Ipv4Addr;

    /// What only looks is not scheduled: every point at which another thread may go on multiplies the orders.
    #[derive(Default)]
    struct Client {
        is_called: AtomicBool,
        delivered: Unscheduled<Vec<Alert<A>>>,
    }

    impl Client {
        fn tell(&self, alert: Alert<A>) {
            assert!(!self.is_called.swap(true, SeqCst), "CB-3: one alert at a time");
            thread::yield_now();
            self.delivered.lock().unwrap().push(alert);
            self.is_called.store(false, SeqCst);
        }
    }

    impl Recipient for Client {
        fn is_silenced(&self) -> bool {
            false
        }

        fn silence(&self) {}
    }

    /// What lies under the lock of the manager: the outboxes, and a state, which here is the number of changes.
    struct State {
        outboxes: Outboxes<A, Client>,
        changes: u32,
    }

    const CLIENT: ClientKey = ClientKey::new(1, ClientName::Igmp, Hearing::Alerts);

    fn alert(change: u32) -> Alert<A> {
        Alert::InterfaceRemoved { index: NonZeroU32::new(change).unwrap() }
    }

    /// Changes the state, and delivers what follows in the way of `turn`.
    fn change(state: &Mutex<State>, client: &Client) {
        let mut held = state.lock();
        held.changes += 1;
        let mut effects = Effects::default();
        let mine = alert(held.changes);
        effects.alert(CLIENT, mine.clone());
        let _garbage = held.outboxes.post(&mut effects);
        let mut taken = held.outboxes.take(CLIENT);
        let is_delivered_by_another = taken.is_none();
        drop(held);
        while let Some(mut delivery) = taken {
            delivery.batch.drain(..).for_each(|alert| client.tell(alert));
            let mut held = state.lock();
            let _garbage = held.outboxes.give_back(delivery);
            taken = held.outboxes.take(CLIENT);
        }
        let is_told = client.delivered.lock().unwrap().contains(&mine);
        assert!(is_told || is_delivered_by_another, "CB-4: what it caused has been delivered");
    }

    fn every_order(threads: usize, changes_of_each: u32) {
        let orders = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&orders);
        let all = move || {
            count.fetch_add(1, SeqCst);
            let client = Arc::new(Client::default());
            let mut outboxes = Outboxes::new();
            outboxes.open(CLIENT, Arc::clone(&client));
            let state = Mutex::new(State { outboxes, changes: 0 });
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..changes_of_each).for_each(|_| change(&state, &client)));
                }
            });
            let in_order: Vec<_> = (1..=state.lock().changes).map(alert).collect();
            assert_eq!(
                *client.delivered.lock().unwrap(),
                in_order,
                "CB-3: all of them, in the order of the changes"
            );
        };
        shuttle::check_dfs(all, None);
        println!("{} orders of {threads} threads", orders.load(SeqCst));
    }

    #[test]
    fn cb_3_the_outbox_in_every_order_of_two_threads() {
        every_order(2, 2);
    }

    #[test]
    fn cb_3_the_outbox_in_every_order_of_three_threads() {
        every_order(3, 1);
    }
}
