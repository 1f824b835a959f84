//! The interfaces that somebody is on, or that something goes over.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::Bound;
use std::time::Instant;

use foldhash::quality::SeedableRandomState;
use slab::Slab;

use super::held::{ByParty, CountsFor, Held, Marks, Parties, Party, Seen, Step};
use super::key::{ClientKey, Hashed, Key};
use super::table::{Bucket, Cursor, Table};
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;
use crate::view::MembershipKind;

/// A small number for an interface, stable while anybody is on it or anything goes over it.
pub(super) type InterfaceId = u32;

/// Names a tenure: the time from one change of an interface's owner to the next. No two have the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct TenureId(pub(super) u64);

/// One interface: who is on it, what they hold there, and what goes over it.
#[derive(Debug)]
pub(super) struct InterfaceRecord<A: Address> {
    pub(super) interface: Interface<A>,
    pub(super) parties: Parties,
    pub(super) tenure: TenureId,
    /// What was before the last change of who is on it, until all that is attached has been brought over (HO-16).
    pub(super) past: Option<Box<Past<A>>>,
    /// HO-7: the change that has the interface to itself.
    pub(super) transition: Option<Box<Transition>>,
    /// IF-9: to whom its owner offers it.
    pub(super) offer: Option<ClientKey>,
    pub(super) refreshes: ByParty<Option<Refresh>>,
    held: Table<Key<A>, Held>,
    /// The keys of `held` that name a source, by group.
    named: BTreeSet<Key<A>>,
    pub(super) marks: Marks,
    /// Memberships and blocks that each party holds, but for those that only wait to be withdrawn.
    pub(super) holds: ByParty<usize>,
    /// Those of them that are stale.
    pub(super) stale: ByParty<usize>,
    /// Room that a group filter keeps for what it has still to add (MB-9); part of `holds`.
    pub(super) reserved: ByParty<usize>,
    /// FW-10: its owner wants to hear of packets on the wrong interface.
    pub(super) wrong_interface_alerts: bool,
    /// The forwarding entries that come in here.
    pub(super) iif_of: Table<Key<A>, ()>,
    /// The forwarding entries in which its owner set forward state here, in this tenure.
    pub(super) states_of: BTreeSet<Key<A>>,
    /// The sources to which a route leads over this interface.
    pub(super) upstream_of: Table<A, ()>,
}

/// HO-16: who was on the interface before, and what has still to be brought over from that time.
#[derive(Debug)]
pub(super) struct Past<A: Address> {
    pub(super) parties: Parties,
    /// HO-11: what IGMP holds is stale, as the interface has another owner.
    pub(super) igmp_adds_again: bool,
    /// How far the walk over what is held has come.
    pub(super) walk: HeldWalk,
    /// The sources behind the interface whose (S,G) are still told under the old owner.
    pub(super) upstream_of: Table<A, ()>,
    /// How far the walk over them has come.
    pub(super) sources: Option<Cursor>,
    /// Those of them whose (S,G) have begun to move, and may not all have been told.
    pub(super) opened: Vec<A>,
    /// The forwarding entries with forward state that the old owner set here.
    pub(super) states_of: BTreeSet<Key<A>>,
    /// How far the walk over the forwarding entries has come.
    pub(super) mfes: MfeWalk<A>,
    /// What it has still to look at of the page that it has read.
    pub(super) mfe_page: Vec<Key<A>>,
}

/// IF-7: what is held is brought over in two walks, so that no block ends before what it blocks.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeldWalk {
    AllButEndingBlocks(Cursor),
    Rest(Cursor),
    Done,
}

/// HO-15: the forwarding entries that come in here, those whose source lies behind the interface, and those with
/// forward state of the old owner.
#[derive(Debug)]
pub(super) enum MfeWalk<A> {
    Incoming(Cursor),
    Behind(Cursor),
    /// A page of the sources behind, and the last group of the last of them that was looked at.
    Sources {
        sources: Vec<A>,
        last: Option<A>,
        next: Option<Cursor>,
    },
    States,
    Done,
}

/// A change of who is on an interface, from its grant until the call that made it returns (HO-7).
#[derive(Debug)]
pub(super) struct Transition {
    pub(super) transfer: Transfer,
    pub(super) from: Option<ClientKey>,
    pub(super) to: Option<ClientKey>,
    pub(super) stage: Stage,
    /// HO-10: what could not be refused meanwhile, in order.
    pub(super) deferred: Vec<Deferred>,
}

/// How far a transition has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// HO-2: granted, and IGMP is to add and delete nothing; step 1.
    Granted,
    /// The owner has changed; step 2. Without IGMP's part in it, all there is.
    BringingOver,
    /// Step 3 has begun: IGMP may add again.
    Enabled,
    /// HO-14.
    Sweeping(SweepWalk),
}

/// How far a sweep has come: memberships first, then blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SweepWalk {
    Memberships(Cursor),
    Blocks(Cursor),
    Done,
}

impl Default for SweepWalk {
    fn default() -> Self {
        Self::Memberships(Cursor::default())
    }
}

/// Who is to be on an interface, or no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transfer {
    Take(ClientKey),
    Release(ClientKey),
    /// IF-8: the interface is gone.
    Remove,
}

impl Transfer {
    pub(super) fn is_by_protocol(self) -> bool {
        match self {
            Self::Take(client) | Self::Release(client) => !client.is_igmp(),
            Self::Remove => false,
        }
    }

    /// Who makes it, and what it is called.
    pub(crate) const fn parts(self) -> (Option<ClientName>, &'static str) {
        match self {
            Self::Take(client) => (Some(client.name()), "take"),
            Self::Release(client) => (Some(client.name()), "release"),
            Self::Remove => (None, "remove"),
        }
    }

    pub(super) fn apply(self, parties: Parties) -> Parties {
        match self {
            Self::Take(client) if client.is_igmp() => Parties { igmp: Some(client), ..parties },
            Self::Take(client) => Parties { protocol: Some(client), ..parties },
            Self::Release(client) if client.is_igmp() => Parties { igmp: None, ..parties },
            Self::Release(_) => Parties { protocol: None, ..parties },
            Self::Remove => Parties::default(),
        }
    }
}

/// HO-10: what cannot be refused, and has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Deferred {
    Release(ClientKey),
    Removal,
}

/// HO-17: a party adds again all that it still wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refresh {
    pub(super) id: RefreshId,
    pub(super) deadline: Instant,
    /// It has ended, and what is still stale is being swept.
    pub(super) sweep: Option<SweepWalk>,
}

/// Names a refresh. No two have the same.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct RefreshId(pub(super) u64);

impl RefreshId {
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

impl<A: Address> InterfaceRecord<A> {
    fn new(interface: Interface<A>, hasher: SeedableRandomState) -> Self {
        Self {
            interface,
            parties: Parties::default(),
            tenure: TenureId::default(),
            past: None,
            transition: None,
            offer: None,
            refreshes: ByParty::default(),
            held: Table::new(hasher.clone()),
            named: BTreeSet::new(),
            marks: Marks::default(),
            holds: ByParty::default(),
            stale: ByParty::default(),
            reserved: ByParty::default(),
            wrong_interface_alerts: false,
            iif_of: Table::new(hasher.clone()),
            states_of: BTreeSet::new(),
            upstream_of: Table::new(hasher),
        }
    }

    /// The routing protocol that took it, or else IGMP where only IGMP is on it.
    pub(super) fn owner(&self) -> Option<ClientKey> {
        self.parties.owner()
    }

    /// Who was on the interface when this was attached: before the last change, until it is brought over.
    pub(super) fn parties_of(&self, held: Held) -> &Parties {
        self.past_of(held).map_or(&self.parties, |past| &past.parties)
    }

    /// The time from which this is, unless it is of the present.
    fn past_of(&self, held: Held) -> Option<&Past<A>> {
        self.past.as_deref().filter(|_| held.is_past(self.marks))
    }

    pub(super) fn held(&self, at: Hashed<Key<A>>) -> Held {
        self.held_at(self.find(at))
    }

    /// Whether a protocol hears of what IGMP does here, or did before it was on the interface or after.
    pub(super) const fn may_hear(&self) -> bool {
        self.parties.protocol.is_some() || self.past.is_some()
    }

    /// Where an entry is among what is held here.
    pub(super) fn find(&self, at: Hashed<Key<A>>) -> Bucket<Key<A>> {
        self.held.find(at)
    }

    /// What is held of the entry of a bucket.
    pub(super) fn held_at(&self, bucket: Bucket<Key<A>>) -> Held {
        self.held.at(bucket).copied().unwrap_or_else(|| self.marks.nothing())
    }

    pub(super) fn seen(&self, held: Held) -> Seen<'_> {
        Seen { parties: self.parties_of(held), held }
    }

    /// For whom the entry of a step counts because of this interface (CT-2).
    pub(super) fn counts_for(&self, step: Step) -> CountsFor {
        CountsFor { from: self.seen(step.before).wanted_by(), to: self.seen(step.after).wanted_by() }
    }

    /// MB-7: whether it counts among what the party holds. What only waits to be withdrawn does not.
    pub(super) fn is_counted(&self, party: Party, held: Held) -> bool {
        held.of(party).is_some() && self.stays(party, held)
    }

    /// The client that wants an entry because of what is held here (CT-2).
    pub(super) fn wanted_by(&self, at: Hashed<Key<A>>) -> Option<ClientKey> {
        match &self.past {
            None => self.parties.owner(),
            Some(_) => self.seen(self.held(at)).wanted_by(),
        }
    }

    /// HO-16: what is left of it in the present. What a party holds stays if the party is on the interface before and
    /// after; what IGMP holds is stale then, if it has to add it again.
    pub(super) fn present(&self, held: Held) -> Held {
        let Some(past) = self.past_of(held) else { return held };
        let mut present = held.in_generation(self.marks);
        for party in Party::ALL {
            if past.parties[party] != self.parties[party] {
                present = present.with(party, None, self.marks);
            }
        }
        if past.igmp_adds_again { present.stale(Party::Igmp, self.marks) } else { present }
    }

    /// HO-11.
    pub(super) fn is_stale(&self, party: Party, held: Held) -> bool {
        held.of(party).is_some()
            && !self.present(held).is_of_round(party, self.marks)
            && self.stays(party, held)
    }

    /// Whether the party holds it in the present too.
    fn stays(&self, party: Party, held: Held) -> bool {
        self.past_of(held).is_none_or(|past| past.parties[party] == self.parties[party])
    }

    /// Whether bringing it over ends a block (IF-7).
    pub(super) fn ends_a_block(&self, held: Held) -> bool {
        let is_block = |party| held.of(party) == Some(MembershipKind::Blocked);
        Party::ALL.into_iter().any(|party| is_block(party) && !self.stays(party, held))
    }

    /// Writes what is held of an entry, and keeps the count of what is stale.
    pub(super) fn set_held(&mut self, bucket: Bucket<Key<A>>, step: Step) {
        let Step { before, after } = step;
        if self.past.is_some() || !before.is_of(self.marks) || !after.is_of(self.marks) {
            for party in Party::ALL {
                let was = usize::from(self.is_stale(party, before));
                let is = usize::from(self.is_stale(party, after));
                self.stale[party] = self.stale[party] + is - was;
            }
        }
        self.held.set(bucket, (!after.is_nothing()).then_some(after));
        let key = bucket.key().key;
        if key.names_source() && before.is_nothing() != after.is_nothing() {
            if after.is_nothing() {
                self.named.remove(&key);
            } else {
                self.named.insert(key);
            }
        }
    }

    /// What is held here, for a walk: see [`Table::page`].
    pub(super) const fn all_held(&self) -> &Table<Key<A>, Held> {
        &self.held
    }

    /// The keys of what is held here that name a source, those after `last`, by group.
    pub(super) fn named_after(&self, last: Key<A>) -> impl Iterator<Item = Key<A>> {
        self.named.range((Bound::Excluded(last), Bound::Unbounded)).copied()
    }

    fn is_unused(&self) -> bool {
        self.owner().is_none()
            && self.transition.is_none()
            && self.past.is_none()
            && self.iif_of.is_empty()
            && self.upstream_of.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Interfaces<A: Address> {
    records: Slab<InterfaceRecord<A>>,
    ids: BTreeMap<Interface<A>, InterfaceId>,
}

impl<A: Address> Interfaces<A> {
    pub(super) const fn new() -> Self {
        Self { records: Slab::new(), ids: BTreeMap::new() }
    }

    pub(super) fn id(&self, interface: Interface<A>) -> Option<InterfaceId> {
        self.ids.get(&interface).copied()
    }

    pub(super) fn get(&self, id: InterfaceId) -> Option<&InterfaceRecord<A>> {
        self.records.get(position(id))
    }

    pub(super) fn get_mut(&mut self, id: InterfaceId) -> Option<&mut InterfaceRecord<A>> {
        self.records.get_mut(position(id))
    }

    pub(super) fn find(&self, interface: Interface<A>) -> Option<&InterfaceRecord<A>> {
        self.get(self.id(interface)?)
    }

    pub(super) fn find_mut(&mut self, interface: Interface<A>) -> Option<&mut InterfaceRecord<A>> {
        self.get_mut(self.id(interface)?)
    }

    pub(super) fn find_or_add(
        &mut self,
        interface: Interface<A>,
        hasher: &SeedableRandomState,
    ) -> Option<InterfaceId> {
        if let Some(id) = self.id(interface) {
            return Some(id);
        }
        let record = InterfaceRecord::new(interface, hasher.clone());
        let id = InterfaceId::try_from(self.records.insert(record)).ok()?;
        self.ids.insert(interface, id);
        Some(id)
    }

    /// Forgets an interface that nobody is on, and that nothing goes over.
    pub(super) fn tidy(&mut self, id: InterfaceId) {
        if let Some(interface) =
            self.get(id).filter(|record| record.is_unused()).map(|record| record.interface)
        {
            let _record = self.records.try_remove(position(id));
            self.ids.remove(&interface);
        }
    }

    /// All links of one index.
    pub(super) fn with_index(&self, index: NonZeroU32) -> Vec<Interface<A>> {
        let from = (Bound::Included(Interface::new(index)), Bound::Unbounded);
        self.ids
            .range(from)
            .map(|(interface, _)| *interface)
            .take_while(|link| link.index() == index)
            .collect()
    }

    /// Those after `last`, in the order of index, then next hop.
    pub(super) fn after(&self, last: Option<Interface<A>>) -> impl Iterator<Item = &InterfaceRecord<A>> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.ids.range((after, Bound::Unbounded)).filter_map(|(_, id)| self.get(*id))
    }
}

#[expect(clippy::as_conversions, reason = "usize has at least 32 bits wherever a router runs")]
const fn position(id: InterfaceId) -> usize {
    id as usize
}
