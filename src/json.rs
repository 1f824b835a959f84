//! How values are written and read with serde, where deriving it would let a wrong value in, or be hard to read.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::Error;
use crate::types::address::{Address, GroupAddr, HostAddr, SourceAddr};
use crate::types::client::{ClientId, ClientName};
use crate::types::entry::Entry;
use crate::types::forwarding::ForwarderError;
use crate::types::interface::{Interface, InterfaceError};
use crate::types::membership::MembershipChange;

/// Addresses are read as plain ones, and then checked.
macro_rules! read_checked {
    ($($kind:ident),*) => {$(
        impl<'de, A: Address> Deserialize<'de> for $kind<A> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(A::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

read_checked!(GroupAddr, SourceAddr, HostAddr);

/// `*`, or one address, as a text.
enum Star<T> {
    Any,
    One(T),
}

impl<T: Display> Serialize for Star<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("*"),
            Self::One(address) => serializer.collect_str(address),
        }
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Star<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
            type Value = Star<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, or \"*\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Star<T>, E> {
                if text == "*" {
                    return Ok(Star::Any);
                }
                text.parse().map(Star::One).map_err(|error| E::custom(format_args!("\"{text}\": {error}")))
            }
        }

        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<T> From<Option<T>> for Star<T> {
    fn from(address: Option<T>) -> Self {
        address.map_or(Self::Any, Self::One)
    }
}

impl<A: Address> Serialize for Entry<A> {
    /// `{"source": "*", "group": "239.1.1.1"}`: both are always there, and always texts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_struct("Entry", 2)?;
        pair.serialize_field("source", &Star::from(self.source().as_ref()))?;
        pair.serialize_field("group", &Star::from(self.group().as_ref()))?;
        pair.end()
    }
}

impl<'de, A: Address> Deserialize<'de> for Entry<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Entry", bound = "A: Address", deny_unknown_fields)]
        struct Pair<A> {
            source: Star<SourceAddr<A>>,
            group: Star<GroupAddr<A>>,
        }

        let pair = Pair::deserialize(deserializer)?;
        match (pair.source, pair.group) {
            (Star::Any, Star::Any) => Ok(Self::AllGroups),
            (Star::Any, Star::One(group)) => Ok(Self::Group(group)),
            (Star::One(source), Star::One(group)) => Ok(Self::SourceGroup(source, group)),
            (Star::One(source), Star::Any) => {
                Err(D::Error::custom(format_args!("({source}, *) names a source and no group")))
            }
        }
    }
}

impl<'de, A: Address> Deserialize<'de> for Interface<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Interface", bound = "A: Address", deny_unknown_fields)]
        struct Link<A> {
            index: u32,
            next_hop: Option<A>,
        }

        let Link { index, next_hop } = Link::<A>::deserialize(deserializer)?;
        let index = NonZeroU32::new(index).ok_or(InterfaceError::<A>::Index).map_err(D::Error::custom)?;
        let Some(next_hop) = next_hop else { return Ok(Self::new(index)) };
        let next_hop = HostAddr::new(next_hop).map_err(InterfaceError::NextHop).map_err(D::Error::custom)?;
        Ok(Self::link(index, next_hop))
    }
}

impl Serialize for ClientName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Igmp => serializer.serialize_str("igmp"),
            Self::Protocol(id) => id.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ClientName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl<'de> Visitor<'de> for Name {
            type Value = ClientName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"igmp\", or the protocol and component of a client")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClientName, E> {
                match text {
                    "igmp" => Ok(ClientName::Igmp),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<ClientName, M::Error> {
                ClientId::deserialize(MapAccessDeserializer::new(map)).map(ClientName::Protocol)
            }
        }

        deserializer.deserialize_any(Name)
    }
}

/// A [`MembershipChange`] in which every part has its name.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "MembershipChange", rename_all = "snake_case", bound = "A: Address")]
enum NamedChange<A> {
    Add(Entry<A>),
    Delete(Entry<A>),
    Block { source: SourceAddr<A>, group: GroupAddr<A> },
    Unblock { source: SourceAddr<A>, group: GroupAddr<A> },
}

impl<A: Address> Serialize for MembershipChange<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = match *self {
            Self::Add(entry) => NamedChange::Add(entry),
            Self::Delete(entry) => NamedChange::Delete(entry),
            Self::Block(source, group) => NamedChange::Block { source, group },
            Self::Unblock(source, group) => NamedChange::Unblock { source, group },
        };
        named.serialize(serializer)
    }
}

impl<'de, A: Address> Deserialize<'de> for MembershipChange<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match NamedChange::deserialize(deserializer)? {
            NamedChange::Add(entry) => Self::Add(entry),
            NamedChange::Delete(entry) => Self::Delete(entry),
            NamedChange::Block { source, group } => Self::Block(source, group),
            NamedChange::Unblock { source, group } => Self::Unblock(source, group),
        })
    }
}

/// Errors are written for people and for whoever counts them; nobody acts on one that was read back.
fn write_error<S: Serializer>(
    kind: &'static str,
    error: &impl std::error::Error,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut written = serializer.serialize_struct("Error", 2)?;
    written.serialize_field("kind", kind)?;
    written.serialize_field("message", &error.to_string())?;
    written.end()
}

impl<A: Address> Serialize for Error<A> {
    /// `{"kind": "owned_by_another", "message": "interface 3 is owned by protocol 1.0"}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_error(self.kind(), self, serializer)
    }
}

impl Serialize for ForwarderError {
    /// `{"kind": "full", "message": "the forwarder is full"}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_error(self.kind(), self, serializer)
    }
}

/// Times are whole seconds.
pub(crate) mod seconds {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        time.as_secs().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

/// Times that may never come.
pub(crate) mod maybe_seconds {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.as_secs()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Duration::from_secs))
    }
}
