//! The signals that the daemon reacts to.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

/// The signals that have come, and something to wait for.
#[derive(Debug)]
pub(crate) struct Signals {
    wake: UnixStream,
    show: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let [show, reload, end] = [const { AtomicBool::new(false) }; 3].map(Arc::new);
        for (signal, flag) in [(SIGUSR1, &show), (SIGHUP, &reload), (SIGTERM, &end), (SIGINT, &end)] {
            // The flag first: who is woken must find it.
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
        }
        Ok(Self { wake, show, reload, end })
    }

    /// Takes out what wakes, before what woke is looked at: a signal that comes now wakes again.
    pub(crate) fn woken(&self) {
        while io::Read::read(&mut &self.wake, &mut [0; 64]).is_ok_and(|octets| octets > 0) {}
    }

    pub(crate) fn show(&self) -> bool {
        self.show.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn end(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.wake.as_raw_fd()
    }
}
