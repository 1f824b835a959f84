//! Moving the route of some sources to another protocol's interface, and back.

use std::time::Duration;

use criterion::Criterion;

use super::pairs::{Pair, group, source};
use super::router::{Router, UPSTREAM, route};
use super::support::{interface, sized, timed};
use super::{Subject, Summary, compare};

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary) {
    let million = sized(1_000_000);
    let (crowded, quiet) = (Router::new(), Router::new());
    let few = Moving::new(&crowded, ("10.1.0.0/16", 10 << 24 | 1 << 16), sized(1_000));
    let many = Moving::new(&crowded, ("10.2.0.0/16", 10 << 24 | 2 << 16), sized(10_000));
    let alone = Moving::new(&quiet, ("10.2.0.0/16", 10 << 24 | 2 << 16), sized(10_000));
    Moving::new(&crowded, ("11.0.0.0/8", 11 << 24), million - few.pairs.len() - many.pairs.len());
    for (name, floor, target) in
        [("a thousand among a million", &few, Some(13.0)), ("10 thousand alone", &alone, None)]
    {
        let floor = Subject { name: name.to_owned(), turn: &mut || floor.turn() };
        let name = "moving 10 thousand sources among a million".to_owned();
        compare(criterion, summary, (floor, Subject { name, turn: &mut || many.turn() }), target);
    }
}

/// Sources with an entry each, behind one prefix.
struct Moving<'a> {
    router: &'a Router,
    prefix: &'a str,
    pairs: Vec<Pair>,
}

impl<'a> Moving<'a> {
    fn new(router: &'a Router, (prefix, first): (&'a str, u32), count: usize) -> Self {
        let numbers = (0..).take(count);
        let pairs: Vec<Pair> = numbers.map(|number| (source(first | number), group(number % 1024))).collect();
        pairs.iter().for_each(|pair| router.make(*pair));
        Self { router, prefix, pairs }
    }

    /// There and back.
    fn turn(&self) -> Duration {
        [1, 0].map(|protocol| self.move_to(protocol)).into_iter().sum()
    }

    fn move_to(&self, protocol: usize) -> Duration {
        let route = route(self.prefix, protocol);
        self.router.routes.as_ref().expect("it has routes").insert(route);
        let time = timed(|| self.router.mgm.routes_changed(&route.prefix));
        let iif = UPSTREAM.get(protocol).map(|index| interface(*index));
        for pair in &self.pairs {
            assert_eq!(Router::iif(*pair, &self.router.mgm), iif);
        }
        time
    }
}
