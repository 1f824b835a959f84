//! What clients do.

use mgm::{
    Change, ClientId, ClientRef, Entry, Filter, ForwardState, Interface, Membership, MembershipChange, Mgm,
};

use super::Family;

/// The calls of a client, where a refusal is a failure of the test.
pub(crate) trait Acts<A: Family> {
    fn client(&self) -> &ClientRef<A>;

    #[track_caller]
    fn takes(&self, interface: Interface<A>) {
        self.client().take_interface_ownership(interface).unwrap();
    }

    #[track_caller]
    fn releases(&self, interface: Interface<A>) {
        self.client().release_interface_ownership(interface).unwrap();
    }

    #[track_caller]
    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.client().add_group_membership(interface, entry).unwrap()
    }

    #[track_caller]
    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.client().delete_group_membership(interface, entry).unwrap()
    }

    #[track_caller]
    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.client().block_source(interface, A::source(source), A::group(group)).unwrap()
    }

    #[track_caller]
    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.client().unblock_source(interface, A::source(source), A::group(group)).unwrap()
    }

    #[track_caller]
    fn forwards(
        &self,
        on: Interface<A>,
        source: u16,
        group: u16,
        state: impl Into<Option<ForwardState>>,
    ) -> Change {
        self.client().set_forward_state(on, A::source(source), A::group(group), state.into()).unwrap()
    }

    #[track_caller]
    fn offers(&self, interface: Interface<A>, to: ClientId) {
        self.client().offer_interface(interface, to).unwrap();
    }

    /// Several changes in one call, none of which is refused.
    #[track_caller]
    fn batches(
        &self,
        interface: Interface<A>,
        changes: impl IntoIterator<Item = MembershipChange<A>>,
    ) -> Change {
        self.client().batch(interface, changes).into_result().unwrap()
    }

    /// The group filter is to be INCLUDE of these sources.
    #[track_caller]
    fn includes<const N: usize>(&self, interface: Interface<A>, group: u16, sources: [u16; N]) -> Change {
        let sources = sources.map(A::source);
        self.client().set_group(interface, A::group(group), Filter::Include(&sources)).unwrap()
    }

    /// The group filter is to be EXCLUDE of these sources.
    #[track_caller]
    fn excludes<const N: usize>(&self, interface: Interface<A>, group: u16, sources: [u16; N]) -> Change {
        let sources = sources.map(A::source);
        self.client().set_group(interface, A::group(group), Filter::Exclude(&sources)).unwrap()
    }

    #[track_caller]
    fn wants_wrong_interface_alerts(&self, interface: Interface<A>) {
        self.client().set_wrong_interface_alerts(interface, true).unwrap();
    }
}

impl<A: Family> Acts<A> for ClientRef<A> {
    fn client(&self) -> &Self {
        self
    }
}

/// All memberships and blocks, in an order that can be compared.
pub(crate) fn held<A: Family>(mgm: &Mgm<A>) -> Vec<Membership<A>> {
    let mut held: Vec<_> = mgm.groups().collect();
    held.sort_unstable();
    held
}
