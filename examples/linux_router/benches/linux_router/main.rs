//! The router on a real kernel, beside a bare loop over the kernel's calls that does the same work.
//!
//! It needs root, and makes network namespaces of its own for every pass.
#![expect(clippy::unwrap_used, reason = "a bench stops at what it does not expect")]
#![expect(clippy::indexing_slicing, reason = "a bench stops at what it does not expect")]

mod bare_loop;
mod lan;
mod subject;

use std::thread;
use std::time::{Duration, Instant};

use self::lan::{Entry, Lan};
use self::subject::{BARE_LOOP, Running, Subject};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [BARE_LOOP, sources, hosts] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        bare_loop::run(sources.parse().unwrap(), hosts.parse().unwrap()).unwrap();
    }
    if !netns::available() {
        return;
    }
    let given = |argument: &str| arguments.iter().any(|given| given == argument);
    if given("--bench") && !given("--test") {
        measure(5, 1000, 4000);
    } else {
        println!("only tried: too few for the targets to mean anything");
        measure(1, 10, 40);
    }
}

/// What one pass has shown.
#[derive(Clone, Copy, Debug)]
struct Pass {
    time: Duration,
    /// Microseconds of the process, for each group.
    cpu: f64,
    /// Octets for each group.
    memory: f64,
    ready: Duration,
    /// Packets that found no room in the routing socket.
    lost: usize,
    /// First packets that did not reach the host.
    dropped: usize,
}

/// What the work of a pass has shown.
struct Outcome {
    time: Duration,
    cpu: Duration,
    dropped: usize,
}

type Work = fn(&Lan, &Running, usize) -> Outcome;

/// In which hosts say everything again (RFC 9776 §8.11), and the last of it is worked on.
const SETTLING: Duration = Duration::from_millis(1300);

/// The router and the bare loop take turns.
fn measure(rounds: usize, few: usize, many: usize) {
    let both = |work: Work, groups| [Subject::BareLoop, Subject::Router].map(|it| pass(it, work, groups));
    let (mut joins_few, mut joins, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        joins_few.push(both(join, few));
        joins.push(both(join, many));
        starts.push(both(start, many));
    }
    println!("{rounds} rounds; medians; bare loop, router, ratio");
    compare(
        &format!("{many} joins, sources sending: ms"),
        &joins,
        |pass| pass.time.as_secs_f64() * 1e3,
        Some(2.5),
    );
    compare(&format!("{many} joins: us of CPU for each"), &joins, |pass| pass.cpu, Some(2.0));
    compare(&format!("{few} joins: us of CPU for each"), &joins_few, |pass| pass.cpu, None);
    compare(
        &format!("{many} sources start at once: ms"),
        &starts,
        |pass| pass.time.as_secs_f64() * 1e3,
        Some(2.5),
    );
    compare(&format!("{many} sources: us of CPU for each"), &starts, |pass| pass.cpu, None);
    let growth = joins_few.iter().zip(&joins).map(|(few, many)| many[1].cpu / few[1].cpu).collect();
    limit(&format!("CPU for each join of {many}: times that of {few}"), median(growth), 1.0);
    limit("ready: ms", of_router(&joins, |pass| pass.ready.as_secs_f64() * 1e3), 100.0);
    limit("memory: octets for each group", of_router(&joins, |pass| pass.memory), 1024.0);
    let all = [&joins_few, &joins, &starts].into_iter().flatten();
    let lost = |count: fn(&Pass) -> usize| all.clone().map(|pass| float(count(&pass[1]))).sum::<f64>();
    limit("reports lost", lost(|pass| pass.lost), 0.0);
    limit("first packets of a source lost", lost(|pass| pass.dropped), 0.0);
}

/// One pass in a new world.
fn pass(subject: Subject, work: Work, groups: usize) -> Pass {
    let lan = Lan::new(groups);
    let begin = Instant::now();
    let running = subject.start(&lan);
    lan.until_routed();
    let ready = begin.elapsed();
    thread::sleep(SETTLING);
    let memory = running.memory();
    let Outcome { time, cpu, dropped } = work(&lan, &running, groups);
    let each = 1.0 / float(groups);
    Pass {
        time,
        cpu: cpu.as_secs_f64() * 1e6 * each,
        memory: float(running.memory().saturating_sub(memory)) * each,
        ready,
        lost: lan.lost(),
        dropped,
    }
}

/// The sources are there, and the host joins.
fn join(lan: &Lan, running: &Running, groups: usize) -> Outcome {
    lan.until(groups + 1, Entry::Installed, || lan.send(0..groups));
    thread::sleep(SETTLING);
    let before = running.cpu();
    let time = lan.until(groups, Entry::Forwarding, || lan.join(0..groups));
    thread::sleep(SETTLING);
    Outcome { time, cpu: running.cpu() - before, dropped: 0 }
}

/// The host waits, and the sources start.
fn start(lan: &Lan, running: &Running, groups: usize) -> Outcome {
    lan.join(0..groups);
    thread::sleep(SETTLING);
    let before = running.cpu();
    let time = lan.until(groups, Entry::Forwarding, || lan.send(0..groups));
    thread::sleep(SETTLING);
    Outcome { time, cpu: running.cpu() - before, dropped: groups - lan.received() }
}

/// One line: the medians of both, and of the ratios of the rounds.
fn compare(what: &str, rounds: &[[Pass; 2]], value: fn(&Pass) -> f64, target: Option<f64>) {
    let of = |which: usize| median(rounds.iter().map(|round| value(&round[which])).collect());
    let ratio = median(rounds.iter().map(|[floor, router]| value(router) / value(floor)).collect());
    println!("{what:<50} {:>10.2} {:>10.2} {ratio:>8.2}  {}", of(0), of(1), verdict(ratio, target));
}

/// One line about the router alone.
fn limit(what: &str, value: f64, target: f64) {
    println!("{what:<50} {value:>21.2} {:>8}  {}", "", verdict(value, Some(target)));
}

fn verdict(value: f64, target: Option<f64>) -> String {
    target.map_or_else(String::new, |target| {
        format!("at most {target}: {}", if value <= target { "met" } else { "MISSED" })
    })
}

fn of_router(rounds: &[[Pass; 2]], value: fn(&Pass) -> f64) -> f64 {
    median(rounds.iter().map(|[_, router]| value(router)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn float(number: usize) -> f64 {
    u32::try_from(number).unwrap().into()
}
