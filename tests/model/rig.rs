//! A manager under test with its RIB and its forwarder: what is asked of it, and all that can be read of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mgm::{Change, ClientRef, Entry, Error, Forwarder as _, Interface, InterfaceStatus, Mfe, Mgm};

use crate::naive::{UNKNOWN, WRONG};
use crate::ops::{Announced, Key, Max, Op, Step, Switch, Verb};
use crate::plane::Plane;
use crate::rib::Table;
use crate::words::{Call, Done, Entered, Held, Outcome, Status, View, unless_never};

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) mgm: Mgm,
    pub(crate) table: Arc<Table>,
    pub(crate) plane: Arc<Plane>,
}

impl Rig {
    pub(crate) fn new(max: Max) -> Self {
        let (table, plane) = (Arc::<Table>::default(), Arc::<Plane>::default());
        let builder = Mgm::builder().rib(Arc::clone(&table)).forwarder(Arc::clone(&plane));
        Self { mgm: builder.limits(max.into()).build(), table, plane }
    }

    /// How many refreshes have been begun.
    pub(crate) const fn refreshes(&self) -> usize {
        0
    }

    /// What this version can do as the specification says.
    pub(crate) const fn is_supported(call: &Call) -> bool {
        !matches!(
            call,
            Op::Offer(..)
                | Op::WithdrawOffer(..)
                | Op::Batch(..)
                | Op::Filter(..)
                | Op::BeginRefresh(..)
                | Op::EndRefresh(_)
        )
    }

    /// What becomes of a packet, as in a kernel: it is counted where there is an entry for it, and reported else.
    pub(crate) fn receive(&self, key: Key, on: Interface) -> Call {
        match self.plane.packet(key, on) {
            None => Op::Unknown(key, on),
            Some(_) if self.plane.entry(key).is_some_and(|entry| entry.iif == on) => Op::Carried(key),
            Some(_) => Op::Wrong(key, on),
        }
    }

    /// The forwarder counts packets for what the manager does not know: it failed to delete it.
    pub(crate) fn is_left_over(&self, (group, source): Key) -> bool {
        let counted = self.plane.memory.stats(source, group).is_ok_and(|stats| stats.packets > 0);
        counted && self.mgm.mfe(source, group).is_none()
    }

    /// What the system reports.
    pub(crate) fn report(&self, call: &Call, now: Instant) -> Outcome {
        match *call {
            Call::Remove(on) => self.mgm.interface_removed(on.index()),
            Call::Unknown((group, source), on) => {
                self.mgm.packet_received(source, group, on, UNKNOWN, now)?;
            }
            Call::Wrong((group, source), on) => {
                self.mgm.packet_on_wrong_interface(source, group, on, WRONG, now);
            }
            Call::Route(prefix, route, announced) => {
                self.table.0.lock().unwrap().set(prefix, route);
                if announced == Announced::Yes {
                    self.mgm.routes_changed(&prefix);
                }
            }
            Call::RoutesChanged(prefix) => self.mgm.routes_changed(&prefix),
            Call::Expire(_) => {
                let next = unless_never(self.mgm.expire(now), now);
                // When the forwarder is tried again is left open.
                let all_is_done = self.mgm.forwarder_failures().is_empty();
                return Ok(if all_is_done { Done::Next(next) } else { Done::Silently });
            }
            Call::Faults(faults) => self.plane.notes().faults = faults,
            _ => {}
        }
        Ok(Done::Silently)
    }

    /// What a client asks for.
    pub(crate) fn perform(&self, client: &ClientRef, call: &Call) -> Outcome {
        let silently = |result: Result<(), Error>| result.map(|()| Done::Silently);
        match *call {
            Call::Take(_, on) => silently(client.take_interface_ownership(on)),
            Call::Release(_, on) => silently(client.release_interface_ownership(on)),
            Call::Set(_, on, step) => set(client, on, step).map(Done::Change),
            Call::State(_, on, (group, source), state) => {
                client.set_forward_state(on, source, group, state).map(Done::Change)
            }
            Call::Mfe(_, (group, source), iif, upstream) => {
                silently(client.set_mfe(source, group, iif, upstream))
            }
            Call::Timeout(_, (group, source), seconds) => {
                let lifetime = seconds.map_or(Duration::MAX, Duration::from_secs);
                silently(client.set_mfe_timeout(source, group, lifetime))
            }
            Call::WrongAlerts(_, on, switch) => {
                silently(client.set_wrong_interface_alerts(on, switch == Switch::On))
            }
            _ => unreachable!("{call:?} is not asked for by a client"),
        }
    }

    pub(crate) fn view(&self, now: Instant) -> View {
        let groups: Vec<_> = self.mgm.groups().collect();
        let held = groups.iter().map(|held| Held {
            entry: held.entry,
            interface: held.interface,
            kind: held.kind,
            added_by: held.added_by,
            counts_for: held.counts_for,
        });
        let held: BTreeSet<_> = held.collect();
        assert_eq!(groups.len(), held.len(), "EN-4: repeated: {groups:?}");
        View {
            groups: held,
            interfaces: self.mgm.interfaces().into_iter().map(status).collect(),
            mfes: self.mgm.mfes().map(|mfe| entered(mfe, now)).collect(),
            wrong_answers: self.mgm.wrong_answers(),
            caught_panics: self.mgm.caught_panics() - self.plane.notes().panics,
        }
    }
}

fn status(status: InterfaceStatus) -> Status {
    Status {
        interface: status.interface,
        owner: Some(status.owner),
        igmp: status.igmp,
        is_changing: status.in_handover,
    }
}

fn entered(mfe: Mfe, now: Instant) -> Entered {
    Entered {
        key: (mfe.group, mfe.source),
        iif: mfe.iif,
        owner: mfe.owner,
        upstream: mfe.upstream,
        prefix: mfe.prefix,
        oifs: mfe.oifs,
        made: mfe.made,
        expires: unless_never(mfe.expires, now),
    }
}

fn set(client: &ClientRef, on: Interface, Step { verb, entry }: Step) -> Result<Change, Error> {
    match (verb, entry) {
        (Verb::Add, _) => client.add_group_membership(on, entry),
        (Verb::Delete, _) => client.delete_group_membership(on, entry),
        (Verb::Block, Entry::SourceGroup(source, group)) => client.block_source(on, source, group),
        (Verb::Unblock, Entry::SourceGroup(source, group)) => client.unblock_source(on, source, group),
        (Verb::Block | Verb::Unblock, Entry::AllGroups | Entry::Group(_)) => unreachable!(),
    }
}
