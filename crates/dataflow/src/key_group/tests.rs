use super::*;
use arrow_array::*;
use std::sync::Arc;

#[test]
fn ranges_partition_all_groups() {
    for max in [1, 7, 128, 1000] {
        for parallelism in 1..=max.min(40) {
            let mut next = 0;
            for subtask in 0..parallelism {
                let range = KeyGroupRange::of(subtask, parallelism, max);
                assert_eq!(range.start, next);
                for g in range.start..range.end {
                    assert_eq!(subtask_of(g, parallelism, max), subtask);
                }
                next = range.end;
            }
            assert_eq!(next, max);
        }
    }
}

#[test]
fn hash_is_pinned() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bigint", Arc::new(Int64Array::from(vec![Some(0), Some(1), Some(-1), Some(i64::MAX), None]))),
        ("int", Arc::new(Int32Array::from(vec![Some(0), Some(1), Some(-1), Some(i32::MAX), None]))),
        (
            "string",
            Arc::new(StringViewArray::from(vec![
                Some(""),
                Some("a"),
                Some("home"),
                Some("a longer string, 29 bytes now"),
                None,
            ])),
        ),
        (
            "double",
            Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(1.5), Some(f64::NAN), None])),
        ),
        ("boolean", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None, None]))),
        (
            "decimal",
            Arc::new(Decimal128Array::from(vec![Some(0), Some(1), Some(-1), Some(i128::MAX), None])),
        ),
    ];
    let mut text = String::new();
    let mut groups = Vec::new();
    for (name, column) in &columns {
        assign(std::slice::from_ref(column), 5, 128, &mut groups).unwrap();
        text += &format!("{name} {groups:?}\n");
    }
    let all: Vec<ArrayRef> = columns.iter().map(|c| Arc::clone(&c.1)).collect();
    assign(&all, 5, 128, &mut groups).unwrap();
    text += &format!("all {groups:?}\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("src/key_group/golden.txt", &text).unwrap();
    }
    assert_eq!(text, include_str!("golden.txt"));
}
