//! With the routing table that comes with the crate: an interface that is down is no way to a source.

use std::sync::Arc;
use std::time::Instant;

use super::*;

struct Net {
    mgm: Mgm<A>,
    routes: Arc<RouteTable<A>>,
    _pim: Client<A>,
}

impl Net {
    fn new() -> Self {
        let routes = Arc::new(RouteTable::new());
        let mgm = Builder::new().rib(Arc::clone(&routes)).build();
        let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, NoCallbacks).unwrap();
        pim.takes(up());
        pim.takes(alt());
        pim.takes(lan());
        pim.adds(lan(), star(1));
        Self { mgm, routes, _pim: pim }
    }

    fn add(&self, prefix: <A as Address>::Net, interface: Interface<A>) {
        self.routes.insert(Route::new(prefix, interface));
        self.mgm.routes_changed(&prefix);
    }

    fn path(&self, source: u16) -> Option<Path<A>> {
        let (source, group) = (A::source(source), A::group(1));
        self.mgm.packet_received(source, group, lan(), &[], Instant::now()).unwrap();
        self.mgm.mfe(source, group).map(|Mfe { iif, oifs, .. }| Path { iif, oifs })
    }

    fn down(&self, interface: Interface<A>) {
        for prefix in self.routes.set_down(interface.index()) {
            self.mgm.routes_changed(&prefix);
        }
    }

    fn is_up(&self, interface: Interface<A>) {
        for prefix in self.routes.set_up(interface.index()) {
            self.mgm.routes_changed(&prefix);
        }
    }
}

#[test]
fn fw_9_an_interface_that_is_down_is_not_chosen_as_iif() {
    let net = Net::new();
    net.add(A::every_source(), alt());
    net.add(host::<A>(1), up());
    net.down(up());
    assert_eq!(net.path(1), path(alt(), [lan()]));
    net.is_up(up());
    assert_eq!([net.path(1), net.path(2)], [path(up(), [lan()]), path(alt(), [lan()])]);
    net.down(up());
    net.down(alt());
    assert_eq!(
        [net.path(1), net.path(2)],
        [path(alt(), [lan()]), path(alt(), [lan()])],
        "where it last came from"
    );
    assert_eq!(net.path(3), path(lan(), []), "there is no way");
    net.is_up(alt());
    assert_eq!([1, 2, 3].map(|source| net.path(source)), [(); 3].map(|()| path(alt(), [lan()])));
}

#[test]
fn fw_1_the_longest_match_leads_to_the_source() {
    let net = Net::new();
    net.add(host::<A>(1), up());
    net.add(A::every_source(), alt());
    assert_eq!([net.path(1), net.path(2)], [path(up(), [lan()]), path(alt(), [lan()])]);
    net.add(host::<A>(2), up());
    assert_eq!(net.path(2), path(up(), [lan()]));
    let removed = net.routes.remove(host::<A>(1)).unwrap();
    assert_eq!(removed.interface, up());
    net.mgm.routes_changed(&host::<A>(1));
    assert_eq!(net.path(1), path(alt(), [lan()]));
    assert_eq!(net.routes.remove(host::<A>(1)), None);
    assert_eq!(net.routes.lookup(A::source(1)).unwrap().interface, alt());
}

#[test]
fn fw_9_set_down_and_set_up_say_which_prefixes_are_affected() {
    let net = Net::new();
    net.add(A::every_source(), alt());
    net.add(host::<A>(1), up());
    net.add(host::<A>(2), up());
    let mut affected = net.routes.set_down(up::<A>().index());
    affected.sort_unstable();
    assert_eq!(affected, [host::<A>(1), host::<A>(2)]);
    assert_eq!(net.routes.set_up(alt::<A>().index()), [A::every_source()]);
    assert!(format!("{:?}", net.routes).contains(&host::<A>(1).to_string()));
}
