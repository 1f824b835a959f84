//! What is kept twice, for speed, is computed anew and compared: for tests.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::held::{Held, Party};
use super::interfaces::InterfaceRecord;
use super::key::{ClientKey, Key};
use super::oifs::Incoming;
use crate::types::address::Address;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::violation::Violation;

/// For each entry, where it is held, and on how many interfaces each client wants it.
type Interest<A> = BTreeMap<Key<A>, (BTreeSet<Interface<A>>, BTreeMap<ClientKey, u32>)>;

impl<A: Address> Engine<A> {
    /// Verifies what has to hold at every moment between two calls; and, while nothing goes on, what a change that is
    /// going on may leave for later.
    pub(crate) fn check(&self) -> Result<(), Violation> {
        self.check_clients()?;
        self.check_counts()?;
        self.check_interest()?;
        self.check_mfe_table()?;
        self.check_indices()?;
        if self.is_settled() { self.check_mfes() } else { Ok(()) }
    }

    /// Nothing waits to be brought over, to be told, or to be made.
    fn is_settled(&self) -> bool {
        let moves = |record: &InterfaceRecord<A>| record.past.is_some() || record.transition.is_some();
        !self.interfaces.after(None).any(moves)
            && self.sources.moving.is_empty()
            && self.makings.is_empty()
            && self.effects.is_empty()
    }

    /// IF-1 to IF-5: who is on an interface is registered, and on it.
    fn check_clients(&self) -> Result<(), Violation> {
        for record in self.interfaces.after(None) {
            for client in Party::ALL.into_iter().filter_map(|party| record.parties[party]) {
                let is_on = |client| {
                    let record_of_client = self.clients.get(client)?;
                    record_of_client.interfaces().find(|interface| *interface == record.interface)
                };
                Violation::unless(is_on(client).is_some(), "IF-5", || {
                    format!("{} is on interface {}, and does not know it", client.name(), record.interface)
                })?;
            }
            let parties = record.parties;
            let is_right = parties.igmp.is_none_or(ClientKey::is_igmp)
                && parties.protocol.is_none_or(|client| !client.is_igmp());
            Violation::unless(is_right, "IF-2", || format!("{parties:?} on interface {}", record.interface))?;
        }
        Ok(())
    }

    /// MB-7, HO-11: memberships and blocks in all, per interface, per client, and those that are stale.
    fn check_counts(&self) -> Result<(), Violation> {
        let (mut all, mut of_client) = (0, BTreeMap::<ClientKey, usize>::new());
        for record in self.interfaces.after(None) {
            for party in Party::ALL {
                let Some(client) = record.parties[party] else { continue };
                let held = record.all_held().iter().map(|(_, held)| *held);
                let is_its =
                    |held: Held| held.of(party).is_some() && record.parties_of(held)[party] == Some(client);
                let (mut holds, mut stale) = (record.reserved[party], 0);
                for held in held {
                    holds += usize::from(is_its(held));
                    stale += usize::from(record.is_stale(party, held));
                }
                same("MB-7", "held", record.interface, holds, record.holds[party])?;
                same("HO-11", "stale", record.interface, stale, record.stale[party])?;
                all += holds;
                *of_client.entry(client).or_default() += holds;
            }
        }
        Violation::unless(all == self.holds, "MB-7", || {
            format!("{all} memberships and blocks in all, counted as {}", self.holds)
        })?;
        for (client, holds) in of_client {
            let counted = self.clients.get(client).map_or(0, |record| record.holds);
            Violation::unless(holds == counted, "MB-7", || {
                format!("{} holds {holds}, counted as {counted}", client.name())
            })?;
        }
        Ok(())
    }

    /// CT-1, CT-2: which clients want an entry, of which follows who has been told to pull it (CT-3 to CT-5); EN-7.
    fn check_interest(&self) -> Result<(), Violation> {
        let mut due = Interest::<A>::new();
        for record in self.interfaces.after(None) {
            let mut named = 0;
            for (key, held) in record.all_held().iter() {
                let (interfaces, wanting) = due.entry(key).or_default();
                interfaces.insert(record.interface);
                if let Some(client) = record.seen(*held).wanted_by() {
                    *wanting.entry(client).or_default() += 1;
                }
                named += usize::from(key.names_source());
            }
            same(
                "EN-7",
                "held with a source",
                record.interface,
                named,
                record.named_after(Key::all_groups()).count(),
            )?;
        }
        for (key, (interfaces, wanting)) in &due {
            let holders = self.interests.holders(self.at(*key));
            let listed: BTreeSet<_> = holders
                .into_iter()
                .flat_map(|holders| holders.interfaces())
                .filter_map(|id| self.interfaces.get(id))
                .map(|record| record.interface)
                .collect();
            let entry = Entry::from(*key);
            Violation::unless(listed == *interfaces, "EN-1", || {
                format!("{entry} is held on {interfaces:?}, and listed on {listed:?}")
            })?;
            let is_wanted =
                |client: &ClientKey| self.interests.wanting(&self.interfaces, self.at(*key)).besides(*client);
            for client in self.clients.told() {
                let besides = wanting.keys().any(|wanting| *wanting != client);
                Violation::unless(besides == is_wanted(&client), "CT-4", || {
                    format!(
                        "{} is told to pull {entry}: {}, others want it: {besides}",
                        client.name(),
                        !besides
                    )
                })?;
            }
        }
        let listed = self.interests.len();
        Violation::unless(listed == due.len(), "CT-1", || {
            format!("{} entries are held, and {listed} listed", due.len())
        })
    }

    /// EN-2, FW-7, MB-7: the forwarding entries in order, by group, and by when they are due.
    fn check_mfe_table(&self) -> Result<(), Violation> {
        let mut of_group = BTreeMap::<_, usize>::new();
        for key in self.mfes.after(None) {
            let entry = Entry::from(key);
            let mfe = self.mfes.get(self.at(key));
            Violation::unless(mfe.is_some(), "EN-2", || format!("{entry} is listed, and not there"))?;
            *of_group.entry(super::key::Number(key.group)).or_default() += 1;
            let is_due = mfe.is_some_and(|mfe| self.mfes.due(mfe.expires, None).any(|due| due.key == key));
            Violation::unless(is_due, "FW-7", || format!("{entry} is never due"))?;
        }
        let listed = self.mfes.len();
        let there = self.mfes.iter().count();
        Violation::unless(listed == there, "EN-2", || format!("{there} entries, and {listed} listed"))?;
        for (group, count) in of_group {
            let counted = self.mfes.len_of_group(group.0);
            Violation::unless(count == counted, "MB-7", || {
                format!("{count} entries of {}, counted as {counted}", group.0)
            })?;
        }
        Ok(())
    }

    /// FW-9, IF-8: what has to follow when an interface changes hands or is gone is found there.
    fn check_indices(&self) -> Result<(), Violation> {
        let mut incoming = 0;
        for (key, mfe) in self.mfes.iter() {
            let record = self.interfaces.get(mfe.iif);
            let is_found = record.is_some_and(|record| record.iif_of.get(self.at(key)).is_some());
            Violation::unless(is_found, "IF-8", || {
                format!("{} comes in where nobody knows it", Entry::from(key))
            })?;
        }
        for record in self.interfaces.after(None) {
            incoming += record.iif_of.iter().count();
        }
        Violation::unless(incoming == self.mfes.len(), "IF-8", || {
            format!("{} entries, of which {incoming} are known to come in somewhere", self.mfes.len())
        })
    }

    /// FW-2, FW-5, FW-6, FW-11, FW-12: where each entry forwards, whether its owner pulls it, and what the forwarder has.
    fn check_mfes(&self) -> Result<(), Violation> {
        for (key, mfe) in self.mfes.iter() {
            let entry = Entry::from(key);
            let incoming = Incoming { iif: Some(mfe.iif), owner: mfe.owner };
            let due: Vec<_> = self.oifs(&self.covering(key), incoming, &mfe.states).into_iter().collect();
            let have: Vec<_> = mfe.oifs().filter_map(|id| mfe.oif(id)).collect();
            Violation::unless(have == due, "FW-2", || {
                let name = |id| self.interfaces.get(id).map(|record| record.interface);
                let names = |oifs: &[super::mfe::Oif]| -> Vec<_> {
                    oifs.iter().filter_map(|oif| name(oif.interface())).collect()
                };
                format!("{entry} forwards to {:?}, and is wanted on {:?}", names(&have), names(&due))
            })?;
            let owner = mfe.owner.filter(|owner| self.upstream(key.source).owner == Some(*owner));
            let is_agreed = owner.is_none() || mfe.is_told == mfe.is_wanted_by_others();
            Violation::unless(is_agreed, "FW-6", || {
                format!(
                    "the owner of {entry} is told to pull it: {}, others want it: {}",
                    mfe.is_told, !mfe.is_told
                )
            })?;
            let is_held =
                mfe.standing.is_as_it_should_be() || mfe.standing.failure().is_some() || self.has_commands();
            Violation::unless(is_held, "FW-12", || {
                format!("the forwarder does not have {entry}, and nobody says so")
            })?;
        }
        Ok(())
    }
}

fn same<A: Address>(
    statement: &'static str,
    what: &str,
    on: Interface<A>,
    due: usize,
    counted: usize,
) -> Result<(), Violation> {
    Violation::unless(due == counted, statement, || {
        format!("{due} {what} on interface {on}, counted as {counted}")
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use super::*;
    use crate::engine::interfaces::InterfaceRecord;
    use crate::engine::mfe::MfeRecord;
    use crate::engine::{
        Action, Beginning, Draft, Edit, Effects, Modes, Occasion, PageSize, Transfer, Trust, WaitingAlerts,
    };
    use crate::limits::Limits;
    use crate::types::client::{ClientId, ClientName};
    use crate::types::ssm::SsmRanges;
    use crate::view::MembershipKind;

    type Engine = super::Engine<Ipv4Addr>;

    fn interface(index: u32) -> Interface<Ipv4Addr> {
        index.try_into().unwrap()
    }

    /// Nothing waits for anybody.
    struct NothingWaits;

    impl WaitingAlerts for NothingWaits {
        fn waiting_for(&self, _: ClientKey) -> usize {
            0
        }

        fn most_waiting(&self) -> usize {
            0
        }
    }

    fn stream() -> Key<Ipv4Addr> {
        Key::from("(10.0.0.1, 239.1.1.1)".parse::<Entry>().unwrap())
    }

    /// Two protocols, one of which wants a group on interface 2, and a stream of it that comes in on interface 1.
    fn engine() -> Engine {
        let mut engine =
            Engine::new(Limits::default(), SsmRanges::default(), false, PageSize::default(), None);
        let now = engine.clock.now(Instant::now());
        let clients = [1, 2].map(|protocol| {
            engine.register(ClientName::Protocol(ClientId::new(protocol, 0)), Modes::default()).unwrap()
        });
        for (client, on) in clients.into_iter().zip([1, 2].map(interface)) {
            let _granted = engine.take(client, on).unwrap();
            engine.change_owner(on);
            while !engine.bring_over(on) {}
            let _past = engine.past_mfes(on);
            engine.end_past(on);
            engine.enable_igmp(on);
            assert_eq!(engine.settle(on), None::<(_, Transfer)>);
        }
        let [_, client] = clients;
        let (entry, action) = ("(*, 239.1.1.1)".parse().unwrap(), Action::Set(MembershipKind::Joined));
        engine.edit(client, interface(2), Edit { entry, action }, &NothingWaits).unwrap();
        let (key, arrival, trust) = (stream(), interface(1), Trust::IfCurrent);
        let Beginning::Begun(id) = engine.begin_creation(key, arrival).unwrap() else { unreachable!() };
        let rpf = engine.ask_rpf(key, trust).map(|question| question.answered_by_rib());
        let occasion = Occasion::Packet { arrival };
        let _installed =
            engine.install(Draft { key, occasion, making: Some(id), rpf, answers: Vec::new(), trust }, now);
        while let Some(command) = engine.next_command() {
            engine.commanded(&command, Ok(()));
        }
        engine.effects = Effects::default();
        engine
    }

    /// The statement that does not hold when this is broken.
    fn broken(how: impl FnOnce(&mut Engine)) -> &'static str {
        let mut engine = engine();
        engine.check().unwrap();
        how(&mut engine);
        engine.check().unwrap_err().statement
    }

    fn record(engine: &mut Engine) -> &mut InterfaceRecord<Ipv4Addr> {
        engine.interfaces.find_mut(interface(2)).unwrap()
    }

    fn mfe(engine: &mut Engine) -> &mut MfeRecord<Ipv4Addr> {
        let at = engine.at(stream());
        engine.mfes.get_mut(at).unwrap()
    }

    #[test]
    fn each_statement_that_is_broken_is_named() {
        assert_eq!(broken(|engine| engine.holds += 1), "MB-7");
        assert_eq!(broken(|engine| record(engine).holds.protocol += 1), "MB-7");
        assert_eq!(broken(|engine| record(engine).stale.protocol += 1), "HO-11");
        let stranger = |engine: &mut Engine| engine.clients.protocols().next();
        assert_eq!(broken(|engine| record(engine).parties.igmp = stranger(engine)), "IF-5");
        let other = |engine: &mut Engine| engine.interfaces.id(interface(1)).unwrap();
        assert_eq!(broken(|engine| mfe(engine).iif = other(engine) + 1), "IF-8");
        assert_eq!(broken(|engine| mfe(engine).set_oifs(Default::default())), "FW-2");
        assert_eq!(broken(|engine| mfe(engine).standing = Default::default()), "FW-12");
        assert_eq!(broken(|engine| mfe(engine).expires = engine.clock.latest()), "FW-7");
        assert_eq!(
            broken(|engine| engine.interests = crate::engine::Interests::new(engine.hasher.clone())),
            "EN-1"
        );
    }
}
