//! News: who listens to those of a client that polls, and is woken when there begin to be some (CB-8).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Shared, State};
use crate::engine::{ClientKey, Taken, Untaken};
use crate::lock::MutexGuard;
use crate::types::address::Address;
use crate::types::alert::Alert;

/// What is called when there begin to be news.
pub(crate) type Ready = Arc<dyn Fn() + Send + Sync>;

/// Who listens to the news of one client.
#[derive(Default)]
pub(super) struct Listener {
    /// The task that waits for the next piece; it is woken once.
    task: Option<Waker>,
    /// Is called each time.
    ready: Option<Ready>,
}

/// Who listens, by client.
pub(super) type Listeners = BTreeMap<ClientKey, Listener>;

/// Who is to be woken after a step, and what is to be dropped then: wakers are foreign, so without the lock (CB-1).
#[must_use = "to be woken outside the lock"]
pub(super) struct Woken<A: Address> {
    listeners: Vec<Listener>,
    left: Vec<Untaken<A>>,
}

impl<A: Address> Shared<A> {
    /// The next piece of news, if there is any.
    pub(crate) fn try_next_news(&self, client: ClientKey) -> Option<Alert<A>> {
        match self.take_news(client) {
            Poll::Ready(news) => news,
            Poll::Pending => None,
        }
    }

    /// The next piece of news; none when the client is no more. If there is nothing to know now, `waker` is called when
    /// there is.
    pub(crate) fn poll_news(&self, client: ClientKey, waker: &Waker) -> Poll<Option<Alert<A>>> {
        loop {
            if let Poll::Ready(news) = self.take_news(client) {
                return Poll::Ready(news);
            }
            let waker = waker.clone();
            if self.listen(client, |listener| listener.task.replace(waker)) == Heard::Nothing {
                return Poll::Pending;
            }
        }
    }

    /// Has `ready` called from now on when there begin to be news, and at once if there are some.
    pub(crate) fn on_news(self: &Arc<Self>, client: ClientKey, ready: Ready) {
        let called = Arc::clone(&ready);
        if self.listen(client, |listener| listener.ready.replace(called)) == Heard::Something {
            self.wake_up(Listener { task: None, ready: Some(ready) });
        }
    }

    /// Nobody listens any more. What the listener owned is dropped on this thread, without the lock.
    pub(crate) fn stop_listening(self: &Arc<Self>, client: ClientKey) {
        let listener = self.update(|state| {
            state.engine.end_news(client);
            state.listeners.remove(&client)
        });
        let Listener { task, ready } = listener.unwrap_or_default();
        self.let_go(task);
        self.let_go(ready);
    }

    /// What is foreign may panic when it is dropped (CB-5).
    fn let_go<R>(&self, foreign: R) {
        self.panics.catch(&"waker", "drop", || drop(foreign));
    }

    fn take_news(&self, client: ClientKey) -> Poll<Option<Alert<A>>> {
        loop {
            let mut state = self.lock();
            match state.engine.take_news(client) {
                Taken::News(alert) => {
                    state.outboxes.taken(&alert);
                    drop(state);
                    tracing::debug!(target: "mgm::alert", client = %client.name(), %alert, "taken");
                    return Poll::Ready(Some(alert));
                }
                Taken::Over => return Poll::Ready(None),
                Taken::Nothing(left) => {
                    drop(state);
                    drop(left);
                    return Poll::Pending;
                }
                Taken::NotYet => MutexGuard::unlock_fair(state),
            }
        }
    }

    /// Changes who listens, and says whether there was anything to hear at that moment: what came before wakes nobody.
    fn listen<R>(&self, client: ClientKey, change: impl FnOnce(&mut Listener) -> R) -> Heard {
        let mut change = Some(change);
        let mut state = self.lock();
        let listener = state.listeners.get_mut(&client);
        let replaced = listener.and_then(|listener| change.take().map(|change| change(listener)));
        let is_silent = replaced.is_some() && !state.engine.has_news(client);
        drop(state);
        // CB-1: also the waker of one that comes when the client is no more is dropped without the lock.
        self.let_go((replaced, change));
        if is_silent { Heard::Nothing } else { Heard::Something }
    }

    pub(super) fn wake_all(self: &Arc<Self>, woken: Woken<A>) {
        let Woken { listeners, left } = woken;
        drop(left);
        listeners.into_iter().for_each(|listener| self.wake_up(listener));
    }

    fn wake_up(self: &Arc<Self>, listener: Listener) {
        let Listener { task, ready } = listener;
        if let Some(task) = task {
            self.ask(|| self.panics.catch(&"waker", "wake", || task.wake()));
        }
        if let Some(ready) = ready {
            // What it owns may be dropped with it.
            self.ask(|| self.panics.catch(&"waker", "ready", move || ready()));
        }
    }
}

/// Whether there was anything to hear when a listener came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Heard {
    Nothing,
    /// There are news, or the client is no more.
    Something,
}

impl<A: Address> State<A> {
    /// Who is to be woken after this step.
    pub(super) fn take_woken(&mut self) -> Woken<A> {
        let polled = &mut self.engine.effects.polled;
        let mut listeners = Vec::new();
        for client in polled.take_woken() {
            if polled.has_ended(client) {
                listeners.extend(self.listeners.remove(&client));
            } else if let Some(listener) = self.listeners.get_mut(&client) {
                listeners.push(Listener { task: listener.task.take(), ready: listener.ready.clone() });
            }
        }
        Woken { listeners, left: polled.take_left() }
    }
}
