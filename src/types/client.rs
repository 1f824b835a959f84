//! Who is registered.

use std::fmt;
use std::str::FromStr;

/// Names an instance of a routing protocol: a *component* in the words of RFC 2715.
///
/// Two instances of one protocol are two clients in every rule. Prints as `3.1`, and is read from that.
#[expect(clippy::exhaustive_structs, reason = "the pair is fixed by MGM: dwProtocolId and dwComponentId")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ClientId {
    /// Which protocol: a number that the daemon gives out.
    pub protocol: u32,
    /// Which instance of it.
    pub component: u32,
}

impl ClientId {
    /// The instance `component` of `protocol`.
    #[must_use]
    pub const fn new(protocol: u32, component: u32) -> Self {
        Self { protocol, component }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.protocol, self.component)
    }
}

/// A client by name: IGMP, or an instance of a routing protocol.
///
/// Prints as `IGMP`, or as `protocol 3.1`, and is read from these, and from `3.1`: what a show command is given.
/// With the feature `serde` it is written as `"igmp"`, or as `{"protocol": 1, "component": 0}`.
///
/// # Example: whose groups to show
///
/// ```
/// use mgm::{ClientId, ClientName, Mgm};
///
/// let mgm = Mgm::new();
/// let owner: ClientName = "1.0".parse()?;
/// assert_eq!(owner, ClientId::new(1, 0).into());
/// assert_eq!(mgm.groups().filter(|held| held.counts_for == owner).count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::exhaustive_enums, reason = "a client is one or the other in every rule")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ClientName {
    /// IGMP, or MLD in a manager for IPv6.
    Igmp,
    /// A routing protocol.
    Protocol(ClientId),
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Igmp => f.write_str("IGMP"),
            Self::Protocol(id) => write!(f, "protocol {id}"),
        }
    }
}

impl From<ClientId> for ClientName {
    fn from(id: ClientId) -> Self {
        Self::Protocol(id)
    }
}

/// Why a text names no client.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClientNameError {
    /// It is not two numbers with a dot between them.
    #[error("a protocol is named by its number and its component, as 1.0")]
    Id,
    /// It is not IGMP either.
    #[error("a client is named IGMP, or by its protocol's number and its component, as 1.0")]
    Name,
}

impl FromStr for ClientId {
    type Err = ClientNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (protocol, component) = text.split_once('.')?;
            Some(Self::new(protocol.parse().ok()?, component.parse().ok()?))
        };
        read().ok_or(ClientNameError::Id)
    }
}

impl FromStr for ClientName {
    type Err = ClientNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("igmp") {
            return Ok(Self::Igmp);
        }
        let id = text.strip_prefix("protocol ").unwrap_or(text);
        id.parse().map(Self::Protocol).or(Err(ClientNameError::Name))
    }
}
