//! Options for a new manager.

use std::fmt;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::quality::RandomState;

use crate::engine::{Engine, PageSize};
use crate::forwarder::{Forwarder, NoForwarder};
use crate::limits::Limits;
use crate::manager::{CallbackClock, Edges, OnDue, Recorder, Shared, Sink};
use crate::mgm::Mgm;
use crate::record::{Event, Family, Setup};
use crate::rib::Rib;
use crate::types::address::Address;
use crate::types::ssm::SsmRanges;

/// Options for a new manager; see [`Mgm::builder`] and [`Mgm::builder_v6`].
#[must_use]
pub struct Builder<A: Address = Ipv4Addr> {
    limits: Limits,
    ssm_ranges: SsmRanges<A>,
    rib: Option<Box<dyn Rib<A>>>,
    forwarder: Box<dyn Forwarder<A>>,
    on_due: Option<OnDue>,
    callback_clock: Option<CallbackClock>,
    page: PageSize,
    seed: Option<u64>,
    sink: Option<Sink<A>>,
}

impl<A: Address> Builder<A> {
    /// Every option at its default. For code that is generic over the family; else [`Mgm::builder`] or
    /// [`Mgm::builder_v6`] says which.
    ///
    /// # Example: a manager for each family
    ///
    /// ```
    /// use mgm::{Address, Builder, Limits, Mgm};
    ///
    /// fn limited<A: Address>() -> Mgm<A> {
    ///     Builder::new().limits(Limits::default().mfes(10_000)).build()
    /// }
    ///
    /// let (ipv4, ipv6) = (limited::<std::net::Ipv4Addr>(), limited::<std::net::Ipv6Addr>());
    /// assert_eq!(ipv4.limits(), ipv6.limits());
    /// ```
    pub fn new() -> Self {
        Self {
            limits: Limits::default(),
            ssm_ranges: SsmRanges::default(),
            rib: None,
            forwarder: Box::new(NoForwarder),
            on_due: None,
            callback_clock: None,
            page: PageSize::default(),
            seed: None,
            sink: None,
        }
    }

    /// What hosts and clients can make the manager remember. Defaults to no limit.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The ranges in which a group can be joined from a source only ([MB-4](crate::specification#mb-4)).
    /// Defaults to IANA's: `232.0.0.0/8`, and the sixteen of `ff3x::/32`.
    ///
    /// # Example: a private range beside IANA's
    ///
    /// ```
    /// use mgm::{Address, Mgm};
    /// use std::net::Ipv4Addr;
    ///
    /// let mut ranges = Ipv4Addr::default_ssm_ranges();
    /// ranges.push("239.232.0.0/16".parse()?);
    /// let mgm = Mgm::builder().ssm_ranges(ranges).build();
    /// # drop(mgm);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ssm_ranges(mut self, ranges: impl IntoIterator<Item = A::Net>) -> Self {
        self.ssm_ranges = ranges.into_iter().collect();
        self
    }

    /// The multicast view of the routing table. Defaults to none: no source has a route, so that nobody is
    /// asked `rpf`, and nobody hears of (S,G) memberships.
    pub fn rib(mut self, rib: impl Rib<A> + 'static) -> Self {
        self.rib = Some(Box::new(rib));
        self
    }

    /// What forwards packets. Defaults to [`NoForwarder`].
    pub fn forwarder(mut self, forwarder: impl Forwarder<A> + 'static) -> Self {
        self.forwarder = Box::new(forwarder);
        self
    }

    /// Calls `on_due` whenever [`Mgm::next_due`] becomes sooner, with what it is then
    /// ([FW-16](crate::specification#fw-16)): so a loop that sleeps until then, or for ever, is woken. It says nothing
    /// when that time becomes later.
    ///
    /// It is called by the thread whose call made it sooner, or by one that is calling it already, with no lock held and
    /// never on two threads at once; where a callback made it sooner, after that callback has returned. So the time in
    /// the last call is never later than when [`expire`](Mgm::expire) is due. It may call the manager. A panic in it is
    /// caught and counted. What it keeps lives as long as the manager: let it not keep an [`Mgm`].
    ///
    /// # Example: a thread that sleeps until something is due
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use std::time::Instant;
    /// use mgm::{Interface, Mgm};
    ///
    /// let (sooner, wake) = channel();
    /// let mgm = Mgm::builder().on_due(move |_| drop(sooner.send(()))).build();
    /// let timer = std::thread::spawn({
    ///     let mgm: Mgm = mgm.clone();
    ///     move || {
    ///         // Nothing is due, until a packet makes an entry.
    ///         while mgm.next_due().is_none() {
    ///             wake.recv().expect("the manager is there");
    ///         }
    ///         mgm.next_due()
    ///     }
    /// });
    /// let now = Instant::now();
    /// mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, Interface::try_from(1)?, &[], now)?;
    /// assert_eq!(timer.join().unwrap(), mgm.next_due());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_due(mut self, on_due: impl Fn(Instant) + Send + Sync + 'static) -> Self {
        self.on_due = Some(Box::new(on_due));
        self
    }

    /// Gives `sink` all that the manager is asked and does, in one order: each call of the manager, each call that it
    /// makes to a client, the RIB or the forwarder, and what came of each.
    ///
    /// `sink` is called by one thread at a time, without the manager's lock, in the order of
    /// [`Event::number`](crate::record::Event::number). When a call returns, it has heard of all of it. Threads that call
    /// the manager wait for it, so it should be quick; it should not call the manager. A panic in it is caught and counted.
    ///
    /// The first event says with which [`seed`](crate::record::Setup::seed) the manager was built: keep it to yourself while the manager
    /// runs, for hosts choose groups, and whoever knows the seed can choose some that make it slow. Of a manager that is
    /// not recorded nothing is kept or formatted.
    ///
    /// # Example: a log
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use mgm::{Mgm, NoCallbacks};
    ///
    /// let (sender, events) = channel();
    /// let mgm: Mgm = Mgm::builder().record(move |event| drop(sender.send(event.to_string()))).build();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(3.try_into()?)?;
    /// let events: Vec<String> = events.try_iter().skip(1).collect();
    /// let call = "IGMP → take_interface_ownership 3";
    /// assert_eq!(events, ["system → register_igmp", "= registration 0", call, "= done"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(mut self, sink: impl FnMut(Event<A>) + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Fixes every order that hashing leaves open, as that of the alerts of a hand-over: two managers with the same seed
    /// that are called alike do alike.
    ///
    /// Only for tests and replays: hosts choose groups, and whoever knows the seed can choose some that make it slow.
    #[cfg(feature = "testing")]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The clock by which the time of callbacks is taken ([`Mgm::counters`]): the time since any moment. Without one
    /// none is taken, as reading a clock twice costs more than many a callback.
    ///
    /// # Example: which client takes its time
    ///
    /// ```
    /// use std::time::Instant;
    /// use mgm::{Mgm, NoCallbacks};
    ///
    /// let start = Instant::now();
    /// let mgm: Mgm = Mgm::builder().callback_clock(move || start.elapsed()).build();
    /// let _igmp = mgm.register_igmp(NoCallbacks)?;
    /// assert!(mgm.counters().callbacks[0].time.is_some());
    /// # Ok::<(), mgm::Error>(())
    /// ```
    pub fn callback_clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.callback_clock = Some(Arc::new(clock));
        self
    }

    /// How many pieces may be changed in one hold of the lock ([CB-7](crate::specification#cb-7)): with three,
    /// small tests see what is half done.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub const fn page(mut self, changes: usize) -> Self {
        self.page = PageSize { looks: 4 * changes, changes };
        self
    }

    /// As a recorded manager was built; none, if no manager can be.
    #[cfg(feature = "replay")]
    pub(crate) fn set_up(self, setup: &Setup<A>) -> Option<Self> {
        let changes = Some(setup.page).filter(|changes| *changes > 0)?;
        let page = PageSize { looks: changes.checked_mul(4)?, changes };
        let ssm_ranges = setup.ssm_ranges.iter().copied().collect();
        Some(Self { limits: setup.limits, ssm_ranges, page, seed: Some(setup.seed), ..self })
    }

    /// Makes the manager.
    #[must_use]
    pub fn build(self) -> Mgm<A> {
        let Self { limits, ssm_ranges, rib, forwarder, on_due, callback_clock, page, mut seed, sink } = self;
        let panics = Arc::default();
        let recorder = sink.map(|sink| {
            let setup = Setup {
                family: Family::of::<A>(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                seed: *seed.get_or_insert_with(|| RandomState::default().hash_one(())),
                limits,
                ssm_ranges: ssm_ranges.iter().collect(),
                rib: rib.is_some(),
                page: page.changes,
            };
            Arc::new(Recorder::new(setup, sink, Arc::clone(&panics)))
        });
        let engine = Engine::new(limits, ssm_ranges, rib.is_some(), page, seed);
        Mgm::of(Arc::new(Shared::new(
            engine,
            Edges { rib, forwarder, on_due, callback_clock },
            panics,
            recorder,
        )))
    }
}

impl<A: Address> Default for Builder<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// It is only handed on.
impl<A: Address> UnwindSafe for Builder<A> {}
impl<A: Address> RefUnwindSafe for Builder<A> {}

impl<A: Address> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).finish_non_exhaustive()
    }
}
