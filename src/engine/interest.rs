//! How many clients want each entry, and who is told when that changes (CT-1 to CT-5).

use std::collections::{BTreeMap, BTreeSet};

use foldhash::quality::SeedableRandomState;

use super::Engine;
use super::held::{CountsFor, Held};
use super::interfaces::{InterfaceId, Interfaces};
use super::key::{ClientKey, Hashed, Key};
use super::pull::Told;
use super::table::{Bucket, Cursor, Table};
use crate::types::address::Address;
use crate::types::alert::AlertCause;

/// For every entry that is held anywhere: on which interfaces, and which clients want it.
///
/// What is held on an interface counts for its owner (CT-2), which the interface knows: an entry on one interface needs
/// no more than the interface's number.
#[derive(Debug)]
pub(super) struct Interests<A: Address> {
    holders: Table<Key<A>, Holders>,
}

/// Where an entry is held.
#[derive(Debug)]
pub(super) enum Holders {
    One { interface: InterfaceId, is_wanted: bool },
    Many(Box<Many>),
}

/// An entry that is held on several interfaces.
#[derive(Debug)]
pub(super) struct Many {
    interfaces: BTreeSet<InterfaceId>,
    /// On how many interfaces each client wants it; none is zero (CT-1).
    wanting: BTreeMap<ClientKey, u32>,
}

/// Which clients want an entry, as far as it makes a difference to anybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanting {
    Nobody,
    Only(ClientKey),
    Several,
}

/// Who wanted an entry before a change, and who does after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    pub(super) before: Wanting,
    pub(super) after: Wanting,
}

impl Wanting {
    pub(super) const fn of(client: Option<ClientKey>) -> Self {
        match client {
            None => Self::Nobody,
            Some(client) => Self::Only(client),
        }
    }

    /// CT-4: a client has been told to pull an entry if and only if this holds of the entry.
    pub(super) fn besides(self, client: ClientKey) -> bool {
        match self {
            Self::Nobody => false,
            Self::Only(wanting) => wanting != client,
            Self::Several => true,
        }
    }
}

impl Shift {
    /// What a client is to be told, of which each time `besides` says whether it is told to pull.
    pub(super) fn news_for(self, client: ClientKey) -> Option<Told> {
        match (self.before.besides(client), self.after.besides(client)) {
            (false, true) => Some(Told::Pull),
            (true, false) => Some(Told::Stop),
            (false, false) | (true, true) => None,
        }
    }

    /// The two clients at most that wanted it alone. Whoever is neither of them is told only where nobody wanted it
    /// before, or nobody does after.
    fn only(self) -> impl Iterator<Item = ClientKey> {
        let only = |wanting| match wanting {
            Wanting::Only(client) => Some(client),
            Wanting::Nobody | Wanting::Several => None,
        };
        let (before, after) = (only(self.before), only(self.after));
        before.into_iter().chain(after.filter(|_| before != after))
    }

    fn begins_or_ends(self) -> bool {
        (self.before == Wanting::Nobody) != (self.after == Wanting::Nobody)
    }
}

impl<A: Address> Interests<A> {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Self { holders: Table::new(hasher) }
    }

    pub(super) fn find(&self, at: Hashed<Key<A>>) -> Bucket<Key<A>> {
        self.holders.find(at)
    }

    pub(super) fn holders(&self, at: Hashed<Key<A>>) -> Option<&Holders> {
        self.holders.get(at)
    }

    /// Who wants an entry.
    pub(super) fn wanting(&self, interfaces: &Interfaces<A>, at: Hashed<Key<A>>) -> Wanting {
        self.holders.get(at).map_or(Wanting::Nobody, |holders| holders.wanting(interfaces, at))
    }

    /// A client but `client` that wants an entry: [`Wanting::besides`] with a name.
    pub(super) fn wanting_besides(
        &self,
        interfaces: &Interfaces<A>,
        at: Hashed<Key<A>>,
        client: ClientKey,
    ) -> Option<ClientKey> {
        match self.holders.get(at)? {
            Holders::Many(many) => many.wanting.keys().copied().find(|other| *other != client),
            one @ Holders::One { .. } => match one.wanting(interfaces, at) {
                Wanting::Only(other) => Some(other).filter(|other| *other != client),
                Wanting::Nobody | Wanting::Several => None,
            },
        }
    }

    /// Who would want the entry if it counted so on this interface. What is held there is not asked.
    pub(super) fn shift(
        &self,
        interfaces: &Interfaces<A>,
        interface: InterfaceId,
        bucket: Bucket<Key<A>>,
        CountsFor { from, to }: CountsFor,
    ) -> Shift {
        match self.holders.at(bucket) {
            Some(Holders::Many(many)) => Shift { before: many.wanting(), after: many.wanting_with(from, to) },
            Some(Holders::One { interface: other, is_wanted }) if *other != interface => {
                let on_other = interfaces.get(*other).filter(|_| *is_wanted);
                let on_other = on_other.and_then(|record| record.wanted_by(bucket.key()));
                let both = |client| match (on_other, client) {
                    (Some(one), Some(two)) if one != two => Wanting::Several,
                    (one, two) => Wanting::of(one.or(two)),
                };
                Shift { before: both(from), after: both(to) }
            }
            Some(Holders::One { .. }) | None => Shift { before: Wanting::of(from), after: Wanting::of(to) },
        }
    }

    /// Follows a step on one interface, on which so much is held now.
    pub(super) fn change(
        &mut self,
        interfaces: &Interfaces<A>,
        interface: InterfaceId,
        bucket: Bucket<Key<A>>,
        counts_for: CountsFor,
        held: Held,
    ) {
        match self.holders.at_mut(bucket) {
            Some(holders) if !holders.is_only(interface) => {
                holders.many(interfaces, bucket.key()).set(interface, counts_for, held);
                holders.shrink();
            }
            None | Some(_) => {
                let one = Holders::One { interface, is_wanted: held.is_wanted() };
                self.holders.set(bucket, (!held.is_nothing()).then_some(one));
            }
        }
    }

    #[cfg(feature = "testing")]
    pub(super) fn len(&self) -> usize {
        self.holders.iter().count()
    }

    /// The entries of one page, each with the interfaces on which it is held.
    pub(super) fn page(&self, cursor: Cursor) -> (impl Iterator<Item = (Key<A>, &Holders)>, Option<Cursor>) {
        self.holders.page(cursor)
    }
}

impl Holders {
    const fn is_only(&self, on: InterfaceId) -> bool {
        matches!(self, Self::One { interface, .. } if *interface == on)
    }

    pub(super) fn interfaces(&self) -> impl Iterator<Item = InterfaceId> {
        let (one, many) = match self {
            Self::One { interface, .. } => (Some(*interface), None),
            Self::Many(many) => (None, Some(many.interfaces.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The interfaces after `last`, for a walk in pages.
    pub(super) fn interfaces_after(&self, last: Option<InterfaceId>) -> impl Iterator<Item = InterfaceId> {
        let first = last.map_or(0, |last| last + 1);
        let (one, many) = match self {
            Self::One { interface, .. } => (Some(*interface).filter(|one| *one >= first), None),
            Self::Many(many) => (None, Some(many.interfaces.range(first..).copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn wanting<A: Address>(&self, interfaces: &Interfaces<A>, at: Hashed<Key<A>>) -> Wanting {
        match self {
            Self::One { interface, is_wanted } => Wanting::of(
                interfaces.get(*interface).filter(|_| *is_wanted).and_then(|record| record.wanted_by(at)),
            ),
            Self::Many(many) => many.wanting(),
        }
    }

    /// The same as one of several interfaces.
    fn many<A: Address>(&mut self, interfaces: &Interfaces<A>, at: Hashed<Key<A>>) -> &mut Many {
        if let Self::One { interface, is_wanted } = *self {
            let client =
                interfaces.get(interface).filter(|_| is_wanted).and_then(|record| record.wanted_by(at));
            let wanting = client.into_iter().map(|client| (client, 1)).collect();
            *self = Self::Many(Box::new(Many { interfaces: BTreeSet::from([interface]), wanting }));
        }
        match self {
            Self::Many(many) => many,
            Self::One { .. } => unreachable!("it was made one of several"),
        }
    }

    /// One of several that is the only one left needs no memory of its own.
    fn shrink(&mut self) {
        if let Self::Many(many) = self
            && many.interfaces.len() == 1
            && let Some(&interface) = many.interfaces.first()
        {
            *self = Self::One { interface, is_wanted: !many.wanting.is_empty() };
        }
    }
}

impl Many {
    fn set(&mut self, interface: InterfaceId, CountsFor { from, to }: CountsFor, held: Held) {
        if held.is_nothing() {
            self.interfaces.remove(&interface);
        } else {
            self.interfaces.insert(interface);
        }
        if from == to {
            return;
        }
        if let Some(from) = from
            && let Some(count) = self.wanting.get_mut(&from)
        {
            *count -= 1;
            if *count == 0 {
                self.wanting.remove(&from);
            }
        }
        if let Some(to) = to {
            *self.wanting.entry(to).or_default() += 1;
        }
    }

    fn wanting(&self) -> Wanting {
        let mut wanting = self.wanting.keys();
        match (wanting.next(), wanting.next()) {
            (None, _) => Wanting::Nobody,
            (Some(client), None) => Wanting::Only(*client),
            (Some(_), Some(_)) => Wanting::Several,
        }
    }

    /// Who would want it with one interface less for one client, and one more for the other.
    fn wanting_with(&self, from: Option<ClientKey>, to: Option<ClientKey>) -> Wanting {
        if from == to {
            return self.wanting();
        }
        let left = from.filter(|from| self.wanting.get(from) == Some(&1));
        let staying = self.wanting.keys().copied().filter(|client| Some(*client) != left);
        let mut wanting = staying.chain(to.filter(|to| !self.wanting.contains_key(to) || Some(*to) == left));
        match (wanting.next(), wanting.next()) {
            (None, _) => Wanting::Nobody,
            (Some(client), None) => Wanting::Only(client),
            (Some(_), Some(_)) => Wanting::Several,
        }
    }
}

impl<A: Address> Engine<A> {
    /// CT-3, CT-4; RFC 2715 §3.1.1, of (\*,\*) and (\*,G): tells each client of which "some *other* client wants this"
    /// has just become true or false. In CT-3's table, by the number of clients that want it:
    ///
    /// | 0→1, 1→0 | all but the one that begins or ceases to want it |
    /// |---|---|
    /// | 1→2, 2→1 | the one that wants it before and after |
    /// | one instead of another | both of them, and nobody else |
    pub(super) fn tell_of_shift(&mut self, key: Key<A>, shift: Shift) {
        if shift.before == shift.after {
            return;
        }
        let entry = key.into();
        let cause = AlertCause::Membership;
        if shift.begins_or_ends() {
            for client in self.clients.told() {
                if let Some(told) = shift.news_for(client) {
                    self.effects.tell(client, told, entry, cause);
                }
            }
        } else {
            for client in shift.only() {
                if let Some(told) = shift.news_for(client).filter(|_| self.clients.is_told(client)) {
                    self.effects.tell(client, told, entry, cause);
                }
            }
        }
    }

    /// The clients that [`tell_of_shift`](Self::tell_of_shift) would tell.
    pub(super) fn told_of_shift(&self, shift: Shift) -> impl Iterator<Item = ClientKey> {
        let all = shift.begins_or_ends().then(|| self.clients.told());
        let only = (!shift.begins_or_ends() && shift.before != shift.after).then(|| shift.only());
        let clients = all.into_iter().flatten().chain(only.into_iter().flatten());
        clients.filter(move |client| shift.news_for(*client).is_some() && self.clients.is_told(*client))
    }

    /// Whether a client but `client` wants an entry.
    pub(super) fn is_wanted_besides(&self, at: Hashed<Key<A>>, client: ClientKey) -> bool {
        self.interests.wanting(&self.interfaces, at).besides(client)
    }
}
