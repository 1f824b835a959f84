//! Finding one of a million entries.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hint::black_box;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::Mfe;
use parking_lot::Mutex;

use super::pairs::Pair;
use super::support::timed;
use super::{Router, Subject, Summary, compare};

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary, router: &Router, made: &[Pair]) {
    let floor: HashMap<Pair, Mfe, RandomState> =
        router.mgm.mfes().map(|mfe| ((mfe.source, mfe.group), mfe)).collect();
    assert_eq!(floor.len(), made.len());
    let (floor, draws) = (Mutex::new(floor), draws(made));
    for turn in [1000, 1] {
        let [mut of_floor, mut of_subject] = [0, 0].map(|from| draws.iter().cycle().skip(from));
        let mut floor = || {
            timed(|| {
                for pair in of_floor.by_ref().take(turn) {
                    let found = floor.lock().get(pair).cloned();
                    assert!(black_box(found).is_some());
                }
            })
        };
        let mut subject = || {
            timed(|| {
                for (source, group) in of_subject.by_ref().take(turn) {
                    assert!(black_box(router.mgm.mfe(*source, *group)).is_some());
                }
            })
        };
        let floor = Subject { name: "a locked hash map".to_owned(), turn: &mut floor };
        let name = format!("lookup of an MFE at {}, turns of {turn}", made.len());
        compare(criterion, summary, (floor, Subject { name, turn: &mut subject }), Some(1.5));
    }
}

/// All entries, in another order than they were made in.
fn draws(made: &[Pair]) -> Vec<Pair> {
    let (draw, mut drawn) = (RandomState::default(), made.to_vec());
    drawn.sort_by_cached_key(|pair| draw.hash_one(pair));
    drawn
}
