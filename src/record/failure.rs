//! The forwarder's errors, written so that they can be read back: a replay answers with them.

use std::io::ErrorKind;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::types::forwarding::ForwarderError;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Failure {
    Full,
    TooManyInterfaces { index: u32, max: usize },
    NoSuchInterface { index: u32 },
    NextHop { index: u32 },
    NoSuchEntry,
    System { errno: i32 },
    Panicked,
    Unavailable,
    Other,
}

pub(super) fn serialize<S: Serializer>(error: &ForwarderError, serializer: S) -> Result<S::Ok, S::Error> {
    let failure = match *error {
        ForwarderError::Full => Failure::Full,
        ForwarderError::TooManyInterfaces { index, max } => Failure::TooManyInterfaces { index, max },
        ForwarderError::NoSuchInterface { index } => Failure::NoSuchInterface { index },
        ForwarderError::NextHop { index } => Failure::NextHop { index },
        ForwarderError::NoSuchEntry => Failure::NoSuchEntry,
        ForwarderError::System { errno, .. } => Failure::System { errno },
        ForwarderError::Panicked => Failure::Panicked,
        ForwarderError::Unavailable(_) => Failure::Unavailable,
        ForwarderError::Other(_) => Failure::Other,
    };
    failure.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ForwarderError, D::Error> {
    Ok(match Failure::deserialize(deserializer)? {
        Failure::Full => ForwarderError::Full,
        Failure::TooManyInterfaces { index, max } => ForwarderError::TooManyInterfaces { index, max },
        Failure::NoSuchInterface { index } => ForwarderError::NoSuchInterface { index },
        Failure::NextHop { index } => ForwarderError::NextHop { index },
        Failure::NoSuchEntry => ForwarderError::NoSuchEntry,
        // Texts and kinds are those of the program that recorded it.
        Failure::System { errno } => ForwarderError::System { operation: "as recorded", errno },
        Failure::Panicked => ForwarderError::Panicked,
        Failure::Unavailable => ForwarderError::Unavailable(ErrorKind::Other),
        Failure::Other => ForwarderError::Other("as recorded"),
    })
}
