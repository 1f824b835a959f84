//! What the manager was given on one interface, and has accepted.

use std::collections::{BTreeSet, HashMap};

use mgm::{Address, GroupAddr};

use super::merge::Want;

/// Found by group, and all of it in order.
#[derive(Debug)]
pub(crate) struct Held<A: Address> {
    by_group: HashMap<GroupAddr<A>, BTreeSet<Want<A>>>,
    all: BTreeSet<Want<A>>,
}

impl<A: Address> Held<A> {
    pub(crate) fn of(&self, group: GroupAddr<A>) -> impl DoubleEndedIterator<Item = Want<A>> {
        self.by_group.get(&group).into_iter().flatten().copied()
    }

    pub(crate) fn contains(&self, want: Want<A>) -> bool {
        self.all.contains(&want)
    }

    pub(crate) const fn all(&self) -> &BTreeSet<Want<A>> {
        &self.all
    }

    pub(crate) fn insert(&mut self, group: GroupAddr<A>, want: Want<A>) {
        self.all.insert(want);
        self.by_group.entry(group).or_default().insert(want);
    }

    pub(crate) fn remove(&mut self, group: GroupAddr<A>, want: Want<A>) {
        self.all.remove(&want);
        if let Some(of_group) = self.by_group.get_mut(&group) {
            of_group.remove(&want);
            if of_group.is_empty() {
                self.by_group.remove(&group);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.by_group.clear();
    }
}

impl<A: Address> Default for Held<A> {
    fn default() -> Self {
        Self { by_group: HashMap::new(), all: BTreeSet::new() }
    }
}
