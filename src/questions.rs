//! What a client that polls its news is still called for: the questions, and the hand-overs of IGMP, which wait for it.

use std::net::Ipv4Addr;

use crate::callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
use crate::client::ClientRef;
use crate::types::address::Address;
use crate::types::alert::{Alert, AlertMode};
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::interface::Interface;
use crate::types::route::Route;

/// What is asked of a routing protocol that polls its [`News`](crate::News): the calls of
/// [`ProtocolCallbacks`], and none of its alerts.
///
/// They are made on the thread that needs the answer, several at once, with no lock held: answer from what you know, and
/// wait for no task. Whoever knows better later says it later, by [`set_mfe`](ClientRef::set_mfe) and
/// [`set_forward_state`](ClientRef::set_forward_state). A panic is caught, reported and counted, and the manager goes on as
/// if the question had not been asked.
///
/// Every method has a default that answers as the manager would without asking; [`NoCallbacks`] has nothing else.
///
/// # Example: answers from state that is shared with a task
///
/// ```
/// use std::collections::BTreeSet;
/// use std::sync::{Arc, Mutex};
/// use mgm::{ClientId, ClientRef, CreationOif, Interface, Mgm, NewMfe, Questions};
///
/// /// Where another router forwards instead; the protocol's task keeps it.
/// #[derive(Clone, Default)]
/// struct Lost(Arc<Mutex<BTreeSet<Interface>>>);
///
/// impl Questions for Lost {
///     fn creation_alert(&self, _: &ClientRef, _: &NewMfe, oifs: &mut [CreationOif]) {
///         let lost = self.0.lock().unwrap();
///         oifs.iter_mut().filter(|oif| lost.contains(&oif.interface())).for_each(|oif| oif.set_enabled(false));
///     }
/// }
///
/// let (mgm, lost) = (Mgm::new(), Lost::default());
/// let (pim, news) = mgm.register_polled_protocol(ClientId { protocol: 1, component: 0 }, lost.clone())?;
/// lost.0.lock().unwrap().insert(3.try_into()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait Questions<A: Address = Ipv4Addr>: Send + Sync {
    /// Whether the protocol is asked about every new forwarding entry: see [`ProtocolCallbacks::creation_mode`].
    fn creation_mode(&self) -> CreationMode {
        CreationMode::WithOifs
    }

    /// Where should the packets of a source come from? See [`ProtocolCallbacks::rpf`].
    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        request.route
    }

    /// Which of the client's interfaces are to forward a new entry? See [`ProtocolCallbacks::creation_alert`].
    fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {}
}

/// What an IGMP, or MLD, that polls its [`News`](crate::News) is called for: the bracket around a hand-over, which waits
/// for it ([HO-1](crate::specification#ho-1)); and none of the alerts of [`IgmpCallbacks`].
///
/// They are made on the thread that makes the hand-over, with no lock held; a panic is caught, reported and counted. An
/// IGMP that is a task of its own begins a [refresh](ClientRef::begin_refresh) in [`enable_igmp`](Self::enable_igmp) and
/// sends it to the task, which adds again what is joined there.
///
/// # Example: IGMP is a task
///
/// ```
/// use std::sync::mpsc::{Sender, channel};
/// use std::time::{Duration, Instant};
/// use mgm::{ClientId, ClientRef, HandoverCallbacks, Interface, Mgm, NoCallbacks, Refresh};
///
/// struct Igmp(Sender<Refresh>);
///
/// impl HandoverCallbacks for Igmp {
///     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
///         match igmp.begin_refresh(interface, Instant::now() + Duration::from_secs(10)) {
///             Ok(refresh) => drop(self.0.send(refresh)),
///             Err(refusal) => eprintln!("{refusal}"),
///         }
///     }
/// }
///
/// let (mgm, (refreshes, task)) = (Mgm::new(), channel());
/// let (igmp, mut news) = mgm.register_polled_igmp(Igmp(refreshes))?;
/// let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks)?;
/// let lan = Interface::try_from(1)?;
/// igmp.take_interface_ownership(lan)?;
/// igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?;
/// pim.take_interface_ownership(lan)?;
///
/// // In the task:
/// let refresh = task.recv()?;
/// igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse()?)?;
/// refresh.end();
/// assert_eq!(news.try_next(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait HandoverCallbacks<A: Address = Ipv4Addr>: Send + Sync {
    /// Stop adding and deleting on `interface`: see [`IgmpCallbacks::disable_igmp`].
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// Add again what is joined on `interface`: see [`IgmpCallbacks::enable_igmp`].
    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {}

    /// Which joins and prunes are news to IGMP; read once, when it registers ([CL-6](crate::specification#cl-6)).
    fn alert_mode(&self) -> AlertMode {
        AlertMode::None
    }
}

impl<A: Address> Questions<A> for NoCallbacks {}
impl<A: Address> HandoverCallbacks<A> for NoCallbacks {}

/// What a client that polls is called for, as the callbacks that the manager calls. It gets no alerts.
pub(crate) struct CallsAlone<T>(pub(crate) T);

impl<A: Address, T: Questions<A>> ProtocolCallbacks<A> for CallsAlone<T> {
    fn creation_mode(&self) -> CreationMode {
        self.0.creation_mode()
    }

    fn rpf(&self, client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        self.0.rpf(client, request)
    }

    fn creation_alert(&self, client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        self.0.creation_alert(client, entry, oifs);
    }

    fn alert(&self, _: &ClientRef<A>, _: Alert<A>) {}
}

impl<A: Address, T: HandoverCallbacks<A>> IgmpCallbacks<A> for CallsAlone<T> {
    fn disable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.0.disable_igmp(igmp, interface);
    }

    fn enable_igmp(&self, igmp: &ClientRef<A>, interface: Interface<A>) {
        self.0.enable_igmp(igmp, interface);
    }

    fn alert_mode(&self) -> AlertMode {
        self.0.alert_mode()
    }

    fn alert(&self, _: &ClientRef<A>, _: Alert<A>) {}
}
