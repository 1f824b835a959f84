//! Packets make entries, and entries forward packets.

use std::sync::Arc;

use mgm::{Client, ClientId, ClientRef, GroupAddr, Interface, ProtocolCallbacks, SourceAddr, Upcall};
use parking_lot::Mutex;

use crate::world::{Family, World, both};

#[test]
fn data_reaches_the_host_that_joined_and_no_other() {
    both(3, reach, reach);

    fn reach<A: Family>(world: &mut World<A>) {
        let (group, marker) = (A::group(1), A::group(2));
        let (joined, other) = (&world.links[1], &world.links[2]);
        let hears = [joined.receiver(group), other.receiver(group)];
        let marked = [joined.receiver(marker), other.receiver(marker)];
        world.join(1, group);
        world.join(1, marker);
        world.join(2, marker);

        let sender = world.links[0].sender();
        for text in ["one", "two", "three"] {
            sender.send(group, text);
            assert_eq!(world.receive(&hears[0]), text);
        }
        sender.send(marker, "end");
        for receiver in &marked {
            assert_eq!(world.receive(receiver), "end");
        }
        // What was sent there before the marker would be there before it.
        assert_eq!(hears[1].receive(), None);
        assert_eq!(hears[0].receive(), None, "everything came once");

        let mfe = world.mgm.mfe(world.source(0), group).expect("the first packet made an entry");
        assert_eq!((mfe.iif, mfe.oifs), (world.links[0].interface, vec![world.links[1].interface]));
        assert_eq!(world.reports(), 2, "one for each group");
    }
}

#[test]
fn an_entry_without_oifs_absorbs_until_somebody_joins() {
    both(2, absorb, absorb);

    fn absorb<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let receiver = world.links[1].receiver(group);
        let sender = world.links[0].sender();
        sender.send(group, "nobody");
        world.until("an entry", || world.mgm.mfe(world.source(0), group).is_some());
        world.agree();
        for _ in 0..5 {
            sender.send(group, "nobody");
        }
        let packets = || world.mgm.mfe_stats(world.source(0), group).unwrap().packets;
        world.until("absorbed", || packets() == 6);
        assert_eq!(world.reports(), 1, "the kernel asks no more");

        world.join(1, group);
        sender.send(group, "somebody");
        assert_eq!(world.receive(&receiver), "somebody");
        world.leave(1, group);
        sender.send(group, "nobody");
        world.until("absorbed", || packets() == 8);
        assert_eq!(receiver.receive(), None);
    }
}

#[test]
fn the_kernel_counts_what_was_sent() {
    both(2, count, count);

    fn count<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let receiver = world.links[1].receiver(group);
        world.join(1, group);
        let sender = world.links[0].sender();
        // The whole packet: behind the UDP header of 8, and the IP header of 20 or 40.
        let (text, headers) = ("x".repeat(100), if A::PREFIX == 24 { 28 } else { 48 });
        for sent in 1..=20 {
            sender.send(group, &text);
            assert_eq!(world.receive(&receiver), text);
            let stats = world.mgm.mfe_stats(world.source(0), group).unwrap();
            assert_eq!((stats.packets, stats.octets), (sent, sent * (headers + 100)));
            assert_eq!((stats.wrong_interface, stats.oifs), (0, vec![]));
        }
    }
}

#[derive(Default)]
struct Wrong<A: Family>(Mutex<Vec<Heard<A>>>);

/// Where, and from whom to whom.
type Heard<A> = (Interface<A>, SourceAddr<A>, GroupAddr<A>);

impl<A: Family> ProtocolCallbacks<A> for Wrong<A> {
    fn wrong_interface(
        &self,
        _: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
        assert_eq!(header.len(), if A::PREFIX == 24 { 20 } else { 0 });
        self.0.lock().push((interface, source, group));
    }
}

#[test]
fn a_packet_on_the_wrong_interface_is_reported_to_its_owner() {
    both(2, report, report);

    fn report<A: Family>(world: &mut World<A>) {
        world.without_protocol();
        let owners: [Arc<Wrong<A>>; 2] = std::array::from_fn(|_| Arc::new(Wrong(Mutex::default())));
        let clients: Vec<Client<A>> = (1..)
            .zip(&owners)
            .zip(&world.links)
            .map(|((protocol, wrong), link)| {
                let id = ClientId { protocol, component: 0 };
                let client = world.mgm.register_protocol(id, Arc::clone(wrong)).unwrap();
                client.take_interface_ownership(link.interface).unwrap();
                client.set_wrong_interface_alerts(link.interface, true).unwrap();
                client
            })
            .collect();
        let (group, source) = (A::group(1), world.source(0));
        world.links[0].sender().send(group, "right");
        world.until("an entry", || world.mgm.mfe(source, group).is_some());

        // The same source, as seen from the other link: nobody is there to forward to.
        let address = source.address();
        world.links[1].add_address(address);
        world.links[1].sender_from(address).send(group, "wrong");
        world.until("an alert", || !owners[1].0.lock().is_empty());
        assert_eq!(*owners[1].0.lock(), [(world.links[1].interface, source, group)]);
        assert_eq!(*owners[0].0.lock(), []);

        let stats = world.mgm.mfe_stats(source, group).unwrap();
        assert_eq!((stats.packets, stats.wrong_interface), (1, 1));
        assert_eq!(world.reports(), 1);
        let is_wrong = |upcall: &&Upcall<A>| matches!(upcall, Upcall::WrongInterface { .. });
        assert_eq!(world.upcalls.lock().iter().filter(is_wrong).count(), 1);
        drop(clients);
    }
}
