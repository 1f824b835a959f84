//! What is wanted, worked out afresh from the groups joined and the routes.

use std::collections::BTreeSet;

use mgm::{ClientName, Entry, Interface, Membership, MembershipKind, Mfe, Mgm, Rib, RouteTable};

/// What clients other than `client` want from it: (\*,\*) and (\*,G) from everybody, (S,G) from the owner of the
/// interface toward S.
pub(crate) fn from(client: ClientName, mgm: &Mgm, routes: &RouteTable) -> BTreeSet<Entry> {
    let others = mgm.groups().filter(|held| held.kind == MembershipKind::Joined && held.counts_for != client);
    let is_asked = |entry: &Entry| match entry.source() {
        None => true,
        Some(source) => routes.lookup(source).and_then(|route| mgm.owner(route.interface)) == Some(client),
    };
    others.map(|held| held.entry).filter(is_asked).collect()
}

/// Where the packets of an entry are wanted, but for where they come in.
pub(crate) fn oifs(mfe: &Mfe, mgm: &Mgm) -> Vec<Interface> {
    let groups: Vec<_> = mgm.groups().collect();
    let stream = Entry::SourceGroup(mfe.source, mfe.group);
    let holds = |held: &Membership, entry, kind| {
        groups.iter().any(|other| {
            (other.interface, other.added_by) == (held.interface, held.added_by)
                && (other.entry, other.kind) == (entry, kind)
        })
    };
    let wants = |held: &&Membership| {
        held.interface != mfe.iif
            && held.kind == MembershipKind::Joined
            && held.entry.covers(mfe.source, mfe.group, &mgm.ssm_ranges())
            && !holds(held, stream, MembershipKind::Blocked)
    };
    groups.iter().filter(wants).map(|held| held.interface).collect::<BTreeSet<_>>().into_iter().collect()
}
