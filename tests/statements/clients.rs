//! Registering, deregistering, and dropping the handle: CL-1 to CL-5.

use std::sync::{Arc, mpsc};

use parking_lot::Mutex;

use super::*;

#[test]
fn cl_1_the_same_pair_twice_is_an_error() {
    let t = Testbed::<A>::new();
    let pim = t.protocol(PIM);
    let again = t.mgm.register_protocol(PIM, t.mock());
    assert_eq!(again.unwrap_err(), Error::AlreadyRegistered { id: PIM });
    pim.deregister().unwrap();
    let _free_again = t.protocol(PIM);
    t.assert_calls([]);
}

#[test]
fn cl_1_two_instances_of_one_protocol_are_two_clients() {
    let t = Testbed::<A>::new();
    let (inside, outside) = (t.protocol(PIM), t.protocol(ClientId { component: 1, ..PIM }));
    inside.takes(eth(1));
    let owner = inside.name();
    assert_eq!(
        outside.take_interface_ownership(eth(1)),
        Err(Error::OwnedByAnother { interface: eth(1), owner })
    );
    inside.adds(eth(1), star(1));
    t.assert_calls([join_alert(ClientId { component: 1, ..PIM }, star(1))]);
}

#[test]
fn cl_2_there_is_one_igmp_at_a_time_and_its_callbacks_are_invoked() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    assert_eq!(t.mgm.register_igmp(t.mock()).unwrap_err(), Error::IgmpAlreadyRegistered);
    igmp.takes(eth(1));
    pim.takes(eth(1));
    igmp.releases(eth(1));
    igmp.deregister().unwrap();
    let _next = t.igmp();
    t.assert_calls(bracket(eth(1), []));
}

#[test]
fn cl_3_deregistering_while_on_interfaces_names_them_and_changes_nothing() {
    let t = Testbed::<A>::new();
    for client in [t.protocol(PIM), t.igmp()] {
        client.takes(eth(2));
        client.takes(eth(1));
        client.adds(eth(1), from(1, 1));
        let (interfaces, before) = (t.mgm.interfaces(), held(&t.mgm));
        let refused = client.deregister().unwrap_err();
        let name = refused.error().clone();
        let client = refused.into_client();
        assert_eq!(
            name,
            Error::StillOnInterfaces { client: client.name(), interfaces: vec![eth(2), eth(1)] }
        );
        assert_eq!((t.mgm.interfaces(), held(&t.mgm)), (interfaces, before));
        client.releases(eth(1));
        client.releases(eth(2));
        client.deregister().unwrap();
    }
    t.assert_calls([]);
}

#[test]
fn cl_3_a_client_is_on_an_interface_from_the_moment_that_its_take_is_granted() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    let (again, refused) = mpsc::channel();
    t.inside(join_alert(PIM, star(1)), |me| me.takes(eth(1)));
    t.inside(disable_igmp(eth(1)), move |_| again.send(pim.deregister().unwrap_err()).unwrap());
    igmp.adds(eth(1), star(1));
    let refused = refused.try_recv().unwrap();
    let (client, interfaces) = (ClientName::Protocol(PIM), vec![eth(1)]);
    t.assert_calls([
        join_alert(PIM, star(1)),
        disable_igmp(eth(1)),
        enable_igmp(eth(1)),
        local_join(PIM, eth(1), star(1)),
        prune_alert(PIM, star(1)),
        local_leave(PIM, eth(1), star(1)),
    ]);
    assert_eq!(*refused.error(), Error::StillOnInterfaces { client, interfaces });
    assert_eq!(t.mgm.owner(eth(1)), Some(client));
}

#[test]
fn cl_4_dropping_the_handle_releases_in_the_order_of_taking_with_hand_overs() {
    let t = Testbed::<A>::new();
    let (igmp, pim, _dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    for (index, group) in [(3, 3), (1, 1), (2, 2)] {
        pim.takes(eth(index));
        pim.adds(eth(index), star(group));
        t.assert_calls([join_alert(DVMRP, star(group))]);
    }
    igmp.takes(eth(1));
    igmp.takes(eth(3));
    drop(pim);
    t.assert_calls([
        disable_igmp(eth(3)),
        prune_alert(DVMRP, star(3)),
        enable_igmp(eth(3)),
        disable_igmp(eth(1)),
        prune_alert(DVMRP, star(1)),
        enable_igmp(eth(1)),
        prune_alert(DVMRP, star(2)),
    ]);
    assert_eq!(held(&t.mgm), []);
    let left: Vec<_> = t.mgm.interfaces().iter().map(|status| (status.interface, status.owner)).collect();
    assert_eq!(left, [(eth(1), ClientName::Igmp), (eth(3), ClientName::Igmp)]);
    let _id_is_free = t.protocol(PIM);
}

#[test]
fn cl_4_dropping_igmp_invokes_none_of_its_callbacks_and_owners_get_their_leaves() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    t.assert_calls([local_join(PIM, eth(1), star(1))]);
    drop(igmp);
    let status = t.mgm.interface(eth(1)).unwrap();
    t.assert_calls([local_leave(PIM, eth(1), star(1))]);
    assert!(!status.igmp && status.owner == pim.name());
    let _igmp_is_free = t.igmp();
}

#[test]
fn cl_4_a_client_that_is_gone_is_called_no_more_and_cannot_act_for_its_successor() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (Arc::new(t.igmp()), Mutex::new(Some(t.protocol(PIM))));
    igmp.takes(eth(1));
    let adder = Arc::clone(&igmp);
    t.inside(join_alert(PIM, star(1)), move |me| {
        adder.adds(eth(1), star(2)); // causes an alert that never comes
        drop(pim.lock().take());
        let successor = me.manager().register_protocol(PIM, NoCallbacks).unwrap();
        successor.takes(eth(1));
        let client = ClientName::Protocol(PIM);
        assert_eq!(me.release_interface_ownership(eth(1)), Err(Error::Deregistered { client }));
        assert_eq!(me.manager().owner(eth(1)), Some(client));
        successor.releases(eth(1));
    });
    igmp.adds(eth(1), star(1));
    t.assert_calls([vec![join_alert(PIM, star(1))], bracket(eth(1), []), bracket(eth(1), [])].concat());
}

#[test]
fn cl_4_nothing_is_left_behind_in_memory() {
    let mgm = Mgm::<A>::default();
    let _igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let come_and_go = |first: u32| {
        let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
        for index in first..first + 100 {
            pim.takes(eth(index));
            pim.adds(eth(index), star(1));
            pim.blocks(eth(index), 1, 1);
        }
    };
    // Buffers that are used again have their room after the first time.
    come_and_go(1);
    assert_eq!(allocation_counter::measure(|| come_and_go(101)).bytes_current, 0);
}

#[test]
fn cl_4_a_handle_cannot_be_copied() {
    // Two candidates, and no choice, if the handles were Clone: then this does not compile.
    trait Ambiguous<T> {
        fn not_clone() {}
    }
    impl<T> Ambiguous<()> for T {}
    impl<T: Clone> Ambiguous<u8> for T {}
    <Client<A> as Ambiguous<_>>::not_clone();
}

#[test]
fn cl_4_a_handle_acts_on_its_own_manager_only() {
    let (here, there) = (Testbed::<A>::new(), Testbed::<A>::new());
    let (pim_here, pim_there) = (here.protocol(PIM), there.protocol(PIM));
    pim_here.takes(eth(1));
    assert_eq!(pim_here.manager().owner(eth(1)), Some(pim_here.name()));
    assert_eq!(pim_there.manager().owner(eth(1)), None);
    drop(pim_here);
    pim_there.takes(eth(1));
    here.assert_calls([]);
    there.assert_calls([]);
}

#[test]
fn cl_5_a_newcomer_gets_no_old_alerts_reads_what_is_wanted_and_bears_a_prune() {
    let t = Testbed::<A>::new();
    let igmp = t.igmp();
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    let _pim = t.protocol(PIM);
    assert_eq!(held(&t.mgm).first().map(|held| held.entry), Some(star(1)));
    igmp.deletes(eth(1), star(1));
    t.assert_calls([prune_alert(PIM, star(1))]);
}

/// The other clients are IGMP, which is told or not, and one that begins and ceases to want things.
#[test]
fn cl_6_igmp_is_told_of_joins_and_prunes_if_it_says_so_when_it_registers() {
    for is_told in [false, true] {
        let t = Testbed::<A>::new();
        let igmp = if is_told { t.told_igmp() } else { t.igmp() };
        let pim = t.protocol(PIM);
        pim.takes(eth(1));
        igmp.takes(eth(2));
        for entry in [star(1), all()] {
            pim.adds(eth(1), entry); // 0 to 1
            igmp.adds(eth(2), entry); // 1 to 2: the one that already wanted it
            pim.deletes(eth(1), entry); // 2 to 1: the one that remains
            igmp.deletes(eth(2), entry); // 1 to 0: all but the one that left
            pim.adds(eth(1), entry);
            pim.deletes(eth(1), entry);
            let expected = [
                join_alert(IGMP, entry),
                join_alert(PIM, entry),
                prune_alert(IGMP, entry),
                prune_alert(PIM, entry),
                join_alert(IGMP, entry),
                prune_alert(IGMP, entry),
            ];
            let expected: Vec<_> = expected.into_iter().filter(|call| is_told || !call.is_to(IGMP)).collect();
            t.assert_calls(expected);
        }
        // Where a protocol owns the interface IGMP has no local alerts, and what it adds there is not its wish.
        pim.takes(eth(2));
        t.forget_calls();
        igmp.adds(eth(2), star(3));
        let heard = [local_join(PIM, eth(2), star(3)), join_alert(IGMP, star(3))];
        t.assert_callbacks_in_any_order(&heard[..if is_told { 2 } else { 1 }]);
    }
}

/// S1 lies behind the network of IGMP's own.
#[test]
fn cl_6_where_only_igmp_is_it_is_the_owner_and_is_never_asked() {
    for is_told in [false, true] {
        let r = if is_told { Router::<A>::with_told_igmp() } else { Router::<A>::new() };
        r.rib.set(host::<A>(1), stub());
        r.igmp.wants_wrong_interface_alerts(stub());
        r.igmp.adds(stub(), star(2));
        r.packet(2, 2, up()); // with an oif of IGMP's
        let asked = r.callbacks();
        assert_eq!(count(&asked, IGMP, |what| what.is_rpf() || what.is_creation()), 0);
        let to_igmp = |calls: Vec<Call<A>>| {
            if !is_told {
                assert_eq!(calls.iter().filter(|call| call.is_to(IGMP)).count(), 0, "{calls:?}");
            }
            calls.into_iter().filter(|call| call.is_to(IGMP)).map(|call| call.what).collect::<Vec<_>>()
        };
        let told = |calls: Vec<Call<A>>, expected: Vec<Call<A>>| {
            let expected: Vec<_> = expected.into_iter().filter(|_| is_told).map(|call| call.what).collect();
            assert_eq!(to_igmp(calls), expected);
        };
        r.dvmrp.adds(lan(), from(1, 1));
        told(r.callbacks(), vec![join_alert(IGMP, from(1, 1))]); // CT-5
        r.packet(1, 1, stub());
        assert_eq!(r.mfe(1, 1).unwrap().owner, Some(IGMP));
        told(r.callbacks(), vec![mfe_join(IGMP, 1, 1)]); // FW-6
        r.dvmrp.deletes(lan(), from(1, 1));
        told(r.callbacks(), vec![mfe_prune(IGMP, 1, 1), prune_alert(IGMP, from(1, 1))]);
        r.igmp.set_mfe_timeout(A::source(1), A::group(1), std::time::Duration::from_secs(9)).unwrap();
        assert_eq!(r.mfe(1, 1).unwrap().expires, Some(r.at(9)));
        // FW-10: what it switched on is no join or prune.
        r.wrong_packet(2, 2, stub());
        r.assert_callbacks([wrong_interface(IGMP, stub(), 2, 2, &[9])]);
    }
}

#[test]
fn cl_6_cl_5_it_counts_as_told_of_what_others_want_when_it_registers() {
    let t = Testbed::<A>::new();
    let pim = t.protocol(PIM);
    pim.takes(eth(1));
    pim.adds(eth(1), star(1));
    let _igmp = t.told_igmp();
    t.assert_calls([]);
    pim.deletes(eth(1), star(1));
    t.assert_calls([prune_alert(IGMP, star(1))]);
}

/// HO-12 for an owner that is IGMP: it is told of what is no more its own wish.
#[test]
fn cl_6_ho_12_told_igmp_hears_of_a_hand_over_as_the_old_owner_and_the_new_one() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.told_igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(PIM, star(1))]);
    let again = |t: &Testbed<A>| t.inside(enable_igmp(eth(1)), |igmp| _ = igmp.adds(eth(1), star(1)));
    again(&t);
    pim.takes(eth(1));
    let between = [join_alert(IGMP, star(1)), local_join(PIM, eth(1), star(1)), prune_alert(PIM, star(1))];
    t.assert_callbacks_of_each(bracket(eth(1), between));
    again(&t);
    pim.releases(eth(1));
    let between = [prune_alert(IGMP, star(1)), join_alert(PIM, star(1)), local_leave(PIM, eth(1), star(1))];
    t.assert_callbacks_of_each(bracket(eth(1), between));
}
