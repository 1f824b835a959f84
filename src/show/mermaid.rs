//! An explanation as a graph.

use std::fmt;

use super::explained::why_oif;
use super::names::{NO_NAMES, Names, WithNames};
use crate::explanation::{Explanation, WhyOif};
use crate::types::address::Address;
use crate::types::client::ClientName;
use crate::view::MembershipKind;

struct Graph<'a, A: Address> {
    shown: &'a Explanation<A>,
    names: &'a Names,
}

impl<A: Address> Explanation<A> {
    /// A graph of it for [Mermaid](https://mermaid.js.org): where the packets come in and go, on which interface each
    /// client wants what, and who has been told to pull what.
    ///
    /// # Example: what to paste into a web page
    ///
    /// ```
    /// # use mgm::{Interface, Mgm, NoCallbacks};
    /// let mgm = Mgm::new();
    /// let igmp = mgm.register_igmp(NoCallbacks)?;
    /// igmp.take_interface_ownership(Interface::try_from(2)?)?;
    /// igmp.add_group_membership(Interface::try_from(2)?, "(*, 239.1.1.1)".parse()?)?;
    /// let why = mgm.explain("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    /// assert_eq!(why.mermaid().to_string(), r#"graph LR
    ///     stream["(10.0.0.1, 239.1.1.1)"]
    ///     interface0["2"]
    ///     client0["IGMP"]
    ///     stream ==> interface0
    ///     interface0 -- "(*, 239.1.1.1)" --> client0
    /// "#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mermaid(&self) -> impl fmt::Display {
        Graph { shown: self, names: &NO_NAMES }
    }
}

impl<'a, A: Address> WithNames<'a, Explanation<A>> {
    /// The same [graph](Explanation::mermaid) with names.
    #[must_use]
    pub fn mermaid(&self) -> impl fmt::Display + use<'a, A> {
        Graph { shown: self.shown, names: self.names }
    }
}

impl<A: Address> fmt::Display for Graph<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.clients();
        // All clients are in the list; one that is not would be drawn as a client without a name.
        let number = |client| clients.iter().position(|one| *one == client).unwrap_or(clients.len());
        let Explanation { source, group, interfaces, pulls, .. } = self.shown;
        writeln!(f, "graph LR\n    stream[\"({source}, {group})\"]")?;
        for (at, reason) in interfaces.iter().enumerate() {
            writeln!(f, "    interface{at}[{}]", label(&self.names.of_interface(reason.interface)))?;
        }
        for (at, client) in clients.iter().enumerate() {
            writeln!(f, "    client{at}[{}]", label(&self.names.of_client(*client)))?;
        }
        for (at, reason) in interfaces.iter().enumerate() {
            let why = &reason.why;
            if matches!(why, WhyOif::Incoming) {
                writeln!(f, "    interface{at} ==> stream")?;
            } else if why.is_oif() {
                writeln!(f, "    stream ==> interface{at}")?;
            } else {
                writeln!(f, "    stream -. {} .- interface{at}", label(&why_oif(why, self.names)))?;
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
        let held = self.shown.interfaces.iter().flat_map(|reason| &reason.memberships);
        let told = self.shown.pulls.iter().filter(|reason| reason.why.is_told());
        let mut clients: Vec<_> =
            held.map(|held| held.added_by).chain(told.map(|reason| reason.client)).collect();
        clients.sort_unstable();
        clients.dedup();
        clients
    }
}

/// Escapes a text for Mermaid, since a daemon may call its interfaces whatever it likes.
fn label(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "#quot;"))
}
