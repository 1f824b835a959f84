//! What is held of one entry on one interface, in one byte, and what the byte means (HO-11, HO-16, MB-6).

use std::ops::{Index, IndexMut};

use super::key::ClientKey;
use crate::view::MembershipKind;

/// As whom a client acts on an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Party {
    Igmp,
    Protocol,
}

impl Party {
    pub(super) const ALL: [Self; 2] = [Self::Igmp, Self::Protocol];
}

/// One thing for each party.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct ByParty<T> {
    pub(super) igmp: T,
    pub(super) protocol: T,
}

impl<T> Index<Party> for ByParty<T> {
    type Output = T;

    fn index(&self, party: Party) -> &T {
        match party {
            Party::Igmp => &self.igmp,
            Party::Protocol => &self.protocol,
        }
    }
}

impl<T> IndexMut<Party> for ByParty<T> {
    fn index_mut(&mut self, party: Party) -> &mut T {
        match party {
            Party::Igmp => &mut self.igmp,
            Party::Protocol => &mut self.protocol,
        }
    }
}

/// Who is on an interface.
pub(super) type Parties = ByParty<Option<ClientKey>>;

impl Parties {
    /// The routing protocol that took it, or else IGMP where only IGMP is on it.
    pub(super) fn owner(&self) -> Option<ClientKey> {
        self.protocol.or(self.igmp)
    }

    /// As whom `client` acts here.
    pub(super) fn party(&self, client: ClientKey) -> Option<Party> {
        Party::ALL.into_iter().find(|party| self[*party] == Some(client))
    }
}

/// What both parties hold of one entry on one interface: two bits for each, and three marks.
///
/// What the marks mean is said by comparing them with the [`Marks`] of the interface. So when an interface changes
/// hands, or all that a party holds becomes stale, one change of the interface's marks changes what a million of these
/// mean.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held(u8);

/// The marks of an interface: those that what is held now is given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Marks(u8);

/// HO-16: whether it has been brought over since the last change of who is on the interface.
const GENERATION: u8 = 0b001_0000;
const KINDS: u8 = 0b000_1111;
const IGMP_JOINED: u8 = 0b000_0001;
const PROTOCOL_JOINED: u8 = 0b000_0100;

const fn shift(party: Party) -> u8 {
    match party {
        Party::Igmp => 0,
        Party::Protocol => 2,
    }
}

/// HO-17: whether the party has added it since its last refresh, or the last hand-over, began.
const fn round(party: Party) -> u8 {
    match party {
        Party::Igmp => 0b010_0000,
        Party::Protocol => 0b100_0000,
    }
}

impl Held {
    /// MB-3: the interface is wanted while either party wants it.
    pub(super) const fn is_wanted(self) -> bool {
        self.0 & (IGMP_JOINED | PROTOCOL_JOINED) != 0
    }

    pub(super) const fn is_nothing(self) -> bool {
        self.0 & KINDS == 0
    }

    pub(super) const fn of(self, party: Party) -> Option<MembershipKind> {
        match self.0 >> shift(party) & 0b11 {
            0 => None,
            1 => Some(MembershipKind::Joined),
            _ => Some(MembershipKind::Blocked),
        }
    }

    /// MB-6: setting one kind replaces the other. What a party sets is of its present round.
    pub(super) const fn with(self, party: Party, kind: Option<MembershipKind>, marks: Marks) -> Self {
        let bits = match kind {
            None => 0,
            Some(MembershipKind::Joined) => 1,
            Some(MembershipKind::Blocked) => 2,
        };
        Self(self.0 & !(0b11 << shift(party)) | bits << shift(party)).marked(marks, round(party))
    }

    pub(super) const fn is_past(self, marks: Marks) -> bool {
        (self.0 ^ marks.0) & GENERATION != 0
    }

    /// Brought over: it means now what it says.
    pub(super) const fn in_generation(self, marks: Marks) -> Self {
        self.marked(marks, GENERATION)
    }

    pub(super) const fn is_of_round(self, party: Party, marks: Marks) -> bool {
        (self.0 ^ marks.0) & round(party) == 0
    }

    /// All three marks are those of the interface: it is of the present, and nothing of it is stale.
    pub(super) const fn is_of(self, marks: Marks) -> bool {
        (self.0 ^ marks.0) & !KINDS == 0
    }

    /// HO-13: the party has added it again.
    pub(super) const fn confirmed(self, party: Party, marks: Marks) -> Self {
        self.marked(marks, round(party))
    }

    /// HO-11: the party has to add it again.
    pub(super) const fn stale(self, party: Party, marks: Marks) -> Self {
        Self(self.confirmed(party, marks).0 ^ round(party))
    }

    const fn marked(self, marks: Marks, which: u8) -> Self {
        Self(self.0 & !which | marks.0 & which)
    }
}

impl Marks {
    /// What is held of nothing, by these marks.
    pub(super) const fn nothing(self) -> Held {
        Held(self.0)
    }

    /// All that is held is of the past from now on.
    pub(super) const fn next_generation(&mut self) {
        self.0 ^= GENERATION;
    }

    /// All that the party holds is stale from now on. Nothing that it holds may have been stale before.
    pub(super) const fn next_round(&mut self, party: Party) {
        self.0 ^= round(party);
    }
}

/// What is held of an entry on an interface, and by whom: all that says for whom it counts and who hears of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) parties: &'a Parties,
    pub(super) held: Held,
}

impl Seen<'_> {
    /// CT-2: the client that wants the entry because of it.
    pub(super) fn wanted_by(self) -> Option<ClientKey> {
        if self.held.is_wanted() { self.parties.owner() } else { None }
    }
}

/// What is held of one entry on one interface before a change and after it. Adding, deleting, blocking, bringing over and
/// sweeping are all such a pair. Who holds it, and for whom it counts, the interface says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) before: Held,
    pub(super) after: Held,
}

/// For whom an entry counts because of one interface, before a step there and after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountsFor {
    pub(super) from: Option<ClientKey>,
    pub(super) to: Option<ClientKey>,
}
