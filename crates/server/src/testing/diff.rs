//! Expected rows beside those that came.

use super::row::{Row, quoted};
use millstream_plan::Column;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Missing,
    Unexpected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) side: Side,
    pub(super) row: Row,
    /// Per cell whether it is another one than in the line before; empty if there is nothing to compare it with.
    pub(super) differs: Vec<bool>,
    pub(super) kind_differs: bool,
}

impl Line {
    pub(super) fn new(side: Side, row: &Row) -> Line {
        Line {
            side,
            row: row.clone(),
            differs: Vec::new(),
            kind_differs: false,
        }
    }
}

/// Rows that are missing (`-`), that are not expected (`+`), and some of those that are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    names: Vec<String>,
    kinds: bool,
    lines: Vec<Line>,
    pub missing: usize,
    pub unexpected: usize,
}

/// Right rows shown beside each wrong one.
const AROUND: usize = 2;
/// Lines that are shown.
const LINES_MAX: usize = 60;
/// Characters of a cell that are shown.
const CELL_MAX: usize = 60;

impl Diff {
    /// - `kinds`: what rows do is shown
    pub(super) fn new(columns: &[Column], kinds: bool, lines: Vec<Line>) -> Diff {
        let count = |side: Side| lines.iter().filter(|l| l.side == side).count();
        Diff {
            names: columns.iter().map(|c| c.name.clone()).collect(),
            // A row that only takes something away has to say so.
            kinds: kinds || lines.iter().any(|l| l.row.kind != millstream_dataflow::RowKind::Insert),
            missing: count(Side::Missing),
            unexpected: count(Side::Unexpected),
            lines,
        }
    }

    fn cells(&self, line: &Line) -> Vec<String> {
        let kind = self.kinds.then(|| line.row.kind.short().to_string());
        let values = line.row.cells.iter().map(|c| c.text.as_deref().map_or_else(|| "NULL".to_string(), told));
        kind.into_iter().chain(values).collect()
    }
    /// Lines that are near a wrong one.
    fn is_near(&self, at: usize) -> bool {
        let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(self.lines.len());
        self.lines[around].iter().any(|l| l.side != Side::Both)
    }
}

/// A text in quotes where it could be taken for NULL, or for another one.
fn told(text: &str) -> String {
    let is_plain = !text.is_empty() && text != "NULL" && text.trim() == text && !text.starts_with('\'');
    if is_plain { shown(text) } else { shown(&quoted(text)) }
}

/// On one line, and not longer than is readable.
fn shown(text: &str) -> String {
    let clean: String = text
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    match clean.char_indices().nth(CELL_MAX) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names.clone();
        if self.kinds {
            names.insert(0, "op".to_string());
        }
        let near: Vec<usize> = (0..self.lines.len()).filter(|at| self.is_near(*at)).take(LINES_MAX).collect();
        let mut widths: Vec<usize> = names.iter().map(|n| n.chars().count()).collect();
        for at in &near {
            for (width, cell) in widths.iter_mut().zip(self.cells(&self.lines[*at])) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let row = |cells: &[String]| {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(c, w)| format!("{c}{}", " ".repeat(w - c.chars().count())))
                .collect();
            padded.join("  ").trim_end().to_string()
        };
        writeln!(f, "   {}", row(&names))?;
        let mut next = 0;
        for at in near {
            if at > next {
                writeln!(f, "   … {} right", count(at - next))?;
            }
            next = at + 1;
            let line = &self.lines[at];
            let sign = match line.side {
                Side::Both => ' ',
                Side::Missing => '-',
                Side::Unexpected => '+',
            };
            writeln!(f, " {sign} {}", row(&self.cells(line)))?;
            if line.kind_differs || line.differs.contains(&true) {
                let marks = self.kinds.then_some(line.kind_differs).into_iter().chain(line.differs.iter().copied());
                let cells = self.cells(line);
                let marked: Vec<String> = marks
                    .zip(&cells)
                    .map(|(d, c)| if d { "^".repeat(c.chars().count().max(1)) } else { String::new() })
                    .collect();
                writeln!(f, "   {}", row(&marked))?;
            }
        }
        match self.lines.len() - next {
            0 => Ok(()),
            more if self.lines[next..].iter().all(|l| l.side == Side::Both) => writeln!(f, "   … {} right", count(more)),
            more => writeln!(f, "   … {more} more lines"),
        }
    }
}

fn count(n: usize) -> String {
    format!("{n} row{}", if n == 1 { " is" } else { "s are" })
}
