//! Adding and deleting memberships, beside a lock around a bare hash map that does the same.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

mod support;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::{
    AlertCause, Change, Client, ClientId, ClientRef, Entry, Interface, MembershipChange, Mgm, NoCallbacks,
    ProtocolCallbacks, SourceAddr,
};
use parking_lot::Mutex;
use support::{Fresh, MEDIAN, Summary, add, interface, sized, timed};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let mut summary = Summary::default();
    for size in [1_000, 100_000, 1_000_000] {
        floor_alone(&mut criterion, size);
        for scene in SCENES {
            delete_and_add(&mut criterion, &mut summary, scene, (size, BATCH));
        }
    }
    for scene in SCENES.into_iter().filter(|scene| scene.calls == Calls::Single) {
        delete_and_add(&mut criterion, &mut summary, scene, (1_000_000, 1));
    }
    on_many_interfaces(&mut criterion, &mut summary);
    criterion.final_summary();
    summary.print();
}

/// How many pairs of a delete and an add give one ratio.
const BATCH: usize = 1000;

/// What is deleted and added, and how many protocols hear of it.
#[derive(Clone, Copy)]
struct Scene {
    name: &'static str,
    entry: fn(Entry) -> Entry,
    protocols: u32,
    calls: Calls,
    /// At a million entries, in times the floor; of single calls in turns of one.
    target: f64,
}

/// How the changes are given to the manager.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Calls {
    Single,
    /// In batches of 180 changes, which is what a report has room for.
    Batches,
}

impl Calls {
    /// In the turns in which what it promises is seen.
    const fn turn(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Batches => BATCH,
        }
    }
}

const SCENES: [Scene; 5] = [
    Scene {
        name: "(*,G), no alert due",
        entry: |group| group,
        protocols: 0,
        calls: Calls::Single,
        target: 2.0,
    },
    Scene {
        name: "(*,G), alerts of two protocols",
        entry: |group| group,
        protocols: 2,
        calls: Calls::Single,
        target: 2.5,
    },
    Scene {
        name: "(S,G), no alert due",
        entry: with_source,
        protocols: 0,
        calls: Calls::Single,
        target: 2.0,
    },
    Scene {
        name: "(*,G) in batches, no alert due",
        entry: |group| group,
        protocols: 0,
        calls: Calls::Batches,
        target: 2.0,
    },
    Scene {
        name: "(*,G) in batches, alerts of two protocols",
        entry: |group| group,
        protocols: 2,
        calls: Calls::Batches,
        target: 3.3,
    },
];

/// A source for the group; the more sources, the more unlike are the keys.
fn with_source(entry: Entry) -> Entry {
    let Some(group) = entry.group() else { return entry };
    let host = 10 << 24 | group.address().to_bits() >> 4 & 0x00ff_ffff;
    Entry::SourceGroup(SourceAddr::new(Ipv4Addr::from_bits(host)).expect("10/8 holds hosts"), group)
}

fn floor_alone(criterion: &mut Criterion, size: usize) {
    let mut bed = None;
    criterion.bench_function(&format!("delete and add/the floor/{size}"), |bencher| {
        let [scene, ..] = SCENES;
        let Bed { churn, floor, .. } = bed.get_or_insert_with(|| Bed::new(scene, sized(size)));
        bencher.iter_custom(|pairs| churn.batches(pairs).map(|batch| floor.run(&batch)).sum());
    });
}

/// Runs `turn` pairs on the floor, then as many on the manager, and so on.
///
/// In long turns the processor begins a pair before the last one is done, and so waits for the memory of
/// several at a time; this helps the floor most. In turns of one pair each is waited for, as in a daemon
/// that does other things in between.
fn delete_and_add(
    criterion: &mut Criterion,
    summary: &mut Summary,
    scene: Scene,
    (size, turn): (usize, usize),
) {
    let (mut bed, mut ratios) = (None, Vec::new());
    let name = format!("delete and add/{}/{size} in turns of {turn}", scene.name);
    criterion.bench_function(&name, |bencher| {
        let Bed { churn, floor, router } = bed.get_or_insert_with(|| Bed::new(scene, sized(size)));
        let mut run = |batch: Batch| {
            let turns = batch.chunks(turn).map(|pairs| [floor.run(pairs), router.run(pairs, scene.calls)]);
            let [floor, router] =
                turns.fold([Duration::ZERO; 2], |sum, turn| [sum[0] + turn[0], sum[1] + turn[1]]);
            if batch.len() == BATCH {
                ratios.push(router.div_duration_f64(floor));
            }
            router
        };
        bencher.iter_custom(|pairs| churn.batches(pairs).map(&mut run).sum());
    });
    let target = (size == 1_000_000 && turn == scene.calls.turn()).then_some(scene.target);
    let what = format!("{}, {size}, turns of {turn}: times the floor", scene.name);
    summary.quantile(what, ratios, MEDIAN, target);
}

/// A group that is held on 500 interfaces comes and goes on one more.
fn on_many_interfaces(criterion: &mut Criterion, summary: &mut Summary) {
    const INTERFACES: u32 = 500;
    let (mut bed, mut ratios) = (None, Vec::new());
    criterion.bench_function("add and delete/of a group on 500 interfaces", |bencher| {
        let (router, everywhere, nowhere) = bed.get_or_insert_with(|| {
            let (router, mut fresh) = (Router::new(0), Fresh::default());
            let everywhere = fresh.some(sized(BATCH));
            for index in 2..2 + INTERFACES {
                router.igmp.take_interface_ownership(interface(index)).expect("nobody is on it");
                everywhere.iter().for_each(|group| add(&router.igmp, interface(index), *group));
            }
            (router, everywhere, fresh.some(sized(BATCH)))
        });
        let mut run = |pairs: usize| {
            let [nowhere, everywhere] =
                [&*nowhere, everywhere].map(|groups| router.come_and_go(groups, pairs));
            if pairs == BATCH {
                ratios.push(everywhere.div_duration_f64(nowhere));
            }
            everywhere
        };
        bencher.iter_custom(|pairs| in_batches(pairs).map(&mut run).sum());
    });
    summary.quantile("a group on 500 interfaces: times one on none", ratios, MEDIAN, None);
}

/// The manager and the floor, with the same entries.
struct Bed {
    churn: Churn,
    floor: Floor,
    router: Router,
}

impl Bed {
    fn new(scene: Scene, size: usize) -> Self {
        let mut fresh = Fresh::default();
        let entries: Vec<Entry> = fresh.some(size).into_iter().map(scene.entry).collect();
        let (floor, router) = (Floor::default(), Router::new(scene.protocols));
        entries.iter().for_each(|entry| floor.insert(*entry));
        entries.iter().for_each(|entry| add(&router.igmp, interface(1), *entry));
        Self { churn: Churn { scene, fresh, entries, draw: RandomState::default() }, floor, router }
    }
}

/// Pairs of an entry to delete and one to add.
type Batch = Vec<(Entry, Entry)>;

/// What is there, and what comes instead.
struct Churn {
    scene: Scene,
    fresh: Fresh,
    entries: Vec<Entry>,
    draw: RandomState,
}

impl Churn {
    fn batches(&mut self, pairs: u64) -> impl Iterator<Item = Batch> {
        in_batches(pairs).map(|pairs| (0..pairs).map(|_| self.pair()).collect())
    }

    fn pair(&mut self) -> (Entry, Entry) {
        let new = self.fresh.next().map(self.scene.entry).expect("it never ends");
        let draw = usize::try_from(self.draw.hash_one(new)).expect("64 bits");
        let len = self.entries.len();
        let place = self.entries.get_mut(draw % len).expect("it is below the length");
        (std::mem::replace(place, new), new)
    }
}

fn in_batches(pairs: u64) -> impl Iterator<Item = usize> {
    let pairs = usize::try_from(pairs).expect("not so many");
    (0..pairs).step_by(BATCH).map(move |done| BATCH.min(pairs - done))
}

/// What no manager can be faster than: a lock around a bare hash map.
#[derive(Default)]
struct Floor(Mutex<HashMap<u64, (), RandomState>>);

impl Floor {
    fn insert(&self, entry: Entry) {
        assert_eq!(self.0.lock().insert(key(entry), ()), None);
    }

    fn remove(&self, entry: Entry) {
        assert_eq!(self.0.lock().remove(&key(entry)), Some(()));
    }

    fn run(&self, batch: &[(Entry, Entry)]) -> Duration {
        timed(|| {
            for (old, new) in batch {
                self.remove(*old);
                self.insert(*new);
            }
        })
    }
}

fn key(entry: Entry) -> u64 {
    let group = entry.group().map_or(0, |group| group.address().to_bits());
    let source = entry.source().map_or(0, |source| source.address().to_bits());
    u64::from(group) << 32 | u64::from(source)
}

/// A manager with IGMP on an interface, and protocols that are told.
struct Router {
    igmp: Client,
    protocols: Vec<Client>,
    told: Arc<Told>,
}

impl Router {
    fn new(protocols: u32) -> Self {
        let (mgm, told) = (Mgm::new(), Arc::<Told>::default());
        let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
        igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
        let register =
            |component| mgm.register_protocol(ClientId { protocol: 1, component }, Arc::clone(&told));
        let protocols = (0..protocols).map(register).collect::<Result<_, _>>().expect("each has its own id");
        Self { igmp, protocols, told }
    }

    fn run(&self, batch: &[(Entry, Entry)], calls: Calls) -> Duration {
        let before = self.told.alerts();
        let time = timed(|| match calls {
            Calls::Single => batch.iter().for_each(|(old, new)| {
                delete(&self.igmp, interface(1), *old);
                add(&self.igmp, interface(1), *new);
            }),
            Calls::Batches => batch.chunks(90).for_each(|pairs| {
                let change = |(old, new): &(Entry, Entry)| {
                    [MembershipChange::Delete(*old), MembershipChange::Add(*new)]
                };
                let outcomes = self.igmp.batch(interface(1), pairs.iter().flat_map(change));
                assert_eq!(outcomes.changed(), 2 * pairs.len());
            }),
        });
        assert_eq!(self.told.alerts() - before, 2 * batch.len() * self.protocols.len());
        time
    }

    fn come_and_go(&self, entries: &[Entry], count: usize) -> Duration {
        timed(|| {
            for entry in entries.iter().take(count) {
                add(&self.igmp, interface(1), *entry);
                delete(&self.igmp, interface(1), *entry);
            }
        })
    }
}

fn delete(client: &Client, interface: Interface, entry: Entry) {
    assert_eq!(client.delete_group_membership(interface, entry), Ok(Change::Changed));
}

/// Counts what it is told.
#[derive(Default)]
struct Told {
    joins: AtomicUsize,
    prunes: AtomicUsize,
}

impl Told {
    fn alerts(&self) -> usize {
        self.joins.load(Ordering::Relaxed) + self.prunes.load(Ordering::Relaxed)
    }
}

impl ProtocolCallbacks for Told {
    fn join_alert(&self, _: &ClientRef, _: Entry, _: AlertCause) {
        self.joins.fetch_add(1, Ordering::Relaxed);
    }

    fn prune_alert(&self, _: &ClientRef, _: Entry, _: AlertCause) {
        self.prunes.fetch_add(1, Ordering::Relaxed);
    }
}
