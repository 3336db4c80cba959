//! Values that are known at planning: inline rows and literals.

use crate::relation::Bound;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use millstream_dataflow::text::java_double;
use millstream_dataflow::{Error, Result, Span, SqlType};
use millstream_functions::{cast, function};
use millstream_plan::{Expr, Value};
use std::sync::Arc;

/// The value of an expression of literals, casts and signs; `None` for anything else.
///
/// # Errors
/// `Data` for a cast of a value that does not fit, `Sql` for a number out of range.
pub(crate) fn value_of(bound: &Bound, span: Span) -> Result<Option<Value>> {
    fold(&bound.expr).map_err(|e| if e.span.is_none() { e.span(span) } else { e })
}

fn fold(expr: &Expr) -> Result<Option<Value>> {
    match expr {
        Expr::Literal { value, .. } => Ok(Some(value.clone())),
        Expr::Cast { expr, from, to, safe } => match fold(expr)? {
            Some(value) => convert(&value, &from.ty, &to.ty, *safe),
            None => Ok(None),
        },
        Expr::Call { name, args, .. } if name == "negate" => Ok(match fold(&args[0])? {
            Some(Value::Null) => Some(Value::Null),
            Some(Value::Int(v)) => {
                let negated = v.checked_neg().map(Value::Int);
                Some(negated.ok_or_else(|| Error::sql("a number is out of range").code("E0301"))?)
            }
            Some(Value::Decimal(v)) => Some(Value::Decimal(-v)),
            Some(Value::Float(v)) => Some(Value::Float(-v)),
            _ => None,
        }),
        _ => Ok(None),
    }
}

/// A value under another type, by way of its text; `None` for types whose values have none.
///
/// # Errors
/// `Data` for a value that does not fit.
pub(crate) fn convert(value: &Value, from: &SqlType, to: &SqlType, safe: bool) -> Result<Option<Value>> {
    if *value == Value::Null || from == to {
        return Ok(Some(value.clone()));
    }
    let Some(text) = text(value, from)? else { return Ok(None) };
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    read(&cast(&texts, &SqlType::STRING, to, safe)?, to)
}

/// The text of a value that is not NULL; `None` for types whose values have none.
fn text(value: &Value, ty: &SqlType) -> Result<Option<String>> {
    Ok(Some(match value {
        Value::Null | Value::Bytes(_) => return Ok(None),
        Value::Boolean(b) => if *b { "TRUE" } else { "FALSE" }.to_string(),
        Value::Float(v) => java_double(*v),
        Value::Decimal(v) => match ty {
            SqlType::Decimal(_, s) => millstream_dataflow::text::decimal_text(*v, *s),
            _ => v.to_string(),
        },
        Value::Text(t) => t.clone(),
        Value::Int(v) if ty.is_integer() => v.to_string(),
        Value::Int(_) if matches!(ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth) => return Ok(None),
        Value::Int(v) => {
            // Times are kept as numbers in their carrier's unit.
            let number: ArrayRef = Arc::new(Int64Array::from(vec![*v]));
            let typed = arrow_array::make_array(number.to_data().into_builder().data_type(ty.to_arrow()).build()?);
            let text = cast(&typed, ty, &SqlType::STRING, false)?;
            text.as_string_view().value(0).to_string()
        }
    }))
}

/// Nodes of an expression that are looked at for an error: enough for what people write, and soon done.
const LOOKED_AT_MAX: usize = 32;

/// The error of an expression that reads no column where it fails, or of a part of one that is computed for every row.
pub(crate) fn failure(expr: &Expr) -> Option<Error> {
    let mut left = LOOKED_AT_MAX;
    computed(expr, &mut left).err()
}

/// The value as an array of one row, as operators compute it; `None` for what differs by row or is not known here.
///
/// - `left`: nodes that may still be looked at
fn computed(expr: &Expr, left: &mut usize) -> Result<Option<ArrayRef>> {
    let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
    *left = fewer;
    match expr {
        Expr::Column(_) => Ok(None),
        Expr::Literal { value, ty } => literal(value, &ty.ty),
        Expr::Cast { expr, from, to, safe } => match computed(expr, left)? {
            Some(value) => cast(&value, &from.ty, &to.ty, *safe).map(Some),
            None => Ok(None),
        },
        // The other sides and branches are computed only where the first does not decide.
        Expr::Call { name, args, .. } if name == "and" || name == "or" => args.first().map_or(Ok(None), |a| computed(a, left)).map(|_| None),
        Expr::Case { when, .. } => when.first().map_or(Ok(None), |(c, _)| computed(c, left)).map(|_| None),
        Expr::Call { name, args, ty, .. } => {
            let args = args.iter().map(|a| computed(a, left)).collect::<Result<Vec<_>>>()?;
            match (function(name), args.into_iter().collect::<Option<Vec<_>>>()) {
                (Some(f), Some(args)) => (f.evaluate)(&args, 1, &ty.ty).map(Some),
                _ => Ok(None),
            }
        }
    }
}

/// A literal as an array of one row, by way of its text; `None` for types whose values have none.
fn literal(value: &Value, ty: &SqlType) -> Result<Option<ArrayRef>> {
    if *value == Value::Null {
        return Ok(Some(arrow_array::new_null_array(&ty.to_arrow(), 1)));
    }
    let Some(text) = text(value, ty)? else { return Ok(None) };
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    cast(&texts, &SqlType::STRING, ty, false).map(Some)
}

/// The one value of an array.
fn read(array: &ArrayRef, ty: &SqlType) -> Result<Option<Value>> {
    use arrow_array::types::*;
    if array.is_null(0) {
        return Ok(Some(Value::Null));
    }
    Ok(Some(match ty {
        SqlType::Boolean => Value::Boolean(array.as_boolean().value(0)),
        SqlType::TinyInt => Value::Int(array.as_primitive::<Int8Type>().value(0).into()),
        SqlType::SmallInt => Value::Int(array.as_primitive::<Int16Type>().value(0).into()),
        SqlType::Int => Value::Int(array.as_primitive::<Int32Type>().value(0).into()),
        SqlType::BigInt => Value::Int(array.as_primitive::<Int64Type>().value(0)),
        SqlType::Float => Value::Float(array.as_primitive::<Float32Type>().value(0).into()),
        SqlType::Double => Value::Float(array.as_primitive::<Float64Type>().value(0)),
        SqlType::Decimal(..) => Value::Decimal(array.as_primitive::<Decimal128Type>().value(0)),
        SqlType::Char(_) | SqlType::VarChar(_) => Value::Text(array.as_string_view().value(0).to_string()),
        SqlType::Date => Value::Int(array.as_primitive::<Date32Type>().value(0).into()),
        SqlType::Time(_) => Value::Int(array.as_primitive::<Time32MillisecondType>().value(0).into()),
        SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => Value::Int(match p {
            0..=3 => array.as_primitive::<TimestampMillisecondType>().value(0),
            4..=6 => array.as_primitive::<TimestampMicrosecondType>().value(0),
            _ => array.as_primitive::<TimestampNanosecondType>().value(0),
        }),
        _ => return Ok(None),
    }))
}
