//! What follows from a change: the alerts, in order, and what is left to do after this hold of the lock.

use super::interfaces::{InterfaceId, TenureId};
use super::key::{ClientKey, Key};
use super::news::Polled;
use super::pull::Told;
use crate::types::address::Address;
use crate::types::alert::{Alert, AlertCause, RANKS};
use crate::types::entry::Entry;

/// All that follows from one step, in order. The buffers are reused from step to step.
#[derive(Debug)]
pub(crate) struct Effects<A: Address> {
    /// By rank (CT-6), and in the order of the changes within one.
    alerts: [Vec<(ClientKey, Alert<A>)>; RANKS],
    count: usize,
    /// Clients whose going away is complete: what they own can be dropped, outside every lock.
    gone: Vec<ClientKey>,
    /// What a change covers and this page did not reach (FW-5).
    walks: Vec<Walk<A>>,
    /// CB-8: what follows for clients that poll.
    pub(crate) polled: Polled<A>,
}

/// The forwarding entries that a membership on an interface covers, those after `last`: each has still to learn of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<A> {
    pub(super) interface: InterfaceId,
    pub(super) entry: Key<A>,
    pub(super) last: Option<Key<A>>,
}

/// A buffer that has grown beyond this many alerts gives its memory back.
const KEPT: usize = 1024;

impl<A: Address> Default for Effects<A> {
    fn default() -> Self {
        Self {
            alerts: [const { Vec::new() }; RANKS],
            count: 0,
            gone: Vec::new(),
            walks: Vec::new(),
            polled: Polled::new(),
        }
    }
}

impl<A: Address> Effects<A> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0 && self.gone.is_empty() && !self.polled.has_woken()
    }

    pub(crate) fn alert(&mut self, client: ClientKey, alert: Alert<A>) {
        self.alert_in(client, TenureId::default(), alert);
    }

    /// An alert of what belongs to a tenure of an interface.
    pub(super) fn alert_in(&mut self, client: ClientKey, tenure: TenureId, alert: Alert<A>) {
        if client.is_polled() {
            return self.polled.note(client, tenure, alert);
        }
        if let Some(alerts) = self.alerts.get_mut(alert.rank()) {
            alerts.push((client, alert));
            self.count += 1;
        }
    }

    pub(super) fn tell(&mut self, client: ClientKey, told: Told, entry: Entry<A>, cause: AlertCause) {
        self.alert(
            client,
            match told {
                Told::Pull => Alert::Join { entry, cause },
                Told::Stop => Alert::Prune { entry, cause },
            },
        );
    }

    pub(super) fn walk(&mut self, walk: Walk<A>) {
        self.walks.push(walk);
    }

    pub(super) fn gone(&mut self, client: ClientKey) {
        self.gone.push(client);
    }

    /// How many alerts of this step there are.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// How many alerts of this step are for `client`.
    pub(super) fn alerts_for(&self, client: ClientKey) -> usize {
        self.alerts.iter().flatten().filter(|(told, _)| *told == client).count()
    }

    /// Takes the alerts, in the order in which they are to be delivered.
    pub(crate) fn take_alerts(&mut self, mut take: impl FnMut(ClientKey, Alert<A>)) {
        if self.count == 0 {
            return;
        }
        self.count = 0;
        for alerts in self.alerts.iter_mut().filter(|alerts| !alerts.is_empty()) {
            for (client, alert) in alerts.drain(..) {
                take(client, alert);
            }
            if alerts.capacity() > KEPT {
                alerts.shrink_to(KEPT);
            }
        }
    }

    pub(crate) fn take_gone(&mut self) -> impl Iterator<Item = ClientKey> {
        self.gone.drain(..)
    }

    /// Takes what whoever made the change has to go on with.
    pub(crate) fn take_walks(&mut self) -> Vec<Walk<A>> {
        std::mem::take(&mut self.walks)
    }
}
