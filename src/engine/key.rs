//! What the tables are keyed by: an entry, a client, and a key with its hash.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::entry::Entry;

/// An [`Entry`] without a tag: what is unspecified is the wildcard. Eight bytes in IPv4.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key<A> {
    pub(crate) group: A,
    pub(crate) source: A,
}

impl<A: Address> Hash for Key<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        A::hash_pair(self.group, self.source, state);
    }
}

impl<A: Address> Key<A> {
    pub(crate) fn of(source: SourceAddr<A>, group: GroupAddr<A>) -> Self {
        Self { group: group.address(), source: source.address() }
    }

    /// (\*,\*).
    pub(crate) const fn all_groups() -> Self {
        Self { group: A::UNSPECIFIED, source: A::UNSPECIFIED }
    }

    /// (\*,G) of the same group.
    pub(crate) const fn any_source(self) -> Self {
        Self { group: self.group, source: A::UNSPECIFIED }
    }

    pub(crate) fn names_source(self) -> bool {
        self.source != A::UNSPECIFIED
    }

    /// What an (S,G) names.
    pub(crate) fn pair(self) -> (SourceAddr<A>, GroupAddr<A>) {
        (SourceAddr::known(self.source), GroupAddr::known(self.group))
    }
}

impl<A: Address> From<Entry<A>> for Key<A> {
    fn from(entry: Entry<A>) -> Self {
        Self {
            group: entry.group().map_or(A::UNSPECIFIED, GroupAddr::address),
            source: entry.source().map_or(A::UNSPECIFIED, SourceAddr::address),
        }
    }
}

impl<A: Address> From<Key<A>> for Entry<A> {
    fn from(key: Key<A>) -> Self {
        match key {
            Key { group, .. } if group == A::UNSPECIFIED => Self::AllGroups,
            Key { group, source } if source == A::UNSPECIFIED => Self::Group(GroupAddr::known(group)),
            Key { group, source } => Self::SourceGroup(SourceAddr::known(source), GroupAddr::known(group)),
        }
    }
}

/// A key with its hash, computed once for all the tables that it is looked up in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashed<K> {
    pub(crate) key: K,
    pub(crate) hash: u64,
}

impl<K: Hash + Copy> Hashed<K> {
    pub(crate) fn new(hasher: &RandomState, key: K) -> Self {
        Self { key, hash: hasher.hash_one(key) }
    }
}

/// A registration. Never given out twice, so that a handle that has outlived its registration finds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientKey {
    pub(super) serial: u64,
    pub(super) name: ClientName,
}

impl ClientKey {
    pub(crate) const fn name(self) -> ClientName {
        self.name
    }

    pub(crate) fn is_igmp(self) -> bool {
        self.name == ClientName::Igmp
    }
}

impl PartialEq for ClientKey {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for ClientKey {}

impl PartialOrd for ClientKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ClientKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.serial.cmp(&other.serial)
    }
}
