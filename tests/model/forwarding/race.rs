//! Two threads in an order that callbacks force.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use mgm::{ClientName, ClientRef, Interface, Mgm, ProtocolCallbacks, Route, RpfRequest};

use super::ops::{flow, interface, route};
use super::scripts::Table;
use crate::ops::name;

/// The first entry and the one that comes late are of one source.
const FIRST: usize = 0;
const LATE: usize = 2;

/// Where both threads have to be before either goes on.
#[derive(Debug)]
struct Meeting {
    late_is_asked_for: Barrier,
    first_is_asked_for: Barrier,
    late_is_made: Barrier,
    routes_change: AtomicBool,
    /// Only the thread that changes the routes waits; the other asks about the first entry too.
    first_has_waited: AtomicBool,
}

/// A route changes from interface 0 to 1. Before that, another thread has begun to make an entry of its source; it
/// is done while the owner is asked about the entry that is there. Says where the late one then comes in.
pub(crate) fn made_while_routes_change() -> Option<Interface> {
    let meeting = Arc::new(Meeting {
        late_is_asked_for: Barrier::new(2),
        first_is_asked_for: Barrier::new(2),
        late_is_made: Barrier::new(2),
        routes_change: AtomicBool::new(false),
        first_has_waited: AtomicBool::new(false),
    });
    let table = Arc::<Table>::default();
    let mgm = Mgm::builder().rib(Arc::clone(&table)).build();
    let ClientName::Protocol(id) = name(1) else { return None };
    let client = mgm.register_protocol(id, Ear(Arc::clone(&meeting))).unwrap();
    (0..2).for_each(|on| client.take_interface_ownership(interface(on)).unwrap());
    let change = |on| {
        let route = route(1, (on, false));
        table.0.lock().unwrap().set(route.prefix, Some(route));
        mgm.routes_changed(&route.prefix);
    };
    let make = |number| {
        let (source, group) = flow(number);
        mgm.packet_received(source, group, interface(0), &[], Instant::now()).unwrap();
    };
    change(0);
    make(FIRST);
    thread::scope(|scope| {
        scope.spawn(|| {
            make(LATE);
            meeting.late_is_made.wait();
        });
        meeting.late_is_asked_for.wait();
        meeting.routes_change.store(true, Ordering::SeqCst);
        change(1);
    });
    let (source, group) = flow(LATE);
    mgm.mfe(source, group).map(|mfe| mfe.iif)
}

struct Ear(Arc<Meeting>);

impl ProtocolCallbacks for Ear {
    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let Self(meeting) = self;
        let routes_change = meeting.routes_change.load(Ordering::SeqCst);
        if request.group == flow(LATE).1 && !routes_change {
            meeting.late_is_asked_for.wait();
            meeting.first_is_asked_for.wait();
        } else if request.group == flow(FIRST).1
            && routes_change
            && !meeting.first_has_waited.swap(true, Ordering::SeqCst)
        {
            meeting.first_is_asked_for.wait();
            meeting.late_is_made.wait();
        }
        request.route
    }
}
