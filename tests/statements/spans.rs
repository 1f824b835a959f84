//! What the manager reports through `tracing`.

use std::fmt::{Debug, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Writes down what the manager reports, a line for each span, event, and step into or out of a span.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        if name == "message" { write!(self.0, " {value:?}") } else { write!(self.0, " [{name}={value:?}]") }
            .unwrap();
    }
}

impl Listener {
    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(metadata.level().to_string());
        if metadata.is_span() {
            write!(fields.0, " {}", metadata.name()).unwrap();
        }
        record(&mut fields);
        self.0.lock().push(fields.0);
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mgm")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {
        self.0.lock().push("{".to_owned());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().push("}".to_owned());
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

/// What the manager reports while `act` runs.
fn reported(act: impl FnOnce()) -> Vec<String> {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), act);
    std::mem::take(&mut *listener.0.lock())
}

#[test]
fn a_hand_over_is_a_span_that_names_the_interface_and_both_owners() {
    let mgm = Mgm::<A>::default();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    igmp.takes(eth(1));
    let nothing = "[confirmed=0] [swept=0] [waiting=0]";
    let taken = "[interface=1] [from=IGMP] [to=protocol 1.0]";
    let span = format!("INFO hand_over {taken}");
    let event = format!("INFO handed over {taken} {nothing}");
    assert_eq!(reported(|| pim.takes(eth(1))), [&span, "{", &event, "}"]);
    let released = "[interface=1] [from=protocol 1.0] [to=IGMP]";
    let span = format!("INFO hand_over {released}");
    let event = format!("INFO handed over {released} {nothing}");
    assert_eq!(reported(|| pim.releases(eth(1))), [&span, "{", &event, "}"]);
}

#[test]
fn registrations_and_changes_of_ownership_are_events() {
    let mgm = Mgm::<A>::default();
    let lines = reported(|| {
        let igmp = mgm.register_igmp(NoCallbacks).unwrap();
        let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
        igmp.takes(eth(1));
        igmp.releases(eth(1));
        pim.takes(eth(2));
        mgm.interface_removed(eth::<A>(2).index());
        pim.deregister().unwrap();
        igmp.deregister().unwrap();
    });
    let expected = [
        "INFO registered [client=IGMP]",
        "INFO registered [client=protocol 1.0]",
        "INFO ownership changed [interface=1] [client=IGMP] [change=\"take\"]",
        "INFO ownership changed [interface=1] [client=IGMP] [change=\"release\"]",
        "INFO ownership changed [interface=2] [client=protocol 1.0] [change=\"take\"]",
        "INFO interface removed [index=2]",
        "DEBUG told [client=protocol 1.0] [alert=interface_removed 2]",
        "INFO ownership changed [interface=2] [change=\"remove\"]",
        "INFO deregistered [client=protocol 1.0]",
        "INFO deregistered [client=IGMP]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn every_refusal_is_an_event_at_debug_level() {
    let mgm = Mgm::<A>::default();
    let _igmp = mgm.register_igmp(NoCallbacks).unwrap();
    let pim = mgm.register_protocol(PIM, NoCallbacks).unwrap();
    pim.takes(eth(1));
    let (source, group) = (A::source(1), A::group(1));
    let mut client = None;
    let lines = reported(|| {
        drop(mgm.register_igmp(NoCallbacks).unwrap_err());
        drop(mgm.register_protocol(PIM, NoCallbacks).unwrap_err());
        drop(pim.take_interface_ownership(eth(1)).unwrap_err());
        drop(pim.release_interface_ownership(eth(2)).unwrap_err());
        drop(pim.add_group_membership(eth(2), star(1)).unwrap_err());
        drop(pim.delete_group_membership(eth(2), star(1)).unwrap_err());
        drop(pim.block_source(eth(2), source, group).unwrap_err());
        drop(pim.unblock_source(eth(2), source, group).unwrap_err());
        client = Some(pim.deregister().unwrap_err().into_client());
    });
    let elsewhere = "DEBUG refused [error=protocol 1.0 is not on interface 2, which nobody owns]";
    let expected = [
        "DEBUG refused [error=IGMP is already registered]",
        "DEBUG refused [error=protocol 1.0 is already registered]",
        "DEBUG refused [error=protocol 1.0 is already on interface 1]",
        elsewhere,
        elsewhere,
        elsewhere,
        elsewhere,
        elsewhere,
        "DEBUG refused [error=protocol 1.0 is still on interface 1]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn cb_5_a_caught_panic_is_an_event_at_error_level_that_names_client_and_callback() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    t.panic_inside(disable_igmp(eth(1)));
    t.panic_inside(local_join(PIM, eth(1), star(1)));
    let lines = reported(|| {
        pim.takes(eth(1));
        igmp.adds(eth(1), star(1));
    });
    let expected = [
        "INFO hand_over [interface=1] [from=IGMP] [to=protocol 1.0]",
        "{",
        r#"ERROR a callback panicked [client=IGMP] [callback="disable_igmp"] [panic="boom"]"#,
        "INFO handed over [interface=1] [from=IGMP] [to=protocol 1.0] [confirmed=0] [swept=0] [waiting=0]",
        "}",
        "DEBUG told [client=protocol 1.0] [alert=local_join (*, GROUP) on 1]",
        r#"ERROR a callback panicked [client=protocol 1.0] [callback="local_join"] [panic="boom"]"#,
    ];
    t.assert_calls([disable_igmp(eth(1)), enable_igmp(eth(1)), local_join(PIM, eth(1), star(1))]);
    let expected = expected.map(|line| line.replace("GROUP", &A::group(1).to_string()));
    assert_eq!(lines[..expected.len()], expected);
    assert_eq!(lines.len(), expected.len() + 1, "and the membership was added");
}

#[test]
fn ho_14_a_hand_over_says_how_much_was_confirmed_swept_and_waits() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    (1..=5).for_each(|group| _ = igmp.adds(eth(1), star(group)));
    let handed_over =
        |lines: Vec<String>| lines.into_iter().find(|line| line.contains("handed over")).unwrap();
    t.inside(enable_igmp(eth(1)), |igmp| {
        igmp.add_group_membership(eth(1), star(1)).unwrap();
        igmp.add_group_membership(eth(1), star(2)).unwrap();
    });
    let line = handed_over(reported(|| pim.takes(eth(1))));
    assert!(line.ends_with("[confirmed=2] [swept=3] [waiting=0]"), "{line}");
    t.inside(enable_igmp(eth(1)), |igmp| {
        igmp.add_group_membership(eth(1), star(1)).unwrap();
        drop(
            igmp.begin_refresh(eth(1), std::time::Instant::now() + std::time::Duration::from_secs(9))
                .unwrap(),
        );
    });
    let line = handed_over(reported(|| pim.releases(eth(1))));
    assert!(line.ends_with("[confirmed=1] [swept=0] [waiting=1]"), "{line}");
    t.forget_calls();
}

/// Each event as a row of the table for operators.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<std::collections::BTreeSet<String>>>);

impl Subscriber for Rows {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mgm")
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let names = metadata.fields().iter().filter(|field| !["message", "place"].contains(&field.name()));
        let names: Vec<_> = names.map(|field| format!("`{field}`")).collect();
        let mut message = Fields(String::new());
        event.record(&mut message);
        let message = message.0.split(" [").next().unwrap().trim().to_owned();
        let fields = if names.is_empty() { String::new() } else { format!(" {}", names.join(", ")) };
        let (target, level) = (metadata.target(), metadata.level());
        self.0.lock().insert(format!("| `{target}` | {level} | {message} |{fields} |"));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

/// Lets everything happen of which there is an event.
fn everything() {
    let t = Testbed::<A>::new();
    let (igmp, pim) = (t.igmp(), t.protocol(PIM));
    igmp.takes(eth(1));
    pim.takes(eth(1));
    let (polled, mut news) = t.mgm.register_polled_protocol(BGMP, NoCallbacks).unwrap();
    igmp.adds(eth(1), star(1));
    assert!(news.try_next().is_some());
    igmp.deletes(eth(1), star(1));
    igmp.blocks(eth(1), 1, 1);
    igmp.unblocks(eth(1), 1, 1);
    drop(igmp.batch(eth(1), [MembershipChange::Add(star(2))]));
    igmp.set_group(eth(1), A::group(1), Filter::Exclude(&[])).unwrap();
    drop(pim.take_interface_ownership(eth(1)).unwrap_err());
    polled.deregister().unwrap();
    t.mgm.interface_removed(eth::<A>(9).index());
    t.panic_inside(disable_igmp(eth(1)));
    pim.releases(eth(1));
    t.forget_calls();
    drop((igmp, pim, news, t));

    let r = Router::<A>::new();
    r.dvmrp.adds(lan(), star(1));
    r.packet(1, 1, up());
    r.traffic(1, 1, up());
    r.expire(900); // renewed
    r.reroute(1, alt()); // moved
    r.dvmrp.deletes(lan(), star(1));
    r.expire(2000); // expired
    r.answer_rpf(PIM, |_, request| request.route.over(eth(77)));
    r.dvmrp.adds(lan(), star(2));
    r.packet(1, 2, up());
    r.dvmrp.forwards(lan(), 1, 2, ForwardState::Off); // its owner has to pull it no more, and it is wanted
    r.expire(3000); // kept
    r.mgm.forwarder_failed(A::source(1), A::group(2), ForwarderError::Full);
    r.mgm.forwarder_restarted();
    r.forwarder.refuse(ForwarderError::Full); // then it stays behind
    r.dvmrp.forwards(lan(), 1, 2, ForwardState::On);
    r.forget_calls();
}

#[test]
fn every_event_is_in_the_table_for_operators_and_every_row_is_an_event() {
    let rows = Rows::default();
    tracing::subscriber::with_default(rows.clone(), everything);
    let table = include_str!("../../src/operators.md").lines().filter(|line| line.starts_with("| `mgm"));
    let table = table.filter(|line| !line.starts_with("| `mgm::linux`"));
    let table = table.map(|line| line.replace(", and `place` in a batch", "")).collect();
    assert_eq!(*rows.0.lock(), table);
}

#[test]
fn nothing_is_formatted_when_nobody_listens() {
    // A text would be longer for longer names; nothing else that is allocated depends on them.
    let allocated = |id: ClientId, index: u32| {
        let mgm = Mgm::<A>::default();
        let igmp = mgm.register_igmp(NoCallbacks).unwrap();
        let client = mgm.register_protocol(id, NoCallbacks).unwrap();
        let on = eth(index);
        igmp.takes(on);
        let every_report_but_registrations = || {
            client.takes(on); // a hand-over
            drop(client.take_interface_ownership(on).unwrap_err());
            igmp.releases(on);
            igmp.takes(on);
            client.releases(on);
            mgm.interface_removed(on.index());
            igmp.takes(on);
        };
        // What is allocated once stays.
        every_report_but_registrations();
        allocation_counter::measure(every_report_but_registrations).bytes_total
    };
    let longest = ClientId { protocol: u32::MAX, component: u32::MAX };
    assert_eq!(allocated(PIM, 1), allocated(longest, u32::MAX));
}
