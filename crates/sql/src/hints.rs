//! The hints of a text, and which of them a table has taken; those in views live as long as these.

use crate::parse::{Hint, ObjectPath};
use millstream_dataflow::{Error, Location, Span};
use std::cell::RefCell;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    all: Vec<Hint>,
    /// Those that a table has taken, by where they stand, and the name of that table.
    taken: RefCell<BTreeMap<Location, String>>,
    /// Lines of the texts before: what stands in them is no part of this one.
    above: u64,
}

impl Hints {
    /// Adds those of a text that begins below these lines.
    pub(crate) fn add(&mut self, hints: Vec<Hint>, above: u64) {
        self.all.extend(hints);
        self.above = above;
    }
    /// Forgets the text's hints, but for those within these statements.
    pub(crate) fn keep(&mut self, within: &[Span]) {
        let kept = |h: &Hint| h.after.line <= self.above || within.iter().any(|s| (s.start..=s.end).contains(&h.after));
        self.all.retain(kept);
        self.taken = RefCell::default();
    }
    /// Whether something stands in an earlier text, or in none.
    pub(crate) fn is_elsewhere(&self, span: Span) -> bool {
        span.start.line <= self.above
    }
    /// The hint behind a table's name.
    ///
    /// - `table`: as messages name it
    pub(crate) fn take(&self, path: &ObjectPath, table: &str) -> Option<&Hint> {
        let hint = self.behind(path.span.end)?;
        self.taken.borrow_mut().insert(hint.after, table.to_string());
        Some(hint)
    }
    /// The hints that tables have taken, with the names of these.
    pub(crate) fn taken(&self) -> Vec<(String, &Hint)> {
        let taken = self.taken.borrow();
        self.all.iter().filter_map(|h| Some((taken.get(&h.after)?.clone(), h))).collect()
    }
    /// The hint behind the place where a name ends.
    pub(crate) fn behind(&self, end: Location) -> Option<&Hint> {
        self.all.iter().find(|h| h.after == end)
    }
    /// The first within a statement.
    pub(crate) fn first(&self, within: Span) -> Option<&Hint> {
        self.all.iter().find(|h| (within.start..=within.end).contains(&h.after))
    }
    /// Those within a statement that nobody has taken.
    pub(crate) fn left(&self, within: Span) -> Vec<Error> {
        let taken = self.taken.borrow();
        let inside = |h: &&Hint| (within.start..=within.end).contains(&h.after) && !taken.contains_key(&h.after);
        self.all.iter().filter(inside).map(|h| Hint::misplaced(h.span)).collect()
    }
}
