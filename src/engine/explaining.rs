//! Why an interface is among the oifs of an (S,G) or is not, and why a client has been told to pull it or has not (EN-6).
//!
//! What is so is read from where it is kept; why is found anew from what is held. Where the two differ, a change has not
//! reached the forwarding entry yet.

use super::Engine;
use super::interfaces::{InterfaceId, InterfaceRecord};
use super::key::{ClientKey, Hashed, Key};
use super::mfe::MfeRecord;
use super::oifs::{Covering, Incoming, wishes};
use super::reading::handover;
use crate::explanation::{Explanation, InterfaceReason, PullReason, WhyOif, WhyTold};
use crate::types::address::Address;
use crate::types::alert::{AlertCause, Pull};
use crate::types::interface::Interface;
use crate::view::{ForwardState, Membership, MembershipKind};

/// How far an explanation has come. All interfaces are looked at, then all clients; this is the last one of either that
/// was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExplainCursor<A> {
    Interfaces(Option<Interface<A>>),
    Clients(Option<ClientKey>),
}

impl<A: Address> Engine<A> {
    /// EN-6: begins an explanation, and says where it goes on: what up to a page of interfaces and clients say is of one
    /// moment.
    pub(crate) fn explain(&self, key: Key<A>) -> (Explanation<A>, Option<ExplainCursor<A>>) {
        let (source, group) = key.pair();
        let mfe = self.mfes.get(self.at(key));
        let upstream = self.upstream(key.source);
        let interface = |id| self.interfaces.get(id).map(|record| record.interface);
        let mut explanation = Explanation {
            source,
            group,
            installed: mfe.is_some(),
            iif: match mfe {
                Some(mfe) => interface(mfe.iif),
                None => upstream.route.map(|route| route.interface),
            },
            owner: mfe.map_or(upstream.owner, |mfe| mfe.owner).map(ClientKey::name),
            ssm_range: self.ssm_range(group),
            interfaces: Vec::new(),
            pulls: Vec::new(),
        };
        let next = self.explain_more(&mut explanation, ExplainCursor::Interfaces(None));
        (explanation, next)
    }

    /// Adds a page to the explanation, from where it goes on.
    pub(crate) fn explain_more(
        &self,
        explanation: &mut Explanation<A>,
        mut cursor: ExplainCursor<A>,
    ) -> Option<ExplainCursor<A>> {
        let at = self.at(Key::of(explanation.source, explanation.group));
        for _ in 0..self.page.size().looks {
            cursor = match cursor {
                ExplainCursor::Interfaces(last) => match self.interfaces.after(last).next() {
                    Some(record) => {
                        explanation.interfaces.extend(self.interface_reason(record, at));
                        ExplainCursor::Interfaces(Some(record.interface))
                    }
                    None => ExplainCursor::Clients(None),
                },
                ExplainCursor::Clients(last) => {
                    let client = self.clients.after(last).next()?;
                    explanation.pulls.extend(self.pull_reasons(client, at));
                    ExplainCursor::Clients(Some(client))
                }
            };
        }
        Some(cursor)
    }

    /// Says what is so of one interface; nothing, if it does not come into question.
    fn interface_reason(
        &self,
        record: &InterfaceRecord<A>,
        at: Hashed<Key<A>>,
    ) -> Option<InterfaceReason<A>> {
        let id = self.interfaces.id(record.interface)?;
        let mut memberships = Vec::new();
        for key in [at.key, at.key.any_source(), Key::all_groups()] {
            self.memberships(id, key, &mut memberships);
        }
        let why = self.why_oif(id, at, &memberships);
        if memberships.is_empty() && why == WhyOif::Unwanted {
            return None;
        }
        Some(InterfaceReason { interface: record.interface, why, memberships, handover: handover(record) })
    }

    fn why_oif(&self, id: InterfaceId, at: Hashed<Key<A>>, held: &[Membership<A>]) -> WhyOif<A> {
        let (mfe, covering) = (self.mfes.get(at), self.covering(at.key));
        let incoming = self.incoming(at.key, mfe);
        let state = mfe.and_then(|mfe| mfe.state(id));
        let is_due = self.oif(id, &covering, incoming, state).is_some();
        match mfe.map_or(is_due, |mfe| mfe.oif(id).is_some()) {
            true if !is_due => return WhyOif::StillIn,
            false if is_due => return WhyOif::StillOut,
            true | false => {}
        }
        if incoming.iif == Some(id) {
            return WhyOif::Incoming;
        }
        match state.and_then(|record| Some((record.state?, record.by.name()))) {
            Some((ForwardState::On, by)) => WhyOif::SwitchedOn { by },
            Some((ForwardState::Off, by)) => WhyOif::SwitchedOff { by },
            None => self.why_wanted_there(at.key, held),
        }
    }

    /// Decides by what is held on an interface alone.
    fn why_wanted_there(&self, key: Key<A>, held: &[Membership<A>]) -> WhyOif<A> {
        let joined = || held.iter().filter(|held| held.kind == MembershipKind::Joined);
        let block_of = |wish: &Membership<A>| {
            let mut blocks = held.iter().filter(|held| held.kind == MembershipKind::Blocked);
            blocks.find(|block| block.added_by == wish.added_by)
        };
        if let Some(exact) = joined().find(|held| held.entry.source().is_some()) {
            return WhyOif::Wanted(*exact);
        }
        match joined().next() {
            None => WhyOif::Unwanted,
            Some(_) if self.is_ssm(key) => WhyOif::SourceSpecific,
            Some(first) => match joined().find(|wish| block_of(wish).is_none()) {
                Some(wish) => WhyOif::Wanted(*wish),
                None => block_of(first).map_or(WhyOif::Unwanted, |block| WhyOif::Blocked(*block)),
            },
        }
    }

    /// Finds where an entry comes in, or would by the route that is known.
    fn incoming(&self, key: Key<A>, mfe: Option<&MfeRecord<A>>) -> Incoming {
        match mfe {
            Some(mfe) => Incoming { iif: Some(mfe.iif), owner: mfe.owner },
            None => {
                let upstream = self.upstream(key.source);
                let iif = upstream.route.and_then(|route| self.interfaces.id(route.interface));
                Incoming { iif, owner: upstream.owner }
            }
        }
    }

    /// Lists what a client has been told to pull for an (S,G), or has not.
    fn pull_reasons(&self, client: ClientKey, at: Hashed<Key<A>>) -> impl Iterator<Item = PullReason<A>> {
        let reason = move |key: Key<A>, cause, why| PullReason {
            client: client.name(),
            pull: Pull { entry: key.into(), cause },
            why,
        };
        let wanted = self.covering(at.key).keys().collect::<Vec<_>>().into_iter();
        let wanted =
            wanted.map(move |at| reason(at.key, AlertCause::Membership, self.why_wanted(client, at)));
        let streamed = self.mfes.get(at).map(|mfe| self.why_streamed(client, at, mfe));
        let streamed = streamed.map(|why| reason(at.key, AlertCause::ForwardingEntry, why));
        wanted.chain(streamed).filter(move |_| !self.clients.is_leaving(client))
    }

    /// CT-4, CT-5, CL-6: says why a client has been told to pull an entry for the sake of memberships, or has not.
    fn why_wanted(&self, client: ClientKey, at: Hashed<Key<A>>) -> WhyTold<A> {
        if !self.clients.is_told(client) {
            return WhyTold::DidNotAsk;
        }
        let upstream = at.key.names_source().then(|| self.told_upstream(at.key));
        if let Some(owner) = upstream.filter(|owner| *owner != Some(client)) {
            return WhyTold::NotUpstream { owner: owner.map(ClientKey::name) };
        }
        let other = self.interests.wanting_besides(&self.interfaces, at, client);
        other.map_or(WhyTold::NobodyElse, |other| WhyTold::Wanted { by: other.name() })
    }

    /// FW-6, CL-6: says why a client has been told to pull a forwarding entry, or has not.
    fn why_streamed(&self, client: ClientKey, at: Hashed<Key<A>>, mfe: &MfeRecord<A>) -> WhyTold<A> {
        if !self.clients.is_told(client) {
            return WhyTold::DidNotAsk;
        }
        if mfe.owner != Some(client) {
            return WhyTold::NotUpstream { owner: mfe.owner.map(ClientKey::name) };
        }
        let covering = self.covering(at.key);
        let others = mfe.oifs().filter_map(|id| self.counts_for_another(id, &covering, mfe));
        match (mfe.is_told, { others }.next()) {
            (true, Some((on, other))) => WhyTold::Forwarded { on, counts_for: other.name() },
            (false, None) => WhyTold::NobodyElse,
            (true, None) => WhyTold::StillTold,
            (false, Some(_)) => WhyTold::NotYetTold,
        }
    }

    /// Finds the client for which an oif counts, if that is another than the owner of the iif.
    fn counts_for_another(
        &self,
        id: InterfaceId,
        covering: &Covering<A>,
        mfe: &MfeRecord<A>,
    ) -> Option<(Interface<A>, ClientKey)> {
        let record = self.interfaces.get(id)?;
        let state = mfe.state(id).filter(|record| record.state.is_some());
        let is_other = |client: &ClientKey| Some(*client) != mfe.owner;
        let client = match state {
            Some(state) => Some(state.by).filter(is_other),
            None => wishes(record, covering).flatten().find(is_other),
        };
        Some((record.interface, client?))
    }
}
