//! Numbered packets, and who gets them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mgm::GroupAddr;
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use socket2::{Domain, Protocol, Socket, Type};

use crate::link::{Family, Sender};
use crate::{Namespace, until};

/// Sends numbered packets until it is dropped.
#[derive(Debug)]
pub struct Stream {
    progress: Progress,
    thread: Option<JoinHandle<()>>,
}

/// How far a stream has come.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sent: AtomicU64,
    end: AtomicBool,
}

impl Progress {
    /// How many have been sent, which is the number of the next.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Acquire)
    }

    /// Waits until so many have been sent, or the stream has ended.
    pub fn reach(&self, packets: u64) {
        let ended = || self.0.end.load(Ordering::Relaxed);
        until(|| format!("{packets} packets, not {}", self.sent()), || self.sent() >= packets || ended());
    }
}

impl Stream {
    /// One packet each time; after a pause of the machine's the next few come at once, but not all that are missing.
    pub fn start<A: Family>(sender: Sender, group: GroupAddr<A>, tag: &'static str, every: Duration) -> Self {
        const AT_ONCE: u32 = 10;
        let progress = Progress::default();
        let shared = Arc::clone(&progress.0);
        let thread = thread::spawn(move || {
            let mut due = Instant::now();
            while !shared.end.load(Ordering::Relaxed) {
                let number = shared.sent.load(Ordering::Relaxed);
                sender.send(group, &format!("{tag}{number:08}"));
                shared.sent.store(number + 1, Ordering::Release);
                let now = Instant::now();
                due = (due + every).max(now - AT_ONCE * every);
                thread::sleep(due.saturating_duration_since(now));
            }
        });
        Self { progress, thread: Some(thread) }
    }

    /// How far it has come, for whoever does not own it.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How many have been sent, which is the number of the next.
    pub fn sent(&self) -> u64 {
        self.progress.sent()
    }

    /// Waits until so many more have been sent.
    pub fn go_on(&self, packets: u64) {
        self.progress.reach(self.sent() + packets);
    }

    /// Ends it, and answers how many were sent.
    pub fn end(mut self) -> u64 {
        self.stop();
        self.sent()
    }

    fn stop(&mut self) {
        self.progress.0.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || thread::panicking(), "it could not send");
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sees each frame of a family that comes to a host, whether the host has joined or not; none that the host sends.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    tag: &'static str,
}

impl Tap {
    /// With room for all that a test sends, so that nothing is lost here.
    pub fn open<A: Family>(host: &Namespace, tag: &'static str) -> Self {
        const ROOM: usize = 32 << 20;
        let protocol = Protocol::from(i32::from(A::ETHERTYPE.to_be()));
        let socket = host.run(|| Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap());
        socket.set_nonblocking(true).unwrap();
        set_socket_recv_buffer_size_force(&socket, ROOM).unwrap();
        Self { socket, tag }
    }

    /// The numbers of the packets that have come since the last call.
    pub fn numbers(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut frame = [0; 2000];
        while let Some(frame) = self.frame(&mut frame) {
            numbers.extend(self.number(frame));
        }
        numbers
    }

    /// The next frame, whatever it is, if there is one.
    pub fn frame<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        match std::io::Read::read(&mut &self.socket, buffer) {
            Ok(length) => Some(&buffer[..length]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }

    /// The first packet from now on.
    pub fn next(&self) -> u64 {
        let mut first = None;
        until(
            || "a packet".to_owned(),
            || {
                first = self.numbers().first().copied();
                first.is_some()
            },
        );
        first.unwrap()
    }

    fn number(&self, frame: &[u8]) -> Option<u64> {
        let text = frame.get(frame.len().checked_sub(8 + self.tag.len())?..)?;
        let number = text.strip_prefix(self.tag.as_bytes())?;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

/// How often each packet of a stream has come to a host.
#[derive(Debug)]
pub struct Arrivals {
    tap: Tap,
    times: BTreeMap<u64, u32>,
}

impl Arrivals {
    /// Of what comes to this host from now on.
    pub fn open<A: Family>(host: &Namespace, tag: &'static str) -> Self {
        Self { tap: Tap::open::<A>(host, tag), times: BTreeMap::new() }
    }

    /// Counts what has come.
    pub fn count(&mut self) {
        for number in self.tap.numbers() {
            *self.times.entry(number).or_default() += 1;
        }
    }

    /// Those of `sent` that have not come.
    pub fn lost(&self, sent: &Range<u64>) -> Vec<u64> {
        sent.clone().filter(|number| !self.times.contains_key(number)).collect()
    }

    /// Those of `sent` that have come.
    pub fn came(&self, sent: &Range<u64>) -> Vec<u64> {
        self.times.range(sent.clone()).map(|(number, _)| *number).collect()
    }

    /// Those that have come more than once.
    pub fn twice(&self) -> Vec<u64> {
        self.times.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect()
    }
}
