//! An explanation as a graph.

use std::fmt;

use super::{Explanation, WhyOif};
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::view::MembershipKind;

pub(super) struct Graph<'a, A: Address>(pub(super) &'a Explanation<A>);

impl<A: Address> fmt::Display for Graph<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.clients();
        // Each of them is in the list; who is not would be drawn as one without a name.
        let number = |client| clients.iter().position(|one| *one == client).unwrap_or(clients.len());
        let Explanation { source, group, interfaces, pulls, .. } = self.0;
        writeln!(f, "graph LR\n    stream[\"({source}, {group})\"]")?;
        for (at, reason) in interfaces.iter().enumerate() {
            writeln!(f, "    interface{at}[\"{}\"]", reason.interface)?;
        }
        for (at, client) in clients.iter().enumerate() {
            writeln!(f, "    client{at}[\"{client}\"]")?;
        }
        for (at, reason) in interfaces.iter().enumerate() {
            let why = &reason.why;
            if matches!(why, WhyOif::Incoming) {
                writeln!(f, "    interface{at} ==> stream")?;
            } else if why.is_oif() {
                writeln!(f, "    stream ==> interface{at}")?;
            } else {
                writeln!(f, "    stream -. \"{why}\" .- interface{at}")?;
            }
            for held in &reason.memberships {
                let client = number(held.added_by);
                let blocks = if held.kind == MembershipKind::Blocked { "not " } else { "" };
                writeln!(f, "    interface{at} -- \"{blocks}{}\" --> client{client}", held.entry)?;
            }
        }
        for reason in pulls.iter().filter(|reason| reason.why.is_told()) {
            writeln!(f, "    client{} -- \"pulls {}\" --> stream", number(reason.client), reason.pull)?;
        }
        Ok(())
    }
}

impl<A: Address> Graph<'_, A> {
    /// All clients that the graph shows: those that hold something, or have been told to pull something.
    fn clients(&self) -> Vec<ClientName> {
        let held = self.0.interfaces.iter().flat_map(|reason| &reason.memberships);
        let told = self.0.pulls.iter().filter(|reason| reason.why.is_told());
        let mut clients: Vec<_> =
            held.map(|held| held.added_by).chain(told.map(|reason| reason.client)).collect();
        clients.sort_unstable();
        clients.dedup();
        clients
    }
}
