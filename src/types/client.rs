//! Who is registered.

use std::fmt;

/// Names an instance of a routing protocol: a *component* in the words of RFC 2715.
///
/// Two instances of one protocol are two clients in every rule. Prints as `3.1`.
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

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.protocol, self.component)
    }
}

/// A client by name: IGMP, or an instance of a routing protocol.
///
/// With the feature `serde` it is written as `"igmp"`, or as `{"protocol": 1, "component": 0}`.
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
