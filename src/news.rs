//! News: what a client that polls has to know.

use std::fmt;
use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use crate::client::ClientRef;
use crate::engine::ClientKey;
use crate::manager::Shared;
use crate::types::address::Address;
use crate::types::alert::Alert;

/// What a client has to know and has not taken yet, for a client that polls instead of being alerted
/// ([CB-8](crate::specification#cb-8)).
///
/// [`Mgm::register_polled_protocol`](crate::Mgm::register_polled_protocol) and
/// [`Mgm::register_polled_igmp`](crate::Mgm::register_polled_igmp) give it beside the [`Client`](crate::Client).
///
/// # Two ways to hear, never both
///
/// | | callbacks | news |
/// |---|---|---|
/// | on which thread | whose call caused the alert, before that call returns | the one that asks, when it asks |
/// | what is told | every change, in the order of the changes | what has changed since it asked, entry by entry |
/// | a join and its prune before anybody looks | two alerts | nothing |
/// | what waits for a client that is slow | every alert: [set a limit](crate::Limits::waiting_alerts) | at most one piece for each entry |
/// | fits | short answers from shared state, tests, logs | a task, a thread or an event loop of its own |
///
/// A protocol that is a task takes news: no foreign thread runs in it, nothing has to be carried over by a channel that may
/// fill up, and an interface that changes hands ten thousand groups at once is no news to those for whom nothing is
/// different afterwards. A client that has to see each change, in the order of the changes, takes callbacks.
///
/// Where somebody waits for the answer the client is called in either case: [`Questions`](crate::Questions) and
/// [`HandoverCallbacks`](crate::HandoverCallbacks).
///
/// # What is news
///
/// The client learns the same as by alerts, if it asks often enough; and if it asks seldom, what is left of that:
///
/// - **Joins and prunes** are told when what others want now differs from what was taken. That a forwarding entry was made
///   or renewed is told as if it had been made when the client asks. That it was deleted nobody is told
///   ([FW-6](crate::specification#fw-6)), and what was not taken of it goes with it.
/// - **Local** joins, leaves, blocks and unblocks are told anew in each tenure of an interface.
/// - **Packets on the wrong interface**: the last one for each forwarding entry.
/// - **An interface that is gone**: once, before whatever began there since.
///
/// They come in the order in which alerts of one change would: first what begins, then what ends
/// ([CT-6](crate::specification#ct-6)). What others wanted when the client registered counts as taken
/// ([CL-5](crate::specification#cl-5)).
///
/// # Dropping it
///
/// From then on the client is told nothing more but what it is called for, and nobody else notices; whoever wants news again
/// registers again. When the *client* goes, the news end: [`next`](Self::next) answers `None`. News keep no manager alive.
///
/// # Locks
///
/// Each method takes the lock of the manager for a moment, and holds none when it calls a waker or returns. All may be
/// called inside callbacks. None panics; a waker that panics is caught and counted ([`Mgm::caught_panics`](crate::Mgm::caught_panics)).
///
/// # Example: what a protocol pulls, on a thread of its own
///
/// ```
/// use std::collections::BTreeSet;
/// use std::sync::mpsc::channel;
/// use mgm::{Alert, ClientId, Interface, Mgm, NoCallbacks};
///
/// let mgm = Mgm::new();
/// let (pim, mut news) = mgm.register_polled_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
/// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
/// let lan = Interface::try_from(3)?;
/// dvmrp.take_interface_ownership(lan)?;
///
/// let (ready, is_ready) = channel();
/// news.on_ready(move || drop(ready.send(())));
/// dvmrp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?;
///
/// let mut pulled = BTreeSet::new();
/// is_ready.recv()?;
/// while let Some(alert) = news.try_next() {
///     match alert {
///         Alert::Join { entry, cause } => drop(pulled.insert((entry, cause))),
///         Alert::Prune { entry, cause } => drop(pulled.remove(&(entry, cause))),
///         _ => {}
///     }
/// }
/// assert_eq!(pulled.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a client whose news are dropped is told nothing"]
pub struct News<A: Address = Ipv4Addr> {
    /// The manager lives as long as its handles and its clients, and not because of somebody who listens.
    manager: Weak<Shared<A>>,
    client: ClientKey,
}

impl<A: Address> News<A> {
    pub(crate) fn new(client: &ClientRef<A>) -> Self {
        Self { manager: Arc::downgrade(client.shared()), client: client.key() }
    }

    /// What is next now, if anything is; never waits.
    ///
    /// What it hands out is taken: it comes again only when it has changed. Whoever is woken takes until nothing is left,
    /// since it is woken again only then.
    ///
    /// # Example: one thing for each entry, however often it has changed
    ///
    /// ```
    /// # use mgm::{Alert, AlertCause, ClientId, Interface, Mgm, NoCallbacks};
    /// # let mgm = Mgm::new();
    /// # let (pim, mut news) = mgm.register_polled_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// # let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
    /// # let lan = Interface::try_from(3)?;
    /// # dvmrp.take_interface_ownership(lan)?;
    /// let (entry, cause) = ("(*, 239.1.1.1)".parse()?, AlertCause::Membership);
    /// for _ in 0..3 {
    ///     dvmrp.add_group_membership(lan, entry)?;
    ///     dvmrp.delete_group_membership(lan, entry)?;
    /// }
    /// dvmrp.add_group_membership(lan, entry)?;
    /// assert_eq!(news.try_next(), Some(Alert::Join { entry, cause }));
    /// assert_eq!(news.try_next(), None);
    /// dvmrp.delete_group_membership(lan, entry)?;
    /// assert_eq!(news.try_next(), Some(Alert::Prune { entry, cause }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_next(&mut self) -> Option<Alert<A>> {
        self.manager.upgrade()?.try_next_news(self.client)
    }

    /// Waits for what is next, on any executor; `None` when the client has deregistered or was dropped.
    ///
    /// Dropping the future before it is done loses nothing, so it may stand in a `select!`.
    ///
    /// # Example: a task
    ///
    /// ```
    /// use mgm::{Alert, News};
    ///
    /// async fn pim(mut news: News) {
    ///     while let Some(alert) = news.next().await {
    ///         if let Alert::Join { entry, .. } = alert {
    ///             println!("Join {entry} upstream");
    ///         }
    ///     }
    /// }
    ///
    /// # use std::task::{Context, Waker};
    /// # let mgm = mgm::Mgm::new();
    /// # let id = mgm::ClientId { protocol: 1, component: 0 };
    /// let (client, news) = mgm.register_polled_protocol(id, mgm::NoCallbacks)?;
    /// let mut task = Box::pin(pim(news));
    /// assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    /// drop(client);
    /// assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    /// # Ok::<(), mgm::Error>(())
    /// ```
    pub async fn next(&mut self) -> Option<Alert<A>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// What [`next`](Self::next) is made of: if nothing is next, it has the waker of `context` called when there begin to be
    /// news, and when the client goes. The waker of the last call counts.
    ///
    /// With the feature `stream` this is also the method of `Stream`.
    ///
    /// # Example: a future of one's own
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    /// # use mgm::{ClientId, Mgm, NoCallbacks};
    ///
    /// # let mgm = Mgm::new();
    /// # let id = ClientId { protocol: 1, component: 0 };
    /// let (client, mut news) = mgm.register_polled_protocol(id, NoCallbacks)?;
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(news.poll_next(&mut context), Poll::Pending);
    /// client.deregister()?;
    /// assert_eq!(news.poll_next(&mut context), Poll::Ready(None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Alert<A>>> {
        match self.manager.upgrade() {
            Some(manager) => manager.poll_news(self.client, context.waker()),
            None => Poll::Ready(None),
        }
    }

    /// Sets what is called whenever there begin to be news, and once when the client goes; at once if there are some. For
    /// threads and event loops: it writes to a pipe, or wakes a poll. It replaces the one before.
    ///
    /// It is called with no lock held, on the thread whose call caused the news, also inside callbacks, and may itself call
    /// anything; what it does delays that thread. A panic in it is caught and counted.
    ///
    /// # Example: a thread sleeps until there are news
    ///
    /// ```
    /// # use mgm::{Alert, ClientId, Interface, Mgm, NoCallbacks};
    /// # let mgm = Mgm::new();
    /// # let id = ClientId { protocol: 1, component: 0 };
    /// let (pim, mut news) = mgm.register_polled_protocol(id, NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// pim.take_interface_ownership(lan)?;
    /// let task = std::thread::spawn(move || {
    ///     let me = std::thread::current();
    ///     news.on_ready(move || me.unpark());
    ///     loop {
    ///         if let Some(Alert::InterfaceRemoved { index }) = news.try_next() {
    ///             return index;
    ///         }
    ///         std::thread::park();
    ///     }
    /// });
    /// mgm.interface_removed(lan.index());
    /// assert_eq!(task.join().unwrap(), lan.index());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_ready(&mut self, ready: impl Fn() + Send + Sync + 'static) {
        if let Some(manager) = self.manager.upgrade() {
            manager.on_news(self.client, Arc::new(ready));
        }
    }
}

/// The same as [`News::poll_next`]; it ends when the client goes.
#[cfg(feature = "stream")]
impl<A: Address> futures_core::Stream for News<A> {
    type Item = Alert<A>;

    fn poll_next(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Alert<A>>> {
        Self::poll_next(self.get_mut(), context)
    }
}

impl<A: Address> Drop for News<A> {
    fn drop(&mut self) {
        if let Some(manager) = self.manager.upgrade() {
            manager.stop_listening(self.client);
        }
    }
}

impl<A: Address> fmt::Debug for News<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("News").field(&self.client.name()).finish()
    }
}
