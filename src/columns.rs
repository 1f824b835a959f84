//! Tables of texts, as show commands print them.

use std::fmt;

pub(crate) fn or_dash(cell: Option<impl fmt::Display>) -> String {
    cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string())
}

/// Writes aligned columns under their heads.
pub(crate) fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    heads: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    if rows.len() == 1 {
        return writeln!(f, "No {what}.");
    }
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    // The last column is as wide as it likes: nothing comes after it.
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
