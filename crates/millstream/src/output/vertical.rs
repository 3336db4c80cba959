//! Rows as blocks of lines, a line per column: for rows that are wider than the terminal.

use super::{Cell, clean, null};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

pub(super) struct Vertical {
    names: Vec<String>,
    /// Of the longest name.
    width: usize,
    color: bool,
    rows: u64,
}

impl Vertical {
    pub(super) fn new(names: Vec<String>, color: bool) -> Self {
        let names: Vec<String> = names.iter().map(|n| clean(n)).collect();
        Vertical {
            width: names.iter().map(|n| n.width()).max().unwrap_or(0),
            names,
            color,
            rows: 0,
        }
    }

    pub(super) fn rows(&mut self, rows: &[Vec<Cell>]) -> String {
        let mut text = String::new();
        for row in rows {
            self.rows += 1;
            let _ = writeln!(text, "-[ row {} ]{}", self.rows, "-".repeat(self.width));
            for (name, cell) in self.names.iter().zip(row) {
                let value = cell.as_ref().map_or_else(|| null(self.color), |c| clean(c));
                let _ = writeln!(text, "{name}{} | {value}", " ".repeat(self.width - name.width()));
            }
        }
        text
    }

    /// Whether no row has come.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn end(&self) -> String {
        format!("{} row{}\n", self.rows, if self.rows == 1 { "" } else { "s" })
    }
}
