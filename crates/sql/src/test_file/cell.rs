//! Values of a test file in the types of what takes them.

use super::BoundCell;
use crate::constant::value_of;
use crate::expression::{Binder, cast, parts, span};
use crate::parse::Cell;
use crate::relation::Bound;
use crate::zone::in_zone;
use millstream_dataflow::{Error, Field, Result, RowKind, Span, SqlType, each};
use millstream_functions::cast::can_cast;
use millstream_plan::{Column, Expr as Plan, Type, Value};
use sqlparser::ast::Expr;

/// A value for a column, cast to its type.
///
/// - `zone`: whose wall clock a TIMESTAMP_LTZ is written in, if it is another one than UTC
///
/// # Errors
/// `Sql` for a value that the column cannot have.
pub(super) fn cell(cell: &Cell, column: &Column, zone: Option<&str>) -> Result<BoundCell> {
    let of = Taker {
        name: format!("column \"{}\"", column.name),
        ty: &column.ty.ty,
        nullable: column.ty.nullable,
    };
    let mut expr = value(&cell.expr, cell.span, &of)?;
    if let Some(zone) = zone {
        in_zone(&mut expr, &[], zone).map_err(|e| at(e, cell.span))?;
    }
    Ok(BoundCell { expr, span: cell.span })
}

/// What a value is for: a column, or a part of one.
struct Taker<'a> {
    /// As messages name it.
    name: String,
    ty: &'a SqlType,
    nullable: bool,
}

fn at(e: Error, span: Span) -> Error {
    if e.span.is_none_or(|s| s.start.line == 0) { e.span(span) } else { e }
}

fn value(expr: &Expr, span: Span, of: &Taker<'_>) -> Result<Plan> {
    if let Some(nested) = nested(expr, of)? {
        return Ok(nested);
    }
    let (bound, to) = (Binder::new(&[]).bind(expr).map_err(|e| at(e, span))?, of.ty);
    let wrong = |what: String| Error::sql(what).code("E0305").span(span);
    if bound.ty.ty == SqlType::Null && !of.nullable {
        return Err(wrong(format!("{} is NOT NULL", of.name)));
    }
    if !can_cast(&bound.ty.ty, to) {
        return Err(wrong(format!("{} is {to}, the value is {}", of.name, bound.ty.ty)));
    }
    if loses(&bound, to, span)? {
        return Err(wrong(format!("the value does not fit {}, which is {to}", of.name)));
    }
    Ok(cast(bound, Type::new(to.clone(), true)).expr)
}

/// A nested value, each part of it in the type that it is for: so an ARRAY or a MAP may be empty or have nothing but NULL in it, of which no
/// query could tell the type.
fn nested(expr: &Expr, of: &Taker<'_>) -> Result<Option<Plan>> {
    let Some((made_by, parts)) = parts(expr) else { return Ok(None) };
    let takes: Vec<(&str, &Field)> = match (made_by, of.ty) {
        ("array", SqlType::Array(element)) => parts.iter().map(|_| ("an element", element.as_ref())).collect(),
        ("map", SqlType::Map(k, v)) if parts.len().is_multiple_of(2) => {
            let pair = [("a key", k.as_ref()), ("a value", v.as_ref())];
            pair.into_iter().cycle().take(parts.len()).collect()
        }
        ("row", SqlType::Row(fields)) if fields.len() == parts.len() => fields.iter().map(|f| ("field", f)).collect(),
        _ => return Ok(None),
    };
    let part = |(part, (role, field)): (&Expr, (&str, &Field))| {
        let taker = Taker {
            name: match role {
                "field" => format!("field \"{}\" of {}", field.name, of.name),
                _ => format!("{role} of {}", of.name),
            },
            ty: &field.ty,
            nullable: field.nullable,
        };
        value(part, span(part), &taker)
    };
    let args = each(parts.into_iter().zip(takes).map(part))?;
    Ok(Some(Plan::call(made_by, args, Type::new(of.ty.clone(), false))))
}

/// Whether a cast would cut something off that stands in the file.
fn loses(bound: &Bound, to: &SqlType, span: Span) -> Result<bool> {
    let scale_to = match to {
        SqlType::Decimal(_, scale) => u32::from(*scale),
        t if t.is_integer() => 0,
        SqlType::Char(n) | SqlType::VarChar(n) => {
            return Ok(matches!(value_of(bound, span)?, Some(Value::Text(text)) if text.chars().count() > *n as usize));
        }
        SqlType::Time(digits) | SqlType::Timestamp(digits) | SqlType::TimestampLtz(digits) => {
            let Some(Value::Text(text)) = value_of(bound, span)? else { return Ok(false) };
            let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
            let fraction = &fraction[..fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len())];
            return Ok(fraction.trim_end_matches('0').len() > usize::from(*digits));
        }
        _ => return Ok(false),
    };
    Ok(match (value_of(bound, span)?, &bound.ty.ty) {
        (Some(Value::Decimal(v)), SqlType::Decimal(_, scale)) => {
            let cut = u32::from(*scale).saturating_sub(scale_to);
            v % 10i128.pow(cut) != 0
        }
        (Some(Value::Float(v)), _) if to.is_integer() => v.fract() != 0.0,
        _ => false,
    })
}

/// What a row does: `'+I'`, `'-U'`, `'+U'` or `'-D'`.
pub(super) fn kind(cell: &Cell) -> Result<RowKind> {
    let wrong = || {
        let e = Error::sql(format!("a change begins with '+I', '-U', '+U' or '-D', not with {}", cell.expr));
        e.code("E0801").span(cell.span)
    };
    let text = match &cell.expr {
        Expr::Value(value) => value.value.clone().into_string().ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    use RowKind as K;
    let kinds = [K::Insert, K::UpdateBefore, K::UpdateAfter, K::Delete];
    kinds.into_iter().find(|k| k.short() == text).ok_or_else(wrong)
}
