//! Binds expressions: names to columns, operators and functions to calls, with Flink's types.

mod aggregates;
mod calls;
mod literal;
mod parts;
mod times;
mod types;

use crate::diagnostic::{Diagnostic, unsupported};
use crate::lint::{always_fails, without_zone};
use crate::parse::span_of;
use crate::relation::{Bound, ScopeColumn, find};
use crate::show::name_written;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span, SqlType, both, each};
use millstream_functions::functions;
use millstream_functions::types::{common, is_text};
use millstream_plan::{Expr as Plan, Type, Value};
use sqlparser::ast::{AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, Expr, Ident, Spanned, Subscript, UnaryOperator, Visit, visit_expressions};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

pub(crate) use aggregates::Aggregates;
pub(crate) use calls::{counted, is_function};
pub(crate) use literal::interval_ms;
pub(crate) use parts::parts;
pub(crate) use types::parse_type;

/// Nested operators in one expression: beyond it planning would use up the stack.
const DEPTH_MAX: usize = 500;

/// Where names are looked up.
pub(crate) struct Binder<'a> {
    columns: &'a [ScopeColumn],
    /// After a GROUP BY: what the aggregation offers.
    pub(crate) grouped: Option<&'a mut Aggregates>,
    /// What lints say of what was bound.
    pub(crate) findings: Vec<Diagnostic>,
    /// Whether what is bound is computed for some rows only: the branches of CASE, the second side of AND.
    seldom: bool,
    depth: usize,
}

/// Where a part of a statement stands.
pub(crate) fn span(part: &(impl Spanned + Visit)) -> Span {
    let mut whole = part.span();
    // sqlparser's place of a cast is that of what is cast.
    let _: ControlFlow<()> = visit_expressions(part, |e| {
        if let Expr::Cast {
            data_type: DataType::Custom(ty, _),
            ..
        } = e
        {
            whole = whole.union(&ty.span());
        }
        ControlFlow::Continue(())
    });
    span_of(whole)
}

impl<'a> Binder<'a> {
    pub(crate) fn new(columns: &'a [ScopeColumn]) -> Self {
        Binder {
            columns,
            grouped: None,
            findings: Vec::new(),
            seldom: false,
            depth: 0,
        }
    }

    /// # Errors
    /// `Sql` with the place: a name that does not exist, types that do not fit, a construct that is not there.
    pub(crate) fn bind(&mut self, expr: &Expr) -> Result<Bound> {
        if self.depth == DEPTH_MAX {
            return Err(Error::sql(format!("the expression chains more than {DEPTH_MAX} operators"))
                .code("E0103")
                .hint("split it, or use IN for many alternatives")
                .span(span(expr)));
        }
        self.depth += 1;
        let found = self.findings.len();
        let bound = self.bind_inner(expr);
        self.depth -= 1;
        if let (Ok(bound), false) = (&bound, self.seldom) {
            let failing = always_fails(&bound.expr, || span(expr), &self.findings[found..]);
            self.findings.extend(failing);
        }
        bound.map_err(|e| if e.span.is_none_or(|s| s.start.line == 0) { e.span(span(expr)) } else { e })
    }

    /// Binds what is computed for some rows only.
    fn bind_seldom(&mut self, expr: &Expr) -> Result<Bound> {
        let before = std::mem::replace(&mut self.seldom, true);
        let bound = self.bind(expr);
        self.seldom = before;
        bound
    }

    /// Binds a condition.
    pub(crate) fn condition(&mut self, expr: &Expr, clause: &str) -> Result<Plan> {
        let bound = self.bind(expr)?;
        match bound.ty.ty {
            SqlType::Boolean => Ok(bound.expr),
            SqlType::Null => Ok(cast(bound, Type::new(SqlType::Boolean, true)).expr),
            other => Err(Error::sql(format!("{clause} needs a BOOLEAN, this is {other}")).code("E0306").span(span(expr))),
        }
    }

    fn bind_inner(&mut self, expr: &Expr) -> Result<Bound> {
        if let Some(found) = self.of_aggregation(expr)? {
            return Ok(found);
        }
        match expr {
            Expr::Identifier(name) => self.column(None, name),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::Nested(inner) => self.bind(inner),
            Expr::Value(value) => literal::value(&value.value),
            Expr::TypedString(typed) => literal::typed_string(typed),
            Expr::Interval(interval) => literal::interval(interval),
            Expr::IsNull(e) => self.call("is_null", &[e]),
            Expr::IsNotNull(e) => self.call("is_not_null", &[e]),
            Expr::IsTrue(e) => self.call("is_true", &[e]),
            Expr::IsNotTrue(e) => self.call("is_not_true", &[e]),
            Expr::IsFalse(e) => self.call("is_false", &[e]),
            Expr::IsNotFalse(e) => self.call("is_not_false", &[e]),
            Expr::IsUnknown(e) => self.call("is_unknown", &[e]),
            Expr::IsNotUnknown(e) => self.call("is_not_unknown", &[e]),
            Expr::IsDistinctFrom(a, b) => self.call("is_distinct_from", &[a, b]),
            Expr::IsNotDistinctFrom(a, b) => self.call("is_not_distinct_from", &[a, b]),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Overlaps,
                right,
            } => self.overlaps(left, right),
            Expr::BinaryOp { left, op, right } => match operator(op) {
                Some(name) => {
                    let sides = match name {
                        "and" | "or" => both(self.bind(left), self.bind_seldom(right)),
                        _ => both(self.bind(left), self.bind(right)),
                    };
                    let called = sides.and_then(|(left, right)| calls::call(name, vec![left, right]));
                    called.map_err(|e| bare_word(e, right))
                }
                None => Err(unsupported(format!("the operator {op}"), span(expr))),
            },
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.call("not", &[expr]),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => match self.bind(expr)? {
                // -2147483648 is an INT although 2147483648 is not.
                Bound {
                    expr: Plan::Literal {
                        value: Value::Int(2_147_483_648),
                        ..
                    },
                    ..
                } => Ok(literal::int(-2_147_483_648, SqlType::Int)),
                bound => calls::call("negate", vec![bound]),
            },
            Expr::UnaryOp { op: UnaryOperator::Plus, expr } => self.bind(expr),
            Expr::UnaryOp { op, .. } => Err(unsupported(format!("the operator {op}"), span(expr))),
            Expr::Between { expr, negated, low, high } => {
                let (value, (low, high)) = both(self.bind(expr), both(self.bind(low), self.bind_seldom(high)))?;
                let within = calls::call(
                    "and",
                    vec![calls::call("gte", vec![value.clone(), low])?, calls::call("lte", vec![value, high])?],
                )?;
                if *negated { calls::call("not", vec![within]) } else { Ok(within) }
            }
            Expr::InList { expr, list, negated } => {
                let args = each(std::iter::once(expr.as_ref()).chain(list).map(|e| self.bind(e)))?;
                calls::call(if *negated { "not_in" } else { "in" }, args)
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self.call(if *negated { "not_like" } else { "like" }, &[expr, pattern]),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: Some(escape),
            } => self.matched("like_escape", *negated, &[expr, pattern, &Expr::Value(escape.clone())]),
            Expr::SimilarTo {
                negated,
                expr,
                pattern,
                escape_char,
            } => match escape_char {
                Some(escape) => self.matched("similar_to", *negated, &[expr, pattern, &Expr::Value(escape.clone())]),
                None => self.matched("similar_to", *negated, &[expr, pattern]),
            },
            Expr::Cast {
                kind,
                expr,
                data_type,
                array: false,
                format: None,
            } => {
                let safe = match kind {
                    CastKind::Cast => false,
                    CastKind::TryCast => true,
                    _ => return Err(unsupported("this form of a cast", span(expr.as_ref())).hint("use TRY_CAST(value AS type)")),
                };
                let (bound, to) = both(self.bind(expr), parse_type(data_type))?;
                if !millstream_functions::cast::can_cast(&bound.ty.ty, &to.ty) {
                    return Err(Error::sql(format!("{} cannot be cast to {}", bound.ty.ty, to.ty)).code("E0303"));
                }
                self.findings.extend(without_zone(&bound, &to.ty, span(expr.as_ref())));
                let nullable = bound.ty.nullable || safe;
                Ok(Bound {
                    expr: Plan::Cast {
                        expr: Box::new(bound.expr),
                        from: bound.ty,
                        to: Type::new(to.ty.clone(), nullable),
                        safe,
                    },
                    ty: Type::new(to.ty, nullable),
                })
            }
            Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Extract { field, syntax: _, expr } => self.extract(field, expr),
            Expr::Ceil { expr, field } => self.round("ceil", expr, field),
            Expr::Floor { expr, field } => self.round("floor", expr, field),
            Expr::Position { expr, r#in } => self.call("position", &[expr, r#in]),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => {
                let mut args = vec![self.bind(expr)?];
                match substring_from {
                    Some(from) => args.push(self.bind(from)?),
                    None if substring_for.is_some() => args.push(literal::int(1, SqlType::Int)),
                    None => {}
                }
                if let Some(length) = substring_for {
                    args.push(self.bind(length)?);
                }
                calls::call("substring", args)
            }
            Expr::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                let mut args: Vec<&Expr> = vec![expr, overlay_what, overlay_from];
                args.extend(overlay_for.as_deref());
                self.call("overlay", &args)
            }
            Expr::Array(array) if array.named => {
                let elements: Vec<&Expr> = array.elem.iter().collect();
                self.call("array", &elements)
            }
            Expr::Tuple(fields) => {
                let fields: Vec<&Expr> = fields.iter().collect();
                self.call("row", &fields)
            }
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters: None,
            } => {
                use sqlparser::ast::TrimWhereField as W;
                let name = match trim_where {
                    None | Some(W::Both) => "trim",
                    Some(W::Leading) => "ltrim",
                    Some(W::Trailing) => "rtrim",
                };
                let mut args: Vec<&Expr> = vec![expr];
                args.extend(trim_what.as_deref());
                self.call(name, &args)
            }
            Expr::Function(function) => self.function(function),
            Expr::RLike { expr, .. } => Err(unsupported("RLIKE", span(expr.as_ref())).hint("use REGEXP(text, pattern)")),
            Expr::ILike { .. } => Err(unsupported("ILIKE", span(expr)).hint("use LOWER(text) LIKE '…'")),
            Expr::Convert { .. } => Err(unsupported("CONVERT", span(expr)).hint("use CAST(value AS type)")),
            other => Err(unsupported(what(other), span(other))),
        }
    }

    fn column(&self, qualifier: Option<&str>, name: &Ident) -> Result<Bound> {
        let index = find(self.columns, qualifier, &name.value, span_of(name.span)).map_err(|e| without_brackets(e, name))?;
        if self.grouped.is_some() {
            return Err(Error::sql(format!("column \"{}\" is neither grouped nor aggregated", name.value))
                .code("E0405")
                .hint("add it to GROUP BY, or put it into an aggregate")
                .span(span_of(name.span)));
        }
        Ok(Bound {
            expr: Plan::Column(index),
            ty: self.columns[index].ty.clone(),
        })
    }

    /// `table.column`, `row.field`, `table.row.field.field`.
    fn compound(&mut self, parts: &[Ident]) -> Result<Bound> {
        let [first, rest @ ..] = parts else {
            return Err(Error::bug("a name without parts"));
        };
        let is_table = self.columns.iter().any(|c| c.qualifier.as_deref() == Some(&first.value));
        let is_column = self.columns.iter().any(|c| c.name == first.value);
        let (mut bound, fields) = match rest {
            [second, fields @ ..] if is_table && (!is_column || self.columns.iter().any(|c| c.name == second.value)) => {
                (self.column(Some(&first.value), second)?, fields)
            }
            _ if is_column => (self.column(None, first)?, rest),
            _ => {
                let e = Error::sql(format!("\"{}\" is neither a table nor a column here", first.value)).code("E0202");
                return Err(of_tables(e.span(span_of(first.span)), &first.value, self.columns));
            }
        };
        for f in fields {
            bound = field(bound, &f.value, span_of(f.span))?;
        }
        Ok(bound)
    }

    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<Bound> {
        // `t.arr[1]` comes as root `t` with the column in the chain.
        let mut chain = chain;
        let mut bound = None;
        if let (Expr::Identifier(first), [AccessExpr::Dot(Expr::Identifier(second)), rest @ ..]) = (root, chain) {
            bound = Some(self.compound(&[first.clone(), second.clone()])?);
            chain = rest;
        }
        let mut bound = match bound {
            Some(bound) => bound,
            None => self.bind(root)?,
        };
        for access in chain {
            bound = match access {
                AccessExpr::Dot(Expr::Identifier(name)) => field(bound, &name.value, span_of(name.span))?,
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let at = span(index);
                    let index = self.bind(index)?;
                    if let (SqlType::Array(_), Some(..=0)) = (&bound.ty.ty, constant_index(&index.expr)) {
                        return Err(Error::sql("the elements of an ARRAY are counted from 1").code("E0304").span(at));
                    }
                    calls::call("element_at", vec![bound, index])?
                }
                other => return Err(unsupported(format!("the access {other}"), span(root))),
            };
        }
        Ok(bound)
    }

    fn call(&mut self, name: &str, args: &[&Expr]) -> Result<Bound> {
        let args = each(args.iter().map(|a| self.bind(a)))?;
        calls::call(name, args)
    }

    /// A call that may be negated.
    fn matched(&mut self, name: &str, negated: bool, args: &[&Expr]) -> Result<Bound> {
        let bound = self.call(name, args)?;
        if negated { calls::call("not", vec![bound]) } else { Ok(bound) }
    }

    fn case(&mut self, operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Result<Bound> {
        let operand = operand.map(|o| self.bind(o)).transpose()?;
        let seldom = self.seldom;
        let when = conditions.iter().enumerate().map(|(n, c)| {
            // The first condition is computed for every row.
            self.seldom = seldom || n > 0;
            let condition = match &operand {
                Some(operand) => self
                    .bind(&c.condition)
                    .and_then(|value| calls::call("eq", vec![operand.clone(), value]))
                    .map(|e| e.expr),
                None => self.condition(&c.condition, "WHEN"),
            };
            both(condition, self.bind_seldom(&c.result))
        });
        let when = each(when);
        self.seldom = seldom;
        let otherwise_at = otherwise.map(span);
        let (when, otherwise) = both(when, otherwise.map(|o| self.bind_seldom(o)).transpose())?;
        let mut ty = SqlType::Null;
        let places = conditions.iter().map(|c| span(&c.result)).chain(otherwise_at);
        for (result, at) in when.iter().map(|(_, r)| r).chain(&otherwise).zip(places) {
            ty = common(&ty, &result.ty.ty).ok_or_else(|| {
                Error::sql(format!("the branches of CASE are {ty} and {}", result.ty.ty))
                    .code("E0307")
                    .hint("cast them to one type")
                    .span(at)
            })?;
        }
        let nullable = otherwise.is_none() || when.iter().map(|(_, r)| r).chain(&otherwise).any(|r| r.ty.nullable);
        let ty = Type::new(ty, nullable);
        let when = when.into_iter().map(|(c, r)| (c, cast(r, ty.clone()).expr)).collect();
        let otherwise = otherwise.map(|o| Box::new(cast(o, ty.clone()).expr));
        Ok(Bound {
            expr: Plan::Case {
                when,
                otherwise,
                ty: ty.clone(),
            },
            ty,
        })
    }
}

/// An error, and what does not exist beside it: what else is wrong there may follow from it.
pub(crate) fn with_names(mut e: Error, others: impl Iterator<Item = Error>) -> Error {
    for other in others.flat_map(Error::apart) {
        let is_told = |told: &Error| told.code == other.code && told.span == other.span;
        if matches!(other.code, Some("E0202" | "E0206" | "E0207")) && !is_told(&e) && !e.also.iter().any(is_told) {
            e = e.and(other);
        }
    }
    e
}

/// A name in front of a dot that stands for nothing, told with what stands there instead.
pub(crate) fn of_tables(e: Error, name: &str, columns: &[ScopeColumn]) -> Error {
    let tables: BTreeSet<&str> = columns.iter().filter_map(|c| c.qualifier.as_deref()).collect();
    let names = tables.iter().copied().chain(columns.iter().map(|c| c.name.as_str()));
    match nearest(name, names.filter(|n| !n.is_empty())) {
        Some(near) => e.hint(format!("did you mean \"{near}\"?")),
        None if tables.is_empty() => e,
        None => e.hint(format!("what FROM offers is called: {}", tables.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

/// A name that stands for nothing, but is that of a function.
fn without_brackets(e: Error, name: &Ident) -> Error {
    let lower = name.value.to_lowercase();
    let is_function = functions().any(|f| f.name == lower) || calls::VOLATILE.contains(&lower.as_str());
    match is_function && name.quote_style.is_none() && !e.hint.as_ref().is_some_and(|h| h.starts_with("did")) {
        true => e.hint(format!("a function is called with brackets: {}(…)", name.value)),
        false => e,
    }
}

/// A name that is compared with, stands for nothing and is close to nothing: a text without its quotes.
fn bare_word(e: Error, right: &Expr) -> Error {
    match right {
        Expr::Identifier(word)
            if e.code == Some("E0202")
                && e.span == Some(span_of(word.span))
                && word.quote_style.is_none()
                && !e.hint.as_ref().is_some_and(|h| h.starts_with("did")) =>
        {
            let also = e.hint.as_ref().map_or(String::new(), |h| format!("; {h}"));
            e.hint(format!("a text stands in single quotes: '{}'{also}", word.value))
        }
        _ => e,
    }
}

fn constant_index(expr: &Plan) -> Option<i64> {
    match expr {
        Plan::Literal { value: Value::Int(v), .. } => Some(*v),
        Plan::Call { name, args, .. } if name == "negate" => args.first().and_then(constant_index).map(|v| -v),
        _ => None,
    }
}

/// A ROW's field.
fn field(bound: Bound, name: &str, span: Span) -> Result<Bound> {
    let SqlType::Row(fields) = &bound.ty.ty else {
        let e = Error::sql(format!("\"{name}\" is asked of {}, which is no ROW", bound.ty.ty))
            .code("E0308")
            .span(span);
        return Err(match &bound.ty.ty {
            SqlType::Map(..) => e.hint(format!("a value of a MAP is map['{name}']")),
            SqlType::Array(_) => e.hint("an element of an ARRAY is array[1], a field of it array[1].name"),
            ty if is_text(ty) => e.hint(format!("a value in a JSON text is JSON_VALUE(text, '$.{name}')")),
            _ => e,
        });
    };
    let Some(f) = fields.iter().find(|f| f.name == name) else {
        let e = Error::sql(format!("the ROW has no field \"{name}\"")).code("E0202").span(span);
        return Err(match nearest(name, fields.iter().map(|f| f.name.as_str())) {
            Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
            None => e.hint(format!("it has: {}", fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "))),
        });
    };
    let ty = Type::new(f.ty.clone(), f.nullable || bound.ty.nullable);
    let name = Plan::Literal {
        value: Value::Text(name.to_string()),
        ty: Type::new(SqlType::STRING, false),
    };
    Ok(Bound {
        expr: Plan::call("field", vec![bound.expr, name], ty.clone()),
        ty,
    })
}

/// Brings an expression to a type; the same carrier needs no conversion.
pub(crate) fn cast(bound: Bound, to: Type) -> Bound {
    let nullable = bound.ty.nullable;
    let ty = Type::new(to.ty, nullable);
    if bound.ty.ty == ty.ty || same_carrier(&bound.ty.ty, &ty.ty) {
        return Bound {
            expr: retype(bound.expr, &ty),
            ty,
        };
    }
    Bound {
        expr: Plan::Cast {
            expr: Box::new(bound.expr),
            from: bound.ty,
            to: ty.clone(),
            safe: false,
        },
        ty,
    }
}

/// Whether values pass from one type to the other as they are.
fn same_carrier(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (SqlType::Char(_) | SqlType::VarChar(_), SqlType::VarChar(n)) => *n == i32::MAX as u32,
        (SqlType::Binary(_) | SqlType::VarBinary(_), SqlType::VarBinary(n)) => *n == i32::MAX as u32,
        _ => from == to,
    }
}

/// A literal carries its own type.
fn retype(expr: Plan, ty: &Type) -> Plan {
    match expr {
        Plan::Literal { value, ty: old } if old.ty.to_arrow() == ty.ty.to_arrow() => Plan::Literal { value, ty: ty.clone() },
        other => other,
    }
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "add",
        BinaryOperator::Minus => "subtract",
        BinaryOperator::Multiply => "multiply",
        BinaryOperator::Divide => "divide",
        BinaryOperator::Modulo => "modulo",
        BinaryOperator::Eq => "eq",
        BinaryOperator::NotEq => "neq",
        BinaryOperator::Lt => "lt",
        BinaryOperator::LtEq => "lte",
        BinaryOperator::Gt => "gt",
        BinaryOperator::GtEq => "gte",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
        BinaryOperator::StringConcat => "concat_op",
        _ => return None,
    })
}

/// A construct's name, for messages.
fn what(expr: &Expr) -> String {
    match expr {
        Expr::InSubquery { .. } => "IN (SELECT …)".to_string(),
        Expr::Exists { .. } => "EXISTS".to_string(),
        Expr::Subquery(_) => "a subquery as a value".to_string(),
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => "a grouping set here".to_string(),
        other => {
            let text = other.to_string();
            let short: String = text.chars().take(40).collect();
            format!("\"{short}{}\"", if short.len() < text.len() { "…" } else { "" })
        }
    }
}

/// The nearest function to a name, for did-you-mean.
fn nearest_function(name: &str) -> Option<&'static str> {
    nearest(name, functions().map(|f| f.name).chain(millstream_functions::aggregate::NAMES.iter().copied()))
}
