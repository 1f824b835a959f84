//! What the test wants to be done inside the calls of the manager, and what clients answer.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;

use mgm::record::Callback;
use mgm::{
    AlertMode, ClientName, ClientRef, CreationMode, CreationOif, IgmpCallbacks, Interface, NewMfe,
    ProtocolCallbacks, Route, RpfRequest,
};
use parking_lot::Mutex;

use super::{Call, Family, Party, What};

/// What the test has to say to the clients.
pub(crate) struct Script<A: Family>(Mutex<State<A>>);

struct State<A: Family> {
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

impl<A: Family> Script<A> {
    pub(super) fn new() -> Self {
        let (hooks, answers) = Default::default();
        Self(Mutex::new(State { hooks, answers, panics: 0 }))
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

    fn called(&self, me: &ClientRef<A>, callback: &Callback<A>) {
        let call = Call { to: Party::Client(me.name()), what: What::from(callback) };
        let mut state = self.0.lock();
        let found = state.hooks.iter().position(|hook| (hook.is_for)(&call));
        let hook = found.map(|found| state.hooks.remove(found));
        drop(state);
        if let Some(hook) = hook {
            (hook.then)(me);
        }
    }

    fn alerted(&self, me: &ClientRef<A>, alert: mgm::Alert<A>) {
        let callback = Callback::Alert(alert);
        self.called(me, &callback);
        if let Some(then) = self.answer(me, |answers| answers.alert.clone()) {
            then(me, &What::from(&callback));
        }
    }

    fn answer<T>(&self, me: &ClientRef<A>, which: impl FnOnce(&Answers<A>) -> Option<T>) -> Option<T> {
        self.0.lock().answers.get(&me.name()).and_then(which)
    }
}

/// Callbacks that do what the script says.
pub(crate) struct Mock<A: Family> {
    pub(super) script: Arc<Script<A>>,
    pub(super) mode: CreationMode,
    pub(super) alert_mode: AlertMode,
}

impl<A: Family> IgmpCallbacks<A> for Mock<A> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.script.called(igmp, &Callback::DisableIgmp { interface });
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.script.called(igmp, &Callback::EnableIgmp { interface });
    }

    fn alert_mode(&self) -> AlertMode {
        self.alert_mode
    }

    fn alert(&self, igmp: &ClientRef<A>, alert: mgm::Alert<A>) {
        self.script.alerted(igmp, alert);
    }
}

impl<A: Family> ProtocolCallbacks<A> for Mock<A> {
    fn creation_mode(&self) -> CreationMode {
        self.mode
    }

    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        let RpfRequest { source, group, arrival, route, header, .. } = *request;
        let callback = Callback::Rpf { source, group, arrival, route, header: header.to_vec() };
        self.script.called(client, &callback);
        let answer = self.script.answer(client, |answers| answers.rpf.clone());
        answer.map_or(route, |answer| answer(client, request))
    }

    fn creation_alert(&self, client: &ClientRef<A>, mfe: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        self.script.called(client, &Callback::CreationAlert { mfe: *mfe, oifs: oifs.to_vec() });
        if let Some(answer) = self.script.answer(client, |answers| answers.creation.clone()) {
            answer(client, oifs);
        }
    }

    fn alert(&self, client: &ClientRef<A>, alert: mgm::Alert<A>) {
        self.script.alerted(client, alert);
    }
}
