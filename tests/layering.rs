//! Data flows one way: who may speak of whom, read from the source itself.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

/// A path, the files that may name it (or all but those, after a `!`), and nobody else.
const ALLOWED: &[(&str, &[&str])] = &[
    // The engine is pure: no lock, no callback, no handle, no manager, no tracing.
    ("crate::manager", &["!engine/", "!types/"]),
    ("crate::client::", &["!engine/", "!types/"]),
    ("crate::groups", &["!engine/", "!types/"]),
    ("crate::builder", &["!engine/", "!types/"]),
    ("crate::callbacks", &["!engine/", "!types/"]),
    ("crate::forwarder", &["!engine/", "!types/"]),
    ("crate::linux", &["lib.rs"]),
    ("crate::rib", &["!engine/", "!types/"]),
    ("parking_lot::", &["!engine/", "!types/"]),
    ("tracing::", &["!engine/", "!types/"]),
    // Types know only types.
    ("crate::engine", &["!types/"]),
    ("crate::error", &["!types/"]),
    ("crate::limits", &["!types/"]),
    ("crate::view", &["!types/"]),
    // Nobody knows the manager but those that make or hand out one.
    ("crate::mgm", &["builder.rs", "linux/upcall.rs"]),
    // One file invokes callbacks, and one catches what foreign code throws.
    ("dyn IgmpCallbacks", &["manager/registration.rs"]),
    ("dyn ProtocolCallbacks", &["manager/registration.rs"]),
    ("catch_unwind", &["manager/panics.rs"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_speaks_only_of_whom_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for path in sources(&src) {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap();
        for (word, files) in ALLOWED {
            let listed = files.iter().any(|file| name.starts_with(file.trim_start_matches('!')));
            let allowed = listed != files.iter().all(|file| file.starts_with('!'));
            if !allowed && code.iter().any(|line| line.contains(word)) {
                broken.push(format!("src/{name} speaks of {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
