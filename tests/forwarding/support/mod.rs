//! What the tests share: a router with named parties, and one log of all that happens to them.

mod names;
mod party;
mod rib;
mod spy;

use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    Builder, Change, Client, ClientId, ClientRef, CreationMode, Entry, Error, ForwardState, Interface,
    Limits, Mfe, Mgm,
};
use parking_lot::Mutex;

pub(crate) use names::*;
pub(crate) use party::*;
pub(crate) use rib::*;
pub(crate) use spy::*;

/// The callbacks of all parties, the calls of the forwarder and the questions to the RIB, in one order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, line: String) {
        self.0.lock().push(line);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// A client with what the test tells it to do in its callbacks.
pub(crate) struct Actor<A: Family> {
    pub(crate) client: Client<A>,
    pub(crate) party: Arc<Party<A>>,
}

impl<A: Family> Deref for Actor<A> {
    type Target = ClientRef<A>;

    fn deref(&self) -> &ClientRef<A> {
        &self.client
    }
}

/// A router: PIM on its two uplinks, DVMRP on two networks, IGMP alone on a third.
///
/// Every route leads over `up`, and PIM's neighbour there.
pub(crate) struct Router<A: Family> {
    pub(crate) mgm: Mgm<A>,
    pub(crate) log: Log,
    pub(crate) rib: Arc<Routes<A>>,
    pub(crate) forwarder: Arc<Spy<A>>,
    pub(crate) pim: Actor<A>,
    pub(crate) dvmrp: Actor<A>,
    pub(crate) igmp: Actor<A>,
    start: Instant,
    now: Mutex<Instant>,
}

impl<A: Family> Router<A> {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        Self::with(|builder| builder.limits(limits))
    }

    pub(crate) fn with(options: impl FnOnce(Builder<A>) -> Builder<A>) -> Self {
        let log = Log::default();
        let rib = Arc::new(Routes::new(log.clone()));
        rib.set(A::everything(), up());
        let forwarder = Arc::new(Spy::new(log.clone()));
        let builder = Mgm::builder().rib(Arc::clone(&rib)).forwarder(Arc::clone(&forwarder));
        let mgm = options(builder).build();
        let party = Party::new("igmp", CreationMode::WithOifs, log.clone());
        let igmp = Actor { client: mgm.register_igmp(Arc::clone(&party)).unwrap(), party };
        let [pim, dvmrp] = ["pim", "dvmrp"].map(|name| protocol(&mgm, &log, name, CreationMode::WithOifs));
        for (client, on) in [(&pim, up()), (&pim, alt()), (&dvmrp, lan()), (&dvmrp, dmz()), (&igmp, stub())] {
            client.take_interface_ownership(on).unwrap();
        }
        let start = Instant::now();
        Self { mgm, log, rib, forwarder, pim, dvmrp, igmp, start, now: Mutex::new(start) }
    }

    /// Registers one more protocol.
    pub(crate) fn protocol(&self, name: &'static str) -> Actor<A> {
        protocol(&self.mgm, &self.log, name, CreationMode::WithOifs)
    }

    /// Registers a protocol that is asked about every new entry.
    pub(crate) fn flooder(&self, name: &'static str) -> Actor<A> {
        protocol(&self.mgm, &self.log, name, CreationMode::Always)
    }

    pub(crate) fn now(&self) -> Instant {
        *self.now.lock()
    }

    pub(crate) fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    /// The forwarder reports a packet for which it has no entry.
    pub(crate) fn packet(&self, source: u16, group: u16, arrival: Interface<A>) {
        self.try_packet(source, group, arrival).unwrap();
    }

    pub(crate) fn try_packet(&self, source: u16, group: u16, arrival: Interface<A>) -> Result<(), Error<A>> {
        self.mgm.packet_received(A::source(source), A::group(group), arrival, &[7, 7], self.now())
    }

    pub(crate) fn wrong_packet(&self, source: u16, group: u16, arrival: Interface<A>) {
        self.mgm.packet_on_wrong_interface(A::source(source), A::group(group), arrival, &[9], self.now());
    }

    /// A packet comes in; says where it was sent, or that the forwarder knows no entry for it.
    pub(crate) fn traffic(&self, source: u16, group: u16, arrival: Interface<A>) -> String {
        let sent = self.forwarder.memory.packet(A::source(source), A::group(group), arrival, 100);
        sent.map_or_else(|| "no entry".to_owned(), |oifs| list(&oifs))
    }

    /// It is so many seconds after the start now. Says when the manager wants to be called again.
    pub(crate) fn expire(&self, seconds: u64) -> Option<u64> {
        *self.now.lock() = self.at(seconds);
        let next = self.mgm.expire(self.now())?;
        Some(next.duration_since(self.start).as_secs())
    }

    pub(crate) fn mfe(&self, source: u16, group: u16) -> Option<Mfe<A>> {
        self.mgm.mfe(A::source(source), A::group(group))
    }

    /// How an entry forwards, as `up -> lan dmz`.
    pub(crate) fn path(&self, source: u16, group: u16) -> String {
        self.mfe(source, group).map_or_else(|| "none".to_owned(), |mfe| path(mfe.iif, &mfe.oifs))
    }

    pub(crate) fn routes_changed(&self) {
        self.mgm.routes_changed(&A::everything());
    }

    /// A route to one source changes, and the manager is told.
    pub(crate) fn reroute(&self, source: u16, interface: Interface<A>) {
        self.rib.set(host::<A>(source), interface);
        self.mgm.routes_changed(&host::<A>(source));
    }

    /// FW-12: the forwarder holds exactly the manager's entries.
    pub(crate) fn assert_in_step(&self) {
        let entries: Vec<_> =
            self.mgm.mfes().map(|mfe| entry_line(mfe.source, mfe.group, mfe.iif, &mfe.oifs)).collect();
        assert_eq!(self.forwarder.entries(), entries, "the forwarder and the manager differ");
        assert_eq!(self.mgm.forwarder_failures(), []);
    }

    /// All that has happened since the last time, in this order.
    #[track_caller]
    pub(crate) fn expect<const N: usize>(&self, lines: [&str; N]) {
        assert_eq!(self.log.take(), lines);
        self.assert_in_step();
    }

    /// All that clients were asked and told since the last time.
    #[track_caller]
    pub(crate) fn expect_news<const N: usize>(&self, lines: [&str; N]) {
        assert_eq!(self.news(), lines);
        self.assert_in_step();
    }

    /// What clients were asked and told since the last time.
    pub(crate) fn news(&self) -> Vec<String> {
        let mut lines = self.log.take();
        lines.retain(|line| !line.starts_with("rib") && !line.starts_with("forwarder"));
        lines
    }

    /// What the forwarder was told since the last time.
    pub(crate) fn commands(&self) -> Vec<String> {
        let mut lines = self.log.take();
        lines.retain(|line| line.starts_with("forwarder"));
        lines
    }
}

fn protocol<A: Family>(mgm: &Mgm<A>, log: &Log, name: &'static str, mode: CreationMode) -> Actor<A> {
    let party = Party::new(name, mode, log.clone());
    let protocol = name.bytes().map(u32::from).sum();
    let id = ClientId { protocol, component: 0 };
    Actor { client: mgm.register_protocol(id, Arc::clone(&party)).unwrap(), party }
}

/// The calls of a client, where a refusal is a failure of the test.
pub(crate) trait Acts<A: Family> {
    fn takes(&self, interface: Interface<A>);
    fn releases(&self, interface: Interface<A>);
    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn blocks(&self, interface: Interface<A>, source: u16, group: u16);
    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16);
    fn forwards(
        &self,
        interface: Interface<A>,
        source: u16,
        group: u16,
        state: impl Into<Option<ForwardState>>,
    ) -> Change;
    fn wants_alerts(&self, interface: Interface<A>);
}

impl<A: Family> Acts<A> for ClientRef<A> {
    fn takes(&self, interface: Interface<A>) {
        self.take_interface_ownership(interface).unwrap();
    }

    fn releases(&self, interface: Interface<A>) {
        self.release_interface_ownership(interface).unwrap();
    }

    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.add_group_membership(interface, entry).unwrap()
    }

    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.delete_group_membership(interface, entry).unwrap()
    }

    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) {
        self.block_source(interface, A::source(source), A::group(group)).unwrap();
    }

    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) {
        self.unblock_source(interface, A::source(source), A::group(group)).unwrap();
    }

    fn forwards(
        &self,
        interface: Interface<A>,
        source: u16,
        group: u16,
        state: impl Into<Option<ForwardState>>,
    ) -> Change {
        self.set_forward_state(interface, A::source(source), A::group(group), state.into()).unwrap()
    }

    fn wants_alerts(&self, interface: Interface<A>) {
        self.set_wrong_interface_alerts(interface, true).unwrap();
    }
}

/// Runs `test`, and fails where it would hang.
pub(crate) fn without_deadlock(test: impl FnOnce() + Send + 'static) {
    let (finished, end) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        finished.send(()).unwrap();
    });
    match end.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs: deadlock"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(panic) = test.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}
