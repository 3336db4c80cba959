use super::*;
use crate::render::{json_row, json_value};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use millstream_dataflow::testing::{FormatCase, Reading, columns, format_suite};
use millstream_dataflow::{Batch, Field, SqlType};

fn schema(columns: &[(&str, &str)]) -> Schema {
    Schema::new(columns.iter().map(|(n, t)| Field::parse_type(n, t).unwrap()).collect())
}

fn no_options() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// Rows and bad records of some records, as text.
fn decode(schema: &Schema, records: &[&str], options: &BTreeMap<String, String>) -> Vec<String> {
    let mut decoder = JsonDecoder::new(schema, options).unwrap();
    let mut out = Vec::new();
    for record in records {
        match decoder.decode(record.as_bytes()) {
            Err(bad) => out.push(format!("bad {}", bad.reason)),
            Ok(n) => out.extend((0..n).map(|_| String::new())),
        }
    }
    let batch = Batch::new(decoder.finish().unwrap());
    let mut row = 0;
    for line in &mut out {
        if line.is_empty() {
            *line = json_row(&batch, row, schema)
                .replace("{\"kind\":\"+I\",\"row\":", "")
                .trim_end_matches('}')
                .to_string();
            row += 1;
        }
    }
    assert_eq!(row, batch.num_rows());
    out
}

#[test]
fn keys_may_come_in_any_order_and_bad_records_cost_only_themselves() {
    let s = schema(&[("a", "BIGINT"), ("b", "STRING"), ("c", "DOUBLE")]);
    let records = [
        r#"{"a":1,"b":"x","c":0.5}"#,
        r#"{"b":"y","a":2}"#,
        r#"{"a":3,"b":"broken"#,
        r#" { "c" : 1e3 , "extra" : {"a":[1,{"b":null}]}, "b":"\u00e9\n\"", "a":null } "#,
        r#"{"a":"not a number","b":"z"}"#,
        r#"{"a":1.5}"#,
        r#"{"a":1,"a":9,"b":true}"#,
        r#"{"a":1} {"a":2}"#,
        "",
        "7",
        r#"[{"a":10},{"a":11,"b":"q"}]"#,
        "[]",
        r#"{"a":9223372036854775807,"b":{"k":[1, 2]}}"#,
        r#"{"a":9223372036854775808}"#,
        r#"{"a":" 12 ","c":"2.5"}"#,
        r#"{"b":"\ud83d\ude00 \ud800"}"#,
        r#"{"a":01}"#,
        r#"{"a":1,}"#,
    ];
    assert_eq!(
        decode(&s, &records, &no_options()),
        [
            r#"[1,"x",0.5]"#,
            r#"[2,"y",null]"#,
            "bad malformed",
            "[null,\"é\\n\\\"\",1000.0]",
            "bad type",
            "bad type",
            r#"[9,"true",null]"#,
            "bad malformed",
            "bad malformed",
            "bad type",
            "[10,null,null]",
            r#"[11,"q",null]"#,
            r#"[9223372036854775807,"{\"k\":[1, 2]}",null]"#,
            "bad type",
            "[12,null,2.5]",
            "bad malformed",
            "bad malformed",
            "bad malformed",
        ]
    );
}

#[test]
fn ignore_parse_errors_puts_null_in_the_place_of_the_value() {
    let s = schema(&[("a", "INT"), ("r", "ROW<x INT, y ARRAY<INT>>"), ("b", "STRING")]);
    let options = BTreeMap::from([("json.ignore-parse-errors".to_string(), "true".to_string())]);
    let records = [r#"{"a":"x","r":{"x":{},"y":[1,"q",3]},"b":"kept"}"#, r#"{"a":1,"r":5,"b":"kept"}"#, r#"{"a":"#];
    assert_eq!(
        decode(&s, &records, &options),
        [r#"[null,[null,[1,null,3]],"kept"]"#, r#"[1,null,"kept"]"#, "bad malformed"]
    );
}

#[test]
fn missing_fields_follow_nullability_and_option() {
    let strict = schema(&[("a", "INT NOT NULL"), ("b", "INT")]);
    let strict_rows = decode(&strict, &[r#"{"b":1}"#, r#"{"a":1}"#, r#"{"a":null}"#], &no_options());
    assert_eq!(strict_rows, ["bad missing-field", "[1,null]", "bad type"]);
    let elements = schema(&[("a", "ARRAY<INT NOT NULL>")]);
    assert_eq!(decode(&elements, &[r#"{"a":[1,null]}"#, r#"{"a":[1]}"#], &no_options()), ["bad type", "[[1]]"]);
    let options = BTreeMap::from([("json.fail-on-missing-field".to_string(), "true".to_string())]);
    assert_eq!(
        decode(&schema(&[("a", "INT")]), &["{}", r#"{"a":null}"#], &options),
        ["bad missing-field", "[null]"]
    );
}

#[test]
fn deep_nesting_is_refused_without_using_the_stack() {
    let s = schema(&[("a", "STRING"), ("n", "INT")]);
    let deep = |n: usize| format!("{{\"other\":{}1{},\"n\":1}}", "[".repeat(n), "]".repeat(n));
    assert_eq!(
        decode(&s, &[&deep(100), &deep(200), &deep(100_000), &"[".repeat(100_000)], &no_options()),
        ["[null,1]", "bad too-deep", "bad too-deep", "bad type"]
    );
}

#[test]
fn json_keeps_what_a_format_must() {
    let others = [
        ("json.timestamp-format.standard", "ISO-8601"),
        ("json.encode.decimal-as-plain-number", "true"),
        ("json.encode.ignore-null-fields", "true"),
    ];
    for options in [&[][..], &others] {
        let options: BTreeMap<String, String> = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        format_suite(&FormatCase {
            encoder: &|schema| crate::encoder("json", schema, &options),
            reading: Reading::Records {
                decoder: &|all, wanted| crate::decoder("json", all, wanted, &options),
                split: &|bytes| crate::split_records(crate::Lines::Written, bytes, true).0,
                messages: &|schema| crate::record_encoder("json", schema, &options),
            },
            refuses: &|ty| match ty {
                SqlType::IntervalYearMonth | SqlType::IntervalDayTime => true,
                SqlType::Map(key, _) | SqlType::Multiset(key) => !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)),
                _ => false,
            },
            lone_nulls: true,
            name: "a \"name\" é",
        });
    }
}

/// The slow, obvious way: serde_json's tree, then the same rules by hand.
fn reference(record: &[u8], s: &Schema) -> Option<Vec<String>> {
    let value: serde_json::Value = serde_json::from_slice(record).ok()?;
    let fields = value.as_object()?;
    let mut row = Vec::new();
    for f in &s.fields {
        row.push(match (fields.get(&f.name), &f.ty) {
            (None | Some(serde_json::Value::Null), _) => "null".to_string(),
            (Some(serde_json::Value::Number(n)), SqlType::BigInt) => match n.as_i64() {
                Some(whole) => whole.to_string(),
                None => n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| (f as i64).to_string())?,
            },
            (Some(serde_json::Value::String(t)), SqlType::BigInt) => t.trim_ascii().parse::<i64>().ok()?.to_string(),
            (Some(serde_json::Value::String(t)), SqlType::VarChar(_)) => serde_json::to_string(t).ok()?,
            // Other values become their text, which the tree does not keep: only that they are taken is compared.
            (Some(_), SqlType::VarChar(_)) => "?".to_string(),
            _ => return None,
        });
    }
    Some(row)
}

#[test]
fn mutated_records_agree_with_the_reference() {
    let s = schema(&[("auction", "BIGINT"), ("url", "STRING"), ("price", "BIGINT"), ("x", "STRING")]);
    let seeds = [
        r#"{"auction":1007,"bidder":2001,"price":-42,"channel":"Google","url":"https://example.com/a?b=1","extra":"\u00e9\\n","n":{"a":[1,2,{"b":"]"}]}}"#,
        r#"{"url":"short","auction":"12","x":null,"price":0}"#,
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    let mut decoder = JsonDecoder::new(&s, &no_options()).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for round in 0..60_000 {
        let mut record = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..random(4) {
            let at = random(record.len());
            match random(5) {
                0 => record[at] = b"\"\\{}[],:0123456789eE.-+ntfu \x00\x80\xff"[random(31)],
                1 => {
                    record.remove(at);
                }
                2 => record.truncate(at.max(1)),
                3 => record.insert(at, b"\"\\{}[],:019.- "[random(14)]),
                _ => {
                    let from = random(record.len());
                    let piece: Vec<u8> = record[from..(from + random(20)).min(record.len())].to_vec();
                    record.splice(at..at, piece);
                }
            }
            if record.is_empty() {
                record.push(b'{');
            }
        }
        let text = String::from_utf8_lossy(&record).into_owned();
        // An array is several rows, and of equal keys the tree keeps only the last, good or bad: not the reference's matter.
        let twice = s.fields.iter().any(|f| text.matches(&format!("\"{}\"", f.name)).count() > 1);
        if twice || record.trim_ascii_start().first() == Some(&b'[') {
            continue;
        }
        let expected = reference(&record, &s);
        let actual = decoder.decode(&record);
        assert_eq!(actual.is_ok(), expected.is_some(), "{text}\n{actual:?}\n{expected:?}");
        let batch = decoder.finish().unwrap();
        let Some(expected) = expected else {
            refused += 1;
            assert_eq!(batch.num_rows(), 0);
            continue;
        };
        taken += 1;
        for (i, want) in expected.iter().enumerate().filter(|(_, w)| *w != "?") {
            let mut got = String::new();
            json_value(batch.column(i), 0, &s.fields[i], &mut got);
            // Both are JSON texts: compared as values.
            let parse = |t: &str| serde_json::from_str::<serde_json::Value>(t).unwrap();
            assert_eq!(parse(&got), parse(want), "{text}");
        }
        assert!(batch.columns().iter().all(|c| c.len() == 1));
    }
    assert!(taken > 10_000 && refused > 10_000, "{taken} taken, {refused} refused");
}

#[test]
fn a_whole_number_may_be_written_as_another_one() {
    let schema = columns("n BIGINT");
    let mut decoder = JsonDecoder::new(&schema, &BTreeMap::new()).unwrap();
    let numbers = ["1.0", "-3.00", "0.0", "-0.0e5", "1e3", "1.5e3", "1500e-2", "9223372036854775807.0", "0e99999"];
    for number in numbers {
        decoder
            .decode(format!("{{\"n\":{number}}}").as_bytes())
            .unwrap_or_else(|e| panic!("{number}: {}", e.message));
    }
    let read = decoder.finish().unwrap();
    let expected = [1, -3, 0, 0, 1000, 1500, 15, i64::MAX, 0];
    assert_eq!(read.column(0).as_primitive::<arrow_array::types::Int64Type>().values().to_vec(), expected);
    for number in ["1.5", "1e-1", "1e19", "9223372036854775808.0", "1e99999999999999999999", "\"1.0\""] {
        assert!(decoder.decode(format!("{{\"n\":{number}}}").as_bytes()).is_err(), "{number}");
    }
}

#[test]
fn the_value_that_is_wrong_is_found_inside_of_arrays_and_maps() {
    let schema = columns("a ARRAY<ARRAY<INT>>, m MAP<STRING, ROW<x INT, y ARRAY<BOOLEAN>>>");
    let mut decoder = JsonDecoder::new(&schema, &BTreeMap::new()).unwrap();
    for (record, told) in [
        (
            r#"{"a":[[1],[2, "x"]]}"#,
            r#"column "a[2][2]" (INT): no whole number in the type's range: "x", at byte 14"#,
        ),
        (
            r#"{"m":{"k":{"x":1},"l":{"y":[true,7]}}}"#,
            r#"column "m['l'].y[2]" (BOOLEAN): no boolean: 7, at byte 33"#,
        ),
        (
            r#"{"m":{"k":5}}"#,
            r#"column "m['k']" (ROW<`x` INT, `y` ARRAY<BOOLEAN>>): no object: 5, at byte 10"#,
        ),
        (r#"{"a":7}"#, r#"column "a" (ARRAY<ARRAY<INT>>): no array: 7, at byte 5"#),
    ] {
        assert_eq!(decoder.decode(record.as_bytes()).unwrap_err().message, told);
    }
}
