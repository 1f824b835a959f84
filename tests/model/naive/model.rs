//! The model at work: a state, the alerts that wait, and a [`Stage`] on which callbacks happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use mgm::{Alert, AlertCause, Change, ClientName, Error, Limit};

use super::told::Told;
use super::{Answer, Question, State, caller};
use crate::ops::{Key, Manners, Max};
use crate::words::{Call, Done, Heard, Outcome, Reply, Shown, Uid, Verdict};

/// Where the callbacks of the model happen: as they happened to the manager under test, or by themselves.
pub(crate) trait Stage {
    /// The next call that is made here: inside the callback that runs, or outside all.
    fn next_call(&mut self, state: &State) -> Option<Call>;
    /// What came of the call that has just begun, where that is known.
    fn outcome(&self) -> Option<Outcome>;
    fn call_ends(&mut self, call: &Call, answer: &Answer<Done>, state: &State) -> Verdict;
    /// Which of the alerts that may be delivered now is.
    fn next_alert(&mut self, deliverable: &[(Uid, Alert)]) -> Option<(Uid, Alert)>;
    /// Whom the next question is for, and about what, where that is known.
    fn next_question(&self) -> Option<(Uid, Key)>;
    /// Whether the entry is made anew by the call that goes on, where that is open.
    fn is_made_anew(&self, key: Key) -> bool;
    /// What of it is shown, where that is open.
    fn shown(&self, question: &Question) -> BTreeSet<Shown>;
    fn callback_begins(&mut self, to: Uid, heard: &Heard, state: &State) -> Verdict;
    fn callback_ends(&mut self) -> Verdict<Reply>;
}

/// For each client the alerts that wait.
type Waiting = BTreeMap<Uid, VecDeque<Wave>>;

/// Steps that come before those of the next wave; in which order among each other is open.
#[derive(Clone, Debug)]
struct Wave {
    is_open: bool,
    steps: Vec<Vec<Alert>>,
}

#[derive(Debug)]
pub(crate) struct Model<S> {
    pub(crate) state: State,
    pub(crate) stage: S,
    waiting: Waiting,
    /// How many callbacks run, one inside the other.
    pub(super) depth: usize,
}

impl<S: Stage> Model<S> {
    pub(crate) fn new(max: Max, manners: Manners, now: Instant, stage: S) -> Self {
        let state = State::new(max, manners, now);
        Self { state, stage, waiting: BTreeMap::new(), depth: 0 }
    }

    /// Does all calls that are made here.
    pub(crate) fn run(&mut self) -> Verdict {
        while let Some(call) = self.stage.next_call(&self.state) {
            self.call(&call).map_err(|why| format!("{call:?}: {why}"))?;
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Verdict {
        // A batch refuses each of its parts.
        let is_exempt = matches!(call, Call::Deregister(_) | Call::Drop(_) | Call::Batch(..));
        let caller = caller(call).filter(|_| !is_exempt);
        let errors = caller.map(|client| self.refuse_deregistered(client)).unwrap_or_default();
        let answer = if errors.is_empty() { self.answer(call)? } else { Err(errors) };
        self.deliver()?;
        self.stage.call_ends(call, &answer, &self.state)
    }

    pub(super) fn refuse_deregistered(&self, client: Uid) -> Vec<Error> {
        let is_registered = self.state.clients[client].is_registered;
        if is_registered { Vec::new() } else { vec![Error::Deregistered { client: self.state.name(client) }] }
    }

    /// One step: what follows from it is told by the difference of before and after.
    pub(super) fn step<R>(&mut self, change: impl FnOnce(&mut State) -> R) -> R {
        let before = Told::of(&self.state);
        let result = change(&mut self.state);
        self.state.tell_owners();
        let mut alerts = std::mem::take(&mut self.state.news);
        alerts.extend(Told::of(&self.state).alerts_since(&before));
        self.state.forget_routes();
        self.post(alerts);
        result
    }

    pub(super) fn post(&mut self, alerts: Vec<(Uid, Alert)>) {
        let mut steps: BTreeMap<Uid, Vec<Alert>> = BTreeMap::new();
        for (to, alert) in alerts {
            let pulls = matches!(alert, Alert::Join { .. } | Alert::Prune { .. });
            if self.state.clients[to].is_registered && (!pulls || self.state.is_told(to)) {
                steps.entry(to).or_default().push(alert);
            }
        }
        // The pieces of what moves are brought over in an order that is open.
        let is_open = self.state.moves > 0;
        for (to, step) in steps {
            let waves = self.waiting.entry(to).or_default();
            match waves.back_mut().filter(|wave| wave.is_open && is_open) {
                Some(wave) => wave.steps.push(step),
                None => waves.push_back(Wave { is_open, steps: vec![step] }),
            }
        }
    }

    pub(super) fn forget_alerts_of(&mut self, client: Uid) {
        self.waiting.remove(&client);
    }

    /// CB-4: outside callbacks all is delivered before the call goes on.
    pub(super) fn deliver(&mut self) -> Verdict {
        while self.depth == 0 && self.waiting.values().any(|waves| !waves.is_empty()) {
            let deliverable = self.deliverable();
            let Some((to, alert)) = self.stage.next_alert(&deliverable) else {
                return Err(format!("CB-4: undelivered: {:?}", self.waiting));
            };
            self.deliver_one(to, alert)?;
        }
        Ok(())
    }

    /// Between two steps of a call alerts may be delivered, or later.
    pub(super) fn deliver_what_comes(&mut self) -> Verdict {
        while self.depth == 0
            && let Some((to, alert)) = self.stage.next_alert(&[])
            && self.deliverable().contains(&(to, alert.clone()))
        {
            self.deliver_one(to, alert)?;
        }
        Ok(())
    }

    fn deliver_one(&mut self, to: Uid, alert: Alert) -> Verdict {
        if !self.deliverable().contains(&(to, alert.clone())) {
            return Err(format!("{alert:?} to {to}, where what waits is {:?}", self.waiting));
        }
        let waves = self.waiting.entry(to).or_default();
        if let Some(wave) = waves.front_mut() {
            let step = wave.steps.iter_mut().find(|step| step.contains(&alert));
            step.and_then(|step| Some(step.remove(step.iter().position(|waiting| *waiting == alert)?)));
            wave.steps.retain(|step| !step.is_empty());
        }
        waves.retain(|wave| !wave.steps.is_empty());
        self.call_back(to, &Heard::Alert(alert)).map(drop)
    }

    /// CB-3: one step after the other. CT-6: in a step first what begins, then what ends.
    fn deliverable(&self) -> Vec<(Uid, Alert)> {
        let of_step = |step: &Vec<Alert>| {
            let first = step.iter().map(rank).min();
            let now = step.iter().filter(move |alert| Some(rank(alert)) == first);
            now.cloned().collect::<Vec<_>>()
        };
        let of_client = |(to, waves): (&Uid, &VecDeque<Wave>)| {
            let wave = waves.front().map(|wave| wave.steps.iter().flat_map(of_step).collect::<Vec<_>>());
            wave.unwrap_or_default().into_iter().map(|alert| (*to, alert)).collect::<Vec<_>>()
        };
        self.waiting.iter().flat_map(of_client).collect()
    }

    /// A callback, with all that is called inside it. A client that has gone is called no more.
    pub(super) fn call_back(&mut self, to: Uid, heard: &Heard) -> Verdict<Reply> {
        self.stage.callback_begins(to, heard, &self.state)?;
        self.depth += 1;
        self.run()?;
        self.depth -= 1;
        let reply = self.stage.callback_ends()?;
        self.state.caught_panics += u64::from(reply.panics);
        // What was caused inside may come now.
        self.deliver_what_comes()?;
        Ok(reply)
    }

    /// A step that adds is refused if too many alerts would wait (MB-7). How many of those that have been taken from
    /// the queue still wait is left open, so that the manager's word is taken where it may be right.
    pub(super) fn step_unless_overfull(
        &mut self,
        refused: Option<Error>,
        judged: Judged,
        change: impl FnOnce(&mut State) -> Answer<Change>,
    ) -> Answer<Change> {
        let Some(max) = self.state.max.waiting_alerts else { return self.step(change) };
        let before = (self.state.clone(), self.waiting.clone());
        let answer = self.step(change);
        let names =
            |client: &Uid| Error::LimitReached(Limit::WaitingAlerts { client: self.name(*client), max });
        let new = |client: &Uid| count(&self.waiting, client) - count(&before.1, client);
        let must = |client: &Uid| judged == Judged::AsAdd && new(client) > max;
        let may = |client: &Uid| count(&self.waiting, client) > max || count(&before.1, client) >= max;
        let clients: Vec<Uid> = (0..self.state.clients.len()).collect();
        let is_refused =
            clients.iter().filter(|client| may(client)).any(|client| refused == Some(names(client)));
        let must_be: Vec<_> = clients.iter().filter(|client| must(client)).map(names).collect();
        let adds = answer != Ok(Change::Unchanged);
        if !adds || answer.is_err() || must_be.is_empty() && !is_refused {
            return answer;
        }
        (self.state, self.waiting) = before;
        Err(refused.filter(|_| is_refused).map_or(must_be, |error| vec![error]))
    }

    fn name(&self, client: Uid) -> ClientName {
        self.state.name(client)
    }
}

/// Whether all alerts of a step are those of an add. Of a filter some are those of its deletes, which are never refused:
/// the manager may refuse it, and need not.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Judged {
    AsAdd,
    AsFilter,
}

fn count(waiting: &Waiting, client: &Uid) -> usize {
    let waves = waiting.get(client).into_iter().flatten();
    waves.flat_map(|wave| &wave.steps).map(Vec::len).sum()
}

/// CT-6.
const fn rank(alert: &Alert) -> u8 {
    match alert {
        Alert::LocalJoin { .. } | Alert::LocalUnblock { .. } => 0,
        Alert::Join { cause: AlertCause::ForwardingEntry, .. } => 1,
        Alert::Join { .. } => 2,
        Alert::LocalLeave { .. } | Alert::LocalBlock { .. } => 3,
        Alert::Prune { cause: AlertCause::ForwardingEntry, .. } => 4,
        Alert::Prune { .. } => 5,
        _ => 6,
    }
}
