//! The IGMP and MLD packets that the routing socket sees, and those that it must not.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use mgm::{IgmpPacket, Upcall};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Socket, Type};

use crate::world::{Family, World, run};

/// The first IGMP or MLD packet of a host that is so.
fn find<A: Family>(world: &World<A>, so: impl Fn(&IgmpPacket<A>) -> bool) -> Option<IgmpPacket<A>> {
    // The router's own come back to it.
    let own = [A::on_link(0, 1), A::on_link(1, 1)];
    let upcalls = world.upcalls.lock();
    let packets = upcalls
        .iter()
        .filter_map(|upcall| if let Upcall::Igmp(packet) = upcall { Some(packet) } else { None });
    packets.filter(|packet| !own.contains(&packet.source)).find(|packet| so(packet)).cloned()
}

fn wait_for<A: Family>(world: &World<A>, so: impl Fn(&IgmpPacket<A>) -> bool) -> IgmpPacket<A> {
    world.until("a packet", || find(world, &so).is_some());
    find(world, so).unwrap()
}

#[test]
fn igmp_comes_with_the_interface_that_it_came_in_on() {
    run(2, |world: &mut World<Ipv4Addr>| {
        let routers = Ipv4Addr::new(224, 0, 0, 22);
        for link in &world.links {
            let index = InterfaceIndexOrAddress::Index(link.interface.index().get());
            SockRef::from(&*world.forwarder).join_multicast_v4_n(&routers, &index).unwrap();
        }
        let group = Ipv4Addr::group(1);
        let _member = world.links[1].receiver(group);
        let packet = wait_for(world, |packet| packet.message[0] == 0x22);
        assert_eq!(packet.interface, world.links[1].interface);
        assert_eq!((packet.source, packet.destination), (Ipv4Addr::on_link(1, 2), routers));
        assert_eq!(packet.hop_limit, 1);
        assert!(packet.message.ends_with(&group.address().octets()), "{packet:02x?}");
    });
}

#[test]
fn igmpv2_to_a_group_that_the_router_has_not_joined_comes_too() {
    run(2, |world: &mut World<Ipv4Addr>| {
        world.links[1].host.run(|| {
            std::fs::write("/proc/sys/net/ipv4/conf/eth0/force_igmp_version", "2").unwrap();
        });
        let group = Ipv4Addr::group(1);
        let _member = world.links[1].receiver(group);
        let packet = wait_for(world, |packet| packet.message[0] == 0x16);
        assert_eq!(packet.interface, world.links[1].interface);
        assert_eq!((packet.source, packet.destination), (Ipv4Addr::on_link(1, 2), group.address()));
        assert_eq!((packet.hop_limit, packet.message.len()), (1, 8));
    });
}

#[test]
fn mld_comes_with_the_interface_that_it_came_in_on() {
    run(2, |world: &mut World<Ipv6Addr>| {
        let routers = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
        for link in &world.links {
            let index = link.interface.index().get();
            SockRef::from(&*world.forwarder).join_multicast_v6(&routers, index).unwrap();
        }
        let group = Ipv6Addr::group(1);
        let _member = world.links[1].receiver(group);
        let packet = wait_for(world, |packet| {
            packet.message.windows(16).any(|window| window == group.address().octets())
        });
        assert_eq!(packet.interface, world.links[1].interface);
        assert_eq!((packet.message[0], packet.destination, packet.hop_limit), (143, routers, 1));
        assert!(packet.source.is_unicast_link_local());
    });
}

#[test]
fn a_host_cannot_send_reports_of_the_kernel() {
    run(2, |world: &mut World<Ipv6Addr>| {
        let (source, group) = (world.source(0), Ipv6Addr::group(1));
        let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let forged = forge(source.address(), all_nodes, group.address());
        let index = world.links[0].host.index("eth0");
        world.links[0].host.run(|| {
            let socket = Socket::new(Domain::IPV6, Type::from(3), Some(Protocol::ICMPV6)).unwrap();
            socket.bind(&SocketAddrV6::new(source.address(), 0, 0, 0).into()).unwrap();
            socket.send_to(&forged, &SocketAddrV6::new(all_nodes, 0, 0, index).into()).unwrap();
        });
        // The next packet of the same host is behind it.
        let marker = Ipv6Addr::group(2);
        world.links[0].sender().send(marker, "end");
        world.until("the marker", || world.mgm.mfe(source, marker).is_some());
        assert_eq!(world.mgm.mfe(source, group), None);
        assert_eq!(world.reports(), 1);
    });
}

/// An ICMPv6 packet of type 0 with the bytes of `struct mrt6msg`: an entry is missing for a packet on VIF 0.
///
/// The VIF's number lies where ICMPv6 has its checksum, which the sender's kernel fills in: so the unused word
/// behind it is chosen to make the checksum 0.
fn forge(source: Ipv6Addr, destination: Ipv6Addr, group: Ipv6Addr) -> Vec<u8> {
    let mut forged = vec![0, 1, 0, 0, 0, 0, 0, 0];
    forged.extend(source.octets());
    forged.extend(group.octets());
    let pseudo_header = [source.octets(), destination.octets()].concat();
    let words = pseudo_header.chunks(2).chain(forged.chunks(2));
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let sum = sum + u32::try_from(forged.len()).unwrap() + 58;
    let folded = (sum & 0xffff) + (sum >> 16);
    let word = u16::try_from(0xffff - folded).unwrap();
    forged.splice(4..6, word.to_be_bytes());
    forged
}
