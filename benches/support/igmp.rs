//! An IGMP that, when it is enabled, adds again all that is joined.

use std::sync::Arc;

use mgm::{Change, ClientRef, Entry, IgmpCallbacks, Interface, MembershipChange};

pub(crate) struct Igmp {
    pub(crate) joined: Arc<[Entry]>,
}

impl IgmpCallbacks for Igmp {
    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        let again = self.joined.iter().map(|entry| MembershipChange::Add(*entry));
        assert_eq!(igmp.batch(interface, again).into_result(), Ok(Change::Unchanged));
    }
}
