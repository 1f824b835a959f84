//! Making an entry beside a million others.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::Mfe;

use super::pairs::{Pair, Pairs};
use super::router::Router;
use super::support::timed;
use super::{Million, Subject, Summary, compare};

/// How many are made in one turn.
const TURN: usize = 1000;

/// What is made stays. After so many turns, when the million has grown by half, it begins with a million again.
const TURNS: usize = 500;

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary) {
    for (name, has_rib) in [("no RIB", false), ("rpf of the iif's owner", true)] {
        let (mut floor, mut million) = (None, None);
        let mut of_floor = || floor.get_or_insert_with(Floor::new).turn();
        let mut turns = 0..TURNS;
        let mut of_subject = || {
            if turns.next().is_none() {
                (million, turns) = (None, 0..TURNS);
            }
            let Million { router, fresh, .. } =
                million.get_or_insert_with(|| Million::new(Router::new(has_rib)));
            turn(router, &fresh.some(TURN))
        };
        let floor = Subject { name: "two inserts".to_owned(), turn: &mut of_floor };
        let subject = Subject { name: format!("creation, {name}"), turn: &mut of_subject };
        compare(criterion, summary, (floor, subject), Some(6.0));
    }
}

/// Makes entries.
fn turn(router: &Router, pairs: &[Pair]) -> Duration {
    let time = timed(|| pairs.iter().for_each(|pair| router.make(*pair)));
    for (source, group) in pairs {
        assert!(router.mgm.mfe(*source, *group).is_some_and(|mfe| mfe.oifs.len() == 2));
    }
    time
}

/// What a manager cannot do without: a hash map to find an entry in, and the order to walk in.
struct Floor {
    found: HashMap<Pair, Mfe, RandomState>,
    ordered: BTreeMap<Pair, ()>,
    mfe: Mfe,
    fresh: Pairs,
}

impl Floor {
    fn new() -> Self {
        let Million { router, made, fresh } = Million::new(Router::new(false));
        let (found, ordered) = (HashMap::default(), BTreeMap::new());
        let mfe = router.mgm.mfes().next().expect("it has a million");
        let mut floor = Self { found, ordered, mfe, fresh };
        made.into_iter().for_each(|pair| floor.insert(pair));
        floor
    }

    fn insert(&mut self, (source, group): Pair) {
        let mfe = self.mfe.clone();
        assert_eq!(self.found.insert((source, group), mfe), None);
        assert_eq!(self.ordered.insert((source, group), ()), None);
    }

    fn turn(&mut self) -> Duration {
        let pairs = self.fresh.some(TURN);
        let time = timed(|| pairs.iter().for_each(|pair| self.insert(*pair)));
        for pair in &pairs {
            assert!(self.found.remove(pair).is_some());
            assert_eq!(self.ordered.remove(pair), Some(()));
        }
        time
    }
}
