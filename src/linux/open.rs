//! Getting hold of one of the kernel's multicast routing tables.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use libc::c_int;
use socket2::{Socket, Type};

use super::LinuxForwarder;
use super::family::kernel;
use super::sys::{MRT_ASSERT, MRT_DONE, MRT_INIT, MRT_PIM, MRT_TABLE, ReadBuffer, set_option};
use crate::types::address::Address;

/// Why the kernel's multicast routing table could not be had.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Another daemon holds it: a table has one owner.
    #[error("another multicast routing daemon holds {}", Table(*table))]
    InUse {
        /// The table; nothing for the kernel's default.
        table: Option<u32>,
    },
    /// It needs root's rights in the network namespace: `CAP_NET_RAW`, and `CAP_NET_ADMIN` for all that follows.
    #[error(
        "no privilege for multicast routing ({operation} refused): CAP_NET_ADMIN and CAP_NET_RAW are needed"
    )]
    NotPermitted {
        /// What was refused.
        operation: &'static str,
    },
    /// The kernel was built without it: multicast routing of this family, or tables by number.
    #[error("this kernel has no {operation}: multicast routing, or tables by number, are not built in")]
    NotSupported {
        /// What it does not know.
        operation: &'static str,
    },
    /// The system refused.
    #[error("{operation}: {}", io::Error::from_raw_os_error(*errno))]
    System {
        /// What was asked of it.
        operation: &'static str,
        /// Its error number.
        errno: i32,
    },
}

struct Table(Option<u32>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("the kernel's multicast routing table"),
            Some(table) => write!(f, "the kernel's multicast routing table {table}"),
        }
    }
}

/// Options for a [`LinuxForwarder`]; see [`LinuxForwarder::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LinuxForwarderBuilder<A: Address = Ipv4Addr> {
    table: Option<u32>,
    receive_buffer: u32,
    family: PhantomData<A>,
}

impl<A: Address> LinuxForwarderBuilder<A> {
    pub(super) const fn new() -> Self {
        Self { table: None, receive_buffer: 8 << 20, family: PhantomData }
    }

    /// The number of the table, as `ip mrule` has it: one for each VRF. Defaults to the kernel's default table.
    pub const fn table(mut self, table: u32) -> Self {
        self.table = Some(table);
        self
    }

    /// How many octets of reports may wait in the socket. Defaults to 8 MiB: about 8000 reports that come at once.
    pub const fn receive_buffer(mut self, octets: u32) -> Self {
        self.receive_buffer = octets;
        self
    }

    /// Takes the table.
    ///
    /// # Errors
    ///
    /// - [`OpenError::InUse`]: another daemon holds it.
    /// - [`OpenError::NotPermitted`]: the process may not.
    /// - [`OpenError::NotSupported`]: the kernel cannot.
    /// - [`OpenError::System`]: anything else.
    pub fn open(self) -> Result<LinuxForwarder<A>, OpenError> {
        let kernel = kernel::<A>();
        let step = |operation| move |error| refused(operation, self.table, &error);
        let (kind, protocol) = (Type::from(libc::SOCK_RAW), kernel.protocol().into());
        let socket = Socket::new(kernel.domain(), kind, Some(protocol)).map_err(step("socket"))?;
        let option = |option, value: c_int| set_option(socket.as_fd(), kernel.level(), option, &value);

        socket.set_nonblocking(true).map_err(step("O_NONBLOCK"))?;
        kernel.prepare(&socket).map_err(step("socket options"))?;
        self.grow(&socket).map_err(step("SO_RCVBUF"))?;
        // What came before the filter was set did not go through it.
        let mut buffer = ReadBuffer::new();
        while buffer.receive(&socket).is_ok() {}
        if let Some(table) = self.table {
            set_option(socket.as_fd(), kernel.level(), MRT_TABLE, &table).map_err(step("MRT_TABLE"))?;
        }
        option(MRT_INIT, 1).map_err(step("MRT_INIT"))?;
        // With MRT_ASSERT alone, a packet on the wrong interface is reported only if that is an oif.
        option(MRT_PIM, 1).or_else(|_| option(MRT_ASSERT, 1)).map_err(step("MRT_ASSERT"))?;
        Ok(LinuxForwarder::new(socket, buffer))
    }

    /// Past the system's limit, if the process may.
    fn grow(&self, socket: &Socket) -> io::Result<()> {
        set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &self.receive_buffer)
            .or_else(|_| set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, &self.receive_buffer))
    }
}

/// Gives the table back, with all that is in it.
pub(super) fn close<A: Address>(socket: &Socket) -> io::Result<()> {
    set_option(socket.as_fd(), kernel::<A>().level(), MRT_DONE, &0)
}

fn refused(operation: &'static str, table: Option<u32>, error: &io::Error) -> OpenError {
    match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::EADDRINUSE => OpenError::InUse { table },
        libc::EPERM | libc::EACCES => OpenError::NotPermitted { operation },
        libc::ENOPROTOOPT | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT => {
            OpenError::NotSupported { operation }
        }
        errno => OpenError::System { operation, errno },
    }
}
