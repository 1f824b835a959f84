//! What happened to the manager under test, event by event, and the stage on which the model follows it.
//!
//! Where the specification leaves an order open (which client is told first, which entry is made anew first) the model
//! takes the order that it sees; all else it knows beforehand.

use std::collections::BTreeSet;

use mgm::Alert;

use crate::naive::{Answer, Question, Stage, State};
use crate::ops::{Key, Sequence};
use crate::words::{Call, Done, Heard, Outcome, Reply, Shown, Uid, Verdict, View};

#[derive(Clone, Debug)]
pub(crate) enum Event {
    Begins(Call),
    Ends(Outcome, View),
    Hears(Uid, Heard, View),
    Returns(Reply),
}

/// Follows `events` with the model; says where they first differ.
pub(crate) fn follow(sequence: &Sequence, now: std::time::Instant, events: Vec<Event>) -> Verdict {
    let stage = Replay { events, next: 0 };
    let mut model = crate::naive::Model::new(sequence.max, sequence.manners, now, stage);
    model.run().map_err(|why| format!("{why}\nafter {}", model.stage.last_events()))?;
    model.stage.peek().map_or(Ok(()), |event| Err(format!("not by the model: {event:?}")))
}

struct Replay {
    events: Vec<Event>,
    next: usize,
}

impl Replay {
    fn peek(&self) -> Option<&Event> {
        self.events.get(self.next)
    }

    /// How the call that goes on will end.
    fn end(&self) -> Option<(&Outcome, &View)> {
        let mut depth = 0;
        for event in self.events.iter().skip(self.next) {
            match event {
                Event::Begins(_) => depth += 1,
                Event::Ends(outcome, view) if depth == 0 => return Some((outcome, view)),
                Event::Ends(..) => depth -= 1,
                Event::Hears(..) | Event::Returns(_) => {}
            }
        }
        None
    }

    /// What was seen before, the latest first.
    fn views(&self) -> impl Iterator<Item = &View> {
        let past = self.events[..self.next].iter().rev();
        past.filter_map(|event| match event {
            Event::Ends(_, view) | Event::Hears(_, _, view) => Some(view),
            Event::Begins(_) | Event::Returns(_) => None,
        })
    }

    /// For a reader of what differs.
    fn last_events(&self) -> String {
        let text = |event: &Event| match event {
            Event::Begins(call) => format!("\n  {call:?} begins"),
            Event::Ends(outcome, _) => format!("\n  ends with {outcome:?}"),
            Event::Hears(to, heard, _) => format!("\n  {to} hears {heard:?}"),
            Event::Returns(_) => "\n  returns".to_owned(),
        };
        let until = self.next.min(self.events.len());
        self.events[until.saturating_sub(12)..until].iter().map(text).collect()
    }

    fn take(&mut self) -> Option<Event> {
        let event = self.peek().cloned();
        self.next += 1;
        event
    }
}

impl Stage for Replay {
    fn next_call(&mut self, _: &State) -> Option<Call> {
        let Some(Event::Begins(call)) = self.peek() else { return None };
        let call = call.clone();
        self.next += 1;
        Some(call)
    }

    fn outcome(&self) -> Option<Outcome> {
        self.end().map(|(outcome, _)| outcome.clone())
    }

    fn is_made_anew(&self, key: Key) -> bool {
        let made = |view: &View| view.mfes.iter().find(|mfe| mfe.key == key).map(|mfe| mfe.made);
        let now = self.views().next().and_then(made);
        now.is_some_and(|now| self.end().and_then(|(_, view)| made(view)).is_some_and(|then| then != now))
    }

    fn call_ends(&mut self, _: &Call, answer: &Answer<Done>, state: &State) -> Verdict {
        let Some(Event::Ends(outcome, view)) = self.take() else {
            let at = self.next.saturating_sub(1);
            return Err(format!("by the model it ends with {answer:?}, but {:?}", self.events.get(at)));
        };
        let agreed = match (&outcome, answer) {
            (Err(error), Err(errors)) => errors.is_empty() || errors.contains(error),
            // When the forwarder is tried again is left open.
            (Ok(Done::Silently), Ok(Done::Next(_))) => true,
            (Ok(done), Ok(answer)) => done == answer,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        if !agreed {
            return Err(format!("{outcome:?}, by the model {answer:?}"));
        }
        compare(&view, state)
    }

    fn next_alert(&mut self, _: &[(Uid, Alert)]) -> Option<(Uid, Alert)> {
        match self.peek() {
            Some(Event::Hears(to, Heard::Alert(alert), _)) => Some((*to, alert.clone())),
            _ => None,
        }
    }

    fn next_question(&self) -> Option<(Uid, Key)> {
        match self.peek() {
            Some(Event::Hears(to, Heard::Rpf { key, .. } | Heard::Creation { key, .. }, _)) => {
                Some((*to, *key))
            }
            _ => None,
        }
    }

    fn shown(&self, question: &Question) -> BTreeSet<Shown> {
        match self.peek() {
            Some(Event::Hears(_, Heard::Creation { shown, .. }, _))
                if shown.is_superset(&question.due)
                    && shown.difference(&question.due).all(|more| question.open.contains(more)) =>
            {
                shown.clone()
            }
            _ => question.due.clone(),
        }
    }

    /// CB-2: inside a callback the state that caused it can be read.
    fn callback_begins(&mut self, to: Uid, heard: &Heard, state: &State) -> Verdict {
        match self.take() {
            Some(Event::Hears(client, seen, view)) if (client, &seen) == (to, heard) => {
                compare(&view, state).map_err(|why| format!("inside {heard:?} to {to}: {why}"))
            }
            other => Err(format!("by the model {to} hears {heard:?}, but {other:?}")),
        }
    }

    fn callback_ends(&mut self) -> Verdict<Reply> {
        match self.take() {
            Some(Event::Returns(reply)) => Ok(reply),
            other => Err(format!("by the model a callback ends, but {other:?}")),
        }
    }
}

fn compare(view: &View, state: &State) -> Verdict {
    let mut model = state.view();
    model.told.retain(|client, _| view.told.contains_key(client));
    model.explained.clone_from(&view.explained);
    if state.moves == 0 {
        state.check_explained(&view.explained)?;
    } else {
        model.mfes.clone_from(&view.mfes);
        model.told.clone_from(&view.told);
        model.wrong_answers = view.wrong_answers;
    }
    if *view == model { Ok(()) } else { Err(differences(view, &model)) }
}

/// What only one of them shows.
fn differences(manager: &View, model: &View) -> String {
    let mut all = String::new();
    for (one, other, whose) in [(manager, model, "manager"), (model, manager, "model")] {
        let held = one.groups.difference(&other.groups).map(|held| format!("{held:?}"));
        let statuses = one.interfaces.iter().filter(|status| !other.interfaces.contains(status));
        let mfes = one.mfes.iter().filter(|mfe| !other.mfes.contains(mfe));
        let lines = held.chain(statuses.map(|it| format!("{it:?}"))).chain(mfes.map(|it| format!("{it:?}")));
        let lines = lines.chain([format!("told {:?}", one.told)]);
        lines.for_each(|line| all += &format!("\n  only the {whose}: {line}"));
        all += &format!("\n  {whose}: wrong answers {}, panics {}", one.wrong_answers, one.caught_panics);
    }
    all
}
