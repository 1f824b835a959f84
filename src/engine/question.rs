//! What clients are asked about an entry that is made, and under what (FW-1, FW-3, FW-4, HO-15).

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::interfaces::{InterfaceId, TenureId};
use super::key::{ClientKey, Key};
use super::mfe::{StateRecord, States};
use super::oifs::Incoming;
use super::sources::{Trust, Verified};
use crate::types::address::Address;
use crate::types::creation::{CreationMode, CreationOif};
use crate::types::interface::Interface;
use crate::types::route::Route;
use crate::view::ForwardState;

/// Why an entry is made, or made anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Occasion<A> {
    /// A packet came in here.
    Packet { arrival: Interface<A> },
    /// FW-7: its time is over, and it carried packets; what the forwarder has counted by now, if that could be read.
    Renewal { counted: Option<u64> },
    /// FW-9: the route to its source may have changed.
    Route,
    /// HO-15: the interface has changed hands.
    Tenure { interface: Interface<A> },
}

/// What the owner of the interface toward a source is asked, and under what.
#[derive(Debug)]
pub(crate) struct RpfQuestion<A: Address> {
    key: Key<A>,
    pub(super) verified: Verified<A>,
    pub(super) number: u64,
}

/// What it answered. Only [`RpfQuestion::answered`] makes one.
#[derive(Debug)]
pub(crate) struct RpfAnswer<A: Address> {
    pub(super) question: RpfQuestion<A>,
    pub(super) route: Option<Route<A>>,
}

impl<A: Address> RpfQuestion<A> {
    /// The RIB's route.
    pub(crate) const fn route(&self) -> Option<Route<A>> {
        self.verified.upstream.route
    }

    /// Who is to be asked. FW-4: without a route nobody is; CL-6: nor is IGMP.
    pub(crate) fn asked(&self) -> Option<(ClientKey, Route<A>)> {
        let owner = self.verified.upstream.owner.filter(|owner| !owner.is_igmp())?;
        Some((owner, self.route()?))
    }

    pub(crate) const fn answered(self, route: Option<Route<A>>) -> RpfAnswer<A> {
        RpfAnswer { question: self, route }
    }

    /// Nobody was asked, or nobody has another answer than the RIB.
    pub(crate) const fn answered_by_rib(self) -> RpfAnswer<A> {
        let route = self.route();
        self.answered(route)
    }
}

impl<A: Address> RpfAnswer<A> {
    /// FW-4: without a route nobody is asked about the entry, or told of it.
    pub(crate) const fn has_route(&self) -> bool {
        self.route.is_some()
    }
}

/// What one protocol is asked about an entry, and under what.
#[derive(Debug)]
pub(crate) struct CreationQuestion<A: Address> {
    pub(crate) client: ClientKey,
    pub(crate) oifs: Vec<CreationOif<A>>,
    tenures: Vec<(Interface<A>, TenureId)>,
    number: u64,
}

/// An interface that a protocol enabled or disabled. Only [`CreationQuestion::answered`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CreationAnswer<A> {
    pub(super) interface: Interface<A>,
    pub(super) tenure: TenureId,
    pub(super) state: ForwardState,
    pub(super) number: u64,
}

impl<A: Address> CreationQuestion<A> {
    /// The interfaces for which the answer differs from what was asked. The client may have moved them about: what counts
    /// is the interface that each names.
    pub(crate) fn answered(&self, answer: &[CreationOif<A>]) -> impl Iterator<Item = CreationAnswer<A>> {
        answer.iter().filter_map(|answer| {
            let asked = self.oifs.iter().find(|asked| asked.interface() == answer.interface())?;
            let (interface, tenure) = *self.tenures.iter().find(|(on, _)| *on == answer.interface())?;
            let state = if answer.is_enabled() { ForwardState::On } else { ForwardState::Off };
            let differs = asked.is_enabled() != answer.is_enabled();
            differs.then_some(CreationAnswer { interface, tenure, state, number: self.number })
        })
    }
}

impl<A: Address> Engine<A> {
    /// What to ask about the way of an entry, if its route is looked up, or if that is to serve anyhow.
    pub(crate) fn ask_rpf(&mut self, key: Key<A>, trust: Trust) -> Option<RpfQuestion<A>> {
        let verified = match trust {
            Trust::IfCurrent => self.verified(key.source)?,
            Trust::Anyhow => self.unverified(key.source),
        };
        Some(RpfQuestion { key, verified, number: self.next_number() })
    }

    /// FW-1: whoever is asked answers with an interface of its own; where nobody is asked it is the RIB's.
    pub(crate) fn may_answer(&self, question: &RpfQuestion<A>, route: &Route<A>) -> bool {
        if question.route().as_ref() == Some(route) {
            return true;
        }
        let (source, _) = question.key.pair();
        let Some((owner, _)) = question.asked() else { return false };
        let record = self.interfaces.find(route.interface);
        source.address().is_in(&route.prefix)
            && record.is_some_and(|record| record.parties.protocol == Some(owner))
    }

    /// FW-3: the protocols to ask, in the order of registration, and about which interfaces; HO-15: the new owner of an
    /// interface alone, and about that interface only.
    pub(crate) fn ask_about_creation(
        &mut self,
        key: Key<A>,
        iif: Interface<A>,
        occasion: Occasion<A>,
    ) -> Vec<CreationQuestion<A>> {
        let (only, owner) = match occasion {
            Occasion::Packet { .. } | Occasion::Renewal { .. } => (None, None),
            Occasion::Route => return Vec::new(),
            // FW-4: without a route nobody is asked.
            Occasion::Tenure { .. } if self.sources.route(key.source).is_none() => return Vec::new(),
            Occasion::Tenure { interface } => {
                let record = self.interfaces.find(interface);
                let Some(owner) = record.and_then(|record| record.parties.protocol) else {
                    return Vec::new();
                };
                (Some(interface), Some(owner))
            }
        };
        let number = self.next_number();
        let iif = self.interfaces.id(iif);
        let states = self.present_states(key);
        let oifs = self.oifs(&self.covering(key), Incoming { iif, owner: None }, &states);
        let enabled: BTreeSet<InterfaceId> = oifs.iter().map(|oif| oif.interface()).collect();
        let question = |client: ClientKey| {
            let record = self.clients.get(client)?;
            let is_asked_always = record.modes.creation == CreationMode::Always;
            let ids: Vec<InterfaceId> = if is_asked_always {
                record.interfaces().filter_map(|interface| self.interfaces.id(interface)).collect()
            } else {
                enabled.iter().copied().collect()
            };
            let mut question = CreationQuestion { client, oifs: Vec::new(), tenures: Vec::new(), number };
            for id in ids.into_iter().filter(|id| Some(*id) != iif) {
                let Some(record) = self.interfaces.get(id) else { continue };
                let is_asked = only.is_none_or(|only| only == record.interface);
                if record.parties.protocol == Some(client) && is_asked {
                    let oif =
                        if enabled.contains(&id) { CreationOif::enabled } else { CreationOif::disabled };
                    let oif = oif(record.interface);
                    question.oifs.push(record.parties.igmp.map_or(oif, |_| oif.with_igmp()));
                    question.tenures.push((record.interface, record.tenure));
                }
            }
            let is_asked = is_asked_always && only.is_none() || !question.oifs.is_empty();
            is_asked.then_some(question)
        };
        let asked = self.clients.protocols().filter(|client| owner.is_none_or(|owner| owner == *client));
        asked.filter_map(question).collect()
    }

    /// The forward state of an entry in the present tenures (MB-5).
    fn present_states(&self, key: Key<A>) -> States {
        let states = self.mfes.get(self.at(key))?.states.as_ref()?;
        let is_present = |(id, state): &(&InterfaceId, &StateRecord)| {
            self.interfaces.get(**id).is_some_and(|record| record.tenure == state.tenure)
        };
        let present: BTreeMap<_, _> =
            states.iter().filter(is_present).map(|(id, state)| (*id, *state)).collect();
        (!present.is_empty()).then(|| Box::new(present))
    }
}
