//! The manager under test with its clients, RIB and forwarder; after every call it is compared with the model.

use std::fmt::Debug;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mgm::{
    AlertCause, Change, Client, ClientName, ClientRef, CreationMode, CreationOif, Entry, Error, Forwarder,
    GroupAddr, IgmpCallbacks, Interface, Mfe, Mgm, NewMfe, ProtocolCallbacks, Route, RpfRequest, SourceAddr,
};

use super::naive::{Alert, Answer, Key, Model, Question, Seen, Slot};
use super::ops::{self, ALWAYS, Faults, Op, PATIENCE, PATIENT, Sequence, flow, interface};
use super::plane::Plane;
use super::scripts::{Scripts, Table};
use crate::ops::{SLOTS, Verb, name};

type Outcome = Result<Option<Change>, Error>;
pub(crate) type Verdict = Result<(), String>;

/// What the clients of one manager share.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) asked: Vec<Question>,
    pub(crate) told: Vec<(Slot, Alert)>,
    scripts: Scripts,
    broken: Option<String>,
}

/// One call, as it was seen from outside.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) op: Op,
    pub(crate) told: Vec<(Slot, Alert)>,
    pub(crate) before: Vec<Mfe>,
    pub(crate) after: Vec<Mfe>,
}

pub(crate) struct World {
    pub(crate) mgm: Mgm,
    pub(crate) table: Arc<Table>,
    clients: [Option<Client>; SLOTS],
    plane: Arc<Plane>,
    log: Arc<Mutex<Log>>,
    model: Model,
    always: bool,
    patient: bool,
}

/// Runs a sequence, and shows every call to `judge`; at its end the forwarder heals and all handles are dropped.
pub(crate) fn run(sequence: &Sequence, mut judge: impl FnMut(&World, &Event) -> Verdict) -> Verdict {
    let mut world = World::new(sequence);
    let heal = [Op::Faults(Faults::default()), Op::Expire(65), Op::Expire(65)];
    for op in sequence.steps.iter().copied().chain(heal) {
        let event = world.act(op)?;
        judge(&world, &event)?;
    }
    world.hold(world.mgm.forwarder_failures().is_empty(), || "FW-11: a failure is not retried".to_owned())?;
    for op in (0..SLOTS).map(Op::Drop) {
        let event = world.act(op)?;
        judge(&world, &event)?;
    }
    let World { mgm, plane, .. } = world;
    drop(mgm);
    let left = plane.memory.entries();
    if left.is_empty() { Ok(()) } else { Err(format!("FW-12: left in the forwarder: {left:?}")) }
}

impl World {
    fn new(sequence: &Sequence) -> Self {
        let (table, plane) = (Arc::<Table>::default(), Arc::<Plane>::default());
        let builder = Mgm::builder().rib(Arc::clone(&table)).forwarder(Arc::clone(&plane));
        Self {
            mgm: builder.limits(sequence.max.into()).build(),
            table,
            clients: Default::default(),
            plane,
            log: Arc::default(),
            model: Model::new(sequence.max, (sequence.always, sequence.patient), Instant::now()),
            always: sequence.always,
            patient: sequence.patient,
        }
    }

    fn act(&mut self, op: Op) -> Result<Event, String> {
        let before = self.mgm.mfes().collect();
        self.plane.notes().deletes.clear();
        self.perform(op).map_err(|why| format!("{op:?}: {why}"))?;
        let after: Vec<_> = self.mgm.mfes().collect();
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        self.log.lock().unwrap().scripts = log.scripts.clone();
        self.compare(&log, &after).map_err(|why| format!("{op:?}: {why}"))?;
        self.compare_forwarder(&after).map_err(|why| format!("{op:?}: {why}"))?;
        Ok(Event { op, told: log.told, before, after })
    }

    fn perform(&mut self, op: Op) -> Verdict {
        self.model.call(|_| ());
        match op {
            Op::Register(slot) => self.register(slot),
            Op::Deregister(slot) => self.deregister(slot),
            Op::Drop(slot) => {
                if let Some(client) = self.clients[slot].take() {
                    drop(client);
                    self.model.call(|model| model.drop_client(slot));
                }
                Ok(())
            }
            Op::Remove(on) => {
                self.mgm.interface_removed(interface(on).index());
                self.model.call(|model| model.remove(interface(on)));
                Ok(())
            }
            Op::Take(slot, on) => self.as_client(
                slot,
                |client| client.take_interface_ownership(interface(on)).map(|()| None),
                |model| model.take(slot, interface(on)),
            ),
            Op::Release(slot, on) => self.as_client(
                slot,
                |client| client.release_interface_ownership(interface(on)).map(|()| None),
                |model| model.release(slot, interface(on)),
            ),
            Op::Set(verb, slot, on, entry) => self.set(verb, slot, interface(on), ops::entry(entry)),
            Op::Packet(flow, on) => self.packet(flow, on),
            Op::Unknown(flow, on) => self.unknown(flow, on),
            Op::Wrong(flow, on) => self.wrong(flow, on),
            Op::Route(..) | Op::RoutesChanged(_) => {
                self.route(op);
                Ok(())
            }
            Op::State(..) | Op::Mfe(..) | Op::Timeout(..) | Op::WrongAlerts(..) => self.set_in_mfe(op),
            Op::Expire(seconds) => self.expire(seconds),
            Op::Rpf(slot, rpf) => {
                self.script(|scripts| scripts.rpf[slot] = rpf);
                Ok(())
            }
            Op::Creation(slot, creation) => {
                self.script(|scripts| scripts.creation[slot] = creation);
                Ok(())
            }
            Op::Faults(faults) => {
                self.plane.notes().faults = faults;
                Ok(())
            }
        }
    }

    fn as_client(
        &mut self,
        slot: Slot,
        real: impl FnOnce(&ClientRef) -> Outcome,
        model: impl FnOnce(&mut Model) -> Answer,
    ) -> Verdict {
        let Some(client) = &self.clients[slot] else { return Ok(()) };
        agree(real(client), self.model.call(model))
    }

    fn register(&mut self, slot: Slot) -> Verdict {
        let ear = Ear {
            slot,
            log: Arc::clone(&self.log),
            always: self.always && slot == ALWAYS,
            patient: self.patient && slot == PATIENT,
        };
        let client = match name(slot) {
            ClientName::Igmp => self.mgm.register_igmp(ear),
            ClientName::Protocol(id) => self.mgm.register_protocol(id, ear),
        };
        let outcome = client.map(|client| {
            self.clients[slot] = Some(client);
            None
        });
        agree(outcome, self.model.call(|model| model.register(slot)))
    }

    fn deregister(&mut self, slot: Slot) -> Verdict {
        let Some(client) = self.clients[slot].take() else { return Ok(()) };
        let outcome = client.deregister().map(|()| None).map_err(|refused| {
            let error = refused.error().clone();
            self.clients[slot] = Some(refused.into_client());
            error
        });
        agree(outcome, self.model.call(|model| model.deregister(slot)))
    }

    fn set(&mut self, verb: Verb, slot: Slot, on: Interface, entry: Entry) -> Verdict {
        let real = |client: &ClientRef| {
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
        };
        self.as_client(slot, real, |model| model.set(verb, slot, on, entry))
    }

    /// As a kernel does: it counts a packet that it has an entry for, and reports any other.
    fn packet(&mut self, number: usize, on: usize) -> Verdict {
        let (source, group) = flow(number);
        let Some(_) = self.plane.packet((group, source), interface(on)) else {
            return self.unknown(number, on);
        };
        match self.plane.entry((group, source)) {
            Some(entry) if entry.iif == interface(on) => {
                self.model.carried((group, source));
                Ok(())
            }
            _ => self.wrong(number, on),
        }
    }

    fn unknown(&mut self, number: usize, on: usize) -> Verdict {
        let ((source, group), arrival) = (flow(number), interface(on));
        let key = (group, source);
        let is_left_over = self.plane.memory.stats(source, group).is_ok_and(|stats| stats.packets > 0);
        let is_new = self.mgm.mfe(source, group).is_none();
        let outcome = self.mgm.packet_received(source, group, arrival, &[7], self.model.now).map(|()| None);
        agree(outcome, self.model.call(|model| model.packet_received(key, arrival, &[7])))?;
        // What the forwarder failed to delete it goes on counting: the manager takes that for the new entry's.
        if is_new && is_left_over {
            self.model.carried(key);
        }
        Ok(())
    }

    fn wrong(&mut self, number: usize, on: usize) -> Verdict {
        let ((source, group), arrival) = (flow(number), interface(on));
        self.mgm.packet_on_wrong_interface(source, group, arrival, &[8], self.model.now);
        self.model.call(|model| model.wrong_interface((group, source), arrival, &[8]));
        Ok(())
    }

    fn route(&mut self, op: Op) {
        let (prefix, announced) = match op {
            Op::Route(number, to, announced) => {
                let prefix = ops::prefix(number);
                self.model.rib.set(prefix, to.map(|to| ops::route(number, to)));
                self.table.0.lock().unwrap().clone_from(&self.model.rib);
                (prefix, announced)
            }
            Op::RoutesChanged(number) => (ops::prefix(number), true),
            _ => unreachable!(),
        };
        if announced {
            self.mgm.routes_changed(&prefix);
            self.model.call(|model| model.routes_changed(&prefix));
        }
    }

    fn set_in_mfe(&mut self, op: Op) -> Verdict {
        match op {
            Op::State(slot, on, number, state) => {
                let ((source, group), on) = (flow(number), interface(on));
                self.as_client(
                    slot,
                    |client| client.set_forward_state(on, source, group, state).map(Some),
                    |model| model.set_state(slot, on, (group, source), state),
                )
            }
            Op::Mfe(slot, number, on, has_upstream) => {
                let ((source, group), iif) = (flow(number), interface(on));
                let upstream = has_upstream.then_some(ops::UPSTREAM);
                self.as_client(
                    slot,
                    |client| client.set_mfe(source, group, iif, upstream).map(|()| None),
                    |model| model.set_mfe(slot, (group, source), iif, upstream),
                )
            }
            Op::Timeout(slot, number, seconds) => {
                let (source, group) = flow(number);
                let timeout = seconds.map_or(Duration::MAX, Duration::from_secs);
                self.as_client(
                    slot,
                    |client| client.set_mfe_timeout(source, group, timeout).map(|()| None),
                    |model| model.set_timeout(slot, (group, source), timeout),
                )
            }
            Op::WrongAlerts(slot, on, wanted) => {
                let on = interface(on);
                self.as_client(
                    slot,
                    |client| client.set_wrong_interface_alerts(on, wanted).map(|()| None),
                    |model| model.set_wrong_interface_alerts(slot, on, wanted),
                )
            }
            _ => unreachable!(),
        }
    }

    /// What failed is retried at times that the specification leaves open.
    fn expire(&mut self, seconds: u64) -> Verdict {
        let now = self.model.now + Duration::from_secs(seconds);
        let stats_fail = self.plane.notes().faults.stats;
        let next = self.unless_never(self.mgm.expire(now));
        let model = self.model.call(|model| model.expire(now, stats_fail));
        let agreed = match (next, model) {
            _ if self.mgm.forwarder_failures().is_empty() => next == model,
            (Some(next), model) => next > now && model.is_none_or(|model| next <= model),
            (None, _) => false,
        };
        self.hold(agreed, || format!("FW-7, FW-11: next due {next:?}, model {model:?}"))
    }

    fn script(&mut self, write: impl Fn(&mut Scripts)) {
        write(&mut self.model.scripts);
        write(&mut self.log.lock().unwrap().scripts);
    }

    fn hold(&self, held: bool, statement: impl FnOnce() -> String) -> Verdict {
        if held { Ok(()) } else { Err(statement()) }
    }

    fn compare(&self, log: &Log, mfes: &[Mfe]) -> Verdict {
        log.broken.clone().map_or(Ok(()), Err)?;
        let seen: Vec<_> = mfes.iter().map(|mfe| self.see(mfe)).collect();
        let model = self.model.seen();
        self.hold(seen == model, || format!("entries {seen:?}, model {model:?}"))?;
        self.hold(is_same_set(&log.asked, &self.model.asked), || {
            format!("asked {:?}, model {:?}", log.asked, self.model.asked)
        })?;
        (0..SLOTS).try_for_each(|slot| self.compare_told(log, slot))?;
        let counted = (self.mgm.wrong_answers(), self.mgm.caught_panics());
        let model = (self.model.wrong_answers, self.model.caught_panics + self.plane.notes().panics);
        self.hold(counted == model, || format!("(wrong answers, panics) {counted:?}, model {model:?}"))?;
        for (number, mfe) in mfes.iter().enumerate() {
            let alone = self.mgm.mfe(mfe.source, mfe.group);
            let after: Vec<_> = self.mgm.mfes_after(mfe.source, mfe.group).collect();
            let agreed = alone.as_ref() == Some(mfe) && after == mfes[number + 1..];
            self.hold(agreed, || format!("EN-2: {alone:?}, and after it {after:?}"))?;
        }
        Ok(())
    }

    fn see(&self, mfe: &Mfe) -> Seen {
        Seen {
            key: (mfe.group, mfe.source),
            iif: mfe.iif,
            owner: mfe.owner,
            upstream: mfe.upstream,
            prefix: mfe.prefix,
            oifs: mfe.oifs.clone(),
            made: mfe.made,
            expires: self.unless_never(mfe.expires),
        }
    }

    /// The longest time that a clock can say is not the same on all systems.
    fn unless_never(&self, due: Option<Instant>) -> Option<Instant> {
        due.filter(|due| *due < self.model.now + Duration::from_secs(1_000_000))
    }

    /// CB-3: step by step. CT-6: in each, forwarding entries come before memberships.
    fn compare_told(&self, log: &Log, slot: Slot) -> Verdict {
        let to_it = |all: &[(Slot, Alert)]| -> Vec<Alert> {
            all.iter().filter(|(to, _)| *to == slot).map(|(_, alert)| alert.clone()).collect()
        };
        let told = to_it(&log.told);
        let mut rest = told.as_slice();
        for step in &self.model.told {
            let step = to_it(step);
            let (now, later) = rest.split_at(step.len().min(rest.len()));
            let memberships_from = now.iter().position(|alert| cause(alert) == Some(AlertCause::Membership));
            let entry_after = now.iter().rposition(|alert| cause(alert) == Some(AlertCause::ForwardingEntry));
            let in_order = memberships_from.is_none_or(|first| entry_after.is_none_or(|last| last < first));
            self.hold(in_order && is_same_set(now, &step), || {
                format!("told {slot} {told:?}, model {:?}", self.model.told)
            })?;
            rest = later;
        }
        self.hold(rest.is_empty(), || format!("told {slot} {told:?}, model {:?}", self.model.told))
    }

    /// FW-11, FW-12: the forwarder holds exactly the manager's entries, but for what is marked.
    fn compare_forwarder(&self, mfes: &[Mfe]) -> Verdict {
        let notes = self.plane.notes();
        notes.broken.clone().map_or(Ok(()), Err)?;
        let failures = self.mgm.forwarder_failures();
        let mut marked = 0;
        for mfe in mfes {
            let key = (mfe.group, mfe.source);
            let held = self.plane.entry(key).map(|entry| (entry.iif, entry.oifs));
            if let Some((error, attempts)) = mfe.failure {
                let last = notes.last.get(&key).copied().unwrap_or_default();
                let is_said = last.0 == Some(error) && (1..=last.1).contains(&attempts);
                self.hold(is_said, || format!("FW-11: {:?}, and it was {last:?}", mfe.failure))?;
                marked += 1;
            } else {
                let agreed = held.as_ref() == Some(&(mfe.iif, mfe.oifs.clone()));
                self.hold(agreed, || format!("FW-12: {mfe:?}, in the forwarder {held:?}"))?;
            }
            let no_gap = !notes.deletes.contains(&key);
            self.hold(no_gap, || format!("FW-7, FW-9: {mfe:?} was deleted in the forwarder"))?;
        }
        let is_live = |key: Key| mfes.iter().any(|mfe| (mfe.group, mfe.source) == key);
        let failed: Vec<Key> =
            notes.last.iter().filter(|(_, (error, _))| error.is_some()).map(|(key, _)| *key).collect();
        for entry in self.plane.memory.entries() {
            let key = (entry.group, entry.source);
            let is_known = is_live(key) || failed.contains(&key);
            self.hold(is_known, || format!("FW-12: {entry:?} is in the forwarder, and nobody knows"))?;
        }
        marked += failed.into_iter().filter(|key| !is_live(*key)).count();
        let is_marked = failures.iter().all(|failure| {
            let live = mfes.iter().find(|mfe| (mfe.source, mfe.group) == (failure.source, failure.group));
            let seen = live.map_or((true, None), |mfe| (false, mfe.failure));
            let last = notes.last.get(&(failure.group, failure.source));
            let is_left = last.is_some_and(|last| last.0 == Some(failure.error));
            seen == (failure.deleted, live.map(|_| (failure.error, failure.attempts))) && is_left
        });
        self.hold(is_marked && failures.len() == marked, || {
            format!("FW-11: {marked} failures are due, and these are listed: {failures:?}")
        })
    }
}

fn agree(outcome: Outcome, answer: Answer) -> Verdict {
    let agreed = match (&outcome, &answer) {
        (Ok(change), Ok(model)) => change == model,
        (Err(error), Err(errors)) => errors.contains(error),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    };
    if agreed { Ok(()) } else { Err(format!("{outcome:?}, model {answer:?}")) }
}

fn is_same_set<T: PartialEq + Debug>(one: &[T], other: &[T]) -> bool {
    let count = |all: &[T], of: &T| all.iter().filter(|each| *each == of).count();
    one.len() == other.len() && one.iter().all(|each| count(one, each) == count(other, each))
}

pub(crate) fn cause(alert: &Alert) -> Option<AlertCause> {
    match alert {
        Alert::Join(_, cause) | Alert::Prune(_, cause) => Some(*cause),
        _ => None,
    }
}

/// The callbacks of one registration.
struct Ear {
    slot: Slot,
    log: Arc<Mutex<Log>>,
    always: bool,
    patient: bool,
}

impl Ear {
    fn hear(&self, alert: Alert) {
        self.log.lock().unwrap().told.push((self.slot, alert));
    }

    /// CB-2: what caused the alert can be read from inside it.
    fn hear_of_entry(&self, client: &ClientRef, entry: Entry, pull: bool, cause: AlertCause) {
        self.hear(if pull { Alert::Join(entry, cause) } else { Alert::Prune(entry, cause) });
        let Entry::SourceGroup(source, group) = entry else { return };
        if cause != AlertCause::ForwardingEntry {
            return;
        }
        let mfe = client.manager().mfe(source, group);
        let is_pulled = mfe.is_some_and(|mfe| mfe.owner == Some(client.name()) && !mfe.oifs.is_empty());
        if pull != is_pulled {
            let mut log = self.log.lock().unwrap();
            log.broken.get_or_insert_with(|| {
                format!("CB-2: {entry} is to be pulled: {pull}, and the entry {is_pulled}")
            });
        }
        if self.patient {
            let _refused = client.set_mfe_timeout(source, group, Duration::from_secs(PATIENCE));
        }
    }
}

impl IgmpCallbacks for Ear {
    fn interface_removed(&self, _: &ClientRef, on: Interface) {
        self.hear(Alert::Removed(on));
    }
}

fn key(source: SourceAddr, group: GroupAddr) -> Key {
    (group, source)
}

impl ProtocolCallbacks for Ear {
    fn creation_mode(&self) -> CreationMode {
        if self.always { CreationMode::Always } else { CreationMode::WithOifs }
    }

    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let key = key(request.source, request.group);
        let mut log = self.log.lock().unwrap();
        let header = request.header.to_vec();
        log.asked.push(Question::Rpf(self.slot, key, request.arrival, header, request.route));
        let script = log.scripts.rpf[self.slot];
        drop(log);
        script.answer(request.route).unwrap_or_else(|| resume_unwind(Box::new("as the sequence says")))
    }

    fn creation_alert(&self, _: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        let shown = oifs.iter().map(|oif| (oif.interface(), oif.igmp(), oif.is_enabled())).collect();
        let mut log = self.log.lock().unwrap();
        log.asked.push(Question::Creation(self.slot, key(entry.source, entry.group), entry.iif, shown));
        let script = log.scripts.creation[self.slot];
        drop(log);
        script.answer(oifs);
        if script.panics {
            resume_unwind(Box::new("as the sequence says"));
        }
    }

    fn wrong_interface(
        &self,
        _: &ClientRef,
        on: Interface,
        source: SourceAddr,
        group: GroupAddr,
        header: &[u8],
    ) {
        self.hear(Alert::WrongInterface(on, key(source, group), header.to_vec()));
    }

    fn join_alert(&self, client: &ClientRef, entry: Entry, cause: AlertCause) {
        self.hear_of_entry(client, entry, true, cause);
    }

    fn prune_alert(&self, client: &ClientRef, entry: Entry, cause: AlertCause) {
        self.hear_of_entry(client, entry, false, cause);
    }

    fn local_join(&self, _: &ClientRef, on: Interface, entry: Entry) {
        self.hear(Alert::LocalJoin(on, entry));
    }

    fn local_leave(&self, _: &ClientRef, on: Interface, entry: Entry) {
        self.hear(Alert::LocalLeave(on, entry));
    }

    fn local_block(&self, _: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.hear(Alert::LocalBlock(on, Entry::SourceGroup(source, group)));
    }

    fn local_unblock(&self, _: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.hear(Alert::LocalUnblock(on, Entry::SourceGroup(source, group)));
    }

    fn interface_removed(&self, _: &ClientRef, on: Interface) {
        self.hear(Alert::Removed(on));
    }
}
