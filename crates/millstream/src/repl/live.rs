//! The result of a query while it comes: rows that renew themselves, and what is known of the query below them.
//!
//! A state machine without a terminal: it is fed with batches and moments, and gives lines.

mod fold;
mod footer;

pub(crate) use footer::Facts;

use super::grid::{Cell, Column, Grid, record};
use super::line::{Line, Mark, clean};
use crate::units::count;
use fold::Fold;
use millstream_dataflow::{Batch, Field, RowKind, Schema, SqlType};
use millstream_formats::render::{is_null, text_value};
use std::collections::VecDeque;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// How a result that comes is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveMode {
    /// What the changes come to.
    Table,
    /// The changes.
    Changelog,
    /// The changes, none of them taken back from the screen.
    Append,
}

impl LiveMode {
    pub(crate) const NAMES: [&'static str; 3] = ["table", "changelog", "append"];
    pub(crate) fn parse(name: &str) -> Option<LiveMode> {
        [LiveMode::Table, LiveMode::Changelog, LiveMode::Append].into_iter().find(|m| m.name() == name)
    }
    pub(crate) fn name(self) -> &'static str {
        match self {
            LiveMode::Table => Self::NAMES[0],
            LiveMode::Changelog => Self::NAMES[1],
            LiveMode::Append => Self::NAMES[2],
        }
    }
}

/// Changes kept.
const CHANGES_MAX: usize = 1_000;
/// Rows kept.
const ROWS_MAX: usize = 10_000;
/// Characters kept of a value.
const CELL_MAX: usize = 1_000;
/// Width of a value in a column, unless there is room.
const CELL_WIDTH_MAX: usize = 60;
/// How long a value that has changed stands out.
const FLASH: Duration = Duration::from_millis(800);

#[derive(Debug, Clone)]
struct Change {
    kind: RowKind,
    cells: Vec<Cell>,
}

#[derive(Debug)]
pub(crate) struct Live {
    mode: LiveMode,
    expanded: bool,
    columns: Vec<Column>,
    schema: Schema,
    fold: Fold,
    changes: VecDeque<Change>,
    /// Changes that came.
    taken: u64,
    /// Whether a change was no insertion.
    changing: bool,
    /// The widest cell of each column so far: columns do not shrink under the reader's eyes.
    needed: Vec<usize>,
    /// How many of the changes have left by [`Live::appended`], and the columns they were shown in.
    appended: u64,
    appended_in: Vec<usize>,
    rate: footer::Rate,
}

impl Live {
    pub(crate) fn new(schema: &Schema, mode: LiveMode, expanded: bool) -> Live {
        let column = |f: &Field| Column {
            name: clean(&f.name),
            right: is_number(&f.ty),
            whole: is_number(&f.ty) || matches!(f.ty, SqlType::Date | SqlType::Time(_) | SqlType::Timestamp(_) | SqlType::TimestampLtz(_)),
        };
        Live {
            mode,
            expanded,
            columns: schema.fields.iter().map(column).collect(),
            schema: schema.clone(),
            fold: Fold::new(ROWS_MAX),
            changes: VecDeque::new(),
            taken: 0,
            changing: false,
            needed: vec![0; schema.fields.len()],
            appended: 0,
            appended_in: Vec::new(),
            rate: footer::Rate::default(),
        }
    }
    /// Shows it another way.
    pub(crate) fn show_as(&mut self, mode: LiveMode, expanded: bool) {
        self.mode = mode;
        self.expanded = expanded;
    }

    /// Takes rows, at a moment.
    pub(crate) fn take(&mut self, batch: &Batch, now: Duration) {
        // Of plain rows only those are looked at that are kept.
        let skipped = if batch.kinds.is_none() {
            batch.num_rows().saturating_sub(ROWS_MAX)
        } else {
            0
        };
        self.taken += batch.num_rows() as u64;
        self.fold.leave_out(skipped as u64);
        for row in skipped..batch.num_rows() {
            let cells: Vec<Cell> = self.schema.fields.iter().enumerate().map(|(i, f)| cell(batch, i, row, f)).collect();
            for (needed, cell) in self.needed.iter_mut().zip(&cells) {
                *needed = (*needed).max(cell.text.width().min(CELL_WIDTH_MAX));
            }
            let kind = batch.kind(row);
            self.changing |= kind != RowKind::Insert;
            if self.changes.len() == CHANGES_MAX {
                self.changes.pop_front();
            }
            self.changes.push_back(Change { kind, cells: cells.clone() });
            self.fold.apply(kind, cells, now);
        }
    }

    /// The lines of a moment.
    ///
    /// - `height`: how many there may be
    pub(crate) fn frame(&mut self, now: Duration, facts: &Facts, width: usize, height: usize) -> Vec<Line> {
        let footer = self.rate.footer(self.taken, self.rows(), now, facts, width);
        if self.mode == LiveMode::Append {
            return vec![footer];
        }
        let room = height.saturating_sub(1);
        let mut lines = self.body(now, Some(width), room);
        // Where not even one row has room: its end.
        lines.drain(..lines.len().saturating_sub(room));
        lines.push(footer);
        lines.into_iter().map(|l| l.fit(width)).collect()
    }

    /// Rows that have come since the last call, for good: of the mode `append`.
    pub(crate) fn appended(&mut self, width: usize) -> Vec<Line> {
        if self.mode != LiveMode::Append || self.appended == self.taken {
            return Vec::new();
        }
        let (columns, needed) = self.with_op();
        let grid = Grid::new(&columns, &needed, Some(width));
        let mut lines = Vec::new();
        if needed != self.appended_in {
            lines.extend([grid.rule(), grid.head(), grid.rule()]);
        }
        let fresh = (self.taken - self.appended) as usize;
        if fresh > self.changes.len() {
            lines.push(Line::of(
                format!("… {} rows came too fast to be shown", count((fresh - self.changes.len()) as u64)),
                Mark::Dim,
            ));
        }
        let first = self.changes.len().saturating_sub(fresh);
        lines.extend(self.changes.range(first..).map(|c| self.change(&grid, c)));
        self.appended = self.taken;
        self.appended_in = needed;
        lines.into_iter().map(|l| l.fit(width)).collect()
    }

    /// What stays: all rows that are kept, and how many there were.
    ///
    /// - `width`: `None` for a reader that scrolls to the right
    /// - `height`: how many lines there may be
    pub(crate) fn last(&mut self, width: Option<usize>, height: usize) -> Vec<Line> {
        self.fold.settle();
        if self.mode == LiveMode::Append && self.appended > 0 {
            let mut lines = self.appended(width.unwrap_or(usize::MAX));
            lines.push(Line::of(counted(self.taken, "row"), Mark::Dim));
            return lines;
        }
        let mut lines = self.body(Duration::MAX, width, height.saturating_sub(1));
        let mut end = match self.mode {
            LiveMode::Table => counted(self.rows(), "row"),
            LiveMode::Changelog | LiveMode::Append => counted(self.taken, if self.changing { "change" } else { "row" }),
        };
        if self.cut() > 0 {
            let kept = match self.mode {
                LiveMode::Table => self.fold.len() as u64,
                LiveMode::Changelog | LiveMode::Append => self.changes.len() as u64,
            };
            end += &format!(", the last {} are kept", count(kept));
        }
        lines.push(Line::of(end, Mark::Dim));
        match width {
            Some(width) => lines.into_iter().map(|l| l.fit(width)).collect(),
            None => lines,
        }
    }

    /// How many rows the changes come to.
    fn rows(&self) -> u64 {
        self.fold.len() as u64 + self.fold.cut()
    }
    /// Rows or changes that are not kept.
    fn cut(&self) -> u64 {
        match self.mode {
            LiveMode::Table => self.fold.cut(),
            LiveMode::Changelog | LiveMode::Append => self.taken - self.changes.len() as u64,
        }
    }

    /// The newest rows that there is room for.
    fn body(&self, now: Duration, width: Option<usize>, room: usize) -> Vec<Line> {
        // Above and below the rows.
        const FRAME: usize = 4;
        let (columns, needed) = match self.mode {
            LiveMode::Table => (self.columns.clone(), self.needed.clone()),
            LiveMode::Changelog | LiveMode::Append => self.with_op(),
        };
        let total = match self.mode {
            LiveMode::Table => self.fold.len(),
            LiveMode::Changelog | LiveMode::Append => self.changes.len(),
        };
        if total == 0 {
            return Vec::new();
        }
        let grid = Grid::new(&columns, &needed, width);
        let left_out = grid.left_out().filter(|_| !self.expanded);
        let each = if self.expanded { columns.len() + 1 } else { 1 };
        let frame = if self.expanded { 0 } else { FRAME + usize::from(left_out.is_some()) };
        let fits = room.saturating_sub(frame) / each;
        // One line says what stands above.
        let fits = if total > fits { room.saturating_sub(frame + 1) / each } else { fits };
        let shown = total.min(fits.max(1));
        let above = total - shown;
        let mut lines = Vec::new();
        let hidden = above as u64 + self.cut();
        if above > 0 {
            lines.push(Line::of(format!("… {} above", counted(hidden, "row")), Mark::Dim));
        } else if self.cut() > 0 {
            lines.push(Line::of(format!("… {} above, no longer kept", counted(hidden, "row")), Mark::Dim));
        }
        if self.expanded {
            let numbered = hidden + 1..;
            match self.mode {
                LiveMode::Table => {
                    for (row, number) in self.fold.rows().skip(above).zip(numbered) {
                        lines.extend(record(&columns, &row.cells, number, width, |i| flashed(row, i, now)));
                    }
                }
                LiveMode::Changelog | LiveMode::Append => {
                    for (change, number) in self.changes.range(above..).zip(numbered) {
                        lines.extend(record(&columns, &self.change_cells(change), number, width, |i| self.mark(change, i)));
                    }
                }
            }
            return lines;
        }
        lines.extend([grid.rule(), grid.head(), grid.rule()]);
        match self.mode {
            LiveMode::Table => lines.extend(self.fold.rows().skip(above).map(|row| grid.row(&row.cells, |i| flashed(row, i, now)))),
            LiveMode::Changelog | LiveMode::Append => lines.extend(self.changes.range(above..).map(|c| self.change(&grid, c))),
        }
        lines.push(grid.rule());
        lines.extend(left_out.map(|names| Line::of(format!("no room for {names}; in the shell \\x shows all"), Mark::Dim)));
        lines
    }

    /// The columns of changes: what each does comes first, where not all are insertions.
    fn with_op(&self) -> (Vec<Column>, Vec<usize>) {
        let (mut columns, mut needed) = (self.columns.clone(), self.needed.clone());
        if self.says_op() {
            columns.insert(
                0,
                Column {
                    name: "op".to_string(),
                    ..Column::default()
                },
            );
            needed.insert(0, 2);
        }
        (columns, needed)
    }
    fn change_cells(&self, change: &Change) -> Vec<Cell> {
        let mut cells = change.cells.clone();
        if self.says_op() {
            cells.insert(
                0,
                Cell {
                    text: change.kind.short().to_string(),
                    null: false,
                },
            );
        }
        cells
    }
    /// Whether changes say what they do.
    fn says_op(&self) -> bool {
        self.changing || self.mode == LiveMode::Changelog
    }
    fn mark(&self, change: &Change, column: usize) -> Mark {
        match change.kind {
            RowKind::Insert | RowKind::UpdateAfter if column == 0 && self.says_op() => Mark::Added,
            RowKind::UpdateBefore | RowKind::Delete => Mark::Removed,
            _ => Mark::Plain,
        }
    }
    fn change(&self, grid: &Grid<'_>, change: &Change) -> Line {
        grid.row(&self.change_cells(change), |i| self.mark(change, i))
    }
}

fn flashed(row: &fold::Row, column: usize, now: Duration) -> Mark {
    match &row.changed {
        Some((at, columns)) if columns[column] && now < at.saturating_add(FLASH) => Mark::Changed,
        _ => Mark::Plain,
    }
}

fn cell(batch: &Batch, column: usize, row: usize, field: &Field) -> Cell {
    let array = batch.column(column);
    if is_null(array, row, field) {
        return Cell::null();
    }
    let mut text = clean(&text_value(array, row, field));
    if let Some((end, _)) = text.char_indices().nth(CELL_MAX) {
        text.truncate(end);
        text.push('…');
    }
    Cell { text, null: false }
}

fn is_number(ty: &SqlType) -> bool {
    ty.is_integer() || matches!(ty, SqlType::Decimal(..) | SqlType::Double | SqlType::Float)
}

fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
