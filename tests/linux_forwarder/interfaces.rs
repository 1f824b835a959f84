//! The kernel's 32 numbers for interfaces, and interfaces that come and go.

use std::fmt::Write;
use std::num::NonZeroU32;

use mgm::{Entry, Forwarder, ForwarderError, ForwardingEntry, Interface};

use crate::world::{Family, World, both};

/// Interfaces without anybody behind them.
fn stubs<A: Family>(world: &World<A>, count: u32) -> Vec<Interface<A>> {
    let mut commands = String::new();
    for index in 1000..1000 + count {
        let name = format!("stub{index}");
        writeln!(
            commands,
            "link add {name} index {index} type veth peer name far{index}\nlink set {name} up"
        )
        .unwrap();
    }
    world.router.ip(&commands);
    (1000..1000 + count).map(|index| Interface::try_from(index).unwrap()).collect()
}

#[test]
fn beyond_32_interfaces_the_error_is_clear_and_the_others_forward() {
    both(2, fill, fill);

    fn fill<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let receiver = world.links[1].receiver(group);
        world.join(1, group);
        let stubs = stubs(world, 38);
        for stub in &stubs {
            world.protocol().take_interface_ownership(*stub).unwrap();
            world.protocol().add_group_membership(*stub, Entry::Group(group)).unwrap();
        }
        let sender = world.links[0].sender();
        sender.send(group, "all the same");
        assert_eq!(world.receive(&receiver), "all the same");

        // The two links and 30 others have a number.
        let refused = ForwarderError::TooManyInterfaces { index: stubs[30].index().get(), max: 32 };
        let failure = world.mgm.mfe(world.source(0), group).unwrap().failure.expect("it does not fit");
        assert_eq!(failure.error, refused);
        assert_eq!(refused.to_string(), "the forwarder has no room for interface 1030 beside 32 others");
        assert_eq!(world.listed(), [1, 32]);
        assert_eq!(
            world.forwarder.watch(stubs[37].index()),
            Err(ForwarderError::TooManyInterfaces { index: 1037, max: 32 })
        );

        // Others leave: there is room again.
        for stub in &stubs[..8] {
            world.protocol().delete_group_membership(*stub, Entry::Group(group)).unwrap();
        }
        let failure = || world.mgm.mfe(world.source(0), group).unwrap().failure;
        assert_eq!(failure(), None);
        sender.send(group, "still");
        assert_eq!(world.receive(&receiver), "still");
        world.agree();

        for stub in &stubs[8..] {
            world.protocol().delete_group_membership(*stub, Entry::Group(group)).unwrap();
        }
        assert_eq!(world.listed(), [1, 2], "what nothing needs is given back");
    }
}

#[test]
fn an_entry_can_exchange_all_its_interfaces_where_there_are_no_others() {
    both(0, exchange, exchange);

    fn exchange<A: Family>(world: &mut World<A>) {
        let stubs = stubs(world, 64);
        let (source, group) = (world_source::<A>(), A::group(1));
        for half in [&stubs[..32], &stubs[32..]] {
            let entry = ForwardingEntry::new(source, group, half[0]).oifs(half[1..].to_vec());
            world.forwarder.change(&entry).unwrap();
            let kernel = world.of_kernel();
            let (iif, oifs) = kernel.values().next().unwrap();
            assert_eq!(*iif, format!("stub{}", half[0]));
            assert_eq!(*oifs, half[1..].iter().map(|oif| format!("stub{oif}")).collect::<Vec<_>>());
        }
        world.forwarder.delete(source, group).unwrap();
        assert_eq!(world.listed(), [0, 0]);
        assert_eq!(world.forwarder.delete(source, group), Err(ForwarderError::NoSuchEntry));
        assert_eq!(world.forwarder.stats(source, group), Err(ForwarderError::NoSuchEntry));
    }
}

fn world_source<A: Family>() -> mgm::SourceAddr<A> {
    mgm::SourceAddr::new(A::on_link(0, 2)).unwrap()
}

#[test]
fn a_next_hop_is_refused_and_the_others_forward() {
    both(2, refuse, refuse);

    fn refuse<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let receiver = world.links[1].receiver(group);
        world.join(1, group);
        let hub = stubs(world, 1)[0].index();
        let spoke = Interface::link(hub, world_source::<A>().into());
        world.protocol().take_interface_ownership(spoke).unwrap();
        world.protocol().add_group_membership(spoke, Entry::Group(group)).unwrap();
        let sender = world.links[0].sender();
        sender.send(group, "all the same");
        assert_eq!(world.receive(&receiver), "all the same");
        let failure = || world.mgm.mfe(world.source(0), group).unwrap().failure.map(|failed| failed.error);
        assert_eq!(failure(), Some(ForwarderError::NextHop { index: hub.get() }));

        world.protocol().release_interface_ownership(spoke).unwrap();
        assert_eq!(failure(), None);
        assert_eq!(world.listed(), [1, 2]);
    }
}

#[test]
fn what_was_installed_in_part_is_deleted_whole() {
    both(2, delete, delete);

    fn delete<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let spoke = Interface::link(stubs(world, 1)[0].index(), world_source::<A>().into());
        world.protocol().take_interface_ownership(spoke).unwrap();
        world.protocol().add_group_membership(spoke, Entry::Group(group)).unwrap();
        world.links[0].sender().send(group, "to nobody");
        let failure = || world.mgm.mfe(world.source(0), group)?.failure;
        world.until("an entry", || failure().is_some());
        assert_eq!(world.listed(), [1, 2], "the kernel has it without the spoke");
        // As if its iif were gone: the entry goes.
        world.mgm.interface_removed(world.links[0].interface.index());
        assert_eq!(world.mgm.mfe(world.source(0), group), None);
        assert_eq!(world.listed(), [0, 2]);
        assert_eq!(world.mgm.forwarder_failures(), []);
    }
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    both(0, name, name);

    fn name<A: Family>(world: &mut World<A>) {
        for index in [4711, 65535] {
            let gone = NonZeroU32::new(index).unwrap();
            assert_eq!(world.forwarder.watch(gone), Err(ForwarderError::NoSuchInterface { index }));
            let entry = ForwardingEntry::new(world_source(), A::group(1), Interface::new(gone));
            assert_eq!(world.forwarder.add(&entry), Err(ForwarderError::NoSuchInterface { index }));
        }
        assert_eq!(world.listed(), [0, 0]);
    }
}

#[test]
fn an_interface_that_goes_and_comes_back_forwards_again() {
    both(3, come_back, come_back);

    fn come_back<A: Family>(world: &mut World<A>) {
        let group = A::group(1);
        let stays = world.links[1].receiver(group);
        world.join(1, group);
        world.join(2, group);
        for (round, link) in [(0, 2), (1, 0), (2, 2), (3, 0)] {
            let sender = world.links[0].sender();
            let receiver = world.links[2].receiver(group);
            let text = format!("before {round}");
            sender.send(group, &text);
            for receiver in [&stays, &receiver] {
                assert_eq!(world.receive(receiver), text);
            }

            world.router.ip(&format!("link del link{link}"));
            // Nobody has told the manager yet, and the sender goes on where it still can.
            if link == 2 {
                sender.send(group, "meanwhile");
                assert_eq!(world.receive(&stays), "meanwhile");
            }
            let index = world.links[link].interface.index();
            // In one order, and in the other.
            if round < 2 {
                world.mgm.interface_removed(index);
                world.forwarder.interface_removed(index);
            } else {
                world.forwarder.interface_removed(index);
                world.mgm.interface_removed(index);
            }
            world.agree();
            assert_eq!(world.listed()[1], 2);

            let router = &world.router;
            world.links[link].connect(router);
            let interface = world.links[link].interface;
            assert_ne!(interface.index(), index, "the system numbers it anew");
            world.protocol().take_interface_ownership(interface).unwrap();
            world.forwarder.watch(interface.index()).unwrap();
            if link == 2 {
                world.join(2, group);
            }
        }
    }
}

#[test]
fn an_interface_that_comes_back_under_its_index_is_found_by_the_entries_that_name_it() {
    both(0, find, find);

    fn find<A: Family>(world: &mut World<A>) {
        let stubs = stubs(world, 3);
        let (source, group) = (world_source::<A>(), A::group(1));
        let entry = ForwardingEntry::new(source, group, stubs[0]).oifs(stubs[1..].to_vec());
        world.forwarder.add(&entry).unwrap();
        let before = world.of_kernel();

        world.router.ip("link del stub1002");
        world.forwarder.interface_removed(stubs[2].index());
        // Its number stays free of others: they would get its packets.
        world.router.ip("link add other index 2000 type veth");
        world.forwarder.watch(NonZeroU32::new(2000).unwrap()).unwrap();
        let (_, oifs) = &world.of_kernel()[&format!("({source},{group})")];
        assert_eq!(*oifs, ["stub1001"]);

        world.router.ip("link add stub1002 index 1002 type veth");
        world.forwarder.watch(stubs[2].index()).unwrap();
        assert_eq!(world.of_kernel(), before);

        world.forwarder.delete(source, group).unwrap();
        for index in [1002, 2000] {
            world.forwarder.unwatch(NonZeroU32::new(index).unwrap());
        }
        assert_eq!(world.listed(), [0, 0]);
    }
}
