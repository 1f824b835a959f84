//! Threads that meet, and tests that would hang.

use std::panic::resume_unwind;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

/// Runs `test`, and fails where it would hang.
pub(crate) fn without_deadlock(test: impl FnOnce() + Send + 'static) {
    let (finished, end) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        finished.send(()).unwrap();
    });
    match end.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs: deadlock"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(panic) = test.join() {
                resume_unwind(panic);
            }
        }
    }
}

/// Where one thread is held, as often as it comes there, until another has seen it and lets it go on.
#[derive(Clone)]
pub(crate) struct Gate(Arc<[Barrier; 2]>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new([Barrier::new(2), Barrier::new(2)]))
    }

    /// Stays here until the other thread calls [`open`](Self::open).
    pub(crate) fn pass(&self) {
        self.await_arrival();
        self.open();
    }

    /// Waits until the other thread is held here.
    pub(crate) fn await_arrival(&self) {
        let [arrival, _] = &*self.0;
        arrival.wait();
    }

    /// Lets the thread that is held here go on.
    pub(crate) fn open(&self) {
        let [_, departure] = &*self.0;
        departure.wait();
    }
}
