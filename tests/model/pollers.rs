//! Clients that poll, at moments of their own: what they have taken when nothing is left is what can be read (CB-8).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mgm::{Alert, AlertCause, ClientName, News};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::invariant::due;
use crate::ledger::Ledger;
use crate::ops::{self, Op, SLOTS, Sequence};
use crate::properties::subject;
use crate::replay::Event;
use crate::words::{Heard, Uid, Verdict, View};
use crate::world::World;

/// A sequence, who polls in it, and after which of its steps.
#[derive(Clone, Debug)]
pub(crate) struct Polling {
    sequence: Sequence,
    polled: [bool; SLOTS],
    moments: Vec<[bool; SLOTS]>,
}

pub(crate) fn pollings() -> impl Strategy<Value = Polling> {
    let who = || any::<[bool; SLOTS]>();
    let parts = (ops::calm_sequences(), who(), vec(who(), 1..40));
    parts.prop_map(|(sequence, polled, moments)| Polling { sequence, polled, moments })
}

/// What a client that polls holds.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) uid: Uid,
    news: News,
    /// It has been called since it last found nothing.
    is_ready: Arc<AtomicBool>,
}

impl Listener {
    pub(crate) fn new(uid: Uid, mut news: News) -> Self {
        let is_ready = Arc::<AtomicBool>::default();
        let ready = Arc::clone(&is_ready);
        news.on_ready(move || ready.store(true, Ordering::SeqCst));
        Self { uid, news, is_ready }
    }

    /// All that is left, of which it has to have been told.
    fn take(&mut self) -> Verdict<Vec<Alert>> {
        let taken: Vec<_> = std::iter::from_fn(|| self.news.try_next()).collect();
        let was_called = self.is_ready.swap(false, Ordering::SeqCst);
        if !taken.is_empty() && !was_called {
            return Err(format!("CB-8: nobody was called for {taken:?}"));
        }
        Ok(taken)
    }
}

/// Whoever polls seldom knows when nothing is left what whoever is alerted knows, and was told only that.
pub(crate) fn what_is_taken_is_what_can_be_read(polling: &Polling) -> Verdict {
    let Polling { sequence, polled, moments } = polling;
    let world = World::polled(sequence, Instant::now(), *polled);
    let mut told = Told { igmp_is_told: sequence.manners.igmp_is_told, ledger: Ledger::default() };
    for (op, moment) in sequence.steps.iter().zip(moments.iter().cycle()) {
        world.act(op);
        let view = told.follow(&world)?;
        for slot in (0..SLOTS).filter(|slot| moment[*slot]) {
            told.take(&world, slot, &view).map_err(|why| format!("after {op:?}: {why}"))?;
        }
    }
    world.calm_down();
    let view = told.follow(&world)?;
    (0..SLOTS).try_for_each(|slot| told.take(&world, slot, &view))
}

/// What the clients that poll have taken.
struct Told {
    igmp_is_told: bool,
    ledger: Ledger,
}

impl Told {
    /// Who comes counts as told (CL-5); who goes, and an entry that goes, is forgotten (FW-6).
    fn follow(&mut self, world: &World) -> Verdict<View> {
        let rib = world.rig.table.0.lock().unwrap().clone();
        let mut calls = Vec::new();
        for event in world.take_events() {
            match event {
                Event::Begins(call) => calls.push(call),
                Event::Ends(outcome, view) => {
                    match calls.pop().filter(|_| outcome.is_ok()) {
                        Some(Op::Register(slot)) => {
                            if let Some(uid) = world.uid(slot) {
                                let pulls = self.due(uid, slot, &view, &rib).pulls;
                                self.ledger.register(uid, pulls.into_iter().map(|(_, entry)| entry));
                            }
                        }
                        Some(Op::Deregister(uid) | Op::Drop(uid)) => self.ledger.forget(uid),
                        _ => {}
                    }
                    self.keep_streams(&view);
                }
                Event::Hears(to, Heard::Alert(alert), view) => {
                    self.keep_streams(&view);
                    if (0..SLOTS).any(|slot| world.listener(slot).as_ref().is_some_and(|it| it.uid == to)) {
                        return Err(format!("CB-8: {to} polls, and is alerted: {alert:?}"));
                    }
                }
                Event::Hears(..) | Event::Returns(_) => {}
            }
        }
        Ok(world.view())
    }

    fn keep_streams(&mut self, view: &View) {
        let entry = |(group, source)| mgm::Entry::SourceGroup(source, group);
        self.ledger.keep_streams(|it| view.mfes.iter().any(|mfe| entry(mfe.key) == it));
    }

    fn due(&self, uid: Uid, slot: usize, view: &View, rib: &crate::rib::Routes) -> Ledger {
        let mut due = due(&[(uid, ops::name(slot))], view, rib);
        if ops::name(slot) == ClientName::Igmp && !self.igmp_is_told {
            due = Ledger::default();
        }
        due
    }

    /// The client of a slot takes all that is left, if it polls.
    fn take(&mut self, world: &World, slot: usize, view: &View) -> Verdict {
        let mut listener = world.listener(slot);
        let Some(listener) = listener.as_mut() else { return Ok(()) };
        let taken = listener.take()?;
        if world.uid(slot) != Some(listener.uid) {
            return if taken.is_empty() { Ok(()) } else { Err(format!("CB-8: {slot} has gone: {taken:?}")) };
        }
        let rib = world.rig.table.0.lock().unwrap().clone();
        let due = self.due(listener.uid, slot, view, &rib);
        in_order(&taken)?;
        for alert in &taken {
            self.hear(listener.uid, alert, &due)?;
        }
        let known = of(&self.ledger, listener.uid);
        let read = view.told.get(&ops::name(slot)).cloned().unwrap_or_default();
        if known.told(listener.uid) != read {
            return Err(format!("CB-8, EN-5: {slot} has taken {known:?}\n  told {read:?}"));
        }
        if known == due { Ok(()) } else { Err(format!("CB-8: {slot} has taken {known:?}\n  due {due:?}")) }
    }

    /// A piece of news is what holds now and was not taken, or the end of what was.
    fn hear(&mut self, uid: Uid, alert: &Alert, due: &Ledger) -> Verdict {
        let mut only = Ledger::default();
        let (begins, is_due) = match *alert {
            Alert::Join { .. } | Alert::LocalJoin { .. } | Alert::LocalBlock { .. } => {
                note(&mut only, uid, alert);
                (true, is_within(&only, due))
            }
            Alert::Prune { .. } | Alert::LocalLeave { .. } | Alert::LocalUnblock { .. } => {
                note(&mut only, uid, &begun(alert));
                (false, !is_within(&only, due))
            }
            _ => return Ok(()),
        };
        // What IGMP holds is told anew in each tenure, and a stream when it is made.
        let may_repeat = begins && !matches!(alert, Alert::Join { cause: AlertCause::Membership, .. });
        let may_be_unknown = matches!(alert, Alert::Prune { cause: AlertCause::ForwardingEntry, .. });
        let was_known = is_within(&only, &self.ledger);
        note(&mut self.ledger, uid, alert);
        if is_due && (was_known != begins || may_repeat || may_be_unknown) {
            return Ok(());
        }
        Err(format!("CB-8: {alert:?} to {uid}, known {was_known}, due {due:?}"))
    }
}

/// A local begin may be told in several tenures, so a ledger that knows it already is no error here.
fn note(ledger: &mut Ledger, uid: Uid, alert: &Alert) {
    let _known = ledger.hear(uid, alert);
}

/// What one client has been told.
fn of(all: &Ledger, client: Uid) -> Ledger {
    let Ledger { mut pulls, mut streams, mut locals } = all.clone();
    pulls.retain(|(it, _)| *it == client);
    streams.retain(|(it, _)| *it == client);
    locals.retain(|(it, ..)| *it == client);
    Ledger { pulls, streams, locals }
}

fn is_within(few: &Ledger, many: &Ledger) -> bool {
    few.pulls.is_subset(&many.pulls)
        && few.streams.is_subset(&many.streams)
        && few.locals.is_subset(&many.locals)
}

/// The alert that it is the end of.
fn begun(alert: &Alert) -> Alert {
    match *alert {
        Alert::Prune { entry, cause } => Alert::Join { entry, cause },
        Alert::LocalLeave { interface, entry } => Alert::LocalJoin { interface, entry },
        Alert::LocalUnblock { interface, source, group } => Alert::LocalBlock { interface, source, group },
        ref other => other.clone(),
    }
}

/// CT-6, and each thing once. That an interface is gone has a place of its own.
fn in_order(taken: &[Alert]) -> Verdict {
    let ranked: Vec<_> = taken.iter().filter_map(rank).collect();
    let subjects: BTreeSet<_> = taken.iter().map(subject).collect();
    if ranked.is_sorted() && subjects.len() == taken.len() {
        return Ok(());
    }
    Err(format!("CT-6, CB-8: {taken:?}"))
}

fn rank(alert: &Alert) -> Option<u8> {
    use AlertCause::ForwardingEntry;
    Some(match alert {
        Alert::LocalUnblock { .. } => 0,
        Alert::LocalJoin { .. } => 1,
        Alert::Join { cause: ForwardingEntry, .. } => 2,
        Alert::Join { .. } => 3,
        Alert::LocalLeave { .. } => 4,
        Alert::LocalBlock { .. } => 5,
        Alert::Prune { cause: ForwardingEntry, .. } => 6,
        Alert::Prune { .. } => 7,
        Alert::WrongInterface { .. } => 8,
        _ => return None,
    })
}

/// Whoever polls after each step takes what whoever is alerted in it hears; of what comes and goes in one step, nothing.
pub(crate) fn who_polls_at_once_hears_what_the_alerted_hear(sequence: &Sequence) -> Verdict {
    let mut sequence = sequence.clone();
    // It is no limit to those that poll.
    sequence.max.waiting_alerts = None;
    // Which of several entries is asked about first is open.
    sequence.in_questions.clear();
    let now = Instant::now();
    let alerted = World::new(&sequence, now);
    let polling = World::polled(&sequence, now, [true; SLOTS]);
    for op in &sequence.steps {
        alerted.act(op);
        polling.act(op);
        drop(polling.take_events());
        let events = alerted.take_events();
        for slot in 0..SLOTS {
            let mut listener = polling.listener(slot);
            let Some(listener) = listener.as_mut() else { continue };
            let taken = listener.take()?;
            let uid = listener.uid;
            let heard = |event: &Event| match event {
                Event::Hears(to, Heard::Alert(alert), _) if *to == uid => Some(alert.clone()),
                _ => None,
            };
            let heard: Vec<_> = events.iter().filter_map(heard).collect();
            let of = |about: &String| {
                let mut alerts = heard.iter().filter(|alert| subject(alert) == *about);
                (alerts.next(), alerts.next())
            };
            let unheard = taken.iter().find(|alert| of(&subject(alert)).0.is_none());
            let missed = heard.iter().find(|alert| of(&subject(alert)).1.is_none() && !taken.contains(alert));
            if unheard.is_some() || missed.is_some() {
                return Err(format!("CB-8: after {op:?} {slot} hears {heard:?}\n  and takes {taken:?}"));
            }
        }
    }
    Ok(())
}
