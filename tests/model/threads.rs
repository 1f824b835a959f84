//! The same calls from several threads at once, with callbacks that call back.
//!
//! What order they take is open, so this holds them to the statements that hold in every order: CB-3,
//! CB-4, HO-2, HO-6, CT-4, CT-7 and CB-5.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Write, stderr};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use mgm::{
    AlertCause, Client, ClientName, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface, MembershipKind,
    Mgm, ProtocolCallbacks, SourceAddr,
};

use crate::ops::{self, INTERFACES, Op, Reaction, SLOTS, Verb, Where, Who};

/// Comes and goes while the threads run; the others stay.
const GUEST: usize = SLOTS - 1;

/// What each thread does, and what the callbacks do.
#[derive(Clone, Debug)]
pub(crate) struct Brawl {
    pub(crate) threads: Vec<Vec<Op>>,
    pub(crate) reactions: Vec<Reaction>,
}

/// One manager and its clients, used from all threads.
struct Arena {
    mgm: Mgm,
    slots: [Mutex<Option<Arc<Client>>>; SLOTS],
    heard: [Mutex<Heard>; SLOTS],
    /// For each interface, three steps a hand-over: `disable_igmp` begins, it ends, `enable_igmp` begins.
    brackets: [AtomicU64; INTERFACES],
    reactions: Mutex<VecDeque<Reaction>>,
    callbacks: AtomicU64,
    panics: AtomicU64,
    broken: Mutex<Option<String>>,
}

/// What a protocol has been told, and has not been told the end of.
#[derive(Default)]
struct Heard {
    to_pull: BTreeSet<Entry>,
    local: BTreeSet<(Interface, Entry, MembershipKind)>,
}

/// Runs it; says what was broken.
pub(crate) fn run(brawl: Brawl) -> Result<(), String> {
    let arena = Arc::new(Arena {
        mgm: Mgm::new(),
        slots: Default::default(),
        heard: Default::default(),
        brackets: Default::default(),
        reactions: Mutex::new(brawl.reactions.into()),
        callbacks: AtomicU64::new(0),
        panics: AtomicU64::new(0),
        broken: Mutex::new(None),
    });
    (0..SLOTS).for_each(|slot| arena.register(slot));
    thread::scope(|scope| {
        for ops in brawl.threads {
            let arena = &arena;
            scope.spawn(move || ops.into_iter().for_each(|op| arena.act(op, None)));
        }
    });
    arena.check_quiet();
    for slot in [0, GUEST] {
        arena.leave(slot);
        arena.check_quiet();
    }
    (0..SLOTS).for_each(|slot| arena.leave(slot));
    let left = (arena.mgm.groups().count(), arena.mgm.interfaces().len());
    arena.hold(left == (0, 0), || format!("CL-4: {left:?} entries and interfaces are left"));
    let broken = arena.broken.lock().unwrap().take();
    broken.map_or(Ok(()), Err)
}

/// Ends the process if nothing is sent to it for a long time: a deadlock cannot be reported otherwise.
pub(crate) fn watchdog() -> Sender<()> {
    let (alive, fed) = channel();
    thread::spawn(move || {
        while let Ok(()) = match fed.recv_timeout(Duration::from_secs(120)) {
            Err(RecvTimeoutError::Timeout) => {
                // Not `eprintln`, which the test harness keeps to itself.
                let _written = writeln!(stderr(), "deadlock: the threads made no progress for two minutes");
                std::process::abort();
            }
            other => other,
        } {}
    });
    alive
}

impl Arena {
    fn hold(&self, held: bool, statement: impl FnOnce() -> String) {
        if !held {
            self.broken.lock().unwrap().get_or_insert_with(statement);
        }
    }

    fn register(self: &Arc<Self>, slot: usize) {
        let ear = Ear { arena: Arc::downgrade(self), slot, inside: AtomicBool::new(false) };
        let client = match ops::name(slot) {
            ClientName::Igmp => self.mgm.register_igmp(ear),
            ClientName::Protocol(id) => self.mgm.register_protocol(id, ear),
        };
        if let Ok(client) = client {
            *self.slots[slot].lock().unwrap() = Some(Arc::new(client));
        }
    }

    /// The handle is dropped here, or where it is still in use.
    fn leave(&self, slot: usize) {
        let client = self.slots[slot].lock().unwrap().take();
        drop(client);
    }

    fn act(self: &Arc<Self>, op: Op, me: Option<(&ClientRef, Option<Interface>)>) {
        let place = |place| match (place, me) {
            (Where::Fixed(number), _) => number,
            (Where::Here, me) => me.and_then(|(_, here)| here).map_or(0, number),
        };
        let act_as = |who, act: &dyn Fn(&ClientRef)| match (who, me) {
            (Who::Me, Some((client, _))) => act(client),
            (Who::Me, None) => {}
            (Who::Slot(slot), _) => {
                let client = self.slots[slot].lock().unwrap().clone();
                client.iter().for_each(|client| act(client));
            }
        };
        match op {
            Op::Register(_) => self.register(GUEST),
            Op::Deregister(_) | Op::Drop(_) => self.leave(GUEST),
            Op::Remove(on) => self.mgm.interface_removed(ops::interface(place(on)).index()),
            Op::Take(who, on) => act_as(who, &|client| {
                let _refused = client.take_interface_ownership(ops::interface(place(on)));
            }),
            Op::Release(who, on) => act_as(who, &|client| {
                let _refused = client.release_interface_ownership(ops::interface(place(on)));
            }),
            Op::Set(verb, who, on, entry) => {
                act_as(who, &|client| self.set(client, verb, place(on), ops::entry(entry)));
            }
        }
    }

    fn set(&self, client: &ClientRef, verb: Verb, on: usize, entry: Entry) {
        let before = self.brackets[on].load(Ordering::SeqCst);
        let interface = ops::interface(on);
        let result = match (verb, entry) {
            (Verb::Add, _) => client.add_group_membership(interface, entry),
            (Verb::Delete, _) => client.delete_group_membership(interface, entry),
            (Verb::Block, Entry::SourceGroup(source, group)) => client.block_source(interface, source, group),
            (Verb::Unblock, Entry::SourceGroup(source, group)) => {
                client.unblock_source(interface, source, group)
            }
            (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
        };
        let after = self.brackets[on].load(Ordering::SeqCst);
        let by_igmp = client.name() == ClientName::Igmp;
        // Between the end of `disable_igmp` and the beginning of `enable_igmp` step 3 begins, unseen.
        let while_disabled = before == after && before % 3 == 1;
        self.hold(!(by_igmp && result.is_ok() && while_disabled), || {
            format!("HO-2: {verb:?} {entry} succeeds while IGMP is disabled on {interface}")
        });
    }

    /// HO-6: the steps of the hand-overs of one interface come in turn.
    fn step(&self, on: Interface, step: u64) {
        let count = self.brackets[number(on)].fetch_add(1, Ordering::SeqCst);
        self.hold(count % 3 == step, || format!("HO-6: step {step} on {on}, and not {}", count % 3));
    }

    /// No call is in progress.
    fn check_quiet(&self) {
        let callbacks = self.callbacks.load(Ordering::SeqCst);
        // Changes nothing, and delivers what has been forgotten.
        self.mgm.interface_removed(std::num::NonZeroU32::MAX);
        let late = self.callbacks.load(Ordering::SeqCst) - callbacks;
        self.hold(late == 0, || format!("CB-4: {late} alerts came late"));
        for (on, bracket) in self.brackets.iter().enumerate() {
            let enabled = bracket.load(Ordering::SeqCst).is_multiple_of(3);
            self.hold(enabled, || format!("HO-6: IGMP stays disabled on {}", ops::interface(on)));
        }
        let panics = (self.mgm.caught_panics(), self.panics.load(Ordering::SeqCst));
        self.hold(panics.0 == panics.1, || format!("CB-5: {panics:?} panics"));
        (1..GUEST).for_each(|protocol| self.check_protocol(protocol));
    }

    fn check_protocol(&self, protocol: usize) {
        let name = ops::name(protocol);
        let heard = self.heard[protocol].lock().unwrap();
        let all: Vec<_> = self.mgm.groups().collect();
        let by_others = all.iter().filter(|held| held.counts_for != name && held.entry.source().is_none());
        let wanted: BTreeSet<_> = by_others.map(|held| held.entry).collect();
        self.hold(wanted == heard.to_pull, || {
            format!("CT-4: {name} was told to pull {:?}, and others want {wanted:?}", heard.to_pull)
        });
        let by_igmp = all.iter().filter(|held| held.counts_for == name && held.added_by != name);
        let local: BTreeSet<_> = by_igmp.map(|held| (held.interface, held.entry, held.kind)).collect();
        self.hold(local == heard.local, || {
            format!("CT-7: {name} was told of {:?}, and IGMP holds {local:?}", heard.local)
        });
    }
}

fn number(interface: Interface) -> usize {
    (0..INTERFACES).find(|number| ops::interface(*number) == interface).unwrap()
}

/// The callbacks of one registration.
struct Ear {
    arena: Weak<Arena>,
    slot: usize,
    inside: AtomicBool,
}

impl Ear {
    fn disable(&self, igmp: &ClientRef, on: Interface) {
        let Some(arena) = self.arena.upgrade() else { return };
        let ended = || arena.step(on, 1);
        arena.step(on, 0);
        self.react(&arena, igmp, Some(on), ended);
    }

    fn enable(&self, igmp: &ClientRef, on: Interface) {
        let Some(arena) = self.arena.upgrade() else { return };
        arena.step(on, 2);
        self.react(&arena, igmp, Some(on), || ());
    }

    fn alert(&self, client: &ClientRef, on: Option<Interface>, take_down: impl FnOnce(&mut Heard) -> bool) {
        let Some(arena) = self.arena.upgrade() else { return };
        let alone = !self.inside.swap(true, Ordering::SeqCst);
        arena.hold(alone, || format!("CB-3: two alerts to {} at a time", client.name()));
        if self.slot != GUEST {
            let in_order = take_down(&mut arena.heard[self.slot].lock().unwrap());
            arena.hold(in_order, || format!("CB-3: {} hears alerts out of order", client.name()));
        }
        self.react(&arena, client, on, || self.inside.store(false, Ordering::SeqCst));
    }

    fn react(&self, arena: &Arc<Arena>, me: &ClientRef, on: Option<Interface>, ended: impl FnOnce()) {
        arena.callbacks.fetch_add(1, Ordering::SeqCst);
        let reaction = arena.reactions.lock().unwrap().pop_front().unwrap_or_default();
        // Others have their chance to come between.
        thread::yield_now();
        for op in reaction.ops {
            arena.act(op, Some((me, on)));
        }
        ended();
        if reaction.panics {
            arena.panics.fetch_add(1, Ordering::SeqCst);
            resume_unwind(Box::new("as the reaction says"));
        }
    }
}

impl IgmpCallbacks for Ear {
    fn disable_igmp(&self, igmp: &ClientRef, on: Interface) {
        self.disable(igmp, on);
    }

    fn enable_igmp(&self, igmp: &ClientRef, on: Interface) {
        self.enable(igmp, on);
    }

    fn interface_removed(&self, igmp: &ClientRef, on: Interface) {
        self.alert(igmp, Some(on), |_| true);
    }
}

impl ProtocolCallbacks for Ear {
    fn join_alert(&self, client: &ClientRef, entry: Entry, _: AlertCause) {
        self.alert(client, None, |heard| heard.to_pull.insert(entry));
    }

    fn prune_alert(&self, client: &ClientRef, entry: Entry, _: AlertCause) {
        self.alert(client, None, |heard| heard.to_pull.remove(&entry));
    }

    fn local_join(&self, client: &ClientRef, on: Interface, entry: Entry) {
        self.alert(client, Some(on), |heard| heard.local.insert((on, entry, MembershipKind::Joined)));
    }

    fn local_leave(&self, client: &ClientRef, on: Interface, entry: Entry) {
        self.alert(client, Some(on), |heard| heard.local.remove(&(on, entry, MembershipKind::Joined)));
    }

    fn local_block(&self, client: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        let entry = Entry::SourceGroup(source, group);
        self.alert(client, Some(on), |heard| heard.local.insert((on, entry, MembershipKind::Blocked)));
    }

    fn local_unblock(&self, client: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        let entry = Entry::SourceGroup(source, group);
        self.alert(client, Some(on), |heard| heard.local.remove(&(on, entry, MembershipKind::Blocked)));
    }

    fn interface_removed(&self, client: &ClientRef, on: Interface) {
        self.alert(client, Some(on), |_| true);
    }
}
