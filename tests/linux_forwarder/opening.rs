//! Who gets a table, and who does not.

use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::{LinuxForwarder, Mgm, OpenError};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::world::{Family, World, both};
use netns::{Namespace, available};

#[test]
fn a_table_has_one_owner() {
    both(0, twice, twice);

    fn twice<A: Family>(world: &mut World<A>) {
        let open = || LinuxForwarder::<A>::open().map(drop);
        assert_eq!(world.router.run(open), Err(OpenError::InUse { table: None }));
        let open = || {
            let _mine = LinuxForwarder::<A>::builder().table(7).open().unwrap();
            LinuxForwarder::<A>::builder().table(7).open().map(drop)
        };
        let refused = world.router.run(open).unwrap_err();
        assert_eq!(refused, OpenError::InUse { table: Some(7) });
        assert_eq!(
            refused.to_string(),
            "another multicast routing daemon holds the kernel's multicast routing table 7"
        );
    }
}

#[test]
fn both_families_live_in_one_process() {
    if !available() {
        return;
    }
    let router = Namespace::new("router");
    router.run(|| {
        let (inet, inet6) = (LinuxForwarder::<Ipv4Addr>::open(), LinuxForwarder::<Ipv6Addr>::open());
        let inet = Mgm::builder().forwarder(inet.unwrap()).build();
        let inet6 = Mgm::builder_v6().forwarder(inet6.unwrap()).build();
        assert_eq!((inet.mfes().count(), inet6.mfes().count()), (0, 0));
    });
}

#[test]
fn without_privilege_there_is_none() {
    if !available() {
        return;
    }
    let router = Namespace::new("router");
    refused::<Ipv4Addr>(&router);
    refused::<Ipv6Addr>(&router);

    fn refused<A: Family>(router: &Namespace) {
        let without = |dropped: CapabilitySet, open: fn() -> Result<LinuxForwarder<A>, OpenError>| {
            router.run(|| {
                // Of this thread only.
                let left = capabilities(None).unwrap().effective & !dropped;
                let inheritable = CapabilitySet::empty();
                let sets = CapabilitySets { effective: left, permitted: left, inheritable };
                set_capabilities(None, sets).unwrap();
                open().map(drop)
            })
        };
        let raw = without(CapabilitySet::NET_RAW, LinuxForwarder::open);
        assert_eq!(raw, Err(OpenError::NotPermitted { operation: "socket" }));
        let all = without(CapabilitySet::all(), LinuxForwarder::open);
        assert_eq!(all, Err(OpenError::NotPermitted { operation: "socket" }));
        let admin = without(CapabilitySet::NET_ADMIN, || LinuxForwarder::builder().table(7).open());
        assert_eq!(admin, Err(OpenError::NotPermitted { operation: "MRT_TABLE" }));
        assert!(admin.unwrap_err().to_string().contains("CAP_NET_ADMIN"));
    }
}

#[test]
fn a_table_number_beyond_the_kernels_is_refused() {
    if !available() {
        return;
    }
    Namespace::new("router").run(|| {
        let refused = LinuxForwarder::<Ipv4Addr>::builder().table(u32::MAX).open().map(drop);
        assert!(matches!(refused, Err(OpenError::System { operation: "MRT_TABLE", .. })), "{refused:?}");
    });
}

#[test]
fn a_table_of_its_own_forwards_what_the_rules_send_there() {
    both(2, forward, forward);

    fn forward<A: Family>(world: &mut World<A>) {
        world.router.ip_output(&format!("{} mrule add from all lookup 7 pref 100", A::IP));
        world.move_to_table(7);
        let group = A::group(1);
        let receiver = world.links[1].receiver(group);
        world.join(1, group);
        world.links[0].sender().send(group, "by the rules");
        assert_eq!(world.receive(&receiver), "by the rules");
        assert_eq!(world.of_kernel().len(), 1);
        assert_eq!(world.listed(), [0, 0], "the default table is not touched");
    }
}
