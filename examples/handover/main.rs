//! DVMRP takes an interface away from IGMP, and gives it back, while real hosts join and leave groups on it.
//!
//! ```text
//! cargo run --example handover              # two hosts that speak IGMPv3
//! cargo run --example handover -- FILE      # any capture of IGMPv2, IGMPv3, MLDv1 or MLDv2
//! ```
//!
//! The reports of the hosts are read from a capture and given to a small IGMP, which is a client of the
//! manager like any other ([`igmp::Igmp`]). PIM owns another interface, and hears of what is wanted here.
//! After two fifths of the reports DVMRP takes the interface of the hosts, and after four fifths it releases it.
//! Printed are
//!
//! - each packet, with its number in the capture and its time in seconds;
//! - below it, what a client calls (`→`) and how the manager calls a client (`←`). Around each of DVMRP's two
//!   calls IGMP is told `disable_igmp`, and then, when the owner has changed, `enable_igmp`, where it adds again
//!   what is joined: this time DVMRP hears of it as `local_join`;
//! - what is joined on the interface then, and a table of the interfaces whenever their owners have changed.

mod capture;
pub(crate) mod igmp;
mod merge;
mod protocol;
#[cfg(test)]
mod tests;
pub(crate) mod timeline;
pub(crate) mod traffic;

use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;

use mgm::{Address, ClientId, ClientName, Interface, Mgm};

use igmp::Igmp;
use protocol::Protocol;
use timeline::Timeline;
use traffic::{Packet, Traffic};

const PIM: ClientId = ClientId { protocol: 1, component: 0 };
const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };

/// Two IGMPv3 hosts, with source-specific joins.
const TWO_HOSTS: &[u8] = include_bytes!("../data/igmp-v3-two-hosts.pcap");

/// Lets DVMRP take the interface of the hosts and release it, while they report.
///
/// `name` is IGMP, or MLD if the addresses are IPv6.
pub(crate) fn replay<A: Address>(
    name: &'static str,
    packets: &[Packet<A>],
    timeline: &Arc<Timeline>,
) -> Result<(), mgm::Error<A>> {
    let lan = Interface::new(NonZeroU32::MIN);
    let upstream = Interface::new(NonZeroU32::MIN.saturating_add(1));
    let (before, rest) = packets.split_at(packets.len() * 2 / 5);
    let (meanwhile, after) = rest.split_at(rest.len() * 2 / 3);

    let mgm = Mgm::<A>::default();
    let hosts = Arc::new(Igmp::new(name, timeline));
    let igmp = mgm.register_igmp(Arc::clone(&hosts))?;
    let pim = mgm.register_protocol(PIM, Protocol::new("PIM", timeline))?;
    let dvmrp = mgm.register_protocol(DVMRP, Protocol::new("DVMRP", timeline))?;

    let play = |packets: &[Packet<A>]| {
        for packet in packets {
            timeline.packet(packet);
            if let Ok(report) = &packet.report {
                hosts.receive(&igmp, lan, report);
            }
            timeline.joined(&mgm, lan);
        }
    };
    let table = || {
        timeline.table(&mgm, |client| match client {
            ClientName::Igmp => name,
            ClientName::Protocol(PIM) => "PIM",
            ClientName::Protocol(_) => "DVMRP",
        });
    };

    timeline.title(name, packets.len());
    igmp.take_interface_ownership(lan)?;
    pim.take_interface_ownership(upstream)?;
    table();
    play(before);

    timeline.takes_or_releases("DVMRP", "take_interface_ownership", lan);
    dvmrp.take_interface_ownership(lan)?;
    table();
    play(meanwhile);

    timeline.takes_or_releases("DVMRP", "release_interface_ownership", lan);
    dvmrp.release_interface_ownership(lan)?;
    table();
    play(after);
    table();
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    let pcap = match std::env::args_os().nth(1) {
        None => TWO_HOSTS.to_vec(),
        Some(file) => std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?,
    };
    let traffic = Traffic::read(&pcap);
    let timeline = Arc::default();
    let has_mld = Packet::any_reports(&traffic.mld);
    if Packet::any_reports(&traffic.igmp) || !has_mld {
        replay("IGMP", &traffic.igmp, &timeline)?;
    }
    if has_mld {
        replay("MLD", &traffic.mld, &timeline)?;
    }
    print(&timeline.take())?;
    traffic.damage.map_or(Ok(()), |damage| Err(damage.into()))
}

/// Prints to a reader that may have seen enough, such as `head`.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody can be told.
            drop(writeln!(io::stderr(), "handover: {error}"));
            ExitCode::FAILURE
        }
    }
}
