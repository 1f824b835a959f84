//! Events as text for a person to follow.

use std::fmt;
use std::net::Ipv4Addr;

use super::answer::Answer;
use super::event::{Event, Happened};
use crate::types::address::Address;

/// Prints events a call a line, those inside others indented. Of what came of a call, only refusals, failures and panics
/// are printed.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add to events")]
pub struct Timeline<'a, A: Address = Ipv4Addr>(pub &'a [Event<A>]);

impl<A: Address> fmt::Display for Timeline<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut going: Vec<u64> = Vec::new();
        for event in self.0 {
            while going.last().is_some_and(|number| event.inside != Some(*number)) {
                going.pop();
            }
            let indent = 2 * going.len();
            let is_printed = match &event.happened {
                Happened::Returned(answer) => {
                    matches!(answer, Answer::Refused(_) | Answer::Failed(_) | Answer::Panicked)
                }
                Happened::Called { .. } | Happened::Calls { .. } => {
                    going.push(event.number);
                    true
                }
                Happened::Built(_) => true,
            };
            if is_printed {
                writeln!(f, "{:indent$}{event}", "")?;
            }
        }
        Ok(())
    }
}
