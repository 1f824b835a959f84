//! A capture: bytes in, packets out.

use std::io::BufRead;
use std::time::Duration;

use crate::feed::{Feed, Stop};
use crate::fragments::{Fragments, Joined};
use crate::link_layer::{self, Opened};
use crate::pcap::Pcap;
use crate::pcapng::{self, Pcapng};
use crate::record::Record;
use crate::{Damage, HardwareAddr, Link, Unread};

/// The packets of a capture, up to its end or to where it is damaged.
#[derive(Debug)]
pub struct Capture<R> {
    feed: Feed<R>,
    container: Container,
    packets: usize,
    start: Option<Duration>,
    last: Duration,
    fragments: Fragments,
}

/// One packet of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Its number in the capture, from 1.
    pub number: usize,
    /// When it came, counted from the first.
    pub time: Duration,
    /// Where it was.
    pub link: Link,
    /// Who sent it there, if that is told.
    pub sender: Option<HardwareAddr>,
    /// What it is.
    pub content: Content,
}

/// What a packet is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// An IP packet, from its header on, whatever follows. If it came in fragments, all of it is in the last.
    Ip(Vec<u8>),
    /// A fragment of which others are missing.
    Fragment,
    /// Something else.
    Unread(Unread),
}

#[derive(Debug)]
enum Container {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl<R: BufRead> Capture<R> {
    /// Reads the header, once it has come.
    ///
    /// # Errors
    ///
    /// [`Damage::Format`] if it is none of those that are understood.
    pub fn new(reader: R) -> Result<Self, Damage> {
        let mut feed = Feed::new(reader);
        let container = if feed.starts_with(&pcapng::MAGIC)? {
            Container::Pcapng(Pcapng::new())
        } else {
            Container::Pcap(Pcap::open(&mut feed).map_err(Damage::in_header)?)
        };
        let (start, last) = (None, Duration::ZERO);
        Ok(Self { feed, container, packets: 0, start, last, fragments: Fragments::default() })
    }

    /// The next packet, once it has come; nothing at the end.
    ///
    /// # Errors
    ///
    /// Where the capture cannot be read further.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, Damage> {
        let record = match &mut self.container {
            Container::Pcap(pcap) => pcap.next(&mut self.feed),
            Container::Pcapng(pcapng) => pcapng.next(&mut self.feed),
        };
        let record = record.map_err(|stop| Damage::at(self.packets + 1, stop))?;
        Ok(record.map(|record| self.packet(record)))
    }

    /// How many fragments there were so far of packets that never became whole.
    pub fn fragments_left_over(&self) -> usize {
        self.fragments.left_over()
    }

    /// How many blocks there were so far of types that are not known.
    pub const fn unknown_blocks(&self) -> usize {
        match &self.container {
            Container::Pcap(_) => 0,
            Container::Pcapng(pcapng) => pcapng.unknown_blocks(),
        }
    }

    fn packet(&mut self, record: Record) -> Packet {
        self.packets += 1;
        let time = self.time(record.time);
        let Opened { link, sender, ip } = link_layer::open(record.interface, record.link_type, &record.bytes);
        let content = match ip {
            Err(unread) => Content::Unread(unread),
            Ok(ip) => match self.fragments.join(&link, sender, time, ip) {
                Joined::Unchanged => Content::Ip(ip.to_vec()),
                Joined::Kept => Content::Fragment,
                Joined::Whole(whole) => Content::Ip(whole),
            },
        };
        Packet { number: self.packets, time, link, sender, content }
    }

    /// Counted from the first packet. A packet without a time came with the one before.
    fn time(&mut self, stamp: Option<Duration>) -> Duration {
        if let Some(stamp) = stamp {
            self.last = stamp.saturating_sub(*self.start.get_or_insert(stamp));
        }
        self.last
    }
}

impl Damage {
    fn in_header(stop: Stop) -> Self {
        match stop {
            Stop::CutShort | Stop::Nonsense => Self::Format,
            Stop::System(error) => Self::System(error),
        }
    }

    fn at(packet: usize, stop: Stop) -> Self {
        match stop {
            Stop::CutShort => Self::CutShort(packet),
            Stop::Nonsense => Self::Nonsense(packet),
            Stop::System(error) => Self::System(error),
        }
    }
}
