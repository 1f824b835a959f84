//! The queries that hosts get.

use crate::lan::until;
use crate::wire::Forged;
use linux_router::igmp::query::Query;
use netns::Namespace;
use netns::traffic::Tap;

/// Hears the queries that come to a host.
pub(crate) struct Queries(Tap);

impl Queries {
    pub(crate) fn open<A: Forged>(host: &Namespace) -> Self {
        Self(Tap::open::<A>(host, ""))
    }

    /// Waits for the next query that asks for this group, or for all.
    pub(crate) fn next<A: Forged>(&self, group: Option<A>) -> Query<A> {
        let (mut found, mut buffer) = (None, [0; 2000]);
        until(
            || format!("a query for {group:?}"),
            || {
                let packet = self.0.frame(&mut buffer).and_then(|frame| frame.get(14..));
                found = packet.and_then(A::query).filter(|query| query.group == group);
                found.is_some()
            },
        );
        found.unwrap()
    }
}
