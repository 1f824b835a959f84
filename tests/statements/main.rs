//! The statements of the specification one by one: the name of a test begins with the one that it proves.
//!
//! # Which file has the tests of which statements
//!
//! | statements | file |
//! |---|---|
//! | CL | `clients` |
//! | IF-1 to IF-6 | `ownership` |
//! | IF-7, IF-8 | `release` |
//! | IF-9 | `offers` |
//! | HO-1, HO-3 to HO-6, HO-8, HO-9 | `handover` |
//! | HO-2, HO-11, HO-13, HO-14 | `stale` |
//! | HO-7, HO-10 | `settling` |
//! | HO-12, HO-15, HO-16, and other statements where they are about a hand-over | `tenures` |
//! | HO-17 | `refresh` |
//! | CB-1 to CB-6 | `callbacks` |
//! | CB-7 | `pages` |
//! | CB-8 | `news` |
//! | MB-1 to MB-4, MB-6 | `membership`; what is no address, entry or interface (MB-4): `types` |
//! | MB-5, and what memberships and blocks do to oifs (MB-3, MB-6) | `oifs` |
//! | MB-7 | `limits` |
//! | MB-8 | `batches` |
//! | MB-9 | `filters` |
//! | CT-1 to CT-4, CT-6, CT-7 | `alerts` |
//! | CT-5, CT-8 | `upstream` |
//! | FW-1, FW-3, FW-4 | `creation`; with a [`RouteTable`](mgm::RouteTable): `table` |
//! | FW-2, FW-5, FW-6 | `oifs`; FW-6 whatever happens: `pulls` |
//! | FW-7, FW-14 | `expiry` |
//! | FW-8, FW-9 | `routes` |
//! | FW-10 | `wrong_interface` |
//! | FW-11, FW-12 | `forwarder`; failures at any moment: `faults` |
//! | FW-13 | `races` |
//! | FW-15 | `later` |
//! | FW-16 | `due` |
//! | EN-1 to EN-4, EN-7 | `enumeration` |
//! | EN-5 | `told`; whatever happens: `pulls` |
//! | EN-6 | `explanation`; whatever happens: `tests/model` |
//! | every error | `errors` |
//! | what is counted | `counters` |
//! | every report through `tracing` | `spans` |
//!
//! Random sequences of calls against a naive model of all statements: `tests/model`.
//!
//! # A new test in five minutes
//!
//! Every file is compiled for each of the two families, whose address is `A` there. A test makes a manager, acts,
//! and says after each act which calls that made, as values that it can compare:
//!
//! ```ignore
//! #[test]
//! fn ct_3_the_first_client_that_wants_a_group_makes_all_others_join() {
//!     let t = Testbed::<A>::new(); // a manager without a RIB
//!     let (pim, _dvmrp) = (t.protocol(PIM), t.protocol(DVMRP));
//!     pim.takes(eth(1));
//!     pim.adds(eth(1), star(1)); // (*,G1)
//!     t.assert_calls([join_alert(DVMRP, star(1))]);
//! }
//!
//! #[test]
//! fn fw_5_a_membership_change_updates_the_forwarder() {
//!     let r = Router::<A>::new(); // a testbed with a RIB, and a client on every interface
//!     r.packet(1, 1, up()); // of S1 to G1
//!     r.forget_calls();
//!     r.dvmrp.adds(lan(), star(1));
//!     r.assert_calls([
//!         change_mfe(1, 1, up(), [lan()]),
//!         mfe_join(PIM, 1, 1),
//!         join_alert(PIM, star(1)),
//!     ]);
//! }
//! ```
//!
//! `assert_callbacks` looks at the calls of clients alone, `assert_commands` at those of the forwarder. What a client is to
//! do inside a call is said before: `t.inside(disable_igmp(eth(1)), |igmp| …)`. Threads that have to meet do so at a `Gate`;
//! a test that hangs ends the run. The rest of the vocabulary, in `tests/support`:
//!
//! | file | what it has |
//! |---|---|
//! | `family` | names: `PIM`, `eth(1)`, `star(1)`, `from(1, 1)`, `SSM` |
//! | `acts` | what clients do: `takes`, `adds`, `blocks`, `forwards`, … |
//! | `call` | every call of the manager as a value: what a [`Log`](mgm::testing::Log) has, in the tests' words |
//! | `testbed` | a manager whose calls are recorded, and the assertions |
//! | `router` | a testbed with a RIB, named interfaces and a client on each; packets and time |
//! | `rib`, `forwarder` | what the router has, and how they are made to fail |
//! | `script` | the callbacks, which do what the test says |
//! | `deadlock` | threads that meet, and an end for tests that hang |
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../support/mod.rs"]
mod support;

#[path = "."]
mod v4 {
    use std::net::Ipv4Addr as A;

    use crate::support::*;

    mod alerts;
    mod batches;
    mod callbacks;
    mod clients;
    mod counters;
    mod creation;
    mod due;
    mod enumeration;
    mod errors;
    mod expiry;
    mod explanation;
    mod faults;
    mod filters;
    mod forwarder;
    mod handover;
    mod later;
    mod limits;
    mod membership;
    mod news;
    mod offers;
    mod oifs;
    mod ownership;
    mod pages;
    mod pulls;
    mod races;
    mod refresh;
    mod release;
    mod routes;
    mod settling;
    mod spans;
    mod stale;
    #[cfg(feature = "route-table")]
    mod table;
    mod tenures;
    mod told;
    mod upstream;
    mod wrong_interface;
}

#[path = "."]
#[expect(clippy::duplicate_mod, reason = "the same tests for the other family")]
mod v6 {
    use std::net::Ipv6Addr as A;

    use crate::support::*;

    mod alerts;
    mod batches;
    mod callbacks;
    mod clients;
    mod counters;
    mod creation;
    mod due;
    mod enumeration;
    mod errors;
    mod expiry;
    mod explanation;
    mod faults;
    mod filters;
    mod forwarder;
    mod handover;
    mod later;
    mod limits;
    mod membership;
    mod news;
    mod offers;
    mod oifs;
    mod ownership;
    mod pages;
    mod pulls;
    mod races;
    mod refresh;
    mod release;
    mod routes;
    mod settling;
    mod spans;
    mod stale;
    #[cfg(feature = "route-table")]
    mod table;
    mod tenures;
    mod told;
    mod upstream;
    mod wrong_interface;
}

mod types;
