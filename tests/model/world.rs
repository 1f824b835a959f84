//! The manager under test, its clients, RIB and forwarder. All that happens is recorded, for the model to follow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use mgm::{
    Alert, AlertMode, Client, ClientName, ClientRef, CreationMode, CreationOif, HandoverCallbacks,
    IgmpCallbacks, Interface, NewMfe, News, ProtocolCallbacks, Pull, Questions, Route, RpfRequest,
};

use crate::naive::caller;
use crate::ops::{
    Again, FLOWS, Faults, IGMP, LAST, Manners, Op, Reaction, SLOTS, Scene, Sequence, Step, Verb, Who, flow,
    name,
};
use crate::pollers::Listener;
use crate::replay::Event;
use crate::rig::{Rig, interface_of};
use crate::words::{Call, Done, Heard, Outcome, Reply, Shown, Uid, View};

pub(crate) struct World {
    pub(crate) rig: Rig,
    manners: Manners,
    slots: [Mutex<Option<Handle>>; SLOTS],
    /// Who polls its news instead of being alerted.
    polled: [bool; SLOTS],
    listeners: [Mutex<Option<Listener>>; SLOTS],
    inside: Mutex<Inside>,
}

type Handle = (Uid, Arc<Client>);

struct Inside {
    now: Instant,
    again: Again,
    /// Sources are followed to their new routes, in an order that is open: alerts call nothing meanwhile.
    routes_move: bool,
    registered: usize,
    events: Vec<Event>,
    in_calls: VecDeque<Reaction>,
    in_alerts: VecDeque<Reaction>,
    in_questions: VecDeque<Reaction>,
    /// What IGMP held where it was disabled.
    to_add_again: Vec<(Interface, Step)>,
}

/// The client in whose callback something is done.
#[derive(Clone, Copy)]
struct Me<'a> {
    uid: Uid,
    client: &'a ClientRef,
    here: Option<Interface>,
}

impl World {
    pub(crate) fn new(sequence: &Sequence, now: Instant) -> Arc<Self> {
        Self::polled(sequence, now, [false; SLOTS])
    }

    /// In these slots are clients that poll.
    pub(crate) fn polled(sequence: &Sequence, now: Instant, polled: [bool; SLOTS]) -> Arc<Self> {
        Self::with(Rig::new(sequence.max), sequence, now, polled)
    }

    pub(crate) fn with(rig: Rig, sequence: &Sequence, now: Instant, polled: [bool; SLOTS]) -> Arc<Self> {
        Arc::new(Self {
            polled,
            listeners: Default::default(),
            rig,
            manners: sequence.manners,
            slots: Default::default(),
            inside: Mutex::new(Inside {
                now,
                again: sequence.manners.again,
                routes_move: false,
                registered: 0,
                events: Vec::new(),
                in_calls: sequence.in_calls.clone().into(),
                in_alerts: sequence.in_alerts.clone().into(),
                in_questions: sequence.in_questions.clone().into(),
                to_add_again: Vec::new(),
            }),
        })
    }

    /// Does one operation outside callbacks; nothing where there is no such client.
    pub(crate) fn act(self: &Arc<Self>, op: &Op) {
        self.act_inside(op, None);
    }

    /// The forwarder heals, and callbacks call nothing any more.
    pub(crate) fn calm_down(self: &Arc<Self>) {
        let mut inside = self.inside();
        inside.in_calls.clear();
        inside.in_alerts.clear();
        inside.in_questions.clear();
        drop(inside);
        [Op::Faults(Faults::default()), Op::Expire(65), Op::Expire(65)].iter().for_each(|op| self.act(op));
    }

    /// CL-4.
    pub(crate) fn drop_all(self: &Arc<Self>) {
        (0..SLOTS).for_each(|slot| self.act(&Op::Drop(Who::Slot(slot))));
    }

    /// What IGMP does from now on where it is enabled.
    pub(crate) fn set_again(&self, again: Again) {
        self.inside().again = again;
    }

    /// Whoever listens to the news of a slot.
    pub(crate) fn listener(&self, slot: usize) -> MutexGuard<'_, Option<Listener>> {
        self.listeners[slot].lock().unwrap()
    }

    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.inside().events)
    }

    pub(crate) fn now(&self) -> Instant {
        self.inside().now
    }

    pub(crate) fn view(&self) -> View {
        let explain = |(group, source)| self.rig.mgm.explain(source, group);
        let explained = (0..FLOWS).map(flow).map(explain).collect();
        View { told: self.told(), explained, ..self.rig.view(self.now()) }
    }

    fn told(&self) -> BTreeMap<ClientName, BTreeSet<Pull>> {
        let clients = (0..SLOTS).filter_map(|slot| self.slot(slot).clone());
        let told = |client: &Client| {
            let all: Vec<_> = client.told().collect();
            let told: BTreeSet<_> = all.iter().copied().collect();
            assert_eq!(all.len(), told.len(), "EN-5: repeated: {all:?}");
            told
        };
        clients.map(|(_, client)| (client.name(), told(&client))).collect()
    }

    pub(crate) fn uid(&self, slot: usize) -> Option<Uid> {
        self.slot(slot).as_ref().map(|(uid, _)| *uid)
    }

    pub(crate) fn uid_of(&self, client: ClientName) -> Option<Uid> {
        (0..SLOTS).find(|slot| name(*slot) == client).and_then(|slot| self.uid(slot))
    }

    /// How many have been begun.
    pub(crate) fn refreshes(&self) -> usize {
        self.rig.refreshes()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    fn slot(&self, slot: usize) -> MutexGuard<'_, Option<Handle>> {
        self.slots[slot].lock().unwrap()
    }

    fn record(&self, event: Event) {
        self.inside().events.push(event);
    }

    fn act_inside(self: &Arc<Self>, op: &Op, me: Option<Me<'_>>) {
        let scene = Scene {
            slots: std::array::from_fn(|slot| self.uid(slot)),
            me: me.map(|me| me.uid),
            here: me.and_then(|me| me.here),
            refreshes: self.rig.refreshes(),
        };
        match op.resolve(&scene) {
            Some(Op::Register(slot)) => self.register(slot),
            Some(Op::Deregister(uid)) => self.give_up(uid, Self::deregister),
            Some(Op::Drop(uid)) => self.give_up(uid, Self::drop_client),
            Some(Op::Packet(key, on)) => self.report(&self.rig.receive(key, on)),
            Some(call) if caller(&call).is_none() => self.report(&call),
            Some(call) => self.perform(&call, me),
            None => {}
        }
    }

    fn call(&self, call: &Call, real: impl FnOnce() -> Outcome) {
        self.record(Event::Begins(call.clone()));
        let outcome = real();
        let view = self.view();
        self.record(Event::Ends(outcome, view));
    }

    fn perform(&self, call: &Call, me: Option<Me<'_>>) {
        if let Some(uid) = caller(call) {
            self.as_client(uid, me, |client| self.call(call, || self.rig.perform(client, call, self.now())));
        }
    }

    fn report(&self, call: &Call) {
        let later = if let Op::Expire(seconds) = call { *seconds } else { 0 };
        let now = {
            let mut inside = self.inside();
            inside.now += Duration::from_secs(later);
            inside.now
        };
        let moves_routes = matches!(call, Op::Route(..) | Op::RoutesChanged(_));
        self.inside().routes_move |= moves_routes;
        let left_over = if let Op::Unknown(key, _) = call { Some(*key) } else { None };
        let left_over = left_over.filter(|key| self.rig.is_left_over(*key));
        self.call(call, || self.rig.report(call, now));
        self.inside().routes_move &= !moves_routes;
        // The manager takes what the forwarder went on counting for the new entry's.
        if let Some(key) = left_over {
            self.report(&Op::Carried(key));
        }
    }

    fn as_client(&self, uid: Uid, me: Option<Me<'_>>, act: impl FnOnce(&ClientRef)) {
        if let Some(me) = me.filter(|me| me.uid == uid) {
            return act(me.client);
        }
        let held = (0..SLOTS).find_map(|slot| self.slot(slot).clone().filter(|(it, _)| *it == uid));
        if let Some((_, client)) = held {
            act(&client);
        }
    }

    fn register(self: &Arc<Self>, slot: usize) {
        let uid = self.inside().registered;
        let ear = Ear { world: Arc::downgrade(self), uid, slot, manners: self.manners };
        self.call(&Op::Register(slot), || {
            let mgm = &self.rig.mgm;
            let listened = |(client, news): (Client, News)| (client, Some(Listener::new(uid, news)));
            let (client, listener) = match name(slot) {
                ClientName::Igmp if self.polled[slot] => listened(mgm.register_polled_igmp(ear)?),
                ClientName::Igmp => (mgm.register_igmp(ear)?, None),
                ClientName::Protocol(id) if self.polled[slot] => {
                    listened(mgm.register_polled_protocol(id, ear)?)
                }
                ClientName::Protocol(id) => (mgm.register_protocol(id, ear)?, None),
            };
            *self.listener(slot) = listener;
            *self.slot(slot) = Some((uid, Arc::new(client)));
            self.inside().registered += 1;
            Ok(Done::Silently)
        });
    }

    /// Ends a registration, unless its handle is in use further out.
    fn give_up(&self, uid: Uid, end: impl FnOnce(&Self, Uid, Client) -> Option<Client>) {
        let is_its = |slot: &usize| self.slot(*slot).as_ref().is_some_and(|(it, _)| *it == uid);
        let Some(slot) = (0..SLOTS).find(is_its) else { return };
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
        self.call(&Op::Deregister(uid), || match client.deregister() {
            Ok(()) => Ok(Done::Silently),
            Err(refused) => {
                let error = refused.error().clone();
                back = Some(refused.into_client());
                Err(error)
            }
        });
        back
    }

    fn drop_client(&self, uid: Uid, client: Client) -> Option<Client> {
        self.call(&Op::Drop(uid), || {
            drop(client);
            Ok(Done::Silently)
        });
        None
    }
}

/// The callbacks of one registration.
struct Ear {
    world: Weak<World>,
    uid: Uid,
    slot: usize,
    manners: Manners,
}

impl Ear {
    fn alert(&self, client: &ClientRef, alert: Alert) {
        let here = interface_of(&alert);
        let reactions = |inside: &mut Inside| inside.in_alerts.pop_front();
        self.hear(client, Heard::Alert(alert), here, reactions, |_| Reply::default());
    }

    /// Does, answers, and then may panic.
    fn hear(
        &self,
        client: &ClientRef,
        heard: Heard,
        here: Option<Interface>,
        reactions: impl FnOnce(&mut Inside) -> Option<Reaction>,
        answer: impl FnOnce(&Reaction) -> Reply,
    ) {
        let Some(world) = self.world.upgrade() else { return };
        let me = Me { uid: self.uid, client, here };
        let view = world.view();
        world.record(Event::Hears(self.uid, heard.clone(), view));
        let reaction = reactions(&mut world.inside()).unwrap_or_default();
        let is_question = matches!(heard, Heard::Rpf { .. } | Heard::Creation { .. });
        match heard {
            Heard::Disable(on) => world.remember(on),
            Heard::Enable(on) => world.add_again(on, me),
            Heard::Alert(_) | Heard::Rpf { .. } | Heard::Creation { .. } => {}
        }
        let may_act = is_question || !world.inside().routes_move;
        for op in reaction.ops.iter().filter(|_| may_act) {
            world.act_inside(op, Some(me));
        }
        let reply = Reply { panics: reaction.panics, ..answer(&reaction) };
        world.record(Event::Returns(reply));
        if reaction.panics {
            // Past the panic hook, which would print it.
            resume_unwind(Box::new("as the sequence says"));
        }
    }
}

/// What IGMP does at a hand-over.
impl World {
    fn remember(&self, on: Interface) {
        let held = self.rig.mgm.groups().filter(|held| held.interface == on && held.added_by == name(IGMP));
        let mut again: Vec<_> =
            held.map(|held| (on, Step { verb: Verb::again(held.kind), entry: held.entry })).collect();
        again.sort_by_key(|(_, step)| step.entry);
        let mut inside = self.inside();
        inside.to_add_again.retain(|(at, _)| *at != on);
        inside.to_add_again.extend(again);
    }

    fn add_again(self: &Arc<Self>, on: Interface, me: Me<'_>) {
        let again: Vec<_> =
            self.inside().to_add_again.extract_if(.., |(at, _)| *at == on).map(|(_, step)| step).collect();
        let what = self.inside().again;
        what.ops(&again).iter().for_each(|op| self.act_inside(op, Some(me)));
    }
}

impl IgmpCallbacks for Ear {
    fn disable_igmp(&self, igmp: &ClientRef, on: Interface) {
        let reactions = |inside: &mut Inside| inside.in_calls.pop_front();
        self.hear(igmp, Heard::Disable(on), Some(on), reactions, |_| Reply::default());
    }

    fn enable_igmp(&self, igmp: &ClientRef, on: Interface) {
        let reactions = |inside: &mut Inside| inside.in_calls.pop_front();
        self.hear(igmp, Heard::Enable(on), Some(on), reactions, |_| Reply::default());
    }

    fn alert_mode(&self) -> AlertMode {
        if self.manners.igmp_is_told { AlertMode::JoinsAndPrunes } else { AlertMode::None }
    }

    fn alert(&self, igmp: &ClientRef, alert: Alert) {
        self.alert(igmp, alert);
    }
}

impl HandoverCallbacks for Ear {
    fn disable_igmp(&self, igmp: &ClientRef, on: Interface) {
        IgmpCallbacks::disable_igmp(self, igmp, on);
    }

    fn enable_igmp(&self, igmp: &ClientRef, on: Interface) {
        IgmpCallbacks::enable_igmp(self, igmp, on);
    }

    fn alert_mode(&self) -> AlertMode {
        IgmpCallbacks::alert_mode(self)
    }
}

impl Questions for Ear {
    fn creation_mode(&self) -> CreationMode {
        ProtocolCallbacks::creation_mode(self)
    }

    fn rpf(&self, client: &ClientRef, request: &RpfRequest<'_>) -> Route {
        ProtocolCallbacks::rpf(self, client, request)
    }

    fn creation_alert(&self, client: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        ProtocolCallbacks::creation_alert(self, client, entry, oifs);
    }
}

impl ProtocolCallbacks for Ear {
    fn creation_mode(&self) -> CreationMode {
        let is_asked_always = self.manners.last_is_asked_always && self.slot == LAST;
        if is_asked_always { CreationMode::Always } else { CreationMode::WithOifs }
    }

    fn rpf(&self, client: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let mut answer = request.route;
        let heard = Heard::Rpf {
            key: (request.group, request.source),
            arrival: request.arrival,
            header: request.header.to_vec(),
            route: request.route,
        };
        let reactions = |inside: &mut Inside| inside.in_questions.pop_front();
        self.hear(client, heard, Some(request.arrival), reactions, |reaction| {
            answer = reaction.rpf.answer(request.route);
            Reply { route: Some(answer), ..Reply::default() }
        });
        answer
    }

    fn creation_alert(&self, client: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        let key = (entry.group, entry.source);
        let heard = Heard::Creation { key, iif: entry.iif, shown: shown(oifs) };
        let reactions = |inside: &mut Inside| inside.in_questions.pop_front();
        let here = oifs.first().map(CreationOif::interface);
        self.hear(client, heard, here, reactions, |reaction| {
            let answer =
                |oif: &mut CreationOif| oif.set_enabled(reaction.creation.answer(show(oif)).is_enabled);
            oifs.iter_mut().for_each(answer);
            Reply { enabled: shown(oifs), ..Reply::default() }
        });
    }

    fn alert(&self, client: &ClientRef, alert: Alert) {
        self.alert(client, alert);
    }
}

fn shown(oifs: &[CreationOif]) -> BTreeSet<Shown> {
    oifs.iter().map(show).collect()
}

fn show(oif: &CreationOif) -> Shown {
    Shown { on: oif.interface(), igmp: oif.has_igmp(), is_enabled: oif.is_enabled() }
}
