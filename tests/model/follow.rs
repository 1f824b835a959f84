//! Follows the manager with the model, event by event: a call begins, a callback begins and ends, the call
//! ends. Where the specification leaves an order open (which client is told first) this takes the order
//! that it sees; all else it knows beforehand.

use std::collections::VecDeque;

use crate::naive::{Call, Model, News, Outcome, Step, Uid, Verdict};
use crate::ops::Max;

#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) model: Model,
    /// What is running, innermost last.
    frames: Vec<Frame>,
    pub(crate) caught_panics: u64,
}

#[derive(Debug)]
enum Frame {
    /// A call, what it may answer, and what it has yet to do.
    Call(Vec<Outcome>, VecDeque<Step>),
    /// A callback; whether it is a step of the call below it.
    Callback { of_call: bool },
}

impl Follower {
    pub(crate) fn new(max: Max) -> Self {
        Self { model: Model::new(max), frames: Vec::new(), caught_panics: 0 }
    }

    pub(crate) fn begin(&mut self, call: Call) {
        self.model.next_change();
        let (outcomes, steps) = match self.model.ask(call) {
            Ok((change, steps)) => (vec![Ok(change)], steps),
            Err(errors) => (errors.into_iter().map(Err).collect(), Vec::new()),
        };
        self.frames.push(Frame::Call(outcomes, steps.into()));
        self.advance();
    }

    pub(crate) fn end(&mut self, outcome: &Outcome) -> Verdict {
        let quiet = self.is_inside_callback() || self.model.is_quiet();
        match self.frames.pop() {
            Some(Frame::Call(_, steps)) if !steps.is_empty() => Err(format!("still to do: {steps:?}")),
            Some(Frame::Call(..)) if !quiet => Err(format!("CB-4: undelivered: {:?}", self.model.waiting())),
            Some(Frame::Call(outcomes, _)) if outcomes.contains(outcome) => Ok(()),
            frame => Err(format!("{outcome:?} instead of {frame:?}")),
        }
    }

    pub(crate) fn callback_begins(&mut self, to: Uid, news: News) -> Verdict {
        let of_call = matches!(news, News::Disable(_) | News::Enable(_));
        if of_call {
            self.called(to, news)?;
        } else if self.is_inside_callback() {
            return Err(format!("CB-4: {news:?} inside a callback"));
        } else {
            self.model.deliver(to, news)?;
        }
        self.frames.push(Frame::Callback { of_call });
        Ok(())
    }

    pub(crate) fn callback_ends(&mut self, panics: bool) {
        self.caught_panics += u64::from(panics);
        let of_call = matches!(self.frames.pop(), Some(Frame::Callback { of_call: true }));
        if let Some(Frame::Call(_, steps)) = self.frames.last_mut().filter(|_| of_call) {
            steps.pop_front();
        }
        self.advance();
    }

    /// HO-1, HO-9: `disable_igmp` and `enable_igmp` come when it is their turn.
    fn called(&mut self, to: Uid, news: News) -> Verdict {
        let expected = match self.frames.last() {
            Some(Frame::Call(_, steps)) => steps.front().copied(),
            Some(Frame::Callback { .. }) | None => None,
        };
        if !self.is_inside_callback() && !self.model.is_quiet() {
            return Err(format!("HO-9: {news:?} before {:?} is delivered", self.model.waiting()));
        }
        let interface = match (news, expected) {
            (News::Disable(on), Some(Step::Disable(at))) if on == at => on,
            (News::Enable(on), Some(Step::Enable(at))) if on == at => {
                self.model.enable(on);
                on
            }
            _ => return Err(format!("{news:?}, when it is the turn of {expected:?}")),
        };
        let igmp = self.model.igmp_to_call(interface);
        if igmp == Some(to) { Ok(()) } else { Err(format!("{news:?} to {to}, not {igmp:?}")) }
    }

    /// Goes as far as can be known: to the next callback, or to the end.
    fn advance(&mut self) {
        while self.is_inside_callback() || self.model.is_quiet() {
            let Some(Frame::Call(_, steps)) = self.frames.last() else { return };
            let Some(step) = steps.front().copied() else { return };
            if let Step::Disable(on) | Step::Enable(on) = step
                && self.model.igmp_to_call(on).is_some()
            {
                return;
            }
            self.model.next_change();
            let more = self.model.take_step(step);
            if let Some(Frame::Call(_, steps)) = self.frames.last_mut() {
                steps.pop_front();
                more.into_iter().rev().for_each(|step| steps.push_front(step));
            }
        }
    }

    fn is_inside_callback(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Callback { .. }))
    }
}
