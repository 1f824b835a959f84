//! Who is told of what: functions of the state, and the difference between two states (CT-1 to CT-8, FW-6).

use std::collections::{BTreeMap, BTreeSet};

use mgm::{Alert, AlertCause, ClientName, Entry, Interface, MembershipKind, Pull, SourceAddr};

use super::{Key, Mfe, State};
use crate::words::Uid;

/// What all clients have been told, but for forwarding entries.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Told {
    /// Pull this (cause "membership").
    pub(crate) pulls: BTreeSet<(Uid, Entry)>,
    /// IGMP holds this on an interface of yours.
    pub(crate) locals: BTreeSet<Local>,
}

/// The owner of the interface, the interface, and what IGMP holds there.
type Local = (Uid, Interface, Entry, MembershipKind);

impl Told {
    pub(crate) fn of(state: &State) -> Self {
        let told = (0..state.clients.len()).filter(|client| state.is_told(*client));
        let pulls = |client| state.pulls(client).into_iter().map(move |entry| (client, entry));
        let locals = |client| state.locals(client).into_iter();
        Self { pulls: told.clone().flat_map(pulls).collect(), locals: told.flat_map(locals).collect() }
    }

    pub(crate) fn alerts_since(&self, before: &Self) -> Vec<(Uid, Alert)> {
        let local = |(to, interface, entry, kind): Local, begins| {
            let blocked = entry.source().zip(entry.group()).filter(|_| kind == MembershipKind::Blocked);
            let alert = match (blocked, begins) {
                (None, true) => Alert::LocalJoin { interface, entry },
                (None, false) => Alert::LocalLeave { interface, entry },
                (Some((source, group)), true) => Alert::LocalBlock { interface, source, group },
                (Some((source, group)), false) => Alert::LocalUnblock { interface, source, group },
            };
            (to, alert)
        };
        let begun = self.pulls.difference(&before.pulls);
        let ended = before.pulls.difference(&self.pulls);
        let locals_begun = self.locals.difference(&before.locals);
        let locals_ended = before.locals.difference(&self.locals);
        let cause = AlertCause::Membership;
        let join = |(to, entry): &(Uid, Entry)| (*to, Alert::Join { entry: *entry, cause });
        let prune = |(to, entry): &(Uid, Entry)| (*to, Alert::Prune { entry: *entry, cause });
        let joins_and_prunes = begun.map(join).chain(ended.map(prune));
        let locals = locals_begun.map(|it| local(*it, true)).chain(locals_ended.map(|it| local(*it, false)));
        joins_and_prunes.chain(locals).collect()
    }
}

impl State {
    /// CL-6: whether joins and prunes reach this client.
    pub(crate) fn is_told(&self, client: Uid) -> bool {
        self.clients[client].is_registered && (!self.is_igmp(client) || self.manners.igmp_is_told)
    }

    /// CT-4: what some other client wants. CT-5, CT-8: of (S,G), only where it owns the interface toward S.
    pub(crate) fn pulls(&self, client: Uid) -> BTreeSet<Entry> {
        let entries: BTreeSet<_> = self.held.keys().map(|(_, _, entry)| *entry).collect();
        let is_its = |entry: &Entry| {
            entry.source().is_none_or(|source| self.owner_toward(source) == Some(client))
                && self.wanting(*entry).iter().any(|other| *other != client)
        };
        entries.into_iter().filter(is_its).collect()
    }

    /// EN-5: what each client has been told to pull.
    pub(crate) fn told_by_name(&self) -> BTreeMap<ClientName, BTreeSet<Pull>> {
        let told = |client: Uid| {
            let (wanted, streamed) = (AlertCause::Membership, AlertCause::ForwardingEntry);
            let pulls = self.pulls(client).into_iter().map(|entry| Pull { entry, cause: wanted });
            let streams = self.mfes.iter().filter(|(_, mfe)| mfe.owner == Some(client) && mfe.is_told);
            let streams = streams.map(|((group, source), _)| Entry::SourceGroup(*source, *group));
            let all = pulls.chain(streams.map(|entry| Pull { entry, cause: streamed }));
            if self.is_told(client) { all.collect() } else { BTreeSet::new() }
        };
        let clients = (0..self.clients.len()).filter(|client| self.clients[*client].is_registered);
        clients.map(|client| (self.name(client), told(client))).collect()
    }

    /// CT-7: what IGMP holds on interfaces that this protocol owns.
    fn locals(&self, client: Uid) -> BTreeSet<Local> {
        let held = self.held.iter().filter(|((on, by, _), _)| {
            self.is_igmp(*by) && !self.is_igmp(client) && self.owner(*on) == Some(client)
        });
        held.map(|((on, _, entry), hold)| (client, *on, *entry, hold.kind)).collect()
    }

    /// CT-1, CT-2: the clients that want an entry; each interface counts for its owner.
    pub(crate) fn wanting(&self, entry: Entry) -> BTreeSet<Uid> {
        let wanted = self.held.iter().filter(|((.., held), _)| *held == entry);
        wanted
            .filter(|(_, hold)| hold.kind == MembershipKind::Joined)
            .filter_map(|((on, ..), _)| self.owner(*on))
            .collect()
    }

    pub(crate) fn owner_toward(&self, source: SourceAddr) -> Option<Uid> {
        self.owner(self.known.get(&source).copied().flatten()?.interface)
    }

    /// FW-6: some oif counts for a client other than the owner.
    pub(crate) fn is_to_be_pulled(&self, key: Key) -> bool {
        let Some(owner) = self.mfes[&key].owner else { return false };
        self.oifs(key).iter().any(|on| self.oif_counts_for(key, *on) != Some(owner))
    }

    /// FW-6, at the end of a step.
    pub(crate) fn tell_owners(&mut self) {
        for key in self.mfes.keys().copied().collect::<Vec<_>>() {
            let (pull, is_empty) = (self.is_to_be_pulled(key), self.oifs(key).is_empty());
            let owner = self.owner_toward(key.1);
            let is_left_alone = |mfe: &Mfe| !mfe.past_of.is_empty() && mfe.owner != owner;
            let Some(mfe) = self.mfes.get_mut(&key).filter(|mfe| !is_left_alone(mfe)) else { continue };
            let was_told = std::mem::replace(&mut mfe.is_told, pull);
            let is_news = std::mem::take(&mut mfe.is_news);
            let Some(owner) = mfe.owner else { continue };
            let alert = match (pull, is_news) {
                (true, true) => Some(pull_alert(key, true)),
                (false, true) => (is_empty || was_told).then(|| pull_alert(key, false)),
                (pull, false) => (pull != was_told).then(|| pull_alert(key, pull)),
            };
            self.news.extend(alert.map(|alert| (owner, alert)));
        }
    }

    /// The entry has another owner from now on; the old one need not pull it any more (FW-9).
    pub(crate) fn give_to(&mut self, key: Key, owner: Option<Uid>) {
        let Some(mfe) = self.mfes.get_mut(&key).filter(|mfe| mfe.owner != owner) else { return };
        let old = std::mem::replace(&mut mfe.owner, owner);
        let was_told = std::mem::replace(&mut mfe.is_told, false);
        mfe.is_news = true;
        self.news.extend(old.filter(|_| was_told).map(|old| (old, pull_alert(key, false))));
    }
}

fn pull_alert((group, source): Key, pull: bool) -> Alert {
    let entry = Entry::SourceGroup(source, group);
    let cause = AlertCause::ForwardingEntry;
    if pull { Alert::Join { entry, cause } } else { Alert::Prune { entry, cause } }
}
