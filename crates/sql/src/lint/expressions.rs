//! Lints of expressions.

use crate::diagnostic::{Diagnostic, Severity};
use crate::expression::span;
use sqlparser::ast::{BinaryOperator, Expr, Query, Value, visit_expressions};
use std::ops::ControlFlow;

/// The lints of all expressions of a query, those of its subqueries too.
///
/// - `zone_is_set`: whether the file says which zone is the local one
pub(crate) fn query(query: &Query, zone_is_set: bool) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let _: ControlFlow<()> = visit_expressions(query, |e| {
        findings.extend(compared_to_null(e));
        if !zone_is_set {
            findings.extend(without_zone(e));
        }
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

/// A point in time from a text that does not say of which zone.
fn without_zone(e: &Expr) -> Option<Diagnostic> {
    let Expr::Cast { expr, data_type, .. } = e else { return None };
    let Expr::Value(value) = expr.as_ref() else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    let ty = data_type.to_string().to_uppercase();
    (ty.starts_with("TIMESTAMP_LTZ") || ty.contains("LOCAL TIME ZONE")).then(|| {
        let message = format!("'{text}' says no zone: it is read in the session's, which is UTC here and the machine's in Flink");
        Diagnostic::new(Severity::Advice, "W0302", span(e), message).help("SET 'table.local-time-zone' = '…' says which is meant")
    })
}
