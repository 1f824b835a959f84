//! Making an entry beside a million others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::{Mfe, RouteTable};

use super::pairs::{Pair, Pairs, Spread};
use super::router::{Router, route};
use super::support::{sized, timed};
use super::{Subject, Summary, compare};

/// How many are made in one turn.
const TURN: usize = 1000;

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary) {
    let table = || {
        let routes = Arc::new(RouteTable::new());
        routes.insert(route("0.0.0.0/0", 0));
        routes
    };
    for (name, routes) in [("no RIB", None), ("rpf of the iif's owner", Some(table()))] {
        let router = Router::with_routes(routes);
        let (mut pairs, mut floor) = (Pairs::new(Spread::Even), None);
        for pair in pairs.some(sized(1_000_000)) {
            router.make(pair);
            let (source, group) = pair;
            let mfe = router.mgm.mfe(source, group).expect("it was made just now");
            floor.get_or_insert_with(|| Floor::new(mfe)).insert(pair);
        }
        let mut floor = floor.expect("entries were made");
        let mut floors_pairs = Pairs::new(Spread::Even);
        floors_pairs.some(sized(1_000_000));
        let mut of_floor = || floor.turn(&floors_pairs.some(TURN));
        let mut of_subject = || turn(&router, &pairs.some(TURN));
        let floor = Subject { name: "two inserts".to_owned(), turn: &mut of_floor };
        let subject = Subject { name: format!("creation, {name}"), turn: &mut of_subject };
        compare(criterion, summary, (floor, subject), Some(6.0));
    }
}

/// Makes entries, and lets them expire.
fn turn(router: &Router, pairs: &[Pair]) -> Duration {
    let time = timed(|| pairs.iter().for_each(|pair| router.make_at(*pair, router.start)));
    let _next = router.mgm.expire(router.start + Duration::from_secs(1000));
    for (source, group) in pairs {
        assert_eq!(router.mgm.mfe(*source, *group), None);
    }
    time
}

/// What a manager cannot do without: a hash map to find an entry in, and the order to walk in.
struct Floor {
    found: HashMap<Pair, Mfe, RandomState>,
    ordered: BTreeMap<Pair, ()>,
    mfe: Mfe,
}

impl Floor {
    fn new(mfe: Mfe) -> Self {
        Self { found: HashMap::default(), ordered: BTreeMap::new(), mfe }
    }

    fn insert(&mut self, (source, group): Pair) {
        let mfe = self.mfe.clone();
        assert_eq!(self.found.insert((source, group), mfe), None);
        assert_eq!(self.ordered.insert((source, group), ()), None);
    }

    fn turn(&mut self, pairs: &[Pair]) -> Duration {
        let time = timed(|| pairs.iter().for_each(|pair| self.insert(*pair)));
        for pair in pairs {
            assert!(self.found.remove(pair).is_some());
            assert_eq!(self.ordered.remove(pair), Some(()));
        }
        time
    }
}
