//! Why (S,G) goes where it goes, and who has been told to pull it: EN-6.

use super::*;

/// Why an interface is an oif of (S1,G1) or is not; nothing, if it does not come into question.
fn why(r: &Router<A>, on: Interface<A>) -> Option<WhyOif<A>> {
    why_of(r, 1, on)
}

fn why_of(r: &Router<A>, group: u16, on: Interface<A>) -> Option<WhyOif<A>> {
    let explanation = r.mgm.explain(A::source(1), A::group(group));
    explanation.interfaces.iter().find(|reason| reason.interface == on).map(|reason| reason.why)
}

/// Why a client has been told to pull something for (S1,G1), or has not.
#[track_caller]
fn why_told(r: &Router<A>, client: impl Named, entry: Entry<A>, cause: AlertCause) -> WhyTold<A> {
    let (client, pull) = (client.named(), Pull { entry, cause });
    let explanation = r.mgm.explain(A::source(1), A::group(1));
    let reason = explanation.pulls.iter().find(|reason| (reason.client, reason.pull) == (client, pull));
    reason.unwrap().why
}

/// The only thing that is held of an entry on an interface.
#[track_caller]
fn held_there(r: &Router<A>, on: Interface<A>, entry: Entry<A>, by: impl Named) -> Membership<A> {
    let by = by.named();
    r.mgm.groups_on(on).find(|held| (held.entry, held.added_by) == (entry, by)).unwrap()
}

const WANTED: AlertCause = AlertCause::Membership;
const STREAMED: AlertCause = AlertCause::ForwardingEntry;

#[test]
fn en_6_the_membership_that_puts_an_interface_among_the_oifs() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    assert_eq!(why(&r, lan()), None);
    r.igmp.adds(lan(), all());
    assert_eq!(why(&r, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), all(), IGMP))));
    r.igmp.adds(lan(), star(1));
    assert_eq!(why(&r, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), star(1), IGMP))));
    r.dvmrp.adds(lan(), from(1, 1));
    assert_eq!(why(&r, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), from(1, 1), DVMRP))));
    let explanation = r.mgm.explain(A::source(1), A::group(1));
    assert_eq!(explanation.interfaces[1].memberships.len(), 3);
}

#[test]
fn en_6_the_block_that_keeps_it_out_and_whose() {
    let r = Router::<A>::new();
    r.igmp.takes(lan());
    r.packet(1, 1, up());
    r.igmp.blocks(lan(), 1, 1);
    assert_eq!(why(&r, lan()), Some(WhyOif::Unwanted));
    r.igmp.adds(lan(), star(1));
    assert_eq!(why(&r, lan()), Some(WhyOif::Blocked(held_there(&r, lan(), from(1, 1), IGMP))));
    // A block takes away only what its own client wants.
    r.dvmrp.adds(lan(), all());
    assert_eq!(why(&r, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), all(), DVMRP))));
}

#[test]
fn en_6_forward_state_that_puts_it_in_or_keeps_it_out() {
    let r = Router::<A>::new();
    r.packet(1, 1, up());
    let by = DVMRP.named();
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::On);
    assert_eq!(why(&r, lan()), Some(WhyOif::SwitchedOn { by }));
    r.dvmrp.adds(lan(), star(1));
    r.dvmrp.forwards(lan(), 1, 1, ForwardState::Off);
    assert_eq!(why(&r, lan()), Some(WhyOif::SwitchedOff { by }));
    r.dvmrp.forwards(lan(), 1, 1, None);
    assert_eq!(why(&r, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), star(1), DVMRP))));
}

#[test]
fn en_6_the_iif_whatever_is_wanted_there() {
    let r = Router::<A>::new();
    r.pim.adds(up(), from(1, 1));
    r.packet(1, 1, up());
    assert_eq!(why(&r, up()), Some(WhyOif::Incoming));
    r.pim.set_mfe(A::source(1), A::group(1), alt(), None).unwrap();
    assert_eq!(why(&r, alt()), Some(WhyOif::Incoming));
    assert_eq!(why(&r, up()), Some(WhyOif::Wanted(held_there(&r, up(), from(1, 1), PIM))));
}

#[test]
fn en_6_the_rule_that_an_ssm_group_is_wanted_from_a_source() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), all());
    r.packet(1, SSM, up());
    assert_eq!(why_of(&r, SSM, lan()), Some(WhyOif::SourceSpecific));
    let explanation = r.mgm.explain(A::source(1), A::group(SSM));
    assert_eq!(explanation.ssm_range, Some(A::ssm_range()));
    assert!(explanation.pulls.iter().all(|reason| reason.pull.entry == from(1, SSM)));
    r.dvmrp.adds(lan(), from(1, SSM));
    assert_eq!(why_of(&r, SSM, lan()), Some(WhyOif::Wanted(held_there(&r, lan(), from(1, SSM), DVMRP))));
}

#[test]
fn en_6_what_is_stale_and_from_whom_to_whom_an_interface_goes() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.packet(1, 1, up());
    let mgm = r.mgm.clone();
    r.inside(enable_igmp(stub()), move |_| {
        let explanation = mgm.explain(A::source(1), A::group(1));
        let reason = explanation.interfaces.iter().find(|reason| reason.interface == stub()).unwrap();
        let handover = reason.handover.unwrap();
        assert_eq!((handover.from, handover.to), (Some(IGMP), Some(DVMRP.named())));
        let WhyOif::Wanted(held) = reason.why else { panic!("{reason:?}") };
        assert!(held.stale && held.counts_for == DVMRP.named());
        assert!(reason.why.to_string().ends_with("for protocol 2.0, stale"), "{}", reason.why);
    });
    r.dvmrp.takes(stub());
    assert_eq!(why(&r, stub()), None, "it was not added again");
}

#[test]
fn en_6_who_has_been_told_to_pull_for_whom_and_who_has_not() {
    let r = Router::<A>::new();
    let nobody = WhyTold::NobodyElse;
    r.pim.adds(up(), star(1));
    assert_eq!(why_told(&r, PIM, star(1), WANTED), nobody);
    assert_eq!(why_told(&r, DVMRP, star(1), WANTED), WhyTold::Wanted { by: PIM.named() });
    assert_eq!(why_told(&r, IGMP, star(1), WANTED), WhyTold::DidNotAsk);
    r.dvmrp.adds(lan(), star(1));
    assert_eq!(why_told(&r, PIM, star(1), WANTED), WhyTold::Wanted { by: DVMRP.named() });
    assert_eq!(why_told(&r, PIM, all(), WANTED), nobody);
}

#[test]
fn en_6_of_a_source_the_owner_of_the_way_has_been_told_and_no_other() {
    let r = Router::<A>::new();
    let nobody = WhyTold::NobodyElse;
    let not_upstream = |owner: ClientId| WhyTold::NotUpstream { owner: Some(owner.named()) };
    r.igmp.adds(stub(), from(1, 1));
    assert_eq!(why_told(&r, PIM, from(1, 1), WANTED), WhyTold::Wanted { by: IGMP });
    assert_eq!(why_told(&r, DVMRP, from(1, 1), WANTED), not_upstream(PIM));
    r.packet(1, 1, up());
    let forwarded = WhyTold::Forwarded { on: stub(), counts_for: IGMP };
    assert_eq!(why_told(&r, PIM, from(1, 1), STREAMED), forwarded);
    assert_eq!(why_told(&r, DVMRP, from(1, 1), STREAMED), not_upstream(PIM));
    r.reroute(1, dmz());
    assert_eq!(why_told(&r, PIM, from(1, 1), STREAMED), not_upstream(DVMRP));
    assert_eq!(why_told(&r, DVMRP, from(1, 1), STREAMED), forwarded);
    r.igmp.deletes(stub(), from(1, 1));
    assert_eq!(why_told(&r, DVMRP, from(1, 1), STREAMED), nobody);
    r.rib.remove(host::<A>(1));
    r.rib.remove(A::every_source());
    r.routes_changed();
    assert_eq!(why_told(&r, DVMRP, from(1, 1), STREAMED), WhyTold::NotUpstream { owner: None });
}

#[test]
fn en_6_cl_6_an_igmp_that_asked_is_told_as_any_other() {
    let r = Router::<A>::with_told_igmp();
    r.reroute(1, stub());
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, stub());
    assert_eq!(why_told(&r, IGMP, star(1), WANTED), WhyTold::Wanted { by: DVMRP.named() });
    let forwarded = WhyTold::Forwarded { on: lan(), counts_for: DVMRP.named() };
    assert_eq!(why_told(&r, IGMP, from(1, 1), STREAMED), forwarded);
}

#[test]
fn en_6_without_an_entry_it_says_what_would_be_and_asks_nobody() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.forget_calls();
    let unknown = r.mgm.explain(A::source(1), A::group(1));
    assert_eq!((unknown.installed, unknown.iif, unknown.owner), (false, None, None));
    assert!(unknown.interfaces[0].why.is_oif());
    r.assert_calls([]);
    r.pim.adds(up(), from(1, 1));
    r.forget_calls();
    let known = r.mgm.explain(A::source(1), A::group(1));
    assert_eq!((known.installed, known.iif, known.owner), (false, Some(up()), Some(PIM.named())));
    let oifs: Vec<_> =
        known.interfaces.iter().map(|reason| (reason.interface, reason.why.is_oif())).collect();
    assert_eq!(oifs, [(up(), false), (lan(), true)]);
    assert!(known.pulls.iter().all(|reason| reason.pull.cause == WANTED));
    r.assert_calls([]);
    r.packet(1, 1, up());
    assert_eq!(r.path(1, 1), path(up(), [lan()]));
}

/// In the middle of a change it agrees with what can be read of the entry, which the change has not reached yet.
#[test]
fn en_6_cb_7_in_the_middle_of_a_change_it_agrees_with_the_oifs() {
    let r = Router::<A>::with(|builder| builder.page(1));
    for source in 1..=9 {
        r.packet(source, 1, up());
    }
    let mgm = r.mgm.clone();
    let seen = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let sees = std::sync::Arc::clone(&seen);
    r.inside_alerts(PIM, move |_, _| {
        for mfe in mgm.mfes() {
            let explanation = mgm.explain(mfe.source, mfe.group);
            let oifs = explanation.interfaces.iter().filter(|reason| reason.why.is_oif());
            assert!(oifs.map(|reason| reason.interface).eq(mfe.oifs), "{explanation:?}");
            sees.lock().extend(explanation.interfaces.iter().map(|reason| reason.why));
        }
    });
    r.dvmrp.adds(lan(), star(1));
    assert!(seen.lock().contains(&WhyOif::StillOut));
    seen.lock().clear();
    r.dvmrp.deletes(lan(), star(1));
    assert!(seen.lock().contains(&WhyOif::StillIn));
}

/// There is more than one page of interfaces: each is explained.
#[test]
fn en_6_of_as_many_interfaces_as_there_are() {
    let r = Router::<A>::new();
    for index in 100..700 {
        r.dvmrp.takes(eth(index));
        r.dvmrp.adds(eth(index), star(1));
    }
    r.packet(1, 1, up());
    let explanation = r.mgm.explain(A::source(1), A::group(1));
    let oifs = explanation.interfaces.iter().filter(|reason| reason.why.is_oif());
    assert!(oifs.map(|reason| reason.interface).eq(r.mfe(1, 1).unwrap().oifs));
    assert_eq!(explanation.pulls.len(), 3 * 4);
}

#[test]
fn en_6_in_the_words_of_the_daemon() {
    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    let names = Names::new().client(DVMRP, "DVMRP").interface(lan::<A>().index(), "the \"LAN\"");
    let explanation = r.mgm.explain(A::source(1), A::group(1));
    let text = explanation.named(&names).to_string();
    let wish = format!("yes  DVMRP wants (*, {})\n", A::group(1));
    assert!(text.contains(&wish) && text.contains("oif the \"LAN\" counts for DVMRP\n"), "{text}");
    let graph = explanation.named(&names).mermaid().to_string();
    assert!(graph.contains("interface1[\"the #quot;LAN#quot;\"]\n"), "{graph}");
    assert!(graph.contains("[\"DVMRP\"]\n") && graph.contains("[\"protocol 1.0\"]\n"), "{graph}");
}

#[test]
fn en_6_as_text_and_as_a_graph() {
    let r = Router::<A>::new();
    r.igmp.adds(stub(), star(1));
    r.igmp.blocks(stub(), 2, 1);
    r.dvmrp.adds(lan(), star(1));
    r.packet(2, 1, up());
    let explanation = r.mgm.explain(A::source(2), A::group(1));
    let (s, g) = (A::source(2), A::group(1));
    let rows: Vec<_> = explanation.to_string().lines().map(str::to_owned).collect();
    assert_eq!(rows[0], format!("({s}, {g}) is installed: iif 1, owner protocol 1.0"));
    assert_eq!(
        rows[2..6],
        [
            "Interface  Oif  Why".to_owned(),
            "1          no   it is the iif".to_owned(),
            format!("3          yes  protocol 2.0 wants (*, {g})"),
            "5          no   IGMP blocks the source".to_owned(),
        ]
    );
    let graph = [
        "graph LR".to_owned(),
        format!("    stream[\"({s}, {g})\"]"),
        "    interface0[\"1\"]".to_owned(),
        "    interface1[\"3\"]".to_owned(),
        "    interface2[\"5\"]".to_owned(),
        "    client0[\"IGMP\"]".to_owned(),
        "    client1[\"protocol 1.0\"]".to_owned(),
        "    client2[\"protocol 2.0\"]".to_owned(),
        "    interface0 ==> stream".to_owned(),
        "    stream ==> interface1".to_owned(),
        format!("    interface1 -- \"(*, {g})\" --> client2"),
        "    stream -. \"IGMP blocks the source\" .- interface2".to_owned(),
        format!("    interface2 -- \"not ({s}, {g})\" --> client0"),
        format!("    interface2 -- \"(*, {g})\" --> client0"),
        format!("    client1 -- \"pulls (*, {g}), membership\" --> stream"),
        format!("    client1 -- \"pulls ({s}, {g}), forwarding entry\" --> stream"),
        format!("    client2 -- \"pulls (*, {g}), membership\" --> stream"),
    ];
    let drawn = explanation.mermaid().to_string();
    assert_eq!(drawn.lines().collect::<Vec<_>>(), graph);
}
