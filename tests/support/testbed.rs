//! A manager whose calls are recorded, and the assertions about them.

use std::fmt::Debug;
use std::sync::Arc;
use std::thread;

use mgm::record::{Callback, Party};
use mgm::testing::Log;
use mgm::{
    AlertMode, Builder, Client, ClientId, ClientRef, CreationMode, CreationOif, Interface, Limits, Mgm,
    Route, RpfRequest,
};

use super::{Acts, BGMP, Call, DVMRP, Family, Mock, Named, PIM, Script, Spy, Watchdog, What, boom, eth};

/// A manager, and the calls that it makes to its clients, its RIB and its forwarder, in one order.
///
/// A test acts, and then says which calls that made; what is to be done inside a call it says before. At its end
/// all of that has been done, the forwarder is in step (unless it was made to fail), and nothing has panicked: a failed
/// assertion inside a call is a panic.
pub(crate) struct Testbed<A: Family> {
    pub(crate) mgm: Mgm<A>,
    pub(crate) forwarder: Arc<Spy<A>>,
    log: Log<A>,
    script: Arc<Script<A>>,
    _watchdog: Watchdog,
}

impl<A: Family> Testbed<A> {
    /// A manager without a RIB.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        Self::with(|builder| builder.limits(limits))
    }

    pub(crate) fn with(options: impl FnOnce(Builder<A>) -> Builder<A>) -> Self {
        let (log, forwarder) = (Log::new(), Arc::new(Spy::new()));
        let builder = Builder::new().forwarder(Arc::clone(&forwarder)).record(log.sink());
        let (mgm, script) = (options(builder).build(), Arc::new(Script::new()));
        Self { mgm, forwarder, log, script, _watchdog: Watchdog::new() }
    }

    pub(crate) fn igmp(&self) -> Client<A> {
        self.mgm.register_igmp(self.mock()).unwrap()
    }

    /// Registers an IGMP that is told of joins and prunes (CL-6).
    pub(crate) fn told_igmp(&self) -> Client<A> {
        let mock = Mock { alert_mode: AlertMode::JoinsAndPrunes, ..self.mock() };
        self.mgm.register_igmp(mock).unwrap()
    }

    pub(crate) fn protocol(&self, id: ClientId) -> Client<A> {
        self.mgm.register_protocol(id, self.mock()).unwrap()
    }

    /// IGMP and PIM on eth1, and DVMRP, which looks on.
    pub(crate) fn three(&self) -> [Client<A>; 3] {
        let (igmp, pim, dvmrp) = (self.igmp(), self.protocol(PIM), self.protocol(DVMRP));
        pim.takes(eth(1));
        igmp.takes(eth(1));
        [igmp, pim, dvmrp]
    }

    /// IGMP on eth1, and PIM on nothing.
    pub(crate) fn igmp_alone(&self) -> (Arc<Client<A>>, Arc<Client<A>>) {
        let (igmp, pim) = (self.igmp(), self.protocol(PIM));
        igmp.takes(eth(1));
        (Arc::new(igmp), Arc::new(pim))
    }

    /// IGMP on eth1, and PIM, which owns it.
    pub(crate) fn igmp_beside_the_owner(&self) -> (Arc<Client<A>>, Arc<Client<A>>) {
        let (igmp, pim) = (self.igmp(), self.protocol(PIM));
        pim.takes(eth(1));
        igmp.takes(eth(1));
        (Arc::new(igmp), Arc::new(pim))
    }

    /// Three protocols with an interface each, and IGMP with one of its own: eth1 to eth4.
    pub(crate) fn four(&self) -> [Client<A>; 4] {
        let clients = [self.protocol(PIM), self.protocol(DVMRP), self.protocol(BGMP), self.igmp()];
        clients.iter().zip(1..).for_each(|(client, index)| client.takes(eth(index)));
        clients
    }

    /// Registers a protocol that is asked about every new entry.
    pub(crate) fn flooder(&self, id: ClientId) -> Client<A> {
        let mock = Mock { mode: CreationMode::Always, ..self.mock() };
        self.mgm.register_protocol(id, mock).unwrap()
    }

    pub(crate) fn mock(&self) -> Mock<A> {
        let script = Arc::clone(&self.script);
        Mock { script, mode: CreationMode::WithOifs, alert_mode: AlertMode::None }
    }

    /// Does `then` inside the next such call, as the client that is called.
    pub(crate) fn inside(&self, call: Call<A>, then: impl FnOnce(&ClientRef<A>) + Send + 'static) {
        self.script.inside(move |made| *made == call, then);
    }

    /// Panics inside the next such call.
    pub(crate) fn panic_inside(&self, call: Call<A>) {
        self.script.expect_panics(self.script.expected_panics() + 1);
        self.inside(call, |_| boom());
    }

    /// Does `then` inside the next call of this kind to the client.
    pub(crate) fn inside_next(
        &self,
        to: impl Named,
        kind: impl Fn(&What<A>) -> bool + Send + 'static,
        then: impl FnOnce(&ClientRef<A>) + Send + 'static,
    ) {
        let to = to.named();
        self.script.inside(move |call| call.is_to(to) && kind(&call.what), then);
    }

    /// Does `then` inside every alert of this client, which it is given.
    pub(crate) fn inside_alerts(
        &self,
        of: impl Named,
        then: impl Fn(&ClientRef<A>, &What<A>) + Send + Sync + 'static,
    ) {
        self.script.answers(of.named(), |answers| answers.alert = Some(Arc::new(then)));
    }

    /// Answers `rpf` so from now on, and not with the RIB's route.
    pub(crate) fn answer_rpf(
        &self,
        of: impl Named,
        answer: impl Fn(&ClientRef<A>, &RpfRequest<'_, A>) -> Route<A> + Send + Sync + 'static,
    ) {
        self.script.answers(of.named(), |answers| answers.rpf = Some(Arc::new(answer)));
    }

    /// Answers `creation_alert` so from now on.
    pub(crate) fn answer_creation(
        &self,
        of: impl Named,
        answer: impl Fn(&ClientRef<A>, &mut [CreationOif<A>]) + Send + Sync + 'static,
    ) {
        self.script.answers(of.named(), |answers| answers.creation = Some(Arc::new(answer)));
    }

    /// Enables an interface in every new entry.
    pub(crate) fn enable_in_creation(&self, of: impl Named, on: Interface<A>) {
        let on = move |oif: &&mut CreationOif<A>| oif.interface() == on;
        self.answer_creation(of, move |_, oifs| {
            oifs.iter_mut().filter(on).for_each(|oif| oif.set_enabled(true));
        });
    }

    /// Disables an interface in every new entry.
    pub(crate) fn disable_in_creation(&self, of: impl Named, on: Interface<A>) {
        let on = move |oif: &&mut CreationOif<A>| oif.interface() == on;
        self.answer_creation(of, move |_, oifs| {
            oifs.iter_mut().filter(on).for_each(|oif| oif.set_enabled(false));
        });
    }

    /// The calls since the last time.
    pub(crate) fn calls(&self) -> Vec<Call<A>> {
        let calls = self.log.calls();
        self.log.clear();
        // What the forwarder has counted is no matter of these tests.
        let calls = calls
            .into_iter()
            .filter(|called| !matches!(called.callback, Callback::Stats { .. } | Callback::Settled { .. }));
        calls.map(Call::from).collect()
    }

    /// The calls of clients since the last time; the others are forgotten.
    pub(crate) fn callbacks(&self) -> Vec<Call<A>> {
        let mut calls = self.calls();
        calls.retain(|call| matches!(call.to, Party::Client(_)));
        calls
    }

    /// The calls of the forwarder since the last time; the others are forgotten.
    pub(crate) fn commands(&self) -> Vec<Call<A>> {
        let mut calls = self.calls();
        calls.retain(|call| call.to == Party::Forwarder);
        calls
    }

    /// The calls so far are no matter of this test.
    pub(crate) fn forget_calls(&self) {
        drop(self.calls());
    }

    /// Fails unless these are the calls since the last time, in this order.
    #[track_caller]
    pub(crate) fn assert_calls(&self, expected: impl AsRef<[Call<A>]>) {
        assert_same(&self.calls(), expected.as_ref());
        self.assert_in_step();
    }

    /// Fails unless these are the calls of clients since the last time, in this order; others do not matter.
    #[track_caller]
    pub(crate) fn assert_callbacks(&self, expected: impl AsRef<[Call<A>]>) {
        assert_same(&self.callbacks(), expected.as_ref());
        self.assert_in_step();
    }

    /// Fails unless these are the calls of clients since the last time, in any order.
    #[track_caller]
    pub(crate) fn assert_callbacks_in_any_order(&self, expected: impl AsRef<[Call<A>]>) {
        assert_same_set(self.callbacks(), expected.as_ref());
        self.assert_in_step();
    }

    /// Fails unless these are the calls of clients since the last time, those to each client in this order.
    #[track_caller]
    pub(crate) fn assert_callbacks_of_each(&self, expected: impl AsRef<[Call<A>]>) {
        let by_client = |calls: &[Call<A>]| {
            let mut calls = calls.to_vec();
            calls.sort_by_key(|call| if let Party::Client(name) = call.to { Some(name) } else { None });
            calls
        };
        assert_same(&by_client(&self.callbacks()), &by_client(expected.as_ref()));
        self.assert_in_step();
    }

    /// Fails unless these are the calls of the forwarder since the last time, in this order; others do not matter.
    #[track_caller]
    pub(crate) fn assert_commands(&self, expected: impl AsRef<[Call<A>]>) {
        assert_same(&self.commands(), expected.as_ref());
    }

    /// Fails unless so many panics were caught, all of which the test has caused.
    #[track_caller]
    pub(crate) fn assert_panics(&self, caught: u64) {
        assert_eq!(self.mgm.caught_panics(), caught, "caught panics");
        self.script.expect_panics(caught);
    }

    /// FW-12: the forwarder holds exactly the manager's entries.
    #[track_caller]
    pub(crate) fn assert_in_step(&self) {
        let entries: Vec<_> = self.mgm.mfes().map(super::entry_of).collect();
        assert_same(&self.forwarder.entries(), &entries);
        assert_eq!(self.mgm.forwarder_failures(), []);
    }
}

impl<A: Family> Drop for Testbed<A> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.forwarder.recover(); // for the manager, which empties it: at no gate
        } else {
            self.script.assert_all_done();
            assert_eq!(self.mgm.caught_panics(), self.script.expected_panics(), "caught panics");
            self.mgm.check().unwrap();
            if !self.forwarder.is_faulty() {
                self.assert_in_step();
            }
        }
    }
}

#[track_caller]
fn assert_same<T: Debug + PartialEq>(made: &[T], expected: &[T]) {
    let lines = |all: &[T]| all.iter().map(|one| format!("\n  {one:?}")).collect::<String>();
    assert!(made == expected, "made:{}\nexpected:{}", lines(made), lines(expected));
}

#[track_caller]
fn assert_same_set<T: Debug + PartialEq>(mut made: Vec<T>, expected: &[T]) {
    made.sort_by_key(|one| expected.iter().position(|other| other == one).unwrap_or(usize::MAX));
    assert_same(&made, expected);
}
