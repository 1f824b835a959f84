//! DVMRP takes an interface away from IGMP, and gives it back, while real hosts join and leave groups on it.
//!
//! ```text
//! cargo run --example handover              # two hosts that speak IGMPv3
//! cargo run --example handover -- FILE      # any capture with IGMP or MLD in it, as pcap or pcapng
//! tcpdump -i any -U -w - | cargo run --example handover -- -    # the same while it is made
//! ```
//!
//! The reports of the hosts are read from a capture and given to a small IGMP, which is a client of the
//! manager like any other ([`igmp::Igmp`]). PIM owns another interface, and hears of what is wanted here.
//! After two fifths of the reports DVMRP takes the interface of the hosts, and after four fifths it releases it; of a
//! capture in progress, after ten and after twenty. Each VLAN and each captured interface is one more interface here.
//! Printed are
//!
//! - each packet, with its number in the capture and its time in seconds;
//! - below it, what a client calls (`→`) and how the manager calls a client (`←`). Around each of DVMRP's two
//!   calls IGMP is told `disable_igmp`, and then, when the owner has changed, `enable_igmp`, where it sets again what
//!   is joined. In between DVMRP hears of all that is joined as `local_join`, or `local_leave`; PIM, which has no part
//!   in the hand-over, hears nothing;
//! - what is joined on the interface then, and a table of the interfaces whenever their owners have changed;
//! - in the end, how many packets the capture had, and what those were that are no reports.

mod census;
pub(crate) mod igmp;
mod links;
pub(crate) mod merge;
mod protocol;
pub(crate) mod replay;
#[cfg(test)]
mod tests;
pub(crate) mod timeline;
pub(crate) mod traffic;

use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use captured_packets::Damage;
use mgm::Address;

use replay::{HandOvers, Replay};
use timeline::Timeline;
use traffic::{Heard, Packet, Recording, Traffic};

/// Two IGMPv3 hosts, with source-specific joins.
const TWO_HOSTS: &[u8] = include_bytes!("../data/igmp-v3-two-hosts.pcap");

/// Replays what has been captured of one family.
pub(crate) fn replay<A: Address>(
    name: &'static str,
    packets: &[Packet<A>],
    timeline: &Arc<Timeline>,
) -> Result<(), mgm::Error<A>> {
    timeline.title(format_args!("{} packets of {name}", packets.len()));
    let mut replay = Replay::new(name, timeline, HandOvers::amid(packets.len()))?;
    for packet in packets {
        replay.come_to(&packet.seen)?;
    }
    replay.table();
    for packet in packets {
        replay.play(packet)?;
    }
    replay.end()
}

/// Reads all of a capture, then replays it.
fn replay_all(capture: impl BufRead) -> Result<(), Box<dyn Error>> {
    let recording = Recording::read(capture);
    if let Some(damage @ Damage::Format) = recording.damage {
        return Err(damage.into());
    }
    let timeline = Arc::default();
    if !recording.igmp.is_empty() {
        replay("IGMP", &recording.igmp, &timeline)?;
    }
    if !recording.mld.is_empty() {
        replay("MLD", &recording.mld, &timeline)?;
    }
    print(&format!("{}{}", timeline.take(), recording.census))?;
    recording.damage.map_or(Ok(()), |damage| Err(damage.into()))
}

/// Replays a capture while it is made.
fn replay_along(capture: impl BufRead) -> Result<(), Box<dyn Error>> {
    let mut traffic = Traffic::new(capture)?;
    let timeline = Arc::default();
    let (mut igmp, mut mld) = (None, None);
    let end = loop {
        match traffic.next() {
            Ok(Some(Heard::Igmp(packet))) => play_along("IGMP", &mut igmp, &packet, &timeline)?,
            Ok(Some(Heard::Mld(packet))) => play_along("MLD", &mut mld, &packet, &timeline)?,
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
        print(&timeline.take())?;
    };
    igmp.map_or(Ok(()), Replay::end)?;
    mld.map_or(Ok(()), Replay::end)?;
    print(&format!("{}{}", timeline.take(), traffic.into_census()))?;
    end.map_or(Ok(()), |damage: Damage| Err(damage.into()))
}

/// Plays one packet; the first of its family begins the replay of that.
fn play_along<A: Address>(
    name: &'static str,
    replay: &mut Option<Replay<A>>,
    packet: &Packet<A>,
    timeline: &Arc<Timeline>,
) -> Result<(), mgm::Error<A>> {
    let replay = match replay {
        Some(replay) => replay,
        None => {
            timeline.title(format_args!("packets of {name} as they come"));
            let replay = replay.insert(Replay::new(name, timeline, HandOvers::of_a_capture_in_progress())?);
            replay.come_to(&packet.seen)?;
            replay.table();
            replay
        }
    };
    replay.play(packet)
}

/// Who captures gets the same Ctrl-C from the terminal, and ends: what it has written until then is still replayed.
/// A second one ends this as well.
fn outlive_the_capture() -> io::Result<()> {
    let once = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, 1, Arc::clone(&once))?;
    signal_hook::flag::register(signal_hook::consts::SIGINT, once)?;
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        None => replay_all(TWO_HOSTS),
        Some(dash) if dash == OsStr::new("-") => {
            outlive_the_capture()?;
            replay_along(io::stdin().lock())
        }
        Some(file) => {
            let open = File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            replay_all(BufReader::new(open))
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}

/// Whoever reads what is printed may have seen enough, as `head` has.
fn has_seen_enough(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if has_seen_enough(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody can be told.
            drop(writeln!(io::stderr(), "handover: {error}"));
            ExitCode::FAILURE
        }
    }
}
