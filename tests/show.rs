//! The show command: what a person reads, and the JSON.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{
    Address, Client, ClientId, ClientName, ClientRef, Difference, Forwarder, ForwarderError, ForwardingEntry,
    GroupAddr, Interface, MemoryForwarder, MfeStats, Mgm, Names, NoCallbacks, ProtocolCallbacks, Route,
    RouteTable, RpfRequest, Snapshot, SnapshotDiff, SourceAddr,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

const PIM: ClientId = ClientId { protocol: 1, component: 0 };

#[test]
fn an_empty_manager_says_so() {
    let shown = Mgm::new().show(Instant::now());
    assert_eq!(shown.to_string(), "No interfaces.\n\nNo groups.\n\nNo forwarding entries.\n");
    let nothing = json!({
        "interfaces": [], "groups": [], "mfes": [], "leftovers": [], "wrong_answers": 0, "caught_panics": 0
    });
    assert_eq!(json(&shown), nothing);
}

#[test]
fn a_person_reads_aligned_tables() {
    let expected = "\
Interface         Owner         IGMP
1                 protocol 1.0  -
2                 IGMP          yes
12 via 192.0.2.7  protocol 1.0  yes

Entry                      Interfaces
(*, *)                     1 by protocol 1.0
(198.51.100.7, 232.1.1.1)  2 by IGMP
(*, 239.1.1.1)             2 by IGMP, 12 via 192.0.2.7 by IGMP, 12 via 192.0.2.7 by protocol 1.0
(198.51.100.9, 239.1.1.1)  2 blocked by IGMP

Source      Group      Iif  Owner         Upstream   Up-time   Expires   Packets  Oifs
10.0.0.1    239.1.1.1  1    protocol 1.0  192.0.2.9  00:01:30  1d03h     1        2, 12 via 192.0.2.7
172.16.0.1  239.1.1.1  2    -             -          00:01:00  00:14:00  0        1, 12 via 192.0.2.7
";
    assert_eq!(Router::busy().show().to_string(), expected);
}

/// A width that is formatted is sixteen bits wide.
#[test]
fn a_group_on_very_many_interfaces_can_be_printed() {
    const INTERFACES: u32 = 5_000;
    let mgm = Mgm::new();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    for index in 1..=INTERFACES {
        let lan = Interface::try_from(1_000_000 + index).unwrap();
        igmp.take_interface_ownership(lan).unwrap();
        igmp.add_group_membership(lan, "(*, 239.1.1.1)".parse().unwrap()).unwrap();
    }
    let groups = mgm.show(Instant::now()).to_string();
    let line = groups.lines().find(|line| line.starts_with("(*, 239.1.1.1)")).unwrap();
    assert_eq!(line.matches("by IGMP").count(), usize::try_from(INTERFACES).unwrap());
    assert!(line.len() > usize::from(u16::MAX));
}

#[test]
fn a_program_reads_the_same_as_json() {
    let shown = json(&Router::busy().show());
    let (uplink, lan) = (json!({ "index": 1, "next_hop": null }), json!({ "index": 2, "next_hop": null }));
    let spoke = json!({ "index": 12, "next_hop": "192.0.2.7" });
    let pim = json!({ "protocol": 1, "component": 0 });
    assert_eq!(
        shown["interfaces"][2],
        json!({ "interface": spoke, "owner": pim, "igmp": true, "handover": null, "offered_to": null })
    );
    let held = |source, group, kind| {
        let entry = json!({ "source": source, "group": group });
        json!({
            "entry": entry, "interface": lan, "kind": kind,
            "stale": false, "added_by": "igmp", "counts_for": "igmp",
        })
    };
    assert_eq!(shown["groups"].as_array().unwrap().len(), 6);
    assert_eq!(shown["groups"][0]["entry"], json!({ "source": "*", "group": "*" }));
    assert_eq!(shown["groups"][1], held("198.51.100.7", "232.1.1.1", "joined"));
    assert_eq!(shown["groups"][2], held("*", "239.1.1.1", "joined"));
    assert_eq!(shown["groups"][5], held("198.51.100.9", "239.1.1.1", "blocked"));
    let stats = json!({
        "packets": 1, "octets": 100, "wrong_interface": 1,
        "oifs": [{ "interface": lan, "packets": 1 }, { "interface": spoke, "packets": 1 }],
    });
    let expected = json!({
        "source": "10.0.0.1", "group": "239.1.1.1", "iif": uplink, "owner": pim,
        "upstream": "192.0.2.9", "prefix": "10.0.0.0/8", "origin": 89, "oifs": [lan, spoke],
        "failure": null, "up_seconds": 90, "expires_seconds": 99_910, "stats": stats,
    });
    assert_eq!(shown["mfes"][0], expected);
    let unrouted = &shown["mfes"][1];
    assert_eq!([&unrouted["owner"], &unrouted["upstream"], &unrouted["prefix"]], [&Value::Null; 3]);
}

#[test]
fn ipv6_is_shown_alike() {
    let mgm = Mgm::v6();
    let mld = mgm.register_igmp(NoCallbacks).unwrap();
    let spoke = "2 via fe80::7".parse().unwrap();
    mld.take_interface_ownership(spoke).unwrap();
    let source: SourceAddr<Ipv6Addr> = "2001:db8::1".parse().unwrap();
    let group: GroupAddr<Ipv6Addr> = "ff05::1".parse().unwrap();
    mld.add_group_membership(spoke, group.into()).unwrap();
    let now = Instant::now();
    mgm.packet_received(source, group, Interface::try_from(1).unwrap(), &[], now).unwrap();
    let shown = mgm.show(now);
    let expected = "\
Interface      Owner  IGMP
2 via fe80::7  IGMP   yes

Entry         Interfaces
(*, ff05::1)  2 via fe80::7 by IGMP

Source       Group    Iif  Owner  Upstream  Up-time   Expires   Packets  Oifs
2001:db8::1  ff05::1  1    -      -         00:00:00  00:15:00  0        2 via fe80::7
";
    assert_eq!(shown.to_string(), expected);
    let shown = json(&shown);
    assert_eq!(shown["mfes"][0]["source"], "2001:db8::1");
    assert_eq!(shown["mfes"][0]["oifs"], json!([{ "index": 2, "next_hop": "fe80::7" }]));
}

/// IF-9, HO-17: what does not last.
#[test]
fn a_program_reads_offers_and_what_is_stale() {
    let router = Router::busy();
    let id = ClientId { protocol: 2, component: 0 };
    let _dvmrp = router.mgm.register_protocol(id, NoCallbacks).unwrap();
    let spoke = interface("12 via 192.0.2.7");
    router.pim.offer_interface(spoke, id).unwrap();
    let refresh = router.pim.begin_refresh(spoke, router.now + Duration::from_secs(60)).unwrap();
    let shown = json(&router.show());
    assert_eq!(shown["interfaces"][2]["offered_to"], json!({ "protocol": 2, "component": 0 }));
    let stale = |held: &&Value| held["stale"] == true;
    let stale: Vec<_> = shown["groups"].as_array().unwrap().iter().filter(stale).collect();
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0]["added_by"], json!({ "protocol": 1, "component": 0 }));
    refresh.end();
}

/// FW-11: visible, failed deletes too.
#[test]
fn what_the_forwarder_refused_is_marked() {
    let router = Router::busy();
    router.forwarder.refuse(Some(ForwarderError::Full));
    // Entry 10.0.0.1 changes, and is refused.
    router.igmp.delete_group_membership(interface("2"), router.group.into()).unwrap();
    let shown = router.show();
    let marked = "1        12 via 192.0.2.7  ! the forwarder is full (attempts: 1)\n";
    assert!(shown.to_string().contains(marked), "{shown}");
    assert_eq!(
        json(&shown)["mfes"][0]["failure"],
        json!({ "error": "the forwarder is full", "attempts": 1 })
    );
    assert_eq!(shown.leftovers, []);
    // It is deleted, and stays in the forwarder.
    router.mgm.interface_removed(interface("1").index());
    let shown = router.show();
    let left = "\n\n! (10.0.0.1, 239.1.1.1) is deleted, but stays in the forwarder: the forwarder is full (attempts: 2)\n";
    assert!(shown.to_string().contains(left), "{shown}");
    assert_eq!(json(&shown)["leftovers"][0]["failure"]["error"], "the forwarder is full");
    // When it is gone, nothing is left to say.
    router.forwarder.refuse(None);
    let _next = router.mgm.expire(router.now + Duration::from_secs(60));
    assert_eq!(router.show().leftovers, []);
}

#[test]
fn what_the_forwarder_cannot_count_is_a_dash() {
    let router = Router::busy();
    router.forwarder.entries.delete(router.source, router.group).unwrap();
    let shown = router.show();
    assert!(shown.to_string().contains("1d03h     -        2, 12 via 192.0.2.7\n"), "{shown}");
    assert_eq!(json(&shown)["mfes"][0]["stats"], Value::Null);
}

#[test]
fn what_the_clock_cannot_say_never_expires() {
    let router = Router::busy();
    let mut shown = router.show();
    shown.mfes[0].expires_in = None;
    assert!(shown.to_string().contains("  00:01:30  never  "), "{shown}");
    assert_eq!(json(&shown)["mfes"][0]["expires_seconds"], Value::Null);
}

#[test]
fn an_interface_that_changes_hands_is_marked() {
    struct Watching(Mgm, Mutex<String>);
    impl mgm::IgmpCallbacks for Watching {
        fn disable_igmp(&self, _: &ClientRef, _: Interface) {
            *self.1.lock() = self.0.show(Instant::now()).to_string();
        }
    }
    let mgm = Mgm::new();
    let watching = Arc::new(Watching(mgm.clone(), Mutex::default()));
    let igmp = mgm.register_igmp(Arc::clone(&watching)).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    igmp.take_interface_ownership(interface("3")).unwrap();
    pim.take_interface_ownership(interface("3")).unwrap();
    let shown = watching.1.lock().clone();
    assert!(
        shown.starts_with("Interface  Owner  IGMP\n3          IGMP   yes   changing hands\n\n"),
        "{shown}"
    );
}

#[test]
fn faults_of_clients_are_counted_at_the_end() {
    struct Faulty;
    impl ProtocolCallbacks for Faulty {
        fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
            request.route.over(interface("9"))
        }
        fn interface_removed(&self, _: &ClientRef, _: NonZeroU32) {
            panic!("on purpose");
        }
    }
    let routes: RouteTable = RouteTable::new();
    routes.insert(route(interface("1")));
    let mgm = Mgm::builder().rib(routes).build();
    let pim = mgm.register_protocol(PIM, Faulty).unwrap();
    pim.take_interface_ownership(interface("1")).unwrap();
    let (source, group) = ("10.0.0.1".parse().unwrap(), "239.1.1.1".parse().unwrap());
    mgm.packet_received(source, group, interface("1"), &[], Instant::now()).unwrap();
    mgm.interface_removed(NonZeroU32::MIN);
    let shown = mgm.show(Instant::now());
    assert!(shown.to_string().ends_with("\n\n! wrong answers to rpf: 1\n! panics caught: 1\n"), "{shown}");
    assert_eq!((shown.wrong_answers, shown.caught_panics), (1, 1));
}

#[test]
fn a_person_reads_the_names_of_the_daemon() {
    let names = Names::new()
        .client(PIM, "PIM")
        .client(ClientName::Igmp, "hosts")
        .interface(interface("1").index(), "eth0")
        .interface(interface("12").index(), "tun0");
    let expected = "\
Interface           Owner  IGMP
eth0                PIM    -
2                   hosts  yes
tun0 via 192.0.2.7  PIM    yes

Entry                      Interfaces
(*, *)                     eth0 by PIM
(198.51.100.7, 232.1.1.1)  2 by hosts
(*, 239.1.1.1)             2 by hosts, tun0 via 192.0.2.7 by hosts, tun0 via 192.0.2.7 by PIM
(198.51.100.9, 239.1.1.1)  2 blocked by hosts

Source      Group      Iif   Owner  Upstream   Up-time   Expires   Packets  Oifs
10.0.0.1    239.1.1.1  eth0  PIM    192.0.2.9  00:01:30  1d03h     1        2, tun0 via 192.0.2.7
172.16.0.1  239.1.1.1  2     -      -          00:01:00  00:14:00  0        eth0, tun0 via 192.0.2.7
";
    let shown = Router::busy().show();
    assert_eq!(shown.named(&names).to_string(), expected);
    assert_eq!(shown.named(&Names::new()).to_string(), shown.to_string());
}

#[test]
fn a_program_reads_the_names_beside_what_is_shown() {
    #[derive(serde::Deserialize)]
    struct With {
        names: Names,
    }
    let names = Names::new().client(PIM, "PIM").interface(interface("1").index(), "eth0");
    let shown = Router::busy().show();
    let text = serde_json::to_string(&shown.named(&names)).unwrap();
    let read: Snapshot = serde_json::from_str(&text).unwrap();
    let With { names: read_names } = serde_json::from_str(&text).unwrap();
    assert_eq!((&read, &read_names), (&shown, &names));
    let expected = json!({
        "clients": [{ "client": { "protocol": 1, "component": 0 }, "name": "PIM" }],
        "interfaces": [{ "index": 1, "name": "eth0" }],
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["names"], expected);
}

#[test]
fn nothing_is_different_while_time_goes_by_and_packets_are_counted() {
    let router = Router::busy();
    let before = router.show();
    router.forwarder.entries.packet(router.source, router.group, interface("1"), 100);
    let after = router.mgm.show(router.now + Duration::from_secs(1));
    assert_ne!(after, before);
    let diff = after.diff(&before);
    assert!(diff.is_empty(), "{diff}");
    assert_eq!(diff.to_string(), "");
}

#[test]
fn what_is_different_is_printed_as_it_was_and_as_it_is() {
    let router = Router::busy();
    let before = router.show();
    let id = ClientId::new(2, 0);
    let dvmrp = router.mgm.register_protocol(id, NoCallbacks).unwrap();
    dvmrp.take_interface_ownership(interface("2")).unwrap();
    dvmrp.take_interface_ownership(interface("3")).unwrap();
    router.pim.offer_interface(interface("1"), id).unwrap();
    router.igmp.add_group_membership(interface("2"), router.group.into()).unwrap();
    let shown = router.show();
    // What IGMP did not add again on 2 has gone: all, as its callbacks do nothing; and it comes back for one group.
    let expected = "\
- 1: owner protocol 1.0
+ 1: owner protocol 1.0, offered to protocol 2.0
- 2: owner IGMP
+ 2: owner DVMRP, with IGMP
+ 3: owner DVMRP
- (198.51.100.7, 232.1.1.1): 2 by IGMP
- (*, 239.1.1.1): 2 by IGMP
+ (*, 239.1.1.1): 2 by IGMP for DVMRP
- (198.51.100.9, 239.1.1.1): 2 blocked by IGMP
";
    let names = Names::new().client(id, "DVMRP");
    let expected = expected.replace("offered to protocol 2.0", "offered to DVMRP");
    let diff = shown.diff(&before);
    assert_eq!(diff.named(&names).to_string(), expected);
    // Backwards it is the mirror image.
    let back = before.diff(&shown);
    let [mut lines, mut mirrored] = [diff, back]
        .map(|diff| -> Vec<String> { diff.to_string().lines().map(|line| line[2..].to_owned()).collect() });
    lines.sort();
    mirrored.sort();
    assert_eq!(lines, mirrored);
    assert!(matches!(before.diff(&shown).interfaces.last(), Some(Difference::Gone(gone)) if !gone.igmp));
}

#[test]
fn an_entry_that_is_different_is_printed_with_all_that_can_be() {
    let router = Router::busy();
    let before = router.show();
    router.forwarder.refuse(Some(ForwarderError::Full));
    router.igmp.delete_group_membership(interface("2"), router.group.into()).unwrap();
    let failed = router.show();
    let expected = "\
- (*, 239.1.1.1): 2 by IGMP
- (10.0.0.1, 239.1.1.1): from 1 of protocol 1.0 upstream 192.0.2.9 by 10.0.0.0/8 (origin 89) to 2, 12 via 192.0.2.7
+ (10.0.0.1, 239.1.1.1): from 1 of protocol 1.0 upstream 192.0.2.9 by 10.0.0.0/8 (origin 89) to 12 via 192.0.2.7  \
! the forwarder is full (attempts: 1)
";
    assert_eq!(failed.diff(&before).to_string(), expected);
    router.mgm.interface_removed(interface("1").index());
    let gone = router.show().diff(&failed).to_string();
    let left = "+ (10.0.0.1, 239.1.1.1) is deleted, but stays in the forwarder: the forwarder is full (attempts: 2)\n";
    assert!(gone.ends_with(left), "{gone}");
    assert!(gone.contains("- (10.0.0.1, 239.1.1.1): from 1 "), "{gone}");
}

#[test]
fn what_is_different_is_read_back() {
    let router = Router::busy();
    let before = router.show();
    router.mgm.interface_removed(interface("1").index());
    let diff = router.show().diff(&before);
    let text = serde_json::to_string(&diff).unwrap();
    assert_eq!(serde_json::from_str::<SnapshotDiff>(&text).unwrap(), diff);
}

/// A router with one of everything.
struct Router {
    mgm: Mgm,
    forwarder: Arc<Refusing>,
    igmp: Client,
    pim: Client,
    source: SourceAddr,
    group: GroupAddr,
    now: Instant,
}

impl Router {
    fn busy() -> Self {
        let (uplink, lan, spoke) = (interface("1"), interface("2"), interface("12 via 192.0.2.7"));
        let routes: RouteTable = RouteTable::new();
        routes.insert(route(uplink));
        let forwarder: Arc<Refusing> = Arc::default();
        let mgm = Mgm::builder().rib(routes).forwarder(Arc::clone(&forwarder)).build();
        let igmp = mgm.register_igmp(NoCallbacks).unwrap();
        let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
        for (client, taken) in [(&pim, uplink), (&pim, spoke), (&igmp, lan), (&igmp, spoke)] {
            client.take_interface_ownership(taken).unwrap();
        }
        let (source, group) = ("10.0.0.1".parse().unwrap(), "239.1.1.1".parse().unwrap());
        for (client, on, entry) in [
            (&igmp, spoke, "(*, 239.1.1.1)"),
            (&igmp, lan, "(*, 239.1.1.1)"),
            (&pim, spoke, "(*, 239.1.1.1)"),
            (&pim, uplink, "(*, *)"),
            (&igmp, lan, "(198.51.100.7, 232.1.1.1)"),
        ] {
            client.add_group_membership(on, entry.parse().unwrap()).unwrap();
        }
        igmp.block_source(lan, "198.51.100.9".parse().unwrap(), group).unwrap();
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        mgm.packet_received(source, group, uplink, &[], start).unwrap();
        mgm.packet_received("172.16.0.1".parse().unwrap(), group, lan, &[], later(30)).unwrap();
        pim.set_mfe_timeout(source, group, Duration::from_secs(100_000)).unwrap();
        forwarder.entries.packet(source, group, uplink, 100);
        forwarder.entries.packet(source, group, lan, 100);
        Self { mgm, forwarder, igmp, pim, source, group, now: later(90) }
    }

    fn show(&self) -> Snapshot {
        self.mgm.show(self.now)
    }
}

/// A forwarder in memory that refuses changes while it is told to.
#[derive(Default)]
struct Refusing {
    entries: MemoryForwarder,
    error: Mutex<Option<ForwarderError>>,
}

impl Refusing {
    fn refuse(&self, error: Option<ForwarderError>) {
        *self.error.lock() = error;
    }

    fn allowed(&self) -> Result<&MemoryForwarder, ForwarderError> {
        self.error.lock().map_or(Ok(&self.entries), Err)
    }
}

impl Forwarder for Refusing {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.allowed()?.add(entry)
    }

    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.allowed()?.change(entry)
    }

    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.allowed()?.delete(source, group)
    }

    fn stats(&self, source: SourceAddr, group: GroupAddr) -> Result<MfeStats, ForwarderError> {
        self.entries.stats(source, group)
    }
}

fn route(interface: Interface) -> Route {
    Route::new("10.0.0.0/8".parse().unwrap(), interface).upstream(Ipv4Addr::new(192, 0, 2, 9)).origin(89)
}

fn interface(text: &str) -> Interface {
    text.parse().unwrap()
}

fn json<A: Address>(shown: &Snapshot<A>) -> Value {
    serde_json::to_value(shown).unwrap()
}
