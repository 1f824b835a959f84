//! A forwarder that fails after it has said yes, or that loses everything: FW-15.

use std::sync::Arc;
use std::thread;

use super::*;

const FULL: ForwarderError = ForwarderError::Full;

/// An entry that goes out at DVMRP's network.
fn one_entry() -> Router<A> {
    let r = Router::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r
}

impl Router<A> {
    fn reports(&self, source: u16, error: ForwarderError) {
        self.mgm.forwarder_failed(A::source(source), A::group(1), error);
    }

    /// What waits for another try: whether it is of a deleted entry, the error, and the attempts.
    fn failing(&self) -> Vec<(bool, ForwarderError, u32)> {
        let failures = self.mgm.forwarder_failures().into_iter();
        failures.map(|failure| (failure.deleted, failure.error, failure.attempts)).collect()
    }

    fn restarts(&self) {
        self.forwarder.lose_everything();
        self.mgm.forwarder_restarted();
    }
}

#[test]
fn fw_15_an_entry_that_was_not_added_after_all_is_marked_and_added_again() {
    let r = one_entry();
    r.forwarder.lose_everything();
    r.reports(1, FULL);
    assert_eq!(r.calls(), []);
    assert_eq!(r.failing(), [(false, FULL, 1)]);
    assert_eq!(r.mfe(1, 1).unwrap().failure.unwrap().error, FULL);
    assert_eq!(r.mgm.next_due(), Some(r.at(1)));
    r.expire(1);
    r.assert_calls([add_mfe(1, 1, up(), [lan()])]);
    assert_eq!(r.mfe(1, 1).unwrap().failure, None);
}

#[test]
fn fw_15_one_that_was_not_changed_after_all_is_changed_again() {
    let r = one_entry();
    r.dvmrp.adds(dmz(), star(1));
    r.forget_calls();
    r.reports(1, FULL);
    r.expire(1);
    r.assert_calls([change_mfe(1, 1, up(), [lan(), dmz()])]);
    // If it is not there at all, it is added.
    r.forwarder.lose_everything();
    r.reports(1, ForwarderError::NoSuchEntry);
    r.expire(3);
    r.assert_calls([add_mfe(1, 1, up(), [lan(), dmz()])]);
}

#[test]
fn fw_15_one_that_fails_later_each_time_is_told_less_and_less_often() {
    let r = one_entry();
    let mut told = Vec::new();
    for second in 0..=40 {
        let before = r.commands().len();
        assert_eq!(before, 0);
        if second == 0 {
            r.forwarder.lose_everything();
            r.reports(1, FULL);
        }
        r.expire(second);
        if !r.commands().is_empty() {
            told.push(second);
            r.forwarder.lose_everything();
            r.reports(1, FULL);
        }
    }
    assert_eq!(told, [1, 3, 7, 15, 31]);
    assert_eq!(r.failing(), [(false, FULL, 6)]);
    // A change is told at once, and what comes of it is another matter.
    r.dvmrp.adds(dmz(), star(1));
    r.assert_commands([add_mfe(1, 1, up(), [lan(), dmz()])]);
    assert_eq!(r.failing(), []);
}

#[test]
fn fw_15_a_report_that_comes_twice_is_one() {
    let r = one_entry();
    r.forwarder.lose_everything();
    r.reports(1, FULL);
    r.reports(1, ForwarderError::Other("out of slots"));
    assert_eq!(r.failing(), [(false, ForwarderError::Other("out of slots"), 1)]);
    assert_eq!(r.expire(0), Some(1));
    r.expire(1);
    r.assert_calls([add_mfe(1, 1, up(), [lan()])]);
}

#[test]
fn fw_15_of_an_entry_that_is_not_there_the_forwarder_is_told_to_delete_it() {
    let r = one_entry();
    r.remove(up());
    r.forget_calls();
    // It is gone, and is to be.
    r.reports(1, ForwarderError::NoSuchEntry);
    assert_eq!((r.failing(), r.mgm.next_due()), (Vec::new(), None));
    // It may be there still.
    r.reports(1, FULL);
    assert_eq!(r.failing(), [(true, FULL, 1)]);
    r.expire(1);
    r.assert_calls([delete_mfe(1, 1)]);
    assert_eq!((r.failing(), r.mgm.next_due()), (Vec::new(), None));
    // One that the manager never had is the same.
    r.reports(2, FULL);
    r.expire(2);
    r.assert_calls([delete_mfe(2, 1)]);
}

#[test]
fn fw_15_before_there_was_any_entry_a_report_is_nothing() {
    let r = Router::<A>::new();
    r.reports(1, FULL);
    assert_eq!((r.failing(), r.mgm.next_due()), (Vec::new(), None));
    r.restarts();
    r.assert_calls([]);
}

#[test]
fn fw_15_a_report_while_the_forwarder_is_being_told_outlasts_its_yes() {
    let r = Arc::new(one_entry());
    let gate = Gate::new();
    r.forwarder.before({
        let gate = gate.clone();
        move |_| {
            gate.pass();
            Ok(())
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| r.dvmrp.adds(dmz(), star(1)));
        gate.await_arrival();
        r.forwarder.recover();
        r.reports(1, FULL);
        gate.open();
    });
    assert_eq!(r.failing(), [(false, FULL, 1)]);
    r.forget_calls();
    r.expire(1);
    r.assert_calls([change_mfe(1, 1, up(), [lan(), dmz()])]);
}

#[test]
fn fw_15_after_a_restart_all_entries_are_added_again_and_no_client_hears() {
    let r = one_entry();
    r.packet(2, 1, up());
    r.packet(1, 2, up());
    r.forget_calls();
    r.restarts();
    r.assert_calls([add_mfe(1, 1, up(), [lan()]), add_mfe(2, 1, up(), [lan()]), add_mfe(1, 2, up(), [])]);
    // And that once.
    r.dvmrp.adds(dmz(), star(1));
    r.assert_commands([change_mfe(1, 1, up(), [lan(), dmz()]), change_mfe(2, 1, up(), [lan(), dmz()])]);
}

#[test]
fn fw_15_what_a_forwarder_refuses_after_its_restart_is_retried() {
    let r = one_entry();
    r.forwarder.refuse(ForwarderError::Unavailable(std::io::ErrorKind::ConnectionRefused));
    r.restarts();
    assert_eq!(r.failing().len(), 1);
    r.forwarder.recover();
    r.forget_calls();
    r.expire(1);
    r.assert_calls([add_mfe(1, 1, up(), [lan()])]);
}

#[test]
fn fw_15_what_was_to_be_deleted_is_gone_with_a_restart() {
    let r = one_entry();
    r.forwarder.refuse(FULL);
    r.remove(up());
    assert_eq!(r.failing(), [(true, FULL, 1)]);
    r.forwarder.recover();
    r.forget_calls();
    r.restarts();
    r.assert_calls([]);
    assert_eq!(r.mgm.next_due(), None);
}

#[test]
fn fw_15_an_entry_of_which_the_count_was_lost_is_taken_to_have_carried_packets() {
    let r = one_entry();
    for _ in 0..3 {
        r.traffic(1, 1, up());
    }
    r.expire(900);
    r.restarts();
    // As many as were counted when it was renewed.
    for _ in 0..3 {
        r.traffic(1, 1, up());
    }
    assert_eq!(r.expire(1800), Some(2700), "made anew");
    assert_eq!(r.expire(2700), None, "idle");
    assert_eq!(r.mfe(1, 1), None);
}

#[test]
fn fw_15_a_restart_beside_a_command_that_was_told_before() {
    let r = Arc::new(one_entry());
    let gate = Gate::new();
    r.forwarder.after({
        let gate = gate.clone();
        move |_| {
            gate.pass();
            Ok(())
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| r.packet(2, 1, up()));
        gate.await_arrival();
        r.forwarder.recover();
        // It has the second entry, and has not said so. Both are lost.
        r.restarts();
        gate.open();
    });
    r.assert_in_step();
}

#[cfg(feature = "testing")]
#[test]
fn fw_15_a_restart_is_made_good_a_page_at_a_time() {
    let r = Router::<A>::with(|builder| builder.page(3));
    for source in 1..=20 {
        r.packet(source, 1, up());
    }
    r.forget_calls();
    r.restarts();
    assert_eq!(r.commands().len(), 20);
    assert!(r.mgm.largest_page() <= 3);
    r.assert_in_step();
}
