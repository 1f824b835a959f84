//! Entries are made, made anew, and go; and packets on the wrong interface.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mgm::{AlertCause, Error, ForwardState, Interface, Limit, Route};

use super::super::ops::{ALWAYS, Creation, bit};
use super::{Alert, Answer, Key, Mfe, Model, Question, of};
use crate::ops::SLOTS;

impl Model {
    /// FW-1, and FW-10 for the packet.
    pub(crate) fn packet_received(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Answer {
        if self.mfes.contains_key(&key) {
            return Ok(None);
        }
        let of_group = self.mfes.keys().filter(|(group, _)| *group == key.0).count();
        let full = self.max.mfes.filter(|max| self.mfes.len() >= *max).map(|max| Limit::Mfes { max });
        let group_full = self.max.per_group.filter(|max| of_group >= *max);
        let group_full = group_full.map(|max| Limit::MfesOfGroup { group: key.0, max });
        let limits: Vec<_> = full.into_iter().chain(group_full).map(Error::LimitReached).collect();
        if !limits.is_empty() {
            return Err(limits);
        }
        self.make(key, arrival, header);
        self.wrong_interface(key, arrival, header);
        Ok(None)
    }

    pub(super) fn make(&mut self, key: Key, arrival: Interface, header: &[u8]) {
        self.look_up_again(key.1);
        let route = self.ask_rpf(key, arrival, header);
        let mfe = Mfe {
            iif: route.map_or(arrival, |route| route.interface),
            route,
            upstream: route.and_then(|route| route.upstream),
            states: BTreeMap::new(),
            made: self.now,
            expires: Some(self.now + Duration::from_secs(900)),
            carried: false,
            quiet_until: self.mfes.get(&key).map_or(self.now, |old| old.quiet_until),
        };
        self.mfes.insert(key, mfe);
        self.ask_about_creation(key);
        // FW-6: at most one alert.
        let (owner, oifs) = (self.mfe_owner(key), self.oifs(key));
        if oifs.is_empty() || oifs.iter().any(|on| self.owner(*on) != owner) {
            self.tell_upstream(owner, of(key), !oifs.is_empty(), AlertCause::ForwardingEntry);
        }
        self.end_step();
    }

    /// FW-1: the owner of the interface toward the source says where the packets are to come from.
    pub(super) fn ask_rpf(&mut self, key: Key, arrival: Interface, header: &[u8]) -> Option<Route> {
        let route = self.known.get(&key.1).copied().flatten()?;
        let Some(owner) = self.protocol(route.interface) else { return Some(route) };
        self.asked.push(Question::Rpf(owner, key, arrival, header.to_vec(), route));
        let Some(answer) = self.scripts.rpf[owner].answer(route) else {
            self.caught_panics += 1;
            return Some(route);
        };
        let is_right =
            self.protocol(answer.interface) == Some(owner) && answer.prefix.contains(&key.1.address());
        if !is_right {
            self.wrong_answers += 1;
        }
        Some(if is_right { answer } else { route })
    }

    /// FW-3. Answers become forward state. FW-4: without a route nobody is asked.
    pub(super) fn ask_about_creation(&mut self, key: Key) {
        let mfe = self.mfes[&key].clone();
        if mfe.route.is_none() {
            return;
        }
        let mut states = BTreeMap::new();
        for client in (1..SLOTS).filter(|client| self.registered[*client]) {
            let always = self.always && client == ALWAYS;
            let own = self.on[client].iter().copied().filter(|on| *on != mfe.iif);
            let shown: BTreeSet<_> = own
                .map(|on| (on, self.igmp(on), self.forwards(on, key, &mfe)))
                .filter(|(.., enabled)| *enabled || always)
                .collect();
            if shown.is_empty() && !always {
                continue;
            }
            self.asked.push(Question::Creation(client, key, mfe.iif, shown.clone()));
            let Creation { disables, enables, panics } = self.scripts.creation[client];
            if panics {
                self.caught_panics += 1;
                continue;
            }
            for (on, _, enabled) in shown {
                if enabled && disables & bit(on) != 0 {
                    states.insert(on, ForwardState::Off);
                } else if !enabled && enables & bit(on) != 0 {
                    states.insert(on, ForwardState::On);
                }
            }
        }
        self.mfes.entry(key).and_modify(|mfe| mfe.states = states);
    }

    /// FW-10.
    pub(crate) fn wrong_interface(&mut self, key: Key, arrival: Interface, header: &[u8]) {
        let place = self.places.get(&arrival).cloned().unwrap_or_default();
        let Some(mfe) = self.mfes.get_mut(&key) else { return };
        let Some(owner) = place.protocol.filter(|_| place.wrong_interface_alerts) else { return };
        if mfe.iif != arrival && self.now >= mfe.quiet_until {
            mfe.quiet_until = self.now + Duration::from_secs(3);
            self.tell(owner, Alert::WrongInterface(arrival, key, header.to_vec()));
        }
    }

    /// The forwarder counted a packet.
    pub(crate) fn carried(&mut self, key: Key) {
        self.mfes.entry(key).and_modify(|mfe| mfe.carried = true);
    }

    /// FW-7. Says when the next entry has had its time.
    pub(crate) fn expire(&mut self, now: Instant, stats_fail: bool) -> Option<Instant> {
        self.now = now;
        let is_due = |mfe: &Mfe| mfe.expires.is_some_and(|expires| expires <= now);
        let due = self.mfes.iter().filter(|(_, mfe)| is_due(mfe));
        let due: BTreeSet<_> = due.map(|(key, mfe)| (mfe.expires, *key)).collect();
        for (_, key) in due {
            let Some(mfe) = self.mfes.get(&key).filter(|mfe| is_due(mfe)) else { continue };
            if mfe.carried && !stats_fail {
                let iif = mfe.iif;
                self.make(key, iif, &[]);
            } else {
                self.mfes.remove(&key);
            }
        }
        self.mfes.values().filter_map(|mfe| mfe.expires).min()
    }
}
