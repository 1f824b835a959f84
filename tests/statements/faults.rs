//! A forwarder that fails at any call, or at random: at any quiet moment it holds exactly the manager's entries,
//! but for what is marked as failed (FW-11, FW-12).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Packet(u16, u16),
    Adds(usize, Option<u16>, u16),
    Deletes(usize, Option<u16>, u16),
    Forwards(usize, u16, u16, Option<ForwardState>),
    TakesOrReleases(usize),
    Reroute(u16, u32),
    SetMfe(u16, u16, u32),
    Wait(u64),
    Traffic(u16, u16),
    Removed(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (source, group, client, index) = (1..3_u16, 1..3_u16, 0..5_usize, 1..6_u32);
    let entry = (proptest::option::of(source.clone()), group.clone());
    let state = prop_oneof![Just(None), Just(Some(ForwardState::On)), Just(Some(ForwardState::Off))];
    prop_oneof![
        4 => (source.clone(), group.clone()).prop_map(|(source, group)| Step::Packet(source, group)),
        3 => (client.clone(), entry.clone()).prop_map(|(client, (source, group))| Step::Adds(client, source, group)),
        2 => (client.clone(), entry).prop_map(|(client, (source, group))| Step::Deletes(client, source, group)),
        2 => (client.clone(), source.clone(), group.clone(), state)
            .prop_map(|(client, source, group, state)| Step::Forwards(client, source, group, state)),
        2 => client.prop_map(Step::TakesOrReleases),
        2 => (source.clone(), index.clone()).prop_map(|(source, index)| Step::Reroute(source, index)),
        1 => (source.clone(), group.clone(), index.clone()).prop_map(|(source, group, index)| Step::SetMfe(source, group, index)),
        2 => (1..500_u64).prop_map(Step::Wait),
        1 => (source, group).prop_map(|(source, group)| Step::Traffic(source, group)),
        1 => index.prop_map(Step::Removed),
    ]
}

struct Run {
    r: Router<A>,
    seconds: u64,
}

impl Run {
    fn new() -> Self {
        Self { r: Router::new(), seconds: 0 }
    }

    /// Each of these owns the interface with its number, or tries to.
    fn client(&self, client: usize) -> (&Client<A>, Interface<A>) {
        let r = &self.r;
        let clients =
            [(&r.pim, up()), (&r.pim, alt()), (&r.dvmrp, lan()), (&r.dvmrp, dmz()), (&r.igmp, stub())];
        *clients.get(client).unwrap()
    }

    /// Refusals are as good as anything: what counts is what is there after.
    fn take(&mut self, step: &Step) {
        let entry =
            |source: Option<u16>, group| source.map_or_else(|| star(group), |source| from(source, group));
        match *step {
            Step::Packet(source, group) => self.r.packet(source, group, lan()),
            Step::Adds(client, source, group) => {
                let (client, on) = self.client(client);
                let _refused = client.add_group_membership(on, entry(source, group));
            }
            Step::Deletes(client, source, group) => {
                let (client, on) = self.client(client);
                let _refused = client.delete_group_membership(on, entry(source, group));
            }
            Step::Forwards(client, source, group, state) => {
                let (client, on) = self.client(client);
                let _refused = client.set_forward_state(on, A::source(source), A::group(group), state);
            }
            Step::TakesOrReleases(client) => {
                let (client, on) = self.client(client);
                if client.release_interface_ownership(on).is_err() {
                    client.takes(on);
                }
            }
            Step::Reroute(source, index) => self.r.reroute(source, eth(index)),
            Step::SetMfe(source, group, index) => {
                let _refused = self.r.pim.set_mfe(A::source(source), A::group(group), eth(index), None);
            }
            Step::Wait(seconds) => {
                self.seconds += seconds;
                self.r.expire(self.seconds);
            }
            Step::Traffic(source, group) => {
                let iif = self.r.mfe(source, group).map_or_else(up, |mfe| mfe.iif);
                self.r.traffic(source, group, iif);
            }
            Step::Removed(index) => self.r.mgm.interface_removed(index.try_into().unwrap()),
        }
    }

    fn check(&self) {
        let key = |entry: &ForwardingEntry<A>| (entry.group, entry.source);
        let held = self.r.forwarder.entries();
        let held: BTreeMap<_, _> = held.into_iter().map(|entry| (key(&entry), entry)).collect();
        let failed = self.r.mgm.forwarder_failures();
        let failed: BTreeMap<_, _> =
            failed.into_iter().map(|failure| ((failure.group, failure.source), failure)).collect();
        let mfes: BTreeMap<_, _> = self.r.mgm.mfes().map(|mfe| ((mfe.group, mfe.source), mfe)).collect();
        for (key, mfe) in &mfes {
            let failure = failed
                .get(key)
                .map(|failure| MfeFailure { error: failure.error, attempts: failure.attempts });
            assert_eq!(mfe.failure, failure, "the mark, and what is visible");
            if failure.is_none() {
                assert_eq!(held.get(key), Some(&entry_of(mfe.clone())));
            }
        }
        assert!(failed.iter().all(|(key, failure)| failure.deleted != mfes.contains_key(key)));
        let leaked: Vec<_> =
            held.keys().filter(|key| !mfes.contains_key(key) && !failed.contains_key(key)).collect();
        assert!(leaked.is_empty(), "{leaked:?}");
    }

    /// The forwarder works again: with time all failures heal, and then it is emptied.
    fn finish(mut self) {
        self.r.forwarder.recover();
        for _ in 0..3 {
            self.take(&Step::Wait(64));
        }
        self.r.assert_in_step();
        self.r.assert_panics(self.r.mgm.caught_panics());
        let forwarder = Arc::clone(&self.r.forwarder);
        drop(self);
        assert_eq!(forwarder.entries(), []);
    }
}

/// Steps that add, change and delete in every way.
fn scenario() -> Vec<Step> {
    vec![
        Step::Packet(1, 1),
        Step::Adds(2, None, 1),
        Step::Packet(2, 1),
        Step::Wait(1),
        Step::Adds(4, Some(1), 1),
        Step::Forwards(3, 1, 1, Some(ForwardState::On)),
        Step::Reroute(1, 3),
        Step::TakesOrReleases(2),
        Step::Packet(1, 1),
        Step::Wait(2),
        Step::SetMfe(2, 1, 2),
        Step::TakesOrReleases(0),
        Step::Packet(2, 1),
        Step::Packet(1, 2),
        Step::TakesOrReleases(0),
        Step::Removed(5),
        Step::Traffic(2, 1),
        Step::Wait(900),
        Step::Packet(2, 1),
        Step::Deletes(2, None, 1),
        Step::Wait(900),
    ]
}

/// Fails the `k`th call, and `more` after it, in the given way.
fn fails_at(run: &Run, k: usize, more: usize, fault: Fault) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let now = Arc::new(Mutex::new(false));
    let after = Arc::clone(&now);
    run.r.forwarder.before(move |_| {
        let call = counter.fetch_add(1, Ordering::Relaxed);
        *now.lock() = (k..=k + more).contains(&call);
        if *now.lock() { fault.before() } else { Ok(()) }
    });
    run.r.forwarder.after(move |_| if *after.lock() { fault.after() } else { Ok(()) });
    calls
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Refuses,
    PanicsBefore,
    PanicsAfter,
}

impl Fault {
    fn before(self) -> Result<(), ForwarderError> {
        match self {
            Self::Refuses => Err(ForwarderError::Full),
            Self::PanicsBefore => boom(),
            Self::PanicsAfter => Ok(()),
        }
    }

    fn after(self) -> Result<(), ForwarderError> {
        match self {
            Self::PanicsAfter => boom(),
            Self::Refuses | Self::PanicsBefore => Ok(()),
        }
    }
}

#[test]
fn fw_12_whichever_call_fails_nothing_leaks() {
    for fault in [Fault::Refuses, Fault::PanicsBefore, Fault::PanicsAfter] {
        for more in [0, 1, 1000] {
            let mut k = 0;
            loop {
                let mut run = Run::new();
                let calls = fails_at(&run, k, more, fault);
                for step in scenario() {
                    run.take(&step);
                    run.check();
                }
                let calls = calls.load(Ordering::Relaxed);
                run.finish();
                k += 1;
                if k > calls {
                    assert!(k > 12, "the scenario has become short: {k} calls");
                    break;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn fw_12_whatever_fails_nothing_leaks(
        steps in prop::collection::vec(step(), 1..60),
        faults in prop::collection::vec(prop_oneof![
            3 => Just(None),
            2 => Just(Some(Fault::Refuses)),
            1 => Just(Some(Fault::PanicsBefore)),
            1 => Just(Some(Fault::PanicsAfter)),
        ], 1..100),
    ) {
        let mut run = Run::new();
        let now = Arc::new(Mutex::new(None::<Fault>));
        let after = Arc::clone(&now);
        let faults = Mutex::new(faults.into_iter().cycle());
        run.r.forwarder.before(move |_| {
            *now.lock() = faults.lock().next().unwrap();
            let fault = *now.lock();
            fault.map_or(Ok(()), Fault::before)
        });
        run.r.forwarder.after(move |_| {
            let fault = *after.lock();
            fault.map_or(Ok(()), Fault::after)
        });
        for step in &steps {
            run.take(step);
            run.check();
        }
        run.finish();
    }
}
