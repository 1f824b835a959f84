//! An IGMP that adds again what it wants when it is enabled.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};

use mgm::{ClientRef, Entry, Error, IgmpCallbacks, Interface};

use crate::callbacks::Callbacks;
use crate::names::star;
use crate::violations::{Violations, pause};

/// Where in a bracket a reaction is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Disable,
    Enable,
}

type Reaction = Box<dyn Fn(&ClientRef, Interface, Step) + Send + Sync>;

pub(crate) struct Igmp {
    violations: Arc<Violations>,
    callbacks: Arc<Callbacks>,
    wants: Mutex<BTreeSet<(Interface, Entry)>>,
    brackets: Mutex<Brackets>,
    pub(crate) interfaces_removed: AtomicUsize,
    /// What else it does in its callbacks.
    pub(crate) reaction: OnceLock<Reaction>,
}

/// Where `disable_igmp` has begun, and where it has not returned.
#[derive(Clone, Default, Eq, PartialEq)]
struct Brackets {
    open: BTreeSet<Interface>,
    /// With the number of the bracket, to tell one from the next.
    disabling: BTreeSet<(Interface, usize)>,
    begun: usize,
}

impl Igmp {
    pub(crate) fn new(violations: Arc<Violations>, callbacks: Arc<Callbacks>) -> Self {
        Self {
            violations,
            callbacks,
            wants: Mutex::default(),
            brackets: Mutex::default(),
            interfaces_removed: AtomicUsize::new(0),
            reaction: OnceLock::new(),
        }
    }

    /// Wants it from now on, and adds it: if that is refused, `enable_igmp` will.
    pub(crate) fn add(&self, me: &ClientRef, on: Interface, entry: Entry) {
        self.wants.lock().unwrap().insert((on, entry));
        pause();
        self.change(on, || me.add_group_membership(on, entry).map(drop));
    }

    /// Deletes what it does not want; if that is refused, the hand-over will.
    pub(crate) fn delete(&self, me: &ClientRef, on: Interface, entry: Entry) {
        self.change(on, || me.delete_group_membership(on, entry).map(drop));
    }

    fn change(&self, on: Interface, change: impl FnOnce() -> Result<(), Error>) {
        let before = self.disabling(on);
        let result = change();
        let all_the_while = before.is_some() && before == self.disabling(on);
        self.violations.check(
            !all_the_while || matches!(result, Err(Error::IgmpDisabled { .. })),
            "HO-2: a change inside disable_igmp is refused with an error of its own",
        );
    }

    fn disabling(&self, on: Interface) -> Option<usize> {
        let brackets = self.brackets.lock().unwrap();
        brackets.disabling.iter().find(|(interface, _)| *interface == on).map(|(_, number)| *number)
    }

    pub(crate) fn wants(&self) -> BTreeSet<(Interface, Entry)> {
        self.wants.lock().unwrap().clone()
    }

    pub(crate) fn brackets_begun(&self) -> usize {
        self.brackets.lock().unwrap().begun
    }

    /// HO-6: every `disable_igmp` was followed by an `enable_igmp`.
    pub(crate) fn all_brackets_are_closed(&self) -> bool {
        self.brackets.lock().unwrap().open.is_empty()
    }

    fn react(&self, me: &ClientRef, on: Interface, step: Step) {
        if let Some(reaction) = self.reaction.get() {
            reaction(me, on, step);
        }
    }
}

impl IgmpCallbacks for Igmp {
    fn disable_igmp(&self, me: &ClientRef, on: Interface) {
        let _inside = self.callbacks.call();
        let bracket = {
            let mut brackets = self.brackets.lock().unwrap();
            self.violations.check(brackets.open.insert(on), "HO-6: disable_igmp twice");
            brackets.begun += 1;
            let bracket = (on, brackets.begun);
            brackets.disabling.insert(bracket);
            bracket
        };
        pause();
        let added = me.add_group_membership(on, star(250));
        self.violations.check(
            matches!(added, Err(Error::IgmpDisabled { .. } | Error::Deregistered { .. })),
            "HO-2: an add inside disable_igmp is refused",
        );
        self.react(me, on, Step::Disable);
        self.brackets.lock().unwrap().disabling.remove(&bracket);
    }

    fn enable_igmp(&self, me: &ClientRef, on: Interface) {
        let _inside = self.callbacks.call();
        let is_open = self.brackets.lock().unwrap().open.remove(&on);
        self.violations.check(is_open, "HO-6: enable_igmp without disable_igmp");
        pause();
        let wants = self.wants();
        for (_, entry) in wants.into_iter().filter(|(interface, _)| *interface == on) {
            let added = me.add_group_membership(on, entry);
            self.violations.check(
                !matches!(added, Err(Error::IgmpDisabled { .. } | Error::HandoverInProgress { .. })),
                "HO-4: an add inside enable_igmp is not refused because of the hand-over",
            );
        }
        self.react(me, on, Step::Enable);
    }

    fn interface_removed(&self, _: &ClientRef, _: NonZeroU32) {
        let _inside = self.callbacks.alert();
        self.interfaces_removed.fetch_add(1, SeqCst);
        pause();
    }
}
