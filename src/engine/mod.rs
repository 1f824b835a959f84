//! All state and all rules, as a plain state machine.
//!
//! No lock, no callback, no clock, no I/O, no tracing: a call changes the state and leaves what follows from it in
//! [`Effects`]. Each file is one noun. In reading order, each may call those above it:
//!
//! | file | what | statements |
//! |---|---|---|
//! | `key`, `table`, `time`, `page` | what everything is made of | CB-7 |
//! | `held` | what is held of one entry on one interface | HO-11, HO-16, MB-6 |
//! | `interfaces` | an interface, its past, its transition | IF-5, HO-7 |
//! | `clients` | who is registered | CL-1 to CL-6 |
//! | `permission` | who may do what on an interface, and when | MB-1, HO-2, HO-7 |
//! | `pull` | whether the owner of an iif is to pull it | FW-6 |
//! | `news` | what clients that poll have to know | CB-8 |
//! | `effects` | what follows from a change | CT-6 |
//! | `interest` | who wants an entry, and who is told | CT-1 to CT-4 |
//! | `sources` | the routes to sources | FW-13 |
//! | `backlog`, `mfe` | forwarding entries, and what the forwarder has to hear | EN-2, FW-11, FW-12, FW-15 |
//! | `reading` | what is shown | EN-1, EN-2, EN-4, EN-7, HO-8 |
//! | `oifs`, `forward_state` | where an entry forwards, and whether its owner pulls it | FW-2, FW-5, FW-6, MB-5 |
//! | `holding` | one hold is written, counted, and told on its interface | MB-7, CT-7 |
//! | `upstream` | who is told of (S,G) | CT-5, CT-8 |
//! | `told`, `explaining` | what a client has been told to pull; why, and why an interface is an oif | EN-5, EN-6 |
//! | `membership`, `filter` | adding and deleting | MB-1 to MB-4, MB-6 to MB-9, HO-13 |
//! | `refresh` | a client adds again what it wants | HO-14, HO-17 |
//! | `ownership` | interfaces change hands | IF-1 to IF-9, HO-1 to HO-16 |
//! | `wrong_interface` | packets on the wrong interface | FW-10 |
//! | `question`, `making` | clients are asked, entries are made, and made anew | FW-1, FW-3, FW-4, FW-9, FW-13 |
//! | `past` | entries of an interface that has changed hands | HO-15 |
//! | `expiry` | what is due | FW-7, FW-14 |
//! | `settings` | what clients set of entries | MB-5, FW-7, FW-8, FW-10 |
//! | `check` | for tests: whether what is kept twice agrees | |
//!
//! The methods of [`Engine`] are of five kinds:
//! - *readers* take `&self`;
//! - *calls of clients* answer with a `Result`: a refused one has changed nothing;
//! - *reports of the system*: packets, routes, time, interfaces that are gone;
//! - *steps*, of what takes several holds of the lock because somebody is asked in between, or because it is long. Those
//!   that are named `begin_` and `end_` come in pairs, and `ownership` says in which order its own come;
//! - *what the forwarder is to do*: each `next_command` is followed by one `commanded`.

mod backlog;
#[cfg(feature = "testing")]
mod check;
mod clients;
mod effects;
mod expiry;
mod explaining;
mod filter;
mod forward_state;
mod held;
mod holding;
mod interest;
mod interfaces;
mod key;
mod making;
mod membership;
mod mfe;
mod news;
mod oifs;
mod ownership;
mod page;
mod past;
mod permission;
mod pull;
mod question;
mod reading;
mod refresh;
mod settings;
mod sources;
mod table;
mod time;
mod told;
mod upstream;
mod wrong_interface;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use backlog::Backlog;
pub(crate) use backlog::Command;
use clients::Clients;
pub(crate) use clients::Modes;
pub(crate) use effects::{Effects, Walk};
pub(crate) use expiry::Idle;
pub(crate) use filter::{FilterMode, Filtered, edits, filtered};
use interest::Interests;
use interfaces::Interfaces;
pub(crate) use interfaces::{RefreshId, Transfer};
use key::Hashed;
pub(crate) use key::{ClientKey, Hearing, Key, Number};
use making::Makings;
pub(crate) use making::{Beginning, Draft, Installation, Installed, MakingId};
pub(crate) use membership::{Action, Edit, Room, WaitingAlerts};
use mfe::MfeTable;
pub(crate) use news::{Taken, Untaken};
pub(crate) use ownership::Granted;
use ownership::Removals;
use page::Page;
pub(crate) use page::PageSize;
pub(crate) use past::{Anew, PastMfes};
pub(crate) use question::{CreationAnswer, Occasion, RpfAnswer, RpfQuestion};
pub(crate) use reading::GroupsCursor;
use refresh::RefreshesDue;
use sources::Sources;
pub(crate) use sources::{Learned, RouteAnswer, RouteQuestion, Trust};
use time::Clock;
pub(crate) use told::ToldCursor;

use crate::limits::Limits;
use crate::types::address::{Address, GroupAddr};
use crate::types::ssm::SsmRanges;

/// The state of a manager.
#[derive(Debug)]
pub(crate) struct Engine<A: Address> {
    clients: Clients<A>,
    interfaces: Interfaces<A>,
    removals: Removals,
    refreshes_due: RefreshesDue,
    interests: Interests<A>,
    /// Memberships and blocks of all clients on all interfaces.
    holds: usize,
    limits: Limits,
    ssm: SsmRanges<A>,
    mfes: MfeTable<A>,
    makings: Makings<A>,
    sources: Sources<A>,
    backlog: Backlog<A>,
    pub(crate) clock: Clock,
    /// Numbers questions, settings, tenures and refreshes: each is later than those with a smaller one.
    numbers: u64,
    pub(crate) effects: Effects<A>,
    page: Page,
    hasher: SeedableRandomState,
}

impl<A: Address> Engine<A> {
    /// From `seed` follows every order that hashing leaves open; without one, nobody knows them.
    pub(crate) fn new(
        limits: Limits,
        ssm: SsmRanges<A>,
        has_rib: bool,
        page: PageSize,
        seed: Option<u64>,
    ) -> Self {
        let seeded = |seed| SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        let hasher = seed.map_or_else(SeedableRandomState::random, seeded);
        Self {
            clients: Clients::new(),
            interfaces: Interfaces::new(),
            removals: Removals::new(),
            refreshes_due: RefreshesDue::new(),
            interests: Interests::new(hasher.clone()),
            holds: 0,
            limits,
            ssm,
            mfes: MfeTable::new(hasher.clone()),
            makings: Makings::new(),
            sources: Sources::new(has_rib),
            backlog: Backlog::new(),
            clock: Clock::default(),
            numbers: 0,
            effects: Effects::default(),
            page: Page::new(page),
            hasher,
        }
    }

    /// The lock has been taken: a page of work may be done before it is given up (CB-7).
    pub(crate) fn turn_page(&mut self) {
        self.page.turn();
    }

    /// The most that was done in one hold of the lock (CB-7).
    #[cfg(feature = "testing")]
    pub(crate) fn largest_page(&self) -> PageSize {
        self.page.most()
    }

    /// Whether so much was done in this hold of the lock that others have waited for it.
    pub(crate) const fn has_used_page(&self) -> bool {
        self.page.is_used()
    }

    pub(crate) const fn page_size(&self) -> PageSize {
        self.page.size()
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn ssm_ranges(&self) -> SsmRanges<A> {
        self.ssm.clone()
    }

    fn at(&self, key: Key<A>) -> Hashed<Key<A>> {
        Hashed::new(&self.hasher, key)
    }

    const fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The source-specific range that `group` is in.
    fn ssm_range(&self, group: GroupAddr<A>) -> Option<A::Net> {
        self.ssm.range(group)
    }

    fn is_ssm(&self, key: Key<A>) -> bool {
        self.ssm.iter().any(|range| key.group.is_in(&range))
    }
}
