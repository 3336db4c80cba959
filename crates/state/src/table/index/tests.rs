use super::*;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};

fn check(types: &[SqlType], keys: &[ArrayRef], expected: &[u32]) {
    let mut index = KeyIndex::new(types).unwrap();
    let (mut ids, mut found) = (vec![9; 3], Vec::new());
    let rows = expected.len();
    index.find(keys, rows, &mut found).unwrap();
    assert_eq!(found, vec![None; rows], "nothing is there yet");
    index.intern(keys, rows, &mut ids).unwrap();
    assert_eq!(ids, expected);
    index.intern(keys, rows, &mut ids).unwrap();
    assert_eq!(ids, expected, "the second time nothing is new");
    index.find(keys, rows, &mut found).unwrap();
    assert_eq!(found, expected.iter().map(|id| Some(*id)).collect::<Vec<_>>());
    let distinct = expected.iter().max().map_or(0, |m| *m as usize + 1);
    assert_eq!(index.len(), distinct);
    // The stored keys are the same keys, in id order.
    let stored = index.keys(0..distinct).unwrap();
    assert_eq!(stored.len(), types.len());
    for (array, ty) in stored.iter().zip(types) {
        assert_eq!(array.data_type(), &ty.to_arrow());
    }
    index.find(&stored, distinct, &mut found).unwrap();
    assert_eq!(found, (0..distinct as u32).map(Some).collect::<Vec<_>>());
    index.clear();
    assert!(index.is_empty());
    index.find(keys, rows, &mut found).unwrap();
    assert_eq!(found, vec![None; rows]);
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}
fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}
fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

#[test]
fn null_is_one_key_and_zero_another() {
    check(
        &[SqlType::BigInt],
        &[ints(&[Some(0), None, Some(-1), None, Some(0), Some(i64::MIN)])],
        &[0, 1, 2, 1, 0, 3],
    );
    check(
        &[SqlType::STRING],
        &[texts(&[Some(""), None, Some("a"), None, Some(""), Some("a longer text than fits a view")])],
        &[0, 1, 2, 1, 0, 3],
    );
    check(&[SqlType::Null], &[Arc::new(NullArray::new(2))], &[0, 0]);
}

#[test]
fn equal_floats_are_one_key_wherever_they_stand() {
    let other_nan = f64::from_bits(f64::NAN.to_bits() | 1 << 63 | 7);
    let column = floats(&[Some(0.0), Some(-0.0), Some(f64::NAN), Some(other_nan), Some(1.5), None]);
    let ids = [0, 0, 1, 1, 2, 3];
    check(&[SqlType::Double], &[Arc::clone(&column)], &ids);
    check(
        &[SqlType::Double, SqlType::Int],
        &[Arc::clone(&column), Arc::new(Int32Array::from(vec![1; 6]))],
        &ids,
    );
    let real = Arc::new(Float32Array::from(vec![0.0, -0.0, f32::NAN, -f32::NAN])) as ArrayRef;
    check(&[SqlType::Float], &[real], &[0, 0, 1, 1]);
    let row = SqlType::Row(vec![millstream_dataflow::Field::new("v", SqlType::Double, true)]);
    let DataType::Struct(fields) = row.to_arrow() else { panic!() };
    check(&[row], &[Arc::new(StructArray::new(fields, vec![Arc::clone(&column)], None))], &ids);
    let list = SqlType::Array(Box::new(millstream_dataflow::Field::new("element", SqlType::Double, true)));
    let DataType::List(field) = list.to_arrow() else { panic!() };
    let lists = ListArray::new(field, OffsetBuffer::from_lengths([1, 1, 1, 1, 1, 1]), column, None);
    check(&[list], &[Arc::new(lists)], &ids);
}

#[test]
fn every_fixed_width_type_comes_back() {
    let nulls = || Some(NullBuffer::from(vec![true, true, false, true]));
    macro_rules! primitive {
        ($sql:expr, $array:ty) => {
            let array = <$array>::new(vec![1, -2, 0, 1].into(), nulls()).with_data_type($sql.to_arrow());
            check(&[$sql], &[Arc::new(array)], &[0, 1, 2, 0]);
        };
    }
    primitive!(SqlType::TinyInt, Int8Array);
    primitive!(SqlType::SmallInt, Int16Array);
    primitive!(SqlType::Int, Int32Array);
    primitive!(SqlType::Date, Date32Array);
    primitive!(SqlType::Time(3), Time32MillisecondArray);
    primitive!(SqlType::Timestamp(3), TimestampMillisecondArray);
    primitive!(SqlType::TimestampLtz(6), TimestampMicrosecondArray);
    primitive!(SqlType::Timestamp(9), TimestampNanosecondArray);
    primitive!(SqlType::IntervalYearMonth, IntervalYearMonthArray);
    primitive!(SqlType::IntervalDayTime, DurationMillisecondArray);
    primitive!(SqlType::Decimal(10, 2), Decimal128Array);
    check(
        &[SqlType::Boolean],
        &[Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None]))],
        &[0, 1, 2, 1],
    );
    check(
        &[SqlType::BYTES],
        &[Arc::new(BinaryViewArray::from(vec![Some(&b"a"[..]), None, Some(b""), Some(b"a")]))],
        &[0, 1, 2, 0],
    );
}

#[test]
fn columns_do_not_run_into_each_other() {
    let keys = [
        texts(&[Some("ab"), Some("a"), None, Some(""), Some("ab")]),
        texts(&[Some("c"), Some("bc"), Some(""), None, Some("c")]),
    ];
    check(&[SqlType::STRING, SqlType::STRING], &keys, &[0, 1, 2, 3, 0]);
    check(&[], &[], &[0, 0, 0]);
    check(&[], &[], &[]);
}

#[test]
fn keys_of_many_chunks_come_in_id_order() {
    let n = 3 * CHUNK_IDS as i64 + 5;
    let values: Vec<Option<i64>> = (0..n).map(|i| (i != CHUNK_IDS as i64 + 1).then_some(i * 1_000_003)).collect();
    let strings: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
    let text = texts(&strings.iter().zip(&values).map(|(s, v)| v.map(|_| s.as_str())).collect::<Vec<_>>());
    for (ty, column) in [(SqlType::BigInt, ints(&values)), (SqlType::STRING, text)] {
        let mut index = KeyIndex::new(&[ty]).unwrap();
        index.intern(&[Arc::clone(&column)], n as usize, &mut Vec::new()).unwrap();
        for range in [0..n as usize, CHUNK_IDS - 1..CHUNK_IDS + 3, 7..7, n as usize..n as usize] {
            let expected = column.slice(range.start, range.len());
            assert_eq!(&index.keys(range).unwrap()[0], &expected);
        }
        assert!(index.keys(0..n as usize + 1).is_err());
        assert!(index.bytes() > n as usize * 8);
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let int = || Box::new(millstream_dataflow::Field::new("x", SqlType::Int, false));
    assert!(KeyIndex::new(&[SqlType::Map(int(), int())]).is_err());
    assert!(KeyIndex::new(&[SqlType::Int, SqlType::Multiset(int())]).is_err());
    let mut index = KeyIndex::new(&[SqlType::BigInt]).unwrap();
    for (keys, rows) in [(vec![texts(&[Some("a")])], 1), (vec![ints(&[Some(1)])], 2), (vec![], 1)] {
        assert!(index.intern(&keys, rows, &mut Vec::new()).is_err());
    }
}
