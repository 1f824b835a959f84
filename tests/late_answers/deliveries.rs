//! What is caused inside a question to the forwarder is delivered after it: CB-4.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use mgm::{Entry, MfeStats};

use crate::kit::*;

/// A forwarder that has somebody join while it is asked for statistics; how many joins another client then hears of.
fn joins_after(ask: impl FnOnce(&Router)) -> usize {
    let r = Router::new();
    let (pim, dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[]));
    r.packet();
    let client = Arc::downgrade(&pim.client);
    r.plane.stats.does(Box::new(move || {
        let joined = Entry::Group("239.7.7.7".parse().unwrap());
        client.upgrade().unwrap().add_group_membership(eth(1), joined).unwrap();
        Ok(MfeStats::new())
    }));
    ask(&r);
    assert_eq!(r.mgm.caught_panics(), 0);
    dvmrp.callbacks.joins.load(SeqCst)
}

#[test]
fn cb_4_alerts_caused_inside_stats_are_delivered_after_it() {
    assert_eq!(joins_after(|r| drop(r.mgm.mfe_stats(s(), g()).unwrap())), 1);
}

#[test]
fn cb_4_alerts_caused_inside_show_are_delivered_after_it() {
    assert_eq!(joins_after(|r| drop(r.mgm.show(r.now))), 1);
}
