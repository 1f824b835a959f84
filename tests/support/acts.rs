//! What clients do.

use mgm::{Change, ClientRef, Entry, ForwardState, Interface, Membership, Mgm};

use super::Family;

/// The calls of a client, where a refusal is a failure of the test.
pub(crate) trait Acts<A: Family> {
    fn takes(&self, interface: Interface<A>);
    fn releases(&self, interface: Interface<A>);
    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change;
    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change;
    fn forwards(
        &self,
        interface: Interface<A>,
        source: u16,
        group: u16,
        state: impl Into<Option<ForwardState>>,
    ) -> Change;
    fn wants_wrong_interface_alerts(&self, interface: Interface<A>);
}

impl<A: Family> Acts<A> for ClientRef<A> {
    #[track_caller]
    fn takes(&self, interface: Interface<A>) {
        self.take_interface_ownership(interface).unwrap();
    }

    #[track_caller]
    fn releases(&self, interface: Interface<A>) {
        self.release_interface_ownership(interface).unwrap();
    }

    #[track_caller]
    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.add_group_membership(interface, entry).unwrap()
    }

    #[track_caller]
    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.delete_group_membership(interface, entry).unwrap()
    }

    #[track_caller]
    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.block_source(interface, A::source(source), A::group(group)).unwrap()
    }

    #[track_caller]
    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.unblock_source(interface, A::source(source), A::group(group)).unwrap()
    }

    #[track_caller]
    fn forwards(
        &self,
        interface: Interface<A>,
        source: u16,
        group: u16,
        state: impl Into<Option<ForwardState>>,
    ) -> Change {
        self.set_forward_state(interface, A::source(source), A::group(group), state.into()).unwrap()
    }

    #[track_caller]
    fn wants_wrong_interface_alerts(&self, interface: Interface<A>) {
        self.set_wrong_interface_alerts(interface, true).unwrap();
    }
}

/// All memberships and blocks, in an order that can be compared.
pub(crate) fn held<A: Family>(mgm: &Mgm<A>) -> Vec<Membership<A>> {
    let mut held: Vec<_> = mgm.groups().collect();
    held.sort_unstable();
    held
}
