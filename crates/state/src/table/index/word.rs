//! Columns of at most 64 bits as words: equal words, equal keys.

use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, cast::AsArray, types::*};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use millstream_dataflow::{Error, Result};
use std::sync::Arc;

/// Calls `$word!(type)` for integers and what is stored as one, `$float!(type, bits)` for floats.
macro_rules! dispatch {
    ($ty:expr, $int:ident, $float:ident, $bool:expr, $other:expr) => {
        match $ty {
            DataType::Boolean => $bool,
            DataType::Int8 => $int!(Int8Type),
            DataType::Int16 => $int!(Int16Type),
            DataType::Int32 => $int!(Int32Type),
            DataType::Int64 => $int!(Int64Type),
            DataType::Date32 => $int!(Date32Type),
            DataType::Time32(TimeUnit::Millisecond) => $int!(Time32MillisecondType),
            DataType::Timestamp(TimeUnit::Millisecond, _) => $int!(TimestampMillisecondType),
            DataType::Timestamp(TimeUnit::Microsecond, _) => $int!(TimestampMicrosecondType),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => $int!(TimestampNanosecondType),
            DataType::Duration(TimeUnit::Millisecond) => $int!(DurationMillisecondType),
            DataType::Interval(IntervalUnit::YearMonth) => $int!(IntervalYearMonthType),
            DataType::Float32 => $float!(Float32Type, f32, u32),
            DataType::Float64 => $float!(Float64Type, f64, u64),
            other => $other(other),
        }
    };
}

/// Whether values of a type fit a word.
pub(super) fn fits(ty: &DataType) -> bool {
    macro_rules! yes {
        ($($t:ty),*) => {
            true
        };
    }
    dispatch!(ty, yes, yes, true, |_: &DataType| false)
}

/// The words of a column; what stands at a NULL means nothing.
pub(super) fn read(column: &ArrayRef) -> Result<ScalarBuffer<i64>> {
    if let DataType::Int64 = column.data_type() {
        return Ok(column.as_primitive::<Int64Type>().values().clone());
    }
    if let DataType::Timestamp(TimeUnit::Millisecond, _) = column.data_type() {
        return Ok(column.as_primitive::<TimestampMillisecondType>().values().clone());
    }
    macro_rules! int {
        ($t:ty) => {
            Ok(column.as_primitive::<$t>().values().iter().map(|v| i64::from(*v)).collect())
        };
    }
    macro_rules! float {
        ($t:ty, $f:ty, $bits:ty) => {{
            let canonical = |v: &$f| match *v {
                v if v.is_nan() => <$f>::NAN,
                v if v == 0.0 => 0.0,
                v => v,
            };
            Ok(column.as_primitive::<$t>().values().iter().map(|v| canonical(v).to_bits() as i64).collect())
        }};
    }
    let boolean = || column.as_boolean().values().iter().map(i64::from).collect();
    dispatch!(column.data_type(), int, float, Ok(boolean()), |other: &DataType| Err(not_a_word(other)))
}

/// The column that [`read`] saw.
pub(super) fn write(ty: &DataType, words: &[i64], nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    macro_rules! int {
        ($t:ty) => {{
            let values = words.iter().map(|w| *w as <$t as ArrowPrimitiveType>::Native).collect();
            Ok(Arc::new(PrimitiveArray::<$t>::new(values, nulls).with_data_type(ty.clone())) as ArrayRef)
        }};
    }
    macro_rules! float {
        ($t:ty, $f:ty, $bits:ty) => {{
            let values = words.iter().map(|w| <$f>::from_bits(*w as $bits)).collect();
            Ok(Arc::new(PrimitiveArray::<$t>::new(values, nulls)) as ArrayRef)
        }};
    }
    let boolean = |nulls| Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(words.len(), |i| words[i] != 0), nulls)) as ArrayRef;
    dispatch!(ty, int, float, Ok(boolean(nulls)), |other: &DataType| Err(not_a_word(other)))
}

fn not_a_word(ty: &DataType) -> Error {
    Error::bug(format!("a key of type {ty} is not a word"))
}
