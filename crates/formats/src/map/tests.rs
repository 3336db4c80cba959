use super::*;
use arrow_array::Int64Array;
use arrow_array::types::Int64Type;
use arrow_schema::{Field, Fields};

/// Keys and values of maps of so many entries each, as they are kept.
fn kept(lengths: &[usize], keys: Vec<i64>) -> (Vec<i32>, Vec<i64>, Vec<i64>) {
    let fields: Fields = vec![Field::new("key", DataType::Int64, false), Field::new("value", DataType::Int64, true)].into();
    let entries: FieldRef = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let values: Vec<i64> = (0..keys.len() as i64).collect();
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    let map = map_column(&entries, offsets, Arc::new(Int64Array::from(keys)), Arc::new(Int64Array::from(values)), None).unwrap();
    let column = |a: &ArrayRef| a.as_primitive::<Int64Type>().values().to_vec();
    (map.offsets().to_vec(), column(map.keys()), column(map.values()))
}

#[test]
fn the_last_value_of_a_key_counts_at_the_place_of_its_first() {
    let (offsets, keys, values) = kept(&[3, 0, 4], vec![1, 2, 3, 7, 8, 7, 7]);
    assert_eq!(offsets, [0, 3, 3, 5]);
    assert_eq!(keys, [1, 2, 3, 7, 8]);
    assert_eq!(values, [0, 1, 2, 6, 4]);
}

#[test]
fn many_keys_are_looked_through_as_few_are() {
    let mut many: Vec<i64> = (0..100).rev().collect();
    assert_eq!(kept(&[100], many.clone()).0, [0, 100]);
    many.push(50);
    let (offsets, keys, values) = kept(&[101], many);
    assert_eq!(offsets, [0, 100]);
    assert_eq!((keys[49], values[49]), (50, 100));
}
