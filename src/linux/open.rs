//! Getting hold of one of the kernel's multicast routing tables.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use libc::c_int;
use socket2::{Socket, Type};

use super::LinuxForwarder;
use super::family::kernel;
use super::sys::{
    MRT_ASSERT, MRT_DONE, MRT_INIT, MRT_PIM, MRT_TABLE, ReadBuffer, WRVIFWHOLE, index_of, set_option,
};
use super::vifs::Number;
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
    pim: bool,
    family: PhantomData<A>,
}

impl<A: Address> LinuxForwarderBuilder<A> {
    pub(super) const fn new() -> Self {
        Self { table: None, receive_buffer: 8 << 20, pim: false, family: PhantomData }
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

    /// With what PIM sparse mode needs of the kernel (RFC 7761 §4.4, §4.8): see
    /// [PIM-SM](LinuxForwarder#pim-sparse-mode). Without it the kernel sends no packet to a rendezvous point and
    /// takes none out of a Register.
    pub const fn pim(mut self) -> Self {
        self.pim = true;
        self
    }

    /// Takes the table.
    ///
    /// # Errors
    ///
    /// - [`OpenError::InUse`]: another daemon holds it.
    /// - [`OpenError::NotPermitted`]: the process may not.
    /// - [`OpenError::NotSupported`]: the kernel cannot; with [`pim`](Self::pim), and `MRT_PIM` as the operation, it
    ///   was built without PIM sparse mode.
    /// - [`OpenError::System`]: anything else. With [`pim`](Self::pim), and `MRT_ADD_VIF` as the operation, the
    ///   kernel could not make its register interface: another has its name already.
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
        // What the owner before had asked for stays; only a change of it takes another value.
        let pim = |value: u8| option(MRT_PIM, 0).and_then(|()| option(MRT_PIM, value.into()));
        if self.pim {
            pim(WRVIFWHOLE).map_err(step("MRT_PIM"))?;
            kernel.add_register_vif(&socket, Number::REGISTER).map_err(step("MRT_ADD_VIF"))?;
            let register = index_of(&self.register_name()).map_err(step("if_nametoindex"))?;
            return Ok(LinuxForwarder::new(socket, buffer, Some(register)));
        }
        // With MRT_ASSERT alone, a packet on the wrong interface is reported only if that is an oif.
        pim(1).or_else(|_| option(MRT_ASSERT, 1)).map_err(step("MRT_ASSERT"))?;
        Ok(LinuxForwarder::new(socket, buffer, None))
    }

    /// As the kernel calls the interface that it made.
    fn register_name(&self) -> CString {
        let (kernel, name) = (kernel::<A>(), kernel::<A>().register_name());
        let numbered = self.table.filter(|table| *table != kernel.default_table());
        let name = numbered.map_or_else(|| name.to_owned(), |table| format!("{name}{table}"));
        CString::new(name).unwrap_or_default()
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
