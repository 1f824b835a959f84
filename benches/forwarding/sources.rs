//! Adding and deleting (S,G) memberships where sources are tracked, beside where they are not.

use std::time::Duration;

use criterion::Criterion;
use mgm::Change;

use super::pairs::{Pair, Pairs, Spread, entry};
use super::router::{QUIET, Router};
use super::support::{add, interface, sized, timed};
use super::{Subject, Summary, compare};

/// How many come and go in one turn.
const TURN: usize = 1000;

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary) {
    for (name, spread) in [("1024 sources", Spread::FewSources), ("no source twice", Spread::NoSourceTwice)] {
        let [mut tracked, mut untracked] = [Router::new(), Router::with_routes(None)].map(|router| {
            let mut pairs = Pairs::new(spread);
            pairs.some(sized(1_000_000)).into_iter().for_each(|pair| add_one(&router, pair));
            Churn { router, pairs }
        });
        let mut of_floor = || untracked.turn();
        let mut of_subject = || tracked.turn();
        let floor = Subject { name: "no RIB".to_owned(), turn: &mut of_floor };
        let subject = Subject { name: format!("(S,G) with a RIB, {name}"), turn: &mut of_subject };
        compare(criterion, summary, (floor, subject), None);
    }
}

struct Churn {
    router: Router,
    pairs: Pairs,
}

impl Churn {
    fn turn(&mut self) -> Duration {
        let pairs = self.pairs.some(TURN);
        timed(|| {
            pairs.iter().for_each(|pair| add_one(&self.router, *pair));
            for pair in &pairs {
                let deleted = self.router.igmp.delete_group_membership(interface(QUIET), entry(*pair));
                assert_eq!(deleted, Ok(Change::Changed));
            }
        })
    }
}

fn add_one(router: &Router, pair: Pair) {
    add(&router.igmp, interface(QUIET), entry(pair));
}
