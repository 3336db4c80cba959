//! SUM: integers and decimals exactly in 128 bits, floats compensated (Neumaier, 1974).

use super::counting_rows;
use crate::types::as_decimal;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array};
use arrow_schema::DataType;
use millstream_dataflow::{Aggregate, Error, Result, SqlType, StateColumn, StateType};
use std::ops::Range;
use std::sync::Arc;

pub(super) fn of(ty: &SqlType) -> Option<Arc<dyn Aggregate>> {
    match ty {
        SqlType::Float | SqlType::Double => Some(Arc::new(FloatSum { result: ty.clone() })),
        SqlType::Decimal(_, s) => Some(Arc::new(ExactSum {
            result: SqlType::Decimal(38, *s),
            name: "SUM",
        })),
        t if t.is_integer() => Some(Arc::new(ExactSum {
            result: ty.clone(),
            name: "SUM",
        })),
        _ => None,
    }
}

/// State: sum, and how many values it holds.
#[derive(Debug)]
pub(super) struct ExactSum {
    result: SqlType,
    name: &'static str,
}

/// Adds integers or decimals to 128-bit sums and their counts.
pub(super) fn update_exact(state: &mut [StateColumn], ids: &[u32], argument: &ArrayRef, filter: Option<&BooleanArray>) -> Result<()> {
    let [sums, counts] = state else {
        return Err(Error::bug("an exact sum has two state columns"));
    };
    let (mut sums, mut counts) = (sums.i128s()?.writer(ids), counts.i64s()?.writer(ids));
    let mut overflowed = false;
    macro_rules! add {
        ($t:ty) => {{
            let values = argument.as_primitive::<$t>().values();
            counting_rows(Some(argument), filter, ids.len(), |i| {
                let sum = sums.at(ids[i]);
                let (next, over) = sum.overflowing_add(i128::from(values[i]));
                overflowed |= over;
                *sum = next;
                *counts.at(ids[i]) += 1;
            });
        }};
    }
    match argument.data_type() {
        DataType::Int8 => add!(Int8Type),
        DataType::Int16 => add!(Int16Type),
        DataType::Int32 => add!(Int32Type),
        DataType::Int64 => add!(Int64Type),
        DataType::Decimal128(..) => add!(Decimal128Type),
        other => return Err(Error::bug(format!("{other} cannot be summed exactly"))),
    }
    if overflowed {
        Err(Error::data("a sum overflows 128 bits").code("E0703"))
    } else {
        Ok(())
    }
}

pub(super) fn merge_exact(state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef], sign: i128) -> Result<()> {
    let wrong = || Error::corrupt("a partial sum has another type");
    let [sums, counts] = state else {
        return Err(Error::bug("an exact sum has two state columns"));
    };
    let from_sums = partial[0].as_primitive_opt::<Decimal128Type>().ok_or_else(wrong)?.values();
    let from_counts = partial[1].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values();
    let (mut sums, mut counts) = (sums.i128s()?.writer(ids), counts.i64s()?.writer(ids));
    for (i, id) in ids.iter().enumerate() {
        let sum = sums.at(*id);
        *sum = sum
            .checked_add(sign * from_sums[i])
            .ok_or_else(|| Error::data("a sum overflows 128 bits").code("E0703"))?;
        *counts.at(*id) += sign as i64 * from_counts[i];
    }
    Ok(())
}

impl Aggregate for ExactSum {
    fn result(&self) -> (SqlType, bool) {
        (self.result.clone(), true)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::I128, StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        update_exact(state, ids, &args[0], filter)
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_exact(state, ids, partial, 1)
    }
    fn invertible(&self) -> bool {
        true
    }
    fn unmerge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_exact(state, ids, partial, -1)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        exact_result(state, ids, &self.result, self.name, |sum, _| Some(sum))
    }
}

/// The results of exact sums in their type; `f` takes sum and count (> 0).
pub(super) fn exact_result(state: &[StateColumn], ids: Range<usize>, ty: &SqlType, name: &str, f: impl Fn(i128, i64) -> Option<i128>) -> Result<ArrayRef> {
    let (sums, counts) = (state[0].to_array(ids.clone()), state[1].to_array(ids));
    let (sums, counts) = (sums.as_primitive::<Decimal128Type>().values(), counts.as_primitive::<Int64Type>().values());
    let overflow = || {
        Error::data(format!("{name} overflows {ty}"))
            .code("E0703")
            .hint("cast the argument to a wider type")
    };
    let digits = as_decimal(ty).map_or(38, |d| d.0);
    let in_range = |v: i128| match ty {
        SqlType::TinyInt => i8::try_from(v).is_ok(),
        SqlType::SmallInt => i16::try_from(v).is_ok(),
        SqlType::Int => i32::try_from(v).is_ok(),
        SqlType::BigInt => i64::try_from(v).is_ok(),
        _ => v.unsigned_abs() < 10u128.pow(u32::from(digits)),
    };
    let mut out = Vec::with_capacity(sums.len());
    for (sum, count) in sums.iter().zip(counts) {
        out.push(match count {
            0 => None,
            n => Some(f(*sum, *n).filter(|v| in_range(*v)).ok_or_else(overflow)?),
        });
    }
    macro_rules! ints {
        ($t:ty, $n:ty) => {
            Arc::new(arrow_array::PrimitiveArray::<$t>::from_iter(out.into_iter().map(|v| v.map(|v| v as $n)))) as ArrayRef
        };
    }
    Ok(match ty {
        SqlType::TinyInt => ints!(Int8Type, i8),
        SqlType::SmallInt => ints!(Int16Type, i16),
        SqlType::Int => ints!(Int32Type, i32),
        SqlType::BigInt => ints!(Int64Type, i64),
        _ => Arc::new(Decimal128Array::from(out).with_data_type(ty.to_arrow())),
    })
}

/// State: sum, compensation, how many values.
#[derive(Debug)]
struct FloatSum {
    result: SqlType,
}

/// Adds one value to a compensated sum.
pub(super) fn add_compensated(sum: &mut f64, compensation: &mut f64, value: f64) {
    let next = *sum + value;
    if next.is_finite() {
        *compensation += if sum.abs() >= value.abs() {
            (*sum - next) + value
        } else {
            (value - next) + *sum
        };
    }
    *sum = next;
}

pub(super) fn update_float(state: &mut [StateColumn], ids: &[u32], argument: &ArrayRef, filter: Option<&BooleanArray>) -> Result<()> {
    let [sums, compensations, counts] = state else {
        return Err(Error::bug("a float sum has three state columns"));
    };
    let (mut sums, mut compensations, mut counts) = (sums.f64s()?.writer(ids), compensations.f64s()?.writer(ids), counts.i64s()?.writer(ids));
    let doubles = arrow_cast::cast(argument, &DataType::Float64)?;
    let values = doubles.as_primitive::<Float64Type>().values();
    counting_rows(Some(argument), filter, ids.len(), |i| {
        add_compensated(sums.at(ids[i]), compensations.at(ids[i]), values[i]);
        *counts.at(ids[i]) += 1;
    });
    Ok(())
}

pub(super) fn merge_float(state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
    let wrong = || Error::corrupt("a partial sum has another type");
    let [sums, compensations, counts] = state else {
        return Err(Error::bug("a float sum has three state columns"));
    };
    let float = |i: usize| partial[i].as_primitive_opt::<Float64Type>().ok_or_else(wrong);
    let (from, carried) = (float(0)?.values(), float(1)?.values());
    let from_counts = partial[2].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values();
    let (mut sums, mut compensations, mut counts) = (sums.f64s()?.writer(ids), compensations.f64s()?.writer(ids), counts.i64s()?.writer(ids));
    for (i, id) in ids.iter().enumerate() {
        add_compensated(sums.at(*id), compensations.at(*id), from[i]);
        *compensations.at(*id) += carried[i];
        *counts.at(*id) += from_counts[i];
    }
    Ok(())
}

/// Sum or mean per group; NULL for groups without values.
pub(super) fn float_result(state: &[StateColumn], ids: Range<usize>, ty: &SqlType, mean: bool) -> Result<ArrayRef> {
    let columns: Vec<ArrayRef> = state.iter().map(|c| c.to_array(ids.clone())).collect();
    let (sums, compensations) = (
        columns[0].as_primitive::<Float64Type>().values(),
        columns[1].as_primitive::<Float64Type>().values(),
    );
    let counts = columns[2].as_primitive::<Int64Type>().values();
    let out: Float64Array = (0..sums.len())
        .map(|i| {
            let total = if sums[i].is_finite() { sums[i] + compensations[i] } else { sums[i] };
            (counts[i] > 0).then(|| if mean { total / counts[i] as f64 } else { total })
        })
        .collect();
    Ok(arrow_cast::cast(&out, &ty.to_arrow())?)
}

impl Aggregate for FloatSum {
    fn result(&self) -> (SqlType, bool) {
        (self.result.clone(), true)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::F64, StateType::F64, StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        update_float(state, ids, &args[0], filter)
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_float(state, ids, partial)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        float_result(state, ids, &self.result, false)
    }
}
