//! The time of an entry, and its renewal: FW-7.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn fw_7_an_idle_entry_is_deleted_after_900_s_without_a_word() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.forget_calls();
    assert_eq!(r.expire(899), Some(900));
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
    assert_eq!(r.expire(900), None);
    assert_eq!(r.path(1, 1), None);
    r.assert_calls([delete_mfe(1, 1)]);
}

#[test]
fn fw_7_one_that_carried_packets_is_made_anew_in_place_without_a_gap() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.forget_calls();
    assert_eq!(r.expire(900), Some(1800));
    r.assert_calls([
        lookup(1, up()),
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(DVMRP, 1, 1, up(), [enabled(lan())]),
        mfe_join(PIM, 1, 1),
    ]);
    let mfe = r.mfe(1, 1).unwrap();
    assert_eq!((mfe.made, mfe.expires), (r.at(900), Some(r.at(1800))));
    // Idle since it was renewed, it goes.
    assert_eq!(r.expire(1800), None);
    r.assert_calls([delete_mfe(1, 1)]);
}

#[test]
fn fw_7_a_renewal_asks_and_tells_as_a_creation_and_forward_state_outlives_it() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.pim.set_mfe(A::source(1), A::group(1), up(), None).unwrap();
    r.dvmrp.forwards(dmz(), 1, 1, ForwardState::On);
    r.forget_calls();
    r.expire(900);
    // Forward state is shown, and may be changed.
    r.assert_callbacks([
        rpf(PIM, 1, 1, arrived(up()), via(up())),
        creation_alert(DVMRP, 1, 1, up(), [enabled(lan()), enabled(dmz())]),
        mfe_join(PIM, 1, 1),
    ]);
    assert_eq!(r.path(1, 1), path(up(), [lan(), dmz()]), "forward state stays");
    assert_eq!(r.mfe(1, 1).unwrap().upstream, Some(neighbour::<A>(up())));
    r.answer_creation(DVMRP, |_, oifs| oifs.iter_mut().for_each(|oif| oif.set_enabled(false)));
    r.traffic(1, 1, up());
    r.expire(1800);
    assert_eq!(r.path(1, 1), path(up(), []), "and is what was answered now");
    assert_eq!(r.callbacks().last(), Some(&mfe_prune(PIM, 1, 1)));
    r.assert_in_step();
    r.answer_creation(DVMRP, |_, _| ());
    r.traffic(1, 1, up());
    r.expire(2700);
    assert_eq!(r.path(1, 1), path(up(), []), "off stays as well");
    // It ends with the tenure in which it was set.
    r.dvmrp.releases(lan());
    r.dvmrp.takes(lan());
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

#[test]
fn fw_7_a_renewal_finds_a_route_that_changed_unheard() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.rib.set(A::every_source(), alt());
    r.expire(900);
    assert_eq!(r.path(1, 1), path(alt(), [lan()]));
}

#[test]
fn fw_7_without_a_route_too() {
    let r = Router::<A>::new();
    r.rib.remove(A::every_source());
    r.packet(1, 1, wan());
    r.traffic(1, 1, wan());
    r.forget_calls();
    assert_eq!(r.expire(900), Some(1800));
    r.assert_calls([lookup(1, None)]);
}

#[test]
fn fw_7_many_at_once_each_by_its_own_traffic() {
    let r = Router::<A>::new();
    for source in 0..400 {
        r.packet(source, source % 7, up());
        if source % 2 == 0 {
            r.traffic(source, source % 7, up());
        }
    }
    r.forget_calls();
    assert_eq!(r.expire(900), Some(1800));
    assert_eq!(r.commands().len(), 200, "those that are deleted: a renewal that changes nothing is no news");
    assert!((0..400).all(|source| r.path(source, source % 7).is_none() == (source % 2 == 1)));
}

#[test]
fn fw_7_an_entry_whose_statistics_cannot_be_read_counts_as_carrying_packets() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.packet(2, 1, up());
    r.forwarder.before_stats(|of| if of == A::source(1) { Err(ForwarderError::Full) } else { boom() });
    r.forget_calls();
    assert_eq!(r.expire(900), Some(1800));
    let asked = |source| rpf(PIM, source, 1, arrived(up()), via(up()));
    r.assert_callbacks([asked(1), mfe_prune(PIM, 1, 1), asked(2), mfe_prune(PIM, 2, 1)]);
    r.assert_panics(1);
    // What cannot be read tells nothing of the time after it could be.
    r.forwarder.before_stats(|_| Ok(()));
    assert_eq!(r.expire(1800), None);
    assert_eq!([r.path(1, 1), r.path(2, 1)], [None, None]);
}

#[test]
fn fw_7_the_owner_of_the_iif_may_set_another_time() {
    let r = Router::<A>::new();
    let set = |client: &Client<A>, seconds| {
        client.set_mfe_timeout(A::source(1), A::group(1), Duration::from_secs(seconds))
    };
    let entry = from(1, 1);
    assert_eq!(set(&r.pim, 1), Err(Error::NoSuchMfe { entry }));
    r.packet(1, 1, up());
    let refused = Error::NotIncoming { entry, client: r.dvmrp.name(), owner: Some(r.pim.name()) };
    assert_eq!(set(&r.dvmrp, 1), Err(refused));
    r.expire(100);
    set(&r.pim, 150).unwrap(); // from when it was made
    assert_eq!(r.mfe(1, 1).unwrap().expires, Some(r.at(150)));
    assert_eq!(r.expire(149), Some(150));
    set(&r.pim, 5000).unwrap();
    assert_eq!(r.expire(900), Some(5000));
    assert_eq!(r.path(1, 1), path(up(), []));
    set(&r.pim, 0).unwrap();
    assert_eq!(r.expire(900), None);
    assert_eq!(r.path(1, 1), None);
}

#[test]
fn fw_7_the_longest_time_is_no_short_one() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    r.pim.set_mfe_timeout(A::source(1), A::group(1), Duration::MAX).unwrap();
    r.expire(1_000_000_000);
    assert_eq!(r.path(1, 1), path(up(), []));
}

#[test]
fn fw_7_the_time_may_be_set_inside_an_alert_of_the_entry() {
    let r = Router::<A>::new();
    r.inside_alerts(PIM, |pim, what| {
        if what.is_prune() {
            pim.set_mfe_timeout(A::source(1), A::group(1), Duration::from_secs(30)).unwrap();
        }
    });
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    assert_eq!(r.expire(30), Some(60), "again at its renewal");
    assert_eq!(r.expire(60), None);
    assert_eq!(r.path(1, 1), None);
}

#[test]
fn fw_7_one_that_is_given_more_time_while_the_forwarder_is_asked_stays_as_it_is() {
    let r = Router::<A>::new();
    for source in [1, 2] {
        r.packet(source, 1, up());
    }
    r.traffic(1, 1, up());
    let hour = Duration::from_secs(3600);
    // The owner is asked for S1 while the entry of S2, which is idle, has been found to be due as well.
    r.inside_next(PIM, What::is_rpf, move |pim| {
        pim.set_mfe_timeout(A::source(2), A::group(1), hour).unwrap();
    });
    assert_eq!(r.expire(900), Some(1800));
    assert_eq!(r.mfe(2, 1).unwrap().expires, Some(r.at(3600)));
    // And one that carried packets: asked for itself.
    r.traffic(1, 1, up());
    r.traffic(2, 1, up());
    r.inside_next(PIM, What::is_rpf, move |pim| {
        pim.set_mfe_timeout(A::source(2), A::group(1), 3 * hour).unwrap();
    });
    r.pim.set_mfe_timeout(A::source(2), A::group(1), Duration::from_secs(1801)).unwrap();
    r.forget_calls();
    assert_eq!(r.expire(1801), Some(2701));
    assert_eq!(r.mfe(2, 1).unwrap().expires, Some(r.at(3 * 3600)));
    r.assert_commands([]);
    assert_eq!(r.mfe(1, 1).unwrap().expires, Some(r.at(2701)));
}

#[test]
fn fw_7_an_expiry_of_a_manager_without_entries_asks_for_nothing() {
    let mgm = Mgm::<A>::default();
    assert_eq!(mgm.expire(Instant::now()), None);
}
