//! The invariant of CT-4, from the calls that succeeded and the callbacks that came, and nothing else:
//! a protocol has been told to pull an entry if and only if some other client wants it.

use std::collections::{BTreeMap, BTreeSet};

use mgm::{ClientName, Entry, Interface};

use crate::naive::{Call, News, Uid};
use crate::ops::Verb;
use crate::world::Event;

/// What was called and heard so far, in sequences whose callbacks call nothing but IGMP's adds.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    joined: BTreeSet<(Interface, Uid, Entry)>,
    owners: BTreeMap<Interface, Uid>,
    /// What each registered protocol has been told to pull.
    told: BTreeMap<Uid, BTreeSet<Entry>>,
}

impl Ledger {
    /// Takes down one event; fails where the invariant is broken.
    pub(crate) fn enter(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Heard(to, news) => self.heard(*to, *news),
            Event::Done { outcome: Err(_), .. } => Ok(()),
            Event::Done { call, inside_callback, .. } => {
                self.done(*call);
                if *inside_callback { Ok(()) } else { self.check() }
            }
        }
    }

    fn heard(&mut self, to: Uid, news: News) -> Result<(), String> {
        let in_order = match news {
            News::Join(entry) => self.told.entry(to).or_default().insert(entry),
            News::Prune(entry) => self.told.entry(to).or_default().remove(&entry),
            // HO-3: IGMP has to add again.
            News::Disable(on) => {
                self.joined.retain(|(at, by, _)| *at != on || *by != to);
                true
            }
            _ => true,
        };
        if in_order { Ok(()) } else { Err(format!("{news:?} to {to}, which was told so already")) }
    }

    fn done(&mut self, call: Call) {
        match call {
            // CL-5: a protocol counts as told of what others want.
            Call::Register(uid, ClientName::Protocol(_)) => {
                let wanted = self.joined.iter().map(|(.., entry)| *entry).collect();
                self.told.insert(uid, wanted);
            }
            Call::Register(..) => {}
            Call::Deregister(uid) | Call::Drop(uid) => {
                self.joined.retain(|(_, by, _)| *by != uid);
                self.owners.retain(|_, owner| *owner != uid);
                self.told.remove(&uid);
            }
            Call::Take(uid, on) => {
                if self.told.contains_key(&uid) {
                    self.owners.insert(on, uid);
                }
            }
            Call::Release(uid, on) => {
                self.joined.retain(|(at, by, _)| *at != on || *by != uid);
                self.owners.retain(|at, owner| *at != on || *owner != uid);
            }
            Call::Remove(index) => {
                self.joined.retain(|(at, ..)| at.index() != index);
                self.owners.retain(|at, _| at.index() != index);
            }
            // CT-5: of (S,G) without a route nobody is told.
            Call::Set(Verb::Add, uid, on, entry) if entry.source().is_none() => {
                self.joined.insert((on, uid, entry));
            }
            Call::Set(Verb::Delete, uid, on, entry) => {
                self.joined.remove(&(on, uid, entry));
            }
            Call::Set(..) => {}
        }
    }

    fn check(&self) -> Result<(), String> {
        for (protocol, told) in &self.told {
            let by_others =
                |(on, by, _): &&(Interface, Uid, Entry)| self.owners.get(on).unwrap_or(by) != protocol;
            let wanted: BTreeSet<_> =
                self.joined.iter().filter(by_others).map(|(.., entry)| *entry).collect();
            if wanted != *told {
                return Err(format!("{protocol} was told to pull {told:?}, and others want {wanted:?}"));
            }
        }
        Ok(())
    }
}
