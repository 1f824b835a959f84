//! Finding one of a million entries.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::ops::Deref;
use std::time::Duration;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::Mfe;
use parking_lot::Mutex;

use super::pairs::Pair;
use super::support::timed;
use super::{Million, Subject, Summary, compare};

pub(crate) fn run(criterion: &mut Criterion, summary: &mut Summary, million: &impl Deref<Target = Million>) {
    let floor = LazyCell::new(|| {
        let mfes = million.router.mgm.mfes().map(|mfe| ((mfe.source, mfe.group), mfe));
        Mutex::new(mfes.collect::<HashMap<Pair, Mfe, RandomState>>())
    });
    for turn in [1000, 1] {
        let [mut of_floor, mut of_subject] = [(); 2].map(|()| draws(million));
        let mut of_floor = || look_up(of_floor.by_ref().take(turn), |pair| floor.lock().get(pair).cloned());
        let mut of_subject = || {
            look_up(of_subject.by_ref().take(turn), |(source, group)| million.router.mgm.mfe(*source, *group))
        };
        let floor = Subject { name: "a locked hash map".to_owned(), turn: &mut of_floor };
        let name = format!("lookup of an MFE of a million, turns of {turn}");
        compare(criterion, summary, (floor, Subject { name, turn: &mut of_subject }), Some(1.5));
    }
}

/// Random ones of the entries.
fn draws(million: &impl Deref<Target = Million>) -> impl Iterator<Item = Pair> {
    let random = RandomState::default();
    (0_u64..).filter_map(move |number| {
        let draw = usize::try_from(random.hash_one(number)).expect("64 bits");
        million.made.get(draw % million.made.len()).copied()
    })
}

fn look_up(pairs: impl Iterator<Item = Pair>, find: impl Fn(&Pair) -> Option<Mfe>) -> Duration {
    let pairs: Vec<Pair> = pairs.collect();
    timed(|| pairs.iter().for_each(|pair| assert!(black_box(find(pair)).is_some())))
}
