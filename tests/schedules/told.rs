//! A client reads what it has been told while that changes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mgm::{Alert, ClientRef, ProtocolCallbacks, Pull};
use shuttle::thread;

use crate::check::check;
use crate::names::{eth, id, star};
use crate::world::World;

/// All that one protocol heard, in order.
#[derive(Default)]
struct Heard(Mutex<Vec<Alert>>);

impl ProtocolCallbacks for Heard {
    fn alert(&self, _: &ClientRef, alert: Alert) {
        self.0.lock().unwrap().push(alert);
    }
}

impl Heard {
    /// What it has to pull, if it begins with what it read and follows all that it heard since it registered.
    fn follow(&self, read: BTreeSet<Pull>) -> BTreeSet<Pull> {
        let mut pulls = read;
        for alert in self.0.lock().unwrap().iter() {
            if matches!(alert, Alert::Join { .. }) {
                pulls.extend(alert.pull());
            } else {
                pulls.retain(|pull| Some(*pull) != alert.pull());
            }
        }
        pulls
    }
}

#[test]
fn en_5_cl_5_who_registers_while_others_add_and_delete_knows_all_that_they_want() {
    check(|| {
        let w = World::new();
        let (dvmrp, igmp) = (w.protocol(2, &[2]), w.igmp(&[3]));
        igmp.add_group_membership(eth(3), star(1)).unwrap();
        igmp.add_group_membership(eth(3), star(2)).unwrap();
        let heard = Arc::<Heard>::default();
        let late = thread::scope(|scope| {
            scope.spawn(|| {
                igmp.delete_group_membership(eth(3), star(1)).unwrap();
                igmp.add_group_membership(eth(3), star(3)).unwrap();
                igmp.add_group_membership(eth(3), star(1)).unwrap();
            });
            scope.spawn(|| {
                dvmrp.add_group_membership(eth(2), star(2)).unwrap();
                igmp.delete_group_membership(eth(3), star(2)).unwrap();
            });
            let late = scope.spawn(|| {
                let late = w.mgm.register_protocol(id(4), Arc::clone(&heard)).unwrap();
                let read: Vec<_> = late.told().collect();
                (late, read)
            });
            late.join().unwrap()
        });
        let (late, read) = late;
        let unique: BTreeSet<_> = read.iter().copied().collect();
        w.violations.check(unique.len() == read.len(), "EN-5: it reads nothing twice");
        let all_along = unique.iter().any(|pull| pull.entry == star(2));
        w.violations.check(all_along, "EN-5: it reads what others want all along");
        let told: BTreeSet<_> = late.told().collect();
        w.violations
            .check(heard.follow(unique) == told, "EN-5: what it read, and heard since, is what it is told");
        w.finish(&[&dvmrp])
    });
}
