//! ROW fields, array and map elements.

use super::element_of;
use crate::scalar::rows::refused;
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::Type;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array, UInt32Array};
use arrow_ord::cmp;
use arrow_select::take::take;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "element_at",
        usage: "array[index], map[key]",
        doc: "One element of an array, or the value of a key. Arrays count from 1; NULL where there is no such element.",
        example: ("ARRAY['a', 'b', 'c'][2]", "b"),
        resolve: |a| match a {
            [x, i] => match &x.ty {
                SqlType::Array(e) if i.ty.is_integer() || i.ty == SqlType::Null => Some(Signature {
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
        doc: "The number of elements or entries.",
        example: ("CARDINALITY(ARRAY[7, 8, NULL])", "3"),
        resolve: |a| match a {
            [x] if matches!(x.ty, SqlType::Array(_) | SqlType::Map(..) | SqlType::Multiset(_)) => Some(Signature {
                args: vec![x.ty.clone()],
                result: Type::new(SqlType::Int, any_nullable(a)),
            }),
            _ => None,
        },
        evaluate: |a, rows, _| {
            Ok(Arc::new(Int32Array::from_iter(
                offsets(&a[0])?
                    .windows(2)
                    .take(rows)
                    .enumerate()
                    .map(|(i, w)| a[0].is_valid(i).then(|| w[1] - w[0])),
            )))
        },
    },
    Function {
        name: "element",
        usage: "ELEMENT(array)",
        doc: "The only element; NULL for an empty array, an error for more.",
        example: ("ELEMENT(ARRAY[7])", "7"),
        resolve: |a| match a {
            [x] => element_of(x).map(|e| Signature {
                args: vec![x.ty.clone()],
                result: Type::new(e.ty.clone(), x.nullable || e.nullable),
            }),
            _ => None,
        },
        evaluate: element,
    },
];

/// Where each row's elements start, and the end.
pub(super) fn offsets(array: &ArrayRef) -> Result<&[i32]> {
    if let Some(list) = array.as_list_opt::<i32>() {
        return Ok(list.value_offsets());
    }
    let map = array
        .as_map_opt()
        .ok_or_else(|| Error::bug("a collection is carried by neither list nor map"))?;
    Ok(map.value_offsets())
}

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

fn element(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let list = args[0].as_list::<i32>();
    let mut places = Vec::with_capacity(rows);
    for (row, bounds) in list.value_offsets().windows(2).take(rows).enumerate() {
        places.push(match bounds[1] - bounds[0] {
            _ if list.is_null(row) => None,
            0 => None,
            1 => Some(bounds[0] as u32),
            n => return Err(refused(format!("ELEMENT takes an array of one element, this one has {n}"))),
        });
    }
    Ok(take(list.values(), &UInt32Array::from(places), None)?)
}
