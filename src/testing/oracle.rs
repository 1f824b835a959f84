//! What a client has to pull, by the statements alone.

use std::collections::BTreeSet;

use crate::mgm::Mgm;
use crate::rib::Rib;
use crate::types::address::Address;
use crate::types::alert::AlertCause;
use crate::types::client::ClientName;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::view::{Membership, MembershipKind, Mfe};

/// What a client has to pull now, and why: what its alerts have to come to when no call goes on.
///
/// It is computed anew from what can be read and from the routes, and shares no code with the manager: an oracle for
/// tests of what a protocol does. It looks at every membership and forwarding entry.
///
/// - (\*,G) and (\*,\*), while another client wants it ([CT-4](crate::specification#ct-4));
/// - (S,G), if besides the client owns the interface toward S ([CT-5](crate::specification#ct-5));
/// - a forwarding entry of which it owns that interface, while an oif counts for another client
///   ([FW-6](crate::specification#fw-6)).
///
/// # Example: what PIM has to pull
///
/// ```
/// use mgm::testing::{entry, has_to_pull, interface};
/// use mgm::{AlertCause, ClientId, Mgm, NoCallbacks, RouteTable};
///
/// let mgm = Mgm::new();
/// let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
/// let igmp = mgm.register_igmp(NoCallbacks)?;
/// igmp.take_interface_ownership(interface(3))?;
/// igmp.add_group_membership(interface(3), entry("(*, 239.1.1.1)"))?;
/// let pulls = has_to_pull(&mgm, &RouteTable::new(), pim.name());
/// assert_eq!(pulls.into_iter().collect::<Vec<_>>(), [(entry("(*, 239.1.1.1)"), AlertCause::Membership)]);
/// # Ok::<(), mgm::Error>(())
/// ```
#[must_use]
pub fn has_to_pull<A: Address>(
    mgm: &Mgm<A>,
    routes: &impl Rib<A>,
    client: ClientName,
) -> BTreeSet<(Entry<A>, AlertCause)> {
    let owner = |interface: Interface<A>| mgm.owner(interface);
    let is_its = |entry: Entry<A>| {
        entry.source().is_none_or(|source| {
            routes.lookup(source).and_then(|route| owner(route.interface)) == Some(client)
        })
    };
    let is_wanted = |held: &Membership<A>| held.kind == MembershipKind::Joined && held.counts_for != client;
    let memberships = mgm.groups().filter(|held| is_wanted(held) && is_its(held.entry));
    let memberships = memberships.map(|held| (held.entry, AlertCause::Membership));
    let is_for_others =
        |mfe: &Mfe<A>| mfe.owner == Some(client) && mfe.oifs.iter().any(|oif| owner(*oif) != Some(client));
    let streams = mgm.mfes().filter(is_for_others);
    let streams = streams.map(|mfe| (Entry::SourceGroup(mfe.source, mfe.group), AlertCause::ForwardingEntry));
    memberships.chain(streams).collect()
}
