//! The handle of a registered client.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{Action, ClientKey, Edit, FilterMode, Key};
use crate::error::Error;
use crate::manager::{Recorded, Recorder, Shared};
use crate::outcomes::Outcomes;
use crate::record::Call;
use crate::refresh::Refresh;
use crate::told::Told;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::client::{ClientId, ClientName};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::types::membership::{Filter, MembershipChange};
use crate::view::{Change, ForwardState, MembershipKind};

/// A registration: IGMP's, or one routing protocol's.
///
/// It cannot be copied: one owner ends the registration. What the client can do is on [`ClientRef`], to which this derefs,
/// so `client.clone()` is a handle for another task.
///
/// # Dropping it
///
/// Releases what the client is on, in the order of taking, hand-overs included, and deregisters
/// ([CL-4](crate::specification#cl-4)). From then on no callback of the client begins; one that is running on
/// another thread may still run. Where another thread is handing one of its interfaces over, that thread
/// completes the release.
#[must_use = "dropping it deregisters the client"]
pub struct Client<A: Address = Ipv4Addr> {
    me: ClientRef<A>,
}

impl<A: Address> Client<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, client: ClientKey) -> Self {
        Self { me: ClientRef::new(shared, client) }
    }

    /// Ends the registration of a client that is on no interface ([CL-3](crate::specification#cl-3)).
    ///
    /// Nobody is called or told.
    ///
    /// # Errors
    ///
    /// [`DeregisterError`], which gives the client back, with
    /// [`Error::StillOnInterfaces`]: it has interfaces to release first, and they are named.
    ///
    /// # Example: first release, then deregister
    ///
    /// ```
    /// use mgm::{ClientId, Interface, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// pim.take_interface_ownership(eth0)?;
    /// let pim = pim.deregister().expect_err("it owns eth0").into_client();
    /// pim.release_interface_ownership(eth0)?;
    /// pim.deregister()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmDeRegisterMProtocol")]
    pub fn deregister(self) -> Result<(), DeregisterError<A>> {
        let shared = &self.me.shared;
        let end = || shared.update(|state| state.engine.deregister(self.me.client));
        let ended = self.me.recorded(|_| Call::Deregister, end);
        match ended {
            Ok(()) => {
                tracing::info!(target: "mgm", client = %self.me.name(), "deregistered");
                Ok(())
            }
            Err(error) => Err(DeregisterError { client: self, error: refused(error) }),
        }
    }
}

impl<A: Address> Deref for Client<A> {
    type Target = ClientRef<A>;

    fn deref(&self) -> &ClientRef<A> {
        &self.me
    }
}

impl<A: Address> Drop for Client<A> {
    fn drop(&mut self) {
        self.me.recorded(|_| Call::Drop, || self.me.shared.drop_client(self.me.client));
    }
}

impl<A: Address> fmt::Debug for Client<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.me.name()).finish()
    }
}

/// What a registered client can do; callbacks are handed one for the client that they speak for.
///
/// A clone can be kept, in callbacks too, and sent to another thread. It acts for the client as long as that is registered,
/// does not keep it registered, and from then on every request is refused with [`Error::Deregistered`]
/// ([CL-4](crate::specification#cl-4)). As any handle, it keeps the manager.
///
/// # Example: another thread acts for the client
///
/// ```
/// use mgm::{ClientRef, Error, Interface, Mgm, NoCallbacks};
///
/// let mgm = Mgm::new();
/// let igmp = mgm.register_igmp(NoCallbacks)?;
/// let (eth0, other): (Interface, ClientRef) = (1.try_into()?, igmp.clone());
/// std::thread::spawn(move || other.take_interface_ownership(eth0)).join().unwrap()?;
/// assert_eq!(igmp.interfaces(), [eth0]);
///
/// let other = igmp.clone();
/// drop(igmp); // releases eth0, and deregisters
/// assert_eq!(other.take_interface_ownership(eth0), Err(Error::Deregistered { client: other.name() }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Locks and callbacks
///
/// Every method may be called on any thread, inside callbacks too. It returns after the alerts that it
/// caused have been delivered, unless another thread is delivering to the same client at the time; inside
/// a callback, they are delivered after that callback has returned. No method waits for a callback that
/// runs on another thread. None panics.
///
/// # Refusals
///
/// Where a method returns an error, nothing has changed, and nobody was called or told, but for
/// [`Error::PartlyDone`].
pub struct ClientRef<A: Address = Ipv4Addr> {
    shared: Arc<Shared<A>>,
    client: ClientKey,
}

impl<A: Address> Clone for ClientRef<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), client: self.client }
    }
}

impl<A: Address> ClientRef<A> {
    pub(crate) const fn new(shared: Arc<Shared<A>>, client: ClientKey) -> Self {
        Self { shared, client }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared<A>> {
        &self.shared
    }

    pub(crate) const fn key(&self) -> ClientKey {
        self.client
    }

    /// Counts all registrations of the manager.
    #[cfg(feature = "replay")]
    pub(crate) const fn registration(&self) -> u32 {
        self.client.serial()
    }

    /// Who this is.
    #[must_use]
    pub const fn name(&self) -> ClientName {
        self.client.name()
    }

    /// What the client is on, in the order of taking; nothing, once it has deregistered. An interface that it is leaving
    /// counts until the last of what it held there has gone.
    ///
    /// # Example: all that it has to release
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(Interface::try_from(7)?)?;
    /// igmp.take_interface_ownership(Interface::try_from(3)?)?;
    /// for interface in igmp.interfaces() {
    ///     igmp.release_interface_ownership(interface)?;
    /// }
    /// assert_eq!(igmp.interfaces(), []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn interfaces(&self) -> Vec<Interface<A>> {
        self.shared.interfaces_of(self.client)
    }

    /// What the client has been told to pull ([EN-5](crate::specification#en-5)): what others wanted when it registered
    /// ([CL-5](crate::specification#cl-5)), and since then every join that no prune has ended. In no particular order;
    /// nothing, if it has deregistered, or is an IGMP that is not told what others want
    /// ([`alert_mode`](crate::IgmpCallbacks::alert_mode)).
    ///
    /// The alerts that wait for the client count as told. So a client that keeps its own set of [`Pull`](crate::Pull)s
    /// begins with these, and then follows all joins and prunes that it has heard since the first page was read: a join
    /// of what is in the set and a prune of what is not are then no surprise, and the last word on each entry is
    /// right. That holds when it has registered, and after it has lost alerts, in a channel that overflowed or in a
    /// restart of its own. A forwarding entry that is deleted ends what it was pulled for, and nobody hears of that.
    ///
    /// The iterator takes the lock for one page at a time, of at most 256 entries. It misses and repeats no pull that
    /// is there all along ([EN-4](crate::specification#en-4)). It looks at every entry that anybody wants, and at every
    /// forwarding entry.
    ///
    /// # Example: a protocol that registers late
    ///
    /// ```
    /// use mgm::{ClientId, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(3.try_into()?)?;
    /// igmp.add_group_membership(3.try_into()?, "(*, 239.1.1.1)".parse()?)?;
    ///
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let told: Vec<_> = pim.told().map(|pull| pull.to_string()).collect();
    /// assert_eq!(told, ["(*, 239.1.1.1), membership"]);
    /// assert_eq!(igmp.told().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn told(&self) -> Told<A> {
        Told::new(Arc::clone(&self.shared), self.client)
    }

    /// Takes an interface: a routing protocol as its owner, IGMP to add memberships there
    /// ([IF-1](crate::specification#if-1), [IF-2](crate::specification#if-2)).
    ///
    /// Where IGMP is on an interface that a routing protocol takes, this is a hand-over
    /// ([HO-1](crate::specification#ho-1)): [`disable_igmp`](crate::IgmpCallbacks::disable_igmp) is invoked and
    /// waited for; the owner changes, and what IGMP holds there becomes stale, stays in force, and counts for the new
    /// owner; the alerts that follow are delivered; then [`enable_igmp`](crate::IgmpCallbacks::enable_igmp) is
    /// invoked, and what IGMP has not added again is deleted ([HO-14](crate::specification#ho-14)). In every other
    /// case neither is invoked.
    ///
    /// Forwarding entries that come in by the interface, or whose source lies behind it, are brought to the new
    /// owner, which is asked [`rpf`](crate::ProtocolCallbacks::rpf) ([HO-15](crate::specification#ho-15)). All of
    /// this is done when the call returns, and it takes as long as there is to do; nobody else waits for it. Until
    /// then no other call changes who is on the interface ([HO-7](crate::specification#ho-7)).
    ///
    /// # Errors
    ///
    /// - [`Error::HandoverInProgress`]: the interface is changing hands; [`when_settled`](crate::Mgm::when_settled)
    ///   says when it no longer is.
    /// - [`Error::AlreadyTaken`]: the client is on it.
    /// - [`Error::OwnedByAnother`]: another routing protocol owns it, and has not [offered](Self::offer_interface) it
    ///   to the client.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: DVMRP takes an interface from IGMP
    ///
    /// ```
    /// use mgm::{ClientId, ClientName, Interface, Mgm, NoCallbacks};
    ///
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// assert_eq!(mgm.owner(eth0), Some(ClientName::Igmp));
    /// dvmrp.take_interface_ownership(eth0)?;
    /// assert_eq!(mgm.owner(eth0), Some(dvmrp.name()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmTakeInterfaceOwnership")]
    pub fn take_interface_ownership(&self, interface: Interface<A>) -> Result<(), Error<A>> {
        let take = || self.shared.take(self.client, interface);
        self.recorded(|_| Call::Take { interface }, take).map_err(refused)
    }

    /// Releases an interface, and with it all that the client holds there ([IF-7](crate::specification#if-7)).
    ///
    /// What the client held there is deleted, with all the alerts that deleting it one by one would cause. Where IGMP
    /// is on an interface that a routing protocol releases, this is a hand-over, with the callbacks of
    /// [`take_interface_ownership`](Self::take_interface_ownership) in the same order: what IGMP holds becomes stale,
    /// and counts for IGMP itself. Forwarding entries stay, and are brought to the new owner
    /// ([HO-15](crate::specification#ho-15)).
    ///
    /// # Errors
    ///
    /// - [`Error::HandoverInProgress`]: the interface is changing hands.
    /// - [`Error::NotOnInterface`]: the client is not on it.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: what was joined goes with the interface
    ///
    /// ```
    /// # use mgm::{ClientId, Entry, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// pim.take_interface_ownership(eth0)?;
    /// pim.add_group_membership(eth0, "(*, 239.1.1.1)".parse()?)?;
    /// pim.release_interface_ownership(eth0)?;
    /// assert_eq!(mgm.groups().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmReleaseInterfaceOwnership")]
    pub fn release_interface_ownership(&self, interface: Interface<A>) -> Result<(), Error<A>> {
        let release = || self.shared.release(self.client, interface);
        self.recorded(|_| Call::Release { interface }, release).map_err(refused)
    }

    /// Adds `entry` on an interface that the client is on ([MB-1](crate::specification#mb-1),
    /// [MB-2](crate::specification#mb-2)).
    ///
    /// Adding what is there changes nothing, and is no error; what is [stale](crate::Membership::stale) is confirmed
    /// by it ([HO-13](crate::specification#ho-13)). A block of the same (S,G) is replaced. If IGMP adds where a
    /// routing protocol owns the interface, that protocol gets [`local_join`](crate::ProtocolCallbacks::local_join).
    /// If a client begins to want the entry, others get [`join_alert`](crate::ProtocolCallbacks::join_alert)s as
    /// [CT-3](crate::specification#ct-3) says (RFC 2715 §3.1.1).
    ///
    /// # Errors
    ///
    /// - [`Error::SourceRequired`]: (\*,G) in the SSM range.
    /// - [`Error::NotOnInterface`]: the client is not on the interface, or not the protocol that owns it.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun; adding it there will do.
    /// - [`Error::HandoverInProgress`]: the client is leaving the interface.
    /// - [`Error::LimitReached`]: a limit would be passed; not by what is stale.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: a set
    ///
    /// ```
    /// # use mgm::{Change, Entry, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// let entry = Entry::Group("239.1.1.1".parse()?);
    /// assert_eq!(igmp.add_group_membership(eth0, entry)?, Change::Changed);
    /// assert_eq!(igmp.add_group_membership(eth0, entry)?, Change::Unchanged);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmAddGroupMembershipEntry")]
    #[doc(alias = "MGM_JOIN_STATE_FLAG")]
    pub fn add_group_membership(&self, interface: Interface<A>, entry: Entry<A>) -> Result<Change, Error<A>> {
        self.edit(interface, MembershipChange::Add(entry))
    }

    /// Deletes `entry` on an interface that the client is on ([MB-1](crate::specification#mb-1),
    /// [MB-2](crate::specification#mb-2)).
    ///
    /// Deleting what is not there changes nothing, and is no error. The mirror image of
    /// [`add_group_membership`](Self::add_group_membership):
    /// [`local_leave`](crate::ProtocolCallbacks::local_leave), and
    /// [`prune_alert`](crate::ProtocolCallbacks::prune_alert)s as [CT-3](crate::specification#ct-3) says.
    ///
    /// # Errors
    ///
    /// - [`Error::SourceRequired`]: (\*,G) in the SSM range.
    /// - [`Error::NotOnInterface`]: the client is not on the interface, or not the protocol that owns it.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: another client's membership stays
    ///
    /// ```
    /// # use mgm::{Change, ClientId, Entry, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// pim.take_interface_ownership(eth0)?;
    /// let entry = Entry::Group("239.1.1.1".parse()?);
    /// igmp.add_group_membership(eth0, entry)?;
    /// assert_eq!(pim.delete_group_membership(eth0, entry)?, Change::Unchanged);
    /// assert_eq!(igmp.delete_group_membership(eth0, entry)?, Change::Changed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmDeleteGroupMembershipEntry")]
    pub fn delete_group_membership(
        &self,
        interface: Interface<A>,
        entry: Entry<A>,
    ) -> Result<Change, Error<A>> {
        self.edit(interface, MembershipChange::Delete(entry))
    }

    /// Blocks `source` in `group` on an interface: IGMPv3's EXCLUDE ([MB-6](crate::specification#mb-6)).
    ///
    /// Takes away only this client's own (\*,G) and (\*,\*) there for that source; what another client wants
    /// there stays. A membership of the same (S,G) is replaced. If IGMP blocks where a routing protocol owns
    /// the interface, that protocol gets [`local_block`](crate::ProtocolCallbacks::local_block).
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`]: the client is not on the interface, or not the protocol that owns it.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::HandoverInProgress`]: the client is leaving the interface.
    /// - [`Error::LimitReached`]: a limit would be passed; not by what is stale.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: all of a group but for one source
    ///
    /// ```
    /// # use mgm::{Entry, Interface, MembershipKind, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// igmp.add_group_membership(eth0, Entry::Group("239.1.1.1".parse()?))?;
    /// igmp.block_source(eth0, "198.51.100.9".parse()?, "239.1.1.1".parse()?)?;
    /// assert_eq!(mgm.groups().filter(|held| held.kind == MembershipKind::Blocked).count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block_source(
        &self,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<Change, Error<A>> {
        self.edit(interface, MembershipChange::Block(source, group))
    }

    /// Ends a block. The mirror image of [`block_source`](Self::block_source):
    /// [`local_unblock`](crate::ProtocolCallbacks::local_unblock).
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`]: the client is not on the interface, or not the protocol that owns it.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: what is not blocked
    ///
    /// ```
    /// # use mgm::{Change, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// igmp.take_interface_ownership(eth0)?;
    /// let (source, group) = ("198.51.100.9".parse()?, "239.1.1.1".parse()?);
    /// assert_eq!(igmp.unblock_source(eth0, source, group)?, Change::Unchanged);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unblock_source(
        &self,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) -> Result<Change, Error<A>> {
        self.edit(interface, MembershipChange::Unblock(source, group))
    }

    /// Makes several changes on one interface, in order ([MB-8](crate::specification#mb-8)). For a report of
    /// many records, and for [`enable_igmp`](crate::IgmpCallbacks::enable_igmp), it is several times as fast as
    /// one call for each.
    ///
    /// Each change is judged as if it came alone, and a refused one leaves the others alone. They are made in steps
    /// of a page at most; within a step, alerts and the forwarder follow the difference between before and after, so
    /// what comes and goes inside it is nothing. Where a step might bring more alerts than
    /// [`Limits::waiting_alerts`](crate::Limits::waiting_alerts) allows, each change is a step of its own.
    ///
    /// # Errors
    ///
    /// None for the whole. Each change may be refused as the call for it alone; [`Outcomes`] says which.
    ///
    /// # Example: a report
    ///
    /// ```
    /// # use mgm::{Interface, MembershipChange, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// igmp.take_interface_ownership(lan)?;
    /// let joined = ["(*, 239.1.1.1)", "(10.0.0.1, 232.1.1.1)"];
    /// let outcomes = igmp.batch(lan, joined.map(|entry| MembershipChange::Add(entry.parse().unwrap())));
    /// assert_eq!((outcomes.changed(), outcomes.refused().count()), (2, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batch(
        &self,
        interface: Interface<A>,
        changes: impl IntoIterator<Item = MembershipChange<A>>,
    ) -> Outcomes<A> {
        let outcomes = if self.shared.is_recorded() {
            let changes: Vec<_> = changes.into_iter().collect();
            let again = changes.clone();
            self.recorded(
                |_| Call::Batch { interface, changes },
                || self.shared.batch(self.client, interface, again.into_iter().map(edit)),
            )
        } else {
            self.shared.batch(self.client, interface, changes.into_iter().map(edit))
        };
        let changed = outcomes.changed();
        tracing::debug!(target: "mgm::membership", client = %self.name(), %interface, changed, "batch");
        for (place, error) in outcomes.refused() {
            tracing::debug!(target: "mgm", place, %error, "refused");
        }
        outcomes
    }

    /// Sets all that the client holds of one group on one interface ([MB-9](crate::specification#mb-9)): what a
    /// state of IGMPv3 or MLDv2 comes to.
    ///
    /// `EXCLUDE(A)` is (\*,G) and a block of each of A, `INCLUDE(B)` each of B, and nothing else of the group. It is
    /// one step if it fits a page, else several, and what adds receivers comes first; alerts follow the difference.
    /// Limits are checked for the net effect before the first step, and the room is kept: at a limit nothing changes.
    ///
    /// # Errors
    ///
    /// - [`Error::SourceRequired`]: EXCLUDE in the SSM range.
    /// - [`Error::NotOnInterface`]: the client is not on the interface.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::PartlyDone`]: the same, but it began between two steps, and what was done stays.
    /// - [`Error::HandoverInProgress`]: the client is leaving the interface.
    /// - [`Error::LimitReached`]: a limit would be passed; not by what is stale.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: a host leaves out one source, and then wants nothing else
    ///
    /// ```
    /// # use mgm::{Change, Filter, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// igmp.take_interface_ownership(lan)?;
    /// let (group, source) = ("239.1.1.1".parse()?, "198.51.100.9".parse()?);
    /// igmp.set_group(lan, group, Filter::Exclude(&[source]))?;
    /// assert_eq!(mgm.groups().count(), 2);
    /// igmp.set_group(lan, group, Filter::Include(&[source]))?;
    /// assert_eq!(mgm.groups().next().unwrap().entry.to_string(), "(198.51.100.9, 239.1.1.1)");
    /// assert_eq!(igmp.set_group(lan, group, Filter::LEAVE)?, Change::Changed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_group(
        &self,
        interface: Interface<A>,
        group: GroupAddr<A>,
        filter: Filter<'_, A>,
    ) -> Result<Change, Error<A>> {
        let (mode, sources) = match filter {
            Filter::Include(sources) => (FilterMode::Include, sources),
            Filter::Exclude(sources) => (FilterMode::Exclude, sources),
        };
        let call = |_: &Recorder<A>| {
            let sources = sources.to_vec();
            match mode {
                FilterMode::Include => Call::Include { interface, group, sources },
                FilterMode::Exclude => Call::Exclude { interface, group, sources },
            }
        };
        let set = || self.shared.set_group(self.client, interface, group, mode, sources);
        let change = self.recorded(call, set).map_err(refused)?;
        if change == Change::Changed {
            let client = self.name();
            tracing::debug!(target: "mgm::membership", %client, %interface, %group, "filter set");
        }
        Ok(change)
    }

    /// Begins a refresh of all that the client holds on an interface ([HO-17](crate::specification#ho-17)): for
    /// a protocol that restarts or reloads, so that nobody loses a packet.
    ///
    /// All that it holds there, but for forward state, is *stale* from now on, and stays in force. What the client
    /// adds again is confirmed; what it has not added again when it [ends](Refresh::end) the refresh, or when
    /// `deadline` has come and [`expire`](crate::Mgm::expire) is called, is deleted. Inside `enable_igmp` IGMP may
    /// begin one for what it has not confirmed yet: the sweep then waits for its end or its deadline, and the
    /// hand-over ends without it.
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`]: the client is not on the interface.
    /// - [`Error::RefreshInProgress`]: an earlier one has not ended.
    /// - [`Error::DeadlinePassed`]: the deadline is not after the latest time that the manager was told.
    /// - [`Error::HandoverInProgress`]: the interface is changing hands.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, and `enable_igmp` has not begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: IGMP reloads its configuration
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// igmp.take_interface_ownership(lan)?;
    /// igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?;
    /// igmp.add_group_membership(lan, "(*, 239.1.1.2)".parse()?)?;
    ///
    /// let refresh = igmp.begin_refresh(lan, Instant::now() + Duration::from_secs(260))?;
    /// igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?; // wanted still
    /// refresh.end();
    /// assert_eq!(mgm.groups().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin_refresh(&self, interface: Interface<A>, deadline: Instant) -> Result<Refresh<A>, Error<A>> {
        let id = self.recorded(
            |recorder| Call::BeginRefresh { interface, deadline: recorder.moment(deadline) },
            || self.shared.update(|state| state.engine.begin_refresh(self.client, interface, deadline)),
        );
        Ok(Refresh::new(Arc::clone(&self.shared), self.client, interface, id.map_err(refused)?))
    }

    /// Offers an interface that the client owns to another protocol ([IF-9](crate::specification#if-9)): its
    /// take is then granted, and is a release by the one and a take by the other in one hand-over, with no
    /// moment without an owner.
    ///
    /// The offer ends with the take, when the client no longer owns the interface, and when either deregisters.
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`], [`Error::NotOwner`]: the client is not the protocol that owns the interface.
    /// - [`Error::NotRegistered`]: no protocol has this id.
    /// - [`Error::OfferedToItself`]: it is the client's own.
    /// - [`Error::AlreadyOffered`]: another offer stands.
    /// - [`Error::HandoverInProgress`]: the interface is changing hands.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: one protocol takes over from another
    ///
    /// ```
    /// # use mgm::{ClientId, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let (dvmrp, pim) = (ClientId { protocol: 2, component: 0 }, ClientId { protocol: 1, component: 0 });
    /// let dvmrp = mgm.register_protocol(dvmrp, NoCallbacks)?;
    /// let lan = Interface::try_from(3)?;
    /// dvmrp.take_interface_ownership(lan)?;
    /// let successor = mgm.register_protocol(pim, NoCallbacks)?;
    /// assert!(successor.take_interface_ownership(lan).is_err());
    /// dvmrp.offer_interface(lan, pim)?;
    /// successor.take_interface_ownership(lan)?;
    /// assert_eq!(mgm.owner(lan), Some(successor.name()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offer_interface(&self, interface: Interface<A>, to: ClientId) -> Result<(), Error<A>> {
        let offer = || self.shared.update(|state| state.engine.offer(self.client, interface, to));
        self.recorded(|_| Call::Offer { interface, to }, offer).map_err(refused)
    }

    /// Takes back an offer of [`offer_interface`](Self::offer_interface); if there is none, nothing changes.
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`], [`Error::NotOwner`]: the client is not the protocol that owns the interface.
    /// - [`Error::HandoverInProgress`]: the interface is changing hands.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: nothing was offered
    ///
    /// ```
    /// # use mgm::{Change, ClientId, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// pim.take_interface_ownership(3.try_into()?)?;
    /// assert_eq!(pim.withdraw_offer(3.try_into()?)?, Change::Unchanged);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw_offer(&self, interface: Interface<A>) -> Result<Change, Error<A>> {
        let withdraw = || self.shared.update(|state| state.engine.withdraw_offer(self.client, interface));
        self.recorded(|_| Call::WithdrawOffer { interface }, withdraw).map_err(refused)
    }

    /// Sets or clears the forward state of (S,G) on an interface that the client owns
    /// ([MB-5](crate::specification#mb-5)).
    ///
    /// [`ForwardState::Off`] keeps the interface out of the oifs whatever is joined, [`ForwardState::On`] puts
    /// it in where nobody joined. It goes with the forwarding entry, and when the interface changes hands.
    /// Where it empties or fills the oifs, the owner of the iif gets a prune or join alert
    /// ([FW-6](crate::specification#fw-6)), if it is another client.
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`], [`Error::NotOwner`]: the client does not own the interface.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::NoSuchMfe`]: there is no forwarding entry to set it in.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: an assert is lost
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, ForwardState, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// pim.take_interface_ownership(eth1)?;
    /// pim.add_group_membership(eth1, "(*, 239.1.1.1)".parse()?)?;
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// assert_eq!(mgm.mfe(source, group).unwrap().oifs, [eth1]);
    /// pim.set_forward_state(eth1, source, group, Some(ForwardState::Off))?;
    /// assert_eq!(mgm.mfe(source, group).unwrap().oifs, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MGM_FORWARD_STATE_FLAG")]
    pub fn set_forward_state(
        &self,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        state: Option<ForwardState>,
    ) -> Result<Change, Error<A>> {
        let key = Key::of(source, group);
        let set = || {
            self.shared.update(|shared| shared.engine.set_forward_state(self.client, interface, key, state))
        };
        self.recorded(|_| Call::SetForwardState { interface, source, group, state }, set).map_err(refused)
    }

    /// Changes the upstream neighbour of an entry whose iif the client owns, and the iif to another interface
    /// of the client ([FW-8](crate::specification#fw-8)).
    ///
    /// The new iif leaves the oifs, the old one may enter. Nobody is told. It holds until the entry is made
    /// anew, or the route to its source changes.
    ///
    /// # Errors
    ///
    /// - [`Error::NoSuchMfe`]: there is no such entry.
    /// - [`Error::NotIncoming`]: the client does not own its iif.
    /// - [`Error::NotOnInterface`], [`Error::NotOwner`]: the client does not own the new iif.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, one of the two interfaces is being handed over, and
    ///   `enable_igmp` has not begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: PIM switches to another of its interfaces
    ///
    /// ```
    /// # use std::time::Instant;
    /// # use mgm::{ClientId, Interface, Mgm, NoCallbacks, Rib, Route, SourceAddr};
    /// # struct Routes(Route);
    /// # impl Rib for Routes {
    /// #     fn lookup(&self, _: SourceAddr) -> Option<Route> { Some(self.0) }
    /// # }
    /// let (eth0, eth1) = (Interface::try_from(1)?, Interface::try_from(2)?);
    /// # let rib = Routes(Route::new("10.0.0.0/8".parse()?, eth0));
    /// let mgm = Mgm::builder().rib(rib).build(); // 10.0.0.0/8 is behind eth0
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// pim.take_interface_ownership(eth0)?;
    /// pim.take_interface_ownership(eth1)?;
    /// let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    /// pim.set_mfe(source, group, eth1, Some("192.0.2.9".parse()?))?;
    /// assert_eq!(mgm.mfe(source, group).unwrap().iif, eth1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "MgmSetMfe")]
    pub fn set_mfe(
        &self,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        iif: Interface<A>,
        upstream: Option<A>,
    ) -> Result<(), Error<A>> {
        let key = Key::of(source, group);
        let set = || self.shared.update(|state| state.engine.set_mfe(self.client, key, iif, upstream));
        self.recorded(|_| Call::SetMfe { source, group, iif, upstream }, set).map_err(refused)
    }

    /// Sets the time to live of an entry whose iif the client owns, from when it was made or renewed
    /// ([FW-7](crate::specification#fw-7)).
    ///
    /// Entries live 900 s unless this says otherwise; it may be called from inside the alerts for the entry.
    ///
    /// # Errors
    ///
    /// - [`Error::NoSuchMfe`]: there is no such entry.
    /// - [`Error::NotIncoming`]: the client does not own its iif.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, its iif is being handed over, and `enable_igmp` has not begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: as long as PIM keeps a source (RFC 7761 §4.11)
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use mgm::{ClientId, Interface, Mgm, NoCallbacks, Rib, Route, SourceAddr};
    /// # struct Routes(Route);
    /// # impl Rib for Routes {
    /// #     fn lookup(&self, _: SourceAddr) -> Option<Route> { Some(self.0) }
    /// # }
    /// let eth0 = Interface::try_from(1)?;
    /// # let rib = Routes(Route::new("10.0.0.0/8".parse()?, eth0));
    /// let mgm = Mgm::builder().rib(rib).build(); // 10.0.0.0/8 is behind eth0
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// pim.take_interface_ownership(eth0)?;
    /// let (source, group, now) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?, Instant::now());
    /// mgm.packet_received(source, group, eth0, &[], now)?;
    /// pim.set_mfe_timeout(source, group, Duration::from_secs(210))?;
    /// assert_eq!(mgm.mfe(source, group).unwrap().expires, Some(now + Duration::from_secs(210)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_mfe_timeout(
        &self,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        timeout: Duration,
    ) -> Result<(), Error<A>> {
        let key = Key::of(source, group);
        let set = || self.shared.update(|state| state.engine.set_mfe_timeout(self.client, key, timeout));
        self.recorded(|_| Call::SetMfeTimeout { source, group, timeout }, set).map_err(refused)
    }

    /// Switches `wrong_interface` alerts for an interface that the client owns on or off
    /// ([FW-10](crate::specification#fw-10)).
    ///
    /// They are off until they are switched on, and again when the interface changes hands.
    ///
    /// # Errors
    ///
    /// - [`Error::NotOnInterface`], [`Error::NotOwner`]: the client does not own the interface.
    /// - [`Error::IgmpDisabled`]: the client is IGMP, the interface is being handed over, and `enable_igmp` has not
    ///   begun.
    /// - [`Error::Deregistered`]: the client has deregistered.
    ///
    /// # Example: they are for the owner to switch
    ///
    /// ```
    /// # use mgm::{ClientId, Error, Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
    /// let eth0 = Interface::try_from(1)?;
    /// assert!(matches!(pim.set_wrong_interface_alerts(eth0, true), Err(Error::NotOnInterface { .. })));
    /// pim.take_interface_ownership(eth0)?;
    /// pim.set_wrong_interface_alerts(eth0, true)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_wrong_interface_alerts(&self, interface: Interface<A>, on: bool) -> Result<(), Error<A>> {
        let set = || {
            self.shared.update(|state| state.engine.set_wrong_interface_alerts(self.client, interface, on))
        };
        self.recorded(|_| Call::SetWrongInterfaceAlerts { interface, on }, set).map_err(refused)
    }

    fn edit(&self, interface: Interface<A>, change: MembershipChange<A>) -> Result<Change, Error<A>> {
        let edit = || self.shared.edit(self.client, interface, edit(change));
        let done = self.recorded(|_| Call::Change { interface, change }, edit).map_err(refused)?;
        if done == Change::Changed {
            let (client, entry) = (self.name(), change.entry());
            match change {
                MembershipChange::Add(_) => {
                    tracing::debug!(target: "mgm::membership", %client, %interface, %entry, "added");
                }
                MembershipChange::Delete(_) => {
                    tracing::debug!(target: "mgm::membership", %client, %interface, %entry, "deleted");
                }
                MembershipChange::Block(..) => {
                    tracing::debug!(target: "mgm::membership", %client, %interface, %entry, "blocked");
                }
                MembershipChange::Unblock(..) => {
                    tracing::debug!(target: "mgm::membership", %client, %interface, %entry, "unblocked");
                }
            }
        }
        Ok(done)
    }

    fn recorded<R: Recorded<A>>(
        &self,
        call: impl FnOnce(&Recorder<A>) -> Call<A>,
        act: impl FnOnce() -> R,
    ) -> R {
        self.shared.recorded(Some(self.client), call, act)
    }
}

impl<A: Address> fmt::Debug for ClientRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientRef").field(&self.name()).finish()
    }
}

/// The client could not deregister; here it is again.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct DeregisterError<A: Address = Ipv4Addr> {
    client: Client<A>,
    error: Error<A>,
}

impl<A: Address> DeregisterError<A> {
    /// Why.
    #[must_use]
    pub const fn error(&self) -> &Error<A> {
        &self.error
    }

    /// The client, still registered.
    pub fn into_client(self) -> Client<A> {
        self.client
    }
}

const fn edit<A: Address>(change: MembershipChange<A>) -> Edit<A> {
    use MembershipKind::{Blocked, Joined};
    let (entry, action) = match change {
        MembershipChange::Add(entry) => (entry, Action::Set(Joined)),
        MembershipChange::Delete(entry) => (entry, Action::Clear(Joined)),
        MembershipChange::Block(source, group) => (Entry::SourceGroup(source, group), Action::Set(Blocked)),
        MembershipChange::Unblock(source, group) => {
            (Entry::SourceGroup(source, group), Action::Clear(Blocked))
        }
    };
    Edit { entry, action }
}

pub(crate) fn refused<A: Address>(error: Error<A>) -> Error<A> {
    tracing::debug!(target: "mgm", %error, "refused");
    error
}
