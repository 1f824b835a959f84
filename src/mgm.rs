//! The manager's own face: registering, reading, and what the system reports.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::builder::Builder;
use crate::callbacks::{IgmpCallbacks, ProtocolCallbacks};
use crate::client::{Client, refused};
use crate::error::Error;
use crate::groups::Groups;
use crate::registration::{Callbacks, Registration};
use crate::shared::Shared;
use crate::types::address::Address;
use crate::types::client::{ClientId, ClientName};
use crate::types::interface::Interface;
use crate::view::InterfaceStatus;

/// The multicast group manager of one router, for one address family.
///
/// A handle: clones are the same manager, and it lives as long as any of them or any client.
/// [`Mgm::new`] makes one for IPv4, [`Mgm::builder`] one for either family with options.
///
/// # Locks
///
/// One lock, held for plain data only; never while a callback runs. Methods may be called on any thread
/// and inside callbacks, and none panics.
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
}

impl<A: Address> Default for Mgm<A> {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl<A: Address> Mgm<A> {
    /// Options for a new manager.
    ///
    /// # Example: a manager for MLD and IPv6 protocols
    ///
    /// ```
    /// use std::net::Ipv6Addr;
    /// use mgm::{Limits, Mgm};
    ///
    /// let mgm = Mgm::<Ipv6Addr>::builder().limits(Limits::default().memberships(1_000_000)).build();
    /// assert_eq!(mgm.groups().count(), 0);
    /// ```
    pub fn builder() -> Builder<A> {
        Builder::new()
    }

    /// Registers IGMP, or MLD in a manager for IPv6; one at a time (CL-2).
    ///
    /// # Errors
    ///
    /// - [`Error::IgmpAlreadyRegistered`]: it is registered, or has not quite gone.
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
        self.register(ClientName::Igmp, Callbacks::Igmp(Box::new(callbacks)))
    }

    /// Registers one instance of a routing protocol (CL-1).
    ///
    /// The client counts as told of all that others want at this moment: it reads that with
    /// [`groups`](Self::groups), gets no alerts for it, and may get a prune alert for what it never heard
    /// a join of (CL-5).
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyRegistered`]: the id is registered, or has not quite gone.
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
        self.register(ClientName::Protocol(id), Callbacks::Protocol(Box::new(callbacks)))
    }

    fn register(&self, name: ClientName, callbacks: Callbacks<A>) -> Result<Client<A>, Error<A>> {
        let registration = Arc::new(Registration::new(name, callbacks, Arc::clone(&self.shared.panics)));
        let client = self.shared.update(|state| {
            let client = state.engine.register(name)?;
            state.outboxes.open(client, Arc::clone(&registration));
            Ok(client)
        });
        let client = client.map_err(refused)?;
        tracing::info!(client = %name, "registered");
        Ok(Client::new(Arc::clone(&self.shared), client))
    }

    /// Who owns `interface`: the routing protocol that took it, or else IGMP if it is there (IF-5).
    #[doc(alias = "MgmGetProtocolOnInterface")]
    #[must_use]
    pub fn owner(&self, interface: Interface<A>) -> Option<ClientName> {
        self.interface(interface).map(|status| status.owner)
    }

    /// Who is on `interface`, read at one moment; nothing if nobody is.
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

    /// All interfaces that somebody is on, in the order of index and next hop, read at one moment.
    #[must_use]
    pub fn interfaces(&self) -> Vec<InterfaceStatus<A>> {
        self.shared.read(|engine| engine.interfaces())
    }

    /// The memberships and blocks of all clients, in no particular order (EN-1).
    ///
    /// The iterator takes the lock for one page at a time, of at most 256 entries. While others change the
    /// groups, it misses and repeats none that is there all along, and all that it shows of one entry was
    /// so at one moment (EN-4).
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
    #[must_use]
    pub fn groups(&self) -> Groups<A> {
        Groups::new(Arc::clone(&self.shared))
    }

    /// The system reports that the interface with this index is gone, with all its next hops (IF-8).
    ///
    /// Every client on it is released, with all the alerts that deleting what it held would cause, and gets
    /// `interface_removed`. Neither IGMP callback is invoked; but where the interface is being handed over,
    /// this is carried out right after, by the thread that hands it over (HO-10). An interface that is
    /// merely down is not removed.
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
        tracing::info!(index, "interface removed");
        self.shared.update(|state| state.engine.remove(index, &mut state.effects));
    }

    /// How many panics of callbacks have been caught (CB-5).
    ///
    /// Panics can be caught only where they unwind; under `panic = "abort"` they end the process.
    #[must_use]
    pub fn caught_panics(&self) -> u64 {
        self.shared.panics.load(Ordering::Relaxed)
    }
}

impl<A: Address> Clone for Mgm<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Address> From<Arc<Shared<A>>> for Mgm<A> {
    fn from(shared: Arc<Shared<A>>) -> Self {
        Self { shared }
    }
}

impl<A: Address> fmt::Debug for Mgm<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mgm").finish_non_exhaustive()
    }
}
