//! What each client holds on each interface: memberships and blocks (MB-1 to MB-4, MB-6, MB-7, CT-7).

use super::Engine;
use super::effect::{Alert, Effects};
use super::interfaces::{Held, Hold, Party, Port, Slot};
use super::key::{ClientKey, Hashed, Key};
use super::table::Spot;
use crate::error::{Error, Limit};
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::interface::Interface;

impl<A: Address> Engine<A> {
    /// Sets what `client` holds of `entry` on `interface`, if it may; says what it held before.
    ///
    /// `from` says what the caller takes back: a delete of a membership leaves a block alone.
    pub(crate) fn hold(
        &mut self,
        client: ClientKey,
        interface: Interface<A>,
        entry: Entry<A>,
        (from, to): (Option<Hold>, Hold),
        effects: &mut Effects<A>,
    ) -> Result<Hold, Error<A>> {
        self.active(client)?;
        self.refuse_without_source(entry)?;
        let (slot, party) = self.party(client, interface)?;
        let Some(port) = self.interfaces.port(slot) else { return Ok(Hold::Nothing) };
        port.refuse_while_disabled(party)?;
        let at = Hashed::new(&self.hasher, Key::from(entry));
        let (spot, place) = (port.held.find(at), self.interests.find(at));
        let old = port.held.at(spot).copied().unwrap_or_default();
        let held = old.of(party);
        if held == to || from.is_some_and(|from| from != held) {
            return Ok(to);
        }
        if held == Hold::Nothing {
            self.refuse_at_limit(client, port)?;
        }
        let new = old.with(party, to);
        if let Some(port) = self.interfaces.port_mut(slot) {
            port.held.set(spot, (!new.is_nothing()).then_some(new));
        }
        self.follow(slot, place, (old, party, to), effects);
        Ok(held)
    }

    /// IF-7, HO-3: deletes all that `party` holds on an interface, with the alerts of deleting it one by one.
    pub(super) fn withdraw(&mut self, slot: Slot, party: Party, effects: &mut Effects<A>) {
        let Some(port) = self.interfaces.port_mut(slot) else { return };
        if port.client(party).is_none() {
            return;
        }
        let mut withdrawn = Vec::new();
        port.held.retain(|key, held| {
            let old = *held;
            *held = old.with(party, Hold::Nothing);
            if *held != old {
                withdrawn.push((key, old));
            }
            !held.is_nothing()
        });
        for (key, old) in withdrawn {
            let place = self.interests.find(Hashed::new(&self.hasher, key));
            self.follow(slot, place, (old, party, Hold::Nothing), effects);
        }
    }

    /// All that follows from a change that is written: the counts, who wants what, and who is told.
    fn follow(
        &mut self,
        slot: Slot,
        place: Spot<Key<A>>,
        change: (Held, Party, Hold),
        effects: &mut Effects<A>,
    ) {
        let (old, party, to) = change;
        let (entry, new) = (Entry::from(place.key()), old.with(party, to));
        self.count(slot, party, old.of(party), to);
        if party == Party::Igmp {
            self.tell_owner(slot, entry, (old.igmp, to), effects);
        }
        let key = place.key();
        let shift = self.interests.change(&self.interfaces, slot, place, (old, new));
        if old.is_wanted() != new.is_wanted() {
            // While the entry is known to routes: the source of one that nobody wants any more is forgotten.
            self.track(key);
            if let Some(shift) = shift {
                self.tell_of_shift(entry, shift, effects);
            }
            if !new.is_wanted() {
                self.untrack(key);
            }
        }
        self.refresh_covered(slot, key, effects);
    }

    /// CT-7: the protocol that owns the interface hears what IGMP does there.
    fn tell_owner(&self, slot: Slot, entry: Entry<A>, (from, to): (Hold, Hold), effects: &mut Effects<A>) {
        let Some(port) = self.interfaces.port(slot) else { return };
        let Some(owner) = port.protocol else { return };
        let interface = port.interface;
        match (from, entry) {
            (Hold::Wanted, _) => effects.alert(owner, Alert::LocalLeave(interface, entry)),
            (Hold::Blocked, Entry::SourceGroup(source, group)) => {
                effects.alert(owner, Alert::LocalUnblock(interface, source, group));
            }
            (Hold::Blocked, Entry::AllGroups | Entry::Group(_)) | (Hold::Nothing, _) => {}
        }
        match (to, entry) {
            (Hold::Wanted, _) => effects.alert(owner, Alert::LocalJoin(interface, entry)),
            (Hold::Blocked, Entry::SourceGroup(source, group)) => {
                effects.alert(owner, Alert::LocalBlock(interface, source, group));
            }
            (Hold::Blocked, Entry::AllGroups | Entry::Group(_)) | (Hold::Nothing, _) => {}
        }
    }

    /// MB-7: keeps the three counts.
    fn count(&mut self, slot: Slot, party: Party, from: Hold, to: Hold) {
        let Some(port) = self.interfaces.port_mut(slot) else { return };
        let client = port.client(party).and_then(|client| self.clients.get_mut(client));
        let mut none = 0;
        let of_client = client.map_or(&mut none, |client| &mut client.holds);
        for count in [&mut self.holds, &mut port.holds, of_client] {
            match (from, to) {
                (Hold::Nothing, Hold::Wanted | Hold::Blocked) => *count += 1,
                (Hold::Wanted | Hold::Blocked, Hold::Nothing) => *count -= 1,
                (Hold::Nothing, Hold::Nothing)
                | (Hold::Wanted | Hold::Blocked, Hold::Wanted | Hold::Blocked) => {}
            }
        }
    }

    /// MB-1: a protocol speaks for the interfaces that it owns, IGMP for those that it is on.
    pub(super) fn party(
        &self,
        client: ClientKey,
        interface: Interface<A>,
    ) -> Result<(Slot, Party), Error<A>> {
        let slot = self.interfaces.slot(interface);
        let port = slot.and_then(|slot| Some((slot, self.interfaces.port(slot)?)));
        match port {
            Some((slot, port)) if port.protocol == Some(client) => Ok((slot, Party::Protocol)),
            Some((slot, port)) if port.igmp == Some(client) => Ok((slot, Party::Igmp)),
            Some(_) | None => {
                let owner = port.and_then(|(_, port)| port.owner()).map(ClientKey::name);
                Err(Error::NotOnInterface { interface, client: client.name(), owner })
            }
        }
    }

    /// MB-4, RFC 4607 §5.2: (\*,G) in the SSM range must not be established.
    fn refuse_without_source(&self, entry: Entry<A>) -> Result<(), Error<A>> {
        let Entry::Group(group) = entry else { return Ok(()) };
        self.ssm_range(group).map_or(Ok(()), |range| Err(Error::SourceRequired { group, range }))
    }

    fn refuse_at_limit(&self, client: ClientKey, port: &Port<A>) -> Result<(), Error<A>> {
        let reached = |limit: Option<usize>, count: usize| limit.filter(|max| count >= *max);
        if let Some(max) = reached(self.limits.memberships, self.holds) {
            return Err(Error::LimitReached(Limit::Memberships { max }));
        }
        if let Some(max) = reached(self.limits.memberships_per_interface, port.holds) {
            return Err(Error::LimitReached(Limit::MembershipsOnInterface {
                interface: port.interface,
                max,
            }));
        }
        let of_client = self.clients.get(client).map_or(0, |client| client.holds);
        if let Some(max) = reached(self.limits.memberships_per_client, of_client) {
            return Err(Error::LimitReached(Limit::MembershipsOfClient { client: client.name(), max }));
        }
        Ok(())
    }
}
