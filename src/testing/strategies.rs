//! Strategies for proptest: what is drawn is of a [`World`].

use std::time::Duration;

use proptest::collection::{SizeRange, vec};
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};

use super::world::{Step, World};
use crate::types::address::{GroupAddr, SourceAddr};
use crate::types::client::ClientName;
use crate::types::entry::Entry;
use crate::types::interface::Interface;
use crate::types::membership::MembershipChange;

/// Steps that the others in a [`World`] take; they shrink to fewer and simpler ones.
pub fn steps(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), count)
}

/// One of the interfaces of a [`World`].
pub fn interfaces() -> impl Strategy<Value = Interface> {
    select(World::interfaces().to_vec())
}

/// One of the sources of a [`World`].
pub fn sources() -> impl Strategy<Value = SourceAddr> {
    select(World::sources().to_vec())
}

/// One of the groups of a [`World`].
pub fn groups() -> impl Strategy<Value = GroupAddr> {
    select(World::groups().to_vec())
}

/// (\*,\*), or one of (\*,G) and (S,G) with the groups and sources of a [`World`].
pub fn entries() -> impl Strategy<Value = Entry> {
    proptest::prop_oneof![
        1 => Just(Entry::AllGroups),
        5 => groups().prop_map(Entry::Group),
        5 => (sources(), groups()).prop_map(|(source, group)| Entry::SourceGroup(source, group)),
    ]
}

/// A change of one of the [`entries`].
pub fn changes() -> impl Strategy<Value = MembershipChange> {
    proptest::prop_oneof![
        5 => entries().prop_map(MembershipChange::Add),
        3 => entries().prop_map(MembershipChange::Delete),
        2 => (sources(), groups()).prop_map(|(source, group)| MembershipChange::Block(source, group)),
        1 => (sources(), groups()).prop_map(|(source, group)| MembershipChange::Unblock(source, group)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let client = || {
        let [one, other] = World::PROTOCOLS;
        select(vec![ClientName::Igmp, one.into(), other.into()])
    };
    let waits = [1, 60, 901].map(Duration::from_secs).to_vec();
    proptest::prop_oneof![
        4 => (client(), interfaces()).prop_map(|(by, interface)| Step::Take { by, interface }),
        1 => (client(), interfaces()).prop_map(|(by, interface)| Step::Release { by, interface }),
        8 => (client(), interfaces(), changes())
            .prop_map(|(by, interface, change)| Step::Change { by, interface, change }),
        4 => (sources(), groups(), interfaces())
            .prop_map(|(source, group, arrival)| Step::Packet { source, group, arrival }),
        1 => interfaces().prop_map(|interface| Step::Route { interface }),
        1 => select(waits).prop_map(Step::Wait),
    ]
}
