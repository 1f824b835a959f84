//! Short names for what the scenarios speak of.

use mgm::{ClientId, Entry, GroupAddr, Interface, Route, SourceAddr};

pub(crate) fn eth(index: u32) -> Interface {
    Interface::try_from(index).unwrap()
}

pub(crate) fn group(number: u8) -> GroupAddr {
    format!("239.1.1.{number}").parse().unwrap()
}

/// (\*,G)
pub(crate) fn star(number: u8) -> Entry {
    Entry::Group(group(number))
}

/// All sources lie behind the same route.
pub(crate) fn source(number: u8) -> SourceAddr {
    format!("198.51.100.{number}").parse().unwrap()
}

/// (S,G)
pub(crate) fn from(from: u8, to: u8) -> Entry {
    Entry::SourceGroup(source(from), group(to))
}

pub(crate) fn via(index: u32) -> Route {
    Route::new("198.51.100.0/24".parse().unwrap(), eth(index))
}

pub(crate) const fn id(protocol: u32) -> ClientId {
    ClientId { protocol, component: 0 }
}
