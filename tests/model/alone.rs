//! The model by itself, so that it is right before anything is compared with it: at every quiet moment each client has
//! been told, by its alerts alone, what the state says.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use mgm::{Entry, Interface, MembershipKind};

use crate::ledger::Ledger;
use crate::naive::{Answer, Model, Question, Stage, State};
use crate::ops::{self, Key, Op, Reaction, Scene, Sequence, Step, Verb};
use crate::words::{Call, Done, Heard, Outcome, Reply, Shown, Uid, Verdict};

/// Runs a sequence on the model alone.
pub(crate) fn run(sequence: &Sequence) -> Verdict {
    let stage = Alone {
        script: sequence.clone(),
        steps: sequence.steps.clone().into(),
        inside: Vec::new(),
        is_calm: sequence.is_calm(),
        ledger: Ledger::default(),
        broken: None,
    };
    let mut model = Model::new(sequence.max, sequence.manners, Instant::now(), stage);
    model.run()?;
    model.stage.broken.map_or(Ok(()), Err)
}

struct Alone {
    script: Sequence,
    steps: VecDeque<Op>,
    /// What the callbacks that run have still to do, innermost last.
    inside: Vec<Inside>,
    /// Callbacks call nothing.
    is_calm: bool,
    ledger: Ledger,
    broken: Option<String>,
}

struct Inside {
    me: Uid,
    here: Option<Interface>,
    ops: VecDeque<Op>,
    reply: Reply,
}

impl Alone {
    fn next_op(&mut self) -> Option<Op> {
        match self.inside.last_mut() {
            Some(inside) => inside.ops.pop_front(),
            None => self.steps.pop_front(),
        }
    }

    fn scene(&self, state: &State) -> Scene {
        let in_slot = |slot| {
            let is_its = |uid: &Uid| state.clients[*uid].is_registered && state.name(*uid) == ops::name(slot);
            (0..state.clients.len()).find(is_its)
        };
        Scene {
            slots: std::array::from_fn(in_slot),
            me: self.inside.last().map(|inside| inside.me),
            here: self.inside.last().and_then(|inside| inside.here),
            refreshes: state.refreshes.len(),
        }
    }

    fn react(&mut self, heard: &Heard, state: &State) -> (Option<Interface>, VecDeque<Op>, Reply) {
        let reactions = match heard {
            Heard::Disable(_) | Heard::Enable(_) => &mut self.script.in_calls,
            Heard::Alert(_) => &mut self.script.in_alerts,
            Heard::Rpf { .. } | Heard::Creation { .. } => &mut self.script.in_questions,
        };
        let reaction = if reactions.is_empty() { Reaction::default() } else { reactions.remove(0) };
        let mut reply = Reply { panics: reaction.panics, ..Reply::default() };
        let mut ops: VecDeque<_> = reaction.ops.into();
        let here = match heard {
            Heard::Disable(on) => Some(*on),
            Heard::Enable(on) => {
                let again = self.script.manners.again.ops(&stale(state, *on));
                again.into_iter().rev().for_each(|op| ops.push_front(op));
                Some(*on)
            }
            Heard::Rpf { arrival, route, .. } => {
                reply.route = Some(reaction.rpf.answer(*route));
                Some(*arrival)
            }
            Heard::Creation { shown, .. } => {
                reply.enabled = shown.iter().map(|shown| reaction.creation.answer(*shown)).collect();
                None
            }
            Heard::Alert(_) => None,
        };
        (here, ops, reply)
    }
}

fn stale(state: &State, on: Interface) -> Vec<Step> {
    let held = state.held.iter().filter(|((at, ..), hold)| *at == on && hold.is_stale);
    held.map(|((.., entry), hold)| Step { verb: Verb::again(hold.kind), entry: *entry }).collect()
}

impl Stage for Alone {
    fn next_call(&mut self, state: &State) -> Option<Call> {
        if self.inside.is_empty() {
            self.broken =
                self.broken.take().or_else(|| check_quiet(&mut self.ledger, state, self.is_calm).err());
        }
        loop {
            let call = self.next_op().filter(|_| self.broken.is_none())?.resolve(&self.scene(state));
            let call = call.map(|call| match call {
                Op::Packet(key, on) => match state.mfes.get(&key) {
                    None => Op::Unknown(key, on),
                    Some(mfe) if mfe.iif == on => Op::Carried(key),
                    Some(_) => Op::Wrong(key, on),
                },
                call => call,
            });
            if let Some(Op::Deregister(client) | Op::Drop(client)) = call {
                // Its handle is in use.
                if self.inside.iter().any(|inside| inside.me == client) {
                    continue;
                }
            }
            if call.is_some() {
                return call;
            }
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        None
    }

    fn call_ends(&mut self, call: &Call, answer: &Answer<Done>, state: &State) -> Verdict {
        self.ledger.keep_streams(|entry| is_entered(state, entry));
        if let (Call::Register(_), Ok(_)) = (call, answer) {
            let client = state.clients.len() - 1;
            self.ledger.register(client, state.pulls(client).into_iter().filter(|_| state.is_told(client)));
        }
        Ok(())
    }

    fn next_alert(&mut self, deliverable: &[(Uid, mgm::Alert)]) -> Option<(Uid, mgm::Alert)> {
        deliverable.first().cloned()
    }

    fn next_question(&self) -> Option<(Uid, Key)> {
        None
    }

    fn is_made_anew(&self, _: Key) -> bool {
        false
    }

    fn shown(&self, question: &Question) -> BTreeSet<Shown> {
        question.due.clone()
    }

    fn callback_begins(&mut self, to: Uid, heard: &Heard, state: &State) -> Verdict {
        if let Heard::Alert(alert) = heard {
            self.ledger.keep_streams(|entry| is_entered(state, entry));
            self.ledger.hear(to, alert)?;
        }
        let (here, ops, reply) = self.react(heard, state);
        self.inside.push(Inside { me: to, here, ops, reply });
        Ok(())
    }

    fn callback_ends(&mut self) -> Verdict<Reply> {
        self.inside.pop().map(|inside| inside.reply).ok_or_else(|| "no callback runs".to_owned())
    }
}

fn is_entered(state: &State, entry: Entry) -> bool {
    state.mfes.keys().any(|(group, source)| Entry::SourceGroup(*source, *group) == entry)
}

fn check_quiet(ledger: &mut Ledger, state: &State, is_calm: bool) -> Verdict {
    ledger.keep_streams(|entry| is_entered(state, entry));
    let clients = 0..state.clients.len();
    clients.clone().filter(|client| !state.clients[*client].is_registered).for_each(|it| ledger.forget(it));
    let told: Vec<_> = clients.filter(|client| state.is_told(*client)).collect();
    let due = Ledger {
        pulls: told.iter().flat_map(|it| state.pulls(*it).into_iter().map(|entry| (*it, entry))).collect(),
        streams: streams(state).filter(|(owner, _)| told.contains(owner)).collect(),
        locals: locals(state).filter(|(owner, ..)| told.contains(owner)).collect(),
    };
    let nothing_is_left = state.ports.values().all(|port| port.change.is_none())
        && state.making.is_empty()
        && state.mfes.values().all(|mfe| mfe.past_of.is_empty());
    let refreshed = |on, by| {
        state.refreshes.iter().any(|refresh| !refresh.is_over && (refresh.on, refresh.client) == (on, by))
    };
    let stale_is_due = state.held.iter().all(|((on, by, _), hold)| !hold.is_stale || refreshed(*on, *by));
    // A late alert may be about an entry that has gone and come again meanwhile.
    let streams_agree = !is_calm || ledger.streams == due.streams;
    if (&ledger.pulls, &ledger.locals) != (&due.pulls, &due.locals) || !streams_agree {
        return Err(format!("told {ledger:?}, due {due:?}"));
    }
    if nothing_is_left && stale_is_due {
        Ok(())
    } else {
        Err(format!("HO-14, HO-16: left over in {state:?}"))
    }
}

fn streams(state: &State) -> impl Iterator<Item = (Uid, Entry)> {
    let pulled = state.mfes.iter().filter(|(key, _)| state.is_to_be_pulled(**key));
    pulled.filter_map(|((group, source), mfe)| Some((mfe.owner?, Entry::SourceGroup(*source, *group))))
}

fn locals(state: &State) -> impl Iterator<Item = (Uid, Interface, Entry, MembershipKind)> {
    let by_igmp = state.held.iter().filter(|((_, by, _), _)| state.is_igmp(*by));
    by_igmp.filter_map(|((on, _, entry), hold)| {
        let owner = state.owner(*on).filter(|owner| !state.is_igmp(*owner))?;
        Some((owner, *on, *entry, hold.kind))
    })
}
