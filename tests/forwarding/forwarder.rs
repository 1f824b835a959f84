//! What the forwarder is told, and what becomes of it when it fails, panics or is slow: FW-11, FW-12.

use std::panic::resume_unwind;
use std::sync::{Arc, Barrier};
use std::thread;

use mgm::{Failure, ForwardState, ForwarderError};

use super::A;
use crate::support::*;

const FULL: ForwarderError = ForwarderError::Full;

/// What is failed now: entry, whether it is a delete, and how often it was tried.
fn failures(r: &Router<A>) -> Vec<(String, bool, u32)> {
    let failure = |failure: Failure<A>| {
        assert_eq!(failure.error, FULL);
        (pair(failure.source, failure.group), failure.deleted, failure.attempts)
    };
    r.mgm.forwarder_failures().into_iter().map(failure).collect()
}

fn of(source: u16, group: u16) -> String {
    pair::<A>(A::source(source), A::group(group))
}

#[test]
fn fw_11_it_is_told_of_each_entry_added_changed_and_deleted_in_order() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.packet(2, 1, up());
    r.dvmrp.adds(lan(), star(1));
    r.reroute(2, alt());
    r.pim.releases(up());
    r.packet(3, 1, lan());
    let told = [
        "forwarder: add (S1, G1) up -> nowhere",
        "forwarder: add (S2, G1) up -> nowhere",
        "forwarder: change (S1, G1) up -> lan",
        "forwarder: change (S2, G1) up -> lan",
        "forwarder: change (S2, G1) alt -> lan",
        "forwarder: delete (S1, G1)",
        "forwarder: add (S3, G1) up -> lan",
    ];
    assert_eq!(r.commands(), told);
    r.assert_in_step();
}

#[test]
fn fw_11_a_failed_add_is_marked_visible_and_tried_again_ever_more_rarely() {
    let r = Router::<A>::new();
    r.forwarder.refuses(Some(FULL));
    r.packet(1, 1, up());
    assert_eq!(r.mfe(1, 1).unwrap().failure, Some((FULL, 1)));
    assert_eq!(failures(&r), [(of(1, 1), false, 1)]);
    r.log.take();
    let mut due = 1;
    for (attempt, pause) in (2..).zip([2, 4, 8, 16, 32, 64, 64, 64]) {
        assert_eq!(r.expire(due - 1), Some(due));
        assert_eq!(r.commands(), [""; 0], "too early");
        assert_eq!(r.expire(due), Some(due + pause));
        assert_eq!(r.commands(), ["forwarder: add (S1, G1) up -> nowhere"]);
        assert_eq!(r.mfe(1, 1).unwrap().failure, Some((FULL, attempt)));
        assert_eq!(failures(&r), [(of(1, 1), false, attempt)]);
        due += pause;
    }
    r.forwarder.refuses(None);
    assert_eq!(r.expire(due), Some(900));
    assert_eq!(r.mfe(1, 1).unwrap().failure, None);
    r.expect(["forwarder: add (S1, G1) up -> nowhere"]);
    // The next failure begins anew.
    r.forwarder.refuses(Some(FULL));
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(failures(&r), [(of(1, 1), false, 1)]);
    assert_eq!(r.expire(due), Some(due + 1));
}

#[test]
fn fw_11_a_failed_change_is_tried_again_as_a_change() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuses(Some(FULL));
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.mfe(1, 1).unwrap().failure, Some((FULL, 1)));
    assert_eq!(r.forwarder.entries(), ["(S1, G1) up -> nowhere"]);
    r.forwarder.refuses(None);
    r.log.take();
    r.expire(1);
    r.expect(["forwarder: change (S1, G1) up -> lan"]);
}

#[test]
fn fw_11_a_failed_delete_is_visible_and_tried_again() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuses(Some(FULL));
    r.pim.releases(up());
    assert_eq!(r.path(1, 1), "none");
    assert_eq!(failures(&r), [(of(1, 1), true, 1)]);
    assert_eq!(r.expire(0), Some(1));
    assert_eq!(r.expire(1), Some(3));
    assert_eq!(failures(&r), [(of(1, 1), true, 2)]);
    r.forwarder.refuses(None);
    r.log.take();
    assert_eq!(r.expire(3), None);
    r.expect(["forwarder: delete (S1, G1)"]);
}

#[test]
fn fw_11_a_later_change_of_the_same_entry_replaces_the_waiting_one() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuses(Some(FULL));
    r.dvmrp.adds(lan(), star(1));
    r.forwarder.refuses(None);
    r.log.take();
    r.dvmrp.adds(dmz(), star(1));
    r.dvmrp.deletes(lan(), star(1));
    assert_eq!(
        r.commands(),
        ["forwarder: change (S1, G1) up -> lan dmz", "forwarder: change (S1, G1) up -> dmz"]
    );
    assert_eq!(r.mfe(1, 1).unwrap().failure, None);
    assert_eq!(r.expire(1), Some(900), "nothing waits any more");
    r.expect([]);
}

#[test]
fn fw_11_what_was_never_added_need_not_be_deleted() {
    let r = Router::<A>::new();
    r.forwarder.refuses(Some(FULL));
    r.packet(1, 1, up());
    r.log.take();
    r.pim.releases(up());
    r.expect([]);
    assert_eq!(r.expire(100), None);
    r.expect([]);
}

#[test]
fn fw_11_an_entry_made_again_before_its_delete_succeeded_is_changed() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forwarder.refuses(Some(FULL));
    r.pim.releases(up());
    r.pim.takes(up());
    r.log.take();
    r.dvmrp.deletes(lan(), star(1));
    r.packet(1, 1, up()); // the delete still waits
    assert_eq!(r.commands(), ["forwarder: change (S1, G1) up -> nowhere"]);
    assert_eq!(failures(&r), [(of(1, 1), false, 2)]);
    r.forwarder.refuses(None);
    r.expire(100);
    r.expect(["forwarder: change (S1, G1) up -> nowhere"]);
}

#[test]
fn fw_11_what_is_to_be_deleted_and_is_not_there_is_gone() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.forwarder.refuses(Some(ForwarderError::NoSuchEntry));
    r.pim.releases(up());
    assert_eq!(r.mgm.forwarder_failures(), []);
    assert_eq!(r.expire(1), None);
}

/// A forwarder that was restarted, or flushed by somebody else.
#[test]
fn fw_11_what_is_to_be_changed_and_is_not_there_is_added() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    mgm::Forwarder::delete(&r.forwarder.memory, A::source(1), A::group(1)).unwrap();
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.mfe(1, 1).unwrap().failure, Some((ForwarderError::NoSuchEntry, 1)));
    r.log.take();
    r.expire(1);
    r.expect(["forwarder: add (S1, G1) up -> lan"]);
}

#[test]
fn fw_11_a_panicking_forwarder_has_failed() {
    let r = Router::<A>::new();
    r.forwarder.before(|_| resume_unwind(Box::new("boom")));
    r.packet(1, 1, up());
    assert_eq!(r.mfe(1, 1).unwrap().failure, Some((ForwarderError::Panicked, 1)));
    assert_eq!(r.mgm.caught_panics(), 1);
    r.forwarder.refuses(None);
    for seconds in 1..10 {
        r.expire(seconds);
    }
    r.assert_in_step();
}

#[test]
fn fw_12_one_that_panicked_when_it_had_done_it_leaks_nothing() {
    let boom = |on: &'static str| {
        move |line: &str| if line.contains(on) { resume_unwind(Box::new("boom")) } else { Ok(()) }
    };
    for on in ["add", "change", "delete"] {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        r.forwarder.after(boom(on));
        r.packet(2, 1, up());
        r.dvmrp.adds(lan(), star(1));
        r.pim.releases(up());
        r.forwarder.after(|_| Ok(()));
        r.expire(10);
        assert!(r.mgm.caught_panics() > 0);
        r.assert_in_step();
    }
}

#[test]
fn fw_11_one_failure_does_not_hold_up_the_others() {
    let r = Router::<A>::new();
    r.forwarder.before(|line| if line.contains("S1,") { Err(FULL) } else { Ok(()) });
    for source in 1..=3 {
        r.packet(source, 1, up());
    }
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.forwarder.entries(), ["(S2, G1) up -> lan", "(S3, G1) up -> lan"]);
    assert_eq!(failures(&r), [(of(1, 1), false, 2)]);
}

#[test]
fn fw_11_failures_are_shown_in_the_order_of_their_next_try() {
    let r = Router::<A>::new();
    r.forwarder.refuses(Some(FULL));
    for source in [2, 1] {
        r.packet(source, 1, up());
        r.expire(if source == 2 { 0 } else { 1 });
    }
    // S2 was tried again at 1 s, and is next at 3 s; S1 came at 0 s, and was tried at 1 s too.
    r.packet(3, 1, up());
    let order: Vec<_> = failures(&r).into_iter().map(|(entry, _, _)| entry).collect();
    assert_eq!(order, [of(3, 1), of(1, 1), of(2, 1)]);
}

#[test]
fn fw_11_a_call_returns_after_the_forwarder_was_told_and_inside_a_callback_it_is_told_after() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    let forwarder = Arc::clone(&r.forwarder);
    r.pim.party.alert(move |pim, line| {
        if line.contains("join (S1") {
            pim.forwards(alt(), 1, 1, ForwardState::On);
            assert_eq!(pim.manager().mfe(A::source(1), A::group(1)).unwrap().oifs, [alt(), lan()]);
            assert_eq!(forwarder.entries(), ["(S1, G1) up -> lan"]);
        }
    });
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.forwarder.entries(), ["(S1, G1) up -> alt lan"]);
    assert_eq!(r.mgm.caught_panics(), 0);
}

#[test]
fn fw_11_the_forwarder_may_call_the_manager() {
    let r = Router::<A>::new();
    let mgm = r.mgm.clone();
    let now = r.now();
    r.forwarder.before(move |line| {
        assert_eq!(mgm.mfe(A::source(1), A::group(1)).is_none(), line.contains("delete"));
        if line.contains("add (S1") {
            mgm.packet_received(A::source(2), A::group(1), up(), &[], now).unwrap();
        }
        let _next = mgm.expire(now);
        Ok(())
    });
    r.packet(1, 1, up());
    r.pim.releases(up());
    let told = r.commands();
    let added = ["forwarder: add (S1, G1) up -> nowhere", "forwarder: add (S2, G1) up -> nowhere"];
    assert_eq!(told[..2], added);
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(r.mgm.caught_panics(), 0);
    r.forwarder.refuses(None);
    r.assert_in_step();
}

/// The thread that adds S1 is held in the forwarder; meanwhile everybody else goes on, and hears no more
/// than the last state of each entry.
#[test]
fn fw_11_a_slow_forwarder_delays_only_the_thread_that_calls_it() {
    without_deadlock(|| {
        let r = Router::<A>::new();
        let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (inside, outside) = (Arc::clone(&entered), Arc::clone(&leave));
        r.forwarder.before(move |line| {
            if line.contains("add (S1") {
                inside.wait();
                outside.wait();
            }
            Ok(())
        });
        r.log.take();
        thread::scope(|scope| {
            scope.spawn(|| r.packet(1, 1, up()));
            entered.wait();
            r.packet(2, 1, up());
            r.dvmrp.adds(lan(), star(1));
            r.dvmrp.adds(dmz(), star(1));
            r.dvmrp.deletes(lan(), star(1));
            r.packet(3, 1, up());
            r.pim.set_mfe_timeout(A::source(3), A::group(1), std::time::Duration::ZERO).unwrap();
            let _next = r.mgm.expire(r.now());
            assert_eq!([1, 2, 3].map(|source| r.path(source, 1)), ["up -> dmz", "up -> dmz", "none"]);
            assert_eq!(r.commands(), ["forwarder: add (S1, G1) up -> nowhere"]);
            leave.wait();
        });
        assert_eq!(
            r.commands(),
            ["forwarder: add (S2, G1) up -> dmz", "forwarder: change (S1, G1) up -> dmz"]
        );
        r.assert_in_step();
    });
}

/// While it is being added it is deleted, made again, deleted: the last state counts.
#[test]
fn fw_11_an_entry_that_goes_while_the_forwarder_is_adding_it_is_deleted_after() {
    for (again, fails) in [(false, false), (false, true), (true, false), (true, true)] {
        without_deadlock(move || {
            let r = Router::<A>::new();
            let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
            let (inside, outside) = (Arc::clone(&entered), Arc::clone(&leave));
            let first = parking_lot::Mutex::new(true);
            r.forwarder.before(move |_| {
                if !std::mem::take(&mut *first.lock()) {
                    return Ok(());
                }
                inside.wait();
                outside.wait();
                if fails { Err(FULL) } else { Ok(()) }
            });
            thread::scope(|scope| {
                scope.spawn(|| r.packet(1, 1, up()));
                entered.wait();
                r.pim.releases(up());
                if again {
                    r.packet(1, 1, up());
                }
                r.log.take();
                leave.wait();
            });
            let expected = match (again, fails) {
                (false, false) => vec!["forwarder: delete (S1, G1)"],
                (false, true) => vec![],
                (true, false) => vec!["forwarder: change (S1, G1) up -> nowhere"],
                (true, true) => vec!["forwarder: add (S1, G1) up -> nowhere"],
            };
            assert_eq!(r.commands(), expected);
            assert_eq!(r.expire(0), again.then_some(900), "nothing waits any more");
            r.assert_in_step();
        });
    }
}

/// The same with a delete that is in the forwarder's hands when the entry is made again.
#[test]
fn fw_11_an_entry_that_comes_back_while_the_forwarder_is_deleting_it() {
    for fails in [false, true] {
        without_deadlock(move || {
            let r = Router::<A>::new();
            r.packet(1, 1, up());
            let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
            let (inside, outside) = (Arc::clone(&entered), Arc::clone(&leave));
            r.forwarder.before(move |line| {
                if line.contains("delete") {
                    inside.wait();
                    outside.wait();
                    return if fails { Err(FULL) } else { Ok(()) };
                }
                Ok(())
            });
            thread::scope(|scope| {
                scope.spawn(|| r.pim.releases(up()));
                entered.wait();
                r.packet(1, 1, up());
                r.log.take();
                leave.wait();
            });
            let verb = if fails { "change" } else { "add" };
            assert_eq!(r.commands(), [format!("forwarder: {verb} (S1, G1) up -> nowhere")]);
            r.forwarder.refuses(None);
            r.assert_in_step();
        });
    }
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
    r.forwarder.refuses(Some(FULL));
    r.pim.set_mfe_timeout(A::source(1), A::group(1), std::time::Duration::ZERO).unwrap();
    let _next = r.mgm.expire(r.now());
    r.dvmrp.forwards(dmz(), 2, 1, ForwardState::On);
    assert_eq!(failures(&r).len(), 2);
    r.forwarder.refuses(None);
    assert_eq!(forwarder.entries().len(), 300);
    drop(r);
    assert_eq!(forwarder.entries(), [""; 0]);
}

#[test]
fn fw_12_any_handle_keeps_the_manager() {
    let r = Router::<A>::new();
    r.rib.set(host::<A>(1), wan());
    r.packet(1, 1, up());
    let (mgm, forwarder) = (r.mgm.clone(), Arc::clone(&r.forwarder));
    drop(r);
    assert_eq!(forwarder.entries(), ["(S1, G1) wan -> nowhere"]);
    drop(mgm);
    assert_eq!(forwarder.entries(), [""; 0]);
}

#[test]
fn fw_12_one_that_refuses_to_the_end_or_panics_does_no_harm() {
    for panics in [false, true] {
        let r = Router::<A>::new();
        let forwarder = Arc::clone(&r.forwarder);
        r.packet(1, 1, up());
        r.rib.set(host::<A>(2), wan());
        r.packet(2, 1, up());
        r.forwarder.before(move |line| {
            assert!(!panics, "{line}");
            if line.contains("S1") { Err(FULL) } else { Ok(()) }
        });
        drop(r);
        assert_eq!(forwarder.entries().len(), if panics { 2 } else { 1 });
    }
}
