//! What was done on the recorded manager is done again on another one.

use std::fmt;
use std::mem;
use std::net::Ipv4Addr;
use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::script::{Script, Took};
use crate::builder::Builder;
use crate::callbacks::{IgmpCallbacks, ProtocolCallbacks};
use crate::client::{Client, ClientRef};
use crate::forwarder::Forwarder;
use crate::lock::Mutex;
use crate::mgm::Mgm;
use crate::news::News;
use crate::questions::{HandoverCallbacks, Questions};
use crate::record::{Answer, Call, Callback, Caller, Event, Happened, Moment, Party, Setup};
use crate::refresh::Refresh;
use crate::rib::Rib;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::{Alert, AlertMode};
use crate::types::client::ClientName;
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats};
use crate::types::interface::Interface;
use crate::types::membership::{Filter, MembershipChange};
use crate::types::route::Route;

/// What a replay came to.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replay<A: Address = Ipv4Addr> {
    /// All that happened; also what the last calls caused that the recording does not say any more.
    pub events: Vec<Event<A>>,
    /// The first event that is not as recorded.
    pub divergence: Option<Divergence<A>>,
}

/// An event that was recorded, and what came in its place.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Divergence<A: Address = Ipv4Addr> {
    /// What was recorded.
    pub recorded: Event<A>,
    /// What happened now, if anything did.
    pub replayed: Option<Event<A>>,
}

impl<A: Address> fmt::Display for Divergence<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} was recorded as \"{}\"", self.recorded.number, self.recorded)?;
        match &self.replayed {
            Some(replayed) => write!(f, ", and is \"{replayed}\" now"),
            None => f.write_str(", and does not happen now"),
        }
    }
}

/// The first event does not say with what the manager was built, or says what cannot be.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the first event says nothing of a manager that could be built")]
pub struct NotARecording;

/// Does again what was recorded, on a new manager, on this thread; see the [module](super).
///
/// # Errors
///
/// [`NotARecording`]: the events do not begin with one that says with what the manager was built.
pub fn replay<A: Address>(recorded: &[Event<A>]) -> Result<Replay<A>, NotARecording> {
    let Some(Event { happened: Happened::Built(setup), .. }) = recorded.first() else {
        return Err(NotARecording);
    };
    let log = Arc::<Mutex<Vec<Event<A>>>>::new(Mutex::new(Vec::new()));
    let player = Arc::new(Player { script: Mutex::new(Script::new(recorded)), start: start() });
    let mgm = player.build(setup, Arc::clone(&log)).ok_or(NotARecording)?;
    player.script.lock().mgm = Some(mgm);
    for call in recorded.iter().filter(|event| event.inside.is_none()) {
        player.perform(call, None);
    }
    let mut events = mem::take(&mut *log.lock());
    player.end();
    if events.len() < recorded.len() {
        // The recorded manager was dropped as well, and what that caused was recorded.
        events.append(&mut log.lock());
    }
    let pairs = recorded.iter().zip(events.iter().map(Some).chain(std::iter::repeat(None)));
    // The first event names the version of the crate, which may differ from the recorded one.
    let divergence = pairs.skip(1).find(|(recorded, replayed)| Some(*recorded) != *replayed);
    let divergence = divergence
        .map(|(recorded, replayed)| Divergence { recorded: recorded.clone(), replayed: replayed.cloned() });
    Ok(Replay { events, divergence })
}

/// A time from which the clock can count back, as far as a recording may say.
fn start() -> Instant {
    let now = Instant::now();
    now.checked_add(Duration::from_secs(86_400)).unwrap_or(now)
}

struct Player<A: Address> {
    script: Mutex<Script<A>>,
    /// What stands for the first time that the recorded manager was told.
    start: Instant,
}

impl<A: Address> Player<A> {
    fn build(self: &Arc<Self>, setup: &Setup<A>, log: Arc<Mutex<Vec<Event<A>>>>) -> Option<Mgm<A>> {
        let builder =
            Builder::new().set_up(setup)?.forwarder(self.edge()).record(move |event| log.lock().push(event));
        let builder = if setup.rib { builder.rib(self.edge()) } else { builder };
        // That somebody asked for `on_due` is not recorded; the calls show it.
        let has_timer = self.script.lock().due.contains_key(&Party::Timer);
        let builder = if has_timer { builder.on_due(self.timer()) } else { builder };
        Some(builder.build())
    }

    fn timer(self: &Arc<Self>) -> impl Fn(Instant) + Send + Sync + use<A> {
        let player = Arc::downgrade(self);
        move |_| {
            if let Some(player) = player.upgrade() {
                player.called(None, Party::Timer, &Callback::Due);
            }
        }
    }

    fn edge(self: &Arc<Self>) -> Edge<A> {
        Edge { player: Arc::downgrade(self) }
    }

    /// Drops all clients that are left, and the manager.
    fn end(&self) {
        let mut script = self.script.lock();
        let (refreshes, clients) = (mem::take(&mut script.refreshes), mem::take(&mut script.clients));
        let (news, mgm) = (mem::take(&mut script.news), script.mgm.take());
        drop(script);
        drop((refreshes, clients, news, mgm));
    }

    /// The manager calls somebody, inside whose callback the same is done as before.
    fn called(
        self: &Arc<Self>,
        me: Option<&ClientRef<A>>,
        to: Party,
        callback: &Callback<A>,
    ) -> Option<Answer<A>> {
        let found = self.script.lock().take(to, callback);
        let Took { inside, answer } = found?;
        inside.iter().for_each(|call| self.perform(call, me));
        if answer == Some(Answer::Panicked) {
            // This does not run the panic hook, which would print the panic.
            resume_unwind(Box::new("as recorded"));
        }
        answer
    }

    fn perform(self: &Arc<Self>, event: &Event<A>, me: Option<&ClientRef<A>>) {
        let Happened::Called { by, call } = &event.happened else { return };
        match by {
            None => self.report(call),
            Some(caller) => self.ask(*caller, call, me),
        }
    }

    fn mgm(&self) -> Option<Mgm<A>> {
        self.script.lock().mgm.clone()
    }

    fn time(&self, moment: Moment) -> Instant {
        moment.after(self.start).unwrap_or(self.start)
    }

    /// What the system does and reports. What is refused was refused before, or is a divergence that will be seen.
    fn report(self: &Arc<Self>, call: &Call<A>) {
        let Some(mgm) = self.mgm() else { return };
        match call {
            Call::RegisterIgmp { alerts } => {
                let client = mgm.register_igmp(self.voice(*alerts, CreationMode::default()));
                self.enter(client.ok(), None);
            }
            Call::RegisterProtocol { id, creation } => {
                let client = mgm.register_protocol(*id, self.voice(AlertMode::default(), *creation));
                self.enter(client.ok(), None);
            }
            Call::RegisterPolledIgmp { alerts } => {
                let polled = mgm.register_polled_igmp(self.voice(*alerts, CreationMode::default()));
                let (client, news) = polled.ok().unzip();
                self.enter(client, news);
            }
            Call::RegisterPolledProtocol { id, creation } => {
                let polled = mgm.register_polled_protocol(*id, self.voice(AlertMode::default(), *creation));
                let (client, news) = polled.ok().unzip();
                self.enter(client, news);
            }
            Call::WhenSettled { interface } => self.wait(&mgm, *interface),
            Call::InterfaceRemoved { index } => mgm.interface_removed(*index),
            Call::PacketReceived { source, group, arrival, header, now } => {
                let _refused = mgm.packet_received(*source, *group, *arrival, header, self.time(*now));
            }
            Call::PacketOnWrongInterface { source, group, arrival, header, now } => {
                mgm.packet_on_wrong_interface(*source, *group, *arrival, header, self.time(*now));
            }
            Call::RoutesChanged { prefix } => mgm.routes_changed(prefix),
            Call::Expire { now } => {
                let _next = mgm.expire(self.time(*now));
            }
            Call::ForwarderFailed { source, group, error } => mgm.forwarder_failed(*source, *group, *error),
            Call::ForwarderRestarted => mgm.forwarder_restarted(),
            Call::MfeStats { source, group } => {
                let _stats = mgm.mfe_stats(*source, *group);
            }
            Call::Show { now } => {
                let _snapshot = mgm.show(self.time(*now));
            }
            Call::Deregister
            | Call::Drop
            | Call::Take { .. }
            | Call::Release { .. }
            | Call::Change { .. }
            | Call::Batch { .. }
            | Call::Include { .. }
            | Call::Exclude { .. }
            | Call::BeginRefresh { .. }
            | Call::EndRefresh { .. }
            | Call::Offer { .. }
            | Call::WithdrawOffer { .. }
            | Call::SetForwardState { .. }
            | Call::SetMfe { .. }
            | Call::SetMfeTimeout { .. }
            | Call::SetWrongInterfaceAlerts { .. } => {}
        }
    }

    fn voice(self: &Arc<Self>, alerts: AlertMode, creation: CreationMode) -> Voice<A> {
        Voice { player: Arc::downgrade(self), alerts, creation }
    }

    fn enter(&self, client: Option<Client<A>>, news: Option<News<A>>) {
        let mut script = self.script.lock();
        script.clients.extend(client.map(|client| (client.registration(), client)));
        script.news.extend(news);
    }

    fn wait(self: &Arc<Self>, mgm: &Mgm<A>, interface: Interface<A>) {
        let player = Arc::downgrade(self);
        mgm.when_settled(interface, move || {
            if let Some(player) = player.upgrade() {
                player.called(None, Party::Waiter, &Callback::Settled { interface });
            }
        });
    }

    /// What a client asks for, by its own handle, or inside its callbacks by that.
    fn ask(&self, caller: Caller, call: &Call<A>, me: Option<&ClientRef<A>>) {
        let registration = caller.registration;
        if *call == Call::Deregister {
            let client = self.script.lock().clients.remove(&registration);
            if let Some(Err(refused)) = client.map(Client::deregister) {
                self.script.lock().clients.insert(registration, refused.into_client());
            }
            return;
        }
        if *call == Call::Drop {
            let client = self.script.lock().clients.remove(&registration);
            return drop(client);
        }
        if let Call::EndRefresh { refresh, .. } = call {
            let refresh = self.script.lock().refreshes.remove(refresh);
            return refresh.into_iter().for_each(Refresh::end);
        }
        let handle = self.script.lock().clients.get(&registration).map(|client| ClientRef::clone(client));
        let me = me.filter(|me| me.registration() == registration).cloned();
        if let Some(client) = handle.or(me) {
            self.ask_by(&client, call);
        }
    }

    fn ask_by(&self, client: &ClientRef<A>, call: &Call<A>) {
        match call {
            Call::Take { interface } => drop(client.take_interface_ownership(*interface)),
            Call::Release { interface } => drop(client.release_interface_ownership(*interface)),
            Call::Change { interface, change } => drop(match *change {
                MembershipChange::Add(entry) => client.add_group_membership(*interface, entry),
                MembershipChange::Delete(entry) => client.delete_group_membership(*interface, entry),
                MembershipChange::Block(source, group) => client.block_source(*interface, source, group),
                MembershipChange::Unblock(source, group) => client.unblock_source(*interface, source, group),
            }),
            Call::Batch { interface, changes } => drop(client.batch(*interface, changes.iter().copied())),
            Call::Include { interface, group, sources } => {
                drop(client.set_group(*interface, *group, Filter::Include(sources)));
            }
            Call::Exclude { interface, group, sources } => {
                drop(client.set_group(*interface, *group, Filter::Exclude(sources)));
            }
            Call::BeginRefresh { interface, deadline } => {
                if let Ok(refresh) = client.begin_refresh(*interface, self.time(*deadline)) {
                    self.script.lock().refreshes.insert(refresh.number(), refresh);
                }
            }
            Call::Offer { interface, to } => drop(client.offer_interface(*interface, *to)),
            Call::WithdrawOffer { interface } => drop(client.withdraw_offer(*interface)),
            Call::SetForwardState { interface, source, group, state } => {
                drop(client.set_forward_state(*interface, *source, *group, *state));
            }
            Call::SetMfe { source, group, iif, upstream } => {
                drop(client.set_mfe(*source, *group, *iif, *upstream));
            }
            Call::SetMfeTimeout { source, group, timeout } => {
                drop(client.set_mfe_timeout(*source, *group, *timeout));
            }
            Call::SetWrongInterfaceAlerts { interface, on } => {
                drop(client.set_wrong_interface_alerts(*interface, *on));
            }
            Call::Deregister
            | Call::Drop
            | Call::EndRefresh { .. }
            | Call::RegisterIgmp { .. }
            | Call::RegisterProtocol { .. }
            | Call::RegisterPolledIgmp { .. }
            | Call::RegisterPolledProtocol { .. }
            | Call::WhenSettled { .. }
            | Call::InterfaceRemoved { .. }
            | Call::PacketReceived { .. }
            | Call::PacketOnWrongInterface { .. }
            | Call::RoutesChanged { .. }
            | Call::Expire { .. }
            | Call::ForwarderFailed { .. }
            | Call::ForwarderRestarted
            | Call::MfeStats { .. }
            | Call::Show { .. } => {}
        }
    }
}

/// A client that does and answers what it did.
struct Voice<A: Address> {
    player: Weak<Player<A>>,
    alerts: AlertMode,
    creation: CreationMode,
}

impl<A: Address> Voice<A> {
    fn called(&self, me: &ClientRef<A>, callback: &Callback<A>) -> Option<Answer<A>> {
        let to: ClientName = me.name();
        self.player.upgrade()?.called(Some(me), Party::Client(to), callback)
    }
}

/// Of one that polls, what is called is the same.
macro_rules! voice {
    (IGMP $callbacks:ident: $($alert:item)?) => {
        impl<A: Address> $callbacks<A> for Voice<A> {
            fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
                self.called(igmp, &Callback::DisableIgmp { interface });
            }

            fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
                self.called(igmp, &Callback::EnableIgmp { interface });
            }

            fn alert_mode(&self) -> AlertMode {
                self.alerts
            }

            $($alert)?
        }
    };
    (protocol $callbacks:ident: $($alert:item)?) => {
        impl<A: Address> $callbacks<A> for Voice<A> {
            fn creation_mode(&self) -> CreationMode {
                self.creation
            }

            fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
                self.answer_rpf(client, request)
            }

            fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
                self.answer_creation(client, entry, oifs);
            }

            $($alert)?
        }
    };
}

voice!(IGMP IgmpCallbacks:
    fn alert(&self, igmp: &ClientRef<A>, alert: Alert<A>) {
        self.called(igmp, &Callback::Alert(alert));
    }
);
voice!(IGMP HandoverCallbacks:);
voice!(protocol ProtocolCallbacks:
    fn alert(&self, client: &ClientRef<A>, alert: Alert<A>) {
        self.called(client, &Callback::Alert(alert));
    }
);
voice!(protocol Questions:);

impl<A: Address> Voice<A> {
    fn answer_rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        let RpfRequest { source, group, arrival, header, route } = *request;
        let callback = Callback::Rpf { source, group, arrival, header: header.to_vec(), route };
        match self.called(client, &callback) {
            Some(Answer::Route(Some(answer))) => answer,
            Some(_) | None => route,
        }
    }

    fn answer_creation(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        let callback = Callback::CreationAlert { mfe: *entry, oifs: oifs.to_vec() };
        if let Some(Answer::Oifs(answer)) = self.called(client, &callback) {
            oifs.iter_mut().zip(answer).for_each(|(oif, answer)| *oif = answer);
        }
    }
}

/// The RIB and the forwarder, which answer what they answered.
struct Edge<A: Address> {
    player: Weak<Player<A>>,
}

impl<A: Address> Edge<A> {
    fn called(&self, to: Party, callback: &Callback<A>) -> Option<Answer<A>> {
        self.player.upgrade()?.called(None, to, callback)
    }

    fn command(&self, callback: &Callback<A>) -> Result<(), ForwarderError> {
        match self.called(Party::Forwarder, callback) {
            Some(Answer::Failed(error)) => Err(error),
            Some(_) | None => Ok(()),
        }
    }
}

impl<A: Address> Rib<A> for Edge<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        match self.called(Party::Rib, &Callback::Lookup { source }) {
            Some(Answer::Route(route)) => route,
            Some(_) | None => None,
        }
    }
}

impl<A: Address> Forwarder<A> for Edge<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.command(&Callback::Add(entry.clone()))
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.command(&Callback::Change(entry.clone()))
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        self.command(&Callback::Delete { source, group })
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        match self.called(Party::Forwarder, &Callback::Stats { source, group }) {
            Some(Answer::Stats(stats)) => Ok(stats),
            Some(Answer::Failed(error)) => Err(error),
            Some(_) | None => Err(ForwarderError::NoSuchEntry),
        }
    }
}
