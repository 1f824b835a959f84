//! Callbacks and threads that change things while an entry is made or moved: FW-13.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use super::*;

/// A change in the middle, and what the entry is to look like after. Each is made inside `rpf` and inside
/// `creation_alert`, by the client that is asked.
fn in_the_middle(
    change: impl Fn(&ClientRef<A>, &Routes<A>) + Clone + Send + 'static,
    check: impl Fn(&Router<A>, &[Call<A>]),
) {
    for asked in [What::is_rpf, What::is_creation] {
        let r = Router::<A>::new();
        r.pim.adds(alt(), star(1));
        let (change, rib) = (change.clone(), Arc::clone(&r.rib));
        r.inside_next(PIM, asked, move |pim| change(pim, &rib));
        r.forget_calls();
        r.packet(1, 1, up());
        check(&r, &r.callbacks());
        r.assert_in_step();
    }
}

#[test]
fn fw_13_a_second_report_inside_a_callback_returns_at_once() {
    in_the_middle(
        |pim, _| {
            let now = std::time::Instant::now();
            pim.manager().packet_received(A::source(1), A::group(1), lan(), &[], now).unwrap();
            assert_eq!(pim.manager().mfe(A::source(1), A::group(1)), None);
        },
        |r, calls| {
            assert_eq!(r.path(1, 1), path(up(), [alt()]));
            assert_eq!((count(calls, PIM, What::is_rpf), count(calls, PIM, What::is_creation)), (1, 1));
        },
    );
}

#[test]
fn fw_13_a_second_report_on_another_thread_returns_at_once() {
    let r = Router::<A>::new();
    let gate = Gate::new();
    let held = gate.clone();
    r.inside_next(PIM, What::is_rpf, move |_| {
        held.pass();
    });
    thread::scope(|scope| {
        scope.spawn(|| r.packet(1, 1, up()));
        gate.await_arrival();
        r.packet(1, 1, up());
        assert_eq!(r.path(1, 1), None);
        r.packet(2, 1, up()); // another is not held up
        assert_eq!(r.path(2, 1), path(up(), []));
        gate.open();
    });
    assert_eq!(r.path(1, 1), path(up(), []));
    assert_eq!(count(&r.calls(), PIM, |what| what.is_rpf() && what.is_about_source(1)), 1);
}

#[test]
fn fw_13_if_the_route_changed_meanwhile_that_step_is_repeated() {
    in_the_middle(
        |pim, rib| {
            rib.set(A::every_source(), lan());
            pim.manager().routes_changed(&A::every_source());
        },
        |r, calls| {
            assert_eq!(r.path(1, 1), path(lan(), [alt()]));
            assert_eq!(r.mfe(1, 1).unwrap().owner, Some(r.dvmrp.name()));
            let asked = rpf(DVMRP, 1, 1, arrived(up()), via(lan()));
            assert_eq!(calls.iter().filter(|call| **call == asked).count(), 1);
            assert!(!calls.contains(&mfe_prune(PIM, 1, 1)), "it never had it");
            assert_eq!(calls.last(), Some(&mfe_join(DVMRP, 1, 1)));
        },
    );
}

#[test]
fn fw_13_if_the_route_vanished_meanwhile_the_arrival_interface_is_the_iif() {
    in_the_middle(
        |pim, rib| {
            rib.remove(A::every_source());
            pim.manager().routes_changed(&A::every_source());
        },
        |r, calls| {
            assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), [alt()]), None));
            assert_eq!(count(calls, PIM, What::is_join), 0);
        },
    );
}

#[test]
fn fw_13_if_the_route_changed_during_its_lookup_the_later_one_counts() {
    let r = Router::<A>::new();
    let (mgm, rib) = (r.mgm.clone(), Arc::clone(&r.rib));
    r.rib.inside_lookup(move || {
        rib.set(A::every_source(), lan());
        mgm.routes_changed(&A::every_source());
    });
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(lan(), []));
    let (mgm, rib) = (r.mgm.clone(), Arc::clone(&r.rib));
    r.rib.inside_lookup(move || {
        rib.set(A::every_source(), up());
        mgm.routes_changed(&A::every_source());
    });
    r.forget_calls();
    r.dvmrp.adds(lan(), from(2, 1));
    assert_eq!(r.callbacks().last(), Some(&join_alert(PIM, from(2, 1))));
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_13_a_lookup_that_comes_late_does_not_undo_a_later_change() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.rib.set(A::every_source(), alt());
    let (mgm, rib) = (r.mgm.clone(), Arc::clone(&r.rib));
    // The lookup has answered `alt`, and is not back yet, when the route changes once more.
    r.rib.inside_lookup(move || {
        rib.set(A::every_source(), lan());
        mgm.routes_changed(&A::every_source());
    });
    r.routes_changed();
    assert_eq!(r.path(1, 1), path(lan(), []));
}

#[test]
fn fw_13_if_the_owner_released_the_interface_meanwhile_that_step_is_repeated() {
    in_the_middle(
        |pim, _| pim.releases(up()),
        |r, calls| {
            assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), [alt()]), None));
            assert_eq!(count(calls, PIM, What::is_join), 0, "it is the owner no more");
            assert_eq!(r.mgm.wrong_answers(), 0);
        },
    );
}

#[test]
fn fw_13_if_another_protocol_has_the_interface_now_it_is_asked_and_told() {
    let r = Router::<A>::new();
    r.pim.adds(alt(), star(1));
    let bgmp = r.protocol(BGMP);
    let gate = Gate::new();
    let held = gate.clone();
    r.inside_next(PIM, What::is_creation, move |pim| {
        pim.releases(up());
        held.pass();
    });
    r.forget_calls();
    thread::scope(|scope| {
        scope.spawn(|| r.packet(1, 1, up()));
        gate.await_arrival();
        bgmp.takes(up());
        gate.open();
    });
    assert_eq!(r.mfe(1, 1).unwrap().owner, Some(bgmp.name()));
    let calls = r.callbacks();
    assert_eq!(count(&calls, BGMP, What::is_rpf), 1);
    assert_eq!(calls.last(), Some(&mfe_join(BGMP, 1, 1)));
}

#[test]
fn fw_13_if_the_answered_interface_went_meanwhile_rpf_is_asked_again() {
    let r = Router::<A>::new();
    r.pim.takes(wan());
    r.pim.adds(wan(), star(1));
    r.answer_rpf(PIM, |_, request| request.route.over(alt()));
    r.inside_next(PIM, What::is_creation, |pim| {
        pim.releases(alt());
    });
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [wan()]));
    assert_eq!(r.mgm.wrong_answers(), 1, "the second time it is none of its own");
}

#[test]
fn fw_13_if_the_owner_goes_altogether_nobody_is_told() {
    for asked in [What::is_rpf, What::is_creation] {
        let r = Router::<A>::new();
        let bgmp = r.protocol(BGMP);
        r.rib.set(A::every_source(), wan());
        bgmp.takes(wan());
        bgmp.takes(eth(20));
        bgmp.adds(eth(20), star(1));
        r.inside_next(BGMP, asked, move |_| drop(bgmp));
        r.forget_calls();
        r.packet(1, 1, wan());
        assert_eq!((r.path(1, 1), r.mgm.owner(wan())), (path(wan(), []), None));
        assert_eq!(count(&r.callbacks(), BGMP, What::is_join), 0);
    }
}

#[test]
fn fw_13_an_interface_wanted_meanwhile_goes_in_unasked() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.answer_creation(DVMRP, |dvmrp, _| {
        dvmrp.adds(dmz(), star(1));
    });
    r.forget_calls();
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]));
    assert_eq!(count(&r.callbacks(), DVMRP, What::is_creation), 1);
    // And one that is wanted no more does not.
    r.answer_creation(DVMRP, |dvmrp, _| {
        dvmrp.deletes(lan(), star(1));
    });
    r.packet(2, 1, up());
    assert_eq!(r.path(2, 1), path(up(), [dmz()]));
}

#[test]
fn fw_13_the_answer_of_one_that_does_not_own_the_interface_any_more_is_void() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.answer_creation(DVMRP, |dvmrp, oifs| {
        oifs.iter_mut().for_each(|oif| oif.set_enabled(false));
        dvmrp.releases(lan());
    });
    r.packet(1, 1, up());
    r.pim.takes(lan());
    r.pim.adds(lan(), star(1));
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn fw_13_a_panic_clears_the_mark() {
    for asked in [What::is_rpf, What::is_creation] {
        let r = Router::<A>::limited(Limits::default().mfes(1));
        r.pim.adds(alt(), star(1));
        r.inside_next(PIM, asked, |_| boom());
        r.packet(1, 1, up());
        r.assert_panics(1);
        assert_eq!(r.path(1, 1), path(up(), [alt()]));
        r.expire(900);
        r.packet(1, 1, up());
        assert_eq!(r.path(1, 1), path(up(), [alt()]));
    }
}

/// What a panic that is nobody's callback leaves behind: here the one who listens to the reports panics.
#[test]
fn fw_13_a_panic_on_the_way_clears_the_mark() {
    struct Grumpy;
    impl tracing::Subscriber for Grumpy {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::ERROR
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            boom();
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    let r = Router::<A>::new();
    r.answer_rpf(PIM, |_, request| request.route.over(lan()));
    let packet = AssertUnwindSafe(|| r.packet(1, 1, up()));
    let caught = tracing::subscriber::with_default(Grumpy, || catch_unwind(packet));
    assert!(caught.is_err(), "a wrong answer is reported at error level");
    assert_eq!(r.path(1, 1), None);
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
}

/// An alert about the first entry deletes it, and waits until another thread is making it again.
#[test]
fn fw_13_the_end_of_one_making_is_not_the_end_of_the_next() {
    let r = Router::<A>::new();
    let [gone, making, leave] = [(); 3].map(|()| Arc::new(Barrier::new(2)));
    let now = r.now();
    let [is_gone, is_making] = [Arc::clone(&gone), Arc::clone(&making)];
    r.inside(mfe_prune(PIM, 1, 1), move |pim| {
        pim.set_mfe_timeout(A::source(1), A::group(1), Duration::ZERO).unwrap();
        assert_eq!(pim.manager().expire(now), None);
        is_gone.wait();
        is_making.wait();
    });
    r.inside_next(PIM, What::is_rpf, |_| ()); // of the first making
    let may_go_on = Arc::clone(&leave);
    r.inside_next(PIM, What::is_rpf, move |_| {
        making.wait();
        may_go_on.wait();
    });
    thread::scope(|scope| {
        let first = scope.spawn(|| r.packet(1, 1, up()));
        gone.wait();
        scope.spawn(|| r.packet(1, 1, up()));
        first.join().unwrap();
        r.packet(1, 1, up()); // that is being made
        assert_eq!(r.path(1, 1), None);
        leave.wait();
    });
    assert_eq!(count(&r.calls(), PIM, What::is_rpf), 2);
    assert_eq!(r.path(1, 1), path(up(), []));
}

/// What was deleted while it was made anew is not brought back.
#[test]
fn fw_13_an_entry_deleted_during_its_renewal_stays_deleted() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.inside_next(PIM, What::is_rpf, |pim| pim.manager().interface_removed(up::<A>().index()));
    assert_eq!(r.expire(900), None);
    assert_eq!(r.path(1, 1), None);
    r.assert_in_step();
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_13_a_source_whose_entry_was_deleted_during_its_renewal_is_forgotten() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.inside_next(PIM, What::is_rpf, |pim| pim.manager().interface_removed(up::<A>().index()));
    r.expire(900);
    r.forget_calls();
    r.routes_changed();
    r.assert_calls([]);
}

#[test]
fn fw_13_a_renewal_is_one_at_a_time_and_a_report_meanwhile_finds_the_entry() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    let now = r.at(900);
    r.inside_next(PIM, What::is_rpf, move |pim| {
        let _next = pim.manager().expire(now);
        pim.manager().packet_received(A::source(1), A::group(1), up(), &[], now).unwrap();
    });
    r.forget_calls();
    assert_eq!(r.expire(900), Some(1800));
    assert_eq!(count(&r.callbacks(), PIM, What::is_rpf), 1);
}

/// While one thread installs an entry by the old route, another has looked the new one up already, and asks
/// about the entries that it knows of.
#[test]
fn fw_13_an_entry_made_while_its_route_changes_is_not_left_on_the_old_interface() {
    let r = Router::<A>::new();
    r.pim.adds(alt(), star(1));
    r.packet(1, 2, up());
    let (asked, installed) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (rerouted, go_on) = mpsc::channel();
    r.inside_next(PIM, What::is_creation, {
        let asked = Arc::clone(&asked);
        move |_| {
            asked.wait();
            go_on.recv().unwrap();
        }
    });
    r.answer_rpf(DVMRP, {
        let installed = Arc::clone(&installed);
        let once = AtomicBool::new(true);
        move |_, request| {
            if request.group == A::group(2) && once.swap(false, Ordering::Relaxed) {
                rerouted.send(()).unwrap();
                installed.wait();
            }
            request.route
        }
    });
    thread::scope(|scope| {
        let report = scope.spawn(|| {
            r.packet(1, 1, up());
            installed.wait();
        });
        asked.wait();
        r.rib.set(A::every_source(), lan());
        r.routes_changed();
        report.join().unwrap();
    });
    assert_eq!([r.path(1, 1), r.path(1, 2)], [path(lan(), [alt()]), path(lan(), [])]);
}

/// Many threads at once do all that can be done, and the interfaces go under them.
#[test]
fn fw_13_an_interface_removed_under_load_harms_nobody() {
    let r = Router::<A>::new();
    thread::scope(|scope| {
        for worker in 0..4_u16 {
            let r = &r;
            scope.spawn(move || {
                for turn in 0..400_u16 {
                    let (source, group) = (turn % 7, (turn + worker) % 5);
                    match (turn + worker * 3) % 10 {
                        0..4 => drop(r.try_packet(source, group, lan())),
                        4 => drop(r.dvmrp.add_group_membership(lan(), star(group))),
                        5 => drop(r.dvmrp.delete_group_membership(lan(), star(group))),
                        6 => drop(r.igmp.add_group_membership(stub(), from(source, group))),
                        7 => {
                            r.mgm.interface_removed((1 + u32::from(turn) % 5).try_into().unwrap());
                            for (client, on) in
                                [(&r.pim, up()), (&r.pim, alt()), (&r.dvmrp, lan()), (&r.igmp, stub())]
                            {
                                drop(client.take_interface_ownership(on));
                            }
                        }
                        8 => {
                            r.rib.set(host::<A>(source), eth(1 + u32::from(turn) % 6));
                            r.routes_changed();
                        }
                        _ => drop(r.mgm.expire(r.at(u64::from(turn) * 10))),
                    }
                }
            });
        }
    });
    r.routes_changed();
    r.assert_in_step();
    for mfe in r.mgm.mfes() {
        assert_eq!(mfe.owner, r.mgm.owner(mfe.iif), "the owner of the iif");
        assert!(!mfe.oifs.contains(&mfe.iif));
        assert!(mfe.oifs.iter().all(|oif| r.mgm.owner(*oif).is_some()));
        let route = Rib::lookup(&r.rib, mfe.source).unwrap();
        assert_eq!((mfe.iif, mfe.prefix), (route.interface, Some(route.prefix)), "{}", mfe.source);
    }
}

#[test]
fn fw_13_who_changes_the_route_whenever_it_is_asked_is_not_asked_for_ever() {
    let r = Router::<A>::new();
    let (rib, moved) = (Arc::clone(&r.rib), AtomicBool::new(false));
    r.answer_rpf(PIM, move |pim, request| {
        let next = if moved.fetch_xor(true, Ordering::SeqCst) { up() } else { alt() };
        rib.set(host::<A>(1), next);
        pim.manager().routes_changed(&host::<A>(1));
        request.route
    });
    r.packet(1, 1, up());
    assert!(r.mfe(1, 1).is_some());
    assert_eq!(count(&r.callbacks(), PIM, What::is_rpf), 16);
}
