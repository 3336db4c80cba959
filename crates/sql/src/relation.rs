//! What a FROM clause offers: columns, and where they come from.

use crate::catalog::follows;
use crate::show::name_written;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span, SqlType};
use millstream_plan::{Expr, Type, Window};

/// A window column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowPart {
    Start,
    End,
    Time,
}

/// The windows of a window function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) window: Window,
    /// Whether the event time is a TIMESTAMP_LTZ.
    pub(crate) ltz: bool,
}

impl Cut {
    /// Type of `window_time`.
    pub(crate) fn window_time(&self) -> Type {
        Type::new(if self.ltz { SqlType::TimestampLtz(3) } else { SqlType::Timestamp(3) }, false)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    pub(crate) qualifier: Option<String>,
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// Whether windows can be cut on it.
    pub(crate) rowtime: bool,
    /// Whether it is when the row arrived: windows can be cut on it where time is the clock's.
    pub(crate) proctime: bool,
    /// Which bound of which window it holds.
    pub(crate) window: Option<(WindowPart, Cut)>,
    /// Whether its declaration is wrong: what is said of it may be right, and nothing else is told.
    pub(crate) is_unknown: bool,
}

/// A window function over a relation whose windows no row has been given yet: an aggregation can take it as it is.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) cut: Cut,
    pub(crate) time: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// The node that delivers the columns (all but the last three if windows are pending).
    pub(crate) node: usize,
    pub(crate) columns: Vec<ScopeColumn>,
    pub(crate) pending: Option<Pending>,
}

impl Relation {
    /// Number of columns that rows have.
    pub(crate) fn width(&self) -> usize {
        self.columns.len() - if self.pending.is_some() { 3 } else { 0 }
    }
    /// The same columns under another name.
    pub(crate) fn aliased(mut self, alias: &str) -> Self {
        self.columns.iter_mut().for_each(|c| c.qualifier = Some(alias.to_string()));
        self
    }
}

/// Names of the columns a window function adds.
pub(crate) const BOUNDS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// The hint for a column of a query that reads nothing.
pub(crate) const NO_FROM: &str = "there is nothing to read it from: is FROM missing?";

/// Finds a column by its name.
///
/// # Errors
/// `Sql` if it is missing (with the nearest name) or ambiguous.
pub(crate) fn find(columns: &[ScopeColumn], qualifier: Option<&str>, name: &str, span: Span) -> Result<usize> {
    let mut found = columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.name == name && qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q)));
    match (found.next(), found.next()) {
        (Some((_, column)), None) if column.is_unknown => Err(follows()),
        (Some((i, _)), None) => Ok(i),
        (Some(_), Some(_)) => Err(Error::sql(format!("column \"{name}\" is ambiguous"))
            .code("E0206")
            .hint("put the table's name in front of it")
            .span(span)),
        (None, _) => {
            let e = Error::sql(format!("column \"{name}\" does not exist")).code("E0202").span(span);
            let names = || columns.iter().map(|c| c.name.as_str()).filter(|n| !n.is_empty());
            Err(match nearest(name, names()) {
                Some(near) if near.eq_ignore_ascii_case(name) => e.meant(format!("\"{near}\" (names are case-sensitive)"), name_written(near)),
                Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
                None if BOUNDS.contains(&name) => e.hint("it is one of a window function in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
                None if names().next().is_none() => e.hint(NO_FROM),
                None => e.hint(format!("there are: {}", names().collect::<Vec<_>>().join(", "))),
            })
        }
    }
}

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
}
