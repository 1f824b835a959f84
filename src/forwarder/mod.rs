//! What forwards packets: a kernel, or something that stands for one.

mod memory;

use std::net::Ipv4Addr;

pub use memory::MemoryForwarder;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats};

/// What the manager drives to forward packets.
///
/// # When it is called
///
/// After every change of a forwarding entry, with the entry as it is then: several changes by one call of
/// the manager, or while the forwarder is slow, come as one. What fails is tried again when time is passed
/// in ([`Mgm::expire`](crate::Mgm::expire)), unless the entry changes first.
///
/// # Order
///
/// In the order of the changes, one at a time; [`stats`](Self::stats) may come beside them.
///
/// # Thread and locks
///
/// The thread whose call made the change, before that call returns; or, if another thread is talking to the
/// forwarder at the time, that thread. The manager holds no lock.
///
/// # What you may call from here
///
/// Anything.
///
/// # If it panics
///
/// The panic is caught, reported at error level and counted; it counts as
/// [`ForwarderError::Panicked`].
///
/// # Example: a forwarder that another program is
///
/// ```
/// use std::io::ErrorKind;
/// use std::sync::mpsc::Sender;
/// use mgm::{Forwarder, ForwarderError, ForwardingEntry, GroupAddr, MfeStats, SourceAddr};
///
/// enum Command { Set(ForwardingEntry), Delete(SourceAddr, GroupAddr) }
///
/// /// Each command goes into a queue, from which a thread sends it to the other program.
/// struct Remote(Sender<Command>);
///
/// impl Remote {
///     fn send(&self, command: Command) -> Result<(), ForwarderError> {
///         // It is tried again, and shown as failed until then. What the other program cannot do it says later:
///         // `Mgm::forwarder_failed`, `Mgm::forwarder_restarted`.
///         self.0.send(command).map_err(|_| ForwarderError::Unavailable(ErrorKind::BrokenPipe))
///     }
/// }
///
/// impl Forwarder for Remote {
///     fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
///         self.send(Command::Set(entry.clone()))
///     }
///
///     fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
///         self.send(Command::Set(entry.clone()))
///     }
///
///     fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
///         self.send(Command::Delete(source, group))
///     }
///
///     fn stats(&self, _: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> {
///         // So no entry is ever idle: each is renewed when its time is over.
///         Err(ForwarderError::Other("this data plane does not count"))
///     }
/// }
/// ```
pub trait Forwarder<A: Address = Ipv4Addr>: Send + Sync {
    /// Installs an entry that the forwarder does not have, or failed to add before. One that restarts may have it by then
    /// ([`forwarder_restarted`](crate::Mgm::forwarder_restarted)), and replaces it.
    ///
    /// *If the answer is wrong*: where it says yes and has not done it, the stream is missing, and nobody tries again
    /// until the entry changes, or [`forwarder_failed`](crate::Mgm::forwarder_failed) says so; where it says no and has
    /// done it, it is asked again.
    ///
    /// # Errors
    ///
    /// Why it is not installed as it is. What is left of it is the forwarder's choice: it is asked to add it again,
    /// or to delete it.
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;

    /// Replaces an entry that the forwarder has, with no gap for its packets.
    ///
    /// *If the answer is wrong*: where it says yes and has not done it, packets go where nobody wants them any more,
    /// and not where they are wanted, until the entry changes again. A gap loses packets of all receivers whenever
    /// one of them comes or goes.
    ///
    /// # Errors
    ///
    /// Why it is not as it should be.
    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;

    /// Removes an entry that the forwarder has, or failed to add.
    ///
    /// *If the answer is wrong*: where it says yes and has not done it, the entry forwards for ever, as the manager
    /// knows it no more.
    ///
    /// # Errors
    ///
    /// Why it is still there; not [`ForwarderError::NoSuchEntry`], which is what was wanted.
    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError>;

    /// What it counted for an entry since it was added.
    ///
    /// *If the answer is wrong*: where the packets do not grow although there are some, the entry is taken for idle
    /// and deleted at its time, and the next packet has to make it again; where they grow, or it cannot tell, the
    /// entry is kept.
    ///
    /// # Errors
    ///
    /// Why it cannot tell.
    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError>;
}

/// A forwarder that forwards nothing: for a manager that only keeps memberships.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add to nothing")]
pub struct NoForwarder;

impl<A: Address> Forwarder<A> for NoForwarder {
    fn add(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        Ok(())
    }

    fn change(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        Ok(())
    }

    fn delete(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<(), ForwarderError> {
        Ok(())
    }

    fn stats(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        Ok(MfeStats::new())
    }
}
