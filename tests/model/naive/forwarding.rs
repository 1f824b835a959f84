//! Forwarding entries: where they forward, what owners set in them, how they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use mgm::{Change, Entry, Error, ForwardState, Interface, Limit, MembershipKind, Route, SourceAddr};

use super::membership::{is_ssm, refuse_for};
use super::{Answer, Key, Mfe, Setting, State};
use crate::words::{Entered, Shown, Uid, unless_never};

/// MGM: an MFE lives 900 s.
pub(crate) const LIFETIME: Duration = Duration::from_secs(900);

/// The way to a source: an answer that was asked for under another counts for nothing (FW-13, HO-16).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Way {
    pub(crate) route: Option<Route>,
    owner: Option<Uid>,
    tenure: u64,
}

/// What `creation_alert` has to show, and what it may show beside that.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) client: Uid,
    pub(crate) due: BTreeSet<Shown>,
    pub(crate) open: BTreeSet<Shown>,
}

/// Which interfaces `creation_alert` is about (FW-3, FW-9, HO-15).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum About {
    All,
    One(Interface),
    None,
}

impl About {
    fn is_about(self, on: Interface) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => on == one,
            Self::None => false,
        }
    }
}

/// What the clients that were asked answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) rpf: Option<Route>,
    pub(crate) states: BTreeMap<Interface, (ForwardState, u64)>,
}

impl State {
    /// FW-2.
    pub(crate) fn oifs(&self, key: Key) -> Vec<Interface> {
        let mfe = &self.mfes[&key];
        let mut oifs: Vec<_> =
            self.ports.keys().copied().filter(|on| self.forwards(key, mfe.iif, *on)).collect();
        oifs.sort();
        oifs
    }

    fn forwards(&self, key: Key, iif: Interface, on: Interface) -> bool {
        let state = self.mfes.get(&key).and_then(|mfe| mfe.states.get(&on));
        on != iif && self.is_forwarded_by(state.map(|(state, _)| *state), on, key)
    }

    /// But for what an owner set that has gone.
    fn would_forward(&self, key: Key, iif: Interface, on: Interface) -> bool {
        on != iif && self.is_forwarded_by(self.state_of_now(key, on), on, key)
    }

    fn is_forwarded_by(&self, state: Option<ForwardState>, on: Interface, key: Key) -> bool {
        match state {
            Some(ForwardState::On) => true,
            Some(ForwardState::Off) => false,
            None => (0..self.clients.len()).any(|client| self.is_wanted_by(client, on, key)),
        }
    }

    fn state_of_now(&self, key: Key, on: Interface) -> Option<ForwardState> {
        let (state, tenure) = self.mfes.get(&key)?.states.get(&on)?;
        (*tenure == self.port(on).tenure).then_some(*state)
    }

    /// MB-6: a block takes away the client's own (\*,G) and (\*,\*), and nobody else's.
    fn is_wanted_by(&self, client: Uid, on: Interface, (group, source): Key) -> bool {
        let held = |entry| self.held.get(&(on, client, entry));
        match held(Entry::SourceGroup(source, group)) {
            Some(hold) => hold.kind == MembershipKind::Joined,
            None => {
                !is_ssm(group) && (held(Entry::Group(group)).is_some() || held(Entry::AllGroups).is_some())
            }
        }
    }

    /// Whom to ask `rpf`.
    pub(crate) fn asked(&self, source: SourceAddr) -> Option<Uid> {
        let owner = self.owner_toward(source)?;
        self.protocols().find(|client| *client == owner)
    }

    pub(crate) fn way(&self, source: SourceAddr) -> Way {
        let route = self.known.get(&source).copied().flatten();
        let port = route.map(|route| self.port(route.interface)).unwrap_or_default();
        Way { route, owner: self.owner_toward(source), tenure: port.tenure }
    }

    pub(crate) fn entered(&self) -> Vec<Entered> {
        let entered = |(key, mfe): (&Key, &Mfe)| Entered {
            key: *key,
            iif: mfe.iif,
            owner: mfe.owner.map(|owner| self.name(owner)),
            upstream: mfe.upstream,
            prefix: mfe.route.map(|route| route.prefix),
            oifs: self.oifs(*key),
            made: mfe.made,
            expires: unless_never(mfe.expires, self.now),
        };
        self.mfes.iter().map(entered).collect()
    }

    /// What nobody needs any more is forgotten.
    pub(crate) fn forget_routes(&mut self) {
        let of_mfes = self.mfes.keys().chain(&self.making).map(|(_, source)| *source);
        let joined = self.held.iter().filter(|(_, hold)| hold.kind == MembershipKind::Joined);
        let used: BTreeSet<_> = of_mfes.chain(joined.filter_map(|((.., entry), _)| entry.source())).collect();
        self.known.retain(|source, _| used.contains(source));
    }
}

/// What an owner sets.
impl State {
    /// MB-5.
    pub(crate) fn set_state(
        &mut self,
        client: Uid,
        on: Interface,
        key: Key,
        state: Option<ForwardState>,
    ) -> Answer<Change> {
        let mut errors = self.refuse_unless_owner(on, client);
        errors.extend(self.refuse_while_disabled(client, on));
        errors.extend(self.refuse_without_mfe(key));
        refuse_for(errors)?;
        let (tenure, old) = (self.port(on).tenure, self.state_of_now(key, on));
        self.end_past_states(key);
        let Some(mfe) = self.mfes.get_mut(&key) else { return Err(Vec::new()) };
        mfe.set_meanwhile.insert(Setting::State(on));
        mfe.states.remove(&on);
        mfe.states.extend(state.map(|state| (on, (state, tenure))));
        Ok(if old == state { Change::Unchanged } else { Change::Changed })
    }

    /// FW-8.
    pub(crate) fn set_mfe(
        &mut self,
        client: Uid,
        key: Key,
        iif: Interface,
        upstream: Option<Ipv4Addr>,
    ) -> Answer<()> {
        let mut errors = self.refuse_unless_incoming(client, key);
        errors.extend(self.refuse_unless_owner(iif, client));
        errors.extend(self.refuse_while_disabled(client, iif));
        refuse_for(errors)?;
        self.bring_to_owner(key);
        let Some(mfe) = self.mfes.get_mut(&key) else { return Err(Vec::new()) };
        mfe.set_meanwhile.insert(Setting::Upstream);
        (mfe.iif, mfe.upstream) = (iif, upstream);
        Ok(())
    }

    /// FW-7.
    pub(crate) fn set_lifetime(&mut self, client: Uid, key: Key, lifetime: Duration) -> Answer<()> {
        refuse_for(self.refuse_unless_incoming(client, key))?;
        self.bring_to_owner(key);
        let Some(mfe) = self.mfes.get_mut(&key) else { return Err(Vec::new()) };
        mfe.set_meanwhile.insert(Setting::Lifetime);
        mfe.expires = mfe.made.checked_add(lifetime);
        Ok(())
    }

    /// FW-10.
    pub(crate) fn set_wrong_interface_alerts(
        &mut self,
        client: Uid,
        on: Interface,
        are_on: bool,
    ) -> Answer<()> {
        let mut errors = self.refuse_unless_owner(on, client);
        errors.extend(self.refuse_while_disabled(client, on));
        refuse_for(errors)?;
        self.port_mut(on).wrong_interface_alerts = are_on;
        Ok(())
    }

    /// HO-2.
    pub(crate) fn refuse_while_disabled(&self, client: Uid, on: Interface) -> Option<Error> {
        let is_disabled = self.port(on).change.is_some_and(|change| change.igmp_is_disabled);
        (is_disabled && self.is_igmp(client)).then_some(Error::IgmpDisabled { interface: on })
    }

    fn refuse_without_mfe(&self, (group, source): Key) -> Option<Error> {
        let is_there = self.mfes.contains_key(&(group, source));
        (!is_there).then_some(Error::NoSuchMfe { entry: Entry::SourceGroup(source, group) })
    }

    fn refuse_unless_incoming(&self, client: Uid, key: Key) -> Vec<Error> {
        let Some(mfe) = self.mfes.get(&key) else {
            return self.refuse_without_mfe(key).into_iter().collect();
        };
        let mut errors: Vec<_> = self.refuse_while_disabled(client, mfe.iif).into_iter().collect();
        let (group, source) = key;
        let owner = mfe.route.and_then(|_| self.owner_toward(source));
        if owner != Some(client) {
            let owner = owner.map(|owner| self.name(owner));
            let entry = Entry::SourceGroup(source, group);
            errors.push(Error::NotIncoming { entry, client: self.name(client), owner });
        }
        errors
    }
}

/// How entries are made, and go.
impl State {
    /// MB-7; those in the making count as well.
    pub(crate) fn refuse_mfe(&self, key: Key) -> Vec<Error> {
        let keys: BTreeSet<_> = self.mfes.keys().chain(&self.making).collect();
        let of_group = keys.iter().filter(|(group, _)| *group == key.0).count();
        let full = self.max.mfes.filter(|max| keys.len() >= *max).map(|max| Limit::Mfes { max });
        let group_full = self.max.per_group.filter(|max| of_group >= *max);
        let group_full = group_full.map(|max| Limit::MfesOfGroup { group: key.0, max });
        full.into_iter().chain(group_full).map(Error::LimitReached).collect()
    }

    /// FW-3, FW-4, HO-15: who is asked `creation_alert`, and about what: all interfaces, or just one.
    pub(crate) fn questions(&self, key: Key, answers: &Answers, about: About) -> Vec<Question> {
        let Some(route) = answers.rpf else { return Vec::new() };
        let ask = |client: Uid| {
            let own = self.ports.iter().filter(|(_, port)| port.protocol == Some(client)).map(|(on, _)| *on);
            let own = own.filter(|on| *on != route.interface && about.is_about(*on));
            let shown: BTreeSet<_> = own
                .map(|on| Shown {
                    on,
                    igmp: self.port(on).igmp.is_some(),
                    is_enabled: self.would_forward(key, route.interface, on),
                })
                .collect();
            let always = self.is_asked_always(client);
            let (due, open): (BTreeSet<_>, _) = shown.iter().partition(|shown| shown.is_enabled || always);
            // Whether what the client itself keeps out is shown again is left open.
            let open: BTreeSet<Shown> = open;
            let open = open.into_iter().filter(|shown| self.state_of_now(key, shown.on).is_some()).collect();
            (always && about == About::All || !due.is_empty()).then_some(Question { client, due, open })
        };
        self.protocols().filter_map(ask).collect()
    }

    /// Installs an entry as everybody answered, or makes it anew in place (FW-7).
    pub(crate) fn install(&mut self, key: Key, arrival: Interface, answers: &Answers) {
        let now = self.now;
        let mfe = self.mfes.entry(key).or_insert_with(|| Mfe {
            iif: arrival,
            route: None,
            upstream: None,
            owner: None,
            is_told: false,
            is_news: true,
            past_of: BTreeSet::new(),
            states: BTreeMap::new(),
            set_meanwhile: BTreeSet::new(),
            made: now,
            expires: None,
            has_carried: false,
            quiet_until: now,
        });
        mfe.made = now;
        mfe.has_carried = false;
        mfe.is_news = true;
        if !mfe.set_meanwhile.contains(&Setting::Lifetime) {
            mfe.expires = now.checked_add(LIFETIME);
        }
        self.bring_over(key, answers);
    }

    /// HO-16: whoever changes what is of the past brings it over.
    pub(crate) fn bring_to_owner(&mut self, key: Key) {
        self.end_past_states(key);
        self.mfes.entry(key).and_modify(|mfe| mfe.past_of.clear());
        self.give_to(key, self.owner_toward(key.1));
    }

    fn end_past_states(&mut self, key: Key) {
        let tenures: BTreeMap<_, _> = self.ports.iter().map(|(on, port)| (*on, port.tenure)).collect();
        let Some(mfe) = self.mfes.get_mut(&key) else { return };
        mfe.states.retain(|on, (_, tenure)| tenures.get(on) == Some(tenure));
    }

    /// FW-9, HO-15: the entry comes in as it was answered, and its owner is who lies toward the source.
    pub(crate) fn bring_over(&mut self, key: Key, answers: &Answers) {
        let owner = answers.rpf.and_then(|_| self.owner_toward(key.1));
        let Some(mfe) = self.mfes.get_mut(&key) else { return };
        let set_meanwhile = std::mem::take(&mut mfe.set_meanwhile);
        mfe.past_of.clear();
        mfe.route = answers.rpf;
        if !set_meanwhile.contains(&Setting::Upstream) || owner != mfe.owner {
            mfe.upstream = answers.rpf.and_then(|route| route.upstream);
            mfe.iif = answers.rpf.map_or(mfe.iif, |route| route.interface);
        }
        let answered = answers.states.iter().filter(|(on, _)| !set_meanwhile.contains(&Setting::State(**on)));
        mfe.states.extend(answered.map(|(on, state)| (*on, *state)));
        self.end_past_states(key);
        self.give_to(key, owner);
    }

    /// FW-14: others want what covers it, and its owner is not held told to pull it.
    pub(crate) fn is_kept(&self, key: Key) -> bool {
        let (group, source) = key;
        let mut covering = vec![Entry::SourceGroup(source, group)];
        if !is_ssm(group) {
            covering.extend([Entry::Group(group), Entry::AllGroups]);
        }
        let mfe = &self.mfes[&key];
        let by_others = |entry: &Entry| self.wanting(*entry).iter().any(|client| Some(*client) != mfe.owner);
        mfe.owner.is_some() && !mfe.is_told && covering.iter().any(by_others)
    }
}
