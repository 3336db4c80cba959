//! MIN and MAX. NaN is greater than every number, as in Java's Double.compare; strings compare by bytes.

use super::counting_rows;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StringViewArray};
use arrow_schema::DataType;
use millstream_dataflow::{Aggregate, Error, Result, SqlType, StateColumn, StateType};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

pub(super) fn of(ty: &SqlType, max: bool) -> Option<Arc<dyn Aggregate>> {
    let store = match ty {
        SqlType::Decimal(..) => StateType::I128,
        SqlType::Float | SqlType::Double => StateType::F64,
        SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Binary(_) | SqlType::VarBinary(_) => StateType::Bytes,
        SqlType::Boolean | SqlType::Date | SqlType::Time(_) | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => StateType::I64,
        t if t.is_integer() => StateType::I64,
        _ => return None,
    };
    Some(Arc::new(MinMax { ty: ty.clone(), store, max }))
}

/// State: the extreme value, and whether there is one (bytes tell by themselves).
#[derive(Debug)]
struct MinMax {
    ty: SqlType,
    store: StateType,
    max: bool,
}

impl MinMax {
    fn wins(&self, order: Ordering) -> bool {
        order == if self.max { Ordering::Greater } else { Ordering::Less }
    }
    /// Takes values of the state's type.
    fn take(&self, state: &mut [StateColumn], ids: &[u32], values: &ArrayRef, present: impl Fn(usize) -> bool) -> Result<()> {
        let wrong = || Error::corrupt("a partial minimum or maximum has another type");
        if self.store == StateType::Bytes {
            let values = values.as_binary_view_opt().ok_or_else(wrong)?;
            let mut best = state[0].byte_strings()?.writer(ids);
            for (i, id) in ids.iter().enumerate().filter(|(i, _)| present(*i)) {
                let (value, slot) = (values.value(i), best.at(*id));
                if slot.as_ref().is_none_or(|b| self.wins(value.cmp(b))) {
                    *slot = Some(value.into());
                }
            }
            return Ok(());
        }
        let [best, known] = state else {
            return Err(Error::bug("a minimum has two state columns"));
        };
        let mut known = known.i64s()?.writer(ids);
        macro_rules! take {
            ($writer:expr, $t:ty, $order:expr) => {{
                let values = values.as_primitive_opt::<$t>().ok_or_else(wrong)?.values();
                let mut best = $writer.writer(ids);
                for (i, id) in ids.iter().enumerate().filter(|(i, _)| present(*i)) {
                    let (slot, flag) = (best.at(*id), known.at(*id));
                    if *flag == 0 || self.wins($order(&values[i], slot)) {
                        *slot = values[i];
                        *flag = 1;
                    }
                }
            }};
        }
        match self.store {
            StateType::I64 => take!(best.i64s()?, Int64Type, |a: &i64, b: &i64| a.cmp(b)),
            StateType::I128 => take!(best.i128s()?, Decimal128Type, |a: &i128, b: &i128| a.cmp(b)),
            _ => take!(best.f64s()?, Float64Type, java_order),
        }
        Ok(())
    }
    /// The argument in the state's type.
    fn to_state(&self, array: &ArrayRef) -> Result<ArrayRef> {
        Ok(match (self.store, array.data_type()) {
            (StateType::I64, DataType::Int64) | (StateType::I128 | StateType::F64, DataType::Decimal128(..) | DataType::Float64) => Arc::clone(array),
            (StateType::Bytes, DataType::Utf8View) => Arc::new(array.as_string_view().clone().to_binary_view()),
            (StateType::Bytes, _) => Arc::clone(array),
            (StateType::F64, _) => arrow_cast::cast(array, &DataType::Float64)?,
            (StateType::I64, DataType::Time32(_) | DataType::Date32) => arrow_cast::cast(&arrow_cast::cast(array, &DataType::Int32)?, &DataType::Int64)?,
            _ => arrow_cast::cast(array, &DataType::Int64)?,
        })
    }
}

fn java_order(a: &f64, b: &f64) -> Ordering {
    a.total_cmp(b)
}

impl Aggregate for MinMax {
    fn result(&self) -> (SqlType, bool) {
        (self.ty.clone(), true)
    }
    fn state(&self) -> Vec<StateType> {
        if self.store == StateType::Bytes {
            vec![self.store]
        } else {
            vec![self.store, StateType::I64]
        }
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        let values = self.to_state(&args[0])?;
        if values.null_count() == 0 && filter.is_none() {
            return self.take(state, ids, &values, |_| true);
        }
        let mut counts = vec![false; ids.len()];
        counting_rows(Some(&args[0]), filter, ids.len(), |i| counts[i] = true);
        self.take(state, ids, &values, |i| counts[i])
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        if self.store == StateType::Bytes {
            let nulls = Arc::clone(&partial[0]);
            return self.take(state, ids, &partial[0], |i| nulls.is_valid(i));
        }
        let known = partial[1]
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| Error::corrupt("a partial minimum has another type"))?;
        self.take(state, ids, &partial[0], |i| known.value(i) != 0)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        let values = state[0].to_array(ids.clone());
        if self.store == StateType::Bytes {
            if matches!(self.ty, SqlType::Binary(_) | SqlType::VarBinary(_)) {
                return Ok(values);
            }
            let texts = values.as_binary_view().iter().map(|v| {
                v.map(|v| std::str::from_utf8(v).map_err(|_| Error::corrupt("a text in the state is no UTF-8")))
                    .transpose()
            });
            return Ok(Arc::new(texts.collect::<Result<Vec<_>>>()?.into_iter().collect::<StringViewArray>()));
        }
        let known = state[1].to_array(ids);
        let nulls = arrow_buffer::NullBuffer::from(known.as_primitive::<Int64Type>().values().iter().map(|k| *k != 0).collect::<Vec<bool>>());
        let wanted = self.ty.to_arrow();
        let with_nulls = |a: &ArrayRef, ty: DataType| -> Result<ArrayRef> {
            Ok(arrow_array::make_array(
                a.to_data().into_builder().data_type(ty).nulls(Some(nulls.clone())).build()?,
            ))
        };
        match (&self.ty, self.store) {
            (SqlType::Double | SqlType::Decimal(..) | SqlType::BigInt | SqlType::Timestamp(_) | SqlType::TimestampLtz(_), _) => with_nulls(&values, wanted),
            (SqlType::Date | SqlType::Time(_), _) => {
                let ints = arrow_cast::cast(&values, &DataType::Int32)?;
                with_nulls(&ints, wanted)
            }
            (SqlType::Boolean, _) => {
                let ints: &Int64Array = values.as_primitive();
                Ok(Arc::new(BooleanArray::new(ints.values().iter().map(|v| *v != 0).collect(), Some(nulls))))
            }
            _ => {
                let cast = arrow_cast::cast(&values, &wanted)?;
                with_nulls(&cast, wanted)
            }
        }
    }
}
