//! What the forwarder is told, and what becomes of it when it fails, panics or is slow: FW-11, FW-12.

use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const FULL: ForwarderError = ForwarderError::Full;

/// What the forwarder has not done because it was full, and how often it was told to.
#[derive(Debug, Eq, PartialEq)]
enum Failed {
    AddOrChange(Entry<A>, u32),
    Delete(Entry<A>, u32),
}

fn failures(r: &Router<A>) -> Vec<Failed> {
    let failed = |failure: Failure<A>| {
        assert_eq!(failure.error, FULL);
        let mfe = Entry::SourceGroup(failure.source, failure.group);
        let failed = if failure.deleted { Failed::Delete } else { Failed::AddOrChange };
        failed(mfe, failure.attempts)
    };
    r.mgm.forwarder_failures().into_iter().map(failed).collect()
}

#[test]
fn fw_11_it_is_told_of_each_entry_added_changed_and_deleted_in_order() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.packet(2, 1, up());
    r.dvmrp.adds(lan(), star(1));
    r.reroute(2, alt());
    r.remove(up());
    r.packet(3, 1, lan());
    let told = [
        add_mfe(1, 1, up(), []),
        add_mfe(2, 1, up(), []),
        change_mfe(1, 1, up(), [lan()]),
        change_mfe(2, 1, up(), [lan()]),
        change_mfe(2, 1, alt(), [lan()]),
        delete_mfe(1, 1),
        add_mfe(3, 1, up(), [lan()]),
    ];
    r.assert_commands(told);
}

#[test]
fn fw_11_a_failed_add_is_marked_visible_and_tried_again_ever_more_rarely() {
    let r = Router::<A>::new();
    r.forwarder.refuse(FULL);
    r.packet(1, 1, up());
    assert_eq!(r.mfe(1, 1).unwrap().failure, failed(FULL, 1));
    assert_eq!(failures(&r), [Failed::AddOrChange(from(1, 1), 1)]);
    r.forget_calls();
    let mut due = 1;
    for (attempt, pause) in (2..).zip([2, 4, 8, 16, 32, 64, 64, 64]) {
        assert_eq!(r.expire(due - 1), Some(due));
        r.assert_commands([]); // too early
        assert_eq!(r.expire(due), Some(due + pause));
        r.assert_commands([add_mfe(1, 1, up(), [])]);
        assert_eq!(r.mfe(1, 1).unwrap().failure, failed(FULL, attempt));
        assert_eq!(failures(&r), [Failed::AddOrChange(from(1, 1), attempt)]);
        due += pause;
    }
    r.forwarder.recover();
    assert_eq!(r.expire(due), Some(900));
    assert_eq!(r.mfe(1, 1).unwrap().failure, None);
    r.assert_calls([add_mfe(1, 1, up(), [])]);
    // The next failure begins anew.
    r.forwarder.refuse(FULL);
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(failures(&r), [Failed::AddOrChange(from(1, 1), 1)]);
    assert_eq!(r.expire(due), Some(due + 1));
}

#[test]
fn fw_11_a_failed_change_is_tried_again_as_a_change() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuse(FULL);
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.mfe(1, 1).unwrap().failure, failed(FULL, 1));
    assert_eq!(r.forwarder.entries(), [forwarding_entry(1, 1, up(), [])]);
    r.forwarder.recover();
    r.forget_calls();
    r.expire(1);
    r.assert_calls([change_mfe(1, 1, up(), [lan()])]);
}

#[test]
fn fw_11_a_failed_delete_is_visible_and_tried_again() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuse(FULL);
    r.remove(up());
    assert_eq!(r.path(1, 1), None);
    assert_eq!(failures(&r), [Failed::Delete(from(1, 1), 1)]);
    assert_eq!(r.expire(0), Some(1));
    assert_eq!(r.expire(1), Some(3));
    assert_eq!(failures(&r), [Failed::Delete(from(1, 1), 2)]);
    r.forwarder.recover();
    r.forget_calls();
    assert_eq!(r.expire(3), None);
    r.assert_calls([delete_mfe(1, 1)]);
}

#[test]
fn fw_11_a_later_change_of_the_same_entry_replaces_the_waiting_one() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuse(FULL);
    r.dvmrp.adds(lan(), star(1));
    r.forwarder.recover();
    r.forget_calls();
    r.dvmrp.adds(dmz(), star(1));
    r.dvmrp.deletes(lan(), star(1));
    r.assert_commands([change_mfe(1, 1, up(), [lan(), dmz()]), change_mfe(1, 1, up(), [dmz()])]);
    assert_eq!(r.mfe(1, 1).unwrap().failure, None);
    assert_eq!(r.expire(1), Some(900), "nothing waits any more");
    r.assert_calls([]);
}

#[test]
fn fw_11_what_failed_to_be_added_is_deleted_too() {
    let r = Router::<A>::new();
    r.forwarder.refuse(FULL);
    r.packet(1, 1, up());
    r.forwarder.recover();
    r.forget_calls();
    r.remove(up());
    r.assert_commands([delete_mfe(1, 1)]);
    assert_eq!(r.expire(100), None);
    r.assert_calls([]);
}

#[test]
fn fw_11_an_entry_made_again_before_its_delete_succeeded_is_changed() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forwarder.refuse(FULL);
    r.remove(up());
    r.pim.takes(up());
    r.forget_calls();
    r.dvmrp.deletes(lan(), star(1));
    r.packet(1, 1, up()); // the delete still waits
    r.assert_commands([change_mfe(1, 1, up(), [])]);
    assert_eq!(failures(&r), [Failed::AddOrChange(from(1, 1), 2)]);
    r.forwarder.recover();
    r.expire(100);
    r.assert_calls([change_mfe(1, 1, up(), [])]);
}

#[test]
fn fw_11_what_is_to_be_deleted_and_is_not_there_is_gone() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuse(ForwarderError::NoSuchEntry);
    r.remove(up());
    assert_eq!(r.mgm.forwarder_failures(), []);
    assert_eq!(r.expire(1), None);
}

/// A forwarder that was restarted, or flushed by somebody else.
#[test]
fn fw_11_what_is_to_be_changed_and_is_not_there_is_added() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.lose_everything();
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.mfe(1, 1).unwrap().failure, failed(ForwarderError::NoSuchEntry, 1));
    r.forget_calls();
    r.expire(1);
    r.assert_calls([add_mfe(1, 1, up(), [lan()])]);
}

#[test]
fn fw_11_a_panicking_forwarder_has_failed() {
    let r = Router::<A>::new();
    r.forwarder.before(|_| boom());
    r.packet(1, 1, up());
    assert_eq!(r.mfe(1, 1).unwrap().failure, failed(ForwarderError::Panicked, 1));
    r.assert_panics(1);
    r.forwarder.recover();
    for seconds in 1..10 {
        r.expire(seconds);
    }
}

#[test]
fn fw_12_one_that_panicked_when_it_had_done_it_leaks_nothing() {
    let kinds: [fn(&What<A>) -> bool; 3] = [What::is_add, What::is_change, What::is_delete];
    for kind in kinds {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        r.forwarder.after(move |what| if kind(what) { boom() } else { Ok(()) });
        r.packet(2, 1, up());
        r.dvmrp.adds(lan(), star(1));
        r.remove(up());
        r.forwarder.recover();
        r.expire(10);
        assert!(r.mgm.caught_panics() > 0);
        r.assert_panics(r.mgm.caught_panics());
    }
}

#[test]
fn fw_11_one_failure_does_not_hold_up_the_others() {
    let r = Router::<A>::new();
    r.forwarder.before(|what| if what.is_about_source(1) { Err(FULL) } else { Ok(()) });
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(
        r.forwarder.entries(),
        [forwarding_entry(2, 1, up(), [lan()]), forwarding_entry(3, 1, up(), [lan()])]
    );
    assert_eq!(failures(&r), [Failed::AddOrChange(from(1, 1), 2)]);
}

#[test]
fn fw_11_failures_are_shown_in_the_order_of_their_next_try() {
    let r = Router::<A>::new();
    r.forwarder.refuse(FULL);
    for source in [2, 1] {
        r.packet(source, 1, up());
        r.expire(if source == 2 { 0 } else { 1 });
    }
    // S2 was tried again at 1 s, and is next at 3 s; S1 came at 0 s, and was tried at 1 s too.
    r.packet(3, 1, up());
    let order: Vec<_> = r.mgm.forwarder_failures().into_iter().map(|failure| failure.source).collect();
    assert_eq!(order, [3, 1, 2].map(A::source));
}

#[test]
fn fw_11_a_call_returns_after_the_forwarder_was_told_and_inside_a_callback_it_is_told_after() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    let forwarder = Arc::clone(&r.forwarder);
    r.inside(mfe_join(PIM, 1, 1), move |pim| {
        pim.forwards(alt(), 1, 1, ForwardState::On);
        assert_eq!(pim.manager().mfe(A::source(1), A::group(1)).unwrap().oifs, [alt(), lan()]);
        assert_eq!(forwarder.entries(), [forwarding_entry(1, 1, up(), [lan()])]);
    });
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.forwarder.entries(), [forwarding_entry(1, 1, up(), [alt(), lan()])]);
}

#[test]
fn fw_11_the_forwarder_may_call_the_manager() {
    let r = Router::<A>::new();
    let mgm = r.mgm.clone();
    let now = r.now();
    r.forwarder.before(move |what| {
        assert_eq!(mgm.mfe(A::source(1), A::group(1)).is_none(), what.is_delete());
        if what.is_add() && what.is_about_source(1) {
            mgm.packet_received(A::source(2), A::group(1), up(), &[], now).unwrap();
        }
        let _next = mgm.expire(now);
        Ok(())
    });
    r.packet(1, 1, up());
    r.remove(up());
    let told = r.commands();
    let added = [add_mfe(1, 1, up(), []), add_mfe(2, 1, up(), [])];
    assert_eq!(told[..2], added);
    assert_eq!(told.len(), 4, "{told:?}");
    r.forwarder.recover();
}

/// The thread that adds S1 is held in the forwarder; meanwhile everybody else goes on, and hears no more
/// than the last state of each entry.
#[test]
fn fw_11_a_slow_forwarder_delays_only_the_thread_that_calls_it() {
    let r = Router::<A>::new();
    let gate = Gate::new();
    let held = gate.clone();
    r.forwarder.before(move |what| {
        if what.is_add() && what.is_about_source(1) {
            held.pass();
        }
        Ok(())
    });
    r.forget_calls();
    thread::scope(|scope| {
        scope.spawn(|| r.packet(1, 1, up()));
        gate.await_arrival();
        r.packet(2, 1, up());
        r.dvmrp.adds(lan(), star(1));
        r.dvmrp.adds(dmz(), star(1));
        r.dvmrp.deletes(lan(), star(1));
        r.rib.set(host::<A>(3), wan());
        r.packet(3, 1, wan());
        r.remove(wan());
        assert_eq!(
            [1, 2, 3].map(|source| r.path(source, 1)),
            [path(up(), [dmz()]), path(up(), [dmz()]), None]
        );
        r.assert_commands([add_mfe(1, 1, up(), [])]);
        gate.open();
    });
    r.assert_commands([add_mfe(2, 1, up(), [dmz()]), change_mfe(1, 1, up(), [dmz()])]);
    r.assert_in_step();
}

/// While it is being added it is deleted, made again, deleted: the last state counts.
#[test]
fn fw_11_an_entry_that_goes_while_the_forwarder_is_adding_it_is_deleted_after() {
    for (again, fails) in [(false, false), (false, true), (true, false), (true, true)] {
        let r = Router::<A>::new();
        let gate = Gate::new();
        let held = gate.clone();
        let first = parking_lot::Mutex::new(true);
        r.forwarder.before(move |_| {
            if !std::mem::take(&mut *first.lock()) {
                return Ok(());
            }
            held.pass();
            if fails { Err(FULL) } else { Ok(()) }
        });
        thread::scope(|scope| {
            scope.spawn(|| r.packet(1, 1, up()));
            gate.await_arrival();
            r.remove(up());
            if again {
                r.packet(1, 1, up());
            }
            r.forget_calls();
            gate.open();
        });
        let expected = match (again, fails) {
            // A failed add may have left a part.
            (false, false | true) => vec![delete_mfe(1, 1)],
            (true, false) => vec![change_mfe(1, 1, up(), [])],
            (true, true) => vec![add_mfe(1, 1, up(), [])],
        };
        r.assert_commands(expected);
        assert_eq!(r.expire(0), again.then_some(900), "nothing waits any more");
        r.assert_in_step();
    }
}

/// The same with a delete that is in the forwarder's hands when the entry is made again.
#[test]
fn fw_11_an_entry_that_comes_back_while_the_forwarder_is_deleting_it() {
    for fails in [false, true] {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        let gate = Gate::new();
        let held = gate.clone();
        r.forwarder.before(move |what| {
            if what.is_delete() {
                held.pass();
                return if fails { Err(FULL) } else { Ok(()) };
            }
            Ok(())
        });
        thread::scope(|scope| {
            scope.spawn(|| r.remove(up()));
            gate.await_arrival();
            r.packet(1, 1, up());
            r.forget_calls();
            gate.open();
        });
        r.assert_commands([if fails { change_mfe(1, 1, up(), []) } else { add_mfe(1, 1, up(), []) }]);
        r.forwarder.recover();
    }
}

/// It goes again before its first delete is done, and comes once more while it waits behind another.
#[test]
fn fw_11_an_entry_that_comes_and_goes_while_the_forwarder_is_busy_is_told_of_once() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forget_calls();
    let gate = Gate::new();
    let held = gate.clone();
    r.forwarder.before(move |what| {
        if what.is_delete() || what.is_about_source(2) {
            held.pass();
        }
        Ok(())
    });
    let delete = || {
        r.pim.set_mfe_timeout(A::source(1), A::group(1), Duration::ZERO).unwrap();
        let _next = r.mgm.expire(r.now());
    };
    thread::scope(|scope| {
        scope.spawn(delete);
        gate.await_arrival();
        r.packet(2, 1, up());
        r.packet(1, 1, up());
        delete();
        gate.open();
        gate.await_arrival();
        r.packet(1, 1, up());
        gate.open();
    });
    r.assert_commands([delete_mfe(1, 1), add_mfe(2, 1, up(), []), add_mfe(1, 1, up(), [])]);
    r.forwarder.recover();
}

#[test]
fn fw_12_when_the_manager_goes_the_forwarder_is_emptied() {
    let r = Router::<A>::new();
    let forwarder = Arc::clone(&r.forwarder);
    r.dvmrp.adds(lan(), star(1));
    for source in 1..=300 {
        r.packet(source, 1, up());
    }
    // One of them was deleted in vain, and one has a change waiting.
    r.forwarder.refuse(FULL);
    r.pim.set_mfe_timeout(A::source(1), A::group(1), Duration::ZERO).unwrap();
    let _next = r.mgm.expire(r.now());
    r.dvmrp.forwards(dmz(), 2, 1, ForwardState::On);
    assert_eq!(failures(&r).len(), 2);
    r.forwarder.before(|_| Ok(()));
    assert_eq!(forwarder.entries().len(), 300);
    drop(r);
    assert_eq!(forwarder.entries(), []);
}

#[test]
fn fw_12_any_handle_keeps_the_manager() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.packet(1, 1, up());
    let (mgm, forwarder) = (r.mgm.clone(), Arc::clone(&r.forwarder));
    drop(r);
    assert_eq!(forwarder.entries(), [forwarding_entry(1, 1, wan(), [])]);
    drop(mgm);
    assert_eq!(forwarder.entries(), []);
}

#[test]
fn fw_12_one_that_refuses_to_the_end_or_panics_does_no_harm() {
    for panics in [false, true] {
        let r = Router::<A>::new();
        let forwarder = Arc::clone(&r.forwarder);
        r.packet(1, 1, up());
        r.rib.set(host::<A>(2), wan());
        r.packet(2, 1, up());
        r.forwarder.before(move |what| {
            assert!(!panics, "{what:?}");
            if what.is_about_source(1) { Err(FULL) } else { Ok(()) }
        });
        drop(r);
        assert_eq!(forwarder.entries().len(), if panics { 2 } else { 1 });
    }
}

#[test]
fn fw_12_an_entry_that_is_gone_leaves_nothing_behind_in_memory() {
    let mgm = Builder::<A>::new().forwarder(MemoryForwarder::new()).build();
    let mut now = Instant::now();
    let mut come_and_go = |sources: Range<u16>| {
        for source in sources {
            mgm.packet_received(A::source(source), A::group(1), up(), &[], now).unwrap();
        }
        now += Duration::from_secs(900);
        assert_eq!(mgm.expire(now), None);
        assert_eq!(mgm.mfes().count(), 0);
    };
    // Tables and buffers have more room than they need after the first time.
    come_and_go(0..6000);
    let left = allocation_counter::measure(|| come_and_go(6000..8000)).bytes_current;
    assert_eq!(left, 0, "bytes");
}

fn failed(error: ForwarderError, attempts: u32) -> Option<MfeFailure> {
    Some(MfeFailure { error, attempts })
}
