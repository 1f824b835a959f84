//! The example of the hand-over, against captures of real hosts, damaged captures, and hosts made up at random.
//!
//! What it makes the manager hold is compared with [`naive`], which reads and merges reports in a way of its own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failed test")]

mod damage;
mod lan;
mod membership;
mod naive;
mod process;

#[expect(dead_code, reason = "its main is run as a process")]
#[path = "../../examples/handover/main.rs"]
mod handover;

const IGMP_V2: &[u8] = include_bytes!("../../examples/data/igmp-v2-two-hosts.pcap");
const IGMP_V3: &[u8] = include_bytes!("../../examples/data/igmp-v3-two-hosts.pcap");
const BURST: &[u8] = include_bytes!("../../examples/data/igmp-v3-burst-2000-groups.pcap");
const MLD_V2: &[u8] = include_bytes!("../../examples/data/mld-v2-two-hosts.pcap");
const CAPTURES: [&[u8]; 4] = [IGMP_V2, IGMP_V3, BURST, MLD_V2];
