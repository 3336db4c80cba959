use super::*;
use arrow_array::{Array, ArrayRef, StringViewArray};
use millstream_dataflow::testing::check_aggregate;
use millstream_dataflow::{StateColumn, StateType};

fn column(ty: &str, values: &[&str]) -> (SqlType, ArrayRef) {
    let ty: SqlType = ty.parse().unwrap();
    let texts: ArrayRef = Arc::new(StringViewArray::from(values.iter().map(|v| (*v != "NULL").then_some(*v)).collect::<Vec<_>>()));
    let array = crate::cast(&texts, &SqlType::STRING, &ty, false).unwrap();
    (ty, array)
}

fn fresh(f: &dyn Aggregate) -> Vec<StateColumn> {
    f.state()
        .into_iter()
        .map(|t: StateType| {
            let mut c = StateColumn::new(t);
            c.grow(2);
            c
        })
        .collect()
}

fn shown(f: &dyn Aggregate, state: &[StateColumn]) -> String {
    let out = f.finish(state, 0..1).unwrap();
    assert_eq!(*out.data_type(), f.result().0.to_arrow());
    let text = crate::cast(&out, &f.result().0, &SqlType::STRING, false).unwrap();
    let text = text.as_any().downcast_ref::<StringViewArray>().unwrap();
    if text.is_null(0) { "NULL".into() } else { text.value(0).to_string() }
}

/// The result of a function of one argument, and the laws.
fn check(name: &str, ty: &str, values: &[&str], expected: &str) {
    let f = aggregate(name, &[ty.parse().unwrap()]).unwrap();
    check_aggregate(f.as_ref(), ty, values, expected);
}

#[test]
fn results_are_flinks_and_the_laws_hold() {
    check("count", "INT", &["1", "NULL", "3"], "2");
    check("count", "INT", &[], "0");
    check("sum", "INT", &["1", "NULL", "-3"], "-2");
    check("sum", "INT", &["NULL"], "NULL");
    check("sum", "BIGINT", &["9223372036854775800", "5", "-6"], "9223372036854775799");
    check("sum", "DECIMAL(10, 2)", &["1.10", "2.25"], "3.35");
    check("sum", "DOUBLE", &["1e100", "1.0", "-1e100"], "1.0");
    check("avg", "INT", &["1", "2"], "1");
    check("avg", "INT", &["-1", "-2"], "-1");
    check("avg", "DECIMAL(10, 2)", &["1.00", "2.00", "2.00"], "1.666667");
    check("avg", "DOUBLE", &["1.0", "2.0"], "1.5");
    check("min", "STRING", &["b", "NULL", "a", "c"], "a");
    check("max", "STRING", &["NULL"], "NULL");
    check("max", "DOUBLE", &["1.0", "NaN", "2.0"], "NaN");
    check(
        "min",
        "TIMESTAMP(3)",
        &["2024-01-01 00:00:01", "2024-01-01 00:00:00.5"],
        "2024-01-01 00:00:00.500",
    );
    check("max", "DATE", &["1969-12-31", "1969-12-30"], "1969-12-31");
    check("min", "BOOLEAN", &["true", "false"], "false");
    check("max", "DECIMAL(5, 2)", &["-1.00", "-2.00"], "-1.00");
    check("min", "TINYINT", &["-128", "127"], "-128");
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let (ty, array) = column("INT", &["2147483647", "1"]);
    let f = aggregate("sum", &[ty]).unwrap();
    let mut state = fresh(f.as_ref());
    f.update(&mut state, &[0, 0], &[array], None).unwrap();
    assert_eq!(f.finish(&state, 0..1).unwrap_err().code, Some("E0703"));
}

#[test]
fn filters_leave_rows_out() {
    let (ty, array) = column("INT", &["1", "10", "100"]);
    let f = aggregate("sum", &[ty]).unwrap();
    let mut state = fresh(f.as_ref());
    let filter = arrow_array::BooleanArray::from(vec![Some(true), None, Some(false)]);
    f.update(&mut state, &[0, 0, 0], &[array], Some(&filter)).unwrap();
    assert_eq!(shown(f.as_ref(), &state), "1");
}
