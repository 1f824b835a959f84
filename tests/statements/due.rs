//! When `expire` wants to be called, and who is told that it is sooner: FW-16.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::*;

/// A router, and the times with which `on_due` was called.
struct Alarmed {
    r: Router<A>,
    rings: Arc<Mutex<Vec<Instant>>>,
}

impl Alarmed {
    fn new() -> Self {
        Self::with(|_| ())
    }

    /// Does this in each call of `on_due`, too.
    fn with(then: impl Fn(Instant) + Send + Sync + 'static) -> Self {
        let rings = Arc::<Mutex<Vec<_>>>::default();
        let on_due = {
            let rings = Arc::clone(&rings);
            move |due| {
                rings.lock().push(due);
                then(due);
            }
        };
        Self { r: Router::with(|builder| builder.on_due(on_due)), rings }
    }

    /// Fails unless `on_due` has been called with these since the last time, in seconds after the start.
    #[track_caller]
    fn assert_rings<const N: usize>(&self, seconds: [u64; N]) {
        let rings = std::mem::take(&mut *self.rings.lock());
        assert_eq!(rings, seconds.map(|seconds| self.r.at(seconds)));
    }
}

fn lives(r: &Router<A>, source: u16, seconds: u64) {
    r.pim.set_mfe_timeout(A::source(source), A::group(1), Duration::from_secs(seconds)).unwrap();
}

#[test]
fn fw_16_when_expire_is_due_is_read_without_side_effect() {
    let r = Router::<A>::new();
    assert_eq!(r.mgm.next_due(), None);
    r.packet(1, 1, up());
    r.forget_calls();
    for _ in 0..2 {
        assert_eq!(r.mgm.next_due(), Some(r.at(900)));
    }
    drop(r.dvmrp.begin_refresh(lan(), r.at(100)).unwrap());
    assert_eq!(r.mgm.next_due(), Some(r.at(100)));
    assert_eq!(r.expire(100), Some(900), "and `expire` says the same");
    assert_eq!(r.mgm.next_due(), Some(r.at(900)));
    // What is due stays so until `expire` is called.
    r.expire(899);
    assert_eq!(r.mgm.next_due(), Some(r.at(900)));
    assert_eq!(r.expire(900), None);
    assert_eq!(r.mgm.next_due(), None);
    r.assert_calls([delete_mfe(1, 1)]);
}

#[test]
fn fw_16_whoever_asked_is_called_when_it_becomes_sooner_and_only_then() {
    let t = Alarmed::new();
    let r = &t.r;
    r.dvmrp.adds(lan(), star(1));
    t.assert_rings([]);
    r.packet(1, 1, up());
    t.assert_rings([900]);
    r.packet(2, 1, up()); // due at the same time
    r.wrong_packet(1, 1, lan());
    t.assert_rings([]);
    lives(r, 1, 100);
    t.assert_rings([100]);
    lives(r, 1, 200); // later
    lives(r, 1, 900);
    t.assert_rings([]);
    lives(r, 2, 800); // sooner than that
    t.assert_rings([800]);
    drop(r.dvmrp.begin_refresh(lan(), r.at(50)).unwrap());
    t.assert_rings([50]);
    r.expire(50);
    r.expire(900);
    t.assert_rings([]);
    r.packet(1, 1, up());
    t.assert_rings([1800]);
}

#[test]
fn fw_16_a_retry_makes_it_sooner() {
    let t = Alarmed::new();
    t.r.packet(1, 1, up());
    t.assert_rings([900]);
    t.r.forwarder.refuse(ForwarderError::Full);
    t.r.dvmrp.adds(lan(), star(1));
    t.assert_rings([1]);
    t.r.expire(1);
    t.assert_rings([3]); // it was the entry alone for which `expire` wanted to be called meanwhile
    t.r.forwarder.recover();
    assert_eq!(t.r.expire(3), Some(900));
}

#[test]
fn fw_16_one_that_becomes_sooner_inside_a_callback_is_told_when_that_has_returned() {
    let t = Alarmed::new();
    let (r, rings) = (&t.r, Arc::clone(&t.rings));
    r.dvmrp.adds(lan(), star(1));
    r.inside(mfe_join(PIM, 1, 1), move |pim| {
        rings.lock().clear();
        pim.set_mfe_timeout(A::source(1), A::group(1), Duration::from_secs(7)).unwrap();
        assert_eq!(*rings.lock(), []);
    });
    r.packet(1, 1, up());
    t.assert_rings([7]);
}

#[test]
fn fw_16_on_due_may_call_the_manager_and_make_it_sooner_still() {
    let mgm = Arc::new(Mutex::new(None::<Mgm<A>>));
    let t = Alarmed::with({
        let mgm = Arc::clone(&mgm);
        move |due| {
            let mgm = mgm.lock().clone();
            let Some(mgm) = mgm else { return };
            assert_eq!(mgm.next_due(), Some(due), "it can be read inside");
            let from = A::source(2);
            mgm.packet_received(from, A::group(1), up(), &[], due - Duration::from_secs(901)).unwrap();
        }
    });
    t.r.packet(1, 1, up());
    t.assert_rings([900]);
    *mgm.lock() = Some(t.r.mgm.clone());
    lives(&t.r, 1, 890);
    // The clock does not go back: the entry that was made inside is due 900 s after the latest time.
    t.assert_rings([890]);
    assert!(t.r.mfe(2, 1).is_some());
    *mgm.lock() = None;
}

#[test]
fn fw_16_a_panic_in_on_due_is_caught_and_counted() {
    let t = Alarmed::with(|_| std::panic::resume_unwind(Box::new("on purpose")));
    t.r.packet(1, 1, up());
    t.r.assert_panics(1);
    lives(&t.r, 1, 5);
    t.assert_rings([900, 5]);
    t.r.assert_panics(2);
}

#[test]
fn fw_16_a_thread_that_makes_it_sooner_while_another_calls_leaves_the_call_to_that_one() {
    let gate = Gate::new();
    let t = Alarmed::with({
        let (gate, is_first) = (gate.clone(), Mutex::new(true));
        move |_| {
            if std::mem::take(&mut *is_first.lock()) {
                gate.pass();
            }
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| t.r.packet(1, 1, up()));
        gate.await_arrival();
        // Nobody waits for it, and it is not called on two threads.
        lives(&t.r, 1, 60);
        lives(&t.r, 1, 30);
        t.assert_rings([900]);
        gate.open();
    });
    t.assert_rings([30]);
}

/// Refuses all that it is told, as long as that goes on for no longer than a test may.
struct Refusing(AtomicUsize);

impl Refusing {
    fn answer(&self) -> Result<(), ForwarderError> {
        let told = self.0.fetch_add(1, Ordering::Relaxed);
        if told < 10_000 { Err(ForwarderError::Full) } else { Ok(()) }
    }
}

impl Forwarder<A> for Refusing {
    fn add(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.answer()
    }

    fn change(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.answer()
    }

    fn delete(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.answer()
    }

    fn stats(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        Err(ForwarderError::Full)
    }
}

#[test]
fn fw_16_expire_comes_to_an_end_at_the_end_of_time() {
    const ENTRIES: u16 = 100;
    let forwarder = Arc::new(Refusing(AtomicUsize::new(0)));
    let mgm = Builder::<A>::new().forwarder(Arc::clone(&forwarder)).build();
    let start = Instant::now();
    for source in 1..=ENTRIES {
        mgm.packet_received(A::source(source), A::group(1), up(), &[], start).unwrap();
    }
    let all = usize::from(ENTRIES);
    assert_eq!(forwarder.0.swap(0, Ordering::Relaxed), all);
    // As far as the clock goes.
    let mut end = start;
    for bit in (0..64).rev() {
        end = end.checked_add(Duration::from_secs(1 << bit)).unwrap_or(end);
    }
    assert_eq!(mgm.expire(end), None);
    let told = forwarder.0.load(Ordering::Relaxed);
    assert!(
        told <= 3 * all,
        "each is tried again, and renewed, once, but the forwarder was told {told} times"
    );
}
