//! IGMP as a client of the manager: captures of real hosts, and hand-overs while hosts join and leave.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{Address, Client, ClientId, ClientRef, IgmpCallbacks, Interface, MembershipKind, Mgm, NoCallbacks};
use parking_lot::Mutex;
use pcap_file::pcap::PcapReader;

use crate::lan::general;
use linux_router::igmp::Igmp;
use linux_router::igmp::config::Config;
use linux_router::igmp::link::{Addresses, Own};
use linux_router::igmp::query::Query;
use membership_reports::RecordKind::{self, ToExclude, ToInclude};
use membership_reports::{HostReport, Record, Report, Version};

struct Router<A: Address> {
    mgm: Mgm<A>,
    client: Client<A>,
    igmp: Arc<Igmp<A>>,
    eth0: Interface<A>,
    start: Instant,
}

impl<A: Address> Router<A> {
    fn new<C: IgmpCallbacks<A> + 'static>(own: A, callbacks: impl FnOnce(Arc<Igmp<A>>) -> C) -> Self {
        let (mgm, igmp) = (Mgm::default(), Arc::new(Igmp::new(Config::default())));
        let client = mgm.register_igmp(callbacks(Arc::clone(&igmp))).unwrap();
        let (eth0, start) = (Interface::try_from(1).unwrap(), Instant::now());
        client.take_interface_ownership(eth0).unwrap();
        igmp.start(eth0, Addresses { own: Own::Address(own), subnets: Vec::new() }, start);
        Self { mgm, client, igmp, eth0, start }
    }

    fn held(&self) -> Vec<String> {
        let mut held: Vec<_> = self.mgm.groups().collect();
        held.sort_unstable();
        let text = |kind| if kind == MembershipKind::Blocked { "not " } else { "" };
        held.iter().map(|held| format!("{}{}", text(held.kind), held.entry)).collect()
    }

    fn report(&self, report: &Report<A>, after: Duration) {
        self.igmp.report(&self.client, self.eth0, report, self.start + after);
    }

    /// All that is due at a time and before.
    fn pass(&self, to: Duration) {
        while let Some(due) = self.igmp.deadline().filter(|&due| due <= self.start + to) {
            self.igmp.expire(&self.client, due);
        }
    }
}

fn router() -> Router<Ipv4Addr> {
    Router::new(Ipv4Addr::new(192, 0, 2, 1), |igmp| igmp)
}

fn say(kind: RecordKind, group: &str) -> Report<Ipv4Addr> {
    let records = vec![Record { group: group.parse().unwrap(), kind, sources: Vec::new() }];
    Report { version: Version::Igmpv3, reporter: Ipv4Addr::new(192, 0, 2, 11), records }
}

/// The reports of a capture, with their times.
fn capture(pcap: &[u8]) -> Vec<(Duration, HostReport)> {
    const ETHERNET: usize = 14;
    let mut reader = PcapReader::new(pcap).unwrap();
    let mut reports = Vec::new();
    let mut first = None;
    while let Some(packet) = reader.next_packet() {
        let packet = packet.unwrap();
        let time = packet.timestamp - *first.get_or_insert(packet.timestamp);
        reports
            .extend(membership_reports::read(&packet.data[ETHERNET..]).unwrap().map(|report| (time, report)));
    }
    reports
}

/// Everything that was ever held on the way through a capture, and what is held once its last leaves have passed.
fn replay_igmp(pcap: &[u8]) -> (Vec<String>, Vec<String>) {
    let router = router();
    let (mut ever, mut last) = (std::collections::BTreeSet::new(), Duration::ZERO);
    for (time, report) in capture(pcap) {
        let HostReport::Igmp(report) = report else { panic!("a capture of IGMP") };
        router.pass(time);
        router.report(&report, time);
        ever.extend(router.held());
        last = time;
    }
    router.pass(last + Duration::from_secs(3));
    (ever.into_iter().collect(), router.held())
}

#[test]
fn captured_igmpv2_hosts() {
    let (ever, at_last) = replay_igmp(include_bytes!("../../../data/igmp-v2-two-hosts.pcap"));
    assert_eq!(ever, ["(*, 239.1.1.1)", "(*, 239.1.1.2)", "(*, 239.2.2.2)"]);
    assert_eq!(at_last, [""; 0]);
}

#[test]
fn captured_igmpv3_hosts() {
    let (ever, at_last) = replay_igmp(include_bytes!("../../../data/igmp-v3-two-hosts.pcap"));
    for entry in ["(*, 239.1.1.1)", "(198.51.100.7, 232.1.1.1)", "(198.51.100.8, 232.1.1.1)"] {
        assert!(ever.iter().any(|held| held == entry), "{entry}");
    }
    assert!(ever.iter().all(|held| held != "(*, 232.1.1.1)"));
    assert_eq!(at_last, [""; 0]);
}

#[test]
fn a_captured_burst() {
    let (ever, at_last) = replay_igmp(include_bytes!("../../../data/igmp-v3-burst-2000-groups.pcap"));
    assert_eq!((ever.len(), at_last.len()), (2000, 0));
}

#[test]
fn captured_mldv2_hosts() {
    let router: Router<Ipv6Addr> = Router::new("fe80::1".parse().unwrap(), |igmp| igmp);
    let (mut most, mut last) = (0, Duration::ZERO);
    for (time, report) in capture(include_bytes!("../../../data/mld-v2-two-hosts.pcap")) {
        let HostReport::Mld(report) = report else { panic!("a capture of MLD") };
        router.pass(time);
        router.report(&report, time);
        most = most.max(router.held().len());
        last = time;
    }
    assert!(most >= 3);
    router.pass(last + Duration::from_secs(3));
    assert_eq!(router.held(), [""; 0]);
}

#[test]
fn what_is_joined_survives_hand_overs() {
    let router = router();
    let pim = router.mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks).unwrap();
    let block = Record {
        group: Ipv4Addr::new(239, 1, 1, 2),
        kind: ToExclude,
        sources: vec![Ipv4Addr::new(198, 51, 100, 9)],
    };
    router.report(&say(ToExclude, "239.1.1.1"), Duration::ZERO);
    router.report(&Report { records: vec![block], ..say(ToExclude, "239.1.1.2") }, Duration::ZERO);
    let held = router.held();
    assert_eq!(held, ["(*, 239.1.1.1)", "(*, 239.1.1.2)", "not (198.51.100.9, 239.1.1.2)"]);
    pim.take_interface_ownership(router.eth0).unwrap();
    assert_eq!(router.held(), held);
    assert!(
        router
            .mgm
            .groups()
            .filter(|held| held.kind == MembershipKind::Joined)
            .all(|held| held.counts_for == pim.name())
    );
    pim.release_interface_ownership(router.eth0).unwrap();
    assert_eq!(router.held(), held);
    assert_eq!(router.mgm.caught_panics(), 0);
}

/// Hosts that speak between `disable_igmp` and `enable_igmp`.
struct Busy {
    igmp: Arc<Igmp<Ipv4Addr>>,
    reports: Mutex<Vec<Report<Ipv4Addr>>>,
}

impl IgmpCallbacks for Busy {
    fn disable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        for report in &*self.reports.lock() {
            self.igmp.report(igmp, interface, report, Instant::now());
        }
    }

    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        self.igmp.enable_igmp(igmp, interface);
    }
}

#[test]
fn what_hosts_say_during_a_hand_over_is_remembered() {
    let reports = vec![say(ToExclude, "239.1.1.2"), say(ToInclude, "239.1.1.1")];
    let router = Router::new(Ipv4Addr::new(192, 0, 2, 1), |igmp| Busy { igmp, reports: Mutex::new(reports) });
    router.report(&say(ToExclude, "239.1.1.1"), Duration::ZERO);
    let pim = router.mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks).unwrap();
    pim.take_interface_ownership(router.eth0).unwrap();
    assert_eq!(router.held(), ["(*, 239.1.1.1)", "(*, 239.1.1.2)"]);
    router.pass(Duration::from_secs(10));
    assert_eq!(router.held(), ["(*, 239.1.1.2)"], "the leave has been answered by nobody");
}

#[test]
fn what_hosts_say_while_all_is_added_again_has_the_last_word() {
    let exclude = |router: &Router<_>, sources: &[Ipv4Addr]| {
        for last in 1..=200 {
            let group = Ipv4Addr::new(239, 1, 1, last);
            let records = vec![Record { group, kind: ToExclude, sources: sources.to_vec() }];
            router.report(&Report { records, ..say(ToExclude, "239.1.1.1") }, Duration::ZERO);
        }
    };
    let router = router();
    let pim = router.mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks).unwrap();
    for _ in 0..50 {
        // Of all groups the source goes at once, whether it has been added again or not.
        exclude(&router, &[Ipv4Addr::new(198, 51, 100, 9)]);
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                exclude(&router, &[]);
            });
            start.wait();
            pim.take_interface_ownership(router.eth0).unwrap();
        });
        assert!(router.held().iter().all(|held| held.starts_with("(*, ")), "{:?}", router.held());
        assert_eq!(router.held().len(), 200);
        pim.release_interface_ownership(router.eth0).unwrap();
    }
}

#[test]
fn a_removed_interface_is_forgotten() {
    let router = router();
    router.report(&say(ToExclude, "239.1.1.1"), Duration::ZERO);
    router.mgm.interface_removed(router.eth0.index());
    assert_eq!(
        (router.held(), router.igmp.deadline(), router.igmp.querier(router.eth0)),
        (vec![], None, None)
    );
    router.report(&say(ToExclude, "239.1.1.1"), Duration::ZERO);
    assert_eq!(router.held(), [""; 0]);
}

#[test]
fn a_link_goes_down_and_another_router_comes() {
    let router = router();
    let (eth0, now) = (router.eth0, router.start);
    router.report(&say(ToExclude, "239.1.1.1"), Duration::ZERO);
    router.igmp.query(eth0, &Query { querier: Ipv4Addr::new(192, 0, 2, 0), ..general() }, now);
    assert_eq!(router.igmp.querier(eth0), Some(Ipv4Addr::new(192, 0, 2, 0)));
    router.igmp.stop(eth0, now);
    assert_eq!((router.igmp.querier(eth0), router.held().len()), (None, 1));
    let own = Ipv4Addr::new(192, 0, 2, 7);
    router.igmp.set_addresses(eth0, Addresses { own: Own::Address(own), subnets: Vec::new() }, now);
    assert_eq!(router.igmp.querier(eth0), Some(own));
    let groups = router.igmp.groups(eth0);
    assert_eq!((groups.len(), groups[0].exclude), (1, Some(now + Duration::from_secs(260))));
}
