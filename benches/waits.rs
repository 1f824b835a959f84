//! How long a call that has nothing to do with it waits while another thread does something long (CB-7).
//!
//! Beside each operation there is the floor: the same two threads, the other of which makes short calls only. What the floor
//! waits is what this machine takes away.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

mod support;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    Change, Client, ClientId, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface, MembershipChange, Mgm,
    NoCallbacks, Route, RouteTable, SourceAddr,
};
use support::{Fresh, MEDIAN, Summary, add, interface, is_measured, sized, timed};

fn main() {
    let mut summary = Summary::default();
    for (name, size) in [("100 thousand", 100_000), ("a million", 1_000_000)] {
        for operation in &OPERATIONS {
            let mut router = Router::new(sized(size));
            operation.measure(&mut summary, name, &mut router);
        }
    }
    summary.print();
}

struct Operation {
    name: &'static str,
    run: fn(&mut Router),
}

const OPERATIONS: [Operation; 8] = [
    Operation { name: "short calls (the floor)", run: Router::short_calls },
    Operation { name: "a hand-over", run: Router::hand_over },
    Operation { name: "a hand-over and a release", run: Router::hand_over_and_release },
    Operation { name: "the interface removed", run: Router::remove },
    Operation { name: "its client dropped", run: Router::drop_igmp },
    Operation { name: "all routes changed", run: Router::change_routes },
    Operation { name: "entries made, (*,*) added over them, and expired", run: Router::make_and_expire },
    Operation { name: "an enumeration", run: Router::enumerate },
];

/// The longest that one of ten thousand may wait, and the longest of all, in microseconds.
const TARGETS: [(usize, &str, f64); 2] = [(9_999, "99.99 %", 100.0), (10_000, "worst", 1000.0)];

impl Operation {
    fn measure(&self, summary: &mut Summary, size: &str, router: &mut Router) {
        let (is_over, other) = (AtomicBool::new(false), Other::new(&router.mgm));
        let mut took = Duration::ZERO;
        let waits = thread::scope(|scope| {
            let waits = scope.spawn(|| other.calls(&is_over));
            took = timed(|| (self.run)(router));
            is_over.store(true, Ordering::Relaxed);
            waits.join().expect("it does not panic")
        });
        let what = format!("{}, {size}", self.name);
        summary.quantile(format!("{what}: milliseconds"), vec![took.as_secs_f64() * 1e3], MEDIAN, None);
        for (per_ten_thousand, name, target) in TARGETS {
            let what = format!("{what}: waits, {name}, microseconds");
            summary.quantile(what, waits.clone(), per_ten_thousand, Some(target));
        }
    }
}

/// A protocol on an interface of its own, which the operation does not concern.
struct Other {
    mgm: Mgm,
    protocol: Client,
    entries: Vec<Entry>,
}

impl Other {
    const INTERFACE: u32 = 100;

    fn new(mgm: &Mgm) -> Self {
        let protocol = protocol(mgm, 100);
        protocol.take_interface_ownership(interface(Self::INTERFACE)).expect("nobody is on it");
        Self { mgm: mgm.clone(), protocol, entries: OTHERS.take(1000).map(source_group).collect() }
    }

    /// How long each took, in microseconds: of `owner`, of an add, of a delete.
    fn calls(&self, is_over: &AtomicBool) -> Vec<f64> {
        let here = interface(Self::INTERFACE);
        let mut waits = Vec::with_capacity(10_000_000);
        for entry in self.entries.iter().cycle() {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let owner = timed(|| assert!(self.mgm.owner(here).is_some()));
            let added = timed(|| add(&self.protocol, here, *entry));
            let deleted = timed(|| {
                let deleted = self.protocol.delete_group_membership(here, *entry);
                assert_eq!(deleted, Ok(Change::Changed));
            });
            waits.extend([owner, added, deleted].map(|wait| wait.as_secs_f64() * 1e6));
        }
        waits
    }
}

/// IGMP with as many memberships on one interface as are asked for, half of them of sources.
struct Router {
    mgm: Mgm,
    igmp: Option<Client>,
    pim: Client,
    dvmrp: Client,
    routes: Arc<RouteTable>,
    entries: Vec<Entry>,
    size: u32,
}

/// What IGMP adds again.
struct Igmp(Vec<Entry>);

impl IgmpCallbacks for Igmp {
    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        let outcomes = igmp.batch(interface, self.0.iter().copied().map(MembershipChange::Add));
        assert_eq!(outcomes.refused().count(), 0);
    }
}

const LAN: u32 = 3;

impl Router {
    fn new(size: usize) -> Self {
        let routes = Arc::new(RouteTable::new());
        routes.insert(way(1));
        let mgm = Mgm::builder().rib(Arc::clone(&routes)).build();
        let count = u32::try_from(size).expect("not so many");
        let mut entries = Fresh::default().some(size / 2);
        entries.extend((0..count / 2).map(source_group));
        let igmp = mgm.register_igmp(Igmp(entries.clone())).expect("there is no other");
        let [pim, dvmrp] = [1, 2].map(|index| {
            let protocol = protocol(&mgm, index);
            protocol.take_interface_ownership(interface(index)).expect("nobody is on it");
            protocol
        });
        igmp.take_interface_ownership(interface(LAN)).expect("nobody is on it");
        entries.iter().for_each(|entry| add(&igmp, interface(LAN), *entry));
        Self { mgm, igmp: Some(igmp), pim, dvmrp, routes, entries, size: count }
    }

    fn short_calls(&mut self) {
        let (until, entries) = (Instant::now() + Duration::from_secs(5), OTHERS.skip(1000).take(1000));
        for entry in entries.map(source_group).cycle() {
            if Instant::now() >= until || !is_measured() {
                break;
            }
            add(&self.dvmrp, interface(2), entry);
            let deleted = self.dvmrp.delete_group_membership(interface(2), entry);
            assert_eq!(deleted, Ok(Change::Changed));
        }
    }

    fn hand_over(&mut self) {
        self.pim.take_interface_ownership(interface(LAN)).expect("nobody owns it");
        assert_eq!(self.mgm.owner(interface(LAN)), Some(self.pim.name()));
    }

    fn hand_over_and_release(&mut self) {
        self.hand_over();
        self.pim.release_interface_ownership(interface(LAN)).expect("it owns it");
        assert_eq!(self.mgm.groups().count(), self.entries.len());
    }

    fn remove(&mut self) {
        self.mgm.interface_removed(interface(LAN).index());
        assert_eq!(self.mgm.owner(interface(LAN)), None);
    }

    fn drop_igmp(&mut self) {
        drop(self.igmp.take());
        assert_eq!(self.mgm.owner(interface(LAN)), None);
    }

    fn change_routes(&mut self) {
        self.routes.insert(way(2));
        self.mgm.routes_changed(&way(2).prefix);
    }

    fn make_and_expire(&mut self) {
        let now = Instant::now();
        let _next = self.mgm.expire(now);
        for number in 0..self.size {
            let Entry::SourceGroup(source, group) = source_group(number) else { continue };
            self.mgm.packet_received(source, group, interface(1), &[], now).expect("PIM is there");
        }
        add(&self.dvmrp, interface(2), Entry::AllGroups);
        let _next = self.mgm.expire(now + Duration::from_secs(24 * 60 * 60));
    }

    fn enumerate(&mut self) {
        assert_eq!(
            self.mgm.groups().filter(|held| held.interface == interface(LAN)).count(),
            self.entries.len()
        );
    }
}

fn protocol(mgm: &Mgm, protocol: u32) -> Client {
    mgm.register_protocol(ClientId { protocol, component: 0 }, NoCallbacks).expect("each has its own id")
}

fn way(index: u32) -> Route {
    Route::new("10.0.0.0/8".parse().expect("a prefix"), interface(index))
}

/// One of a thousand sources for each number, and a group of its own.
fn source_group(number: u32) -> Entry {
    let source = Ipv4Addr::from_bits(0x0a00_0001 + number % 1000);
    let group = Ipv4Addr::from_bits(0xee00_0000 + number);
    let source = SourceAddr::new(source).expect("it is one host's");
    Entry::SourceGroup(source, GroupAddr::new(group).expect("it is multicast"))
}

/// Numbers of entries that no router of this bench has.
const OTHERS: std::ops::Range<u32> = 8_000_000..8_002_000;
