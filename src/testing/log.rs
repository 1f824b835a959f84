//! All that happens to a manager, kept.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::record::{Answer, Callback, Event, Happened, Party, Timeline};
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::client::ClientName;

/// Keeps all that a manager is asked and does; clones are the same log.
///
/// # Example: who hears of a join
///
/// ```
/// use mgm::testing::{Log, entry, interface};
/// use mgm::{ClientId, ClientName, Mgm, NoCallbacks};
///
/// let log = Log::new();
/// let mgm = Mgm::builder().record(log.sink()).build();
/// let igmp = mgm.register_igmp(NoCallbacks)?;
/// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
/// igmp.take_interface_ownership(interface(3))?;
/// log.clear();
/// igmp.add_group_membership(interface(3), entry("(*, 239.1.1.1)"))?;
/// assert_eq!(log.heard(pim.name()), ["join_alert (*, 239.1.1.1), membership"]);
/// assert_eq!(log.heard(ClientName::Igmp), [""; 0]);
/// assert_eq!(
///     log.to_string(),
///     "IGMP → add_group_membership (*, 239.1.1.1) on 3\n  protocol 1.0 ← join_alert (*, 239.1.1.1), membership\n"
/// );
/// # Ok::<(), mgm::Error>(())
/// ```
pub struct Log<A: Address = Ipv4Addr> {
    events: Arc<Mutex<Vec<Event<A>>>>,
}

/// A call that the manager made.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Called<A: Address = Ipv4Addr> {
    /// To whom.
    pub to: Party,
    /// The call.
    pub callback: Callback<A>,
    /// What came of it; nothing, while it goes on.
    pub answer: Option<Answer<A>>,
}

impl<A: Address> Log<A> {
    /// A log in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self { events: Arc::default() }
    }

    /// What [`Builder::record`](crate::Builder::record) takes.
    pub fn sink(&self) -> impl FnMut(Event<A>) + Send + use<A> {
        let events = Arc::clone(&self.events);
        move |event| events.lock().push(event)
    }

    /// All that has happened since the log was made or cleared.
    #[must_use]
    pub fn events(&self) -> Vec<Event<A>> {
        self.events.lock().clone()
    }

    /// What has happened so far is forgotten.
    pub fn clear(&self) {
        self.events.lock().clear();
    }

    /// The calls that the manager made, to all parties.
    #[must_use]
    pub fn calls(&self) -> Vec<Called<A>> {
        let events = self.events.lock();
        let mut calls = Vec::new();
        for (place, event) in events.iter().enumerate() {
            if let Happened::Calls { to, callback } = &event.happened {
                let answer = events.iter().skip(place).find_map(|later| match &later.happened {
                    Happened::Returned(answer) if later.inside == Some(event.number) => Some(answer.clone()),
                    Happened::Returned(_)
                    | Happened::Built(_)
                    | Happened::Called { .. }
                    | Happened::Calls { .. } => None,
                });
                calls.push(Called { to: *to, callback: callback.clone(), answer });
            }
        }
        calls
    }

    /// The alerts to one client.
    #[must_use]
    pub fn alerts(&self, to: ClientName) -> Vec<Alert<A>> {
        let told = |event: &Event<A>| match &event.happened {
            Happened::Calls { to: party, callback: Callback::Alert(alert) }
                if *party == Party::Client(to) =>
            {
                Some(alert.clone())
            }
            Happened::Calls { .. } | Happened::Built(_) | Happened::Called { .. } | Happened::Returned(_) => {
                None
            }
        };
        self.events.lock().iter().filter_map(told).collect()
    }

    /// The alerts to one client as texts.
    #[must_use]
    pub fn heard(&self, by: ClientName) -> Vec<String> {
        self.alerts(by).iter().map(ToString::to_string).collect()
    }
}

impl<A: Address> Clone for Log<A> {
    fn clone(&self) -> Self {
        Self { events: Arc::clone(&self.events) }
    }
}

impl<A: Address> Default for Log<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints as a [`Timeline`]: for a snapshot, of a manager with a [`seed`](crate::Builder::seed).
impl<A: Address> fmt::Display for Log<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timeline(&self.events()).fmt(f)
    }
}

impl<A: Address> fmt::Debug for Log<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("events", &self.events.lock().len()).finish()
    }
}
