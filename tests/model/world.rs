//! The manager under test, its clients, and what they see; the model is asked at every event.

use std::collections::{BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use mgm::{
    AlertCause, Client, ClientName, ClientRef, Entry, Error, GroupAddr, IgmpCallbacks, Interface, Mgm,
    ProtocolCallbacks, SourceAddr,
};

use crate::follow::Follower;
use crate::naive::{Call, Held, News, Outcome, Status, Uid, Verdict};
use crate::ops::{INTERFACES, Op, Reaction, SLOTS, Sequence, Verb, Where, Who, interface, name};

/// What came of one sequence.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Where the manager and the model first differed.
    pub(crate) mismatch: Option<String>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) events: Vec<Event>,
}

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) call: Call,
    pub(crate) error: Error,
    pub(crate) before: View,
    pub(crate) after: View,
    /// Callbacks that began during the call.
    pub(crate) callbacks: usize,
}

#[derive(Debug)]
pub(crate) enum Event {
    Heard(Uid, News),
    Done { call: Call, outcome: Outcome, inside_callback: bool },
}

/// Everything that can be read from a manager of this version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct View {
    groups: BTreeSet<Held>,
    /// In the order in which the manager lists them.
    interfaces: Vec<Status>,
    caught_panics: u64,
}

/// Runs a sequence; at its end every handle is dropped.
pub(crate) fn run(sequence: &Sequence) -> Record {
    let world = Arc::new(World {
        mgm: Mgm::builder().limits(sequence.limits.into()).build(),
        slots: Default::default(),
        igmp_adds_again: sequence.igmp_adds_again,
        inside: Mutex::new(Inside {
            follower: Follower::new(sequence.limits),
            in_calls: sequence.in_calls.clone().into(),
            in_alerts: sequence.in_alerts.clone().into(),
            to_add_again: Vec::new(),
            callbacks: 0,
            running: 0,
            record: Record::default(),
        }),
    });
    sequence.steps.iter().for_each(|op| world.act(*op, None));
    world.inside().in_calls.clear();
    world.inside().in_alerts.clear();
    (0..SLOTS).for_each(|slot| world.act(Op::Drop(slot), None));
    world.nothing_is_left();
    world.empty_slots();
    let mut inside = world.inside();
    std::mem::take(&mut inside.record)
}

struct World {
    mgm: Mgm,
    slots: [Mutex<Option<Handle>>; SLOTS],
    igmp_adds_again: bool,
    inside: Mutex<Inside>,
}

type Handle = (Uid, Arc<Client>);

struct Inside {
    follower: Follower,
    in_calls: VecDeque<Reaction>,
    in_alerts: VecDeque<Reaction>,
    to_add_again: Vec<(Interface, Entry)>,
    /// How many have begun, and how many of them have not ended.
    callbacks: usize,
    running: usize,
    record: Record,
}

/// The client in whose callback something is done.
#[derive(Clone, Copy)]
struct Me<'a> {
    uid: Uid,
    client: &'a ClientRef,
    here: Option<Interface>,
}

impl World {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    fn slot(&self, slot: usize) -> MutexGuard<'_, Option<Handle>> {
        self.slots[slot].lock().unwrap()
    }

    /// Does one step; nothing where the slot is empty, or once the manager and the model differ.
    fn act(self: &Arc<Self>, op: Op, me: Option<Me<'_>>) {
        if self.inside().record.mismatch.is_some() {
            return;
        }
        let place = |place| match (place, me) {
            (Where::Fixed(number), _) => interface(number),
            (Where::Here, me) => me.and_then(|me| me.here).unwrap_or_else(|| interface(0)),
        };
        match op {
            Op::Register(slot) => self.register(slot),
            Op::Deregister(slot) => self.give_up(slot, Self::deregister),
            Op::Drop(slot) => self.give_up(slot, Self::drop_client),
            Op::Remove(on) => {
                let index = place(on).index();
                self.call(Call::Remove(index), || {
                    self.mgm.interface_removed(index);
                    Ok(None)
                });
            }
            Op::Take(who, on) => self.act_as(who, me, |uid, client| {
                let on = place(on);
                self.call(Call::Take(uid, on), || client.take_interface_ownership(on).map(|()| None));
            }),
            Op::Release(who, on) => self.act_as(who, me, |uid, client| {
                let on = place(on);
                self.call(Call::Release(uid, on), || client.release_interface_ownership(on).map(|()| None));
            }),
            Op::Set(verb, who, on, entry) => self.act_as(who, me, |uid, client| {
                self.set(verb, (uid, client), place(on), crate::ops::entry(entry));
            }),
        }
    }

    fn act_as(&self, who: Who, me: Option<Me<'_>>, act: impl FnOnce(Uid, &ClientRef)) {
        match (who, me) {
            (Who::Me, Some(me)) => act(me.uid, me.client),
            (Who::Me, None) => {}
            (Who::Slot(slot), _) => {
                let client = self.slot(slot).clone();
                if let Some((uid, client)) = client {
                    act(uid, &client);
                }
            }
        }
    }

    fn set(&self, verb: Verb, (uid, client): (Uid, &ClientRef), on: Interface, entry: Entry) {
        self.call(Call::Set(verb, uid, on, entry), || {
            match (verb, entry) {
                (Verb::Add, _) => client.add_group_membership(on, entry),
                (Verb::Delete, _) => client.delete_group_membership(on, entry),
                (Verb::Block, Entry::SourceGroup(source, group)) => client.block_source(on, source, group),
                (Verb::Unblock, Entry::SourceGroup(source, group)) => {
                    client.unblock_source(on, source, group)
                }
                (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
            }
            .map(Some)
        });
    }

    fn register(self: &Arc<Self>, slot: usize) {
        let uid = self.inside().follower.model.next_uid();
        let ear = Ear { world: Arc::downgrade(self), uid };
        self.call(Call::Register(uid, name(slot)), || {
            let client = match name(slot) {
                ClientName::Igmp => self.mgm.register_igmp(ear)?,
                ClientName::Protocol(id) => self.mgm.register_protocol(id, ear)?,
            };
            *self.slot(slot) = Some((uid, Arc::new(client)));
            Ok(None)
        });
    }

    /// Ends a registration, unless its handle is in use further out.
    fn give_up(&self, slot: usize, end: impl FnOnce(&Self, Uid, Client) -> Option<Client>) {
        let Some((uid, client)) = self.slot(slot).take() else { return };
        let left = match Arc::try_unwrap(client) {
            Ok(client) => end(self, uid, client).map(Arc::new),
            Err(in_use) => Some(in_use),
        };
        if let Some(client) = left {
            *self.slot(slot) = Some((uid, client));
        }
    }

    fn deregister(&self, uid: Uid, client: Client) -> Option<Client> {
        let mut back = None;
        self.call(Call::Deregister(uid), || match client.deregister() {
            Ok(()) => Ok(None),
            Err(refused) => {
                let error = refused.error().clone();
                back = Some(refused.into_client());
                Err(error)
            }
        });
        back
    }

    fn drop_client(&self, uid: Uid, client: Client) -> Option<Client> {
        self.call(Call::Drop(uid), || {
            drop(client);
            Ok(None)
        });
        None
    }

    fn call(&self, call: Call, real: impl FnOnce() -> Outcome) {
        let (before, callbacks) = {
            let mut inside = self.inside();
            inside.follower.begin(call);
            (View::of(&self.mgm), inside.callbacks)
        };
        let outcome = real();
        let after = View::of(&self.mgm);
        let mut inside = self.inside();
        let verdict = inside.follower.end(&outcome);
        inside.judge(call, verdict);
        inside.compare(call, &after, &self.mgm);
        if let Err(error) = &outcome {
            let callbacks = inside.callbacks - callbacks;
            inside.record.refusals.push(Refusal { call, error: error.clone(), before, after, callbacks });
        }
        let inside_callback = inside.running > 0;
        inside.record.events.push(Event::Done { call, outcome, inside_callback });
    }

    /// CL-4: dropped handles leave nothing behind.
    fn nothing_is_left(&self) {
        let view = View::of(&self.mgm);
        let mut inside = self.inside();
        if inside.record.mismatch.is_none() && !(view.groups.is_empty() && view.interfaces.is_empty()) {
            inside.record.mismatch = Some(format!("after all handles are dropped: {view:?}"));
        }
    }

    fn empty_slots(&self) {
        for slot in 0..SLOTS {
            let client = self.slot(slot).take();
            drop(client);
        }
    }
}

impl Inside {
    fn judge(&mut self, event: impl std::fmt::Debug, verdict: Verdict) {
        if let Err(why) = verdict
            && self.record.mismatch.is_none()
        {
            self.record.mismatch = Some(format!("{event:?}: {why}"));
        }
    }

    /// CB-2, and what every query answers.
    fn compare(&mut self, event: impl std::fmt::Debug, view: &View, mgm: &Mgm) {
        let model = View {
            groups: self.follower.model.groups(),
            interfaces: self.follower.model.interfaces(),
            caught_panics: self.follower.caught_panics,
        };
        let agreed =
            if *view == model { Ok(()) } else { Err(format!("manager {view:#?}, model {model:#?}")) };
        self.judge(&event, agreed);
        for on in (0..INTERFACES).map(interface) {
            let status = model.interfaces.iter().find(|(interface, ..)| *interface == on);
            let (owner, seen) = (mgm.owner(on), mgm.interface(on).map(|status| status.igmp));
            let agreed = (owner, seen) == (status.map(|status| status.1), status.map(|status| status.2));
            self.judge(&event, if agreed { Ok(()) } else { Err(format!("{on}: {owner:?}, {seen:?}")) });
        }
    }
}

impl View {
    fn of(mgm: &Mgm) -> Self {
        let groups: Vec<_> = mgm
            .groups()
            .map(|held| (held.entry, held.interface, held.kind, held.added_by, held.counts_for))
            .collect();
        let set: BTreeSet<_> = groups.iter().copied().collect();
        assert_eq!(groups.len(), set.len(), "EN-4: repeated: {groups:?}");
        let statuses = mgm.interfaces().into_iter();
        let interfaces = statuses
            .map(|status| (status.interface, status.owner, status.igmp, status.in_handover))
            .collect();
        Self { groups: set, interfaces, caught_panics: mgm.caught_panics() }
    }
}

/// The callbacks of one registration.
struct Ear {
    world: Weak<World>,
    uid: Uid,
}

impl Ear {
    fn hear(&self, client: &ClientRef, news: News, here: Option<Interface>) {
        let Some(world) = self.world.upgrade() else { return };
        let me = Me { uid: self.uid, client, here };
        let Some(reaction) = self.begin(&world, news) else { return };
        match (news, here) {
            (News::Enable(_), Some(on)) if world.igmp_adds_again => add_again(&world, me, on),
            _ => {}
        }
        for op in reaction.ops {
            world.act(op, Some(me));
        }
        let mut inside = world.inside();
        inside.running -= 1;
        inside.follower.callback_ends(reaction.panics);
        drop(inside);
        if reaction.panics {
            // Past the panic hook, which would print it.
            resume_unwind(Box::new("as the sequence says"));
        }
    }

    /// Nothing more is done once the manager and the model differ.
    fn begin(&self, world: &World, news: News) -> Option<Reaction> {
        let view = View::of(&world.mgm);
        let mut inside = world.inside();
        inside.callbacks += 1;
        inside.record.events.push(Event::Heard(self.uid, news));
        let verdict = inside.follower.callback_begins(self.uid, news);
        inside.judge((self.uid, news), verdict);
        inside.compare((self.uid, news), &view, &world.mgm);
        if inside.record.mismatch.is_some() {
            return None;
        }
        inside.running += 1;
        if let News::Disable(on) = news {
            let held = view.groups.iter().filter(|(_, at, _, by, _)| *at == on && *by == ClientName::Igmp);
            inside.to_add_again.extend(held.map(|(entry, ..)| (on, *entry)));
        }
        let reactions = match news {
            News::Disable(_) | News::Enable(_) => &mut inside.in_calls,
            _ => &mut inside.in_alerts,
        };
        Some(reactions.pop_front().unwrap_or_default())
    }
}

fn add_again(world: &World, me: Me<'_>, on: Interface) {
    let due = |(at, _): &mut (Interface, Entry)| *at == on;
    let again: Vec<_> = world.inside().to_add_again.extract_if(.., due).collect();
    for (on, entry) in again {
        world.set(Verb::Add, (me.uid, me.client), on, entry);
    }
}

impl IgmpCallbacks for Ear {
    fn disable_igmp(&self, igmp: &ClientRef, on: Interface) {
        self.hear(igmp, News::Disable(on), Some(on));
    }

    fn enable_igmp(&self, igmp: &ClientRef, on: Interface) {
        self.hear(igmp, News::Enable(on), Some(on));
    }

    fn interface_removed(&self, igmp: &ClientRef, on: Interface) {
        self.hear(igmp, News::Removed(on), Some(on));
    }
}

impl ProtocolCallbacks for Ear {
    fn join_alert(&self, client: &ClientRef, entry: Entry, cause: AlertCause) {
        assert_eq!(cause, AlertCause::Membership);
        self.hear(client, News::Join(entry), None);
    }

    fn prune_alert(&self, client: &ClientRef, entry: Entry, cause: AlertCause) {
        assert_eq!(cause, AlertCause::Membership);
        self.hear(client, News::Prune(entry), None);
    }

    fn local_join(&self, client: &ClientRef, on: Interface, entry: Entry) {
        self.hear(client, News::LocalJoin(on, entry), Some(on));
    }

    fn local_leave(&self, client: &ClientRef, on: Interface, entry: Entry) {
        self.hear(client, News::LocalLeave(on, entry), Some(on));
    }

    fn local_block(&self, client: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.hear(client, News::LocalBlock(on, Entry::SourceGroup(source, group)), Some(on));
    }

    fn local_unblock(&self, client: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.hear(client, News::LocalUnblock(on, Entry::SourceGroup(source, group)), Some(on));
    }

    fn interface_removed(&self, client: &ClientRef, on: Interface) {
        self.hear(client, News::Removed(on), Some(on));
    }
}
