//! The words of the trade, as types that cannot hold nonsense.

pub(crate) mod address;
pub(crate) mod alert;
pub(crate) mod client;
pub(crate) mod creation;
pub(crate) mod entry;
pub(crate) mod forwarding;
pub(crate) mod interface;
pub(crate) mod membership;
pub(crate) mod route;
pub(crate) mod ssm;
