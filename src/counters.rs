//! What a manager has counted since it was made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::types::client::ClientName;

/// What a manager has counted since it was made: see [`Mgm::counters`](crate::Mgm::counters).
///
/// It prints as OpenMetrics text, but for the last line, `# EOF`, so that a daemon can add what it counts itself;
/// and with the feature `serde` it can be serialised.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Counters {
    /// Calls of clients and of the system that may change something.
    pub calls: u64,
    /// Refused calls, and refused changes of batches, by [`Error::kind`](crate::Error::kind).
    pub refusals: BTreeMap<&'static str, u64>,
    /// Alerts that were given to clients, or wait for them, by the [callback](crate::Alert::callback); those that a
    /// client polls when it takes them.
    pub alerts: BTreeMap<&'static str, u64>,
    /// Hand-overs in which IGMP had a part.
    pub handovers: u64,
    /// Entries that the forwarder was told to add, change or delete.
    pub forwarder_calls: u64,
    /// Those of them that it refused.
    pub forwarder_failures: u64,
    /// Questions to the RIB.
    pub lookups: u64,
    /// Wrong answers to `rpf`: see [`Mgm::wrong_answers`](crate::Mgm::wrong_answers).
    pub wrong_answers: u64,
    /// Caught panics: see [`Mgm::caught_panics`](crate::Mgm::caught_panics).
    pub caught_panics: u64,
    /// The callbacks of each client that is registered now, in the order of registration.
    pub callbacks: Vec<CallbackCounters>,
}

/// The callbacks of one client since it registered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallbackCounters {
    /// The client.
    pub client: ClientName,
    /// How many there were.
    pub count: u64,
    /// How long they took together; only where the manager was built with a
    /// [clock](crate::Builder::callback_clock).
    pub time: Option<Duration>,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = [
            ("calls", self.calls),
            ("handovers", self.handovers),
            ("forwarder_calls", self.forwarder_calls),
            ("forwarder_failures", self.forwarder_failures),
            ("lookups", self.lookups),
            ("wrong_answers", self.wrong_answers),
            ("caught_panics", self.caught_panics),
        ];
        for (name, value) in single {
            writeln!(f, "# TYPE mgm_{name} counter\nmgm_{name}_total {value}")?;
        }
        for (name, label, values) in
            [("refusals", "kind", &self.refusals), ("alerts", "callback", &self.alerts)]
        {
            writeln!(f, "# TYPE mgm_{name} counter")?;
            for (kind, value) in values {
                writeln!(f, "mgm_{name}_total{{{label}=\"{kind}\"}} {value}")?;
            }
        }
        writeln!(f, "# TYPE mgm_callbacks counter")?;
        for CallbackCounters { client, count, .. } in &self.callbacks {
            writeln!(f, "mgm_callbacks_total{{client=\"{client}\"}} {count}")?;
        }
        writeln!(f, "# TYPE mgm_callback_seconds counter\n# UNIT mgm_callback_seconds seconds")?;
        for CallbackCounters { client, time, .. } in &self.callbacks {
            if let Some(time) = time {
                writeln!(f, "mgm_callback_seconds_total{{client=\"{client}\"}} {}", time.as_secs_f64())?;
            }
        }
        Ok(())
    }
}
