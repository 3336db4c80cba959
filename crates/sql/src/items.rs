//! Where in a text the expressions stand that operators compute, for errors that come once they run.

use millstream_dataflow::{Error, Span};
use std::collections::BTreeMap;

/// By the id of an operator and the name of the column that it computes; without a name what it computes beside columns, as a condition.
#[derive(Debug, Default, Clone)]
pub struct Items(BTreeMap<(String, String), Span>);

impl Items {
    /// - `column`: its name, or nothing
    pub(crate) fn add(&mut self, operator: &str, column: &str, at: Span) {
        self.0.insert((operator.to_string(), column.to_string()), at);
    }
    pub(crate) fn append(&mut self, mut other: Items) {
        self.0.append(&mut other.0);
    }
    /// Leaves out what stands in earlier texts, which have so many lines, or has no place.
    pub(crate) fn keep(&mut self, above: u64) {
        self.0.retain(|_, at| at.start.line > above);
    }
    /// Moves all places.
    pub(crate) fn moved(mut self, to: impl Fn(Span) -> Span) -> Items {
        self.0.values_mut().for_each(|at| *at = to(*at));
        self
    }
    /// The error at the expression that it comes from, if it has no place yet and the expression is known.
    pub fn of(&self, e: Error) -> Error {
        let Some(operator) = e.operator.clone().filter(|_| e.span.is_none()) else {
            return e;
        };
        match self.0.get(&(operator, e.column.clone().unwrap_or_default())) {
            Some(at) => e.span(*at),
            None => e,
        }
    }
}
