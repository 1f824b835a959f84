//! What IGMP holds when an interface changes hands: HO-2, HO-11, HO-13, HO-14.

use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// IGMP alone on `stub`: all but S2 of G1, and S1 of G2. S3 comes in there.
fn member() -> Router<A> {
    let r = Router::<A>::new();
    r.igmp.excludes(stub(), 1, [2]);
    r.igmp.adds(stub(), from(1, 2));
    r.rib.set(host::<A>(3), stub());
    for (source, group, arrival) in [(1, 1, up()), (2, 1, up()), (1, 2, up()), (3, 3, stub())] {
        r.packet(source, group, arrival);
    }
    r.forget_calls();
    r
}

/// Everything that IGMP could change on `stub`.
fn all_is_refused(igmp: &ClientRef<A>) {
    let mgm = igmp.manager();
    let read = || (held(&mgm), mgm.mfes().collect::<Vec<_>>(), mgm.interfaces());
    let (before, refused) = (read(), Error::IgmpDisabled { interface: stub() });
    let (on, s, g) = (stub(), A::source(3), A::group(3));
    let later = Instant::now() + Duration::from_secs(60);
    for entry in [star(1), from(1, 2), from(9, 9)] {
        assert_eq!(igmp.add_group_membership(on, entry), Err(refused.clone()), "add");
        assert_eq!(igmp.delete_group_membership(on, entry), Err(refused.clone()), "delete");
    }
    assert_eq!(igmp.block_source(on, A::source(1), A::group(1)), Err(refused.clone()), "block");
    assert_eq!(igmp.unblock_source(on, A::source(2), A::group(1)), Err(refused.clone()), "unblock");
    assert_eq!(igmp.batch(on, [MembershipChange::Add(star(1))]).into_result(), Err(refused.clone()), "batch");
    for filter in [Filter::JOIN, Filter::LEAVE] {
        assert_eq!(igmp.set_group(on, A::group(1), filter), Err(refused.clone()), "group filter");
    }
    assert_eq!(
        igmp.set_forward_state(on, s, g, Some(ForwardState::On)),
        Err(refused.clone()),
        "forward state"
    );
    assert_eq!(igmp.set_mfe(s, g, on, None), Err(refused.clone()), "iif");
    assert_eq!(igmp.set_mfe_timeout(s, g, Duration::ZERO), Err(refused.clone()), "time");
    assert_eq!(igmp.begin_refresh(on, later).map(drop), Err(refused.clone()), "refresh");
    assert_eq!(igmp.set_wrong_interface_alerts(on, true), Err(refused), "switch");
    assert!(read() == before, "something has changed");
}

#[test]
fn ho_2_every_call_of_igmps_that_would_change_something_there_is_refused() {
    let r = member();
    let bgmp = r.protocol(BGMP);
    r.inside(disable_igmp(stub()), |igmp| {
        all_is_refused(igmp);
        thread::scope(|scope| scope.spawn(|| all_is_refused(igmp)).join()).unwrap();
    });
    bgmp.takes(stub());
    r.forget_calls();
}

/// In step 2 the interface has its new owner, and IGMP is disabled still.
#[test]
fn ho_2_in_step_2_too() {
    let r = member();
    let (bgmp, mgm) = (r.protocol(BGMP), r.mgm.clone());
    let inside = move |me: &ClientRef<A>| {
        let refused = Error::IgmpDisabled { interface: stub() };
        assert_eq!(me.add_group_membership(stub(), star(1)), Err(refused.clone()));
        assert_eq!(me.unblock_source(stub(), A::source(2), A::group(1)), Err(refused.clone()));
        assert_eq!(me.batch(stub(), [MembershipChange::Delete(star(1))]).into_result(), Err(refused.clone()));
        assert_eq!(me.set_group(stub(), A::group(1), Filter::LEAVE), Err(refused));
        assert!(me.set_forward_state(stub(), A::source(3), A::group(3), None).is_err());
        assert!(me.set_mfe_timeout(A::source(3), A::group(3), Duration::ZERO).is_err());
        assert!(me.begin_refresh(stub(), Instant::now() + Duration::from_secs(60)).is_err());
        assert!(me.set_wrong_interface_alerts(stub(), true).is_err());
    };
    // Another thread of IGMP's, while BGMP is told of what IGMP has there.
    let gate = Gate::new();
    let alert = gate.clone();
    r.inside(local_join(BGMP, stub(), star(1)), move |_| alert.pass());
    thread::scope(|scope| {
        scope.spawn(|| bgmp.takes(stub()));
        gate.await_arrival();
        assert_eq!(mgm.owner(stub()), Some(bgmp.name()));
        inside(&r.igmp);
        gate.open();
    });
    r.forget_calls();
}

#[test]
fn ho_2_from_step_3_on_all_of_it_is_allowed() {
    let r = member();
    let bgmp = r.protocol(BGMP);
    r.inside(enable_igmp(stub()), |igmp| {
        igmp.adds(stub(), star(9));
        igmp.batches(stub(), [MembershipChange::Add(star(8))]);
        igmp.excludes(stub(), 1, [2]);
        igmp.begin_refresh(stub(), Instant::now() + Duration::from_secs(60)).unwrap().end();
    });
    bgmp.takes(stub());
    r.inside(enable_igmp(stub()), |igmp| {
        igmp.forwards(stub(), 1, 1, ForwardState::On);
        igmp.wants_wrong_interface_alerts(stub());
        igmp.set_mfe_timeout(A::source(3), A::group(3), Duration::from_secs(1000)).unwrap();
        igmp.client().set_mfe(A::source(3), A::group(3), stub(), None).unwrap();
    });
    bgmp.releases(stub());
    r.forget_calls();
}

#[test]
fn ho_11_what_is_stale_keeps_what_it_gave_and_is_listed_so() {
    let r = member();
    let bgmp = r.protocol(BGMP);
    r.forget_calls();
    let paths = |mgm: &Mgm<A>| {
        [(1, 1), (2, 1), (1, 2)]
            .map(|(source, group)| mgm.mfe(A::source(source), A::group(group)).unwrap().oifs)
    };
    let before = paths(&r.mgm);
    assert_eq!(before, [vec![stub()], vec![], vec![stub()]]);
    r.inside(enable_igmp(stub()), move |igmp| {
        let mgm = igmp.manager();
        assert_eq!(paths(&mgm), before, "an oif, and a block, stay");
        let listed: Vec<_> =
            held(&mgm).iter().map(|held| (held.entry, held.kind, held.stale, held.counts_for)).collect();
        let (joined, blocked) = (MembershipKind::Joined, MembershipKind::Blocked);
        let bgmp = ClientName::Protocol(BGMP);
        let expected = [
            (star(1), joined, true, bgmp),
            (from(1, 2), joined, true, bgmp),
            (from(2, 1), blocked, true, bgmp),
        ];
        assert_eq!(listed.len(), expected.len());
        assert!(expected.iter().all(|one| listed.contains(one)), "{listed:?}");
        // A packet that comes now finds it forwarded too.
        mgm.packet_received(A::source(9), A::group(1), up(), &[], Instant::now()).unwrap();
        assert_eq!(mgm.mfe(A::source(9), A::group(1)).unwrap().oifs, [stub()]);
    });
    bgmp.takes(stub());
    assert_eq!(paths(&r.mgm), [const { vec![] }; 3], "none was added again");
    r.forget_calls();
}

#[test]
fn ho_13_to_add_it_again_is_no_change_and_tells_nobody() {
    let r = member();
    let bgmp = r.protocol(BGMP);
    r.inside(enable_igmp(stub()), |igmp| {
        assert_eq!(igmp.adds(stub(), star(1)), Change::Unchanged);
        assert_eq!(igmp.blocks(stub(), 2, 1), Change::Unchanged);
        assert_eq!(igmp.adds(stub(), from(1, 2)), Change::Unchanged);
        assert!(held(&igmp.manager()).iter().all(|held| !held.stale));
    });
    bgmp.takes(stub());
    let calls = r.calls();
    assert_eq!(calls.last(), Some(&enable_igmp(stub())));
    assert!(calls.iter().all(|call| call.to != Party::Forwarder), "{calls:?}");
    r.assert_in_step();
}

#[test]
fn ho_13_a_delete_or_the_other_kind_ends_what_is_stale_at_once() {
    let r = member();
    let bgmp = r.protocol(BGMP);
    r.inside(enable_igmp(stub()), |igmp| {
        assert_eq!(igmp.deletes(stub(), from(1, 2)), Change::Changed);
        assert_eq!(igmp.adds(stub(), from(2, 1)), Change::Changed);
        assert_eq!(igmp.unblocks(stub(), 2, 1), Change::Unchanged);
        assert_eq!(igmp.blocks(stub(), 1, 1), Change::Changed);
        let stale: Vec<_> =
            held(&igmp.manager()).iter().filter(|held| held.stale).map(|held| held.entry).collect();
        assert_eq!(stale, [star(1)]);
    });
    bgmp.takes(stub());
    let local: Vec<_> = r
        .callbacks()
        .into_iter()
        .skip_while(|call| *call != enable_igmp(stub()))
        .filter(|call| call.is_to(BGMP))
        .collect();
    // In this order, but for the sweep of (*, G1) all from inside `enable_igmp`.
    for call in [
        local_leave(BGMP, stub(), from(1, 2)),
        local_unblock(BGMP, stub(), from(2, 1)),
        local_join(BGMP, stub(), from(2, 1)),
        local_block(BGMP, stub(), from(1, 1)),
        local_leave(BGMP, stub(), star(1)),
    ] {
        assert_eq!(local.iter().filter(|made| **made == call).count(), 1, "{call:?} in {local:?}");
    }
    assert_eq!(local.len(), 5 + local.iter().filter(|call| call.what.cause().is_some()).count(), "{local:?}");
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), []), path(up(), [stub()])]);
}

/// A limit that is reached already, and alerts that wait already.
#[test]
fn ho_13_a_confirming_add_is_never_refused() {
    let limits = Limits::default().memberships(2).memberships_per_interface(2).memberships_per_client(2);
    let t = Testbed::<A>::limited(limits.waiting_alerts(0));
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), from(1, 1));
    igmp.blocks(eth(1), 2, 1);
    t.inside(enable_igmp(eth(1)), |igmp| {
        assert_eq!(igmp.adds(eth(1), from(1, 1)), Change::Unchanged);
        assert_eq!(igmp.blocks(eth(1), 2, 1), Change::Unchanged);
        assert!(igmp.add_group_membership(eth(1), from(3, 1)).is_err());
    });
    pim.takes(eth(1));
    assert_eq!(held(&t.mgm).len(), 2);
    t.forget_calls();
}

/// Memberships first, then blocks: what was blocked flows at no moment.
#[test]
fn ho_14_what_is_still_stale_is_swept_when_enable_igmp_has_returned_or_panicked() {
    for (panics, page) in [(false, 1), (false, 64), (true, 1)] {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.igmp.excludes(stub(), 1, [2, 3]);
        for source in 1..=3 {
            r.packet(source, 1, up());
        }
        let bgmp = r.protocol(BGMP);
        r.inside(enable_igmp(stub()), move |igmp| {
            assert_eq!(held(&igmp.manager()).len(), 3);
            if panics {
                boom();
            }
        });
        r.forget_calls();
        bgmp.takes(stub());
        if panics {
            r.assert_panics(1);
        }
        assert_eq!(held(&r.mgm), []);
        let calls = r.calls();
        let after = calls.iter().skip_while(|call| **call != enable_igmp(stub()));
        let commands: Vec<_> = calls.iter().filter(|call| call.to == Party::Forwarder).collect();
        assert_eq!(commands, [&change_mfe(1, 1, up(), [])], "S2 and S3 were blocked");
        for call in [
            local_leave(BGMP, stub(), star(1)),
            local_unblock(BGMP, stub(), from(2, 1)),
            local_unblock(BGMP, stub(), from(3, 1)),
            mfe_prune(PIM, 1, 1),
        ] {
            assert_eq!(after.clone().filter(|made| **made == call).count(), 1, "{call:?}: {calls:?}");
        }
    }
}

#[test]
fn ho_14_when_igmp_has_gone_all_of_it_is_swept() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    igmp.adds(eth(1), star(1));
    igmp.blocks(eth(1), 1, 1);
    t.forget_calls();
    t.inside(disable_igmp(eth(1)), move |_| drop(igmp));
    pim.takes(eth(1));
    assert_eq!(held(&t.mgm), []);
    // What PIM was told in step 2 is taken back; others wanted (*, G1) as long as it was IGMP's.
    t.assert_callbacks_in_any_order([
        disable_igmp(eth(1)),
        local_join(PIM, eth(1), star(1)),
        local_block(PIM, eth(1), from(1, 1)),
        prune_alert(PIM, star(1)),
        local_leave(PIM, eth(1), star(1)),
        local_unblock(PIM, eth(1), from(1, 1)),
    ]);
}

/// An IGMP that was written for the original, and adds only when the hand-over is over.
#[test]
fn ho_14_whoever_adds_later_ends_as_if_all_had_been_withdrawn() {
    #[derive(Eq, PartialEq)]
    enum Adds {
        InsideEnableIgmp,
        Later,
    }
    let ends = |when: Adds| {
        let is_inside = when == Adds::InsideEnableIgmp;
        let r = member();
        let bgmp = r.protocol(BGMP);
        let adds = |igmp: &ClientRef<A>| _ = igmp.excludes(stub(), 1, [2]);
        r.inside(enable_igmp(stub()), move |igmp| {
            if is_inside {
                adds(igmp);
            }
        });
        bgmp.takes(stub());
        adds(&r.igmp);
        r.forget_calls();
        let paths = [(1, 1), (2, 1), (1, 2), (3, 3)].map(|(source, group)| r.path(source, group));
        // What everybody has been told shows in what a last leave tells them.
        r.igmp.includes(stub(), 1, []);
        let mut told: Vec<_> = r.callbacks().iter().map(|call| format!("{call:?}")).collect();
        told.sort_unstable();
        (paths, told)
    };
    assert_eq!(ends(Adds::InsideEnableIgmp), ends(Adds::Later));
}

#[test]
fn ho_14_what_igmp_does_not_add_again_is_no_longer_joined_or_blocked() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = t.igmp_alone();
    igmp.adds(eth(1), from(1, 1));
    igmp.blocks(eth(1), 2, 1);
    pim.takes(eth(1));
    let (joined, blocked) = (from(1, 1), from(2, 1));
    let between = [local_join(PIM, eth(1), joined), local_block(PIM, eth(1), blocked)];
    let swept = [local_unblock(PIM, eth(1), blocked), local_leave(PIM, eth(1), joined)];
    t.assert_calls([bracket(eth(1), between), swept.into()].concat());
    assert_eq!(held(&t.mgm), []);
    assert_eq!(igmp.deletes(eth(1), from(1, 1)), Change::Unchanged);
    t.assert_calls([]);
}

#[test]
fn ho_14_what_igmp_does_not_add_again_is_forwarded_no_more() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    r.dvmrp.releases(lan());
    assert_eq!(r.path(1, 1), path(up(), []));
    let between = bracket(lan(), [join_alert(DVMRP, star(1)), local_leave(DVMRP, lan(), star(1))]);
    let swept = [mfe_prune(PIM, 1, 1), prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1))];
    r.assert_callbacks([between, swept.into()].concat());
    assert_eq!(r.mgm.owner(lan()), Some(ClientName::Igmp));
}
