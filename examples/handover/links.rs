//! The links on which reports have been seen, numbered as interfaces of the router that hears them.

use std::collections::HashMap;
use std::num::NonZeroU32;

use captured_packets::Link;

/// Each link's interface.
#[derive(Debug, Default)]
pub(crate) struct Links {
    interfaces: HashMap<Link, NonZeroU32>,
}

/// On which no hosts are.
pub(crate) const UPSTREAM: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// So that tags made up at random do not fill the memory.
const MOST_LINKS: usize = 256;

impl Links {
    /// The interface of `link`, which may be new; nothing if there are too many.
    pub(crate) fn interface(&mut self, link: &Link) -> Option<NonZeroU32> {
        if let Some(&known) = self.interfaces.get(link) {
            return Some(known);
        }
        let next = match self.interfaces.len() {
            0 => NonZeroU32::MIN,
            MOST_LINKS.. => return None,
            others => UPSTREAM.saturating_add(u32::try_from(others).ok()?),
        };
        self.interfaces.insert(link.clone(), next);
        Some(next)
    }
}
