//! Data flows one way: which file may import which, read from the source itself.
//!
//! All paths that begin in this crate are followed, in imports and elsewhere: `crate::`, `super::`, `self::`, children, and
//! re-exports, to the file that has the thing. In the engine the methods of its one type are spread over the files, so
//! there a call of a method counts as an import of the file that has it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::Source;

/// Each file, lowest first, and what it imports: all of that stands above it, so there is no circle.
///
/// A name without a folder is a file beside it, or else at the root. A folder's name stands for all of the folder. A file
/// may use what the `mod.rs` of its folder declares; and that one, which is called as the folder, hands out what the
/// files have. Neither is listed.
const TABLE: &str = "
    types
    types/address
    types/client
    types/ssm               address
    types/entry             address ssm
    types/interface         address
    types/route             address interface
    types/membership        address entry
    types/alert             address entry interface
    types/creation          address interface route
    types/forwarding        address interface
    error                   types
    view                    types
    outcomes                error types view
    limits
    json                    error types
    violation
    lock
    counters                types
    record
    record/moment
    record/call             moment types view
    record/callback         types
    record/answer           moment types view
    record/event            answer call callback limits types
    record/timeline         answer event types
    record/failure          types
    explanation             types view

    engine                  limits types
    engine/time
    engine/page
    engine/key              types
    engine/table            key
    engine/held             key view
    engine/interfaces       held key table types view
    engine/clients          key error types
    engine/permission       clients held interfaces key error types
    engine/pull
    engine/news             interfaces key pull types view
    engine/effects          interfaces key news pull types
    engine/interest         held interfaces key pull table types
    engine/sources          interest interfaces key types
    engine/backlog          key time types view
    engine/mfe              backlog interfaces key pull table time error types view
    engine/reading          clients held interfaces key mfe permission table types view
    engine/oifs             backlog effects held interfaces key mfe pull sources types view
    engine/forward_state    interfaces key mfe oifs types view
    engine/holding          held interest interfaces key table types view
    engine/upstream         held holding interest interfaces key oifs sources types
    engine/told             clients interest key table upstream types
    engine/explaining       interfaces key mfe oifs reading sources upstream explanation types view
    engine/membership       clients held holding interest interfaces key oifs permission sources table upstream error
                            types view
    engine/filter           clients key membership permission error types view
    engine/refresh          held interfaces key membership permission table error types view
    engine/ownership        clients held interfaces key membership permission refresh table upstream error types view
    engine/wrong_interface  key time types
    engine/question         interfaces key mfe oifs sources types view
    engine/making           backlog forward_state interfaces key mfe oifs pull question sources time error types
    engine/past             forward_state interfaces key making mfe sources table types
    engine/expiry           backlog interest key making mfe oifs refresh time error types
    engine/settings         clients forward_state held key making mfe oifs permission sources error types view
    engine/check            backlog held interfaces key mfe oifs sources types violation

    forwarder               types
    forwarder/memory        types
    rib                     types
    rib/table               types
    callbacks               types
    questions               callbacks types
    pointers                callbacks forwarder questions types

    manager                 engine error explanation forwarder lock record rib types view
    manager/panics          lock
    manager/outbox          engine types
    manager/recorder        panics engine error lock outcomes record types view
    manager/counted         panics counters types
    manager/registration    counted outbox panics recorder callbacks counters engine lock record types
    manager/alarm
    manager/due             outbox
    manager/inside          due lock types
    manager/forwarding      engine record types
    manager/turn            alarm due inside outbox registration engine lock record types
    manager/settled         record types
    manager/news            engine lock types
    manager/routing         inside engine record types
    manager/making          routing engine error lock record types
    manager/memberships     engine error outcomes types view
    manager/filters         memberships engine error types view
    manager/handover        registration engine error types view

    pages
    groups                  pages engine manager types view
    mfes                    pages engine manager types view
    refresh                 engine manager record types
    told                    pages engine manager types
    show                    groups lock manager mfes record types view
    show/names              types
    show/print              names types view
    show/diff               names print types view
    show/explained          names print explanation types view
    show/mermaid            explained names explanation types view
    client                  engine error manager outcomes record refresh told types view
    news                    client engine manager types
    builder                 engine forwarder limits manager record rib types
    mgm                     builder callbacks client counters engine error explanation groups limits lock manager mfes news questions
                            record show types view violation

    replay
    replay/lines            record types
    replay/script           client mgm news record refresh types
    replay/player           script builder callbacks client forwarder lock mgm news questions record refresh rib types

    testing                 violation
    testing/words           types
    testing/log             record types
    testing/faulty          forwarder record types
    testing/oracle          mgm rib types view
    testing/world           faulty log oracle words builder callbacks client mgm record rib types view violation
    testing/strategies      world types

    linux                   forwarder types
    linux/sys
    linux/ancillary
    linux/vifs
    linux/upcall            ancillary sys error mgm types
    linux/family            ancillary sys upcall vifs types
    linux/open              family sys vifs types
    lib                     builder callbacks client counters error explanation forwarder groups limits linux mfes mgm news outcomes
                            questions refresh rib show told types view
";

/// Imports that run back up the table, because that is what the crate is for.
const PRODUCT: &[(&str, &str)] = &[
    // A callback is handed the handle of its client, by which it calls back.
    ("callbacks", "client"),
    ("pointers", "client"),
    ("questions", "client"),
    ("manager", "client"),
    // A manager has a builder, and the builder builds a manager.
    ("builder", "mgm"),
];

/// Words of which only some files speak: of callbacks and panics those that are there for it, and of locks, threads and logs
/// no rule.
const WORDS: &[(&str, &[&str])] = &[
    ("dyn IgmpCallbacks", &["manager/registration"]),
    ("dyn ProtocolCallbacks", &["manager/registration"]),
    ("catch_unwind", &["manager/panics"]),
    ("parking_lot ::", &["lock", "forwarder/memory", "rib/table", "testing", "linux"]),
    ("std :: sync :: Mutex", &[]),
    ("std :: sync :: RwLock", &[]),
    ("tracing ::", &["client", "linux", "manager", "mgm", "replay"]),
    ("unsafe", &["linux/sys"]),
];

/// The table, row by row: a file, and what it imports, by full names.
fn table() -> Vec<(&'static str, Vec<String>)> {
    let is_row = |line: &&str| !line.trim().is_empty();
    let files: BTreeSet<_> = Source::read().files().map(str::to_owned).collect();
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for line in TABLE.lines().filter(is_row) {
        let goes_on = line.starts_with("            ");
        let mut names = line.split_whitespace();
        if !goes_on {
            rows.push((names.next().unwrap(), Vec::new()));
        }
        let (file, imports) = rows.last_mut().unwrap();
        let folder = file.split_once('/').map_or("", |(folder, _)| folder);
        imports.extend(names.map(|name| {
            let beside = format!("{folder}/{name}");
            if files.contains(&beside) { beside } else { name.to_owned() }
        }));
    }
    rows
}

/// Whether `name` is the file or the folder `whole`, or in that folder.
fn is_in(name: &str, whole: &str) -> bool {
    name.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn excepted(from: &str, to: &str) -> bool {
    PRODUCT.iter().any(|(file, import)| is_in(from, file) && is_in(to, import))
}

/// What each file has of others, but of its folder, and a folder of its files.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let source = Source::read();
    let arrows = |file: &str| {
        let imports = source.imports(file).into_iter().chain(source.calls(file, "Engine"));
        let is_family = |other: &String| is_in(file, other) || is_in(other, file);
        imports.filter(|other| !is_family(other)).collect()
    };
    source.files().map(|file| (file.to_owned(), arrows(file))).collect()
}

#[test]
fn every_file_is_in_the_table_once_and_imports_only_what_is_above_it() {
    let mut above: Vec<&str> = Vec::new();
    let mut broken = Vec::new();
    for (file, imports) in table() {
        if above.contains(&file) {
            broken.push(format!("{file} is there twice"));
        }
        let below = imports.iter().filter(|import| !above.contains(&import.as_str()));
        broken.extend(below.map(|import| format!("{import} does not stand above {file}")));
        above.push(file);
    }
    let listed: BTreeSet<_> = above.into_iter().map(str::to_owned).collect();
    let files: BTreeSet<_> = Source::read().files().map(str::to_owned).collect();
    broken.extend(
        files
            .symmetric_difference(&listed)
            .map(|file| format!("{file} is only in the table, or only in src")),
    );
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_file_imports_what_the_table_says_and_nothing_else() {
    let arrows = arrows();
    let mut broken = Vec::new();
    for (file, allowed) in table() {
        let imports = arrows.get(file).cloned().unwrap_or_default();
        let needed: Vec<_> = imports.iter().filter(|import| !excepted(file, import)).collect();
        let unlisted = needed.iter().filter(|import| !allowed.iter().any(|whole| is_in(import, whole)));
        broken.extend(unlisted.map(|import| format!("{file} imports {import}")));
        let unused = allowed.iter().filter(|whole| !needed.iter().any(|import| is_in(import, whole)));
        broken.extend(unused.map(|import| format!("{file} does not import {import}")));
    }
    assert!(broken.is_empty(), "change the file, or the table: {broken:#?}");
}

#[test]
fn every_exception_is_one() {
    let arrows = arrows();
    let unused = PRODUCT.iter().copied().filter(|(from, to)| {
        let files = arrows.iter().filter(|(file, _)| is_in(file, from));
        !files.flat_map(|(_, imports)| imports).any(|import| is_in(import, to))
    });
    assert_eq!(unused.collect::<Vec<_>>(), [], "these are exceptions no more");
}

#[test]
fn only_some_files_speak_of_callbacks_and_locks_and_logs() {
    let source = Source::read();
    let mut broken = Vec::new();
    for file in source.files() {
        let text = source.text(file);
        let spoken = WORDS.iter().filter(|(word, _)| text.contains(word));
        let misplaced = spoken.filter(|(_, files)| !files.iter().any(|whole| is_in(file, whole)));
        broken.extend(misplaced.map(|(word, _)| format!("{file} speaks of {word}")));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
