//! What cannot be done, and what cannot go wrong, while an interface is being handed over: HO-2, HO-6.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use mgm::{ClientRef, Error, ForwardState, IgmpCallbacks, Interface, Mgm};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::kit::*;

/// An IGMP that does something inside `disable_igmp`.
struct Igmp<F> {
    act: F,
    refusals: Mutex<Vec<Option<Error>>>,
    calls: [AtomicUsize; 2],
}

impl<F: Fn(&ClientRef) -> Result<(), Error> + Send + Sync> Igmp<F> {
    fn new(act: F) -> Arc<Self> {
        Arc::new(Self { act, refusals: Mutex::default(), calls: Default::default() })
    }

    fn calls(&self) -> [usize; 2] {
        self.calls.each_ref().map(|count| count.load(SeqCst))
    }
}

impl<F: Fn(&ClientRef) -> Result<(), Error> + Send + Sync> IgmpCallbacks for Igmp<F> {
    fn disable_igmp(&self, me: &ClientRef, _: Interface) {
        let [disabled, _] = &self.calls;
        disabled.fetch_add(1, SeqCst);
        self.refusals.lock().unwrap().push((self.act)(me).err());
    }

    fn enable_igmp(&self, _: &ClientRef, _: Interface) {
        let [_, enabled] = &self.calls;
        enabled.fetch_add(1, SeqCst);
    }
}

/// What IGMP is told of a call between DISABLE and ENABLE, on an interface that it owned.
fn refused_while_disabled(act: impl Fn(&ClientRef) -> Result<(), Error> + Send + Sync + 'static) {
    let r = Router::new();
    let (_pim, dvmrp) = (r.protocol(1, &[1]), r.protocol(2, &[]));
    let callbacks = Igmp::new(act);
    let igmp = r.mgm.register_igmp(Arc::clone(&callbacks)).unwrap();
    igmp.take_interface_ownership(eth(2)).unwrap();
    r.packet();
    dvmrp.take_interface_ownership(eth(2)).unwrap();
    let disabled = Error::IgmpDisabled { interface: eth(2) };
    assert_eq!(*callbacks.refusals.lock().unwrap(), [Some(disabled)]);
}

#[test]
fn ho_2_forward_state_of_igmp_is_refused_between_disable_and_enable() {
    refused_while_disabled(|igmp| igmp.set_forward_state(eth(2), s(), g(), Some(ForwardState::On)).map(drop));
}

#[test]
fn ho_2_wrong_interface_alerts_of_igmp_are_refused_between_disable_and_enable() {
    refused_while_disabled(|igmp| igmp.set_wrong_interface_alerts(eth(2), true));
}

/// A listener that panics when a hand-over is reported to it: at this step.
struct Panics(Step);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    New,
    Enter,
    Exit,
}

impl Panics {
    fn at(&self, step: Step) {
        if self.0 == step && !std::thread::panicking() {
            resume_unwind(Box::new("boom"));
        }
    }
}

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("mgm")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.at(Step::New);
        Id::from_u64(1)
    }

    fn enter(&self, _: &Id) {
        self.at(Step::Enter);
    }

    fn exit(&self, _: &Id) {
        self.at(Step::Exit);
    }

    fn event(&self, _: &Event<'_>) {}
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

#[test]
fn ho_6_a_listener_that_panics_in_the_span_of_a_hand_over_leaves_no_hand_over_behind() {
    for step in [Step::New, Step::Enter, Step::Exit] {
        let mgm = Mgm::new();
        let callbacks = Igmp::new(|_: &ClientRef| Ok(()));
        let igmp = mgm.register_igmp(Arc::clone(&callbacks)).unwrap();
        let pim = mgm.register_protocol(id(1), mgm::NoCallbacks).unwrap();
        igmp.take_interface_ownership(eth(1)).unwrap();
        let take = || pim.take_interface_ownership(eth(1));
        let listened = AssertUnwindSafe(|| tracing::subscriber::with_default(Panics(step), take));
        let _outcome = catch_unwind(listened);
        assert!(mgm.interface(eth(1)).unwrap().handover.is_none(), "{step:?}");
        let [disabled, enabled] = callbacks.calls();
        assert_eq!(disabled, enabled, "{step:?}");
        // Whatever became of the take, the next change is not refused.
        let is_owner = mgm.owner(eth(1)) == Some(pim.name());
        let next = if is_owner {
            ClientRef::release_interface_ownership
        } else {
            ClientRef::take_interface_ownership
        };
        assert_eq!(next(&pim, eth(1)), Ok(()), "{step:?}");
    }
}
