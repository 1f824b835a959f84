//! Whether what is explained is so, and whether each reason is true (EN-6).

use std::collections::BTreeSet;

use mgm::{
    AlertCause, ClientName, Entry, Explanation, ForwardState, Interface, InterfaceReason, Membership,
    MembershipKind, Pull, PullReason, WhyOif, WhyTold,
};

use super::membership::is_ssm;
use super::{Key, State};
use crate::words::{Uid, Verdict};

impl State {
    pub(crate) fn check_explained(&self, explained: &[Explanation]) -> Verdict {
        for explanation in explained {
            let checked = self.check_explanation(explanation);
            checked.map_err(|why| format!("EN-6: {why}, in {explanation:?}"))?;
        }
        Ok(())
    }

    fn check_explanation(&self, explanation: &Explanation) -> Verdict {
        let key = (explanation.group, explanation.source);
        let mfe = self.mfes.get(&key);
        let route = self.known.get(&key.1).copied().flatten().map(|route| route.interface);
        let owner = mfe.map_or_else(|| self.owner_toward(key.1), |mfe| mfe.owner);
        let iif = mfe.map_or(route, |mfe| Some(mfe.iif));
        let head = (explanation.installed, explanation.iif, explanation.owner);
        let due = (mfe.is_some(), iif, owner.map(|owner| self.name(owner)));
        if head != due || explanation.ssm_range.is_some() != is_ssm(key.0) {
            return Err(format!("by the model {due:?}"));
        }
        explanation.interfaces.iter().try_for_each(|reason| self.check_interface(key, iif, reason))?;
        let oifs = explanation.interfaces.iter().filter(|reason| reason.why.is_oif());
        let said: BTreeSet<_> = oifs.map(|reason| reason.interface).collect();
        let is_due = |on: &Interface| match mfe {
            Some(_) => self.oifs(key).contains(on),
            None => Some(*on) != iif && self.reason_there(key, *on) == Reason::Wanted,
        };
        let due: BTreeSet<_> = self.ports.keys().copied().filter(is_due).collect();
        if said != due {
            return Err(format!("the oifs are {due:?}"));
        }
        self.check_pulls(key, &explanation.pulls)
    }

    fn check_interface(&self, key: Key, iif: Option<Interface>, reason: &InterfaceReason) -> Verdict {
        let on = reason.interface;
        let held =
            self.view().groups.into_iter().filter(|held| held.interface == on && covers(held.entry, key));
        let due: BTreeSet<_> =
            held.map(|held| (held.entry, held.kind, held.added_by, held.counts_for, held.is_stale)).collect();
        let fields = |held: &Membership| (held.entry, held.kind, held.added_by, held.counts_for, held.stale);
        let listed: BTreeSet<_> = reason.memberships.iter().map(fields).collect();
        if listed != due {
            return Err(format!("on {on} is held {due:?}"));
        }
        let change = self.port(on).change;
        let change = change.map(|change| (change.from, change.to));
        let handover = change.map(|(from, to)| (from.map(|it| self.name(it)), to.map(|it| self.name(it))));
        if reason.handover.map(|handover| (handover.from, handover.to)) != handover {
            return Err(format!("{on} goes over as {handover:?}"));
        }
        let is_listed = |held: &Membership| due.contains(&fields(held)) && held.interface == on;
        let set = self.mfes.get(&key).and_then(|mfe| mfe.states.get(&on));
        let set = set.map(|set| (set.state, self.name(set.by)));
        let by_held = self.reason_there(key, on);
        let is_true = match reason.why {
            WhyOif::Incoming => iif == Some(on),
            WhyOif::SwitchedOn { by } => set == Some((ForwardState::On, by)),
            WhyOif::SwitchedOff { by } => set == Some((ForwardState::Off, by)),
            WhyOif::Wanted(wish) => {
                let is_blocked = reason
                    .memberships
                    .iter()
                    .any(|held| held.kind == MembershipKind::Blocked && held.added_by == wish.added_by);
                by_held == Reason::Wanted
                    && is_listed(&wish)
                    && wish.kind == MembershipKind::Joined
                    && (wish.entry.source().is_some() || !is_blocked)
            }
            WhyOif::Blocked(block) => {
                by_held == Reason::Blocked && is_listed(&block) && block.kind == MembershipKind::Blocked
            }
            WhyOif::SourceSpecific => by_held == Reason::SourceSpecific,
            WhyOif::Unwanted => by_held == Reason::Unwanted,
            _ => false,
        };
        // What decides comes first: the iif, then forward state, then what is held.
        let decides = match reason.why {
            WhyOif::Incoming => true,
            WhyOif::SwitchedOn { .. } | WhyOif::SwitchedOff { .. } => iif != Some(on),
            _ => iif != Some(on) && set.is_none(),
        };
        if is_true && decides { Ok(()) } else { Err(format!("on {on} it is {set:?}, {by_held:?}")) }
    }

    /// By what is held on an interface alone.
    fn reason_there(&self, key: Key, on: Interface) -> Reason {
        let here = || self.held.iter().filter(|((at, _, entry), _)| *at == on && covers(*entry, key));
        let joined: Vec<(Uid, Entry)> = here()
            .filter(|(_, hold)| hold.kind == MembershipKind::Joined)
            .map(|((_, by, entry), _)| (*by, *entry))
            .collect();
        let blocks = |client: Uid| {
            here().any(|((_, by, _), hold)| *by == client && hold.kind == MembershipKind::Blocked)
        };
        if joined.iter().any(|(_, entry)| entry.source().is_some()) {
            Reason::Wanted
        } else if joined.is_empty() {
            Reason::Unwanted
        } else if is_ssm(key.0) {
            Reason::SourceSpecific
        } else if joined.iter().all(|(client, _)| blocks(*client)) {
            Reason::Blocked
        } else {
            Reason::Wanted
        }
    }

    fn check_pulls(&self, key: Key, reasons: &[PullReason]) -> Verdict {
        let told = self.told_by_name();
        let mut entries = vec![Entry::SourceGroup(key.1, key.0)];
        if !is_ssm(key.0) {
            entries.extend([Entry::Group(key.0), Entry::AllGroups]);
        }
        let mut due: Vec<_> =
            entries.iter().map(|entry| Pull { entry: *entry, cause: AlertCause::Membership }).collect();
        if self.mfes.contains_key(&key) {
            due.push(Pull { entry: entries[0], cause: AlertCause::ForwardingEntry });
        }
        let due: BTreeSet<_> =
            told.keys().flat_map(|client| due.iter().map(|pull| (*client, *pull))).collect();
        let listed: BTreeSet<_> = reasons.iter().map(|reason| (reason.client, reason.pull)).collect();
        if listed != due || reasons.len() != due.len() {
            return Err(format!("it could be told {due:?}"));
        }
        for reason in reasons {
            let is_told = told[&reason.client].contains(&reason.pull);
            if reason.why.is_told() != is_told || !self.is_true(key, reason) {
                return Err(format!("of {} and {} told is {is_told}", reason.client, reason.pull));
            }
        }
        Ok(())
    }

    fn is_true(&self, key: Key, reason: &PullReason) -> bool {
        let registered = |client: &Uid| self.clients[*client].is_registered;
        let client = (0..self.clients.len()).filter(registered).find(|it| self.name(*it) == reason.client);
        let Some(client) = client else { return false };
        let Pull { entry, cause } = reason.pull;
        let is_of_membership = cause == AlertCause::Membership;
        let others = self.wanting(entry).into_iter().filter(|other| *other != client);
        let others: Vec<ClientName> = others.map(|other| self.name(other)).collect();
        let told = match self.mfes.get(&key) {
            Some(mfe) if !is_of_membership => Some(mfe.owner),
            _ => entry.source().map(|source| self.owner_toward(source)),
        };
        let is_its = told.is_none_or(|told| told == Some(client));
        let oifs_of_others: Vec<_> = match self.mfes.get(&key) {
            Some(mfe) if !is_of_membership => {
                let counts = |on: &Interface| (*on, self.oif_counts_for(key, *on));
                let oifs = self.oifs(key);
                let counted = oifs.iter().map(counts).filter(|(_, by)| *by != mfe.owner);
                counted.filter_map(|(on, by)| Some((on, self.name(by?)))).collect()
            }
            _ => Vec::new(),
        };
        match reason.why {
            WhyTold::DidNotAsk => !self.is_told(client),
            WhyTold::NotUpstream { owner } => {
                self.is_told(client)
                    && !is_its
                    && told == Some(owner.and_then(|owner| self.registration(owner)))
            }
            WhyTold::Wanted { by } => is_of_membership && is_its && others.contains(&by),
            WhyTold::Forwarded { on, counts_for } => is_its && oifs_of_others.contains(&(on, counts_for)),
            WhyTold::NobodyElse => {
                is_its && if is_of_membership { others.is_empty() } else { oifs_of_others.is_empty() }
            }
            _ => false,
        }
    }

    /// The last registration of this name.
    fn registration(&self, name: ClientName) -> Option<Uid> {
        (0..self.clients.len()).rfind(|client| self.name(*client) == name)
    }
}

/// What what is held on an interface comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
    Wanted,
    Unwanted,
    Blocked,
    SourceSpecific,
}

/// (S,G), (\*,G) and (\*,\*), in the SSM range too: there it says what it is that does not count.
fn covers(entry: Entry, (group, source): Key) -> bool {
    [Entry::SourceGroup(source, group), Entry::Group(group), Entry::AllGroups].contains(&entry)
}
