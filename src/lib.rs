//! The multicast group manager for routing daemons.
//!
//! Two programs share an interface. IGMP knows what the hosts on it have joined; a routing protocol, say DVMRP,
//! forwards to it. Who of the two owns the interface, and for whom do the hosts' groups count? When DVMRP takes the
//! interface, or lets it go, who has to be told what, and in which order, so that no host loses a packet and nobody
//! hears the same thing twice? PIM, on another interface, has to pull what is wanted here: who tells it, and who
//! tells it to stop? Every router that runs more than one multicast protocol answers these questions, and most of
//! them answer in each protocol anew.
//!
//! This crate is the answer as a library: a *multicast group manager*, as Microsoft's routing service has one
//! ([MGM](https://learn.microsoft.com/en-us/windows/win32/rras/about-multicast-group-manager)), by the rules of RFC
//! 2715. Each protocol is a client of it, says what it wants where, and is told what the others want of it. The
//! manager keeps the interfaces and their owners, the memberships and the forwarding entries. It speaks no protocol,
//! and has no thread, clock or socket of its own: you call it, and it calls you back, in a fixed order, with no lock
//! held.
//!
//! ```sh
//! cargo add multicast-group-manager
//! ```
//!
//! The library is named `mgm`. IGMP beside a routing protocol:
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::sync::{Arc, Mutex};
//!
//! use mgm::{ClientId, ClientRef, Entry, Error, IgmpCallbacks, Interface, MembershipChange, Mgm, NoCallbacks};
//!
//! /// What hosts have joined, by interface: IGMP keeps this anyway.
//! #[derive(Default)]
//! struct Igmp { joined: Mutex<BTreeMap<Interface, BTreeSet<Entry>>> }
//!
//! impl Igmp {
//!     /// A host has joined.
//!     fn join(&self, igmp: &ClientRef, interface: Interface, entry: Entry) {
//!         self.joined.lock().unwrap().entry(interface).or_default().insert(entry);
//!         match igmp.add_group_membership(interface, entry) {
//!             // During a hand-over the entry is only remembered, and `enable_igmp` adds it.
//!             Ok(_) | Err(Error::IgmpDisabled { .. }) => {}
//!             Err(refusal) => eprintln!("{refusal}"), // a limit, perhaps
//!         }
//!     }
//! }
//!
//! impl IgmpCallbacks for Igmp {
//!     /// The interface has changed hands: what is joined there, and nowhere else, is added again.
//!     fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
//!         let joined = self.joined.lock().unwrap().get(&interface).cloned().unwrap_or_default();
//!         let outcomes = igmp.batch(interface, joined.into_iter().map(MembershipChange::Add));
//!         outcomes.refused().for_each(|(_, refusal)| eprintln!("{refusal}"));
//!     }
//! }
//!
//! let mgm = Mgm::new();
//! let hosts = Arc::new(Igmp::default());
//! let igmp = mgm.register_igmp(Arc::clone(&hosts))?;
//! let dvmrp = mgm.register_protocol(ClientId::new(2, 0), NoCallbacks)?;
//!
//! let eth0 = Interface::try_from(1)?;
//! igmp.take_interface_ownership(eth0)?;
//! hosts.join(&igmp, eth0, "(*, 239.1.1.1)".parse()?);
//! assert_eq!(mgm.groups().next().unwrap().counts_for, igmp.name());
//!
//! dvmrp.take_interface_ownership(eth0)?; // disable_igmp; the owner changes; enable_igmp
//! assert_eq!(mgm.groups().next().unwrap().counts_for, dvmrp.name());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | example | what it shows |
//! |---|---|
//! | `cargo run --example minimal` | the least that a hand-over needs |
//! | `cargo run --example handover` | DVMRP takes an interface and releases it, while the captured hosts report; or those of your own capture |
//! | `cargo run --example two_protocols` | PIM, DVMRP and IGMP with routes, packets, time and faults |
//! | `cargo run --example tokio` | the same as tasks, with a data plane that answers late and restarts: [With tokio](#with-tokio) |
//! | `cargo run --example replay -- FILE` | a recording, done again and printed as a time line: [A bug report is one file](#a-bug-report-is-one-file) |
//! | `cargo run -p linux-router` | a router for IGMP and MLD hosts on the Linux kernel |
//!
//! All rules are statements with a code, as [HO-4](crate::specification#ho-4), on the page
//! [`specification`]. What an operator sees is on [`operators`], what has changed on [`changelog`], and how to work on the
//! crate on [`developers`].
//!
//! # The nouns
//!
//! - A *client* is registered with a manager, [`Mgm`]: IGMP, or one instance of a routing protocol, named by a
//!   [`ClientId`]. Its handle is a [`Client`]; dropping that gives back all that it holds.
//! - An [`Interface`] is an index, and on a point-to-multipoint interface the next hop. Its *owner* is the one
//!   routing protocol that took it, or else IGMP. IGMP may be on an interface beside the owner; when the owner
//!   changes, the interface is *handed over*.
//! - An [`Entry`] is (\*,\*), (\*,G) or (S,G). A client holds a [`Membership`] of an entry on an interface: it
//!   wants it there, or, as IGMPv3's EXCLUDE, blocks it. What IGMP wants counts for the owner of the interface.
//! - An [`Mfe`] is a multicast forwarding entry: an (S,G), the *iif* where its packets have to arrive, and the
//!   *oifs*, where they go. It is made when the [`Forwarder`] reports a packet. The iif is the interface toward the
//!   source by the [`Rib`], unless its owner answers `rpf` with another of its own.
//! - To *pull* an entry is to ask the routers upstream for its packets, as PIM does by a Join and DVMRP by a Graft.
//! - An [`Alert`] tells a client of a change. Joins and prunes say what others want: a protocol has been told to pull
//!   (\*,G) or (\*,\*) exactly while some other client wants it, and (S,G) if, besides, it owns the interface toward S.
//!   The owner of an iif also hears when others begin or cease to be among the oifs. Local joins and leaves tell the
//!   owner of an interface what IGMP does there. A client is alerted by callbacks, or polls its [`News`].
//!
//! A manager is of one address family: `Mgm` is `Mgm<Ipv4Addr>`, which [`Mgm::new`] makes, and `Mgm<Ipv6Addr>` is the
//! other, which [`Mgm::v6`] makes; there "IGMP" stands for MLD. [`Mgm::show`] prints all that a manager knows.
//!
//! # The hand-over
//!
//! DVMRP takes an interface on which IGMP is. Time runs downwards; `→` is a call of the manager, and `←` a call by it.
//!
//! ```text
//! DVMRP → take_interface_ownership   granted: nobody else changes who is on the interface until this returns
//! IGMP  ← disable_igmp               from here on IGMP's adds and deletes there are refused
//!         the owner changes          what IGMP holds there is stale: it stays in force, and counts for DVMRP
//! DVMRP ← local_join                 for each group that IGMP holds there
//! DVMRP ← prune_alert                for what no other client wants, now that IGMP's wishes are DVMRP's own
//! IGMP  ← enable_igmp
//! IGMP  → batch                      adding again confirms what is stale: nobody is told
//!         enable_igmp returns        what IGMP has not added again is deleted: DVMRP gets local_leave
//! DVMRP   take_interface_ownership returns
//!
//! PIM     hears nothing, if IGMP adds all of it again
//! kernel  gets no command for it, and loses no packet
//! ```
//!
//! A release is the mirror image: DVMRP gets `local_leave`s, and joins for what IGMP wants now for itself.
//! `cargo run --example handover` prints this from a capture of real hosts.
//!
//! **It is MGM's contract, word by word.** `PMGM_DISABLE_IGMP_CALLBACK` tells IGMP that a protocol "is taking or releasing
//! ownership", and that it "should stop adding and deleting group memberships on the specified interface". So it does: until
//! `enable_igmp` both are refused ([HO-2](crate::specification#ho-2)), and the manager deletes nothing in IGMP's name either;
//! no page of MGM's says that it would. `PMGM_ENABLE_IGMP_CALLBACK` tells it that the protocol "has finished", and that it
//! "should add all its group memberships on the specified interface". So it does, and what it does not add again goes
//! ([HO-14](crate::specification#ho-14)). In the end there is what IGMP has added since ENABLE, and it counts for the new
//! owner. (Another page of MGM's has DISABLE come after the ownership has changed. Here it comes when the change is certain
//! and none of it is done; inside it, [`Mgm::interface`] tells both the owner and to whom the interface is going.)
//!
//! **An IGMP that was written for the original** adds later, on another thread, because inside the callback it would
//! deadlock there. Here its memberships go when `enable_igmp` returns, and come back as it adds them: the end is the
//! same, and in between the interface is no oif for them. One line closes that gap too: an IGMP that calls
//! [`begin_refresh`](ClientRef::begin_refresh) inside `enable_igmp` keeps what is stale until it has added what it
//! wants, or until a deadline ([HO-17](crate::specification#ho-17)).
//!
//! **From one protocol to another** an interface goes without a moment in which nobody owns it, if the owner
//! [offers](ClientRef::offer_interface) it. **A client that restarts** keeps what it holds by a
//! [refresh](ClientRef::begin_refresh). Whoever is refused because an interface is changing hands asks
//! [`Mgm::when_settled`].
//!
//! # Guarantees
//!
//! **Refusals.** An [`Error`] means that nothing has changed, and nobody was called or told. (The one exception says
//! so in its name: [`Error::PartlyDone`].)
//!
//! **Order.** The state changes first, then come the alerts: inside an alert, what caused it can be read
//! ([CB-2](crate::specification#cb-2)). One client's alerts arrive one at a time, in the order in which the state
//! changed, on however many threads ([CB-3](crate::specification#cb-3)). A call returns after the alerts that it
//! caused have been delivered, unless another thread is delivering to the same client; inside a callback, they are
//! delivered after that has returned ([CB-4](crate::specification#cb-4)).
//!
//! **Locks.** There is one, and none is held while a callback, a forwarder or a RIB runs or is dropped
//! ([CB-1](crate::specification#cb-1)). No call holds it for more than one page of work, so a hand-over of a million
//! memberships does not keep another thread waiting ([CB-7](crate::specification#cb-7)). No method waits for a
//! callback that runs on another thread. A daemon must not hold a lock that its callbacks take, while it calls.
//!
//! **Re-entrancy.** Callbacks may call anything, adding inside `enable_igmp` included. What cannot be, a second
//! change of who is on an interface that is changing hands, is refused at once ([`Error::HandoverInProgress`]).
//!
//! **The hand-over.** Every `disable_igmp` is followed by exactly one `enable_igmp`, whatever happens in between:
//! an error, a panic, a protocol that goes away ([HO-6](crate::specification#ho-6)).
//!
//! **Panics.** A panic in a callback, forwarder or RIB is caught, reported through `tracing` and counted
//! ([`Mgm::caught_panics`]); the caller whose call led to it is not harmed ([CB-5](crate::specification#cb-5)). This
//! needs panics that unwind: under `panic = "abort"` they end the process. The crate itself does not panic.
//!
//! **Nothing leaks.** What a client holds goes with its interfaces, and those with its handle. The forwarder holds
//! exactly the manager's entries, but for what it refused, which is marked, retried and shown; it is emptied when
//! the manager goes ([FW-12](crate::specification#fw-12)).
//!
//! # Two ways to hear
//!
//! A client chooses when it registers, and has one or the other.
//!
//! **Callbacks** ([`Mgm::register_protocol`], [`Mgm::register_igmp`]) are told of every change, in the order of the changes,
//! on the thread whose call caused it, before that call returns. They fit short answers from shared state, tests and logs.
//! A slow one makes others' calls slow; what waits for it can be [limited](Limits::waiting_alerts). One method,
//! [`alert`](ProtocolCallbacks::alert), gets all of them as values.
//!
//! **News** ([`Mgm::register_polled_protocol`], [`Mgm::register_polled_igmp`]) are read when the client asks: what is
//! different from what it took last, at most one piece for each entry. Nothing queues, and what came and went in between is
//! no news. They fit a task (`news.next().await`; a `Stream` with the feature `stream`), a thread or an event loop of its
//! own. Where somebody waits for the answer the client is called all the same: [`Questions`] and
//! [`HandoverCallbacks`].
//!
//! [`News`] has a table of the differences, and [`ClientRef::told`] is what a client has been told to pull so far.
//!
//! # With tokio
//!
//! The manager is not asynchronous: its calls do their work on the thread that makes them, and so do the callbacks. Each
//! protocol can be a task all the same. `examples/tokio.rs` is such a router; these are its choices, and why.
//!
//! **Short calls are made in the task**: adding, deleting and blocking single entries, [`set_group`](ClientRef::set_group),
//! asking for one interface or entry, reporting a packet. They take microseconds, and the time of the callbacks that they
//! cause; more for an entry that covers many forwarding entries, as (\*,\*) does.
//!
//! **Long calls are made in `block_in_place`**, or in `spawn_blocking`: taking and releasing interfaces, dropping a
//! [`Client`], ending a [`Refresh`], [`Mgm::interface_removed`], [`Mgm::routes_changed`], [`Mgm::expire`],
//! [`Mgm::forwarder_restarted`], [`Mgm::show`], large batches, walking all [groups](Mgm::groups) or [entries](Mgm::mfes).
//! They grow with what they touch, to tens of milliseconds at a hundred thousand entries.
//!
//! **Each protocol polls.** `news.next().await` stands in its `select!`, loses nothing when another branch is taken, and no
//! foreign thread runs in the task. What others wanted before it registered is no news: it begins with
//! [`told`](ClientRef::told).
//!
//! **Questions are answered from shared state.** `rpf` and `creation_alert` are asked on the thread that reports the packet,
//! which may be the one that the task needs: never wait for a task there, neither by `block_on` nor by `blocking_send`.
//! Look into what the task keeps, under a lock that is held only to look. The same holds in every callback; one that passes
//! something on uses an unbounded channel, or `try_send` (an [`Alert`] is a value, for that).
//!
//! **IGMP adds again in its task.** `enable_igmp` begins a [refresh](ClientRef::begin_refresh) and sends it to the task,
//! which says again what is wanted and [ends](Refresh::end) it: the hand-over does not wait for the task, and no packet is
//! lost meanwhile. What is refused during a hand-over is remembered, and said again then.
//!
//! **A take that is refused waits.** Two tasks may want one interface at the same moment. The second is refused with
//! [`Error::HandoverInProgress`], and [`Mgm::when_settled`] wakes it by a `Notify`.
//!
//! **The data plane is another process.** Its [`Forwarder`] sends each command into an unbounded channel and says yes. What
//! it then cannot do it reports with [`Mgm::forwarder_failed`], and that it was started again with
//! [`Mgm::forwarder_restarted`].
//!
//! **One task has the timers.** Nothing here sleeps. [`Mgm::next_due`] says when [`Mgm::expire`] next wants to be called,
//! and [`Builder::on_due`] when that becomes sooner, by a `Notify`, which keeps a wake that comes before the sleep:
//!
//! ```ignore
//! let mgm = Mgm::builder().on_due(move |_| wake.notify_one()).build(); // an Arc<Notify>, as `sooner` below
//! loop {
//!     let due = mgm.next_due().unwrap_or_else(|| Instant::now() + HOUR);
//!     tokio::select! {
//!         () = tokio::time::sleep_until(due.into()) => { block_in_place(|| mgm.expire(Instant::now())); }
//!         () = sooner.notified() => {}
//!     }
//! }
//! ```
//!
//! **The end has an order**, as in every daemon: [Shutting down](#shutting-down).
//!
//! # Shutting down
//!
//! 1. Drop the clients: each gives back what it holds, with all that follows from it.
//! 2. Drop the last handle of the manager, which empties the forwarder. A [`ClientRef`] that somebody has kept is a handle,
//!    too; [`News`] are none.
//! 3. End what the forwarder needs, such as its event loop or its process. If that goes first, its entries stay behind.
//!
//! # Testing your protocol
//!
//! With the feature `testing`, as a dev-dependency, the module `testing` has what tests of a protocol or a daemon need; with
//! `proptest` also strategies. `tests/your_protocol.rs` in the repository is a test by hand and one at random, in 40 lines
//! each, to copy from.
//!
//! **By hand.** Build a manager with a `RouteTable`, a `FaultyForwarder` and a `Log`, register your protocol and, for the
//! others, [`NoCallbacks`]; let somebody join, and look at who heard what (`log.heard(client)`), what the forwarder has
//! (`plane.entries()`), and where a packet goes (`plane.packet(..)`). What you answer to `rpf` and `creation_alert` needs no
//! packet: [`RpfRequest::new`], [`NewMfe::new`], [`CreationOif::enabled`].
//!
//! **At random.** A `World` is a small router in which an IGMP and two protocols do what `steps(1..60)` draws: take and
//! release interfaces, join, leave and block, with packets, routes and time. After each step compare what your protocol does
//! with `world.has_to_pull(client)`, which is computed from the statements and shares no code with the manager. Each step
//! also checks that what the manager keeps agrees with itself, as `mgm.check()` does at any time.
//!
//! **One order.** Where several clients are told of several entries, hashing decides who comes first; `Builder::seed` makes
//! it the same in every run, for snapshots of what a `Log` prints. Time is what you pass in.
//!
//! # A bug report is one file
//!
//! With the feature `replay` a daemon built with `Mgm::builder().record(mgm::replay::write(file))` writes each call and each
//! answer as a line of JSON. `cargo run --example replay -- FILE` does the same again on another manager, and prints who was
//! called when; the module `replay` says what a replay cannot reproduce. A manager that is not recorded pays one branch.
//!
//! # What operators see
//!
//! **Events**, through `tracing`, of hand-overs, memberships, alerts, entries and the forwarder. Their targets stay the same
//! from release to release: `mgm`, `mgm::membership`, `mgm::alert`, `mgm::entry`, `mgm::forwarder`, `mgm::linux`; the page
//! [`operators`] is the table of all of them. Nothing is formatted where nobody listens.
//!
//! **Counters**: [`Mgm::counters`] has calls, refusals, alerts, hand-overs and what is asked of the edges; it prints as
//! OpenMetrics text. Alarm on [`caught_panics`](Mgm::caught_panics) and [`wrong_answers`](Mgm::wrong_answers): both are
//! defects of what the manager calls.
//!
//! **The state**: [`Mgm::show`] is all that the manager knows, as text and, with `serde`, as JSON, in the daemon's own
//! [`Names`]; [`Snapshot::diff`] says what has changed between two. [`Mgm::explain`] says why a stream goes where it goes, and why each
//! client pulls it or does not.
//!
//! # Crate features
//!
//! None is on by default, and none changes what the others do.
//!
//! - `linux`: `LinuxForwarder`, a [`Forwarder`] on the kernel's multicast routing tables; nothing on other systems.
//! - `route-table`: `RouteTable`, a [`Rib`] for a daemon that has none of its own.
//! - `serde`: what is shown, asked and answered can be written: a [`Snapshot`], an [`Alert`], an [`Error`]. All but errors
//!   can be read back, and what is no group, no source or no interface is refused then, too.
//! - `replay`: the module `replay`: what [`Builder::record`] records as a file, and the same again from that file.
//! - `stream`: [`News`] is a `Stream` of `futures-core`.
//! - `testing`: the module `testing`, for tests of what embeds the manager, and [`Builder`]`::seed`; with it comes
//!   `route-table`. `proptest` adds strategies.
//!
//! # How it is made
//!
//! ```text
//!       IgmpCallbacks · ProtocolCallbacks               Forwarder             Rib
//!                       ▲                                   ▲                  ▲
//!                       │ calls at once, alerts in order    │ changes          │ look-ups
//!                       │                                   │                  │        no lock is held
//!     ──────────────────┴───────────────────────────────────┴──────────────────┴───────────────────────
//!     you ─► Client · Mgm ─► lock ─► engine ─► effects ─► outboxes ─► unlock ─► deliver
//!              │
//!              ├── handover   disable_igmp ─► engine: change the owner ─► enable_igmp
//!              ├── making     Rib ─► rpf ─► creation_alert ─► engine: install the entry
//!              └── routing    Rib ─► rpf ─► engine: move the entries
//! ```
//!
//! - The engine has all state and all rules, as a plain state machine without lock, callback, clock or I/O.
//! - The outboxes have the alerts that wait for each client. They are filled under the lock and delivered without it. A
//!   client that polls has none: the engine keeps what it has not taken.
//! - The edges are traits, which the daemon implements or takes from here:
//!
//! | edge | trait | what is there already |
//! |---|---|---|
//! | IGMP | [`IgmpCallbacks`]; if it polls, [`HandoverCallbacks`] | [`NoCallbacks`] |
//! | a routing protocol | [`ProtocolCallbacks`]; if it polls, [`Questions`] | [`NoCallbacks`] |
//! | what forwards packets | [`Forwarder`] | `LinuxForwarder`; [`MemoryForwarder`], for tests; [`NoForwarder`] |
//! | the routes to sources | [`Rib`]; without one no source has a route | `RouteTable`; any closure that looks up |
//!
//! # Trade-offs
//!
//! - Alerts run on the thread whose call caused them. No thread of the crate's own delays or loses them, but a slow
//!   callback makes others' calls slow: queue what takes long, or poll [`News`].
//! - What IGMP holds stays in force during a hand-over, also what it is not going to add again: until `enable_igmp` has
//!   returned, a stream may go where nobody wants it any more.
//! - One lock makes each change and all its consequences one step that others see whole or not at all. Changes do not
//!   run in parallel. Only what is long takes several steps, each of which leaves every entry as it was or as it will
//!   be.
//! - Nothing here reads a clock or sleeps. Time is passed in, so that tests can turn it, and a daemon has to call
//!   [`Mgm::expire`].
//! - What the RIB answered is kept for each source in use: routes that change have to be reported
//!   ([`Mgm::routes_changed`]).
//!
//! # What it does not do
//!
//! - It speaks no protocol: IGMP, MLD and the routing protocols are its clients. It reads no routing table, and opens
//!   no socket but those of `LinuxForwarder`.
//! - Groups and sources are single addresses, not prefixes; nor are there BGMP's dispatcher and domain-wide reports
//!   (RFC 2715 §3.2).
//! - It does not tell a client what follows from the client's own acts. An owner of an iif that drops its own last
//!   oif hears of no prune, and looks at [`Mgm::mfe`] for what others left.
//! - It does not limit anybody unless [`Limits`] are set: hosts choose the groups, so set some.
//! - TTL thresholds and boundaries are policy: answers to `creation_alert` can carry them out.
//!
//! # Differences from Microsoft's MGM
//!
//! | | Microsoft's MGM | this crate |
//! |---|---|---|
//! | IGMP adds inside `enable_igmp` | deadlocks, says its documentation | allowed |
//! | IGMP's memberships during a hand-over | not documented | stale: in force until IGMP has added them again, or has not |
//! | forwarding entries of an interface that changes hands | not documented | brought to the new owner in place |
//! | from one protocol to another | a release, then a take | also an [offer](ClientRef::offer_interface), and no gap |
//! | a client that restarts | adds all again after a release | a [refresh](ClientRef::begin_refresh): no loss |
//! | alerts | callbacks | callbacks, or [`News`] that a client polls |
//! | many changes at once | one call for each | [`batch`](ClientRef::batch), [`set_group`](ClientRef::set_group) |
//! | what others want, told to IGMP | as to any client | if it asks for that ([`AlertMode`]) |
//! | `wrong_interface` | documented as not implemented | works; switched on for each interface, once in 3 s for an entry |
//! | families | IPv4 | IPv4, IPv6 |
//! | counting of (\*,\*) | undefined | its own counters, by the rules of (\*,G) |
//! | what IGMP adds beside a protocol | undefined for whom it counts | for the owner of the interface |
//! | duplicate adds, deletes of what is not there | undefined | a membership is in a set: no change, no error |
//! | memberships on a released interface | undefined | deleted, with all the alerts of deleting them one by one |
//! | (S,G) when the interface toward S gets its owner later | not documented | the new owner gets its join alerts |
//! | route changes | no new `rpf` documented | [`Mgm::routes_changed`]: `rpf`, entries move, alerts follow |
//! | setting an MFE | the upstream neighbour | the iif too |
//! | end of an MFE's life | deleted after 900 s | made anew in place if it carried packets |
//! | `creation_alert` | who has oifs, to disable them | also all protocols, to enable theirs ([`CreationMode::Always`]) |
//! | sources excluded by IGMPv3 | none | [`block_source`](ClientRef::block_source), which takes away only the client's own |
//! | limits | none documented | [`Limits`]; an add at a limit is refused |
//! | faults of a callback | none documented | a panic is caught, reported and counted |
//! | enumeration | cookies and buffers | iterators: [`Mgm::groups`], [`Mgm::mfes`] |
//! | handles | to be kept by the client | owned; dropping one releases and deregisters |
//!
//! The names of its functions, callbacks and structures are search aliases here: look for `MgmTakeInterfaceOwnership`.
//!
//! # MSRV
//!
//! Rust 1.88. A release that needs a newer one counts as a minor release.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doc)]
#[doc = include_str!("changelog.md")]
pub mod changelog {}
#[cfg(doc)]
#[doc = include_str!("developers.md")]
pub mod developers {}
#[cfg(doc)]
#[doc = include_str!("operators.md")]
pub mod operators {}

#[doc = include_str!("specification.md")]
pub mod specification {}
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod builder;
mod callbacks;
mod client;
mod counters;
mod engine;
mod error;
mod explanation;
mod forwarder;
mod groups;
#[cfg(feature = "serde")]
mod json;
mod limits;
#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux;
mod lock;
mod manager;
mod mfes;
mod mgm;
mod news;
mod outcomes;
mod pages;
mod pointers;
mod questions;
pub mod record;
mod refresh;
#[cfg(feature = "replay")]
pub mod replay;
mod rib;
mod show;
#[cfg(feature = "testing")]
pub mod testing;
mod told;
mod types;
mod view;
#[cfg(feature = "testing")]
mod violation;

// The public interface is:
/// The crate that [`Address::Net`] and [`Route::prefix`] are of.
pub use ipnet;

pub use builder::Builder;
pub use callbacks::{IgmpCallbacks, NoCallbacks, ProtocolCallbacks};
pub use client::{Client, ClientRef, DeregisterError};
pub use counters::{CallbackCounters, Counters};
pub use error::{Error, Limit};
pub use explanation::{Explanation, InterfaceReason, PullReason, WhyOif, WhyTold};
pub use forwarder::{Forwarder, MemoryForwarder, NoForwarder};
pub use groups::Groups;
pub use limits::Limits;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub use linux::{IgmpPacket, LinuxForwarder, LinuxForwarderBuilder, OpenError, Upcall};
pub use mfes::Mfes;
pub use mgm::Mgm;
pub use news::News;
pub use outcomes::Outcomes;
pub use questions::{HandoverCallbacks, Questions};
pub use refresh::Refresh;
pub use rib::Rib;
#[cfg(feature = "route-table")]
pub use rib::RouteTable;
pub use show::{
    Difference, FailureSnapshot, LeftoverSnapshot, MfeSnapshot, Names, Snapshot, SnapshotDiff, WithNames,
};
pub use told::Told;
pub use types::address::{Address, AddressError, GroupAddr, HostAddr, SourceAddr};
pub use types::alert::{Alert, AlertCause, AlertMode, Pull};
pub use types::client::{ClientId, ClientName, ClientNameError};
pub use types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
pub use types::entry::{Entry, EntryError};
pub use types::forwarding::{ForwarderError, ForwardingEntry, MfeStats, OifStats};
pub use types::interface::{Interface, InterfaceError};
pub use types::membership::{Filter, FilterBuf, MembershipChange};
pub use types::route::Route;
pub use types::ssm::SsmRanges;
pub use view::{
    Change, Failure, ForwardState, Handover, InterfaceStatus, Membership, MembershipKind, Mfe, MfeFailure,
};
