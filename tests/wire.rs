//! What is written with serde is read back as it was, and what breaks a rule of its type is refused by name.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use mgm::{
    Address, Alert, AlertCause, AlertMode, Builder, Change, ClientId, ClientName, CreationMode, Entry, Error,
    Filter, FilterBuf, ForwardState, Forwarder, ForwarderError, ForwardingEntry, GroupAddr, HostAddr,
    Interface, Limits, MembershipChange, MfeStats, NoCallbacks, OifStats, Pull, Rib, Route, Snapshot,
    SourceAddr,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Written, it is `expected`, and read back it is what it was.
fn is_written<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected, "{value:?}");
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
    assert_eq!(serde_json::from_value::<T>(expected).unwrap(), *value, "{text}");
}

/// What `value` is refused with, without the place.
fn refusal<T: DeserializeOwned + Debug>(value: Value) -> String {
    serde_json::from_value::<T>(value).unwrap_err().to_string()
}

fn interface<A: Address>(text: &str) -> Interface<A> {
    text.parse().unwrap()
}

const PIM: ClientId = ClientId { protocol: 1, component: 0 };
const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };

#[test]
fn addresses_are_texts() {
    is_written::<GroupAddr>(&"239.1.1.1".parse().unwrap(), json!("239.1.1.1"));
    is_written::<SourceAddr>(&"10.0.0.1".parse().unwrap(), json!("10.0.0.1"));
    is_written::<HostAddr>(&"169.254.0.1".parse().unwrap(), json!("169.254.0.1"));
    is_written::<GroupAddr<Ipv6Addr>>(&"ff0e::1".parse().unwrap(), json!("ff0e::1"));
    is_written::<SourceAddr<Ipv6Addr>>(&"2001:db8::1".parse().unwrap(), json!("2001:db8::1"));
}

#[test]
fn mb_4_what_is_no_group_and_no_source_is_not_read() {
    assert_eq!(refusal::<GroupAddr>(json!("10.0.0.1")), "10.0.0.1 is not a multicast address");
    assert_eq!(refusal::<GroupAddr>(json!("224.0.0.1")), "224.0.0.1 is never forwarded off its link");
    assert_eq!(refusal::<SourceAddr>(json!("239.1.1.1")), "239.1.1.1 is not the address of one host");
    assert_eq!(refusal::<SourceAddr>(json!("169.254.0.1")), "169.254.0.1 is never forwarded off its link");
    assert_eq!(refusal::<HostAddr>(json!("0.0.0.0")), "0.0.0.0 is not the address of one host");
    assert_eq!(refusal::<GroupAddr<Ipv6Addr>>(json!("fe80::1")), "fe80::1 is not a multicast address");
    assert_eq!(refusal::<GroupAddr>(json!("ff0e::1")), "invalid IPv4 address syntax");
    assert!(refusal::<GroupAddr>(json!(5)).starts_with("invalid type: integer `5`"));
}

#[test]
fn entries_have_both_parts() {
    for (text, source, group) in [
        ("(*, *)", "*", "*"),
        ("(*, 239.1.1.1)", "*", "239.1.1.1"),
        ("(10.0.0.1, 239.1.1.1)", "10.0.0.1", "239.1.1.1"),
    ] {
        is_written::<Entry>(&text.parse().unwrap(), json!({ "source": source, "group": group }));
    }
    let mld: Entry<Ipv6Addr> = "(2001:db8::1, ff3e::1)".parse().unwrap();
    is_written(&mld, json!({ "source": "2001:db8::1", "group": "ff3e::1" }));
}

#[test]
fn mb_4_what_is_no_entry_is_not_read() {
    let entry = |source: &str, group: &str| refusal::<Entry>(json!({ "source": source, "group": group }));
    assert_eq!(entry("*", "10.0.0.1"), "\"10.0.0.1\": 10.0.0.1 is not a multicast address");
    assert_eq!(entry("239.1.1.1", "239.1.1.1"), "\"239.1.1.1\": 239.1.1.1 is not the address of one host");
    assert_eq!(entry("10.0.0.1", "*"), "(10.0.0.1, *) names a source and no group");
    assert_eq!(entry("*", "all"), "\"all\": not an address of this family");
    assert_eq!(refusal::<Entry>(json!({ "group": "239.1.1.1" })), "missing field `source`");
    let typo = json!({ "source": "*", "group": "*", "sorce": "10.0.0.1" });
    assert!(refusal::<Entry>(typo).starts_with("unknown field `sorce`"));
    let number = json!({ "source": 1, "group": "*" });
    assert_eq!(refusal::<Entry>(number), "invalid type: integer `1`, expected an address, or \"*\"");
}

#[test]
fn if_6_interfaces_are_an_index_and_a_next_hop() {
    is_written(&interface::<Ipv4Addr>("3"), json!({ "index": 3, "next_hop": null }));
    is_written(&interface::<Ipv4Addr>("3 via 10.0.0.9"), json!({ "index": 3, "next_hop": "10.0.0.9" }));
    is_written(&interface::<Ipv6Addr>("3 via fe80::9"), json!({ "index": 3, "next_hop": "fe80::9" }));
    let short: Interface = serde_json::from_value(json!({ "index": 3 })).unwrap();
    assert_eq!(short, interface("3"));
}

#[test]
fn if_6_what_is_no_interface_is_not_read() {
    assert_eq!(refusal::<Interface>(json!({ "index": 0 })), "an interface index is a number from 1 up");
    let next_hop = json!({ "index": 3, "next_hop": "224.0.0.1" });
    let expected = "the next hop of a link: 224.0.0.1 is not the address of one host";
    assert_eq!(refusal::<Interface>(next_hop), expected);
    assert_eq!(refusal::<Interface>(json!({})), "missing field `index`");
    let typo = json!({ "index": 3, "nexthop": "10.0.0.9" });
    assert!(refusal::<Interface>(typo).starts_with("unknown field `nexthop`"));
}

#[test]
fn cl_1_clients_are_igmp_or_an_object() {
    is_written(&PIM, json!({ "protocol": 1, "component": 0 }));
    is_written(&ClientName::Protocol(PIM), json!({ "protocol": 1, "component": 0 }));
    is_written(&ClientName::Igmp, json!("igmp"));
    let expected =
        "invalid value: string \"pim\", expected \"igmp\", or the protocol and component of a client";
    assert_eq!(refusal::<ClientName>(json!("pim")), expected);
    assert!(refusal::<ClientName>(json!(1)).starts_with("invalid type: integer `1`, expected \"igmp\", or"));
    assert_eq!(refusal::<ClientName>(json!({ "protocol": 1 })), "missing field `component`");
}

#[test]
fn mb_7_limits_that_are_not_named_are_off_and_others_are_refused() {
    let limits = Limits::default().memberships_per_interface(4096).waiting_alerts(100);
    is_written(
        &limits,
        json!({
            "memberships": null, "memberships_per_interface": 4096, "memberships_per_client": null,
            "waiting_alerts": 100, "mfes": null, "mfes_per_group": null,
        }),
    );
    let read: Limits = serde_json::from_value(json!({ "mfes": 7 })).unwrap();
    assert_eq!(read, Limits::default().mfes(7));
    assert!(refusal::<Limits>(json!({ "mfs": 7 })).starts_with("unknown field `mfs`"));
}

#[test]
fn what_is_asked_of_memberships() {
    let (group, source): (GroupAddr, SourceAddr) =
        ("239.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap());
    let pair = json!({ "source": "10.0.0.1", "group": "239.1.1.1" });
    let any = json!({ "source": "*", "group": "239.1.1.1" });
    is_written(&MembershipChange::Add(group.into()), json!({ "add": any }));
    is_written(&MembershipChange::Delete(Entry::SourceGroup(source, group)), json!({ "delete": pair }));
    is_written(&MembershipChange::Block(source, group), json!({ "block": pair }));
    is_written(&MembershipChange::Unblock(source, group), json!({ "unblock": pair }));

    let sources = [source];
    for (filter, expected) in [
        (Filter::Include(&sources), json!({ "include": ["10.0.0.1"] })),
        (Filter::Exclude(&sources), json!({ "exclude": ["10.0.0.1"] })),
        (Filter::JOIN, json!({ "exclude": [] })),
        (Filter::LEAVE, json!({ "include": [] })),
    ] {
        assert_eq!(serde_json::to_value(filter).unwrap(), expected);
        is_written(&FilterBuf::from(filter), expected);
        assert_eq!(FilterBuf::from(filter).as_filter(), filter);
    }
    let refused = refusal::<FilterBuf>(json!({ "include": ["239.1.1.1"] }));
    assert_eq!(refused, "239.1.1.1 is not the address of one host");
}

#[test]
fn words() {
    is_written(&AlertCause::Membership, json!("membership"));
    is_written(&AlertCause::ForwardingEntry, json!("forwarding_entry"));
    is_written(&AlertMode::JoinsAndPrunes, json!("joins_and_prunes"));
    is_written(&CreationMode::WithOifs, json!("with_oifs"));
    is_written(&Change::Changed, json!("changed"));
    is_written(&Change::Unchanged, json!("unchanged"));
    is_written(&ForwardState::On, json!("on"));
    is_written(&ForwardState::Off, json!("off"));
}

#[test]
fn alerts_say_which_they_are() {
    let entry: Entry = "(*, 239.1.1.1)".parse().unwrap();
    let (group, source): (GroupAddr, SourceAddr) =
        ("239.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap());
    let lan = interface("3");
    let (on, any) = (json!({ "index": 3, "next_hop": null }), json!({ "source": "*", "group": "239.1.1.1" }));
    let cause = AlertCause::Membership;
    is_written(&Pull { entry, cause }, json!({ "entry": any, "cause": "membership" }));
    is_written(
        &Alert::Join { entry, cause },
        json!({ "alert": "join", "entry": any, "cause": "membership" }),
    );
    is_written(
        &Alert::Prune { entry, cause },
        json!({ "alert": "prune", "entry": any, "cause": "membership" }),
    );
    is_written(
        &Alert::LocalJoin { interface: lan, entry },
        json!({ "alert": "local_join", "interface": on, "entry": any }),
    );
    is_written(
        &Alert::LocalLeave { interface: lan, entry },
        json!({ "alert": "local_leave", "interface": on, "entry": any }),
    );
    for (alert, name) in [
        (Alert::LocalBlock { interface: lan, source, group }, "local_block"),
        (Alert::LocalUnblock { interface: lan, source, group }, "local_unblock"),
    ] {
        is_written(
            &alert,
            json!({ "alert": name, "interface": on, "source": "10.0.0.1", "group": "239.1.1.1" }),
        );
    }
    is_written(
        &Alert::WrongInterface { interface: lan, source, group, header: [69, 0].into() },
        json!({
            "alert": "wrong_interface", "interface": on,
            "source": "10.0.0.1", "group": "239.1.1.1", "header": [69, 0],
        }),
    );
    is_written(
        &Alert::<Ipv4Addr>::InterfaceRemoved { index: NonZeroU32::MIN },
        json!({ "alert": "interface_removed", "index": 1 }),
    );
    let wrong = json!({ "alert": "local_join", "interface": { "index": 0 }, "entry": any });
    assert_eq!(refusal::<Alert>(wrong), "an interface index is a number from 1 up");
}

#[test]
fn routes_and_what_a_forwarder_is_told_and_counts() {
    let (eth0, eth1) = (interface::<Ipv4Addr>("1"), interface("2"));
    let (first, second) = (json!({ "index": 1, "next_hop": null }), json!({ "index": 2, "next_hop": null }));
    is_written(
        &Route::new("10.0.0.0/8".parse().unwrap(), eth0).upstream(Ipv4Addr::new(192, 0, 2, 9)).origin(89),
        json!({ "prefix": "10.0.0.0/8", "interface": first, "upstream": "192.0.2.9", "origin": 89 }),
    );
    let (source, group) = ("10.0.0.1".parse().unwrap(), "239.1.1.1".parse().unwrap());
    is_written(
        &ForwardingEntry::new(source, group, eth0).oifs(vec![eth1]),
        json!({ "source": "10.0.0.1", "group": "239.1.1.1", "iif": first, "oifs": [second] }),
    );
    let mut stats = MfeStats::new();
    (stats.packets, stats.octets) = (2, 3000);
    stats.oifs.push(OifStats::new(eth1, 2));
    let oifs = json!([{ "interface": second, "packets": 2 }]);
    is_written(&stats, json!({ "packets": 2, "octets": 3000, "wrong_interface": 0, "oifs": oifs }));
}

#[test]
fn errors_are_a_kind_and_a_message() {
    let interface = interface::<Ipv4Addr>("3");
    let error = Error::OwnedByAnother { interface, owner: ClientName::Protocol(PIM) };
    let message = "interface 3 is owned by protocol 1.0";
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        json!({ "kind": "owned_by_another", "message": message })
    );
    let written = serde_json::to_value(ForwarderError::Full).unwrap();
    assert_eq!(written, json!({ "kind": "full", "message": "the forwarder is full" }));
}

/// A RIB with one route, and a forwarder that is full and counts all the same.
struct Edge<A: Address>(Route<A>);

impl<A: Address> Rib<A> for Edge<A> {
    fn lookup(&self, _: SourceAddr<A>) -> Option<Route<A>> {
        Some(self.0)
    }
}

impl<A: Address> Forwarder<A> for Edge<A> {
    fn add(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        Err(ForwarderError::Full)
    }

    fn change(&self, _: &ForwardingEntry<A>) -> Result<(), ForwarderError> {
        Err(ForwarderError::Full)
    }

    fn delete(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<(), ForwarderError> {
        Err(ForwarderError::System { operation: "MRT_DEL_MFC", errno: 13 })
    }

    fn stats(&self, _: SourceAddr<A>, _: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError> {
        let mut stats = MfeStats::new();
        stats.oifs.push(OifStats::new(interface("2"), 3));
        Ok(stats)
    }
}

/// A manager with one of everything.
fn snapshot<A: Address>(prefix: &str, sources: [&str; 2], group: &str) -> Snapshot<A> {
    let (uplink, lan) = (interface("1"), interface("2"));
    let prefix = prefix.parse().ok().unwrap();
    let route = Route::new(prefix, uplink).upstream(sources[0].parse().ok().unwrap()).origin(89);
    let mgm = Builder::<A>::new().rib(Edge(route)).forwarder(Edge(route)).build();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    let _dvmrp = mgm.register_protocol(DVMRP, NoCallbacks).unwrap();
    pim.take_interface_ownership(uplink).unwrap();
    pim.take_interface_ownership(lan).unwrap();
    igmp.take_interface_ownership(lan).unwrap();
    let group = group.parse().unwrap();
    igmp.add_group_membership(lan, Entry::Group(group)).unwrap();
    igmp.block_source(lan, sources[1].parse().unwrap(), group).unwrap();
    pim.offer_interface(uplink, DVMRP).unwrap();
    let now = Instant::now();
    for (source, timeout) in sources.into_iter().zip([60, 9000]) {
        let source = source.parse().unwrap();
        mgm.packet_received(source, group, uplink, &[], now).unwrap();
        pim.set_mfe_timeout(source, group, Duration::from_secs(timeout)).unwrap();
    }
    let _next = mgm.expire(now + Duration::from_secs(60));
    mgm.show(now + Duration::from_secs(90))
}

#[test]
fn a_snapshot_is_read_back() {
    fn again<A: Address>(shown: &Snapshot<A>) {
        let [mfe] = &shown.mfes[..] else { panic!("{shown}") };
        assert!(mfe.failure.is_some() && mfe.stats.is_some() && mfe.prefix.is_some(), "{shown}");
        assert_eq!((shown.leftovers.len(), shown.groups.len()), (1, 2), "{shown}");
        let text = serde_json::to_string(shown).unwrap();
        let read: Snapshot<A> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, *shown);
        assert_eq!(read.to_string(), shown.to_string());
    }
    again(&snapshot::<Ipv4Addr>("10.0.0.0/8", ["10.0.0.1", "10.0.0.2"], "239.1.1.1"));
    again(&snapshot::<Ipv6Addr>("2001:db8::/32", ["2001:db8::1", "2001:db8::2"], "ff05::1"));
}
