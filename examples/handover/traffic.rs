//! The reports in a capture, sorted by address family.

use std::io::BufRead;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use captured_packets::{Capture, Content, Damage, HardwareAddr, Link};
use membership_reports::{HostReport, Malformed, Report};

use super::census::Census;
use super::links::Links;

/// The reports of a capture as they come, and what else there was.
#[derive(Debug)]
pub(crate) struct Traffic<R> {
    capture: Capture<R>,
    links: Links,
    census: Census,
}

/// A packet of either family.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    Igmp(Packet<Ipv4Addr>),
    Mld(Packet<Ipv6Addr>),
}

/// A report, or a packet that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet<A> {
    pub(crate) seen: Seen,
    pub(crate) report: Result<Report<A>, Malformed>,
}

/// When and where a packet was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) number: usize,
    pub(crate) time: Duration,
    pub(crate) link: Link,
    /// The interface to that link.
    pub(crate) interface: NonZeroU32,
    /// Who sent it there, if that is told and the IP address does not tell it.
    pub(crate) sender: Option<HardwareAddr>,
}

/// All of a capture, up to its end or to where it is damaged.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) igmp: Vec<Packet<Ipv4Addr>>,
    pub(crate) mld: Vec<Packet<Ipv6Addr>>,
    pub(crate) census: Census,
    pub(crate) damage: Option<Damage>,
}

impl<R: BufRead> Traffic<R> {
    pub(crate) fn new(reader: R) -> Result<Self, Damage> {
        Ok(Self { capture: Capture::new(reader)?, links: Links::default(), census: Census::default() })
    }

    /// What a host reports next, once it has come; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Heard>, Damage> {
        while let Some(packet) = self.capture.next_packet()? {
            if let Some(heard) = self.hear(packet) {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    /// What all its packets were.
    pub(crate) fn into_census(self) -> Census {
        let mut census = self.census;
        census.fragments_left_over = self.capture.fragments_left_over();
        census.unknown_blocks = self.capture.unknown_blocks();
        census
    }

    fn hear(&mut self, packet: captured_packets::Packet) -> Option<Heard> {
        let captured_packets::Packet { number, time, link, sender, content } = packet;
        let ip = self.ip(content)?;
        let report = self.report(&ip)?;
        let Some(interface) = self.links.interface(&link) else {
            self.census.beyond_links += 1;
            return None;
        };
        let seen = Seen { number, time, link, interface, sender };
        match &report {
            Ok(_) => self.census.reports += 1,
            Err(_) => self.census.malformed += 1,
        }
        Some(match report {
            Ok(HostReport::Igmp(report)) => {
                let sender = sender.filter(|_| report.reporter.is_unspecified());
                Heard::Igmp(Packet { seen: Seen { sender, ..seen }, report: Ok(report) })
            }
            Ok(HostReport::Mld(report)) => {
                let sender = sender.filter(|_| report.reporter.is_unspecified());
                Heard::Mld(Packet { seen: Seen { sender, ..seen }, report: Ok(report) })
            }
            Err(malformed) if ip.first().is_some_and(|first| first >> 4 == 6) => {
                Heard::Mld(Packet { seen, report: Err(malformed) })
            }
            Err(malformed) => Heard::Igmp(Packet { seen, report: Err(malformed) }),
        })
    }

    fn ip(&mut self, content: Content) -> Option<Vec<u8>> {
        match content {
            Content::Ip(packet) => return Some(packet),
            Content::Fragment => self.census.fragments += 1,
            Content::Unread(unread) => self.census.unread(unread),
        }
        None
    }

    fn report(&mut self, packet: &[u8]) -> Option<Result<HostReport, Malformed>> {
        let report = membership_reports::read(packet).transpose();
        if report.is_none() {
            self.census.other_ip(packet);
        }
        report
    }
}

impl Recording {
    pub(crate) fn read(reader: impl BufRead) -> Self {
        let mut traffic = match Traffic::new(reader) {
            Ok(traffic) => traffic,
            Err(damage) => return Self { damage: Some(damage), ..Self::default() },
        };
        let mut recording = Self::default();
        recording.damage = recording.add_all(&mut traffic).err();
        recording.census = traffic.into_census();
        recording
    }

    fn add_all(&mut self, traffic: &mut Traffic<impl BufRead>) -> Result<(), Damage> {
        while let Some(heard) = traffic.next()? {
            match heard {
                Heard::Igmp(packet) => self.igmp.push(packet),
                Heard::Mld(packet) => self.mld.push(packet),
            }
        }
        Ok(())
    }
}
