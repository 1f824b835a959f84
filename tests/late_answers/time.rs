//! The end of time: EN-2, FW-7.

use std::time::{Duration, Instant};

use crate::kit::*;

/// The last instant that there is.
fn end_of_time() -> Instant {
    let mut end = Instant::now();
    let mut step = Duration::MAX;
    while !step.is_zero() {
        match end.checked_add(step) {
            Some(later) => end = later,
            None => step /= 2,
        }
    }
    end
}

#[test]
fn en_2_an_entry_that_is_made_at_the_end_of_time_is_read_and_enumerated_like_any_other() {
    let r = Router::new();
    let _pim = r.protocol(1, &[1]);
    let last = "239.1.1.2".parse().unwrap();
    // The manager's time begins here, and the other entry comes after in the order.
    r.mgm.packet_received(s(), last, eth(1), &[], r.now).unwrap();
    r.mgm.packet_received(s(), g(), eth(1), &[], end_of_time()).unwrap();
    assert_eq!(r.iif(), Some(eth(1)));
    assert_eq!(r.mgm.mfes().map(|mfe| mfe.group).collect::<Vec<_>>(), [g(), last]);
    assert_eq!(r.mgm.show(r.now).mfes.len(), 2);
}
