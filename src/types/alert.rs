//! Why an alert came.

use std::fmt;

/// Why a join or prune alert came (MGM: `bMemberUpdate`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AlertCause {
    /// Memberships changed.
    Membership,
    /// The oifs of a forwarding entry became empty, or not empty.
    ForwardingEntry,
}

impl fmt::Display for AlertCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("membership"),
            Self::ForwardingEntry => f.write_str("forwarding entry"),
        }
    }
}
