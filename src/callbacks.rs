//! What the manager asks of its clients, and what it tells them.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use crate::client::ClientRef;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::{Alert, AlertCause, AlertMode};
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::types::route::Route;

/// The callbacks of IGMP, or MLD: what it has to know to share interfaces with routing protocols.
///
/// Every method has a default that does nothing ([CB-6](crate::specification#cb-6)). Each is handed the client that it
/// speaks for: store no [`Client`](crate::Client) in the implementation, that would be a cycle; a clone of what it is
/// handed keeps nothing registered.
///
/// # When they are called
///
/// [`disable_igmp`](Self::disable_igmp) and [`enable_igmp`](Self::enable_igmp) are *calls*: they are made
/// at once, on the thread that takes or releases the interface, in strict order around the hand-over.
/// All others are *alerts*, and come through IGMP's queue, one at a time.
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
/// # Example: IGMP adds again what is joined there
///
/// ```
/// use std::collections::BTreeSet;
/// use std::sync::Mutex;
/// use mgm::{ClientRef, Entry, IgmpCallbacks, Interface, MembershipChange};
///
/// struct Igmp { joined: Mutex<BTreeSet<(Interface, Entry)>> }
///
/// impl IgmpCallbacks for Igmp {
///     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
///         // Adding here is allowed; MGM's own documentation warns that there it deadlocks.
///         let joined = self.joined.lock().unwrap().clone();
///         let here = joined.into_iter().filter(|(lan, _)| *lan == interface);
///         let outcomes = igmp.batch(interface, here.map(|(_, entry)| MembershipChange::Add(entry)));
///         for (_, refusal) in outcomes.refused() {
///             eprintln!("{refusal}"); // what is stale is never refused, but what came meanwhile may be
///         }
///     }
/// }
/// ```
///
/// # Example: IGMP adds later
///
/// ```
/// use std::sync::mpsc::Sender;
/// use std::time::{Duration, Instant};
/// use mgm::{ClientRef, IgmpCallbacks, Interface, Refresh};
///
/// /// IGMP is a task of its own, which is told to add again, and then to end the refresh.
/// struct Igmp { task: Sender<Refresh> }
///
/// impl IgmpCallbacks for Igmp {
///     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
///         match igmp.begin_refresh(interface, Instant::now() + Duration::from_secs(10)) {
///             Ok(refresh) => drop(self.task.send(refresh)),
///             Err(refusal) => eprintln!("{refusal}"),
///         }
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait IgmpCallbacks<A: Address = Ipv4Addr>: Send + Sync {
    /// Stop adding and deleting on `interface`: its owner is about to change.
    ///
    /// Until [`enable_igmp`](Self::enable_igmp) begins, whatever IGMP would change there is refused with
    /// [`Error::IgmpDisabled`](crate::Error::IgmpDisabled) ([HO-2](crate::specification#ho-2)). The change waits
    /// until this returns. What IGMP holds on the interface is then stale: it stays in force, and has to be added
    /// again.
    ///
    /// *If it is ignored*, IGMP's calls are refused; if it never returns, nor does the call that takes or releases the
    /// interface, and nobody else can.
    #[doc(alias = "PMGM_DISABLE_IGMP_CALLBACK")]
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// The owner of `interface` has changed: add again what is joined there, and nothing else.
    ///
    /// One [`batch`](ClientRef::batch) does it. Adding what is stale confirms it: it is never refused for a limit,
    /// changes nothing, and tells nobody ([HO-13](crate::specification#ho-13)). What is still stale when this returns
    /// is deleted, unless IGMP has begun a [refresh](ClientRef::begin_refresh) here, to add it later
    /// ([HO-14](crate::specification#ho-14), [HO-17](crate::specification#ho-17)). Exactly one of these follows every
    /// [`disable_igmp`](Self::disable_igmp), unless IGMP itself has gone ([HO-6](crate::specification#ho-6)).
    ///
    /// *If it is ignored*, hosts lose what they have joined there, until they report again; if it adds what is joined
    /// elsewhere, streams flow to an interface where nobody wants them; if it never returns, the interface changes hands
    /// no more.
    #[doc(alias = "PMGM_ENABLE_IGMP_CALLBACK")]
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// Which joins and prunes IGMP hears of; read once, when it registers ([CL-6](crate::specification#cl-6)).
    ///
    /// *If the answer is wrong*, a proxy pulls nothing for others, or an IGMP that pulls nothing is called for nothing.
    fn alert_mode(&self) -> AlertMode {
        AlertMode::None
    }

    /// Any alert as a value. Its default calls the single callbacks.
    ///
    /// *If it loses one*, that is not told again: see what each of them costs.
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
    ///
    /// *If it is ignored*, receivers behind others' interfaces get nothing from where IGMP would pull it.
    fn join_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// Nobody else wants `entry` any more, if IGMP asked to hear of that.
    ///
    /// *If it is ignored*, IGMP goes on pulling what nobody wants.
    fn prune_alert(&self, igmp: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// A packet came in on `interface`, which IGMP owns, and not on the iif of its entry; if IGMP asked to hear of that
    /// ([`set_wrong_interface_alerts`](ClientRef::set_wrong_interface_alerts)).
    ///
    /// *If it is ignored*, the packet is lost all the same, and nobody looks into why it came that way.
    fn wrong_interface(
        &self,
        igmp: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
        header: &[u8],
    ) {
    }

    /// The interface with this `index` is gone with all its links, and with it all that IGMP held there
    /// ([IF-8](crate::specification#if-8)).
    ///
    /// *If it is ignored*, IGMP's next calls for it are refused, as it is not on it any more.
    fn interface_removed(&self, igmp: &ClientRef<A>, index: NonZeroU32) {}
}

/// The callbacks of a routing protocol: two questions that it answers, and the alerts that it gets.
///
/// Every method has a default that does nothing, or answers as the manager would without asking
/// ([CB-6](crate::specification#cb-6)). Each is handed the client that it speaks for: store no
/// [`Client`](crate::Client) in the implementation, that would be a cycle; a clone of what it is handed keeps nothing
/// registered.
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
/// The panic is caught, reported at error level and counted; the next alert follows. It is not told again.
///
/// # Example: what a protocol pulls, and where it has lost an assert
///
/// ```
/// use std::collections::BTreeSet;
/// use std::sync::{Arc, Mutex};
/// use mgm::{
///     AlertCause, ClientId, ClientRef, CreationOif, Entry, Interface, Mgm, NewMfe, NoCallbacks, ProtocolCallbacks,
/// };
///
/// #[derive(Default)]
/// struct Pim {
///     /// What others want, and why: an entry is pulled while there is any cause.
///     pulled: Mutex<BTreeSet<(Entry, AlertCause)>>,
///     /// Where another router forwards instead.
///     lost: Mutex<BTreeSet<Interface>>,
/// }
///
/// impl ProtocolCallbacks for Pim {
///     fn creation_alert(&self, _: &ClientRef, _: &NewMfe, oifs: &mut [CreationOif]) {
///         let lost = self.lost.lock().unwrap();
///         oifs.iter_mut().filter(|oif| lost.contains(&oif.interface())).for_each(|oif| oif.set_enabled(false));
///     }
///
///     fn join_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
///         self.pulled.lock().unwrap().insert((entry, cause));
///     }
///
///     fn prune_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
///         self.pulled.lock().unwrap().remove(&(entry, cause));
///     }
/// }
///
/// let (mgm, callbacks) = (Mgm::new(), Arc::new(Pim::default()));
/// let _pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Arc::clone(&callbacks))?;
/// let dvmrp = mgm.register_protocol(ClientId { protocol: 2, component: 0 }, NoCallbacks)?;
/// let (lan, group): (Interface, Entry) = (3.try_into()?, "(*, 239.1.1.1)".parse()?);
/// dvmrp.take_interface_ownership(lan)?;
/// dvmrp.add_group_membership(lan, group)?;
/// assert!(callbacks.pulled.lock().unwrap().contains(&(group, AlertCause::Membership)));
/// dvmrp.delete_group_membership(lan, group)?;
/// assert!(callbacks.pulled.lock().unwrap().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
#[doc(alias = "ROUTING_PROTOCOL_CONFIG")]
pub trait ProtocolCallbacks<A: Address = Ipv4Addr>: Send + Sync {
    /// Whether the protocol is asked about every new forwarding entry; read once, when it registers.
    ///
    /// *If the answer is wrong*, a protocol that floods never gets to flood, or one that does not is asked about every
    /// stream.
    fn creation_mode(&self) -> CreationMode {
        CreationMode::WithOifs
    }

    /// Where should the packets of a source come from? (MGM: RPF; RFC 2715 §2 rule 1.)
    ///
    /// Asked of the owner of the interface toward the source, when an entry is made or renewed, and when
    /// routes to its source change. The answer may be another interface that the client owns, another
    /// upstream neighbour, another route.
    ///
    /// *If the answer is wrong* and can be seen to be, as it names an interface of somebody else or a route that does not
    /// lead to the source, it is reported at error level and counted, and the RIB's is used. If the packets come in
    /// elsewhere than it says, they are dropped there, until the routes change, the entry is renewed, or the client
    /// calls [`set_mfe`](ClientRef::set_mfe). While it is on its way the packets of the stream are lost: answer from what
    /// you know, and ask nobody.
    #[doc(alias = "PMGM_RPF_CALLBACK")]
    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        request.route
    }

    /// An entry is about to be made with these oifs of the client: which are to forward? (RFC 2715 §2 rule 3.)
    ///
    /// The answers become forward state of the entry. A client that is asked always
    /// ([`CreationMode::Always`]) is shown all its interfaces but the iif, and may enable. The order of `oifs` means
    /// nothing, and may be changed.
    ///
    /// *If the answer is wrong*, members on an interface that it disables get nothing, and one that it enables is
    /// flooded; until the client corrects it with [`set_forward_state`](ClientRef::set_forward_state), or is asked
    /// again when the entry is renewed.
    #[doc(alias = "PMGM_CREATION_ALERT_CALLBACK")]
    fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {}

    /// Any alert as a value: a bridge to a channel, a recorder or a log writes this one method. Its default calls the
    /// single callbacks below.
    ///
    /// *If it loses one*, that is not told again: see what each of them costs.
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
    ///
    /// *If it is ignored*, two routers may go on forwarding the same stream to one LAN.
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
    ///
    /// A client pulls an entry while it has been told to for any [cause](AlertCause).
    ///
    /// *If it is ignored*, receivers behind others' interfaces get nothing from this client's side, and it is not
    /// told again until all of them have gone and one has come back.
    #[doc(alias = "PMGM_JOIN_ALERT_CALLBACK")]
    fn join_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// Nobody else wants `entry` any more: stop pulling it.
    ///
    /// Where it was pulled (MGM: the index and next hop), as long as the forwarding entry is there, says the
    /// [`iif`](crate::Mfe::iif) of [`client.manager().mfe(..)`](crate::Mgm::mfe): the one that is true now, while an alert
    /// may have waited.
    ///
    /// A client that registered when others already wanted something hears of its end without ever
    /// having heard of its beginning ([CL-5](crate::specification#cl-5)).
    ///
    /// *If it is ignored*, the client goes on pulling what nobody wants: that costs bandwidth, and nobody a packet.
    #[doc(alias = "PMGM_PRUNE_ALERT_CALLBACK")]
    fn prune_alert(&self, client: &ClientRef<A>, entry: Entry<A>, cause: AlertCause) {}

    /// IGMP added `entry` on `interface`, which this client owns; or the client has taken an interface where IGMP
    /// holds it.
    ///
    /// *If it is ignored*, the interface is an oif all the same, but the client pulls nothing for the hosts there.
    #[doc(alias = "PMGM_LOCAL_JOIN_CALLBACK")]
    fn local_join(&self, client: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {}

    /// IGMP deleted `entry` on `interface`, or the client has released the interface. Every `local_join` is matched
    /// by one of these ([CT-7](crate::specification#ct-7)).
    ///
    /// *If it is ignored*, the client goes on pulling for hosts that have left.
    #[doc(alias = "PMGM_LOCAL_LEAVE_CALLBACK")]
    fn local_leave(&self, client: &ClientRef<A>, interface: Interface<A>, entry: Entry<A>) {}

    /// IGMP blocks `source` in `group` on `interface`, which this client owns (IGMPv3's EXCLUDE).
    ///
    /// *If it is ignored*, the client goes on pulling that source for nobody.
    fn local_block(
        &self,
        client: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
    }

    /// IGMP no longer blocks `source` in `group` on `interface`.
    ///
    /// *If it is ignored*, hosts that want the whole group miss that source.
    fn local_unblock(
        &self,
        client: &ClientRef<A>,
        interface: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
    }

    /// The interface with this `index` is gone with all its links, and with it all that the client held there
    /// ([IF-8](crate::specification#if-8)).
    ///
    /// *If it is ignored*, the client's next calls for it are refused, as it is not on it any more.
    fn interface_removed(&self, client: &ClientRef<A>, index: NonZeroU32) {}
}

/// Callbacks that do nothing, for an IGMP or a protocol that needs none.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add to nothing")]
pub struct NoCallbacks;

impl<A: Address> IgmpCallbacks<A> for NoCallbacks {}
impl<A: Address> ProtocolCallbacks<A> for NoCallbacks {}
