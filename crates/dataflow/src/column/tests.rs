use super::*;

#[test]
fn a_snapshot_keeps_its_values_and_only_touched_chunks_change_version() {
    let mut column = StateColumn::new(StateType::I64);
    column.grow(CHUNK_IDS * 3);
    let ids = [5, CHUNK_IDS as u32 + 1];
    column.set_from(&ids, &(Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef)).unwrap();
    let snapshot = column.clone();
    let before: Vec<u64> = (0..3).map(|c| column.version(c)).collect();
    *column.i64s().unwrap().writer(&[5]).at(5) = 70;
    let after: Vec<u64> = (0..3).map(|c| column.version(c)).collect();
    assert_eq!(snapshot.to_array(5..6).as_primitive::<Int64Type>().value(0), 7);
    assert_eq!(column.to_array(5..6).as_primitive::<Int64Type>().value(0), 70);
    assert_eq!(after[0], before[0] + 1);
    assert_eq!(after[1..], before[1..]);
}

#[test]
fn every_type_goes_to_arrow_and_back() {
    for (ty, array) in [
        (StateType::I64, Arc::new(Int64Array::from(vec![1, -2])) as ArrayRef),
        (
            StateType::I128,
            Arc::new(Decimal128Array::from(vec![1, -2]).with_data_type(arrow_schema::DataType::Decimal128(38, 0))),
        ),
        (StateType::F64, Arc::new(Float64Array::from(vec![1.5, -0.0]))),
        (StateType::Bytes, Arc::new(BinaryViewArray::from(vec![Some(&b"x"[..]), None]))),
    ] {
        let mut column = StateColumn::new(ty);
        column.grow(2);
        column.set_from(&[0, 1], &array).unwrap();
        assert_eq!(&column.to_array(0..2), &array);
    }
}
