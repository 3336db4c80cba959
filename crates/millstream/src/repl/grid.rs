//! Rows in columns that fit a width, or one under the other.

use super::line::{Line, Mark, cut};
use unicode_width::UnicodeWidthStr;

/// A column's name, and how its values stand in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) right: bool,
    /// Whether its values mean something only as a whole: numbers and times.
    pub(crate) whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) null: bool,
}

impl Cell {
    /// NULL: no text is shown so.
    pub(crate) fn null() -> Cell {
        Cell {
            text: "<NULL>".to_string(),
            null: true,
        }
    }
}

/// Narrowest a column is made to fit the rest.
const WIDTH_MIN: usize = 6;
/// The same of one whose values are not cut.
const WHOLE_MAX: usize = 30;

/// The widths of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grid<'a> {
    columns: &'a [Column],
    widths: Vec<usize>,
    /// Columns that have no place at the right.
    hidden: usize,
}

impl<'a> Grid<'a> {
    /// Columns as wide as they need to be, narrower where the width has an end.
    ///
    /// - `needed`: the widest cell of each column
    pub(crate) fn new(columns: &'a [Column], needed: &[usize], width: Option<usize>) -> Grid<'a> {
        let mut widths: Vec<usize> = columns.iter().zip(needed).map(|(c, n)| c.name.width().max(*n)).collect();
        let least = |(column, (needed, wide)): (&Column, (&usize, &usize))| {
            let whole = if column.whole { (*needed).min(WHOLE_MAX) } else { 0 };
            whole.max(WIDTH_MIN).min(*wide)
        };
        let mut least: Vec<usize> = columns.iter().zip(needed.iter().zip(&widths)).map(least).collect();
        let mut hidden = 0;
        if let Some(width) = width {
            let total = |widths: &[usize], hidden: usize| widths.iter().map(|w| w + 3).sum::<usize>() + 1 + if hidden > 0 { 4 } else { 0 };
            while widths.len() > 1 && total(&least, hidden) > width {
                widths.pop();
                least.pop();
                hidden += 1;
            }
            // The widest of those that may be narrower.
            while total(&widths, hidden) > width {
                let may = widths.iter_mut().zip(&least).filter(|(w, least)| **w > **least).map(|(w, _)| w);
                let Some(widest) = may.max_by_key(|w| **w) else { break };
                *widest -= 1;
            }
        }
        Grid { columns, widths, hidden }
    }
    /// The line above, between and below.
    pub(crate) fn rule(&self) -> Line {
        let mut text: String = self.widths.iter().map(|w| format!("+{}", "-".repeat(w + 2))).collect();
        if self.hidden > 0 {
            text += "+---";
        }
        Line::of(text + "+", Mark::Dim)
    }
    pub(crate) fn head(&self) -> Line {
        let cells = self.columns.iter().map(|c| (c.name.clone(), Mark::Head, c.right));
        self.line(cells)
    }
    /// A row; `mark` is that of a cell by its number.
    pub(crate) fn row(&self, cells: &[Cell], mark: impl Fn(usize) -> Mark) -> Line {
        let marked = cells.iter().zip(self.columns).enumerate().map(|(i, (cell, column))| {
            let own = mark(i);
            let mark = if cell.null && own == Mark::Plain { Mark::Dim } else { own };
            (cell.text.clone(), mark, column.right)
        });
        self.line(marked)
    }
    fn line(&self, cells: impl Iterator<Item = (String, Mark, bool)>) -> Line {
        let mut line = Line::default();
        for ((text, mark, right), width) in cells.zip(&self.widths) {
            let text = cut(&text, *width);
            let space = " ".repeat(width.saturating_sub(text.width()));
            line.push("| ", Mark::Dim);
            match right {
                true => line.push(space + &text, mark),
                false => {
                    line.push(text, mark);
                    line.push(space, Mark::Plain);
                }
            }
            line.push(" ", Mark::Plain);
        }
        line.push(if self.hidden > 0 { "| … |" } else { "|" }, Mark::Dim);
        line.0.retain(|s| !s.text.is_empty());
        line
    }
    /// The columns that are left out, where there are any.
    pub(crate) fn left_out(&self) -> Option<String> {
        let names: Vec<&str> = self.columns[self.widths.len()..].iter().map(|c| c.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// A row with a line for each column.
pub(crate) fn record(columns: &[Column], cells: &[Cell], number: u64, width: Option<usize>, mark: impl Fn(usize) -> Mark) -> Vec<Line> {
    let names = columns.iter().map(|c| c.name.width()).max().unwrap_or(0);
    let title = format!("-[ row {number} ]");
    let mut lines = vec![Line::of(format!("{title}{}", "-".repeat((names + 12).saturating_sub(title.len()))), Mark::Dim)];
    for (i, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let mut line = Line::of(format!("{}{}", column.name, " ".repeat(names - column.name.width())), Mark::Head);
        line.push(" | ", Mark::Dim);
        let own = mark(i);
        line.push(cell.text.clone(), if cell.null && own == Mark::Plain { Mark::Dim } else { own });
        lines.push(match width {
            Some(width) => line.fit(width),
            None => line,
        });
    }
    lines
}

#[cfg(test)]
mod tests;
