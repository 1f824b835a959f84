//! The IGMP and MLD packets that the routing socket sees, and those that it must not.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use mgm::{IgmpPacket, Upcall};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Socket, Type};

use crate::world::{Family, World, run};

fn igmp<A: Family>(world: &World<A>, kind: u8) -> Option<IgmpPacket<A>> {
    let own = [A::on_link(0, 1), A::on_link(1, 1)];
    let upcalls = world.upcalls.lock();
    upcalls.iter().find_map(|upcall| match upcall {
        // The router's own come back to it.
        Upcall::Igmp(packet) if packet.message[0] == kind && !own.contains(&packet.source) => {
            Some(packet.clone())
        }
        _ => None,
    })
}

fn report<A: Family>(world: &World<A>, kind: u8) -> IgmpPacket<A> {
    world.until("a report", || igmp(world, kind).is_some());
    igmp(world, kind).unwrap()
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
        let packet = report(world, 0x22);
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
        let packet = report(world, 0x16);
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
        let names_it = |packet: &IgmpPacket<Ipv6Addr>| {
            packet.message.windows(16).any(|window| window == group.address().octets())
        };
        let find = || {
            let upcalls = world.upcalls.lock();
            let packets = upcalls.iter().filter_map(|upcall| match upcall {
                Upcall::Igmp(packet) => Some(packet),
                _ => None,
            });
            packets.filter(|packet| names_it(packet)).next().cloned()
        };
        world.until("a report of the group", || find().is_some());
        let packet = find().unwrap();
        assert_eq!(packet.interface, world.links[1].interface);
        assert_eq!((packet.message[0], packet.destination, packet.hop_limit), (143, routers, 1));
        assert!(packet.source.is_unicast_link_local());
    });
}

#[test]
fn a_host_cannot_send_reports_of_the_kernel() {
    run(2, |world: &mut World<Ipv6Addr>| {
        let (source, group) = (world.source(0), Ipv6Addr::group(1));
        // An ICMPv6 packet of type 0 with the bytes of `struct mrt6msg`: an entry is missing, on interface 0.
        let mut forged = vec![0, 1, 0, 0, 0, 0, 0, 0];
        forged.extend(source.address().octets());
        forged.extend(group.address().octets());
        let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let index = world.links[0].host.index("eth0");
        world.links[0].host.run(|| {
            let socket = Socket::new(Domain::IPV6, Type::from(3), Some(Protocol::ICMPV6)).unwrap();
            let to = SocketAddrV6::new(all_nodes, 0, 0, index);
            // The kernel fills in the checksum, which lies over the number of the interface; zero is 0xffff there.
            socket.send_to(&forged, &to.into()).unwrap();
        });
        // The next packet of the same host is behind it.
        let marker = Ipv6Addr::group(2);
        world.links[0].sender().send(marker, "end");
        world.until("the marker", || world.mgm.mfe(source, marker).is_some());
        assert_eq!(world.mgm.mfe(source, group), None);
        assert_eq!(world.reports(), 1);
    });
}
