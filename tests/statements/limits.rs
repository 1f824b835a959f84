//! How many entries there may be: MB-7.

use mgm::{Error, Limit, Limits};

use super::A;
use crate::support::*;

fn reached(limit: Limit<A>) -> Result<(), Error<A>> {
    Err(Error::LimitReached(limit))
}

#[test]
fn mb_7_entries_in_all_are_limited() {
    let r = Router::<A>::limited(Limits::default().mfes(2));
    r.packet(1, 1, up());
    r.packet(2, 2, up());
    r.forget_calls();
    assert_eq!(r.try_packet(3, 3, up()), reached(Limit::Mfes { max: 2 }));
    r.assert_calls([]); // nobody is asked, nothing is made
    assert_eq!(r.mgm.mfes().count(), 2);
    r.packet(1, 1, up()); // one that is there is no new one
    r.assert_calls([]);
    r.expire(900);
    r.packet(3, 3, up());
    assert_eq!(r.path(3, 3), path(up(), []));
}

#[test]
fn mb_7_entries_of_one_group_are_limited() {
    let r = Router::<A>::limited(Limits::default().mfes_per_group(2));
    for (source, group) in [(1, 5), (2, 5), (1, 4), (2, 4), (1, 6)] {
        r.packet(source, group, up());
    }
    r.forget_calls();
    let limit = Limit::MfesOfGroup { group: A::group(5), max: 2 };
    assert_eq!(r.try_packet(3, 5, up()), reached(limit));
    r.assert_calls([]);
    r.packet(2, 6, up());
    let limit = Limit::MfesOfGroup { group: A::group(6), max: 2 };
    assert_eq!(r.try_packet(3, 6, up()), reached(limit));
    assert_eq!(r.mgm.mfes().count(), 6);
}

#[test]
fn mb_7_without_a_limit_there_is_none() {
    let r = Router::<A>::new();
    for source in 0..1000 {
        r.packet(source, 1, up());
    }
    assert_eq!(r.mgm.mfes().count(), 1000);
}

/// Inside `rpf` the entry is not there yet, and counts all the same.
#[test]
fn mb_7_fw_13_entries_in_the_making_count() {
    let in_all = (Limits::default().mfes(1), Limit::Mfes { max: 1 }, 2);
    let per_group =
        (Limits::default().mfes_per_group(1), Limit::MfesOfGroup { group: A::group(1), max: 1 }, 1);
    for (limits, limit, group) in [in_all, per_group] {
        let r = Router::<A>::limited(limits);
        let now = r.now();
        r.inside_next(PIM, What::is_rpf, move |pim| {
            let refused = pim.manager().packet_received(A::source(2), A::group(group), up(), &[], now);
            assert_eq!(refused, reached(limit));
        });
        r.packet(1, 1, up());
        assert_eq!(r.mgm.mfes().count(), 1);
    }
}

/// One that is made anew counts once.
#[test]
fn mb_7_a_renewal_takes_no_room() {
    for limits in [Limits::default().mfes(2), Limits::default().mfes_per_group(2)] {
        let r = Router::<A>::limited(limits);
        r.packet(1, 1, up());
        r.traffic(1, 1, up());
        let now = r.at(900);
        r.inside_next(PIM, What::is_rpf, move |pim| {
            pim.manager().packet_received(A::source(2), A::group(1), up(), &[], now).unwrap();
            let refused = pim.manager().packet_received(A::source(3), A::group(1), up(), &[], now);
            assert!(refused.is_err());
        });
        r.expire(900);
        assert_eq!(r.mgm.mfes().count(), 2);
    }
}

#[test]
fn mb_7_what_was_refused_leaves_nothing_in_the_making() {
    let r = Router::<A>::limited(Limits::default().mfes(1));
    r.packet(1, 1, up());
    for _ in 0..5 {
        assert!(r.try_packet(2, 1, up()).is_err());
    }
    r.expire(900);
    r.packet(2, 1, up());
    assert_eq!(r.path(2, 1), path(up(), []));
}

#[test]
fn mb_7_an_add_that_is_refused_for_waiting_alerts_leaves_the_entries_as_they_were() {
    let r = Router::<A>::limited(Limits::default().waiting_alerts(3));
    for source in 1..=4 {
        r.packet(source, 1, up());
    }
    r.packet(1, 2, up());
    r.forget_calls();
    let refused = Error::LimitReached(Limit::WaitingAlerts { client: r.pim.name(), max: 3 });
    assert_eq!(r.dvmrp.add_group_membership(lan(), star(1)), Err(refused));
    r.assert_callbacks([]);
    assert_eq!(r.path(1, 1), path(up(), []));
    r.dvmrp.adds(lan(), star(2)); // two
    assert_eq!(r.path(1, 2), path(up(), [lan()]));
}

/// One host that joins and leaves a group costs what the group has, not what all groups have.
#[test]
fn mb_7_the_cost_for_one_entry_does_not_grow_with_the_number_of_entries() {
    let cost = |others: u16| {
        let r = Router::<A>::new();
        r.packet(1, 1, up());
        for source in 0..others {
            r.packet(2000 + source, 2 + source % 50, up());
        }
        r.forget_calls();
        r.dvmrp.adds(lan(), star(1));
        r.dvmrp.forwards(lan(), 1, 1, mgm::ForwardState::Off);
        r.reroute(1, alt());
        r.dvmrp.deletes(lan(), star(1));
        r.dvmrp.adds(lan(), from(1, 1));
        r.packet(1, 99, up());
        r.calls()
    };
    let alone = cost(0);
    assert_eq!(alone, cost(1000), "calls of the forwarder, the RIB and the clients");
    assert!(alone.len() < 20);
}

#[test]
fn ct_8_a_refused_block_leaves_the_route_to_the_source_known() {
    let r = Router::<A>::limited(Limits::default().waiting_alerts(0));
    r.pim.releases(up());
    let wanted = from::<A>(1, 1);
    r.igmp.add_group_membership(stub(), wanted).unwrap();
    r.pim.takes(up());
    let refused = r.igmp.block_source(stub(), wanted.source().unwrap(), wanted.group().unwrap());
    assert!(refused.is_err(), "PIM would have to hear of it");
    r.forget_calls();
    r.reroute(1, lan());
    assert_eq!(r.callbacks().len(), 2, "PIM prunes, DVMRP joins");
}
