//! What changes while somebody is asked without the lock: the answer counts only if it still holds. And what else
//! a callback, a RIB or a forwarder may do at a bad moment without harm.
//!
//! The name of a test begins with the statement that it proves. The change is made inside the question, as
//! another thread could make it at that moment; where it has to be another thread, barriers force the order.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod addresses;
mod bounds;
mod deliveries;
mod drops;
mod handovers;
mod kit;
mod refusals;
mod renewals;
mod routes;
mod time;
