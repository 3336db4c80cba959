//! Lints of expressions.

use crate::constant::failure;
use crate::diagnostic::{Diagnostic, Severity};
use crate::expression::span;
use crate::relation::Bound;
use millstream_dataflow::{Span, SqlType};
use millstream_plan::{Expr as Plan, Value as Constant};
use sqlparser::ast::{BinaryOperator, Expr, Query, Value, visit_expressions};
use std::ops::ControlFlow;

/// The lints of all expressions of a query that need no types, those of its subqueries too.
pub(crate) fn query(query: &Query) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let _: ControlFlow<()> = visit_expressions(query, |e| {
        findings.extend(compared_to_null(e));
        ControlFlow::Continue(())
    });
    findings
}

/// `x = NULL` is never true.
fn compared_to_null(e: &Expr) -> Option<Diagnostic> {
    let Expr::BinaryOp { left, op, right } = e else { return None };
    let is_null = |e: &Expr| matches!(e, Expr::Value(v) if v.value == Value::Null);
    let instead = match op {
        BinaryOperator::Eq => "IS NULL",
        BinaryOperator::NotEq => "IS NOT NULL",
        _ => return None,
    };
    (is_null(left) || is_null(right)).then(|| {
        let message = "a comparison to NULL is unknown, whatever the value: no row passes it";
        Diagnostic::new(Severity::Warning, "W0301", span(e), message).help(format!("write {instead}"))
    })
}

/// A part of a query that gives an error whenever it is computed; the parts of it that were told before are not told again.
pub(crate) fn always_fails(expr: &Plan, at: impl FnOnce() -> Span, told: &[Diagnostic]) -> Option<Diagnostic> {
    const ALWAYS_FAILS: &str = "W0303";
    let e = failure(expr).filter(|_| !told.iter().any(|t| t.code == Some(ALWAYS_FAILS)))?;
    let finding = Diagnostic::new(Severity::Warning, ALWAYS_FAILS, at(), format!("this fails for every row: {}", e.message));
    Some(match e.hint.clone() {
        Some(hint) => finding.help(hint),
        None => finding,
    })
}

/// The lint [`without_zone`]; it is told where the session does not say which zone is the local one.
pub(crate) const WITHOUT_ZONE: &str = "W0302";

/// A point in time from a cast of wall time, which says nothing of its zone.
pub(crate) fn without_zone(from: &Bound, to: &SqlType, at: Span) -> Option<Diagnostic> {
    if !matches!(to, SqlType::TimestampLtz(_)) {
        return None;
    }
    let what = match (&from.expr, &from.ty.ty) {
        (
            Plan::Literal {
                value: Constant::Text(text), ..
            },
            _,
        ) => format!("'{text}'"),
        (_, ty @ (SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Timestamp(_) | SqlType::Date)) => format!("this {ty}"),
        _ => return None,
    };
    let message = format!("{what} says no zone: it is read in the session's, which is UTC here and the machine's in Flink");
    let finding = Diagnostic::new(Severity::Advice, WITHOUT_ZONE, at, message);
    Some(finding.help("SET 'table.local-time-zone' = '…' says which is meant"))
}
