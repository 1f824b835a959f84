//! The Linux kernel as a forwarder.

mod ancillary;
mod family;
mod open;
mod sys;
mod upcall;
mod vifs;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use socket2::Socket;

use self::ancillary::Ancillary;
use self::family::kernel;
pub use self::open::{LinuxForwarderBuilder, OpenError};
use self::sys::ReadBuffer;
pub use self::upcall::{IgmpPacket, Upcall};
use self::vifs::{Number, NumberSet, Vifs};
use crate::forwarder::Forwarder;
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats};
use crate::types::interface::Interface;

/// Forwards packets by one of the kernel's multicast routing tables, which it holds while it lives.
///
/// For IPv4 or IPv6; one of each may live in a process. It belongs to the network namespace of the thread that
/// opens it. Keep it in an [`Arc`](std::sync::Arc): the manager drives it, and an event loop reads it.
///
/// # Interfaces
///
/// The kernel reports packets only from interfaces that the table knows: [`watch`](Self::watch) those where
/// sources may be. Interfaces in entries are made known when they are needed, and forgotten when they are not;
/// the kernel has room for 32. Tell it with [`interface_removed`](Self::interface_removed) of those that are gone.
///
/// # What it cannot do
///
/// - A next hop is [`ForwarderError::NextHop`]: the kernel forwards to interfaces.
/// - Where one oif is refused ([`NextHop`](ForwarderError::NextHop),
///   [`NoSuchInterface`](ForwarderError::NoSuchInterface),
///   [`TooManyInterfaces`](ForwarderError::TooManyInterfaces)), the others are served all the same: the kernel
///   has the entry without it, and the error says what is missing. Nobody loses a stream because somebody else
///   asked for it on one interface too many. Without its iif an entry stays as it was.
/// - The kernel counts no packets per oif of an entry, and octets on the wrong interface with the others.
///
/// # PIM sparse mode
///
/// Opened with [`pim`](LinuxForwarderBuilder::pim), it has a [`register_interface`](Self::register_interface), to which
/// a PIM-SM daemon (RFC 7761) gives an owner, itself, as to any other:
///
/// - *At the source's router* the register interface is the oif of an (S,G) that is to be registered
///   ([`add_group_membership`](crate::ClientRef::add_group_membership) there). Each packet that goes out by it comes up as
///   [`Upcall::WholePacket`]: send it in a Register to the rendezvous point. On a Register-Stop delete the membership.
/// - *At the rendezvous point* the kernel takes the packets out of the Registers that are sent to one of its addresses;
///   they come in on the register interface. So that is the iif of an (S,G) of which nothing comes natively yet: let
///   the [`Rib`](crate::Rib), or [`rpf`](crate::ProtocolCallbacks::rpf), say so. Null-Registers, and Registers on a
///   table that is not the one of their destination, are not taken out. A raw socket for protocol 103, which the
///   daemon has in any case, sees all of them too, and there it decides whether to send a Register-Stop.
/// - *When the stream comes natively*, which is on the wrong interface then, [`Upcall::WrongInterface`] says so, and
///   [`Upcall::WrongInterfaceWhole`] has the packet: let the source's route lead there from now on
///   ([`routes_changed`](crate::Mgm::routes_changed)), and send a Register-Stop.
///
/// The register interface takes one of the 32 numbers. All this needs a kernel that was built with PIM-SM version 2; old ones
/// send no [`Upcall::WrongInterfaceWhole`].
///
/// ## Example: what a router at a source does with the upcalls
///
/// ```no_run
/// use std::net::Ipv4Addr;
/// use std::sync::Arc;
/// use std::time::Instant;
/// use mgm::{ClientId, Entry, LinuxForwarder, Mgm, NoCallbacks, Upcall};
///
/// # fn send_register(to: Ipv4Addr, packet: &[u8]) {}
/// let rendezvous_point = Ipv4Addr::new(10, 0, 0, 1);
/// let forwarder: Arc<LinuxForwarder> = Arc::new(LinuxForwarder::builder().pim().open()?);
/// let register = forwarder.register_interface().ok_or("opened with `pim`")?;
/// let mgm = Mgm::builder().forwarder(Arc::clone(&forwarder)).build();
/// let pim = mgm.register_protocol(ClientId { protocol: 13, component: 0 }, NoCallbacks)?;
/// pim.take_interface_ownership(register)?;
/// for upcall in forwarder.upcalls()? {
///     match &upcall {
///         Upcall::NoEntry { source, group, .. } => {
///             // Where the source is on a link of its own, and it is the designated router there.
///             pim.add_group_membership(register, Entry::SourceGroup(*source, *group))?;
///             upcall.report_to(&mgm, Instant::now())?;
///         }
///         Upcall::WholePacket { packet, .. } => send_register(rendezvous_point, packet),
///         _ => upcall.report_to(&mgm, Instant::now())?,
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Locks
///
/// One lock, over the numbers of interfaces, is held while the kernel is told of an entry: about two microseconds.
/// Any method may be called on any thread; none waits for packets.
///
/// # Example: a loop that does nothing but forward
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Instant;
/// use mgm::{Interface, LinuxForwarder, Mgm, Upcall};
///
/// let forwarder: Arc<LinuxForwarder> = Arc::new(LinuxForwarder::open()?);
/// let mgm = Mgm::builder().forwarder(Arc::clone(&forwarder)).build();
/// let eth0: Interface = Interface::try_from(2)?;
/// forwarder.watch(eth0.index())?;
/// loop {
///     // Here wait until the forwarder, which is `AsFd`, is readable, or `expire` is due.
///     for upcall in forwarder.upcalls()? {
///         match upcall {
///             Upcall::Igmp(packet) => println!("{}: {:02x?}", packet.interface, packet.message),
///             upcall => upcall.report_to(&mgm, Instant::now())?,
///         }
///     }
///     let _due = mgm.expire(Instant::now());
/// }
/// # #[expect(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LinuxForwarder<A: Address = Ipv4Addr> {
    socket: Socket,
    state: Mutex<State<A>>,
    buffer: Mutex<ReadBuffer>,
    /// The interface whose packets come up whole.
    register: Option<NonZeroU32>,
}

struct State<A> {
    vifs: Vifs,
    /// What the entries in the kernel use.
    entries: HashMap<Key<A>, NumberSet, RandomState>,
}

type Key<A> = (GroupAddr<A>, SourceAddr<A>);

impl<A: Address> LinuxForwarder<A> {
    /// Takes the kernel's default table.
    ///
    /// # Errors
    ///
    /// Those of [`LinuxForwarderBuilder::open`].
    pub fn open() -> Result<Self, OpenError> {
        Self::builder().open()
    }

    /// Options: the table, the size of the receive buffer, and PIM sparse mode.
    ///
    /// # Example: the table of a VRF, for IPv6
    ///
    /// ```no_run
    /// use std::net::Ipv6Addr;
    /// use mgm::LinuxForwarder;
    ///
    /// let forwarder = LinuxForwarder::<Ipv6Addr>::builder().table(10).open()?;
    /// # Ok::<(), mgm::OpenError>(())
    /// ```
    pub const fn builder() -> LinuxForwarderBuilder<A> {
        LinuxForwarderBuilder::new()
    }

    fn new(socket: Socket, buffer: ReadBuffer, register: Option<NonZeroU32>) -> Self {
        let mut vifs = Vifs::default();
        if let Some(register) = register {
            vifs.attach(Number::REGISTER, register);
            vifs.watch(Number::REGISTER, true);
        }
        let state = State { vifs, entries: HashMap::default() };
        Self { socket, state: Mutex::new(state), buffer: Mutex::new(buffer), register }
    }

    /// The interface of PIM's Registers; nothing without [`LinuxForwarderBuilder::pim`].
    ///
    /// It is the kernel's `pimreg` or `pim6reg`, and an interface to the manager as any other: an owner takes it,
    /// and entries name it. It is there as long as the forwarder, and always watched.
    #[must_use]
    pub fn register_interface(&self) -> Option<Interface<A>> {
        self.register.map(Interface::new)
    }

    /// Has packets that arrive on an interface reported, and for IPv4 the IGMP that hosts send to groups there.
    ///
    /// # Errors
    ///
    /// - [`ForwarderError::NoSuchInterface`]: there is none with this index.
    /// - [`ForwarderError::TooManyInterfaces`]: the kernel has room for 32.
    /// - [`ForwarderError::System`]: the kernel refused.
    pub fn watch(&self, index: NonZeroU32) -> Result<(), ForwarderError> {
        let mut state = self.state.lock();
        let number = self.attach(&mut state.vifs, index)?;
        state.vifs.watch(number, true);
        Ok(())
    }

    /// Ends [`watch`](Self::watch); entries keep the interface. Nothing happens to the register interface.
    pub fn unwatch(&self, index: NonZeroU32) {
        let mut state = self.state.lock();
        if let Some(number) = self.own_number(&state.vifs, index) {
            state.vifs.watch(number, false);
            self.give_back(&mut state.vifs);
        }
    }

    /// The interface is gone: nothing is forwarded there, and it is watched no more.
    ///
    /// The manager has to hear of it too ([`Mgm::interface_removed`](crate::Mgm::interface_removed)), before or
    /// after. If an interface with this index comes back, entries that still name it find it again. The register
    /// interface cannot go: for it nothing happens.
    pub fn interface_removed(&self, index: NonZeroU32) {
        let mut state = self.state.lock();
        if let Some(number) = self.own_number(&state.vifs, index) {
            self.forget(number);
            state.vifs.detach(number);
        }
    }

    /// The next report or packet that waits in the socket; nothing if none does.
    ///
    /// What has no meaning for the manager is skipped: groups that are never forwarded, for example.
    ///
    /// # Errors
    ///
    /// What the system says of the socket.
    pub fn next_upcall(&self) -> io::Result<Option<Upcall<A>>> {
        let mut buffer = self.buffer.lock();
        loop {
            let received = match buffer.receive(&self.socket) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let ancillary = Ancillary::read(received.control);
            let upcall = kernel::<A>()
                .message(&received, &ancillary)
                .and_then(|message| message.upcall(ancillary.index, |vif| self.state.lock().vifs.index(vif)));
            if upcall.is_some() {
                return Ok(upcall);
            }
        }
    }

    /// What waits in the socket, at most 4096: to be taken before any of it is worked on, so that what comes
    /// meanwhile finds room.
    ///
    /// # Errors
    ///
    /// What the system says of the socket.
    pub fn upcalls(&self) -> io::Result<Vec<Upcall<A>>> {
        let mut upcalls = Vec::new();
        while upcalls.len() < 4096
            && let Some(upcall) = self.next_upcall()?
        {
            upcalls.push(upcall);
        }
        Ok(upcalls)
    }

    /// Adds an entry, or changes it in place.
    fn install(&self, state: &mut State<A>, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        let key = (entry.group, entry.source);
        loop {
            let iif = match self.number(&mut state.vifs, entry.iif) {
                Err(ForwarderError::TooManyInterfaces { .. }) if self.make_room(state, key) => continue,
                iif => iif?,
            };
            let (oifs, refused) = self.numbers(&mut state.vifs, &entry.oifs);
            kernel::<A>()
                .set_mfc(&self.socket, entry.source.address(), entry.group.address(), iif, oifs)
                .map_err(|error| system("MRT_ADD_MFC", &error))?;
            let numbers = oifs.with(iif);
            let old = state.entries.insert(key, numbers).unwrap_or_default();
            state.vifs.use_instead(numbers, old);
            match refused {
                None => return Ok(()),
                // What the entry used before may have been the last that there was.
                Some(ForwarderError::TooManyInterfaces { .. }) if self.give_back(&mut state.vifs) => {}
                Some(error) => return Err(error),
            }
        }
    }

    /// Gives up the entry's own numbers, if that is what its new iif needs.
    fn make_room(&self, state: &mut State<A>, key: Key<A>) -> bool {
        let sole = state.entries.get(&key).is_some_and(|numbers| state.vifs.any_sole(*numbers));
        sole && self.remove(state, key).is_ok() && self.give_back(&mut state.vifs)
    }

    fn remove(&self, state: &mut State<A>, key: Key<A>) -> Result<(), ForwarderError> {
        let (group, source) = key;
        let done =
            kernel::<A>().delete_mfc(&self.socket, source.address(), group.address()).map_err(|error| {
                match error.raw_os_error() {
                    Some(libc::ENOENT) => ForwarderError::NoSuchEntry,
                    _ => system("MRT_DEL_MFC", &error),
                }
            });
        if let Ok(()) | Err(ForwarderError::NoSuchEntry) = done
            && let Some(numbers) = state.entries.remove(&key)
        {
            state.vifs.use_instead(NumberSet::default(), numbers);
        }
        done
    }

    /// The numbers of those oifs that can have one, and what stands in the way of the first that cannot.
    fn numbers(&self, vifs: &mut Vifs, oifs: &[Interface<A>]) -> (NumberSet, Option<ForwarderError>) {
        let (mut numbers, mut refused) = (NumberSet::default(), None);
        for oif in oifs {
            match self.number(vifs, *oif) {
                Ok(number) => numbers.insert(number),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        (numbers, refused)
    }

    fn number(&self, vifs: &mut Vifs, interface: Interface<A>) -> Result<Number, ForwarderError> {
        let index = interface.index();
        match interface.next_hop() {
            None => self.attach(vifs, index),
            Some(_) => Err(ForwarderError::NextHop { index: index.get() }),
        }
    }

    /// The number of an interface, which the kernel is told if it does not have it.
    fn attach(&self, vifs: &mut Vifs, index: NonZeroU32) -> Result<Number, ForwarderError> {
        if let Some(number) = vifs.number(index) {
            return Ok(number);
        }
        let full = ForwarderError::TooManyInterfaces { index: index.get(), max: vifs::MAX };
        let number = vifs.vacancy(index).ok_or(full)?;
        kernel::<A>().add_vif(&self.socket, number, index).map_err(|error| match error.raw_os_error() {
            Some(libc::EADDRNOTAVAIL | libc::ENODEV) => {
                ForwarderError::NoSuchInterface { index: index.get() }
            }
            _ => system("MRT_ADD_VIF", &error),
        })?;
        vifs.attach(number, index);
        Ok(number)
    }

    /// The number of an interface that it has by our doing.
    fn own_number(&self, vifs: &Vifs, index: NonZeroU32) -> Option<Number> {
        vifs.number(index).filter(|_| self.register != Some(index))
    }

    /// Has the kernel forget the interfaces that nothing needs, and says whether there were any.
    fn give_back(&self, vifs: &mut Vifs) -> bool {
        let idle = vifs.take_idle();
        for number in idle.iter() {
            self.forget(number);
        }
        !idle.is_empty()
    }

    fn forget(&self, number: Number) {
        match kernel::<A>().delete_vif(&self.socket, number) {
            // The kernel has forgotten it by itself, because the interface is gone.
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => {}
            Err(error) => {
                tracing::warn!(target: "mgm::linux", vif = number.get(), %error, "the kernel keeps an interface");
            }
            Ok(()) => {}
        }
    }
}

impl<A: Address> Forwarder<A> for LinuxForwarder<A> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        let mut state = self.state.lock();
        let done = self.install(&mut state, entry);
        self.give_back(&mut state.vifs);
        done
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        self.add(entry)
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        let mut state = self.state.lock();
        let done = self.remove(&mut state, (group, source));
        self.give_back(&mut state.vifs);
        done
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        let counts = kernel::<A>().counts(&self.socket, source.address(), group.address()).map_err(
            |error| match error.raw_os_error() {
                Some(libc::EADDRNOTAVAIL) => ForwarderError::NoSuchEntry,
                _ => system("SIOCGETSGCNT", &error),
            },
        )?;
        let mut stats = MfeStats::new();
        stats.packets = counts.packets.saturating_sub(counts.wrong_interface);
        stats.octets = counts.octets;
        stats.wrong_interface = counts.wrong_interface;
        Ok(stats)
    }
}

impl<A: Address> AsFd for LinuxForwarder<A> {
    /// The routing socket: to wait for, to send queries from, and to join groups with.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<A: Address> Drop for LinuxForwarder<A> {
    fn drop(&mut self) {
        if let Err(error) = open::close::<A>(&self.socket) {
            tracing::error!(target: "mgm::linux", %error, "the kernel's multicast routing table was not given back");
        }
    }
}

impl<A: Address> fmt::Debug for LinuxForwarder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinuxForwarder").field("socket", &self.socket).finish_non_exhaustive()
    }
}

fn system(operation: &'static str, error: &io::Error) -> ForwarderError {
    match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ENOMEM | libc::ENOBUFS => ForwarderError::Full,
        errno => ForwarderError::System { operation, errno },
    }
}
