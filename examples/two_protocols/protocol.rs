//! A routing protocol as the manager sees it: what it pulls follows from its callbacks alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;

use mgm::{
    AlertCause, ClientRef, CreationOif, Entry, GroupAddr, Interface, NewMfe, ProtocolCallbacks, Pull, Route,
    RpfRequest, SourceAddr, SsmRanges,
};
use parking_lot::Mutex;

pub(crate) struct Protocol {
    name: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What others want.
    told: BTreeSet<Pull>,
    /// What is wanted on its own interfaces: by hosts, and by its own neighbours.
    local: BTreeSet<(Interface, Entry)>,
    /// What hosts there exclude.
    blocked: BTreeSet<(Interface, Entry)>,
    /// Those that it was asked about, by their (S,G).
    streams: BTreeMap<Entry, Stream>,
}

/// What it knows of a forwarding entry.
#[derive(Clone, Copy)]
struct Stream {
    iif: Interface,
    /// No other client wants it, whatever it has joined.
    pruned: bool,
}

impl Protocol {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, state: Mutex::default() }
    }

    pub(crate) fn told(&self) -> BTreeSet<Pull> {
        self.state.lock().told.clone()
    }

    /// Whether it pulls a stream: for its own interfaces, or for others, unless it was told that none wants this one.
    pub(crate) fn pulls(&self, source: SourceAddr, group: GroupAddr, ssm: &SsmRanges) -> bool {
        let state = self.state.lock();
        let entry = Entry::SourceGroup(source, group);
        let Some(stream) = state.streams.get(&entry) else { return false };
        let wanted = |own: &(Interface, Entry)| {
            own.0 != stream.iif
                && own.1.covers(source, group, ssm)
                && !state.blocked.contains(&(own.0, entry))
        };
        let told = || state.told.iter().any(|told| told.entry.covers(source, group, ssm));
        state.local.iter().any(wanted) || !stream.pruned && told()
    }

    /// Wants `entry` for its own neighbours on an interface of its own.
    pub(crate) fn serve(&self, client: &ClientRef, on: Interface, entry: Entry) {
        self.state.lock().local.insert((on, entry));
        client.add_group_membership(on, entry).unwrap();
    }

    fn say(&self, callback: &str, about: impl fmt::Display) {
        println!("   {:<6} {callback:<17} {about}", self.name);
    }
}

impl ProtocolCallbacks for Protocol {
    fn rpf(&self, _: &ClientRef, request: &RpfRequest<'_>) -> Route {
        let RpfRequest { source, group, route, .. } = *request;
        self.say("rpf", format_args!("({source}, {group}), {route}"));
        let stream = Stream { iif: route.interface, pruned: false };
        self.state.lock().streams.insert(Entry::SourceGroup(source, group), stream);
        route
    }

    fn creation_alert(&self, _: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        let oifs: Vec<_> = oifs.iter().map(|oif| oif.interface().to_string()).collect();
        self.say(
            "creation_alert",
            format_args!("({}, {}) to {}", entry.source, entry.group, oifs.join(", ")),
        );
    }

    fn join_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
        self.say("join_alert", format_args!("{entry}, {cause}"));
        self.state.lock().told(Pull { entry, cause }, true);
    }

    fn prune_alert(&self, _: &ClientRef, entry: Entry, cause: AlertCause) {
        self.say("prune_alert", format_args!("{entry}, {cause}"));
        self.state.lock().told(Pull { entry, cause }, false);
    }

    fn local_join(&self, _: &ClientRef, on: Interface, entry: Entry) {
        self.say("local_join", format_args!("{entry} on {on}"));
        self.state.lock().local.insert((on, entry));
    }

    fn local_leave(&self, _: &ClientRef, on: Interface, entry: Entry) {
        self.say("local_leave", format_args!("{entry} on {on}"));
        self.state.lock().local.remove(&(on, entry));
    }

    fn local_block(&self, _: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.say("local_block", format_args!("({source}, {group}) on {on}"));
        self.state.lock().blocked.insert((on, Entry::SourceGroup(source, group)));
    }

    fn local_unblock(&self, _: &ClientRef, on: Interface, source: SourceAddr, group: GroupAddr) {
        self.say("local_unblock", format_args!("({source}, {group}) on {on}"));
        self.state.lock().blocked.remove(&(on, Entry::SourceGroup(source, group)));
    }

    fn interface_removed(&self, _: &ClientRef, index: NonZeroU32) {
        self.say("interface_removed", index);
        let mut state = self.state.lock();
        state.local.retain(|(on, _)| on.index() != index);
        state.blocked.retain(|(on, _)| on.index() != index);
    }
}

impl State {
    fn told(&mut self, pull: Pull, wanted: bool) {
        match (pull.cause, wanted) {
            (AlertCause::ForwardingEntry, _) => {
                if let Some(stream) = self.streams.get_mut(&pull.entry) {
                    stream.pruned = !wanted;
                }
            }
            // A protocol that is told twice, or of the end of what it was never told, counts wrong from then on.
            (_, true) => assert!(self.told.insert(pull), "told again of {pull}"),
            (_, false) => assert!(self.told.remove(&pull), "never told of {pull}"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
