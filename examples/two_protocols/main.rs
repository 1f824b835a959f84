//! Two protocols and IGMP on one router: who is asked and told what, and that it is enough.
//!
//! PIM owns interface 1, toward the source, and the LAN on 2; DVMRP the LAN on 3 and its own uplink 4. IGMP
//! is on both LANs. After each step of the story, what the protocols pull by their callbacks alone is
//! compared with what the manager says that it told them, and why. `cargo run --example two_protocols`
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a step of the story that fails ends it")]
#![expect(clippy::indexing_slicing, reason = "the protocols are two")]

mod hosts;
mod protocol;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hosts::Hosts;
use mgm::{
    AlertCause, Client, ClientId, Entry, GroupAddr, Interface, MemoryForwarder, Mgm, Names, Route,
    RouteTable, Snapshot, SourceAddr,
};
use protocol::Protocol;

const PIM: ClientId = ClientId { protocol: 1, component: 0 };
const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };

struct Story {
    mgm: Mgm,
    routes: Arc<RouteTable>,
    forwarder: Arc<MemoryForwarder>,
    protocols: Vec<(Client, Arc<Protocol>)>,
    now: Instant,
    steps: usize,
    names: Names,
    shown: Snapshot,
}

impl Story {
    fn new() -> Self {
        let (routes, forwarder) = (Arc::<RouteTable>::default(), Arc::<MemoryForwarder>::default());
        let mgm = Mgm::builder().rib(Arc::clone(&routes)).forwarder(Arc::clone(&forwarder)).build();
        let register = |id, name| {
            let callbacks = Arc::new(Protocol::new(name));
            (mgm.register_protocol(id, Arc::clone(&callbacks)).unwrap(), callbacks)
        };
        let protocols = vec![register(PIM, "PIM"), register(DVMRP, "DVMRP")];
        let (names, now) = (Names::new().client(PIM, "PIM").client(DVMRP, "DVMRP"), Instant::now());
        let shown = mgm.show(now);
        Self { mgm, routes, forwarder, protocols, now, steps: 0, names, shown }
    }

    fn step(&mut self, what: &str, happens: impl FnOnce(&mut Self)) {
        self.steps += 1;
        println!("\n{}. {what}", self.steps);
        happens(self);
        let before = std::mem::replace(&mut self.shown, self.mgm.show(self.now));
        for line in self.shown.diff(&before).named(&self.names).to_string().lines() {
            println!("   {line}");
        }
        self.check();
    }

    /// Exactly what is wanted is pulled, and goes where it is wanted.
    fn check(&self) {
        // What fails in a callback is caught there.
        assert_eq!(self.mgm.caught_panics(), 0);
        for (client, protocol) in &self.protocols {
            let told: BTreeSet<_> =
                client.told().filter(|pull| pull.cause == AlertCause::Membership).collect();
            assert_eq!(protocol.told(), told, "what {protocol} has been told to pull");
        }
        for mfe in self.mgm.mfes() {
            let why = self.mgm.explain(mfe.source, mfe.group);
            let oifs = why.interfaces.iter().filter(|reason| reason.why.is_oif());
            let oifs: Vec<_> = oifs.map(|reason| reason.interface).collect();
            assert_eq!(mfe.oifs, oifs, "{}", why.named(&self.names));
            let owner = self.protocols.iter().find(|(client, _)| Some(client.name()) == mfe.owner);
            if let Some((_, protocol)) = owner {
                let pulls = protocol.pulls(mfe.source, mfe.group, &self.mgm.ssm_ranges());
                assert_eq!(pulls, !oifs.is_empty(), "{protocol} pulls ({}, {})", mfe.source, mfe.group);
            }
        }
        let held: Vec<_> =
            self.forwarder.entries().into_iter().map(|entry| (entry.iif, entry.oifs)).collect();
        assert_eq!(held, self.mgm.mfes().map(|mfe| (mfe.iif, mfe.oifs)).collect::<Vec<_>>());
    }

    /// A packet comes in; the forwarder reports it if it has no entry.
    fn send(&self, source: SourceAddr, group: GroupAddr, arrival: Interface) {
        if self.forwarder.packet(source, group, arrival, 1000).is_none() {
            self.mgm.packet_received(source, group, arrival, &[], self.now).unwrap();
            self.forwarder.packet(source, group, arrival, 1000).expect("there is an entry now");
        }
    }

    fn take(&self, protocol: usize, interfaces: &[Interface]) {
        for interface in interfaces {
            self.protocols[protocol].0.take_interface_ownership(*interface).unwrap();
        }
    }

    fn set_route(&self, interface: Interface) {
        let route = Route::new("10.0.0.0/8".parse().unwrap(), interface);
        self.routes.insert(route);
        self.mgm.routes_changed(&route.prefix);
    }
}

fn main() {
    let [eth1, eth2, eth3, eth4] = [1, 2, 3, 4].map(|index| Interface::try_from(index).unwrap());
    let source: SourceAddr = "10.0.0.1".parse().unwrap();
    let (group, ssm): (GroupAddr, GroupAddr) = ("239.1.1.1".parse().unwrap(), "232.1.1.1".parse().unwrap());
    let (any, only) = (Entry::Group(group), Entry::SourceGroup(source, ssm));

    let mut story = Story::new();
    let hosts = Hosts::register(&story.mgm, &[eth2, eth3]);
    println!("- is what was, + what is.");
    story.step("PIM takes 1 and 2; the route to 10.0.0.0/8 leads over 1.", |story| {
        story.take(0, &[eth1, eth2]);
        story.set_route(eth1);
    });
    story.step("A host on 3, where only IGMP is, joins 239.1.1.1.", |_| hosts.join(eth3, any));
    story.step("DVMRP takes 3 and 4; 3 is handed over.", |story| story.take(1, &[eth3, eth4]));
    story.step("10.0.0.1 sends to 239.1.1.1 and 232.1.1.1.", |story| {
        story.send(source, group, eth1);
        story.send(source, ssm, eth1);
    });
    story.step("A host on 2 joins 239.1.1.1.", |_| hosts.join(eth2, any));
    story.step("A host on 3 joins 232.1.1.1 from 10.0.0.1.", |_| hosts.join(eth3, only));
    story.step("The host on 2 leaves.", |_| hosts.leave(eth2, any));
    story.step("The host on 3 excludes 10.0.0.1 from 239.1.1.1.", |_| hosts.block(eth3, source, group));
    story.step("The host on 3 includes it again.", |_| hosts.unblock(eth3, source, group));
    story.step("A DVMRP neighbour on 4 may want anything.", |story| {
        let (client, dvmrp) = &story.protocols[1];
        dvmrp.serve(client, eth4, Entry::AllGroups);
    });
    story.step("The route to 10.0.0.0/8 moves to 4.", |story| story.set_route(eth4));
    story.step("A host on 2 joins 232.1.1.1 from 10.0.0.1.", |_| hosts.join(eth2, only));
    story.step("DVMRP offers 3 to PIM, and PIM takes it; 3 is handed over once.", |story| {
        story.protocols[1].0.offer_interface(eth3, PIM).unwrap();
        story.take(0, &[eth3]);
    });
    story.step("Interface 3 is removed.", |story| story.mgm.interface_removed(eth3.index()));
    print!("\n{}", story.mgm.show(story.now + Duration::from_secs(60)).named(&story.names));
    print!("\n{}", story.mgm.explain(source, ssm).named(&story.names));
    story.step("DVMRP ends.", |story| drop(story.protocols.pop()));
    story.step("IGMP ends.", |_| drop(hosts));
    println!("\nAfter each of {} steps, exactly what others want was pulled.", story.steps);
}
