//! Whether rows are those that a test expects.

use super::diff::{Diff, Line, Side};
use super::row::{Row, Value};
use millstream_dataflow::{RowKind, SqlType};
use millstream_plan::Column;
use millstream_sql::parse::Tolerance;

/// How far a DOUBLE may be from the expected one if nothing is said, as a share of it: sums of floating-point numbers depend on their order.
const DOUBLE_SHARE: f64 = 1e-12;
/// Beyond so many rows the order is compared row by row.
const ROWS_ALIGNED_MAX: usize = 2_000;

/// When two rows are the same.
pub(super) struct Same<'a> {
    pub(super) columns: &'a [Column],
    pub(super) tolerance: Option<Tolerance>,
    /// What rows do is looked at, too.
    pub(super) kinds: bool,
}

impl Same<'_> {
    fn rows(&self, expected: &Row, actual: &Row) -> bool {
        // What only takes something away is no row.
        let kind = if self.kinds { expected.kind } else { RowKind::Insert };
        actual.kind == kind && self.equal_cells(expected, actual) == self.columns.len()
    }
    fn equal_cells(&self, expected: &Row, actual: &Row) -> usize {
        let cells = expected.cells.iter().zip(&actual.cells).zip(self.columns);
        cells.filter(|((e, a), c)| self.cell(e, a, &c.ty.ty)).count()
    }
    fn cell(&self, expected: &Value, actual: &Value, ty: &SqlType) -> bool {
        if expected.text == actual.text {
            return true;
        }
        let (Some(expected), Some(actual)) = (&expected.text, &actual.text) else {
            return false;
        };
        let is_number = ty.is_integer() || matches!(ty, SqlType::Float | SqlType::Double | SqlType::Decimal(..));
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| is_number && n.is_finite());
        let (Some(expected), Some(actual)) = (number(expected), number(actual)) else {
            return false;
        };
        let off = (expected - actual).abs();
        match self.tolerance {
            Some(Tolerance::Absolute(by)) => off <= by,
            Some(Tolerance::Percent(by)) => off <= expected.abs() * by / 100.0,
            None => *ty == SqlType::Double && off <= expected.abs() * DOUBLE_SHARE,
        }
    }

    /// What differs, if anything does.
    pub(super) fn compare(&self, expected: &[Row], actual: &[Row], ordered: bool) -> Option<Diff> {
        let lines = match ordered && expected.len().max(actual.len()) <= ROWS_ALIGNED_MAX {
            true => self.in_order(expected, actual),
            false if ordered => self.one_by_one(expected, actual),
            false => self.in_any_order(expected, actual),
        };
        let differs = lines.iter().any(|l| l.side != Side::Both);
        differs.then(|| Diff::new(self.columns, self.kinds, self.paired(lines)))
    }

    fn in_any_order(&self, expected: &[Row], actual: &[Row]) -> Vec<Line> {
        let mut left: Vec<Option<&Row>> = actual.iter().map(Some).collect();
        let mut lines: Vec<Line> = Vec::new();
        for row in expected {
            let found = left.iter().position(|a| a.is_some_and(|a| self.rows(row, a)));
            lines.push(match found.and_then(|at| left[at].take()) {
                Some(same) => Line::new(Side::Both, same),
                None => Line::new(Side::Missing, row),
            });
        }
        lines.extend(left.into_iter().flatten().map(|row| Line::new(Side::Unexpected, row)));
        lines
    }

    fn one_by_one(&self, expected: &[Row], actual: &[Row]) -> Vec<Line> {
        let mut lines = Vec::new();
        for at in 0..expected.len().max(actual.len()) {
            match (expected.get(at), actual.get(at)) {
                (Some(e), Some(a)) if self.rows(e, a) => lines.push(Line::new(Side::Both, a)),
                (e, a) => {
                    lines.extend(e.map(|row| Line::new(Side::Missing, row)));
                    lines.extend(a.map(|row| Line::new(Side::Unexpected, row)));
                }
            }
        }
        lines
    }

    /// By the longest common subsequence.
    fn in_order(&self, expected: &[Row], actual: &[Row]) -> Vec<Line> {
        let width = actual.len() + 1;
        let mut longest = vec![0u32; (expected.len() + 1) * width];
        for e in (0..expected.len()).rev() {
            for a in (0..actual.len()).rev() {
                longest[e * width + a] = match self.rows(&expected[e], &actual[a]) {
                    true => longest[(e + 1) * width + a + 1] + 1,
                    false => longest[(e + 1) * width + a].max(longest[e * width + a + 1]),
                };
            }
        }
        let (mut e, mut a, mut lines) = (0, 0, Vec::new());
        while e < expected.len() || a < actual.len() {
            let both = e < expected.len() && a < actual.len();
            if both && self.rows(&expected[e], &actual[a]) {
                lines.push(Line::new(Side::Both, &actual[a]));
                (e, a) = (e + 1, a + 1);
            } else if e < expected.len() && (!both || longest[(e + 1) * width + a] >= longest[e * width + a + 1]) {
                lines.push(Line::new(Side::Missing, &expected[e]));
                e += 1;
            } else {
                lines.push(Line::new(Side::Unexpected, &actual[a]));
                a += 1;
            }
        }
        lines
    }

    /// Puts behind each missing row the unexpected one that is most like it, and marks where they differ.
    fn paired(&self, lines: Vec<Line>) -> Vec<Line> {
        let mut unexpected: Vec<Option<Line>> = lines.iter().map(|l| (l.side == Side::Unexpected).then(|| l.clone())).collect();
        let mut pairs: Vec<Option<Line>> = vec![None; lines.len()];
        for (at, line) in lines.iter().enumerate().filter(|(_, l)| l.side == Side::Missing) {
            let alike = |other: &Option<Line>| other.as_ref().map_or(0, |o| self.equal_cells(&line.row, &o.row));
            let best = (0..unexpected.len()).rev().max_by_key(|i| alike(&unexpected[*i]));
            if let Some(best) = best.filter(|i| alike(&unexpected[*i]) > 0 || self.columns.len() == 1) {
                pairs[at] = unexpected[best].take();
            }
        }
        let mut out = Vec::new();
        for (at, line) in lines.into_iter().enumerate() {
            match line.side {
                Side::Both => out.push(line),
                Side::Missing => {
                    let pair = pairs[at].take();
                    out.push(line.clone());
                    if let Some(mut other) = pair {
                        let cells = line.row.cells.iter().zip(&other.row.cells).zip(self.columns);
                        other.differs = cells.map(|((e, a), c)| !self.cell(e, a, &c.ty.ty)).collect();
                        other.kind_differs = line.row.kind != other.row.kind;
                        out.push(other);
                    }
                }
                Side::Unexpected => out.extend(unexpected[at].take()),
            }
        }
        out
    }
}

/// The rows that are left of changes: what is taken away takes the newest row that is equal to it.
pub(super) fn folded(rows: &[Row]) -> Vec<Row> {
    let mut left: Vec<Row> = Vec::new();
    for row in rows {
        match row.kind {
            RowKind::Insert | RowKind::UpdateAfter => left.push(Row {
                kind: RowKind::Insert,
                ..row.clone()
            }),
            RowKind::UpdateBefore | RowKind::Delete => {
                let gone = left.iter().rposition(|l| l.kind == RowKind::Insert && l.cells == row.cells);
                match gone {
                    Some(at) => drop(left.remove(at)),
                    // Of a row that came before: it is shown as what it is.
                    None => left.push(row.clone()),
                }
            }
        }
    }
    left
}

#[cfg(test)]
mod tests;
