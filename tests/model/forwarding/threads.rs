//! The same calls from several threads at once, with callbacks that call back.
//!
//! What order they take is open; when all is quiet, what holds in every order has to hold.

use std::collections::{BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    AlertCause, Client, ClientName, ClientRef, CreationMode, CreationOif, Entry, GroupAddr, IgmpCallbacks,
    Interface, MembershipKind, Mfe, Mgm, NewMfe, ProtocolCallbacks, Route, RpfRequest, SourceAddr,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::invariant::to_pull;
use super::naive::Key;
use super::ops::{self, ALWAYS, Creation, FLOWS, Faults, Op, Rpf, flow, interface, interfaces};
use super::plane::Plane;
use super::scripts::Table;
use crate::ops::{SLOTS, Verb, name};

/// Comes and goes while the threads run; the others stay.
const GUEST: usize = SLOTS - 1;

/// What each thread does, and what the callbacks do.
#[derive(Clone, Debug)]
pub(crate) struct Brawl {
    threads: Vec<Vec<Op>>,
    reactions: Vec<Reaction>,
}

/// What a callback does, and answers.
#[derive(Clone, Debug, Default)]
struct Reaction {
    ops: Vec<Op>,
    rpf: Rpf,
    creation: Creation,
    panics: bool,
}

pub(crate) fn brawls() -> impl Strategy<Value = Brawl> {
    let ops = || vec(ops::op(), 60);
    let reaction = (vec(ops::op(), 0..3), ops::op(), proptest::bool::weighted(0.05)).prop_map(
        |(ops, answer, panics)| match answer {
            Op::Rpf(_, rpf) => Reaction { ops, rpf, creation: Creation::default(), panics },
            Op::Creation(_, creation) => Reaction { ops, rpf: Rpf::AsRib, creation, panics },
            _ => Reaction { ops, panics, ..Reaction::default() },
        },
    );
    (vec(ops(), 3), vec(reaction, 0..60)).prop_map(|(threads, reactions)| Brawl { threads, reactions })
}

/// One manager and its clients, used from all threads.
struct Arena {
    mgm: Mgm,
    table: Arc<Table>,
    plane: Arc<Plane>,
    slots: [Mutex<Option<Arc<Client>>>; SLOTS],
    start: Instant,
    seconds: AtomicU64,
    reactions: Mutex<VecDeque<Reaction>>,
    /// What those that stay were told to pull for the sake of (S,G) memberships.
    told: Mutex<BTreeSet<(ClientName, Entry)>>,
    /// Where there may be forward state, which cannot be read.
    stated: Mutex<BTreeSet<(Interface, Key)>>,
    callbacks: AtomicU64,
    panics: AtomicU64,
    broken: Mutex<Option<String>>,
}

/// Runs it; says what was broken.
pub(crate) fn run(brawl: Brawl) -> Result<(), String> {
    let (table, plane) = (Arc::<Table>::default(), Arc::<Plane>::default());
    let arena = Arc::new(Arena {
        mgm: Mgm::builder().rib(Arc::clone(&table)).forwarder(Arc::clone(&plane)).build(),
        table,
        plane: Arc::clone(&plane),
        slots: Default::default(),
        start: Instant::now(),
        seconds: AtomicU64::new(0),
        reactions: Mutex::new(brawl.reactions.into()),
        told: Mutex::default(),
        stated: Mutex::default(),
        callbacks: AtomicU64::new(0),
        panics: AtomicU64::new(0),
        broken: Mutex::new(None),
    });
    (0..SLOTS).for_each(|slot| arena.register(slot));
    arena.take_some();
    thread::scope(|scope| {
        for ops in brawl.threads {
            let arena = &arena;
            scope.spawn(move || ops.into_iter().for_each(|op| arena.act(op)));
        }
    });
    arena.check_quiet();
    arena.leave(GUEST);
    arena.check_quiet();
    (0..SLOTS).for_each(|slot| arena.leave(slot));
    let broken = arena.broken.lock().unwrap().take();
    drop(arena);
    let left = plane.memory.entries();
    broken.or_else(|| (!left.is_empty()).then(|| format!("FW-12: left: {left:?}"))).map_or(Ok(()), Err)
}

impl Arena {
    fn hold(&self, held: bool, statement: impl FnOnce() -> String) {
        if !held {
            self.broken.lock().unwrap().get_or_insert_with(statement);
        }
    }

    fn register(self: &Arc<Self>, slot: usize) {
        let ear = Ear { arena: Arc::downgrade(self), slot };
        let client = match name(slot) {
            ClientName::Igmp => self.mgm.register_igmp(ear),
            ClientName::Protocol(id) => self.mgm.register_protocol(id, ear),
        };
        if let Ok(client) = client {
            *self.slots[slot].lock().unwrap() = Some(Arc::new(client));
        }
    }

    /// Each protocol one interface, IGMP two, and a route.
    fn take_some(self: &Arc<Self>) {
        (1..SLOTS).for_each(|slot| self.act(Op::Take(slot, slot - 1)));
        (1..3).for_each(|on| self.act(Op::Take(0, on)));
        self.act(Op::Route(1, Some((0, true)), true));
    }

    /// The handle is dropped here, or where it is still in use.
    fn leave(&self, slot: usize) {
        let client = self.slots[slot].lock().unwrap().take();
        drop(client);
    }

    fn as_client<R>(&self, slot: usize, act: impl FnOnce(&ClientRef) -> R) {
        let client = self.slots[slot].lock().unwrap().clone();
        let _refused = client.map(|client| act(&client));
    }

    fn now(&self, later: u64) -> Instant {
        let before = self.seconds.fetch_add(later, Ordering::SeqCst);
        self.start + Duration::from_secs(before + later)
    }

    fn act(self: &Arc<Self>, op: Op) {
        match op {
            Op::Register(_) => self.register(GUEST),
            Op::Deregister(_) | Op::Drop(_) => self.leave(GUEST),
            Op::Take(slot, on) => {
                self.as_client(slot, |client| client.take_interface_ownership(interface(on)));
            }
            Op::Release(slot, on) => {
                self.as_client(slot, |client| client.release_interface_ownership(interface(on)));
            }
            Op::Remove(on) => self.mgm.interface_removed(interface(on).index()),
            Op::Set(verb, slot, on, entry) => self.set(verb, slot, interface(on), ops::entry(entry)),
            Op::Packet(number, on) => self.packet(flow(number), interface(on)),
            Op::Unknown(number, on) => self.unknown(flow(number), interface(on)),
            Op::Wrong(number, on) => self.wrong(flow(number), interface(on)),
            Op::Route(number, to, _) => {
                let (prefix, route) = (ops::prefix(number), to.map(|to| ops::route(number, to)));
                self.table.0.lock().unwrap().set(prefix, route);
                self.mgm.routes_changed(&prefix);
            }
            Op::RoutesChanged(number) => self.mgm.routes_changed(&ops::prefix(number)),
            Op::State(slot, on, number, state) => {
                let ((source, group), on) = (flow(number), interface(on));
                self.stated.lock().unwrap().insert((on, (group, source)));
                self.as_client(slot, |client| client.set_forward_state(on, source, group, state));
            }
            Op::Mfe(slot, number, on, _) => {
                let (source, group) = flow(number);
                self.as_client(slot, |client| client.set_mfe(source, group, interface(on), None));
            }
            Op::Timeout(slot, number, seconds) => {
                let ((source, group), timeout) =
                    (flow(number), seconds.map_or(Duration::MAX, Duration::from_secs));
                self.as_client(slot, |client| client.set_mfe_timeout(source, group, timeout));
            }
            Op::WrongAlerts(slot, on, wanted) => {
                self.as_client(slot, |client| client.set_wrong_interface_alerts(interface(on), wanted));
            }
            Op::Expire(seconds) => drop(self.mgm.expire(self.now(seconds))),
            Op::Faults(faults) => self.plane.notes().faults = Faults { panics: false, ..faults },
            // Reactions have their answers.
            Op::Rpf(..) | Op::Creation(..) => {}
        }
    }

    fn set(&self, verb: Verb, slot: usize, on: Interface, entry: Entry) {
        self.as_client(slot, |client| match (verb, entry) {
            (Verb::Add, _) => client.add_group_membership(on, entry),
            (Verb::Delete, _) => client.delete_group_membership(on, entry),
            (Verb::Block, Entry::SourceGroup(source, group)) => client.block_source(on, source, group),
            (Verb::Unblock, Entry::SourceGroup(source, group)) => client.unblock_source(on, source, group),
            (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
        });
    }

    fn packet(&self, (source, group): (SourceAddr, GroupAddr), on: Interface) {
        match self.plane.packet((group, source), on) {
            Some(oifs) if oifs.is_empty() => self.wrong((source, group), on),
            Some(_) => {}
            None => self.unknown((source, group), on),
        }
    }

    fn unknown(&self, (source, group): (SourceAddr, GroupAddr), on: Interface) {
        let made = self.mgm.packet_received(source, group, on, &[7], self.now(0));
        self.hold(made.is_ok(), || format!("MB-7: {made:?}, and nothing is limited"));
    }

    fn wrong(&self, (source, group): (SourceAddr, GroupAddr), on: Interface) {
        self.mgm.packet_on_wrong_interface(source, group, on, &[8], self.now(0));
    }
}

/// What holds while no call is in progress.
impl Arena {
    fn check_quiet(self: &Arc<Self>) {
        self.reactions.lock().unwrap().clear();
        let callbacks = self.callbacks.load(Ordering::SeqCst);
        // Changes nothing, and delivers what has been forgotten.
        self.mgm.interface_removed(std::num::NonZeroU32::MAX);
        let late = self.callbacks.load(Ordering::SeqCst) - callbacks;
        self.hold(late == 0, || format!("CB-4: {late} callbacks came late"));
        self.check_told();
        self.plane.notes().faults = Faults::default();
        // FW-13: none is for ever in the making.
        (0..FLOWS).for_each(|number| self.unknown(flow(number), interface(0)));
        self.hold(self.mgm.mfes().count() == FLOWS, || "FW-13: an entry cannot be made".to_owned());
        let stated = self.stated.lock().unwrap().clone();
        self.check_entries(&stated);
        self.clear_states();
        self.check_entries(&BTreeSet::new());
        for _ in 0..2 {
            let _next = self.mgm.expire(self.now(65));
        }
        self.check_forwarder();
        let panics = (self.mgm.caught_panics(), self.panics.load(Ordering::SeqCst));
        self.hold(panics.0 == panics.1, || format!("CB-5: {panics:?} panics"));
    }

    /// CT-5, CT-8: of those that stay.
    fn check_told(&self) {
        let mut due = to_pull(&self.mgm, &self.table);
        due.retain(|(to, _)| *to != name(GUEST));
        let told = self.told.lock().unwrap().clone();
        self.hold(told == due, || format!("CT-5, CT-8: told to pull {told:?}, and due is {due:?}"));
    }

    /// FW-2, FW-9; but for the oifs that forward state may put in or keep out.
    fn check_entries(&self, open: &BTreeSet<(Interface, Key)>) {
        for mfe in self.mgm.mfes() {
            let key = (mfe.group, mfe.source);
            let wanted = |on: &Interface| *on != mfe.iif && self.is_wanted(*on, key);
            let differ =
                interfaces().find(|on| !open.contains(&(*on, key)) && mfe.oifs.contains(on) != wanted(on));
            self.hold(differ.is_none(), || format!("FW-2: {mfe:?}, but {differ:?}, {:?}", self.held()));
            self.check_route(&mfe);
        }
    }

    fn check_route(&self, mfe: &Mfe) {
        let owner = |on| self.mgm.owner(on).filter(|owner| *owner != ClientName::Igmp);
        let route = self.table.0.lock().unwrap().find(mfe.source);
        let due = route.and_then(|route| owner(route.interface));
        let iif_owner = route.and_then(|_| owner(mfe.iif));
        let in_place = due.is_some() || route.is_none_or(|route| route.interface == mfe.iif);
        let seen = (mfe.owner, mfe.prefix, iif_owner, in_place);
        let agreed = seen == (due, route.map(|route| route.prefix), due, true);
        self.hold(agreed, || format!("FW-1, FW-9: {mfe:?}, by the RIB {route:?} of {due:?}"));
    }

    fn clear_states(&self) {
        let stated = std::mem::take(&mut *self.stated.lock().unwrap());
        for (on, (group, source)) in stated {
            for slot in 0..SLOTS {
                self.as_client(slot, |client| client.set_forward_state(on, source, group, None));
            }
        }
    }

    /// From what is enumerated.
    fn is_wanted(&self, on: Interface, (group, source): Key) -> bool {
        let here: Vec<_> = self.mgm.groups().filter(|held| held.interface == on).collect();
        let is_ssm = group.address().octets()[0] == 232;
        (0..SLOTS).map(name).any(|client| {
            let own = || here.iter().filter(|held| held.added_by == client);
            match own().find(|held| held.entry == Entry::SourceGroup(source, group)) {
                Some(held) => held.kind == MembershipKind::Joined,
                None => {
                    !is_ssm && own().any(|held| [Entry::AllGroups, Entry::Group(group)].contains(&held.entry))
                }
            }
        })
    }

    fn held(&self) -> Vec<(Entry, Interface, MembershipKind)> {
        self.mgm.groups().map(|held| (held.entry, held.interface, held.kind)).collect()
    }

    /// FW-11, FW-12.
    fn check_forwarder(&self) {
        let failures = self.mgm.forwarder_failures();
        self.hold(failures.is_empty(), || format!("FW-11: still not done: {failures:?}"));
        let due: Vec<_> = self.mgm.mfes().map(|mfe| (mfe.group, mfe.source, mfe.iif, mfe.oifs)).collect();
        let held = self.plane.memory.entries().into_iter();
        let held: Vec<_> = held.map(|entry| (entry.group, entry.source, entry.iif, entry.oifs)).collect();
        self.hold(held == due, || format!("FW-12: the forwarder holds {held:?}, and not {due:?}"));
        let broken = self.plane.notes().broken.clone();
        self.hold(broken.is_none(), || format!("FW-11: {broken:?}"));
    }
}

/// The callbacks of one registration.
struct Ear {
    arena: Weak<Arena>,
    slot: usize,
}

impl Ear {
    fn hear(&self) {
        self.react(|_, _| ());
    }

    fn hear_of_membership(&self, (entry, cause): (Entry, AlertCause), pull: bool) {
        if let Some(arena) = self.arena.upgrade()
            && cause == AlertCause::Membership
            && entry.source().is_some()
            && self.slot != GUEST
        {
            let told = (name(self.slot), entry);
            let mut all = arena.told.lock().unwrap();
            let in_order = if pull { all.insert(told) } else { all.remove(&told) };
            drop(all);
            arena.hold(in_order, || format!("CB-3: {} hears of {entry} out of order", told.0));
        }
        self.hear();
    }

    /// Answers, calls, and then may panic.
    fn react(&self, answer: impl FnOnce(&Arena, &Reaction)) {
        let Some(arena) = self.arena.upgrade() else { return };
        arena.callbacks.fetch_add(1, Ordering::SeqCst);
        let reaction = arena.reactions.lock().unwrap().pop_front().unwrap_or_default();
        // Others have their chance to come between.
        thread::yield_now();
        answer(&arena, &reaction);
        reaction.ops.into_iter().for_each(|op| arena.act(op));
        if reaction.panics {
            arena.panics.fetch_add(1, Ordering::SeqCst);
            resume_unwind(Box::new("as the reaction says"));
        }
    }
}

impl IgmpCallbacks for Ear {
    fn disable_igmp(&self, _: &ClientRef, _: Interface) {
        self.hear();
    }

    fn enable_igmp(&self, _: &ClientRef, _: Interface) {
        self.hear();
    }

    fn interface_removed(&self, _: &ClientRef, _: Interface) {
        self.hear();
    }
}

impl ProtocolCallbacks for Ear {
    fn creation_mode(&self) -> CreationMode {
        if self.slot == ALWAYS { CreationMode::Always } else { CreationMode::WithOifs }
    }

    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let mut route = request.route;
        self.react(|_, reaction| route = reaction.rpf.answer(route).unwrap_or(route));
        route
    }

    fn creation_alert(&self, _: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        let key = (entry.group, entry.source);
        self.react(|arena, reaction| {
            let shown = oifs.to_vec();
            reaction.creation.answer(oifs);
            let changed = shown.iter().zip(oifs.iter()).filter(|(shown, oif)| shown != oif);
            arena.stated.lock().unwrap().extend(changed.map(|(shown, _)| (shown.interface(), key)));
        });
    }

    fn wrong_interface(&self, _: &ClientRef, _: Interface, _: SourceAddr, _: GroupAddr, _: &[u8]) {
        self.hear();
    }

    fn join_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
        self.hear_of_membership((entry, cause), true);
    }

    fn prune_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
        self.hear_of_membership((entry, cause), false);
    }

    fn local_join(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.hear();
    }

    fn local_leave(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.hear();
    }

    fn interface_removed(&self, _: &ClientRef, _: Interface) {
        self.hear();
    }
}
