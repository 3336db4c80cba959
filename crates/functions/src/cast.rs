//! CAST and TRY_CAST, with Flink's texts and rules.

mod bytes;
mod text;

use crate::types::{is_numeric, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, MapArray, StructArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType};
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

/// Whether there is a conversion, at least for some values.
pub fn can_cast(from: &SqlType, to: &SqlType) -> bool {
    use SqlType as T;
    match (from, to) {
        (T::Null, _) => true,
        _ if from == to => true,
        (T::Row(a), T::Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| can_cast(&a.ty, &b.ty)),
        (T::Array(a), T::Array(b)) => can_cast(&a.ty, &b.ty),
        (T::Map(k1, v1), T::Map(k2, v2)) => can_cast(&k1.ty, &k2.ty) && can_cast(&v1.ty, &v2.ty),
        (T::Array(e), t) if is_text(t) => can_cast(&e.ty, t),
        (T::Map(k, v), t) if is_text(t) => can_cast(&k.ty, t) && can_cast(&v.ty, t),
        (T::Row(fields), t) if is_text(t) => fields.iter().all(|f| can_cast(&f.ty, t)),
        (T::IntervalDayTime | T::IntervalYearMonth, t) if is_text(t) => true,
        (T::Array(_) | T::Map(..) | T::Row(_) | T::Multiset(_), _) | (_, T::Array(_) | T::Map(..) | T::Row(_) | T::Multiset(_)) => {
            from.to_arrow() == to.to_arrow()
        }
        (T::IntervalDayTime | T::IntervalYearMonth, _) | (_, T::IntervalDayTime | T::IntervalYearMonth | T::Null) => false,
        (T::Binary(_) | T::VarBinary(_), _) => is_text(to) || matches!(to, T::Binary(_) | T::VarBinary(_)),
        (_, T::Binary(_) | T::VarBinary(_)) => is_text(from),
        _ if is_text(from) || is_text(to) => true,
        (a, b) if is_numeric(a) && is_numeric(b) => true,
        (T::Boolean, b) => is_numeric(b),
        (a, T::Boolean) => is_numeric(a),
        (a, b) if is_timestamp(a) && is_timestamp(b) => true,
        (T::Date, b) if is_timestamp(b) => true,
        (a, T::Date | T::Time(_)) if is_timestamp(a) => true,
        (T::Time(_), T::Time(_)) => true,
        _ => false,
    }
}

/// Converts a column.
///
/// - `safe`: what cannot be converted becomes NULL (TRY_CAST) rather than an error
///
/// # Errors
/// `Data` naming the first value that cannot be converted; `Sql` if there is no such conversion.
pub fn cast(array: &ArrayRef, from: &SqlType, to: &SqlType, safe: bool) -> Result<ArrayRef> {
    let wanted = to.to_arrow();
    if from == to && *array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    if *from == SqlType::Null || *array.data_type() == DataType::Null {
        return Ok(arrow_array::new_null_array(&wanted, array.len()));
    }
    if !can_cast(from, to) {
        return Err(Error::sql(format!("{from} cannot be cast to {to}")).code("E0303"));
    }
    match (from, to) {
        (SqlType::Row(a), SqlType::Row(b)) => {
            let DataType::Struct(fields) = &wanted else {
                return Err(Error::bug("a ROW is not carried by a struct"));
            };
            let source = array.as_struct();
            let columns = a
                .iter()
                .zip(b)
                .zip(source.columns())
                .map(|((a, b), c)| cast(c, &a.ty, &b.ty, safe))
                .collect::<Result<Vec<_>>>()?;
            let row = StructArray::try_new(fields.clone(), columns, source.nulls().cloned());
            Ok(Arc::new(row.map_err(|e| null_inside(to, e))?))
        }
        (SqlType::Array(a), SqlType::Array(b)) => {
            let DataType::List(item) = &wanted else {
                return Err(Error::bug("an ARRAY is not carried by a list"));
            };
            let list = array.as_list::<i32>();
            let elements = cast(list.values(), &a.ty, &b.ty, safe)?;
            let list = ListArray::try_new(Arc::clone(item), list.offsets().clone(), elements, list.nulls().cloned());
            Ok(Arc::new(list.map_err(|e| null_inside(to, e))?))
        }
        (SqlType::Map(k1, v1), SqlType::Map(k2, v2)) => {
            let DataType::Map(entries, _) = &wanted else {
                return Err(Error::bug("a MAP is not carried by a map"));
            };
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(Error::bug("a map's entries are no struct"));
            };
            let map = array.as_map();
            let columns = vec![cast(map.keys(), &k1.ty, &k2.ty, safe)?, cast(map.values(), &v1.ty, &v2.ty, safe)?];
            let pairs = StructArray::try_new(fields.clone(), columns, None).map_err(|e| null_inside(to, e))?;
            Ok(Arc::new(MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                pairs,
                map.nulls().cloned(),
                false,
            )?))
        }
        (SqlType::Binary(_) | SqlType::VarBinary(_), SqlType::Binary(_) | SqlType::VarBinary(_)) => bytes::resize(array, to),
        (_, SqlType::Binary(_) | SqlType::VarBinary(_)) if is_text(from) => bytes::resize(&arrow(array, &wanted, safe, to)?, to),
        _ if is_text(to) && is_text(from) => text::resize(array, to),
        _ if is_text(to) => text::to_text(array, from, to),
        _ if is_text(from) => text::from_text(array, to, safe),
        (SqlType::Boolean, _) if is_numeric(to) => arrow(array, &wanted, safe, to),
        (_, SqlType::Boolean) => {
            let ints = arrow(array, &DataType::Float64, safe, to)?;
            let ints = ints.as_primitive::<Float64Type>();
            Ok(Arc::new(BooleanArray::from_unary(ints, |v| v != 0.0)))
        }
        // Fractions are cut off, not rounded.
        (SqlType::Float | SqlType::Double, t) if t.is_integer() => {
            let doubles = arrow(array, &DataType::Float64, safe, to)?;
            let cut = doubles.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::trunc);
            arrow(&(Arc::new(cut) as ArrayRef), &wanted, safe, to)
        }
        (SqlType::Decimal(_, s), t) if t.is_integer() => {
            let unit = 10i128.pow(u32::from(*s));
            let whole = array.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(|v| v / unit);
            arrow(&(Arc::new(whole.with_data_type(DataType::Decimal128(38, 0))) as ArrayRef), &wanted, safe, to)
        }
        // A day and its times are those of UTC here: plans of other zones say theirs.
        (SqlType::TimestampLtz(p), SqlType::Date | SqlType::Time(_)) => {
            let wall = SqlType::Timestamp(*p);
            cast(&unchecked(array, wall.to_arrow())?, &wall, to, safe)
        }
        (SqlType::Date, SqlType::TimestampLtz(p)) => unchecked(&cast(array, from, &SqlType::Timestamp(*p), safe)?, wanted),
        (SqlType::Timestamp(_), SqlType::Time(p)) => {
            let (_, per) = unit_of(array.data_type())?;
            let ms: arrow_array::Time32MillisecondArray = epoch(array)?
                .iter()
                .map(|v| v.map(|v| cut_time((v.rem_euclid(per * 86_400) * 1_000 / per) as i32, *p)))
                .collect();
            Ok(Arc::new(ms))
        }
        (SqlType::Time(_), SqlType::Time(p)) => {
            let cut = array
                .as_primitive::<Time32MillisecondType>()
                .unary::<_, Time32MillisecondType>(|ms| cut_time(ms, *p));
            Ok(Arc::new(cut))
        }
        // Wall time to a point in time in UTC and back: the number stays.
        (a, b) if is_timestamp(a) && is_timestamp(b) => {
            let (_, from_unit) = unit_of(array.data_type())?;
            let (_, to_unit) = unit_of(&wanted)?;
            let values = epoch(array)?;
            let step = step_of(b, to_unit);
            let convert = |v: i64| {
                let v = if to_unit >= from_unit {
                    v.checked_mul(to_unit / from_unit)?
                } else {
                    v.div_euclid(from_unit / to_unit)
                };
                v.checked_sub(v.rem_euclid(step))
            };
            let mut out = Vec::with_capacity(values.len());
            for v in values.iter() {
                match v.map(convert) {
                    None => out.push(None),
                    Some(Some(v)) => out.push(Some(v)),
                    Some(None) if safe => out.push(None),
                    Some(None) => return Err(refused("a timestamp", to)),
                }
            }
            let data = arrow_array::Int64Array::from(out).into_data().into_builder().data_type(wanted).build()?;
            Ok(arrow_array::make_array(data))
        }
        _ => arrow(array, &wanted, safe, to),
    }
}

fn arrow(array: &ArrayRef, wanted: &DataType, safe: bool, to: &SqlType) -> Result<ArrayRef> {
    cast_with_options(
        array,
        wanted,
        &CastOptions {
            safe,
            ..CastOptions::default()
        },
    )
    // Arrow tells the first value that does not fit, and its own names for types, which are not ours.
    .map_err(|e| {
        let text = e.to_string();
        let value = text
            .split_once("cast value ")
            .and_then(|(_, rest)| rest.split_once(" to type "))
            .map(|(value, _)| value);
        let value = value.or_else(|| {
            text.split_once("error: ")
                .and_then(|(_, rest)| rest.split_once(" is too "))
                .map(|(value, _)| value)
        });
        refused(value.unwrap_or("a value"), to)
    })
}

/// A time of day, ms, without the digits behind the second that TIME(p) does not have.
fn cut_time(ms: i32, p: u8) -> i32 {
    let unit = 10i32.pow(u32::from(3u8.saturating_sub(p)));
    ms - ms.rem_euclid(unit)
}

/// Parts of the right types do not fit only where one of them is NULL and may not be.
fn null_inside(to: &SqlType, e: ArrowError) -> Error {
    match e {
        ArrowError::InvalidArgumentError(_) => Error::data(format!("a NULL is inside of a value of the type {to}, where it may not be"))
            .code("E0705")
            .hint("filter the rows or use COALESCE"),
        other => other.into(),
    }
}

fn refused(value: &str, to: &SqlType) -> Error {
    Error::data(format!("{value} cannot be cast to {to}"))
        .code("E0702")
        .hint("TRY_CAST gives NULL instead of an error")
}

/// The distance of two values of a timestamp type in its carrier, which may have digits that the type has not.
fn step_of(ty: &SqlType, per_second: i64) -> i64 {
    match ty {
        SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => 10i64.pow(per_second.ilog10().saturating_sub(u32::from(*p))),
        _ => 1,
    }
}

/// The unit's number per second.
pub(crate) fn unit_of(ty: &DataType) -> Result<(arrow_schema::TimeUnit, i64)> {
    use arrow_schema::TimeUnit as U;
    match ty {
        DataType::Timestamp(u, _) => Ok((
            *u,
            match u {
                U::Second => 1,
                U::Millisecond => 1_000,
                U::Microsecond => 1_000_000,
                U::Nanosecond => 1_000_000_000,
            },
        )),
        other => Err(Error::bug(format!("a timestamp is carried by {other}"))),
    }
}

/// A timestamp column's numbers.
pub(crate) fn epoch(array: &ArrayRef) -> Result<arrow_array::Int64Array> {
    let data = array.to_data().into_builder().data_type(DataType::Int64).build()?;
    Ok(arrow_array::Int64Array::from(data))
}

/// The same bits under another type of the same width.
pub(crate) fn unchecked(array: &ArrayRef, ty: DataType) -> Result<ArrayRef> {
    Ok(arrow_array::make_array(array.to_data().into_builder().data_type(ty).build()?))
}
