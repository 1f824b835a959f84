//! The manager's own face: registering, reading, and what the system reports.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use crate::builder::Builder;
use crate::callbacks::{IgmpCallbacks, ProtocolCallbacks};
use crate::client::{Client, ClientRef, refused};
use crate::counters::Counters;
use crate::engine::{Hearing, Key};
use crate::error::Error;
use crate::explanation::Explanation;
use crate::groups::Groups;
use crate::limits::Limits;
use crate::lock::Ordering;
use crate::manager::{Callbacks, Packet, Recorder, Shared};
use crate::mfes::Mfes;
use crate::news::News;
use crate::questions::{CallsAlone, HandoverCallbacks, Questions};
use crate::record::Call;
use crate::show::Snapshot;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::{ClientId, ClientName};
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::interface::Interface;
use crate::types::ssm::SsmRanges;
use crate::view::{Failure, InterfaceStatus, Mfe};
#[cfg(feature = "testing")]
use crate::violation::Violation;

/// The multicast group manager of one router, for one address family.
///
/// A handle: clones are the same manager, and it lives as long as any of them or any client.
/// [`Mgm::new`] makes one for IPv4 and [`Mgm::v6`] one for IPv6; [`Mgm::builder`] and [`Mgm::builder_v6`] take options.
/// Code that is generic over the family has [`Mgm::default`] and [`Builder::new`].
///
/// # Locks
///
/// One lock, held for plain data only, never while a callback runs, and for a page of work at a time. Methods may be
/// called on any thread and inside callbacks, and none panics.
pub struct Mgm<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
}

impl Mgm<Ipv4Addr> {
    /// A manager for IPv4, with every option at its default.
    ///
    /// # Example: nobody owns anything
    ///
    /// ```
    /// use mgm::{Interface, Mgm};
    ///
    /// let mgm = Mgm::new();
    /// assert_eq!(mgm.owner(Interface::try_from(1)?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Options for a new manager for IPv4.
    ///
    /// # Example: hosts cannot fill the memory
    ///
    /// ```
    /// use mgm::{Limits, Mgm};
    ///
    /// let mgm = Mgm::builder().limits(Limits::default().memberships(1_000_000)).build();
    /// assert_eq!(mgm.limits().memberships, Some(1_000_000));
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Mgm<Ipv6Addr> {
    /// A manager for IPv6, with every option at its default.
    ///
    /// # Example: MLD joins a group
    ///
    /// ```
    /// use mgm::{Interface, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::v6();
    /// let mld = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// mld.take_interface_ownership(eth0)?;
    /// mld.add_group_membership(eth0, "(*, ff0e::1)".parse()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn v6() -> Self {
        Self::builder_v6().build()
    }

    /// Options for a new manager for IPv6: as [`builder`](Mgm::builder).
    pub fn builder_v6() -> Builder<Ipv6Addr> {
        Builder::new()
    }
}

impl<A: Address> Default for Mgm<A> {
    fn default() -> Self {
        Builder::new().build()
    }
}

impl<A: Address> Mgm<A> {
    pub(crate) const fn of(shared: Arc<Shared<A>>) -> Self {
        Self { shared }
    }

    /// Registers IGMP, or MLD in a manager for IPv6; one at a time ([CL-2](crate::specification#cl-2)).
    ///
    /// # Errors
    ///
    /// - [`Error::IgmpAlreadyRegistered`]: it is registered, or is still being dropped.
    ///
    /// # Example: one IGMP at a time
    ///
    /// ```
    /// use mgm::{Error, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// assert_eq!(mgm.register_igmp(NoCallbacks).unwrap_err(), Error::IgmpAlreadyRegistered);
    /// drop(igmp);
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn register_igmp(&self, callbacks: impl IgmpCallbacks<A> + 'static) -> Result<Client<A>, Error<A>> {
        self.register(ClientName::Igmp, Callbacks::Igmp(Box::new(callbacks)), Hearing::Alerts)
    }

    /// Registers IGMP, or MLD in a manager for IPv6, which polls its news instead of being alerted
    /// ([CB-8](crate::specification#cb-8)); one at a time ([CL-2](crate::specification#cl-2)).
    ///
    /// What it can do is the same as that of [`register_igmp`](Self::register_igmp). Only the bracket around a hand-over
    /// still calls it.
    ///
    /// # Errors
    ///
    /// - [`Error::IgmpAlreadyRegistered`]: it is registered, or is still being dropped.
    ///
    /// # Example: an interface that is gone
    ///
    /// ```
    /// use mgm::{Alert, Interface, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let (igmp, mut news) = mgm.register_polled_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// mgm.interface_removed(eth0.index());
    /// assert_eq!(news.try_next(), Some(Alert::InterfaceRemoved { index: eth0.index() }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register_polled_igmp(
        &self,
        callbacks: impl HandoverCallbacks<A> + 'static,
    ) -> Result<(Client<A>, News<A>), Error<A>> {
        let callbacks = Callbacks::Igmp(Box::new(CallsAlone(callbacks)));
        self.register_polled(ClientName::Igmp, callbacks)
    }

    /// Registers one instance of a routing protocol ([CL-1](crate::specification#cl-1)).
    ///
    /// The client counts as told of all that others want at this moment: it reads that with
    /// [`told`](ClientRef::told), gets no alerts for it, and may get a prune alert for what it never heard
    /// a join of ([CL-5](crate::specification#cl-5)).
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyRegistered`]: the id is registered, or is still being dropped.
    ///
    /// # Example: two instances of one protocol
    ///
    /// ```
    /// use mgm::{ClientId, Error, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let inside = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let outside = mgm.register_protocol(ClientId { protocol: 1, component: 1 }, NoCallbacks)?;
    /// assert_ne!(inside.name(), outside.name());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "MgmRegisterMProtocol")]
    pub fn register_protocol(
        &self,
        id: ClientId,
        callbacks: impl ProtocolCallbacks<A> + 'static,
    ) -> Result<Client<A>, Error<A>> {
        self.register(ClientName::Protocol(id), Callbacks::Protocol(Box::new(callbacks)), Hearing::Alerts)
    }

    /// Registers one instance of a routing protocol that polls its news instead of being alerted
    /// ([CB-8](crate::specification#cb-8), [CL-1](crate::specification#cl-1)).
    ///
    /// What it can do, and what it counts as told of, is the same as that of
    /// [`register_protocol`](Self::register_protocol). Only `rpf` and `creation_alert` still call it. [`News`] says how to
    /// choose.
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyRegistered`]: the id is registered, or is still being dropped.
    ///
    /// # Example: what came and went is no news
    ///
    /// ```
    /// # use mgm::{Alert, AlertCause, ClientId, Entry, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let (pim, mut news) = mgm.register_polled_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// dvmrp.take_interface_ownership(eth0)?;
    /// let (short, long): (Entry, Entry) = ("(*, 239.1.1.1)".parse()?, "(*, 239.2.2.2)".parse()?);
    /// dvmrp.add_group_membership(eth0, short)?;
    /// dvmrp.add_group_membership(eth0, long)?;
    /// dvmrp.delete_group_membership(eth0, short)?;
    /// assert_eq!(news.try_next(), Some(Alert::Join { entry: long, cause: AlertCause::Membership }));
    /// assert_eq!(news.try_next(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register_polled_protocol(
        &self,
        id: ClientId,
        questions: impl Questions<A> + 'static,
    ) -> Result<(Client<A>, News<A>), Error<A>> {
        let callbacks = Callbacks::Protocol(Box::new(CallsAlone(questions)));
        self.register_polled(ClientName::Protocol(id), callbacks)
    }

    fn register_polled(
        &self,
        name: ClientName,
        callbacks: Callbacks<A>,
    ) -> Result<(Client<A>, News<A>), Error<A>> {
        let client = self.register(name, callbacks, Hearing::News)?;
        let news = News::new(&client);
        Ok((client, news))
    }

    fn register(
        &self,
        name: ClientName,
        callbacks: Callbacks<A>,
        hearing: Hearing,
    ) -> Result<Client<A>, Error<A>> {
        let client = self.shared.register(name, callbacks, hearing).map_err(refused)?;
        tracing::info!(target: "mgm", client = %name, "registered");
        Ok(Client::new(Arc::clone(&self.shared), client))
    }

    /// Who owns `interface`: the routing protocol that took it, or else IGMP if it is there
    /// ([IF-5](crate::specification#if-5)). From whom to whom it is going, [`interface`](Self::interface) says.
    ///
    /// # Example: whom to ask for an interface
    ///
    /// ```
    /// # use mgm::{ClientId, Error, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// pim.take_interface_ownership(eth0)?;
    /// assert!(matches!(dvmrp.take_interface_ownership(eth0), Err(Error::OwnedByAnother { .. })));
    /// assert_eq!(mgm.owner(eth0), Some(pim.name()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetProtocolOnInterface")]
    #[must_use]
    pub fn owner(&self, interface: Interface<A>) -> Option<ClientName> {
        self.interface(interface).map(|status| status.owner)
    }

    /// Who is on `interface`, whether it is changing hands, and to whom it is offered; read at one moment. Nothing if
    /// nobody is on it.
    ///
    /// # Example: IGMP beside a protocol
    ///
    /// ```
    /// # use mgm::{ClientId, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// pim.take_interface_ownership(eth0)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// let status = mgm.interface(eth0).expect("two clients are on it");
    /// assert!(status.igmp && status.owner == pim.name());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn interface(&self, interface: Interface<A>) -> Option<InterfaceStatus<A>> {
        self.shared.read(|engine| engine.interface(interface))
    }

    /// All interfaces that somebody is on, in the order of index and next hop; each is read at one moment, and all of
    /// them a page at a time.
    ///
    /// # Example: two interfaces of IGMP
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(Interface::try_from(7)?)?;
    /// igmp.take_interface_ownership(Interface::try_from(3)?)?;
    /// let indices: Vec<u32> = mgm.interfaces().iter().map(|status| status.interface.index().get()).collect();
    /// assert_eq!(indices, [3, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn interfaces(&self) -> Vec<InterfaceStatus<A>> {
        self.shared.interfaces()
    }

    /// Who is registered, in the order of registration.
    ///
    /// # Example: IGMP and a protocol
    ///
    /// ```
    /// # use mgm::{ClientId, ClientName, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let _igmp = mgm.register_igmp(NoCallbacks)?;
    /// let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    /// assert_eq!(mgm.clients(), [ClientName::Igmp, pim.name()]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn clients(&self) -> Vec<ClientName> {
        self.shared.read(|engine| engine.clients())
    }

    /// The limits with which the manager was built ([MB-7](crate::specification#mb-7)).
    ///
    /// # Example: how full it is
    ///
    /// ```
    /// # use mgm::{Limits, Mgm};
    /// let mgm = Mgm::builder().limits(Limits::default().mfes(10_000)).build();
    /// let room = mgm.limits().mfes.map(|max| max - mgm.mfes().count());
    /// assert_eq!(room, Some(10_000));
    /// ```
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.read(|engine| engine.limits())
    }

    /// The ranges in which a group can be joined from a source only ([MB-4](crate::specification#mb-4)), with which
    /// the manager was built.
    ///
    /// # Example: what a host may ask for
    ///
    /// ```
    /// # use mgm::{GroupAddr, Mgm};
    /// let mgm = Mgm::builder().ssm_ranges(["239.232.0.0/16".parse()?]).build();
    /// let group: GroupAddr = "239.232.0.1".parse()?;
    /// assert!(mgm.ssm_ranges().contains(group));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ssm_ranges(&self) -> SsmRanges<A> {
        self.shared.read(|engine| engine.ssm_ranges())
    }

    /// The memberships and blocks of all clients, in no particular order ([EN-1](crate::specification#en-1)).
    ///
    /// The iterator takes the lock for one page at a time, of at most 256 entries. While others change the
    /// groups, it misses and repeats none that is there all along, and all that it shows of one entry was
    /// so at one moment ([EN-4](crate::specification#en-4)). What its client has to add again is
    /// [stale](crate::Membership::stale).
    ///
    /// # Example: only those with a source
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// igmp.add_group_membership(eth0, "(*, 239.1.1.1)".parse()?)?;
    /// igmp.add_group_membership(eth0, "(198.51.100.7, 232.1.1.1)".parse()?)?;
    /// let with_source: Vec<_> = mgm.groups().filter(|held| held.entry.source().is_some()).collect();
    /// assert_eq!(with_source.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGroupEnumerationStart")]
    #[doc(alias = "MgmGroupEnumerationGetNext")]
    #[doc(alias = "MgmGroupEnumerationEnd")]
    #[doc(alias = "MGM_ENUM_TYPES")]
    #[must_use]
    pub fn groups(&self) -> Groups<A> {
        Groups::all(&self.shared)
    }

    /// The memberships and blocks on one interface, in no particular order, at the cost of what is there
    /// ([EN-7](crate::specification#en-7)). Otherwise as [`groups`](Self::groups).
    ///
    /// # Example: what a host on one network wants
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// igmp.take_interface_ownership(eth0)?;
    /// igmp.take_interface_ownership(eth1)?;
    /// igmp.add_group_membership(eth0, "(*, 239.1.1.1)".parse()?)?;
    /// igmp.add_group_membership(eth1, "(*, 239.1.1.2)".parse()?)?;
    /// let on_eth0: Vec<_> = mgm.groups_on(eth0).map(|held| held.entry.to_string()).collect();
    /// assert_eq!(on_eth0, ["(*, 239.1.1.1)"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn groups_on(&self, interface: Interface<A>) -> Groups<A> {
        Groups::on_interface(&self.shared, interface)
    }

    /// The memberships and blocks of one group, with and without a source, in the order of interface, then source
    /// ([EN-7](crate::specification#en-7)). Otherwise as [`groups`](Self::groups).
    ///
    /// It costs what is there, and one look at each interface. (\*,\*) is of no group, and is not shown.
    ///
    /// # Example: who wants a group
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// for entry in ["(198.51.100.7, 239.1.1.1)", "(*, 239.1.1.1)", "(*, 239.1.1.2)"] {
    ///     igmp.add_group_membership(eth0, entry.parse()?)?;
    /// }
    /// let wanted: Vec<_> = mgm.groups_of("239.1.1.1".parse()?).map(|held| held.entry.to_string()).collect();
    /// assert_eq!(wanted, ["(*, 239.1.1.1)", "(198.51.100.7, 239.1.1.1)"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn groups_of(&self, group: GroupAddr<A>) -> Groups<A> {
        Groups::of_group(&self.shared, group)
    }

    /// Calls `wake` once when nobody is changing who is on `interface` any more
    /// ([HO-7](crate::specification#ho-7)): for whoever was refused with [`Error::HandoverInProgress`]. At
    /// once, on this thread, if nobody is.
    ///
    /// It is called on the thread that made the change, with no lock held, after the last callback of that change.
    /// Another change may begin before the caller comes to ask again. A panic in it is caught and counted.
    ///
    /// # Example: asking again
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use mgm::{Interface, Mgm};
    ///
    /// let mgm = Mgm::new();
    /// let (settled, wait) = channel();
    /// mgm.when_settled(Interface::try_from(3)?, move || settled.send(()).unwrap());
    /// wait.recv()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn when_settled(&self, interface: Interface<A>, wake: impl FnOnce() + Send + 'static) {
        let call = |_: &Recorder<A>| Call::WhenSettled { interface };
        self.shared.recorded(None, call, || self.shared.when_settled(interface, Box::new(wake)));
    }

    /// Verifies that what the manager keeps twice, for speed, agrees: who wants an entry and who has been told of it,
    /// where entries forward and whether their owners pull them, what is counted, and what is found where. For tests,
    /// when no call goes on; of a manager that is at work it verifies less.
    ///
    /// It looks at everything in one hold of the lock.
    ///
    /// # Errors
    ///
    /// The statement that does not hold. That is a defect of this crate.
    ///
    /// # Example: after what a test has done
    ///
    /// ```
    /// use mgm::{Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(3.try_into()?)?;
    /// igmp.add_group_membership(3.try_into()?, "(*, 239.1.1.1)".parse()?)?;
    /// mgm.check()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "testing")]
    pub fn check(&self) -> Result<(), Violation> {
        self.shared.read(|engine| engine.check())
    }

    /// How many pieces were changed at the most in one hold of the lock ([CB-7](crate::specification#cb-7)).
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    #[must_use]
    pub fn largest_page(&self) -> usize {
        self.shared.read(|engine| engine.largest_page().changes)
    }

    /// The system reports that the interface with this index is gone, with all its next hops
    /// ([IF-8](crate::specification#if-8)).
    ///
    /// Every client on it is released, IGMP first, with all the alerts that deleting what it held would cause; the
    /// forwarding entries that come in there are deleted; and each client gets `interface_removed` once, when its
    /// last link is done. Neither IGMP callback is invoked; but where the interface is changing hands, this is
    /// carried out right after, by the thread that makes that change ([HO-10](crate::specification#ho-10)). An
    /// interface that is merely down is not removed: that is the RIB's matter.
    ///
    /// # Example: a cable card is pulled
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// mgm.interface_removed(eth0.index());
    /// assert_eq!(mgm.owner(eth0), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn interface_removed(&self, index: NonZeroU32) {
        tracing::info!(target: "mgm", index, "interface removed");
        self.shared.recorded(None, |_| Call::InterfaceRemoved { index }, || self.shared.remove(index));
    }

    /// The forwarder reports a packet for which it has no entry ([FW-1](crate::specification#fw-1)).
    ///
    /// Makes one, on this thread: the RIB is asked for the source; `rpf` is asked of the protocol that owns the
    /// interface toward it; `creation_alert` of the protocols with an oif; then the entry is installed, the
    /// forwarder is told, and the owner of the iif gets at most one alert: a prune if there are no oifs, a join
    /// if another client's is among them. If the packet came in elsewhere, `wrong_interface` follows
    /// ([FW-10](crate::specification#fw-10)). An entry that is there, or that another thread is making, is left
    /// alone.
    ///
    /// # Errors
    ///
    /// - [`Error::LimitReached`]: there are as many entries as there may be.
    ///
    /// # Example: a receiver, then a source
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// igmp.take_interface_ownership(eth1)?;
    /// igmp.add_group_membership(eth1, "(*, 239.1.1.1)".parse()?)?;
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// let mfe = mgm.mfe(source, group).unwrap();
    /// assert_eq!((mfe.iif, mfe.oifs), (eth0, vec![eth1]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn packet_received(
        &self,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        arrival: Interface<A>,
        header: &[u8],
        now: Instant,
    ) -> Result<(), Error<A>> {
        let packet = Packet { source, group, arrival, header };
        let call = |recorder: &Recorder<A>| {
            let now = recorder.moment(now);
            Call::PacketReceived { source, group, arrival, header: header.to_vec(), now }
        };
        self.shared.recorded(None, call, || self.shared.packet_received(packet, now)).map_err(refused)
    }

    /// The forwarder reports a packet that came in on another interface than the iif of its entry
    /// ([FW-10](crate::specification#fw-10)).
    ///
    /// The owner of the arrival interface gets `wrong_interface`, if it switched that on there; at most once
    /// for one entry in 3 s. Nothing is made of a packet that has no entry.
    ///
    /// # Example: a neighbour sends the same stream
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicUsize, Ordering};
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, ClientRef, GroupAddr, Interface, Mgm, ProtocolCallbacks, SourceAddr};
    /// #[derive(Default)]
    /// struct Pim { asserts: AtomicUsize }
    /// impl ProtocolCallbacks for Pim {
    ///     fn wrong_interface(&self, _: &ClientRef, _: Interface, _: SourceAddr, _: GroupAddr, _: &[u8]) {
    ///         self.asserts.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// }
    /// let (mgm, callbacks) = (Mgm::new(), Arc::new(Pim::default()));
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Arc::clone(&callbacks))?;
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// pim.take_interface_ownership(eth1)?;
    /// pim.set_wrong_interface_alerts(eth1, true)?;
    /// let (source, group, now) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?, Instant::now());
    /// mgm.packet_received(source, group, eth0, &[], now)?;
    /// mgm.packet_on_wrong_interface(source, group, eth1, &[], now);
    /// mgm.packet_on_wrong_interface(source, group, eth1, &[], now); // within 3 s
    /// assert_eq!(callbacks.asserts.load(Ordering::Relaxed), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn packet_on_wrong_interface(
        &self,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        arrival: Interface<A>,
        header: &[u8],
        now: Instant,
    ) {
        let packet = Packet { source, group, arrival, header };
        let call = |recorder: &Recorder<A>| {
            let now = recorder.moment(now);
            Call::PacketOnWrongInterface { source, group, arrival, header: header.to_vec(), now }
        };
        self.shared.recorded(None, call, || self.shared.packet_on_wrong_interface(packet, now));
    }

    /// Routes to the sources in `prefix` have changed in the RIB ([FW-9](crate::specification#fw-9)).
    ///
    /// Each source in use there is looked up again, and the owner of the interface toward it is asked `rpf` for each
    /// of its entries, which then changes in one step. Where the iif moves to another owner, the old one gets a prune
    /// alert if it had been told to pull, and the new one a join alert if others' oifs are among the entry's; and for
    /// each (S,G) that others want, the old owner of the interface toward S gets a prune alert and the new one a join
    /// alert ([CT-8](crate::specification#ct-8)). The call returns when all have followed; nobody else waits for
    /// that.
    ///
    /// # Example: the stream moves to the other uplink
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{Interface, Mgm, Rib, Route, SourceAddr};
    /// # struct Routes(parking_lot::Mutex<Route>);
    /// # impl Rib for Routes {
    /// #     fn lookup(&self, _: SourceAddr) -> Option<Route> { Some(*self.0.lock()) }
    /// # }
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// let route = Route::new("10.0.0.0/8".parse()?, eth0);
    /// let routes = Arc::new(Routes(route.into()));
    /// let mgm = Mgm::builder().rib(Arc::clone(&routes)).build();
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    ///
    /// routes.0.lock().interface = eth1;
    /// mgm.routes_changed(&route.prefix);
    /// assert_eq!(mgm.mfe(source, group).unwrap().iif, eth1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn routes_changed(&self, prefix: &A::Net) {
        let call = |_: &Recorder<A>| Call::RoutesChanged { prefix: *prefix };
        self.shared.recorded(None, call, || self.shared.routes_changed(prefix));
    }

    /// When [`expire`](Self::expire) next wants to be called; reading it does nothing
    /// ([FW-16](crate::specification#fw-16)). [`Builder::on_due`] says when it becomes sooner. It may have passed.
    ///
    /// # Example: sleeping until something is due
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{Interface, Mgm};
    /// let (mgm, now) = (Mgm::new(), Instant::now());
    /// assert_eq!(mgm.next_due(), None);
    /// mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, Interface::try_from(1)?, &[], now)?;
    /// assert_eq!(mgm.next_due(), Some(now + Duration::from_secs(900)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.shared.read(|engine| engine.next_due())
    }

    /// Does what is due at `now`, and says when it next wants to be called ([FW-7](crate::specification#fw-7),
    /// [FW-11](crate::specification#fw-11)): what [`next_due`](Self::next_due) says then.
    ///
    /// Entries whose time is over are made anew in place if they carried packets, with the callbacks of
    /// [`packet_received`](Self::packet_received). Of those that did not, the ones that their owner has pruned and
    /// others want are kept ([FW-14](crate::specification#fw-14)), and the others deleted silently. Refreshes whose
    /// deadline has come end ([HO-17](crate::specification#ho-17)). What the forwarder refused is tried again, after
    /// 1 s and then twice as long each time, up to about a minute. Nothing in the crate sleeps or reads a clock.
    ///
    /// Calling it early or often does no harm. What comes after it, a packet, a shorter time or a refresh, may be due
    /// before it wanted to be called: [`Builder::on_due`] says so.
    ///
    /// # Example: an idle entry goes
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{Interface, Mgm};
    /// let mgm = Mgm::new();
    /// let now = Instant::now();
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, Interface::try_from(1)?, &[], now)?;
    /// assert_eq!(mgm.expire(now), Some(now + Duration::from_secs(900)));
    /// assert_eq!(mgm.expire(now + Duration::from_secs(900)), None);
    /// assert_eq!(mgm.mfe(source, group), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "it says when to call again"]
    pub fn expire(&self, now: Instant) -> Option<Instant> {
        let call = |recorder: &Recorder<A>| Call::Expire { now: recorder.moment(now) };
        self.shared.recorded(None, call, || self.shared.expire(now))
    }

    /// One forwarding entry, read at one moment ([EN-2](crate::specification#en-2)).
    ///
    /// # Example: a stream that nobody wants
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{Interface, Mgm};
    /// let mgm = Mgm::new();
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// assert_eq!(mgm.mfe(source, group), None);
    /// mgm.packet_received(source, group, Interface::try_from(1)?, &[], Instant::now())?;
    /// assert_eq!(mgm.mfe(source, group).unwrap().oifs, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetMfe")]
    #[must_use]
    pub fn mfe(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Option<Mfe<A>> {
        self.shared.read(|engine| engine.mfe(Key::of(source, group)))
    }

    /// All forwarding entries, in the order of group, then source ([EN-2](crate::specification#en-2)).
    ///
    /// The iterator takes the lock for one page at a time, of at most 256 entries. It misses and repeats no entry
    /// that is there all along, and shows each as it was at one moment ([EN-4](crate::specification#en-4)).
    ///
    /// # Example: how many streams nobody wants
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{Interface, Mgm};
    /// let mgm = Mgm::new();
    /// let (group, eth0) = ("239.1.1.1".parse()?, Interface::try_from(1)?);
    /// for host in ["10.0.0.2", "10.0.0.1"] {
    ///     mgm.packet_received(host.parse()?, group, eth0, &[], Instant::now())?;
    /// }
    /// assert_eq!(mgm.mfes().next().unwrap().source, "10.0.0.1".parse()?);
    /// assert_eq!(mgm.mfes().filter(|mfe| mfe.oifs.is_empty()).count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetFirstMfe")]
    #[must_use]
    pub fn mfes(&self) -> Mfes<A> {
        Mfes::new(Arc::clone(&self.shared), None)
    }

    /// The forwarding entries after a given (S,G), which need not be there: see [`mfes`](Self::mfes).
    ///
    /// # Example: the second page of a show command
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{Interface, Mgm};
    /// let mgm = Mgm::new();
    /// let group = "239.1.1.1".parse()?;
    /// for host in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
    ///     mgm.packet_received(host.parse()?, group, Interface::try_from(1)?, &[], Instant::now())?;
    /// }
    /// let rest: Vec<_> = mgm.mfes_after("10.0.0.1".parse()?, group).map(|mfe| mfe.source.to_string()).collect();
    /// assert_eq!(rest, ["10.0.0.2", "10.0.0.3"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetNextMfe")]
    #[must_use]
    pub fn mfes_after(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Mfes<A> {
        Mfes::new(Arc::clone(&self.shared), Some(Key::of(source, group)))
    }

    /// What the forwarder counted for an entry ([EN-3](crate::specification#en-3)).
    ///
    /// # Errors
    ///
    /// - [`Error::NoSuchMfe`]: there is no such entry.
    /// - [`Error::Forwarder`]: the forwarder cannot tell.
    ///
    /// # Example: what came in
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{Interface, MemoryForwarder, Mgm};
    /// let forwarder: Arc<MemoryForwarder> = Arc::default();
    /// let mgm = Mgm::builder().forwarder(Arc::clone(&forwarder)).build();
    /// let (source, group, eth0) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?, Interface::try_from(1)?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// forwarder.packet(source, group, eth0, 1500);
    /// let stats = mgm.mfe_stats(source, group)?;
    /// assert_eq!((stats.packets, stats.octets), (1, 1500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetMfeStats")]
    pub fn mfe_stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, Error<A>> {
        let call = |_: &Recorder<A>| Call::MfeStats { source, group };
        self.shared.recorded(None, call, || self.shared.mfe_stats(source, group)).map_err(refused)
    }

    /// All forwarding entries with what the forwarder counted for each, or why it cannot tell
    /// ([EN-3](crate::specification#en-3)).
    ///
    /// They are read as by [`mfes`](Self::mfes), and the forwarder is asked for each as it comes, without a lock; one that
    /// has gone by then has [`Error::NoSuchMfe`].
    ///
    /// # Example: the busiest stream
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{Interface, MemoryForwarder, Mgm};
    /// let forwarder: Arc<MemoryForwarder> = Arc::default();
    /// let mgm = Mgm::builder().forwarder(Arc::clone(&forwarder)).build();
    /// let (group, eth0) = ("239.1.1.1".parse()?, Interface::try_from(1)?);
    /// for (host, packets) in [("10.0.0.1", 1), ("10.0.0.2", 3)] {
    ///     mgm.packet_received(host.parse()?, group, eth0, &[], Instant::now())?;
    ///     (0..packets).for_each(|_| drop(forwarder.packet(host.parse().unwrap(), group, eth0, 1500)));
    /// }
    /// let busiest = mgm.mfes_with_stats().max_by_key(|(_, stats)| stats.as_ref().map_or(0, |stats| stats.packets));
    /// assert_eq!(busiest.unwrap().0.source, "10.0.0.2".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmGetFirstMfeStats")]
    #[doc(alias = "MgmGetNextMfeStats")]
    pub fn mfes_with_stats(&self) -> impl Iterator<Item = (Mfe<A>, Result<MfeStats<A>, Error<A>>)> + use<A> {
        let mgm = self.clone();
        self.mfes().map(move |mfe| {
            let stats = mgm.mfe_stats(mfe.source, mfe.group);
            (mfe, stats)
        })
    }

    /// The entries that the forwarder does not hold as it should, deleted ones too
    /// ([FW-11](crate::specification#fw-11)): those that are tried again first, and no more than a page of
    /// them.
    ///
    /// # Example: a table that is full
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{Forwarder, ForwarderError, ForwardingEntry, GroupAddr, Interface, MfeStats, Mgm, SourceAddr};
    /// struct Full;
    /// impl Forwarder for Full {
    ///     fn add(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> { Err(ForwarderError::Full) }
    ///     // ...
    /// #   fn change(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> { Err(ForwarderError::Full) }
    /// #   fn delete(&self, _: SourceAddr, _: GroupAddr) -> Result<(), ForwarderError> { Ok(()) }
    /// #   fn stats(&self, _: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> { Ok(MfeStats::new()) }
    /// }
    /// let (mgm, now) = (Mgm::builder().forwarder(Full).build(), Instant::now());
    /// mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, Interface::try_from(1)?, &[], now)?;
    /// assert_eq!(mgm.forwarder_failures()[0].error, ForwarderError::Full);
    /// let again = mgm.expire(now).expect("it is to be tried again");
    /// let _next = mgm.expire(again);
    /// assert_eq!(mgm.forwarder_failures()[0].attempts, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn forwarder_failures(&self) -> Vec<Failure<A>> {
        self.shared.read(|engine| engine.failures())
    }

    /// The forwarder did not do what it had said yes to: for one that finds out later
    /// ([FW-15](crate::specification#fw-15)).
    ///
    /// The entry is marked as failed, as if the forwarder had said no; and when time is passed in
    /// ([`expire`](Self::expire)) it is told again: by [`add`](crate::Forwarder::add), if adding the entry was the last
    /// that it was told; else by [`change`](crate::Forwarder::change), or by `add` if `error` is
    /// [`ForwarderError::NoSuchEntry`]. One that fails later each time is told less and less often, too. A change of
    /// the entry before that is told at once.
    ///
    /// Of an entry that the manager does not have, or no more, the forwarder is told to
    /// [`delete`](crate::Forwarder::delete) it, as it may hold some of it; with [`ForwarderError::NoSuchEntry`] all is
    /// as it should be. A report that comes twice before the forwarder is told again is one. No client hears of any of
    /// this.
    ///
    /// # Example: the data plane's table was full
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{ForwarderError, Interface, MemoryForwarder, Mgm};
    /// let plane: Arc<MemoryForwarder> = Arc::default();
    /// let (mgm, now) = (Mgm::builder().forwarder(Arc::clone(&plane)).build(), Instant::now());
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, Interface::try_from(1)?, &[], now)?;
    ///
    /// plane.restart(); // it has room for nothing, and says so later
    /// mgm.forwarder_failed(source, group, ForwarderError::Full);
    /// assert_eq!(mgm.forwarder_failures()[0].error, ForwarderError::Full);
    /// let again = mgm.next_due().expect("it is to be told again");
    /// let _next = mgm.expire(again);
    /// assert_eq!(plane.entries().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forwarder_failed(&self, source: SourceAddr<A>, group: GroupAddr<A>, error: ForwarderError) {
        tracing::warn!(target: "mgm::forwarder", %source, %group, %error, "failed later");
        let call = |_: &Recorder<A>| Call::ForwarderFailed { source, group, error };
        self.shared.recorded(None, call, || self.shared.forwarder_failed(Key::of(source, group), error));
    }

    /// The forwarder holds nothing any more: it is told all entries again, on this thread, before this returns
    /// ([FW-15](crate::specification#fw-15)).
    ///
    /// Each is added by [`Forwarder::add`](crate::Forwarder::add), a page at a time, so that nobody else waits for
    /// that; what it refuses is marked and tried again. It may have been told of an entry after it restarted and before
    /// this was reported: then it is told to add what it has. What was to be deleted is gone. No client hears of it.
    ///
    /// # Example: a data plane that was started again
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Instant;
    /// # use mgm::{Interface, MemoryForwarder, Mgm};
    /// let plane: Arc<MemoryForwarder> = Arc::default();
    /// let mgm = Mgm::builder().forwarder(Arc::clone(&plane)).build();
    /// let eth0 = Interface::try_from(1)?;
    /// mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, eth0, &[], Instant::now())?;
    ///
    /// plane.restart();
    /// assert_eq!(plane.entries(), []);
    /// mgm.forwarder_restarted();
    /// assert_eq!(plane.entries().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forwarder_restarted(&self) {
        tracing::info!(target: "mgm::forwarder", "restarted");
        self.shared.recorded(None, |_| Call::ForwarderRestarted, || self.shared.forwarder_restarted());
    }

    /// All that the manager knows, for a show command: print it, or serialise it with the feature `serde`.
    ///
    /// Read a page at a time, as [`groups`](Self::groups) and [`mfes`](Self::mfes) are, so that nobody waits for it
    /// long: what stands in different lines need not have been so at one moment. The forwarder is asked for
    /// the counts of each entry, without a lock.
    ///
    /// # Example: what an operator sees
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// igmp.take_interface_ownership(eth1)?;
    /// igmp.add_group_membership(eth1, "(*, 239.1.1.1)".parse()?)?;
    /// let now = Instant::now();
    /// mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, eth0, &[], now)?;
    ///
    /// let shown = mgm.show(now + Duration::from_secs(90)).to_string();
    /// print!("{shown}");
    /// assert_eq!(shown, "\
    /// Interface  Owner  IGMP
    /// 2          IGMP   yes
    ///
    /// Entry           Interfaces
    /// (*, 239.1.1.1)  2 by IGMP
    ///
    /// Source    Group      Iif  Owner  Upstream  Up-time   Expires   Packets  Oifs
    /// 10.0.0.1  239.1.1.1  1    -      -         00:01:30  00:13:30  0        2
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn show(&self, now: Instant) -> Snapshot<A> {
        let call = |recorder: &Recorder<A>| Call::Show { now: recorder.moment(now) };
        self.shared.recorded(None, call, || Snapshot::take(&self.shared, now))
    }

    /// Why packets from `source` to `group` go where they go: why each interface that comes into question is among the oifs or
    /// is not, and why each client has been told to pull what covers (S,G), or has not ([EN-6](crate::specification#en-6)).
    ///
    /// Without a forwarding entry it says what would be, by what is known: if a packet came, the RIB might give another
    /// route, `rpf` another iif, and `creation_alert` might switch interfaces off and on. Nobody is asked here, not the RIB
    /// either; without a RIB, or where nothing of the source is in use, no iif is known.
    ///
    /// It looks at every interface and every client, a page of 256 at a time: where there are no more, all that it says was
    /// so at one moment; else each interface, and each client, was. In the middle of a long change
    /// ([CB-7](crate::specification#cb-7)) it says of what is so that it is about to change.
    ///
    /// # Example: what an operator asks
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, ForwardState, Interface, Mgm, NoCallbacks, WhyOif};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let (eth0, eth1, eth2) = (Interface::try_from(1)?, Interface::try_from(2)?, Interface::try_from(3)?);
    /// igmp.take_interface_ownership(eth1)?;
    /// igmp.add_group_membership(eth1, "(*, 239.1.1.1)".parse()?)?;
    /// pim.take_interface_ownership(eth2)?;
    /// pim.add_group_membership(eth2, "(*, 239.1.1.1)".parse()?)?;
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// pim.set_forward_state(eth2, source, group, Some(ForwardState::Off))?;
    ///
    /// let why = mgm.explain(source, group);
    /// assert_eq!(why.interfaces[2].why, WhyOif::SwitchedOff { by: pim.name() });
    /// assert_eq!(why.to_string(), "\
    /// (10.0.0.1, 239.1.1.1) is installed: iif 1, owner -
    ///
    /// Interface  Oif  Why
    /// 1          no   it is the iif
    /// 2          yes  IGMP wants (*, 239.1.1.1)
    /// 3          no   protocol 1.0 switched it off
    ///
    /// Client        Pulls                                    Told  Why
    /// protocol 1.0  (10.0.0.1, 239.1.1.1), membership        no    the way to the source is with nobody
    /// protocol 1.0  (*, 239.1.1.1), membership               yes   IGMP wants it
    /// protocol 1.0  (*, *), membership                       no    nobody else wants it
    /// protocol 1.0  (10.0.0.1, 239.1.1.1), forwarding entry  no    the way to the source is with nobody
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Explanation<A> {
        self.shared.explain(Key::of(source, group))
    }

    /// What has been counted since the manager was made: calls, refusals, alerts, hand-overs, and what was asked of the
    /// edges. It prints as OpenMetrics text, which a daemon ends with `# EOF`.
    ///
    /// # Example: what a collector of metrics is given
    ///
    /// ```
    /// # use mgm::{Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let _igmp = mgm.register_igmp(NoCallbacks)?;
    /// let refused = mgm.register_igmp(NoCallbacks).unwrap_err();
    /// assert_eq!(mgm.counters().refusals[refused.kind()], 1);
    /// let text = format!("{}# EOF\n", mgm.counters());
    /// assert!(text.contains("mgm_refusals_total{kind=\"igmp_already_registered\"} 1\n"));
    /// # Ok::<(), mgm::Error>(())
    /// ```
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// How many answers to `rpf` named an interface that the client does not own, or a route that does not lead
    /// to the source ([FW-1](crate::specification#fw-1)).
    ///
    /// # Example: an answer with an interface of nobody
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, ClientRef, Interface, Mgm, ProtocolCallbacks, Rib, Route, RpfRequest, SourceAddr};
    /// # struct Routes(Route);
    /// # impl Rib for Routes {
    /// #     fn lookup(&self, _: SourceAddr) -> Option<Route> { Some(self.0) }
    /// # }
    /// struct Lost;
    /// impl ProtocolCallbacks for Lost {
    ///     fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
    ///         request.route.over(Interface::try_from(99).unwrap())
    ///     }
    /// }
    /// let eth0 = Interface::try_from(1)?;
    /// let rib = Routes(Route::new("10.0.0.0/8".parse()?, eth0));
    /// let mgm = Mgm::builder().rib(rib).build();
    /// let lost = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Lost)?;
    /// lost.take_interface_ownership(eth0)?;
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// assert_eq!(mgm.wrong_answers(), 1);
    /// assert_eq!(mgm.mfe(source, group).unwrap().iif, eth0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn wrong_answers(&self) -> u64 {
        self.shared.wrong_answers.load(Ordering::Relaxed)
    }

    /// How many panics of callbacks have been caught ([CB-5](crate::specification#cb-5)).
    ///
    /// Panics can be caught only where they unwind; under `panic = "abort"` they end the process.
    ///
    /// # Example: the caller is not harmed
    ///
    /// ```
    /// # use mgm::{ClientId, ClientRef, IgmpCallbacks, Interface, Mgm, NoCallbacks};
    /// struct Broken;
    /// impl IgmpCallbacks for Broken {
    ///     fn disable_igmp(&self, _: &ClientRef, _: Interface) { panic!("on purpose") }
    /// }
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(Broken)?;
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// pim.take_interface_ownership(eth0)?;
    /// assert_eq!((mgm.caught_panics(), mgm.owner(eth0)), (1, Some(pim.name())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn caught_panics(&self) -> u64 {
        self.shared.panics.count()
    }
}

impl<A: Address> ClientRef<A> {
    /// The manager that it is registered with.
    ///
    /// # Example: a callback that reads
    ///
    /// ```
    /// use mgm::{ClientName, ClientRef, IgmpCallbacks, Interface};
    ///
    /// struct Igmp;
    ///
    /// impl IgmpCallbacks for Igmp {
    ///     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
    ///         let is_querier_alone = igmp.manager().owner(interface) == Some(ClientName::Igmp);
    ///         println!("on {interface} alone: {is_querier_alone}");
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn manager(&self) -> Mgm<A> {
        Mgm::of(Arc::clone(self.shared()))
    }
}

impl<A: Address> Clone for Mgm<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Address> fmt::Debug for Mgm<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mgm").finish_non_exhaustive()
    }
}
