//! ROW fields, array and map elements.

use super::{Function, Signature, any_nullable};
use crate::types::Type;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array, UInt32Array};
use arrow_ord::cmp;
use arrow_select::take::take;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "element_at",
        usage: "array[index], map[key]",
        resolve: |a| match a {
            [x, i] => match &x.ty {
                SqlType::Array(e) if i.ty.is_integer() => Some(Signature {
                    args: vec![x.ty.clone(), SqlType::BigInt],
                    result: Type::new(e.ty.clone(), true),
                }),
                SqlType::Map(k, v) => Some(Signature {
                    args: vec![x.ty.clone(), k.ty.clone()],
                    result: Type::new(v.ty.clone(), true),
                }),
                _ => None,
            },
            _ => None,
        },
        evaluate: element_at,
    },
    Function {
        name: "cardinality",
        usage: "CARDINALITY(array or map)",
        resolve: |a| match a {
            [x] if matches!(x.ty, SqlType::Array(_) | SqlType::Map(..)) => Some(Signature {
                args: vec![x.ty.clone()],
                result: Type::new(SqlType::Int, any_nullable(a)),
            }),
            _ => None,
        },
        evaluate: |a, _, _| {
            let count = |offsets: &[i32]| -> Int32Array { (0..a[0].len()).map(|i| a[0].is_valid(i).then(|| offsets[i + 1] - offsets[i])).collect() };
            Ok(Arc::new(match a[0].as_list_opt::<i32>() {
                Some(list) => count(list.value_offsets()),
                None => count(a[0].as_map().value_offsets()),
            }))
        },
    },
];

/// A ROW's field: NULL where the row is.
///
/// # Errors
/// `Bug` if the column is no struct or has no such field.
pub fn field(array: &ArrayRef, index: usize) -> Result<ArrayRef> {
    let row = array.as_struct_opt().ok_or_else(|| Error::bug("a field of something that is no ROW"))?;
    let column = row.columns().get(index).ok_or_else(|| Error::bug("a ROW has no such field"))?;
    let Some(nulls) = row.nulls() else { return Ok(Arc::clone(column)) };
    let both = arrow_buffer::NullBuffer::union(Some(nulls), column.logical_nulls().as_ref());
    Ok(arrow_array::make_array(column.to_data().into_builder().nulls(both).build()?))
}

fn element_at(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    if let Some(list) = args[0].as_list_opt::<i32>() {
        let index = args[1].as_primitive::<Int64Type>();
        // Counted from 1; outside the array is NULL.
        let places: UInt32Array = (0..rows)
            .map(|i| {
                let offsets = list.value_offsets();
                let (start, end) = (i64::from(offsets[i]), i64::from(offsets[i + 1]));
                let at = (list.is_valid(i) && index.is_valid(i)).then(|| index.value(i))?;
                (at >= 1 && at <= end - start).then(|| (start + at - 1) as u32)
            })
            .collect();
        return Ok(take(list.values(), &places, None)?);
    }
    let map = args[0].as_map();
    let offsets = map.value_offsets();
    let mut places: Vec<Option<u32>> = vec![None; rows];
    for (row, place) in places.iter_mut().enumerate().filter(|(row, _)| map.is_valid(*row) && args[1].is_valid(*row)) {
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        let keys = map.keys().slice(start, end - start);
        let equal = cmp::eq(&keys, &arrow_array::Scalar::new(args[1].slice(row, 1)))?;
        *place = (0..equal.len()).find(|i| equal.is_valid(*i) && equal.value(*i)).map(|i| (start + i) as u32);
    }
    Ok(take(map.values(), &UInt32Array::from(places), None)?)
}
