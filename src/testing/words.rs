//! Words of the trade from text; nonsense is a panic, which is what a test wants.

use std::fmt::Display;
use std::str::FromStr;

use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::types::route::Route;

/// The group of this address: `group("239.1.1.1")`.
///
/// # Panics
///
/// If that is no group.
#[must_use]
#[track_caller]
pub fn group<A: Address>(text: &str) -> GroupAddr<A> {
    read(text)
}

/// The source of this address: `source("10.0.0.1")`.
///
/// # Panics
///
/// If that is no source.
#[must_use]
#[track_caller]
pub fn source<A: Address>(text: &str) -> SourceAddr<A> {
    read(text)
}

/// The entry that this says: `entry("(10.0.0.1, 239.1.1.1)")`, `entry("(*, 239.1.1.1)")`.
///
/// # Panics
///
/// If it says none.
#[must_use]
#[track_caller]
pub fn entry<A: Address>(text: &str) -> Entry<A> {
    read(text)
}

/// The interface with this index.
///
/// # Panics
///
/// If that is zero.
#[must_use]
#[track_caller]
pub fn interface<A: Address>(index: u32) -> Interface<A> {
    sure(index, Interface::try_from(index))
}

/// A route to the sources in a prefix, without a neighbour: `route("10.0.0.0/8", interface(1))`.
///
/// # Panics
///
/// If that is no prefix.
#[must_use]
#[track_caller]
pub fn route<A: Address>(prefix: &str, interface: Interface<A>) -> Route<A>
where
    A::Net: FromStr<Err: Display>,
{
    Route::new(read(prefix), interface)
}

#[track_caller]
pub(super) fn read<T: FromStr<Err: Display>>(text: &str) -> T {
    sure(text, text.parse())
}

#[track_caller]
fn sure<T>(what: impl Display, result: Result<T, impl Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}
