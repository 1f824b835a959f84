//! Runs a recording of a manager again, and prints a time line of it.
//!
//! ```text
//! cargo run --example replay -- FILE
//! ```
//!
//! A daemon makes such a file with `Mgm::builder().record(mgm::replay::write(File::create("mgm.jsonl")?))`; in a bug report
//! it is all that is needed. Printed are, in order, each call of the manager (`→`) and each call that it makes (`←`), those
//! inside others indented, with what was refused, what failed and what panicked.
//!
//! Where the file is damaged, what precedes is replayed, and the line is named; where this version of the manager does not
//! do what was recorded, the first event that differs is named. In both cases the status is 1.

use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::process::ExitCode;

use mgm::Address;
use mgm::record::{Event, Timeline};
use mgm::replay::{Events, Recording, replay};

/// Replays events and prints what comes of them; says where that is not what was recorded.
fn play<A: Address>(events: &[Event<A>]) -> Result<(), Box<dyn Error>> {
    let replayed = replay(events)?;
    write!(io::stdout().lock(), "{}", Timeline(&replayed.events))?;
    match replayed.divergence {
        None => Ok(()),
        Some(divergence) => Err(format!("the replay went another way: {divergence}").into()),
    }
}

fn run(file: Option<OsString>) -> Result<(), Box<dyn Error>> {
    let file = file.ok_or("which recording? cargo run --example replay -- FILE")?;
    let named = |error: &dyn Error| format!("{}: {error}", file.display());
    let open = File::open(&file).map_err(|error| named(&error))?;
    let recording = Recording::read(BufReader::new(open)).map_err(|error| named(&error))?;
    match &recording.events {
        Events::V4(events) => play(events)?,
        Events::V6(events) => play(events)?,
    }
    recording.damage.map_or(Ok(()), |damage| Err(named(&damage).into()))
}

/// Whoever reads what is printed may have seen enough, as `head` has.
fn has_seen_enough(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn main() -> ExitCode {
    match run(std::env::args_os().nth(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if has_seen_enough(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody can be told.
            drop(writeln!(io::stderr(), "replay: {error}"));
            ExitCode::FAILURE
        }
    }
}
