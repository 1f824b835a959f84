//! The making of a forwarding entry: RIB, `rpf`, `creation_alert`, install (FW-1, FW-3, FW-7, FW-9, FW-13, HO-15).

use std::sync::Arc;
use std::time::Instant;

use super::Shared;
use super::routing::trust;
use crate::engine::{
    Anew, Beginning, CreationAnswer, Draft, Idle, Installation, Installed, Key, MakingId, Occasion,
    RpfAnswer, RpfQuestion, Trust,
};
use crate::error::Error;
use crate::lock::Ordering;
use crate::record::{Callback, Party};
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::creation::{NewMfe, RpfRequest};
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::interface::Interface;

/// What is known of a packet for which there is no forwarding entry.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a, A: Address> {
    pub(crate) source: SourceAddr<A>,
    pub(crate) group: GroupAddr<A>,
    pub(crate) arrival: Interface<A>,
    pub(crate) header: &'a [u8],
}

impl<A: Address> Packet<'_, A> {
    const fn key(&self) -> Key<A> {
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
        let key = packet.key();
        let beginning = self.update(|state| {
            state.engine.clock.now(now);
            state.engine.begin_creation(key, packet.arrival)
        })?;
        match beginning {
            Beginning::Begun(id) => {
                let making = Making { manager: self, key, id };
                self.make(key, Occasion::Packet { arrival: packet.arrival }, packet.header, Some(id));
                drop(making);
                // FW-10 applies to the packet that made the entry as well.
                self.packet_on_wrong_interface(packet, now);
            }
            Beginning::Exists | Beginning::InProgress => {}
        }
        Ok(())
    }

    /// FW-10: a packet came in, and not on the iif of its entry.
    pub(crate) fn packet_on_wrong_interface(self: &Arc<Self>, packet: Packet<'_, A>, now: Instant) {
        self.update(|state| {
            let now = state.engine.clock.now(now);
            state.engine.wrong_interface(packet.key(), packet.arrival, packet.header, now);
        });
    }

    /// Does what is due, and says when it next wants to be called.
    pub(crate) fn expire(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let tick = self.update(|state| state.engine.clock.now(now));
        while !self.update(|state| state.engine.retry(tick)) {}
        // HO-17.
        while let Some((interface, refresh)) = self.read(|engine| engine.refresh_due(now)) {
            self.end_refresh(interface, refresh);
        }
        let mut last = None;
        loop {
            let expired = self.update(|state| state.engine.expired(tick, last));
            let Some(end) = expired.last().copied() else { break };
            last = Some(end);
            expired.into_iter().for_each(|due| self.renew_or_delete(due.key, now));
        }
        self.read(|engine| engine.next_due())
    }

    /// EN-3.
    pub(crate) fn mfe_stats(
        self: &Arc<Self>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<MfeStats<A>, Error<A>> {
        self.read(|engine| engine.counted_before(Key::of(source, group)))?;
        self.stats(source, group).map_err(Error::Forwarder)
    }

    fn stats(
        self: &Arc<Self>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<MfeStats<A>, ForwarderError> {
        let Some(forwarder) = &self.forwarder else { return Err(ForwarderError::NoSuchEntry) };
        let stats = || self.panics.catch(&"forwarder", "stats", || forwarder.stats(source, group));
        let stats = || self.calls(Party::Forwarder, || Callback::Stats { source, group }, stats);
        self.ask(stats).unwrap_or(Err(ForwarderError::Panicked))
    }

    /// FW-7: the time of an entry is over. One that carried packets, or of which the forwarder cannot tell, is made anew in
    /// place; an idle one goes, unless FW-14 keeps it.
    fn renew_or_delete(self: &Arc<Self>, key: Key<A>, now: Instant) {
        let (source, group) = key.pair();
        let counted = self.stats(source, group).map(|stats| stats.packets).ok();
        let Ok(before) = self.read(|engine| engine.counted_before(key)) else { return };
        let begins = self.update(|state| {
            let now = state.engine.clock.now(now);
            if before.is_some() && counted == before {
                Err(state.engine.end_idle(key, now))
            } else {
                Ok(state.engine.begin_renewal(key, now))
            }
        });
        match begins {
            Ok(Some(id)) => {
                let making = Making { manager: self, key, id };
                self.make(key, Occasion::Renewal { counted }, &[], Some(id));
                drop(making);
            }
            Err(Idle::Deleted) => tracing::debug!(target: "mgm::entry", %source, %group, "expired"),
            Err(Idle::Kept) => tracing::debug!(target: "mgm::entry", %source, %group, "kept"),
            Ok(None) | Err(Idle::NotDue) => {}
        }
    }

    /// HO-15: the interface has changed hands; an entry of the past is brought to its new owner.
    pub(super) fn make_anew(self: &Arc<Self>, key: Key<A>, interface: Interface<A>) {
        if self.read(|engine| engine.begin_anew(key, interface)).is_some() {
            self.make(key, Occasion::Tenure { interface }, &[], None);
        }
    }

    /// Asks everybody, and installs what they said; again, if what it was asked under has changed meanwhile (FW-13).
    pub(super) fn make(
        self: &Arc<Self>,
        key: Key<A>,
        occasion: Occasion<A>,
        header: &[u8],
        making: Option<MakingId>,
    ) {
        for round in 0_u32.. {
            let trust = trust(round);
            let rpf = match self.way_to_ask_for(key, occasion) {
                WayToAskFor::New => match self.ask_for_way(key, occasion, header, trust) {
                    Some(rpf) => Some(rpf),
                    None => continue,
                },
                WayToAskFor::None => None,
                WayToAskFor::Gone => return,
            };
            let answers = match trust {
                Trust::IfCurrent => self.ask_about_creation(key, rpf.as_ref(), occasion),
                Trust::Anyhow => Vec::new(),
            };
            let draft = Draft { key, occasion, making, rpf, answers, trust };
            let installed = self.update(|state| {
                let now = state.engine.clock.latest();
                state.engine.install(draft, now)
            });
            match installed {
                Installed::Done(iif) => return report(key, occasion, iif),
                Installed::Gone => return,
                Installed::Outdated => {}
            }
        }
    }

    fn way_to_ask_for(self: &Arc<Self>, key: Key<A>, occasion: Occasion<A>) -> WayToAskFor {
        match occasion {
            Occasion::Packet { .. } | Occasion::Renewal { .. } => WayToAskFor::New,
            Occasion::Route if self.read(|engine| engine.has_mfe(key)) => WayToAskFor::New,
            Occasion::Route => WayToAskFor::Gone,
            Occasion::Tenure { interface } => match self.read(|engine| engine.begin_anew(key, interface)) {
                Some(Anew::Incoming) => WayToAskFor::New,
                Some(Anew::StateOnly) => WayToAskFor::None,
                None => WayToAskFor::Gone,
            },
        }
    }

    /// Looks the source up, and asks the owner of the interface toward it; nothing comes back if the routes have changed
    /// meanwhile.
    fn ask_for_way(
        self: &Arc<Self>,
        key: Key<A>,
        occasion: Occasion<A>,
        header: &[u8],
        trust: Trust,
    ) -> Option<RpfAnswer<A>> {
        // A change of routes has just looked it up.
        if occasion != Occasion::Route {
            self.verify_route(key.source, trust);
        }
        let question = self.update(|state| state.engine.ask_rpf(key, trust));
        let question = match question {
            Some(question) => question,
            None if occasion == Occasion::Route => {
                // Whoever announced the later change looks it up too, but may be slower than this.
                self.verify_route(key.source, trust);
                return None;
            }
            None => return None,
        };
        Some(match trust {
            Trust::IfCurrent => self.ask_rpf(key, question, occasion, header),
            Trust::Anyhow => question.answered_by_rib(),
        })
    }

    /// Asks the owner of the interface toward the source; a wrong answer is reported, and the RIB's used.
    fn ask_rpf(
        self: &Arc<Self>,
        key: Key<A>,
        question: RpfQuestion<A>,
        occasion: Occasion<A>,
        header: &[u8],
    ) -> RpfAnswer<A> {
        let (source, group) = key.pair();
        let Some((owner, route)) = question.asked() else { return question.answered_by_rib() };
        let arrival = match occasion {
            Occasion::Packet { arrival } => Some(arrival),
            Occasion::Renewal { .. } | Occasion::Route | Occasion::Tenure { .. } => {
                self.read(|engine| engine.iif(key, None, occasion))
            }
        };
        let (Some(arrival), Some(registration)) = (arrival, self.registration(owner)) else {
            return question.answered_by_rib();
        };
        let request = RpfRequest { source, group, arrival, header, route };
        let Some(answer) = self.call(owner, |me| registration.rpf(me, &request)) else {
            return question.answered_by_rib();
        };
        if self.read(|engine| engine.may_answer(&question, &answer)) {
            return question.answered(Some(answer));
        }
        self.wrong_answers.fetch_add(1, Ordering::Relaxed);
        tracing::error!(target: "mgm", client = %owner.name(), %source, %group, %answer, "a wrong answer to rpf");
        question.answered_by_rib()
    }

    /// FW-3: the oifs that the answers switch on or off.
    fn ask_about_creation(
        self: &Arc<Self>,
        key: Key<A>,
        rpf: Option<&RpfAnswer<A>>,
        occasion: Occasion<A>,
    ) -> Vec<CreationAnswer<A>> {
        if rpf.is_some_and(|rpf| !rpf.has_route()) {
            return Vec::new();
        }
        let Some((iif, questions)) = self.update(|state| {
            let iif = state.engine.iif(key, rpf, occasion)?;
            Some((iif, state.engine.ask_about_creation(key, iif, occasion)))
        }) else {
            return Vec::new();
        };
        let (source, group) = key.pair();
        let entry = NewMfe::new(source, group, iif);
        let mut answers = Vec::new();
        for question in questions {
            let Some(registration) = self.registration(question.client) else { continue };
            let oifs = question.oifs.clone();
            let answer = self.call(question.client, |me| registration.creation_alert(me, &entry, oifs));
            answers.extend(question.answered(&answer.unwrap_or_default()));
        }
        answers
    }
}

/// Says what has become of an entry.
fn report<A: Address>(key: Key<A>, occasion: Occasion<A>, Installation { was, iif }: Installation<A>) {
    let (source, group) = key.pair();
    match (was, occasion) {
        (None, _) => tracing::debug!(target: "mgm::entry", %source, %group, %iif, "made"),
        (Some(_), Occasion::Renewal { .. }) => {
            tracing::debug!(target: "mgm::entry", %source, %group, %iif, "renewed");
        }
        (Some(was), _) if was != iif => {
            tracing::debug!(target: "mgm::entry", %source, %group, from = %was, %iif, "moved");
        }
        (Some(_), _) => {}
    }
}

/// Whether the iif of an entry is to be found anew.
enum WayToAskFor {
    New,
    /// The entry keeps its iif and its neighbour.
    None,
    /// There is nothing to make any more.
    Gone,
}

/// FW-13: an entry is in the making; it no longer is on every path out.
struct Making<'a, A: Address> {
    manager: &'a Arc<Shared<A>>,
    key: Key<A>,
    id: MakingId,
}

impl<A: Address> Drop for Making<'_, A> {
    fn drop(&mut self) {
        self.manager.update(|state| state.engine.end_making(self.key, self.id));
    }
}
