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
        let (mut untracked, mut tracked) = (None, None);
        let mut of_floor = || untracked.get_or_insert_with(|| Churn::new(false, spread)).turn();
        let mut of_subject = || tracked.get_or_insert_with(|| Churn::new(true, spread)).turn();
        let floor = Subject { name: "no RIB".to_owned(), turn: &mut of_floor };
        let name = format!("(S,G) with a RIB, add and delete, {name}");
        compare(criterion, summary, (floor, Subject { name, turn: &mut of_subject }), None);
    }
}

/// Memberships that come and go beside a million others.
struct Churn {
    router: Router,
    pairs: Pairs,
}

impl Churn {
    fn new(has_rib: bool, spread: Spread) -> Self {
        let mut churn = Self { router: Router::new(has_rib), pairs: Pairs::new(spread) };
        churn.pairs.some(sized(1_000_000)).into_iter().for_each(|pair| churn.add(pair));
        churn
    }

    fn turn(&mut self) -> Duration {
        let pairs = self.pairs.some(TURN);
        timed(|| {
            pairs.iter().for_each(|pair| self.add(*pair));
            for pair in &pairs {
                let deleted = self.router.igmp.delete_group_membership(interface(QUIET), entry(*pair));
                assert_eq!(deleted, Ok(Change::Changed));
            }
        })
    }

    fn add(&self, pair: Pair) {
        add(&self.router.igmp, interface(QUIET), entry(pair));
    }
}
