//! Routes to sources: asked of the RIB without a lock, and followed when they change (CT-8, FW-9, FW-13).

use std::ops::ControlFlow;
use std::sync::Arc;

use super::inside::Inside;
use super::{Shared, State};
use crate::engine::{Learned, Number, Occasion, RouteAnswer, RouteQuestion, Trust};
use crate::record::{Callback, Party};
use crate::types::address::Address;

/// How often something is asked again because what it was asked under has changed meanwhile. A callback that changes it
/// each time it is asked would otherwise be asked for ever; after so many rounds the RIB's last answer serves.
pub(super) const ROUNDS: u32 = 16;

/// How far an answer is trusted in a round of asking.
pub(super) const fn trust(round: u32) -> Trust {
    if round < ROUNDS { Trust::IfCurrent } else { Trust::Anyhow }
}

impl<A: Address> Shared<A> {
    /// FW-9: looks up again every source in use that `prefix` covers, a page of sources at a time.
    ///
    /// A RIB that announces a change while it is asked is not asked again from inside that: the sources are noted, and
    /// looked up when it has answered.
    pub(crate) fn routes_changed(self: &Arc<Self>, prefix: &A::Net) {
        let sources = A::bounds(prefix);
        let asked = Inside::looked_up(self);
        self.update(|state| state.engine.begin_routes_change(&sources));
        let mut last = None;
        loop {
            let questions = self.update(|state| state.engine.sources_to_look_up(&sources, last));
            let Some(end) = questions.last().map(|question| question.source().address()) else { return };
            last = Some(end);
            if asked.is_empty() {
                let answers: Vec<_> = questions.into_iter().map(|question| self.look_up(question)).collect();
                self.learn_routes(answers);
            } else {
                let changed = questions.iter().map(|question| question.source().address());
                // Whoever is being asked about finds out by its own answer, which has come too late.
                let unasked = changed.filter(|source| !asked.contains(&(*source).into()));
                self.update(|state| state.to_look_up.extend(unasked.map(Number)));
            }
        }
    }

    /// Has everything follow what a page of look-ups answered.
    fn learn_routes(self: &Arc<Self>, answers: Vec<RouteAnswer<A>>) {
        let learned: Vec<_> = self.update(|state| {
            let learn = |answer: RouteAnswer<A>| {
                (answer.source(), state.engine.learn_route(answer, Trust::IfCurrent))
            };
            answers.into_iter().map(learn).collect()
        });
        for (source, learned) in learned {
            if learned == Learned::Outdated {
                self.verify_current_route(source);
            }
            self.follow_route(source);
        }
    }

    /// Looks up what a RIB announced from inside a look-up.
    fn look_up_noted(self: &Arc<Self>) {
        for _ in 0..ROUNDS {
            let noted = self.update(|state| std::mem::take(&mut state.to_look_up));
            if noted.is_empty() {
                return;
            }
            for source in noted {
                self.verify_current_route(source.0);
                self.follow_route(source.0);
            }
        }
    }

    /// Asks the RIB about a source, if it is in use, until no change of routes has come between question and answer.
    fn verify_current_route(self: &Arc<Self>, source: A) {
        for round in 0..=ROUNDS {
            let question =
                self.update(|state| state.engine.is_in_use(source).then(|| state.engine.ask_route(source)));
            let Some(question) = question else { return };
            let answer = self.ask_rib(question);
            if self.update(|state| state.engine.learn_route(answer, trust(round))) != Learned::Outdated {
                return;
            }
        }
    }

    /// Asks the RIB about a source, and has everything follow the answer.
    pub(super) fn verify_route(self: &Arc<Self>, source: A, trust: Trust) {
        if self.rib.is_none() {
            return;
        }
        let question = self.update(|state| state.engine.ask_route(source));
        let answer = self.look_up(question);
        if self.update(|state| state.engine.learn_route(answer, trust)) == Learned::Moved {
            self.follow_route(source);
        }
    }

    /// Changes the state when the routes to all of `sources` are known. A route that nothing ends up using is forgotten
    /// again.
    pub(super) fn with_routes<R>(self: &Arc<Self>, sources: &[A], change: impl Fn(&mut State<A>) -> R) -> R {
        if sources.is_empty() || self.rib.is_none() {
            return self.update(change);
        }
        let mut answers = Vec::new();
        let mut moved = Vec::new();
        for round in 0_u32.. {
            let trust = trust(round);
            let step = self.update(|state| {
                for answer in answers.drain(..) {
                    let answer: RouteAnswer<A> = answer;
                    let source = answer.source();
                    if state.engine.learn_route(answer, trust) == Learned::Moved {
                        moved.push(source);
                    }
                }
                let ask = |source: &A| state.engine.unknown_route(*source);
                let unknown: Vec<RouteQuestion<A>> = sources.iter().filter_map(ask).collect();
                if !unknown.is_empty() {
                    return ControlFlow::Continue(unknown);
                }
                let result = change(state);
                sources.iter().for_each(|source| state.engine.forget_source(*source));
                ControlFlow::Break(result)
            });
            match step {
                ControlFlow::Continue(unknown) => {
                    answers = unknown.into_iter().map(|question| self.look_up(question)).collect();
                }
                ControlFlow::Break(result) => {
                    moved.into_iter().for_each(|source| self.follow_route(source));
                    return result;
                }
            }
        }
        unreachable!("after so many rounds every answer is taken")
    }

    fn look_up(self: &Arc<Self>, question: RouteQuestion<A>) -> RouteAnswer<A> {
        let answer = self.ask_rib(question);
        if Inside::looked_up(self).is_empty() {
            self.look_up_noted();
        }
        answer
    }

    fn ask_rib(self: &Arc<Self>, question: RouteQuestion<A>) -> RouteAnswer<A> {
        let source = question.source();
        let Some(rib) = &self.rib else { return question.answered(None) };
        self.lookups.add(1);
        let inside = Inside::look_up(self, source.address());
        let look_up = || self.panics.catch(&"RIB", "lookup", || rib.lookup(source));
        let route = self.calls(Party::Rib, || Callback::Lookup { source }, look_up).flatten();
        self.deliver_due(inside.leave());
        question.answered(route)
    }

    /// CT-8, FW-9: the route to a source has been learned. Tells of each (S,G) under the new owner, and asks that one about
    /// each forwarding entry: all that are there at that moment, however late they came.
    fn follow_route(self: &Arc<Self>, source: A) {
        while !self.update(|state| state.engine.move_source(source)) {}
        let mut last = None;
        loop {
            let keys = self.read(|engine| engine.mfes_of(source, last));
            let Some(end) = keys.last().copied() else { return };
            last = Some(end);
            for key in keys {
                self.make(key, Occasion::Route, &[], None);
            }
        }
    }
}
