//! One captured frame, as the container has it.

use std::time::Duration;

use pcap_file::DataLink;

use crate::Header;

/// As tcpdump and tshark have it: what claims to be longer is damage.
pub(crate) const LONGEST: usize = 262_144;

#[derive(Debug)]
pub(crate) struct Record {
    /// The interface, if the container says that there are several.
    pub(crate) interface: Option<Header>,
    /// What its bytes begin with; nothing if its interface is not described.
    pub(crate) link_type: Option<DataLink>,
    /// When it came, by a clock that begins anywhere; nothing if that is not said.
    pub(crate) time: Option<Duration>,
    pub(crate) bytes: Vec<u8>,
}
