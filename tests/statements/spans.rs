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
    let taken = "INFO hand_over [interface=1] [from=IGMP] [to=protocol 1.0]";
    assert_eq!(reported(|| pim.takes(eth(1))), [taken, "{", "}"]);
    let released = "INFO hand_over [interface=1] [from=protocol 1.0] [to=IGMP]";
    assert_eq!(reported(|| pim.releases(eth(1))), [released, "{", "}"]);
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
        "INFO ownership changed [interface=1] [transfer=taken by IGMP]",
        "INFO ownership changed [interface=1] [transfer=released by IGMP]",
        "INFO ownership changed [interface=2] [transfer=taken by protocol 1.0]",
        "INFO interface removed [index=2]",
        "INFO ownership changed [interface=2] [transfer=removed]",
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
        "}",
        r#"ERROR a callback panicked [client=protocol 1.0] [callback="local_join"] [panic="boom"]"#,
    ];
    t.assert_calls([disable_igmp(eth(1)), enable_igmp(eth(1)), local_join(PIM, eth(1), star(1))]);
    assert_eq!(lines, expected);
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
