//! Numbered packets, and who gets them.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mgm::GroupAddr;
use socket2::{Domain, Protocol, Socket, Type};

use crate::lan::until;
use crate::wire::Forged;
use linux_router::igmp::query::Query;
use netns::Namespace;
use netns::link::{Family, Sender};

/// Sends numbered packets until it is dropped.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    end: AtomicBool,
}

impl Stream {
    pub(crate) fn start<A: Family>(
        sender: Sender,
        group: GroupAddr<A>,
        tag: &'static str,
        every: Duration,
    ) -> Self {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !of_thread.end.load(Ordering::Relaxed) {
                let number = of_thread.sent.load(Ordering::Relaxed);
                sender.send(group, &format!("{tag}{number:08}"));
                of_thread.sent.store(number + 1, Ordering::Release);
                thread::sleep(every);
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// How many have been sent, which is the number of the next.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Acquire)
    }

    /// Waits until so many more have been sent.
    pub(crate) fn go_on(&self, packets: u64) {
        let enough = self.sent() + packets;
        until(|| format!("{packets} more packets"), || self.sent() >= enough);
    }

    /// Ends it, and answers how many were sent.
    pub(crate) fn end(mut self) -> u64 {
        self.stop();
        self.sent()
    }

    fn stop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sees each frame that comes to a host, whether the host has joined or not.
pub(crate) struct Tap {
    socket: Socket,
    tag: &'static str,
}

impl Tap {
    pub(crate) fn open(host: &Namespace, tag: &'static str) -> Self {
        const ALL: u16 = 3; // ETH_P_ALL
        let protocol = Protocol::from(i32::from(ALL.to_be()));
        let socket = host.run(|| Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap());
        socket.set_nonblocking(true).unwrap();
        socket.set_recv_buffer_size(4 << 20).unwrap();
        Self { socket, tag }
    }

    /// The numbers of the packets that have come since the last call.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut frame = [0; 2000];
        loop {
            match std::io::Read::read(&mut &self.socket, &mut frame) {
                Ok(length) => numbers.extend(self.number(&frame[..length])),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    return numbers;
                }
            }
        }
    }

    /// The first packet from now on.
    pub(crate) fn next(&self) -> u64 {
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

/// Hears the queries that come to a host.
pub(crate) struct Queries(Socket);

impl Queries {
    pub(crate) fn open(host: &Namespace) -> Self {
        Self(Tap::open(host, "").socket)
    }

    /// Waits for the next query that asks for this group, or for all.
    pub(crate) fn next<A: Forged>(&self, group: Option<A>) -> Query<A> {
        let (mut found, mut frame) = (None, [0; 2000]);
        until(
            || format!("a query for {group:?}"),
            || {
                let length = std::io::Read::read(&mut &self.0, &mut frame).unwrap_or(0);
                found = frame.get(14..length).and_then(A::query).filter(|query| query.group == group);
                found.is_some()
            },
        );
        found.unwrap()
    }
}
