//! What the manager calls is written down here, and does what the test wants to be done inside the call.

use std::collections::BTreeMap;
use std::mem;
use std::num::NonZeroU32;
use std::panic::resume_unwind;
use std::sync::Arc;

use mgm::{
    AlertCause, AlertMode, ClientName, ClientRef, CreationMode, CreationOif, Entry, GroupAddr, IgmpCallbacks,
    Interface, NewMfe, ProtocolCallbacks, Route, RpfRequest, SourceAddr,
};
use parking_lot::Mutex;

use super::{Call, Family, Offer, Party, What};

/// The calls to all parties, in one order, and what the test has to say to them.
pub(crate) struct Record<A: Family>(Mutex<State<A>>);

struct State<A: Family> {
    calls: Vec<Call<A>>,
    hooks: Vec<Hook<A>>,
    answers: BTreeMap<ClientName, Answers<A>>,
    panics: u64,
}

struct Hook<A: Family> {
    is_for: Box<IsFor<A>>,
    then: Box<Then<A>>,
}

type IsFor<A> = dyn Fn(&Call<A>) -> bool + Send;
type Then<A> = dyn FnOnce(&ClientRef<A>) + Send;
type Rpf<A> = dyn Fn(&ClientRef<A>, &RpfRequest<'_, A>) -> Route<A> + Send + Sync;
type Creation<A> = dyn Fn(&ClientRef<A>, &mut [CreationOif<A>]) + Send + Sync;
type Alert<A> = dyn Fn(&ClientRef<A>, &What<A>) + Send + Sync;

/// What one client does from now on, whenever it is called.
pub(super) struct Answers<A: Family> {
    pub(super) rpf: Option<Arc<Rpf<A>>>,
    pub(super) creation: Option<Arc<Creation<A>>>,
    pub(super) alert: Option<Arc<Alert<A>>>,
}

/// Panics without the message that `panic!` would print.
pub(crate) fn boom() -> ! {
    resume_unwind(Box::new("boom"))
}

impl<A: Family> Record<A> {
    pub(super) fn new() -> Self {
        let (calls, hooks, answers) = Default::default();
        Self(Mutex::new(State { calls, hooks, answers, panics: 0 }))
    }

    pub(super) fn take(&self) -> Vec<Call<A>> {
        mem::take(&mut self.0.lock().calls)
    }

    pub(super) fn inside(
        &self,
        is_for: impl Fn(&Call<A>) -> bool + Send + 'static,
        then: impl FnOnce(&ClientRef<A>) + Send + 'static,
    ) {
        self.0.lock().hooks.push(Hook { is_for: Box::new(is_for), then: Box::new(then) });
    }

    pub(super) fn answers(&self, of: ClientName, set: impl FnOnce(&mut Answers<A>)) {
        let (rpf, creation, alert) = Default::default();
        set(self.0.lock().answers.entry(of).or_insert(Answers { rpf, creation, alert }));
    }

    pub(super) fn expected_panics(&self) -> u64 {
        self.0.lock().panics
    }

    pub(super) fn expect_panics(&self, in_all: u64) {
        self.0.lock().panics = in_all;
    }

    pub(super) fn assert_all_done(&self) {
        let left = self.0.lock().hooks.len();
        assert_eq!(left, 0, "so many calls never came in which the test wanted to do something");
    }

    pub(super) fn note(&self, to: Party, what: What<A>) {
        self.0.lock().calls.push(Call { to, what });
    }

    fn called(&self, me: &ClientRef<A>, what: What<A>) {
        let call = Call { to: Party::Client(me.name()), what };
        let mut state = self.0.lock();
        let found = state.hooks.iter().position(|hook| (hook.is_for)(&call));
        let hook = found.map(|found| state.hooks.remove(found));
        state.calls.push(call);
        drop(state);
        if let Some(hook) = hook {
            (hook.then)(me);
        }
    }

    fn alerted(&self, me: &ClientRef<A>, what: What<A>) {
        self.called(me, what.clone());
        if let Some(then) = self.answer(me, |answers| answers.alert.clone()) {
            then(me, &what);
        }
    }

    fn answer<T>(&self, me: &ClientRef<A>, which: impl FnOnce(&Answers<A>) -> Option<T>) -> Option<T> {
        self.0.lock().answers.get(&me.name()).and_then(which)
    }
}

/// Callbacks that are recorded.
pub(crate) struct Mock<A: Family> {
    pub(super) record: Arc<Record<A>>,
    pub(super) mode: CreationMode,
    pub(super) alert_mode: AlertMode,
}

impl<A: Family> IgmpCallbacks<A> for Mock<A> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.record.called(igmp, What::DisableIgmp(interface));
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.record.called(igmp, What::EnableIgmp(interface));
    }

    fn alert_mode(&self) -> AlertMode {
        self.alert_mode
    }

    fn join_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.record.alerted(igmp, What::Join(entry, cause));
    }

    fn prune_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.record.alerted(igmp, What::Prune(entry, cause));
    }

    fn wrong_interface(
        &self,
        igmp: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
        let mfe = Entry::SourceGroup(source, group);
        self.record.alerted(igmp, What::WrongInterface { on, mfe, header: header.to_vec() });
    }

    fn interface_removed(&self, igmp: &ClientRef<A>, index: NonZeroU32) {
        self.record.alerted(igmp, What::InterfaceRemoved(index));
    }
}

impl<A: Family> ProtocolCallbacks<A> for Mock<A> {
    fn creation_mode(&self) -> CreationMode {
        self.mode
    }

    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        let RpfRequest { source, group, arrival, route, .. } = *request;
        let mfe = Entry::SourceGroup(source, group);
        self.record.called(client, What::Rpf { mfe, arrived: arrival, via: route.interface });
        let answer = self.record.answer(client, |answers| answers.rpf.clone());
        answer.map_or(route, |answer| answer(client, request))
    }

    fn creation_alert(&self, client: &ClientRef<A>, mfe: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        let (iif, mfe) = (mfe.iif, Entry::SourceGroup(mfe.source, mfe.group));
        let offers = oifs.iter().map(Offer::from).collect();
        self.record.called(client, What::Creation { mfe, iif, oifs: offers });
        if let Some(answer) = self.record.answer(client, |answers| answers.creation.clone()) {
            answer(client, oifs);
        }
    }

    fn wrong_interface(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
        let mfe = Entry::SourceGroup(source, group);
        self.record.alerted(client, What::WrongInterface { on, mfe, header: header.to_vec() });
    }

    fn join_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.record.alerted(client, What::Join(entry, cause));
    }

    fn prune_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {
        self.record.alerted(client, What::Prune(entry, cause));
    }

    fn local_join(&self, client: &ClientRef<A>, on: Interface<A>, entry: Entry<A>) {
        self.record.alerted(client, What::LocalJoin(on, entry));
    }

    fn local_leave(&self, client: &ClientRef<A>, on: Interface<A>, entry: Entry<A>) {
        self.record.alerted(client, What::LocalLeave(on, entry));
    }

    fn local_block(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.record.alerted(client, What::LocalBlock(on, Entry::SourceGroup(source, group)));
    }

    fn local_unblock(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.record.alerted(client, What::LocalUnblock(on, Entry::SourceGroup(source, group)));
    }

    fn interface_removed(&self, client: &ClientRef<A>, index: NonZeroU32) {
        self.record.alerted(client, What::InterfaceRemoved(index));
    }
}
