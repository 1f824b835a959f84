//! The upstream side of an IGMP or MLD proxy (RFC 4605): what hosts want on the other interfaces is joined there.
//!
//! The manager merges what the interfaces want, and tells the protocol that owns the upstream interface; the kernel
//! speaks to the querier there, in the version that it understands.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroU32;

use mgm::{AlertCause, ClientRef, Entry, GroupAddr, ProtocolCallbacks, SourceAddr};
use parking_lot::Mutex;
use socket2::{Socket, Type};

use crate::family::Family;

/// Joins upstream what is wanted elsewhere.
#[derive(Debug)]
pub(crate) struct Proxy<A: Family>(Mutex<State<A>>);

#[derive(Debug)]
struct State<A: Family> {
    upstream: Option<NonZeroU32>,
    groups: BTreeMap<GroupAddr<A>, Joined<A>>,
    failures: Failures,
}

/// What is wanted of a group, and the sockets that keep it joined. The kernel merges them.
#[derive(Debug)]
struct Joined<A> {
    wants_any: bool,
    any: Option<Socket>,
    wanted: BTreeSet<SourceAddr<A>>,
    sources: Vec<Sources<A>>,
}

/// One socket with as many sources as the kernel lets it have (`net.ipv4.igmp_max_msf`).
#[derive(Debug)]
struct Sources<A> {
    socket: Socket,
    joined: BTreeSet<SourceAddr<A>>,
}

/// What could not be joined since the last time that somebody asked.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) count: u64,
    pub(crate) last: String,
}

impl<A: Family> Proxy<A> {
    pub(crate) const fn new() -> Self {
        let failures = Failures { count: 0, last: String::new() };
        Self(Mutex::new(State { upstream: None, groups: BTreeMap::new(), failures }))
    }

    /// The upstream interface is this one now, or gone: all that is wanted is joined there.
    pub(crate) fn set_upstream(&self, upstream: Option<NonZeroU32>) {
        let state = &mut *self.0.lock();
        state.upstream = upstream;
        for (&group, joined) in &mut state.groups {
            (joined.any, joined.sources) = (None, Vec::new());
            joined.join(upstream, group, &mut state.failures);
        }
    }

    pub(crate) fn take_failures(&self) -> Failures {
        std::mem::take(&mut self.0.lock().failures)
    }

    fn change(&self, group: GroupAddr<A>, change: impl FnOnce(&mut Joined<A>)) {
        let state = &mut *self.0.lock();
        let new = || Joined { wants_any: false, any: None, wanted: BTreeSet::new(), sources: Vec::new() };
        let joined = state.groups.entry(group).or_insert_with(new);
        change(joined);
        joined.join(state.upstream, group, &mut state.failures);
        joined.leave(state.upstream, group);
        if !joined.wants_any && joined.wanted.is_empty() {
            state.groups.remove(&group);
        }
    }
}

impl<A: Family> Joined<A> {
    /// Joins what is wanted and not joined.
    fn join(&mut self, upstream: Option<NonZeroU32>, group: GroupAddr<A>, failures: &mut Failures) {
        let Some(index) = upstream else { return };
        if self.wants_any && self.any.is_none() {
            match join_any(index, group) {
                Ok(socket) => self.any = Some(socket),
                Err(error) => failures.note(format!("(*, {group}): {error}")),
            }
        }
        let joined: BTreeSet<_> =
            self.sources.iter().flat_map(|sources| sources.joined.iter().copied()).collect();
        for &source in self.wanted.difference(&joined) {
            if let Err(error) = join_source(&mut self.sources, index, group, source) {
                failures.note(format!("({source}, {group}): {error}"));
            }
        }
    }

    /// Leaves what is joined and not wanted any more.
    fn leave(&mut self, upstream: Option<NonZeroU32>, group: GroupAddr<A>) {
        if !self.wants_any {
            self.any = None;
        }
        let (wanted, Some(index)) = (&self.wanted, upstream) else { return };
        for Sources { socket, joined } in &mut self.sources {
            joined.retain(|source| {
                let keep = wanted.contains(source);
                // A source that cannot be left goes with its socket.
                let left = !keep && A::leave_source(socket, index, group.address(), source.address()).is_ok();
                !left
            });
        }
        self.sources.retain(|sources| sources.joined.iter().any(|source| wanted.contains(source)));
    }
}

fn join_any<A: Family>(index: NonZeroU32, group: GroupAddr<A>) -> io::Result<Socket> {
    let socket = Socket::new(A::DOMAIN, Type::DGRAM, None)?;
    A::join_group(&socket, index, group.address())?;
    Ok(socket)
}

fn join_source<A: Family>(
    sockets: &mut Vec<Sources<A>>,
    index: NonZeroU32,
    group: GroupAddr<A>,
    source: SourceAddr<A>,
) -> io::Result<()> {
    for Sources { socket, joined } in sockets.iter_mut() {
        if A::join_source(socket, index, group.address(), source.address()).is_ok() {
            joined.insert(source);
            return Ok(());
        }
    }
    let socket = Socket::new(A::DOMAIN, Type::DGRAM, None)?;
    A::join_source(&socket, index, group.address(), source.address())?;
    sockets.push(Sources { socket, joined: BTreeSet::from([source]) });
    Ok(())
}

impl Failures {
    fn note(&mut self, last: String) {
        self.count += 1;
        self.last = last;
    }
}

impl<A: Family> ProtocolCallbacks<A> for Proxy<A> {
    fn join_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        match entry {
            // Where packets go, which the kernel does not have to be told again.
            _ if cause != AlertCause::Membership => {}
            Entry::AllGroups => {}
            Entry::Group(group) => self.change(group, |joined| joined.wants_any = true),
            Entry::SourceGroup(source, group) => self.change(group, |joined| {
                joined.wanted.insert(source);
            }),
        }
    }

    fn prune_alert(&self, _: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        match entry {
            _ if cause != AlertCause::Membership => {}
            Entry::AllGroups => {}
            Entry::Group(group) => self.change(group, |joined| joined.wants_any = false),
            Entry::SourceGroup(source, group) => self.change(group, |joined| {
                joined.wanted.remove(&source);
            }),
        }
    }

    fn interface_removed(&self, _: &ClientRef<A>, _: NonZeroU32) {
        self.set_upstream(None);
    }
}
