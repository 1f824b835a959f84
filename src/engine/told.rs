//! What a client has been told to pull (EN-5).

use super::Engine;
use super::key::{ClientKey, Hashed, Key};
use super::table::Cursor;
use crate::types::address::Address;
use crate::types::alert::{AlertCause, Pull};
use crate::types::entry::Entry;

/// How far a reading of what a client has been told came: all memberships are looked at, then all forwarding entries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToldCursor<A> {
    /// Where the next page begins.
    Memberships(Cursor),
    /// The last one that was looked at.
    ForwardingEntries(Option<Key<A>>),
}

impl<A> Default for ToldCursor<A> {
    fn default() -> Self {
        Self::Memberships(Cursor::default())
    }
}

impl<A: Address> Engine<A> {
    /// EN-5: appends to `page` what one page of entries says that the client has been told to pull, and says where the
    /// next page begins. Nothing of a client that has gone, and of IGMP only if it asked to be told (CL-6).
    pub(crate) fn told(
        &self,
        client: ClientKey,
        cursor: ToldCursor<A>,
        page: &mut Vec<Pull<A>>,
    ) -> Option<ToldCursor<A>> {
        if self.active(client).is_err() || !self.clients.is_told(client) {
            return None;
        }
        match cursor {
            ToldCursor::Memberships(cursor) => {
                let (entries, next) = self.interests.page(cursor);
                let told = entries.map(|(key, _)| key).filter(|key| self.pulls_wanted(client, self.at(*key)));
                page.extend(told.map(|key| pull(key, AlertCause::Membership)));
                Some(next.map_or(ToldCursor::ForwardingEntries(None), ToldCursor::Memberships))
            }
            ToldCursor::ForwardingEntries(last) => {
                let mut seen = None;
                for key in self.mfes.after(last).take(self.page.size().looks) {
                    seen = Some(key);
                    if self.pulls_mfe(client, self.at(key)) {
                        page.push(pull(key, AlertCause::ForwardingEntry));
                    }
                }
                seen.map(|key| ToldCursor::ForwardingEntries(Some(key)))
            }
        }
    }

    /// CL-5, CT-3 to CT-5: whether the client has been told to pull an entry for the sake of memberships.
    pub(super) fn pulls_wanted(&self, client: ClientKey, at: Hashed<Key<A>>) -> bool {
        let is_its = !at.key.names_source() || self.told_upstream(at.key) == Some(client);
        is_its && self.is_wanted_besides(at, client)
    }

    /// FW-6: whether the client has been told to pull what a forwarding entry forwards.
    pub(super) fn pulls_mfe(&self, client: ClientKey, at: Hashed<Key<A>>) -> bool {
        self.mfes.get(at).is_some_and(|mfe| mfe.owner == Some(client) && mfe.is_told)
    }
}

fn pull<A: Address>(key: Key<A>, cause: AlertCause) -> Pull<A> {
    Pull { entry: Entry::from(key), cause }
}
