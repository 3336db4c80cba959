//! Functions over values that nobody would give them.

use crate::cast;
use crate::scalar::*;
use arrow_array::{Array, StringViewArray};
use millstream_dataflow::Field;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every function over rows of odd values: an answer or an error, and an answer of the type that was promised.
#[test]
fn no_input_is_too_odd() {
    let texts = [
        "",
        "a",
        "é€𝄞",
        "-1",
        "%s%d%99$s%",
        "[[",
        "\\",
        "2024-02-30 99:99:99",
        "{\"a\":[",
        "$..[",
        "9223372036854775808",
        "NaN",
        "yyyy'",
        "UTC",
    ];
    let of = |ty: &str, values: &[&str]| -> (Type, ArrayRef) {
        let ty = Type::from(&Field::parse_type("", ty).unwrap());
        let column: ArrayRef = Arc::new(StringViewArray::from_iter(values.iter().map(|v| (*v != "NULL").then_some(*v))));
        (ty.clone(), cast(&column, &SqlType::STRING, &ty.ty, false).unwrap())
    };
    let columns = [
        of("STRING", &texts),
        of(
            "INT",
            &["0", "1", "-1", "2147483647", "-2147483648", "NULL", "3", "9", "10", "100", "-9", "7", "8", "5"],
        ),
        of(
            "BIGINT",
            &[
                "0",
                "1",
                "-1",
                "9223372036854775807",
                "-9223372036854775808",
                "NULL",
                "3",
                "9",
                "10",
                "100",
                "-9",
                "7",
                "8",
                "5",
            ],
        ),
        of(
            "DOUBLE",
            &[
                "0",
                "-0",
                "NaN",
                "Infinity",
                "-Infinity",
                "1e308",
                "1e-308",
                "NULL",
                "1",
                "2",
                "3",
                "4",
                "5",
                "6",
            ],
        ),
        of(
            "DECIMAL(38, 2)",
            &[
                "0",
                "0.01",
                "-0.01",
                "999999999999999999999999999999999999.99",
                "-999999999999999999999999999999999999.99",
                "NULL",
                "1",
                "2",
                "3",
                "4",
                "5",
                "6",
                "7",
                "8",
            ],
        ),
        of(
            "BOOLEAN",
            &[
                "true", "false", "NULL", "true", "true", "true", "true", "true", "true", "true", "true", "true", "true", "true",
            ],
        ),
        of("BYTES", &texts),
        of(
            "DATE",
            &[
                "0001-01-01",
                "9999-12-31",
                "1970-01-01",
                "NULL",
                "2024-02-29",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
                "2024-01-01",
            ],
        ),
        of(
            "TIMESTAMP(9)",
            &[
                "1700-01-01 00:00:00",
                "2200-01-01 00:00:00",
                "NULL",
                "1970-01-01 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
                "2024-02-29 00:00:00",
            ],
        ),
        of(
            "TIME(3)",
            &[
                "00:00:00",
                "23:59:59.999",
                "NULL",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
                "12:00:00",
            ],
        ),
    ];
    // Arrays of texts, of numbers, and maps.
    let made = |name: &str, args: &[&(Type, ArrayRef)]| -> (Type, ArrayRef) {
        let f = function(name).unwrap();
        let signature = (f.resolve)(&args.iter().map(|(t, _)| t.clone()).collect::<Vec<_>>()).unwrap();
        let typed: Vec<ArrayRef> = args
            .iter()
            .zip(&signature.args)
            .map(|((t, a), to)| cast(a, &t.ty, to, false).unwrap())
            .collect();
        let out = (f.evaluate)(&typed, texts.len(), &signature.result.ty).unwrap();
        (signature.result, out)
    };
    let nested = [
        made("split", &[&columns[0], &of("STRING", &[""; 14])]),
        made("array", &[&columns[1], &columns[1], &columns[2]]),
        made("str_to_map", &[&columns[0]]),
        made("row", &[&columns[0], &columns[3]]),
    ];
    let columns: Vec<(Type, ArrayRef)> = columns.into_iter().chain(nested).collect();
    // The farthest timestamps there are.
    let far = cast_far();
    let (mut calls, mut panics) = (0, BTreeMap::new());
    for f in functions() {
        for count in 0..=4usize {
            let choices = columns.len() + 1;
            // All pairs and triples of the first, and for more arguments a spread of them.
            let combinations = choices.pow(count as u32);
            let step = combinations / 1500 + 1;
            for n in (0..combinations).step_by(step) {
                let chosen: Vec<&(Type, ArrayRef)> = (0..count)
                    .map(|i| match n / choices.pow(i as u32) % choices {
                        c if c < columns.len() => &columns[c],
                        _ => &far,
                    })
                    .collect();
                let types: Vec<Type> = chosen.iter().map(|(t, _)| t.clone()).collect();
                let Some(signature) = (f.resolve)(&types) else { continue };
                // One row at a time, so that one row's error does not hide the others.
                for shift in 0..texts.len() {
                    let args: Result<Vec<ArrayRef>> = chosen
                        .iter()
                        .enumerate()
                        .zip(&signature.args)
                        .map(|((i, (t, column)), to)| cast(&column.slice((shift * (i + 1) + i) % texts.len(), 1), &t.ty, to, false))
                        .collect();
                    let Ok(args) = args else { continue };
                    calls += 1;
                    let evaluate = std::panic::AssertUnwindSafe(|| (f.evaluate)(&args, 1, &signature.result.ty));
                    let Ok(out) = std::panic::catch_unwind(evaluate) else {
                        panics.insert(f.name, format!("{args:?}"));
                        continue;
                    };
                    if let Ok(out) = out {
                        assert_eq!(out.len(), 1, "{}", f.name);
                        assert!(
                            out.data_type().equals_datatype(&signature.result.ty.to_arrow()),
                            "{} gives {}",
                            f.name,
                            out.data_type()
                        );
                    }
                }
            }
        }
    }
    assert!(panics.is_empty(), "{panics:#?}");
    assert!(calls > 50_000, "{calls}");
}

fn cast_far() -> (Type, ArrayRef) {
    let values: Vec<i64> = (0..14).map(|i| if i % 2 == 0 { i64::MAX - i } else { i64::MIN + i }).collect();
    (
        Type::new(SqlType::Timestamp(3), true),
        Arc::new(arrow_array::TimestampMillisecondArray::from(values)),
    )
}
