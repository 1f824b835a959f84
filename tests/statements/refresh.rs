//! A client adds again what it still wants: HO-17.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::*;

/// Later than everything that a test does.
fn later() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn stale(mgm: &Mgm<A>) -> Vec<Entry<A>> {
    held(mgm).iter().filter(|held| held.stale).map(|held| held.entry).collect()
}

fn entries(mgm: &Mgm<A>) -> Vec<Entry<A>> {
    held(mgm).iter().map(|held| held.entry).collect()
}

#[test]
fn ho_17_a_refresh_in_which_all_is_added_again_is_seen_by_nobody() {
    for page in [1, 64] {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.dvmrp.adds(lan(), star(1));
        r.dvmrp.adds(lan(), from(1, 2));
        r.dvmrp.blocks(lan(), 2, 1);
        for source in [1, 2] {
            r.packet(source, 1, up());
        }
        let before = held(&r.mgm);
        r.forget_calls();
        let refresh = r.dvmrp.begin_refresh(lan(), later()).unwrap();
        assert_eq!(refresh.interface(), lan());
        assert_eq!(stale(&r.mgm).len(), 3);
        assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), [lan()]), path(up(), [])]);
        assert_eq!(r.dvmrp.adds(lan(), star(1)), Change::Unchanged);
        assert_eq!(r.dvmrp.adds(lan(), from(1, 2)), Change::Unchanged);
        assert_eq!(r.dvmrp.blocks(lan(), 2, 1), Change::Unchanged);
        assert_eq!(stale(&r.mgm), []);
        refresh.end();
        assert_eq!(held(&r.mgm), before);
        r.assert_calls([]);
    }
}

#[test]
fn ho_17_what_is_not_added_again_goes_at_its_end_memberships_before_blocks() {
    for page in [1, 64] {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.igmp.takes(lan());
        for group in [1, 2] {
            r.igmp.adds(lan(), star(group));
        }
        r.igmp.blocks(lan(), 1, 2);
        for (source, group) in [(1, 1), (1, 2), (2, 2)] {
            r.packet(source, group, up());
        }
        r.forget_calls();
        let refresh = r.igmp.begin_refresh(lan(), later()).unwrap();
        r.igmp.adds(lan(), star(1));
        r.assert_calls([]);
        refresh.end();
        // S1 of G2 was blocked, and flows at no moment.
        let calls = r.calls();
        assert!(calls.contains(&change_mfe(2, 2, up(), [])));
        assert!(
            !calls.iter().any(|call| call.to == Party::Forwarder && call.what.is_about_source(1)),
            "{calls:?}"
        );
        for call in [
            local_leave(DVMRP, lan(), star(2)),
            local_unblock(DVMRP, lan(), from(1, 2)),
            prune_alert(PIM, star(2)),
        ] {
            assert_eq!(calls.iter().filter(|made| **made == call).count(), 1, "{call:?}");
        }
        assert_eq!(entries(&r.mgm), [star(1)]);
    }
}

#[test]
fn ho_17_its_deadline_ends_it_too() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(lan(), star(2));
    r.forget_calls();
    let refresh = r.dvmrp.begin_refresh(lan(), r.at(100)).unwrap();
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.expire(99), Some(100), "when it next wants to be called (FW-16)");
    r.assert_calls([]);
    assert_eq!(r.expire(100), None);
    r.assert_calls([prune_alert(PIM, star(2))]);
    // It is over: its end changes nothing, also when there is another by then.
    let newer = r.dvmrp.begin_refresh(lan(), r.at(300)).unwrap();
    refresh.end();
    assert_eq!((stale(&r.mgm), r.expire(200)), (vec![star(1)], Some(300)));
    newer.end();
    r.assert_calls([prune_alert(PIM, star(1))]);
    assert_eq!(r.expire(200), None);
}

/// A refresh that ended by accident would lose members.
#[test]
fn ho_17_to_drop_it_ends_nothing() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    drop(r.dvmrp.begin_refresh(lan(), r.at(100)).unwrap());
    assert_eq!(stale(&r.mgm), [star(1)]);
    let (interface, client) = (lan(), r.dvmrp.name());
    assert_eq!(
        r.dvmrp.begin_refresh(lan(), later()).unwrap_err(),
        Error::RefreshInProgress { interface, client }
    );
    r.expire(100);
    assert_eq!(entries(&r.mgm), []);
}

#[test]
fn ho_17_forward_state_is_not_refreshed() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    let refresh = r.dvmrp.begin_refresh(lan(), later()).unwrap();
    refresh.end();
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn ho_17_of_two_clients_on_an_interface_each_refreshes_its_own() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(1), star(2));
    pim.adds(eth(1), star(2));
    t.forget_calls();
    let of_igmp = igmp.begin_refresh(eth(1), later()).unwrap();
    let stale_of = || {
        held(&t.mgm)
            .into_iter()
            .filter(|held| held.stale)
            .map(|held| (held.added_by, held.entry))
            .collect::<Vec<_>>()
    };
    assert_eq!(stale_of(), [(IGMP, star(1)), (IGMP, star(2))]);
    let of_pim = pim.begin_refresh(eth(1), later()).unwrap();
    assert_eq!(stale_of().len(), 3);
    igmp.adds(eth(1), star(2));
    of_igmp.end();
    assert_eq!(stale_of(), [(pim.name(), star(2))]);
    t.assert_calls([local_leave(PIM, eth(1), star(1)), prune_alert(DVMRP, star(1))]);
    of_pim.end();
    assert_eq!(stale_of(), []);
    t.assert_calls([]); // IGMP wants it there still, for PIM
}

#[test]
fn ho_17_one_after_the_other_each_begins_anew() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    for group in 1..=3 {
        igmp.adds(eth(1), star(group));
    }
    for left in [3, 2, 1, 0] {
        let refresh = igmp.begin_refresh(eth(1), later()).unwrap();
        assert_eq!(stale(&t.mgm).len(), left);
        for group in 1..u16::try_from(left).unwrap() {
            igmp.adds(eth(1), star(group));
        }
        refresh.end();
        assert_eq!(entries(&t.mgm).len(), left.saturating_sub(1));
    }
    t.forget_calls();
}

#[test]
fn ho_17_two_interfaces_are_refreshed_side_by_side() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    igmp.takes(eth(2));
    igmp.adds(eth(1), star(1));
    igmp.adds(eth(2), star(1));
    let [first, second] = [1, 2].map(|index| igmp.begin_refresh(eth(index), later()).unwrap());
    igmp.adds(eth(1), star(1));
    first.end();
    assert_eq!(
        held(&t.mgm).iter().map(|held| (held.interface, held.stale)).collect::<Vec<_>>(),
        [(eth(1), false), (eth(2), true)]
    );
    second.end();
    assert_eq!(held(&t.mgm).len(), 1);
    t.forget_calls();
}

/// IGMP on eth1 with three groups; PIM takes it, and inside `enable_igmp` IGMP does this.
fn inside_enable(
    t: &Testbed<A>,
    then: impl FnOnce(&ClientRef<A>) + Send + 'static,
) -> (Client<A>, Client<A>) {
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    for group in 1..=3 {
        igmp.adds(eth(1), star(group));
    }
    t.inside(enable_igmp(eth(1)), then);
    pim.takes(eth(1));
    t.forget_calls();
    (igmp, pim)
}

/// Where a refresh that was begun inside a callback is put.
type Begun = Arc<Mutex<Option<Refresh<A>>>>;

#[test]
fn ho_17_one_that_is_begun_inside_enable_igmp_makes_the_sweep_wait_for_its_end() {
    let t = Testbed::<A>::new();
    let begun = Begun::default();
    let put = Arc::clone(&begun);
    let (igmp, pim) = inside_enable(&t, move |igmp| {
        igmp.adds(eth(1), star(1)); // confirmed, and stays so
        *put.lock() = Some(igmp.begin_refresh(eth(1), later()).unwrap());
        igmp.adds(eth(1), star(2));
    });
    // The hand-over has ended without it.
    assert_eq!(t.mgm.interface(eth(1)).unwrap().handover, None);
    assert_eq!((entries(&t.mgm).len(), stale(&t.mgm)), (3, vec![star(3)]));
    let refresh = begun.lock().take().unwrap();
    refresh.end();
    t.assert_calls([local_leave(PIM, eth(1), star(3))]);
    assert_eq!(entries(&t.mgm), [star(1), star(2)]);
    pim.releases(eth(1));
    drop(igmp);
    t.forget_calls();
}

#[test]
fn ho_17_or_for_its_deadline() {
    let t = Testbed::<A>::new();
    let start = Instant::now();
    let deadline = start + Duration::from_secs(10);
    let _clients = inside_enable(&t, move |igmp| drop(igmp.begin_refresh(eth(1), deadline).unwrap()));
    assert_eq!(t.mgm.expire(start), Some(deadline));
    assert_eq!(stale(&t.mgm).len(), 3);
    assert_eq!(t.mgm.expire(deadline), None);
    assert_eq!(entries(&t.mgm), []);
    t.forget_calls();
}

/// Ended, or at its deadline, inside `enable_igmp`: nothing is swept before that has returned, or panicked.
#[test]
fn ho_17_nothing_is_swept_before_enable_igmp_has_returned() {
    for (at_deadline, panics) in [(false, false), (true, false), (false, true), (true, true)] {
        let t = Testbed::<A>::new();
        let start = Instant::now();
        let _clients = inside_enable(&t, move |igmp| {
            let refresh = igmp.begin_refresh(eth(1), start + Duration::from_secs(10)).unwrap();
            igmp.adds(eth(1), star(1));
            if at_deadline {
                let _next = igmp.manager().expire(start + Duration::from_secs(10));
            } else {
                refresh.end();
            }
            assert_eq!(stale(&igmp.manager()), [star(2), star(3)]);
            igmp.adds(eth(1), star(2));
            if panics {
                boom();
            }
        });
        assert_eq!(
            held(&t.mgm).iter().map(|held| (held.entry, held.stale)).collect::<Vec<_>>(),
            [(star(1), false), (star(2), false)]
        );
        if panics {
            t.assert_panics(1);
        }
    }
}

#[test]
fn ho_17_the_next_hand_over_replaces_a_refresh_of_igmps() {
    for adds_again in [false, true] {
        let t = Testbed::<A>::new();
        let (igmp, pim) = (t.igmp(), t.protocol(PIM));
        igmp.takes(eth(1));
        igmp.adds(eth(1), star(1));
        igmp.adds(eth(1), star(2));
        let refresh = igmp.begin_refresh(eth(1), later()).unwrap();
        igmp.adds(eth(1), star(1));
        t.forget_calls();
        t.inside(enable_igmp(eth(1)), move |igmp| {
            assert_eq!(stale(&igmp.manager()), [star(1), star(2)], "what is stale stays stale");
            refresh.end(); // it is over, and this ends nothing
            assert_eq!(stale(&igmp.manager()).len(), 2);
            if adds_again {
                igmp.adds(eth(1), star(2));
            }
        });
        pim.takes(eth(1));
        // HO-14 decides.
        assert_eq!(entries(&t.mgm), if adds_again { vec![star(2)] } else { vec![] });
        assert_eq!(t.mgm.expire(later()), None, "its deadline is forgotten");
        igmp.begin_refresh(eth(1), later() + Duration::from_secs(1)).unwrap().end();
        t.forget_calls();
    }
}

/// The same where nobody ends it: HO-14 does not wait for it.
#[test]
fn ho_17_a_refresh_that_was_replaced_keeps_no_sweep_waiting() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    let refresh = igmp.begin_refresh(eth(1), later()).unwrap();
    t.inside(enable_igmp(eth(1)), |igmp| assert_eq!(stale(&igmp.manager()), [star(1)]));
    pim.takes(eth(1));
    assert_eq!(entries(&t.mgm), []);
    igmp.adds(eth(1), star(2));
    refresh.end();
    assert_eq!((entries(&t.mgm), t.mgm.expire(later())), (vec![star(2)], None));
    t.forget_calls();
}

/// A protocol's refresh has nothing to do with a hand-over to it; it goes when the protocol leaves.
#[test]
fn ho_17_a_protocols_refresh_goes_with_its_tenure() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    let refresh = r.dvmrp.begin_refresh(lan(), r.at(100)).unwrap();
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    r.dvmrp.adds(lan(), star(2));
    refresh.end();
    r.expire(100);
    assert_eq!((entries(&r.mgm), stale(&r.mgm)), (vec![star(2)], vec![]));
}

/// What comes while a sweep is under way is no part of it.
#[test]
fn ho_17_a_sweep_takes_only_what_has_been_stale_since_its_refresh_began() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let [igmp, pim, _dvmrp] = t.three();
    let igmp = Arc::new(igmp);
    for group in 1..=3 {
        igmp.adds(eth(1), star(group));
    }
    t.forget_calls();
    let adds = Arc::clone(&igmp);
    t.inside_next(
        PIM,
        |what| matches!(what, What::LocalLeave(..)),
        move |me| {
            for group in 1..=6 {
                adds.adds(eth(1), star(group));
            }
            assert_eq!(stale(&me.manager()), []);
        },
    );
    igmp.begin_refresh(eth(1), later()).unwrap().end();
    assert_eq!(entries(&t.mgm).len(), 6);
    drop(pim);
    t.forget_calls();
}

#[test]
fn ho_17_a_client_that_has_gone_is_refreshed_no_more() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    bgmp.adds(wan(), star(1));
    let refresh = bgmp.begin_refresh(wan(), r.at(100)).unwrap();
    drop(bgmp);
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    bgmp.adds(wan(), star(1));
    refresh.end();
    assert_eq!(r.expire(100), None);
    assert_eq!(entries(&r.mgm), [star(1)]);
}

/// Inside an alert of the sweep the owner releases the interface, and IGMP adds in its `enable_igmp`.
#[test]
fn ho_17_a_hand_over_replaces_a_sweep_that_is_under_way() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let [igmp, pim, _dvmrp] = t.three();
    for group in 1..=4 {
        igmp.adds(eth(1), star(group));
    }
    t.forget_calls();
    t.inside_next(PIM, |what| matches!(what, What::LocalLeave(..)), |pim| pim.releases(eth(1)));
    t.inside(enable_igmp(eth(1)), |igmp| {
        let left = stale(&igmp.manager());
        assert_eq!(left.len(), 3, "what is stale stays stale");
        igmp.adds(eth(1), left.first().copied().unwrap());
    });
    igmp.begin_refresh(eth(1), later()).unwrap().end();
    assert_eq!((entries(&t.mgm).len(), stale(&t.mgm)), (1, vec![]));
    assert_eq!(t.mgm.owner(eth(1)), Some(IGMP));
    pim.deregister().unwrap();
    t.forget_calls();
}

/// HO-11, HO-13: what is stale keeps its place, and is confirmed at any limit.
#[test]
fn ho_17_mb_7_what_is_stale_keeps_its_place_until_it_is_swept() {
    let t = Testbed::<A>::limited(Limits::default().memberships_per_client(2));
    let [_igmp, pim, _dvmrp] = t.three();
    pim.adds(eth(1), from(1, 1));
    pim.adds(eth(1), from(2, 1));
    let refresh = pim.begin_refresh(eth(1), later()).unwrap();
    assert!(pim.add_group_membership(eth(1), from(3, 1)).is_err());
    assert_eq!(pim.adds(eth(1), from(1, 1)), Change::Unchanged);
    assert_eq!(pim.blocks(eth(1), 1, 1), Change::Changed, "no growth");
    refresh.end();
    pim.adds(eth(1), from(3, 1));
    assert!(pim.add_group_membership(eth(1), from(4, 1)).is_err());
    t.assert_calls([]);
}
