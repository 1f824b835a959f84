//! Who is registered, and who is on which interface: what is refused, and what a change of it changes at once.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use mgm::{Change, ClientName, Error, Interface};

use super::membership::refuse_for;
use super::{Answer, Client, Key, Past, Port, Refresh, State};
use crate::ops;
use crate::words::Uid;

/// To the client of a slot, or to nobody any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Offer {
    To(usize),
    Withdrawn,
}

/// Registrations (CL-1 to CL-5).
impl State {
    pub(crate) fn register(&mut self, slot: usize) -> Answer<()> {
        let name = ops::name(slot);
        let holds_it =
            |client: &Client| client.name == name && (client.is_registered || !client.on.is_empty());
        if self.clients.iter().any(holds_it) {
            return Err(vec![match name {
                ClientName::Igmp => Error::IgmpAlreadyRegistered,
                ClientName::Protocol(id) => Error::AlreadyRegistered { id },
            }]);
        }
        self.clients.push(Client { name, is_registered: true, on: Vec::new() });
        Ok(())
    }

    pub(crate) fn deregister(&mut self, client: Uid) -> Answer<()> {
        let Client { name, on, .. } = &self.clients[client];
        if !on.is_empty() {
            return Err(vec![Error::StillOnInterfaces { client: *name, interfaces: on.clone() }]);
        }
        self.silence(client);
        Ok(())
    }

    /// It is called no more. IF-9: what it was offered is offered no more, nor what it offers.
    pub(crate) fn silence(&mut self, client: Uid) {
        self.clients[client].is_registered = false;
        for port in self.ports.values_mut() {
            port.offered_to.take_if(|to| *to == client || port.protocol == Some(client));
        }
    }
}

/// What is refused.
impl State {
    /// IF-2, IF-3, IF-9, HO-7.
    pub(crate) fn refuse_take(&self, client: Uid, on: Interface) -> Answer<()> {
        let port = self.port(on);
        let mut errors = self.refuse_during_change(on);
        if self.is_on(client, on) {
            errors.push(Error::AlreadyTaken { interface: on, client: self.name(client) });
        } else if let Some(owner) = port.protocol.filter(|_| !self.is_igmp(client))
            && port.offered_to != Some(client)
        {
            errors.push(Error::OwnedByAnother { interface: on, owner: self.name(owner) });
        }
        refuse_for(errors)
    }

    /// IF-4, HO-7.
    pub(crate) fn refuse_release(&self, client: Uid, on: Interface) -> Answer<()> {
        let mut errors = self.refuse_unless_on(on, client);
        errors.extend(self.refuse_during_change(on));
        refuse_for(errors)
    }

    pub(crate) fn refuse_unless_owner(&self, on: Interface, client: Uid) -> Vec<Error> {
        match self.owner(on) {
            Some(owner) if owner == client => Vec::new(),
            Some(owner) if self.is_on(client, on) => {
                vec![Error::NotOwner { interface: on, client: self.name(client), owner: self.name(owner) }]
            }
            _ => vec![self.not_on(on, client)],
        }
    }

    fn refuse_during_change(&self, on: Interface) -> Vec<Error> {
        let is_changing = self.port(on).change.is_some();
        if is_changing { vec![Error::HandoverInProgress { interface: on }] } else { Vec::new() }
    }

    /// HO-2, HO-17.
    pub(crate) fn refuse_refresh(&self, on: Interface, client: Uid, seconds: u64) -> Vec<Error> {
        let is_its = |refresh: &Refresh| (refresh.on, refresh.client, refresh.is_over) == (on, client, false);
        let mut errors = self.refuse_change(on, client, false);
        if self.refreshes.iter().any(is_its) {
            errors.push(Error::RefreshInProgress { interface: on, client: self.name(client) });
        }
        if seconds == 0 {
            errors.push(Error::DeadlinePassed { interface: on });
        }
        errors
    }
}

/// What changes in one step.
impl State {
    /// IF-9.
    pub(crate) fn offer(&mut self, client: Uid, on: Interface, offer: Offer) -> Answer<Change> {
        let mut errors = self.refuse_unless_owner(on, client);
        errors.extend(self.refuse_during_change(on));
        if self.is_igmp(client) && errors.is_empty() {
            errors.push(Error::NotOffered { interface: on, client: self.name(client) });
        }
        let offered_to = self.port(on).offered_to;
        let Offer::To(slot) = offer else {
            refuse_for(errors)?;
            self.port_mut(on).offered_to = None;
            return Ok(if offered_to.is_some() { Change::Changed } else { Change::Unchanged });
        };
        let to = self.protocols().find(|to| self.name(*to) == ops::name(slot));
        errors.extend(match (to, ops::id(slot)) {
            (None, Some(id)) => Some(Error::NotRegistered { id }),
            (Some(to), _) if to == client => {
                Some(Error::OfferedToItself { interface: on, client: self.name(client) })
            }
            _ => offered_to.map(|to| Error::AlreadyOffered { interface: on, to: self.name(to) }),
        });
        refuse_for(errors)?;
        self.port_mut(on).offered_to = to;
        Ok(Change::Changed)
    }

    /// HO-3, HO-11, IF-7: all that is not asked about.
    pub(crate) fn hand_over(&mut self, on: Interface, to: Option<Uid>) {
        let port = self.port(on);
        if let Some(old) = port.protocol {
            self.delete_all(on, old);
        }
        if let Some(igmp) = port.igmp {
            self.end_refreshes(on, igmp);
            self.make_stale(on, igmp);
        }
        // HO-15: until it is brought over, an entry keeps the forward state that it has.
        for key in self.incoming_or_behind(on) {
            self.mfes.entry(key).and_modify(|mfe| mfe.past_of.extend([Past::Of(on)]));
        }
        let merely = self.mfes.values_mut().filter(|mfe| mfe.states.contains_key(&on));
        merely.for_each(|mfe| mfe.past_of.extend([Past::OfStateOn(on)]));
        self.port_mut(on).protocol = to;
        self.begin_tenure(on);
    }

    /// IF-2: an MFE gets another owner, if it does, and is not made anew.
    pub(crate) fn igmp_comes(&mut self, on: Interface, igmp: Uid) {
        let is_owner = self.owner(on).is_none();
        self.port_mut(on).igmp = Some(igmp);
        self.clients[igmp].on.push(on);
        self.igmp_was_or_is_owner(on, is_owner);
    }

    pub(crate) fn igmp_goes(&mut self, on: Interface, igmp: Uid) {
        self.delete_all(on, igmp);
        self.port_mut(on).igmp = None;
        let was_owner = self.owner(on).is_none();
        self.igmp_was_or_is_owner(on, was_owner);
    }

    fn igmp_was_or_is_owner(&mut self, on: Interface, is_so: bool) {
        if is_so {
            let behind: BTreeSet<_> =
                self.mfes.keys().copied().filter(|key| self.lies_behind(*key, on)).collect();
            let behind = self.mfes.iter_mut().filter(|(key, _)| behind.contains(key));
            behind.for_each(|(_, mfe)| mfe.past_of.extend([Past::Of(on)]));
            self.begin_tenure(on);
        }
    }

    /// IF-8, but for the entries that go.
    pub(crate) fn remove(&mut self, on: Interface) {
        for client in self.clients_on(on) {
            self.delete_all(on, client);
        }
        for key in self.incoming_or_behind(on) {
            self.mfes.entry(key).and_modify(|mfe| mfe.past_of.extend([Past::Of(on)]));
        }
        let port = self.port_mut(on);
        (port.igmp, port.protocol) = (None, None);
        self.begin_tenure(on);
    }

    /// With those that were made meanwhile.
    pub(crate) fn remove_mfes(&mut self, on: Interface) {
        self.past_of(on).iter().for_each(|key| drop(self.mfes.remove(key)));
        self.incoming_or_behind(on).iter().for_each(|key| drop(self.mfes.remove(key)));
    }

    /// What is attached to an interface belongs to a tenure (HO-16).
    fn begin_tenure(&mut self, on: Interface) {
        let port = self.port_mut(on);
        port.tenure += 1;
        port.offered_to = None;
        port.wrong_interface_alerts = false;
    }

    /// Who has left an interface has left it when all that was attached is brought over.
    pub(crate) fn leave(&mut self, on: Interface) {
        let stay = self.clients_on(on);
        let gone = self.clients.iter_mut().enumerate().filter(|(client, _)| !stay.contains(client));
        gone.for_each(|(_, client)| client.on.retain(|at| *at != on));
    }

    /// The interfaces with this index that somebody is on, that change hands, or that something goes over.
    pub(crate) fn links(&self, index: NonZeroU32) -> BTreeSet<Interface> {
        let of_mfes = self.mfes.values().map(|mfe| mfe.iif);
        let known = self.known.values().flatten().map(|route| route.interface);
        let is_used =
            |(on, port): &(&Interface, &Port)| port.change.is_some() || !self.clients_on(**on).is_empty();
        let used = self.ports.iter().filter(is_used).map(|(on, _)| *on);
        let all = used.chain(of_mfes).chain(known);
        all.filter(|on| on.index() == index).collect()
    }

    /// What is of the past goes to the owner of the present, and nobody is asked.
    pub(crate) fn bring_all_to_owners(&mut self, on: Interface) {
        self.past_of(on).into_iter().for_each(|key| self.bring_to_owner(key));
    }

    /// Forward state of owners that have gone, in entries that are not brought over for another reason.
    pub(crate) fn end_states(&mut self) {
        let settled = self.mfes.iter().filter(|(_, mfe)| mfe.past_of.is_empty()).map(|(key, _)| *key);
        settled.collect::<Vec<_>>().into_iter().for_each(|key| self.end_past_states(key));
    }

    /// The entries that have to be brought over since the interface changed hands.
    pub(crate) fn past_of(&self, on: Interface) -> Vec<Key> {
        let is_past = |past: &Past| [Past::Of(on), Past::OfStateOn(on)].contains(past);
        let past = self.mfes.iter().filter(|(_, mfe)| mfe.past_of.iter().any(is_past));
        past.map(|(key, _)| *key).collect()
    }

    pub(crate) fn clients_on(&self, on: Interface) -> Vec<Uid> {
        let port = self.port(on);
        port.igmp.into_iter().chain(port.protocol).collect()
    }

    /// The entries that come in by an interface, or whose source lies behind it (IF-7, HO-15).
    pub(crate) fn incoming_or_behind(&self, on: Interface) -> BTreeSet<Key> {
        let keys = self.mfes.iter().filter(|(key, mfe)| mfe.iif == on || self.lies_behind(**key, on));
        keys.map(|(key, _)| *key).collect()
    }

    fn lies_behind(&self, (_, source): Key, on: Interface) -> bool {
        self.known.get(&source).copied().flatten().is_some_and(|route| route.interface == on)
    }
}
