//! Rows as a framed table. What ends is one table, as wide as its rows need: its first rows wait for each other. Rows of what has no end come
//! at once; a new head widens the columns when a later row needs more.

use super::{Cell, clean, null};
use crate::color::{Paint, paint};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Cells are cut at this width, visibly.
const CELL_WIDTH_MAX: usize = 60;
/// Rows that wait for each other at most.
const HELD_MAX: usize = 10_000;

pub(super) struct Table {
    names: Vec<String>,
    color: bool,
    widths: Vec<usize>,
    rows: u64,
    /// Rows that are not shown yet.
    held: Vec<Vec<Cell>>,
    holds: bool,
}

impl Table {
    /// - `bounded`: the rows end by themselves
    pub(super) fn new(names: Vec<String>, color: bool, bounded: bool) -> Self {
        Table {
            names: names.iter().map(|n| shorten(n)).collect(),
            color,
            widths: Vec::new(),
            rows: 0,
            held: Vec::new(),
            holds: bounded,
        }
    }

    /// Takes rows; gives the text of what is due.
    pub(super) fn rows(&mut self, rows: &[Vec<Cell>]) -> String {
        let short = |c: &Cell| c.as_ref().map(|c| shorten(c));
        let rows = rows.iter().map(|r| r.iter().map(short).collect());
        self.rows += rows.len() as u64;
        self.held.extend(rows);
        match self.holds && self.held.len() < HELD_MAX {
            true => String::new(),
            false => self.release(),
        }
    }

    /// The text of the rows that are not shown yet; those that come later do not wait.
    fn release(&mut self) -> String {
        self.holds = false;
        let rows = std::mem::take(&mut self.held);
        if rows.is_empty() { String::new() } else { self.text(&rows) }
    }

    /// The text of some rows, with a head when one is due.
    fn text(&mut self, rows: &[Vec<Cell>]) -> String {
        let mut widths: Vec<usize> = self.names.iter().map(|n| n.width()).collect();
        for row in rows {
            for (w, cell) in widths.iter_mut().zip(row) {
                *w = (*w).max(cell.as_ref().map_or_else(|| null(false).width(), |c| c.width()));
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
            let names = self.names.iter().map(|n| (paint(self.color, Paint::Bold, n), n.width()));
            text += &self.cells(names);
            text += &self.line();
        }
        for row in rows {
            let cells = row.iter().map(|cell| match cell {
                Some(cell) => (cell.clone(), cell.width()),
                None => (null(self.color), null(false).width()),
            });
            text += &self.cells(cells);
        }
        text
    }

    /// Whether no row has come.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows that are left, the last line and the number of rows.
    pub(super) fn end(&mut self) -> String {
        let rows = self.release();
        let line = if self.widths.is_empty() { String::new() } else { self.line() };
        format!("{rows}{line}{} row{}\n", self.rows, if self.rows == 1 { "" } else { "s" })
    }

    fn line(&self) -> String {
        let dashes: Vec<String> = self.widths.iter().map(|w| "-".repeat(w + 2)).collect();
        format!("+{}+\n", dashes.join("+"))
    }

    /// Cells with their widths.
    fn cells(&self, cells: impl Iterator<Item = (String, usize)>) -> String {
        let mut text = String::from("|");
        for ((cell, has), width) in cells.zip(&self.widths) {
            let _ = write!(text, " {cell}{} |", " ".repeat(width.saturating_sub(has)));
        }
        text + "\n"
    }
}

fn shorten(cell: &str) -> String {
    let clean = clean(cell);
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
