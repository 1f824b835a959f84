//! Properties of single operations on random states (HO-11 to HO-17, MB-8, MB-9): each builds a state, does one thing in
//! it, and compares with what was before, or with the same state in which the same was done another way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use mgm::{Alert, Change, ClientName, Entry, Interface, MembershipKind};
use proptest::prelude::*;

use crate::invariant::due;
use crate::ledger::Ledger;
use crate::ops::{
    self, Again, FLOWS, Filter, IGMP, INTERFACES, Op, SLOTS, Sequence, Step, Verb, Where, Who, flow, name,
};
use crate::replay::Event;
use crate::words::{Done, Heard, Uid, Verdict, View};
use crate::world::World;

/// A state, and a number from which it is chosen what is done in it.
pub(crate) type Case = (Sequence, usize);

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (ops::calm_sequences(), any::<usize>())
}

/// A hand-over that is possible in a state.
#[derive(Clone, Copy, Debug)]
enum Handover {
    Take { by: usize, on: usize },
    Release { by: usize, on: usize },
    Offer { by: usize, on: usize, to: usize },
}

/// A manager in a random state, in which nothing goes on.
struct Stand {
    world: Arc<World>,
    before: View,
    commands: usize,
}

impl Stand {
    fn build(sequence: &Sequence, now: Instant, again: Again) -> Self {
        let mut sequence = sequence.clone();
        // Which of several is asked about first is open.
        sequence.in_questions.clear();
        let world = World::new(&sequence, now);
        sequence.steps.iter().for_each(|op| world.act(op));
        world.calm_down();
        world.set_again(again);
        Self::of(world)
    }

    /// What has happened so far is forgotten.
    fn of(world: Arc<World>) -> Self {
        drop(world.take_events());
        let (before, commands) = (world.view(), world.rig.plane.notes().commands);
        Self { world, before, commands }
    }

    fn act(&self, op: &Op) {
        self.world.act(op);
    }

    fn after(&self) -> View {
        self.world.view()
    }

    fn is_registered(&self, slot: usize) -> bool {
        self.world.uid(slot).is_some()
    }

    fn owner(&self, on: usize) -> Option<ClientName> {
        let status = |status: &&crate::words::Status| status.interface == ops::interface(on);
        self.before.interfaces.iter().find(status)?.owner
    }

    /// What a client holds on an interface, as it would add it again.
    fn held(&self, slot: usize, on: usize) -> Vec<Step> {
        let its = self
            .before
            .groups
            .iter()
            .filter(|held| (held.added_by, held.interface) == (name(slot), ops::interface(on)));
        its.map(|held| Step { verb: Verb::again(held.kind), entry: held.entry }).collect()
    }

    fn handovers(&self) -> Vec<Handover> {
        let protocols = || (0..SLOTS).filter(|slot| *slot != IGMP && self.is_registered(*slot));
        let with_igmp = (0..INTERFACES).filter(|on| {
            let at = ops::interface(*on);
            self.before.interfaces.iter().any(|status| status.interface == at && status.igmp)
        });
        let mut all = Vec::new();
        for on in with_igmp {
            match protocols().find(|slot| self.owner(on) == Some(name(*slot))) {
                None => all.extend(protocols().map(|by| Handover::Take { by, on })),
                Some(by) => {
                    all.push(Handover::Release { by, on });
                    all.extend(protocols().filter(|to| *to != by).map(|to| Handover::Offer { by, on, to }));
                }
            }
        }
        all
    }

    /// Those who own the interface before and after.
    fn parties(&self, handover: Handover) -> [ClientName; 2] {
        match handover {
            Handover::Take { by, .. } | Handover::Release { by, .. } => [name(IGMP), name(by)],
            Handover::Offer { by, to, .. } => [name(by), name(to)],
        }
    }

    fn hand_over(&self, handover: Handover) {
        match handover {
            Handover::Take { by, on } => self.act(&Op::Take(Who::Slot(by), Where::Fixed(on))),
            Handover::Release { by, on } => self.act(&Op::Release(Who::Slot(by), Where::Fixed(on))),
            Handover::Offer { by, on, to } => {
                self.act(&Op::WithdrawOffer(Who::Slot(by), Where::Fixed(on)));
                self.act(&Op::Offer(Who::Slot(by), Where::Fixed(on), to));
                self.act(&Op::Take(Who::Slot(to), Where::Fixed(on)));
            }
        }
    }

    /// The releasing owner holds nothing itself, and has set no forward state: what it held ends as IF-7 says.
    fn empty_hands(self, handover: Handover) -> Self {
        let (by, on, own) = match handover {
            Handover::Take { on, .. } => (IGMP, on, Vec::new()),
            Handover::Release { by, on } | Handover::Offer { by, on, .. } => (by, on, self.held(by, on)),
        };
        for step in own {
            self.act(&Op::Set(Who::Slot(by), Where::Fixed(on), step.ended()));
        }
        for number in 0..FLOWS {
            self.act(&Op::State(Who::Slot(by), Where::Fixed(on), flow(number), None));
        }
        Self::of(self.world)
    }

    /// Nobody has for a moment no reason left to pull what it pulls before and after.
    fn check_no_dip(&self, alerts: &[(Uid, Alert)]) -> Verdict {
        let rib = self.world.rig.table.0.lock().unwrap().clone();
        let slots = (0..SLOTS).filter(|slot| self.is_registered(*slot));
        let clients: Vec<_> = slots.filter_map(|slot| Some((self.world.uid(slot)?, name(slot)))).collect();
        let (before, after) = (due(&clients, &self.before, &rib), due(&clients, &self.after(), &rib));
        let mut now = before.clone();
        for (to, alert) in alerts {
            now.hear(*to, alert)?;
            let own = || self.before.groups.iter().filter(|held| clients.contains(&(*to, held.added_by)));
            let joined: BTreeSet<_> =
                own().filter(|held| held.kind == MembershipKind::Joined).map(|held| held.entry).collect();
            let has_reason = |ledger: &Ledger, entry| ledger.has_reason(*to, entry, &joined);
            let dip = ops::entries().find(|entry| {
                has_reason(&before, *entry) && has_reason(&after, *entry) && !has_reason(&now, *entry)
            });
            if let Some(entry) = dip {
                return Err(format!("after {alert:?} {to} has no reason to pull {entry}: {alerts:?}"));
            }
        }
        Ok(())
    }

    /// Something comes in there, or has its source behind it (HO-15).
    fn leads_there(&self, on: Interface) -> bool {
        let rib = self.world.rig.table.0.lock().unwrap();
        let behind =
            |mfe: &crate::words::Entered| rib.find(mfe.key.1).is_some_and(|route| route.interface == on);
        self.before.mfes.iter().any(|mfe| mfe.iif == on || behind(mfe))
    }
}

impl Handover {
    const fn on(self) -> usize {
        match self {
            Self::Take { on, .. } | Self::Release { on, .. } | Self::Offer { on, .. } => on,
        }
    }
}

impl Step {
    /// What ends what this adds.
    const fn ended(self) -> Self {
        let verb = match self.verb {
            Verb::Add | Verb::Delete => Verb::Delete,
            Verb::Block | Verb::Unblock => Verb::Unblock,
        };
        Self { verb, ..self }
    }
}

const ALL: u16 = u16::MAX;

/// HO-11 to HO-13: a hand-over in which IGMP adds everything again gives the forwarder no command, and no alert to
/// anybody but the old and the new owner, nor to them two of the same; and no limit refuses an add.
pub(crate) fn adding_all_again_is_seen_by_two(case: &Case) -> Verdict {
    let (sequence, pick) = case;
    let again = if pick.is_multiple_of(2) { Again::Singly(ALL) } else { Again::InBatch(ALL) };
    let stand = Stand::build(sequence, Instant::now(), again);
    let Some(handover) = choose(&stand.handovers(), *pick) else { return Ok(()) };
    let stand = stand.empty_hands(handover);
    stand.hand_over(handover);
    let events = stand.world.take_events();
    confirmed(&results(inside_enable(&events)))?;
    let parties = stand.parties(handover).map(|party| stand.world.uid_of(party));
    let alerts: Vec<_> = alerts(&events).collect();
    for (number, (to, alert)) in alerts.iter().enumerate() {
        if !parties.contains(&Some(*to)) {
            return Err(format!("HO-12: {handover:?}, and {to} hears {alert:?}"));
        }
        if alerts[..number].iter().any(|(other, earlier)| other == to && subject(earlier) == subject(alert)) {
            return Err(format!("HO-12: {handover:?}, and {to} hears twice of {alert:?}"));
        }
    }
    stand.check_no_dip(&alerts).map_err(|why| format!("HO-12, CT-6: {handover:?}: {why}"))?;
    let commands = stand.world.rig.plane.notes().commands - stand.commands;
    if commands > 0 && !stand.leads_there(ops::interface(handover.on())) {
        return Err(format!("HO-12: {handover:?}, and {commands} commands to the forwarder"));
    }
    let (before, after) = (&stand.before, stand.after());
    let held = |view: &View| -> BTreeSet<_> {
        view.groups.iter().map(|held| (held.entry, held.interface, held.kind, held.added_by)).collect()
    };
    if held(before) != held(&after) {
        return Err(format!("HO-13: {handover:?} loses of {before:?}\n  {after:?}"));
    }
    Ok(())
}

/// HO-14: one in which IGMP adds a subset ends in the state that withdrawing all and adding that subset gives.
pub(crate) fn adding_a_subset_is_withdrawing_and_adding_it(case: &Case) -> Verdict {
    let (sequence, pick) = case;
    let now = Instant::now();
    let mut sequence = sequence.clone();
    sequence.max.waiting_alerts = None;
    let subset = u16::try_from(pick >> 8 & 0xffff).unwrap();
    let stand = Stand::build(&sequence, now, Again::Singly(subset));
    let Some(handover) = choose(&stand.handovers(), *pick) else { return Ok(()) };
    let other = Stand::build(&sequence, now, Again::Nothing);
    let held = stand.held(IGMP, handover.on());
    stand.hand_over(handover);
    confirmed(&results(inside_enable(&stand.world.take_events())))?;
    let igmp = |step| Op::Set(Who::Slot(IGMP), Where::Fixed(handover.on()), step);
    held.iter().for_each(|step| other.act(&igmp(step.ended())));
    other.hand_over(handover);
    Again::Singly(subset).chosen(&held).for_each(|step| other.act(&igmp(step)));
    let (one, other) = (stand.after(), other.after());
    if one == other { Ok(()) } else { Err(format!("HO-14: {handover:?} ends in {one:?}\n  and {other:?}")) }
}

/// HO-17: a refresh in which all is added again is seen by nobody.
pub(crate) fn a_refresh_with_all_again_is_seen_by_nobody(case: &Case) -> Verdict {
    let (sequence, pick) = case;
    let stand = Stand::build(sequence, Instant::now(), Again::Nothing);
    let places = (0..SLOTS).flat_map(|slot| (0..INTERFACES).map(move |on| (slot, on)));
    let all: Vec<_> = places.filter(|(slot, on)| !stand.held(*slot, *on).is_empty()).collect();
    let Some((slot, on)) = choose(&all, *pick) else { return Ok(()) };
    let (who, at) = (Who::Slot(slot), Where::Fixed(on));
    let refreshes = stand.world.refreshes();
    stand.act(&Op::BeginRefresh(who, at, 300));
    if stand.world.refreshes() == refreshes {
        // One that the sequence began goes on.
        return Ok(());
    }
    let held = stand.held(slot, on);
    if pick.is_multiple_of(2) {
        held.iter().for_each(|step| stand.act(&Op::Set(who, at, *step)));
    } else {
        stand.act(&Op::Batch(who, at, held));
    }
    let middle = stand.after();
    stand.act(&if pick.is_multiple_of(3) { Op::Expire(300) } else { Op::EndRefresh(refreshes) });
    let events = stand.world.take_events();
    confirmed(&results(&events))?;
    let commands = stand.world.rig.plane.notes().commands - stand.commands;
    let heard = alerts(&events).collect::<Vec<_>>();
    let is_idle = !pick.is_multiple_of(3) || stand.before.mfes.is_empty();
    let is_seen = !heard.is_empty() || commands > 0 || stand.before != stand.after();
    if stand.before != middle || is_idle && is_seen {
        return Err(format!("HO-17: {slot} refreshes {on}: {heard:?}, {commands} commands"));
    }
    Ok(())
}

/// MB-8: a batch does what its parts do one by one, and answers the same; its alerts are the difference.
pub(crate) fn a_batch_is_its_parts(case: &(Sequence, Vec<Step>, usize)) -> Verdict {
    let (sequence, steps, pick) = case;
    let mut sequence = sequence.clone();
    sequence.max.waiting_alerts = None;
    let now = Instant::now();
    let [one, other] = [(); 2].map(|()| Stand::build(&sequence, now, Again::Nothing));
    let (who, at) = (Who::Slot(pick % SLOTS), Where::Fixed(pick / SLOTS % INTERFACES));
    one.act(&Op::Batch(who, at, steps.clone()));
    steps.iter().for_each(|step| other.act(&Op::Set(who, at, *step)));
    let (one_events, other_events) = (one.world.take_events(), other.world.take_events());
    let batch = results(&one_events);
    let parts = results(&other_events);
    if batch != parts && !batch.is_empty() {
        return Err(format!("MB-8: together {batch:?}, one by one {parts:?}"));
    }
    same_end("MB-8", (&one, &one_events), (&other, &other_events))
}

/// MB-9: a filter does what deleting the rest and adding what it names do; its alerts are the difference.
pub(crate) fn a_filter_is_its_difference(case: &(Sequence, Filter, usize)) -> Verdict {
    let (sequence, filter, pick) = case;
    let mut sequence = sequence.clone();
    sequence.max = ops::Max::default();
    let now = Instant::now();
    let [one, other] = [(); 2].map(|()| Stand::build(&sequence, now, Again::Nothing));
    let (slot, on) = (pick % SLOTS, pick / SLOTS % INTERFACES);
    let (who, at, group) = (Who::Slot(slot), Where::Fixed(on), ops::group(pick / 64));
    one.act(&Op::Filter(who, at, group, filter.clone()));
    let (verb, sources) = match filter {
        Filter::Include(sources) => (Verb::Add, sources),
        Filter::Exclude(sources) => (Verb::Block, sources),
    };
    let mut new: Vec<_> =
        sources.iter().map(|source| Step { verb, entry: Entry::SourceGroup(*source, group) }).collect();
    if let Filter::Exclude(_) = filter {
        new.push(Step { verb: Verb::Add, entry: Entry::Group(group) });
    }
    let one_events = one.world.take_events();
    if one_events.iter().any(|event| matches!(event, Event::Ends(Ok(_), _))) {
        new.iter().for_each(|step| other.act(&Op::Set(who, at, *step)));
        let old = other.held(slot, on).into_iter().filter(|step| step.entry.group() == Some(group));
        let rest = old.filter(|step| new.iter().all(|new| new.entry != step.entry));
        rest.for_each(|step| other.act(&Op::Set(who, at, step.ended())));
    }
    same_end("MB-9", (&one, &one_events), (&other, &other.world.take_events()))
}

/// Two ways ended in the same state, and told everybody the same in the end, the first without detours.
fn same_end(
    statement: &str,
    (one, one_events): (&Stand, &[Event]),
    (other, other_events): (&Stand, &[Event]),
) -> Verdict {
    let (after, due) = (one.after(), other.after());
    if after != due {
        return Err(format!("{statement}: {after:?}\n  one by one {due:?}"));
    }
    let (net, by_parts) = (net(one_events), net(other_events));
    if net.0 != by_parts.0 || net.1 > 0 {
        return Err(format!(
            "{statement}: told {:?}, {} of it in vain; one by one {:?}",
            net.0, net.1, by_parts.0
        ));
    }
    Ok(())
}

/// What alerts come to, and how many of them another one took back.
fn net(events: &[Event]) -> (BTreeMap<(Uid, String), i32>, usize) {
    let mut net = BTreeMap::<_, i32>::new();
    let mut count = 0;
    for (to, alert) in alerts(events) {
        let (about, up) = match alert {
            Alert::Join { .. } | Alert::LocalJoin { .. } | Alert::LocalBlock { .. } => (subject(&alert), 1),
            Alert::Prune { .. } | Alert::LocalLeave { .. } | Alert::LocalUnblock { .. } => {
                (subject(&alert), -1)
            }
            _ => continue,
        };
        *net.entry((to, about)).or_default() += up;
        count += 1;
    }
    net.retain(|_, sum| *sum != 0);
    let in_vain = count - net.len();
    (net, in_vain)
}

/// What an alert is about, whether it begins or ends.
pub(crate) fn subject(alert: &Alert) -> String {
    let text = alert.to_string();
    text.replace("prune_alert", "join_alert")
        .replace("local_leave", "local_join")
        .replace("local_unblock", "local_block")
}

fn alerts(events: &[Event]) -> impl Iterator<Item = (Uid, Alert)> {
    events.iter().filter_map(|event| match event {
        Event::Hears(to, Heard::Alert(alert), _) => Some((*to, alert.clone())),
        _ => None,
    })
}

/// The results of all adds and deletes, batched or not.
fn results(events: &[Event]) -> Vec<Result<Change, mgm::Error>> {
    let results = events.iter().filter_map(|event| match event {
        Event::Ends(Ok(Done::Batch(results)), _) => Some(results.clone()),
        Event::Ends(Ok(Done::Change(change)), _) => Some(vec![Ok(*change)]),
        Event::Ends(Err(error), _) => Some(vec![Err(error.clone())]),
        _ => None,
    });
    results.flatten().collect()
}

/// What happened inside the one `enable_igmp`.
fn inside_enable(events: &[Event]) -> &[Event] {
    let begins = events.iter().position(|event| matches!(event, Event::Hears(_, Heard::Enable(_), _)));
    let Some(begins) = begins else { return &[] };
    let ends = events[begins..].iter().position(|event| matches!(event, Event::Returns(_)));
    &events[begins..begins + ends.unwrap_or_default()]
}

/// HO-13: what is added again is there, and is never refused.
fn confirmed(results: &[Result<Change, mgm::Error>]) -> Verdict {
    let is_confirmed = |result: &Result<Change, _>| *result == Ok(Change::Unchanged);
    match results.iter().all(is_confirmed) {
        true => Ok(()),
        false => Err(format!("HO-13: adding again answers {results:?}")),
    }
}

fn choose<T: Copy>(all: &[T], pick: usize) -> Option<T> {
    all.get(pick.checked_rem(all.len())?).copied()
}
