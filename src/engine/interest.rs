//! How many clients want each entry, and who is told when that changes (CT-1 to CT-4).

use std::collections::BTreeSet;

use foldhash::quality::RandomState;

use super::Engine;
use super::effect::{Alert, Effects};
use super::interfaces::{Held, Interfaces, Port, Slot};
use super::key::{ClientKey, Hashed, Key};
use super::table::{Cursor, Spot, Table};
use crate::types::address::Address;
use crate::types::alert::AlertCause;
use crate::types::entry::Entry;

/// For every entry that is held anywhere: on which interfaces, and which clients want it.
///
/// What is held on an interface counts for its owner (CT-2), and an interface has no other owner while
/// anything is held there (HO-3): an entry on one interface needs no more than the interface's number.
#[derive(Debug)]
pub(super) struct Interests<A: Address> {
    places: Table<Key<A>, Place>,
}

/// Where an entry is held.
#[derive(Debug)]
pub(super) enum Place {
    One { slot: Slot, wanted: bool },
    Many(Box<Many>),
}

/// An entry that is held on several interfaces.
#[derive(Debug)]
pub(super) struct Many {
    slots: BTreeSet<Slot>,
    /// On how many interfaces each client wants it; none is zero.
    wanting: Vec<(ClientKey, usize)>,
}

/// A client began or ceased to want an entry, in the sense of CT-1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shift {
    client: ClientKey,
    wants: bool,
    others: Others,
}

/// How many other clients want it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Others {
    None,
    One(ClientKey),
    More,
}

impl<A: Address> Interests<A> {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { places: Table::new(hasher) }
    }

    pub(super) fn find(&self, at: Hashed<Key<A>>) -> Spot<Key<A>> {
        self.places.find(at)
    }

    /// Follows a change of what is held on one interface.
    pub(super) fn change(
        &mut self,
        interfaces: &Interfaces<A>,
        slot: Slot,
        spot: Spot<Key<A>>,
        (old, new): (Held, Held),
    ) -> Option<Shift> {
        let owner_of = |slot| interfaces.port(slot).and_then(Port::owner);
        let client = owner_of(slot)?;
        let flip = (old.is_wanted() != new.is_wanted()).then_some(new.is_wanted());
        match self.places.at_mut(spot) {
            Some(place) if !place.is_only(slot) => {
                let mut many = place.take_many(owner_of);
                many.set_held(slot, !new.is_nothing());
                let shift = flip.and_then(|wants| many.set_wanted(client, wants));
                *place = many.into();
                shift
            }
            None | Some(_) => {
                let place = (!new.is_nothing()).then_some(Place::One { slot, wanted: new.is_wanted() });
                self.places.set(spot, place);
                flip.map(|wants| Shift { client, wants, others: Others::None })
            }
        }
    }

    pub(super) fn place(&self, at: Hashed<Key<A>>) -> Option<&Place> {
        self.places.get(at)
    }

    /// Whether any client but `client` wants an entry.
    pub(super) fn is_wanted_by_others(
        &self,
        interfaces: &Interfaces<A>,
        at: Hashed<Key<A>>,
        client: Option<ClientKey>,
    ) -> bool {
        match self.places.get(at) {
            Some(Place::One { slot, wanted }) => {
                *wanted && interfaces.port(*slot).is_some_and(|port| port.owner() != client)
            }
            Some(Place::Many(many)) => many.wanting.iter().any(|(wanting, _)| Some(*wanting) != client),
            None => false,
        }
    }

    /// The entries of one page, each with the interfaces on which it is held.
    pub(super) fn page(&self, cursor: Cursor) -> (impl Iterator<Item = (Key<A>, &Place)>, Option<Cursor>) {
        self.places.page(cursor)
    }
}

impl Place {
    const fn is_only(&self, on: Slot) -> bool {
        matches!(self, Self::One { slot, .. } if *slot == on)
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        let (one, many) = match self {
            Self::One { slot, .. } => (Some(*slot), None),
            Self::Many(many) => (None, Some(many.slots.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// Takes the place as one of several interfaces, and leaves a stand-in.
    fn take_many(&mut self, owner_of: impl Fn(Slot) -> Option<ClientKey>) -> Box<Many> {
        match std::mem::replace(self, Self::One { slot: Slot::MAX, wanted: false }) {
            Self::Many(many) => many,
            Self::One { slot, wanted } => {
                let wanting =
                    owner_of(slot).filter(|_| wanted).map(|client| (client, 1)).into_iter().collect();
                Box::new(Many { slots: BTreeSet::from([slot]), wanting })
            }
        }
    }
}

impl From<Box<Many>> for Place {
    fn from(many: Box<Many>) -> Self {
        match (many.slots.first(), many.slots.len()) {
            (Some(&slot), 1) => Self::One { slot, wanted: !many.wanting.is_empty() },
            (Some(_) | None, _) => Self::Many(many),
        }
    }
}

impl Many {
    fn set_held(&mut self, slot: Slot, held: bool) {
        if held {
            self.slots.insert(slot);
        } else {
            self.slots.remove(&slot);
        }
    }

    /// Counts one interface more or less for `client`; a shift if that is its first or its last.
    fn set_wanted(&mut self, client: ClientKey, wants: bool) -> Option<Shift> {
        let position = self.wanting.iter().position(|(wanting, _)| *wanting == client);
        let count = position.and_then(|position| self.wanting.get_mut(position));
        match (count, wants) {
            (Some((_, count)), true) => *count += 1,
            (Some((_, count)), false) if *count > 1 => *count -= 1,
            (Some(_), false) => {
                self.wanting.swap_remove(position?);
                return Some(Shift { client, wants, others: self.others_than(client) });
            }
            (None, true) => {
                self.wanting.push((client, 1));
                return Some(Shift { client, wants, others: self.others_than(client) });
            }
            (None, false) => {}
        }
        None
    }

    fn others_than(&self, client: ClientKey) -> Others {
        let mut others =
            self.wanting.iter().map(|(wanting, _)| *wanting).filter(|wanting| *wanting != client);
        match (others.next(), others.next()) {
            (None, _) => Others::None,
            (Some(other), None) => Others::One(other),
            (Some(_), Some(_)) => Others::More,
        }
    }
}

impl<A: Address> Engine<A> {
    /// CT-3, CT-4; RFC 2715 §3.1.1: whoever sees the others' wish begin or end is told.
    pub(super) fn tell_of_shift(&self, entry: Entry<A>, shift: Shift, effects: &mut Effects<A>) {
        let alert = if shift.wants {
            Alert::Join(entry, AlertCause::Membership)
        } else {
            Alert::Prune(entry, AlertCause::Membership)
        };
        match (entry, shift.others) {
            // CT-5: only the owner of the interface toward the source is told, of all the others together.
            (Entry::SourceGroup(source, _), others) => {
                let upstream = self.way(source.address()).owner.filter(|upstream| *upstream != shift.client);
                if let Some(upstream) =
                    upstream.filter(|upstream| [Others::None, Others::One(*upstream)].contains(&others))
                {
                    effects.alert(upstream, alert);
                }
            }
            (Entry::AllGroups | Entry::Group(_), Others::None) => {
                for protocol in self.clients.protocols().filter(|protocol| *protocol != shift.client) {
                    effects.alert(protocol, alert.clone());
                }
            }
            // IGMP pulls nothing and has no such callback: in its queue the alert would only count (MB-7).
            (Entry::AllGroups | Entry::Group(_), Others::One(other)) if !other.is_igmp() => {
                effects.alert(other, alert);
            }
            (Entry::AllGroups | Entry::Group(_), Others::One(_) | Others::More) => {}
        }
    }
}
