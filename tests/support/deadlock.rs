//! Threads that meet, and tests that would hang.

use std::io::{self, Write};
use std::process;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// Ends the run of the tests where one hangs, and says which.
pub(crate) struct Watchdog {
    _lives: mpsc::Sender<()>,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let (lives, end) = mpsc::channel::<()>();
        thread::spawn(move || {
            if end.recv_timeout(Duration::from_secs(30)) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Not by `eprintln!`, which the tests' harness would catch.
                let _said = writeln!(io::stderr(), "{test} hangs");
                process::abort();
            }
        });
        Self { _lives: lives }
    }
}

/// Where one thread is held, as often as it comes there, until another has seen it and lets it go on.
///
/// Nobody waits here for ever: a test that fails while it holds a thread still ends.
#[derive(Clone)]
pub(crate) struct Gate {
    arrivals: Arc<Signal>,
    departures: Arc<Signal>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { arrivals: Arc::new(Signal::new()), departures: Arc::new(Signal::new()) }
    }

    /// Stays here until the other thread calls [`open`](Self::open).
    pub(crate) fn pass(&self) {
        self.arrivals.send();
        self.departures.receive("nobody opened the gate");
    }

    /// Waits until the other thread is held here.
    pub(crate) fn await_arrival(&self) {
        self.arrivals.receive("nobody came to the gate");
    }

    /// Lets the thread that is held here go on.
    pub(crate) fn open(&self) {
        self.departures.send();
    }
}

struct Signal(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);

impl Signal {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self(sender, Mutex::new(receiver))
    }

    fn send(&self) {
        self.0.send(()).unwrap();
    }

    fn receive(&self, else_panic: &str) {
        let received = self.1.lock().recv_timeout(Duration::from_secs(10));
        assert!(received.is_ok(), "{else_panic}");
    }
}
