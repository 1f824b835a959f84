//! What each call does, callback by callback: the hand-over, the making of an entry, and all the short ones.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use mgm::{Alert, Change, Error, ForwardState, Interface, Route, SourceAddr};

use super::forwarding::{About, Answers, LIFETIME};
use super::membership::refuse_for;
use super::model::{Judged, Model, Stage};
use super::ownership::Offer;
use super::{Answer, Noted, Ongoing, Past, Refresh, Removal, Set, State};
use crate::ops::{Faults, Key, Step, Switch, Verb};
use crate::words::{Call, Done, Heard, Shown, Uid, Verdict, unless_never};

impl<S: Stage> Model<S> {
    pub(super) fn answer(&mut self, call: &Call) -> Verdict<Answer<Done>> {
        let silently = |answer: Answer<()>| Ok(answer.map(|()| Done::Silently));
        match call {
            Call::Register(slot) => silently(self.state.register(*slot)),
            Call::Deregister(client) => {
                let answer = self.state.deregister(*client);
                if answer.is_ok() {
                    self.forget_alerts_of(*client);
                }
                silently(answer)
            }
            Call::Drop(client) => self.drop_client(*client).map(|()| Ok(Done::Silently)),
            Call::Take(client, on) => {
                let answer = self.state.refuse_take(*client, *on);
                if answer.is_ok() {
                    self.take(*client, *on)?;
                }
                silently(answer)
            }
            Call::Release(client, on) => {
                let answer = self.state.refuse_release(*client, *on);
                if answer.is_ok() {
                    self.release(*client, *on)?;
                    self.settle(*on)?;
                }
                silently(answer)
            }
            Call::Remove(on) => self.remove(on.index()).map(|()| Ok(Done::Silently)),
            Call::Offer(client, on, slot) => {
                silently(self.state.offer(*client, *on, Offer::To(*slot)).map(drop))
            }
            Call::WithdrawOffer(client, on) => {
                Ok(self.state.offer(*client, *on, Offer::Withdrawn).map(Done::Change))
            }
            Call::Batch(client, on, parts) => self.batch(*client, *on, parts).map(Ok),
            Call::Set(..) | Call::Filter(..) => Ok(self.change_memberships(call)),
            Call::BeginRefresh(client, on, seconds) => silently(self.begin_refresh(*client, *on, *seconds)),
            Call::EndRefresh(number) => silently(self.end_refresh(*number)),
            Call::State(..) | Call::Mfe(..) | Call::Timeout(..) | Call::WrongAlerts(..) => {
                Ok(self.step(|state| state.set_as_owner(call)))
            }
            _ => self.answer_system(call),
        }
    }

    /// What the system reports.
    fn answer_system(&mut self, call: &Call) -> Verdict<Answer<Done>> {
        match call {
            Call::Carried(key) => {
                self.state.mfes.entry(*key).and_modify(|mfe| mfe.has_carried = true);
            }
            Call::Unknown(key, arrival) => return self.packet_received(*key, *arrival),
            Call::Wrong(key, arrival) => self.wrong_interface(*key, *arrival, WRONG),
            Call::Route(prefix, route) => {
                self.state.rib.set(*prefix, *route);
                self.routes_changed(|source| prefix.contains(&source.address()))?;
            }
            Call::RoutesChanged(prefix) => {
                self.routes_changed(|source| prefix.contains(&source.address()))?;
            }
            Call::Expire(seconds) => return self.expire(*seconds).map(|next| Ok(Done::Next(next))),
            // FW-15. What the forwarder counts begins anew.
            Call::Failed(_) | Call::Restarted => self.state.has_failed = true,
            Call::Faults(faults) => {
                self.state.stats_fail = faults.stats;
                self.state.has_failed |= *faults != Faults::default();
            }
            _ => return Err("this is no call".to_owned()),
        }
        Ok(Ok(Done::Silently))
    }
}

/// The headers that the forwarder shows.
pub(crate) const UNKNOWN: &[u8] = &[7];
pub(crate) const WRONG: &[u8] = &[8];

/// Memberships and blocks.
impl<S: Stage> Model<S> {
    fn change_memberships(&mut self, call: &Call) -> Answer<Done> {
        let refused = self.stage.outcome().and_then(Result::err);
        match call {
            Call::Set(client, on, part) => self.set_one(*client, *on, *part, refused).map(Done::Change),
            Call::Filter(client, on, group, filter) => {
                let set = |state: &mut State| state.set_filter(*on, *client, *group, filter);
                self.step_unless_overfull(refused, Judged::AsFilter, set).map(Done::Change)
            }
            _ => Err(Vec::new()),
        }
    }

    /// MB-8: a batch that fits a page is one step; where alerts are limited, each part is, as the limits of the sequences
    /// are far below what a page may cause.
    fn batch(&mut self, client: Uid, on: Interface, parts: &[Step]) -> Verdict<Done> {
        let seen = match self.stage.outcome() {
            Some(Ok(Done::Batch(seen))) => seen,
            _ => Vec::new(),
        };
        let deregistered = self.refuse_deregistered(client);
        let mut results = Vec::new();
        if self.state.max.waiting_alerts.is_some() && deregistered.is_empty() {
            for (number, part) in parts.iter().enumerate() {
                let refused = seen.get(number).and_then(|seen| seen.clone().err());
                results.push(self.set_one(client, on, *part, refused));
                self.deliver_what_comes()?;
            }
        } else {
            results = self.step(|state| {
                let set = |part: &Step| match refuse_for(deregistered.clone()) {
                    Ok(()) => state.set(on, client, *part),
                    Err(errors) => Err(errors),
                };
                parts.iter().map(set).collect()
            });
        }
        let named = |(number, result): (usize, Answer<Change>)| {
            result.map_err(|errors| {
                // Where more than one statement refuses a part, the manager's choice is taken.
                let seen = seen.get(number).and_then(|seen| seen.clone().err());
                seen.filter(|error| errors.contains(error)).unwrap_or_else(|| errors[0].clone())
            })
        };
        Ok(Done::Batch(results.into_iter().enumerate().map(named).collect()))
    }

    /// One change, that is refused if it adds and too many alerts would wait.
    fn set_one(&mut self, client: Uid, on: Interface, part: Step, refused: Option<Error>) -> Answer<Change> {
        match part.verb {
            Verb::Add | Verb::Block => {
                self.step_unless_overfull(refused, Judged::AsAdd, |state| state.set(on, client, part))
            }
            Verb::Delete | Verb::Unblock => self.step(|state| state.set(on, client, part)),
        }
    }

    /// HO-17.
    fn begin_refresh(&mut self, client: Uid, on: Interface, seconds: u64) -> Answer<()> {
        // Whether a refresh may begin while the interface changes hands is open, but for IGMP in `enable_igmp`.
        if let Some(Err(error)) = self.stage.outcome()
            && error == (Error::HandoverInProgress { interface: on })
            && self
                .state
                .port(on)
                .change
                .is_some_and(|change| !(change.igmp_is_being_enabled && self.state.is_igmp(client)))
        {
            return Err(vec![error]);
        }
        refuse_for(self.state.refuse_refresh(on, client, seconds))?;
        let is_being_enabled = self.state.port(on).change.is_some_and(|change| change.igmp_is_being_enabled);
        if !(is_being_enabled && self.state.is_igmp(client)) {
            self.state.make_stale(on, client);
        }
        let deadline = self.state.now + Duration::from_secs(seconds);
        self.state.refreshes.push(Refresh { on, client, deadline, is_over: false });
        Ok(())
    }

    fn end_refresh(&mut self, number: usize) -> Answer<()> {
        let Some(refresh) = self.state.refreshes.get(number).copied().filter(|refresh| !refresh.is_over)
        else {
            return Ok(());
        };
        // HO-2: the hand-over will replace it.
        if self.state.refuse_while_disabled(refresh.client, refresh.on).is_none() {
            self.end_refresh_now(number);
        }
        Ok(())
    }

    /// Inside `enable_igmp` the sweep waits until that has returned.
    fn end_refresh_now(&mut self, number: usize) {
        self.state.refreshes[number].is_over = true;
        let Refresh { on, client, .. } = self.state.refreshes[number];
        let change = self.state.port(on).change;
        let sweeps_later = change.is_some_and(|change| change.igmp_is_being_enabled);
        if !(sweeps_later && self.state.is_igmp(client)) {
            self.step(|state| state.sweep(on, client));
        }
    }
}

/// Changes of who is on an interface.
impl<S: Stage> Model<S> {
    fn take(&mut self, client: Uid, on: Interface) -> Verdict {
        if self.state.is_igmp(client) {
            self.grant(on, self.state.port(on).protocol.or(Some(client)));
            self.step(|state| state.igmp_comes(on, client));
            self.bring_to_owners(on)?;
        } else {
            self.grant(on, Some(client));
            self.state.clients[client].on.push(on);
            self.change_owner(on, Some(client))?;
        }
        self.settle(on)
    }

    fn release(&mut self, client: Uid, on: Interface) -> Verdict {
        let port = self.state.port(on);
        if self.state.is_igmp(client) {
            self.grant(on, port.protocol);
            self.step(|state| state.igmp_goes(on, client));
            self.bring_to_owners(on)?;
            return self.deliver();
        }
        self.grant(on, port.igmp);
        self.change_owner(on, None)
    }

    /// IF-2: for IGMP's own take and release nobody is asked.
    fn bring_to_owners(&mut self, on: Interface) -> Verdict {
        self.state.moves += 1;
        self.deliver_what_comes()?;
        self.step(|state| state.bring_all_to_owners(on));
        self.step(State::end_states);
        self.state.leave(on);
        self.state.moves -= 1;
        Ok(())
    }

    /// HO-7: the interface is that change's alone, until it is settled.
    fn grant(&mut self, on: Interface, to: Option<Uid>) {
        let from = self.state.owner(on);
        let change = self.state.port_mut(on).change.get_or_insert_default();
        (change.from, change.to) = (from, to);
    }

    /// HO-1.
    fn change_owner(&mut self, on: Interface, to: Option<Uid>) -> Verdict {
        let port = self.state.port(on);
        let has_bracket = port.igmp.is_some();
        self.ongoing(on, |change| {
            change.leaving = port.protocol.into_iter().collect();
            change.igmp_is_disabled = has_bracket;
        });
        if has_bracket {
            self.call_igmp(on, &Heard::Disable(on))?;
        }
        self.step(|state| state.hand_over(on, to));
        self.bring_over_mfes(on)?;
        self.deliver()?;
        if has_bracket {
            self.ongoing(on, |change| {
                (change.igmp_is_disabled, change.igmp_is_being_enabled) = (false, true);
            });
            self.call_igmp(on, &Heard::Enable(on))?;
            self.ongoing(on, |change| change.igmp_is_being_enabled = false);
            self.sweep_after_enable(on);
        }
        self.deliver()
    }

    fn ongoing(&mut self, on: Interface, change: impl FnOnce(&mut Ongoing)) {
        self.state.port_mut(on).change.as_mut().map(change);
    }

    /// A client that has gone is called no more (HO-6).
    fn call_igmp(&mut self, on: Interface, heard: &Heard) -> Verdict {
        let igmp = self.state.port(on).igmp.filter(|igmp| self.state.clients[*igmp].is_registered);
        igmp.map_or(Ok(()), |igmp| self.call_back(igmp, heard).map(drop))
    }

    /// HO-14, HO-17.
    fn sweep_after_enable(&mut self, on: Interface) {
        let Some(igmp) = self.state.port(on).igmp else { return };
        let waits = |refresh: &Refresh| (refresh.on, refresh.client, refresh.is_over) == (on, igmp, false);
        if !self.state.refreshes.iter().any(waits) || !self.state.clients[igmp].is_registered {
            self.step(|state| state.sweep(on, igmp));
        }
    }

    /// HO-10: what could not be refused meanwhile; what no longer applies falls away.
    fn settle(&mut self, on: Interface) -> Verdict {
        self.deliver()?;
        while let Some(next) = self.next_noted(on) {
            match next {
                Noted::Release(client) if self.state.is_on(client, on) => self.release(client, on)?,
                Noted::Release(_) => {}
                Noted::Removal => self.remove_link(on)?,
            }
            self.deliver()?;
        }
        self.state.port_mut(on).change = None;
        Ok(())
    }

    fn next_noted(&mut self, on: Interface) -> Option<Noted> {
        let noted = &mut self.state.port_mut(on).change.as_mut()?.noted;
        (!noted.is_empty()).then(|| noted.remove(0))
    }

    /// CL-4.
    fn drop_client(&mut self, client: Uid) -> Verdict {
        if !self.state.clients[client].is_registered {
            return Ok(());
        }
        self.state.silence(client);
        self.forget_alerts_of(client);
        for on in self.state.clients[client].on.clone() {
            if self.state.port(on).change.is_some() {
                self.ongoing(on, |change| change.noted.push(Noted::Release(client)));
            } else if self.state.is_on(client, on) {
                self.release(client, on)?;
                self.settle(on)?;
            }
        }
        Ok(())
    }

    /// IF-8.
    fn remove(&mut self, index: NonZeroU32) -> Verdict {
        let left = self.state.links(index);
        self.state.removals.push(Removal { index, left: left.clone(), clients: BTreeSet::new() });
        for on in left {
            if self.state.port(on).change.is_some() {
                self.ongoing(on, |change| change.noted.push(Noted::Removal));
            } else {
                self.remove_link(on)?;
                self.settle(on)?;
            }
        }
        Ok(())
    }

    fn remove_link(&mut self, on: Interface) -> Verdict {
        let clients = self.state.clients_on(on);
        self.grant(on, None);
        self.step(|state| state.remove(on));
        self.state.moves += 1;
        self.deliver_what_comes()?;
        self.step(|state| state.remove_mfes(on));
        self.step(State::end_states);
        self.state.leave(on);
        self.state.moves -= 1;
        for removal in &mut self.state.removals {
            if removal.left.remove(&on) {
                removal.clients.extend(&clients);
            }
        }
        let done = self.state.removals.extract_if(.., |removal| removal.left.is_empty());
        for Removal { index, clients, .. } in done.collect::<Vec<_>>() {
            let removed = Alert::InterfaceRemoved { index };
            self.post(clients.into_iter().map(|client| (client, removed.clone())).collect());
        }
        Ok(())
    }

    /// HO-15: what came in there, or has its source behind it.
    fn bring_over_mfes(&mut self, on: Interface) -> Verdict {
        self.state.moves += 1;
        loop {
            self.deliver_what_comes()?;
            let Some(key) = self.next_of(&self.state.past_of(on)) else { break };
            self.bring_over(key, About::One(on))?;
        }
        self.step(State::end_states);
        self.state.leave(on);
        self.state.moves -= 1;
        self.deliver_what_comes()
    }

    /// FW-9, HO-15: asks about an entry, and brings it into the present, if it is there still.
    fn bring_over(&mut self, key: Key, about: About) -> Verdict {
        let Some(mfe) = self.state.mfes.get_mut(&key) else { return Ok(()) };
        mfe.set_meanwhile.clear();
        let (arrival, route) = (mfe.iif, mfe.route);
        if mfe.past_of.iter().all(|past| matches!(past, Past::OfStateOn(_))) && about != About::None {
            let way = route.map(|route| route.over(arrival));
            let mut answers = Answers { rpf: way, states: BTreeMap::new() };
            self.ask_about_creation(key, &mut answers, about)?;
            self.step(|state| state.bring_states_over(key, &answers));
            return Ok(());
        }
        let way = self.state.way(key.1);
        let answers = self.ask(key, arrival, &[], about)?;
        if self.state.way(key.1) == way {
            self.step(|state| state.bring_over(key, &answers));
        } else if self.state.mfes.get(&key).is_some_and(|mfe| !mfe.past_of.is_empty()) {
            // FW-13: asked again, unless what changed the way has brought it over.
            return self.bring_over(key, about);
        }
        Ok(())
    }

    /// In which order several are done is left open: it is that in which questions about them come.
    fn next_of(&self, due: &[Key]) -> Option<Key> {
        let seen = self.stage.next_question().map(|(_, key)| key);
        let asks = |key: &&Key| self.state.asked(key.1).is_some();
        let next = due.iter().find(|key| Some(**key) == seen);
        next.or_else(|| due.iter().find(|key| !asks(key))).or_else(|| due.first()).copied()
    }
}

/// Forwarding entries.
impl<S: Stage> Model<S> {
    /// FW-1, and FW-10 for the packet.
    fn packet_received(&mut self, key: Key, arrival: Interface) -> Verdict<Answer<Done>> {
        if self.state.mfes.contains_key(&key) || self.state.making.contains(&key) {
            return Ok(Ok(Done::Silently));
        }
        if let Err(errors) = refuse_for(self.state.refuse_mfe(key)) {
            return Ok(Err(errors));
        }
        self.make(key, arrival, UNKNOWN)?;
        self.deliver_what_comes()?;
        self.wrong_interface(key, arrival, UNKNOWN);
        Ok(Ok(Done::Silently))
    }

    /// Makes an entry, or makes it anew in place; but one that is gone when all have been asked is not.
    fn make(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Verdict {
        let is_new = !self.state.mfes.contains_key(&key);
        self.state.making.insert(key);
        self.state.look_up(key.1);
        self.state.mfes.entry(key).and_modify(|mfe| mfe.set_meanwhile.clear());
        let answers = loop {
            let way = self.state.way(key.1);
            let answers = self.ask(key, arrival, header, About::All)?;
            if self.state.way(key.1) == way {
                break answers;
            }
        };
        self.state.making.remove(&key);
        if is_new || self.state.mfes.contains_key(&key) {
            self.step(|state| state.install(key, arrival, &answers));
        }
        Ok(())
    }

    /// Asks everybody. What they answer counts if the way to the source has not changed meanwhile (FW-13).
    fn ask(&mut self, key: Key, arrival: Interface, header: &[u8], about: About) -> Verdict<Answers> {
        let rpf = self.ask_rpf(key, arrival, header)?;
        let mut answers = Answers { rpf, states: BTreeMap::new() };
        self.ask_about_creation(key, &mut answers, about)?;
        Ok(answers)
    }

    /// FW-1: the protocol that owns the interface toward the source says where packets are to come from.
    fn ask_rpf(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Verdict<Option<Route>> {
        let route = self.state.way(key.1).route;
        let (Some(route), Some(owner)) = (route, self.state.asked(key.1)) else { return Ok(route) };
        let reply = self.call_back(owner, &Heard::Rpf { key, arrival, header: header.to_vec(), route })?;
        let Some(answer) = reply.route.filter(|_| !reply.panics) else { return Ok(Some(route)) };
        let is_its = self.state.port(answer.interface).protocol == Some(owner);
        let is_right = answer == route || is_its && answer.prefix.contains(&key.1.address());
        self.state.wrong_answers += u64::from(!is_right);
        Ok(Some(if is_right { answer } else { route }))
    }

    /// FW-3: answers become forward state of those who still own the interface.
    fn ask_about_creation(&mut self, key: Key, answers: &mut Answers, about: About) -> Verdict {
        let Some(Route { interface: iif, .. }) = answers.rpf else { return Ok(()) };
        let mut questions = self.state.questions(key, answers, about);
        while !questions.is_empty() {
            let seen = self.stage.next_question().map(|(to, _)| to);
            let at = questions.iter().position(|question| Some(question.client) == seen).unwrap_or_default();
            let question = questions.remove(at);
            let to = question.client;
            if !self.state.clients[to].is_registered {
                continue;
            }
            let shown = self.stage.shown(&question);
            let reply = self.call_back(to, &Heard::Creation { key, iif, shown: shown.clone() })?;
            for Shown { on, is_enabled, .. } in reply.enabled.difference(&shown).filter(|_| !reply.panics) {
                let port = self.state.port(*on);
                if port.protocol == Some(to) {
                    let state = if *is_enabled { ForwardState::On } else { ForwardState::Off };
                    answers.states.insert(*on, Set { state, by: to, tenure: port.tenure });
                }
            }
        }
        Ok(())
    }

    /// FW-10.
    fn wrong_interface(&mut self, key: Key, arrival: Interface, header: &[u8]) {
        let port = self.state.port(arrival);
        let now = self.state.now;
        let Some(owner) = self.state.owner(arrival).filter(|_| port.wrong_interface_alerts) else { return };
        let Some(mfe) = self.state.mfes.get_mut(&key) else { return };
        if mfe.iif != arrival && now >= mfe.quiet_until {
            mfe.quiet_until = now + Duration::from_secs(3);
            let (group, source) = key;
            let alert = Alert::WrongInterface { interface: arrival, source, group, header: header.into() };
            self.post(vec![(owner, alert)]);
        }
    }

    /// FW-7, FW-14, HO-17. Says when anything is next due, but for what the forwarder failed to do.
    fn expire(&mut self, seconds: u64) -> Verdict<Option<Instant>> {
        self.state.now += Duration::from_secs(seconds);
        let now = self.state.now;
        for number in 0..self.state.refreshes.len() {
            let Refresh { on, client, deadline, is_over } = self.state.refreshes[number];
            if !is_over && deadline <= now && self.state.refuse_while_disabled(client, on).is_none() {
                self.end_refresh_now(number);
                self.deliver_what_comes()?;
            }
        }
        let is_due = |state: &State, key: &Key| {
            state.mfes.get(key).and_then(|mfe| mfe.expires).is_some_and(|expires| expires <= now)
        };
        let mut due: Vec<_> =
            self.state.mfes.keys().copied().filter(|key| is_due(&self.state, key)).collect();
        due.sort_by_key(|key| (self.state.mfes[key].expires, *key));
        for key in due {
            if is_due(&self.state, &key) && !self.state.making.contains(&key) {
                self.renew_or_delete(key)?;
                self.deliver_what_comes()?;
            }
        }
        let refreshes =
            self.state.refreshes.iter().filter(|refresh| !refresh.is_over && refresh.deadline > now);
        let lifetimes = self.state.mfes.values().filter_map(|mfe| mfe.expires);
        let next = lifetimes.chain(refreshes.map(|refresh| refresh.deadline)).min();
        Ok(unless_never(next, now))
    }

    fn renew_or_delete(&mut self, key: Key) -> Verdict {
        let Some(mfe) = self.state.mfes.get(&key) else { return Ok(()) };
        // Inside a callback the forwarder need not have heard of it yet.
        let is_open = self.state.has_failed || self.depth > 0;
        let is_unreadable = self.state.stats_fail || is_open && self.stage.is_made_anew(key);
        if mfe.has_carried || is_unreadable {
            return self.make(key, mfe.iif, &[]);
        }
        let is_kept = self.state.is_kept(key);
        let now = self.state.now;
        self.step(|state| match state.mfes.get_mut(&key).filter(|_| is_kept) {
            Some(mfe) => mfe.expires = now.checked_add(LIFETIME),
            None => drop(state.mfes.remove(&key)),
        });
        Ok(())
    }
}

/// Routes.
impl<S: Stage> Model<S> {
    /// CT-8, and FW-9 for one entry after the other.
    fn routes_changed(&mut self, covers: impl Fn(SourceAddr) -> bool) -> Verdict {
        self.state.moves += 1;
        self.step(|state| {
            let routes = state.known.iter_mut().filter(|(source, _)| covers(**source));
            routes.for_each(|(source, route)| *route = state.rib.find(*source));
            let moved = state.mfes.iter_mut().filter(|((_, source), _)| covers(*source));
            moved.for_each(|(_, mfe)| mfe.past_of.extend([Past::OfRoutes]));
        });
        // What is being made anew will be asked about by the new route anyhow.
        let due = self.state.mfes.keys().copied().filter(|(_, source)| covers(*source));
        let mut due: Vec<_> = due.filter(|key| !self.state.making.contains(key)).collect();
        loop {
            self.deliver_what_comes()?;
            let Some(key) = self.next_of(&due).or_else(|| self.asked_once_more(&covers)) else { break };
            due.retain(|other| *other != key);
            self.bring_over(key, About::None)?;
        }
        self.state.moves -= 1;
        Ok(())
    }

    /// Whether an entry that was made meanwhile, by the new route, is asked about again is open.
    fn asked_once_more(&self, covers: impl Fn(SourceAddr) -> bool) -> Option<Key> {
        let (to, key) = self.stage.next_question()?;
        let is_asked = self.state.mfes.contains_key(&key) && self.state.asked(key.1) == Some(to);
        (is_asked && covers(key.1)).then_some(key)
    }
}

impl State {
    fn set_as_owner(&mut self, call: &Call) -> Answer<Done> {
        match *call {
            Call::State(client, on, key, state) => self.set_state(client, on, key, state).map(Done::Change),
            Call::Mfe(client, key, iif, upstream) => {
                self.set_mfe(client, key, iif, upstream).map(|()| Done::Silently)
            }
            Call::Timeout(client, key, seconds) => {
                let lifetime = seconds.map_or(Duration::MAX, Duration::from_secs);
                self.set_lifetime(client, key, lifetime).map(|()| Done::Silently)
            }
            Call::WrongAlerts(client, on, switch) => {
                self.set_wrong_interface_alerts(client, on, switch == Switch::On).map(|()| Done::Silently)
            }
            _ => Err(Vec::new()),
        }
    }
}
