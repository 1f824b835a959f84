//! What a daemon calls clients and interfaces.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::types::interface::Interface;

/// What a daemon calls its clients and interfaces, so that operators read `PIM` and `eth1`, and not `protocol 1.0` and `2`.
///
/// What has no name here is shown as ever. With the feature `serde` the names can be sent along with a
/// [`Snapshot`](super::Snapshot).
///
/// # Example: a table that an operator understands
///
/// ```
/// use std::time::Instant;
/// use mgm::{ClientId, Interface, Mgm, Names, NoCallbacks};
///
/// let (mgm, id, lan) = (Mgm::new(), ClientId::new(1, 0), Interface::try_from(2)?);
/// let pim = mgm.register_protocol(id, NoCallbacks)?;
/// pim.take_interface_ownership(lan)?;
/// let names = Names::new().client(id, "PIM").interface(lan.index(), "eth1");
/// let shown = mgm.show(Instant::now());
/// assert!(shown.named(&names).to_string().starts_with("\
/// Interface  Owner  IGMP
/// eth1       PIM    -
/// "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "Listed", from = "Listed"))]
pub struct Names {
    clients: BTreeMap<ClientName, String>,
    interfaces: BTreeMap<NonZeroU32, String>,
}

/// For what is shown as ever.
pub(super) static NO_NAMES: Names = Names::new();

impl Names {
    /// Nothing has a name.
    #[must_use]
    pub const fn new() -> Self {
        Self { clients: BTreeMap::new(), interfaces: BTreeMap::new() }
    }

    /// Names a client.
    #[must_use]
    pub fn client(mut self, client: impl Into<ClientName>, name: impl Into<String>) -> Self {
        self.clients.insert(client.into(), name.into());
        self
    }

    /// Names the interface with this index; its links are shown as `tun0 via 10.0.0.9`.
    #[must_use]
    pub fn interface(mut self, index: NonZeroU32, name: impl Into<String>) -> Self {
        self.interfaces.insert(index, name.into());
        self
    }

    pub(super) fn of_client(&self, client: ClientName) -> String {
        self.clients.get(&client).cloned().unwrap_or_else(|| client.to_string())
    }

    pub(super) fn of_interface<A: Address>(&self, interface: Interface<A>) -> String {
        match (self.interfaces.get(&interface.index()), interface.next_hop()) {
            (None, _) => interface.to_string(),
            (Some(name), None) => name.clone(),
            (Some(name), Some(next_hop)) => format!("{name} via {next_hop}"),
        }
    }

    /// Several interfaces, if there are any.
    pub(super) fn of_interfaces<A: Address>(&self, interfaces: &[Interface<A>]) -> Option<String> {
        let names: Vec<_> = interfaces.iter().map(|interface| self.of_interface(*interface)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// A [`Snapshot`](super::Snapshot), what is different between two, or an [`Explanation`](crate::Explanation), with the names that a daemon has for clients and interfaces.
///
/// `Display` prints it. With the feature `serde` it is written as what it is made of, with the names beside that, in a field
/// `names`: reading it as a snapshot and as a value that has [`Names`] brings both back.
#[derive(Clone, Copy, Debug)]
pub struct WithNames<'a, T> {
    pub(super) shown: &'a T,
    pub(super) names: &'a Names,
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for WithNames<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Both<'a, T> {
            #[serde(flatten)]
            shown: &'a T,
            names: &'a Names,
        }

        Both { shown: self.shown, names: self.names }.serialize(serializer)
    }
}

/// Names as lists: JSON has texts only as keys.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Names")]
struct Listed {
    clients: Vec<NamedClient>,
    interfaces: Vec<NamedInterface>,
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct NamedClient {
    client: ClientName,
    name: String,
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct NamedInterface {
    index: NonZeroU32,
    name: String,
}

#[cfg(feature = "serde")]
impl From<Names> for Listed {
    fn from(Names { clients, interfaces }: Names) -> Self {
        let clients = clients.into_iter().map(|(client, name)| NamedClient { client, name });
        let interfaces = interfaces.into_iter().map(|(index, name)| NamedInterface { index, name });
        Self { clients: clients.collect(), interfaces: interfaces.collect() }
    }
}

#[cfg(feature = "serde")]
impl From<Listed> for Names {
    fn from(Listed { clients, interfaces }: Listed) -> Self {
        Self {
            clients: clients.into_iter().map(|NamedClient { client, name }| (client, name)).collect(),
            interfaces: interfaces.into_iter().map(|NamedInterface { index, name }| (index, name)).collect(),
        }
    }
}
