//! Reading what a client has been told to pull: EN-5.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;

fn wanted(entry: Entry<A>) -> Pull<A> {
    Pull { entry, cause: AlertCause::Membership }
}

fn streamed(source: u16, group: u16) -> Pull<A> {
    Pull { entry: from(source, group), cause: AlertCause::ForwardingEntry }
}

/// Fails unless the client has been told to pull just this, and each once.
#[track_caller]
fn assert_told<const N: usize>(client: &ClientRef<A>, expected: [Pull<A>; N]) {
    let mut told: Vec<_> = client.told().collect();
    told.sort_unstable();
    let expected: Vec<_> = BTreeSet::from(expected).into_iter().collect();
    assert_eq!(told, expected, "told to {}", client.name());
}

#[test]
fn en_5_it_is_the_joins_that_no_prune_has_ended() {
    let r = Router::<A>::new();
    assert_told(&r.pim, []);
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.adds(lan(), all());
    r.dvmrp.adds(lan(), from(2, 2));
    r.pim.adds(up(), star(3));
    assert_told(&r.pim, [wanted(star(1)), wanted(all()), wanted(from(2, 2))]);
    assert_told(&r.dvmrp, [wanted(star(3))]);
    r.packet(1, 1, up());
    assert_told(&r.pim, [wanted(star(1)), wanted(all()), wanted(from(2, 2)), streamed(1, 1)]);
    r.dvmrp.deletes(lan(), star(1));
    r.dvmrp.deletes(lan(), all());
    assert_told(&r.pim, [wanted(from(2, 2))]);
    r.pim.adds(up(), from(2, 2));
    assert_told(&r.pim, [wanted(from(2, 2))]);
    r.dvmrp.deletes(lan(), from(2, 2));
    assert_told(&r.pim, []);
    assert_told(&r.dvmrp, [wanted(star(3))]);
}

/// An (S,G) is pulled for each of two causes, and each ends alone.
#[test]
fn en_5_it_is_a_set_of_pairs_of_entry_and_cause() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), from(1, 1));
    r.packet(1, 1, up());
    assert_told(&r.pim, [wanted(from(1, 1)), streamed(1, 1)]);
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    assert_told(&r.pim, [wanted(from(1, 1))]);
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    r.dvmrp.deletes(lan(), from(1, 1));
    assert_told(&r.pim, [streamed(1, 1)]);
}

#[test]
fn en_5_cl_5_who_registers_late_reads_what_others_want_and_bears_the_prune() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.igmp.adds(stub(), star(1));
    r.dvmrp.adds(lan(), from(1, 1));
    let bgmp = r.protocol(BGMP);
    assert_told(&bgmp, [wanted(star(1))]);
    r.forget_calls();
    r.dvmrp.deletes(lan(), star(1));
    r.igmp.deletes(stub(), star(1));
    r.assert_callbacks([prune_alert(PIM, star(1)), prune_alert(DVMRP, star(1)), prune_alert(BGMP, star(1))]);
    assert_told(&bgmp, []);
}

#[test]
fn en_5_cl_6_igmp_reads_something_only_if_it_asked_to_be_told() {
    let told = Router::<A>::with_told_igmp();
    let other = Router::<A>::new();
    for (r, stream) in [(&told, vec![wanted(star(1)), streamed(1, 1)]), (&other, vec![])] {
        r.reroute(1, stub());
        r.dvmrp.adds(lan(), star(1));
        r.packet(1, 1, stub());
        let mut read: Vec<_> = r.igmp.told().collect();
        read.sort_unstable();
        assert_eq!(read, stream);
    }
}

#[test]
fn en_5_ct_5_ct_8_of_a_source_it_is_the_owner_of_the_way() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), from(1, 1));
    assert_told(&r.pim, [wanted(from(1, 1))]);
    r.reroute(1, dmz());
    assert_told(&r.pim, []);
    assert_told(&r.dvmrp, [wanted(from(1, 1))]);
    r.dvmrp.releases(dmz());
    assert_told(&r.dvmrp, []);
    r.pim.takes(dmz());
    assert_told(&r.pim, [wanted(from(1, 1))]);
}

/// The source may resume, so nobody hears of it; but it is pulled no more.
#[test]
fn en_5_fw_6_a_deleted_forwarding_entry_is_listed_no_more() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    assert_told(&r.pim, [wanted(star(1)), streamed(1, 1)]);
    r.forget_calls();
    r.expire(900);
    r.assert_callbacks([]);
    assert_told(&r.pim, [wanted(star(1))]);
}

#[test]
fn en_5_alerts_that_wait_count_as_told() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    pim.adds(eth(1), star(2));
    t.inside(join_alert(DVMRP, star(1)), |dvmrp| {
        assert_told(dvmrp, [wanted(star(1)), wanted(star(2)), wanted(star(3))]);
    });
    t.forget_calls();
    pim.batches(eth(1), [MembershipChange::Add(star(1)), MembershipChange::Add(star(3))]);
    t.assert_calls([join_alert(DVMRP, star(1)), join_alert(DVMRP, star(3))]);
    assert_told(&dvmrp, [wanted(star(1)), wanted(star(2)), wanted(star(3))]);
}

#[test]
fn en_5_a_client_that_has_gone_has_been_told_nothing() {
    let t = Testbed::<A>::new();
    let (pim, dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
    pim.takes(eth(1));
    let dvmrp = Arc::new(parking_lot::Mutex::new(Some(dvmrp)));
    let handle = Arc::clone(&dvmrp);
    t.inside(join_alert(DVMRP, star(1)), move |me| {
        assert_told(me, [wanted(star(1))]);
        drop(handle.lock().take());
        assert_told(me, []);
    });
    pim.adds(eth(1), star(1));
}

/// What the client was told all along is listed once, whatever comes and goes meanwhile.
#[test]
fn en_5_en_4_in_pages_none_that_is_there_all_along_is_missed_or_repeated() {
    let r = Router::<A>::new();
    let mut expected = BTreeSet::new();
    for n in 1..=600 {
        r.dvmrp.adds(lan(), star(n));
        r.packet(n, n, up());
        expected.extend([wanted(star(n)), streamed(n, n)]);
    }
    let mut seen = Vec::new();
    for (turn, pull) in (0_u16..).zip(r.pim.told()) {
        seen.push(pull);
        if turn % 3 == 0 {
            r.dvmrp.adds(lan(), star(1000 + turn)); // comes
            r.packet(3000 + turn, 1 + turn % 20, up());
            r.dvmrp.adds(lan(), star(999));
            r.packet(1, 999, up());
            r.dvmrp.deletes(lan(), star(999)); // goes
            r.pim.set_mfe_timeout(A::source(1), A::group(999), std::time::Duration::ZERO).unwrap();
            let _next = r.mgm.expire(r.now());
        }
    }
    let unique: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "none twice");
    assert_eq!(expected.difference(&unique).count(), 0, "none missing");
}

#[test]
fn en_5_a_page_is_read_at_one_moment_and_the_end_is_final() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    (1..=1000).for_each(|n| _ = pim.adds(eth(1), star(n)));
    let mut told = dvmrp.told();
    told.next().unwrap();
    pim.releases(eth(1)); // while it is read: no lock is held
    assert!(told.by_ref().count() < 256);
    pim.takes(eth(1));
    pim.adds(eth(1), star(1));
    assert_eq!(told.next(), None);
}

#[test]
fn en_5_an_alert_knows_what_it_is_about() {
    let pull = wanted(star(1));
    assert_eq!(Alert::Join { entry: pull.entry, cause: pull.cause }.pull(), Some(pull));
    assert_eq!(Alert::Prune { entry: pull.entry, cause: pull.cause }.pull(), Some(pull));
    assert_eq!(Alert::LocalJoin { interface: eth(1), entry: star::<A>(1) }.pull(), None);
    assert_eq!(pull.to_string(), format!("(*, {}), membership", A::group(1)));
}
