//! Maps made and read.

use super::{array_of, element_of};
use crate::scalar::rows::refused;
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, common};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, UInt32Array, make_array, new_empty_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_row::{RowConverter, SortField};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::take::take;
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::collections::HashMap;
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "map_keys",
        usage: "MAP_KEYS(map)",
        doc: "An array of the keys, in the order of the map.",
        example: ("MAP_KEYS(MAP['b', 1, 'a', 2])", r#"["b","a"]"#),
        resolve: |a| of_map(a, |k, _| array_of(k)),
        evaluate: |a, _, t| list(a[0].as_map(), Arc::clone(a[0].as_map().keys()), t),
    },
    Function {
        name: "map_values",
        usage: "MAP_VALUES(map)",
        doc: "An array of the values, in the order of the map.",
        example: ("MAP_VALUES(MAP['b', 1, 'a', 2])", "[1,2]"),
        resolve: |a| of_map(a, |_, v| array_of(v)),
        evaluate: |a, _, t| list(a[0].as_map(), Arc::clone(a[0].as_map().values()), t),
    },
    Function {
        name: "map_entries",
        usage: "MAP_ENTRIES(map)",
        doc: "An array of rows with the fields `key` and `value`.",
        example: ("MAP_ENTRIES(MAP['a', 1, 'b', 2])", r#"[["a",1],["b",2]]"#),
        resolve: |a| {
            of_map(a, |k, v| {
                let entry = vec![Field::new("key", k.ty.clone(), k.nullable), Field::new("value", v.ty.clone(), v.nullable)];
                array_of(&Field::new("", SqlType::Row(entry), true))
            })
        },
        evaluate: |a, _, t| list(a[0].as_map(), Arc::new(a[0].as_map().entries().clone()), t),
    },
    Function {
        name: "map_from_arrays",
        usage: "MAP_FROM_ARRAYS(keys, values)",
        doc: "A map from each key to the value at its place. Arrays of one length; the last of equal keys counts.",
        example: ("MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2])", r#"{"a":1,"b":2}"#),
        resolve: |a| {
            let [keys, values] = a else { return None };
            let (k, v) = (element_of(keys)?, element_of(values)?);
            Some(Signature {
                args: vec![keys.ty.clone(), values.ty.clone()],
                result: Type::new(map_of(k, v), any_nullable(a)),
            })
        },
        evaluate: from_arrays,
    },
    Function {
        name: "map_union",
        usage: "MAP_UNION(map, …)",
        doc: "A map of the entries of all. The last of equal keys counts.",
        example: ("MAP_UNION(MAP['a', 1, 'b', 2], MAP['b', 3])", r#"{"a":1,"b":3}"#),
        resolve: |a| {
            let SqlType::Map(k, v) = &a.first()?.ty else { return None };
            let (mut key, mut value) = (k.as_ref().clone(), v.as_ref().clone());
            for other in &a[1..] {
                let SqlType::Map(k, v) = &other.ty else { return None };
                key = Field::new("key", common(&key.ty, &k.ty)?, key.nullable || k.nullable);
                value = Field::new("value", common(&value.ty, &v.ty)?, value.nullable || v.nullable);
            }
            let ty = map_of(&key, &value);
            Some(Signature {
                args: vec![ty.clone(); a.len()],
                result: Type::new(ty, any_nullable(a)),
            })
        },
        evaluate: union,
    },
];

pub(super) fn map_of(key: &Field, value: &Field) -> SqlType {
    let key = Field::new("key", key.ty.clone(), key.nullable);
    SqlType::Map(Box::new(key), Box::new(Field::new("value", value.ty.clone(), value.nullable)))
}

fn of_map(args: &[Type], result: fn(&Field, &Field) -> SqlType) -> Option<Signature> {
    let [map] = args else { return None };
    let SqlType::Map(k, v) = &map.ty else { return None };
    Some(Signature {
        args: vec![map.ty.clone()],
        result: Type::new(result(k, v), map.nullable),
    })
}

/// What a map holds, as arrays.
fn list(map: &MapArray, values: ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
    let DataType::List(item) = ty.to_arrow() else {
        return Err(Error::bug("an array is not carried by a list"));
    };
    let values = make_array(values.to_data().into_builder().data_type(item.data_type().clone()).build()?);
    Ok(Arc::new(ListArray::try_new(item, map.offsets().clone(), values, map.nulls().cloned())?))
}

/// Keys and values at places of two pools, per row, to maps; the last of equal keys counts.
fn build(keys: &ArrayRef, values: &ArrayRef, rows: Vec<Option<Vec<(u32, u32)>>>, ty: &SqlType) -> Result<ArrayRef> {
    let DataType::Map(entries, _) = ty.to_arrow() else {
        return Err(Error::bug("a map is not carried by a map"));
    };
    let DataType::Struct(fields) = entries.data_type().clone() else {
        return Err(Error::bug("a map's entries are no struct"));
    };
    let comparable = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?.convert_columns(&[Arc::clone(keys)])?;
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let (mut places, mut lengths) = (Vec::new(), Vec::with_capacity(rows.len()));
    for row in rows {
        let mut of_key: HashMap<_, usize> = HashMap::new();
        let mut entries: Vec<(u32, u32)> = Vec::new();
        for (k, v) in row.into_iter().flatten() {
            if keys.is_null(k as usize) {
                return Err(refused("a map's key is NULL"));
            }
            let at = *of_key.entry(comparable.row(k as usize)).or_insert(entries.len());
            if at == entries.len() {
                entries.push((k, v));
            } else {
                entries[at] = (k, v);
            }
        }
        lengths.push(entries.len());
        places.extend(entries);
    }
    let (of_keys, of_values): (Vec<u32>, Vec<u32>) = places.into_iter().unzip();
    let column = |pool: &ArrayRef, places: Vec<u32>, to: &DataType| -> Result<ArrayRef> {
        let taken = take(pool, &UInt32Array::from(places), None)?;
        Ok(make_array(taken.to_data().into_builder().data_type(to.clone()).build()?))
    };
    let columns = vec![column(keys, of_keys, fields[0].data_type())?, column(values, of_values, fields[1].data_type())?];
    let entry = StructArray::try_new(fields, columns, None)?;
    Ok(Arc::new(MapArray::try_new(
        entries,
        OffsetBuffer::from_lengths(lengths),
        entry,
        Some(nulls),
        false,
    )?))
}

/// `MAP[k, v, …]`: keys and values by turns.
pub(super) fn of_pairs(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let SqlType::Map(key, value) = ty else {
        return Err(Error::bug("MAP gives no map"));
    };
    let side = |first: usize, of: &Field| -> Result<ArrayRef> {
        if args.is_empty() {
            return Ok(new_empty_array(&of.ty.to_arrow()));
        }
        let columns: Vec<&dyn Array> = args.iter().skip(first).step_by(2).map(AsRef::as_ref).collect();
        Ok(concat(&columns)?)
    };
    let pairs = args.len() / 2;
    let entries = (0..rows).map(|row| Some((0..pairs).map(|p| ((p * rows + row) as u32, (p * rows + row) as u32)).collect()));
    build(&side(0, key)?, &side(1, value)?, entries.collect(), ty)
}

fn from_arrays(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let (keys, values) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
    let mut entries = Vec::with_capacity(rows);
    for row in 0..rows {
        if keys.is_null(row) || values.is_null(row) {
            entries.push(None);
            continue;
        }
        let (k, v) = (&keys.value_offsets()[row..], &values.value_offsets()[row..]);
        if k[1] - k[0] != v[1] - v[0] {
            return Err(refused(format!("MAP_FROM_ARRAYS was given {} keys and {} values", k[1] - k[0], v[1] - v[0])));
        }
        entries.push(Some((k[0] as u32..k[1] as u32).zip(v[0] as u32..v[1] as u32).collect()));
    }
    build(keys.values(), values.values(), entries, ty)
}

fn union(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let maps: Vec<&MapArray> = args.iter().map(|a| a.as_map()).collect();
    let joined = |of: fn(&MapArray) -> &ArrayRef| -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = maps.iter().map(|m| of(m).as_ref()).collect();
        Ok(concat(&parts)?)
    };
    let mut entries = Vec::with_capacity(rows);
    for row in 0..rows {
        if maps.iter().any(|m| m.is_null(row)) {
            entries.push(None);
            continue;
        }
        let (mut start, mut places) = (0, Vec::new());
        for m in &maps {
            let (from, to) = (m.value_offsets()[row] as u32, m.value_offsets()[row + 1] as u32);
            places.extend((start + from..start + to).map(|p| (p, p)));
            start += m.keys().len() as u32;
        }
        entries.push(Some(places));
    }
    build(&joined(MapArray::keys)?, &joined(MapArray::values)?, entries, ty)
}
