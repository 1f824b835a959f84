//! Packets on the wrong interface (FW-10).

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::key::Key;
use super::time::Tick;
use crate::types::address::Address;
use crate::types::alert::Alert;
use crate::types::interface::Interface;

/// An owner hears of one packet in this time for each entry.
const PAUSE: Duration = Duration::from_secs(3);

/// What is kept of a packet for its alert: an IPv6 header, extensions, and what the transport begins with.
const KEPT: usize = 128;

impl<A: Address> Engine<A> {
    /// The owner of the arrival interface hears of it, if it asked to, and not too often.
    pub(crate) fn wrong_interface(&mut self, key: Key<A>, arrival: Interface<A>, header: &[u8], now: Tick) {
        let Some(id) = self.interfaces.id(arrival) else { return };
        let record = self.interfaces.get(id).filter(|record| record.wrong_interface_alerts);
        let Some((owner, tenure)) = record.and_then(|record| Some((record.owner()?, record.tenure))) else {
            return;
        };
        let at = self.at(key);
        let Some(mfe) = self.mfes.get_mut(at).filter(|mfe| mfe.iif != id && now >= mfe.quiet_until) else {
            return;
        };
        mfe.quiet_until = now.after(PAUSE);
        let (source, group) = key.pair();
        let header = Arc::from(header.get(..KEPT).unwrap_or(header));
        let alert = Alert::WrongInterface { interface: arrival, source, group, header };
        self.effects.alert_in(owner, tenure, alert);
    }
}
