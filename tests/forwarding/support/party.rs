//! A client that notes what it is asked and told, and does what the test says.

use std::sync::Arc;

use mgm::{
    AlertCause, ClientRef, CreationMode, CreationOif, Entry, GroupAddr, IgmpCallbacks, Interface, NewMfe,
    ProtocolCallbacks, Route, RpfRequest, SourceAddr,
};
use parking_lot::Mutex;

use super::Log;
use super::names::{Family, entry, name, pair};

type Rpf<A> = dyn Fn(&ClientRef<A>, &RpfRequest<'_, A>) -> Route<A> + Send + Sync;
type Creation<A> = dyn Fn(&ClientRef<A>, &mut [CreationOif<A>]) + Send + Sync;
type Alert<A> = dyn Fn(&ClientRef<A>, &str) + Send + Sync;

pub(crate) struct Party<A: Family> {
    name: &'static str,
    mode: CreationMode,
    log: Log,
    rpf: Mutex<Option<Arc<Rpf<A>>>>,
    creation: Mutex<Option<Arc<Creation<A>>>>,
    alert: Mutex<Option<Arc<Alert<A>>>>,
}

impl<A: Family> Party<A> {
    pub(crate) fn new(name: &'static str, mode: CreationMode, log: Log) -> Arc<Self> {
        let (rpf, creation, alert) = Default::default();
        Arc::new(Self { name, mode, log, rpf, creation, alert })
    }

    /// Answers `rpf` so from now on.
    pub(crate) fn rpf(
        &self,
        answer: impl Fn(&ClientRef<A>, &RpfRequest<'_, A>) -> Route<A> + Send + Sync + 'static,
    ) {
        *self.rpf.lock() = Some(Arc::new(answer));
    }

    /// Answers `rpf` with the RIB's route, after doing something the first time.
    pub(crate) fn once_in_rpf(&self, then: impl FnOnce(&ClientRef<A>) + Send + 'static) {
        let then = Mutex::new(Some(then));
        self.rpf(move |client, request| {
            let then = then.lock().take();
            then.into_iter().for_each(|then| then(client));
            request.route
        });
    }

    /// Answers `creation_alert` so from now on.
    pub(crate) fn creation(
        &self,
        answer: impl Fn(&ClientRef<A>, &mut [CreationOif<A>]) + Send + Sync + 'static,
    ) {
        *self.creation.lock() = Some(Arc::new(answer));
    }

    /// Disables an interface in every new entry.
    pub(crate) fn vetoes(&self, interface: Interface<A>) {
        self.answers(interface, false);
    }

    /// Enables or disables an interface in every new entry.
    pub(crate) fn answers(&self, interface: Interface<A>, enabled: bool) {
        self.creation(move |_, oifs| {
            oifs.iter_mut()
                .filter(|oif| oif.interface() == interface)
                .for_each(|oif| oif.set_enabled(enabled));
        });
    }

    /// Does this in `creation_alert`, the first time.
    pub(crate) fn once_in_creation(&self, then: impl FnOnce(&ClientRef<A>) + Send + 'static) {
        let then = Mutex::new(Some(then));
        self.creation(move |client, _| {
            let then = then.lock().take();
            then.into_iter().for_each(|then| then(client));
        });
    }

    /// Does this in every alert, whose line in the log it is given.
    pub(crate) fn alert(&self, then: impl Fn(&ClientRef<A>, &str) + Send + Sync + 'static) {
        *self.alert.lock() = Some(Arc::new(then));
    }

    fn told(&self, client: &ClientRef<A>, news: &str) {
        let line = format!("{}: {news}", self.name);
        self.log.note(line.clone());
        let then = self.alert.lock().clone();
        if let Some(then) = then {
            then(client, &line);
        }
    }
}

impl<A: Family> IgmpCallbacks<A> for Party<A> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.told(igmp, &format!("disable {}", name(interface)));
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.told(igmp, &format!("enable {}", name(interface)));
    }

    fn interface_removed(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.told(igmp, &format!("removed {}", name(interface)));
    }
}

impl<A: Family> ProtocolCallbacks<A> for Party<A> {
    fn creation_mode(&self) -> CreationMode {
        self.mode
    }

    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        let RpfRequest { source, group, arrival, route, .. } = *request;
        let (arrival, via) = (name(arrival), name(route.interface));
        self.log.note(format!("{}: rpf {} from {arrival} via {via}", self.name, pair(source, group)));
        let answer = self.rpf.lock().clone();
        answer.map_or(route, |answer| answer(client, request))
    }

    fn creation_alert(&self, client: &ClientRef<A>, mfe: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        let mut line =
            format!("{}: creation {} on {}:", self.name, pair(mfe.source, mfe.group), name(mfe.iif));
        for oif in oifs.iter() {
            let enabled = if oif.is_enabled() { "+" } else { "-" };
            let igmp = if oif.igmp() { "igmp" } else { "" };
            line.push_str(&format!(" {}{enabled}{igmp}", name(oif.interface())));
        }
        self.log.note(line);
        let answer = self.creation.lock().clone();
        if let Some(answer) = answer {
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
        self.told(client, &format!("wrong_interface {} {} {header:?}", name(on), pair(source, group)));
    }

    fn join_alert(&self, client: &ClientRef<A>, of: Entry<A>, cause: AlertCause) {
        self.told(client, &format!("join {} by {cause}", entry(of)));
    }

    fn prune_alert(&self, client: &ClientRef<A>, of: Entry<A>, cause: AlertCause) {
        self.told(client, &format!("prune {} by {cause}", entry(of)));
    }

    fn local_join(&self, client: &ClientRef<A>, on: Interface<A>, of: Entry<A>) {
        self.told(client, &format!("local_join {} {}", name(on), entry(of)));
    }

    fn local_leave(&self, client: &ClientRef<A>, on: Interface<A>, of: Entry<A>) {
        self.told(client, &format!("local_leave {} {}", name(on), entry(of)));
    }

    fn local_block(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.told(client, &format!("local_block {} {}", name(on), pair(source, group)));
    }

    fn local_unblock(
        &self,
        client: &ClientRef<A>,
        on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.told(client, &format!("local_unblock {} {}", name(on), pair(source, group)));
    }

    fn interface_removed(&self, client: &ClientRef<A>, interface: Interface<A>) {
        self.told(client, &format!("removed {}", name(interface)));
    }
}
