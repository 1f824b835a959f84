//! Forwarding entries in the making, and packets on the wrong interface (FW-1, FW-3, FW-7, FW-10, FW-13).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::backlog::Sync;
use super::effect::{Alert, Effects};
use super::enumerate::PAGE;
use super::forwarding::no_such_mfe;
use super::interfaces::{Port, Slot};
use super::key::{ClientKey, Hashed, Key};
use super::mfe::{Mfe, States};
use super::routes::{Stamp, Way};
use super::time::Tick;
use crate::error::{Error, Limit};
use crate::types::address::{Address, GroupAddr};
use crate::types::creation::CreationOif;
use crate::types::interface::Interface;
use crate::types::route::Route;
use crate::view::ForwardState;

/// MGM: an MFE lives 900 s.
pub(crate) const LIFETIME: Duration = Duration::from_secs(900);

/// FW-10.
const WRONG_INTERFACE_PAUSE: Duration = Duration::from_secs(3);

/// What to do about a packet without a forwarding entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Creation {
    /// Make one; it counts as being in the making from now on.
    Begun,
    /// There is one.
    Exists,
    /// Another thread is making it.
    InProgress,
}

/// What one protocol is asked about a new entry.
#[derive(Clone, Debug)]
pub(crate) struct Question<A> {
    pub(crate) client: ClientKey,
    pub(crate) oifs: Vec<CreationOif<A>>,
}

/// An entry as everybody answered, to be installed if nothing has changed meanwhile.
#[derive(Debug)]
pub(crate) struct Draft<A: Address> {
    pub(crate) key: Key<A>,
    pub(crate) way: Way<A>,
    /// Since which change of routes: a later one may not have reached the way yet.
    pub(crate) stamp: Option<Stamp>,
    /// The way that the owner of the interface toward the source chose; none without a route.
    pub(crate) rpf: Option<Route<A>>,
    /// Where the packet came in.
    pub(crate) arrival: Interface<A>,
    pub(crate) answers: Vec<(ClientKey, Interface<A>, ForwardState)>,
    /// What the forwarder has counted for it so far.
    pub(crate) packets: u64,
    /// The entry is made anew, unless it has been deleted meanwhile.
    pub(crate) renews: bool,
}

impl<A: Address> Draft<A> {
    /// FW-4: without a route the arrival interface is the iif.
    pub(crate) fn iif(&self) -> Interface<A> {
        self.rpf.map_or(self.arrival, |route| route.interface)
    }
}

impl<A: Address> Engine<A> {
    pub(crate) fn begin_creation(&mut self, key: Key<A>) -> Result<Creation, Error<A>> {
        if self.mfes.get(Hashed::new(&self.hasher, key)).is_some() {
            return Ok(Creation::Exists);
        }
        if self.creating.contains(&key) {
            return Ok(Creation::InProgress);
        }
        self.refuse_mfe_at_limit(key)?;
        self.creating.insert(key);
        Ok(Creation::Begun)
    }

    /// FW-7: begins to make an entry anew, unless that is going on, or it was given more time meanwhile.
    pub(crate) fn begin_renewal(&mut self, key: Key<A>, now: Tick) -> bool {
        let mfe = self.mfes.get(Hashed::new(&self.hasher, key));
        mfe.is_some_and(|mfe| mfe.expires <= now) && self.creating.insert(key)
    }

    /// The entry has been made, or its making given up.
    pub(crate) fn end_creation(&mut self, key: Key<A>) {
        self.creating.remove(&key);
        self.forget_source(key.source);
    }

    /// FW-3: the protocols to ask, in the order of registration, and about which interfaces.
    pub(crate) fn questions(&self, key: Key<A>, iif: Interface<A>) -> Vec<Question<A>> {
        let iif = self.interfaces.slot(iif);
        let oifs = self.oifs(key, iif, None);
        let ask = |client: ClientKey| {
            let always = self.clients.get(client).is_some_and(|client| client.asked_always);
            let slots: Vec<Slot> = if always { self.owned_slots(client, iif) } else { oifs.to_vec() };
            let ports = slots.into_iter().filter_map(|slot| Some((slot, self.interfaces.port(slot)?)));
            let own = ports.filter(|(_, port)| port.protocol == Some(client));
            let oif = |(slot, port): (Slot, &Port<A>)| {
                CreationOif::new(port.interface, port.igmp.is_some(), oifs.contains(&slot))
            };
            let oifs: Vec<_> = own.map(oif).collect();
            (always || !oifs.is_empty()).then_some(Question { client, oifs })
        };
        self.clients.protocols().filter_map(ask).collect()
    }

    /// Installs an entry, or makes it anew in place; no, if the way to its source has changed meanwhile (FW-13).
    pub(crate) fn install(&mut self, draft: &Draft<A>, now: Tick, effects: &mut Effects<A>) -> bool {
        let key = draft.key;
        if draft.renews && self.mfes.get(Hashed::new(&self.hasher, key)).is_none() {
            return true;
        }
        if self.route_stamp(key.source) != draft.stamp
            || self.way(key.source) != draft.way
            || draft.rpf.is_some_and(|rpf| !self.may_answer(draft.way, rpf.interface))
        {
            return false;
        }
        let states = self.states(&draft.answers);
        let Some(iif) = self.interfaces.find_or_add_slot(draft.iif(), &self.hasher) else { return true };
        let oifs = self.oifs(key, Some(iif), states.as_deref());
        let mfe = Mfe {
            iif,
            routed: draft.rpf.is_some(),
            upstream: draft.rpf.and_then(|rpf| rpf.upstream),
            prefix: draft.rpf.map(|rpf| rpf.prefix),
            oifs,
            states,
            made: now,
            expires: now.after(LIFETIME),
            packets: draft.packets,
            quiet_until: Tick::default(),
            sync: Sync::default(),
        };
        self.put_mfe(Hashed::new(&self.hasher, key), Box::new(mfe));
        self.tell_of_creation(key, effects);
        true
    }

    /// FW-10: the owner of the arrival interface hears of it, if it asked to, and not too often.
    pub(crate) fn wrong_interface(
        &mut self,
        key: Key<A>,
        arrival: Interface<A>,
        header: &[u8],
        now: Tick,
        effects: &mut Effects<A>,
    ) {
        let slot = self.interfaces.slot(arrival);
        let Some(port) = self.interfaces.find(arrival).filter(|port| port.wrong_interface_alerts) else {
            return;
        };
        let Some(owner) = port.protocol else { return };
        let Some(mfe) = self.mfes.get_mut(Hashed::new(&self.hasher, key)) else { return };
        if slot == Some(mfe.iif) || now < mfe.quiet_until {
            return;
        }
        mfe.quiet_until = now.after(WRONG_INTERFACE_PAUSE);
        let (source, group) = key.pair();
        effects.forwarding.push((owner, Alert::WrongInterface(arrival, source, group, Arc::from(header))));
    }

    pub(crate) fn set_wrong_interface_alerts(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        on: bool,
    ) -> Result<(), Error<A>> {
        self.active(client)?;
        let slot = self.owned_slot(client, interface)?;
        if let Some(port) = self.interfaces.port_mut(slot) {
            port.wrong_interface_alerts = on;
        }
        Ok(())
    }

    /// FW-7: deletes an entry that has had its time and was idle, unless it was given more time meanwhile.
    pub(crate) fn delete_idle(&mut self, key: Key<A>, now: Tick) {
        let at = Hashed::new(&self.hasher, key);
        if self.mfes.get(at).is_some_and(|mfe| mfe.expires <= now) {
            self.delete_mfe(at);
        }
    }

    /// What the forwarder had counted for an entry when it was made, and where it comes in.
    pub(crate) fn since_renewal(&self, key: Key<A>) -> Result<(u64, Interface<A>), Error<A>> {
        let mfe = self.mfes.get(Hashed::new(&self.hasher, key)).ok_or_else(|| no_such_mfe(key))?;
        let port = self.interfaces.port(mfe.iif).ok_or_else(|| no_such_mfe(key))?;
        Ok((mfe.packets, port.interface))
    }

    /// The entries whose time is over.
    ///
    /// A page of them, those after the last of the page before.
    pub(crate) fn expired(&mut self, now: Instant, after: Option<Expired<A>>) -> Vec<Expired<A>> {
        let now = self.clock.now(now);
        self.mfes.due(now, after).take(PAGE).collect()
    }

    /// When anything is next due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = [self.mfes.next_due(), self.backlog.next_retry()].into_iter().flatten().min()?;
        self.clock.instant(due)
    }

    fn owned_slots(&self, client: ClientKey, but: Option<Slot>) -> Vec<Slot> {
        let on = self.clients.get(client).map(|record| record.on.as_slice()).unwrap_or_default();
        on.iter()
            .filter_map(|interface| self.interfaces.slot(*interface))
            .filter(|slot| Some(*slot) != but)
            .collect()
    }

    /// FW-3: answers are forward state, of those who still own the interface.
    fn states(&self, answers: &[(ClientKey, Interface<A>, ForwardState)]) -> States {
        let standing = answers.iter().filter_map(|(client, interface, state)| {
            let slot = self.interfaces.slot(*interface)?;
            self.interfaces.port(slot).filter(|port| port.protocol == Some(*client))?;
            Some((slot, *state))
        });
        let states: BTreeMap<_, _> = standing.collect();
        (!states.is_empty()).then(|| Box::new(states))
    }

    /// MB-7: entries in the making count as well; those that are made anew count once.
    fn refuse_mfe_at_limit(&self, key: Key<A>) -> Result<(), Error<A>> {
        let is_new = |making: &&Key<A>| self.mfes.get(Hashed::new(&self.hasher, **making)).is_none();
        let making = self.creating.iter().filter(is_new).count();
        if let Some(max) = self.limits.mfes.filter(|max| self.mfes.len() + making >= *max) {
            return Err(Error::LimitReached(Limit::Mfes { max }));
        }
        let of_group = key.any_source();
        let making = self.creating.range(of_group..).take_while(|making| making.group == key.group);
        let making = making.filter(is_new).count();
        let count = making + self.mfes.len_of_group(key.group);
        match self.limits.mfes_per_group.filter(|max| count >= *max) {
            Some(max) => {
                Err(Error::LimitReached(Limit::MfesOfGroup { group: GroupAddr::known(key.group), max }))
            }
            None => Ok(()),
        }
    }
}

/// An entry whose time is over, and since when.
pub(crate) type Expired<A> = (Tick, Key<A>);

/// The keys of the entries in the making.
pub(super) type Creating<A> = BTreeSet<Key<A>>;
