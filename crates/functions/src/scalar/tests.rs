mod odd;

use super::*;
use crate::cast;
use arrow_array::{Array, StringViewArray};
use millstream_dataflow::{Field, text};
use std::sync::Arc;

/// Calls a function on one row of texts cast to types: `("substring", &[("hello", "STRING"), ("0", "INT")])`.
fn call(name: &str, args: &[(&str, &str)]) -> Result<(String, String)> {
    let types: Vec<Type> = args.iter().map(|(_, t)| Type::from(&Field::parse_type("", t).unwrap())).collect();
    let f = function(name).unwrap_or_else(|| panic!("no {name}"));
    let signature = (f.resolve)(&types).unwrap_or_else(|| panic!("{name} does not take {types:?}"));
    let columns: Vec<ArrayRef> = args
        .iter()
        .zip(types.iter().zip(&signature.args))
        .map(|((v, _), (from, to))| {
            let texts: ArrayRef = Arc::new(StringViewArray::from(vec![(*v != "NULL").then_some(*v)]));
            let typed = cast(&texts, &SqlType::STRING, &from.ty, false).unwrap();
            cast(&typed, &from.ty, to, false).unwrap()
        })
        .collect();
    let out = (f.evaluate)(&columns, 1, &signature.result.ty)?;
    assert_eq!(*out.data_type(), signature.result.ty.to_arrow(), "{name}");
    let shown = cast(&out, &signature.result.ty, &SqlType::STRING, false)?;
    let shown = shown.as_any().downcast_ref::<StringViewArray>().unwrap();
    Ok((
        if shown.is_null(0) { "NULL".into() } else { shown.value(0).to_string() },
        signature.result.ty.to_string(),
    ))
}

#[test]
fn results_and_types_are_flinks() {
    for (name, args, value, ty) in [
        ("add", &[("2147483647", "BIGINT"), ("1", "INT")][..], "2147483648", "BIGINT"),
        ("divide", &[("5", "INT"), ("2", "INT")], "2", "INT"),
        (
            "divide",
            &[("1.00", "DECIMAL(10, 2)"), ("3.00", "DECIMAL(10, 2)")],
            "0.3333333333333",
            "DECIMAL(23, 13)",
        ),
        ("multiply", &[("0.908", "DECIMAL(4, 3)"), ("100", "BIGINT")], "90.800", "DECIMAL(24, 3)"),
        ("add", &[("1", "BIGINT"), ("0.5", "DECIMAL(2, 1)")], "1.5", "DECIMAL(21, 1)"),
        ("mod", &[("-7", "INT"), ("3", "INT")], "-1", "INT"),
        ("substring", &[("hello", "STRING"), ("0", "INT"), ("2", "INT")], "he", "STRING"),
        ("substring", &[("hello", "STRING"), ("-3", "INT"), ("2", "INT")], "ll", "STRING"),
        ("concat", &[("x", "STRING"), ("NULL", "STRING")], "NULL", "STRING"),
        ("dayofweek", &[("2024-01-07", "DATE")], "1", "BIGINT"),
        (
            "date_format",
            &[("2024-02-03 04:05:06.789", "TIMESTAMP(3)"), ("yyyy/MM/dd'T'HH:mm:ss.SSS", "STRING")],
            "2024/02/03T04:05:06.789",
            "STRING",
        ),
        ("split_index", &[("a/b/c", "STRING"), ("/", "STRING"), ("1", "INT")], "b", "STRING"),
        (
            "regexp_extract",
            &[("u?x=1&channel_id=apple", "STRING"), ("(&|^)channel_id=([^&]*)", "STRING"), ("2", "INT")],
            "apple",
            "STRING",
        ),
        ("greatest", &[("1", "INT"), ("NULL", "INT")], "NULL", "INT"),
        ("is_not_distinct_from", &[("NULL", "INT"), ("NULL", "INT")], "TRUE", "BOOLEAN"),
        ("and", &[("FALSE", "BOOLEAN"), ("NULL", "BOOLEAN")], "FALSE", "BOOLEAN"),
        ("in", &[("1", "INT"), ("2", "INT"), ("NULL", "INT")], "NULL", "BOOLEAN"),
    ] {
        assert_eq!(call(name, args).unwrap(), (value.to_string(), ty.to_string()), "{name} {args:?}");
    }
}

#[test]
fn overflow_and_division_by_zero_are_errors() {
    for (name, a, b) in [
        ("add", ("2147483647", "INT"), ("1", "INT")),
        ("multiply", ("9223372036854775807", "BIGINT"), ("2", "BIGINT")),
        ("divide", ("1", "INT"), ("0", "INT")),
        ("divide", ("1.0", "DECIMAL(3, 1)"), ("0.0", "DECIMAL(3, 1)")),
        ("add", ("99999999999999999999999999999999999999", "DECIMAL(38, 0)"), ("1", "DECIMAL(38, 0)")),
    ] {
        let e = call(name, &[a, b]).unwrap_err();
        assert_eq!(e.code, Some("E0702"), "{name} {a:?} {b:?}: {e}");
    }
}

#[test]
fn casts_follow_flinks_texts() {
    let cast_text = |v: &str, from: &str, to: &str, safe: bool| -> Result<String> {
        let (from, to): (SqlType, SqlType) = (from.parse().unwrap(), to.parse().unwrap());
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![v]));
        let typed = cast(&texts, &SqlType::STRING, &from, false).unwrap();
        let out = cast(&cast(&typed, &from, &to, safe)?, &to, &SqlType::STRING, false)?;
        let out = out.as_any().downcast_ref::<StringViewArray>().unwrap();
        Ok(if out.is_null(0) { "NULL".into() } else { out.value(0).to_string() })
    };
    for (v, from, to, expected) in [
        ("1e20", "DOUBLE", "STRING", "1.0E20"),
        ("true", "BOOLEAN", "STRING", "TRUE"),
        ("2026-01-01 00:00:00.12", "TIMESTAMP(3)", "STRING", "2026-01-01 00:00:00.120"),
        ("2.55", "DECIMAL(5, 2)", "DECIMAL(10, 1)", "2.6"),
        ("2.55", "DECIMAL(5, 2)", "INT", "2"),
        (" 12 ", "STRING", "INT", "12"),
        ("2024-12-31 10:00:00", "STRING", "DATE", "2024-12-31"),
        ("2024-12-31 10:00:00.999999", "TIMESTAMP(6)", "TIMESTAMP(3)", "2024-12-31 10:00:00.999"),
        ("2024-12-31 10:00:00", "TIMESTAMP(3)", "DATE", "2024-12-31"),
        ("-7", "INT", "DOUBLE", "-7.0"),
        ("abc", "STRING", "CHAR(5)", "abc  "),
    ] {
        assert_eq!(cast_text(v, from, to, false).unwrap(), expected, "{v} {from} -> {to}");
    }
    assert_eq!(cast_text("x1", "STRING", "INT", false).unwrap_err().code, Some("E0702"));
    assert_eq!(cast_text("x1", "STRING", "INT", true).unwrap(), "NULL");
    assert_eq!(cast_text("300", "INT", "TINYINT", false).unwrap_err().code, Some("E0702"));
    assert_eq!(text::java_double(0.1), "0.1");
}

#[test]
fn functions_that_flink_lacks_have_its_types() {
    const TEXT: &str = "STRING";
    for (name, args, value, ty) in [
        ("octet_length", &[("é", "STRING")][..], "2", "INT"),
        ("length", &[("é", "STRING")], "1", "INT"),
        ("nvl", &[("NULL", "INT"), ("2", "INT")], "2", "INT"),
        (
            "multiply",
            &[("0.1", "DECIMAL(38, 38)"), ("0.00000000000000000000000000000000000001", "DECIMAL(38, 38)")],
            "0.0000000000000000000000000000000000000",
            "DECIMAL(38, 37)",
        ),
        ("bit_length", &[("é", "STRING")], "16", "INT"),
        ("strpos", &[("abc", "STRING"), ("c", "STRING")], "3", "INT"),
        ("find_in_set", &[("b", "STRING"), ("a,b", "STRING")], "2", "INT"),
        ("find_in_set", &[("x", "STRING"), ("a,b", "STRING")], "0", "INT"),
        ("levenshtein", &[("kitten", "STRING"), ("sitting", "STRING")], "3", "INT"),
        ("levenshtein", &[("", "STRING"), ("é", "STRING")], "1", "INT"),
        ("split_part", &[("a,b,c", "STRING"), (",", "STRING"), ("2", "INT")], "b", TEXT),
        ("split_part", &[("a,b,c", "STRING"), (",", "STRING"), ("-1", "INT")], "c", TEXT),
        ("split_part", &[("a,b,c", "STRING"), (",", "STRING"), ("9", "INT")], "", TEXT),
        ("substring_index", &[("a.b.c", "STRING"), (".", "STRING"), ("2", "INT")], "a.b", TEXT),
        ("substring_index", &[("a.b.c", "STRING"), (".", "STRING"), ("-1", "INT")], "c", TEXT),
        ("substr_index", &[("a.b.c", "STRING"), (".", "STRING"), ("9", "INT")], "a.b.c", TEXT),
        ("contains", &[("abc", "STRING"), ("b", "STRING")], "TRUE", "BOOLEAN"),
        ("starts_with", &[("abc", "STRING"), ("b", "STRING")], "FALSE", "BOOLEAN"),
        ("ends_with", &[("abc", "STRING"), ("bc", "STRING")], "TRUE", "BOOLEAN"),
        ("regexp_like", &[("abc", "STRING"), ("", "STRING")], "TRUE", "BOOLEAN"),
        ("to_hex", &[("255", "INT")], "ff", TEXT),
        ("factorial", &[("20", "INT")], "2432902008176640000", "BIGINT"),
        ("gcd", &[("-12", "INT"), ("18", "INT")], "6", "BIGINT"),
        ("lcm", &[("4", "INT"), ("6", "INT")], "12", "BIGINT"),
        ("lcm", &[("0", "INT"), ("0", "INT")], "0", "BIGINT"),
        ("cbrt", &[("27", "INT")], "3.0", "DOUBLE"),
        ("asinh", &[("0", "INT")], "0.0", "DOUBLE"),
        ("acosh", &[("1", "INT")], "0.0", "DOUBLE"),
        ("atanh", &[("0", "INT")], "0.0", "DOUBLE"),
        ("pow", &[("2", "INT"), ("3", "INT")], "8.0", "DOUBLE"),
        ("isnan", &[("NaN", "DOUBLE")], "TRUE", "BOOLEAN"),
        ("iszero", &[("0", "INT")], "TRUE", "BOOLEAN"),
        ("nanvl", &[("NaN", "DOUBLE"), ("1", "INT")], "1.0", "DOUBLE"),
        ("trunc", &[("1.79", "DOUBLE")], "1.0", "DOUBLE"),
        (
            "date_trunc",
            &[("week", "STRING"), ("2024-03-03 10:00:00", "TIMESTAMP(3)")],
            "2024-02-26 00:00:00.000",
            "TIMESTAMP(3)",
        ),
        ("date_trunc", &[("MONTH", "STRING"), ("2024-03-03", "DATE")], "2024-03-01", "DATE"),
        ("datediff", &[("2024-03-01", "DATE"), ("2024-02-01", "DATE")], "29", "INT"),
        ("make_date", &[("2024", "INT"), ("2", "INT"), ("29", "INT")], "2024-02-29", "DATE"),
    ] {
        assert_eq!(call(name, args).unwrap(), (value.to_string(), ty.to_string()), "{name} {args:?}");
        let nulls: Vec<(&str, &str)> = args.iter().map(|(_, t)| ("NULL", *t)).collect();
        assert_eq!(call(name, &nulls).unwrap().0, "NULL", "{name} of NULLs");
    }
}

#[test]
fn what_cannot_be_done_is_an_error() {
    for (name, args) in [
        ("repeat", &[("ab", "STRING"), ("2147483647", "INT")][..]),
        ("lpad", &[("a", "STRING"), ("2147483647", "INT"), ("x", "STRING")]),
        ("printf", &[("%99999s", "STRING"), ("x", "STRING")]),
        ("printf", &[("%h", "STRING"), ("x", "STRING")]),
        ("regexp_extract", &[("a", "STRING"), ("(?=a)", "STRING")]),
        ("regexp_count", &[("a", "STRING"), ("(", "STRING")]),
        ("regexp", &[("a", "STRING"), ("a++", "STRING")]),
        ("similar_to", &[("a", "STRING"), ("a!", "STRING"), ("!", "STRING")]),
        ("like_escape", &[("a", "STRING"), ("a", "STRING"), ("!!", "STRING")]),
        ("sha2", &[("a", "STRING"), ("1", "INT")]),
        ("encode", &[("a", "STRING"), ("nope", "STRING")]),
        ("from_base64", &[("!!", "STRING")]),
        ("factorial", &[("21", "INT")]),
        ("factorial", &[("-1", "INT")]),
        ("lcm", &[("9223372036854775807", "BIGINT"), ("2", "INT")]),
        ("gcd", &[("-9223372036854775808", "BIGINT"), ("0", "INT")]),
        ("abs", &[("-9223372036854775808", "BIGINT")]),
        ("round", &[("127", "TINYINT"), ("-1", "INT")]),
        ("split_part", &[("a", "STRING"), (",", "STRING"), ("0", "INT")]),
        ("instr", &[("a", "STRING"), ("a", "STRING"), ("1", "INT"), ("0", "INT")]),
        ("convert_tz", &[("2024-01-01 00:00:00", "STRING"), ("UTC", "STRING"), ("+08:00", "STRING")]),
        (
            "timestampadd",
            &[("YEAR", "STRING"), ("9223372036854775807", "BIGINT"), ("2024-01-01 00:00:00", "TIMESTAMP(3)")],
        ),
        ("timestampadd", &[("MONTH", "STRING"), ("9000000000000", "BIGINT"), ("2024-01-01", "DATE")]),
        (
            "timestampadd",
            &[("DAY", "STRING"), ("200000", "BIGINT"), ("2024-01-01 00:00:00", "TIMESTAMP(9)")],
        ),
        (
            "timestampdiff",
            &[
                ("SECOND", "STRING"),
                ("1900-01-01 00:00:00", "TIMESTAMP(3)"),
                ("2100-01-01 00:00:00", "TIMESTAMP(3)"),
            ],
        ),
        ("to_timestamp_ltz", &[("1e300", "DOUBLE"), ("3", "INT")]),
        ("to_timestamp_ltz", &[("1", "BIGINT"), ("10", "INT")]),
        ("make_date", &[("2023", "INT"), ("2", "INT"), ("29", "INT")]),
        ("date_format", &[("2024-01-01 00:00:00", "TIMESTAMP(3)"), ("VV", "STRING")]),
        ("date_format", &[("2024-01-01 00:00:00", "TIMESTAMP(3)"), ("'open", "STRING")]),
        (
            "json_value",
            &[
                ("{}", "STRING"),
                ("$.a[?(@.b)]", "STRING"),
                ("NULL", "STRING"),
                ("NULL", "STRING"),
                ("NULL", "STRING"),
                ("NULL", "STRING"),
            ],
        ),
        ("json_exists", &[("{}", "STRING"), ("strict $.a", "STRING"), ("ERROR", "STRING")]),
    ] {
        let e = call(name, args).map(|v| panic!("{name} {args:?} gave {v:?}")).unwrap_err();
        assert_eq!(e.code, Some("E0702"), "{name} {args:?}: {e}");
    }
}
