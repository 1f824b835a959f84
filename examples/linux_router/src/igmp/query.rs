//! What queriers ask.

use std::time::Duration;

/// A query, ours or another router's (RFC 9776 §4.1, RFC 9777 §5.1). Addresses are not yet checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query<A> {
    /// The router that sends it.
    pub querier: A,
    /// Nothing in a general query.
    pub group: Option<A>,
    /// Nothing in a query for a group as a whole.
    pub sources: Vec<A>,
    /// In which hosts are to answer.
    pub max_response: Duration,
    /// The S flag: routers that hear it leave their timers alone.
    pub suppress: bool,
    /// QRV; 0 if it does not say, as in older versions.
    pub robustness: u8,
    /// QQI; nothing if it does not say.
    pub interval: Option<Duration>,
}
