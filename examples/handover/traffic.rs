//! The reports in a capture, sorted by address family.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::capture::{Capture, Damage, Frame};
use membership_reports::{HostReport, Malformed, Report};

/// What a capture holds, up to its end or to where it is damaged.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) igmp: Vec<Packet<Ipv4Addr>>,
    pub(crate) mld: Vec<Packet<Ipv6Addr>>,
    pub(crate) damage: Option<Damage>,
}

/// A report, or a packet that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet<A> {
    pub(crate) number: usize,
    pub(crate) time: Duration,
    pub(crate) report: Result<Report<A>, Malformed>,
}

impl Traffic {
    pub(crate) fn read(pcap: &[u8]) -> Self {
        let mut traffic = Self::default();
        traffic.damage = traffic.read_all(pcap).err();
        traffic
    }

    fn read_all(&mut self, pcap: &[u8]) -> Result<(), Damage> {
        let mut capture = Capture::new(pcap)?;
        while let Some(frame) = capture.next_frame()? {
            self.add(&frame);
        }
        Ok(())
    }

    fn add(&mut self, frame: &Frame) {
        let &Frame { number, time, ref ip } = frame;
        match ip.as_deref().map(membership_reports::read) {
            None | Some(Ok(None)) => {} // something else than a report
            Some(Ok(Some(HostReport::Igmp(report)))) => {
                self.igmp.push(Packet { number, time, report: Ok(report) });
            }
            Some(Ok(Some(HostReport::Mld(report)))) => {
                self.mld.push(Packet { number, time, report: Ok(report) });
            }
            // The family of such a packet may be what is wrong with it: it is shown with both.
            Some(Err(malformed)) => {
                self.igmp.push(Packet { number, time, report: Err(malformed.clone()) });
                self.mld.push(Packet { number, time, report: Err(malformed) });
            }
        }
    }
}

impl<A> Packet<A> {
    pub(crate) fn any_reports(packets: &[Self]) -> bool {
        packets.iter().any(|packet| packet.report.is_ok())
    }
}
