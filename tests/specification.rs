//! The specification, the code and the tests speak of the same statements.
//!
//! `src/specification.md` has the statements, the code cites them where it keeps them, and the name of a test begins
//! with the statement that it proves.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The codes of statements in a text: `HO-4`, or several at once, `HO-1 to HO-16`.
static CODES: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = "CL|IF|HO|CB|MB|CT|FW|EN";
    Regex::new(&format!(r"\b({kinds})-(\d+)(?: to (?:{kinds})-(\d+))?")).unwrap()
});

/// Statements whose tests are still to come: each goes from here with its first test.
const NOT_TESTED_YET: &[&str] = &[];

/// A file, by its path below the crate, with its lines.
type File = (String, Vec<String>);

fn files(folder: &str, extension: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = sources(&root.join(folder)).into_iter();
    let read = |path: PathBuf| {
        let lines = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), lines)
    };
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).map(read).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The statements that a citation names.
fn cited(citation: &Captures<'_>) -> Vec<String> {
    let number = |group| citation.get(group).map(|digits| digits.as_str().parse::<u32>().unwrap());
    let first = number(2).unwrap();
    (first..=number(3).unwrap_or(first)).map(|number| format!("{}-{number}", &citation[1])).collect()
}

/// The statements that `line` names.
fn codes(line: &str) -> Vec<String> {
    CODES.captures_iter(line).flat_map(|citation| cited(&citation)).collect()
}

/// The statements of the specification: each is an anchor, `<a id="ho-4" href="#ho-4">**HO-4**</a>`.
fn statements() -> BTreeSet<String> {
    let anchor =
        Regex::new(r##"^<a id="([a-z0-9-]+)" href="#([a-z0-9-]+)">\*\*([A-Z]+-\d+)\*\*</a> "##).unwrap();
    let mut statements = BTreeSet::new();
    for (name, lines) in files("src", "md").iter().filter(|(name, _)| name.ends_with("specification.md")) {
        for line in lines {
            let Some(found) = anchor.captures(line) else {
                assert!(!line.starts_with("<a "), "{name}: this is no statement: {line}");
                continue;
            };
            let code = found[3].to_owned();
            assert!(
                found[1] == found[2] && found[1] == code.to_lowercase(),
                "{name}: {code} has another's anchor"
            );
            assert!(statements.insert(code), "{name}: there are two statements {}", &found[3]);
        }
    }
    assert!(statements.len() > 70, "the statements are not found: {statements:?}");
    statements
}

#[test]
fn every_statement_that_is_cited_exists() {
    let statements = statements();
    let mut unknown = Vec::new();
    for (name, lines) in files("src", "rs") {
        for (number, line) in lines.iter().enumerate() {
            let missing = codes(line).into_iter().filter(|code| !statements.contains(code));
            unknown.extend(missing.map(|code| format!("{name}:{}: {code}", number + 1)));
        }
    }
    assert!(unknown.is_empty(), "src/specification.md has no such statements: {unknown:#?}");
}

#[test]
fn every_statement_is_cited_where_it_is_kept() {
    // What a module says of itself is an overview, and keeps nothing.
    let is_overview = |line: &str| line.trim_start().starts_with("//!");
    let sources = files("src", "rs");
    let lines = sources.iter().flat_map(|(_, lines)| lines).filter(|line| !is_overview(line));
    let cited: BTreeSet<_> = lines.flat_map(|line| codes(line)).collect();
    let missing: Vec<_> = statements().into_iter().filter(|code| !cited.contains(code)).collect();
    assert!(missing.is_empty(), "no code says that it keeps {missing:?}");
}

#[test]
fn every_statement_is_proved_by_a_test_named_after_it() {
    let test = Regex::new(r"\bfn ([a-z]{2})_(\d+)_\w+\(").unwrap();
    let sources = [files("tests", "rs"), files("src", "rs")].concat();
    let lines = sources.iter().flat_map(|(_, lines)| lines);
    let proved: BTreeSet<_> = lines
        .flat_map(|line| test.captures_iter(line))
        .map(|name| format!("{}-{}", name[1].to_uppercase(), &name[2]))
        .collect();
    let missing: Vec<_> = statements().into_iter().filter(|code| !proved.contains(code)).collect();
    assert_eq!(
        missing, NOT_TESTED_YET,
        "statements that no test is named after, and those of which that is known"
    );
}

/// What users read links to the statements: in `src/engine` and `src/manager`, which they do not see, they are only named.
#[test]
fn every_statement_that_users_read_of_is_a_link() {
    let statements = statements();
    let link = Regex::new(r"\[([A-Z]+-\d+)\]\(crate::specification#([a-z0-9-]+)\)").unwrap();
    let mut broken = Vec::new();
    for (name, lines) in files("src", "rs") {
        if name.starts_with("src/engine/") || name.starts_with("src/manager/") {
            continue;
        }
        let docs = |line: &str| line.trim_start().starts_with("///") || line.trim_start().starts_with("//!");
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| docs(line)) {
            let mut report = |what: String| broken.push(format!("{name}:{}: {what}", number + 1));
            for found in link.captures_iter(line) {
                if found[1].to_lowercase() != found[2] || !statements.contains(&found[1]) {
                    report(found[0].to_owned());
                }
            }
            codes(&link.replace_all(line, "")).into_iter().for_each(&mut report);
        }
    }
    assert!(broken.is_empty(), "write these as `[HO-4](crate::specification#ho-4)`: {broken:#?}");
}

/// The pages refer to statements as `[HO-4]`, and say at their ends where that leads.
#[test]
fn every_statement_that_a_page_refers_to_is_found_from_there() {
    let statements = statements();
    let definition = Regex::new(r"^\[([A-Z]{2}-\d+)\]: (?:crate::specification)?#([a-z0-9-]+)$").unwrap();
    let reference = Regex::new(r"\[([A-Z]{2}-\d+)\]([^:(]|$)").unwrap();
    let mut broken = Vec::new();
    for (name, lines) in files("src", "md") {
        let definitions = lines.iter().filter_map(|line| definition.captures(line));
        let (right, wrong): (Vec<_>, Vec<_>) = definitions
            .partition(|found| found[1].to_lowercase() == found[2] && statements.contains(&found[1]));
        broken.extend(wrong.iter().map(|found| format!("{name}: {}", &found[0])));
        let defined: BTreeSet<_> = right.iter().map(|found| found[1].to_owned()).collect();
        let referred = lines.iter().flat_map(|line| reference.captures_iter(line));
        let referred: BTreeSet<_> = referred.map(|found| found[1].to_owned()).collect();
        // The specification defines all, so that the next reference to one needs no thought.
        let needed = if name.ends_with("specification.md") { &statements } else { &referred };
        broken.extend(
            referred
                .union(needed)
                .filter(|code| !defined.contains(*code))
                .map(|code| format!("{name}: {code}")),
        );
    }
    assert!(broken.is_empty(), "references that lead nowhere: {broken:#?}");
}

/// What is built is what the changelog says has changed.
#[test]
fn the_changelog_begins_with_this_version() {
    let changelog =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/changelog.md")).unwrap();
    let heading = changelog.lines().find_map(|line| line.strip_prefix("# ")).unwrap();
    assert_eq!(heading.split(',').next(), Some(env!("CARGO_PKG_VERSION")));
}
