//! A routing protocol that notes what it is told. A real one would send messages to its neighbours.

use std::sync::Arc;

use mgm::{Address, AlertCause, ClientRef, Entry, GroupAddr, Interface, ProtocolCallbacks, SourceAddr};

use super::timeline::Timeline;

#[derive(Debug)]
pub(crate) struct Protocol {
    name: &'static str,
    timeline: Arc<Timeline>,
}

impl Protocol {
    pub(crate) fn new(name: &'static str, timeline: &Arc<Timeline>) -> Self {
        Self { name, timeline: Arc::clone(timeline) }
    }
}

impl<A: Address> ProtocolCallbacks<A> for Protocol {
    fn join_alert(&self, _me: &ClientRef<A>, entry: Entry<A>, _cause: AlertCause) {
        self.timeline.callback(self.name, "join_alert", entry);
    }

    fn prune_alert(&self, _me: &ClientRef<A>, entry: Entry<A>, _cause: AlertCause) {
        self.timeline.callback(self.name, "prune_alert", entry);
    }

    fn local_join(&self, _me: &ClientRef<A>, _interface: Interface<A>, entry: Entry<A>) {
        self.timeline.callback(self.name, "local_join", entry);
    }

    fn local_leave(&self, _me: &ClientRef<A>, _interface: Interface<A>, entry: Entry<A>) {
        self.timeline.callback(self.name, "local_leave", entry);
    }

    fn local_block(&self, _me: &ClientRef<A>, _on: Interface<A>, source: SourceAddr<A>, group: GroupAddr<A>) {
        self.timeline.callback(self.name, "local_block", Entry::SourceGroup(source, group));
    }

    fn local_unblock(
        &self,
        _me: &ClientRef<A>,
        _on: Interface<A>,
        source: SourceAddr<A>,
        group: GroupAddr<A>,
    ) {
        self.timeline.callback(self.name, "local_unblock", Entry::SourceGroup(source, group));
    }
}
