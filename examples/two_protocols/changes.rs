//! What a step changed in the table that the manager shows.

use std::net::Ipv4Addr;

/// Prints the rows that are new or changed, and those that are gone.
pub(crate) fn print(before: &str, after: &str) {
    let gone = rows(before).filter(|old| rows(after).all(|row| name(row) != name(old)));
    for row in gone {
        println!("   - {}", squeeze(row));
    }
    for row in rows(after).filter(|row| rows(before).all(|old| squeeze(old) != squeeze(row))) {
        println!("   + {}", squeeze(row));
    }
}

/// What is neither a head nor a gap.
fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with(char::is_alphabetic))
}

/// The first column, or the source and the group of a forwarding entry.
fn name(row: &str) -> (&str, Option<&str>) {
    let mut cells = row.split("  ").filter(|cell| !cell.is_empty()).map(str::trim);
    let first = cells.next().unwrap_or_default();
    (first, cells.next().filter(|_| first.parse::<Ipv4Addr>().is_ok()))
}

/// The columns may be wider after a step than before.
fn squeeze(row: &str) -> String {
    row.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>().join("  ")
}
