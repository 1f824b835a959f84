//! What queriers ask.

use std::time::Duration;

/// A query, ours or another router's (RFC 9776 §4.1, RFC 9777 §5.1). Addresses are not yet checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Query<A> {
    /// The router that sends it.
    pub(crate) querier: A,
    /// Nothing in a general query.
    pub(crate) group: Option<A>,
    pub(crate) sources: Vec<A>,
    pub(crate) max_response: Duration,
    /// The S flag: routers that hear it leave their timers alone.
    pub(crate) suppress: bool,
    /// QRV; 0 if it does not say, as in older versions.
    pub(crate) robustness: u8,
    /// QQI; nothing if it does not say.
    pub(crate) interval: Option<Duration>,
}
