//! A manager whose RIB, forwarder and protocols do what a test wants in the middle of being asked.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{
    AlertCause, Builder, Client, ClientId, ClientRef, CreationMode, CreationOif, Entry, Forwarder,
    ForwarderError, ForwardingEntry, GroupAddr, Interface, MemoryForwarder, Mfe, MfeStats, Mgm, NewMfe,
    ProtocolCallbacks, Rib, Route, RpfRequest, SourceAddr,
};

/// An entry made at the start has had its time by then.
pub(crate) const LIFE: Duration = Duration::from_secs(901);

pub(crate) fn eth(index: u32) -> Interface {
    Interface::try_from(index).unwrap()
}

pub(crate) fn s() -> SourceAddr {
    "198.51.100.7".parse().unwrap()
}

pub(crate) fn g() -> GroupAddr {
    "239.1.1.1".parse().unwrap()
}

/// (\*,G)
pub(crate) fn star() -> Entry {
    Entry::Group(g())
}

/// The route to `s()` and its neighbours.
pub(crate) fn via(index: u32) -> Route {
    Route::new("198.51.100.0/24".parse().unwrap(), eth(index))
}

/// A route to other sources changes.
pub(crate) fn other_routes_change(mgm: &Mgm) {
    mgm.routes_changed(&"203.0.113.0/24".parse().unwrap());
}

pub(crate) const fn id(protocol: u32) -> ClientId {
    ClientId { protocol, component: 0 }
}

/// A RIB with one route, and what it does between reading that and answering, with how often it was asked before.
#[derive(Default)]
pub(crate) struct Routes {
    route: Mutex<Option<Route>>,
    lookups: AtomicUsize,
    pub(crate) hook: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
}

impl Routes {
    pub(crate) fn set(&self, route: Option<Route>) {
        *self.route.lock().unwrap() = route;
    }

    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(SeqCst)
    }
}

impl Rib for Routes {
    fn lookup(&self, _: SourceAddr) -> Option<Route> {
        let route = *self.route.lock().unwrap();
        let number = self.lookups.fetch_add(1, SeqCst);
        if let Some(hook) = self.hook.get() {
            hook(number);
        }
        route
    }
}

/// A forwarder in memory that counts its commands, and what it does instead of telling what it has counted.
#[derive(Default)]
pub(crate) struct Plane {
    pub(crate) memory: MemoryForwarder,
    commands: AtomicUsize,
    pub(crate) stats: OnceLock<Box<dyn Fn() -> Result<MfeStats, ForwarderError> + Send + Sync>>,
}

impl Plane {
    pub(crate) fn commands(&self) -> usize {
        self.commands.load(SeqCst)
    }
}

impl Forwarder for Plane {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.commands.fetch_add(1, SeqCst);
        self.memory.add(entry)
    }

    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.commands.fetch_add(1, SeqCst);
        self.memory.change(entry)
    }

    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.commands.fetch_add(1, SeqCst);
        self.memory.delete(source, group)
    }

    fn stats(&self, source: SourceAddr, group: GroupAddr) -> Result<MfeStats, ForwarderError> {
        self.stats.get().map_or_else(|| self.memory.stats(source, group), |stats| stats())
    }
}

type Hook = OnceLock<Box<dyn Fn(&ClientRef) + Send + Sync>>;

/// A protocol, and what it does when it is asked or told.
#[derive(Default)]
pub(crate) struct Protocol {
    /// Whether it is asked about every new entry.
    pub(crate) mode: CreationMode,
    pub(crate) on_rpf: Hook,
    pub(crate) on_creation: Hook,
    pub(crate) on_join: Hook,
    /// What it answers to `rpf`, if not the route that it is shown.
    pub(crate) answer: OnceLock<Box<dyn Fn(Route) -> Route + Send + Sync>>,
    /// What it disables when it is asked about a new entry.
    pub(crate) disables: Mutex<Vec<Interface>>,
    /// What it enables.
    pub(crate) enables: Mutex<Vec<Interface>>,
    /// What it was shown last: the interfaces, and whether each is enabled.
    pub(crate) shown: Mutex<Vec<(Interface, bool)>>,
    pub(crate) questions: AtomicUsize,
    pub(crate) joins: AtomicUsize,
    pub(crate) wrong_interfaces: AtomicUsize,
}

fn run(hook: &Hook, me: &ClientRef) {
    if let Some(hook) = hook.get() {
        hook(me);
    }
}

impl ProtocolCallbacks for Protocol {
    fn creation_mode(&self) -> CreationMode {
        self.mode
    }

    fn rpf(&self, me: &ClientRef, request: &RpfRequest<'_>) -> Route {
        self.questions.fetch_add(1, SeqCst);
        run(&self.on_rpf, me);
        self.answer.get().map_or(request.route, |answer| answer(request.route))
    }

    fn creation_alert(&self, me: &ClientRef, _: &NewMfe, oifs: &mut [CreationOif]) {
        *self.shown.lock().unwrap() = oifs.iter().map(|oif| (oif.interface(), oif.is_enabled())).collect();
        for (interfaces, enabled) in [(&self.disables, false), (&self.enables, true)] {
            let interfaces = interfaces.lock().unwrap().clone();
            let chosen = oifs.iter_mut().filter(|oif| interfaces.contains(&oif.interface()));
            chosen.for_each(|oif| oif.set_enabled(enabled));
        }
        run(&self.on_creation, me);
    }

    fn join_alert(&self, me: &ClientRef, _: Entry, _: AlertCause) {
        self.joins.fetch_add(1, SeqCst);
        run(&self.on_join, me);
    }

    fn wrong_interface(&self, _: &ClientRef, _: Interface, _: SourceAddr, _: GroupAddr, _: &[u8]) {
        self.wrong_interfaces.fetch_add(1, SeqCst);
    }
}

/// A registered protocol beside its callbacks.
pub(crate) struct Party {
    pub(crate) client: Arc<Client>,
    pub(crate) callbacks: Arc<Protocol>,
}

impl Deref for Party {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

pub(crate) struct Router {
    pub(crate) mgm: Mgm,
    pub(crate) rib: Arc<Routes>,
    pub(crate) plane: Arc<Plane>,
    pub(crate) now: Instant,
}

impl Router {
    /// A manager whose RIB leads to every source by `eth(1)`.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(options: impl FnOnce(Builder) -> Builder) -> Self {
        let (rib, plane) = (Arc::<Routes>::default(), Arc::<Plane>::default());
        rib.set(Some(via(1)));
        let mgm = options(Mgm::builder().rib(Arc::clone(&rib)).forwarder(Arc::clone(&plane))).build();
        Self { mgm, rib, plane, now: Instant::now() }
    }

    /// A protocol that owns these interfaces.
    pub(crate) fn protocol(&self, number: u32, owns: &[u32]) -> Party {
        self.register(number, Protocol::default(), owns)
    }

    pub(crate) fn register(&self, number: u32, callbacks: Protocol, owns: &[u32]) -> Party {
        let callbacks = Arc::new(callbacks);
        let client = Arc::new(self.mgm.register_protocol(id(number), Arc::clone(&callbacks)).unwrap());
        owns.iter().for_each(|index| client.take_interface_ownership(eth(*index)).unwrap());
        Party { client, callbacks }
    }

    /// The forwarder reports a packet of (S,G).
    pub(crate) fn packet(&self) {
        self.mgm.packet_received(s(), g(), eth(1), &[], self.now).unwrap();
    }

    /// The forwarder reports a packet of (S,G), and forwards the next: the entry will be made anew.
    pub(crate) fn traffic(&self) {
        self.packet();
        self.plane.memory.packet(s(), g(), eth(1), 100);
    }

    pub(crate) fn renew(&self) {
        let _next = self.mgm.expire(self.now + LIFE);
    }

    pub(crate) fn mfe(&self) -> Option<Mfe> {
        self.mgm.mfe(s(), g())
    }

    pub(crate) fn iif(&self) -> Option<Interface> {
        Some(self.mfe()?.iif)
    }

    pub(crate) fn oifs(&self) -> Vec<Interface> {
        self.mfe().unwrap().oifs
    }
}

/// Sets a hook, which is set once.
pub(crate) trait Does<F: ?Sized> {
    fn does(&self, what: Box<F>);
}

impl<F: ?Sized> Does<F> for OnceLock<Box<F>> {
    fn does(&self, what: Box<F>) {
        assert!(self.set(what).is_ok(), "it does something already");
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
