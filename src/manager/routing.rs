//! Routes to sources: asked of the RIB without a lock, and followed when they change (CT-8, FW-9, FW-13).

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Shared, State};
use crate::engine::{Learned, Occasion, RouteAnswer, RouteQuestion, Trust};
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
    pub(crate) fn routes_changed(self: &Arc<Self>, prefix: &A::Net) {
        let sources = A::bounds(prefix);
        self.update(|state| state.engine.begin_routes_change(&sources));
        let mut last = None;
        loop {
            let questions = self.update(|state| state.engine.sources_to_look_up(&sources, last));
            let Some(end) = questions.last().map(|question| question.source().address()) else { return };
            last = Some(end);
            let answers: Vec<_> = questions.into_iter().map(|question| self.look_up(question)).collect();
            let followed = self.update(|state| {
                let learn = |answer: RouteAnswer<A>| {
                    let source = answer.source();
                    let learned = state.engine.learn_route(answer, Trust::IfCurrent);
                    // Of what is stale, whoever announced the later change looks up the route.
                    (learned != Learned::Stale).then_some(source)
                };
                answers.into_iter().filter_map(learn).collect::<Vec<_>>()
            });
            followed.into_iter().for_each(|source| self.follow_route(source));
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
        let source = question.source();
        let look_up = |rib: &dyn crate::rib::Rib<A>| {
            self.ask(|| self.panics.catch(&"RIB", "lookup", || rib.lookup(source))).flatten()
        };
        question.answered(self.rib.as_deref().and_then(look_up))
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
