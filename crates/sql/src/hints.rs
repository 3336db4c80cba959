//! The hints of a file, and which of them a table has taken.

use crate::parse::{Hint, ObjectPath};
use millstream_dataflow::{Error, Location, Span};
use std::cell::RefCell;
use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(crate) struct Hints {
    all: Vec<Hint>,
    taken: RefCell<BTreeSet<Location>>,
}

impl Hints {
    pub(crate) fn new(all: Vec<Hint>) -> Hints {
        Hints {
            all,
            taken: RefCell::default(),
        }
    }
    /// The hint behind a table's name.
    pub(crate) fn take(&self, path: &ObjectPath) -> Option<&Hint> {
        let hint = self.all.iter().find(|h| h.after == path.span.end)?;
        self.taken.borrow_mut().insert(hint.after);
        Some(hint)
    }
    /// The first within a statement.
    pub(crate) fn first(&self, within: Span) -> Option<&Hint> {
        self.all.iter().find(|h| (within.start..=within.end).contains(&h.after))
    }
    /// Those within a statement that nobody has taken.
    pub(crate) fn left(&self, within: Span) -> Vec<Error> {
        let taken = self.taken.borrow();
        let inside = |h: &&Hint| (within.start..=within.end).contains(&h.after) && !taken.contains(&h.after);
        self.all.iter().filter(inside).map(|h| Hint::misplaced(h.span)).collect()
    }
}
