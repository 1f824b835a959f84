//! How what is shown is serialised: names and addresses as texts, times as seconds.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::types::client::ClientName;
use crate::types::entry::Entry;
use crate::types::forwarding::ForwarderError;

impl<A: Serialize> Serialize for Entry<A> {
    /// `{"source": "*", "group": "239.1.1.1"}`: both are always there, and always texts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (source, group) = match self {
            Self::AllGroups => (None, None),
            Self::Group(group) => (None, Some(group)),
            Self::SourceGroup(source, group) => (Some(source), Some(group)),
        };
        let mut pair = serializer.serialize_struct("Entry", 2)?;
        match source {
            Some(source) => pair.serialize_field("source", source)?,
            None => pair.serialize_field("source", "*")?,
        }
        match group {
            Some(group) => pair.serialize_field("group", group)?,
            None => pair.serialize_field("group", "*")?,
        }
        pair.end()
    }
}

impl Serialize for ClientName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ForwarderError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_secs().serialize(serializer)
}

pub(crate) fn maybe_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(serializer)
}
