//! The lock, the atomics and the thread locals: the only file that knows that a test may schedule them.
//!
//! With `--cfg shuttle` they are those of `shuttle`, which runs the threads of a test in an order that it
//! chooses and can choose again: `tests/schedules` says how. It orders what happens, and models no memory
//! weaker than sequentially consistent.

#[cfg(not(shuttle))]
pub(crate) use parking_lot::{Mutex, MutexGuard};
#[cfg(shuttle)]
pub(crate) use scheduled::{Mutex, MutexGuard};
#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread::{ThreadId, current},
    thread_local,
};
#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread::{ThreadId, current},
    thread_local,
};

/// What the manager uses of `parking_lot`, made of the lock of `shuttle`.
#[cfg(shuttle)]
mod scheduled {
    use std::ops::{Deref, DerefMut};
    use std::sync::PoisonError;

    use shuttle::sync;
    use shuttle::thread::yield_now;

    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    pub(crate) struct MutexGuard<'a, T>(sync::MutexGuard<'a, T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl<T> MutexGuard<'_, T> {
        /// Gives the lock up, and lets any other thread go first.
        pub(crate) fn unlock_fair(guard: Self) {
            drop(guard);
            yield_now();
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.0
        }
    }
}
