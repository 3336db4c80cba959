//! Rows as a table of a Markdown document.

use super::{Cell, clean};

pub(super) fn head(names: &[String]) -> String {
    line(names.iter().map(|n| escaped(n))) + &line(names.iter().map(|_| "---".to_string()))
}

pub(super) fn rows(rows: &[Vec<Cell>]) -> String {
    let cell = |c: &Cell| c.as_ref().map_or("*NULL*".to_string(), |c| escaped(c));
    rows.iter().map(|row| line(row.iter().map(cell))).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// What Markdown would take for its own.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out += "<br>",
            '\\' | '|' | '*' | '_' | '`' | '<' | '[' => out.extend(['\\', c]),
            c => out += &clean(c.encode_utf8(&mut [0; 4])),
        }
    }
    out
}
