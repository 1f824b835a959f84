//! Events as lines of JSON.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::record::{Event, Family, Happened};
use crate::types::address::Address;

/// A sink for [`Builder::record`](crate::Builder::record) that writes each event as a line of JSON, at once, so that
/// nothing is lost when the process ends by a fault. Where that is too slow, wrap the writer in an
/// [`io::BufWriter`].
///
/// An error of the writer is reported through `tracing` at error level, and ends the recording.
pub fn write<A: Address>(writer: impl Write + Send + 'static) -> impl FnMut(Event<A>) + Send + 'static {
    let mut writer = Some(writer);
    move |event| {
        let Some(open) = &mut writer else { return };
        if let Err(error) = write_line(open, &event) {
            tracing::error!(%error, event = event.number, "the recording ends here");
            writer = None;
        }
    }
}

fn write_line<A: Address>(writer: &mut impl Write, event: &Event<A>) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    writer.write_all(&line)
}

/// What was read of a recording.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The events, up to the damage if there is any.
    pub events: Events,
    /// Why not all could be read.
    pub damage: Option<ReadError>,
}

/// The events of a manager of either family.
#[expect(clippy::exhaustive_enums, reason = "there are two families")]
#[derive(Clone, Debug, PartialEq)]
pub enum Events {
    /// Of one for IPv4.
    V4(Vec<Event<Ipv4Addr>>),
    /// Of one for IPv6.
    V6(Vec<Event<Ipv6Addr>>),
}

/// A line that is no event, and why.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {damage}")]
pub struct ReadError {
    /// The line; the first is 1.
    pub line: usize,
    /// What is wrong with it.
    pub damage: Damage,
}

impl ReadError {
    /// Says what is wrong with which line, counted from 1.
    #[must_use]
    pub const fn new(line: usize, damage: Damage) -> Self {
        Self { line, damage }
    }
}

/// What is wrong with a line.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    /// It should say with what the manager was built, as the first line does.
    #[error("this is no recording of a multicast group manager: {0}")]
    Foreign(String),
    /// It has no end.
    #[error("it is cut off")]
    CutOff,
    /// It says nothing that an event can say.
    #[error("{0}")]
    Malformed(String),
    /// The events are numbered without gaps.
    #[error("event {found} follows event {last}")]
    OutOfOrder {
        /// The number of the event before it.
        last: u64,
        /// Its number.
        found: u64,
    },
    /// It happened inside a call that does not go on.
    #[error("event {number} is inside {inside}, which is no call that goes on")]
    NotInside {
        /// Its number.
        number: u64,
        /// That of the call.
        inside: u64,
    },
    /// So many calls inside one another no manager has made.
    #[error("more than {0} calls inside one another")]
    TooDeep(usize),
    /// It could not be read.
    #[error("{0}")]
    Io(String),
}

/// Each call inside another one costs some of the stack when it is replayed.
const DEEPEST: usize = 64;

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// The first line is not that of a recording. What comes later is [damage](Self::damage), and what precedes it is read.
    pub fn read(reader: impl BufRead) -> Result<Self, ReadError> {
        let mut lines = Lines { reader, number: 0 };
        let foreign = |why: String| ReadError { line: 1, damage: Damage::Foreign(why) };
        let first = match lines.next_line() {
            Ok(Some(first)) => first,
            Ok(None) => return Err(foreign("it is empty".to_owned())),
            Err(error) => return Err(error),
        };
        let First { happened: Built { built: Kind { family } } } =
            serde_json::from_slice(&first).map_err(|error| foreign(error.to_string()))?;
        Ok(match family {
            Family::Ipv4 => {
                let (events, damage) = lines.read(&first)?;
                Self { events: Events::V4(events), damage }
            }
            Family::Ipv6 => {
                let (events, damage) = lines.read(&first)?;
                Self { events: Events::V6(events), damage }
            }
        })
    }
}

/// As much of the first line as says what the others are.
#[derive(serde::Deserialize)]
struct First {
    happened: Built,
}

#[derive(serde::Deserialize)]
struct Built {
    built: Kind,
}

#[derive(serde::Deserialize)]
struct Kind {
    family: Family,
}

struct Lines<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// The next line with its end, if there is one.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.number += 1;
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        match read.map_err(|error| self.error(Damage::Io(error.to_string())))? {
            0 => Ok(None),
            _ => Ok(Some(line)),
        }
    }

    fn error(&self, damage: Damage) -> ReadError {
        ReadError { line: self.number, damage }
    }

    fn read<A: Address>(mut self, first: &[u8]) -> Result<(Vec<Event<A>>, Option<ReadError>), ReadError> {
        let built = serde_json::from_slice(first);
        let built: Event<A> = built.map_err(|error| self.error(Damage::Foreign(error.to_string())))?;
        let (mut events, mut going) = (vec![built], Going::default());
        loop {
            let line = match self.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok((events, None)),
                Err(error) => return Ok((events, Some(error))),
            };
            let last = events.last().map_or(0, |event| event.number);
            match event(&line, last).and_then(|event| going.follow(event)) {
                Ok(event) => events.push(event),
                Err(damage) => return Ok((events, Some(self.error(damage)))),
            }
        }
    }
}

fn event<A: Address>(line: &[u8], last: u64) -> Result<Event<A>, Damage> {
    let event: Event<A> = match serde_json::from_slice(line) {
        Ok(event) => event,
        Err(_) if line.last() != Some(&b'\n') => return Err(Damage::CutOff),
        Err(error) => return Err(Damage::Malformed(error.to_string())),
    };
    if last.checked_add(1) != Some(event.number) {
        return Err(Damage::OutOfOrder { last, found: event.number });
    }
    Ok(event)
}

/// The calls that go on, and how deep each is inside others.
#[derive(Default)]
struct Going(BTreeMap<u64, usize>);

impl Going {
    fn follow<A: Address>(&mut self, event: Event<A>) -> Result<Event<A>, Damage> {
        let number = event.number;
        let around = match event.inside {
            None => 0,
            Some(inside) => *self.0.get(&inside).ok_or(Damage::NotInside { number, inside })?,
        };
        match (&event.happened, event.inside) {
            (Happened::Called { .. } | Happened::Calls { .. }, _) => {
                if around >= DEEPEST {
                    return Err(Damage::TooDeep(DEEPEST));
                }
                self.0.insert(number, around + 1);
            }
            (Happened::Returned(_), Some(inside)) => drop(self.0.remove(&inside)),
            (Happened::Returned(_), None) => {
                return Err(Damage::Malformed("an answer to no call".to_owned()));
            }
            (Happened::Built(_), _) => {
                return Err(Damage::Malformed("a manager is built once".to_owned()));
            }
        }
        Ok(event)
    }
}
