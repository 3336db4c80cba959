//! Columns of files as a table's types.

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, LargeListArray, ListArray, MapArray, StructArray, make_array};
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_ord::cmp::not_distinct;
use arrow_schema::{ArrowError, DataType, FieldRef, TimeUnit};
use std::sync::Arc;

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
        (_, T::Decimal128(..)) => file.is_decimal(),
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
pub(super) fn convert(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    keeps_digits(column, wanted)?;
    let column = &floored(column, wanted)?;
    let (DataType::Timestamp(from, _), DataType::Timestamp(to, _)) = (column.data_type(), wanted) else {
        return cast_with_options(column, wanted, &strict);
    };
    // Whether a file's times are of a zone is not looked at, as in Flink.
    let retyped = |a: &ArrayRef, ty: DataType| a.to_data().into_builder().data_type(ty).build().map(make_array);
    let plain = retyped(column, DataType::Timestamp(*from, None))?;
    retyped(&cast_with_options(&plain, &DataType::Timestamp(*to, None), &strict)?, wanted.clone())
}

/// Times of which the table has fewer digits, cut to these toward the past: arrow cuts toward 1970.
fn floored(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType as T;
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000_i64,
    };
    Ok(match (column.data_type(), wanted) {
        (T::Timestamp(from, _), T::Timestamp(to, _)) if per_second(from) > per_second(to) => {
            let step = per_second(from) / per_second(to);
            let floor = |t: i64| t.saturating_sub(t.rem_euclid(step));
            let ty = column.data_type().clone();
            match from {
                TimeUnit::Nanosecond => Arc::new(
                    column
                        .as_primitive::<TimestampNanosecondType>()
                        .unary::<_, TimestampNanosecondType>(floor)
                        .with_data_type(ty),
                ),
                TimeUnit::Microsecond => Arc::new(
                    column
                        .as_primitive::<TimestampMicrosecondType>()
                        .unary::<_, TimestampMicrosecondType>(floor)
                        .with_data_type(ty),
                ),
                _ => Arc::new(
                    column
                        .as_primitive::<TimestampMillisecondType>()
                        .unary::<_, TimestampMillisecondType>(floor)
                        .with_data_type(ty),
                ),
            }
        }
        (T::List(field), T::List(to)) => {
            let list = column.as_list::<i32>();
            let values = floored(list.values(), to.data_type())?;
            Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        (T::LargeList(field), T::List(to)) => {
            let list = column.as_list::<i64>();
            let values = floored(list.values(), to.data_type())?;
            Arc::new(LargeListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        (T::Map(entries, sorted), T::Map(to, _)) => {
            let map = column.as_map();
            let pairs: ArrayRef = Arc::new(map.entries().clone());
            let pairs = floored(&pairs, to.data_type())?.as_struct().clone();
            Arc::new(MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                pairs,
                map.nulls().cloned(),
                *sorted,
            )?)
        }
        (T::Struct(fields), T::Struct(to)) => {
            let row = column.as_struct();
            let to = |name: &str| to.find(name).map(|(_, f)| f.data_type());
            let columns = fields
                .iter()
                .zip(row.columns())
                .map(|(field, c)| to(field.name()).map_or(Ok(Arc::clone(c)), |ty| floored(c, ty)));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, row.nulls().cloned(), row.len())?)
        }
        _ => Arc::clone(column),
    })
}

/// Digits behind the point of a decimal are not rounded away.
///
/// # Errors
/// The first number that has more than the table's type.
fn keeps_digits(column: &ArrayRef, wanted: &DataType) -> Result<(), ArrowError> {
    use DataType as T;
    match (column.data_type(), wanted) {
        (T::Dictionary(..), _) => Ok(()),
        (file, T::Decimal128(_, scale)) if decimal_scale(file) > *scale => {
            let there = cast(&cast(column, wanted)?, file)?;
            let same = not_distinct(&there, column)?;
            match (0..same.len()).find(|i| !same.value(*i)) {
                Some(row) => {
                    let number = arrow_cast::display::array_value_to_string(column, row)?;
                    Err(ArrowError::CastError(format!("{number} has more than {scale} digits behind the point")))
                }
                None => Ok(()),
            }
        }
        (T::List(_), T::List(of)) => keeps_digits(column.as_list::<i32>().values(), of.data_type()),
        (T::LargeList(_), T::List(of)) => keeps_digits(column.as_list::<i64>().values(), of.data_type()),
        (T::Map(..), T::Map(of, _)) => keeps_digits(&(Arc::new(column.as_map().entries().clone()) as ArrayRef), of.data_type()),
        (T::Struct(_), T::Struct(fields)) => {
            let found = |f: &FieldRef| column.as_struct().column_by_name(f.name()).map(|c| (Arc::clone(c), f.data_type().clone()));
            fields.iter().filter_map(found).try_for_each(|(c, ty)| keeps_digits(&c, &ty))
        }
        _ => Ok(()),
    }
}

fn decimal_scale(ty: &DataType) -> i8 {
    match ty {
        DataType::Decimal32(_, s) | DataType::Decimal64(_, s) | DataType::Decimal128(_, s) | DataType::Decimal256(_, s) => *s,
        _ => 0,
    }
}
