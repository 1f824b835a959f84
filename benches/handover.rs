//! Taking and releasing an interface on which IGMP has many memberships, all of which it adds again.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

mod support;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::Criterion;
use foldhash::quality::RandomState;
use mgm::{Change, Client, ClientId, ClientRef, Entry, IgmpCallbacks, Interface, Mgm, ProtocolCallbacks};
use support::{Fresh, MEDIAN, Summary, add, interface, sized, timed};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(6))
        .configure_from_args();
    let mut summary = Summary::default();
    let [few, many, million] = [10_000, 100_000, 1_000_000].map(sized);
    {
        let (few, many) = (Lan::new(few, 0), Lan::new(many, 0));
        let floor = Subject { name: "10 thousand", pass: &|| few.pass() };
        let subject = Subject { name: "100 thousand", pass: &|| many.pass() };
        compare(&mut criterion, &mut summary, (floor, subject), 13.0);
    }
    let (map, beside) = (BareMap::new(many, million), Lan::new(many, million));
    let floor = Subject { name: "a bare map", pass: &|| map.pass() };
    let subject = Subject { name: "100 thousand beside a million", pass: &|| beside.pass() };
    compare(&mut criterion, &mut summary, (floor, subject), 4.0);
    criterion.final_summary();
    summary.print();
}

/// How long it takes to take an interface and then to release it.
struct Pass {
    take: Duration,
    release: Duration,
}

#[derive(Clone, Copy)]
struct Subject<'a> {
    name: &'a str,
    pass: &'a dyn Fn() -> Pass,
}

/// Measures both ways.
fn compare(
    criterion: &mut Criterion,
    summary: &mut Summary,
    (floor, subject): (Subject<'_>, Subject<'_>),
    target: f64,
) {
    compare_one(criterion, summary, ("take", |pass| pass.take), (floor, subject), target);
    compare_one(criterion, summary, ("release", |pass| pass.release), (floor, subject), target);
}

/// While the subject is measured, the floor runs before each of its passes.
fn compare_one(
    criterion: &mut Criterion,
    summary: &mut Summary,
    (way, time): (&str, fn(Pass) -> Duration),
    (floor, subject): (Subject<'_>, Subject<'_>),
    target: f64,
) {
    criterion.bench_function(&format!("{way}/{}", floor.name), |bencher| {
        bencher.iter_custom(|passes| (0..passes).map(|_| time((floor.pass)())).sum());
    });
    let mut ratios = Vec::new();
    criterion.bench_function(&format!("{way}/{}", subject.name), |bencher| {
        let mut pass = |_| {
            let (floor, subject) = (time((floor.pass)()), time((subject.pass)()));
            ratios.push(subject.div_duration_f64(floor));
            subject
        };
        bencher.iter_custom(|passes| (0..passes).map(&mut pass).sum());
    });
    let what = format!("{way} {}: times {}", subject.name, floor.name);
    summary.quantile(what, ratios, MEDIAN, Some(target));
}

/// An interface with IGMP on it, and a protocol that takes it and releases it again.
struct Lan {
    igmp: Client,
    protocol: Client,
    told: Arc<Told>,
    joined: Arc<[Entry]>,
}

impl Lan {
    /// `size` memberships on the interface, and `others` on ten others.
    fn new(size: usize, others: usize) -> Self {
        let (mgm, mut fresh, told) = (Mgm::new(), Fresh::default(), Arc::<Told>::default());
        let joined: Arc<[Entry]> = fresh.some(size).into();
        let igmp = mgm.register_igmp(Igmp { joined: Arc::clone(&joined) }).expect("there is no other");
        for index in 1..=11 {
            igmp.take_interface_ownership(interface(index)).expect("nobody is on it");
        }
        joined.iter().for_each(|entry| add(&igmp, interface(1), *entry));
        for (entry, index) in fresh.some(others).into_iter().zip((2..=11).cycle()) {
            add(&igmp, interface(index), entry);
        }
        let id = ClientId { protocol: 1, component: 0 };
        let protocol = mgm.register_protocol(id, Arc::clone(&told)).expect("there is no other");
        Self { igmp, protocol, told, joined }
    }

    fn pass(&self) -> Pass {
        let take = timed(|| self.protocol.take_interface_ownership(interface(1)).expect("nobody owns it"));
        assert_eq!(self.told.take(), [self.joined.len(), 0]);
        let release = timed(|| self.protocol.release_interface_ownership(interface(1)).expect("it owns it"));
        assert_eq!(self.told.take(), [0, self.joined.len()]);
        assert_eq!(self.igmp.manager().owner(interface(1)), Some(self.igmp.name()));
        Pass { take, release }
    }
}

/// Adds again what is joined.
struct Igmp {
    joined: Arc<[Entry]>,
}

impl IgmpCallbacks for Igmp {
    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        for entry in self.joined.iter() {
            assert_eq!(igmp.add_group_membership(interface, *entry), Ok(Change::Unchanged));
        }
    }
}

/// Counts what IGMP does on its interface.
#[derive(Default)]
struct Told {
    joins: AtomicUsize,
    leaves: AtomicUsize,
}

impl Told {
    fn take(&self) -> [usize; 2] {
        [&self.joins, &self.leaves].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

impl ProtocolCallbacks for Told {
    fn local_join(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.joins.fetch_add(1, Ordering::Relaxed);
    }

    fn local_leave(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.leaves.fetch_add(1, Ordering::Relaxed);
    }
}

/// A hash map as large as the manager, from which some keys are removed, and inserted again.
struct BareMap {
    map: RefCell<HashMap<u64, (), RandomState>>,
    keys: Vec<u64>,
}

impl BareMap {
    fn new(size: usize, others: usize) -> Self {
        let key = |entry: Entry| entry.group().map_or(0, |group| u64::from(group.address().to_bits()) << 32);
        let keys: Vec<u64> = Fresh::default().some(size + others).into_iter().map(key).collect();
        let map = keys.iter().map(|key| (*key, ())).collect();
        Self { map: RefCell::new(map), keys: keys.into_iter().take(size).collect() }
    }

    fn pass(&self) -> Pass {
        let mut map = self.map.borrow_mut();
        let [take, release] = [(); 2].map(|()| {
            timed(|| {
                self.keys.iter().for_each(|key| assert_eq!(map.remove(key), Some(())));
                self.keys.iter().for_each(|key| assert_eq!(map.insert(*key, ()), None));
            })
        });
        Pass { take, release }
    }
}
