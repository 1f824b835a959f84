//! What was recorded, found again when it is due, and who acts by it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::client::Client;
use crate::mgm::Mgm;
use crate::news::News;
use crate::record::{Answer, Callback, Event, Happened, Party};
use crate::refresh::Refresh;
use crate::types::address::Address;

/// What was recorded, and who acts by it.
pub(super) struct Script<A: Address> {
    /// The recorded calls by the manager that have not come again yet, by whom it called.
    pub(super) due: BTreeMap<Party, HashMap<Callback<A>, VecDeque<u64>>>,
    /// The calls of the manager that were made inside each of them.
    inside: BTreeMap<u64, Vec<Event<A>>>,
    /// What came of each call.
    answers: BTreeMap<u64, Answer<A>>,
    pub(super) mgm: Option<Mgm<A>>,
    /// The clients, by the number of their registration.
    pub(super) clients: BTreeMap<u32, Client<A>>,
    pub(super) refreshes: BTreeMap<u64, Refresh<A>>,
    /// The news of the clients that poll. What they took is not recorded, so nothing is taken.
    pub(super) news: Vec<News<A>>,
}

/// What happened inside a call of the manager, and what came of it.
pub(super) struct Took<A: Address> {
    pub(super) inside: Vec<Event<A>>,
    pub(super) answer: Option<Answer<A>>,
}

impl<A: Address> Script<A> {
    pub(super) fn new(recorded: &[Event<A>]) -> Self {
        let (mut due, mut inside, mut answers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for event in recorded {
            match (&event.happened, event.inside) {
                (Happened::Calls { to, callback }, _) => {
                    let due: &mut HashMap<_, VecDeque<_>> = due.entry(*to).or_default();
                    due.entry(callback.clone()).or_default().push_back(event.number);
                }
                (Happened::Called { .. }, Some(around)) => {
                    let inside: &mut Vec<_> = inside.entry(around).or_default();
                    inside.push(event.clone());
                }
                (Happened::Returned(answer), Some(call)) => drop(answers.insert(call, answer.clone())),
                (Happened::Called { .. } | Happened::Returned(_), None) | (Happened::Built(_), _) => {}
            }
        }
        let (clients, refreshes, news) = Default::default();
        Self { due, inside, answers, mgm: None, clients, refreshes, news }
    }

    /// Finds the first recorded call that is the same and has not come again yet: what was done inside it, and its answer.
    pub(super) fn take(&mut self, to: Party, callback: &Callback<A>) -> Option<Took<A>> {
        let number = self.due.get_mut(&to)?.get_mut(callback)?.pop_front()?;
        let inside = self.inside.remove(&number).unwrap_or_default();
        Some(Took { inside, answer: self.answers.remove(&number) })
    }
}
