//! Columns of maps. Of a key that stands in a map more than once the last value counts, as in Flink.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int32Array, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_ord::ord::make_comparator;
use arrow_schema::{ArrowError, DataType, FieldRef, SortOptions};
use arrow_select::take::take;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// Keys of a map up to which each is compared with each.
const FEW: usize = 16;

/// A column of maps.
///
/// - `entries`: the field of an entry, a struct of key and value
/// - `offsets`: where the maps begin among the entries, and where the last ends
///
/// # Errors
/// What does not fit the field, and keys that cannot be compared.
pub fn map_column(entries: &FieldRef, offsets: OffsetBuffer<i32>, keys: ArrayRef, values: ArrayRef, nulls: Option<NullBuffer>) -> Result<MapArray, ArrowError> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(ArrowError::SchemaError("a map's entries are no struct".into()));
    };
    let kept = match keys.as_string_view_opt() {
        Some(names) => last_of_each(&offsets, |a, b| names.value(a).cmp(names.value(b))),
        None => last_of_each(&offsets, make_comparator(&keys, &keys, SortOptions::default())?),
    };
    let (offsets, keys, values) = match kept {
        None => (offsets, keys, values),
        Some((offsets, kept)) => (offsets, take(&keys, &kept, None)?, take(&values, &kept, None)?),
    };
    let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, false)
}

/// Where maps begin without keys that come again, and the entries that are kept; none if no key comes again.
fn last_of_each(offsets: &OffsetBuffer<i32>, compare: impl Fn(usize, usize) -> Ordering) -> Option<(OffsetBuffer<i32>, Int32Array)> {
    let maps = || offsets.windows(2).map(|w| w[0] as usize..w[1] as usize);
    let same = |a: usize, b: usize| compare(a, b).is_eq();
    let repeats = |map: Range<usize>| match map.len() {
        0 | 1 => false,
        2..=FEW => map.clone().any(|entry| (entry + 1..map.end).any(|later| same(entry, later))),
        _ => sorted(map, &compare).windows(2).any(|w| same(w[0], w[1])),
    };
    if !maps().any(repeats) {
        return None;
    }
    let (mut begins, mut kept) = (vec![0], Vec::<i32>::new());
    for map in maps() {
        // The place is that of the first, the value that of the last.
        let mut last: Vec<(usize, usize)> = Vec::with_capacity(map.len());
        for entries in sorted(map, &compare).chunk_by(|a, b| same(*a, *b)) {
            last.extend(entries.first().copied().zip(entries.last().copied()));
        }
        last.sort_unstable();
        kept.extend(last.iter().map(|(_, entry)| *entry as i32));
        begins.push(kept.len() as i32);
    }
    Some((OffsetBuffer::new(ScalarBuffer::from(begins)), Int32Array::from(kept)))
}

/// The entries of a map by their keys, those of one key in their order.
fn sorted(map: Range<usize>, compare: impl Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut entries: Vec<usize> = map.collect();
    entries.sort_by(|a, b| compare(*a, *b));
    entries
}

/// A column whose maps, at any depth, have no key twice.
///
/// # Errors
/// As [`map_column`].
pub(crate) fn without_repeats(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match column.data_type() {
        DataType::Map(entries, _) => {
            let map = column.as_map();
            let (keys, values) = (without_repeats(map.keys())?, without_repeats(map.values())?);
            Arc::new(map_column(entries, map.offsets().clone(), keys, values, map.nulls().cloned())?)
        }
        DataType::List(field) => {
            let list = column.as_list::<i32>();
            let values = without_repeats(list.values())?;
            Arc::new(arrow_array::ListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) => {
            let row = column.as_struct();
            let columns = row.columns().iter().map(without_repeats).collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, row.nulls().cloned(), row.len())?)
        }
        _ => Arc::clone(column),
    })
}

#[cfg(test)]
mod tests;
