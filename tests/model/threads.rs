//! The same operations from several threads at once, with callbacks that call back.
//!
//! What order they take is open, so this holds them to the statements that hold in every order: HO-2, HO-6, CB-3 to
//! CB-5 while they run, and, when all is quiet, CT-4 to CT-8, FW-1, FW-2, FW-9, FW-11 to FW-13, FW-16 and CL-4.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Write, stderr};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    Alert, Client, ClientName, ClientRef, CreationMode, CreationOif, IgmpCallbacks, Interface, NewMfe, News,
    ProtocolCallbacks, Questions, Route, RpfRequest,
};

use crate::invariant::{check_due, check_forwarder, check_oifs, check_ways, due};
use crate::ledger::Ledger;
use crate::naive::caller;
use crate::ops::{
    self, FLOWS, Faults, IGMP, INTERFACES, Key, LAST, Max, Op, Reaction, SLOTS, Scene, Where, Who, flow,
    interface, interfaces, name,
};
use crate::rig::{Rig, interface_of};
use crate::words::{Call, Done, Shown, Verdict};

/// Comes and goes while the threads run; the others stay. It is asked about every new entry.
const GUEST: usize = LAST;

/// Polls, where one does.
const POLLER: usize = LAST - 1;

/// What each thread does, and what the callbacks do.
#[derive(Clone, Debug)]
pub(crate) struct Brawl {
    pub(crate) threads: Vec<Vec<Op>>,
    /// One of those that stay polls, whenever a thread comes by, instead of being alerted (CB-8).
    pub(crate) one_polls: bool,
    pub(crate) reactions: Vec<Reaction>,
}

/// One manager and its clients, used from all threads.
struct Arena {
    rig: Rig,
    slots: [Mutex<Option<Arc<Client>>>; SLOTS],
    /// Of the one that polls.
    news: Mutex<Option<News>>,
    start: Instant,
    seconds: AtomicU64,
    reactions: Mutex<VecDeque<Reaction>>,
    /// What those that stay have been told, by slot.
    ledger: Mutex<Ledger>,
    /// For each interface, three steps a hand-over: `disable_igmp` begins, it ends, `enable_igmp` begins.
    brackets: [AtomicU64; INTERFACES],
    /// Where there may be forward state, which cannot be read.
    stated: Mutex<BTreeSet<(Interface, Key)>>,
    callbacks: AtomicU64,
    panics: AtomicU64,
    broken: Mutex<Option<String>>,
}

/// Runs it; says what was broken.
pub(crate) fn run(brawl: Brawl) -> Verdict {
    let arena = Arc::new(Arena {
        rig: Rig::new(Max::default()),
        slots: Default::default(),
        news: Mutex::default(),
        start: Instant::now(),
        seconds: AtomicU64::new(0),
        reactions: Mutex::new(brawl.reactions.into()),
        ledger: Mutex::default(),
        brackets: Default::default(),
        stated: Mutex::default(),
        callbacks: AtomicU64::new(0),
        panics: AtomicU64::new(0),
        broken: Mutex::new(None),
    });
    (0..SLOTS).for_each(|slot| match slot {
        POLLER if brawl.one_polls => arena.register_poller(),
        _ => arena.register(slot),
    });
    arena.take_some();
    thread::scope(|scope| {
        for ops in brawl.threads {
            let arena = &arena;
            scope.spawn(move || {
                for op in ops {
                    arena.act(&op, None);
                    arena.poll(1);
                }
            });
        }
    });
    arena.check_quiet();
    for slot in [IGMP, GUEST] {
        arena.leave(slot);
        arena.check_quiet();
    }
    (0..SLOTS).for_each(|slot| arena.leave(slot));
    let left = arena.rig.view(arena.now(0));
    arena.hold(left.groups.is_empty() && left.interfaces.is_empty(), || format!("CL-4: left: {left:?}"));
    let broken = arena.broken.lock().unwrap().take();
    let plane = Arc::clone(&arena.rig.plane);
    drop(arena);
    let left = plane.memory.entries();
    broken.or_else(|| (!left.is_empty()).then(|| format!("FW-12: left: {left:?}"))).map_or(Ok(()), Err)
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

/// What is done.
impl Arena {
    fn hold(&self, held: bool, statement: impl FnOnce() -> String) {
        if !held {
            self.broken.lock().unwrap().get_or_insert_with(statement);
        }
    }

    fn check(&self, verdict: Verdict) {
        if let Err(why) = verdict {
            self.hold(false, || why);
        }
    }

    fn now(&self, later: u64) -> Instant {
        let before = self.seconds.fetch_add(later, Ordering::SeqCst);
        self.start + Duration::from_secs(before + later)
    }

    fn register_poller(self: &Arc<Self>) {
        let ear = Ear { arena: Arc::downgrade(self), slot: POLLER, inside: AtomicBool::new(false) };
        if let Some(id) = ops::id(POLLER) {
            let (client, news) = self.rig.mgm.register_polled_protocol(id, ear).unwrap();
            *self.slots[POLLER].lock().unwrap() = Some(Arc::new(client));
            *self.news.lock().unwrap() = Some(news);
        }
    }

    /// Takes a few pieces of news, unless another thread does.
    fn poll(&self, pieces: usize) {
        let Ok(mut news) = self.news.try_lock() else { return };
        let Some(news) = news.as_mut() else { return };
        for _ in 0..pieces {
            let Some(alert) = news.try_next() else { return };
            let heard = self.ledger.lock().unwrap().hear(POLLER, &alert);
            // What IGMP holds is told anew in each tenure.
            let may_repeat = matches!(alert, Alert::LocalJoin { .. } | Alert::LocalBlock { .. });
            self.hold(heard.is_ok() || may_repeat, || format!("CB-8: {alert:?} again"));
        }
    }

    fn register(self: &Arc<Self>, slot: usize) {
        let ear = Ear { arena: Arc::downgrade(self), slot, inside: AtomicBool::new(false) };
        let client = match name(slot) {
            ClientName::Igmp => self.rig.mgm.register_igmp(ear),
            ClientName::Protocol(id) => self.rig.mgm.register_protocol(id, ear),
        };
        if let Ok(client) = client {
            *self.slots[slot].lock().unwrap() = Some(Arc::new(client));
        }
    }

    /// Each protocol one interface, IGMP two, and a route.
    fn take_some(self: &Arc<Self>) {
        let take = |slot, on| self.act(&Op::Take(Who::Slot(slot), Where::Fixed(on)), None);
        (1..SLOTS).for_each(|slot| take(slot, slot - 1));
        (1..3).for_each(|on| take(IGMP, on));
        let route = Route::new(ops::prefix(1), interface(0));
        self.act(&Op::Route(route.prefix, Some(route)), None);
    }

    /// The handle is dropped here, or where it is still in use.
    fn leave(&self, slot: usize) {
        let client = self.slots[slot].lock().unwrap().take();
        drop(client);
    }

    fn act(self: &Arc<Self>, op: &Op, me: Option<(usize, &ClientRef, Option<Interface>)>) {
        let scene = Scene {
            slots: std::array::from_fn(Some),
            me: me.map(|(slot, ..)| slot),
            here: me.and_then(|(.., here)| here),
            refreshes: self.rig.refreshes(),
        };
        let call = op.resolve(&scene);
        let call = call.map(|call| match call {
            Op::Packet(key, on) => self.rig.receive(key, on),
            Op::Faults(faults) => Op::Faults(Faults { panics: false, ..faults }),
            Op::Failed(_) | Op::Restarted => {
                self.rig.plane.notes().has_lost_beside_others = true;
                call
            }
            call => call,
        });
        match (call, me) {
            (Some(Op::Register(_)), _) => self.register(GUEST),
            (Some(Op::Deregister(_) | Op::Drop(_)), _) => self.leave(GUEST),
            (Some(call), me) => match caller(&call) {
                None => self.report(&call),
                Some(slot) => match me.filter(|(it, ..)| *it == slot) {
                    Some((_, client, _)) => self.perform(client, &call),
                    None => {
                        let client = self.slots[slot].lock().unwrap().clone();
                        client.iter().for_each(|client| self.perform(client, &call));
                    }
                },
            },
            (None, _) => {}
        }
    }

    fn report(&self, call: &Call) {
        let later = if let Op::Expire(seconds) = call { *seconds } else { 0 };
        let outcome = self.rig.report(call, self.now(later));
        self.hold(outcome.is_ok(), || format!("MB-7: {outcome:?}, and nothing is limited"));
    }

    fn perform(&self, client: &ClientRef, call: &Call) {
        if let Op::State(_, on, key, _) = call {
            self.stated.lock().unwrap().insert((*on, *key));
        }
        let on = match call {
            Op::Set(_, on, _) | Op::Filter(_, on, ..) | Op::Batch(_, on, _) => Some(*on),
            _ => None,
        };
        let bracket = |on: Interface| self.brackets[number(on)].load(Ordering::SeqCst);
        let before = on.map(bracket);
        let outcome = self.rig.perform(client, call, self.now(0));
        let is_done = match &outcome {
            Ok(Done::Batch(results)) => results.iter().any(Result::is_ok),
            outcome => outcome.is_ok(),
        };
        // Between the end of `disable_igmp` and the beginning of `enable_igmp` step 3 begins, unseen.
        let while_disabled = before.is_some_and(|before| on.map(bracket) == Some(before) && before % 3 == 1);
        self.hold(!(client.name() == name(IGMP) && is_done && while_disabled), || {
            format!("HO-2: {call:?} succeeds while IGMP is disabled there")
        });
    }

    /// HO-6: the steps of the hand-overs of one interface come in turn.
    fn step(&self, on: Interface, step: u64) {
        let count = self.brackets[number(on)].fetch_add(1, Ordering::SeqCst);
        self.hold(count % 3 == step, || format!("HO-6: step {step} on {on}, and not {}", count % 3));
    }
}

/// What holds while no call is in progress.
impl Arena {
    fn check_quiet(self: &Arc<Self>) {
        self.reactions.lock().unwrap().clear();
        let callbacks = self.callbacks.load(Ordering::SeqCst);
        // Changes nothing, and delivers what has been forgotten.
        self.rig.mgm.interface_removed(std::num::NonZeroU32::MAX);
        let late = self.callbacks.load(Ordering::SeqCst) - callbacks;
        self.hold(late == 0, || format!("CB-4: {late} callbacks came late"));
        for (bracket, on) in self.brackets.iter().zip(interfaces()) {
            let is_enabled = bracket.load(Ordering::SeqCst).is_multiple_of(3);
            self.hold(is_enabled, || format!("HO-6: IGMP stays disabled on {on}"));
        }
        let settled = self.rig.view(self.now(0)).interfaces.iter().all(|status| status.handover.is_none());
        self.hold(settled, || "HO-7: a change never ends".to_owned());
        self.check_told();
        self.check_entries();
        self.check_forwarder();
        let panics = (self.rig.mgm.caught_panics(), self.panics.load(Ordering::SeqCst));
        self.hold(panics.0 == panics.1, || format!("CB-5: {panics:?} panics"));
    }

    fn check_told(&self) {
        self.poll(usize::MAX);
        let stay: Vec<_> = (0..SLOTS).filter(|slot| ![IGMP, GUEST].contains(slot)).collect();
        let clients: Vec<_> = stay.iter().map(|slot| (*slot, name(*slot))).collect();
        let rib = self.rig.table.0.lock().unwrap().clone();
        let due = due(&clients, &self.rig.view(self.now(0)), &rib);
        let told = self.ledger.lock().unwrap();
        let agreed = (&told.pulls, &told.locals) == (&due.pulls, &due.locals);
        self.hold(agreed, || format!("CT-4 to CT-8: told {told:?}\n  due {due:?}"));
    }

    fn check_entries(self: &Arc<Self>) {
        self.report(&Op::Faults(Faults::default()));
        // FW-13: none is for ever in the making.
        (0..FLOWS).for_each(|number| self.report(&Op::Unknown(flow(number), interface(0))));
        self.hold(self.rig.mgm.mfes().count() == FLOWS, || "FW-13: an entry cannot be made".to_owned());
        let rib = self.rig.table.0.lock().unwrap().clone();
        let stated = std::mem::take(&mut *self.stated.lock().unwrap());
        let view = self.rig.view(self.now(0));
        self.check(check_ways(&view, &rib));
        self.check(check_due(&self.rig));
        self.check(check_oifs(&view, &stated));
        for (on, (group, source)) in stated {
            for slot in 0..SLOTS {
                let client = self.slots[slot].lock().unwrap().clone();
                client.map(|client| client.set_forward_state(on, source, group, None));
            }
        }
        self.check(check_oifs(&self.rig.view(self.now(0)), &BTreeSet::new()));
    }

    fn check_forwarder(&self) {
        (0..2).for_each(|_| self.report(&Op::Expire(65)));
        let failures = self.rig.mgm.forwarder_failures();
        self.hold(failures.is_empty(), || format!("FW-11: still not done: {failures:?}"));
        self.check(check_forwarder(&self.rig));
    }
}

fn number(interface: Interface) -> usize {
    interfaces().position(|it| it == interface).unwrap()
}

/// The callbacks of one registration.
struct Ear {
    arena: Weak<Arena>,
    slot: usize,
    inside: AtomicBool,
}

impl Ear {
    fn alert(&self, client: &ClientRef, alert: &Alert) {
        let Some(arena) = self.arena.upgrade() else { return };
        let alone = !self.inside.swap(true, Ordering::SeqCst);
        arena.hold(alone, || format!("CB-3: two alerts to {} at a time", client.name()));
        if ![IGMP, GUEST].contains(&self.slot) {
            let heard = arena.ledger.lock().unwrap().hear(self.slot, alert);
            arena.check(heard.map_err(|why| format!("CB-3: {why}")));
        }
        let ending = self.react(&arena, client, interface_of(alert), |_| ());
        self.inside.store(false, Ordering::SeqCst);
        ending.come(&arena);
    }

    /// Answers, calls, and says how it ends.
    fn react(
        &self,
        arena: &Arc<Arena>,
        me: &ClientRef,
        here: Option<Interface>,
        answer: impl FnOnce(&Reaction),
    ) -> Ending {
        arena.callbacks.fetch_add(1, Ordering::SeqCst);
        let reaction = arena.reactions.lock().unwrap().pop_front().unwrap_or_default();
        // Others have their chance to come between.
        thread::yield_now();
        answer(&reaction);
        reaction.ops.iter().for_each(|op| arena.act(op, Some((self.slot, me, here))));
        Ending { panics: reaction.panics }
    }
}

/// How a callback ends.
#[must_use]
struct Ending {
    panics: bool,
}

impl Ending {
    fn come(self, arena: &Arena) {
        if self.panics {
            arena.panics.fetch_add(1, Ordering::SeqCst);
            resume_unwind(Box::new("as the reaction says"));
        }
    }
}

impl IgmpCallbacks for Ear {
    fn disable_igmp(&self, igmp: &ClientRef, on: Interface) {
        let Some(arena) = self.arena.upgrade() else { return };
        arena.step(on, 0);
        let ending = self.react(&arena, igmp, Some(on), |_| ());
        arena.step(on, 1);
        ending.come(&arena);
    }

    fn enable_igmp(&self, igmp: &ClientRef, on: Interface) {
        let Some(arena) = self.arena.upgrade() else { return };
        arena.step(on, 2);
        let ending = self.react(&arena, igmp, Some(on), |_| ());
        ending.come(&arena);
    }

    fn alert(&self, igmp: &ClientRef, alert: Alert) {
        self.alert(igmp, &alert);
    }
}

impl Questions for Ear {
    fn rpf(&self, client: &ClientRef, request: &RpfRequest<'_>) -> Route {
        ProtocolCallbacks::rpf(self, client, request)
    }

    fn creation_alert(&self, client: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        ProtocolCallbacks::creation_alert(self, client, entry, oifs);
    }
}

impl ProtocolCallbacks for Ear {
    fn creation_mode(&self) -> CreationMode {
        if self.slot == GUEST { CreationMode::Always } else { CreationMode::WithOifs }
    }

    fn rpf(&self, client: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let Some(arena) = self.arena.upgrade() else { return request.route };
        let mut answer = request.route;
        let ending = self.react(&arena, client, Some(request.arrival), |reaction| {
            answer = reaction.rpf.answer(request.route);
        });
        ending.come(&arena);
        answer
    }

    fn creation_alert(&self, client: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        let Some(arena) = self.arena.upgrade() else { return };
        let key = (entry.group, entry.source);
        let ending = self.react(&arena, client, Some(entry.iif), |reaction| {
            for oif in oifs {
                let shown = Shown { on: oif.interface(), igmp: oif.has_igmp(), is_enabled: oif.is_enabled() };
                oif.set_enabled(reaction.creation.answer(shown).is_enabled);
                if oif.is_enabled() != shown.is_enabled {
                    arena.stated.lock().unwrap().insert((shown.on, key));
                }
            }
        });
        ending.come(&arena);
    }

    fn alert(&self, client: &ClientRef, alert: Alert) {
        self.alert(client, &alert);
    }
}
