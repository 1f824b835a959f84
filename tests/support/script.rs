//! The callbacks of all parties, expected in one order.

use std::collections::VecDeque;
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::{mem, panic, thread};

use mgm::{
    Address, AlertCause, Client, ClientId, ClientName, ClientRef, Entry, GroupAddr, IgmpCallbacks, Interface,
    Mgm, ProtocolCallbacks, SourceAddr,
};
use parking_lot::Mutex;

/// A manager, and the callbacks that IGMP and all protocols together expect of it, in one order.
///
/// Every callback is compared with the front of the queue. What differs is kept and fails
/// [`assert_finished`](Self::assert_finished), for the manager catches a panic in a callback.
pub(crate) struct Script<A: Address> {
    pub(crate) mgm: Mgm<A>,
    queue: Arc<Queue<A>>,
}

/// A callback, with whom it is for and what it is given, as people read it.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Call<A> {
    text: String,
    family: PhantomData<A>,
}

type Hook<A> = Box<dyn FnOnce(&ClientRef<A>) + Send>;

struct Queue<A: Address>(Mutex<State<A>>);

struct State<A: Address> {
    /// Steps one after the other; the calls of one step in any order.
    steps: VecDeque<Vec<(String, Hook<A>)>>,
    panics: u64,
    failure: Option<String>,
    /// What is called when the test lets its clients go is not part of the script.
    over: bool,
}

impl<A: Address> Script<A> {
    pub(crate) fn new() -> Self {
        Self::of(Mgm::default())
    }

    pub(crate) fn of(mgm: Mgm<A>) -> Self {
        let state = State { steps: VecDeque::new(), panics: 0, failure: None, over: false };
        Self { mgm, queue: Arc::new(Queue(Mutex::new(state))) }
    }

    pub(crate) fn igmp(&self) -> Client<A> {
        self.mgm.register_igmp(self.mock()).unwrap()
    }

    pub(crate) fn protocol(&self, id: ClientId) -> Client<A> {
        self.mgm.register_protocol(id, self.mock()).unwrap()
    }

    pub(crate) fn mock(&self) -> Mock<A> {
        Mock(Arc::clone(&self.queue))
    }

    pub(crate) fn expect(&self, call: Call<A>) {
        self.expect_then(call, |_| ());
    }

    /// Runs `then` inside the expected callback, as the client that is called.
    pub(crate) fn expect_then(&self, call: Call<A>, then: impl FnOnce(&ClientRef<A>) + Send + 'static) {
        self.queue.0.lock().steps.push_back(vec![(call.text, Box::new(then))]);
    }

    pub(crate) fn expect_in_any_order(&self, calls: impl IntoIterator<Item = Call<A>>) {
        let nothing = || -> Hook<A> { Box::new(|_| ()) };
        let step = calls.into_iter().map(|call| (call.text, nothing())).collect();
        self.queue.0.lock().steps.push_back(step);
    }

    /// Panics inside the expected callback.
    pub(crate) fn expect_panic(&self, call: Call<A>) {
        self.queue.0.lock().panics += 1;
        // Without the message that `panic!` would print.
        self.expect_then(call, |_| panic::resume_unwind(Box::new("boom")));
    }

    /// Fails unless exactly what was expected has happened. A failed assertion inside a callback is a panic
    /// that was not expected.
    pub(crate) fn assert_finished(&self) {
        let mut state = self.queue.0.lock();
        state.over = true;
        let (failure, steps, panics) = (state.failure.take(), mem::take(&mut state.steps), state.panics);
        drop(state);
        assert_eq!(failure, None);
        let missing: Vec<_> = steps.into_iter().flatten().map(|(call, _)| call).collect();
        assert!(missing.is_empty(), "expected {missing:?} but nothing more was observed");
        assert_eq!(self.mgm.caught_panics(), panics, "panics in callbacks");
    }
}

impl<A: Address> Drop for Script<A> {
    fn drop(&mut self) {
        assert!(thread::panicking() || self.queue.0.lock().over, "the test forgot assert_finished");
    }
}

impl<A: Address> Queue<A> {
    fn observe(&self, me: &ClientRef<A>, call: &str, about: impl Display) {
        let observed = format!("{}: {call} {about}", me.name());
        let then = self.0.lock().next(&observed);
        if let Some(then) = then {
            then(me);
        }
    }
}

impl<A: Address> State<A> {
    fn next(&mut self, observed: &str) -> Option<Hook<A>> {
        if self.over {
            return None;
        }
        let step = self.steps.front_mut();
        let found = step.as_ref().and_then(|step| step.iter().position(|(call, _)| call == observed));
        let (Some(step), Some(found)) = (step, found) else {
            let expected: Vec<_> = self.steps.front().into_iter().flatten().map(|(call, _)| call).collect();
            self.failure
                .get_or_insert_with(|| format!("expected {expected:?} but instead observed {observed:?}"));
            return None;
        };
        let (_, then) = step.remove(found);
        if step.is_empty() {
            self.steps.pop_front();
        }
        Some(then)
    }
}

const fn call<A>(text: String) -> Call<A> {
    Call { text, family: PhantomData }
}

pub(crate) fn disable_igmp<A: Address>(on: Interface<A>) -> Call<A> {
    call(format!("IGMP: disable_igmp {on}"))
}

pub(crate) fn enable_igmp<A: Address>(on: Interface<A>) -> Call<A> {
    call(format!("IGMP: enable_igmp {on}"))
}

pub(crate) fn join_alert<A: Address>(to: ClientId, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: join_alert {entry} by membership"))
}

pub(crate) fn prune_alert<A: Address>(to: ClientId, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: prune_alert {entry} by membership"))
}

pub(crate) fn local_join<A: Address>(to: ClientId, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: local_join {entry} on {on}"))
}

pub(crate) fn local_leave<A: Address>(to: ClientId, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: local_leave {entry} on {on}"))
}

pub(crate) fn local_block<A: Address>(to: ClientId, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: local_block {entry} on {on}"))
}

pub(crate) fn local_unblock<A: Address>(to: ClientId, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(format!("protocol {to}: local_unblock {entry} on {on}"))
}

pub(crate) fn interface_removed<A: Address>(to: ClientName, on: Interface<A>) -> Call<A> {
    call(format!("{to}: interface_removed {on}"))
}

/// Callbacks that follow the script.
pub(crate) struct Mock<A: Address>(Arc<Queue<A>>);

impl<A: Address> IgmpCallbacks<A> for Mock<A> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.0.observe(igmp, "disable_igmp", interface);
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.0.observe(igmp, "enable_igmp", interface);
    }

    fn interface_removed(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.0.observe(igmp, "interface_removed", interface);
    }
}

impl<A: Address> ProtocolCallbacks<A> for Mock<A> {
    fn join_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.0.observe(client, "join_alert", format_args!("{entry} by {cause}"));
    }

    fn prune_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.0.observe(client, "prune_alert", format_args!("{entry} by {cause}"));
    }

    fn local_join(&self, client: &ClientRef<A>, on: Interface<A>, entry: Entry<A>) {
        self.0.observe(client, "local_join", format_args!("{entry} on {on}"));
    }

    fn local_leave(&self, client: &ClientRef<A>, on: Interface<A>, entry: Entry<A>) {
        self.0.observe(client, "local_leave", format_args!("{entry} on {on}"));
    }

    fn local_block(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        let entry = Entry::SourceGroup(source, group);
        self.0.observe(client, "local_block", format_args!("{entry} on {on}"));
    }

    fn local_unblock(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        let entry = Entry::SourceGroup(source, group);
        self.0.observe(client, "local_unblock", format_args!("{entry} on {on}"));
    }

    fn interface_removed(&self, client: &ClientRef<A>, interface: Interface<A>) {
        self.0.observe(client, "interface_removed", interface);
    }
}
