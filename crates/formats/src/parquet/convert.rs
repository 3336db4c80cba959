//! Columns of files as a table's types.

use crate::map::{map_column, without_repeats};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, ListArray, StructArray, make_array, new_null_array};
use arrow_cast::display::array_value_to_string;
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_ord::cmp::not_distinct;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use millstream_dataflow::SqlType;
use std::sync::Arc;

/// Why a column's values are none of a table's: what follows "it holds".
pub(super) type Misfit = String;

fn misfit(e: ArrowError) -> Misfit {
    format!("what its type does not hold ({e})")
}

/// Whether a column of one type in a file holds the values of another in a table. Integers may be wider or narrower, as long as their
/// values fit, times and fractions finer or coarser; nothing becomes a value of another kind.
pub(super) fn reads(file: &DataType, table: &DataType) -> bool {
    use DataType as T;
    match (file, table) {
        (T::Dictionary(_, value), _) => reads(value, table),
        (T::Float32, T::Float64) => true,
        // Files of old writers do not say that bytes are text.
        (_, T::Utf8View) => file.is_string() || file.is_binary(),
        (_, T::BinaryView) => file.is_binary() || matches!(file, T::FixedSizeBinary(_)),
        (_, T::Int8 | T::Int16 | T::Int32 | T::Int64) => file.is_integer(),
        (_, T::Decimal128(..)) => file.is_decimal() || *file == T::UInt64,
        (_, T::Timestamp(..)) => matches!(file, T::Timestamp(..)),
        (_, T::Time32(_) | T::Time64(_)) => matches!(file, T::Time32(_) | T::Time64(_)),
        (T::List(a) | T::LargeList(a) | T::FixedSizeList(a, _), T::List(b)) => reads(a.data_type(), b.data_type()),
        (T::Map(a, _), T::Map(b, _)) => reads(a.data_type(), b.data_type()),
        // Fields are found by name.
        (T::Struct(a), T::Struct(b)) => b.iter().all(|b| a.find(b.name()).is_none_or(|(_, a)| reads(a.data_type(), b.data_type()))),
        _ => file == table,
    }
}

/// A column of a file as the table's type.
///
/// # Errors
/// The first value that the type does not hold.
pub(super) fn convert(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    use DataType as T;
    if column.data_type() == wanted {
        return without_repeats(column).map_err(misfit);
    }
    Ok(match (column.data_type(), wanted) {
        (T::Dictionary(_, value), _) => convert(&cast(column, value).map_err(misfit)?, wanted)?,
        (T::LargeList(field) | T::FixedSizeList(field, _), T::List(_)) => convert(&cast(column, &T::List(Arc::clone(field))).map_err(misfit)?, wanted)?,
        (T::List(_), T::List(to)) => {
            let list = column.as_list::<i32>();
            let values = convert(list.values(), to.data_type())?;
            let list = ListArray::try_new(Arc::clone(to), list.offsets().clone(), values, list.nulls().cloned());
            Arc::new(list.map_err(misfit)?)
        }
        (T::Map(..), T::Map(to, _)) => {
            let T::Struct(parts) = to.data_type() else {
                return Err("entries of another kind".into());
            };
            let map = column.as_map();
            let parts = [map.keys(), map.values()].into_iter().zip(parts);
            let mut parts = parts.map(|(c, part)| convert(c, part.data_type())).collect::<Result<Vec<_>, _>>()?.into_iter();
            let (Some(keys), Some(values)) = (parts.next(), parts.next()) else {
                return Err("entries of another kind".into());
            };
            Arc::new(map_column(to, map.offsets().clone(), keys, values, map.nulls().cloned()).map_err(misfit)?)
        }
        (T::Struct(_), T::Struct(to)) => {
            let row = column.as_struct();
            let of = |field: &arrow_schema::FieldRef| match row.column_by_name(field.name()) {
                Some(c) => convert(c, field.data_type()),
                None if field.is_nullable() => Ok(new_null_array(field.data_type(), row.len())),
                None => Err(format!("rows without the field \"{}\", which is NOT NULL", field.name())),
            };
            let columns = to.iter().map(of).collect::<Result<Vec<_>, _>>()?;
            let row = StructArray::try_new_with_length(to.clone(), columns, row.nulls().cloned(), row.len());
            Arc::new(row.map_err(misfit)?)
        }
        (T::Timestamp(from, _), T::Timestamp(to, _)) => {
            // Whether a file's times are of a zone is not looked at, as in Flink.
            let retyped = |a: &ArrayRef, ty: DataType| a.to_data().into_builder().data_type(ty).build().map(make_array).map_err(misfit);
            let plain = retyped(&floored(column, from, to), T::Timestamp(*from, None))?;
            retyped(&strictly(&plain, &T::Timestamp(*to, None))?, wanted.clone())?
        }
        (file, T::Decimal128(_, scale)) if decimal_scale(file) > *scale => keeping_digits(column, wanted, *scale)?,
        _ => strictly(column, wanted)?,
    })
}

/// Values of one kind as another type of it.
///
/// # Errors
/// The first that it does not hold.
fn strictly(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    let converted = cast_with_options(column, wanted, &CastOptions::default()).map_err(misfit)?;
    if converted.null_count() == column.null_count() {
        return Ok(converted);
    }
    match (0..column.len()).find(|i| column.is_valid(*i) && converted.is_null(*i)) {
        Some(row) => {
            let value = array_value_to_string(column, row).map_err(misfit)?;
            let ty = SqlType::from_arrow(wanted).map_or_else(|_| "the table's type".to_string(), |ty| ty.to_string());
            Err(format!("{value}, which {ty} does not hold"))
        }
        None => Ok(converted),
    }
}

/// Times of which the table has fewer digits, cut to these toward the past: arrow cuts toward 1970.
fn floored(column: &ArrayRef, from: &TimeUnit, to: &TimeUnit) -> ArrayRef {
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000_i64,
    };
    let step = per_second(from) / per_second(to);
    if step <= 1 {
        return Arc::clone(column);
    }
    let floor = |t: i64| t.saturating_sub(t.rem_euclid(step));
    let ty = column.data_type().clone();
    macro_rules! of {
        ($t:ty) => {
            Arc::new(column.as_primitive::<$t>().unary::<_, $t>(floor).with_data_type(ty))
        };
    }
    match from {
        TimeUnit::Nanosecond => of!(TimestampNanosecondType),
        TimeUnit::Microsecond => of!(TimestampMicrosecondType),
        _ => of!(TimestampMillisecondType),
    }
}

/// Decimals of fewer digits behind the point, none of which are rounded away.
///
/// # Errors
/// The first number that has more than the table's type, or does not fit it.
fn keeping_digits(column: &ArrayRef, wanted: &DataType, scale: i8) -> Result<ArrayRef, Misfit> {
    let converted = strictly(column, wanted)?;
    let there = cast(&converted, column.data_type()).map_err(misfit)?;
    let same = not_distinct(&there, column).map_err(misfit)?;
    match (0..same.len()).find(|i| !same.value(*i)) {
        Some(row) => {
            let number = array_value_to_string(column, row).map_err(misfit)?;
            Err(format!("{number}, which has more than {scale} digits behind the point"))
        }
        None => Ok(converted),
    }
}

fn decimal_scale(ty: &DataType) -> i8 {
    match ty {
        DataType::Decimal32(_, s) | DataType::Decimal64(_, s) | DataType::Decimal128(_, s) | DataType::Decimal256(_, s) => *s,
        _ => 0,
    }
}
