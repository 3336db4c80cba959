//! What SELECT and HAVING may name after a GROUP BY: grouped expressions, aggregates, GROUPING.

use super::calls::{arguments, bigint, call, name_span};
use super::{Binder, span};
use crate::diagnostic::unsupported;
use crate::relation::Bound;
use millstream_dataflow::{Error, Result, Span, SqlType, each};
use millstream_functions::aggregate;
use millstream_plan::{Expr as Plan, Type};
use sqlparser::ast::{DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

/// An aggregate over expressions of the aggregation's input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AggregateRef {
    pub(crate) function: String,
    pub(crate) args: Vec<Bound>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Bound>,
    pub(crate) ty: Type,
    /// Where it first stands.
    pub(crate) at: Place,
}

/// A place that makes no difference between two aggregates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(pub(crate) Span);

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// Collects the aggregates of a query while its expressions are bound.
///
/// The columns of the aggregation are: grouped expressions, aggregates, `window_start`, `window_end`, `window_time`. As the number of aggregates is
/// not known before all expressions are bound, window bounds are named by [`Aggregates::WINDOW`] and renumbered at the end.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    /// Grouped expressions beside the window, with their types after grouping.
    pub(crate) keys: Vec<(Bound, Type)>,
    /// Expressions that stand for the window's start, end and time.
    pub(crate) bounds: [Vec<(Bound, Type)>; 3],
    pub(crate) aggregates: Vec<AggregateRef>,
    /// With grouping sets: the grouped expressions they choose from; the last key is then the grouping id.
    pub(crate) grouping: Option<Vec<Bound>>,
    /// Whether there is a result without any row.
    pub(crate) of_nothing: bool,
}

impl Aggregates {
    /// Column numbers from here on name window bounds.
    pub(crate) const WINDOW: usize = 1 << 20;

    /// What is computed of a row before it is grouped, beside its window's bounds.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Bound> {
        let keys = self.keys.iter().map(|(bound, _)| bound);
        keys.chain(self.aggregates.iter().flat_map(|a| a.args.iter().chain(&a.filter)))
    }
}

impl Binder<'_> {
    /// The column that an expression is after the aggregation, if it is one by itself.
    pub(super) fn of_aggregation(&mut self, expr: &Expr) -> Result<Option<Bound>> {
        let Some(grouped) = &self.grouped else { return Ok(None) };
        // Outside its grouping set even a literal is NULL, as in Flink.
        let constant = matches!(expr, Expr::Value(_)) && grouped.grouping.is_none();
        if constant || matches!(expr, Expr::Nested(_)) {
            return Ok(None);
        }
        // Only what stands in GROUP BY binds before the aggregation; errors are told when it is bound after it.
        let mut before = Binder::new(self.columns);
        before.depth = self.depth;
        before.seldom = self.seldom;
        let Ok(bound) = before.bind_inner(expr) else { return Ok(None) };
        // What is no such column is bound once more, part by part, and its findings are told then.
        if let Some(i) = grouped.keys.iter().position(|(k, _)| k.expr == bound.expr) {
            self.findings.append(&mut before.findings);
            return Ok(Some(Bound {
                expr: Plan::Column(i),
                ty: grouped.keys[i].1.clone(),
            }));
        }
        for (part, same) in grouped.bounds.iter().enumerate() {
            if let Some((_, ty)) = same.iter().find(|(b, _)| b.expr == bound.expr) {
                return Ok(Some(Bound {
                    expr: Plan::Column(Aggregates::WINDOW + part),
                    ty: ty.clone(),
                }));
            }
        }
        Ok(None)
    }

    pub(super) fn aggregate(&mut self, name: &str, f: &Function) -> Result<Bound> {
        let at = name_span(f);
        let Some(grouped) = self.grouped.take() else {
            return Err(Error::sql(format!("{} stands where no aggregate can", name.to_uppercase()))
                .code("E0407")
                .span(at));
        };
        let result = self.aggregate_of(name, f, grouped);
        self.grouped = Some(grouped);
        result.map_err(|e| if e.span.is_none() { e.span(at) } else { e })
    }

    fn aggregate_of(&mut self, name: &str, f: &Function, grouped: &mut Aggregates) -> Result<Bound> {
        let FunctionArguments::List(list) = &f.args else {
            return Err(unsupported("this form of an aggregate", name_span(f)));
        };
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let star = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        if star && name != "count" {
            return Err(Error::sql(format!("only COUNT takes *, not {}", name.to_uppercase()))
                .code("E0304")
                .hint("name the column"));
        }
        if star && distinct {
            return Err(Error::sql("COUNT(DISTINCT *) does not exist").code("E0304").hint("name the column"));
        }
        let args = if star {
            Vec::new()
        } else {
            each(arguments(f)?.into_iter().map(|a| self.bind(a)))?
        };
        let types: Vec<SqlType> = args.iter().map(|a: &Bound| a.ty.ty.clone()).collect();
        if !star && types.len() != 1 {
            let e = Error::sql(format!("{} takes one argument, not {}", name.to_uppercase(), types.len())).code("E0304");
            return Err(match (name, types.len()) {
                ("count", 0) => e.hint("COUNT(*) counts rows"),
                ("count", _) => e.hint("COUNT(DISTINCT a || '/' || b), with texts, counts pairs"),
                _ => e,
            });
        }
        let filter = match &f.filter {
            None => None,
            Some(e) => Some(Bound {
                expr: self.condition(e, "FILTER")?,
                ty: Type::new(SqlType::Boolean, true),
            }),
        };
        let (ty, nullable) = aggregate(name, &types)?.result();
        // A group has rows, so what is never NULL in them has a result.
        let nullable = nullable && (grouped.of_nothing || filter.is_some() || args.iter().any(|a: &Bound| a.ty.nullable));
        let reference = AggregateRef {
            function: name.to_string(),
            args,
            distinct,
            filter,
            ty: Type::new(ty, nullable),
            at: Place(name_span(f)),
        };
        let index = grouped.aggregates.iter().position(|a| *a == reference).unwrap_or_else(|| {
            grouped.aggregates.push(reference.clone());
            grouped.aggregates.len() - 1
        });
        Ok(Bound {
            expr: Plan::Column(grouped.keys.len() + index),
            ty: reference.ty,
        })
    }

    /// `GROUPING(a)`, `GROUPING_ID(a, b)`: one bit per argument, 1 if it is outside the row's set.
    pub(super) fn grouping(&mut self, f: &Function) -> Result<Bound> {
        let no_sets = || Error::sql("GROUPING needs GROUPING SETS, ROLLUP or CUBE").code("E0408").span(name_span(f));
        let args = arguments(f)?;
        let mut before = Binder::new(self.columns);
        let bound = each(args.iter().map(|a| before.bind(a)))?;
        let grouped = self.grouped.as_deref().ok_or_else(no_sets)?;
        let columns = grouped.grouping.as_ref().ok_or_else(no_sets)?;
        let id = Bound {
            expr: Plan::Column(grouped.keys.len() - 1),
            ty: Type::new(SqlType::BigInt, false),
        };
        let mut sum: Option<Bound> = None;
        for (argument, expr) in bound.iter().zip(&args) {
            let place = columns.iter().position(|c| c.expr == argument.expr);
            let place = place.ok_or_else(|| {
                Error::sql(format!("{expr} is not among the grouped expressions"))
                    .code("E0408")
                    .span(span(*expr))
            })?;
            let bit = columns.len() - 1 - place;
            let bit = call("modulo", vec![call("divide", vec![id.clone(), bigint(1 << bit)])?, bigint(2)])?;
            sum = Some(match sum {
                None => bit,
                Some(s) => call("add", vec![call("multiply", vec![s, bigint(2)])?, bit])?,
            });
        }
        sum.ok_or_else(no_sets)
    }
}
