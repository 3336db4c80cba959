//! Values of a test file in the types of what takes them.

use super::BoundCell;
use crate::constant::value_of;
use crate::expression::{Binder, cast};
use crate::parse::Cell;
use crate::relation::Bound;
use crate::zone::in_zone;
use millstream_dataflow::{Error, Result, RowKind, SqlType};
use millstream_functions::cast::can_cast;
use millstream_plan::{Column, Type, Value};

/// A value for a column, cast to its type.
///
/// - `zone`: whose wall clock a TIMESTAMP_LTZ is written in, if it is another one than UTC
///
/// # Errors
/// `Sql` for a value that the column cannot have.
pub(super) fn cell(cell: &Cell, column: &Column, zone: Option<&str>) -> Result<BoundCell> {
    let at = |e: Error| if e.span.is_none_or(|s| s.start.line == 0) { e.span(cell.span) } else { e };
    let (bound, to) = (Binder::new(&[]).bind(&cell.expr).map_err(at)?, &column.ty);
    let wrong = |what: String| Error::sql(what).code("E0305").span(cell.span);
    if bound.ty.ty == SqlType::Null && !to.nullable {
        return Err(wrong(format!("column \"{}\" is NOT NULL", column.name)));
    }
    if !can_cast(&bound.ty.ty, &to.ty) {
        return Err(wrong(format!("column \"{}\" is {}, the value is {}", column.name, to.ty, bound.ty.ty)));
    }
    if loses(&bound, &to.ty, cell)? {
        return Err(wrong(format!("the value does not fit column \"{}\", which is {}", column.name, to.ty)));
    }
    let mut expr = cast(bound, Type::new(to.ty.clone(), true)).expr;
    if let Some(zone) = zone {
        in_zone(&mut expr, &[], zone).map_err(at)?;
    }
    Ok(BoundCell { expr, span: cell.span })
}

/// Whether a cast would cut something off that stands in the file.
fn loses(bound: &Bound, to: &SqlType, cell: &Cell) -> Result<bool> {
    let scale_to = match to {
        SqlType::Decimal(_, scale) => u32::from(*scale),
        t if t.is_integer() => 0,
        SqlType::Char(n) | SqlType::VarChar(n) => {
            return Ok(matches!(value_of(bound, cell.span)?, Some(Value::Text(text)) if text.chars().count() > *n as usize));
        }
        _ => return Ok(false),
    };
    Ok(match (value_of(bound, cell.span)?, &bound.ty.ty) {
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
        sqlparser::ast::Expr::Value(value) => value.value.clone().into_string().ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    use RowKind as K;
    let kinds = [K::Insert, K::UpdateBefore, K::UpdateAfter, K::Delete];
    kinds.into_iter().find(|k| k.short() == text).ok_or_else(wrong)
}
