//! How many instructions the hot calls take: a number that depends on the compiler, and neither on the machine nor on what
//! else runs there. Valgrind's `callgrind` counts them.
//!
//! ```sh
//! cargo bench --bench instructions              # counts, and compares with `benches/instructions.txt`
//! cargo bench --bench instructions -- --write   # counts, and writes that file
//! ```
//!
//! Each scene runs in a process of its own, as `valgrind --tool=callgrind --toggle-collect='*measured*' instructions SCENE`
//! with a number for the scene: by hand, that shows where the instructions are.
#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

#[path = "support/callgrind.rs"]
mod callgrind;
#[path = "support/entries.rs"]
mod entries;
#[path = "support/igmp.rs"]
mod igmp;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use callgrind::measured;
use entries::{Fresh, add, interface, is_measured};
use igmp::Igmp;
use mgm::{
    AlertCause, Change, Client, ClientId, ClientRef, Entry, Filter, GroupAddr, Interface, Limits,
    MembershipChange, Mgm, NoCallbacks, ProtocolCallbacks, Rib, Route, SourceAddr,
};

/// Calls in a state in which they are usual.
struct Scene {
    name: &'static str,
    /// Makes the state and then the calls, inside [`measured`]. Says how often what is named was done.
    run: fn() -> usize,
}

const SCENES: [Scene; 13] = [
    Scene { name: "(*,G), delete + add", run: || one_by_one(&Lan::new(Told::Nobody)) },
    Scene { name: "(*,G), alerts of two protocols", run: || one_by_one(&Lan::new(Told::Protocols)) },
    Scene { name: "(*,G), the same, alerts limited", run: || one_by_one(&Lan::new(Told::Limited)) },
    Scene { name: "(*,G), the interface owned", run: || one_by_one(&Lan::new(Told::Owner)) },
    Scene { name: "(S,G), RIB, no source twice", run: || one_by_one(&Lan::new(Told::Upstream)) },
    Scene { name: "(*,G) in batches", run: || in_batches(&Lan::new(Told::Nobody)) },
    Scene {
        name: "(*,G) in batches, alerts of two protocols",
        run: || in_batches(&Lan::new(Told::Protocols)),
    },
    Scene {
        name: "(*,G) in batches, the same, alerts limited",
        run: || in_batches(&Lan::new(Told::Limited)),
    },
    Scene { name: "(*,G) in batches, the interface owned", run: || in_batches(&Lan::new(Told::Owner)) },
    Scene { name: "(S,G) in batches, RIB, no source twice", run: || in_batches(&Lan::new(Told::Upstream)) },
    Scene { name: "a group set, one source of two instead of another", run: filters },
    Scene { name: "a hand-over, for each entry added again", run: hand_overs },
    Scene { name: "an MFE looked up", run: look_ups },
];

/// What a count may be above the one that is written, as compilers and seeds of hashes differ.
const TOLERANCE: f64 = 1.03;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scene = arguments.iter().find_map(|argument| SCENES.get(argument.parse::<usize>().ok()?));
    if let Some(scene) = scene {
        println!("{}", (scene.run)());
        return ExitCode::SUCCESS;
    }
    if !is_measured() {
        SCENES.iter().for_each(|scene| assert_ne!((scene.run)(), 0));
        return ExitCode::SUCCESS;
    }
    if !callgrind::is_installed() {
        println!("instructions: SKIPPED, as valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let counts: Vec<_> =
        SCENES.iter().enumerate().map(|(number, scene)| (scene.name, count(number))).collect();
    if arguments.iter().any(|argument| argument == "--write") {
        std::fs::write(WRITTEN, table(&counts)).expect("the file can be written");
    }
    compare(&counts)
}

/// What one of what the scene does takes.
fn count(number: usize) -> u64 {
    let (counted, times) = callgrind::count(&[&number]);
    counted / times.trim().parse::<u64>().expect("how often")
}

const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

fn table(counts: &[(&str, u64)]) -> String {
    let mut table = format!("{}\n", compiler());
    for (name, count) in counts {
        writeln!(table, "{count:>7}  {name}").expect("a string takes all");
    }
    table
}

/// By which the counts are what they are.
fn compiler() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let version = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("# {}, {}", version.unwrap_or_default(), std::env::consts::ARCH)
}

/// Prints the counts beside those that are written, and fails where one has grown.
fn compare(counts: &[(&str, u64)]) -> ExitCode {
    let written = std::fs::read_to_string(WRITTEN).expect("the file is there");
    let by_name: BTreeMap<&str, u64> = written
        .lines()
        .filter_map(|line| line.trim_start().split_once("  "))
        .filter_map(|(count, name)| Some((name, count.parse().ok()?)))
        .collect();
    let mut has_grown = false;
    for (name, count) in counts {
        let before = by_name.get(name).copied();
        let ratio =
            before.map_or(f64::INFINITY, |before| f64::from(as_u32(*count)) / f64::from(as_u32(before)));
        has_grown |= ratio > TOLERANCE;
        let before = before.map_or_else(|| "nothing".to_owned(), |before| before.to_string());
        let verdict = if ratio > TOLERANCE { "GROWN" } else { "" };
        println!("{name:<55} {count:>7} instructions, {before:>7} written   {verdict}");
    }
    if !has_grown {
        return ExitCode::SUCCESS;
    }
    if written.lines().next() != Some(&compiler()) {
        println!("the written counts are of another compiler: nothing follows from their growth");
        return ExitCode::SUCCESS;
    }
    println!("more than 3 % above what is written: see why, or say that it is worth it by `-- --write`");
    ExitCode::FAILURE
}

fn as_u32(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

const ENTRIES: usize = 1000;

/// Who hears of what IGMP does on interface 1.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Told {
    Nobody,
    /// Two that own nothing.
    Protocols,
    /// The same, and there may wait so many alerts.
    Limited,
    /// The owner of the interface.
    Owner,
    /// The owner of the interface toward all sources.
    Upstream,
}

/// IGMP with a thousand entries on an interface.
struct Lan {
    igmp: Client,
    _protocols: Vec<Client>,
    heard: Arc<Heard>,
    told: Told,
    joined: Vec<Entry>,
    fresh: Vec<Entry>,
}

/// Where all sources are.
const UPSTREAM: u32 = 2;

impl Lan {
    fn new(told: Told) -> Self {
        let builder = match told {
            Told::Nobody | Told::Protocols | Told::Owner => Mgm::builder(),
            Told::Limited => Mgm::builder().limits(Limits::default().waiting_alerts(100_000)),
            Told::Upstream => Mgm::builder().rib(AllOver::interface(UPSTREAM)),
        };
        let (mgm, heard) = (builder.build(), Arc::<Heard>::default());
        let igmp = mgm.register_igmp(NoCallbacks).expect("there is no other");
        igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
        let protocols: Vec<_> = (0..if told == Told::Nobody { 0 } else { 2 })
            .map(|component| mgm.register_protocol(ClientId { protocol: 1, component }, Arc::clone(&heard)))
            .collect::<Result<_, _>>()
            .expect("each has its own id");
        match (told, protocols.first()) {
            (Told::Owner, Some(owner)) => {
                owner.take_interface_ownership(interface(1)).expect("no protocol owns it");
            }
            (Told::Upstream, Some(owner)) => {
                owner.take_interface_ownership(interface(UPSTREAM)).expect("nobody owns it");
            }
            _ => {}
        }
        let entry = |entry: Entry| if told == Told::Upstream { of_own_source(entry) } else { entry };
        let mut fresh = Fresh::default().map(entry);
        let joined: Vec<_> = fresh.by_ref().take(ENTRIES).collect();
        joined.iter().for_each(|entry| add(&igmp, interface(1), *entry));
        let fresh = fresh.take(ENTRIES).collect();
        Self { igmp, _protocols: protocols, heard, told, joined, fresh }
    }

    /// Each of what is joined, and what takes its place.
    fn pairs(&self) -> impl Iterator<Item = (Entry, Entry)> {
        self.joined.iter().copied().zip(self.fresh.iter().copied())
    }

    /// Measures `run`, which deletes and adds all pairs.
    fn measure(&self, run: impl FnOnce()) -> usize {
        self.heard.0.store(0, Ordering::Relaxed);
        measured(run);
        let alerts_of_a_pair = match self.told {
            Told::Nobody => 0,
            Told::Upstream => 2,
            // Another protocol is told of what the owner of the interface wants, and the owner of what IGMP does.
            Told::Protocols | Told::Limited | Told::Owner => 4,
        };
        assert_eq!(self.heard.0.load(Ordering::Relaxed), alerts_of_a_pair * ENTRIES);
        ENTRIES
    }
}

fn one_by_one(lan: &Lan) -> usize {
    lan.measure(|| {
        for (old, new) in lan.pairs() {
            assert_eq!(lan.igmp.delete_group_membership(interface(1), old), Ok(Change::Changed));
            assert_eq!(lan.igmp.add_group_membership(interface(1), new), Ok(Change::Changed));
        }
    })
}

/// In batches of 180 changes, which is what a report has room for.
fn in_batches(lan: &Lan) -> usize {
    let changes =
        lan.pairs().flat_map(|(old, new)| [MembershipChange::Delete(old), MembershipChange::Add(new)]);
    let changes: Vec<_> = changes.collect();
    lan.measure(|| {
        for report in changes.chunks(180) {
            assert_eq!(lan.igmp.batch(interface(1), report.iter().copied()).changed(), report.len());
        }
    })
}

fn filters() -> usize {
    let lan = Lan::new(Told::Protocols);
    let groups: Vec<GroupAddr> = lan.joined.iter().filter_map(|entry| entry.group()).collect();
    let [one, two, three] = [1, 2, 3].map(|host| source(10 << 24 | host));
    let set = |sources: &[SourceAddr]| {
        for group in &groups {
            assert_eq!(
                lan.igmp.set_group(interface(1), *group, Filter::Include(sources)),
                Ok(Change::Changed)
            );
        }
    };
    set(&[one, two]);
    measured(|| set(&[two, three]));
    groups.len()
}

fn hand_overs() -> usize {
    let mgm = Mgm::new();
    let joined: Arc<[Entry]> = Fresh::default().some(ENTRIES).into();
    let igmp = mgm.register_igmp(Igmp { joined: Arc::clone(&joined) }).expect("there is no other");
    igmp.take_interface_ownership(interface(1)).expect("nobody is on it");
    joined.iter().for_each(|entry| add(&igmp, interface(1), *entry));
    let heard = Arc::<Heard>::default();
    let id = ClientId { protocol: 1, component: 0 };
    let protocol = mgm.register_protocol(id, Arc::clone(&heard)).expect("there is no other");
    heard.0.store(0, Ordering::Relaxed);
    measured(|| protocol.take_interface_ownership(interface(1)).expect("nobody owns it"));
    // It wants by itself now what it had been told to pull.
    assert_eq!(heard.0.load(Ordering::Relaxed), 2 * ENTRIES);
    ENTRIES
}

fn look_ups() -> usize {
    let lan = Lan::new(Told::Protocols);
    let (mgm, start) = (lan.igmp.manager(), Instant::now());
    let groups: Vec<GroupAddr> = lan.joined.iter().filter_map(|entry| entry.group()).collect();
    for group in &groups {
        mgm.packet_received(source(10 << 24 | 1), *group, interface(UPSTREAM), &[], start).expect("no limit");
    }
    measured(|| {
        for group in &groups {
            assert!(black_box(mgm.mfe(source(10 << 24 | 1), *group)).is_some());
        }
    });
    groups.len()
}

/// Counts what it is told.
#[derive(Default)]
struct Heard(AtomicUsize);

impl Heard {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl ProtocolCallbacks for Heard {
    fn join_alert(&self, _: &ClientRef, _: Entry, _: AlertCause) {
        self.one();
    }

    fn prune_alert(&self, _: &ClientRef, _: Entry, _: AlertCause) {
        self.one();
    }

    fn local_join(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.one();
    }

    fn local_leave(&self, _: &ClientRef, _: Interface, _: Entry) {
        self.one();
    }
}

/// A RIB by which all sources are over one interface, and which takes no time to say so.
struct AllOver(Route);

impl AllOver {
    fn interface(index: u32) -> Self {
        let prefix = "0.0.0.0/0".parse().expect("a prefix");
        Self(Route::new(prefix, interface(index)))
    }
}

impl Rib for AllOver {
    fn lookup(&self, _: SourceAddr) -> Option<Route> {
        Some(self.0)
    }
}

/// The group, and a source that no other has.
fn of_own_source(entry: Entry) -> Entry {
    let group = entry.group().expect("it names a group");
    Entry::SourceGroup(source(16 << 24 | group.address().to_bits() & 0x0fff_ffff), group)
}

fn source(address: u32) -> SourceAddr {
    SourceAddr::new(Ipv4Addr::from_bits(address)).expect("a host's address")
}
