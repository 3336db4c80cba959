//! Small tables of texts: what commands answer.

use super::grid::{Cell, Column, Grid};
use super::line::{Line, Mark, clean};
use unicode_width::UnicodeWidthStr;

/// Rows under names; a name that begins with `>` has its values at the right.
pub(crate) struct Listing {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Listing {
    pub(crate) fn new(names: &[&str]) -> Listing {
        let column = |name: &&str| Column {
            name: name.trim_start_matches('>').to_string(),
            right: name.starts_with('>'),
            whole: name.starts_with('>'),
        };
        Listing {
            columns: names.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cell = |text: String| Cell {
            text: clean(&text),
            null: false,
        };
        self.rows.push(cells.into_iter().map(cell).collect());
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<Line> {
        let mut needed = vec![0; self.columns.len()];
        for row in &self.rows {
            for (n, cell) in needed.iter_mut().zip(row) {
                *n = (*n).max(cell.text.width());
            }
        }
        let grid = Grid::new(&self.columns, &needed, width);
        let rows = self.rows.iter().map(|row| grid.row(row, |_| Mark::Plain));
        let mut lines: Vec<Line> = [grid.rule(), grid.head(), grid.rule()].into_iter().chain(rows).collect();
        lines.push(grid.rule());
        lines.extend(grid.left_out().map(|names| Line::of(format!("no room for {names}"), Mark::Dim)));
        lines
    }
}

/// Whether a name fits a pattern: `*` is any text, `?` any character; without them the name contains it. Case does not matter.
pub(crate) fn fits(name: &str, pattern: Option<&str>) -> bool {
    fn like(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| like(rest, &text[skip..])),
            Some((c, rest)) => text.split_first().is_some_and(|(t, more)| (*c == '?' || c == t) && like(rest, more)),
        }
    }
    let Some(pattern) = pattern else { return true };
    let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
    if !pattern.contains(['*', '?']) {
        return name.contains(&pattern);
    }
    like(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{Listing, fits};

    #[test]
    fn patterns_are_those_of_file_names() {
        assert!(fits("Clicks", None));
        assert!(fits("Clicks", Some("lick")));
        assert!(fits("Clicks", Some("c*s")));
        assert!(fits("Clicks", Some("click?")));
        assert!(!fits("Clicks", Some("c?s")));
        assert!(!fits("Clicks", Some("x")));
    }

    #[test]
    fn listings_are_tables() {
        let mut listing = Listing::new(&["name", ">n"]);
        assert!(listing.is_empty());
        listing.row(["a".to_string(), "12".to_string()]);
        let lines: Vec<String> = listing.lines(Some(80)).iter().map(|l| l.text()).collect();
        assert_eq!(lines, ["+------+----+", "| name |  n |", "+------+----+", "| a    | 12 |", "+------+----+"]);
    }
}
