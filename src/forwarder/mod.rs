//! What forwards packets: a kernel, or something that stands for one.

#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux;
mod memory;

use std::net::Ipv4Addr;
use std::sync::Arc;

#[cfg(all(feature = "linux", target_os = "linux"))]
pub(crate) use linux::{INET, INET6, KernelFamily};
#[cfg(all(feature = "linux", target_os = "linux"))]
pub use linux::{IgmpPacket, LinuxForwarder, LinuxForwarderBuilder, OpenError, Upcall};
pub use memory::MemoryForwarder;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::interface::Interface;

/// A multicast forwarding entry as a forwarder has to know it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "this is what a forwarding entry is: RFC 7761 §4.2")]
pub struct ForwardingEntry<A = Ipv4Addr> {
    /// The source.
    pub source: SourceAddr<A>,
    /// The group.
    pub group: GroupAddr<A>,
    /// Where its packets have to arrive.
    pub iif: Interface<A>,
    /// Where they go, in order; never the iif. Without any, packets are absorbed silently.
    pub oifs: Vec<Interface<A>>,
}

/// What a forwarder counted for one entry (EN-3).
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MfeStats<A = Ipv4Addr> {
    /// Packets that arrived on the iif.
    pub packets: u64,
    /// Octets in them.
    pub octets: u64,
    /// Packets that arrived on another interface.
    pub wrong_interface: u64,
    /// Packets sent, for each oif for which the forwarder counts them.
    pub oifs: Vec<(Interface<A>, u64)>,
}

impl<A> MfeStats<A> {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { packets: 0, octets: 0, wrong_interface: 0, oifs: Vec::new() }
    }
}

/// Why a forwarder did not do it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ForwarderError {
    /// It has no room for another entry, or for another interface.
    #[error("the forwarder is full")]
    Full,
    /// It has no room for this interface beside the others.
    #[error("the forwarder has no room for interface {index} beside {max} others")]
    TooManyInterfaces {
        /// The index.
        index: u32,
        /// How many it can have.
        max: usize,
    },
    /// It knows no such interface.
    #[error("the forwarder has no interface {index}")]
    NoSuchInterface {
        /// The index.
        index: u32,
    },
    /// It cannot forward to one next hop of a point-to-multipoint interface.
    #[error("the forwarder cannot use a next hop on interface {index}")]
    NextHop {
        /// The index.
        index: u32,
    },
    /// It has no such entry.
    #[error("the forwarder has no such entry")]
    NoSuchEntry,
    /// The system refused.
    #[error("{operation}: {}", std::io::Error::from_raw_os_error(*errno))]
    System {
        /// What was asked of it.
        operation: &'static str,
        /// Its error number.
        errno: i32,
    },
    /// It panicked.
    #[error("the forwarder panicked")]
    Panicked,
}

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
pub trait Forwarder<A: Address = Ipv4Addr>: Send + Sync {
    /// Installs an entry that the forwarder does not have, or failed to add before.
    ///
    /// # Errors
    ///
    /// Why it is not installed as it is. What is left of it is the forwarder's choice: it is asked to add it again,
    /// or to delete it.
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;

    /// Replaces an entry that the forwarder has, with no gap for its packets.
    ///
    /// # Errors
    ///
    /// Why it is not as it should be.
    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;

    /// Removes an entry that the forwarder has, or failed to add.
    ///
    /// # Errors
    ///
    /// Why it is still there; not [`ForwarderError::NoSuchEntry`], which is what was wanted.
    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError>;

    /// What it counted for an entry.
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

impl<A: Address, T: Forwarder<A> + ?Sized> Forwarder<A> for Arc<T> {
    fn add(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        T::add(self, entry)
    }

    fn change(&self, entry: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        T::change(self, entry)
    }

    fn delete(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError> {
        T::delete(self, source, group)
    }

    fn stats(&self, source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        T::stats(self, source, group)
    }
}
