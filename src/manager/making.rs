//! The making of a forwarding entry: RIB, `rpf`, `creation_alert`, install (FW-1, FW-3, FW-7, FW-13).

use std::sync::Arc;
use std::time::Instant;

use super::Shared;
use crate::engine::{ClientKey, Creation, Draft, Key, Way};
use crate::error::Error;
use crate::lock::Ordering;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::creation::{CreationOif, NewMfe, RpfRequest};
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::interface::Interface;
use crate::types::route::Route;
use crate::view::ForwardState;

/// What is known of a packet for which there is no forwarding entry.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a, A: Address> {
    pub(crate) source: SourceAddr<A>,
    pub(crate) group: GroupAddr<A>,
    pub(crate) arrival: Interface<A>,
    pub(crate) header: &'a [u8],
}

impl<A: Address> Packet<'_, A> {
    fn key(&self) -> Key<A> {
        Key::of(self.source, self.group)
    }
}

impl<A: Address> Shared<A> {
    /// FW-1: makes the forwarding entry for a packet that has none.
    pub(crate) fn packet_received(
        self: &Arc<Self>,
        packet: Packet<'_, A>,
        now: Instant,
    ) -> Result<(), Error<A>> {
        match self.update(|state| state.engine.begin_creation(packet.key()))? {
            Creation::Begun => {
                self.make(Making::new(self, packet.key()), packet, None, now);
                // FW-10 applies to the packet that made the entry as well.
                self.packet_on_wrong_interface(packet, now);
            }
            Creation::Exists | Creation::InProgress => {}
        }
        Ok(())
    }

    /// FW-10: a packet came in, and not on the iif of its entry.
    pub(crate) fn packet_on_wrong_interface(self: &Arc<Self>, packet: Packet<'_, A>, now: Instant) {
        self.update(|state| {
            let now = state.engine.clock.now(now);
            let Packet { arrival, header, .. } = packet;
            state.engine.wrong_interface(packet.key(), arrival, header, now, &mut state.effects);
        });
    }

    /// Does what is due, and says when it next wants to be called.
    pub(crate) fn expire(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        self.update(|state| {
            let now = state.engine.clock.now(now);
            state.engine.retry(now);
        });
        let mut expired = self.update(|state| state.engine.expired(now, None));
        while let Some(last) = expired.last().copied() {
            for (_, key) in expired {
                self.renew_or_delete(key, now);
            }
            expired = self.update(|state| state.engine.expired(now, Some(last)));
        }
        self.read(|engine| engine.next_due())
    }

    /// EN-3.
    pub(crate) fn mfe_stats(
        self: &Arc<Self>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<MfeStats<A>, Error<A>> {
        self.read(|engine| engine.since_renewal(Key::of(source, group)))?;
        self.stats(source, group).map_err(Error::Forwarder)
    }

    fn stats(
        self: &Arc<Self>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<MfeStats<A>, ForwarderError> {
        let stats = || self.panics.catch(&"forwarder", "stats", || self.forwarder.stats(source, group));
        self.outside(stats).unwrap_or(Err(ForwarderError::Panicked))
    }

    /// FW-7: the time of an entry is over. One that carried packets is made anew in place, an idle one deleted.
    pub(crate) fn renew_or_delete(self: &Arc<Self>, key: Key<A>, now: Instant) {
        let (source, group) = key.pair();
        let counted = self.stats(source, group);
        let Ok((before, arrival)) = self.read(|engine| engine.since_renewal(key)) else { return };
        let carried = counted.map(|stats| stats.packets).ok().filter(|packets| *packets != before);
        let Some(packets) = carried else {
            self.update(|state| {
                let now = state.engine.clock.now(now);
                state.engine.delete_idle(key, now);
            });
            return;
        };
        let begins = self.update(|state| {
            let now = state.engine.clock.now(now);
            state.engine.begin_renewal(key, now)
        });
        if begins {
            let packet = Packet { source, group, arrival, header: &[] };
            self.make(Making::new(self, key), packet, Some(packets), now);
        }
    }

    /// Asks everybody, and installs what they said; again, if the way to the source has changed meanwhile.
    ///
    /// An entry that is made anew comes with what the forwarder has counted for it.
    fn make(
        self: &Arc<Self>,
        making: Making<'_, A>,
        packet: Packet<'_, A>,
        counted: Option<u64>,
        now: Instant,
    ) {
        for round in 0_u32.. {
            let (way, stamp) = self.find_way(packet.source);
            let asks = round < ROUNDS;
            let rpf = way.route.map(|route| if asks { self.ask_rpf(packet, way, route) } else { route });
            let mut draft = Draft {
                key: packet.key(),
                way,
                stamp,
                rpf,
                arrival: packet.arrival,
                answers: Vec::new(),
                packets: counted.unwrap_or_default(),
                renews: counted.is_some(),
            };
            if asks && draft.rpf.is_some() {
                draft.answers = self.ask_about_creation(&draft);
            }
            let installed = self.update(|state| {
                let now = state.engine.clock.now(now);
                let installed = state.engine.install(&draft, now, &mut state.effects);
                if installed {
                    state.engine.end_creation(draft.key);
                }
                installed
            });
            if installed {
                // From then on, while the forwarder and the clients are told, it may be made again.
                return making.has_ended();
            }
        }
    }

    /// Asks the owner of the interface toward the source; a wrong answer is reported, and the RIB's used.
    pub(crate) fn ask_rpf(self: &Arc<Self>, packet: Packet<'_, A>, way: Way<A>, route: Route<A>) -> Route<A> {
        let Packet { source, group, arrival, header } = packet;
        let asked = way.owner.and_then(|owner| Some((owner, self.registration(owner)?)));
        let Some((owner, registration)) = asked else { return route };
        let request = RpfRequest { source, group, arrival, header, route };
        let Some(answer) = self.call(owner, |me| registration.rpf(me, &request)) else { return route };
        let is_own = || self.read(|engine| engine.may_answer(way, answer.interface));
        if answer == route || source.address().is_in(&answer.prefix) && is_own() {
            return answer;
        }
        self.wrong_answers.fetch_add(1, Ordering::Relaxed);
        tracing::error!(client = %owner.name(), %source, %group, %answer, "a wrong answer to rpf");
        route
    }

    /// FW-3: the oifs that the answers switch on or off.
    fn ask_about_creation(
        self: &Arc<Self>,
        draft: &Draft<A>,
    ) -> Vec<(ClientKey, Interface<A>, ForwardState)> {
        let (source, group) = draft.key.pair();
        let entry = NewMfe::new(source, group, draft.iif());
        let mut answers = Vec::new();
        for question in self.read(|engine| engine.questions(draft.key, entry.iif)) {
            let Some(registration) = self.registration(question.client) else { continue };
            let asked = question.oifs.clone();
            let answer =
                self.call(question.client, |me| registration.creation_alert(me, &entry, question.oifs));
            // The client may have moved them about: what counts is the interface that each names.
            let changed = |answer: CreationOif<A>| {
                let asked = asked.iter().find(|asked| asked.interface() == answer.interface())?;
                let state = if answer.is_enabled() { ForwardState::On } else { ForwardState::Off };
                (asked.is_enabled() != answer.is_enabled()).then_some((
                    question.client,
                    answer.interface(),
                    state,
                ))
            };
            answers.extend(answer.unwrap_or_default().into_iter().filter_map(changed));
        }
        answers
    }
}

/// Who changes the way whenever it is asked about it is not asked for ever: after so many rounds the RIB's serves.
pub(crate) const ROUNDS: u32 = 16;

/// FW-13: an entry is in the making; it no longer is on every path out.
struct Making<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    key: Option<Key<A>>,
}

impl<'a, A: Address> Making<'a, A> {
    const fn new(manager: &'a Arc<Shared<A>>, key: Key<A>) -> Self {
        Self { manager, key: Some(key) }
    }

    fn has_ended(mut self) {
        self.key = None;
    }
}

impl<A: Address> Drop for Making<'_, A> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.manager.update(|state| state.engine.end_creation(key));
        }
    }
}
