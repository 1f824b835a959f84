//! The forwarding entries, and the table of them (EN-2, FW-7, MB-7).

use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};
use std::ops::Bound::{Excluded, Unbounded};

use foldhash::quality::SeedableRandomState;
use smallvec::SmallVec;

use super::backlog::Standing;
use super::interfaces::{InterfaceId, TenureId};
use super::key::{ClientKey, Hashed, Key, Number};
use super::pull::Pulled;
use super::table::Table;
use super::time::Tick;
use crate::error::Error;
use crate::types::address::Address;
use crate::view::ForwardState;

/// A forwarding entry. Its key is an (S,G).
#[derive(Debug)]
pub(super) struct MfeRecord<A: Address> {
    pub(super) iif: InterfaceId,
    /// Who was asked about it, and is told: the owner of the interface toward the source when it was last made or moved.
    /// While that is somebody else by now, the entry is still of the past (HO-15), and FW-6 leaves its owner alone.
    pub(super) owner: Option<ClientKey>,
    /// FW-6: the owner has last been told to pull.
    pub(super) is_told: bool,
    pub(super) upstream: Option<A>,
    pub(super) prefix: Option<A::Net>,
    pub(super) origin: Option<u32>,
    /// The number of the question that the iif and the neighbour answer, or of the call that set them: what was asked
    /// before that came too late.
    pub(super) learned: u64,
    oifs: SmallVec<[Oif; 4]>,
    /// How many of them count for another client than the owner.
    for_others: u32,
    /// Forward state by interface; absent where nobody set any, which is usual (MB-5).
    pub(super) states: States,
    pub(super) made: Tick,
    pub(super) expires: Tick,
    /// What the forwarder had counted when the entry was made or renewed (FW-7).
    pub(super) packets: u64,
    /// The forwarder has begun to count anew since.
    pub(super) is_count_lost: bool,
    /// FW-10: until then nobody hears of another packet on the wrong interface.
    pub(super) quiet_until: Tick,
    pub(super) standing: Standing,
}

pub(super) type States = Option<Box<BTreeMap<InterfaceId, StateRecord>>>;

/// Forward state that the owner of an interface set.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateRecord {
    /// None once it was cleared: an answer that is older must not bring it back.
    pub(super) state: Option<ForwardState>,
    /// Who set it, in which tenure: it ends with that.
    pub(super) by: ClientKey,
    pub(super) tenure: TenureId,
    /// The number of the call or the question that set it.
    pub(super) set: u64,
}

/// An outgoing interface, and whether it counts for another client than the owner of the iif (FW-6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Oif(u32);

const FOR_OTHERS: u32 = 1 << 31;

impl Oif {
    pub(super) const fn new(interface: InterfaceId, counts_for_others: bool) -> Self {
        Self(if counts_for_others { interface | FOR_OTHERS } else { interface })
    }

    pub(super) const fn interface(self) -> InterfaceId {
        self.0 & !FOR_OTHERS
    }

    const fn counts_for_others(self) -> bool {
        self.0 & FOR_OTHERS != 0
    }
}

impl<A: Address> MfeRecord<A> {
    pub(super) fn new(iif: InterfaceId, owner: Option<ClientKey>, made: Tick, expires: Tick) -> Self {
        Self {
            iif,
            owner,
            is_told: false,
            upstream: None,
            prefix: None,
            origin: None,
            learned: 0,
            oifs: SmallVec::new(),
            for_others: 0,
            states: None,
            made,
            expires,
            packets: 0,
            is_count_lost: false,
            quiet_until: Tick::default(),
            standing: Standing::default(),
        }
    }

    pub(super) fn state(&self, id: InterfaceId) -> Option<&StateRecord> {
        self.states.as_ref()?.get(&id)
    }

    pub(super) fn oifs(&self) -> impl Iterator<Item = InterfaceId> {
        self.oifs.iter().map(|oif| oif.interface())
    }

    pub(super) fn oif_count(&self) -> usize {
        self.oifs.len()
    }

    /// FW-6: some oif counts for another client than the owner.
    pub(super) const fn is_wanted_by_others(&self) -> bool {
        self.for_others > 0
    }

    pub(super) fn oif(&self, id: InterfaceId) -> Option<Oif> {
        self.position(id).ok().and_then(|at| self.oifs.get(at)).copied()
    }

    /// How it stands with its owner.
    pub(super) fn pulled(&self) -> Pulled {
        Pulled {
            was_told: self.is_told,
            is_told: self.is_wanted_by_others(),
            has_oifs: !self.oifs.is_empty(),
        }
    }

    /// Whether it would be wanted by others if the interface became this oif, or none.
    pub(super) fn would_be_wanted_by_others(&self, id: InterfaceId, oif: Option<Oif>) -> bool {
        let was = u32::from(self.oif(id).is_some_and(Oif::counts_for_others));
        let is = u32::from(oif.is_some_and(Oif::counts_for_others));
        self.for_others + is > was
    }

    pub(super) fn set_oif(&mut self, id: InterfaceId, oif: Option<Oif>) {
        let was = u32::from(self.oif(id).is_some_and(Oif::counts_for_others));
        let is = u32::from(oif.is_some_and(Oif::counts_for_others));
        self.for_others = self.for_others + is - was;
        match (self.position(id), oif) {
            (Ok(at), Some(oif)) => {
                if let Some(old) = self.oifs.get_mut(at) {
                    *old = oif;
                }
            }
            (Ok(at), None) => drop(self.oifs.remove(at)),
            (Err(at), Some(oif)) => self.oifs.insert(at, oif),
            (Err(_), None) => {}
        }
    }

    /// All oifs, in the order of interfaces' numbers.
    pub(super) fn set_oifs(&mut self, oifs: SmallVec<[Oif; 4]>) {
        self.for_others = oifs.iter().map(|oif| u32::from(oif.counts_for_others())).sum();
        self.oifs = oifs;
    }

    fn position(&self, id: InterfaceId) -> Result<usize, usize> {
        self.oifs.binary_search_by_key(&id, |oif| oif.interface())
    }
}

/// All forwarding entries.
#[derive(Debug)]
pub(super) struct MfeTable<A: Address> {
    table: Table<Key<A>, Box<MfeRecord<A>>>,
    /// In the order of group, then source (EN-2).
    ordered: BTreeSet<Key<A>>,
    /// How many there are of each group (MB-7); none is zero.
    of_group: BTreeMap<Number<A>, usize>,
    due: BTreeSet<Due<A>>,
}

/// When the time of an entry is over.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Due<A: Address> {
    at: Tick,
    pub(crate) key: Key<A>,
}

impl<A: Address> MfeTable<A> {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Self {
            table: Table::new(hasher),
            ordered: BTreeSet::new(),
            of_group: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, at: Hashed<Key<A>>) -> Option<&MfeRecord<A>> {
        self.table.get(at).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, at: Hashed<Key<A>>) -> Option<&mut MfeRecord<A>> {
        self.table.get_mut(at).map(Box::as_mut)
    }

    pub(super) fn len(&self) -> usize {
        self.ordered.len()
    }

    pub(super) fn len_of_group(&self, group: A) -> usize {
        self.of_group.get(&Number(group)).copied().unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<A>, &MfeRecord<A>)> {
        self.table.iter().map(|(key, mfe)| (key, mfe.as_ref()))
    }

    /// Those after `last`, in order.
    pub(super) fn after(&self, last: Option<Key<A>>) -> impl Iterator<Item = Key<A>> {
        self.ordered.range((last.map_or(Unbounded, Excluded), Unbounded)).copied()
    }

    /// Those that (\*,\*) or a (\*,G) covers, but for the SSM range; those after `last`.
    pub(super) fn covered(&self, entry: Key<A>, last: Option<Key<A>>) -> impl Iterator<Item = Key<A>> {
        self.after(Some(last.unwrap_or(entry)))
            .take_while(move |key| entry.is_all_groups() || key.group == entry.group)
    }

    pub(super) fn due(&self, now: Tick, last: Option<Due<A>>) -> impl Iterator<Item = Due<A>> {
        let after = last.map_or(Unbounded, Excluded);
        self.due.range((after, Unbounded)).copied().take_while(move |due| due.at <= now)
    }

    pub(super) fn next_due(&self) -> Option<Tick> {
        self.due.first().map(|due| due.at)
    }

    pub(super) fn insert(&mut self, at: Hashed<Key<A>>, mfe: Box<MfeRecord<A>>) {
        self.ordered.insert(at.key);
        *self.of_group.entry(Number(at.key.group)).or_default() += 1;
        self.due.insert(Due { at: mfe.expires, key: at.key });
        self.table.insert(at, mfe);
    }

    pub(super) fn remove(&mut self, at: Hashed<Key<A>>) -> Option<Box<MfeRecord<A>>> {
        let mfe = self.table.remove(at)?;
        self.ordered.remove(&at.key);
        if let btree_map::Entry::Occupied(mut count) = self.of_group.entry(Number(at.key.group)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        self.due.remove(&Due { at: mfe.expires, key: at.key });
        Some(mfe)
    }

    /// The entry expires then, and not when it was to before.
    pub(super) fn expire_at(&mut self, at: Hashed<Key<A>>, expires: Tick) {
        let Some(mfe) = self.table.get_mut(at) else { return };
        self.due.remove(&Due { at: mfe.expires, key: at.key });
        mfe.expires = expires;
        self.due.insert(Due { at: expires, key: at.key });
    }
}

pub(super) fn no_such_mfe<A: Address>(key: Key<A>) -> Error<A> {
    Error::NoSuchMfe { entry: key.into() }
}
