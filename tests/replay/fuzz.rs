//! Recordings that no manager made, as a stranger may send one with a report of a fault: never a panic, never a hang, and
//! neither reading nor replaying takes more than the file is worth.
//!
//! Hundreds are tried; with `PROPTEST_CASES=10000000`, as many as that.

use std::sync::LazyLock;

use mgm::replay::{Events, Recording, replay};
use mgm::testing::{World, steps};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::{File, v4, v6};

/// What an empty manager takes, with the tables that it makes at once.
const ROOM: u64 = 1 << 17;
/// An octet of the file is a part of an event, which is kept as read, as it is due, and as it happens again.
const PER_OCTET: u64 = 64;
/// An event of a recorded call takes so many octets at least.
const SHORTEST: usize = 40;
/// What a call of a few octets causes is bounded by who is registered: nobody here has more than a few clients.
const CAUSED: usize = 64;

/// Reads the file, and replays what could be read.
fn exhaust(file: &[u8]) {
    let taken = allocation_counter::measure(|| follow(file));
    let size = u64::try_from(file.len()).unwrap();
    assert!(taken.bytes_max <= ROOM + PER_OCTET * size, "{} octets for a file of {size}", taken.bytes_max);
    // What is made once for all, as the places of log lines, is not left by another one.
    if taken.bytes_current != 0 {
        let left = allocation_counter::measure(|| follow(file)).bytes_current;
        assert_eq!(left, 0, "something is left of a replay");
    }
}

fn follow(file: &[u8]) {
    let happened = match Recording::read(file) {
        Ok(Recording { events: Events::V4(events), .. }) => replay(&events).map(|it| it.events.len()),
        Ok(Recording { events: Events::V6(events), .. }) => replay(&events).map(|it| it.events.len()),
        Err(error) => return assert_eq!(error.line, 1),
    };
    let happened = happened.unwrap_or(0);
    assert!(happened <= CAUSED + CAUSED * file.len() / SHORTEST, "{happened} events");
}

/// A line is an event.
type Lines = Vec<Value>;

fn lines(file: &[u8]) -> Lines {
    let lines = file.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn file(lines: &Lines) -> Vec<u8> {
    lines.iter().map(|line| line.to_string() + "\n").collect::<String>().into_bytes()
}

/// What a world at random did.
fn world() -> impl Strategy<Value = Lines> {
    steps(1..30).prop_map(|steps| {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step).unwrap());
        let file = File::default();
        let mut write = mgm::replay::write(file.clone());
        world.log.events().into_iter().for_each(&mut write);
        lines(&file.bytes())
    })
}

fn sound() -> impl Strategy<Value = Lines> {
    static BOTH: LazyLock<[Lines; 2]> = LazyLock::new(|| [v4(), v6()].map(|file| lines(&file)));
    prop_oneof![select(BOTH.to_vec()), world()]
}

/// What is done to a recording so that it is still lines of JSON, most of which mean something.
#[derive(Clone, Debug)]
enum Change {
    /// A line is there once more, somewhere else.
    Repeat(Index, Index),
    Remove(Index),
    /// A line says what another one says.
    Graft(Index, Index),
    /// A line happens inside another one, or inside none.
    Move(Index, Option<Index>),
    /// One of the numbers of a line, or one of its texts, is another one.
    Replace(Index, Index, Value),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let numbers =
        [0, 1, 2, 3, 255, 1 << 32, 1_000_000_007, i64::MAX, -1, i64::MIN].map(|number| json!(number));
    let others = [
        json!(u64::MAX),
        json!(0.5),
        json!("239.1.1.1"),
        json!("ff0e::1"),
        json!("255.255.255.255"),
        Value::Null,
    ];
    let values: Vec<_> = numbers.into_iter().chain(others).collect();
    prop_oneof![
        1 => (at(), at()).prop_map(|(line, to)| Change::Repeat(line, to)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), at()).prop_map(|(line, other)| Change::Graft(line, other)),
        1 => (at(), prop::option::weighted(0.8, at())).prop_map(|(line, inside)| Change::Move(line, inside)),
        3 => (at(), at(), select(values)).prop_map(|(line, leaf, value)| Change::Replace(line, leaf, value)),
    ]
}

impl Change {
    /// The first line stays, without which nothing is read; but what it says may change.
    fn apply(self, lines: &mut Lines) {
        let later = |index: Index, lines: &Lines| 1 + index.index(lines.len() - 1);
        if lines.len() < 2 {
            return;
        }
        match self {
            Self::Repeat(line, to) => {
                let again = lines[later(line, lines)].clone();
                lines.insert(later(to, lines), again);
            }
            Self::Remove(line) => drop(lines.remove(later(line, lines))),
            Self::Graft(line, other) => {
                let said = lines[later(other, lines)]["happened"].clone();
                let line = later(line, lines);
                lines[line]["happened"] = said;
            }
            Self::Move(line, inside) => {
                let inside = inside.map(|inside| lines[inside.index(lines.len())]["number"].clone());
                let line = later(line, lines);
                lines[line]["inside"] = json!(inside);
            }
            Self::Replace(line, leaf, value) => {
                let line = line.index(lines.len());
                let mut leaves = Vec::new();
                collect(&mut lines[line]["happened"], &mut leaves);
                if !leaves.is_empty() {
                    let leaf = leaf.index(leaves.len());
                    *leaves.swap_remove(leaf) = value;
                }
            }
        }
    }
}

/// The values that have none in them.
fn collect<'a>(value: &'a mut Value, leaves: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| collect(value, leaves)),
        Value::Object(fields) => fields.values_mut().for_each(|value| collect(value, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(value),
    }
}

/// Counts the lines anew, so that they are read on; each stays inside the line that has the number now which it named.
fn renumber(lines: &mut Lines) {
    let old: Vec<_> = lines.iter().map(|line| line["number"].clone()).collect();
    for (number, line) in lines.iter_mut().enumerate() {
        line["number"] = json!(number);
        if let Some(inside) = old[..number].iter().rposition(|old| *old == line["inside"]) {
            line["inside"] = json!(inside);
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// What is said is another thing, elsewhere, again, or not at all.
    #[test]
    fn fuzz_recordings_of_what_never_happened(
        sound in sound(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let mut lines = sound;
        changes.into_iter().for_each(|change| change.apply(&mut lines));
        renumber(&mut lines);
        exhaust(&file(&lines));
    }

    /// Octets that are changed, put in or taken out, and the end is cut off.
    #[test]
    fn fuzz_recordings_that_are_damaged_anywhere(
        sound in sound(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), 0..6),
        cut in prop_oneof![3 => Just(0), 1 => 0..2000_usize],
    ) {
        let mut file = file(&sound);
        for (at, octet, kind) in changes {
            let at = at.index(file.len());
            match kind {
                0 => file[at] = octet,
                1 => file.insert(at, octet),
                _ => drop(file.remove(at)),
            }
        }
        file.truncate(file.len().saturating_sub(cut));
        exhaust(&file);
    }

    /// Noise, but for how a recording begins.
    #[test]
    fn fuzz_recordings_of_noise(
        sound in sound(),
        kept in 0..4_usize,
        noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        exhaust(&[file(&sound[..kept.min(sound.len())].to_vec()), noise].concat());
    }
}
