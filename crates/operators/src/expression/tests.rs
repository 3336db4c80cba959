use super::*;
use crate::tests::{call, int};
use arrow_array::{Int64Array, StringViewArray};
use arrow_schema::{DataType, Field, Schema};

fn batch() -> RecordBatch {
    let schema = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("s", DataType::Utf8View, true)]);
    let a = Int64Array::from(vec![Some(0), Some(2), None, Some(5)]);
    RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(a), Arc::new(StringViewArray::from(vec![Some("x"), None, Some("7"), Some("9")]))],
    )
    .unwrap()
}

fn ten_by_a() -> Expr {
    call("divide", vec![int(10), Expr::Column(0)], SqlType::BigInt)
}

#[test]
fn a_branch_that_is_not_taken_does_not_fail() {
    let positive = call("gt", vec![Expr::Column(0), int(0)], SqlType::Boolean);
    let guarded = call(
        "and",
        vec![positive.clone(), call("gt", vec![ten_by_a(), int(3)], SqlType::Boolean)],
        SqlType::Boolean,
    );
    let mask = Evaluator::new(&guarded).unwrap().mask(&batch()).unwrap();
    assert_eq!(mask.iter().collect::<Vec<_>>(), [Some(false), Some(true), None, Some(false)]);
    let case = Expr::Case {
        when: vec![(positive, ten_by_a())],
        otherwise: Some(Box::new(int(-1))),
        ty: Type::new(SqlType::BigInt, true),
    };
    let out = Evaluator::new(&case).unwrap().evaluate(&batch()).unwrap();
    assert_eq!(out.as_primitive::<arrow_array::types::Int64Type>().values(), &[-1, 5, -1, 2]);
    assert_eq!(Evaluator::new(&ten_by_a()).unwrap().evaluate(&batch()).unwrap_err().code, Some("E0702"));
}

#[test]
fn a_function_of_another_release_is_named() {
    let e = Evaluator::new(&call("frobnicate", vec![], SqlType::Int)).err().unwrap();
    assert!(e.message.contains("frobnicate"));
}
