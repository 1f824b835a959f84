//! What the manager asks of its clients, and what it tells them.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::client::ClientRef;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::{Alert, AlertCause, AlertMode};
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::types::route::Route;

/// What IGMP, or MLD, writes to share interfaces with routing protocols.
///
/// Every method has a default that does nothing ([CB-6](crate::specification#cb-6)). Each is handed the client that it speaks for:
/// store no [`Client`](crate::Client) in the implementation, that would be a cycle.
///
/// # When they are called
///
/// [`disable_igmp`](Self::disable_igmp) and [`enable_igmp`](Self::enable_igmp) are *calls*: they are made
/// at once, on the thread that takes or releases the interface, in strict order around the hand-over.
/// [`interface_removed`](Self::interface_removed) is an *alert*, and comes through IGMP's queue.
///
/// # Thread and locks
///
/// Any thread, one hand-over of an interface at a time; hand-overs of other interfaces run side by side.
/// The manager holds no lock, so do not hold one here that a thread keeps while it calls the manager.
///
/// # What you may call from here
///
/// Anything. A take or release of the interface that is being handed over is refused, and alerts that
/// your calls cause are delivered after the callback has returned.
///
/// # If it panics
///
/// The panic is caught, reported at error level and counted; the hand-over goes on.
///
/// # Example: IGMP remembers what to add again
///
/// ```
/// use mgm::{ClientRef, Entry, IgmpCallbacks, Interface};
///
/// struct Igmp { joined: Vec<Entry> }
///
/// impl IgmpCallbacks for Igmp {
///     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
///         for &entry in &self.joined {
///             // Adding here is allowed; MGM's own documentation warns that there it deadlocks.
///             igmp.add_group_membership(interface, entry).expect("IGMP is on the interface");
///         }
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait IgmpCallbacks<A: Address = Ipv4Addr>: Send + Sync {
    /// Stop adding and deleting on `interface`: its owner is about to change.
    ///
    /// Until [`enable_igmp`](Self::enable_igmp) begins, adds and deletes there are refused with
    /// [`Error::IgmpDisabled`](crate::Error::IgmpDisabled). The change waits until this returns. All that IGMP
    /// holds on the interface is then withdrawn.
    #[doc(alias = "PMGM_DISABLE_IGMP_CALLBACK")]
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// The owner of `interface` has changed: add again what is joined there, here or later.
    ///
    /// Exactly one follows every [`disable_igmp`](Self::disable_igmp), unless IGMP itself has gone.
    #[doc(alias = "PMGM_ENABLE_IGMP_CALLBACK")]
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// Which joins and prunes IGMP hears of; read once, when it registers ([CL-6](crate::specification#cl-6)).
    fn alert_mode(&self) -> AlertMode {
        AlertMode::None
    }

    /// Any alert as a value. Unless it is written, it calls the single ones.
    fn alert(&self, igmp: &ClientRef<A>, alert: Alert<A>) {
        match alert {
            Alert::Join { entry, cause } => self.join_alert(igmp, entry, cause),
            Alert::Prune { entry, cause } => self.prune_alert(igmp, entry, cause),
            Alert::WrongInterface { interface, source, group, header } => {
                self.wrong_interface(igmp, interface, source, group, &header);
            }
            Alert::InterfaceRemoved { index } => self.interface_removed(igmp, index),
            Alert::LocalJoin { .. }
            | Alert::LocalLeave { .. }
            | Alert::LocalBlock { .. }
            | Alert::LocalUnblock { .. } => {}
        }
    }

    /// Others want `entry` from now on, if IGMP asked to hear of that ([`alert_mode`](Self::alert_mode)).
    fn join_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// Nobody else wants `entry` any more, if IGMP asked to hear of that.
    fn prune_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// A packet came in on `interface`, which IGMP owns, and not on the iif of its entry; if IGMP asked to hear of that
    /// ([`set_wrong_interface_alerts`](ClientRef::set_wrong_interface_alerts)).
    fn wrong_interface(
        &self,
        igmp: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
    }

    /// The interface with this `index` is gone with all its links, and with it all that IGMP held there.
    fn interface_removed(&self, igmp: &ClientRef<A>, index: NonZeroU32) {}
}

/// What a routing protocol writes to hear of what it has to know.
///
/// Every method has a default that does nothing ([CB-6](crate::specification#cb-6)). Each is handed the client that it speaks for:
/// store no [`Client`](crate::Client) in the implementation, that would be a cycle.
///
/// # Order
///
/// [`rpf`](Self::rpf) and [`creation_alert`](Self::creation_alert) are *calls*: they are made at once, on the
/// thread that needs the answer, several at once and perhaps beside an alert to the same client. All others
/// are *alerts*. One client's alerts arrive one at a time, in the order in which the
/// manager's state changed, and what the state was changed to can be read from inside them.
///
/// # Thread and locks
///
/// The thread whose call caused the alert, before that call returns; or, if another thread is
/// delivering to this client at the time, that thread. The manager holds no lock.
///
/// # What you may call from here
///
/// Anything. Alerts that your calls cause are delivered after the callback has returned.
///
/// # If it panics
///
/// The panic is caught, reported at error level and counted; the next alert follows.
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait ProtocolCallbacks<A: Address = Ipv4Addr>: Send + Sync {
    /// Whether the protocol is asked about every new forwarding entry; read once, when it registers.
    fn creation_mode(&self) -> CreationMode {
        CreationMode::WithOifs
    }

    /// Where should the packets of a source come from? (MGM: RPF; RFC 2715 §2 rule 1.)
    ///
    /// Asked of the owner of the interface toward the source, when an entry is made or renewed, and when
    /// routes to its source change. The answer may be another interface that the client owns, another
    /// upstream neighbour, another route; an answer on an interface of somebody else is reported at error
    /// level and counted, and the RIB's is used.
    #[doc(alias = "PMGM_RPF_CALLBACK")]
    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        request.route
    }

    /// An entry is about to be made with these oifs of the client: which are to forward? (RFC 2715 §2 rule 3.)
    ///
    /// The answers become forward state of the entry. A client that is asked always
    /// ([`CreationMode::Always`]) is shown all its interfaces but the iif, and may enable.
    #[doc(alias = "PMGM_CREATION_ALERT_CALLBACK")]
    fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {}

    /// Any alert as a value: a bridge to a channel, a recorder or a log writes this one method. Unless it is written, it
    /// calls the single ones below.
    fn alert(&self, client: &ClientRef<A>, alert: Alert<A>) {
        match alert {
            Alert::Join { entry, cause } => self.join_alert(client, entry, cause),
            Alert::Prune { entry, cause } => self.prune_alert(client, entry, cause),
            Alert::LocalJoin { interface, entry } => self.local_join(client, interface, entry),
            Alert::LocalLeave { interface, entry } => self.local_leave(client, interface, entry),
            Alert::LocalBlock { interface, source, group } => {
                self.local_block(client, interface, source, group);
            }
            Alert::LocalUnblock { interface, source, group } => {
                self.local_unblock(client, interface, source, group);
            }
            Alert::WrongInterface { interface, source, group, header } => {
                self.wrong_interface(client, interface, source, group, &header);
            }
            Alert::InterfaceRemoved { index } => self.interface_removed(client, index),
        }
    }

    /// A packet came in on `interface`, which this client owns, and not on the iif of its entry (RFC 2715 §2 rule 2).
    ///
    /// Only where [`set_wrong_interface_alerts`](ClientRef::set_wrong_interface_alerts) asked for it, and at
    /// most once in 3 s for one entry. `header` is what the forwarder showed of the packet.
    #[doc(alias = "PMGM_WRONG_IF_CALLBACK")]
    fn wrong_interface(
        &self,
        client: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
    }

    /// Others want `entry` from now on: pull it (MGM: Join Alert; RFC 2715 §3.1.1).
    #[doc(alias = "PMGM_JOIN_ALERT_CALLBACK")]
    fn join_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// Nobody else wants `entry` any more: stop pulling it.
    ///
    /// A client that registered when others already wanted something hears of its end without ever
    /// having heard of its beginning.
    #[doc(alias = "PMGM_PRUNE_ALERT_CALLBACK")]
    fn prune_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// IGMP added `entry` on `interface`, which this client owns.
    #[doc(alias = "PMGM_LOCAL_JOIN_CALLBACK")]
    fn local_join(&self, client: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {}

    /// IGMP deleted `entry` on `interface`, or it was withdrawn. Every `local_join` is matched by one of these.
    #[doc(alias = "PMGM_LOCAL_LEAVE_CALLBACK")]
    fn local_leave(&self, client: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {}

    /// IGMP blocks `source` in `group` on `interface`, which this client owns (IGMPv3's EXCLUDE).
    fn local_block(
        &self,
        client: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
    }

    /// IGMP no longer blocks `source` in `group` on `interface`.
    fn local_unblock(
        &self,
        client: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
    }

    /// The interface with this `index` is gone with all its links, and with it all that the client held there.
    fn interface_removed(&self, client: &ClientRef<A>, index: NonZeroU32) {}
}

/// Callbacks that do nothing, for an IGMP or a protocol that needs none.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add to nothing")]
pub struct NoCallbacks;

impl<A: Address> IgmpCallbacks<A> for NoCallbacks {}
impl<A: Address> ProtocolCallbacks<A> for NoCallbacks {}

/// An [`Arc`] of callbacks is callbacks: what a test or a daemon looks at from outside.
impl<A: Address, T: IgmpCallbacks<A> + ?Sized> IgmpCallbacks<A> for Arc<T> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        T::disable_igmp(self, igmp, interface);
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        T::enable_igmp(self, igmp, interface);
    }

    fn alert_mode(&self) -> AlertMode {
        T::alert_mode(self)
    }

    // The single alerts are called from this one, so it is all that has to be passed on.
    fn alert(&self, igmp: &ClientRef<A>, alert: Alert<A>) {
        T::alert(self, igmp, alert);
    }
}

/// An [`Arc`] of callbacks is callbacks: what a test or a daemon looks at from outside.
impl<A: Address, T: ProtocolCallbacks<A> + ?Sized> ProtocolCallbacks<A> for Arc<T> {
    fn creation_mode(&self) -> CreationMode {
        T::creation_mode(self)
    }

    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        T::rpf(self, client, request)
    }

    fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        T::creation_alert(self, client, entry, oifs);
    }

    // The single alerts are called from this one, so it is all that has to be passed on.
    fn alert(&self, client: &ClientRef<A>, alert: Alert<A>) {
        T::alert(self, client, alert);
    }
}
