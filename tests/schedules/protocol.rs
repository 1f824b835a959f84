//! A routing protocol that keeps account of what it is told.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};

use mgm::{
    AlertCause, ClientRef, CreationOif, Entry, GroupAddr, Interface, NewMfe, ProtocolCallbacks, Route,
    RpfRequest, SourceAddr,
};

use crate::callbacks::Callbacks;
use crate::violations::{Violations, pause};

/// An alert, as far as the protocols of the scenarios care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Alert {
    Join(Entry),
    Prune(Entry),
    LocalJoin(Interface, Entry),
    LocalLeave(Interface, Entry),
}

type Reaction = Box<dyn Fn(&ClientRef, Alert) + Send + Sync>;

pub(crate) struct Protocol {
    violations: Arc<Violations>,
    callbacks: Arc<Callbacks>,
    is_being_told: AtomicBool,
    told: Mutex<Told>,
    pub(crate) heard: Mutex<Vec<Alert>>,
    pub(crate) interfaces_removed: AtomicUsize,
    /// It has deregistered; an alert that began before that may have ended since.
    pub(crate) is_gone: AtomicBool,
    has_ended_late: AtomicBool,
    /// What it does when it is told.
    pub(crate) reaction: OnceLock<Reaction>,
    /// What it answers to `rpf` instead of the interface and the neighbour of the route.
    pub(crate) choice: Mutex<Option<Interface>>,
    pub(crate) neighbour: Mutex<Option<Ipv4Addr>>,
}

/// What a protocol has been told and not been told the end of.
#[derive(Clone, Default)]
pub(crate) struct Told {
    pub(crate) memberships: BTreeSet<Entry>,
    pub(crate) mfes: BTreeSet<Entry>,
    pub(crate) local: BTreeSet<(Interface, Entry)>,
    pub(crate) blocked: BTreeSet<(Interface, Entry)>,
}

impl Protocol {
    pub(crate) fn new(violations: Arc<Violations>, callbacks: Arc<Callbacks>) -> Self {
        Self {
            violations,
            callbacks,
            is_being_told: AtomicBool::new(false),
            told: Mutex::default(),
            heard: Mutex::default(),
            interfaces_removed: AtomicUsize::new(0),
            is_gone: AtomicBool::new(false),
            has_ended_late: AtomicBool::new(false),
            reaction: OnceLock::new(),
            choice: Mutex::default(),
            neighbour: Mutex::default(),
        }
    }

    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    /// Hears one alert: `note` says whether it follows from what has been heard before.
    fn hear(&self, me: &ClientRef, alert: Option<Alert>, note: impl FnOnce(&mut Told) -> bool) {
        let _inside = self.callbacks.alert();
        // One that a thread has begun to make may still run, and no other after it.
        let is_over = self.has_ended_late.load(SeqCst);
        self.violations.check(!is_over, "CL-4: an alert begins after the client has deregistered");
        self.violations.check(!self.is_being_told.swap(true, SeqCst), "CB-3: two alerts at once");
        let follows = note(&mut self.told.lock().unwrap());
        self.violations.check(follows, &format!("CB-3, told: {alert:?} twice, or out of order"));
        pause();
        if let Some(alert) = alert {
            self.heard.lock().unwrap().push(alert);
            if let Some(reaction) = self.reaction.get() {
                reaction(me, alert);
            }
        }
        self.has_ended_late.store(self.is_gone.load(SeqCst), SeqCst);
        self.is_being_told.store(false, SeqCst);
    }
}

impl ProtocolCallbacks for Protocol {
    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let _inside = self.callbacks.call();
        pause();
        let interface = self.choice.lock().unwrap().unwrap_or(request.route.interface);
        let upstream = *self.neighbour.lock().unwrap();
        pause();
        let mut route = request.route.over(interface);
        route.upstream = upstream.or(route.upstream);
        route
    }

    fn creation_alert(&self, _: &ClientRef, _: &NewMfe, _: &mut [CreationOif]) {
        let _inside = self.callbacks.call();
        pause();
    }

    fn join_alert(&self, me: &ClientRef, entry: Entry, cause: AlertCause) {
        if cause == AlertCause::ForwardingEntry {
            // FW-6: a new entry may say the same as the one before.
            return self.hear(me, None, |told| {
                told.mfes.insert(entry);
                true
            });
        }
        self.hear(me, Some(Alert::Join(entry)), |told| told.memberships.insert(entry));
    }

    fn prune_alert(&self, me: &ClientRef, entry: Entry, cause: AlertCause) {
        if cause == AlertCause::ForwardingEntry {
            return self.hear(me, None, |told| {
                told.mfes.remove(&entry);
                true
            });
        }
        self.hear(me, Some(Alert::Prune(entry)), |told| told.memberships.remove(&entry));
    }

    fn local_join(&self, me: &ClientRef, on: Interface, entry: Entry) {
        self.hear(me, Some(Alert::LocalJoin(on, entry)), |told| told.local.insert((on, entry)));
    }

    fn local_leave(&self, me: &ClientRef, on: Interface, entry: Entry) {
        self.hear(me, Some(Alert::LocalLeave(on, entry)), |told| told.local.remove(&(on, entry)));
    }

    fn local_block(&self, me: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        let entry = Entry::SourceGroup(source, group);
        self.hear(me, None, |told| told.blocked.insert((on, entry)));
    }

    fn local_unblock(&self, me: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        let entry = Entry::SourceGroup(source, group);
        self.hear(me, None, |told| told.blocked.remove(&(on, entry)));
    }

    fn wrong_interface(&self, me: &ClientRef, _: Interface, _: SourceAddr, _: GroupAddr, _: &[u8]) {
        self.hear(me, None, |_| true);
    }

    fn interface_removed(&self, me: &ClientRef, _: NonZeroU32) {
        self.interfaces_removed.fetch_add(1, SeqCst);
        self.hear(me, None, |_| true);
    }
}
