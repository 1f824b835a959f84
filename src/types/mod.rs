//! The words of the trade, as types that cannot hold nonsense.

pub(crate) mod address;
pub(crate) mod client;
pub(crate) mod entry;
pub(crate) mod interface;
