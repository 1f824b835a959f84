//! From one owner of an interface to the next: HO-12, HO-15, HO-16; and IF-5, IF-7, CT-3 where a hand-over is what they are
//! about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;

const PAGES: [usize; 4] = [1, 2, 3, 64];

/// Who had an interface, and who is to have it, as it is read now.
fn from_to(mgm: &Mgm<A>, on: Interface<A>) -> Option<(Option<ClientName>, Option<ClientName>)> {
    mgm.interface(on).unwrap().handover.map(|between| (between.from, between.to))
}

fn named(id: ClientId) -> Option<ClientName> {
    Some(ClientName::Protocol(id))
}

#[test]
fn if_5_from_the_grant_on_it_can_be_read_from_whom_to_whom_the_interface_goes() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    assert_eq!(from_to(&t.mgm, eth(1)), None);
    for callback in bracket(eth(1), []) {
        t.inside(callback, |me| assert_eq!(from_to(&me.manager(), eth(1)), Some((Some(IGMP), named(PIM)))));
    }
    pim.takes(eth(1));
    assert_eq!(from_to(&t.mgm, eth(1)), None);
    for callback in bracket(eth(1), []) {
        t.inside(callback, |me| assert_eq!(from_to(&me.manager(), eth(1)), Some((named(PIM), Some(IGMP)))));
    }
    pim.releases(eth(1));
    assert_eq!(from_to(&t.mgm, eth(1)), None);
    t.forget_calls();
}

#[test]
fn if_5_without_igmp_too_where_it_goes_to_nobody() {
    let t = Testbed::<A>::new();
    let (pim, _dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    pim.adds(eth(1), star(1));
    t.inside(prune_alert(DVMRP, star(1)), |me| {
        // HO-8: nobody is on it any more, so nothing is read of it, or that it goes.
        let between = me.manager().interface(eth(1)).map(|status| status.handover);
        assert!(between.is_none_or(|between| between.is_some()));
        assert_eq!(me.manager().owner(eth(1)), None);
    });
    pim.releases(eth(1));
    t.forget_calls();
}

/// What is held, what is blocked, and forward state, in that order: what was kept out flows at no moment.
#[test]
fn if_7_a_release_deletes_memberships_then_blocks_then_forward_state() {
    for page in PAGES {
        let r = Router::<A>::with(|builder| builder.page(page));
        r.dvmrp.excludes(lan(), 1, [2, 3]);
        r.dvmrp.adds(lan(), all());
        for source in 1..=5 {
            r.packet(source, 1, up());
        }
        r.dvmrp.forwards(lan(), 4, 1, ForwardState::Off);
        r.dvmrp.forwards(lan(), 5, 1, ForwardState::On);
        r.forget_calls();
        r.dvmrp.releases(lan());
        let commands = r.commands();
        for (source, changes) in [(1, 1), (2, 0), (3, 0), (4, 0), (5, 1)] {
            let of_source = commands.iter().filter(|call| call.what.is_about_source(source)).count();
            assert_eq!(of_source, changes, "S{source}, pages of {page}: {commands:?}");
        }
        r.assert_in_step();
    }
}

/// PIM's uplink with its entries goes to BGMP by way of nobody: for everybody else, and for the forwarder, they never
/// went.
#[test]
fn if_7_ho_15_their_time_their_statistics_and_others_forward_state_stay() {
    for page in PAGES {
        let r = Router::<A>::with(|builder| builder.page(page));
        let bgmp = r.protocol(BGMP);
        r.igmp.adds(stub(), star(1));
        for source in 1..=5 {
            r.packet(source, 1, up());
            r.traffic(source, 1, up());
            r.dvmrp.forwards(lan(), source, 1, ForwardState::On);
            r.igmp.forwards(
                stub(),
                source,
                1,
                if source == 5 { ForwardState::Off } else { ForwardState::On },
            );
        }
        r.pim.set_mfe_timeout(A::source(2), A::group(1), Duration::from_secs(5000)).unwrap();
        let read = || {
            r.mgm.mfes().map(|mfe| (mfe.source, mfe.iif, mfe.oifs, mfe.made, mfe.expires)).collect::<Vec<_>>()
        };
        let before = read();
        r.forget_calls();
        r.pim.releases(up());
        assert_eq!(read(), before);
        assert!(r.mgm.mfes().all(|mfe| mfe.owner.is_none()));
        let prunes: Vec<_> = (1..=5).map(|source| mfe_prune(PIM, source, 1)).collect();
        r.assert_callbacks_in_any_order(prunes);
        bgmp.takes(up());
        assert_eq!(read(), before);
        assert!(r.mgm.mfes().all(|mfe| mfe.owner == Some(bgmp.name())));
        for source in 1..=5 {
            assert_eq!(r.mgm.mfe_stats(A::source(source), A::group(1)).unwrap().packets, 1);
        }
        let asked = (1..=5).map(|source| rpf(BGMP, source, 1, arrived(up()), via(up())));
        let told = (1..=5).map(|source| mfe_join(BGMP, source, 1));
        let calls = r.calls();
        assert!(calls.iter().all(|call| call.to != Party::Forwarder), "{calls:?}");
        let mut calls: Vec<_> = calls.into_iter().filter(|call| call.to != Party::Rib).collect();
        assert_eq!(calls.len(), 10);
        for one in asked.chain(told) {
            calls.retain(|call| *call != one);
        }
        assert_eq!(calls, []);
    }
}

#[test]
fn if_7_interface_removed_deletes_them() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.packet(2, 1, up());
    r.pim.set_mfe(A::source(2), A::group(1), alt(), None).unwrap();
    r.forget_calls();
    r.remove(up()); // S2 comes in elsewhere, and lies behind it
    assert_eq!([r.path(1, 1), r.path(2, 1)], [None, None]);
    r.assert_callbacks([interface_removed(PIM, up())]); // of the entries nobody hears (FW-6)
}

/// A network with everything on it: what IGMP holds, S1 behind PIM's uplink, S2 and S3 behind the network itself.
struct Network {
    r: Router<A>,
    bgmp: Client<A>,
}

impl Network {
    fn new(page: usize) -> Self {
        let r = Router::<A>::with(|builder| builder.page(page));
        let bgmp = r.protocol(BGMP);
        bgmp.takes(wan());
        for source in [2, 3] {
            r.rib.set(host::<A>(source), stub());
        }
        // Some of it others want too, and some only what IGMP has there.
        r.dvmrp.adds(lan(), star(2));
        r.dvmrp.adds(lan(), from(2, 3));
        r.dvmrp.adds(lan(), from(3, 4));
        bgmp.adds(wan(), star(3));
        bgmp.adds(wan(), from(2, 4));
        for (source, group, arrival) in
            [(1, 1, up()), (4, 1, up()), (1, 2, up()), (2, 1, stub()), (2, 2, stub()), (3, 4, stub())]
        {
            r.packet(source, group, arrival);
        }
        Self::adds(&r.igmp);
        r.forget_calls();
        Self { r, bgmp }
    }

    /// All that IGMP holds on the network.
    fn adds(igmp: &ClientRef<A>) {
        igmp.adds(stub(), all());
        for group in 1..=4 {
            igmp.adds(stub(), star(group));
            igmp.adds(stub(), from(1, 10 + group));
            igmp.adds(stub(), from(2, group + 2));
        }
        igmp.adds(stub(), from(3, 4));
        igmp.blocks(stub(), 4, 1);
    }

    /// Hands it over, and IGMP adds everything again.
    fn handed_over(&self, change: impl FnOnce(&Client<A>)) -> Vec<Call<A>> {
        self.r.inside(enable_igmp(stub()), Self::adds);
        self.r.forget_calls();
        change(&self.bgmp);
        let calls = self.r.calls();
        self.r.assert_in_step();
        calls
    }
}

/// What a client was told of each entry, one after the other.
fn told(calls: &[Call<A>], to: impl Named) -> BTreeMap<String, Vec<&'static str>> {
    let to = to.named();
    let mut told = BTreeMap::<String, Vec<_>>::new();
    for call in calls.iter().filter(|call| call.is_to(to)) {
        let (about, what) = match &call.what {
            What::Join(entry, cause) => (format!("{entry} {cause}"), "join"),
            What::Prune(entry, cause) => (format!("{entry} {cause}"), "prune"),
            What::LocalJoin(_, entry) => (format!("local {entry}"), "join"),
            What::LocalLeave(_, entry) => (format!("local {entry}"), "leave"),
            What::LocalBlock(_, entry) => (format!("local {entry}"), "block"),
            What::LocalUnblock(_, entry) => (format!("local {entry}"), "unblock"),
            What::DisableIgmp(_)
            | What::EnableIgmp(_)
            | What::Rpf { .. }
            | What::Creation { .. }
            | What::WrongInterface { .. }
            | What::InterfaceRemoved(_)
            | What::Lookup { .. }
            | What::Add(_)
            | What::Change(_)
            | What::Delete(_) => continue,
        };
        told.entry(about).or_default().push(what);
    }
    told
}

#[test]
fn ho_12_where_all_is_added_again_only_the_two_owners_hear_and_each_once_of_each_entry() {
    for page in PAGES {
        let n = Network::new(page);
        for change in [ClientRef::take_interface_ownership, ClientRef::release_interface_ownership] {
            let calls = n.handed_over(|bgmp| change(bgmp, stub()).unwrap());
            assert!(calls.iter().all(|call| call.to != Party::Forwarder), "pages of {page}: {calls:?}");
            for other in [PIM, DVMRP] {
                assert_eq!(told(&calls, other), BTreeMap::new(), "{other}, pages of {page}");
            }
            for (about, news) in told(&calls, BGMP) {
                assert_eq!(news.len(), 1, "{about}: {news:?}, pages of {page}");
            }
            // All that is told, is told in step 2.
            assert_eq!(calls.last(), Some(&enable_igmp(stub())), "pages of {page}");
            assert!(held(&n.r.mgm).iter().all(|held| !held.stale));
        }
    }
}

/// Of all that the new owner hears, nothing is missing: its locals, what others want no more, and CT-8.
#[test]
fn ho_12_what_the_new_owner_and_the_old_one_hear() {
    for page in PAGES {
        let n = Network::new(page);
        let taken = told(&n.handed_over(|bgmp| bgmp.takes(stub())), BGMP);
        // IGMP's fourteen memberships, and a block.
        assert_eq!(taken.keys().filter(|about| about.starts_with("local")).count(), 15);
        let said = |told: &BTreeMap<String, Vec<&'static str>>, entry: Entry<A>| {
            told.get(&format!("{entry} membership")).cloned()
        };
        // BGMP had been told to pull what IGMP wanted, and it is BGMP's own wish now; DVMRP wants (*, G2) too.
        assert_eq!(
            [all(), star(1), star(2), star(3)].map(|entry| said(&taken, entry)),
            [Some(vec!["prune"]), Some(vec!["prune"]), None, Some(vec!["prune"])]
        );
        // CT-8: S2 and S3 lie behind the network, and what DVMRP wants of them is to be pulled now.
        assert_eq!(
            [from(2, 3), from(3, 4)].map(|entry| said(&taken, entry)),
            [Some(vec!["join"]), Some(vec!["join"])]
        );
        assert_eq!(
            [from(2, 4), from(2, 5), from(1, 11)].map(|entry| said(&taken, entry)),
            [None, None, None]
        );
        let released = told(&n.handed_over(|bgmp| bgmp.releases(stub())), BGMP);
        for (about, news) in &taken {
            let undone = match news[..] {
                ["prune"] => vec!["join"],
                ["join"] if about.starts_with("local") => vec!["leave"],
                ["join"] => vec!["prune"],
                ["block"] => vec!["unblock"],
                _ => panic!("{about}: {news:?}"),
            };
            if !about.ends_with("forwarding entry") {
                assert_eq!(released.get(about), Some(&undone), "{about}");
            }
        }
    }
}

/// While they are brought over, somebody elsewhere touches (S,G) whose source lies behind the interface, and which IGMP
/// wants there: wish and way move in one step, so that the new owner is not told to pull what is its own wish.
#[test]
fn ho_12_ho_16_wish_and_way_move_together_whoever_touches_the_entry() {
    for page in [1, 2] {
        let r = Router::<A>::with(|builder| builder.page(page));
        let (bgmp, other) = (r.protocol(BGMP), Arc::new(r.protocol(ClientId { protocol: 4, component: 0 })));
        other.takes(wan());
        r.rib.set(host::<A>(2), stub());
        for group in 1..=6 {
            r.igmp.adds(stub(), from(2, group));
        }
        r.forget_calls();
        let touches = Arc::clone(&other);
        r.inside_next(
            BGMP,
            |what| matches!(what, What::LocalJoin(..)),
            move |_| {
                for group in 1..=6 {
                    touches.blocks(wan(), 2, group);
                    touches.unblocks(wan(), 2, group);
                }
            },
        );
        r.inside(enable_igmp(stub()), |igmp| (1..=6).for_each(|group| _ = igmp.adds(stub(), from(2, group))));
        bgmp.takes(stub());
        let calls = r.callbacks();
        assert_eq!(calls.iter().filter(|call| call.what.cause().is_some()).count(), 0, "{calls:?}");
        assert_eq!(told(&calls, BGMP).len(), 6);
    }
}

/// CT-6: at no moment has an owner no reason left to pull what it pulls before and after.
#[test]
fn ho_12_ct_6_a_reason_to_pull_comes_before_another_goes() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.igmp.adds(lan(), star(1)); // counts for DVMRP
    r.igmp.adds(lan(), from(1, 2));
    r.rib.set(host::<A>(1), lan());
    r.routes_changed();
    r.forget_calls();
    r.inside(enable_igmp(lan()), |igmp| {
        igmp.adds(lan(), star(1));
        igmp.adds(lan(), from(1, 2));
    });
    r.dvmrp.releases(lan());
    let calls = r.callbacks();
    let of_star: Vec<_> = calls
        .iter()
        .filter(|call| call.is_to(DVMRP) && **call != join_alert(DVMRP, from(1, 2)))
        .cloned()
        .collect();
    assert_eq!(of_star.first(), Some(&join_alert(DVMRP, star(1))), "{calls:?}");
    assert!(of_star.contains(&local_leave(DVMRP, lan(), star(1))));
}

#[test]
fn ct_3_where_a_wish_moves_from_one_client_to_another_ct_4_decides() {
    // Who wants (*, G1) besides, and who then hears of a take in which IGMP's wish becomes PIM's.
    let cases: [(&[ClientId], Vec<Call<A>>); 3] = [
        (&[], vec![prune_alert(PIM, star(1))]),
        (&[DVMRP], vec![]),
        (&[PIM], vec![prune_alert(PIM, star(1))]),
    ];
    for (others, expected) in cases {
        let t = Testbed::<A>::new();
        let [pim, dvmrp, _bgmp, igmp] = t.four();
        for id in others {
            let (client, on) = if *id == PIM { (&pim, eth(1)) } else { (&dvmrp, eth(2)) };
            client.adds(on, star(1));
        }
        igmp.adds(eth(4), star(1));
        t.forget_calls();
        t.inside(enable_igmp(eth(4)), |igmp| _ = igmp.adds(eth(4), star(1)));
        pim.takes(eth(4));
        let expected = [vec![local_join(PIM, eth(4), star(1))], expected].concat();
        t.assert_calls(bracket(eth(4), expected));
        // And back: it is told to pull again.
        t.inside(enable_igmp(eth(4)), |igmp| _ = igmp.adds(eth(4), star(1)));
        pim.releases(eth(4));
        let mut expected = vec![join_alert(PIM, star(1)), local_leave(PIM, eth(4), star(1))];
        if others == [DVMRP] {
            expected.remove(0);
        }
        t.assert_calls(bracket(eth(4), expected));
    }
}

#[test]
fn ho_15_the_new_owner_is_asked_about_the_forward_state_of_that_interface_only() {
    let r = Router::<A>::new();
    let bgmp = r.flooder(BGMP);
    bgmp.takes(wan());
    // S1 comes in on `lan`, S2 lies behind it and comes in elsewhere, S3 has nothing to do with it.
    for source in [1, 2] {
        r.rib.set(host::<A>(source), lan());
        r.packet(source, 1, lan());
    }
    r.dvmrp.set_mfe(A::source(2), A::group(1), dmz(), None).unwrap();
    r.packet(3, 1, up());
    r.dvmrp.offers(lan(), BGMP);
    r.forget_calls();
    bgmp.takes(lan());
    // S1 and S2 come in there now, so there is no forward state to set; and of S3 nobody is asked.
    let calls = r.calls();
    assert_eq!(count(&calls, BGMP, What::is_rpf), 2);
    assert_eq!(count(&calls, BGMP, What::is_creation), 0);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(lan(), []), path(lan(), [])]);
    assert_eq!(count(&calls, DVMRP, What::is_creation), 0);
}

/// BGMP answers `rpf` with another interface of its own: then what it took may be an oif.
#[test]
fn ho_15_where_it_may_get_forward_state_it_is_asked_creation_alert_and_its_answer_counts() {
    let r = Router::<A>::new();
    let bgmp = r.flooder(BGMP);
    bgmp.takes(wan());
    r.rib.set(host::<A>(1), lan());
    r.packet(1, 1, lan());
    r.dvmrp.offers(lan(), BGMP);
    r.answer_rpf(BGMP, |_, request| request.route.over(wan()));
    r.enable_in_creation(BGMP, lan());
    r.forget_calls();
    bgmp.takes(lan());
    r.assert_calls([
        lookup(1, lan()),
        rpf(BGMP, 1, 1, arrived(lan()), via(lan())),
        creation_alert(BGMP, 1, 1, wan(), [disabled(lan())]),
        change_mfe(1, 1, wan(), [lan()]),
    ]);
    assert_eq!(r.mgm.wrong_answers(), 0);
}

/// Forward state of the old owner ends in the step that asks the new one.
#[test]
fn ho_15_an_off_never_forwards_in_between_and_an_on_leaves_no_hole() {
    for page in PAGES {
        for again in [ForwardState::Off, ForwardState::On] {
            let r = Router::<A>::with(|builder| builder.page(page));
            let bgmp = r.flooder(BGMP);
            bgmp.takes(wan());
            r.igmp.takes(lan());
            r.igmp.adds(lan(), star(1));
            for source in 1..=4 {
                r.packet(source, 1, up());
                r.dvmrp.forwards(lan(), source, 1, again);
                r.packet(source, 2, up());
                r.dvmrp.forwards(lan(), source, 2, again);
            }
            // The new owner says the same of each.
            r.answer_creation(BGMP, move |_, oifs| {
                oifs.iter_mut().for_each(|oif| oif.set_enabled(again == ForwardState::On));
            });
            r.dvmrp.offers(lan(), BGMP);
            r.inside(enable_igmp(lan()), |igmp| _ = igmp.adds(lan(), star(1)));
            let before: Vec<_> = r.mgm.mfes().collect();
            r.forget_calls();
            bgmp.takes(lan());
            r.assert_commands([]);
            let after: Vec<_> = r.mgm.mfes().collect();
            assert_eq!(after, before, "iif, neighbour, oifs, time");
        }
    }
}

/// It is not asked where it gets none: here BGMP is no flooder, and of the old owner's *on* nothing is left.
#[test]
fn ho_15_forward_state_of_the_old_owner_ends() {
    for (state, before, after) in [
        (ForwardState::On, path(up(), [lan()]), path(up(), [])),
        (ForwardState::Off, path(up(), [dmz()]), path(up(), [lan(), dmz()])),
    ] {
        let r = Router::<A>::new();
        let bgmp = r.protocol(BGMP);
        r.igmp.takes(lan());
        if state == ForwardState::Off {
            r.igmp.adds(lan(), star(1));
            r.dvmrp.adds(dmz(), star(1));
        }
        r.packet(1, 1, up());
        r.dvmrp.forwards(lan(), 1, 1, state);
        assert_eq!(r.path(1, 1), before);
        r.dvmrp.offers(lan(), BGMP);
        r.inside(enable_igmp(lan()), |igmp| {
            if !held(&igmp.manager()).is_empty() {
                igmp.adds(lan(), star(1));
            }
        });
        bgmp.takes(lan());
        assert_eq!(r.path(1, 1), after);
        r.forget_calls();
    }
}

#[test]
fn ho_15_an_entry_that_merely_has_forward_state_there_keeps_its_iif_and_neighbour() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.packet(1, 1, up());
    r.pim.set_mfe(A::source(1), A::group(1), alt(), Some(A::source(77).address())).unwrap();
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.dvmrp.offers(lan(), BGMP);
    r.forget_calls();
    bgmp.takes(lan());
    r.assert_calls([change_mfe(1, 1, alt(), []), mfe_prune(PIM, 1, 1)]);
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(A::source(77).address()));
}

/// While the entries of S1 to S6 are brought to BGMP one by one, their only member goes and comes back: of that their old
/// owner hears nothing, and of each that it has nothing to pull any more, once.
#[test]
fn ho_15_fw_6_an_entry_that_is_not_brought_over_yet_leaves_its_owner_alone() {
    for page in [1, 2] {
        let r = Router::<A>::with(|builder| builder.page(page));
        let (bgmp, other) = (r.protocol(BGMP), Arc::new(r.protocol(ClientId { protocol: 4, component: 0 })));
        other.takes(wan());
        other.adds(wan(), star(1));
        for source in 1..=6 {
            r.packet(source, 1, up());
        }
        r.pim.offers(up(), BGMP);
        r.forget_calls();
        let member = Arc::clone(&other);
        r.inside_next(BGMP, What::is_rpf, move |_| {
            member.deletes(wan(), star(1));
            member.adds(wan(), star(1));
        });
        bgmp.takes(up());
        let calls = r.callbacks();
        for source in 1..=6 {
            let times = |call: Call<A>| calls.iter().filter(|made| **made == call).count();
            assert_eq!(
                (times(mfe_join(PIM, source, 1)), times(mfe_prune(PIM, source, 1))),
                (0, 1),
                "{calls:?}"
            );
            assert_eq!(
                (times(mfe_join(BGMP, source, 1)), times(mfe_prune(BGMP, source, 1))),
                (1, 0),
                "{calls:?}"
            );
        }
    }
}

/// Inside an alert of the first pieces: each piece is as before or as after, and counted once, for one client.
#[test]
fn ho_16_each_piece_is_seen_as_before_or_as_after_and_counted_once() {
    for page in [1, 3] {
        let t = Testbed::<A>::with(|builder| builder.page(page));
        let (igmp, pim) = (t.igmp(), t.protocol(PIM));
        igmp.takes(eth(1));
        for group in 1..=10 {
            igmp.adds(eth(1), star(group));
        }
        t.forget_calls();
        let seen = Arc::<Mutex<Vec<usize>>>::default();
        let counts = Arc::clone(&seen);
        t.inside_alerts(PIM, move |me, what| {
            let held = held(&me.manager());
            let entries: Vec<_> = held.iter().map(|held| held.entry).collect();
            assert_eq!(entries, (1..=10).map(star).collect::<Vec<_>>(), "each is listed once");
            let of_pim = held.iter().filter(|held| held.counts_for == me.name()).count();
            let as_before = |held: &&Membership<A>| held.counts_for == IGMP && !held.stale;
            let as_after = |held: &&Membership<A>| held.counts_for == me.name() && held.stale;
            assert!(held.iter().all(|held| as_before(&held) || as_after(&held)), "{held:?}");
            // CB-2: what it is told of counts for it already.
            let (What::LocalJoin(_, entry) | What::Prune(entry, _)) = what else { return };
            assert!(held.iter().any(|held| held.entry == *entry && held.counts_for == me.name()));
            counts.lock().push(of_pim);
        });
        t.inside(enable_igmp(eth(1)), |igmp| (1..=10).for_each(|group| _ = igmp.adds(eth(1), star(group))));
        pim.takes(eth(1));
        let seen = seen.lock();
        assert!(seen.is_sorted() && seen.first() < seen.last(), "{seen:?}");
        assert_eq!(seen.last(), Some(&10));
    }
}

/// Inside an alert of the first piece the new owner adds what IGMP holds there, old or new: one step each.
#[test]
fn ho_16_whoever_changes_a_piece_brings_it_over_in_the_same_step() {
    let t = Testbed::<A>::with(|builder| builder.page(1));
    let (igmp, pim, dvmrp) = (t.igmp(), t.protocol(PIM), t.protocol(DVMRP));
    igmp.takes(eth(1));
    dvmrp.takes(eth(2));
    for group in 1..=6 {
        igmp.adds(eth(1), star(group));
    }
    t.forget_calls();
    t.inside_next(
        PIM,
        |what| matches!(what, What::LocalJoin(..)),
        |me| {
            for group in 1..=6 {
                assert_eq!(me.adds(eth(1), star(group)), Change::Changed);
            }
            assert!(held(&me.manager()).iter().all(|held| held.counts_for == me.name()));
        },
    );
    pim.takes(eth(1));
    let calls = t.calls();
    for group in 1..=6 {
        for (call, times) in [
            (local_join(PIM, eth(1), star(group)), 1),
            (prune_alert(PIM, star(group)), 1),
            (local_leave(PIM, eth(1), star(group)), 1), // swept: IGMP has added nothing
            (prune_alert(DVMRP, star(group)), 0),       // PIM wants it
        ] {
            assert_eq!(calls.iter().filter(|made| **made == call).count(), times, "{call:?}: {calls:?}");
        }
    }
    assert_eq!(held(&t.mgm).len(), 6);
}

#[test]
fn ho_16_what_only_waits_to_be_withdrawn_counts_under_no_limit() {
    let limits = Limits::default().memberships(3).memberships_per_client(3);
    let t = Testbed::<A>::with(|builder| builder.page(1).limits(limits));
    let (pim, dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    pim.takes(eth(3));
    dvmrp.takes(eth(2));
    for group in 1..=3 {
        pim.adds(eth(1), star(group));
    }
    t.forget_calls();
    let pim = Arc::new(pim);
    let releases = Arc::clone(&pim);
    t.inside_next(DVMRP, What::is_prune, move |me| {
        assert!(held(&me.manager()).len() > 1, "some of it waits");
        me.adds(eth(2), star(11));
        releases.adds(eth(3), star(12));
        releases.adds(eth(3), star(13));
        assert!(me.add_group_membership(eth(2), star(14)).is_err());
    });
    pim.releases(eth(1));
    assert_eq!(held(&t.mgm).len(), 3);
    assert!(dvmrp.add_group_membership(eth(2), star(14)).is_err());
    t.forget_calls();
}

/// The interface changes hands while its owner is asked: what it said in its tenure counts for nothing.
#[test]
fn ho_16_an_answer_that_was_asked_for_in_an_earlier_tenure_counts_for_nothing() {
    let r = Router::<A>::new();
    let bgmp = Arc::new(r.protocol(BGMP));
    let takes = Arc::clone(&bgmp);
    r.answer_rpf(PIM, |_, request| request.route.over(alt()));
    r.inside_next(PIM, What::is_rpf, move |pim| {
        pim.offers(up(), BGMP);
        takes.takes(up());
    });
    r.packet(1, 1, up());
    assert_eq!((r.path(1, 1), r.mfe(1, 1).unwrap().owner), (path(up(), []), Some(bgmp.name())));
    let asked: Vec<_> = r.callbacks().into_iter().filter(|call| call.what.is_rpf()).collect();
    assert_eq!(asked, [rpf(PIM, 1, 1, arrived(up()), via(up())), rpf(BGMP, 1, 1, arrived(up()), via(up()))]);
    // The same of forward state: PIM and DVMRP have had `lan` since DVMRP was asked.
    r.dvmrp.adds(lan(), star(2));
    r.disable_in_creation(DVMRP, lan());
    r.inside_next(DVMRP, What::is_creation, |dvmrp| {
        dvmrp.releases(lan());
        dvmrp.takes(lan());
        dvmrp.adds(lan(), star(2));
    });
    r.packet(1, 2, up());
    assert_eq!(r.path(1, 2), path(up(), [lan()]));
    r.forget_calls();
}

#[test]
fn ho_16_what_a_client_sets_while_it_is_asked_is_kept() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    bgmp.takes(wan());
    r.packet(1, 1, up());
    r.pim.offers(up(), BGMP);
    let neighbour = A::source(77).address();
    r.inside_next(BGMP, What::is_rpf, move |bgmp| {
        bgmp.client().set_mfe(A::source(1), A::group(1), wan(), Some(neighbour)).unwrap();
        bgmp.set_mfe_timeout(A::source(1), A::group(1), Duration::from_secs(77)).unwrap();
        bgmp.forwards(up(), 1, 1, ForwardState::On);
    });
    bgmp.takes(up());
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!(
        (mfe.iif, mfe.oifs, mfe.upstream, mfe.expires),
        (wan(), vec![up()], Some(neighbour), Some(r.at(77)))
    );
    r.forget_calls();
}

/// CT-8 in a hand-over, with pages of one: each (S,G) of each source behind the interface is told once.
#[test]
fn ho_16_ct_8_each_source_and_group_behind_the_interface_moves_once() {
    for page in PAGES {
        let r = Router::<A>::with(|builder| builder.page(page));
        let bgmp = r.protocol(BGMP);
        for (source, group) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)] {
            r.rib.set(host::<A>(source), lan());
            r.igmp.adds(stub(), from(source, group));
        }
        r.dvmrp.offers(lan(), BGMP);
        r.forget_calls();
        bgmp.takes(lan());
        let calls = r.callbacks();
        for (source, group) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)] {
            for call in [prune_alert(DVMRP, from(source, group)), join_alert(BGMP, from(source, group))] {
                assert_eq!(
                    calls.iter().filter(|made| **made == call).count(),
                    1,
                    "{call:?}, pages of {page}: {calls:?}"
                );
            }
        }
        assert_eq!(calls.len(), 12);
    }
}

/// S1 comes in by PIM's uplink, S2 on the interface itself.
#[test]
fn ho_12_of_a_hand_over_in_which_all_is_added_again_only_the_new_owner_hears() {
    let r = Router::<A>::new();
    let bgmp = r.protocol(BGMP);
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    r.rib.set(host::<A>(2), stub());
    r.packet(2, 1, stub());
    let read = |igmp: &ClientRef<A>| {
        let mfe = |source| igmp.manager().mfe(A::source(source), A::group(1)).unwrap();
        (mfe(1).oifs, mfe(2).owner)
    };
    r.inside(disable_igmp(stub()), move |igmp| {
        assert_eq!(read(igmp), (vec![stub()], Some(ClientName::Igmp)), "none is done");
    });
    r.inside(enable_igmp(stub()), move |igmp| {
        assert_eq!(read(igmp), (vec![stub()], Some(ClientName::Protocol(BGMP))), "all of it is done");
        igmp.adds(stub(), star(1));
    });
    r.forget_calls();
    bgmp.takes(stub());
    r.assert_calls(bracket(
        stub(),
        [
            local_join(BGMP, stub(), star(1)),
            prune_alert(BGMP, star(1)),
            lookup(2, stub()),
            rpf(BGMP, 2, 1, arrived(stub()), via(stub())),
            mfe_prune(BGMP, 2, 1),
        ],
    ));
    assert_eq!([r.path(1, 1), r.path(2, 1)], [path(up(), [stub()]), path(stub(), [])]);
}
