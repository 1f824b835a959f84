//! Every refusal: one test for each bullet of an `# Errors` section, named after the call and the error.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;

/// What `call` is refused with, in plain words, and whether it is a misuse; nothing has changed.
fn refused_by<T: std::fmt::Debug>(
    mgm: &Mgm<A>,
    call: impl FnOnce() -> Result<T, Error<A>>,
) -> (Error<A>, String, bool) {
    let read = || (mgm.interfaces(), held(mgm), mgm.caught_panics());
    let before = read();
    let error = call().unwrap_err();
    assert_eq!(read(), before, "a refusal changes nothing");
    (error.clone(), error.to_string(), error.is_misuse())
}

/// The same, and nobody has been called.
fn refused<T: std::fmt::Debug>(
    t: &Testbed<A>,
    call: impl FnOnce() -> Result<T, Error<A>>,
) -> (Error<A>, String, bool) {
    let refused = refused_by(&t.mgm, call);
    t.assert_calls([]);
    refused
}

fn said(error: Error<A>, text: impl Into<String>, misuse: bool) -> (Error<A>, String, bool) {
    (error, text.into(), misuse)
}

/// Calls as a client that goes while one of its callbacks runs.
fn as_one_that_has_gone(call: impl FnOnce(&Mgm<A>, &ClientRef<A>) + Send + 'static) {
    let t = Testbed::<A>::new();
    let (igmp, bgmp) = (t.igmp(), t.protocol(BGMP));
    igmp.takes(eth(1));
    t.inside(join_alert(BGMP, star(1)), |me| {
        drop(bgmp);
        call(&me.manager(), me);
    });
    igmp.adds(eth(1), star(1));
    t.assert_calls([join_alert(BGMP, star(1))]);
}

fn gone() -> (Error<A>, String, bool) {
    let client = ClientName::Protocol(BGMP);
    said(Error::Deregistered { client }, "protocol 3.0 has deregistered", false)
}

/// Calls while IGMP is disabled on eth1, and PIM releases it.
fn during_a_hand_over(call: impl FnOnce(&Mgm<A>, &ClientRef<A>) + Send + 'static) {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    t.inside(disable_igmp(eth(1)), |igmp| call(&igmp.manager(), igmp));
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
}

fn in_progress() -> (Error<A>, String, bool) {
    let interface = eth(1);
    said(Error::HandoverInProgress { interface }, "interface 1 is being handed over", false)
}

fn disabled() -> (Error<A>, String, bool) {
    let text = "IGMP is disabled on interface 1 during its hand-over";
    said(Error::IgmpDisabled { interface: eth(1) }, text, false)
}

fn not_on(interface: u32, owner: Option<ClientName>, owned: &str) -> (Error<A>, String, bool) {
    let client = ClientName::Protocol(DVMRP);
    let text = format!("protocol 2.0 is not on interface {interface}, which {owned}");
    said(Error::NotOnInterface { interface: eth(interface), client, owner }, text, true)
}

fn not_on_eth1() -> (Error<A>, String, bool) {
    not_on(1, Some(ClientName::Protocol(PIM)), "is owned by protocol 1.0")
}

fn source_required() -> (Error<A>, String, bool) {
    let group = A::group(SSM);
    let range = A::ssm_range();
    let text =
        format!("group {group} is in the source-specific range {range}, and (*, {group}) names no source");
    said(Error::SourceRequired { group, range }, text, true)
}

#[test]
fn register_igmp_igmp_already_registered() {
    let t = Testbed::<A>::new();
    let _clients = t.three();
    let expected = said(Error::IgmpAlreadyRegistered, "IGMP is already registered", true);
    assert_eq!(refused(&t, || t.mgm.register_igmp(t.mock())), expected);
}

#[test]
fn register_protocol_already_registered() {
    let t = Testbed::<A>::new();
    let _clients = t.three();
    let expected = said(Error::AlreadyRegistered { id: PIM }, "protocol 1.0 is already registered", true);
    assert_eq!(refused(&t, || t.mgm.register_protocol(PIM, t.mock())), expected);
}

#[test]
fn deregister_still_on_interfaces() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    pim.takes(eth(3));
    let mut client = None;
    let got = refused(&t, || {
        pim.deregister().map_err(|refused| {
            assert_eq!(refused.to_string(), refused.error().to_string());
            let error = refused.error().clone();
            client = Some(refused.into_client());
            error
        })
    });
    let (client, interfaces) = (client.unwrap(), vec![eth(1), eth(3)]);
    let error = Error::StillOnInterfaces { client: client.name(), interfaces };
    assert_eq!(got, said(error, "protocol 1.0 is still on interface 1, 3", true));
    client.adds(eth(3), from(1, 1));
}

#[test]
fn take_interface_ownership_handover_in_progress() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.take_interface_ownership(eth(1))), in_progress());
    });
}

#[test]
fn take_interface_ownership_already_taken() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    for (client, text) in [(&igmp, "IGMP"), (&pim, "protocol 1.0")] {
        let error = Error::AlreadyTaken { interface: eth(1), client: client.name() };
        let expected = said(error, format!("{text} is already on interface 1"), true);
        assert_eq!(refused(&t, || client.take_interface_ownership(eth(1))), expected);
    }
}

#[test]
fn take_interface_ownership_owned_by_another() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    let error = Error::OwnedByAnother { interface: eth(1), owner: pim.name() };
    let expected = said(error, "interface 1 is owned by protocol 1.0", false);
    assert_eq!(refused(&t, || dvmrp.take_interface_ownership(eth(1))), expected);
}

#[test]
fn take_interface_ownership_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.take_interface_ownership(eth(2))), gone());
    });
}

#[test]
fn release_interface_ownership_handover_in_progress() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.release_interface_ownership(eth(1))), in_progress());
    });
}

#[test]
fn release_interface_ownership_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    assert_eq!(refused(&t, || dvmrp.release_interface_ownership(eth(1))), not_on_eth1());
    let nobodys = not_on(2, None, "nobody owns");
    assert_eq!(refused(&t, || dvmrp.release_interface_ownership(eth(2))), nobodys);
}

#[test]
fn release_interface_ownership_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.release_interface_ownership(eth(1))), gone());
    });
}

#[test]
fn add_group_membership_source_required() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    let group = A::group(SSM).into();
    assert_eq!(refused(&t, || igmp.add_group_membership(eth(1), group)), source_required());
}

#[test]
fn add_group_membership_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    assert_eq!(refused(&t, || dvmrp.add_group_membership(eth(1), star(1))), not_on_eth1());
}

#[test]
fn add_group_membership_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.add_group_membership(eth(1), star(1))), disabled());
    });
}

#[test]
fn add_group_membership_limit_reached() {
    let limits = [
        (Limits::default().memberships(0), Limit::Memberships { max: 0 }, "0 memberships and blocks in all"),
        (
            Limits::default().memberships_per_interface(0),
            Limit::MembershipsOnInterface { interface: eth(1), max: 0 },
            "0 memberships and blocks on interface 1",
        ),
        (
            Limits::default().memberships_per_client(0),
            Limit::MembershipsOfClient { client: ClientName::Protocol(PIM), max: 0 },
            "0 memberships and blocks of protocol 1.0",
        ),
        (
            Limits::default().waiting_alerts(0),
            Limit::WaitingAlerts { client: ClientName::Protocol(DVMRP), max: 0 },
            "0 alerts waiting for protocol 2.0",
        ),
    ];
    for (limits, limit, text) in limits {
        let t = Testbed::<A>::limited(limits);
        let [_igmp, pim, _dvmrp] = t.three();
        let expected = said(Error::LimitReached(limit), format!("limit reached: {text}"), false);
        assert_eq!(refused(&t, || pim.add_group_membership(eth(1), star(1))), expected);
    }
}

#[test]
fn add_group_membership_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.add_group_membership(eth(1), star(2))), gone());
    });
}

#[test]
fn delete_group_membership_source_required() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    let group = A::group(SSM).into();
    assert_eq!(refused(&t, || igmp.delete_group_membership(eth(1), group)), source_required());
}

#[test]
fn delete_group_membership_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    pim.adds(eth(1), star(1));
    t.assert_calls([join_alert(DVMRP, star(1))]);
    assert_eq!(refused(&t, || dvmrp.delete_group_membership(eth(1), star(1))), not_on_eth1());
}

#[test]
fn delete_group_membership_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.delete_group_membership(eth(1), star(1))), disabled());
    });
}

#[test]
fn delete_group_membership_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.delete_group_membership(eth(1), star(1))), gone());
    });
}

#[test]
fn block_source_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    let got = refused(&t, || dvmrp.block_source(eth(1), A::source(1), A::group(1)));
    assert_eq!(got, not_on_eth1());
}

#[test]
fn block_source_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.block_source(eth(1), A::source(1), A::group(1))), disabled());
    });
}

#[test]
fn block_source_limit_reached() {
    let t = Testbed::<A>::limited(Limits::default().memberships(0));
    let [igmp, _pim, _dvmrp] = t.three();
    let got = refused(&t, || igmp.block_source(eth(1), A::source(1), A::group(1)));
    let error = Error::LimitReached(Limit::Memberships { max: 0 });
    assert_eq!(got, said(error, "limit reached: 0 memberships and blocks in all", false));
}

#[test]
fn block_source_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.block_source(eth(1), A::source(1), A::group(1))), gone());
    });
}

#[test]
fn unblock_source_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    let got = refused(&t, || dvmrp.unblock_source(eth(1), A::source(1), A::group(1)));
    assert_eq!(got, not_on_eth1());
}

#[test]
fn unblock_source_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.unblock_source(eth(1), A::source(1), A::group(1))), disabled());
    });
}

#[test]
fn unblock_source_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.unblock_source(eth(1), A::source(1), A::group(1))), gone());
    });
}

#[test]
fn a_refused_registration_leaves_the_registered_client_its_callbacks() {
    let t = Testbed::<A>::new();
    let [igmp, ..] = &t.three();
    assert!(t.mgm.register_protocol(PIM, NoCallbacks).is_err());
    igmp.adds(eth(1), from(1, 1));
    t.assert_calls([local_join(PIM, eth(1), from(1, 1))]);
}

/// After every call that a test makes: a minute.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn not_the_owner() -> (Error<A>, String, bool) {
    let (client, owner) = (IGMP, ClientName::Protocol(PIM));
    said(
        Error::NotOwner { interface: eth(1), client, owner },
        "IGMP is on interface 1, which is owned by protocol 1.0",
        true,
    )
}

#[test]
fn offer_interface_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    assert_eq!(refused(&t, || dvmrp.offer_interface(eth(1), PIM)), not_on_eth1());
    assert_eq!(refused(&t, || dvmrp.offer_interface(eth(2), PIM)), not_on(2, None, "nobody owns"));
}

#[test]
fn offer_interface_not_owner() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    assert_eq!(refused(&t, || igmp.offer_interface(eth(1), DVMRP)), not_the_owner());
}

/// Where IGMP is alone it is the owner, and has nobody's place to give away.
#[test]
fn offer_interface_not_offered() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    igmp.takes(eth(2));
    let error = Error::NotOffered { interface: eth(2), client: IGMP };
    let expected = said(error, "IGMP cannot offer interface 2: it is no routing protocol", true);
    assert_eq!(refused(&t, || igmp.offer_interface(eth(2), PIM)), expected);
    assert_eq!(refused(&t, || igmp.withdraw_offer(eth(2))), expected);
}

#[test]
fn offer_interface_not_registered() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    let expected = said(Error::NotRegistered { id: BGMP }, "protocol 3.0 is not registered", false);
    assert_eq!(refused(&t, || pim.offer_interface(eth(1), BGMP)), expected);
    // One that is going away is nobody to offer to.
    drop(t.protocol(BGMP));
    assert_eq!(refused(&t, || pim.offer_interface(eth(1), BGMP)), expected);
}

#[test]
fn offer_interface_offered_to_itself() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    let error = Error::OfferedToItself { interface: eth(1), client: pim.name() };
    let expected = said(error, "protocol 1.0 offers interface 1 to itself", true);
    assert_eq!(refused(&t, || pim.offer_interface(eth(1), PIM)), expected);
}

#[test]
fn offer_interface_already_offered() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    let _bgmp = t.protocol(BGMP);
    pim.offers(eth(1), DVMRP);
    let error = Error::AlreadyOffered { interface: eth(1), to: dvmrp.name() };
    let expected = said(error, "interface 1 is offered to protocol 2.0 already", false);
    for to in [DVMRP, BGMP] {
        assert_eq!(refused(&t, || pim.offer_interface(eth(1), to)), expected);
    }
}

#[test]
fn offer_interface_handover_in_progress() {
    let t = Testbed::<A>::new();
    let (igmp, pim, _dvmrp) = (t.igmp(), Arc::new(t.protocol(PIM)), t.protocol(DVMRP));
    pim.takes(eth(1));
    igmp.takes(eth(1));
    let offers = Arc::clone(&pim);
    t.inside(disable_igmp(eth(1)), move |me| {
        let mgm = me.manager();
        assert_eq!(refused_by(&mgm, || offers.offer_interface(eth(1), DVMRP)), in_progress());
        assert_eq!(refused_by(&mgm, || offers.withdraw_offer(eth(1))), in_progress());
        assert_eq!(refused_by(&mgm, || offers.begin_refresh(eth(1), soon())), in_progress());
    });
    pim.releases(eth(1));
    t.assert_calls(bracket(eth(1), []));
}

#[test]
fn offer_interface_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.offer_interface(eth(1), PIM)), gone());
        assert_eq!(refused_by(mgm, || me.withdraw_offer(eth(1))), gone());
    });
}

#[test]
fn withdraw_offer_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, dvmrp] = t.three();
    pim.offers(eth(1), DVMRP);
    assert_eq!(refused(&t, || dvmrp.withdraw_offer(eth(1))), not_on_eth1());
}

#[test]
fn withdraw_offer_not_owner() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    pim.offers(eth(1), DVMRP);
    assert_eq!(refused(&t, || igmp.withdraw_offer(eth(1))), not_the_owner());
}

#[test]
fn begin_refresh_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    assert_eq!(refused(&t, || dvmrp.begin_refresh(eth(1), soon())), not_on_eth1());
}

#[test]
fn begin_refresh_refresh_in_progress() {
    let t = Testbed::<A>::new();
    let [igmp, pim, _dvmrp] = t.three();
    igmp.adds(eth(1), star(1));
    t.forget_calls();
    for (client, text) in [(&igmp, "IGMP"), (&pim, "protocol 1.0")] {
        let refresh = client.begin_refresh(eth(1), soon()).unwrap();
        let error = Error::RefreshInProgress { interface: eth(1), client: client.name() };
        let expected = said(error, format!("{text} is refreshing what it holds on interface 1"), true);
        assert_eq!(refused(&t, || client.begin_refresh(eth(1), soon())), expected);
        igmp.adds(eth(1), star(1));
        refresh.end();
    }
    t.assert_calls([]);
}

#[test]
fn begin_refresh_deadline_passed() {
    let t = Testbed::<A>::new();
    let [_igmp, pim, _dvmrp] = t.three();
    pim.adds(eth(1), from(1, 1));
    let now = soon();
    assert_eq!(t.mgm.expire(now), None);
    let error = Error::DeadlinePassed { interface: eth(1) };
    let expected = said(error, "the deadline of the refresh on interface 1 has passed", true);
    for deadline in [now, now - Duration::from_secs(1)] {
        assert_eq!(refused(&t, || pim.begin_refresh(eth(1), deadline)), expected);
    }
    drop(pim.begin_refresh(eth(1), now + Duration::from_nanos(1)).unwrap());
}

#[test]
fn begin_refresh_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.begin_refresh(eth(1), soon())), disabled());
    });
}

/// Once `enable_igmp` has returned, the hand-over is a change like any other until it is settled.
#[test]
fn begin_refresh_handover_in_progress() {
    let t = Testbed::<A>::new();
    let [igmp, pim, dvmrp] = t.three();
    let igmp = Arc::new(igmp);
    igmp.adds(eth(1), star(1));
    t.forget_calls();
    let refreshes = Arc::clone(&igmp);
    t.inside(prune_alert(DVMRP, star(1)), move |me| {
        let mgm = me.manager();
        assert_eq!(refused_by(&mgm, || refreshes.begin_refresh(eth(1), soon())), in_progress());
    });
    pim.releases(eth(1));
    drop(dvmrp);
    t.forget_calls();
}

#[test]
fn begin_refresh_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.begin_refresh(eth(1), soon())), gone());
    });
}

#[test]
fn set_group_source_required() {
    let t = Testbed::<A>::new();
    let [igmp, _pim, _dvmrp] = t.three();
    let got = refused(&t, || igmp.set_group(eth(1), A::group(SSM), Filter::JOIN));
    assert_eq!(got, source_required());
}

#[test]
fn set_group_not_on_interface() {
    let t = Testbed::<A>::new();
    let [_igmp, _pim, dvmrp] = t.three();
    assert_eq!(refused(&t, || dvmrp.set_group(eth(1), A::group(1), Filter::JOIN)), not_on_eth1());
}

#[test]
fn set_group_igmp_disabled() {
    during_a_hand_over(|mgm, igmp| {
        assert_eq!(refused_by(mgm, || igmp.set_group(eth(1), A::group(1), Filter::JOIN)), disabled());
    });
}

#[test]
fn set_group_limit_reached() {
    let t = Testbed::<A>::limited(Limits::default().memberships(1));
    let [igmp, _pim, _dvmrp] = t.three();
    let error = Error::LimitReached(Limit::Memberships { max: 1 });
    let expected = said(error, "limit reached: 1 memberships and blocks in all", false);
    let sources = [A::source(1)];
    assert_eq!(refused(&t, || igmp.set_group(eth(1), A::group(1), Filter::Exclude(&sources))), expected);
}

#[test]
fn set_group_deregistered() {
    as_one_that_has_gone(|mgm, me| {
        assert_eq!(refused_by(mgm, || me.set_group(eth(1), A::group(1), Filter::LEAVE)), gone());
        assert_eq!(me.batch(eth(1), [MembershipChange::Add(star(1))]).into_result(), Err(gone().0));
    });
}
