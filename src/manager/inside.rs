//! Which managers' callbacks are running on this thread, and who is to be told when they have returned (CB-4).

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use super::Shared;
use super::due::Due;
use crate::lock::thread_local;
use crate::types::address::Address;

thread_local! {
    /// The foreign code that runs on this thread, innermost last.
    #[cfg_attr(not(shuttle), expect(clippy::missing_const_for_thread_local, reason = "a scheduler's has no constants"))]
    static INSIDE: RefCell<Vec<Frame>> = RefCell::new(Vec::new());
}

/// Foreign code that one manager is running.
struct Frame {
    /// Which manager, by address.
    manager: usize,
    /// Who is to be told of what the foreign code has caused, once it has returned.
    due: Option<Box<Due>>,
    /// The source about which it is the RIB that is asked.
    looked_up: Option<IpAddr>,
}

/// This thread runs foreign code for a manager, until this is left or dropped.
pub(super) struct Inside;

impl Inside {
    pub(super) fn enter<A: Address>(manager: &Arc<Shared<A>>) -> Self {
        Self::enter_frame(Frame { manager: address(manager), due: None, looked_up: None })
    }

    /// The same, of a RIB that is asked about `source`.
    pub(super) fn look_up<A: Address>(manager: &Arc<Shared<A>>, source: A) -> Self {
        let looked_up = Some(source.into());
        Self::enter_frame(Frame { manager: address(manager), due: None, looked_up })
    }

    fn enter_frame(frame: Frame) -> Self {
        // The thread's locals are gone while it ends; what calls the manager then has no callback around it.
        let _ended = INSIDE.try_with(|inside| inside.borrow_mut().push(frame));
        Self
    }

    /// The foreign code has returned. Says who is to be told of what it caused.
    pub(super) fn leave(self) -> Due {
        std::mem::forget(self);
        pop()
    }

    /// The sources about which this thread is asking the RIB of `manager`, one inside the other.
    pub(super) fn looked_up<A: Address>(manager: &Arc<Shared<A>>) -> Vec<IpAddr> {
        let of_manager = |inside: &RefCell<Vec<Frame>>| {
            let inside = inside.borrow();
            let frames = inside.iter().filter(|frame| frame.manager == address(manager));
            frames.filter_map(|frame| frame.looked_up).collect()
        };
        INSIDE.try_with(of_manager).unwrap_or_default()
    }

    /// Leaves it to the foreign code that this thread runs for `manager` to tell, when that has returned; gives it back
    /// if there is none.
    pub(super) fn postpone<A: Address>(manager: &Arc<Shared<A>>, due: Due) -> Option<Due> {
        if due.is_empty() {
            return None;
        }
        let mut due = Some(due);
        let _ended = INSIDE.try_with(|inside| {
            let mut inside = inside.borrow_mut();
            let frame = inside.iter_mut().rev().find(|frame| frame.manager == address(manager));
            if let Some(frame) = frame
                && let Some(due) = due.take()
            {
                frame.due.get_or_insert_default().add(due);
            }
        });
        due
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(pop());
    }
}

fn pop() -> Due {
    let frame = INSIDE.try_with(|inside| inside.borrow_mut().pop()).ok().flatten();
    frame.and_then(|frame| frame.due).map(|due| *due).unwrap_or_default()
}

fn address<A: Address>(manager: &Arc<Shared<A>>) -> usize {
    Arc::as_ptr(manager).addr()
}
