//! Which managers' callbacks are running on this thread (CB-4).

use std::cell::RefCell;
use std::sync::Arc;

use super::Shared;
use crate::lock::thread_local;
use crate::types::address::Address;

thread_local! {
    /// The managers whose callbacks are running on this thread, by address, innermost last.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// This thread is inside a callback of one manager, until this is dropped.
pub(super) struct Inside;

impl Inside {
    pub(super) fn enter<A: Address>(manager: &Arc<Shared<A>>) -> Self {
        // The thread's locals are gone while it ends; what calls the manager then has no callback around it.
        let _ended = INSIDE.try_with(|inside| inside.borrow_mut().push(address(manager)));
        Self
    }

    pub(super) fn is<A: Address>(manager: &Arc<Shared<A>>) -> bool {
        INSIDE.try_with(|inside| inside.borrow().contains(&address(manager))).unwrap_or(false)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ended = INSIDE.try_with(|inside| inside.borrow_mut().pop());
    }
}

fn address<A: Address>(manager: &Arc<Shared<A>>) -> usize {
    Arc::as_ptr(manager).addr()
}
