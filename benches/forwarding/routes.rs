//! Moving the route of some sources to another protocol's interface, and back.

use std::cell::LazyCell;
use std::time::Duration;

use criterion::Criterion;

use super::pairs::{Pair, group, source};
use super::router::{Router, UPSTREAM, route};
use super::support::{interface, sized, timed};
use super::{Subject, Summary, compare};

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary) {
    let crowd = LazyCell::new(|| {
        let rest = sized(1_000_000) - sized(10_000) - sized(1_000);
        let few = Moving { prefix: "10.1.0.0/16", pairs: pairs(10 << 24 | 1 << 16, sized(1_000)) };
        Crowd::new([few, many(), Moving { prefix: "11.0.0.0/8", pairs: pairs(11 << 24, rest) }])
    });
    let alone = LazyCell::new(|| Crowd::new([many()]));
    let mut few = || crowd.turn(0);
    let mut alone = || alone.turn(0);
    let floors: [(_, &mut dyn FnMut() -> Duration, _); 2] =
        [("a thousand among a million", &mut few, Some(13.0)), ("10 thousand alone", &mut alone, None)];
    for (name, floor, target) in floors {
        let floor = Subject { name: name.to_owned(), turn: floor };
        let name = "moving 10 thousand sources among a million".to_owned();
        compare(criterion, summary, (floor, Subject { name, turn: &mut || crowd.turn(1) }), target);
    }
}

/// Sources with an entry each, behind one prefix.
struct Moving {
    prefix: &'static str,
    pairs: Vec<Pair>,
}

fn many() -> Moving {
    Moving { prefix: "10.2.0.0/16", pairs: pairs(10 << 24 | 2 << 16, sized(10_000)) }
}

fn pairs(first: u32, count: usize) -> Vec<Pair> {
    (0..).take(count).map(|number| (source(first | number), group(number % 1024))).collect()
}

/// All sources of one router.
struct Crowd<const N: usize> {
    router: Router,
    moving: [Moving; N],
}

impl<const N: usize> Crowd<N> {
    fn new(moving: [Moving; N]) -> Self {
        let router = Router::new(true);
        moving.iter().flat_map(|moving| &moving.pairs).for_each(|pair| router.make(*pair));
        Self { router, moving }
    }

    /// There and back.
    fn turn(&self, which: usize) -> Duration {
        let moving = self.moving.get(which).expect("one of them");
        [1, 0].map(|protocol| self.move_to(moving, protocol)).into_iter().sum()
    }

    fn move_to(&self, moving: &Moving, protocol: usize) -> Duration {
        let route = route(moving.prefix, protocol);
        self.router.routes.insert(route);
        let time = timed(|| self.router.mgm.routes_changed(&route.prefix));
        let iif = UPSTREAM.get(protocol).map(|index| interface(*index));
        for (source, group) in &moving.pairs {
            assert_eq!(self.router.mgm.mfe(*source, *group).map(|mfe| mfe.iif), iif);
        }
        time
    }
}
