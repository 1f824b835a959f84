//! A link from the router to a host, and the host's sockets.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use mgm::{Address, GroupAddr, Interface};
use socket2::{Domain, Socket, Type};

use crate::Namespace;

/// What the tests have to know of an address family.
pub trait Family: Address + Into<IpAddr> {
    /// The address of a host, or of the router, on a link.
    fn on_link(link: u8, host: u8) -> Self;
    /// A group that can be routed.
    fn group(number: u8) -> GroupAddr<Self>;
    /// Of the table that `ip` is to show.
    const IP: &'static str;
    /// The length of a link's prefix.
    const PREFIX: u8;
    /// What an Ethernet frame says that it carries.
    const ETHERTYPE: u16;
    /// The kernel's lists of entries and of interfaces.
    const TABLES: [&'static str; 2];
}

impl Family for Ipv4Addr {
    fn on_link(link: u8, host: u8) -> Self {
        let net = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
        let [a, b, c] = net[usize::from(link)];
        Self::new(a, b, c, host)
    }

    fn group(number: u8) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(239, 1, 1, number)).unwrap()
    }

    const IP: &'static str = "-4";
    const PREFIX: u8 = 24;
    const ETHERTYPE: u16 = 0x0800;
    const TABLES: [&'static str; 2] = ["ip_mr_cache", "ip_mr_vif"];
}

impl Family for Ipv6Addr {
    fn on_link(link: u8, host: u8) -> Self {
        Self::new(0x2001, 0xdb8, link.into(), 0, 0, 0, 0, host.into())
    }

    fn group(number: u8) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(0xff0e, 0, 0, 0, 0, 0, 1, number.into())).unwrap()
    }

    const IP: &'static str = "-6";
    const PREFIX: u8 = 64;
    const ETHERTYPE: u16 = 0x86dd;
    const TABLES: [&'static str; 2] = ["ip6_mr_cache", "ip6_mr_vif"];
}

/// A link from the router to a host.
#[derive(Debug)]
pub struct Link<A: Family> {
    /// The number that is in its name and in its addresses.
    pub number: u8,
    /// The router's interface.
    pub interface: Interface<A>,
    /// The host at its other end.
    pub host: Namespace,
}

const PORT: u16 = 5000;

impl<A: Family> Link<A> {
    /// Number `number` of the router, and its host.
    pub fn new(router: &Namespace, number: u8) -> Self {
        let host = Namespace::new(&format!("host{number}"));
        let mut link = Self { number, interface: Interface::try_from(1).unwrap(), host };
        link.connect(router);
        link
    }

    /// Makes the interfaces `link<number>` of the router and `eth0` of the host, which have all their addresses then.
    pub fn connect(&mut self, router: &Namespace) {
        let (number, host) = (self.number, self.host.name());
        router.ip(&format!(
            "link add link{number} type veth peer name eth0 netns {host}\n\
             {}\n\
             link set link{number} up\n",
            address_add(A::on_link(number, 1), &format!("link{number}")),
        ));
        self.add_address(A::on_link(number, 2));
        self.host.ip("link set eth0 up\n");
        self.interface = Interface::try_from(router.index(&format!("link{number}"))).unwrap();
        router.await_link_local(&format!("link{number}"));
        self.host.await_link_local("eth0");
    }

    /// Gives the host another address.
    pub fn add_address(&self, address: A) {
        self.host.ip(&address_add(address, "eth0"));
    }

    /// A socket of the host that sends to groups.
    pub fn sender(&self) -> Sender {
        self.sender_from(A::on_link(self.number, 2))
    }

    /// The same, from one of its addresses.
    pub fn sender_from(&self, source: A) -> Sender {
        let (source, index) = (source.into(), self.host.index("eth0"));
        self.host.run(|| {
            let socket = Socket::new(Domain::for_address(SocketAddr::new(source, 0)), Type::DGRAM, None);
            let socket = socket.unwrap();
            socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
            match source {
                IpAddr::V4(source) => {
                    socket.set_multicast_if_v4(&source).unwrap();
                    socket.set_multicast_ttl_v4(8).unwrap();
                }
                IpAddr::V6(_) => {
                    socket.set_multicast_if_v6(index).unwrap();
                    socket.set_multicast_hops_v6(8).unwrap();
                }
            }
            Sender(socket)
        })
    }

    /// A socket of the host that has joined a group.
    pub fn receiver(&self, group: GroupAddr<A>) -> Receiver {
        let group = group.address().into();
        let index = self.host.index("eth0");
        self.host.run(|| {
            let address = SocketAddr::new(group, PORT);
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None).unwrap();
            // A child of another test that has not come to its `exec` may keep an older one open.
            socket.set_reuse_address(true).unwrap();
            socket.bind(&address.into()).unwrap();
            socket.set_nonblocking(true).unwrap();
            match group {
                IpAddr::V4(group) => {
                    socket.join_multicast_v4_n(&group, &socket2::InterfaceIndexOrAddress::Index(index))
                }
                IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
            }
            .unwrap();
            Receiver(socket.into())
        })
    }
}

fn address_add<A: Family>(address: A, interface: &str) -> String {
    // Duplicate address detection, which only IPv6 has, would keep it from being used at once.
    let nodad = if A::PREFIX == 64 { "nodad" } else { "" };
    format!("address add {address}/{} dev {interface} {nodad}", A::PREFIX)
}

/// A socket that sends to groups.
#[derive(Debug)]
pub struct Sender(Socket);

impl Sender {
    /// Sends one packet.
    pub fn send<A: Family>(&self, group: GroupAddr<A>, text: &str) {
        let to = SocketAddr::new(group.address().into(), PORT);
        self.0.send_to(text.as_bytes(), &to.into()).unwrap();
    }
}

/// A socket that has joined a group.
#[derive(Debug)]
pub struct Receiver(UdpSocket);

impl Receiver {
    /// The next packet, if there is one.
    pub fn receive(&self) -> Option<String> {
        let mut buffer = [0; 2000];
        match self.0.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).unwrap()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }
}
