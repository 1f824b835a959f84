//! Where a packet was: which link, and which host on it.

use std::fmt;

/// A link: two VLANs are two links, and so are two interfaces. All that tells it from others is around the packet,
/// outermost first.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Link {
    headers: Vec<Header>,
}

/// One thing that tells a link from others.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Header {
    /// An interface that a pcapng capture describes.
    Interface {
        /// Its number in its section.
        index: usize,
        /// Its name, empty if it has none.
        name: String,
    },
    /// The number that Linux gives an interface, of `tcpdump -i any`.
    Device(u32),
    /// The name that macOS gives an interface.
    Name(String),
    /// A VLAN by its identifier, which is not 0.
    Vlan(u16),
    /// A session of PPPoE.
    Session(u16),
    /// A service of a provider's backbone (802.1ah).
    Service(u32),
}

/// The address of a host on its link. The usual ones have 6 bytes; shorter and longer ones are kept apart as well.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HardwareAddr {
    bytes: [u8; 8],
    length: u8,
}

impl Link {
    pub(crate) fn new(headers: Vec<Header>) -> Self {
        Self { headers }
    }

    /// Whether it is the only one that there can be, as nothing tells it from others.
    #[must_use]
    pub const fn is_unnamed(&self) -> bool {
        self.headers.is_empty()
    }
}

impl HardwareAddr {
    /// Nothing if `bytes` is empty; of very long ones only what comes first.
    pub(crate) fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        let length = from.len().min(bytes.len());
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        (length > 0).then_some(Self { bytes, length: u8::try_from(length).unwrap_or_default() })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, header) in self.headers.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{header}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { index, name } if name.is_empty() => write!(f, "captured interface {index}"),
            Self::Interface { name, .. } | Self::Name(name) => f.write_str(name),
            Self::Device(index) => write!(f, "device {index}"),
            Self::Vlan(vlan) => write!(f, "VLAN {vlan}"),
            Self::Session(session) => write!(f, "PPPoE session {session}"),
            Self::Service(service) => write!(f, "service {service}"),
        }
    }
}

impl fmt::Display for HardwareAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.bytes.iter().take(self.length.into()).enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}
