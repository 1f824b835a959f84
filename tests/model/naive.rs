//! The naive model: plain maps, and the statements of the specification in the order in which they apply.
//! Since a callback may do anything, what a call has yet to do is kept as steps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;

use mgm::{Change, ClientName, Entry, Error, Interface, Limit, MembershipKind};

use crate::ops::{Max, Verb};

/// A registration, by number; an id that is registered again is another.
pub(crate) type Uid = usize;
pub(crate) type Outcome = Result<Option<Change>, Error>;
/// Entry, interface, kind, who added it, and whom it counts for.
pub(crate) type Held = (Entry, Interface, MembershipKind, ClientName, ClientName);
/// Interface, owner, whether IGMP is on it, whether it is changing hands.
pub(crate) type Status = (Interface, ClientName, bool, bool);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Register(Uid, ClientName),
    Deregister(Uid),
    Drop(Uid),
    Take(Uid, Interface),
    Release(Uid, Interface),
    Set(Verb, Uid, Interface, Entry),
    Remove(NonZeroU32),
}

/// What a client hears.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum News {
    Disable(Interface),
    Enable(Interface),
    Join(Entry),
    Prune(Entry),
    LocalJoin(Interface, Entry),
    LocalLeave(Interface, Entry),
    LocalBlock(Interface, Entry),
    LocalUnblock(Interface, Entry),
    Removed(Interface),
}

#[derive(Clone, Debug)]
struct Client {
    name: ClientName,
    /// It may ask, and is called. One that is not, and is still on something, holds its id (HO-10).
    alive: bool,
    /// In the order of taking, from the moment that a take is granted.
    on: Vec<Interface>,
    /// Each with the change that caused it: the order within one change is open.
    news: VecDeque<(u64, News)>,
    /// How many of `news` are no longer waiting: a thread takes its news in batches.
    taken: usize,
}

#[derive(Clone, Debug, Default)]
struct Place {
    protocol: Option<Uid>,
    igmp: Option<Uid>,
    handover: Option<Handover>,
}

#[derive(Clone, Debug, Default)]
struct Handover {
    igmp_enabled: bool,
    releases: Vec<Uid>,
    removal: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Disable(Interface),
    Take(Uid, Interface),
    Release(Uid, Interface),
    Enable(Interface),
    EndHandover(Interface),
    /// A release that cannot be refused (CL-4).
    ReleaseDropped(Uid, Interface),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    max: Max,
    clients: Vec<Client>,
    places: BTreeMap<Interface, Place>,
    held: BTreeMap<(Interface, Uid, Entry), MembershipKind>,
    changes: u64,
}

pub(crate) type Verdict = Result<(), String>;

impl Model {
    pub(crate) fn new(max: Max) -> Self {
        Self { max, ..Self::default() }
    }

    /// What changes from now on is another change.
    pub(crate) fn next_change(&mut self) {
        self.changes += 1;
    }
}

/// What a call asks for: refused, or done but for the steps that are left.
impl Model {
    pub(crate) fn ask(&mut self, call: Call) -> Result<(Option<Change>, Vec<Step>), Vec<Error>> {
        if let Call::Take(client, _) | Call::Release(client, _) | Call::Set(_, client, ..) = call
            && !self.clients[client].alive
        {
            return Err(vec![Error::Deregistered { client: self.clients[client].name }]);
        }
        let steps = match call {
            Call::Register(_, name) => self.register(name).map_err(|error| vec![error])?,
            Call::Deregister(client) => self.deregister(client).map_err(|error| vec![error])?,
            Call::Drop(client) => self.drop_client(client),
            Call::Take(client, on) => self.take(client, on).map_err(|error| vec![error])?,
            Call::Release(client, on) => {
                self.refuse_during_handover(on).map_err(|error| vec![error])?;
                self.refuse_unless_on(client, on).map_err(|error| vec![error])?;
                self.release(client, on)
            }
            Call::Set(verb, client, on, entry) => {
                return self
                    .set_if_allowed(verb, (on, client, entry))
                    .map(|change| (Some(change), Vec::new()));
            }
            Call::Remove(index) => {
                self.remove_all(index);
                Vec::new()
            }
        };
        Ok((None, steps))
    }

    fn register(&mut self, name: ClientName) -> Result<Vec<Step>, Error> {
        if self.clients.iter().any(|client| client.name == name && (client.alive || !client.on.is_empty())) {
            return Err(match name {
                ClientName::Igmp => Error::IgmpAlreadyRegistered,
                ClientName::Protocol(id) => Error::AlreadyRegistered { id },
            });
        }
        self.clients.push(Client { name, alive: true, on: Vec::new(), news: VecDeque::new(), taken: 0 });
        Ok(Vec::new())
    }

    fn deregister(&mut self, client: Uid) -> Result<Vec<Step>, Error> {
        let Client { name, on, .. } = &self.clients[client];
        if !on.is_empty() {
            return Err(Error::StillOnInterfaces { client: *name, interfaces: on.clone() });
        }
        Ok(self.drop_client(client))
    }

    fn drop_client(&mut self, client: Uid) -> Vec<Step> {
        let record = &mut self.clients[client];
        record.alive = false;
        record.news.clear();
        record.on.iter().map(|on| Step::ReleaseDropped(client, *on)).collect()
    }

    fn take(&mut self, client: Uid, on: Interface) -> Result<Vec<Step>, Error> {
        self.refuse_during_handover(on)?;
        let place = self.place(on);
        let name = self.clients[client].name;
        if self.clients[client].on.contains(&on) {
            return Err(Error::AlreadyTaken { interface: on, client: name });
        }
        if let Some(owner) = place.protocol.filter(|_| name != ClientName::Igmp) {
            return Err(Error::OwnedByAnother { interface: on, owner: self.clients[owner].name });
        }
        self.clients[client].on.push(on);
        if name == ClientName::Igmp {
            self.places.entry(on).or_default().igmp = Some(client);
            return Ok(Vec::new());
        }
        Ok(self.bracketed(on, Step::Take(client, on)))
    }

    fn release(&mut self, client: Uid, on: Interface) -> Vec<Step> {
        if self.clients[client].name == ClientName::Igmp {
            self.release_now(client, on);
            return Vec::new();
        }
        self.bracketed(on, Step::Release(client, on))
    }

    /// HO-1, HO-5.
    fn bracketed(&mut self, on: Interface, change: Step) -> Vec<Step> {
        let place = self.places.entry(on).or_default();
        if place.igmp.is_none() {
            return self.take_step(change);
        }
        place.handover = Some(Handover::default());
        vec![Step::Disable(on), change, Step::Enable(on), Step::EndHandover(on)]
    }

    fn remove_all(&mut self, index: NonZeroU32) {
        let links: Vec<_> = self.places.keys().copied().filter(|on| on.index() == index).collect();
        for on in links {
            match &mut self.places.entry(on).or_default().handover {
                Some(handover) => handover.removal = true,
                None => self.remove(on),
            }
        }
    }

    fn set_if_allowed(
        &mut self,
        verb: Verb,
        (on, client, entry): (Interface, Uid, Entry),
    ) -> Result<Change, Vec<Error>> {
        self.refuse(client, on, entry).map_err(|error| vec![error])?;
        let old = self.held.get(&(on, client, entry)).copied();
        let new = match (verb, old) {
            (Verb::Add, _) => Some(MembershipKind::Joined),
            (Verb::Block, _) => Some(MembershipKind::Blocked),
            (Verb::Delete, Some(MembershipKind::Joined)) | (Verb::Unblock, Some(MembershipKind::Blocked)) => {
                None
            }
            (Verb::Delete | Verb::Unblock, old) => old,
        };
        if new == old {
            return Ok(Change::Unchanged);
        }
        if old.is_none() {
            self.refuse_at_limit(client, on).map_err(|limit| vec![Error::LimitReached(limit)])?;
        }
        let before = self.clone();
        self.set((on, client, entry), new);
        let overfull = self.overfull(&before);
        if new.is_some() && !overfull.is_empty() {
            *self = before;
            return Err(overfull);
        }
        Ok(Change::Changed)
    }

    fn refuse(&self, client: Uid, on: Interface, entry: Entry) -> Result<(), Error> {
        if let Entry::Group(group) = entry
            && group.address().octets()[0] == 232
        {
            return Err(Error::SourceRequired { group, range: "232.0.0.0/8".parse().unwrap() });
        }
        self.refuse_unless_on(client, on)?;
        let is_igmp = self.clients[client].name == ClientName::Igmp;
        match self.place(on).handover {
            Some(handover) if is_igmp && !handover.igmp_enabled => Err(Error::IgmpDisabled { interface: on }),
            Some(_) | None => Ok(()),
        }
    }

    fn refuse_unless_on(&self, client: Uid, on: Interface) -> Result<(), Error> {
        let place = self.place(on);
        if [place.protocol, place.igmp].contains(&Some(client)) {
            return Ok(());
        }
        let owner = self.owner(on).map(|owner| self.clients[owner].name);
        Err(Error::NotOnInterface { interface: on, client: self.clients[client].name, owner })
    }

    fn refuse_during_handover(&self, on: Interface) -> Result<(), Error> {
        match self.place(on).handover {
            Some(_) => Err(Error::HandoverInProgress { interface: on }),
            None => Ok(()),
        }
    }

    fn refuse_at_limit(&self, client: Uid, on: Interface) -> Result<(), Limit> {
        let count = |here: &dyn Fn(Interface, Uid) -> bool| {
            self.held.keys().filter(|(on, by, _)| here(*on, *by)).count()
        };
        let reached = |max: Option<usize>, count: usize| max.filter(|max| count >= *max);
        let name = self.clients[client].name;
        if let Some(max) = reached(self.max.memberships, count(&|_, _| true)) {
            return Err(Limit::Memberships { max });
        }
        if let Some(max) = reached(self.max.per_interface, count(&|at, _| at == on)) {
            return Err(Limit::MembershipsOnInterface { interface: on, max });
        }
        if let Some(max) = reached(self.max.per_client, count(&|_, by| by == client)) {
            return Err(Limit::MembershipsOfClient { client: name, max });
        }
        Ok(())
    }

    /// Any client may be named for which more than may would wait.
    fn overfull(&self, before: &Self) -> Vec<Error> {
        let Some(max) = self.max.waiting_alerts else { return Vec::new() };
        let waiting = |client: &Client| client.news.len() - client.taken.min(client.news.len());
        let clients = self.clients.iter().zip(&before.clients);
        clients
            .filter(|(now, before)| waiting(now) > max && waiting(now) > waiting(before))
            .map(|(now, _)| Error::LimitReached(Limit::WaitingAlerts { client: now.name, max }))
            .collect()
    }
}

/// What a call does, step by step.
impl Model {
    pub(crate) fn take_step(&mut self, step: Step) -> Vec<Step> {
        match step {
            Step::Disable(_) => {}
            Step::Enable(on) => self.enable(on),
            // HO-3: withdrawn under the old owner, and only then it changes.
            Step::Take(client, on) => {
                self.withdraw(on, self.place(on).igmp);
                self.places.entry(on).or_default().protocol = Some(client);
            }
            Step::Release(client, on) => self.release_now(client, on),
            Step::EndHandover(on) => return self.end_handover(on),
            Step::ReleaseDropped(client, on) => return self.release_dropped(client, on),
        }
        Vec::new()
    }

    /// HO-10.
    fn release_dropped(&mut self, client: Uid, on: Interface) -> Vec<Step> {
        let place = self.places.entry(on).or_default();
        if let Some(handover) = &mut place.handover {
            handover.releases.push(client);
            Vec::new()
        } else if self.clients[client].on.contains(&on) {
            self.release(client, on)
        } else {
            Vec::new()
        }
    }

    /// HO-10: a removal makes the releases pointless.
    fn end_handover(&mut self, on: Interface) -> Vec<Step> {
        let handover = self.places.entry(on).or_default().handover.take().unwrap_or_default();
        if handover.removal {
            self.remove(on);
            return Vec::new();
        }
        handover.releases.into_iter().flat_map(|client| self.release_dropped(client, on)).collect()
    }
}

/// The state, and who is told when it changes.
impl Model {
    /// CT-1 to CT-4, CT-7, MB-6.
    fn set(&mut self, at: (Interface, Uid, Entry), new: Option<MembershipKind>) {
        let (on, client, entry) = at;
        let before = self.wanting(entry);
        let old = match new {
            Some(kind) => self.held.insert(at, kind),
            None => self.held.remove(&at),
        };
        let by_igmp = self.clients[client].name == ClientName::Igmp;
        if let Some(owner) = self.place(on).protocol.filter(|_| by_igmp) {
            match old {
                Some(MembershipKind::Joined) => self.tell(owner, News::LocalLeave(on, entry)),
                Some(_) => self.tell(owner, News::LocalUnblock(on, entry)),
                None => {}
            }
            self.changes += u64::from(old.is_some() && new.is_some());
            match new {
                Some(MembershipKind::Joined) => self.tell(owner, News::LocalJoin(on, entry)),
                Some(_) => self.tell(owner, News::LocalBlock(on, entry)),
                None => {}
            }
        }
        let after = self.wanting(entry);
        // CT-5: without routes nobody lies toward a source.
        if entry.source().is_some() {
            return;
        }
        for shifted in before.symmetric_difference(&after).copied() {
            let news = if after.contains(&shifted) { News::Join(entry) } else { News::Prune(entry) };
            let others: Vec<_> = after.iter().copied().filter(|other| *other != shifted).collect();
            match *others {
                [] => (0..self.clients.len()).filter(|to| *to != shifted).for_each(|to| self.tell(to, news)),
                [other] => self.tell(other, news),
                [..] => {}
            }
        }
    }

    /// IGMP hears of nothing but removals.
    fn tell(&mut self, to: Uid, news: News) {
        let hears = |client: &Client| client.name != ClientName::Igmp || matches!(news, News::Removed(_));
        let client = &mut self.clients[to];
        if client.alive && hears(client) {
            client.news.push_back((self.changes, news));
        }
    }

    /// CB-3: alerts come in the order of the changes.
    pub(crate) fn deliver(&mut self, to: Uid, news: News) -> Verdict {
        let client = &mut self.clients[to];
        if client.taken == 0 {
            client.taken = client.news.len().min(BATCH);
        }
        let change = client.news.front().map(|(change, _)| *change);
        let position = client.news.iter().position(|(of, due)| Some(*of) == change && *due == news);
        let Some(position) = position else {
            return Err(format!("{news:?} to {to}, for which waits {:?}", client.news));
        };
        client.news.remove(position);
        client.taken -= 1;
        Ok(())
    }

    /// The clients that want `entry`: each interface counts for its owner (CT-1, CT-2).
    fn wanting(&self, entry: Entry) -> BTreeSet<Uid> {
        let joined =
            self.held.iter().filter(|((.., held), kind)| *held == entry && **kind == MembershipKind::Joined);
        joined.filter_map(|((on, ..), _)| self.owner(*on)).collect()
    }

    fn withdraw(&mut self, on: Interface, client: Option<Uid>) {
        let all: Vec<_> =
            self.held.keys().copied().filter(|(at, by, _)| *at == on && Some(*by) == client).collect();
        all.into_iter().for_each(|at| self.set(at, None));
    }

    /// IF-7: a protocol that goes takes IGMP's memberships with it (HO-3).
    fn release_now(&mut self, client: Uid, on: Interface) {
        self.withdraw(on, self.place(on).igmp);
        self.withdraw(on, Some(client));
        let place = self.places.entry(on).or_default();
        for party in [&mut place.protocol, &mut place.igmp] {
            party.take_if(|party| *party == client);
        }
        self.clients[client].on.retain(|at| *at != on);
    }

    /// IF-8.
    fn remove(&mut self, on: Interface) {
        let place = self.place(on);
        for client in [place.igmp, place.protocol].into_iter().flatten() {
            self.tell(client, News::Removed(on));
            self.release_now(client, on);
        }
    }

    pub(crate) fn enable(&mut self, on: Interface) {
        if let Some(handover) = &mut self.places.entry(on).or_default().handover {
            handover.igmp_enabled = true;
        }
    }

    fn place(&self, on: Interface) -> Place {
        self.places.get(&on).cloned().unwrap_or_default()
    }

    fn owner(&self, on: Interface) -> Option<Uid> {
        self.places.get(&on).and_then(|place| place.protocol.or(place.igmp))
    }

    pub(crate) fn igmp_to_call(&self, on: Interface) -> Option<Uid> {
        self.place(on).igmp.filter(|igmp| self.clients[*igmp].alive)
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.clients.iter().all(|client| client.news.is_empty())
    }

    pub(crate) fn waiting(&self) -> Vec<(Uid, News)> {
        let all = self.clients.iter().enumerate();
        all.flat_map(|(uid, client)| client.news.iter().map(move |(_, news)| (uid, *news))).collect()
    }

    /// The number of the next registration.
    pub(crate) fn next_uid(&self) -> Uid {
        self.clients.len()
    }

    /// As `Mgm::groups`.
    pub(crate) fn groups(&self) -> BTreeSet<Held> {
        let name = |client: Uid| self.clients[client].name;
        let held = self.held.iter();
        held.map(|((on, by, entry), kind)| {
            (*entry, *on, *kind, name(*by), name(self.owner(*on).unwrap_or(*by)))
        })
        .collect()
    }

    /// As `Mgm::interfaces`.
    pub(crate) fn interfaces(&self) -> Vec<Status> {
        let status = |(on, place): (&Interface, &Place)| {
            let owner = self.clients[self.owner(*on)?].name;
            Some((*on, owner, place.igmp.is_some(), place.handover.is_some()))
        };
        self.places.iter().filter_map(status).collect()
    }
}

/// How much a thread takes at once to deliver it; it waits no longer.
const BATCH: usize = 64;
