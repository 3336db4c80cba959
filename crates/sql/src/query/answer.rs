//! The bare SELECT: its rows are sorted and cut where they are shown.

use super::Planner;
use crate::diagnostic::unsupported;
use crate::expression::span;
use crate::relation::{Relation, find};
use millstream_dataflow::{Error, Result, Span, SqlType};
use sqlparser::ast::{Expr, LimitClause, OrderByExpr, OrderByKind, OrderByOptions, Query, SelectItem, SetExpr, Value};

/// How the rows of a query are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Most significant first; empty: as they come.
    pub order: Vec<SortKey>,
    /// How many columns are shown: those behind are only sorted by.
    pub columns: usize,
    /// Rows left out at the beginning.
    pub skip: u64,
    /// Rows at most.
    pub limit: Option<u64>,
}

/// A column that rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    pub column: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Shown {
    /// What becomes of the rows, for EXPLAIN; empty if they are shown as they come.
    ///
    /// - `names`: of all columns
    pub(crate) fn text(&self, names: &[&str]) -> String {
        let mut told = Vec::new();
        if !self.order.is_empty() {
            let key = |key: &SortKey| {
                let name = names.get(key.column).copied().unwrap_or_default();
                let direction = if key.descending { " DESC" } else { "" };
                let nulls = match (key.nulls_first, key.descending) {
                    (true, true) => " NULLS FIRST",
                    (false, false) => " NULLS LAST",
                    _ => "",
                };
                format!("{name}{direction}{nulls}")
            };
            told.push(format!(
                "sorted by {} once all are there",
                self.order.iter().map(key).collect::<Vec<_>>().join(", ")
            ));
        }
        if self.skip > 0 {
            told.push(format!("without the first {}", self.skip));
        }
        told.extend(self.limit.map(|limit| format!("{limit} at most")));
        match told.is_empty() {
            true => String::new(),
            false => format!("Its rows: {}\n", told.join(", ")),
        }
    }
}

impl Planner<'_> {
    /// Binds a query whose rows are shown.
    ///
    /// # Errors
    /// `Sql` with the place.
    pub(crate) fn answer(&mut self, query: &Query) -> Result<(Relation, Shown)> {
        self.is_answer = true;
        let sorted = match &query.order_by {
            None => &[][..],
            Some(by) => match (&by.kind, &by.interpolate) {
                (OrderByKind::Expressions(exprs), None) => exprs,
                _ => return Err(unsupported("this form of ORDER BY", span(by))),
            },
        };
        if let Some(by) = sorted.iter().find(|by| by.with_fill.is_some()) {
            return Err(unsupported("this form of ORDER BY", span(by)));
        }
        let (skip, limit) = bounds(query)?;
        let (is_distinct, projection) = match query.body.as_ref() {
            SetExpr::Select(select) => (select.distinct.is_some(), Some(&select.projection)),
            _ => (false, None),
        };
        // By the number or the name of a column of the result, or by what may stand in its SELECT.
        let gives = |name: &str| {
            projection
                .into_iter()
                .flatten()
                .any(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name))
        };
        let is_column = |by: &&OrderByExpr| match &by.expr {
            Expr::Value(_) => true,
            Expr::Identifier(name) => projection.is_none() || is_distinct || gives(&name.value),
            _ => false,
        };
        let beside: Vec<&Expr> = sorted.iter().filter(|by| !is_column(by)).map(|by| &by.expr).collect();
        if let Some(expr) = beside.first().filter(|_| projection.is_none() || is_distinct) {
            let what = if is_distinct {
                "SELECT DISTINCT is sorted by its columns"
            } else {
                "UNION and VALUES are sorted by their columns"
            };
            return Err(Error::sql(what).code("E0102").hint("name one, or give its number").span(span(*expr)));
        }
        let relation = self.unsorted(query, &beside)?;
        let shown = relation.columns.len() - beside.len();
        let mut hidden = shown..;
        let mut order = Vec::new();
        for by in sorted {
            let at = span(&by.expr);
            let column = match &by.expr {
                Expr::Value(value) => numbered(&value.value, shown, at)?,
                Expr::Identifier(name) if is_column(&by) => find(&relation.columns[..shown], None, &name.value, at)?,
                _ => hidden.next().unwrap_or_default(),
            };
            let ty = &relation.columns[column].ty.ty;
            if matches!(ty, SqlType::Array(_) | SqlType::Map(..) | SqlType::Multiset(_) | SqlType::Row(_)) {
                return Err(Error::sql(format!("{ty} has no order")).code("E0304").span(at));
            }
            let OrderByOptions { asc, nulls_first } = &by.options;
            let descending = *asc == Some(false);
            // As in Flink NULL is the least of all.
            order.push(SortKey {
                column,
                descending,
                nulls_first: nulls_first.unwrap_or(!descending),
            });
        }
        if let Some(by) = sorted.first() {
            if self.graph.changes(relation.node) {
                return Err(unsupported("ORDER BY of updates and deletions", span(&by.expr)));
            }
            if !self.ends(relation.node) {
                let e = unsupported("ORDER BY of rows that do not end", span(&by.expr));
                return Err(e.hint("leave it out, or read a part that ends, as with 'scan.bounded.mode' of Kafka"));
            }
        }
        if (limit.is_some() || skip > 0) && self.graph.changes(relation.node) {
            return Err(unsupported("LIMIT of updates and deletions", span(query)));
        }
        let shown = Shown {
            order,
            columns: shown,
            skip,
            limit,
        };
        Ok((relation, shown))
    }
}

/// How many rows are left out at the beginning, and how many are shown at most.
fn bounds(query: &Query) -> Result<(u64, Option<u64>)> {
    let (offset, limit) = match &query.limit_clause {
        None => (None, None),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => (offset.as_ref().map(|o| &o.value), limit.as_ref()),
        Some(other) => return Err(unsupported("this form of LIMIT", span(other))),
    };
    let fetch = match &query.fetch {
        None => None,
        Some(fetch) if fetch.percent || fetch.with_ties => {
            return Err(unsupported("this form of FETCH", fetch.quantity.as_ref().map_or(span(query), span)));
        }
        Some(fetch) => match &fetch.quantity {
            Some(quantity) => Some(count(quantity)?),
            None => Some(1),
        },
    };
    let limit = limit.map(count).transpose()?.or(fetch);
    Ok((offset.map(count).transpose()?.unwrap_or(0), limit))
}

/// A number of rows.
fn count(expr: &Expr) -> Result<u64> {
    let number = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    number.ok_or_else(|| Error::sql("a number of rows is a whole number").code("E0102").span(span(expr)))
}

/// The column of a number, from 1.
fn numbered(value: &Value, columns: usize, at: Span) -> Result<usize> {
    let number = match value {
        Value::Number(text, _) => text.parse::<usize>().ok(),
        _ => None,
    };
    match number {
        Some(n) if (1..=columns).contains(&n) => Ok(n - 1),
        Some(n) => Err(Error::sql(format!("there is no column {n} to sort by"))
            .code("E0102")
            .hint(format!("the columns have the numbers 1 to {columns}"))
            .span(at)),
        None => Err(Error::sql("rows are not sorted by a constant")
            .code("E0102")
            .hint("name a column, or give its number")
            .span(at)),
    }
}
