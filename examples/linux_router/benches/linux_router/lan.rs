//! A source and a host, and a router's two interfaces between them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use netns::Namespace;

/// The router's interfaces.
pub(crate) const SOURCES: &str = "sources";
pub(crate) const HOSTS: &str = "hosts";
const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const PORT: u16 = 5000;
/// A group that nobody joins.
const PROBE: usize = 60_000;
/// Few enough for the kernel's limit on the memory of one socket's memberships.
const JOINS_OF_A_SOCKET: usize = 100;
const ENOUGH: Duration = Duration::from_secs(30);

/// Three namespaces.
pub(crate) struct Lan {
    pub(crate) router: Namespace,
    _source: Namespace,
    _host: Namespace,
    sender: Socket,
    members: Vec<UdpSocket>,
    receiver: UdpSocket,
}

/// An entry in the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    /// With or without oifs.
    Installed,
    /// With an oif.
    Forwarding,
}

impl Lan {
    /// With a host that can join so many groups.
    pub(crate) fn new(groups: usize) -> Self {
        let [router, source, host] = ["router", "source", "host"].map(Namespace::new);
        for (link, net, namespace) in [(SOURCES, "192.0.2", &source), (HOSTS, "198.51.100", &host)] {
            let name = namespace.name();
            router.ip(&format!(
                "link add {link} type veth peer name eth0 netns {name}\n\
                 address add {net}.1/24 dev {link}\n\
                 link set {link} up\n"
            ));
            namespace.ip(&format!("address add {net}.2/24 dev eth0\nlink set eth0 up\n"));
        }
        let sender = source.run(sender);
        let (members, receiver) = host.run(|| {
            fs::write("/proc/sys/net/ipv4/igmp_max_memberships", "10000").unwrap();
            let sockets = 0..groups.div_ceil(JOINS_OF_A_SOCKET);
            (sockets.map(|_| UdpSocket::bind("0.0.0.0:0").unwrap()).collect(), receiver())
        });
        Self { router, _source: source, _host: host, sender, members, receiver }
    }

    pub(crate) fn indices(&self) -> [NonZeroU32; 2] {
        [SOURCES, HOSTS].map(|link| self.router.index(link).try_into().unwrap())
    }

    /// The source sends one packet to each group.
    pub(crate) fn send(&self, groups: Range<usize>) {
        for group in groups.map(group) {
            self.sender.send_to(b"data", &SocketAddr::from((group, PORT)).into()).unwrap();
        }
    }

    /// The host joins the groups.
    pub(crate) fn join(&self, groups: Range<usize>) {
        for number in groups {
            let member = &self.members[number / JOINS_OF_A_SOCKET];
            member.join_multicast_v4(&group(number), &HOST).unwrap();
        }
    }

    /// Waits until a packet from the source has an entry.
    pub(crate) fn until_routed(&self) {
        self.router.run(|| {
            let start = Instant::now();
            while count(Entry::Installed) == 0 {
                assert!(start.elapsed() < ENOUGH, "nobody routes");
                self.send(PROBE..PROBE + 1);
                thread::sleep(Duration::from_micros(500));
            }
        });
    }

    /// How many packets the host has received since it was last asked.
    pub(crate) fn received(&self) -> usize {
        let mut buffer = [0; 16];
        std::iter::from_fn(|| self.receiver.recv(&mut buffer).ok()).count()
    }

    /// Does it, and answers how long it takes until the kernel has so many entries.
    pub(crate) fn until(&self, entries: usize, kind: Entry, work: impl Fn() + Send + Sync) -> Duration {
        self.router.run(|| {
            let start = Instant::now();
            work();
            while count(kind) < entries {
                assert!(start.elapsed() < ENOUGH, "{} of {entries} entries {kind:?}", count(kind));
                thread::sleep(Duration::from_micros(200));
            }
            start.elapsed()
        })
    }

    /// How many packets found no room in the routing socket.
    pub(crate) fn lost(&self) -> usize {
        self.router.run(|| {
            let sockets = fs::read_to_string("/proc/thread-self/net/raw").unwrap();
            let drops = sockets.lines().skip(1).map(|line| line.split_whitespace().last().unwrap());
            drops.map(|drops| drops.parse::<usize>().unwrap()).sum()
        })
    }
}

/// Outside the SSM range.
fn group(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(239, 1, 0, 0).to_bits() + u32::try_from(number).unwrap())
}

/// How many entries of this kind the kernel has, in the namespace of this thread.
fn count(kind: Entry) -> usize {
    let list = fs::read_to_string("/proc/thread-self/net/ip_mr_cache").unwrap();
    // Group, source, VIF of the iif, three counts, and the oifs with their thresholds.
    let is = |line: &&str| match kind {
        Entry::Installed => line.split_whitespace().nth(2) != Some("-1"),
        Entry::Forwarding => line.contains(':'),
    };
    list.lines().skip(1).filter(is).count()
}

fn sender() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.bind(&SocketAddr::from((SOURCE, 0)).into()).unwrap();
    socket.set_multicast_if_v4(&SOURCE).unwrap();
    socket.set_multicast_ttl_v4(8).unwrap();
    socket
}

/// A socket that receives what any other socket of the host has joined.
fn receiver() -> UdpSocket {
    let receiver = UdpSocket::bind(("0.0.0.0", PORT)).unwrap();
    setsockopt(&receiver, sockopt::RcvBufForce, &(64 << 20)).unwrap();
    receiver.set_nonblocking(true).unwrap();
    receiver
}
