//! The forwarding entries that are still of the past of an interface that has changed hands (HO-15, IF-7).

use super::Engine;
use super::interfaces::{InterfaceId, MfeWalk, Transfer};
use super::key::{Hashed, Key};
use super::mfe::StateRecord;
use super::table::Cursor;
use crate::types::address::Address;
use crate::types::interface::Interface;

/// What to do about an entry when an interface has changed hands (HO-15).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Anew {
    /// Its source is looked up, and the new owner is asked `rpf`.
    Incoming,
    /// The old owner's forward state on the interface ends; it keeps its iif and its neighbour.
    StateOnly,
}

/// The forwarding entries that are still of the past of an interface.
#[derive(Debug)]
pub(crate) enum PastMfes<A> {
    /// A page has been looked at. These of it are to be made anew; what nobody has to be asked about has been brought over.
    Ask(Vec<Key<A>>),
    /// None is left.
    None,
}

impl<A: Address> Engine<A> {
    /// HO-15: a page of the forwarding entries of an interface that are still of the past.
    ///
    /// An entry is of the past if the interface toward its source has another owner than was asked about it, or if it has
    /// forward state that the old owner of the interface set.
    pub(crate) fn past_mfes(&mut self, interface: Interface<A>) -> PastMfes<A> {
        let Some(id) = self.interfaces.id(interface) else { return PastMfes::None };
        let record = self.interfaces.get(id);
        let Some(transfer) = record.and_then(|record| Some(record.transition.as_ref()?.transfer)) else {
            return PastMfes::None;
        };
        let mut to_ask = Vec::new();
        while !self.page.is_full() && to_ask.len() < self.page.size().changes {
            let key = match self.next_past_mfe(id) {
                NextMfe::This(key) => key,
                NextMfe::FillPage => continue,
                NextMfe::None if to_ask.is_empty() => return PastMfes::None,
                NextMfe::None => break,
            };
            self.page.look();
            let at = self.at(key);
            match transfer {
                Transfer::Remove => self.remove_past_mfe(at, id, interface),
                // IF-2: IGMP's own take and release make no entry anew.
                Transfer::Take(client) | Transfer::Release(client) if client.is_igmp() => {
                    self.bring_mfe_over(at);
                    self.end_past_states(at);
                }
                Transfer::Take(_) | Transfer::Release(_) if self.begin_anew(key, interface).is_some() => {
                    to_ask.push(key);
                }
                Transfer::Take(_) | Transfer::Release(_) => {}
            }
        }
        PastMfes::Ask(to_ask)
    }

    /// IF-7: what comes in by an interface that is gone, or by a route over it, goes with it.
    fn remove_past_mfe(&mut self, at: Hashed<Key<A>>, id: InterfaceId, interface: Interface<A>) {
        let comes_in = self.mfes.get(at).is_some_and(|mfe| mfe.iif == id);
        let lies_behind = self.sources.route(at.key.source).is_some_and(|route| route.interface == interface);
        if comes_in || lies_behind { self.delete_mfe(at) } else { self.end_past_states(at) }
    }

    /// What to do about one of them; nothing if it is of the present by now.
    pub(crate) fn begin_anew(&self, key: Key<A>, interface: Interface<A>) -> Option<Anew> {
        let at = self.at(key);
        let mfe = self.mfes.get(at)?;
        let id = self.interfaces.id(interface)?;
        let comes_in_elsewhere = mfe.iif != id || mfe.owner.is_none();
        let owns_iif = self.interfaces.get(id).is_some_and(|record| record.owner() == mfe.owner);
        if mfe.owner != self.upstream(key.source).owner || !comes_in_elsewhere && !owns_iif {
            return Some(Anew::Incoming);
        }
        let tenure = self.interfaces.get(id)?.tenure;
        let is_past = |state: &StateRecord| state.tenure != tenure && state.state.is_some();
        mfe.state(id).is_some_and(is_past).then_some(Anew::StateOnly)
    }

    /// The next (S,G) that may be a forwarding entry of the past.
    fn next_past_mfe(&mut self, id: InterfaceId) -> NextMfe<A> {
        let size = self.page.size();
        let Some(record) = self.interfaces.get_mut(id) else { return NextMfe::None };
        let Some(past) = record.past.as_mut() else { return NextMfe::None };
        if let Some(key) = past.mfe_page.pop() {
            return NextMfe::This(key);
        }
        match &mut past.mfes {
            MfeWalk::Incoming(cursor) => {
                let (page, next) = record.iif_of.page(*cursor);
                past.mfe_page.extend(page.map(|(key, ())| key));
                past.mfes = next.map_or_else(|| MfeWalk::Behind(Cursor::default()), MfeWalk::Incoming);
            }
            MfeWalk::Behind(cursor) => {
                let (page, next) = record.upstream_of.page(*cursor);
                let sources = page.map(|(source, ())| source).collect();
                past.mfes = MfeWalk::Sources { sources, last: None, next };
            }
            MfeWalk::Sources { sources, last, next } => match sources.last().copied() {
                Some(source) => {
                    past.mfe_page.extend(self.sources.groups_of(source, *last).take(size.changes));
                    *last = past.mfe_page.last().map(|key| key.group);
                    if last.is_none() {
                        sources.pop();
                    }
                }
                None => past.mfes = next.map_or(MfeWalk::States, MfeWalk::Behind),
            },
            MfeWalk::States => match past.states_of.pop_first() {
                Some(key) => return NextMfe::This(key),
                None => past.mfes = MfeWalk::Done,
            },
            MfeWalk::Done => return NextMfe::None,
        }
        self.page.look();
        NextMfe::FillPage
    }
}

/// A step of the walk over the forwarding entries of the past.
enum NextMfe<A> {
    This(Key<A>),
    /// The next page of keys has been read.
    FillPage,
    None,
}
