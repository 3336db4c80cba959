//! Rows as a framed table. Widths come from the first batch and are widened by a new head when a later row needs more.

use millstream_dataflow::Schema;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Cells are cut at this width, visibly.
const CELL_WIDTH_MAX: usize = 60;

pub(crate) struct Table {
    names: Vec<String>,
    /// The first column says what each row does: known with the first rows.
    with_kinds: bool,
    widths: Vec<usize>,
    rows: u64,
}

impl Table {
    pub(crate) fn new(schema: &Schema) -> Self {
        Table {
            names: schema.fields.iter().map(|f| f.name.clone()).collect(),
            with_kinds: false,
            widths: Vec::new(),
            rows: 0,
        }
    }

    /// Rows begin with what they do to the result.
    pub(crate) fn show_kinds(&mut self) {
        if !std::mem::replace(&mut self.with_kinds, true) {
            self.names.insert(0, "op".to_string());
        }
    }

    /// The text of some rows, with a head when one is due.
    pub(crate) fn rows(&mut self, rows: &[Vec<String>]) -> String {
        let rows: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(|c| shorten(c)).collect()).collect();
        let mut widths: Vec<usize> = self.names.iter().map(|n| n.width()).collect();
        for row in &rows {
            for (w, cell) in widths.iter_mut().zip(row) {
                *w = (*w).max(cell.width());
            }
        }
        let mut text = String::new();
        if self.widths.is_empty() || self.widths.iter().zip(&widths).any(|(have, need)| need > have) {
            for (w, old) in widths.iter_mut().zip(&self.widths) {
                *w = (*w).max(*old);
            }
            if !self.widths.is_empty() {
                text += &self.line();
            }
            self.widths = widths;
            text += &self.line();
            text += &self.cells(&self.names);
            text += &self.line();
        }
        for row in &rows {
            text += &self.cells(row);
        }
        self.rows += rows.len() as u64;
        text
    }

    /// The last line and the number of rows.
    pub(crate) fn end(&self) -> String {
        let line = if self.widths.is_empty() { String::new() } else { self.line() };
        format!("{line}{} row{}\n", self.rows, if self.rows == 1 { "" } else { "s" })
    }

    fn line(&self) -> String {
        let dashes: Vec<String> = self.widths.iter().map(|w| "-".repeat(w + 2)).collect();
        format!("+{}+\n", dashes.join("+"))
    }

    fn cells(&self, cells: &[String]) -> String {
        let mut text = String::from("|");
        for (cell, width) in cells.iter().zip(&self.widths) {
            let _ = write!(text, " {cell}{} |", " ".repeat(width.saturating_sub(cell.width())));
        }
        text + "\n"
    }
}

/// Control characters would act on the terminal: they are shown instead.
fn shorten(cell: &str) -> String {
    let clean: String = cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if clean.width() <= CELL_WIDTH_MAX {
        return clean;
    }
    let mut cut = String::new();
    for c in clean.chars() {
        if cut.width() + 2 > CELL_WIDTH_MAX {
            break;
        }
        cut.push(c);
    }
    cut + "…"
}

#[cfg(test)]
mod tests;
