//! The example of the hand-over, against captures of real hosts, damaged captures, and hosts made up at random.
//!
//! What it makes the manager hold is compared with [`naive`], which reads and merges reports in a way of its own.

mod cases;
mod damage;
mod frames;
mod lan;
mod links;
mod live;
mod membership;
mod naive;
mod process;

const IGMP_V2: &[u8] = include_bytes!("../../data/igmp-v2-two-hosts.pcap");
const IGMP_V3: &[u8] = include_bytes!("../../data/igmp-v3-two-hosts.pcap");
const BURST: &[u8] = include_bytes!("../../data/igmp-v3-burst-2000-groups.pcap");
const MLD_V2: &[u8] = include_bytes!("../../data/mld-v2-two-hosts.pcap");
const CAPTURES: [&[u8]; 4] = [IGMP_V2, IGMP_V3, BURST, MLD_V2];

/// The length of the header before the IP packet, in these captures.
const ETHERNET: usize = 14;
