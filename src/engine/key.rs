//! What the tables are keyed by: an entry, a source, a client, and a key with its hash.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::SeedableRandomState;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::entry::Entry;

/// An [`Entry`] without a tag: what is unspecified is the wildcard. Eight bytes in IPv4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Key<A> {
    pub(crate) group: A,
    pub(crate) source: A,
}

/// By group, then source, as numbers: an address compares itself octet by octet, which costs five times as much.
impl<A: Address> Ord for Key<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.group.bits(), self.source.bits()).cmp(&(other.group.bits(), other.source.bits()))
    }
}

impl<A: Address> PartialOrd for Key<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A: Address> Hash for Key<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        A::hash_pair(self.group, self.source, state);
    }
}

impl<A: Address> Key<A> {
    pub(crate) const fn of(source: SourceAddr<A>, group: GroupAddr<A>) -> Self {
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

    pub(crate) fn is_all_groups(self) -> bool {
        self.group == A::UNSPECIFIED
    }

    /// What an (S,G) names.
    pub(crate) const fn pair(self) -> (SourceAddr<A>, GroupAddr<A>) {
        (SourceAddr::trusted(self.source), GroupAddr::trusted(self.group))
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
        if key.is_all_groups() {
            Self::AllGroups
        } else if key.names_source() {
            let (source, group) = key.pair();
            Self::SourceGroup(source, group)
        } else {
            Self::Group(GroupAddr::trusted(key.group))
        }
    }
}

/// An address that is ordered as a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Number<A>(pub(crate) A);

impl<A: Address> Ord for Number<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.bits().cmp(&other.0.bits())
    }
}

impl<A: Address> PartialOrd for Number<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A registration. Never given out twice, so that a handle that has outlived its registration finds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientKey {
    /// Twice the number of the registration, and one more if the client polls: in every table the order of the keys is that
    /// of the registrations.
    serial: u32,
    name: ClientName,
}

/// How a client hears what it has to know (CB-8).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Hearing {
    /// It is alerted.
    #[default]
    Alerts,
    /// It polls.
    News,
}

impl ClientKey {
    pub(crate) const fn new(number: u32, name: ClientName, hearing: Hearing) -> Self {
        let polls = match hearing {
            Hearing::Alerts => 0,
            Hearing::News => 1,
        };
        Self { serial: number << 1 | polls, name }
    }

    pub(crate) const fn name(self) -> ClientName {
        self.name
    }

    /// Counts all registrations.
    pub(crate) const fn serial(self) -> u32 {
        self.serial
    }

    pub(crate) const fn is_igmp(self) -> bool {
        matches!(self.name, ClientName::Igmp)
    }

    pub(crate) const fn is_polled(self) -> bool {
        self.serial & 1 == 1
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

/// A key with its hash, computed once for all the tables that it is looked up in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashed<K> {
    pub(crate) key: K,
    pub(crate) hash: u64,
}

impl<K: Hash + Copy> Hashed<K> {
    pub(crate) fn new(hasher: &SeedableRandomState, key: K) -> Self {
        Self { key, hash: hasher.hash_one(key) }
    }
}
